//! Slots: a reference takes its object along. Code under test: `instar_heap::slot`.
//!
//! Allowed outcomes for a mutator that reads a slot into which another stores a reference to a new object: it gets what
//! the slot held before, or the new reference and then the complete object, also if it came through a third mutator.

#![cfg(instar_loom)]

use instar_heap::Oop;
use instar_heap::slot;
use instar_heap::sync::atomic::AtomicU64;
use instar_heap::sync::{Arc, Orders, Sound, thread};
use instar_loom_tests::{Arena, Weakened, explore};

const CONTENTS: u64 = 7;

struct Scene {
    heap: Arena,
    slots: [AtomicU64; 2],
}

/// One mutator makes an object and stores it, another passes it on to a second slot, a third reads that.
fn pass_on<Store: Orders, Load: Orders>() {
    let scene = Arc::new(Scene { heap: Arena::new(1), slots: [AtomicU64::new(0), AtomicU64::new(0)] });
    let maker = thread::spawn({
        let scene = scene.clone();
        move || {
            let new = scene.heap.object(0);
            scene.heap.initialise(new, CONTENTS);
            slot::store::<Store, _>(&scene.slots[0], new);
        }
    });
    let carrier = thread::spawn({
        let scene = scene.clone();
        move || slot::store::<Store, _>(&scene.slots[1], slot::load::<Load, _>(&scene.slots[0]))
    });
    let seen = slot::load::<Load, _>(&scene.slots[1]);
    assert!(seen == Oop::NULL || scene.heap.contents(seen) == CONTENTS, "the object is incomplete");
    maker.join().unwrap();
    carrier.join().unwrap();
}

#[test]
fn a_reference_takes_its_object_along() {
    explore(None, pass_on::<Sound, Sound>);
}

#[test]
#[should_panic = "the object is incomplete"]
fn caught_a_store_that_does_not_publish() {
    explore(None, pass_on::<Weakened, Sound>);
}

#[test]
#[should_panic = "the object is incomplete"]
fn caught_a_load_that_does_not_observe() {
    explore(None, pass_on::<Sound, Weakened>);
}
