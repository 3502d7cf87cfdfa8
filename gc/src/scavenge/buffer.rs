//! Copy buffers: memory that one worker fills with survivors.

#![allow(unsafe_code)]

use instar_heap::Heap;
use instar_heap::bump::BumpRegion;
use instar_heap::object::WORD;

use super::ScanRange;
use crate::copy_locks::LOG_APART;

/// Bytes of a buffer when several workers compete for the region.
pub(crate) const SHARED_BUFFER_BYTES: usize = 64 << 10;
/// Bytes of a buffer when there is one worker, whose buffers then join without a seam.
const SOLE_BUFFER_BYTES: usize = 1 << 20;
/// Objects above this share of a buffer get memory of their own, which bounds what is wasted at a buffer's end.
const SEPARATE_FRACTION: usize = 8;

/// Slots up to which an object counts as small: copied by a loop, found room for without a call.
pub(super) const MOST_SMALL_SLOTS: usize = 16;
/// Bytes of the largest small object.
pub(super) const SMALL_BYTES: usize = (MOST_SMALL_SLOTS + 1) * WORD;

const fn buffer_bytes<const PARALLEL: bool>() -> usize {
    if PARALLEL { SHARED_BUFFER_BYTES } else { SOLE_BUFFER_BYTES }
}

// Neighbours that get memory of their own have locks of their own.
const _: () = assert!(SHARED_BUFFER_BYTES / SEPARATE_FRACTION >= 1 << LOG_APART);

/// Whether an object of so many bytes may get memory of its own.
pub(super) const fn is_separate<const PARALLEL: bool>(bytes: usize) -> bool {
    bytes > buffer_bytes::<PARALLEL>() / SEPARATE_FRACTION
}

/// Memory for one copy.
pub(super) enum Room {
    /// At the buffer's top.
    Buffered(usize),
    /// Outside the buffer.
    Separate(usize),
}

impl Room {
    #[inline]
    pub(super) fn start(&self) -> usize {
        match *self {
            Room::Buffered(start) | Room::Separate(start) => start,
        }
    }
}

/// The memory between `scan` and `top` holds copies that are still to be scanned, in the order in which they were
/// made: Cheney's queue, cut into pieces.
pub(super) struct CopyBuffer<'h> {
    heap: &'h Heap,
    region: &'h BumpRegion,
    scan: usize,
    top: usize,
    end: usize,
}

impl<'h> CopyBuffer<'h> {
    pub(super) fn new(heap: &'h Heap, region: &'h BumpRegion) -> Self {
        CopyBuffer { heap, region, scan: 0, top: 0, end: 0 }
    }

    /// Room for an object with 1 to 16 slots, if there is any in the buffer.
    #[inline]
    pub(super) fn take_small(&mut self, slots: usize) -> Option<usize> {
        let start = self.top;
        let top = start + WORD + slots * WORD;
        if slots.wrapping_sub(1) >= MOST_SMALL_SLOTS || top > self.end {
            return None;
        }
        self.top = top;
        Some(start)
    }

    /// The copies that are still to be scanned, for the caller to scan.
    #[inline]
    pub(super) fn take_unscanned(&mut self) -> Option<ScanRange> {
        let range = self.scan..self.top;
        self.scan = self.top;
        (!range.is_empty()).then_some(range)
    }

    /// The copy that was made last, at `start`, need not be scanned. It is left out unless others before it wait.
    #[inline]
    pub(super) fn skip_scan(&mut self, start: usize) {
        if self.scan == start {
            self.scan = self.top;
        }
    }

    /// Takes back the copy that was made last.
    #[inline]
    pub(super) fn take_back_to(&mut self, start: usize) {
        self.top = start;
    }

    /// Room for `bytes`, or `None` if the region is full. A piece that is cut off unscanned goes to `unscanned`.
    #[inline]
    pub(super) fn allocate<const PARALLEL: bool>(
        &mut self,
        bytes: usize,
        unscanned: impl FnOnce(ScanRange),
    ) -> Option<Room> {
        let start = self.top;
        let top = start + bytes;
        if top > self.end {
            return self.allocate_slow::<PARALLEL>(bytes, unscanned);
        }
        self.top = top;
        Some(Room::Buffered(start))
    }

    #[cold]
    #[inline(never)]
    fn allocate_slow<const PARALLEL: bool>(
        &mut self,
        bytes: usize,
        unscanned: impl FnOnce(ScanRange),
    ) -> Option<Room> {
        if is_separate::<PARALLEL>(bytes) {
            return self.region.refill(bytes, bytes).map(|range| Room::Separate(range.start));
        }
        let range = self.region.refill(bytes, buffer_bytes::<PARALLEL>())?;
        let seamless = range.start == self.end;
        if !seamless {
            self.close();
        }
        if PARALLEL || !seamless {
            // Handed over even where the memory joins: this is what makes work visible to the other workers.
            if self.scan < self.top {
                unscanned(self.scan..self.top);
            }
            self.scan = if seamless { self.top } else { range.start };
        }
        if !seamless {
            self.top = range.start;
        }
        self.end = range.end;
        let start = self.top;
        self.top += bytes;
        Some(Room::Buffered(start))
    }

    /// Takes back the copy that was made last: another worker's copy of the same object was first.
    pub(super) fn take_back(&mut self, room: &Room) {
        match *room {
            Room::Buffered(start) => self.top = start,
            Room::Separate(start) => unreachable!("[one-room]: {start:#x} was given under a lock"),
        }
    }

    /// Gives the unused rest back, or makes it walkable. The part to be scanned stays.
    pub(super) fn close(&mut self) {
        if !self.region.give_back(self.top..self.end) {
            // SAFETY: the rest of the buffer is this worker's and holds no object.
            unsafe { self.heap.fill_old(self.top, self.end) };
        }
        self.end = self.top;
    }
}
