//! `become.csv`: one observation a row, a header, units in the names of the columns, raw runs.
//!
//! Cells of figures that a row does not have are empty, which pandas, R and gnuplot all read as missing.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::csv_table::{Error, Table};
use crate::measure::{Observation, Trial};
use crate::point::{Age, Holder, Kind, Point, Strategy};
use crate::replace::replace;

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 24] = [
    "strategy",
    "workers",
    "kind",
    "pairs",
    "bystanders",
    "age",
    "references_per_object",
    "holder",
    "run",
    "seed",
    "pause_ns",
    "pairs_per_s",
    "bytes_touched",
    "plain_pass_ns",
    "first_pass_ns",
    "second_pass_ns",
    "after_gc_pass_ns",
    "healed_by_access",
    "healed_by_gc",
    "scavenge_ns",
    "full_gc_ns",
    "heap_bytes",
    "peak_rss_bytes",
    "result",
];

/// What `result` says of an observation that was made.
const OK: &str = "ok";

/// One row: what was asked, and what was found or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What was asked.
    pub trial: Trial,
    /// What was found, or one line that says why nothing was.
    pub outcome: Result<Observation, String>,
}

impl Record {
    /// Pairs swapped in a second of pause; a pause too short for the clock counts as one nanosecond.
    #[must_use]
    pub fn pairs_per_s(trial: &Trial, observation: &Observation) -> f64 {
        trial.point.pairs as f64 * 1e9 / observation.pause_ns.max(1) as f64
    }
}

/// The flat form of a record: the fields are the columns.
#[derive(Serialize)]
struct Row {
    strategy: Strategy,
    workers: u32,
    kind: Kind,
    pairs: u64,
    bystanders: u64,
    age: Age,
    references_per_object: u32,
    holder: Holder,
    run: u32,
    seed: u64,
    pause_ns: Option<u64>,
    pairs_per_s: Option<f64>,
    bytes_touched: Option<u64>,
    plain_pass_ns: Option<u64>,
    first_pass_ns: Option<u64>,
    second_pass_ns: Option<u64>,
    after_gc_pass_ns: Option<u64>,
    healed_by_access: Option<u64>,
    healed_by_gc: Option<u64>,
    scavenge_ns: Option<u64>,
    full_gc_ns: Option<u64>,
    heap_bytes: Option<u64>,
    peak_rss_bytes: Option<u64>,
    result: String,
}

impl Row {
    fn of(Record { trial, outcome }: &Record) -> Self {
        let Trial { point, run, seed } = *trial;
        let found = outcome.as_ref().ok();
        Self {
            strategy: point.strategy,
            workers: point.workers,
            kind: point.kind,
            pairs: point.pairs,
            bystanders: point.bystanders,
            age: point.age,
            references_per_object: point.references_per_object,
            holder: point.holder,
            run,
            seed,
            pause_ns: found.map(|o| o.pause_ns),
            // One decimal keeps a slow become of a single pair apart from none.
            pairs_per_s: found.map(|o| (Record::pairs_per_s(trial, o) * 10.0).round() / 10.0),
            bytes_touched: found.and_then(|o| o.bytes_touched),
            plain_pass_ns: found.and_then(|o| o.plain_pass_ns),
            first_pass_ns: found.and_then(|o| o.first_pass_ns),
            second_pass_ns: found.and_then(|o| o.second_pass_ns),
            after_gc_pass_ns: found.and_then(|o| o.after_gc_pass_ns),
            healed_by_access: found.and_then(|o| o.healed_by_access),
            healed_by_gc: found.and_then(|o| o.healed_by_gc),
            scavenge_ns: found.and_then(|o| o.scavenge_ns),
            full_gc_ns: found.and_then(|o| o.full_gc_ns),
            heap_bytes: found.map(|o| o.heap_bytes),
            peak_rss_bytes: found.and_then(|o| o.peak_rss_bytes),
            result: outcome.as_ref().map_or_else(|why| one_line(why), |_| OK.to_owned()),
        }
    }
}

/// An error text as a cell: one line, so that a half written row is known by its missing line end, and never empty
/// nor that of a good row.
fn one_line(why: &str) -> String {
    let line = why.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() || line == OK { format!("failed: {line}") } else { line }
}

/// Appends rows to a CSV file; each row is in the file when `append` returns.
pub struct Appender {
    file: File,
}

impl Appender {
    /// Opens `path` for appending, and writes the header if the file is new or empty.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let mut appender = Self { file };
        if appender.file.metadata()?.len() == 0 {
            appender.write_line(|line| line.write_record(COLUMNS))?;
        }
        Ok(appender)
    }

    /// Writes one row, in one write so that a kill leaves at most the last line half written.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn append(&mut self, record: &Record) -> io::Result<()> {
        self.write_line(|line| line.serialize(Row::of(record)))
    }

    fn write_line(&mut self, fill: impl FnOnce(&mut Lines) -> csv::Result<()>) -> io::Result<()> {
        self.file.write_all(&lines(fill)?)
    }
}

type Lines = csv::Writer<Vec<u8>>;

fn lines(fill: impl FnOnce(&mut Lines) -> csv::Result<()>) -> io::Result<Vec<u8>> {
    let mut lines = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    fill(&mut lines).map_err(io::Error::other)?;
    lines.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Writes a whole file anew; a kill leaves the old file or the new one.
///
/// # Errors
/// Those of the file system.
pub fn rewrite<'a>(path: &Path, records: impl IntoIterator<Item = &'a Record>) -> io::Result<()> {
    let content = lines(|lines| {
        lines.write_record(COLUMNS)?;
        records.into_iter().try_for_each(|record| lines.serialize(Row::of(record)))
    })?;
    replace(path, &content)
}

/// Reads all rows of a `become.csv`, in any order of columns; further columns are ignored.
///
/// # Errors
/// Names file, line and column of the first cell that does not fit, and how to mend it.
pub fn read(path: &Path) -> Result<Vec<Record>, Error> {
    let table = Table::read(path)?;
    records(&table)
}

/// Whether this header is that of a `become.csv`.
#[must_use]
pub fn recognises(header: &csv::StringRecord) -> bool {
    ["strategy", "pairs", "pause_ns"].iter().all(|name| header.iter().any(|column| column == *name))
}

/// The rows of a table that has been read.
///
/// # Errors
/// As [`read`].
pub fn records(table: &Table) -> Result<Vec<Record>, Error> {
    table.require(&COLUMNS)?;
    table.rows().map(|row| record(&row)).collect()
}

fn record(row: &crate::csv_table::Row<'_>) -> Result<Record, Error> {
    let point = Point {
        strategy: row.get("strategy")?,
        workers: row.get("workers")?,
        kind: row.get("kind")?,
        pairs: row.get("pairs")?,
        bystanders: row.get("bystanders")?,
        age: row.get("age")?,
        references_per_object: row.get("references_per_object")?,
        holder: row.get("holder")?,
    };
    let trial = Trial { point, run: row.get("run")?, seed: row.get("seed")? };
    let result: String = row.get("result")?;
    if result != OK {
        return Ok(Record { trial, outcome: Err(result) });
    }
    let observation = Observation {
        pause_ns: row.get("pause_ns")?,
        bytes_touched: row.get("bytes_touched")?,
        plain_pass_ns: row.get("plain_pass_ns")?,
        first_pass_ns: row.get("first_pass_ns")?,
        second_pass_ns: row.get("second_pass_ns")?,
        after_gc_pass_ns: row.get("after_gc_pass_ns")?,
        healed_by_access: row.get("healed_by_access")?,
        healed_by_gc: row.get("healed_by_gc")?,
        scavenge_ns: row.get("scavenge_ns")?,
        full_gc_ns: row.get("full_gc_ns")?,
        heap_bytes: row.get("heap_bytes")?,
        peak_rss_bytes: row.get("peak_rss_bytes")?,
    };
    Ok(Record { trial, outcome: Ok(observation) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;
    use std::fs;

    fn example(run: u32) -> Record {
        let point = Point {
            strategy: Strategy::FullScan,
            workers: 2,
            kind: Kind::OneWayHash,
            pairs: 1000,
            bystanders: 0,
            age: Age::Young,
            references_per_object: 1,
            holder: Holder::Array,
        };
        let observation = Observation {
            pause_ns: 300,
            first_pass_ns: Some(12),
            heap_bytes: 64_000,
            ..Observation::default()
        };
        Record { trial: Trial { point, run, seed: u64::MAX }, outcome: Ok(observation) }
    }

    fn written(records: &[Record]) -> (TempDir, std::path::PathBuf) {
        let dir = TempDir::new("record");
        let path = dir.path().join("become.csv");
        for record in records {
            Appender::open(&path).unwrap().append(record).unwrap();
        }
        (dir, path)
    }

    #[test]
    fn records_come_back_as_they_were() {
        let failed = Record { outcome: Err("line 3, \"quoted\", and a comma".to_owned()), ..example(2) };
        let records = [example(1), failed];
        let (_dir, path) = written(&records);
        assert_eq!(read(&path).unwrap(), records);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next().unwrap(), COLUMNS.join(","));
        let row = "full-scan,2,one-way-hash,1000,0,young,1,array,1,18446744073709551615,300,3333333333.3,,,12,,,,,,,64000,,ok";
        assert_eq!(text.lines().nth(1).unwrap(), row);
    }

    #[test]
    fn odd_error_texts_stay_errors_on_one_line() {
        for (why, cell) in [("a\n  b", "a b"), ("", "failed: "), ("ok", "failed: ok")] {
            let record = Record { outcome: Err(why.to_owned()), ..example(1) };
            let (_dir, path) = written(&[record]);
            assert_eq!(read(&path).unwrap()[0].outcome, Err(cell.trim().to_owned()));
        }
    }

    fn error_after(change: impl Fn(&str) -> String) -> String {
        let (_dir, path) = written(&[example(1), example(2)]);
        let text = change(&fs::read_to_string(&path).unwrap());
        fs::write(&path, text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        let file = path.display().to_string();
        assert!(error.starts_with(&file), "{error}");
        error[file.len()..].to_owned()
    }

    #[test]
    fn errors_name_line_column_and_mend() {
        let error = error_after(|text| text.replace(",2,18446744073709551615,300,", ",2,1,3e2,"));
        let mend = "write a whole number from 0 to 18446744073709551615, or delete the line";
        assert_eq!(error, format!(":3: column pause_ns: \"3e2\" does not fit: {mend}"));
        let error = error_after(|text| text.replacen("full-scan", "eager", 1));
        assert!(error.starts_with(":2: column strategy: \"eager\" does not fit: write lazy, "), "{error}");
        let error = error_after(|text| text.replacen(",holder", ",keeper", 1));
        assert!(error.starts_with(":1: column holder is missing"), "{error}");
        let error = error_after(|text| format!("{text}lazy,1\n"));
        assert!(error.starts_with(":4: has 2 cells where the header has 24"), "{error}");
    }

    #[test]
    fn a_missing_pause_of_a_good_row_is_an_error() {
        let error = error_after(|text| text.replacen(",300,", ",,", 1));
        assert!(error.starts_with(":2: column pause_ns: the cell is empty"), "{error}");
    }
}
