//! Insertion into the remembered set. Code under test: `instar_gc::remembered`, with the safepoint that hands the lists
//! over.
//!
//! Allowed outcomes, inside every stop: the object stands in exactly one list if its flag is set and in none if it is
//! not; every young reference stored so far is visible; the header's other fields are as they were.

#![cfg(instar_loom)]

use std::sync::atomic::Ordering::Relaxed;

use instar_gc::remembered::remember;
use instar_gc::safepoint::Safepoint;
use instar_heap::sync::atomic::AtomicU64;
use instar_heap::sync::{Arc, Sound, Word, thread};
use instar_heap::{Header, HeaderFlags, Oop, slot};
use instar_loom_tests::{Arena, Plain, Torn, attach_all, explore};

/// One old object, two mutators with a list each, and the collector's own attachment.
struct World<W> {
    safepoint: Safepoint,
    heap: Arena<W>,
    lists: [Plain<Vec<Oop>>; 2],
}

impl<W: Word + From<u64>> World<W> {
    fn new() -> Arc<Self> {
        let world = World { safepoint: Safepoint::new(), heap: Arena::new(1), lists: Default::default() };
        attach_all(&world.safepoint, 3);
        Arc::new(world)
    }

    fn header(&self) -> &W {
        self.heap.header(self.heap.object(0))
    }

    /// A mutator's store of a young reference, with its barrier.
    fn store_young(&self, mutator: usize) {
        let object = self.heap.object(0);
        let young = Oop::from_address(8 * (mutator + 1));
        slot::store::<Sound, W>(self.heap.slot(object, mutator), young);
        if remember::<Sound, W>(self.header()) {
            let mut list = self.lists[mutator].get();
            list.push(object);
            self.lists[mutator].set(list);
        }
    }

    /// The collector's part: checks the invariant and empties the set.
    fn collect(&self) {
        let flagged = Header::from_bits(self.header().load(Relaxed)).has_any(HeaderFlags::REMEMBERED);
        let listed: usize = self.lists.iter().map(|list| list.get().len()).sum();
        assert_eq!(listed, usize::from(flagged), "flag and lists disagree");
        self.lists.iter().for_each(|list| list.set(Vec::new()));
        self.header().fetch_and(!HeaderFlags::REMEMBERED.bits(), Relaxed);
    }
}

fn remember_at_once<W: Word + From<u64> + Send + Sync + 'static>(stops: bool) {
    let world = World::<W>::new();
    let mutators = [0, 1].map(|mutator| {
        let world = world.clone();
        thread::spawn(move || {
            world.store_young(mutator);
            if stops {
                world.safepoint.detach();
            }
        })
    });
    {
        let _stopped = stops.then(|| world.safepoint.stop());
        world.collect();
        for mutator in 0..2 {
            let slot = world.heap.slot(world.heap.object(0), mutator);
            assert!(!stops || slot.load(Relaxed) != 0, "a young reference is not visible");
        }
    }
    for mutator in mutators {
        mutator.join().unwrap();
    }
}

#[test]
fn an_object_stands_in_one_list() {
    explore(None, || remember_at_once::<AtomicU64>(true));
}

#[test]
#[should_panic = "flag and lists disagree"]
fn caught_remembering_by_load_and_store() {
    explore(None, || remember_at_once::<Torn>(true));
}

#[test]
#[should_panic = "Causality violation"]
fn caught_lists_handed_over_without_a_stop() {
    explore(None, || remember_at_once::<AtomicU64>(false));
}

/// One mutator remembers the object before and after a poll, at which a collection may empty the set.
#[test]
fn a_collection_between_two_stores_loses_neither() {
    explore(None, || {
        let world = World::<AtomicU64>::new();
        world.safepoint.detach();
        let mutator = thread::spawn({
            let world = world.clone();
            move || {
                world.store_young(0);
                world.safepoint.poll();
                world.store_young(0);
                world.safepoint.detach();
            }
        });
        for _ in 0..2 {
            let _stopped = world.safepoint.stop();
            world.collect();
        }
        mutator.join().unwrap();
    });
}

/// The flag is set while another mutator sets another flag of the same header.
fn disturb_the_header<W: Word + From<u64> + Send + Sync + 'static>() {
    let world = World::<W>::new();
    let before = Header::from_bits(world.header().load(Relaxed));
    let other = thread::spawn({
        let world = world.clone();
        move || world.header().fetch_or(HeaderFlags::IMMUTABLE.bits(), Relaxed)
    });
    assert!(remember::<Sound, W>(world.header()));
    other.join().unwrap();
    let after = Header::from_bits(world.header().load(Relaxed));
    assert_eq!(after, before.with(HeaderFlags::REMEMBERED | HeaderFlags::IMMUTABLE), "a field is lost");
}

#[test]
fn the_header_s_other_fields_stay() {
    explore(None, disturb_the_header::<AtomicU64>);
}

#[test]
#[should_panic = "a field is lost"]
fn caught_a_flag_that_overwrites_its_neighbours() {
    explore(None, disturb_the_header::<Torn>);
}
