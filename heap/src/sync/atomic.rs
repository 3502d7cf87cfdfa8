//! Loom's atomics, made to explore all that they should. Only under the cfg `instar_loom`.
//!
//! Loom 0.7 decides where to switch threads by the *last* access to each atomic. A thread's load hides another thread's
//! earlier load from its own later store, so that for "load, then store", which is what most protocols do, whole
//! classes of interleavings are never run (tokio-rs/loom#166, #392). And two stores of different threads are not put
//! into one modification order, even where a read-modify-write has settled it, so that a later load may see the older
//! one, which no machine does (tokio-rs/loom#282, #389).
//!
//! Here every operation first takes a turn: a relaxed read-modify-write of a second atomic, which loom never skips and
//! which orders no memory. A store first sees the newest value. `loom-tests/tests/checker_itself.rs` shows that both
//! holes are closed. What is given up: modification orders that differ from the order of execution, which no protocol
//! here could tell apart.

use std::sync::atomic::Ordering;

use loom::sync::atomic as raw;

/// Runs `operation` without a switch of threads inside.
fn undivided<T>(operation: impl FnOnce() -> T) -> T {
    loom::stop_exploring();
    let result = operation();
    loom::explore();
    result
}

macro_rules! thorough {
    ($name:ident, $value:ty, $nothing:expr) => {
        /// As the atomic of this name in [`core::sync::atomic`].
        #[derive(Debug)]
        pub struct $name {
            value: raw::$name,
            turn: raw::AtomicUsize,
        }

        #[expect(missing_docs, reason = "the methods are those of core's atomics")]
        impl $name {
            pub fn new(value: $value) -> Self {
                $name { value: raw::$name::new(value), turn: raw::AtomicUsize::new(0) }
            }

            fn take_turn(&self) {
                self.turn.fetch_add(1, Ordering::Relaxed);
            }

            pub fn load(&self, order: Ordering) -> $value {
                self.take_turn();
                self.value.load(order)
            }

            pub fn store(&self, value: $value, order: Ordering) {
                self.take_turn();
                undivided(|| {
                    self.value.fetch_or($nothing, Ordering::Relaxed);
                    self.value.store(value, order);
                });
            }

            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.take_turn();
                undivided(|| self.value.compare_exchange(current, new, success, failure))
            }

            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }

            pub fn swap(&self, new: $value, order: Ordering) -> $value {
                self.take_turn();
                undivided(|| self.value.swap(new, order))
            }

            pub fn fetch_or(&self, bits: $value, order: Ordering) -> $value {
                self.take_turn();
                undivided(|| self.value.fetch_or(bits, order))
            }

            pub fn fetch_and(&self, bits: $value, order: Ordering) -> $value {
                self.take_turn();
                undivided(|| self.value.fetch_and(bits, order))
            }
        }

        impl From<$value> for $name {
            fn from(value: $value) -> Self {
                Self::new(value)
            }
        }
    };
}

macro_rules! thorough_arithmetic {
    ($name:ident, $value:ty) => {
        #[expect(missing_docs, reason = "the methods are those of core's atomics")]
        impl $name {
            pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                self.take_turn();
                undivided(|| self.value.fetch_add(value, order))
            }

            pub fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                self.take_turn();
                undivided(|| self.value.fetch_sub(value, order))
            }
        }
    };
}

thorough!(AtomicBool, bool, false);
thorough!(AtomicUsize, usize, 0);
thorough!(AtomicU64, u64, 0);
thorough_arithmetic!(AtomicUsize, usize);
thorough_arithmetic!(AtomicU64, u64);
