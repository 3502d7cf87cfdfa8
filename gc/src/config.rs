//! Options of the collector.

use std::num::NonZeroU32;

use instar_heap::HeapConfig;

/// How a world's heap is laid out and when and with how many threads it is collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcConfig {
    /// Sizes of the heap.
    pub heap: HeapConfig,
    /// Threads that collect, the stopped mutator's own included. 1 to [`MAX_WORKERS`](Self::MAX_WORKERS).
    pub workers: usize,
    /// How many scavenges an object survives before it is tenured, 0 to 3.
    pub tenure_age: u32,
    /// A full collection runs once the old generation has grown to this many percent of what the last one left alive.
    pub growth_percent: usize,
    /// The old generation is not collected for growth below this size in bytes.
    pub first_full_bytes: usize,
    /// Collect at every n-th allocation, poison what was freed and verify the heap afterwards.
    pub zeal: Option<NonZeroU32>,
    /// Verify the whole heap after each collection and each become.
    pub verify: bool,
}

impl Default for GcConfig {
    fn default() -> Self {
        GcConfig {
            heap: HeapConfig::default(),
            workers: 1,
            tenure_age: 2,
            growth_percent: 200,
            first_full_bytes: 256 << 20,
            zeal: None,
            verify: false,
        }
    }
}

impl GcConfig {
    /// The largest number of [`workers`](Self::workers).
    pub const MAX_WORKERS: usize = 64;

    /// A small heap that is verified after each collection, for tests.
    pub fn checking() -> GcConfig {
        let heap = HeapConfig {
            limit_bytes: 64 << 20,
            eden_bytes: 1 << 20,
            survivor_bytes: 1 << 20,
            huge_pages: false,
            ..HeapConfig::default()
        };
        GcConfig { heap, verify: true, ..GcConfig::default() }
    }

    /// The same options with another number of collector threads.
    pub fn with_workers(self, workers: usize) -> GcConfig {
        GcConfig { workers, ..self }
    }

    /// The same options with zeal: a collection every `n` allocations.
    pub fn with_zeal(self, n: u32) -> GcConfig {
        GcConfig { zeal: NonZeroU32::new(n), verify: true, ..self }
    }
}
