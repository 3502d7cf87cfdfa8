//! What an earlier session left in a folder: half written lines are cut, other measurements are kept aside.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::manifest::Manifest;

/// Moves those of `files` that exist, of which `manifest` is one, away under the time of their measurement. Where the first of them
/// is now.
///
/// # Errors
/// The file that cannot be moved, and why.
pub(crate) fn set_aside(files: &[&Path], manifest: &Path) -> Result<PathBuf, (PathBuf, io::Error)> {
    let started = Manifest::read(manifest).map(|manifest| manifest.started.replace([':', '-'], ""));
    let mut free = (0..).map(|number| match (&started, number) {
        (Some(started), 0) => started.clone(),
        (Some(started), number) => format!("{started}-{number}"),
        (None, number) => format!("earlier-{number}"),
    });
    let taken = |suffix: &String| files.iter().any(|path| beside(path, suffix).exists());
    let suffix = free.find(|suffix| !taken(suffix)).unwrap_or_default();
    for path in files {
        if path.exists() {
            fs::rename(path, beside(path, &suffix)).map_err(|error| (path.to_path_buf(), error))?;
        }
    }
    Ok(files.first().map(|path| beside(path, &suffix)).unwrap_or_default())
}

/// `become-SUFFIX.csv` beside `become.csv`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!("{}-{suffix}.{}", part(path.file_stem()), part(path.extension())))
}

/// Cuts what follows the last line end; whether there was anything.
pub(crate) fn cut_half_line(path: &Path) -> io::Result<bool> {
    let bytes = fs::read(path)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |index| index + 1);
    if whole == bytes.len() {
        return Ok(false);
    }
    File::options().write(true).open(path)?.set_len(whole as u64)?;
    Ok(true)
}
