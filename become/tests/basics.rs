//! Each kind of become on small graphs, under every strategy that shares the heap's plain references.

use instar_become::{
    AlwaysCheck, BecomeError, FullScan, HashRule, Healer, Lazy, Side, Strategy, become_forward,
    become_forward_all, swap, swap_all,
};
use instar_gc::{Collection, GcConfig, Scope, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Handle};

fn each_strategy(test: impl Fn(&mut Scope<'_>, &Operations)) {
    for workers in [1, 2] {
        for operations in [operations::<Lazy>(), operations::<AlwaysCheck>(), operations::<FullScan>()] {
            let world = World::new(GcConfig::checking().with_workers(workers)).unwrap();
            world.attach().scope(|scope| test(scope, &operations));
        }
    }
}

type Pairwise = fn(&mut Scope<'_>, Handle<'_>, Handle<'_>) -> Result<(), BecomeError>;

struct Operations {
    forward: Pairwise,
    forward_with_hash: Pairwise,
    forward_all: Pairwise,
    swap: Pairwise,
    swap_all: Pairwise,
}

fn operations<S: Strategy>() -> Operations {
    Operations {
        forward: |scope, one, other| become_forward::<S>(scope, one, other, HashRule::Keep).map(drop),
        forward_with_hash: |scope, one, other| {
            become_forward::<S>(scope, one, other, HashRule::Take).map(drop)
        },
        forward_all: |scope, ones, others| {
            become_forward_all::<S>(scope, ones, others, HashRule::Keep).map(drop)
        },
        swap: |scope, one, other| swap::<S>(scope, one, other).map(drop),
        swap_all: |scope, ones, others| swap_all::<S>(scope, ones, others).map(drop),
    }
}

fn cell<'s>(scope: &mut Scope<'s>, class: ClassIndex, value: i64) -> Handle<'s> {
    let cell = scope.allocate(class, 0).unwrap();
    let number = scope.integer(value).unwrap();
    scope.get(cell).set_slot(0, scope.get(number)).unwrap();
    cell
}

fn array<'s>(scope: &mut Scope<'s>, class: ClassIndex, elements: &[Handle<'_>]) -> Handle<'s> {
    let array = scope.allocate(class, elements.len()).unwrap();
    for (index, &element) in elements.iter().enumerate() {
        scope.get(array).set_slot(index, scope.get(element)).unwrap();
    }
    array
}

fn value(scope: &Scope<'_>, handle: Handle<'_>) -> i64 {
    scope.get(handle).slot(0).unwrap().as_integer().unwrap()
}

fn classes(scope: &mut Scope<'_>) -> (ClassIndex, ClassIndex) {
    let cell = scope.define_class(ClassSpec::fixed(3), None).unwrap();
    (cell, scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap())
}

#[test]
fn one_way_with_and_without_hash() {
    each_strategy(|scope, operations| {
        let (cells, arrays) = classes(scope);
        for old in [false, true] {
            for with_hash in [false, true] {
                let (a, b) = (cell(scope, cells, 1), cell(scope, cells, 2));
                let holder = array(scope, arrays, &[a, b]);
                let hash_a = scope.get(a).identity_hash();
                let hash_b = scope.get(b).identity_hash();
                if old {
                    scope.collect(Collection::Full);
                }
                let operation = if with_hash { operations.forward_with_hash } else { operations.forward };
                operation(scope, a, b).unwrap();
                for collection in [None, Some(Collection::Young), Some(Collection::Full)] {
                    if let Some(kind) = collection {
                        scope.collect(kind);
                    }
                    assert_eq!(value(scope, a), 2);
                    let held = scope.get(holder).slot(0).unwrap();
                    assert!(held.is_same(scope.get(b)) && held.is_same(scope.get(a)));
                    assert_eq!(scope.get(b).identity_hash(), if with_hash { hash_a } else { hash_b });
                }
            }
        }
    });
}

#[test]
fn bulk_in_order_with_chains_and_rings() {
    each_strategy(|scope, operations| {
        let (cells, arrays) = classes(scope);
        let all: Vec<_> = (0..6).map(|n| cell(scope, cells, n)).collect();
        // 0→1→2, 3→4 and 4→3, 5→5.
        let sources = array(scope, arrays, &[all[0], all[1], all[3], all[4], all[5]]);
        let targets = array(scope, arrays, &[all[1], all[2], all[4], all[3], all[5]]);
        (operations.forward_all)(scope, sources, targets).unwrap();
        scope.collect(Collection::Young);
        let values: Vec<_> = all.iter().map(|&cell| value(scope, cell)).collect();
        assert_eq!(values, [2, 2, 2, 4, 4, 5]);
    });
}

#[test]
fn many_pairs_young_and_old_of_all_ages() {
    each_strategy(|scope, operations| {
        let (cells, arrays) = classes(scope);
        for (old_sources, old_targets) in [(false, false), (true, false), (false, true), (true, true)] {
            let count = 20_000_usize;
            let sources = scope.allocate(arrays, count).unwrap();
            let targets = scope.allocate(arrays, count).unwrap();
            let holder = scope.allocate(arrays, count).unwrap();
            let fill = |scope: &mut Scope<'_>, array: Handle<'_>, sign: i64| {
                for index in 0..count {
                    scope.scope(|inner| {
                        let cell = cell(inner, cells, sign * index as i64);
                        inner.get(array).set_slot(index, inner.get(cell)).unwrap();
                        if sign > 0 {
                            inner.get(holder).set_slot(index, inner.get(cell)).unwrap();
                        }
                    });
                }
            };
            let order = if old_targets && !old_sources {
                [(targets, -1), (sources, 1)]
            } else {
                [(sources, 1), (targets, -1)]
            };
            for (array, sign) in order {
                fill(scope, array, sign);
                if (sign > 0 && old_sources) || (sign < 0 && old_targets) {
                    scope.collect(Collection::Full);
                }
            }
            (operations.forward_all)(scope, sources, targets).unwrap();
            for kind in [None, Some(Collection::Young), Some(Collection::Full)] {
                if let Some(kind) = kind {
                    scope.collect(kind);
                }
                for index in 0..count {
                    let held = scope.get(holder).slot(index).unwrap();
                    assert_eq!(held.slot(0).unwrap().as_integer(), Some(-(index as i64)));
                }
            }
        }
    });
}

#[test]
fn swaps_of_equal_and_different_sizes_keep_hashes_with_the_reference() {
    each_strategy(|scope, operations| {
        let (cells, arrays) = classes(scope);
        for old in [false, true] {
            let a = cell(scope, cells, 1);
            let b = cell(scope, cells, 2);
            let big = array(scope, arrays, &[a, b, a, b, a]);
            let hashes = [a, b, big].map(|object| scope.get(object).identity_hash());
            if old {
                scope.collect(Collection::Full);
            }
            (operations.swap)(scope, a, b).unwrap();
            assert_eq!((value(scope, a), value(scope, b)), (2, 1));
            (operations.swap)(scope, a, big).unwrap();
            scope.collect(Collection::Young);
            assert_eq!(value(scope, big), 2);
            assert_eq!(scope.get(a).slots(), 5);
            // The array's elements referred to a, which is the array now.
            assert!(scope.get(a).slot(0).unwrap().is_same(scope.get(a)));
            assert!(scope.get(a).slot(1).unwrap().is_same(scope.get(b)));
            assert_eq!([a, b, big].map(|object| scope.get(object).identity_hash()), hashes);
            (operations.swap)(scope, a, a).unwrap();
        }
    });
}

#[test]
fn a_permutation_of_swaps() {
    each_strategy(|scope, operations| {
        let (cells, arrays) = classes(scope);
        let mut all: Vec<_> = (0..4).map(|n| cell(scope, cells, n)).collect();
        all[3] = array(scope, arrays, &[all[0], all[1], all[2], all[0], all[1]]);
        let ones = array(scope, arrays, &[all[0], all[1], all[2], all[3]]);
        let others = array(scope, arrays, &[all[1], all[2], all[3], all[0]]);
        (operations.swap_all)(scope, ones, others).unwrap();
        // In order: (0 1) (1 2) (2 3) (3 0).
        let now = |scope: &Scope<'_>| [0, 1, 2, 3].map(|n| scope.get(all[n]).slots());
        assert_eq!(now(scope), [3, 3, 5, 3].map(|n| n));
        scope.collect(Collection::Full);
        assert_eq!(now(scope), [3, 3, 5, 3]);
    });
}

#[test]
fn refusals_name_the_pair_and_change_nothing() {
    each_strategy(|scope, operations| {
        let (cells, arrays) = classes(scope);
        let (a, b, c) = (cell(scope, cells, 1), cell(scope, cells, 2), cell(scope, cells, 3));
        let number = scope.integer(7).unwrap();
        let all = [a, b, c];
        let unchanged = |scope: &Scope<'_>| assert_eq!(all.map(|object| value(scope, object)), [1, 2, 3]);

        let sources = array(scope, arrays, &[a, number]);
        let targets = array(scope, arrays, &[b, c]);
        let error = (operations.forward_all)(scope, sources, targets).unwrap_err();
        assert_eq!(error, BecomeError::Immediate { index: 1, side: Side::Source });
        unchanged(scope);
        let error = (operations.swap_all)(scope, targets, sources).unwrap_err();
        assert_eq!(error, BecomeError::Immediate { index: 1, side: Side::Target });

        let sources = array(scope, arrays, &[a, b, a]);
        let targets = array(scope, arrays, &[c, c, c]);
        let error = (operations.forward_all)(scope, sources, targets).unwrap_err();
        assert_eq!(error, BecomeError::Duplicate { index: 2, side: Side::Source });
        unchanged(scope);

        let short = array(scope, arrays, &[a]);
        let error = (operations.forward_all)(scope, sources, short).unwrap_err();
        assert_eq!(error, BecomeError::Lengths { sources: 3, targets: 1 });

        scope.get(short).set_slot(0, scope.get(short)).unwrap();
        let other = array(scope, arrays, &[a]);
        let error = (operations.forward_all)(scope, short, other).unwrap_err();
        assert_eq!(error, BecomeError::PairArray { index: 0, side: Side::Source });

        scope.set_immutable(b, true).unwrap();
        let error = (operations.forward)(scope, b, a).unwrap_err();
        assert_eq!(error, BecomeError::Immutable { index: 0, side: Side::Source });
        let sources = array(scope, arrays, &[a, b]);
        let targets = array(scope, arrays, &[c, c]);
        let error = (operations.forward_all)(scope, sources, targets).unwrap_err();
        assert_eq!(error, BecomeError::Immutable { index: 1, side: Side::Source });
        unchanged(scope);
        scope.set_immutable(b, false).unwrap();
        scope.pin(b).unwrap();
        let error = (operations.forward_all)(scope, sources, targets).unwrap_err();
        assert_eq!(error, BecomeError::Pinned { index: 1, side: Side::Source });
        unchanged(scope);
        scope.collect(Collection::Full);
        unchanged(scope);
        let nil = scope.handle(scope.nil());
        assert!(matches!((operations.swap)(scope, nil, a), Err(BecomeError::Pinned { .. })));
    });
}

#[test]
fn the_healer_leaves_no_reference_to_a_forwarder() {
    for workers in [1, 2] {
        let world = World::new(GcConfig::checking().with_workers(workers)).unwrap();
        world.attach().scope(|scope| {
            let (cells, arrays) = classes(scope);
            let count = 30_000;
            let [sources, targets, holder] = [(); 3].map(|()| scope.allocate(arrays, count).unwrap());
            for index in 0..count {
                scope.scope(|inner| {
                    let (source, target) = (cell(inner, cells, 1), cell(inner, cells, 2));
                    inner.get(sources).set_slot(index, inner.get(source)).unwrap();
                    inner.get(holder).set_slot(index, inner.get(source)).unwrap();
                    inner.get(targets).set_slot(index, inner.get(target)).unwrap();
                });
            }
            scope.collect(Collection::Full);
            become_forward_all::<Lazy>(scope, sources, targets, HashRule::Keep).unwrap();
            let mut healer = Healer::new();
            let mut healed = 0;
            loop {
                let step = healer.step(&mut scope.stop_world(), 1);
                healed += step.healed;
                if step.is_last {
                    break;
                }
            }
            // The array of sources and the holder.
            assert_eq!(healed, 2 * count as u64);
            for index in 0..count {
                let held = scope.get(holder).slot(index).unwrap();
                assert_eq!(held.oop(), scope.get(targets).slot(index).unwrap().oop());
            }
            scope.collect(Collection::Full);
            assert!(!scope.accessor().heap().forwarders.any());
        });
    }
}
