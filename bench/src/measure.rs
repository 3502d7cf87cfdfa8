//! What the laboratory asks of a measured system: the trait that the heap's workload implements.

use serde::{Deserialize, Serialize};

use crate::memory;
use crate::point::Point;
use crate::rng::SplitMix64;

/// One observation to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trial {
    /// Where in the grid.
    pub point: Point,
    /// Which repetition, from 1.
    pub run: u32,
    /// The option `--seed`, recorded with the observation.
    pub seed: u64,
}

impl Trial {
    /// The seed of this heap's random order: differs by run and by size, and is the same for every strategy.
    #[must_use]
    pub fn heap_seed(&self) -> u64 {
        let mixed = self.seed ^ self.point.fingerprint() ^ (u64::from(self.run) << 32);
        SplitMix64::new(mixed).next_u64()
    }
}

/// What one trial found. `None` means that the system does not have this figure; its cell stays empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The whole bulk become, from the call to the return, in which no mutator runs.
    pub pause_ns: u64,
    /// Bytes of heap that the become read or wrote, counted by its algorithm and not by the hardware.
    pub bytes_touched: Option<u64>,
    /// One pass through all the references before the become, reading a slot of each object.
    pub plain_pass_ns: Option<u64>,
    /// The same pass, the first after the become.
    pub first_pass_ns: Option<u64>,
    /// The same pass, the second after the become.
    pub second_pass_ns: Option<u64>,
    /// The same pass after the full collection that follows.
    pub after_gc_pass_ns: Option<u64>,
    /// References to forwarders that accesses replaced by their target.
    pub healed_by_access: Option<u64>,
    /// References to forwarders that collections replaced by their target.
    pub healed_by_gc: Option<u64>,
    /// The first scavenge after the passes.
    pub scavenge_ns: Option<u64>,
    /// The full collection after that.
    pub full_gc_ns: Option<u64>,
    /// Live heap when the become starts.
    pub heap_bytes: u64,
    /// Peak resident memory of the process; filled in by the driver if the workload leaves it empty.
    pub peak_rss_bytes: Option<u64>,
}

/// A system that can be measured.
pub trait Measure {
    /// Builds the heap of `trial.point`, becomes, and measures.
    ///
    /// # Errors
    /// Says in one line why this observation could not be made or was wrong. The sweep records the text and goes on.
    fn measure(&mut self, trial: &Trial) -> Result<Observation, String>;

    /// Upper estimate of the resident memory that this point needs at its peak, in bytes. Must saturate and not
    /// overflow: it is asked about absurd sizes too.
    fn estimate_bytes(&self, point: &Point) -> u64;
}

/// Measures one trial and fills in the peak memory.
///
/// # Errors
/// Those of the workload.
pub fn measure_with_peak(measure: &mut dyn Measure, trial: &Trial) -> Result<Observation, String> {
    memory::reset_peak_rss();
    let mut observation = measure.measure(trial)?;
    if observation.peak_rss_bytes.is_none() {
        observation.peak_rss_bytes = memory::peak_rss();
    }
    Ok(observation)
}
