//! A space between two threads.

#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};

use crate::vm::Space;

/// A space that no thread has.
///
/// \[space-owner\] At each time one thread at most uses a space: the one that holds it as [`Entered`]. All that a space refers to outside itself
/// is shared by `Arc`, or belongs to the world, whose only mutator the space is.
pub(super) struct Parked(Option<Box<Space>>);

// SAFETY: [space-owner]; the mutator has left its thread, and raw pointers lead to what the space owns.
unsafe impl Send for Parked {}

/// A space on the thread that has it.
pub(super) struct Entered(Option<Box<Space>>);

impl Parked {
    /// Takes a space from this thread.
    pub fn new(space: Box<Space>) -> Parked {
        Entered(Some(space)).leave()
    }

    /// Takes the space to this thread.
    pub fn enter(mut self) -> Entered {
        let mut space = self.0.take();
        if let Some(space) = space.as_mut() {
            // SAFETY: `Entered::leave` left the thread, and the lock through which the space came orders the two.
            unsafe { space.mutator.enter_thread() };
        }
        Entered(space)
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        if let Some(mut space) = self.0.take() {
            // SAFETY: as in `enter`; the mutator is dropped on a thread that it is on.
            unsafe { space.mutator.enter_thread() };
        }
    }
}

impl Entered {
    /// Takes the space from this thread.
    pub fn leave(mut self) -> Parked {
        let mut space = self.0.take();
        if let Some(space) = space.as_mut() {
            // SAFETY: nobody has the space until `enter`.
            unsafe { space.mutator.leave_thread() };
        }
        Parked(space)
    }
}

impl Deref for Entered {
    type Target = Space;

    fn deref(&self) -> &Space {
        self.0.as_ref().unwrap_or_else(|| unreachable!("an entered space is there until it is left"))
    }
}

impl DerefMut for Entered {
    fn deref_mut(&mut self) -> &mut Space {
        self.0.as_mut().unwrap_or_else(|| unreachable!("an entered space is there until it is left"))
    }
}
