//! Address ranges that are reserved at once, committed by touching and given back to the system.

#![allow(unsafe_code)]

use std::ops::Range;

use memmap2::{Advice, MmapMut, MmapOptions, UncheckedAdvice};

use crate::HeapError;

/// Size and alignment of a transparent huge page.
pub const HUGE_PAGE: usize = 2 << 20;
const PAGE: usize = 4096;

/// A private, anonymous, zero-filled address range.
#[derive(Debug)]
pub struct Arena {
    map: MmapMut,
    start: usize,
    bytes: usize,
}

impl Arena {
    /// Reserves `bytes` of address space, aligned to a huge page. No memory is committed.
    ///
    /// # Errors
    /// [`HeapError::Reserve`] if the system has no such range.
    pub fn reserve(bytes: usize, huge_pages: bool) -> Result<Arena, HeapError> {
        let refused = |reason: std::io::Error| HeapError::Reserve { bytes, reason: reason.to_string() };
        let map = MmapOptions::new().len(bytes + HUGE_PAGE).no_reserve_swap().map_anon().map_err(refused)?;
        if huge_pages {
            // Advice only: a kernel without huge pages refuses it and the arena works all the same.
            let _ = map.advise(Advice::HugePage);
        }
        let start = (map.as_ptr() as usize).next_multiple_of(HUGE_PAGE);
        Ok(Arena { map, start, bytes })
    }

    /// The first address.
    #[inline]
    pub fn start(&self) -> usize {
        self.start
    }

    /// The address behind the last.
    #[inline]
    pub fn end(&self) -> usize {
        self.start + self.bytes
    }

    /// Lets the system commit the pages of `range` now, as touching each would; what they hold stays. Without effect where it cannot.
    pub fn commit(&self, range: Range<usize>) {
        debug_assert!(self.start <= range.start && range.end <= self.end());
        let first = range.start & !(PAGE - 1);
        if first < range.end {
            #[cfg(target_os = "linux")]
            // An older kernel refuses: then pages are committed by touching, as ever.
            let _ = self.map.advise_range(
                Advice::PopulateWrite,
                first - self.map.as_ptr() as usize,
                range.end - first,
            );
        }
    }

    /// Gives the whole pages inside `range` back to the system; they read as zero afterwards.
    ///
    /// # Safety
    /// Nothing in `range` is used as initialised memory any more.
    pub unsafe fn release(&self, range: Range<usize>) {
        debug_assert!(self.start <= range.start && range.end <= self.end());
        let first = range.start.next_multiple_of(PAGE);
        let last = range.end & !(PAGE - 1);
        if first < last {
            let offset = first - self.map.as_ptr() as usize;
            // SAFETY: [arena-private] the range lies inside this mapping, and the caller gave up its contents.
            let released =
                unsafe { self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, offset, last - first) };
            debug_assert!(released.is_ok(), "{released:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_pages_read_as_zero() {
        let arena = Arena::reserve(16 * PAGE, false).unwrap();
        assert_eq!(arena.start() % HUGE_PAGE, 0);
        let cell = (arena.start() + PAGE) as *mut u64;
        // SAFETY: the cell lies inside the arena, which nobody else uses.
        unsafe {
            cell.write(7);
            arena.release(arena.start() + 1..arena.end());
            assert_eq!(cell.read(), 0);
        }
    }

    #[test]
    fn committed_pages_keep_what_they_hold() {
        let arena = Arena::reserve(16 * PAGE, false).unwrap();
        let cell = (arena.start() + PAGE) as *mut u64;
        // SAFETY: the cell lies inside the arena, which nobody else uses.
        unsafe {
            cell.write(7);
            arena.commit(arena.start() + PAGE + 8..arena.end());
            assert_eq!(cell.read(), 7);
            assert_eq!(cell.add(PAGE).read(), 0);
        }
    }

    #[test]
    fn a_range_that_does_not_exist_is_refused_with_its_size() {
        let error = Arena::reserve(1 << 60, false).unwrap_err();
        assert!(matches!(error, HeapError::Reserve { bytes, .. } if bytes == 1 << 60), "{error}");
    }
}
