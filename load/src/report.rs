//! What a load is told as: a table for people, the course of time as CSV, and latencies in the format of HdrHistogram's tools.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;
use serde::Serialize;

use crate::samples::{Sample, Summary, histogram, nanoseconds, series};

/// One row a kind of request and one for all, as text with a header line; times in milliseconds.
pub fn table(samples: &[Sample], duration: Duration) -> String {
    let mut kinds: Vec<&str> = samples.iter().map(|sample| sample.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut table = format!(
        "{:<8}{:>10}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}\n",
        "request", "count", "failed", "mean ms", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "requests/s"
    );
    let mut row = |name: &str, samples: &[Sample]| {
        let summary = Summary::of(samples, 0..u64::MAX);
        let milliseconds = |ns: u64| ns as f64 / 1e6;
        table += &format!(
            "{name:<8}{:>10}{:>8}{:>10.3}{:>10.3}{:>10.3}{:>10.3}{:>10.3}{:>12.1}\n",
            summary.requests,
            summary.failed,
            summary.mean_ns / 1e6,
            milliseconds(summary.p50_ns),
            milliseconds(summary.p99_ns),
            milliseconds(summary.p999_ns),
            milliseconds(summary.max_ns),
            summary.requests as f64 / duration.as_secs_f64(),
        );
    };
    for kind in kinds {
        let of_kind: Vec<Sample> = samples.iter().filter(|sample| sample.kind == kind).copied().collect();
        row(kind, &of_kind);
    }
    row("all", samples);
    table
}

#[derive(Serialize)]
struct Row {
    start_ns: u64,
    requests: u64,
    failed: u64,
    mean_ns: f64,
    p50_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
}

/// A row for each window of `width`.
///
/// # Errors
/// Those of the file system.
pub fn write_series(path: &Path, samples: &[Sample], width: Duration, end: Duration) -> io::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    for (index, summary) in series(samples, width, end).into_iter().enumerate() {
        let Summary { requests, failed, mean_ns, p50_ns, p99_ns, p999_ns, max_ns } = summary;
        let start_ns = index as u64 * nanoseconds(width);
        writer.serialize(Row { start_ns, requests, failed, mean_ns, p50_ns, p99_ns, p999_ns, max_ns })?;
    }
    writer.flush()
}

/// An interval log with a histogram for each window of `width`, which HdrHistogram's tools read.
///
/// # Errors
/// Those of the file system.
pub fn write_log(path: &Path, samples: &[Sample], width: Duration, end: Duration) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut serializer = V2DeflateSerializer::new();
    let other = |error: &dyn std::fmt::Debug| io::Error::other(format!("{error:?}"));
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment("latencies in nanoseconds");
    let mut log = builder.begin_log_with(&mut file, &mut serializer).map_err(|error| other(&error))?;
    let mut at = Duration::ZERO;
    while at < end {
        let window = nanoseconds(at)..nanoseconds(at + width);
        let within = samples.iter().filter(|sample| window.contains(&sample.due));
        let latencies = histogram(within.map(|sample| sample.latency));
        log.write_histogram(&latencies, at, width, None).map_err(|error| other(&error))?;
        at += width;
    }
    file.flush()
}
