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

/// A figure with its 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The median of `these` divided by that of `those`, both resampled on their own; `None` if one is empty or a median is 0.
#[must_use]
pub fn ratio_of_medians(these: &[f64], those: &[f64], seed: u64) -> Option<Interval> {
    geometric_mean_of_ratios(&[(these.to_vec(), those.to_vec())], seed)
}

/// The geometric mean of the ratios of medians of several pairs of samples. Each sample is resampled on its own, so that the
/// interval says how the mean would move if all was measured again, not how it would with other benchmarks.
///
/// `None` of nothing, and if a sample is empty or has a median of 0.
#[must_use]
pub fn geometric_mean_of_ratios(pairs: &[(Vec<f64>, Vec<f64>)], seed: u64) -> Option<Interval> {
    let logarithm = |these: &[f64], those: &[f64]| {
        let ratio = median(these)? / median(those)?;
        (ratio.is_finite() && ratio > 0.0).then(|| ratio.ln())
    };
    let mean = |draw: &mut dyn FnMut(&[f64]) -> Vec<f64>| {
        let logarithms: Option<Vec<f64>> =
            pairs.iter().map(|(these, those)| logarithm(&draw(these), &draw(those))).collect();
        logarithms.filter(|all| !all.is_empty()).map(|all| (all.iter().sum::<f64>() / all.len() as f64).exp())
    };
    let value = mean(&mut <[f64]>::to_vec)?;
    let mut rng = SplitMix64::new(seed);
    let mut resample = |values: &[f64]| values.iter().map(|_| values[rng.below(values.len())]).collect();
    let mut means: Vec<f64> = (0..RESAMPLES).filter_map(|_| mean(&mut resample)).collect();
    means.sort_by(f64::total_cmp);
    let tail = means.len() / 40;
    Some(Interval { value, low: *means.get(tail)?, high: *means.get(means.len() - 1 - tail)? })
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

    #[test]
    fn ratios_have_intervals_that_hold_them() {
        let these = [90.0, 100.0, 110.0, 105.0, 95.0];
        let those = [190.0, 200.0, 210.0, 205.0, 195.0];
        let ratio = ratio_of_medians(&these, &those, 1).unwrap();
        assert_eq!(ratio.value, 0.5);
        assert!(ratio.low < 0.5 && ratio.low > 0.42 && ratio.high > 0.5 && ratio.high < 0.58, "{ratio:?}");
        assert_eq!(ratio_of_medians(&these, &[], 1), None);
        assert_eq!(ratio_of_medians(&these, &[0.0], 1), None);
    }

    #[test]
    fn a_geometric_mean_is_that_of_the_ratios() {
        let pairs = [(vec![1.0], vec![2.0]), (vec![8.0], vec![1.0])];
        let mean = geometric_mean_of_ratios(&pairs, 1).unwrap();
        assert!((mean.value - 2.0).abs() < 1e-12 && mean.low == mean.high);
        assert_eq!(geometric_mean_of_ratios(&[], 1), None);
    }
}
