//! Sizes of a heap.

use crate::HeapError;
use crate::heap::tenured_bytes;

/// Bytes in a mebibyte.
pub const MIB: usize = 1 << 20;

/// How large a heap is and how it is laid out. Sizes are in bytes and are rounded up to whole regions (1 MiB).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapConfig {
    /// Upper bound of young and old memory together. Address space for all of it is reserved at once, memory is
    /// committed as it is used.
    pub limit_bytes: usize,
    /// Where new objects are allocated.
    pub eden_bytes: usize,
    /// Each of the two halves between which survivors are copied. A half that overflows tenures the rest.
    pub survivor_bytes: usize,
    /// Ask for transparent huge pages.
    pub huge_pages: bool,
    /// Seed of the identity hashes, so that runs can be repeated.
    pub hash_seed: u64,
}

impl Default for HeapConfig {
    fn default() -> Self {
        HeapConfig {
            limit_bytes: 4096 * MIB,
            eden_bytes: 16 * MIB,
            survivor_bytes: 4 * MIB,
            huge_pages: true,
            hash_seed: 0x1257_A12B,
        }
    }
}

impl HeapConfig {
    /// Largest heap that the compactor's 32-bit block destinations can address: 32 GiB.
    pub const MAX_LIMIT_BYTES: usize = 1 << 35;

    /// A default heap with another limit.
    pub fn with_limit(limit_bytes: usize) -> HeapConfig {
        HeapConfig { limit_bytes, ..HeapConfig::default() }
    }

    /// Bytes of eden and both survivor halves.
    pub fn young_bytes(&self) -> usize {
        self.eden_bytes + 2 * self.survivor_bytes
    }

    /// Rounds the sizes to regions and checks them.
    ///
    /// # Errors
    /// [`HeapError::BadConfig`] names the option that is out of range.
    pub fn checked(mut self) -> Result<HeapConfig, HeapError> {
        let bad = |option, reason: String| Err(HeapError::BadConfig { option, reason });
        if self.limit_bytes > Self::MAX_LIMIT_BYTES {
            return bad(
                "limit_bytes",
                format!("{} is more than the 32 GiB that can be addressed", self.limit_bytes),
            );
        }
        for (option, bytes) in [("eden_bytes", self.eden_bytes), ("survivor_bytes", self.survivor_bytes)] {
            if bytes == 0 || bytes > self.limit_bytes {
                return bad(
                    option,
                    format!("{bytes} must be between 1 and the limit of {}", self.limit_bytes),
                );
            }
        }
        for bytes in [&mut self.limit_bytes, &mut self.eden_bytes, &mut self.survivor_bytes] {
            *bytes = bytes.next_multiple_of(MIB);
        }
        // Room to tenure the whole of eden and one survivor half, plus nil and a little to work with.
        let least = self.young_bytes() + tenured_bytes(self.eden_bytes + self.survivor_bytes) + MIB;
        if self.limit_bytes < least {
            return bad(
                "limit_bytes",
                format!("{} is too little for this nursery; it needs at least {least}", self.limit_bytes),
            );
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_sizes_that_cannot_work_and_names_the_option() {
        let option = |config: HeapConfig| match config.checked() {
            Err(HeapError::BadConfig { option, .. }) => option,
            other => panic!("{other:?}"),
        };
        assert_eq!(option(HeapConfig::with_limit(usize::MAX)), "limit_bytes");
        assert_eq!(option(HeapConfig::with_limit(20 * MIB)), "limit_bytes");
        assert_eq!(option(HeapConfig { eden_bytes: 0, ..HeapConfig::default() }), "eden_bytes");
        assert_eq!(
            option(HeapConfig { survivor_bytes: usize::MAX, ..HeapConfig::default() }),
            "survivor_bytes"
        );
        let config = HeapConfig { eden_bytes: 1, ..HeapConfig::default() }.checked().unwrap();
        assert_eq!(config.eden_bytes, MIB);
    }
}
