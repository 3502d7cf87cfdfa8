//! How parallel workers evacuate an object for whose copy there must not be room twice.
//!
//! **Algorithm.** Racing copies (`evacuation`) cost the loser its room. In a copy buffer it takes the room back; an object
//! too large for a buffer gets its room from the region itself, and behind it others may have cut theirs. So the
//! workers that find such an object not yet copied take a lock that goes by its address, and look again.
//!
//! **Invariants.**
//! 1. \[one-room\] Room for an object that is copied under its lock is taken once. What a scavenge tenures is then bounded
//!    by the objects and the ends of buffers, as \[tenure-room\] reckons.
//! 2. An object is copied either always under its lock or never: its size alone decides.
//! 3. A worker holds one lock at a time, and waits for nothing while it holds it.
//!
//! **Orderings.** The lock's own: whoever takes it sees the copy of whoever held it before. Workers that do not come to
//! the lock since they meet the copy's address observe it by \[MM-evacuate\].

use instar_heap::sync::{Mutex, Orders, Word};
use instar_heap::{Header, Oop};

use crate::evacuation::not_yet_copied;

/// Neighbours that are copied under a lock are more than so many bytes apart.
pub(crate) const LOG_APART: usize = 13;

/// Locks for the objects that are copied under one: so many that workers rarely wait for another object's copying.
#[derive(Debug)]
pub struct CopyLocks<const LOCKS: usize = 64> {
    locks: [Mutex<()>; LOCKS],
}

impl<const LOCKS: usize> Default for CopyLocks<LOCKS> {
    fn default() -> Self {
        CopyLocks { locks: std::array::from_fn(|_| Mutex::new(())) }
    }
}

impl<const LOCKS: usize> CopyLocks<LOCKS> {
    /// Where the copy of `object` is, whose from-space header is in `word`: made by `copy` unless it is there.
    ///
    /// `copy` gets the header, takes room, and publishes the copy, which it can count on to be the first.
    pub fn copy_once<O: Orders, W: Word>(
        &self,
        object: Oop,
        word: &W,
        copy: impl FnOnce(Header) -> Oop,
    ) -> Oop {
        let _lock = self.locks[(object.address() >> LOG_APART) % LOCKS].lock();
        match not_yet_copied::<O, W>(word) {
            Ok(header) => copy(header),
            Err(new) => new,
        }
    }
}
