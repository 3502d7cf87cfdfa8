//! When a full collection is due.

use instar_gc::{Collection, GcConfig, Scope, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, HeapConfig, MIB};

/// Slots of an array of 80 KB, which is born old.
const SLOTS: usize = 10_000;
const BYTES: usize = SLOTS * 8;
const MANY: usize = 100;

/// A heap in which as many arrays are alive as `MANY` says, after a full collection.
fn with_arrays(test: impl FnOnce(&mut Scope<'_>, ClassIndex, Handle<'_>)) {
    let heap = HeapConfig::with_limit(256 * MIB);
    let world = World::new(GcConfig { heap, first_full_bytes: MIB, ..GcConfig::default() }).unwrap();
    world.attach().scope(|scope| {
        let arrays = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let all = scope.allocate(arrays, MANY).unwrap();
        replace(scope, arrays, all, MANY);
        scope.collect(Collection::Full);
        test(scope, arrays, all);
    });
}

/// Puts new arrays into the places of the first ones.
fn replace(scope: &mut Scope<'_>, arrays: ClassIndex, all: Handle<'_>, count: usize) {
    for index in 0..count {
        scope.scope(|inner| {
            let array = inner.allocate(arrays, SLOTS).unwrap();
            inner.get(all).set_slot(index, inner.get(array)).unwrap();
        });
    }
}

fn full_collections(scope: &mut Scope<'_>) -> u64 {
    scope.mutator().world().stats().full_collections
}

#[test]
fn what_is_replaced_is_no_growth() {
    with_arrays(|scope, arrays, all| {
        let before = full_collections(scope);
        replace(scope, arrays, all, MANY - 5);
        scope.mutator().world().note_replaced((MANY - 5) * BYTES);
        // Twice what was alive, where growth would end: room for half as much again.
        replace(scope, arrays, all, MANY / 3);
        assert_eq!(full_collections(scope), before);
        replace(scope, arrays, all, MANY / 2);
        assert_eq!(full_collections(scope), before + 1);
    });
}

#[test]
fn growth_ends_where_it_did_when_nothing_is_replaced() {
    with_arrays(|scope, arrays, all| {
        let before = full_collections(scope);
        replace(scope, arrays, all, MANY - 5);
        assert_eq!(full_collections(scope), before);
        replace(scope, arrays, all, MANY / 3);
        assert_eq!(full_collections(scope), before + 1);
    });
}

#[test]
fn replacements_that_follow_each_other_are_collected() {
    with_arrays(|scope, arrays, all| {
        let before = full_collections(scope);
        for _ in 0..10 {
            replace(scope, arrays, all, MANY - 5);
            scope.mutator().world().note_replaced((MANY - 5) * BYTES);
        }
        let collections = full_collections(scope) - before;
        assert!((3..=10).contains(&collections), "{collections}");
        let used = scope.mutator().heap().used_bytes();
        assert!(used < 4 * MANY * BYTES, "{used} bytes for {} that are alive", MANY * BYTES);
    });
}
