//! The linear heap walk: every object of a space in address order, without tracing.
//!
//! \[walkable\] Each used range is covered by objects, forwarders and free chunks without a gap. Allocation buffers are
//! exempt until their owner retires them, which every safepoint operation does first.

#![allow(unsafe_code)]

use std::ops::Range;

use crate::object::{Obj, WORD};
use crate::{ClassIndex, Header, Heap};

/// Visits everything between `range.start` and `range.end`, free chunks and forwarders included. Reading one header an
/// object, at memory speed: 32-byte objects take about 3 ns each once they no longer fit the cache.
///
/// # Safety
/// \[walkable\] holds for the range, and nobody allocates or moves objects in it meanwhile.
#[inline]
pub unsafe fn walk(range: Range<usize>, visitor: impl FnMut(Obj, Header)) {
    let end = range.end;
    // SAFETY: the caller's promise.
    unsafe { walk_until(range, end, visitor) };
}

/// As [`walk`], but ends before the first object that starts at `limit` or behind it: returns its start, or the range's end.
///
/// # Safety
/// As for [`walk`].
#[inline]
pub unsafe fn walk_until(range: Range<usize>, limit: usize, mut visitor: impl FnMut(Obj, Header)) -> usize {
    let limit = limit.min(range.end);
    let mut start = range.start;
    let mut usual_slots = usize::MAX as u64;
    while start < limit {
        // SAFETY: [walkable]
        let object = unsafe { Obj::from_start(start) };
        let header = object.header();
        visitor(object, header);
        // Neighbours tend to have the same size. Adding a size known from before lets the processor guess that branch
        // and run ahead, where a size computed from the header would chain each step to the load before it.
        if header.slot_field() == usual_slots {
            start += (usual_slots as usize + 1) * WORD;
        } else {
            start = object.end_of(header);
            let plain = !header.has_overflow() && header.slot_field() > 0;
            usual_slots = if plain { header.slot_field() } else { u64::MAX };
        }
    }
    debug_assert!(start <= range.end, "the last object reaches behind the range");
    start
}

impl Heap {
    /// Visits each object of all spaces; free chunks and forwarders are left out.
    ///
    /// # Safety
    /// As for [`walk`], for all spaces.
    pub unsafe fn for_each_object(&self, mut visitor: impl FnMut(Obj, Header)) {
        for range in self.used_ranges() {
            // SAFETY: the caller's promise.
            unsafe {
                walk(range, |object, header| {
                    if !header.has_class(ClassIndex::FREE) && !header.is_forwarder() {
                        visitor(object, header);
                    }
                });
            }
        }
    }

    /// Visits the instances of `class`, dead ones included that no collection has removed yet.
    ///
    /// # Safety
    /// As for [`walk`], for all spaces.
    pub unsafe fn for_each_instance(&self, class: ClassIndex, mut visitor: impl FnMut(Obj)) {
        for range in self.used_ranges() {
            // SAFETY: the caller's promise.
            unsafe {
                walk(range, |object, header| {
                    if header.has_class(class) {
                        visitor(object);
                    }
                });
            }
        }
    }
}
