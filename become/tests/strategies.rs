//! What is particular to a strategy or to several workers: where references are healed, what a heap is left with, and
//! that the number of workers changes nothing.

#![allow(unsafe_code)]

mod common;

use common::{Classes, KINDS, Kind, Machine, Root};
use instar_become::{
    AlwaysCheck, BecomeError, FullScan, HashRule, Lazy, ObjectTable, Side, Strategy, two_way,
};
use instar_gc::{Collection, GcConfig};
use instar_heap::HeaderFlags;

/// Pairs enough for several workers.
const MANY: usize = 17_000;

fn machine<S: Strategy>(workers: usize) -> (Machine<S>, Classes) {
    let mut machine = Machine::<S>::new(GcConfig::checking().with_workers(workers));
    let classes = Classes::new(&mut machine);
    (machine, classes)
}

/// An array of `count` new cells with the values from `first` on.
fn cells<S: Strategy>(machine: &mut Machine<S>, classes: Classes, count: usize, first: i64) -> Root {
    let array = machine.allocate(classes.arrays, count);
    for index in 0..count {
        let roots = machine.roots();
        let number = machine.integer(first + index as i64);
        let cell = machine.object(classes.cells, 0, &[number]);
        machine.store(array, index, machine.oop(cell));
        machine.forget_roots_from(roots);
    }
    array
}

fn copy<S: Strategy>(machine: &mut Machine<S>, classes: Classes, array: Root) -> Root {
    let length = machine.body(array).slots();
    let copy = machine.allocate(classes.arrays, length);
    for index in 0..length {
        machine.store(copy, index, machine.load(array, index));
    }
    copy
}

/// What is healed by accesses, by scavenges and by full collections, and that each leaves what it should.
fn healing<S: Strategy>() {
    for old in [false, true] {
        let (mut machine, classes) = machine::<S>(1);
        let sources = cells(&mut machine, classes, 100, 0);
        let held = copy(&mut machine, classes, sources);
        if old {
            machine.collect(Collection::Full);
        }
        let targets = cells(&mut machine, classes, 100, 1000);
        machine.forward_all(sources, targets, HashRule::Keep).unwrap();
        let heap = machine.heap();
        assert_eq!(heap.forwarders.total(), 100);
        assert_eq!(if old { heap.forwarders.old() } else { heap.forwarders.young() }, 100);
        assert_eq!(machine.forwarders(), 100);
        // By access: each reference once, and the second pass finds nothing.
        for pass in 0..2 {
            for index in 0..40 {
                assert_eq!(machine.value_of(machine.load_element(held, index), 0), 1000 + index as i64);
            }
            assert_eq!(machine.mutator.healed(), 40, "pass {pass}");
        }
        // By the miss of a send, where loads are not checked.
        for _ in 0..2 {
            for index in 40..60 {
                let (seen, body) = (machine.load(held, index), machine.body(held));
                // SAFETY: no safepoint since the references were read.
                let found = unsafe { machine.access().receiver(seen, classes.cells, Some((body, index))) };
                assert!(found.is_some());
            }
            assert_eq!(machine.mutator.healed(), 60);
        }
        // By a scavenge: the references to young forwarders that are left.
        let left = (100 - 60) + 100;
        machine.collect(Collection::Young);
        let healed = machine.mutator.world().stats().healed_references;
        assert_eq!(healed, if old { 0 } else { left });
        assert_eq!(machine.heap().forwarders.total(), if old { 100 } else { 0 });
        // By a full collection: all that are left.
        machine.collect(Collection::Full);
        assert_eq!(machine.mutator.world().stats().healed_references, left);
        assert_eq!((machine.heap().forwarders.total(), machine.forwarders()), (0, 0));
        for index in 0..100 {
            let [one, other] = [held, targets].map(|array| machine.body(array).slot(index));
            assert_eq!(one, other);
        }
        assert_eq!(machine.mutator.healed(), 60);
    }
}

#[test]
fn healing_where_sends_miss() {
    healing::<Lazy>();
}

#[test]
fn healing_where_loads_check() {
    healing::<AlwaysCheck>();
}

#[test]
fn a_full_scan_leaves_no_reference_to_a_forwarder() {
    for workers in [1, 2] {
        for (kind, old) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            let (mut machine, classes) = machine::<FullScan>(workers);
            let sources = cells(&mut machine, classes, 100, 0);
            let held = copy(&mut machine, classes, sources);
            if old {
                machine.collect(Collection::Full);
            }
            let targets = machine.allocate(classes.arrays, 100);
            for index in 0..100 {
                let roots = machine.roots();
                let other = machine.object(classes.arrays, 5, &[machine.integer(-1)]);
                machine.store(targets, index, machine.oop(other));
                machine.forget_roots_from(roots);
            }
            let outcome = machine.become_all(kind, sources, targets).unwrap();
            assert!(outcome.references_replaced >= 200 && outcome.bytes_scanned > 0, "{outcome:?}");
            assert!(!machine.heap().forwarders.any());
            for index in 0..100 {
                assert_eq!(machine.body(held).slot(index), machine.body(sources).slot(index));
                assert_eq!(machine.value_of(machine.body(held).slot(index), 0), -1);
            }
            // What is left in place is dead, and can be walked over and scanned again.
            assert_eq!(machine.forwarders(), if kind == Kind::OneWay { 100 } else { 200 });
            let again = cells(&mut machine, classes, 100, 500);
            machine.forward_all(held, again, HashRule::Keep).unwrap();
            machine.collect(Collection::Young);
            assert_eq!(machine.value_of(machine.load(sources, 7), 0), 507);
            machine.collect(Collection::Full);
            assert_eq!(machine.forwarders(), 0);
        }
    }
}

#[test]
fn a_full_scan_does_not_hide_the_forwarders_of_others() {
    let (mut machine, classes) = machine::<Lazy>(1);
    let pair = cells(&mut machine, classes, 2, 0);
    let [a, b] = [0, 1].map(|index| machine.root(machine.load(pair, index)));
    machine.forward(a, b, HashRule::Keep).unwrap();
    let small = cells(&mut machine, classes, 1, 5);
    let small = machine.root(machine.load(small, 0));
    let large = machine.allocate(classes.arrays, 9);
    machine.in_one_stop(|pause, oop| {
        // SAFETY: the references are read in the stop.
        unsafe { two_way::two_way::<FullScan>(pause, oop(small), oop(large)) }.unwrap();
    });
    assert_eq!(machine.heap().forwarders.total(), 1);
    machine.swap(small, large).unwrap();
    assert_eq!(machine.heap().forwarders.total(), 3);
    machine.load_element(pair, 0);
    assert_eq!(machine.mutator.healed(), 1);
}

#[test]
fn the_last_of_several_hashes_wins() {
    fn check<S: Strategy>() {
        for (workers, count) in [(1, 60), (1, MANY), (2, 8 * MANY)] {
            let (mut machine, classes) = machine::<S>(workers);
            let sources = cells(&mut machine, classes, count, 0);
            let three = cells(&mut machine, classes, 3, -3);
            let targets = machine.allocate(classes.arrays, count);
            let mut expected = [0; 3];
            for index in 0..count {
                // Not all sources have a hash; the three targets take turns in no order.
                let which = index * 7 / 5 % 3;
                machine.store(targets, index, machine.load(three, which));
                // None behind the middle: what the second worker does first counts, and what the first does last does not.
                if index % 4 != 1 && index <= count / 2 + 2 {
                    expected[which] = machine.hash_of(machine.load(sources, index));
                }
            }
            machine.hash_of(machine.load(three, 0));
            // All old, so that nothing needs remembering and all workers take part.
            machine.collect(Collection::Full);
            machine.forward_all(sources, targets, HashRule::Take).unwrap();
            let found = [0, 1, 2].map(|which| machine.hash_of(machine.load(three, which)));
            assert_eq!(found, expected, "{} with {workers}", S::NAME);
        }
    }
    check::<Lazy>();
    check::<FullScan>();
    check::<ObjectTable>();
}

#[test]
fn errors_are_those_of_the_first_pair() {
    fn check<S: Strategy>() {
        for workers in [1, 2] {
            let (mut machine, classes) = machine::<S>(workers);
            let sources = cells(&mut machine, classes, MANY, 0);
            let targets = cells(&mut machine, classes, MANY, -1);
            // The same object in the first and in the last part, and a pinned one between.
            machine.store(sources, MANY - 2, machine.load(sources, 3));
            let before = machine.digest();
            for _ in 0..5 {
                let error = machine.forward_all(sources, targets, HashRule::Keep).unwrap_err();
                assert_eq!(error, BecomeError::Duplicate { index: MANY - 2, side: Side::Source });
            }
            let immutable = machine.root(machine.load(sources, MANY - 10));
            machine.set_flags(immutable, HeaderFlags::IMMUTABLE, true);
            for _ in 0..5 {
                let error = machine.forward_all(sources, targets, HashRule::Keep).unwrap_err();
                assert_eq!(error, BecomeError::Immutable { index: MANY - 10, side: Side::Source });
            }
            machine.forget_roots_from(immutable.0);
            assert!(machine.digest() == before);
            machine.verify();
        }
    }
    check::<Lazy>();
    check::<ObjectTable>();
}

#[test]
fn references_into_another_heap_are_refused() {
    fn check<S: Strategy>() {
        let (mut here, classes) = machine::<S>(1);
        let (mut there, other_classes) = machine::<S>(1);
        let foreign = cells(&mut there, other_classes, 1, 0);
        let foreign = there.load(foreign, 0);
        for count in [3, MANY] {
            let [ones, others] = [0, 1].map(|_| cells(&mut here, classes, count, 0));
            let before = here.digest();
            let at = count - 1;
            for (array, side) in [(ones, Side::Source), (others, Side::Target)] {
                let local = here.load(array, at);
                // Past the write barrier, which knows no other heap.
                here.body(array).set_slot_raw(at, foreign);
                let own = here.root(local);
                let stranger = here.root(here.nil());
                for kind in KINDS {
                    let error = here.become_all(kind, ones, others).unwrap_err();
                    assert_eq!(error, BecomeError::Foreign { index: at, side });
                    here.set(stranger, foreign);
                    let pair = if side == Side::Source { [stranger, own] } else { [own, stranger] };
                    let error = here.become_(kind, pair[0], pair[1]).unwrap_err();
                    assert_eq!(error, BecomeError::Foreign { index: 0, side });
                    here.set(stranger, here.nil());
                }
                here.body(array).set_slot_raw(at, local);
                here.forget_roots_from(own.0);
            }
            assert!(here.digest() == before);
            here.verify();
        }
    }
    check::<Lazy>();
    check::<FullScan>();
    check::<ObjectTable>();
}

#[test]
fn many_overlapping_pairs_with_several_workers() {
    fn digest<S: Strategy>(workers: usize, kind: Kind) -> Vec<u64> {
        let (mut machine, classes) = machine::<S>(workers);
        let sources = cells(&mut machine, classes, MANY, 0);
        machine.collect(Collection::Full);
        let targets = cells(&mut machine, classes, MANY, -1_000_000);
        for index in (0..MANY).step_by(5) {
            let next = machine.load(sources, (index + 1) % MANY);
            machine.store(targets, index, next);
        }
        machine.become_all(kind, sources, targets).unwrap();
        let digest = machine.digest();
        machine.collect(Collection::Full);
        assert!(machine.digest() == digest);
        digest
    }
    for kind in KINDS {
        let expected = digest::<Lazy>(1, kind);
        assert!(digest::<Lazy>(2, kind) == expected);
        assert!(digest::<FullScan>(2, kind) == expected);
        assert!(digest::<ObjectTable>(2, kind) == expected);
    }
}

/// Entries of one body stay linked over collections, wherever they are, and are redirected together.
#[test]
fn rings_of_aliases_survive_collections() {
    let (mut machine, classes) = machine::<ObjectTable>(1);
    let names = cells(&mut machine, classes, 30, 0);
    let mut expected = 0;
    for round in 1..30 {
        // The ring grows by one, then all of it moves on to another body.
        let [first, last] = [0, round].map(|index| machine.root(machine.load(names, index)));
        machine.forward(last, first, HashRule::Keep).unwrap();
        match round % 4 {
            0 => machine.collect(Collection::Full),
            1 | 2 => machine.collect(Collection::Young),
            _ => {
                expected = 1000 + round as i64;
                let fresh = cells(&mut machine, classes, 1, expected);
                let fresh = machine.root(machine.load(fresh, 0));
                machine.forward(last, fresh, HashRule::Keep).unwrap();
            }
        }
        for index in 0..=round {
            let name = machine.load(names, index);
            assert_eq!(machine.value_of(name, 0), expected, "name {index} in round {round}");
            assert!(machine.identical(name, machine.oop(first)));
        }
    }
    // A name that nobody else refers to is as good as another.
    let last = machine.root(machine.load(names, 29));
    machine.set(names, machine.nil());
    machine.collect(Collection::Full);
    let swapped = cells(&mut machine, classes, 1, 7);
    let swapped = machine.root(machine.load(swapped, 0));
    machine.swap(last, swapped).unwrap();
    assert_eq!((machine.value(last), machine.value(swapped)), (7, expected));
}
