//! The kernel library that is built into the program.

use include_dir::{Dir, include_dir};

use crate::source::tonel::{TonelFile, parse_file};
use crate::source::{Package, SourceErrors};
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
        if let Some(text) = file.contents_utf8().filter(|_| file.path().extension().is_some_and(|end| end == "st")) {
            files.push((file.path().display().to_string(), text));
        }
    }
    folder.dirs().for_each(|inner| collect(inner, files));
}

/// The kernel's packages.
pub(super) fn packages() -> Result<Vec<Package>, SpaceError> {
    read(sources()).map_err(|errors| SpaceError::Load(errors.to_string()))
}

/// Packages from Tonel texts, one package a folder.
pub fn read(files: Vec<(String, &'static str)>) -> Result<Vec<Package>, SourceErrors> {
    let mut packages: Vec<Package> = Vec::new();
    for (path, text) in files {
        let folder = path.rsplit('/').nth(1).unwrap_or_default().to_owned();
        if packages.last().is_none_or(|package| package.name != folder) {
            packages.push(Package::new(folder));
        }
        let Some(package) = packages.last_mut() else { continue };
        match parse_file(&path, text)? {
            TonelFile::Class(class) => package.classes.push(class),
            TonelFile::Trait(it) => package.traits.push(it),
            TonelFile::Extension(extension) => package.extensions.push(extension),
            TonelFile::Package { .. } => {}
        }
    }
    Ok(packages)
}
