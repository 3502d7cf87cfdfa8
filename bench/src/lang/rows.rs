//! The rows of the CSVs, each in the file before the next observation starts, and the manifest beside them.
//!
//! A session that was stopped is continued by the same command: what the file has is not measured again.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use serde_json::json;

use super::options::Options;
use super::steps::Steps;
use crate::csv_table::{self, Table};
use crate::earlier::{cut_half_line, set_aside};
use crate::manifest::{Identity, Manifest};
use crate::point::Strategy;
use crate::replace::replace;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option makes no sense; nothing was measured.
    #[error("{0}")]
    Refused(String),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A CSV cannot be used.
    #[error(transparent)]
    Csv(#[from] csv_table::Error),
}

impl Error {
    pub(crate) fn file(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::File { path: path.to_owned(), source: source.into() }
    }
}

/// A CSV that grows row by row and remembers which rows it has.
pub struct Rows {
    path: PathBuf,
    writer: csv::Writer<File>,
    /// Where the key's columns are.
    key: Vec<usize>,
    /// The keys of the good rows.
    done: HashSet<Vec<String>>,
}

impl Rows {
    /// Opens a CSV to continue it, or makes it. A half written last line is cut, and failed rows that are `planned` are dropped, so
    /// that they are measured again: those whose `failure`, the last column, is not empty.
    ///
    /// # Errors
    /// Those of the file system, and if the file is there with other columns.
    pub fn open(
        path: &Path,
        header: &[&str],
        key: &[&str],
        planned: &HashSet<Vec<String>>,
    ) -> Result<Self, Error> {
        let key: Vec<usize> =
            key.iter().filter_map(|name| header.iter().position(|column| column == name)).collect();
        let mut kept = vec![header.iter().copied().collect::<StringRecord>()];
        if path.exists() {
            cut_half_line(path).map_err(|error| Error::file(path, error))?;
            if fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0) {
                let table = Table::read(path)?;
                if !table.header().iter().eq(header.iter().copied()) {
                    return Err(table.unknown(&header.join(", ")).into());
                }
                kept.extend(table.records().iter().filter(|row| !is_retried(row, &key, planned)).cloned());
            }
        }
        let good = kept.iter().skip(1).filter(|row| !has_failed(row));
        let done = good.map(|row| key_of(row, &key)).collect();
        Ok(Self { path: path.to_owned(), writer: rewritten(path, &kept)?, key, done })
    }

    /// Drops the rows whose keys are not among those to keep: what belongs together and was not written as a whole.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn retain(&mut self, keep: impl Fn(&[String]) -> bool) -> Result<(), Error> {
        let table = Table::read(&self.path)?;
        let rows = table.records().iter().filter(|row| keep(&key_of(row, &self.key)));
        let kept: Vec<StringRecord> = [table.header()].into_iter().chain(rows).cloned().collect();
        self.writer = rewritten(&self.path, &kept)?;
        self.done.retain(|key| keep(key));
        Ok(())
    }

    /// Whether the good row with that key is there already.
    #[must_use]
    pub fn has(&self, key: &[String]) -> bool {
        self.done.contains(key)
    }

    /// Adds a row, with all its columns.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn push<T: AsRef<[u8]>>(&mut self, cells: &[T]) -> Result<(), Error> {
        self.writer.write_record(cells).map_err(|error| Error::file(&self.path, error))?;
        self.writer.flush().map_err(|error| Error::file(&self.path, error))
    }
}

/// A CSV of these records, to be continued. It comes into place in one step: a kill leaves the old file or this one.
fn rewritten(path: &Path, records: &[StringRecord]) -> Result<csv::Writer<File>, Error> {
    let failed = |error: io::Error| Error::file(path, error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    records.iter().try_for_each(|row| writer.write_record(row)).map_err(|error| failed(error.into()))?;
    let text = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    replace(path, &text).map_err(failed)?;
    Ok(csv::Writer::from_writer(File::options().append(true).open(path).map_err(failed)?))
}

/// A row of so many columns: its key, then figures, the word for a good result and no failure; or no figures, `failed` and why.
pub(crate) fn result_row(
    key: Vec<String>,
    columns: usize,
    result: Result<&[i64], &str>,
    good: &str,
) -> Vec<String> {
    let mut row = key;
    match result {
        Ok(figures) => {
            row.extend(figures.iter().map(i64::to_string));
            row.extend([good.to_owned(), String::new()]);
        }
        Err(why) => {
            row.resize(columns - 2, String::new());
            row.extend(["failed".to_owned(), why.replace(['\n', '\r'], " ")]);
        }
    }
    row
}

fn key_of(row: &StringRecord, key: &[usize]) -> Vec<String> {
    key.iter().filter_map(|&index| row.get(index)).map(str::to_owned).collect()
}

fn has_failed(row: &StringRecord) -> bool {
    row.iter().next_back().is_some_and(|failure| !failure.is_empty())
}

fn is_retried(row: &StringRecord, key: &[usize], planned: &HashSet<Vec<String>>) -> bool {
    has_failed(row) && planned.contains(&key_of(row, key))
}

/// The files of a command, `NAME.csv` and `NAME-manifest.json`, with the manifest begun or continued.
pub(crate) struct Session {
    pub csv: PathBuf,
    path: PathBuf,
    manifest: Manifest,
}

impl Session {
    /// Makes the folder and writes the manifest. `facts` are what options do not say, such as the versions of other systems.
    ///
    /// What an earlier session of the same program, machine, seed, strategy and facts left is continued; anything else is kept aside,
    /// together with its `more` CSVs.
    pub fn begin(
        options: &Options,
        facts: serde_json::Value,
        more: &[&Path],
        steps: &Steps,
    ) -> Result<Self, Error> {
        fs::create_dir_all(&options.out).map_err(|error| Error::file(&options.out, error))?;
        let name = options.experiment.name();
        let (csv, path) =
            (options.out.join(format!("{name}.csv")), options.out.join(format!("{name}-manifest.json")));
        let identity = Identity::collect(options.seed);
        let given = json!({ "given": options, "found": facts });
        let earlier = Manifest::read(&path);
        let continued = earlier.filter(|it| it.identity == identity && is_same(&it.options, &given));
        let mut files = vec![csv.as_path()];
        files.extend(more);
        if continued.is_none() && files.iter().any(|file| file.exists()) {
            files.push(&path);
            let kept = set_aside(&files, &path).map_err(|(file, error)| Error::file(&file, error))?;
            steps.note(&format!(
                "the folder holds figures of another build, machine, seed or setting: kept as {}, measuring anew",
                kept.display()
            ));
        }
        let mut manifest = continued.unwrap_or_else(|| Manifest::start(identity));
        manifest.continue_with(options.command(), &given);
        let session = Self { csv, path, manifest };
        session.write()?;
        Ok(session)
    }

    /// Notes the end.
    pub fn end(mut self) -> Result<(), Error> {
        self.manifest.end();
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        self.manifest.write(&self.path).map_err(|error| Error::file(&self.path, error))
    }
}

/// Whether rows measured with one set of options belong to those measured with another: what was found and the strategy are what
/// rows do not say themselves.
fn is_same(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    one["found"] == other["found"] && one["given"]["strategy"] == other["given"]["strategy"]
}

/// What a command did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Observations made.
    pub measured: usize,
    /// Observations that were there already.
    pub skipped: usize,
    /// Those that failed, with why.
    pub failures: Vec<String>,
    /// The table for the terminal.
    pub table: String,
}

/// A row of `lang.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct LangRow {
    /// The program.
    pub benchmark: String,
    /// Who ran it.
    pub system: String,
    /// `None` if it failed.
    pub time_ns: Option<u64>,
    /// Whether the result was the known one.
    pub checksum_ok: bool,
}

/// The columns of `lang.csv`.
pub const LANG_COLUMNS: [&str; 8] =
    ["benchmark", "system", "run", "time_ns", "checksum_ok", "set", "parameter", "failure"];

/// Reads `lang.csv`, of which it needs the first five columns without `run`.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read_lang(path: &Path) -> Result<Vec<LangRow>, csv_table::Error> {
    let table = Table::read(path)?;
    let row = |row: csv_table::Row<'_>| {
        Ok(LangRow {
            benchmark: row.get("benchmark")?,
            system: row.get("system")?,
            time_ns: row.get("time_ns")?,
            checksum_ok: row.get::<String>("checksum_ok")? == "true",
        })
    };
    table.rows().map(row).collect()
}

/// A row of `barrier.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct BarrierRow {
    /// The program.
    pub benchmark: String,
    /// What was checked.
    pub strategy: Strategy,
    /// `None` if it failed.
    pub time_ns: Option<u64>,
    /// Of one iteration with a small parameter; `None` if they cannot be counted here, or were not.
    pub instructions: Option<u64>,
}

/// The columns of `barrier.csv`.
pub const BARRIER_COLUMNS: [&str; 6] = ["benchmark", "strategy", "run", "time_ns", "instructions", "failure"];

/// Reads `barrier.csv`.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read_barrier(path: &Path) -> Result<Vec<BarrierRow>, csv_table::Error> {
    let table = Table::read(path)?;
    let row = |row: csv_table::Row<'_>| {
        Ok(BarrierRow {
            benchmark: row.get("benchmark")?,
            strategy: row.get("strategy")?,
            time_ns: row.get("time_ns")?,
            instructions: row.get("instructions")?,
        })
    };
    table.rows().map(row).collect()
}

/// A row of `heal.csv`; figures are `None` if it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns, see docs/benchmarks.md")]
pub struct HealRow {
    pub holder: String,
    pub before_ns: Option<u64>,
    pub become_ns: Option<u64>,
    pub first_pass_ns: Option<u64>,
    pub second_pass_ns: Option<u64>,
    pub third_pass_ns: Option<u64>,
    pub after_gc_pass_ns: Option<u64>,
    pub collections: Option<u64>,
}

/// Reads `heal.csv`.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read_heal(path: &Path) -> Result<Vec<HealRow>, csv_table::Error> {
    let table = Table::read(path)?;
    let row = |row: csv_table::Row<'_>| {
        Ok(HealRow {
            holder: row.get("holder")?,
            before_ns: row.get("before_ns")?,
            become_ns: row.get("become_ns")?,
            first_pass_ns: row.get("first_pass_ns")?,
            second_pass_ns: row.get("second_pass_ns")?,
            third_pass_ns: row.get("third_pass_ns")?,
            after_gc_pass_ns: row.get("after_gc_pass_ns")?,
            collections: row.get("collections")?,
        })
    };
    table.rows().map(row).collect()
}

/// A row of `barrier-instructions.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountRow {
    /// The program.
    pub benchmark: String,
    /// What was checked.
    pub strategy: Strategy,
    /// `None` if it failed.
    pub instructions: Option<u64>,
}

/// The columns of `barrier-instructions.csv`.
pub const COUNT_COLUMNS: [&str; 5] = ["benchmark", "strategy", "parameter", "instructions", "failure"];

/// Reads `barrier-instructions.csv`.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read_counts(path: &Path) -> Result<Vec<CountRow>, csv_table::Error> {
    let table = Table::read(path)?;
    let row = |row: csv_table::Row<'_>| {
        Ok(CountRow {
            benchmark: row.get("benchmark")?,
            strategy: row.get("strategy")?,
            instructions: row.get("instructions")?,
        })
    };
    table.rows().map(row).collect()
}
