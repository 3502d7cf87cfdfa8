//! Weak root cells: after each collection they hold where the referent is now, or nothing if it died.

#![allow(unsafe_code)]

use std::sync::{Arc, Mutex};

use instar_gc::{Collection, GcConfig, Mutator, Ref, RootSet, Scope, World};
use instar_heap::heap::Bounds;
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, Oop};

/// What an interpreter's table of symbols is to the collector.
#[derive(Default)]
struct Table(Vec<Oop>);

impl RootSet for Table {
    fn visit(&mut self, _: &mut dyn FnMut(&mut Oop)) {}

    fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.0.iter_mut().for_each(visitor);
    }

    // The provided form is what the tests of become use.
    fn visit_weak_young(&mut self, young: Bounds, visitor: &mut dyn FnMut(&mut Oop)) {
        self.0.iter_mut().filter(|cell| young.is_young_pointer(**cell)).for_each(visitor);
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Table>>);

impl Shared {
    fn of(mutator: &mut Mutator) -> Shared {
        let shared = Shared::default();
        // SAFETY: the cells hold immediates and references of this world.
        unsafe { mutator.add_roots(Box::new(shared.0.clone())) };
        shared
    }

    fn add(&self, oop: Oop) -> usize {
        let mut table = self.0.lock().unwrap();
        table.0.push(oop);
        table.0.len() - 1
    }

    fn get(&self, index: usize) -> Oop {
        self.0.lock().unwrap().0[index]
    }

    #[track_caller]
    fn expect(&self, index: usize, referent: Ref<'_>) {
        assert_eq!(self.get(index), referent.oop());
    }

    #[track_caller]
    fn expect_dead(&self, index: usize) {
        assert_eq!(self.get(index), Oop::NULL);
    }
}

const KINDS: [Collection; 3] = [Collection::Young, Collection::Full, Collection::Compacting];

fn each_config(test: impl Fn(&mut Scope<'_>, &Shared, ClassIndex)) {
    for workers in [1, 2] {
        for zeal in [None, Some(50)] {
            let config = GcConfig::checking().with_workers(workers);
            let config = if let Some(interval) = zeal { config.with_zeal(interval) } else { config };
            let mut mutator = World::new(config).unwrap().attach();
            let table = Shared::of(&mut mutator);
            mutator.scope(|scope| {
                let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
                test(scope, &table, cell);
            });
        }
    }
}

/// An object that only the weak cell knows.
fn dying(scope: &mut Scope<'_>, table: &Shared, class: ClassIndex, age: Option<Collection>) -> usize {
    scope.scope(|inner| {
        let object = inner.allocate(class, 0).unwrap();
        let index = table.add(inner.get(object).oop());
        if let Some(kind) = age {
            inner.collect(kind);
            table.expect(index, inner.get(object));
        }
        index
    })
}

#[test]
fn young_referents_are_followed_or_forgotten() {
    each_config(|scope, table, cell| {
        for kind in KINDS {
            let kept = scope.allocate(cell, 0).unwrap();
            let strong = table.add(scope.get(kept).oop());
            // In eden, and among the survivors.
            let fresh = dying(scope, table, cell, None);
            let survivor = dying(scope, table, cell, Some(Collection::Young));
            scope.collect(kind);
            table.expect(strong, scope.get(kept));
            table.expect_dead(fresh);
            table.expect_dead(survivor);
            // And on into the old generation.
            for _ in 0..6 {
                scope.collect(Collection::Young);
                table.expect(strong, scope.get(kept));
            }
        }
    });
}

#[test]
fn old_referents_die_in_full_collections() {
    each_config(|scope, table, cell| {
        // A world without zeal: no collection comes but those that are asked for.
        let has_zeal = scope.mutator().world().config().zeal.is_some();
        for full in [Collection::Full, Collection::Compacting] {
            // One that moves down as those before it die.
            let _hole = dying(scope, table, cell, Some(Collection::Full));
            let kept = scope.allocate(cell, 0).unwrap();
            let strong = table.add(scope.get(kept).oop());
            let dead = dying(scope, table, cell, Some(Collection::Full));
            let before = table.get(dead);
            for _ in 0..3 {
                scope.collect(Collection::Young);
                table.expect(strong, scope.get(kept));
                assert!(has_zeal || table.get(dead) == before, "an old referent stays");
            }
            scope.collect(full);
            table.expect(strong, scope.get(kept));
            table.expect_dead(dead);
        }
    });
}

#[test]
fn immediates_nil_and_empty_cells_stay() {
    each_config(|scope, table, _| {
        let number = Oop::small_integer(-5).unwrap();
        let nil = scope.nil().oop();
        let cells = [number, Oop::NULL, nil, Oop::character('x')].map(|oop| (table.add(oop), oop));
        for kind in KINDS {
            scope.collect(kind);
            for (index, oop) in cells {
                assert_eq!(table.get(index), oop);
            }
        }
    });
}

#[test]
fn what_an_ephemeron_keeps_is_alive() {
    each_config(|scope, table, cell| {
        let spec = ClassSpec { format: Format::EPHEMERON, fixed_slots: 2 };
        let ephemeron = scope.define_class(spec, None).unwrap();
        for kind in KINDS {
            let key = scope.allocate(cell, 0).unwrap();
            let holders = [(); 2].map(|()| scope.allocate(ephemeron, 0).unwrap());
            let [value, dead_key] = scope.scope(|inner| {
                let [value, dead_key] = [(); 2].map(|()| inner.allocate(cell, 0).unwrap());
                let set = |inner: &Scope<'_>, object: Handle<'_>, index, value: Handle<'_>| {
                    inner.get(object).set_slot(index, inner.get(value)).unwrap();
                };
                set(inner, holders[0], 0, key);
                set(inner, holders[0], 1, value);
                set(inner, holders[1], 0, dead_key);
                [value, dead_key].map(|handle| table.add(inner.get(handle).oop()))
            });
            scope.collect(kind);
            table.expect(value, scope.get(holders[0]).slot(1).unwrap());
            // The key died, and the finalisation queue keeps it for whoever takes it.
            table.expect(dead_key, scope.get(holders[1]).slot(0).unwrap());
            let fired = scope.next_finalizable().expect("the second key died");
            assert!(scope.get(fired).is_same(scope.get(holders[1])));
            let nil = scope.handle(scope.nil());
            scope.get(fired).set_slot(0, scope.get(nil)).unwrap();
            scope.collect(Collection::Full);
            table.expect_dead(dead_key);
        }
    });
}

#[test]
fn a_dead_object_s_weak_cell_does_not_keep_its_referents() {
    each_config(|scope, table, cell| {
        for kind in KINDS {
            let [holder, held] = scope.scope(|inner| {
                let [holder, held] = [(); 2].map(|()| inner.allocate(cell, 0).unwrap());
                inner.get(holder).set_slot(0, inner.get(held)).unwrap();
                [holder, held].map(|handle| table.add(inner.get(handle).oop()))
            });
            scope.collect(kind);
            table.expect_dead(holder);
            table.expect_dead(held);
        }
    });
}

#[test]
fn what_a_weak_cell_still_knows_can_be_used_again() {
    each_config(|scope, table, cell| {
        let class = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let holder = scope.allocate(class, 1).unwrap();
        // Old and dead, but for a young object that its dead slot refers to.
        let index = scope.scope(|inner| {
            let object = inner.allocate(cell, 0).unwrap();
            inner.collect(Collection::Full);
            let young = inner.allocate(cell, 0).unwrap();
            let number = inner.integer(17).unwrap();
            inner.get(young).set_slot(0, inner.get(number)).unwrap();
            inner.get(object).set_slot(0, inner.get(young)).unwrap();
            table.add(inner.get(object).oop())
        });
        scope.collect(Collection::Young);
        if table.get(index) == Oop::NULL {
            // With zeal a full collection may have been due.
            return;
        }
        scope.scope(|inner| {
            let found = inner.handle_to_weak(table, index);
            inner.get(holder).set_slot(0, inner.get(found)).unwrap();
        });
        scope.collect(Collection::Compacting);
        let found = scope.get(holder).slot(0).unwrap();
        table.expect(index, found);
        assert_eq!(found.slot(0).unwrap().slot(0).unwrap().as_integer(), Some(17));
    });
}

trait WeakHandle<'s> {
    fn handle_to_weak(&self, table: &Shared, index: usize) -> Handle<'s>;
}

impl<'s> WeakHandle<'s> for Scope<'s> {
    fn handle_to_weak(&self, table: &Shared, index: usize) -> Handle<'s> {
        // SAFETY: a weak root cell of this world, not empty, read after the last safepoint.
        unsafe { self.handle_to(table.get(index)) }
    }
}

#[test]
fn cells_of_several_mutators_and_of_one_that_left() {
    for workers in [1, 2] {
        let world = World::new(GcConfig::checking().with_workers(workers)).unwrap();
        let tables: Vec<Shared> = std::thread::scope(|threads| {
            let spawn = |number: i64| {
                let world = &world;
                threads.spawn(move || {
                    let mut mutator = world.attach();
                    let table = Shared::of(&mut mutator);
                    mutator.scope(|scope| {
                        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
                        let mut kept = Vec::new();
                        for round in 0..200 {
                            let object = scope.allocate(cell, 0).unwrap();
                            let value = scope.integer(number * 1000 + round).unwrap();
                            scope.get(object).set_slot(0, scope.get(value)).unwrap();
                            kept.push((object, table.add(scope.get(object).oop())));
                            dying(scope, &table, cell, None);
                            if round % 40 == number {
                                scope.collect(KINDS[round as usize % 3]);
                            }
                            for &(object, index) in &kept {
                                table.expect(index, scope.get(object));
                            }
                        }
                    });
                    table
                })
            };
            let threads: Vec<_> = (0..3).map(spawn).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        // Nobody visits the cells of a mutator that was dropped.
        let before = tables[0].get(0);
        world.attach().collect(Collection::Compacting);
        assert_eq!(tables[0].get(0), before);
    }
}
