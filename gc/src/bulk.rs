//! Many old objects at once, while the world is stopped: what an update makes of a class's instances.
//!
//! Each worker cuts a buffer from the old generation and bumps a pointer in it; the rest is made walkable when the buffer goes.

#![allow(unsafe_code)]

use instar_heap::object::write_header;
use instar_heap::{HeapError, Obj, Shape};

use crate::pause::Pause;
use crate::world::World;

/// Bytes of a buffer.
const BUFFER_BYTES: usize = 256 << 10;

/// Old memory that one thread fills with objects inside a stop.
pub struct BulkBuffer<'p> {
    world: &'p World,
    top: usize,
    end: usize,
}

impl Pause<'_> {
    /// A buffer; workers take one each.
    pub fn bulk_buffer(&self) -> BulkBuffer<'_> {
        BulkBuffer { world: self.world(), top: 0, end: 0 }
    }
}

impl BulkBuffer<'_> {
    /// An object of `shape` whose slots are not yet written. Some 2 ns.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`]: nothing is collected inside the stop.
    ///
    /// # Safety
    /// `shape` comes from a class that is in this world's table now. All slots are written before the buffer's stop ends, with
    /// immediates or references to live objects, and [`Pause::remember_store`] is told of them.
    #[inline]
    pub unsafe fn allocate(&mut self, shape: Shape) -> Result<Obj, HeapError> {
        if self.top + shape.bytes > self.end {
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

    #[cold]
    fn refill(&mut self, bytes: usize) -> Result<(), HeapError> {
        self.close();
        let heap = &self.world.heap;
        // SAFETY: the range is filled, or covered by `close`, before the stop ends.
        let region = unsafe { heap.old.region() };
        let range = region.refill(bytes, BUFFER_BYTES).ok_or_else(|| HeapError::OutOfMemory {
            requested: bytes,
            used: heap.used_bytes(),
            limit: heap.config().limit_bytes,
        })?;
        heap.note_old_top(range.end);
        (self.top, self.end) = (range.start, range.end);
        Ok(())
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
    }
}
