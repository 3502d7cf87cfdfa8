//! Packages as they stand in files.

mod composition;
mod fields;
mod file;
mod model;
mod ston;
pub mod tonel;

pub use composition::{Composition, TraitUse};
pub use file::{Place, SourceError, SourceErrors, SourceFile};
pub use model::{ClassDef, DoItDef, ExtensionDef, Filing, Layout, MethodDef, Package, Side, Style, TraitDef};
