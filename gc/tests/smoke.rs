//! Whole collections on small graphs, with one worker and with several.

use instar_gc::{Collection, GcConfig, Scope, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, HeapConfig, HeapError, MIB};

fn each_config(test: impl Fn(&mut Scope<'_>)) {
    for config in [
        GcConfig::checking(),
        GcConfig::checking().with_workers(2),
        GcConfig::checking().with_zeal(50),
        GcConfig::checking().with_zeal(50).with_workers(3),
    ] {
        World::new(config).unwrap().attach().scope(&test);
    }
}

fn list<'s>(scope: &mut Scope<'s>, class: ClassIndex, length: i64) -> Handle<'s> {
    let head = scope.handle(scope.nil());
    let mut head = head;
    for value in 0..length {
        let cell = scope.allocate(class, 0).unwrap();
        let number = scope.integer(value).unwrap();
        scope.get(cell).set_slot(0, scope.get(head)).unwrap();
        scope.get(cell).set_slot(1, scope.get(number)).unwrap();
        head = cell;
    }
    head
}

fn check_list(scope: &Scope<'_>, head: Handle<'_>, length: i64) {
    let mut cell = scope.get(head);
    for value in (0..length).rev() {
        assert_eq!(cell.slot(1).unwrap().as_integer(), Some(value));
        cell = cell.slot(0).unwrap();
    }
    assert!(cell.is_nil());
}

#[test]
fn a_list_survives_all_kinds_of_collection() {
    each_config(|scope| {
        let class = scope.define_class(ClassSpec::fixed(2), None).unwrap();
        let head = list(scope, class, 3000);
        for kind in [
            Collection::Young,
            Collection::Young,
            Collection::Full,
            Collection::Young,
            Collection::Compacting,
        ] {
            scope.collect(kind);
            check_list(scope, head, 3000);
        }
    });
}

#[test]
fn large_arrays_keep_young_elements_alive() {
    each_config(|scope| {
        let array_class = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let array = scope.allocate(array_class, 20_000).unwrap();
        for index in (0..20_000).step_by(37) {
            scope.scope(|inner| {
                let element = inner.allocate(cell, 0).unwrap();
                let number = inner.integer(index as i64).unwrap();
                inner.get(element).set_slot(0, inner.get(number)).unwrap();
                inner.get(array).set_slot(index, inner.get(element)).unwrap();
            });
        }
        for kind in [Collection::Young, Collection::Full, Collection::Compacting] {
            scope.collect(kind);
            for index in (0..20_000).step_by(37) {
                let element = scope.get(array).slot(index).unwrap();
                assert_eq!(element.slot(0).unwrap().as_integer(), Some(index as i64));
            }
        }
    });
}

#[test]
fn garbage_is_given_back_and_the_limit_is_a_clean_error() {
    let heap =
        HeapConfig { limit_bytes: 8 * MIB, eden_bytes: MIB, survivor_bytes: MIB, ..HeapConfig::default() };
    for workers in [1, 2] {
        let world = World::new(GcConfig { heap: heap.clone(), ..GcConfig::checking() }.with_workers(workers))
            .unwrap();
        world.attach().scope(|scope| {
            let bytes = scope.define_class(ClassSpec::of(Format::BYTES), None).unwrap();
            let cell = scope.define_class(ClassSpec::fixed(2), None).unwrap();
            for _ in 0..2 {
                // Large objects.
                scope.scope(|inner| {
                    let error = (0..1000)
                        .find_map(|_| inner.allocate(bytes, 100_000).err())
                        .expect("1000 do not fit");
                    assert!(matches!(error, HeapError::OutOfMemory { .. }), "{error}");
                });
                scope.collect(Collection::Full);
                // Small objects.
                scope.scope(|inner| {
                    let mut head = inner.handle(inner.nil());
                    let error = loop {
                        match inner.allocate(cell, 0) {
                            Ok(next) => {
                                inner.get(next).set_slot(0, inner.get(head)).unwrap();
                                head = next;
                            }
                            Err(error) => break error,
                        }
                    };
                    assert!(matches!(error, HeapError::OutOfMemory { .. }), "{error}");
                });
                scope.collect(Collection::Full);
                assert!(scope.mutator().heap().used_bytes() < MIB, "{:?}", scope.mutator().heap());
            }
            assert!(matches!(scope.allocate(bytes, 1 << 45), Err(HeapError::TooLarge { .. })));
            assert!(matches!(scope.allocate(bytes, 1 << 30), Err(HeapError::OutOfMemory { .. })));
        });
    }
}

#[test]
fn weak_references_and_ephemerons() {
    each_config(|scope| {
        let weak = scope.define_class(ClassSpec::of(Format::WEAK), None).unwrap();
        let ephemeron =
            scope.define_class(ClassSpec { format: Format::EPHEMERON, fixed_slots: 2 }, None).unwrap();
        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        for kind in [Collection::Young, Collection::Full, Collection::Compacting] {
            let references = scope.allocate(weak, 2).unwrap();
            let live_key = scope.allocate(cell, 0).unwrap();
            let holders = [scope.allocate(ephemeron, 0).unwrap(), scope.allocate(ephemeron, 0).unwrap()];
            scope.scope(|inner| {
                let dead_key = inner.allocate(cell, 0).unwrap();
                inner.get(references).set_slot(0, inner.get(live_key)).unwrap();
                inner.get(references).set_slot(1, inner.get(dead_key)).unwrap();
                inner.get(holders[0]).set_slot(0, inner.get(live_key)).unwrap();
                // The value of the second leads to its own key, which must not keep it alive.
                inner.get(holders[1]).set_slot(0, inner.get(dead_key)).unwrap();
                inner.get(holders[1]).set_slot(1, inner.get(dead_key)).unwrap();
            });
            scope.collect(kind);
            assert!(scope.get(references).slot(0).unwrap().is_same(scope.get(live_key)));
            let fired = scope.next_finalizable().expect("the second key died");
            assert!(scope.get(fired).is_same(scope.get(holders[1])));
            assert_eq!(scope.get(fired).slot(0).unwrap().class_index(), cell);
            assert!(scope.next_finalizable().is_none());
            // The key was alive through the finalisation queue until now.
            let value = scope.get(references).slot(1).unwrap();
            assert!(value.is_nil() || value.is_same(scope.get(fired).slot(0).unwrap()));
        }
    });
}

#[test]
fn pinned_objects_stay_and_the_rest_closes_up_around_them() {
    each_config(|scope| {
        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let array_class = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let mut pinned = Vec::new();
        let mut movable = Vec::new();
        for round in 0..40 {
            let elements = if round % 10 == 3 { 700 } else { 3 };
            scope.scope(|inner| {
                for _ in 0..97 * round {
                    inner.allocate(cell, 0).unwrap();
                }
            });
            movable.push(scope.allocate(cell, 0).unwrap());
            let object = scope.allocate(array_class, elements).unwrap();
            let number = scope.integer(round).unwrap();
            scope.get(object).set_slot(0, scope.get(movable[round as usize])).unwrap();
            scope.get(movable[round as usize]).set_slot(0, scope.get(number)).unwrap();
            pinned.push((object, scope.pin(object).unwrap()));
        }
        for kind in [Collection::Full, Collection::Compacting, Collection::Young, Collection::Compacting] {
            scope.collect(kind);
            for (round, &(object, address)) in pinned.iter().enumerate() {
                assert_eq!(scope.pin(object), Ok(address));
                let value = scope.get(object).slot(0).unwrap().slot(0).unwrap();
                assert_eq!(value.as_integer(), Some(round as i64));
            }
        }
    });
}
