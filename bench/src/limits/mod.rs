//! The physical limits of this machine, measured in this process right before a sweep, so that every figure of the
//! sweep is also a ratio to what memory can do.
//!
//! Objects are 32 bytes in one mapping with huge pages where the machine has them; references are 8-byte indices
//! into it, which cost what pointers cost: the checks of the bounds are predicted and hide behind the memory.

mod kernels;
mod memory_map;
mod probe;
mod timing;

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::csv_table::{Error, Table};
use crate::replace::replace;
use crate::rng::SplitMix64;
use kernels::{Machine, Sample};
pub use probe::Probe;

/// Objects measured by default.
pub const DEFAULT_OBJECTS: u64 = 10_000_000;

/// The columns of `limits.csv`.
pub const COLUMNS: [&str; 6] = ["limit", "threads", "objects", "run", "value", "unit"];

/// One row of `limits.csv`: one run of one limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// Which limit, as in [`ALL`].
    pub limit: String,
    /// Threads that did the work, each on its share.
    pub threads: u32,
    /// Objects of 32 bytes worked on.
    pub objects: u64,
    /// Which repetition, from 1.
    pub run: u32,
    /// The figure, to four significant digits.
    pub value: f64,
    /// `GB/s`, `ns/object`, `ns/hop`, `ns/write` or `ns/page`.
    pub unit: String,
}

/// A limit's name, unit, and what it measures.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The name in the column `limit`.
    pub name: &'static str,
    /// The unit of its values.
    pub unit: &'static str,
    /// What is done, for people.
    pub about: &'static str,
    /// Whether it is also measured with several threads.
    pub parallel: bool,
    run: fn(&mut Machine, usize) -> Option<Sample>,
}

const fn limit(
    name: &'static str,
    unit: &'static str,
    parallel: bool,
    about: &'static str,
    run: fn(&mut Machine, usize) -> Option<Sample>,
) -> Description {
    Description { name, unit, about, parallel, run }
}

/// Every limit, in the order of measuring and showing.
pub const ALL: [Description; 15] = [
    limit("read", "GB/s", true, "stream through memory and add it up", Machine::read),
    limit("copy", "GB/s", true, "copy memory, bytes read plus bytes written", Machine::copy),
    limit("update-word", "ns/object", true, "update one word in each object", Machine::update_word),
    limit("sum-contiguous", "ns/object", false, "sum a field, object by object", Machine::sum_contiguous),
    limit(
        "sum-address-order",
        "ns/object",
        false,
        "sum a field through references in address order",
        Machine::sum_address_order,
    ),
    limit(
        "sum-random-order",
        "ns/object",
        false,
        "sum a field through references in random order",
        Machine::sum_random_order,
    ),
    limit(
        "evacuate-touched",
        "ns/object",
        true,
        "copy each object to touched memory, leave a forwarding word",
        Machine::evacuate_touched,
    ),
    limit(
        "evacuate-fresh",
        "ns/object",
        true,
        "copy each object to freshly mapped memory, leave a forwarding word",
        Machine::evacuate_fresh,
    ),
    limit(
        "evacuate-random",
        "ns/object",
        false,
        "copy objects in random order, leave a forwarding word",
        Machine::evacuate_random,
    ),
    limit(
        "migrate-touched",
        "ns/object",
        true,
        "copy each object to 40 bytes of touched memory, leave a forwarding word",
        Machine::migrate_touched,
    ),
    limit(
        "migrate-fresh",
        "ns/object",
        true,
        "copy each object to 40 bytes of freshly mapped memory, leave a forwarding word",
        Machine::migrate_fresh,
    ),
    limit(
        "random-write",
        "ns/write",
        false,
        "write one word in objects in random order",
        Machine::random_write,
    ),
    limit(
        "pointer-chase",
        "ns/hop",
        false,
        "follow a random chain, each hop waits for the last",
        Machine::chase,
    ),
    limit("page-touch", "ns/page", false, "first write to a page of 4 KiB", Machine::page_touch),
    limit("page-populate", "ns/page", false, "first write by MADV_POPULATE_WRITE", Machine::page_populate),
];

/// The limit that a bulk become can at best reach: it must write a word into each object.
pub const BECOME_LIMIT: &str = "update-word";

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Objects of 32 bytes.
    pub objects: u64,
    /// Beside one thread, this many.
    pub threads: u32,
    /// Repetitions of each limit.
    pub runs: u32,
    /// Seed of the random orders.
    pub seed: u64,
}

impl Plan {
    /// Resident memory at the peak, in bytes.
    #[must_use]
    pub const fn estimate_bytes(&self) -> u64 {
        // 32 bytes of objects, 40 of copies, 8 of references an object; a huge page of slack for each mapping.
        self.objects.saturating_mul(32 + 40 + 8).saturating_add(8 << 21)
    }

    /// Rows that the measurement makes on a system that can measure everything.
    #[must_use]
    pub fn rows(&self) -> usize {
        let of = |limit: &Description| self.thread_counts(limit).len();
        ALL.iter().map(of).sum::<usize>() * self.runs as usize
    }

    fn thread_counts(&self, limit: &Description) -> Vec<u32> {
        if limit.parallel && self.threads > 1 { vec![1, self.threads] } else { vec![1] }
    }
}

/// Measures all limits; `progress` hears the name of each before it starts. About 7 s for 10⁷ objects and 5 runs.
///
/// # Errors
/// If memory cannot be mapped.
pub fn measure(plan: &Plan, mut progress: impl FnMut(&Description)) -> io::Result<Vec<Limit>> {
    let mut machine = Machine::new(plan.objects as usize, SplitMix64::new(plan.seed))?;
    let mut rows = Vec::with_capacity(plan.rows());
    for limit in &ALL {
        progress(limit);
        for threads in plan.thread_counts(limit) {
            for run in 1..=plan.runs {
                let Some(sample) = (limit.run)(&mut machine, threads as usize) else { continue };
                let value =
                    if limit.unit == "GB/s" { sample.gigabytes_per_s() } else { sample.ns_per_item() };
                let (limit, unit) = (limit.name.to_owned(), limit.unit.to_owned());
                let value = four_digits(value);
                rows.push(Limit { limit, threads, objects: plan.objects, run, value, unit });
            }
        }
    }
    Ok(rows)
}

fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// Writes `limits.csv` anew.
///
/// # Errors
/// Those of the file system.
pub fn write(path: &Path, rows: &[Limit]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    replace(path, &writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
}

/// Whether this header is that of a `limits.csv`.
#[must_use]
pub fn recognises(header: &csv::StringRecord) -> bool {
    ["limit", "value"].iter().all(|name| header.iter().any(|column| column == *name))
}

/// The rows of a `limits.csv` that has been read.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn records(table: &Table) -> Result<Vec<Limit>, Error> {
    table.require(&COLUMNS)?;
    table
        .rows()
        .map(|row| {
            Ok(Limit {
                limit: row.get("limit")?,
                threads: row.get("threads")?,
                objects: row.get("objects")?,
                run: row.get("run")?,
                value: row.get("value")?,
                unit: row.get("unit")?,
            })
        })
        .collect()
}

/// The median of one limit with that many threads.
#[must_use]
pub fn median_of(rows: &[Limit], limit: &str, threads: u32) -> Option<f64> {
    let chosen = rows.iter().filter(|row| row.limit == limit && row.threads == threads);
    crate::stats::median(&chosen.map(|row| row.value).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn every_limit_is_measured_and_read_back() {
        let plan = Plan { objects: 20_000, threads: 2, runs: 2, seed: 1 };
        let mut heard = Vec::new();
        let rows = measure(&plan, |limit| heard.push(limit.name)).unwrap();
        assert_eq!(heard.len(), ALL.len());
        assert!(rows.iter().all(|row| row.value > 0.0), "{rows:?}");
        assert!(rows.len() <= plan.rows());
        assert!(median_of(&rows, BECOME_LIMIT, 2).is_some());

        let dir = TempDir::new("limits");
        let path = dir.path().join("limits.csv");
        write(&path, &rows).unwrap();
        let table = Table::read(&path).unwrap();
        assert!(recognises(table.header()) && !crate::record::recognises(table.header()));
        assert_eq!(records(&table).unwrap(), rows);
    }

    #[test]
    fn a_single_object_can_be_measured() {
        measure(&Plan { objects: 1, threads: 2, runs: 1, seed: 1 }, |_| ()).unwrap();
    }
}
