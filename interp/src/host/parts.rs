//! What is on a command line: packages, chunk files and scripts, in order.

use std::path::Path;
use std::sync::Arc;

use crate::source::{self, Package, SourceErrors, SourceFile, is_script};

/// Something to be run.
#[derive(Clone, Debug)]
pub enum Part {
    /// Packages to be loaded together: all that stand beside each other.
    Packages(Vec<Package>),
    /// Statements to be evaluated.
    Script(Arc<SourceFile>),
}

/// Reads files and folders. Packages between two scripts become one part, so that their order does not matter.
///
/// # Errors
/// All that are found, in all files.
pub fn read_parts(paths: &[impl AsRef<Path>]) -> Result<Vec<Part>, SourceErrors> {
    let mut parts: Vec<Part> = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        match read_part(path.as_ref()) {
            Err(found) => errors.extend(found.0),
            Ok(Part::Packages(packages)) => match parts.last_mut() {
                Some(Part::Packages(before)) => before.extend(packages),
                _ => parts.push(Part::Packages(packages)),
            },
            Ok(script) => parts.push(script),
        }
    }
    if errors.is_empty() { Ok(parts) } else { Err(SourceErrors(errors)) }
}

fn read_part(path: &Path) -> Result<Part, SourceErrors> {
    if path.is_file() {
        let file = source::read_file(path)?;
        if is_script(&file) {
            return Ok(Part::Script(file));
        }
        return source::read_files(&[file]).map(Part::Packages);
    }
    source::read(path).map(Part::Packages)
}
