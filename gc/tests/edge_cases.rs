//! Places where two mechanisms meet, each with the smallest program that gets there.

#![allow(unsafe_code)]

use std::num::NonZeroU32;

use instar_gc::{Collection, GcConfig, RootSet, Scope, World};
use instar_heap::header::POISON;
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, HeapConfig, HeapError, MIB, Oop};

fn with_config(config: GcConfig, test: impl FnOnce(&mut Scope<'_>)) {
    World::new(config).unwrap().attach().scope(test);
}

fn cell_with<'s>(scope: &mut Scope<'s>, class: ClassIndex, value: i64) -> Handle<'s> {
    let cell = scope.allocate(class, 0).unwrap();
    let number = scope.integer(value).unwrap();
    scope.get(cell).set_slot(0, scope.get(number)).unwrap();
    cell
}

#[test]
fn two_large_arrays_may_share_a_card() {
    with_config(GcConfig::checking(), |scope| {
        let array_class = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let arrays = [300, 301, 302, 303].map(|length| scope.allocate(array_class, length).unwrap());
        scope.collect(Collection::Full);
        for round in 0..2 {
            // Both are remembered. The card in which one ends and the next begins is marked for the latter only.
            for (number, &array) in (0..).zip(&arrays) {
                scope.scope(|inner| {
                    let value = cell_with(inner, cell, number + round);
                    inner.get(array).set_slot(0, inner.get(value)).unwrap();
                });
            }
            scope.collect(Collection::Young);
            for (number, &array) in (0..).zip(&arrays) {
                let value = scope.get(array).slot(0).unwrap();
                assert_eq!(value.slot(0).unwrap().as_integer(), Some(number + round));
            }
        }
    });
}

#[test]
fn a_class_stays_while_an_instance_is_being_allocated() {
    // Zeal collects at each allocation; the fourth collection is a full one, which looks for dead classes.
    for skipped in 0..4 {
        with_config(GcConfig::checking().with_zeal(1), |scope| {
            let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
            for _ in 0..skipped {
                scope.allocate(cell, 0).unwrap();
            }
            let class = scope.scope(|inner| {
                let object = inner.allocate(cell, 0).unwrap();
                inner.define_class(ClassSpec::fixed(2), Some(object)).unwrap()
            });
            let instance = scope.allocate(class, 0).unwrap();
            scope.collect(Collection::Full);
            assert_eq!(scope.get(instance).class_index(), class);
            let others = scope.mutator().heap().classes.len();
            assert_eq!(others, 2);
        });
    }
}

#[test]
fn zeal_keeps_eden_walkable_with_several_mutators() {
    let world = World::new(GcConfig::checking().with_zeal(7)).unwrap();
    let class = world.attach().scope(|scope| scope.define_class(ClassSpec::fixed(3), None).unwrap());
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                world.attach().scope(|scope| {
                    for _ in 0..400 {
                        scope.scope(|inner| inner.allocate(class, 0).map(drop)).unwrap();
                    }
                });
            });
        }
    });
}

#[test]
fn an_ephemeron_behind_another_fires_only_if_its_own_key_died() {
    for workers in [1, 2] {
        with_config(GcConfig::checking().with_workers(workers), |scope| {
            let spec = ClassSpec { format: Format::EPHEMERON, fixed_slots: 2 };
            let ephemeron = scope.define_class(spec, None).unwrap();
            let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
            for kind in [Collection::Young, Collection::Full, Collection::Compacting] {
                // Each is found only when the one before it is decided: one comes, one goes.
                let key = scope.allocate(cell, 0).unwrap();
                let first = scope.allocate(ephemeron, 0).unwrap();
                scope.scope(|inner| {
                    let mut last = inner.handle(inner.get(first));
                    for _ in 0..5 {
                        let next = inner.allocate(ephemeron, 0).unwrap();
                        inner.get(next).set_slot(0, inner.get(key)).unwrap();
                        inner.get(last).set_slot(1, inner.get(next)).unwrap();
                        last = next;
                    }
                });
                scope.collect(kind);
                assert!(scope.next_finalizable().is_none());
            }
        });
    }
}

#[test]
#[should_panic = "same mutator"]
fn a_reference_of_another_world_cannot_become_a_handle() {
    let worlds = [(); 2].map(|()| World::new(GcConfig::checking()).unwrap());
    worlds[0].attach().scope(|here| {
        worlds[1].attach().scope(|there| {
            here.handle(there.nil());
        });
    });
}

#[test]
fn formats_that_no_class_can_have_are_refused() {
    with_config(GcConfig::checking(), |scope| {
        let object_class = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let object = scope.allocate(object_class, 0).unwrap();
        for (format, fixed_slots) in [(Format::FORWARDER, 1), (Format::EPHEMERON, 0), (Format::BYTES, 1)] {
            let error = scope.define_class(ClassSpec { format, fixed_slots }, Some(object)).unwrap_err();
            assert_eq!(error, HeapError::BadClass { format, fixed_slots });
        }
        assert_eq!(scope.mutator().heap().classes.len(), 1);
    });
}

#[test]
fn out_of_memory_changes_nothing_whatever_was_asked_for() {
    let heap = HeapConfig { limit_bytes: 8 * MIB, ..GcConfig::checking().heap };
    for (workers, zeal) in [(1, None), (2, None), (1, NonZeroU32::new(100))] {
        let config = GcConfig { heap: heap.clone(), zeal, ..GcConfig::checking() };
        with_config(config.with_workers(workers), |scope| {
            let array = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
            scope.scope(|inner| fill_up(inner, array));
            scope.allocate(array, 200_000).unwrap();
        });
    }
}

/// Ever smaller objects, until not even the smallest fits.
fn fill_up(scope: &mut Scope<'_>, array: ClassIndex) {
    let mut kept = Vec::new();
    for elements in [200_000, 20_000, 8192, 8000, 1000, 254, 30, 1] {
        let error = loop {
            let number = scope.integer(kept.len() as i64).unwrap();
            match scope.allocate(array, elements) {
                Ok(object) => {
                    scope.get(object).set_slot(0, scope.get(number)).unwrap();
                    kept.push(object);
                }
                Err(error) => break error,
            }
        };
        assert!(matches!(error, HeapError::OutOfMemory { limit, .. } if limit == 8 * MIB), "{error}");
        scope.collect(Collection::Compacting);
        let used = scope.mutator().heap().used_bytes();
        assert!(scope.allocate(array, 300_000).is_err());
        scope.collect(Collection::Compacting);
        assert_eq!(scope.mutator().heap().used_bytes(), used);
        for (number, &object) in (0..).zip(&kept) {
            assert_eq!(scope.get(object).slot(0).unwrap().as_integer(), Some(number));
        }
        assert_eq!(scope.get(kept[0]).slots(), 200_000);
    }
    assert!(scope.allocate(array, 0).is_err());
}

#[test]
fn a_stale_raw_reference_finds_poison() {
    with_config(GcConfig::checking().with_zeal(1_000_000), |scope| {
        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let array = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        // In eden, among the survivors, in a hole of the old generation, above its new end.
        let young = scope.scope(|inner| {
            let dead = inner.allocate(cell, 0).unwrap();
            inner.get(dead).oop().address()
        });
        scope.collect(Collection::Young);
        assert_poisoned(young);
        let survivor = scope.scope(|inner| {
            let dead = inner.allocate(cell, 0).unwrap();
            inner.collect(Collection::Young);
            inner.get(dead).oop().address()
        });
        scope.collect(Collection::Young);
        assert_poisoned(survivor);
        let large = |inner: &mut Scope<'_>| {
            let dead = inner.allocate(array, 20_000).unwrap();
            inner.get(dead).oop().address()
        };
        let hole = scope.scope(large);
        let pinned = scope.allocate(array, 20_000).unwrap();
        scope.pin(pinned).unwrap();
        let above = scope.scope(large);
        scope.collect(Collection::Compacting);
        for address in [hole, above] {
            assert_poisoned(address + 1000);
        }
    });
}

#[test]
#[should_panic = "attach once a thread"]
fn a_second_mutator_on_one_thread_is_refused() {
    let world = World::new(GcConfig::checking()).unwrap();
    let _first = world.attach();
    // It would wait for the first at its first collection.
    world.attach();
}

#[test]
#[should_panic = "end a Pause before attaching"]
fn an_attachment_inside_a_stop_of_the_same_thread_is_refused() {
    let world = World::new(GcConfig::checking()).unwrap();
    let mut mutator = world.attach();
    let _pause = mutator.stop_world();
    world.attach();
}

#[test]
#[should_panic = "from inside Mutator::blocked"]
fn a_mutator_that_outlives_the_wait_it_was_made_in_is_refused() {
    let world = World::new(GcConfig::checking()).unwrap();
    let mut left_behind = None;
    world.attach().blocked(|| left_behind = Some(world.attach()));
}

#[test]
fn one_thread_may_attach_to_several_worlds_and_again_and_while_blocked() {
    let worlds = [(); 2].map(|()| World::new(GcConfig::checking()).unwrap());
    for _ in 0..2 {
        let [mut one, mut other] = [worlds[0].attach(), worlds[1].attach()];
        let _pause = one.stop_world();
        other.collect(Collection::Full);
        other.blocked(|| {
            let mut another = worlds[1].attach();
            another.collect(Collection::Young);
            another.blocked(|| worlds[1].attach().collect(Collection::Full));
            another.collect(Collection::Young);
        });
        other.collect(Collection::Young);
    }
    // A panic inside the wait leaves the mutator running.
    let mut mutator = worlds[0].attach();
    let wait = std::panic::AssertUnwindSafe(|| mutator.blocked(|| panic!("expected by the test")));
    std::panic::catch_unwind(wait).unwrap_err();
    mutator.collect(Collection::Full);
    let second = std::panic::AssertUnwindSafe(|| worlds[0].attach());
    assert!(std::panic::catch_unwind(second).is_err());
    drop(mutator);
    worlds[0].attach().collect(Collection::Full);
}

/// A root set whose owner made a mistake.
struct Careless;

impl RootSet for Careless {
    fn visit(&mut self, _: &mut dyn FnMut(&mut Oop)) {
        panic!("expected by the test");
    }
}

#[test]
fn a_panic_inside_a_collection_ends_the_process() {
    const CHILD: &str = "INSTAR_TEST_PANIC_IN_COLLECTION";
    if std::env::var_os(CHILD).is_some() {
        let mut mutator = World::new(GcConfig::checking()).unwrap().attach();
        // SAFETY: the cells hold immediates and references of this world.
        unsafe { mutator.add_roots(Box::new(Careless)) };
        let collection = std::panic::AssertUnwindSafe(|| mutator.collect(Collection::Young));
        let _ = std::panic::catch_unwind(collection);
        // Going on would be a heap whose collection ended half-way.
        std::process::exit(0);
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_panic_inside_a_collection_ends_the_process", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success() && said.contains("half-way"), "{said}");
}

fn assert_poisoned(address: usize) {
    // SAFETY: heap memory stays mapped; only this thread uses the heap.
    let word = unsafe { (address as *const u64).read_volatile() };
    assert_eq!(word, POISON);
}

/// Objects of all sizes up to those that are born old, so that copy buffers end badly.
#[test]
fn scavenges_of_a_heap_that_is_full_do_not_run_out_of_room() {
    let heap = HeapConfig {
        limit_bytes: 8 * MIB,
        eden_bytes: MIB,
        survivor_bytes: MIB,
        huge_pages: false,
        ..HeapConfig::default()
    };
    for (workers, tenure_age) in [(1, 3), (2, 3), (4, 2)] {
        let config = GcConfig { heap: heap.clone(), tenure_age, verify: true, ..GcConfig::default() };
        with_config(config.with_workers(workers), |scope| {
            let array = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
            let sizes = [2, 900, 5, 1020, 40, 1100, 7000, 3, 2000, 500];
            let mut errors = 0;
            let mut kept = 0;
            scope.scope(|inner| {
                let mut head = inner.handle(inner.nil());
                for round in 0.. {
                    match inner.allocate(array, sizes[round % sizes.len()]) {
                        Ok(next) => {
                            inner.get(next).set_slot(0, inner.get(head)).unwrap();
                            head = next;
                            kept += 1;
                        }
                        Err(error) => {
                            assert!(matches!(error, HeapError::OutOfMemory { .. }), "{error}");
                            errors += 1;
                        }
                    }
                    if errors == 5 {
                        break;
                    }
                    if round % 200 == 0 || errors > 0 {
                        for _ in 0..4 {
                            inner.collect(Collection::Young);
                        }
                    }
                }
                let mut length = 0;
                let mut at = inner.get(head);
                while !at.is_nil() {
                    at = at.slot(0).unwrap();
                    length += 1;
                }
                assert_eq!(length, kept);
            });
            scope.collect(Collection::Full);
            scope.allocate(array, 1000).unwrap();
        });
    }
}
