//! Medians with bootstrap confidence intervals.

use crate::rng::SplitMix64;

/// Resamples drawn for a confidence interval: enough that the ends move by less than the interval's own noise.
const RESAMPLES: usize = 2000;

/// A median with the range that holds it with 95 % confidence, and the extremes seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Number of values.
    pub runs: usize,
    /// The middle value; the mean of the two middle ones of an even number.
    pub median: f64,
    /// Lower end of the 95 % percentile bootstrap interval of the median.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

/// The middle of `values`, or `None` of nothing. O(n log n).
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    median_of_sorted(&sorted)
}

fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// Median, extremes and the percentile bootstrap interval (Efron 1979) of the median, or `None` of nothing.
///
/// The same `seed` gives the same interval. With few runs the interval is the range of the values, as it should be.
/// Costs 2,000 resamples of `values.len()` draws.
#[must_use]
pub fn summarise(values: &[f64], seed: u64) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = median_of_sorted(&sorted)?;
    let mut rng = SplitMix64::new(seed);
    let mut resample = vec![0.0; sorted.len()];
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            resample.fill_with(|| sorted[rng.below(sorted.len())]);
            resample.sort_by(f64::total_cmp);
            median_of_sorted(&resample)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let tail = RESAMPLES / 40;
    Some(Summary {
        runs: sorted.len(),
        median,
        low: medians[tail],
        high: medians[RESAMPLES - 1 - tail],
        min: sorted[0],
        max: sorted[sorted.len() - 1],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }

    #[test]
    fn the_interval_holds_the_median_and_is_repeatable() {
        let values: Vec<f64> = (0..41).map(|i| f64::from((i * 7) % 41)).collect();
        let summary = summarise(&values, 1).unwrap();
        assert_eq!(summary.median, 20.0);
        assert!(summary.min <= summary.low && summary.low < summary.median);
        assert!(summary.median < summary.high && summary.high <= summary.max);
        assert_eq!(summarise(&values, 1), Some(summary));
    }

    #[test]
    fn one_run_has_no_width() {
        let summary = summarise(&[5.0], 1).unwrap();
        assert_eq!((summary.low, summary.median, summary.high), (5.0, 5.0, 5.0));
    }
}
