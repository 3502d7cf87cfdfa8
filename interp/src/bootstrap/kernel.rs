//! The kernel library that is built into the program.

use include_dir::{Dir, include_dir};

use crate::source::{self, Package, SourceFile};
use crate::vm::SpaceError;

static KERNEL: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/kernel");

/// The files of the kernel: path and text.
pub fn sources() -> Vec<(String, &'static str)> {
    let mut files = Vec::new();
    collect(&KERNEL, &mut files);
    files.sort();
    files
}

fn collect(folder: &Dir<'static>, files: &mut Vec<(String, &'static str)>) {
    for file in folder.files() {
        if let Some(text) =
            file.contents_utf8().filter(|_| file.path().extension().is_some_and(|end| end == "st"))
        {
            files.push((file.path().display().to_string(), text));
        }
    }
    folder.dirs().for_each(|inner| collect(inner, files));
}

/// The kernel's packages.
pub(super) fn packages() -> Result<Vec<Package>, SpaceError> {
    let files: Vec<_> = sources().into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
    source::read_files(&files).map_err(|errors| SpaceError::Load(errors.to_string()))
}
