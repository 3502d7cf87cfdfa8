//! Memory kept back for the handling of an OutOfMemory.
//!
//! To signal an exception takes memory, of which there is none when a small allocation failed. So the space holds on to an object that it
//! does not need, and lets go of it then: what it took is there for the handler. It is taken again when there is room. A process that
//! runs out of memory once more before that is ended.

use instar_heap::HeapError;
use instar_heap::heap::tenured_bytes;

use super::Space;
use super::run::Exit;
use crate::objects::Special;

/// A handler gets this part of eden to work in: the heap closes eden when there is less than half of that to be had for it.
const EDEN_OF_HANDLER: usize = 8;
/// Requests up to this size fail only when there is nothing left; larger ones leave room for a handler.
const SMALL_BYTES: usize = 64 << 10;

impl Space {
    /// An allocation failed. What is to be done about it is done at the next poll, which comes before the guest runs on.
    pub(crate) fn note_shortage(&self, error: &HeapError) {
        if matches!(error, HeapError::OutOfMemory { requested, .. } if *requested <= SMALL_BYTES) {
            self.shortage.set(true);
            self.interrupt.request();
        }
    }

    /// Before so many bytes are taken at once, which come without a poll: takes the reserve if it may be needed afterwards.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`]: there is not even room for the reserve, so that nobody could be told of a failure.
    pub(crate) fn reserve_before(&mut self, bytes: usize) -> Result<(), HeapError> {
        let reserve = self.reserve_bytes();
        if self.special(Special::Reserve) != self.nil() || self.room() > bytes.saturating_add(2 * reserve) {
            return Ok(());
        }
        let reserve = self.allocate_reserve(reserve)?;
        self.set_special(Special::Reserve, reserve);
        Ok(())
    }

    fn reserve_bytes(&self) -> usize {
        let config = self.mutator.heap().config();
        let handler = config.eden_bytes / EDEN_OF_HANDLER;
        // When memory ran out, survivors were tenured into what room there was: eden opens again only behind the room for a whole half.
        tenured_bytes(handler + config.survivor_bytes) + handler
    }

    fn room(&self) -> usize {
        let heap = self.mutator.heap();
        heap.old.end().saturating_sub(heap.old.top())
    }

    /// For tests: allocation number `n` from now on finds no memory, as though the heap was full. The reserve is taken before.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`] if there is no room for the reserve.
    pub fn refuse_allocation(&mut self, n: u64) -> Result<(), HeapError> {
        if self.special(Special::Reserve) == self.nil() {
            let reserve = self.allocate_reserve(self.reserve_bytes())?;
            self.set_special(Special::Reserve, reserve);
        }
        self.mutator.refuse_allocation(n);
        Ok(())
    }

    /// Whether the refusal is still to come.
    pub fn refusal_is_to_come(&self) -> bool {
        self.mutator.refusal_is_to_come()
    }

    /// Lets go of the reserve, or takes it again if there is room; ends the process if the reserve is used up as well.
    pub(crate) fn tend_reserve(&mut self) -> Option<Exit> {
        let has_reserve = self.special(Special::Reserve) != self.nil();
        if self.shortage.take() {
            if !has_reserve {
                return self.terminate_active("out of memory while an OutOfMemory was handled");
            }
            self.set_special(Special::Reserve, self.nil());
        } else if !has_reserve {
            let reserve = self.reserve_bytes();
            let handler = self.mutator.heap().config().eden_bytes / EDEN_OF_HANDLER;
            // Not before it may be needed, and only if there is room without a collection.
            let is_time = (reserve + handler..16 * reserve).contains(&self.room());
            if is_time && let Ok(reserve) = self.allocate_reserve(reserve) {
                self.set_special(Special::Reserve, reserve);
            }
        }
        None
    }
}
