//! Stopping all mutators: the handshake before a collection or a become.
//!
//! **Algorithm.** A mutator is *running*, *parked*, *blocked* (in a native wait, heap untouched) or detached. One lock
//! guards the number of running mutators. [`Safepoint::stop`] takes the lock; if others run, it raises the request flag
//! and sleeps until the number is one. It keeps the lock until the [`Stopped`] guard is dropped. Parking, blocking and
//! detaching subtract from the number; whoever wants to run (attach, resume, come out of a native wait) needs the lock
//! and therefore waits for the end of the stop.
//!
//! A lone mutator stops the world by one lock and one unlock, without flag and without wake-up. It may also rely on being
//! alone between two polls ([`Safepoint::is_alone`]), and for example heal slots by plain stores: a second mutator is let
//! in only when the first one has parked, blocked or detached. Attaching is then a stop of its own, of no length.
//!
//! | event | running | parked | blocked |
//! |---|---|---|---|
//! | `poll`, nothing requested | running | – | – |
//! | `poll`, requested | parked until the stop ends | – | – |
//! | `enter_blocked` | blocked | – | – |
//! | `leave_blocked` | – | – | running, after the stop |
//! | `stop` | running, alone; parked first if another stop is under way | – | – |
//! | `detach` | detached | – | – |
//! | another one's `attach` | parked for a moment, if alone | – | – |
//!
//! **Invariants.**
//! 1. While a `Stopped` exists, its thread holds the lock and is the only running mutator.
//! 2. `stopping` is set from the request until the guard is dropped, and only if others ran at the request. While it is
//!    set nobody becomes running. At most one thread waits on `quiet`.
//! 3. A running mutator never waits for the lock while another thread is inside a stop (it would have been counted).
//! 4. `alone` implies that at most one mutator is attached. It changes only while no other mutator runs, and becomes true
//!    only by the mutator that is alone, in `attach` or `stop`: what it loaded since its last poll, nobody else changed.
//!
//! **Orderings.** \[MM-safepoint\]: everything is ordered by the lock. \[MM-poll\]: the request flag is a hint, and a
//! relaxed load. \[MM-alone\]: so is that of `alone`, which changes only between two polls of its reader. See `docs/memory-model.md`.

use std::sync::atomic::Ordering;

use instar_heap::sync::atomic::{AtomicBool, AtomicUsize};
use instar_heap::sync::{Condvar, Mutex, MutexGuard};

/// What every mutator looks at without the lock, in a cache line of its own: the lock's traffic would slow the polls.
#[derive(Debug)]
#[repr(align(64))]
struct Signals {
    requested: AtomicBool,
    alone: AtomicBool,
}

#[derive(Debug)]
struct State {
    running: usize,
    stopping: bool,
    /// How many go on running while `stopping`: the stopper, or nobody if it is one that attaches.
    exempt: usize,
}

/// Where the mutators of one heap meet.
#[derive(Debug)]
pub struct Safepoint {
    signals: Signals,
    state: Mutex<State>,
    /// The stopper waits here until no other mutator runs.
    quiet: Condvar,
    /// Everybody else waits here until nobody is stopping.
    resumed: Condvar,
    /// Written under the lock, read without.
    attached: AtomicUsize,
}

impl Safepoint {
    /// A meeting place without mutators.
    #[expect(clippy::new_without_default, reason = "a heap makes one, on purpose")]
    pub fn new() -> Self {
        Safepoint {
            signals: Signals { requested: AtomicBool::new(false), alone: AtomicBool::new(false) },
            state: Mutex::new(State { running: 0, stopping: false, exempt: 0 }),
            quiet: Condvar::new(),
            resumed: Condvar::new(),
            attached: AtomicUsize::new(0),
        }
    }

    /// Makes the calling thread a running mutator. Waits if a stop is under way, and for the next poll of a mutator that
    /// was alone: a thread must not wait for one that attaches without being blocked itself.
    pub fn attach(&self) {
        let mut state = self.wait_until_resumed(self.state.lock());
        self.attached.fetch_add(1, Ordering::Relaxed);
        if self.is_alone() {
            state = self.wait_until_quiet(state, 0);
        }
        self.signals.alone.store(self.mutators() == 1, Ordering::Relaxed);
        state.running += 1;
        self.resume(state);
    }

    /// Ends the calling thread's life as a mutator. It was attached and running.
    pub fn detach(&self) {
        let mut state = self.state.lock();
        self.attached.fetch_sub(1, Ordering::Relaxed);
        self.cease_running(&mut state);
    }

    /// Parks while a stop is requested or under way. True if it did (or might have): objects may have moved.
    #[inline]
    pub fn poll(&self) -> bool {
        // [MM-poll]: what the stop did is observed by the lock in `park`; a late sight of the request costs time only.
        if self.signals.requested.load(Ordering::Relaxed) {
            self.park();
            return true;
        }
        false
    }

    /// Before a native wait: from here to [`leave_blocked`](Self::leave_blocked) the thread does not touch the heap,
    /// and stops do not wait for it.
    pub fn enter_blocked(&self) {
        self.cease_running(&mut self.state.lock());
    }

    /// After a native wait: waits for the end of a stop that is under way. Objects may have moved since
    /// [`enter_blocked`](Self::enter_blocked).
    pub fn leave_blocked(&self) {
        self.wait_until_resumed(self.state.lock()).running += 1;
    }

    /// Whether the calling mutator is the only one. If it is, that stays so until its next poll, stop or native wait, and
    /// was so since the last one. A mutator that was left alone knows it only after its next [`stop`](Self::stop).
    #[inline]
    pub fn is_alone(&self) -> bool {
        // [MM-alone]: whoever may ask wrote the flag or has taken the lock since.
        self.signals.alone.load(Ordering::Relaxed)
    }

    /// Stops all other mutators, until the guard is dropped. The caller is an attached, running mutator; its own
    /// objects may have moved, since another stop may have come first.
    ///
    /// Everything that mutators did before is visible to the caller, and what it does is visible to them afterwards.
    /// Costs one lock and one unlock if no other mutator runs; otherwise as long as the slowest takes to its next poll.
    #[inline]
    pub fn stop(&self) -> Stopped<'_> {
        let mut state = self.state.lock();
        debug_assert!(state.running > 0, "only a running mutator may stop the others");
        if state.running > 1 || state.stopping {
            state = self.stop_others(state);
        }
        if self.mutators() == 1 {
            self.signals.alone.store(true, Ordering::Relaxed);
        }
        Stopped { safepoint: self, state: Some(state) }
    }

    /// How many mutators are attached, whatever their state. May be called inside a stop.
    pub fn mutators(&self) -> usize {
        self.attached.load(Ordering::Relaxed)
    }

    #[cold]
    #[inline(never)]
    fn park(&self) {
        let mut state = self.state.lock();
        if state.stopping {
            self.cease_running(&mut state);
            self.wait_until_resumed(state).running += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn stop_others<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        // The others' stops come first: they wait for this thread.
        while state.stopping {
            self.cease_running(&mut state);
            state = self.wait_until_resumed(state);
            state.running += 1;
        }
        self.wait_until_quiet(state, 1)
    }

    /// Waits until no more than the `exempt` are running, who have no part in this: nobody stops already.
    fn wait_until_quiet<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        exempt: usize,
    ) -> MutexGuard<'a, State> {
        if state.running > exempt {
            state.stopping = true;
            state.exempt = exempt;
            self.signals.requested.store(true, Ordering::Relaxed);
            while state.running > exempt {
                state = self.quiet.wait(state);
            }
        }
        state
    }

    fn cease_running(&self, state: &mut State) {
        debug_assert!(state.running > 0, "more mutators ceased than ran");
        state.running -= 1;
        if state.stopping && state.running == state.exempt {
            self.quiet.notify_one();
        }
    }

    fn wait_until_resumed<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        while state.stopping {
            state = self.resumed.wait(state);
        }
        state
    }

    /// Ends the stop, if others were stopped for it.
    #[inline]
    fn resume(&self, mut state: MutexGuard<'_, State>) {
        if state.stopping {
            state.stopping = false;
            self.signals.requested.store(false, Ordering::Relaxed);
            // Unlocked first, so that those who wake do not find the lock taken.
            drop(state);
            self.resumed.notify_all();
        }
    }
}

/// All mutators but the one that holds this are stopped. Dropping it lets them go on.
#[derive(Debug)]
#[must_use = "dropping the guard resumes the mutators"]
pub struct Stopped<'a> {
    safepoint: &'a Safepoint,
    /// `None` only inside `drop`.
    state: Option<MutexGuard<'a, State>>,
}

impl Drop for Stopped<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            self.safepoint.resume(state);
        }
    }
}

#[cfg(all(test, not(instar_loom)))]
mod tests {
    use super::*;
    use std::thread;

    /// Counts in two steps, which only exclusion keeps from losing any.
    fn count(counter: &AtomicUsize) {
        let old = counter.load(Ordering::Relaxed);
        std::hint::spin_loop();
        counter.store(old + 1, Ordering::Relaxed);
    }

    #[test]
    fn stops_exclude_each_other_and_all_mutators() {
        const THREADS: usize = 4;
        const STOPS: usize = 500;
        let safepoint = Safepoint::new();
        let counter = AtomicUsize::new(0);
        thread::scope(|scope| {
            for index in 0..THREADS {
                let (safepoint, counter) = (&safepoint, &counter);
                scope.spawn(move || {
                    safepoint.attach();
                    for round in 0..STOPS {
                        {
                            let _stopped = safepoint.stop();
                            count(counter);
                        }
                        safepoint.poll();
                        if (round + index) % 7 == 0 {
                            safepoint.enter_blocked();
                            thread::yield_now();
                            safepoint.leave_blocked();
                        }
                        if (round + index) % 50 == 0 {
                            safepoint.detach();
                            safepoint.attach();
                        }
                    }
                    safepoint.detach();
                });
            }
        });
        assert_eq!(counter.into_inner(), THREADS * STOPS);
        assert_eq!(safepoint.mutators(), 0);
    }

    #[test]
    fn a_lone_mutator_stops_without_asking() {
        let safepoint = Safepoint::new();
        safepoint.attach();
        for _ in 0..3 {
            let _stopped = safepoint.stop();
            assert!(!safepoint.signals.requested.load(Ordering::Relaxed));
            assert!(safepoint.is_alone());
        }
        assert!(!safepoint.poll());
        safepoint.detach();
    }
}
