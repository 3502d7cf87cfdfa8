//! Atomic live updates of a running program: gDSU.
//!
//! The engine is Smalltalk and runs in the space that it updates; it stands in `dsu/smalltalk/` and is loaded on demand, so that a space
//! without updates knows nothing of it. What it asks of the runtime are the primitives of `interp/src/primitives/update.rs`. See `docs/dsu.md`.

pub mod patch;

use include_dir::{Dir, include_dir};
use instar_interp::source::{self, Package, SourceErrors, SourceFile};

static SMALLTALK: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/smalltalk");

/// The packages that the engine consists of.
pub const ENGINE: &[&str] = &["DSU-Core"];
/// The chat model of experiment E3.
pub const CHAT_MODEL: &[&str] = &["DSU-Chat-Model"];

/// The packages of these names.
///
/// # Errors
/// If a source cannot be read, which the tests exclude for those that are named here.
pub fn packages(names: &[&str]) -> Result<Vec<Package>, SourceErrors> {
    let mut files = Vec::new();
    for folder in names.iter().filter_map(|name| SMALLTALK.get_dir(name)) {
        let texts = folder.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)));
        files.extend(texts.map(|(path, text)| SourceFile::new(path, text)));
    }
    source::read_files(&files)
}
