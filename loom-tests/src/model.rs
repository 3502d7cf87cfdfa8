//! What the checks share: a heap of loom atomics, plain memory that notices races, and the two general mutations.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering;

use instar_gc::safepoint::Safepoint;
use instar_heap::forwarding::{self, ObjectWords};
use instar_heap::sync::atomic::AtomicU64;
use instar_heap::sync::{Orders, Word};
use instar_heap::{ClassIndex, Format, Header, Oop};
use loom::cell::UnsafeCell;

/// Switches of threads and choices of a value in one execution. Loom's default of 1000 is short for three workers.
const MAX_BRANCHES: usize = 10_000;

/// Runs `check` in all interleavings with at most `preemptions` preemptions (`None`: in all), and prints how many
/// executions those were and what they took. The environment variable `LOOM_MAX_PREEMPTIONS` overrides the bound.
pub fn explore(preemptions: Option<usize>, check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = MAX_BRANCHES;
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    // Not one of loom's atomics: it counts across executions and takes no part in them.
    let executions = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = executions.clone();
    let start = std::time::Instant::now();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        check();
    });
    let executions = executions.load(Ordering::Relaxed);
    println!("{executions} executions in {:.2?}", start.elapsed());
    assert!(executions > 1, "a check without concurrency checks nothing");
}

/// Attaches this many running mutators on behalf of the threads that will be them.
///
/// Each one is blocked while the next attaches, as attaching waits for a mutator that runs alone.
pub fn attach_all(safepoint: &Safepoint, mutators: usize) {
    for _ in 0..mutators {
        safepoint.attach();
        safepoint.enter_blocked();
    }
    (0..mutators).for_each(|_| safepoint.leave_blocked());
}

/// All orderings relaxed: what a protocol is without its orderings.
pub struct Weakened;

impl Orders for Weakened {
    const PUBLISH: Ordering = Ordering::Relaxed;
    const OBSERVE: Ordering = Ordering::Relaxed;
    const MEET: Ordering = Ordering::Relaxed;
    const CLAIM: Ordering = Ordering::Relaxed;
}

/// A word whose read-modify-writes are a load and a store: what a protocol is without their atomicity.
pub struct Torn(AtomicU64);

impl From<u64> for Torn {
    fn from(value: u64) -> Torn {
        Torn(AtomicU64::new(value))
    }
}

impl Word for Torn {
    fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    fn compare_exchange(&self, current: u64, new: u64, _: Ordering, _: Ordering) -> Result<u64, u64> {
        let old = self.0.load(Ordering::Acquire);
        if old != current {
            return Err(old);
        }
        self.0.store(new, Ordering::Release);
        Ok(old)
    }

    fn fetch_or(&self, bits: u64, _: Ordering) -> u64 {
        let old = self.0.load(Ordering::Acquire);
        self.0.store(old | bits, Ordering::Release);
        old
    }

    fn fetch_and(&self, bits: u64, _: Ordering) -> u64 {
        let old = self.0.load(Ordering::Acquire);
        self.0.store(old & bits, Ordering::Release);
        old
    }
}

/// Plain memory. Loom fails the check if two accesses, one of them a write, are not ordered.
#[derive(Debug, Default)]
pub struct Plain<T>(UnsafeCell<T>);

// SAFETY: loom runs one thread at a time and panics on accesses that would race.
unsafe impl<T: Send> Sync for Plain<T> {}

impl<T: Clone> Plain<T> {
    /// Memory that holds `value`.
    pub fn new(value: T) -> Self {
        Plain(UnsafeCell::new(value))
    }

    /// Reads it.
    pub fn get(&self) -> T {
        // SAFETY: as for `Sync`; the pointer does not leave the closure.
        self.0.with(|value| unsafe { (*value).clone() })
    }

    /// Writes it.
    pub fn set(&self, value: T) {
        // SAFETY: as for `Sync`; the pointer does not leave the closure.
        self.0.with_mut(|place| unsafe { *place = value });
    }
}

/// A small heap: objects with a header and two slots, by default of loom's atomics.
pub struct Arena<W = AtomicU64> {
    words: Vec<W>,
}

const OBJECT_WORDS: usize = 3;
const OBJECT_BYTES: usize = OBJECT_WORDS * 8;

impl<W: Word + From<u64>> Arena<W> {
    /// `objects` ordinary objects, all slots 0.
    pub fn new(objects: usize) -> Self {
        let header = Header::new(ClassIndex::FIRST_USER, Format::FIXED, OBJECT_WORDS - 1).bits();
        let word = |index| W::from(if index % OBJECT_WORDS == 0 { header } else { 0 });
        Arena { words: (0..objects * OBJECT_WORDS).map(word).collect() }
    }

    /// The object with this number. Address 0 stays free: it is no object.
    pub fn object(&self, number: usize) -> Oop {
        Oop::from_address((number + 1) * OBJECT_BYTES)
    }

    /// The header of `object`.
    pub fn header(&self, object: Oop) -> &W {
        &self.words[self.index(object)]
    }

    /// A slot of `object`.
    pub fn slot(&self, object: Oop, slot: usize) -> &W {
        assert!(slot + 1 < OBJECT_WORDS);
        &self.words[self.index(object) + 1 + slot]
    }

    /// Writes slot 1, as whoever makes a new object does before it is published.
    pub fn initialise(&self, object: Oop, value: u64) {
        self.slot(object, 1).store(value, Ordering::Relaxed);
    }

    /// Reads slot 1, as whoever got hold of the object does.
    pub fn contents(&self, object: Oop) -> u64 {
        self.slot(object, 1).load(Ordering::Relaxed)
    }

    /// Whether the object is a forwarder.
    pub fn is_forwarder(&self, object: Oop) -> bool {
        Header::from_bits(self.header(object).load(Ordering::Relaxed)).is_forwarder()
    }

    /// Production's `install`.
    pub fn install<O: Orders>(&self, object: Oop, target: Oop) {
        forwarding::install::<O, W>(self.header(object), self.slot(object, 0), target);
    }

    /// Production's `follow`.
    pub fn follow<O: Orders>(&self, oop: Oop) -> Oop {
        // SAFETY: what is no object panics in `index`.
        unsafe { forwarding::follow::<O, Self>(self, oop) }
    }

    fn index(&self, object: Oop) -> usize {
        assert!(object.address() >= OBJECT_BYTES, "{object:?} is no object");
        (object.address() / OBJECT_BYTES - 1) * OBJECT_WORDS
    }
}

impl<W: Word + From<u64>> ObjectWords for Arena<W> {
    type Word = W;

    unsafe fn header(&self, oop: Oop) -> &W {
        self.header(oop)
    }

    unsafe fn slot(&self, oop: Oop, index: usize) -> &W {
        self.slot(oop, index)
    }
}
