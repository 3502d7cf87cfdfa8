//! The bugs that other virtual machines had with forwarders and become, item by item of the list in the project's
//! design notes, under every strategy, for both kinds of become, with young and old objects, before and after a
//! scavenge and a full collection. A test's name begins with its item's number.
//!
//! `docs/pitfalls.md` has the list, and says which tests of the interpreter show the rest: what needs frames, methods or processes. Item 18 is in
//! `out_of_memory.rs`, item 9 over random graphs in `equivalence/` as well.

#![allow(unsafe_code)]

mod common;

use common::{Classes, KINDS, Kind, Machine, Root};
use instar_become::{AlwaysCheck, BecomeError, FullScan, HashRule, Lazy, ObjectTable, Side, Strategy};
use instar_gc::{Collection, GcConfig};
use instar_heap::{ClassIndex, ClassSpec, Format, HeaderFlags, Oop};

/// One combination of circumstances.
#[derive(Clone, Copy, Debug)]
struct Situation {
    kind: Kind,
    /// Whether the source and the target are old.
    old: [bool; 2],
    /// What comes between the become and the look.
    after: Option<Collection>,
}

impl Situation {
    fn all() -> impl Iterator<Item = Situation> {
        let afters = [None, Some(Collection::Young), Some(Collection::Full)];
        KINDS.into_iter().flat_map(move |kind| {
            [[false, false], [false, true], [true, false], [true, true]]
                .into_iter()
                .flat_map(move |old| afters.into_iter().map(move |after| Situation { kind, old, after }))
        })
    }

    /// Makes two objects of the wanted ages.
    fn pair<S: Strategy>(
        self,
        machine: &mut Machine<S>,
        mut make: impl FnMut(&mut Machine<S>, usize) -> Root,
    ) -> [Root; 2] {
        let mut pair = [Root(usize::MAX); 2];
        for wanted in [true, false] {
            for which in [0, 1] {
                if self.old[which] == wanted {
                    pair[which] = make(machine, which);
                }
            }
            if wanted {
                machine.collect(Collection::Full);
            }
        }
        pair
    }

    fn settle<S: Strategy>(self, machine: &mut Machine<S>) {
        if let Some(kind) = self.after {
            machine.collect(kind);
        }
    }
}

/// Runs a test under each strategy, with one worker and with two, in each situation.
macro_rules! in_each_situation {
    ($($name:ident;)*) => {$(
        mod $name {
            use super::*;
            fn run<S: Strategy>() {
                for workers in [1, 2] {
                    for situation in Situation::all() {
                        let mut machine = Machine::<S>::new(GcConfig::checking().with_workers(workers));
                        let classes = Classes::new(&mut machine);
                        super::$name(&mut machine, classes, situation);
                    }
                }
            }
            #[test]
            fn lazy() { run::<Lazy>() }
            #[test]
            fn always_check() { run::<AlwaysCheck>() }
            #[test]
            fn full_scan() { run::<FullScan>() }
            #[test]
            fn object_table() { run::<ObjectTable>() }
        }
    )*};
}

in_each_situation! {
    item_01_hashes_stay_with_the_identity;
    item_02_an_origin_that_was_overwritten_is_left_alone;
    item_05_and_06_reflection_answers_for_the_target;
    item_07_identity_through_chains_and_immediates;
    item_08_chains_grown_step_by_step_and_repeated_swaps;
    item_09_itself_and_all_overlaps_of_three;
    item_10_instances_after_redefinitions;
    item_12_healing_remembers;
    item_13_become_and_collect_in_one_stop;
    item_14_weak_slots;
    item_14_ephemerons;
    item_14_weak_roots;
    item_15_class_objects;
    item_15_classes_of_immediates_and_nil;
    item_15_nil_is_refused;
    item_17_flags_and_objects_without_slots;
}

fn cell<S: Strategy>(machine: &mut Machine<S>, classes: Classes, value: i64) -> Root {
    let number = machine.integer(value);
    machine.object(classes.cells, 0, &[number])
}

/// An array too large for the header's slot count, with `value` in its first slot.
fn large<S: Strategy>(machine: &mut Machine<S>, classes: Classes, value: i64) -> Root {
    let number = machine.integer(value);
    machine.object(classes.arrays, 300, &[number])
}

fn item_01_hashes_stay_with_the_identity<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    for make in [cell, large] {
        for rule in [HashRule::Keep, HashRule::Take] {
            let [a, b] = situation.pair(machine, |machine, which| {
                if which == 0 { cell(machine, classes, 1) } else { make(machine, classes, 2) }
            });
            let holder = machine.array(classes.arrays, &[a, b]);
            let before = [a, b].map(|root| machine.hash(root));
            match situation.kind {
                Kind::OneWay => machine.forward(a, b, rule).unwrap(),
                Kind::TwoWay => machine.swap(a, b).unwrap(),
            };
            situation.settle(machine);
            let expected = match (situation.kind, rule) {
                (Kind::TwoWay, _) => before,
                (Kind::OneWay, HashRule::Keep) => [before[1]; 2],
                (Kind::OneWay, HashRule::Take) => [before[0]; 2],
            };
            for (index, root) in [a, b].into_iter().enumerate() {
                assert_eq!(machine.hash(root), expected[index], "{situation:?} {rule:?}");
                assert_eq!(machine.hash_of(machine.load_element(holder, index)), expected[index]);
            }
        }
    }
}

/// `slot foo: (slot := 3)`: the slot that the receiver was read from holds something else by the time of the send.
fn item_02_an_origin_that_was_overwritten_is_left_alone<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    let [a, b] = situation.pair(machine, |machine, which| cell(machine, classes, which as i64));
    let holder = machine.array(classes.arrays, &[a]);
    if situation.old == [true, true] {
        machine.collect(Collection::Full);
    }
    machine.become_(situation.kind, a, b).unwrap();
    situation.settle(machine);
    let body = machine.body(holder);
    let read = machine.load(holder, 0);
    machine.store(holder, 0, machine.integer(3));
    // SAFETY: no safepoint since the references were read.
    let found = unsafe { machine.access().receiver(read, classes.cells, Some((body, 0))) };
    assert_eq!(found.unwrap().slot(0).as_small_integer(), Some(1));
    assert_eq!(machine.value(holder), 3, "a miss overwrote a store: {situation:?}");
}

fn item_05_and_06_reflection_answers_for_the_target<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    let [a, b] = situation.pair(machine, |machine, which| {
        if which == 0 {
            return cell(machine, classes, 1);
        }
        let bytes = machine.allocate(classes.bytes, 11);
        machine.set_bytes(bytes, b"hello world");
        bytes
    });
    let holder = machine.array(classes.arrays, &[a, b]);
    let hash = machine.hash(b);
    machine.become_(situation.kind, a, b).unwrap();
    situation.settle(machine);
    let expected_hash = match situation.kind {
        Kind::OneWay => hash,
        Kind::TwoWay => machine.hash(a),
    };
    // Through Access. Under the lazy strategy, nothing has healed the reference.
    let seen = machine.load(holder, 0);
    // SAFETY: no safepoint since the references were read.
    unsafe {
        let access = machine.access();
        let body = access.body(seen).unwrap();
        assert_eq!(body.byte_length(), 11);
        assert_eq!(body.bytes(), b"hello world");
        assert_eq!(body.header().class_index(), classes.bytes);
        assert!(!body.header().format().has_pointers());
        assert!(access.receiver(seen, classes.cells, None).is_none(), "a negative class test");
        assert_eq!(access.receiver(seen, classes.bytes, None), Some(body));
    }
    assert_eq!(machine.hash_of(seen), expected_hash);
    if !S::HAS_ENTRIES {
        // Through a Ref, which sees entries as objects and therefore is not for the object table.
        machine.with_ref(holder, |holder| {
            let found = holder.slot(0).unwrap();
            assert_eq!((found.slots(), found.bytes()), (0, 11));
            assert_eq!(found.byte(10), Ok(b'd'));
            assert!(found.slot(0).is_err() && found.byte(11).is_err());
            assert_eq!(found.class_index(), classes.bytes);
            assert_eq!(found.identity_hash().unwrap().get(), expected_hash);
            assert!(!found.is_nil() && found.as_integer().is_none());
        });
    }
    if situation.kind == Kind::TwoWay {
        assert_eq!(machine.value_of(machine.load_element(holder, 1), 0), 1);
        assert_eq!(machine.body(b).slots(), 3);
    }
}

fn item_07_identity_through_chains_and_immediates<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    let [a, b] = situation.pair(machine, |machine, which| cell(machine, classes, which as i64));
    let c = large(machine, classes, 2);
    let holder = machine.array(classes.arrays, &[a, b, c]);
    let same = |machine: &Machine<S>, one: usize, other: usize| {
        let body = machine.body(holder);
        let forth = machine.identical(body.slot(one), body.slot(other));
        assert_eq!(forth, machine.identical(body.slot(other), body.slot(one)));
        forth
    };
    machine.become_(situation.kind, a, b).unwrap();
    machine.become_(situation.kind, b, c).unwrap();
    situation.settle(machine);
    let merged = situation.kind == Kind::OneWay;
    assert_eq!((same(machine, 0, 1), same(machine, 1, 2), same(machine, 0, 2)), (merged, merged, merged));
    assert!(same(machine, 0, 0));
    if !merged || S::HAS_ENTRIES {
        return;
    }
    // To an immediate, and the immediate itself on the other side.
    let number = machine.root(machine.integer(42));
    let other = machine.root(machine.integer(43));
    machine.forward(c, number, HashRule::Take).unwrap();
    situation.settle(machine);
    let body = machine.body(holder);
    for slot in 0..3 {
        assert!(machine.identical(body.slot(slot), machine.oop(number)));
        assert!(machine.identical(machine.oop(number), body.slot(slot)));
        assert!(!machine.identical(body.slot(slot), machine.oop(other)));
        assert!(!machine.identical(machine.nil(), body.slot(slot)));
        assert!(machine.body_of(body.slot(slot)).is_none());
        assert!(same(machine, slot, 0));
    }
}

fn item_08_chains_grown_step_by_step_and_repeated_swaps<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    let [a, b] = situation.pair(machine, |machine, which| {
        if which == 0 { cell(machine, classes, 0) } else { large(machine, classes, 1) }
    });
    let c = cell(machine, classes, 2);
    let holder = machine.array(classes.arrays, &[a, b, c]);
    let held = |machine: &Machine<S>, slot| machine.value_of(machine.body(holder).slot(slot), 0);
    if situation.kind == Kind::TwoWay {
        for round in 0..6 {
            machine.swap(a, b).unwrap();
            situation.settle(machine);
            let swapped = i64::from(round % 2 == 0);
            assert_eq!((held(machine, 0), held(machine, 1)), (swapped, 1 - swapped), "{situation:?}");
        }
        // Around in a ring of three, three times: the fourth round begins as the first did.
        for _ in 0..3 {
            for (one, other) in [(a, b), (b, c)] {
                machine.swap(one, other).unwrap();
                situation.settle(machine);
            }
        }
        assert_eq!([0, 1, 2].map(|slot| held(machine, slot)), [0, 1, 2]);
        return;
    }
    machine.forward(a, b, HashRule::Keep).unwrap();
    situation.settle(machine);
    assert_eq!([0, 1, 2].map(|slot| held(machine, slot)), [1, 1, 2]);
    machine.forward(b, c, HashRule::Keep).unwrap();
    situation.settle(machine);
    assert_eq!([0, 1, 2].map(|slot| held(machine, slot)), [2, 2, 2]);
    // No ring: c leads to itself.
    machine.forward(c, a, HashRule::Keep).unwrap();
    assert_eq!([0, 1, 2].map(|slot| held(machine, slot)), [2, 2, 2]);
    if !S::HAS_ENTRIES {
        let number = machine.root(machine.integer(42));
        machine.forward(a, number, HashRule::Keep).unwrap();
        situation.settle(machine);
        for slot in 0..3 {
            assert!(machine.identical(machine.body(holder).slot(slot), machine.integer(42)));
        }
    }
}

fn item_09_itself_and_all_overlaps_of_three<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    for code in 0..27 {
        let targets_of = [code % 3, code / 3 % 3, code / 9];
        let is_permutation = (0..3).all(|n| targets_of.contains(&n));
        if situation.kind == Kind::TwoWay && !is_permutation {
            continue;
        }
        let roots = machine.roots();
        let [a, b] = situation.pair(machine, |machine, which| cell(machine, classes, which as i64));
        let all = [a, b, large(machine, classes, 2)];
        let holder = machine.array(classes.arrays, &all);
        let sources = machine.array(classes.arrays, &all);
        let targets = machine.array(classes.arrays, &targets_of.map(|n| all[n]));
        let mut bodies = [0, 1, 2];
        let mut ends = [0, 1, 2];
        for (source, target) in targets_of.into_iter().enumerate() {
            match situation.kind {
                Kind::TwoWay => bodies.swap(source, target),
                Kind::OneWay => {
                    let (from, to) = (ends[source], ends[target]);
                    ends.iter_mut().filter(|end| **end == from).for_each(|end| *end = to);
                }
            }
        }
        let expected = ends.map(|end| bodies[end]);
        machine.become_all(situation.kind, sources, targets).unwrap();
        situation.settle(machine);
        let found = [0, 1, 2].map(|slot| machine.value_of(machine.body(holder).slot(slot), 0));
        assert_eq!(found, expected, "{targets_of:?} {situation:?}");
        assert_eq!(all.map(|root| machine.value(root)), expected);
        machine.forget_roots_from(roots);
    }
}

fn item_10_instances_after_redefinitions<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    const INSTANCES: usize = 12;
    let mut class = classes.cells;
    let all: Vec<Root> = (0..INSTANCES).map(|n| cell(machine, classes, n as i64)).collect();
    for redefinition in 0..5_u16 {
        let kept = machine.roots();
        // Same size, larger, smaller.
        let next = machine.class(ClassSpec::fixed(3 + redefinition % 3));
        if situation.old[0] {
            machine.collect(Collection::Full);
        }
        let copies: Vec<Root> = (0..INSTANCES)
            .map(|n| machine.object(next, 0, &[machine.integer((n + 100 * redefinition as usize) as i64)]))
            .collect();
        if situation.old[1] {
            machine.collect(Collection::Full);
        }
        let ones = machine.array(classes.arrays, &all);
        let others = machine.array(classes.arrays, &copies);
        machine.become_all(situation.kind, ones, others).unwrap();
        assert_eq!(machine.instances(next), INSTANCES, "at once");
        situation.settle(machine);
        machine.forget_roots_from(kept);
        machine.collect(Collection::Full);
        assert_eq!((machine.instances(class), machine.instances(next)), (0, INSTANCES), "{situation:?}");
        for (n, &root) in all.iter().enumerate() {
            assert_eq!(machine.value(root), (n + 100 * redefinition as usize) as i64);
            assert_eq!(machine.body(root).header().class_index(), next);
        }
        class = next;
    }
}

fn item_12_healing_remembers<S: Strategy>(machine: &mut Machine<S>, classes: Classes, situation: Situation) {
    for elements in [2, 300] {
        let mut b = Root(usize::MAX);
        if situation.old[1] {
            b = large(machine, classes, 2);
            machine.collect(Collection::Full);
        }
        let a = cell(machine, classes, 1);
        let holder = machine.allocate(classes.arrays, elements);
        let last = elements - 1;
        machine.store(holder, 0, machine.oop(a));
        machine.store(holder, last, machine.oop(a));
        if situation.old[0] {
            machine.collect(Collection::Full);
        }
        if !situation.old[1] {
            b = large(machine, classes, 2);
        }
        machine.become_(situation.kind, a, b).unwrap();
        situation.settle(machine);
        assert_eq!(machine.value_of(machine.load_element(holder, 0), 0), 2);
        let seen = machine.load(holder, last);
        let body = machine.body(holder);
        // SAFETY: no safepoint since the references were read.
        let found = unsafe { machine.access().receiver(seen, classes.arrays, Some((body, last))) };
        assert_eq!(found.unwrap().slot(0).as_small_integer(), Some(2));
        // Only the holder keeps the target alive; each collection verifies the heap.
        machine.set(a, machine.nil());
        machine.set(b, machine.nil());
        for kind in [Collection::Young, Collection::Young, Collection::Young, Collection::Full] {
            machine.collect(kind);
            for slot in [0, last] {
                assert_eq!(machine.value_of(machine.body(holder).slot(slot), 0), 2, "{situation:?}");
            }
        }
    }
}

fn item_13_become_and_collect_in_one_stop<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    let [a, b] = situation.pair(machine, |machine, which| {
        if which == 0 { cell(machine, classes, 1) } else { large(machine, classes, 2) }
    });
    let holder = machine.array(classes.arrays, &[a, b]);
    for round in 0..4 {
        // A second object of a's kind, since a one-way become uses one up.
        let fresh = cell(machine, classes, 10 + round);
        machine.in_one_stop(|pause, oop| {
            for kind in [Collection::Full, Collection::Young, Collection::Compacting] {
                // SAFETY: the references are read from root cells after each collection.
                unsafe {
                    match situation.kind {
                        Kind::OneWay => {
                            instar_become::one_way::one_way::<S>(pause, oop(a), oop(fresh), HashRule::Keep)
                        }
                        Kind::TwoWay => instar_become::two_way::two_way::<S>(pause, oop(a), oop(b)),
                    }
                    .unwrap();
                }
                pause.collect(kind);
                if let Some(kind) = situation.after {
                    pause.collect(kind);
                }
            }
        });
        let expected = match situation.kind {
            Kind::OneWay => [10 + round, 2],
            // An odd number of swaps each round.
            Kind::TwoWay => [1 + i64::from(round % 2 == 0), 2 - i64::from(round % 2 == 0)],
        };
        assert_eq!([0, 1].map(|slot| machine.value_of(machine.load_element(holder, slot), 0)), expected);
        assert_eq!(machine.forwarders(), 0);
    }
}

fn item_14_weak_slots<S: Strategy>(machine: &mut Machine<S>, classes: Classes, situation: Situation) {
    let weak_arrays = machine.class(ClassSpec::of(Format::WEAK));
    for elements in [3, 300] {
        let [a, b] = situation.pair(machine, |machine, which| {
            if which == 0 { cell(machine, classes, 1) } else { large(machine, classes, 2) }
        });
        let weak = machine.allocate(weak_arrays, elements);
        if situation.old[0] {
            machine.collect(Collection::Full);
        }
        let last = elements - 1;
        machine.store(weak, 0, machine.oop(a));
        machine.store(weak, last, machine.oop(b));
        machine.become_(situation.kind, a, b).unwrap();
        situation.settle(machine);
        let values = match situation.kind {
            Kind::OneWay => [2, 2],
            Kind::TwoWay => [2, 1],
        };
        assert_eq!([0, last].map(|slot| machine.value_of(machine.load_element(weak, slot), 0)), values);
        // The weak array itself is swapped with a strong object, larger or smaller, and keeps its slots.
        let other = cell(machine, classes, 9);
        machine.swap(weak, other).unwrap();
        assert_eq!(machine.value(weak), 9);
        situation.settle(machine);
        assert_eq!([0, last].map(|slot| machine.value_of(machine.load_element(other, slot), 0)), values);
        if situation.kind == Kind::OneWay {
            // The source's identity is the target's now: one root keeps both slots.
            machine.set(a, machine.nil());
            machine.collect(Collection::Full);
            assert_eq!([0, last].map(|slot| machine.value_of(machine.load_element(other, slot), 0)), values);
        }
        machine.set(a, machine.nil());
        machine.set(b, machine.nil());
        machine.collect(Collection::Full);
        for slot in [0, last] {
            assert_eq!(machine.load_element(other, slot), machine.nil(), "{situation:?}");
        }
        assert_eq!(machine.value(weak), 9);
    }
}

fn item_14_ephemerons<S: Strategy>(machine: &mut Machine<S>, classes: Classes, situation: Situation) {
    let ephemerons = machine.class(ClassSpec { format: Format::EPHEMERON, fixed_slots: 2 });
    let [a, b] = situation.pair(machine, |machine, which| cell(machine, classes, 1 + which as i64));
    let [k, v] = situation.pair(machine, |machine, which| {
        if which == 0 { cell(machine, classes, 3) } else { large(machine, classes, 4) }
    });
    let by_key = machine.object(ephemerons, 0, &[machine.oop(a), machine.oop(v)]);
    let by_value = machine.object(ephemerons, 0, &[machine.oop(k), machine.oop(a)]);
    if situation.old[0] {
        machine.collect(Collection::Full);
    }
    machine.become_(situation.kind, a, b).unwrap();
    machine.set(v, machine.nil());
    situation.settle(machine);
    machine.collect(Collection::Young);
    let key_value =
        |machine: &Machine<S>, root| [0, 1].map(|slot| machine.value_of(machine.load_element(root, slot), 0));
    assert_eq!((key_value(machine, by_key), key_value(machine, by_value)), ([2, 4], [3, 2]));
    if situation.kind == Kind::OneWay {
        // The key lives on under the other name.
        machine.set(a, machine.nil());
        machine.collect(Collection::Full);
        assert_eq!(key_value(machine, by_key), [2, 4]);
        assert!(machine.next_finalizable().is_none());
    }
    // Of the two ephemerons that hold it, only the one whose value it is keeps it.
    machine.set(a, machine.nil());
    machine.set(b, machine.nil());
    machine.collect(Collection::Full);
    assert_eq!(key_value(machine, by_key), [2, 4]);
    assert!(machine.next_finalizable().is_none(), "{situation:?}");
    machine.set(k, machine.nil());
    machine.collect(Collection::Full);
    let queued = [machine.next_finalizable(), machine.next_finalizable()].map(Option::unwrap);
    assert!(machine.next_finalizable().is_none());
    for body in queued {
        assert_eq!(body.header().class_index(), ephemerons);
    }
    assert_eq!((key_value(machine, by_key), key_value(machine, by_value)), ([2, 4], [3, 2]));
}

fn item_14_weak_roots<S: Strategy>(machine: &mut Machine<S>, classes: Classes, situation: Situation) {
    let roots = machine.roots();
    let [a, b] = situation.pair(machine, |machine, which| cell(machine, classes, which as i64 + 1));
    let weak = [a, b].map(|root| machine.weak_root(root));
    machine.become_(situation.kind, a, b).unwrap();
    // At once, whether the cell was redirected or refers to a forwarder now.
    for (cell, root) in weak.into_iter().zip([a, b]) {
        assert!(machine.identical(machine.weak_oop(cell), machine.oop(root)), "{situation:?}");
        assert!(!S::SCANS_HEAP || machine.weak_oop(cell) == machine.oop(root), "{situation:?}");
    }
    situation.settle(machine);
    let values = if situation.kind == Kind::OneWay { [2, 2] } else { [2, 1] };
    for (cell, value) in weak.into_iter().zip(values) {
        assert_eq!(machine.value_of(machine.weak_oop(cell), 0), value, "{situation:?}");
    }
    // A chain that ends in a target which nothing but weak cells and a forwarder refers to.
    let c = cell(machine, classes, 3);
    let last = machine.weak_root(c);
    machine.become_(Kind::OneWay, a, c).unwrap();
    machine.become_(Kind::OneWay, b, c).unwrap();
    machine.verify();
    situation.settle(machine);
    assert_eq!(machine.value_of(machine.weak_oop(last), 0), 3);
    machine.forget_roots_from(roots);
    machine.collect(Collection::Full);
    for cell in [weak[0], weak[1], last] {
        assert_eq!(machine.weak_oop(cell), Oop::NULL, "{situation:?}");
    }
    machine.verify();
}

fn item_15_class_objects<S: Strategy>(machine: &mut Machine<S>, classes: Classes, situation: Situation) {
    let [a, b] = situation.pair(machine, |machine, which| {
        if which == 0 { cell(machine, classes, 1) } else { large(machine, classes, 2) }
    });
    let index = machine.class_with_object(ClassSpec::fixed(2), a);
    let instance = machine.object(index, 0, &[machine.integer(7)]);
    // Not by an immediate, be it through another pair or through a forwarder.
    if !S::HAS_ENTRIES {
        let number = machine.root(machine.integer(42));
        let refused = BecomeError::Immediate { index: 0, side: Side::Target };
        assert_eq!(machine.forward(a, number, HashRule::Keep).unwrap_err(), refused);
        let sources = machine.array(classes.arrays, &[a, b]);
        let targets = machine.array(classes.arrays, &[b, number]);
        assert_eq!(machine.forward_all(sources, targets, HashRule::Keep).unwrap_err(), refused);
        let sources = machine.array(classes.arrays, &[b, a]);
        let targets = machine.array(classes.arrays, &[number, b]);
        let refused = BecomeError::Immediate { index: 1, side: Side::Target };
        assert_eq!(machine.forward_all(sources, targets, HashRule::Keep).unwrap_err(), refused);
        assert_eq!((machine.value(a), machine.value(b)), (1, 2));
    }
    machine.become_(situation.kind, a, b).unwrap();
    situation.settle(machine);
    let check = |machine: &mut Machine<S>, value| {
        let class = machine.heap().classes.class(index).unwrap();
        assert!(machine.identical(class, machine.oop(a)), "{situation:?}");
        assert_eq!(machine.value_of(class, 0), value);
        assert_eq!(machine.body(instance).header().class_index(), index);
        assert_eq!(machine.value(instance), 7);
    };
    check(machine, 2);
    // And once more, by an object of another age and size, with only the table and an instance to keep it.
    let c = cell(machine, classes, 3);
    machine.become_(situation.kind, a, c).unwrap();
    check(machine, 3);
    situation.settle(machine);
    check(machine, 3);
    machine.collect(Collection::Full);
    check(machine, 3);
}

fn item_15_classes_of_immediates_and_nil<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    let roots = machine.roots();
    let [a, b] = situation.pair(machine, |machine, which| cell(machine, classes, which as i64 + 1));
    machine.set_class(ClassIndex::SMALL_INTEGER, a);
    machine.set_class(ClassIndex::UNDEFINED, a);
    let check = |machine: &mut Machine<S>, value| {
        for index in [ClassIndex::SMALL_INTEGER, ClassIndex::UNDEFINED] {
            let class = machine.heap().classes.class(index).unwrap();
            assert_eq!(machine.value_of(class, 0), value, "{situation:?}");
        }
    };
    check(machine, 1);
    machine.become_(situation.kind, a, b).unwrap();
    situation.settle(machine);
    check(machine, 2);
    // Nothing but the table refers to the class.
    machine.forget_roots_from(roots);
    for kind in [Collection::Young, Collection::Full, Collection::Compacting] {
        machine.collect(kind);
        check(machine, 2);
    }
}

fn item_15_nil_is_refused<S: Strategy>(machine: &mut Machine<S>, classes: Classes, situation: Situation) {
    let [a, b] = situation.pair(machine, |machine, which| cell(machine, classes, which as i64));
    let nil = machine.root(machine.nil());
    let pinned = |index, side| BecomeError::Pinned { index, side };
    assert_eq!(machine.become_(situation.kind, nil, a).unwrap_err(), pinned(0, Side::Source));
    let ones = machine.array(classes.arrays, &[a, nil]);
    let others = machine.array(classes.arrays, &[b, a]);
    assert_eq!(machine.become_all(situation.kind, ones, others).unwrap_err(), pinned(1, Side::Source));
    if situation.kind == Kind::TwoWay {
        assert_eq!(machine.swap(a, nil).unwrap_err(), pinned(0, Side::Target));
        assert_eq!(machine.swap_all(others, ones).unwrap_err(), pinned(1, Side::Target));
    } else if S::HAS_ENTRIES {
        // nil is no entry, so that nothing can share its body.
        let refused = BecomeError::NotAnEntry { index: 0, side: Side::Target };
        assert_eq!(machine.forward(a, nil, HashRule::Keep).unwrap_err(), refused);
    } else {
        machine.forward(a, nil, HashRule::Keep).unwrap();
        situation.settle(machine);
        assert!(machine.identical(machine.oop(a), machine.nil()));
    }
    assert_eq!(machine.value(b), 1);
    situation.settle(machine);
}

fn item_17_flags_and_objects_without_slots<S: Strategy>(
    machine: &mut Machine<S>,
    classes: Classes,
    situation: Situation,
) {
    for flag in [HeaderFlags::IMMUTABLE, HeaderFlags::PINNED] {
        let [a, b] = situation.pair(machine, |machine, which| cell(machine, classes, 1 + which as i64));
        let mark = |machine: &mut Machine<S>, root, on| {
            if flag == HeaderFlags::PINNED && on {
                machine.pin(root);
            } else {
                machine.set_flags(root, flag, on);
            }
        };
        let refused = |side| match flag {
            HeaderFlags::PINNED => BecomeError::Pinned { index: 0, side },
            _ => BecomeError::Immutable { index: 0, side },
        };
        mark(machine, a, true);
        assert_eq!(machine.become_(situation.kind, a, b).unwrap_err(), refused(Side::Source));
        situation.settle(machine);
        assert_eq!(machine.become_(situation.kind, a, b).unwrap_err(), refused(Side::Source));
        if situation.kind == Kind::TwoWay {
            assert_eq!(machine.swap(b, a).unwrap_err(), refused(Side::Target));
        } else {
            // A target may be either, and stays so.
            let c = cell(machine, classes, 3);
            let address = machine.body(a).address();
            machine.forward(c, a, HashRule::Keep).unwrap();
            situation.settle(machine);
            assert!(machine.same(a, c) && machine.body(a).header().has_any(flag));
            assert!(flag == HeaderFlags::IMMUTABLE || machine.body(c).address() == address);
        }
        assert_eq!((machine.value(a), machine.value(b)), (1, 2));
        mark(machine, a, false);
        machine.become_(situation.kind, a, b).unwrap();
        situation.settle(machine);
        assert_eq!(machine.value(a), 2);
        assert!(!machine.body(a).header().has_any(flag));
    }
    let empty = machine.class(ClassSpec::fixed(0));
    let single = machine.class(ClassSpec::fixed(1));
    let number = machine.integer(5);
    let [a, b] = situation.pair(machine, |machine, _| machine.allocate(empty, 0));
    let [c, d] = situation.pair(machine, |machine, which| match which {
        0 => machine.object(single, 0, &[number]),
        _ => machine.allocate(classes.bytes, 0),
    });
    let holder = machine.array(classes.arrays, &[a, b, c, d]);
    for (one, other) in [(a, b), (a, c), (b, d)] {
        machine.become_(situation.kind, one, other).unwrap();
        situation.settle(machine);
    }
    let class = |machine: &Machine<S>, slot| {
        machine.body_of(machine.body(holder).slot(slot)).unwrap().header().class_index()
    };
    let expected = match situation.kind {
        // a is b, which is c, which is d.
        Kind::OneWay => [classes.bytes; 4],
        Kind::TwoWay => [single, classes.bytes, empty, empty],
    };
    assert_eq!([0, 1, 2, 3].map(|slot| class(machine, slot)), expected, "{situation:?}");
}
