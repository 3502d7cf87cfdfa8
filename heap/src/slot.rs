//! Slots that several mutators read and write: how a reference takes its object along.
//!
//! **Invariant.** Whoever reads a reference from a slot finds the object's header and body as they were when the
//! reference was stored, or younger. So an object is complete before the first store of a reference to it.
//!
//! Both are plain moves on x86-64. Inside a stop, where each slot has one worker, relaxed accesses do.
//!
//! **Orderings.** \[MM-slot\] in `docs/memory-model.md`.

use crate::oop::Oop;
use crate::sync::{Orders, Word};

/// Reads a slot that another mutator may be storing to.
#[inline]
pub fn load<O: Orders, W: Word>(slot: &W) -> Oop {
    // [MM-slot]: whoever goes on to the object finds it complete.
    Oop::from_bits(slot.load(O::OBSERVE))
}

/// Stores to a slot that another mutator may be reading. The write barrier is the caller's.
#[inline]
pub fn store<O: Orders, W: Word>(slot: &W, value: Oop) {
    // [MM-slot]: the object that `value` refers to was complete before.
    slot.store(value.bits(), O::PUBLISH);
}
