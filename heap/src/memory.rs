//! Mapped memory seen as the words of the protocols.

#![allow(unsafe_code)]

use std::sync::atomic::AtomicU64;

use crate::forwarding::{ObjectWords, follow};
use crate::sync::Sound;
use crate::{Obj, Oop};

/// The process's memory, in which every heap lies.
#[derive(Clone, Copy, Debug)]
pub struct MappedMemory;

impl ObjectWords for MappedMemory {
    type Word = AtomicU64;

    #[inline]
    unsafe fn header(&self, oop: Oop) -> &AtomicU64 {
        // SAFETY: the caller's promise is [obj-valid].
        unsafe { Obj::from_oop(oop) }.header_cell()
    }

    #[inline]
    unsafe fn slot(&self, oop: Oop, index: usize) -> &AtomicU64 {
        // SAFETY: the caller's promise is [obj-valid].
        unsafe { Obj::from_oop(oop) }.slot_cell(index)
    }
}

/// The end of the chain of forwarders that begins at `oop`: `oop` itself if it is immediate or no forwarder.
///
/// # Safety
/// `oop` is an immediate or refers to a live object or forwarder.
#[inline]
pub unsafe fn resolve(oop: Oop) -> Oop {
    // SAFETY: the caller's promise.
    unsafe { follow::<Sound, _>(&MappedMemory, oop) }
}
