//! Insertion into the remembered set: old objects that may refer to young ones.
//!
//! **Algorithm.** The header's flag says that the object stands in some mutator's list. The mutator that sets the flag
//! pushes the object into its own list; everybody else has nothing to do. The lists are handed to the collector at
//! the safepoint, and the collector clears the flags of the objects that it drops.
//!
//! **Invariant.** Inside a stop, the flag is set exactly for the objects that stand in exactly one list. So the winner
//! pushes before its next safepoint poll, and the flag is cleared only inside a stop.
//!
//! **Orderings.** \[MM-remember\] in `docs/memory-model.md`: none beyond the atomicity of the header word.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering;

use instar_heap::sync::{Orders, Sound, Word};
use instar_heap::{HeaderFlags, Heap, Obj};

/// Marks the object with this header as remembered. True for exactly one caller, who puts the object into its list.
///
/// Called after (or before) a young reference was stored into an old object, in the same stretch between two polls.
#[inline]
pub fn remember<O: Orders, W: Word>(header: &W) -> bool {
    let flag = HeaderFlags::REMEMBERED.bits();
    // Stores into an object that is remembered already are the common case: they stay plain loads.
    if header.load(Ordering::Relaxed) & flag != 0 {
        return false;
    }
    // [MM-remember]: one of several setters finds the flag clear; the header's other fields are not disturbed.
    header.fetch_or(flag, O::CLAIM) & flag == 0
}

/// The write barrier's outlined half: `object` is old and a young reference was stored into its slot `index`.
///
/// Large objects also get the slot's card marked, so that a scavenge looks at 64 slots instead of millions. `push` is
/// called if the object was not remembered yet.
#[cold]
#[inline(never)]
pub(crate) fn note_old_to_young(heap: &Heap, object: Obj, index: usize, push: impl FnOnce(Obj)) {
    let header = object.header_cell();
    if object.header().has_overflow() {
        // SAFETY: a slot of an object in the heap; a card may be marked without need.
        let card = unsafe { heap.side.cards.at(object.slot_cell(index).as_ptr() as usize) };
        card.store(1, Ordering::Relaxed);
    }
    if remember::<Sound, _>(header) {
        push(object);
    }
}
