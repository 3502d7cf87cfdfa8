//! Files that are either as they were or complete.

use std::fs;
use std::io;
use std::path::Path;

/// Replaces the content of `path` in one step, so that a kill leaves the old file or the new one.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    fs::write(&new, content)?;
    fs::rename(&new, path)
}
