//! What an earlier sweep left in the folder: continued if the same program on the same machine left it, else kept aside.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::driver::{Error, Files};
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
    let started = Manifest::read(&files.manifest).map(|manifest| manifest.started.replace([':', '-'], ""));
    let mut free = (0..).map(|number| match (&started, number) {
        (Some(started), 0) => started.clone(),
        (Some(started), number) => format!("{started}-{number}"),
        (None, number) => format!("earlier-{number}"),
    });
    let all = [&files.become_csv, &files.limits_csv, &files.manifest];
    let taken = |suffix: &String| all.iter().any(|path| beside(path, suffix).exists());
    let suffix = free.find(|suffix| !taken(suffix)).unwrap_or_default();
    for path in all {
        if path.exists() {
            fs::rename(path, beside(path, &suffix)).map_err(|error| Error::file(path, error))?;
        }
    }
    let kept = beside(&files.become_csv, &suffix);
    Ok(format!(
        "the folder holds figures of another build, machine or seed: kept as {}, measuring anew",
        kept.display()
    ))
}

/// `become-SUFFIX.csv` beside `become.csv`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!("{}-{suffix}.{}", part(path.file_stem()), part(path.extension())))
}

/// Cuts what follows the last line end; whether there was anything.
fn cut_half_line(path: &Path) -> io::Result<bool> {
    let bytes = fs::read(path)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |index| index + 1);
    if whole == bytes.len() {
        return Ok(false);
    }
    File::options().write(true).open(path)?.set_len(whole as u64)?;
    Ok(true)
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
