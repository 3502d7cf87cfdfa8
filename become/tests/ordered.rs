//! Bulk becomes whose sources ascend in memory, wholly or in segments, and what may be wrong in the middle of them: the
//! outcome must be that of any other order.
//!
//! The pairs are so many that several workers take part, and that strides of pairs are looked at in one go.

use instar_become::{BecomeError, FullScan, HashRule, Lazy, Side, Strategy, become_forward_all};
use instar_gc::{Collection, GcConfig, Scope, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, HeapConfig, MIB};

const PAIRS: usize = 40_000;
/// Somewhere in the middle of a stride, a region and a worker's share.
const MIDDLE: usize = 13_337;

struct Bed<'a, 's> {
    scope: &'a mut Scope<'s>,
    cells: ClassIndex,
    sources: Handle<'s>,
    targets: Handle<'s>,
}

/// Runs the test under each strategy and number of workers, on old cells: source `i` holds `i`, target `i` holds
/// `PAIRS + i`.
fn each(test: impl Fn(&mut Bed<'_, '_>, Become)) {
    for workers in [1, 2] {
        for operation in [become_all::<Lazy> as Become, become_all::<FullScan>] {
            let heap = HeapConfig { eden_bytes: 8 * MIB, ..GcConfig::checking().heap };
            let config = GcConfig { heap, ..GcConfig::checking() }.with_workers(workers);
            World::new(config).unwrap().attach().scope(|scope| {
                let cells = scope.define_class(ClassSpec::fixed(3), None).unwrap();
                let arrays = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
                let [sources, targets] = [0, 1].map(|_| scope.allocate(arrays, PAIRS).unwrap());
                let mut bed = Bed { scope, cells, sources, targets };
                bed.fill(sources, 0);
                // Each array's cells are in address order then, whatever the workers did.
                bed.scope.collect(Collection::Full);
                bed.fill(targets, PAIRS);
                bed.scope.collect(Collection::Full);
                test(&mut bed, operation);
            });
        }
    }
}

type Become = fn(&mut Bed<'_, '_>) -> Result<(), BecomeError>;

fn become_all<S: Strategy>(bed: &mut Bed<'_, '_>) -> Result<(), BecomeError> {
    become_forward_all::<S>(bed.scope, bed.sources, bed.targets, HashRule::Keep).map(drop)
}

impl<'s> Bed<'_, 's> {
    fn fill(&mut self, array: Handle<'_>, first: usize) {
        for index in 0..PAIRS {
            self.scope.scope(|scope| {
                let cell = scope.allocate(self.cells, 0).unwrap();
                let number = scope.integer((first + index) as i64).unwrap();
                scope.get(cell).set_slot(0, scope.get(number)).unwrap();
                scope.get(array).set_slot(index, scope.get(cell)).unwrap();
            });
        }
    }

    /// An array of its own with the same elements: the references that a become must redirect.
    fn holders(&mut self, array: Handle<'_>) -> Handle<'s> {
        let class = self.scope.get(array).class_index();
        let copy = self.scope.allocate(class, PAIRS).unwrap();
        for index in 0..PAIRS {
            self.copy((array, index), (copy, index));
        }
        copy
    }

    fn copy(&self, from: (Handle<'_>, usize), to: (Handle<'_>, usize)) {
        let value = self.scope.get(from.0).slot(from.1).unwrap();
        self.scope.get(to.0).set_slot(to.1, value).unwrap();
    }

    fn exchange_sides(&mut self, index: usize) {
        let (sources, targets) = (self.sources, self.targets);
        self.scope.scope(|scope| {
            let [source, target] =
                [sources, targets].map(|array| scope.handle(scope.get(array).slot(index).unwrap()));
            scope.get(sources).set_slot(index, scope.get(target)).unwrap();
            scope.get(targets).set_slot(index, scope.get(source)).unwrap();
        });
    }

    fn element(&self, array: Handle<'_>, index: usize) -> Handle<'s> {
        self.scope.handle(self.scope.get(array).slot(index).unwrap())
    }

    fn number(&self, array: Handle<'_>, index: usize) -> usize {
        let element = self.scope.get(array).slot(index).unwrap();
        let number = element.as_integer().or_else(|| element.slot(0).unwrap().as_integer());
        number.unwrap() as usize
    }

    /// Every reference in `held` leads to what the targets hold now.
    fn expect_replaced(&self, held: Handle<'_>) {
        for index in 0..PAIRS {
            assert_eq!(self.number(held, index), self.number(self.targets, index), "reference {index}");
        }
    }

    /// The become is refused, and nothing has changed.
    fn expect_refused(&mut self, operation: Become, expected: BecomeError) {
        let held = self.holders(self.sources);
        let before: Vec<usize> = (0..PAIRS).map(|index| self.number(held, index)).collect();
        assert_eq!(operation(self), Err(expected));
        assert!((0..PAIRS).all(|index| self.number(held, index) == before[index]));
        // And nothing was left behind that would refuse the next one.
        self.scope.collect(Collection::Full);
    }
}

#[test]
fn all_are_replaced_in_address_order() {
    each(|bed, operation| {
        let held = bed.holders(bed.sources);
        operation(bed).unwrap();
        bed.expect_replaced(held);
        bed.scope.collect(Collection::Full);
        bed.expect_replaced(held);
    });
}

#[test]
fn all_are_replaced_in_segments_in_the_reverse_order_and_in_none() {
    let orders: [fn(usize) -> usize; 4] = [
        |index| (index + MIDDLE) % PAIRS,
        |index| if index < MIDDLE { index } else { PAIRS + MIDDLE - 1 - index },
        // Two segments that interleave, and many small ones.
        |index| if index < PAIRS / 2 { 2 * index } else { 2 * (index - PAIRS / 2) + 1 },
        |index| (index * 7919) % PAIRS,
    ];
    for order in orders {
        each(|bed, operation| {
            let (old_sources, old_targets) = (bed.holders(bed.sources), bed.holders(bed.targets));
            for index in 0..PAIRS {
                bed.copy((old_sources, order(index)), (bed.sources, index));
                bed.copy((old_targets, order(index)), (bed.targets, index));
            }
            let held = bed.holders(bed.sources);
            operation(bed).unwrap();
            bed.expect_replaced(held);
        });
    }
}

#[test]
fn a_source_that_stands_twice_is_refused() {
    // Next to each other, in one stride, in one region, in two shares.
    for (one, other) in [(63, 64), (64, 65), (MIDDLE, MIDDLE + 2), (MIDDLE, MIDDLE + 300), (5, PAIRS - 1)] {
        each(|bed, operation| {
            bed.copy((bed.sources, one), (bed.sources, other));
            bed.expect_refused(operation, BecomeError::Duplicate { index: other, side: Side::Source });
        });
    }
}

#[test]
fn sources_that_must_stay_are_refused() {
    each(|bed, operation| {
        let cell = bed.element(bed.sources, MIDDLE);
        bed.scope.set_immutable(cell, true).unwrap();
        bed.expect_refused(operation, BecomeError::Immutable { index: MIDDLE, side: Side::Source });
        bed.scope.set_immutable(cell, false).unwrap();
        bed.scope.pin(cell).unwrap();
        bed.expect_refused(operation, BecomeError::Pinned { index: MIDDLE, side: Side::Source });
        bed.scope.unpin(cell).unwrap();
        let held = bed.holders(bed.sources);
        operation(bed).unwrap();
        bed.expect_replaced(held);
    });
}

#[test]
fn arrays_of_pairs_and_immediates_are_refused_as_sources() {
    each(|bed, operation| {
        let kept = bed.element(bed.sources, MIDDLE);
        for array in [bed.sources, bed.targets] {
            bed.scope.get(bed.sources).set_slot(MIDDLE, bed.scope.get(array)).unwrap();
            assert_eq!(operation(bed), Err(BecomeError::PairArray { index: MIDDLE, side: Side::Source }));
        }
        let number = bed.scope.integer(1).unwrap();
        bed.scope.get(bed.sources).set_slot(MIDDLE, bed.scope.get(number)).unwrap();
        assert_eq!(operation(bed), Err(BecomeError::Immediate { index: MIDDLE, side: Side::Source }));
        bed.scope.get(bed.sources).set_slot(MIDDLE, bed.scope.get(kept)).unwrap();
        let held = bed.holders(bed.sources);
        operation(bed).unwrap();
        bed.expect_replaced(held);
    });
}

#[test]
fn immediates_and_young_objects_may_be_targets() {
    each(|bed, operation| {
        let held = bed.holders(bed.sources);
        let number = bed.scope.integer(7).unwrap();
        bed.scope.get(bed.targets).set_slot(MIDDLE, bed.scope.get(number)).unwrap();
        let young = bed.scope.allocate(bed.cells, 0).unwrap();
        bed.scope.get(young).set_slot(0, bed.scope.get(number)).unwrap();
        bed.scope.get(bed.targets).set_slot(MIDDLE + 9, bed.scope.get(young)).unwrap();
        operation(bed).unwrap();
        bed.expect_replaced(held);
        bed.scope.collect(Collection::Young);
        bed.expect_replaced(held);
    });
}

#[test]
fn an_object_may_be_source_and_target() {
    for (pair, source) in [(MIDDLE, 3), (MIDDLE, MIDDLE + 1), (3, PAIRS - 5)] {
        each(|bed, operation| {
            let held = bed.holders(bed.sources);
            bed.copy((bed.sources, source), (bed.targets, pair));
            operation(bed).unwrap();
            bed.expect_replaced(held);
            assert_eq!(bed.number(held, pair), PAIRS + source);
        });
    }
}

#[test]
fn elements_may_be_forwarders() {
    each(|bed, operation| {
        let held = bed.holders(bed.sources);
        operation(bed).unwrap();
        // The targets are replaced in turn: references lead through two forwarders.
        bed.fill(bed.sources, 2 * PAIRS);
        for index in 0..PAIRS {
            bed.exchange_sides(index);
        }
        operation(bed).unwrap();
        bed.expect_replaced(held);
        assert_eq!(bed.number(held, MIDDLE), 2 * PAIRS + MIDDLE);
    });
}
