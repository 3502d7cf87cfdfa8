//! Packages as they stand in files: Tonel, FileTree and chunk files are read into one model, [`Package`], which can be
//! written as Tonel.
//!
//! Reading splits files into definitions and methods; it does not look into methods. [`Package::syntax_errors`] does, or
//! whoever compiles them: [`MethodDef::parse`]. Formats, limits and normalisation: `docs/source-formats.md`.

pub mod chunk;
mod composition;
pub mod fields;
mod file;
mod filetree;
mod folder;
mod message;
mod model;
pub mod ston;
pub mod tonel;

pub use composition::{Composition, TraitUse};
pub use file::{Place, SourceError, SourceErrors, SourceFile};
pub use folder::{embedded, is_script, read, read_file, read_files};
pub use model::{ClassDef, DoItDef, ExtensionDef, Filing, Layout, MethodDef, Package, Side, Style, TraitDef};
