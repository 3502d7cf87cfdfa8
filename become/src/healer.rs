//! The incremental healer: takes references to forwarders away in small pauses, before anybody reads them.
//!
//! Lazy forwarders cost the first access to each reference a miss. Whoever has idle time can spend it here instead: each
//! step visits a few regions of the old generation. Mutators go on between steps and may copy references that are not
//! healed yet to where the healer has been, so that a round makes forwarders rare and not extinct: they die at the next
//! full collection. The young generation is left to the next scavenge, which heals it on the way.

use instar_gc::Pause;
use instar_heap::side::LOG_REGION;

use crate::full_scan::heal_old;

const REGION: usize = 1 << LOG_REGION;

/// A round through the old generation.
#[derive(Debug, Default)]
pub struct Healer {
    /// How far from the old generation's start the round has come.
    done_bytes: usize,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// References that were replaced.
    pub healed: u64,
    /// Whether the round is complete. The next step begins another.
    pub is_last: bool,
}

impl Healer {
    /// A round that has not begun.
    pub fn new() -> Healer {
        Healer::default()
    }

    /// Heals the next `regions` regions (1 MiB each; about 0.1 ms if there is little to heal).
    pub fn step(&mut self, pause: &mut Pause<'_>, regions: usize) -> Step {
        let heap = pause.world().heap();
        let (start, end) = (heap.old_start(), heap.old.top());
        let first = start + self.done_bytes;
        let last = first.saturating_add(regions.max(1).saturating_mul(REGION));
        let healed = if heap.forwarders.any() && first < end { heal_old(pause, first..last) } else { 0 };
        let is_last = last >= end || !heap.forwarders.any();
        self.done_bytes = if is_last { 0 } else { last - start };
        Step { healed, is_last }
    }
}
