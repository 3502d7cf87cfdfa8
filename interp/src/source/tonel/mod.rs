//! Tonel: a folder a package, a file a class, trait or extension.

mod read;
pub mod sections;
pub(super) mod split;
mod write;

use std::borrow::Cow;
use std::sync::Arc;

use super::file::{SourceErrors, SourceFile};
use super::model::{ClassDef, ExtensionDef, Style, TraitDef};

pub use write::{write, write_method};

/// What a Tonel file defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TonelFile {
    /// `Class { … }` and its methods.
    Class(ClassDef),
    /// `Trait { … }` and its methods.
    Trait(TraitDef),
    /// `Extension { … }` and its methods.
    Extension(ExtensionDef),
    /// `Package { … }`
    Package {
        /// Of the package.
        name: String,
        /// What stands before the definition.
        comment: Option<String>,
        /// How it is written.
        style: Style,
    },
}

/// Reads the text of a Tonel file.
///
/// # Errors
/// All that are found, several of one file.
pub fn parse_file(path: &str, text: impl Into<Cow<'static, str>>) -> Result<TonelFile, SourceErrors> {
    parse(&SourceFile::new(path, text))
}

/// Does a text begin as Tonel files do: with a comment, if any, and the start of a definition?
pub(super) fn is_tonel(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    while let Some(comment) = rest.strip_prefix('"') {
        let Some((_, behind)) = comment.split_once('"') else { return false };
        rest = behind.trim_start();
    }
    let kinds = ["Class", "Trait", "Extension", "Package"];
    let behind = kinds.iter().find_map(|kind| rest.strip_prefix(kind));
    behind.is_some_and(|behind| behind.trim_start().starts_with('{'))
}

/// Reads a Tonel file.
///
/// # Errors
/// All that are found, several of one file.
pub fn parse(file: &Arc<SourceFile>) -> Result<TonelFile, SourceErrors> {
    read::read(file)
}
