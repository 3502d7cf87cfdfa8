//! Runs the trials that are not there yet, and writes each down before the next one starts.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::budget::{self, Refusal};
use super::options::{Options, Size};
use super::plan;
use super::progress::Progress;
use super::resume;
use crate::csv_table;
use crate::limits;
use crate::manifest::{Identity, Manifest};
use crate::measure::Measure;
use crate::memory::Available;
use crate::record::{Appender, Record};

/// Why a sweep ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Memory cannot hold it; nothing was measured.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A CSV in the folder cannot be continued.
    #[error(transparent)]
    Csv(#[from] csv_table::Error),
    /// Memory for the physical limits cannot be mapped.
    #[error("cannot map memory for the physical limits: {0}")]
    Limits(io::Error),
}

impl Error {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

/// The files of a sweep.
#[derive(Clone, Debug)]
pub struct Files {
    /// One observation a row.
    pub become_csv: PathBuf,
    /// The physical limits.
    pub limits_csv: PathBuf,
    /// Program, machine, options.
    pub manifest: PathBuf,
}

impl Files {
    /// The files in a folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self {
            become_csv: folder.join("become.csv"),
            limits_csv: folder.join("limits.csv"),
            manifest: folder.join("manifest.json"),
        }
    }
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Observations made now.
    pub measured: usize,
    /// Observations that were there already.
    pub skipped: usize,
    /// Observations that failed, with why.
    pub failures: Vec<String>,
}

/// The physical limits that belong to a sweep.
pub(super) fn limits_plan(options: &Options) -> limits::Plan {
    let objects = options.max_instances().min(limits::DEFAULT_OBJECTS);
    let runs = options.runs.unwrap_or(if options.size == Size::Full { 5 } else { 3 });
    limits::Plan { objects, threads: options.workers, runs, seed: options.seed }
}

/// Measures what is missing in `options.out`: the physical limits first, then the trials.
///
/// Each observation is in the file before the next starts, so that a sweep that was stopped continues where it was.
///
/// # Errors
/// If memory cannot hold the sweep, or the folder cannot be written. A failed observation is no error but a row, and
/// is listed in the summary.
pub fn run(
    options: &Options,
    measure: &mut dyn Measure,
    available: Option<&Available>,
    progress: &mut Progress,
) -> Result<Summary, Error> {
    let trials = plan::trials(options);
    budget::check(&trials, options, measure, available)?;
    fs::create_dir_all(&options.out).map_err(|error| Error::file(&options.out, error))?;
    let files = Files::of(&options.out);
    let identity = Identity::collect(options.seed);
    let earlier = resume::prepare(&files, &identity, &trials)?;
    earlier.notes.iter().for_each(|note| progress.note(note));

    let mut manifest = earlier.manifest.unwrap_or_else(|| Manifest::start(identity));
    manifest.continue_with(options.command(), options);
    let write = |manifest: &Manifest| {
        manifest.write(&files.manifest).map_err(|error| Error::file(&files.manifest, error))
    };
    write(&manifest)?;
    measure_limits(&files.limits_csv, &limits_plan(options), progress)?;

    let mut appender =
        Appender::open(&files.become_csv).map_err(|error| Error::file(&files.become_csv, error))?;
    let mut summary = Summary::default();
    let mut reasons = HashSet::new();
    progress.start(&trials, &earlier.done);
    for trial in &trials {
        if earlier.done.contains(trial) {
            summary.skipped += 1;
            continue;
        }
        progress.before(trial);
        let record = Record { trial: *trial, outcome: measure.measure(trial) };
        appender.append(&record).map_err(|error| Error::file(&files.become_csv, error))?;
        summary.measured += 1;
        if let Err(why) = &record.outcome {
            // One reason often hits many observations: the first of each is enough to read.
            let failure = format!("{}, run {}: {why}", trial.point, trial.run);
            if reasons.insert(why.clone()) {
                progress.note(&format!("failed: {failure}"));
            }
            summary.failures.push(failure);
        }
        progress.after(trial);
    }
    progress.finish();
    manifest.end();
    write(&manifest)?;
    Ok(summary)
}

/// Measures the limits, unless the folder already has those of at least this plan.
fn measure_limits(path: &Path, plan: &limits::Plan, progress: &mut Progress) -> Result<(), Error> {
    if path.exists() {
        let rows = limits::records(&csv_table::Table::read(path)?)?;
        let enough = |row: &limits::Limit| row.objects >= plan.objects && row.run >= plan.runs;
        if rows.iter().any(|row| enough(row) && row.threads == plan.threads) {
            return Ok(());
        }
    }
    let rows = limits::measure(plan, |limit| progress.limit(limit.about)).map_err(Error::Limits)?;
    limits::write(path, &rows).map_err(|error| Error::file(path, error))
}
