//! What other threads ask of a space that runs.

use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::stack::Frame;

/// Asks the dispatch loop for its attention, from any thread: the frame limit that it compares with at each call becomes null.
#[derive(Debug, Default)]
pub struct Interrupt {
    seen: AtomicPtr<Frame>,
    real: AtomicPtr<Frame>,
    wakes: Mutex<u64>,
    changed: Condvar,
    is_stop: AtomicBool,
    is_suspend: AtomicBool,
    is_gathering: AtomicBool,
}

impl Interrupt {
    /// The address that no new frame may reach; null if a poll was requested.
    #[inline(always)]
    pub(crate) fn frame_limit(&self) -> *mut Frame {
        self.seen.load(Ordering::Relaxed)
    }

    /// Whether a poll was requested.
    #[inline(always)]
    pub(crate) fn is_requested(&self) -> bool {
        self.frame_limit().is_null()
    }

    /// Requests a poll, and ends the sleep of a space that is idle.
    pub fn request(&self) {
        self.seen.store(std::ptr::null_mut(), Ordering::Release);
        *self.wakes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// Requests that the space stops what it evaluates: [`Problem::Interrupted`](crate::bootstrap::Problem::Interrupted).
    pub fn request_stop(&self) {
        self.is_stop.store(true, Ordering::Release);
        self.request();
    }

    /// Requests that the space suspends all its processes and hands itself over.
    pub(crate) fn request_suspend(&self) {
        self.is_suspend.store(true, Ordering::Release);
        self.request();
    }

    /// Takes a request to suspend back.
    pub(crate) fn forget_suspend(&self) {
        self.is_suspend.store(false, Ordering::Relaxed);
    }

    pub(super) fn take_suspend(&self) -> bool {
        // Where every call polls, the exchange alone would be felt.
        self.is_suspend.load(Ordering::Relaxed) && self.is_suspend.swap(false, Ordering::Acquire)
    }

    /// Lets processes wait at update points, or go on.
    pub(crate) fn set_gathering(&self, is_gathering: bool) {
        self.is_gathering.store(is_gathering, Ordering::Release);
        self.request();
    }

    /// Whether an update is pending: what an update point looks at.
    #[inline]
    pub(crate) fn is_gathering(&self) -> bool {
        self.is_gathering.load(Ordering::Relaxed)
    }

    /// A stop that was requested and not met.
    pub(crate) fn forget_stop(&self) {
        self.is_stop.store(false, Ordering::Relaxed);
    }

    pub(super) fn take_stop(&self) -> bool {
        self.is_stop.swap(false, Ordering::Acquire)
    }

    /// Another stack runs. A request that is waiting stays.
    pub(crate) fn set_frame_limit(&self, limit: *mut Frame) {
        let old = self.real.swap(limit, Ordering::Relaxed);
        // Fails if a poll was requested meanwhile: the request stands.
        let _ = self.seen.compare_exchange(old, limit, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The request is being attended to. What is requested from now on is a new request.
    pub(super) fn accept(&self) {
        // An exchange, not a store, which might still be under way when flags are read and then undo a request that came meanwhile. Whatever was
        // done before the request that is taken here is seen by what follows.
        self.seen.swap(self.real.load(Ordering::Relaxed), Ordering::AcqRel);
    }

    /// Sleeps until a request, or until `deadline`.
    pub(super) fn sleep(&self, deadline: Option<Instant>) {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *wakes;
        while *wakes == before && !self.is_requested() {
            let Some(deadline) = deadline else {
                wakes = self.changed.wait(wakes).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            wakes = self.changed.wait_timeout(wakes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
