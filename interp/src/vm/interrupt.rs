//! What other threads ask of a space that runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use instar_gc::attention::{Attention, Demand};

use super::stack::Frame;

/// Asks the dispatch loop for its [`Attention`], from any thread: the frame limit that it compares with at each call becomes null. Ends the sleep of a
/// space that is idle as well.
#[derive(Debug, Default)]
pub struct Interrupt {
    attention: Attention,
    wakes: Mutex<u64>,
    changed: Condvar,
    is_gathering: AtomicBool,
}

impl Interrupt {
    /// The address that no new frame may reach; null if a poll was requested. It is compared with and nothing else.
    #[inline(always)]
    pub(crate) fn frame_limit(&self) -> *mut Frame {
        std::ptr::without_provenance_mut(self.attention.limit())
    }

    /// Whether a poll was requested.
    #[inline(always)]
    pub(crate) fn is_requested(&self) -> bool {
        self.attention.is_requested()
    }

    fn wake(&self) {
        *self.wakes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// Requests a poll, and ends the sleep of a space that is idle.
    pub fn request(&self) {
        self.attention.request();
        self.wake();
    }

    /// Requests that the space stops what it evaluates: [`Problem::Interrupted`](crate::bootstrap::Problem::Interrupted).
    pub fn request_stop(&self) {
        self.attention.request_stop();
        self.wake();
    }

    /// Requests that the space suspends all its processes and hands itself over.
    pub(crate) fn request_suspend(&self) {
        self.attention.request_suspend();
        self.wake();
    }

    /// Takes a request to suspend back.
    pub(crate) fn forget_suspend(&self) {
        self.attention.forget_suspend();
    }

    /// A stop that was requested and not met.
    pub(crate) fn forget_stop(&self) {
        self.attention.forget_stop();
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

    /// Another stack runs. A request that is waiting stays.
    pub(crate) fn set_frame_limit(&self, limit: *mut Frame) {
        self.attention.set_limit(limit.addr());
    }

    /// What was requested of a space that runs, as [`Attention::attend`].
    pub(super) fn attend(&self, is_put_off: bool) -> Option<Demand> {
        self.attention.attend(is_put_off)
    }

    /// What was requested of a space none of whose processes can go on.
    pub(super) fn attend_at_once(&self) -> Demand {
        self.attention.attend_at_once()
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
