//! Anonymous mappings seen as words: what a heap's arenas are made of.

use std::io;

use memmap2::{Advice, MmapMut};

/// An anonymous mapping of 64-bit words, all 0 at first.
pub(super) struct Words(MmapMut);

impl Words {
    /// A mapping with huge pages where the machine gives them; nothing is resident yet.
    pub(super) fn fresh(words: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon(words.max(1) * 8)?;
        #[cfg(target_os = "linux")]
        // Without huge pages the figures are those of small ones, which the manifest shows.
        let _ = map.advise(Advice::HugePage);
        Ok(Self(map))
    }

    /// As [`Words::fresh`], every page resident.
    pub(super) fn touched(words: usize) -> io::Result<Self> {
        let mut map = Self::fresh(words)?;
        map.words_mut().fill(1);
        Ok(map)
    }

    /// A mapping without huge pages; nothing is resident yet.
    pub(super) fn small_pages(bytes: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon(bytes.max(1))?;
        #[cfg(target_os = "linux")]
        // A kernel without huge pages refuses the advice and does what it asks for.
        let _ = map.advise(Advice::NoHugePage);
        Ok(Self(map))
    }

    /// Makes every page resident in one call; `false` where the kernel is older than 5.14.
    pub(super) fn populate(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.0.advise(Advice::PopulateWrite).is_ok();
        #[cfg(not(target_os = "linux"))]
        false
    }

    pub(super) fn words(&self) -> &[u64] {
        bytemuck::cast_slice(&self.0)
    }

    pub(super) fn words_mut(&mut self) -> &mut [u64] {
        bytemuck::cast_slice_mut(&mut self.0)
    }

    /// The mapping as objects of `SIZE` words.
    pub(super) fn objects<const SIZE: usize>(&self) -> &[[u64; SIZE]] {
        self.words().as_chunks().0
    }

    /// The mapping as objects of `SIZE` words.
    pub(super) fn objects_mut<const SIZE: usize>(&mut self) -> &mut [[u64; SIZE]] {
        self.words_mut().as_chunks_mut().0
    }
}
