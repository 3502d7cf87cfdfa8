//! How many of something there may be at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of places.
#[derive(Debug)]
pub(super) struct Slots {
    free: AtomicUsize,
}

/// A place that is taken, until this is dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    pub fn new(most: usize) -> Arc<Slots> {
        Arc::new(Slots { free: AtomicUsize::new(most) })
    }

    /// A place, if one is free. The count guards nothing but itself.
    pub fn take(self: &Arc<Slots>) -> Option<Slot> {
        let taken = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(1));
        taken.ok().map(|_| Slot(self.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::Relaxed);
    }
}
