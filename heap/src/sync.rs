//! The one door to atomics, locks and threads: std's in production, loom's under the private cfg `instar_loom`.
//!
//! Everything that a concurrent protocol of this workspace uses comes from here, so that the code which runs in
//! production is the code that the model checker explores (`loom-tests/`). A cfg and not a Cargo feature: features
//! unify over a build, and one dependant that asked for loom would put it into everybody's program.
//!
//! Heap words are a special case. They are raw mapped memory and always core atomics; loom cannot stand in for
//! them. Protocols over heap words are therefore generic over [`Word`]. Orderings are a parameter too ([`Orders`]):
//! [`Sound`] is the only set that production has, and the model checks bring a weakened one, to show that each
//! check would notice. `docs/memory-model.md` argues every ordering by name.

#[cfg(instar_loom)]
use loom::sync as primitive;
#[cfg(not(instar_loom))]
use std::sync as primitive;

#[cfg(instar_loom)]
pub use loom::{hint, thread};
#[cfg(not(instar_loom))]
pub use std::{hint, thread};

#[cfg(instar_loom)]
pub mod atomic;
#[cfg(not(instar_loom))]
pub use std::sync::atomic;

pub use primitive::{Arc, MutexGuard};

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// A 64-bit word that several threads read and write: a header, a slot, or 64 bits of a side bitmap.
///
/// The methods are those of [`core::sync::atomic::AtomicU64`] and mean the same.
pub trait Word {
    /// Reads the word.
    fn load(&self, order: Ordering) -> u64;
    /// Writes the word.
    fn store(&self, value: u64, order: Ordering);
    /// Writes `new` if the word is `current`; says what it was, as `Ok` if written.
    fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64>;
    /// Sets `bits`; says what the word was.
    fn fetch_or(&self, bits: u64, order: Ordering) -> u64;
    /// Clears all but `bits`; says what the word was.
    fn fetch_and(&self, bits: u64, order: Ordering) -> u64;
}

macro_rules! word_by_delegation {
    ($atomic:ty) => {
        impl Word for $atomic {
            #[inline]
            fn load(&self, order: Ordering) -> u64 {
                self.load(order)
            }
            #[inline]
            fn store(&self, value: u64, order: Ordering) {
                self.store(value, order);
            }
            #[inline]
            fn compare_exchange(
                &self,
                current: u64,
                new: u64,
                success: Ordering,
                failure: Ordering,
            ) -> Result<u64, u64> {
                self.compare_exchange(current, new, success, failure)
            }
            #[inline]
            fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
                self.fetch_or(bits, order)
            }
            #[inline]
            fn fetch_and(&self, bits: u64, order: Ordering) -> u64 {
                self.fetch_and(bits, order)
            }
        }
    };
}

word_by_delegation!(core::sync::atomic::AtomicU64);
#[cfg(instar_loom)]
word_by_delegation!(atomic::AtomicU64);

/// The memory orderings of the protocols, by what they are for.
pub trait Orders {
    /// For the write that makes earlier writes visible to whoever observes it.
    const PUBLISH: Ordering;
    /// For the read whose reader goes on to what was published.
    const OBSERVE: Ordering;
    /// For an arrival that both publishes the arriver's work and observes that of all who arrived before.
    const MEET: Ordering;
    /// For a read-modify-write that only decides who is first; nothing is passed along with the decision.
    const CLAIM: Ordering;
}

/// The orderings that production uses, each argued in `docs/memory-model.md`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sound;

impl Orders for Sound {
    const PUBLISH: Ordering = Ordering::Release;
    const OBSERVE: Ordering = Ordering::Acquire;
    const MEET: Ordering = Ordering::AcqRel;
    const CLAIM: Ordering = Ordering::Relaxed;
}

/// A mutual-exclusion lock that a panic does not poison.
///
/// For state that is consistent at every unlock by construction, such as counters.
#[derive(Debug, Default)]
pub struct Mutex<T>(primitive::Mutex<T>);

impl<T> Mutex<T> {
    /// An unlocked lock around `value`.
    pub fn new(value: T) -> Self {
        Mutex(primitive::Mutex::new(value))
    }

    /// Waits for the lock and takes it.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug)]
pub struct Condvar(primitive::Condvar);

impl Condvar {
    /// A condition variable on which nobody waits.
    #[expect(clippy::new_without_default, reason = "loom's has no default either")]
    pub fn new() -> Self {
        Condvar(primitive::Condvar::new())
    }

    /// Unlocks, sleeps until notified (or for no reason), and locks again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes one waiter, if there is any.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// How many doublings of the spin come before the first yield. Under loom a spin is a yield, which tells the model checker
/// that the thread cannot go on by itself; more of them would only repeat that.
const LOG_SPINS_BEFORE_YIELD: u32 = if cfg!(instar_loom) { 1 } else { 6 };

/// Waiting that begins with short spins and ends with giving the processor away.
#[derive(Debug, Default)]
pub struct Backoff {
    step: u32,
}

impl Backoff {
    /// A wait that has not begun.
    pub const fn new() -> Self {
        Backoff { step: 0 }
    }

    /// Waits a little, each time longer, up to 32 spins; from then on yields to other threads.
    pub fn snooze(&mut self) {
        if self.step < LOG_SPINS_BEFORE_YIELD {
            for _ in 0..1u32 << self.step {
                hint::spin_loop();
            }
            self.step += 1;
        } else {
            thread::yield_now();
        }
    }
}
