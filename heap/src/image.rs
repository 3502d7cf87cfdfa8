//! Images: the old generation and the class table of one heap, from which others are made.
//!
//! **Algorithm.** An image is the words of the old generation as they stand, with the address they stood at. To make a heap of it, the words
//! are copied to where the other heap's old generation begins, and every reference is moved by the difference of the two addresses, in one
//! walk. Old generations begin at the boundary of a region in each heap, so that what is noted for regions goes over as it is.
//!
//! \[image-old\] An image is taken when the young generation is empty and there are no forwarders: all its references lead to the old
//! generation.

#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use crate::class_table::ClassTableImage;
use crate::object::WORD;
use crate::side::LOG_REGION;
use crate::walk::walk;
use crate::{ClassIndex, Heap, HeapError, Oop};

/// What a heap held when the image was taken.
pub struct HeapImage {
    start: usize,
    words: Box<[u64]>,
    region_flags: Box<[u8]>,
    crossings: Box<[u64]>,
    classes: ClassTableImage,
    next_hash: u32,
}

/// Where the objects of an image are in a heap made of it.
#[derive(Clone, Copy, Debug)]
pub struct Relocation {
    offset: usize,
}

impl Relocation {
    /// What was `oop` when the image was taken.
    #[inline]
    pub fn apply(self, oop: Oop) -> Oop {
        if oop == Oop::NULL || !oop.is_pointer() {
            return oop;
        }
        Oop::from_bits(oop.bits().wrapping_add(self.offset as u64))
    }
}

fn regions(range: Range<usize>) -> impl Iterator<Item = usize> {
    (range.start..range.end).step_by(1 << LOG_REGION)
}

impl HeapImage {
    /// Copies what the heap holds. Time and memory grow with the old generation: 0.3 ns a byte.
    ///
    /// # Safety
    /// \[stopped\] and \[image-old\].
    pub unsafe fn take(heap: &Heap) -> HeapImage {
        let range = heap.old_range();
        debug_assert!(heap.eden_range().is_empty() && heap.survivor_range().is_empty());
        debug_assert_eq!(heap.forwarders.total(), 0);
        // SAFETY: the used range of the old generation is initialised memory, and nobody writes to it meanwhile.
        let words =
            unsafe { std::slice::from_raw_parts(range.start as *const u64, range.len() / WORD) }.into();
        HeapImage {
            start: range.start,
            words,
            // SAFETY: read only.
            region_flags: regions(range.clone()).map(|at| heap.side.region(at).bits()).collect(),
            // SAFETY: inside the heap, and read only.
            crossings: regions(range).map(|at| unsafe { heap.side.crossings.at(at) }.load(Relaxed)).collect(),
            classes: heap.classes.image(),
            next_hash: heap.hash_state(),
        }
    }

    /// Bytes of objects.
    pub fn bytes(&self) -> usize {
        self.words.len() * WORD
    }

    /// Fills a heap that was just made with what the image holds.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`]: the heap is too small for it.
    ///
    /// # Safety
    /// Nobody else knows the heap, which holds nothing but nil.
    pub unsafe fn restore(&self, heap: &Heap) -> Result<Relocation, HeapError> {
        let start = heap.old_start();
        let end = start + self.bytes();
        if end > heap.old_limit() {
            return Err(HeapError::OutOfMemory {
                requested: self.bytes(),
                used: heap.used_bytes(),
                limit: heap.config().limit_bytes,
            });
        }
        let relocation = Relocation { offset: start.wrapping_sub(self.start) };
        // SAFETY: the range lies in the old generation, which holds nothing but nil, whose place the image's nil takes.
        unsafe {
            std::ptr::copy_nonoverlapping(self.words.as_ptr(), start as *mut u64, self.words.len());
            walk(start..end, |object, header| {
                if header.has_class(ClassIndex::FREE) {
                    return;
                }
                for slot in 0..object.pointer_slots_of(header) {
                    object.set_slot_raw(slot, relocation.apply(object.slot(slot)));
                }
            });
            // nil has itself where other objects have a slot.
            let nil = crate::Obj::from_oop(heap.nil());
            nil.set_slot_raw(0, heap.nil());
            heap.set_old_top(end);
        }
        heap.note_old_top(end);
        for (number, at) in regions(start..end).enumerate() {
            // SAFETY: [side-meaning]: the region holds what the image's held.
            unsafe {
                heap.side.regions.at(at).store(self.region_flags[number], Relaxed);
                let crossing = self.crossings[number];
                let moved = if crossing == 0 { 0 } else { crossing.wrapping_add(relocation.offset as u64) };
                heap.side.crossings.at(at).store(moved, Relaxed);
            }
        }
        heap.classes.restore(&self.classes, relocation);
        heap.set_hash_state(self.next_hash);
        Ok(relocation)
    }
}

impl std::fmt::Debug for HeapImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeapImage").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}
