//! Side metadata: tables in which an object's entry is found by address arithmetic.
//!
//! | table | one entry for | entry | share of the heap | used by |
//! |---|---|---|---|---|
//! | mark bits | a word | 1 bit | 1.56 % | marking, compaction; claims during become |
//! | block destinations | 1 KiB | 4 bytes | 0.39 % | compaction |
//! | cards | 512 bytes | 1 byte | 0.20 %, touched only under large remembered objects | write barrier, scavenge |
//! | region flags | 1 MiB | 1 byte | – | become, verifier |
//! | crossings | 1 MiB | 8 bytes | – | whoever walks the old generation in parallel |
//!
//! Mark bits and block destinations are in use only inside a collection (mark bits also inside a bulk become whose
//! sources are in no order) and are given back to the system afterwards, so that at rest the tables cost next to
//! nothing. A full collection gives the cards back before it marks: at most 1.96 % on top of the old generation are
//! resident at any time.
//!
//! All entries are read and written relaxed: \[MM-stopped\] in `docs/memory-model.md`.
//!
//! Reading what a table says of an address is safe, and checked. Changing it is for those who keep its meaning, and unsafe:
//! \[side-meaning\] an entry says what the table above promises (and the verifier checks), except between two steps of a
//! collection or become.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use bitflags::bitflags;

use crate::HeapError;
use crate::arena::Arena;

/// log₂ of the bytes that a block destination covers.
pub const LOG_BLOCK: u32 = 10;
/// log₂ of the bytes that a card covers.
pub const LOG_CARD: u32 = 9;
/// log₂ of the bytes in a region.
pub const LOG_REGION: u32 = 20;
/// log₂ of the bytes whose mark bits share a 64-bit word.
pub const LOG_MARK_WORD: u32 = 9;

bitflags! {
    /// What a region may contain. Bits are conservative: set early, cleared only by a collection that looked.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RegionFlags: u8 {
        /// An object that is pinned, immutable or a class.
        const SPECIAL = 1;
        /// A forwarder.
        const FORWARDERS = 2;
        /// A source of the become under way.
        const SOURCES = 4;
        /// A target of the become under way.
        const TARGETS = 8;
    }
}

/// A table with one `T` for each 2^`LOG` bytes of the heap.
#[derive(Debug)]
pub struct SideTable<T, const LOG: u32> {
    arena: Arena,
    view: View<T, LOG>,
}

/// Access to a table by one shift and one addition. A copy in a local variable stays in a register, where a reference
/// to the table would be loaded again after each atomic store.
#[derive(Debug)]
pub struct View<T, const LOG: u32> {
    /// Where the entry of address 0 would be.
    origin: usize,
    entries: PhantomData<T>,
}

impl<T, const LOG: u32> Clone for View<T, LOG> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const LOG: u32> Copy for View<T, LOG> {}

impl<T: ZeroCell, const LOG: u32> View<T, LOG> {
    /// The entry of the heap address `address`.
    #[inline]
    pub fn at<'a>(self, address: usize) -> &'a T {
        let entry = self.origin.wrapping_add((address >> LOG) * size_of::<T>());
        // SAFETY: [side-in-range] who made the view promised that every address lies in the heap's range, for which the
        // table has an entry, and that the heap lives; zero is a valid `T`.
        unsafe { &*(entry as *const T) }
    }
}

/// Atomic cells for which all-zero memory is a valid value.
///
/// # Safety
/// Implementors are plain atomics.
pub unsafe trait ZeroCell {}
// SAFETY: all-zero bytes are a valid value of an atomic integer.
unsafe impl ZeroCell for AtomicU8 {}
// SAFETY: as above.
unsafe impl ZeroCell for AtomicU32 {}
// SAFETY: as above.
unsafe impl ZeroCell for AtomicU64 {}

impl<T: ZeroCell, const LOG: u32> SideTable<T, LOG> {
    fn reserve(heap: Range<usize>) -> Result<SideTable<T, LOG>, HeapError> {
        let entries = ((heap.end - heap.start) >> LOG) + 1;
        let arena = Arena::reserve((entries * size_of::<T>()).next_multiple_of(4096), false)?;
        let origin = arena.start().wrapping_sub((heap.start >> LOG) * size_of::<T>());
        Ok(SideTable { arena, view: View { origin, entries: PhantomData } })
    }

    /// The table as a value.
    ///
    /// # Safety
    /// \[side-in-range\] The view is used while the table lives, for addresses in the heap (heap words are: \[obj-valid\]);
    /// \[side-meaning\].
    #[inline]
    pub unsafe fn view(&self) -> View<T, LOG> {
        self.view
    }

    /// The entry of the heap address `address`.
    ///
    /// # Safety
    /// \[side-in-range\] and \[side-meaning\].
    #[inline]
    pub unsafe fn at(&self, address: usize) -> &T {
        debug_assert!(self.contains(address), "{address:#x} is outside the heap");
        self.view.at(address)
    }

    #[inline]
    fn contains(&self, address: usize) -> bool {
        let entry = self.view.origin.wrapping_add((address >> LOG) * size_of::<T>());
        entry.wrapping_sub(self.arena.start()) < self.arena.end() - self.arena.start()
    }

    /// # Panics
    /// If the address lies outside the heap.
    #[inline]
    fn checked(&self, address: usize) -> &T {
        assert!(self.contains(address), "{address:#x} is outside the heap");
        self.view.at(address)
    }

    /// The entries of the addresses in `range`, which must start at an entry's boundary.
    ///
    /// # Safety
    /// \[side-meaning\]
    ///
    /// # Panics
    /// If the range leaves the heap.
    #[inline]
    pub unsafe fn span(&self, range: Range<usize>) -> &[T] {
        let first = self.view.at(range.start) as *const T;
        let count = (range.len() + (1 << LOG) - 1) >> LOG;
        assert!(
            first as usize >= self.arena.start()
                && first as usize + count * size_of::<T>() <= self.arena.end()
        );
        // SAFETY: the assertion keeps the entries inside the arena; zero is a valid `T`.
        unsafe { std::slice::from_raw_parts(first, count) }
    }

    /// Zeroes all entries by giving their memory back.
    ///
    /// # Safety
    /// \[side-meaning\]
    pub unsafe fn clear(&self) {
        // SAFETY: the entries are atomics that read as zero afterwards, which is a valid value.
        unsafe { self.arena.release(self.arena.start()..self.arena.end()) }
    }
}

/// All tables of one heap.
#[derive(Debug)]
pub struct SideTables {
    /// One bit a word; all words of a marked object are set.
    pub marks: SideTable<AtomicU64, LOG_MARK_WORD>,
    /// Where the first live word of each block goes, in words from the heap's start.
    pub destinations: SideTable<AtomicU32, LOG_BLOCK>,
    /// Not 0 where a large remembered object may hold a young reference. Where one such object ends another may begin:
    /// a card that is not the object's alone says nothing when it is 0, and is cleared by full collections only.
    pub cards: SideTable<AtomicU8, LOG_CARD>,
    /// [`RegionFlags`] of each region.
    pub regions: SideTable<AtomicU8, LOG_REGION>,
    /// Old generation only: where the first object that starts in the region starts, if one from before reaches into
    /// the region; 0 if none does, so that an object starts where the region does.
    pub crossings: SideTable<AtomicU64, LOG_REGION>,
}

impl SideTables {
    /// Reserves the tables of a heap that occupies `heap`.
    ///
    /// # Errors
    /// [`HeapError::Reserve`].
    pub fn reserve(heap: Range<usize>) -> Result<SideTables, HeapError> {
        Ok(SideTables {
            marks: SideTable::reserve(heap.clone())?,
            destinations: SideTable::reserve(heap.clone())?,
            cards: SideTable::reserve(heap.clone())?,
            regions: SideTable::reserve(heap.clone())?,
            crossings: SideTable::reserve(heap)?,
        })
    }

    /// Records that an old object (or free chunk) stands at `start..end`, if that crosses into other regions.
    ///
    /// \[crossings\] Whoever puts an object into the old generation calls this once the object is there to stay.
    ///
    /// # Safety
    /// There is one, or will be before the next stop.
    #[inline]
    pub unsafe fn note_crossing(&self, start: usize, end: usize) {
        if start >> LOG_REGION != (end - 1) >> LOG_REGION {
            // SAFETY: the caller's promise.
            unsafe { self.note_crossings(start, end) };
        }
    }

    #[cold]
    unsafe fn note_crossings(&self, start: usize, end: usize) {
        for region in (start >> LOG_REGION) + 1..=(end - 1) >> LOG_REGION {
            self.crossings.checked(region << LOG_REGION).store(end as u64, Relaxed);
        }
    }

    /// Where the first object that starts in the old region at `region` starts; behind the region if none does.
    #[inline]
    pub fn first_object_in(&self, region: usize) -> usize {
        region.max(self.crossings.checked(region).load(Relaxed) as usize)
    }

    /// The flags of the region that holds `address`.
    #[inline]
    pub fn region(&self, address: usize) -> RegionFlags {
        RegionFlags::from_bits_truncate(self.regions.checked(address).load(Relaxed))
    }

    /// Sets flags of the region that holds `address`.
    ///
    /// # Safety
    /// \[side-meaning\]: flags of a become under way are cleared by it.
    #[inline]
    pub unsafe fn flag_region(&self, address: usize, flags: RegionFlags) {
        let cell = self.regions.checked(address);
        if cell.load(Relaxed) & flags.bits() != flags.bits() {
            // [MM-stopped]: other mutators and workers may be setting other flags of the byte.
            cell.fetch_or(flags.bits(), Relaxed);
        }
    }

    /// Clears flags of all regions in `range`.
    ///
    /// # Safety
    /// \[side-meaning\]: nothing that the flags tell of is there.
    pub unsafe fn unflag_regions(&self, range: Range<usize>, flags: RegionFlags) {
        // SAFETY: the caller's promise.
        for cell in unsafe { self.regions.span(range) } {
            if cell.load(Relaxed) & flags.bits() != 0 {
                // [MM-stopped]
                cell.fetch_and(!flags.bits(), Relaxed);
            }
        }
    }

    /// The bit of the word at `address` inside its mark word.
    #[inline]
    pub const fn mark_bit(address: usize) -> u64 {
        1 << (address >> 3 & 63)
    }

    /// Whether the word at `address` is marked.
    #[inline]
    pub fn is_marked(&self, address: usize) -> bool {
        self.marks.checked(address).load(Relaxed) & Self::mark_bit(address) != 0
    }
}
