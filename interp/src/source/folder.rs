//! From files and folders to packages. What a file is follows from its path, and else from how its text begins.
//!
//! - In a folder `NAME.package` all is FileTree's.
//! - `.st` files that begin with a Tonel definition belong to the Tonel package of their folder.
//! - Every other `.st` file is a chunk file, and a package of its own.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use include_dir::Dir;

use super::chunk;
use super::file::{Place, SourceError, SourceErrors, SourceFile};
use super::filetree;
use super::model::Package;
use super::tonel::{self, TonelFile};
use crate::syntax::{Span, SyntaxError, parse_doit};

/// How deeply folders are searched.
const MAX_DEPTH: usize = 30;

/// Reads all packages in a file or folder, in the order of their paths.
///
/// # Errors
/// All that are found, in all files.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Package>, SourceErrors> {
    let path = path.as_ref();
    let mut errors = Vec::new();
    let mut files = Vec::new();
    match fs::metadata(path) {
        Err(error) => errors.push(SourceError::Io { path: path.to_owned(), error }),
        Ok(metadata) if metadata.is_file() => load(path, &mut files, &mut errors),
        Ok(_) => walk(path, 0, &mut files, &mut errors),
    }
    SourceErrors::check(errors)?;
    let packages = read_files(&files)?;
    if packages.is_empty() {
        let message =
            "there is no package here: no Tonel folder with class files, no NAME.package, no .st file";
        return Err(SourceError::Layout { path: shown(path), message: message.to_owned() }.into());
    }
    Ok(packages)
}

/// Reads one file.
///
/// # Errors
/// That it cannot be read, or is no text.
pub fn read_file(path: &Path) -> Result<Arc<SourceFile>, SourceErrors> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    load(path, &mut files, &mut errors);
    SourceErrors::check(errors)?;
    let nothing = || SourceError::Layout { path: shown(path), message: "nothing could be read".to_owned() };
    Ok(files.pop().ok_or_else(nothing)?)
}

/// Whether a file holds statements and nothing else. One that is neither Tonel's nor FileTree's is a script or a chunk file: a chunk file
/// ends with an exclamation mark, or has one at the end of a line and makes no sense as statements.
pub fn is_script(file: &SourceFile) -> bool {
    let text = &*file.text;
    if tonel::is_tonel(text) || is_tonel_name(file.name()) || filetree::root(&file.path).is_some() {
        return false;
    }
    if text.trim_end().ends_with('!') {
        return false;
    }
    let has_mark = || text.lines().any(|line| line.trim_end().ends_with('!') || line.starts_with('!'));
    !has_mark() || parse_doit(text).is_ok()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// All files that a format knows, sorted by path.
fn walk(folder: &Path, depth: usize, files: &mut Vec<Arc<SourceFile>>, errors: &mut Vec<SourceError>) {
    if depth > MAX_DEPTH {
        let message = format!("folders are nested deeper than {MAX_DEPTH} levels");
        return errors.push(SourceError::Layout { path: shown(folder), message });
    }
    let mut failed = |error| errors.push(SourceError::Io { path: folder.to_owned(), error });
    let mut paths = Vec::new();
    match fs::read_dir(folder) {
        Err(error) => return failed(error),
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) => paths.push(entry.path()),
                    Err(error) => failed(error),
                }
            }
        }
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        // A link that leads nowhere is an error only where it would be read.
        if path.is_dir() {
            walk(&path, depth + 1, files, errors);
        } else if name.ends_with(".st") || filetree::is_part(&shown(&path)) {
            load(&path, files, errors);
        }
    }
}

fn load(path: &Path, files: &mut Vec<Arc<SourceFile>>, errors: &mut Vec<SourceError>) {
    match fs::read(path) {
        Err(error) => errors.push(SourceError::Io { path: path.to_owned(), error }),
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => files.push(SourceFile::new(shown(path), text)),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let message =
                    format!("byte {at} is no UTF-8; convert the file, for example by iconv -t UTF-8");
                errors.push(SourceError::Layout { path: shown(path), message });
            }
        },
    }
}

/// Reads packages that are built into the program: the folders of these names.
///
/// # Errors
/// All that are found, in all files.
pub fn embedded(packages: &Dir<'static>, names: &[&str]) -> Result<Vec<Package>, SourceErrors> {
    let folders = names.iter().filter_map(|name| packages.get_dir(name));
    let texts =
        folders.flat_map(Dir::files).filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)));
    let files: Vec<Arc<SourceFile>> = texts.map(|(path, text)| SourceFile::new(path, text)).collect();
    read_files(&files)
}

/// Reads packages from files that are in memory.
///
/// # Errors
/// All that are found, in all files.
pub fn read_files(files: &[Arc<SourceFile>]) -> Result<Vec<Package>, SourceErrors> {
    let mut groups = Groups::default();
    let mut errors = Vec::new();
    for file in files {
        if let Err(found) = file.check_length() {
            errors.extend(found.0);
        } else if let Some(root) = filetree::root(&file.path) {
            groups.of(root, Group::FileTree(Vec::new())).push(file.clone());
        } else if tonel::is_tonel(&file.text) || is_tonel_name(file.name()) {
            groups.of(file.folder(), Group::Tonel(Vec::new())).push(file.clone());
        } else {
            groups.of(&file.path, Group::Chunks(Vec::new())).push(file.clone());
        }
    }
    let mut packages = Vec::new();
    for group in groups.list {
        let package = match group {
            Group::FileTree(files) => filetree::read(&files),
            Group::Tonel(files) => tonel_package(&files),
            Group::Chunks(files) => files.first().map_or_else(|| Ok(Package::new("")), chunk::parse),
        };
        match package.and_then(without_doubles) {
            Ok(package) => packages.push(package),
            Err(found) => errors.extend(found.0),
        }
    }
    SourceErrors::check(errors)?;
    Ok(packages)
}

fn is_tonel_name(name: &str) -> bool {
    name == "package.st" || [".class.st", ".trait.st", ".extension.st"].iter().any(|end| name.ends_with(end))
}

/// The files of one package.
enum Group {
    FileTree(Vec<Arc<SourceFile>>),
    Tonel(Vec<Arc<SourceFile>>),
    Chunks(Vec<Arc<SourceFile>>),
}

#[derive(Default)]
struct Groups {
    list: Vec<Group>,
    index: HashMap<String, usize>,
}

impl Groups {
    /// The files of the package at `path`; a new one if there is none.
    fn of(&mut self, path: &str, empty: Group) -> &mut Vec<Arc<SourceFile>> {
        let next = self.list.len();
        let index = *self.index.entry(path.to_owned()).or_insert(next);
        if index == next {
            self.list.push(empty);
        }
        match &mut self.list[index] {
            Group::FileTree(files) | Group::Tonel(files) | Group::Chunks(files) => files,
        }
    }
}

/// A Tonel package. Without a `package.st` it has the name that its first class or trait gives, or that of its folder.
fn tonel_package(files: &[Arc<SourceFile>]) -> Result<Package, SourceErrors> {
    let mut package = Package::new("");
    let mut errors = Vec::new();
    for file in files {
        match tonel::parse(file) {
            Err(found) => errors.extend(found.0),
            Ok(definition) => {
                errors.extend(misnamed(file, &definition));
                match definition {
                    TonelFile::Class(class) => package.classes.push(class),
                    TonelFile::Trait(made) => package.traits.push(made),
                    TonelFile::Extension(extension) => package.extensions.push(extension),
                    TonelFile::Package { name, comment, style } => {
                        package.name = name;
                        package.comment = comment;
                        package.style = style;
                    }
                }
            }
        }
    }
    SourceErrors::check(errors)?;
    if package.name.is_empty() {
        let filings = package.classes.iter().map(|class| (&class.filing, class.style));
        let mut filings = filings.chain(package.traits.iter().map(|made| (&made.filing, made.style)));
        let given = filings.find_map(|(filing, style)| {
            Some((filing.package.clone().or_else(|| filing.category.clone())?, style))
        });
        let first = files.first();
        let folder = first.and_then(|file| file.folder().rsplit('/').next()).unwrap_or_default();
        let (name, style) = given.unwrap_or_else(|| (folder.to_owned(), package.style));
        package.name = if name.is_empty() { "Unnamed".to_owned() } else { name };
        package.style = style;
    }
    Ok(package)
}

/// A file whose name says something else than its text.
fn misnamed(file: &Arc<SourceFile>, definition: &TonelFile) -> Option<SourceError> {
    let (kind, name, place) = match definition {
        TonelFile::Class(class) => ("class", &class.name, &class.place),
        TonelFile::Trait(made) => ("trait", &made.name, &made.place),
        TonelFile::Extension(extension) => ("extension", &extension.name, &extension.place),
        TonelFile::Package { .. } => return None,
    };
    let expected = format!("{name}.{kind}.st");
    if !is_tonel_name(file.name()) || file.name() == expected {
        return None;
    }
    let start = place.span.start;
    let message = format!("this is the {kind} {name}, but the file is named {}", file.name());
    let error = SyntaxError::new(Span::new(start, start), message);
    Some(file.error(error.with_help(format!("rename the file to {expected}"))))
}

/// No two definitions of one package have one name.
fn without_doubles(package: Package) -> Result<Package, SourceErrors> {
    let classes = package.classes.iter().map(|class| (&class.name, &class.place));
    let all = classes.chain(package.traits.iter().map(|made| (&made.name, &made.place)));
    let mut seen: HashMap<&String, &Place> = HashMap::new();
    let mut errors = Vec::new();
    for (name, place) in all {
        if let Some(first) = seen.insert(name, place) {
            let message = format!("{name} is defined twice in this package; first at {first:?}");
            errors.push(place.file.error(SyntaxError::new(place.span, message)));
        }
    }
    SourceErrors::check(errors)?;
    Ok(package)
}
