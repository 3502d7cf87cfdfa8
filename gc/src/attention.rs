//! How other threads get the attention of one that runs guest code, at no cost while they do not.
//!
//! **Algorithm.** The thread compares with a *limit* at each call, for its own reasons: the address at which its stack ends. Whoever wants something
//! first says what, then stores 0 in the limit's place, so that the next comparison fails. The thread then *attends*: it puts the limit back and
//! looks at all that could be wanted.
//!
//! **Invariants.**
//! 1. A request is not lost: either the thread, putting the limit back, takes the request and sees what was said before it; or the limit is 0 still.
//!    So the limit is put back by an exchange: a store might overwrite a request without having seen it. And requests are exchanges too: of two stores the
//!    thread would take the later one alone, and not see what was said before the other.
//! 2. To be suspended is attended to before and after the limit is put back. Said between the two looks, it has its request taken with those of others,
//!    and would be seen only with the next one.
//! 3. Who suspends leaves the limit at 0: what else was wanted is attended to when the thread goes on.
//! 4. Another limit, when the thread changes stacks, takes no request away.
//!
//! **Orderings.** \[MM-attention\] in `docs/memory-model.md`.

use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;

use instar_heap::sync::atomic::{AtomicBool, AtomicUsize};
use instar_heap::sync::{Orders, Sound};

/// The limit while something is wanted: nothing is below it.
const WANTED: usize = 0;

/// What the thread is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Suspend all and hand itself over.
    Suspend,
    /// Give up what it evaluates.
    Stop,
    /// Look at whatever else may be there.
    Look,
}

/// The limit, and the two requests that end what runs.
#[derive(Debug)]
pub struct Attention<O = Sound> {
    /// What the thread compares with.
    seen: AtomicUsize,
    /// What it would be without a request. Written by the thread alone.
    real: AtomicUsize,
    is_suspend: AtomicBool,
    is_stop: AtomicBool,
    orders: PhantomData<O>,
}

impl Default for Attention {
    fn default() -> Self {
        Self::with_orders()
    }
}

impl<O: Orders> Attention<O> {
    /// Without a limit, which looks like a request. With orderings of the caller's, for the model checks.
    pub fn with_orders() -> Self {
        Attention {
            seen: AtomicUsize::new(WANTED),
            real: AtomicUsize::new(WANTED),
            is_suspend: AtomicBool::new(false),
            is_stop: AtomicBool::new(false),
            orders: PhantomData,
        }
    }

    /// What the thread compares with: 0 if something is wanted.
    #[inline(always)]
    pub fn limit(&self) -> usize {
        self.seen.load(Relaxed)
    }

    /// Whether something is wanted.
    #[inline(always)]
    pub fn is_requested(&self) -> bool {
        self.limit() == WANTED
    }

    /// Something is wanted, which was said before. From any thread.
    pub fn request(&self) {
        self.seen.swap(WANTED, O::PUBLISH);
    }

    /// The thread is to suspend all. From any thread.
    pub fn request_suspend(&self) {
        self.is_suspend.store(true, O::PUBLISH);
        self.request();
    }

    /// The thread is to give up what it evaluates. From any thread.
    pub fn request_stop(&self) {
        self.is_stop.store(true, O::PUBLISH);
        self.request();
    }

    /// Takes a suspension back that has not been attended to.
    pub fn forget_suspend(&self) {
        self.is_suspend.store(false, Relaxed);
    }

    /// Takes a stop back that has not been attended to.
    pub fn forget_stop(&self) {
        self.is_stop.store(false, Relaxed);
    }

    /// The thread has another limit. A request stands.
    pub fn set_limit(&self, limit: usize) {
        let old = self.real.load(Relaxed);
        self.real.store(limit, Relaxed);
        // Fails if something is wanted: then the limit is taken when that is attended to. If the old limit was none, the request stands as well.
        if old != WANTED {
            let _ = self.seen.compare_exchange(old, limit, Relaxed, Relaxed);
        }
    }

    /// Whether the thread is to suspend; that is done then.
    pub fn take_suspend(&self) -> bool {
        // Where every call attends, the exchange alone would be felt.
        self.is_suspend.load(Relaxed) && self.is_suspend.swap(false, O::OBSERVE)
    }

    /// Puts the limit back: what is requested from now on is a new request.
    pub fn accept(&self) {
        self.seen.swap(self.real.load(Relaxed), O::MEET);
    }

    /// By the thread itself, when something is wanted: what that is. All but a suspension can be put off: then the answer is `None`, and the request
    /// stands.
    pub fn attend(&self, is_put_off: bool) -> Option<Demand> {
        if self.take_suspend() {
            return Some(Demand::Suspend);
        }
        if is_put_off {
            return None;
        }
        let demand = self.attend_at_once();
        if demand == Demand::Suspend {
            // The limit was put back.
            self.request();
        }
        Some(demand)
    }

    /// As [`attend`](Self::attend), by a thread that has nothing else to do: it looks at all that is wanted before it goes on, also when it suspends.
    pub fn attend_at_once(&self) -> Demand {
        self.accept();
        if self.take_suspend() {
            return Demand::Suspend;
        }
        if self.is_stop.swap(false, O::OBSERVE) { Demand::Stop } else { Demand::Look }
    }
}
