//! When parallel workers may stop: the end of work stealing.
//!
//! **Algorithm.** A worker that found nothing to do, neither in its own queue nor elsewhere, calls
//! [`Termination::offer`] and counts as idle. If all workers are idle the work is done. If an idle worker sees work in
//! a queue, it stops being idle *first* and then tries to take some.
//!
//! **Invariants.**
//! 1. A worker that holds an item, or whose own queue is not empty, does not count as idle. So the caller offers only
//!    after it found its own queue (and, if it pushed to a shared one, that queue) empty since its last push, and
//!    `has_work` only looks, it takes nothing.
//! 2. Only workers that are not idle make work. With (1): once all are idle there is no work, and never will be.
//! 3. The count does not leave "all idle": whoever sees work withdraws by compare-exchange from a lower count.
//!
//! `has_work` is a hint. If it misses an item, the item's holder is not idle and keeps everybody here; if it sees one
//! that is gone, the worker comes back.
//!
//! A worker that panics would never offer. It holds a guard ([`Termination::end_on_panic`]) that ends the phase for the
//! others, so that the panic is reported instead of a hang.
//!
//! **Orderings.** \[MM-terminate\] in `docs/memory-model.md`.

use std::marker::PhantomData;
use std::sync::atomic::Ordering;

use instar_heap::sync::atomic::AtomicUsize;
use instar_heap::sync::{Backoff, Orders, Sound};

/// A count above any number of workers: the phase ended by a panic.
const ABANDONED: usize = usize::MAX / 2;

/// The end of one parallel phase. Each phase makes a new one.
#[derive(Debug)]
pub struct Termination<O = Sound> {
    idle: AtomicUsize,
    workers: usize,
    orders: PhantomData<O>,
}

impl Termination {
    /// For a phase with this many workers. All of them must take part and offer in the end: a worker that never comes
    /// keeps the others waiting.
    pub fn new(workers: usize) -> Self {
        Self::with_orders(workers)
    }
}

impl<O: Orders> Termination<O> {
    /// As [`new`](Termination::new), for any set of orderings: for model checks.
    pub fn with_orders(workers: usize) -> Self {
        Termination { idle: AtomicUsize::new(0), workers, orders: PhantomData }
    }

    /// Offers to stop, and waits until all workers do (true, for all of them) or `has_work` sees work (false: go on
    /// stealing). After true, everything that any worker did in the phase has happened before.
    pub fn offer(&self, has_work: impl Fn() -> bool) -> bool {
        // [MM-terminate]: publishes this worker's results; the last to arrive observes those of all others.
        let mut idle = self.idle.fetch_add(1, O::MEET) + 1;
        debug_assert!(idle <= self.workers || idle > ABANDONED, "more offers than workers");
        let mut backoff = Backoff::new();
        while idle < self.workers {
            if has_work() {
                match self.idle.compare_exchange(idle, idle - 1, Ordering::Relaxed, O::OBSERVE) {
                    // No longer idle, and not all were: work may be taken.
                    Ok(_) => return false,
                    // Others came or left; if they all came, that is the end, and what was seen is gone.
                    Err(now) => idle = now,
                }
            } else {
                backoff.snooze();
                // [MM-terminate]: the full count observes every worker's results.
                idle = self.idle.load(O::OBSERVE);
            }
        }
        true
    }

    /// Ends the phase for all workers if the calling one panics while it holds the result. The work is then not
    /// complete: whoever started the workers passes the panic on.
    pub fn end_on_panic(&self) -> EndOnPanic<'_> {
        EndOnPanic { idle: &self.idle }
    }
}

/// See [`Termination::end_on_panic`].
#[derive(Debug)]
#[must_use = "it does nothing once dropped"]
pub struct EndOnPanic<'a> {
    idle: &'a AtomicUsize,
}

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Nothing is published: there are no results.
            self.idle.store(ABANDONED, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(instar_loom)))]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::Ordering::Relaxed;
    use std::thread;

    #[test]
    fn workers_stop_when_all_is_done() {
        const WORKERS: usize = 3;
        for _ in 0..20 {
            let queue = Mutex::new(vec![12u32]);
            let done = AtomicUsize::new(0);
            let termination = Termination::new(WORKERS);
            let work = || {
                loop {
                    while let Some(item) = { queue.lock().unwrap().pop() } {
                        queue.lock().unwrap().extend(0..item);
                        done.fetch_add(1, Relaxed);
                    }
                    if termination.offer(|| !queue.lock().unwrap().is_empty()) {
                        return done.load(Relaxed);
                    }
                }
            };
            thread::scope(|scope| {
                let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
                workers.into_iter().for_each(|worker| assert_eq!(worker.join().unwrap(), 1 << 12));
            });
        }
    }

    #[test]
    fn a_panic_ends_the_phase_for_all() {
        let termination = Termination::new(3);
        thread::scope(|scope| {
            let others: Vec<_> = (0..2).map(|_| scope.spawn(|| termination.offer(|| false))).collect();
            let panicking = scope.spawn(|| {
                let _guard = termination.end_on_panic();
                panic!("expected by the test");
            });
            assert!(panicking.join().is_err());
            others.into_iter().for_each(|other| assert!(other.join().unwrap()));
        });
    }
}
