//! Many old objects at once, while the world is stopped: what an update makes of a class's instances.
//!
//! Each worker cuts a buffer from the old generation and bumps a pointer in it; the rest is made walkable when the buffer goes.
//!
//! [bulk-room] Whether all objects of a bulk find room is known before the first is made: a buffer is left only for an object that
//! does not fit, and large objects have places of their own, so that what buffers leave unused has a bound.

#![allow(unsafe_code)]

use std::ops::Range;

use instar_heap::object::write_header;
use instar_heap::{HeapError, Obj, Oop, Shape};

use crate::pause::Pause;
use crate::remembered::note_old_to_young;
use crate::world::World;

/// Bytes of a buffer.
const BUFFER_BYTES: usize = 256 << 10;
/// Objects of more bytes are cut from the old generation by themselves.
const MOST_IN_BUFFER: usize = BUFFER_BYTES / 4;

/// Old memory that one thread fills with objects inside a stop.
pub struct BulkBuffer<'p> {
    world: &'p World,
    top: usize,
    end: usize,
    /// Objects that this thread was the first to remember.
    remembered: Vec<Obj>,
}

impl Pause<'_> {
    /// A buffer; workers take one each.
    pub fn bulk_buffer(&self) -> BulkBuffer<'_> {
        BulkBuffer { world: self.world(), top: 0, end: 0, remembered: Vec::new() }
    }

    /// Whether buffers have room for objects of `bytes` in all, none of more than `largest`, whichever workers make them ([bulk-room]). It is
    /// a little stricter than need be: by a buffer a worker, and by the ends of buffers into which the next object did not fit.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`].
    pub fn bulk_room(&self, bytes: usize, largest: usize) -> Result<(), HeapError> {
        let world = self.world();
        let unused = largest.min(MOST_IN_BUFFER);
        let buffers = bytes / (BUFFER_BYTES - unused) + world.workers().count();
        let needed = buffers.checked_mul(unused).and_then(|unused| unused.checked_add(bytes));
        let needed = needed.and_then(|needed| needed.checked_add(world.workers().count() * BUFFER_BYTES));
        // SAFETY: the region is only looked at.
        let region = unsafe { world.heap.old.region() };
        match needed {
            Some(needed) if needed <= region.end() - region.top() => Ok(()),
            _ => Err(out_of_memory(world, bytes)),
        }
    }
}

fn out_of_memory(world: &World, requested: usize) -> HeapError {
    let heap = &world.heap;
    HeapError::OutOfMemory { requested, used: heap.used_bytes(), limit: heap.config().limit_bytes }
}

impl BulkBuffer<'_> {
    /// An object of `shape` whose slots are not yet written. Some 2 ns.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`]: nothing is collected inside the stop.
    ///
    /// # Safety
    /// `shape` comes from a class that is in this world's table now. All slots are written before the buffer's stop ends, with
    /// immediates or references to live objects, and [`remember_store`](Self::remember_store) is told of them.
    #[inline]
    pub unsafe fn allocate(&mut self, shape: Shape) -> Result<Obj, HeapError> {
        if self.top + shape.bytes > self.end {
            if shape.bytes > MOST_IN_BUFFER {
                // SAFETY: the caller's promise.
                return unsafe { self.allocate_alone(shape) };
            }
            self.refill(shape.bytes)?;
        }
        let start = self.top;
        self.top += shape.bytes;
        // SAFETY: the range lies in this buffer, which is unused memory; [crossings].
        unsafe {
            self.world.heap.side.note_crossing(start, self.top);
            Ok(write_header(start, shape.header, shape.slots))
        }
    }

    /// The write barrier's slow half, as [`Pause::remember_store`]: what is to be remembered is handed over when the buffer goes.
    #[inline]
    pub fn remember_store(&mut self, object: Obj, index: usize, value: Oop) {
        let heap = &self.world.heap;
        if heap.is_young_pointer(value) && !heap.is_young(object.address()) {
            let (world, remembered) = (self.world, &mut self.remembered);
            note_old_to_young(heap, object, index, |object| {
                if remembered.try_reserve(1).is_ok() {
                    remembered.push(object);
                } else {
                    world.lock_state().remembered_lost = true;
                }
            });
        }
    }

    /// # Safety
    /// As for [`allocate`](Self::allocate).
    #[cold]
    unsafe fn allocate_alone(&mut self, shape: Shape) -> Result<Obj, HeapError> {
        let range = self.cut(shape.bytes, shape.bytes)?;
        // SAFETY: the range is unused memory of this thread; [crossings].
        unsafe {
            self.world.heap.side.note_crossing(range.start, range.end);
            Ok(write_header(range.start, shape.header, shape.slots))
        }
    }

    #[cold]
    fn refill(&mut self, bytes: usize) -> Result<(), HeapError> {
        self.close();
        let range = self.cut(bytes, BUFFER_BYTES)?;
        (self.top, self.end) = (range.start, range.end);
        Ok(())
    }

    /// Old memory for this thread alone.
    fn cut(&self, least: usize, preferred: usize) -> Result<Range<usize>, HeapError> {
        let heap = &self.world.heap;
        // SAFETY: the range is filled, or covered by `close`, before the stop ends.
        let region = unsafe { heap.old.region() };
        let range = region.refill(least, preferred).ok_or_else(|| out_of_memory(self.world, least))?;
        heap.note_old_top(range.end);
        Ok(range)
    }

    fn close(&mut self) {
        let heap = &self.world.heap;
        // SAFETY: the rest of the buffer is this thread's and holds no object.
        unsafe {
            if self.top < self.end && !heap.old.region().give_back(self.top..self.end) {
                heap.fill_old(self.top, self.end);
            }
        }
        self.end = self.top;
    }
}

impl Drop for BulkBuffer<'_> {
    fn drop(&mut self) {
        self.close();
        if self.remembered.is_empty() {
            return;
        }
        let mut state = self.world.lock_state();
        if state.remembered.try_reserve(self.remembered.len()).is_ok() {
            state.remembered.append(&mut self.remembered);
        } else {
            state.remembered_lost = true;
        }
    }
}
