//! What a heap is like at a moment, read while the program runs: every figure is one atomic load, or under the statistics' lock, and none
//! stops anything. So a snapshot that is taken beside a collection may be of its middle.

use instar_gc::World;
use instar_heap::side::{LOG_REGION, RegionFlags};
use serde::Serialize;

/// A heap. Bytes, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Handed out of eden to allocation buffers.
    pub eden_used: usize,
    /// What a scavenge is made at.
    pub eden_size: usize,
    /// Objects that survived scavenges and are not tenured.
    pub survivor_used: usize,
    /// One of the two halves.
    pub survivor_size: usize,
    /// Objects of the old generation, and what was freed between them since the last full collection.
    pub old_used: usize,
    /// What the old generation may grow to.
    pub old_limit: usize,
    /// A letter for each region (1 MiB) of the old generation that is in use: `f` has forwarders, `o` has none.
    pub regions: String,
    /// Forwarders that no collection has removed yet.
    pub forwarders_young: usize,
    /// As above, in the old generation.
    pub forwarders_old: usize,
    /// References that collections took past a forwarder, since the start.
    pub healed_by_collections: u64,
    /// References that accesses took past a forwarder, as of the last collection.
    pub healed_by_access: u64,
    /// Scavenges since the start.
    pub scavenges: u64,
    /// Full collections since the start.
    pub full_collections: u64,
}

impl Snapshot {
    /// Looks at a heap. Costs a load for each MiB in use.
    pub fn of(world: &World) -> Snapshot {
        let heap = world.heap();
        let config = heap.config();
        let old = heap.old_range();
        let letter = |region: usize| {
            let has_forwarders = heap.side.region(region).contains(RegionFlags::FORWARDERS);
            if has_forwarders { 'f' } else { 'o' }
        };
        world.read_stats(|stats| Snapshot {
            eden_used: heap.eden_range().len(),
            eden_size: config.eden_bytes,
            survivor_used: heap.survivor_range().len(),
            survivor_size: config.survivor_bytes,
            old_used: old.len(),
            old_limit: heap.old_limit() - old.start,
            regions: old.clone().step_by(1 << LOG_REGION).map(letter).collect(),
            forwarders_young: heap.forwarders.young(),
            forwarders_old: heap.forwarders.old(),
            healed_by_collections: stats.healed_references,
            healed_by_access: stats.healed_by_access,
            scavenges: stats.scavenges,
            full_collections: stats.full_collections,
        })
    }
}
