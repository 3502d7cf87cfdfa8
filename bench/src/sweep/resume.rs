//! What an earlier sweep left in the folder: continued if the same program on the same machine left it, else kept aside.

use std::collections::HashSet;
use std::fs;

use super::driver::{Error, Files};
use crate::earlier::{self, cut_half_line};
use crate::manifest::{Identity, Manifest};
use crate::measure::Trial;
use crate::record;

/// What is there already.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Trials that need not be made again.
    pub(super) done: HashSet<Trial>,
    /// The manifest of what is continued.
    pub(super) manifest: Option<Manifest>,
    /// What was done to earlier files, for people.
    pub(super) notes: Vec<String>,
}

/// Looks at the folder and makes it ready for appending.
///
/// # Errors
/// If a file cannot be read, moved or mended, or `become.csv` holds a row that nobody could have measured.
pub(super) fn prepare(files: &Files, identity: &Identity, trials: &[Trial]) -> Result<Earlier, Error> {
    let mut earlier = Earlier::default();
    let manifest = Manifest::read(&files.manifest);
    if !files.become_csv.exists() && !files.limits_csv.exists() {
        return Ok(earlier);
    }
    let Some(manifest) = manifest.filter(|manifest| manifest.identity == *identity) else {
        earlier.notes.push(set_aside(files)?);
        return Ok(earlier);
    };
    earlier.manifest = Some(manifest);
    if !files.become_csv.exists() {
        return Ok(earlier);
    }
    if cut_half_line(&files.become_csv).map_err(|e| Error::file(&files.become_csv, e))? {
        earlier.notes.push("the last line of become.csv was half written and is measured again".to_owned());
    }
    if fs::metadata(&files.become_csv).is_ok_and(|metadata| metadata.len() == 0) {
        return Ok(earlier);
    }
    earlier.done = forget_failures(files, trials)?;
    Ok(earlier)
}

/// Moves the files of another program, machine or seed away under the time of their measurement.
fn set_aside(files: &Files) -> Result<String, Error> {
    let all = [files.become_csv.as_path(), &files.limits_csv, &files.manifest];
    let kept =
        earlier::set_aside(&all, &files.manifest).map_err(|(path, error)| Error::file(&path, error))?;
    Ok(format!(
        "the folder holds figures of another build, machine or seed: kept as {}, measuring anew",
        kept.display()
    ))
}

/// Drops the failed rows that are about to be tried again; the trials of the good rows.
fn forget_failures(files: &Files, trials: &[Trial]) -> Result<HashSet<Trial>, Error> {
    let records = record::read(&files.become_csv)?;
    let planned: HashSet<Trial> = trials.iter().copied().collect();
    let retried = |record: &record::Record| record.outcome.is_err() && planned.contains(&record.trial);
    if records.iter().any(retried) {
        record::rewrite(&files.become_csv, records.iter().filter(|record| !retried(record)))
            .map_err(|error| Error::file(&files.become_csv, error))?;
    }
    let good = records.iter().filter(|record| record.outcome.is_ok());
    Ok(good.map(|record| record.trial).collect())
}
