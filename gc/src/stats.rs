//! What the collector did and how long the world stood still for it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Which collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collection {
    /// Eden and the survivors; objects of sufficient age are tenured.
    Young,
    /// Both generations: a scavenge that tenures all survivors, then mark and compact.
    Full,
    /// As [`Full`](Self::Full), and every hole is closed, where a full collection leaves a densely filled start of
    /// the old generation in place.
    Compacting,
}

/// One collection's stop.
#[derive(Clone, Copy, Debug)]
pub struct PauseRecord {
    /// Which collection it became.
    pub kind: Collection,
    /// When it began.
    pub started: Instant,
    /// How long the world stood still for it.
    pub duration: Duration,
}

/// How many collections [`GcStats::recent_pauses`] holds.
pub const RECENT_PAUSES: usize = 64;

/// Counters and pause histograms of one world. Times in nanoseconds.
#[derive(Clone, Debug)]
pub struct GcStats {
    /// Scavenges, those inside full collections not counted.
    pub scavenges: u64,
    /// Full collections.
    pub full_collections: u64,
    /// Bytes copied inside the young generation.
    pub survived_bytes: u64,
    /// Bytes moved from the young to the old generation.
    pub tenured_bytes: u64,
    /// Bytes of old memory that full collections gave back.
    pub reclaimed_bytes: u64,
    /// References to forwarders that collections replaced by the target.
    pub healed_references: u64,
    /// References to forwarders that mutators' accesses had replaced when the last collection ended.
    pub healed_by_access: u64,
    /// Those among them that were replaced by mutators that are gone.
    pub(crate) healed_by_the_gone: u64,
    /// Live old bytes after the last full collection.
    pub live_bytes_after_full: u64,
    /// Duration of the last scavenge, or of the scavenge inside the last full collection.
    pub last_scavenge_ns: u64,
    /// Duration of the last marking.
    pub last_mark_ns: u64,
    /// Duration of the last compaction.
    pub last_compact_ns: u64,
    /// Pauses of scavenges.
    pub young_pauses_ns: Histogram<u64>,
    /// Pauses of full collections.
    pub full_pauses_ns: Histogram<u64>,
    /// The latest [`RECENT_PAUSES`] collections, oldest first: the last is number [`collections`](Self::collections).
    pub recent_pauses: VecDeque<PauseRecord>,
}

impl Default for GcStats {
    fn default() -> Self {
        // Auto-resizing, three significant digits: no fixed bound on a pause.
        let histogram = || {
            let mut histogram =
                Histogram::new(3).unwrap_or_else(|error| unreachable!("3 digits are in range: {error}"));
            histogram.auto(true);
            histogram
        };
        GcStats {
            scavenges: 0,
            full_collections: 0,
            survived_bytes: 0,
            tenured_bytes: 0,
            reclaimed_bytes: 0,
            healed_references: 0,
            healed_by_access: 0,
            healed_by_the_gone: 0,
            live_bytes_after_full: 0,
            last_scavenge_ns: 0,
            last_mark_ns: 0,
            last_compact_ns: 0,
            young_pauses_ns: histogram(),
            full_pauses_ns: histogram(),
            recent_pauses: VecDeque::with_capacity(RECENT_PAUSES),
        }
    }
}

impl GcStats {
    /// Scavenges and full collections.
    pub fn collections(&self) -> u64 {
        self.scavenges + self.full_collections
    }

    pub(crate) fn record_pause(&mut self, record: PauseRecord) {
        let PauseRecord { kind, duration: pause, .. } = record;
        if self.recent_pauses.len() == RECENT_PAUSES {
            self.recent_pauses.pop_front();
        }
        self.recent_pauses.push_back(record);
        let (count, histogram) = match kind {
            Collection::Young => (&mut self.scavenges, &mut self.young_pauses_ns),
            Collection::Full | Collection::Compacting => {
                (&mut self.full_collections, &mut self.full_pauses_ns)
            }
        };
        *count += 1;
        if histogram.record(nanos(pause)).is_err() {
            // The histogram could not grow: the pause counts as the longest that it can hold.
            histogram.saturating_record(nanos(pause));
        }
    }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
