//! What was measured: one sample a request, and what is made of many.

use std::ops::Range;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// One request. Times in nanoseconds since the load began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// As its [`Request`](crate::script::Request) says.
    pub kind: &'static str,
    /// When it should have been sent. In a closed loop that is when it was.
    pub due: u64,
    /// From then until the answer was there: what a user of the service waits. A client that waits for an answer sends nothing meanwhile, and
    /// what it should have sent counts from its own due time: so no delay is omitted because of another (coordinated omission).
    pub latency: u64,
    /// From when it was really sent.
    pub service: u64,
    /// Whether there was anything wrong with the answer.
    pub is_failed: bool,
}

/// Requests in some window of time, latencies in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Requests that were due.
    pub requests: u64,
    /// Those among them that failed.
    pub failed: u64,
    /// Mean of latencies.
    pub mean_ns: f64,
    /// Median.
    pub p50_ns: u64,
    /// 99 of 100 waited no longer.
    pub p99_ns: u64,
    /// 999 of 1000 waited no longer.
    pub p999_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// Latencies in a histogram of three significant digits.
pub fn histogram(latencies: impl IntoIterator<Item = u64>) -> Histogram<u64> {
    let mut histogram =
        Histogram::new(3).unwrap_or_else(|error| unreachable!("3 digits are in range: {error}"));
    histogram.auto(true);
    for latency in latencies {
        if histogram.record(latency).is_err() {
            histogram.saturating_record(latency);
        }
    }
    histogram
}

impl Summary {
    /// Of the samples that were due in the window.
    pub fn of(samples: &[Sample], window: Range<u64>) -> Summary {
        let within = || samples.iter().filter(|sample| window.contains(&sample.due));
        let histogram = histogram(within().map(|sample| sample.latency));
        let failed = within().filter(|sample| sample.is_failed).count() as u64;
        if histogram.is_empty() {
            return Summary::default();
        }
        Summary {
            requests: histogram.len(),
            failed,
            mean_ns: histogram.mean(),
            p50_ns: histogram.value_at_quantile(0.5),
            p99_ns: histogram.value_at_quantile(0.99),
            p999_ns: histogram.value_at_quantile(0.999),
            max_ns: within().map(|sample| sample.latency).max().unwrap_or(0),
        }
    }
}

/// Summaries of windows of `width`, one behind the other, from the beginning to `end`.
pub fn series(samples: &[Sample], width: Duration, end: Duration) -> Vec<Summary> {
    let width = nanoseconds(width).max(1);
    let windows = nanoseconds(end).div_ceil(width) as usize;
    let mut parts = vec![Vec::new(); windows];
    for sample in samples {
        if let Some(part) = parts.get_mut((sample.due / width) as usize) {
            part.push(*sample);
        }
    }
    parts.iter().map(|part| Summary::of(part, 0..u64::MAX)).collect()
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(due: u64, latency: u64, is_failed: bool) -> Sample {
        Sample { kind: "x", due, latency, service: latency, is_failed }
    }

    #[test]
    fn a_summary_is_of_its_window() {
        let samples: Vec<Sample> =
            (0..1000).map(|at| sample(at, at * 1000, at % 10 == 0)).chain([sample(5000, 1, true)]).collect();
        let summary = Summary::of(&samples, 0..1000);
        assert_eq!((summary.requests, summary.failed, summary.max_ns), (1000, 100, 999_000));
        assert!(
            summary.p50_ns.abs_diff(499_000) < 1000 && summary.p99_ns.abs_diff(989_000) < 2000,
            "{summary:?}"
        );
        assert_eq!(Summary::of(&samples, 2000..3000), Summary::default());
    }

    #[test]
    fn a_series_has_a_summary_for_each_window_also_where_nothing_was_due() {
        let millisecond = 1_000_000;
        let samples =
            [sample(0, 7, false), sample(10 * millisecond, 9, false), sample(29 * millisecond, 8, true)];
        let series = series(&samples, Duration::from_millis(10), Duration::from_millis(45));
        let requests: Vec<u64> = series.iter().map(|window| window.requests).collect();
        assert_eq!(requests, [1, 1, 1, 0, 0]);
        assert_eq!(series[2].failed, 1);
    }
}
