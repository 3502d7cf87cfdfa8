//! The class table beside the collector: built-in classes, retired indices, changes of class, objects that are born old.

use instar_gc::{Collection, GcConfig, Scope, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, HeapError};

fn each_config(test: impl Fn(&mut Scope<'_>)) {
    for config in [
        GcConfig::checking(),
        GcConfig::checking().with_workers(2),
        GcConfig::checking().with_zeal(1),
        GcConfig::checking().with_zeal(7).with_workers(3),
    ] {
        World::new(config).unwrap().attach().scope(&test);
    }
}

fn cell_with<'s>(scope: &mut Scope<'s>, class: ClassIndex, value: i64) -> Handle<'s> {
    let cell = scope.allocate(class, 0).unwrap();
    let number = scope.integer(value).unwrap();
    scope.get(cell).set_slot(0, scope.get(number)).unwrap();
    cell
}

fn class_value(scope: &Scope<'_>, index: ClassIndex) -> Option<i64> {
    scope.class(index)?.slot(0).unwrap().as_integer()
}

#[test]
fn built_in_classes_live_as_long_as_the_world() {
    each_config(|scope| {
        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        for index in ClassIndex::BUILT_IN {
            assert!(scope.class(index).is_none());
        }
        for round in 0..3 {
            for (number, index) in (round..).zip(ClassIndex::BUILT_IN) {
                // Nothing else refers to the class.
                scope.scope(|inner| {
                    let class = cell_with(inner, cell, number);
                    inner.set_class(index, class).unwrap();
                });
            }
            for kind in [Collection::Young, Collection::Full, Collection::Young, Collection::Compacting] {
                scope.collect(kind);
                for (number, index) in (round..).zip(ClassIndex::BUILT_IN) {
                    assert_eq!(class_value(scope, index), Some(number), "{index:?} after {kind:?}");
                }
            }
        }
        let number = scope.integer(3).unwrap();
        let class = cell_with(scope, cell, 1);
        assert_eq!(scope.set_class(cell, number), Err(HeapError::UnknownClass(cell.get())));
        let entry = ClassIndex::ENTRY;
        assert_eq!(scope.set_class(entry, class), Err(HeapError::UnknownClass(entry.get())));
        assert_eq!(scope.mutator().heap().classes.len(), 1);
    });
}

#[test]
fn redefinitions_do_not_grow_the_class_table() {
    each_config(|scope| {
        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let class = cell_with(scope, cell, 17);
        let first = scope.define_class(ClassSpec::fixed(0), Some(class)).unwrap();
        let kept = scope.allocate(first, 0).unwrap();
        let mut now = first;
        for slots in 1..20 {
            // The given class object gets another index, for instances of another shape.
            let next = scope.define_class(ClassSpec::fixed(slots), Some(class)).unwrap();
            scope.retire_class(now).unwrap();
            now = next;
            scope.scope(|inner| inner.allocate(now, 0).map(drop)).unwrap();
            scope.collect(Collection::Full);
            // The cell's, the one with a live instance, and the new one.
            assert_eq!(scope.mutator().heap().classes.len(), 3);
            assert!(scope.class(first).unwrap().is_same(scope.get(class)));
        }
        assert_eq!(class_value(scope, now), Some(17));
        // A retired index is good as long as it has instances, and gone with the last one.
        assert_eq!(scope.get(kept).class_index(), first);
        assert!(scope.allocate(first, 0).is_ok());
        scope.change_class(kept, cell).unwrap_err();
        let nil = scope.handle(scope.nil());
        assert_eq!(scope.change_class(nil, cell), Err(HeapError::UnknownClass(ClassIndex::UNDEFINED.get())));
        assert_eq!(scope.retire_class(ClassIndex::UNDEFINED).unwrap_err(), HeapError::UnknownClass(11));
    });
}

#[test]
fn a_retired_index_is_given_back_with_its_last_instance() {
    each_config(|scope| {
        let first = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let second = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let object = cell_with(scope, first, 5);
        scope.retire_class(first).unwrap();
        scope.collect(Collection::Full);
        assert_eq!(scope.get(object).class_index(), first);
        let epoch = scope.mutator().world().full_epoch();
        scope.change_class(object, second).unwrap();
        assert_eq!(scope.get(object).class_index(), second);
        scope.collect(Collection::Full);
        assert!(scope.mutator().world().full_epoch() > epoch);
        assert_eq!(scope.allocate(first, 0).unwrap_err(), HeapError::UnknownClass(first.get()));
        assert_eq!(scope.retire_class(first).unwrap_err(), HeapError::UnknownClass(first.get()));
        assert_eq!(scope.define_class(ClassSpec::fixed(4), None).unwrap(), first);
        assert_eq!(scope.get(object).slot(0).unwrap().as_integer(), Some(5));
    });
}

#[test]
fn an_index_stays_while_its_first_instance_is_allocated() {
    // With zeal at each allocation, one in four collections is a full one.
    for skipped in 0..4 {
        let mut mutator = World::new(GcConfig::checking().with_zeal(1)).unwrap().attach();
        mutator.scope(|scope| {
            let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
            for _ in 0..skipped {
                scope.allocate(cell, 0).unwrap();
            }
            // Retired, so that neither a class object nor an instance keeps it.
            let retired = scope.define_class(ClassSpec::fixed(2), None).unwrap();
            scope.retire_class(retired).unwrap();
            let instance = scope.allocate(retired, 0).unwrap();
            scope.collect(Collection::Full);
            assert_eq!(scope.get(instance).class_index(), retired);
            assert_eq!(scope.mutator().heap().classes.len(), 2);
        });
    }
}

#[test]
fn every_full_collection_is_told() {
    let config = GcConfig { first_full_bytes: 1 << 20, ..GcConfig::checking() };
    let mut mutator = World::new(config).unwrap().attach();
    mutator.scope(|scope| {
        let epoch = |scope: &mut Scope<'_>| scope.mutator().world().full_epoch();
        assert_eq!(epoch(scope), 0);
        scope.collect(Collection::Young);
        assert_eq!(epoch(scope), 0);
        scope.collect(Collection::Full);
        scope.collect(Collection::Compacting);
        assert_eq!(epoch(scope), 2);
        // Those too that come because the old generation has grown.
        let bytes = scope.define_class(ClassSpec::of(Format::BYTES), None).unwrap();
        let mut kept = Vec::new();
        while kept.len() < 40 && epoch(scope) < 4 {
            kept.push(scope.allocate(bytes, 100_000).unwrap());
        }
        assert_eq!(epoch(scope), 4);
        let stats = scope.mutator().world().stats();
        assert_eq!(stats.full_collections, 4);
    });
}

#[test]
fn objects_that_are_born_old() {
    each_config(|scope| {
        let cell = scope.define_class(ClassSpec::fixed(1), None).unwrap();
        let array = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let bytes = scope.define_class(ClassSpec::of(Format::BYTES), None).unwrap();
        let mut kept = Vec::new();
        for round in 0..200 {
            let elements = if round % 50 == 7 { 9000 } else { 1 + round % 300 };
            let object = scope.allocate_old(array, elements).unwrap();
            let address = scope.get(object).oop().address();
            assert!(!scope.mutator().heap().is_young(address));
            assert!(scope.get(object).slot(elements - 1).unwrap().is_nil());
            // A young value in an old object: remembered.
            let value = scope.scope(|inner| {
                let value = cell_with(inner, cell, round as i64);
                inner.get(object).set_slot(elements - 1, inner.get(value)).unwrap();
                inner.allocate_old(bytes, round).map(drop)
            });
            value.unwrap();
            kept.push((object, elements));
            if round % 60 == 0 {
                scope.collect(Collection::Young);
                scope.collect(Collection::Full);
            }
        }
        for (round, &(object, elements)) in kept.iter().enumerate() {
            let value = scope.get(object).slot(elements - 1).unwrap().slot(0).unwrap();
            assert_eq!(value.as_integer(), Some(round as i64));
        }
        let mut found = 0;
        scope.stop_world().for_each_instance(array, |_| found += 1);
        assert!(found >= kept.len());
        assert!(matches!(scope.allocate_old(array, 100 << 20), Err(HeapError::OutOfMemory { .. })));
        assert!(matches!(scope.allocate_old(cell, 1), Err(HeapError::NotIndexable { .. })));
    });
}
