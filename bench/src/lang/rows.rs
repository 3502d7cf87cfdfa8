//! The rows of the three CSVs, each in the file before the next observation starts, and the manifest beside them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::options::Options;
use crate::csv_table::{self, Table};
use crate::manifest::{Identity, Manifest};
use crate::point::Strategy;

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

/// A CSV that grows row by row.
pub struct Rows {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl Rows {
    /// A new CSV with a header; an older one of this name is replaced.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(path: &Path, header: &[&str]) -> Result<Self, Error> {
        let writer = csv::Writer::from_path(path).map_err(|error| Error::file(path, error))?;
        let mut rows = Self { path: path.to_owned(), writer };
        rows.push(header)?;
        Ok(rows)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn push<T: AsRef<[u8]>>(&mut self, cells: &[T]) -> Result<(), Error> {
        self.writer.write_record(cells).map_err(|error| Error::file(&self.path, error))?;
        self.writer.flush().map_err(|error| Error::file(&self.path, error))
    }
}

/// The files of a command, `NAME.csv` and `NAME-manifest.json`, with the manifest begun.
pub(crate) struct Session {
    pub csv: PathBuf,
    path: PathBuf,
    manifest: Manifest,
}

impl Session {
    /// Makes the folder and writes the manifest. `facts` are what options do not say, such as the versions of other systems.
    pub fn begin(options: &Options, facts: serde_json::Value) -> Result<Self, Error> {
        fs::create_dir_all(&options.out).map_err(|error| Error::file(&options.out, error))?;
        let name = options.experiment.name();
        let (csv, path) =
            (options.out.join(format!("{name}.csv")), options.out.join(format!("{name}-manifest.json")));
        let mut manifest = Manifest::start(Identity::collect(options.seed));
        manifest.continue_with(options.command(), &json!({ "given": options, "found": facts }));
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

/// What a command did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Observations made.
    pub measured: usize,
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
