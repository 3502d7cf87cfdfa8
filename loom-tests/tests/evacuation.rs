//! Parallel evacuation, alone and through become's forwarders. Code under test: `instar_gc::evacuation`, and `follow` and
//! `slot::store` of `instar_heap`.
//!
//! Allowed outcomes for workers that meet references to one from-space object:
//! - exactly one of the copies is published, and every worker ends with its address;
//! - every worker finds the whole object there; nobody sees a copy that was discarded;
//! - a reference to a forwarder ends at the copy of its target, whether the target was evacuated before, meanwhile or
//!   after, and also if the forwarder's own slot is being updated.

#![cfg(instar_loom)]

use std::sync::atomic::Ordering::Relaxed;

use instar_gc::evacuation::{not_yet_copied, publish_copy};
use instar_heap::sync::atomic::AtomicU64;
use instar_heap::sync::{Arc, Orders, Sound, Word, thread};
use instar_heap::{Oop, slot};
use instar_loom_tests::{Arena, Torn, Weakened, explore};

const CONTENTS: u64 = 7;
const REUSED: u64 = 99;

/// What a worker does with a reference to `object`; `room` is in its private buffer. Says where the copy is, and
/// whether it is this worker's.
fn evacuate<O: Orders, W: Word + From<u64>>(heap: &Arena<W>, object: Oop, room: Oop) -> (Oop, bool) {
    let header = match not_yet_copied::<O, W>(heap.header(object)) {
        Ok(header) => header,
        Err(copy) => return (copy, false),
    };
    for index in 0..2 {
        heap.slot(room, index).store(heap.slot(object, index).load(Relaxed), Relaxed);
    }
    heap.header(room).store(header.bits(), Relaxed);
    match publish_copy::<O, W>(heap.header(object), header, room) {
        Ok(()) => (room, true),
        Err(copy) => {
            // The room is given to the next object.
            heap.initialise(room, REUSED);
            (copy, false)
        }
    }
}

/// Object 0 is in from-space, 1 and 2 are the two workers' rooms.
fn evacuate_at_once<O: Orders, W: Word + From<u64> + Send + Sync + 'static>() {
    let heap = Arc::new(Arena::<W>::new(3));
    let object = heap.object(0);
    heap.initialise(object, CONTENTS);
    let work = move |heap: &Arena<W>, room| {
        let (copy, is_own) = evacuate::<O, W>(heap, object, heap.object(room));
        assert_eq!(heap.contents(copy), CONTENTS, "the copy is incomplete");
        (copy, is_own)
    };
    let other = thread::spawn({
        let heap = heap.clone();
        move || work(&heap, 2)
    });
    let (own_copy, own) = work(&heap, 1);
    let (other_copy, other) = other.join().unwrap();
    assert!(own != other, "{} copies are published", u8::from(own) + u8::from(other));
    assert_eq!(own_copy, other_copy);
    assert_eq!(heap.contents(own_copy), CONTENTS);
}

#[test]
fn one_copy_is_published_and_complete() {
    explore(None, evacuate_at_once::<Sound, AtomicU64>);
}

#[test]
#[should_panic = "the copy is incomplete"]
fn caught_a_copy_that_is_not_published() {
    explore(None, evacuate_at_once::<Weakened, AtomicU64>);
}

#[test]
#[should_panic = "2 copies are published"]
fn caught_publishing_by_load_and_store() {
    explore(None, evacuate_at_once::<Sound, Torn>);
}

/// Two workers hold a reference to a forwarder, a third one to its target.
#[test]
fn a_forwarder_to_an_object_under_evacuation_leads_to_its_copy() {
    explore(Some(3), || {
        let heap = Arc::new(Arena::<AtomicU64>::new(5));
        let (forwarder, target) = (heap.object(0), heap.object(1));
        heap.initialise(target, CONTENTS);
        heap.install::<Sound>(forwarder, target);
        let work = move |heap: &Arena, seen, room| {
            let end = heap.follow::<Sound>(seen);
            assert_eq!(end, target, "an evacuated word is not followed");
            let (copy, _) = evacuate::<Sound, _>(heap, end, heap.object(room));
            assert_eq!(heap.contents(copy), CONTENTS);
            copy
        };
        let others = [(forwarder, 2), (target, 3)].map(|(seen, room)| {
            let heap = heap.clone();
            thread::spawn(move || work(&heap, seen, room))
        });
        let copy = work(&heap, forwarder, 4);
        for other in others {
            assert_eq!(other.join().unwrap(), copy);
        }
    });
}

/// An old, remembered forwarder refers to a young object: one worker updates its slot, another one follows it.
fn update_a_forwarder<Update: Orders>() {
    let heap = Arc::new(Arena::<AtomicU64>::new(4));
    let (forwarder, target) = (heap.object(0), heap.object(1));
    heap.initialise(target, CONTENTS);
    heap.install::<Sound>(forwarder, target);
    let updater = thread::spawn({
        let heap = heap.clone();
        move || {
            let (copy, _) = evacuate::<Sound, _>(&heap, target, heap.object(2));
            slot::store::<Update, _>(heap.slot(forwarder, 0), copy);
            copy
        }
    });
    let end = heap.follow::<Sound>(forwarder);
    let copy = if end == target { evacuate::<Sound, _>(&heap, end, heap.object(3)).0 } else { end };
    assert_eq!(heap.contents(copy), CONTENTS, "the copy is incomplete");
    assert_eq!(updater.join().unwrap(), copy);
}

#[test]
fn a_forwarder_may_be_updated_while_it_is_followed() {
    explore(None, update_a_forwarder::<Sound>);
}

#[test]
#[should_panic = "the copy is incomplete"]
fn caught_a_forwarder_updated_without_publishing() {
    explore(None, update_a_forwarder::<Weakened>);
}
