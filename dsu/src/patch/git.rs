//! Packages as they are in a revision of a git repository.

use std::path::Path;

use gix::bstr::ByteSlice;
use instar_interp::source::{Package, SourceFile, read_files};

/// The packages of these names in a revision. Their files are those in folders named so, or `NAME.package`.
///
/// # Errors
/// If there is no repository around the folder, no such revision, no such package, or if its sources are wrong.
pub fn packages_at(folder: &Path, revision: &str, names: &[String]) -> Result<Vec<Package>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{revision}: {error}");
    let repository = gix::discover(folder).map_err(|error| failed(&error))?;
    let id = repository.rev_parse_single(revision).map_err(|error| failed(&error))?;
    let object = id.object().map_err(|error| failed(&error))?;
    let tree = object.peel_to_tree().map_err(|error| failed(&error))?;
    let entries = tree.traverse().breadthfirst.files().map_err(|error| failed(&error))?;
    let mut files = Vec::new();
    for entry in entries.iter().filter(|entry| entry.mode.is_blob()) {
        let Ok(path) = entry.filepath.to_str() else { continue };
        if !is_part(path, names) {
            continue;
        }
        let blob = repository.find_object(entry.oid).map_err(|error| failed(&error))?;
        let text = String::from_utf8(blob.data.clone()).map_err(|error| {
            format!("{revision}:{path}: byte {} is no UTF-8", error.utf8_error().valid_up_to())
        })?;
        files.push(SourceFile::new(format!("{revision}:{path}"), text));
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut packages = read_files(&files).map_err(|errors| errors.to_string())?;
    packages.retain(|package| names.contains(&package.name));
    if packages.is_empty() {
        return Err(format!("{revision} has none of the packages {}", names.join(", ")));
    }
    Ok(packages)
}

fn is_part(path: &str, names: &[String]) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    let is_named = folders.any(|folder| {
        names.iter().any(|name| folder == name || folder.strip_suffix(".package") == Some(name))
    });
    let is_source =
        path.ends_with(".st") || path.ends_with("/properties.json") || path.ends_with("/README.md");
    is_named && is_source
}
