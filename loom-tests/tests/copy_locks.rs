//! Evacuation of objects that are copied under a lock. Code under test: `instar_gc::copy_locks`, with `evacuation` and
//! `instar_heap::bump`, from which the room comes.
//!
//! To-space has room for one copy of each object and no more.
//!
//! Allowed outcomes for workers that meet references to such objects:
//! - room for each object is taken once, whoever takes it, and nobody finds to-space full;
//! - whoever copies is the first to publish; every worker ends with that copy's address and finds the whole object
//!   there, whether it came to the lock or met the address before;
//! - objects that share a lock are copied one after the other, and nobody waits for ever.

#![cfg(instar_loom)]

use std::sync::atomic::Ordering::Relaxed;

use instar_gc::copy_locks::CopyLocks;
use instar_gc::evacuation::{not_yet_copied, publish_copy};
use instar_heap::bump::BumpRegion;
use instar_heap::sync::atomic::AtomicU64;
use instar_heap::sync::{Arc, Orders, Sound, Word, thread};
use instar_heap::{Header, Oop};
use instar_loom_tests::{Arena, Torn, Weakened, explore};

const CONTENTS: u64 = 7;

/// Objects from 0 up to `objects` are in from-space, as many behind them are to-space. All share one lock.
struct Spaces<W> {
    heap: Arena<W>,
    to_space: BumpRegion,
    locks: CopyLocks<1>,
}

impl<W: Word + From<u64>> Spaces<W> {
    fn new(objects: usize) -> Arc<Self> {
        let heap = Arena::new(2 * objects);
        for object in 0..objects {
            heap.initialise(heap.object(object), CONTENTS + object as u64);
        }
        let [start, end] = [objects, 2 * objects].map(|object| heap.object(object).address());
        Arc::new(Spaces { heap, to_space: BumpRegion::new(start, end), locks: CopyLocks::default() })
    }

    /// What a worker does with a reference to the object of this number. Says where its copy is.
    fn evacuate<O: Orders>(&self, number: usize, rules: Rules) -> Oop {
        let object = self.heap.object(number);
        let word = self.heap.header(object);
        let copy = |header| self.copy::<O>(object, header);
        let end = match (not_yet_copied::<O, W>(word), rules) {
            (Err(end), _) => end,
            (Ok(_), Rules::Kept) => self.locks.copy_once::<O, W>(object, word, copy),
            (Ok(header), Rules::NoLock) => copy(header),
            (Ok(header), Rules::NoSecondLook) => {
                self.locks.copy_once::<O, W>(object, &W::from(header.bits()), copy)
            }
        };
        assert_eq!(self.heap.contents(end), CONTENTS + number as u64, "the copy is incomplete");
        end
    }

    fn copy<O: Orders>(&self, object: Oop, header: Header) -> Oop {
        let bytes = self.heap.object(1).address() - self.heap.object(0).address();
        let room = self.to_space.refill(bytes, bytes).expect("room is taken once");
        let copy = Oop::from_address(room.start);
        for index in 0..2 {
            let value = self.heap.slot(object, index).load(Relaxed);
            self.heap.slot(copy, index).store(value, Relaxed);
        }
        self.heap.header(copy).store(header.bits(), Relaxed);
        publish_copy::<O, W>(self.heap.header(object), header, copy).expect("the first copy");
        copy
    }
}

/// What the other worker keeps to.
#[derive(Clone, Copy)]
enum Rules {
    Kept,
    /// It copies what it met as not yet copied.
    NoLock,
    /// It takes the lock, and goes by the header that it saw before.
    NoSecondLook,
}

fn evacuate_at_once<O: Orders, W: Word + From<u64> + Send + Sync + 'static>(rules: Rules) {
    let spaces = Spaces::<W>::new(1);
    let other = thread::spawn({
        let spaces = spaces.clone();
        move || spaces.evacuate::<O>(0, rules)
    });
    let own_end = spaces.evacuate::<O>(0, Rules::Kept);
    assert_eq!(own_end, other.join().unwrap());
    assert_eq!(spaces.to_space.top(), spaces.to_space.end());
}

#[test]
fn room_is_taken_once() {
    explore(None, || evacuate_at_once::<Sound, AtomicU64>(Rules::Kept));
}

#[test]
fn room_is_taken_once_by_three() {
    explore(Some(3), || {
        let spaces = Spaces::<AtomicU64>::new(1);
        let others = [(); 2].map(|()| {
            let spaces = spaces.clone();
            thread::spawn(move || spaces.evacuate::<Sound>(0, Rules::Kept))
        });
        let own_end = spaces.evacuate::<Sound>(0, Rules::Kept);
        for other in others {
            assert_eq!(other.join().unwrap(), own_end);
        }
    });
}

/// Two workers meet two objects, which share the lock, in opposite order.
#[test]
fn objects_that_share_a_lock_get_a_copy_each() {
    explore(Some(3), || {
        let spaces = Spaces::<AtomicU64>::new(2);
        let other = thread::spawn({
            let spaces = spaces.clone();
            move || [1, 0].map(|number| spaces.evacuate::<Sound>(number, Rules::Kept))
        });
        let own_ends = [0, 1].map(|number| spaces.evacuate::<Sound>(number, Rules::Kept));
        let [second, first] = other.join().unwrap();
        assert_eq!(own_ends, [first, second]);
        assert_ne!(first, second);
    });
}

/// The lock alone orders those who copy: the exchange has nothing left to decide.
#[test]
fn under_the_lock_a_load_and_a_store_would_do() {
    explore(None, || evacuate_at_once::<Sound, Torn>(Rules::Kept));
}

#[test]
#[should_panic = "room is taken once"]
fn caught_copying_without_the_lock() {
    explore(None, || evacuate_at_once::<Sound, AtomicU64>(Rules::NoLock));
}

#[test]
#[should_panic = "room is taken once"]
fn caught_going_by_the_header_seen_before_the_lock() {
    explore(None, || evacuate_at_once::<Sound, AtomicU64>(Rules::NoSecondLook));
}

#[test]
#[should_panic = "the copy is incomplete"]
fn caught_a_copy_that_is_not_published() {
    explore(None, || evacuate_at_once::<Weakened, AtomicU64>(Rules::Kept));
}
