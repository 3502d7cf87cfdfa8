//! Refuses, before anything is measured, what memory cannot hold.

use std::fmt;

use super::options::Options;
use super::plan;
use crate::figures;
use crate::measure::{Measure, Trial};
use crate::memory::Available;

/// Part of the available memory that a sweep may use: the rest is for the page tables, and for what the estimate
/// misses. In hundredths.
const USABLE_PERCENT: u64 = 90;

/// Why a sweep does not start, and what would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What needs the most.
    largest: String,
    /// How much that is, in bytes.
    needs: u64,
    available: Available,
    /// The largest `--max-instances` that fits, with its need in bytes.
    fits: Option<(u64, u64)>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Available { bytes, bound_by } = &self.available;
        let (needs, bytes) = (figures::bytes(self.needs as f64), figures::bytes(*bytes as f64));
        write!(f, "memory cannot hold this sweep: it needs {needs} (for {}), ", self.largest)?;
        write!(f, "and {bound_by} {bytes}, of which {USABLE_PERCENT} % are used. ")?;
        match self.fits {
            Some((max, needs)) => {
                write!(f, "--max-instances {max} fits: it needs {}", figures::bytes(needs as f64))
            }
            None => write!(f, "not even --max-instances 1 fits: free some memory"),
        }
    }
}

impl std::error::Error for Refusal {}

/// What needs the most memory, and how much.
fn largest_need(trials: &[Trial], options: &Options, measure: &dyn Measure) -> (String, u64) {
    let limits = super::driver::limits_plan(options).estimate_bytes();
    let points = trials.iter().map(|trial| (measure.estimate_bytes(&trial.point), Some(trial.point)));
    let (needs, point) = points.chain([(limits, None)]).max_by_key(|(needs, _)| *needs).unwrap_or_default();
    (point.map_or_else(|| "the physical limits".to_owned(), |point| point.to_string()), needs)
}

/// Checks the trials that are left to do against what the system can give. Costs one estimate a trial.
///
/// # Errors
/// Says how much is needed, how much there is, and which option makes it fit.
pub fn check(
    trials: &[Trial],
    options: &Options,
    measure: &dyn Measure,
    available: Option<&Available>,
) -> Result<(), Box<Refusal>> {
    let Some(available) = available else { return Ok(()) };
    let usable = available.bytes / 100 * USABLE_PERCENT;
    let (largest, needs) = largest_need(trials, options, measure);
    if needs <= usable {
        return Ok(());
    }
    let smaller = |max: u64| {
        let options = Options { max_instances: Some(max), ..options.clone() };
        let (_, needs) = largest_need(&plan::trials(&options), &options, measure);
        (needs <= usable).then_some((max, needs))
    };
    let powers = (0..=9).rev().map(|exponent| 10_u64.pow(exponent));
    let fits = powers.filter(|&max| max < options.max_instances()).find_map(smaller);
    Err(Box::new(Refusal { largest, needs, available: available.clone(), fits }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Observation;
    use crate::point::Point;

    struct Heavy;

    impl Measure for Heavy {
        fn measure(&mut self, _: &Trial) -> Result<Observation, String> {
            Err("only estimated".to_owned())
        }

        fn estimate_bytes(&self, point: &Point) -> u64 {
            point.objects().saturating_mul(100)
        }
    }

    fn refusal(bytes: u64) -> Result<(), String> {
        let options = Options { workers: 2, ..Options::new("unused".into()) };
        let available = Available { bytes, bound_by: "the machine has available" };
        let check = check(&plan::trials(&options), &options, &Heavy, Some(&available));
        check.map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn what_fits_passes() {
        assert_eq!(refusal(5_000_000_000), Ok(()));
    }

    #[test]
    fn a_refusal_says_what_is_needed_what_there_is_and_what_fits() {
        let text = refusal(1 << 30).unwrap_err();
        assert!(text.contains("needs 3.73 GiB"), "{text}");
        assert!(text.contains("10⁷ old pairs, 10⁷ bystanders"), "{text}");
        assert!(text.contains("the machine has available 1 GiB"), "{text}");
        assert!(text.contains("--max-instances 1000000 fits: it needs 381 MiB"), "{text}");
        assert!(refusal(1000).unwrap_err().contains("free some memory"));
    }
}
