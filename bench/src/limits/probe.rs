//! Single limits, for benches that set each of their figures beside one.

use std::io;
use std::time::Duration;

use super::ALL;
use super::kernels::Machine;
use crate::rng::SplitMix64;

/// Memory for so many objects of 32 bytes, on which limits are measured one run at a time.
pub struct Probe {
    machine: Machine,
    objects: usize,
}

impl Probe {
    /// Maps and touches 80 bytes an object.
    ///
    /// # Errors
    /// If memory cannot be mapped.
    pub fn new(objects: usize, seed: u64) -> io::Result<Self> {
        Ok(Self { machine: Machine::new(objects, SplitMix64::new(seed))?, objects })
    }

    /// One run of the limit of this name (see [`ALL`]) with that many threads: its time for all objects, scaled up
    /// where the limit works on fewer. `None` if there is no such limit, or if this system cannot measure it.
    #[must_use]
    pub fn run(&mut self, limit: &str, threads: usize) -> Option<Duration> {
        let limit = ALL.iter().find(|known| known.name == limit)?;
        let sample = (limit.run)(&mut self.machine, threads)?;
        Some(Duration::from_secs_f64(sample.ns_per_item() * self.objects as f64 / 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_limits_take_time_and_others_are_none() {
        let mut probe = Probe::new(1000, 1).unwrap();
        assert!(probe.run("update-word", 2).unwrap() > Duration::ZERO);
        assert_eq!(probe.run("nothing", 1), None);
    }
}
