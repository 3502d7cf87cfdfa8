//! A region of memory from which threads cut their private buffers.
//!
//! **Algorithm.** The region is `[top, end)`; what lies below `top` was handed out. [`BumpRegion::refill`] moves `top`
//! up by compare-exchange; [`BumpRegion::give_back`] moves it down again if the buffer given back is the last that was
//! cut. Mutators refill their allocation buffers here, collector workers the buffers into which they promote. A
//! thread bumps inside its buffer without atomics.
//!
//! **Invariants.**
//! 1. Ranges handed out and not given back do not overlap and lie inside the region.
//! 2. `top` alone is the state: a `top` that went up and came back down to the same address means the same as one
//!    that never moved, so that compare-exchange cannot be fooled by it.
//! 3. `end` changes only in `BumpRegion::reset`, which needs exclusive use.
//!
//! **Orderings.** \[MM-buffer\]: giving back publishes the giver's writes to the tail, refilling observes them. See
//! `docs/memory-model.md`.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::Ordering;

use crate::sync::atomic::AtomicUsize;
use crate::sync::{Orders, Sound};

/// A region that several threads cut buffers from, without locks.
#[derive(Debug)]
pub struct BumpRegion<O = Sound> {
    top: AtomicUsize,
    end: AtomicUsize,
    orders: PhantomData<O>,
}

impl BumpRegion {
    /// The region of the addresses from `start` up to `end`, all free.
    pub fn new(start: usize, end: usize) -> Self {
        Self::with_orders(start, end)
    }
}

impl<O: Orders> BumpRegion<O> {
    /// As [`new`](BumpRegion::new), for any set of orderings: for model checks.
    pub fn with_orders(start: usize, end: usize) -> Self {
        debug_assert!(start <= end);
        BumpRegion { top: AtomicUsize::new(start), end: AtomicUsize::new(end), orders: PhantomData }
    }

    /// Cuts off a buffer of `preferred_bytes`, or of what is left if that is less, or `None` if less than `min_bytes`
    /// is left. A `preferred_bytes` below `min_bytes` counts as `min_bytes`.
    ///
    /// The sizes are multiples of the alignment that the caller wants kept.
    #[inline]
    pub fn refill(&self, min_bytes: usize, preferred_bytes: usize) -> Option<Range<usize>> {
        let end = self.end.load(Ordering::Relaxed);
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            let left = end - top;
            if left < min_bytes {
                return None;
            }
            let taken = preferred_bytes.max(min_bytes).min(left);
            match self.top.compare_exchange_weak(top, top + taken, O::OBSERVE, Ordering::Relaxed) {
                // The buffer is ours. [MM-buffer]: what earlier owners of its addresses wrote there is behind us.
                Ok(_) => return Some(top..top + taken),
                // Another thread cut or gave back first, or the processor gave up: try from where `top` is now.
                Err(now) => top = now,
            }
        }
    }

    /// Returns the unused `tail` of a buffer. False if another buffer was cut behind it, or the region was reset to
    /// elsewhere: then the tail stays with the caller, who fills it to keep the heap walkable.
    #[inline]
    #[expect(clippy::redundant_pattern_matching, reason = "each outcome has its comment")]
    pub fn give_back(&self, tail: Range<usize>) -> bool {
        debug_assert!(tail.start <= tail.end);
        match self.top.compare_exchange(tail.end, tail.start, O::PUBLISH, Ordering::Relaxed) {
            // Nothing was behind. [MM-buffer]: the next owner of these addresses writes after us.
            Ok(_) => true,
            // Somebody's buffer begins where ours ends, so the tail cannot be cut again.
            Err(_) => false,
        }
    }

    /// The first address that was not handed out. A snapshot while other threads refill; exact inside a stop.
    #[inline]
    pub fn top(&self) -> usize {
        self.top.load(Ordering::Relaxed)
    }

    /// The end of the region.
    #[inline]
    pub fn end(&self) -> usize {
        self.end.load(Ordering::Relaxed)
    }

    /// Makes this the region from `start` up to `end`, all free. No other thread may use it meanwhile: it is called
    /// inside a stop, which also publishes the new bounds.
    pub(crate) fn reset(&self, start: usize, end: usize) {
        debug_assert!(start <= end);
        self.top.store(start, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(instar_loom)))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn buffers_of_several_threads_tile_the_region() {
        const END: usize = 1 << 16;
        let region = BumpRegion::new(64, END);
        let fill = || {
            let mut kept = Vec::new();
            while let Some(buffer) = region.refill(16, 256) {
                let used = buffer.start + 16 * (1 + kept.len() % 16).min(buffer.len() / 16);
                let is_given_back = region.give_back(used..buffer.end);
                kept.push(buffer.start..if is_given_back { used } else { buffer.end });
            }
            kept
        };
        let mut all: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(fill)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort_by_key(|range| range.start);
        assert_eq!(all[0].start, 64);
        assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(all[all.len() - 1].end, region.top());
        assert!(END - region.top() < 16);
    }

    #[test]
    fn sizes_are_met_or_refused() {
        let region = BumpRegion::new(0, 100);
        assert_eq!(region.refill(8, 64), Some(0..64));
        assert_eq!(region.refill(48, 64), None);
        assert_eq!(region.refill(16, 8), Some(64..80));
        assert!(!region.give_back(32..64));
        assert!(region.give_back(64..80));
        assert_eq!(region.refill(8, 64), Some(64..100));
        region.reset(200, 300);
        assert_eq!((region.top(), region.end()), (200, 300));
    }
}
