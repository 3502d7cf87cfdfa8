//! Atomic live updates of a running program: gDSU.
//!
//! The engine is Smalltalk and runs in the space that it updates; it stands in `dsu/smalltalk/` and is loaded on demand, so that a space
//! without updates knows nothing of it. What it asks of the runtime are the primitives of `interp/src/primitives/update.rs`. See `docs/dsu.md`.

pub mod control;
pub mod patch;
pub mod refactor;

use include_dir::{Dir, include_dir};
use instar_interp::source::{self, Package, SourceErrors};

static SMALLTALK: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/smalltalk");

/// The packages that the engine consists of.
pub const ENGINE: &[&str] = &["DSU-Core"];
/// The engine, and what lets the world outside use it.
pub const CONTROL: &[&str] = &["DSU-Core", "DSU-Control"];
/// The chat model of experiment E3.
pub const CHAT_MODEL: &[&str] = &["DSU-Chat-Model"];
/// The busy program in which safe points are measured.
pub const BUSY: &[&str] = &["DSU-Busy"];
/// Patches of the core library, for programs that update what they run on.
pub const LIBRARY: &[&str] = &["DSU-Library"];
/// The engine's tests, and the scenarios of experiment E8 that are made of them.
pub const SCENARIOS: &[&str] = &["DSU-Library", "DSU-Tests", "DSU-Scenarios"];

/// Programs of any size, whose updates experiment E10 measures.
pub const SCALE: &[&str] = &["DSU-Scale"];

/// The packages of these names.
///
/// # Errors
/// If a source cannot be read, which the tests exclude for those that are named here.
pub fn packages(names: &[&str]) -> Result<Vec<Package>, SourceErrors> {
    source::embedded(&SMALLTALK, names)
}

/// Smalltalk that makes the patch which a file describes: a [patch file](patch), or Smalltalk whose value is a `DSUPatch` itself.
///
/// # Errors
/// What is wrong with the text, with its place; or what is undecided.
pub fn expression_of(name: &str, text: &str) -> Result<String, String> {
    if !is_patch_file(text) {
        return Ok(text.to_owned());
    }
    let patch = patch::read(name, text).map_err(|errors| errors.to_string().trim_end().to_owned())?;
    patch.expression().map_err(|undecided| undecided.to_string())
}

/// The patch, if the text is a patch file without errors.
fn patch_of(name: &str, text: &str) -> Option<patch::Patch> {
    is_patch_file(text).then(|| patch::read(name, text).ok()).flatten()
}

/// Whether a text begins as a patch file does: with its header, perhaps behind a comment. No Smalltalk statement begins like that.
fn is_patch_file(text: &str) -> bool {
    let mut rest = text.trim_start();
    while let Some((_, behind)) = rest.strip_prefix('"').and_then(|inner| inner.split_once('"')) {
        rest = behind.trim_start();
    }
    rest.strip_prefix("Patch").is_some_and(|behind| behind.trim_start().starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_files_are_told_from_smalltalk() {
        assert!(is_patch_file("Patch { #name : 'a' }"));
        assert!(is_patch_file(" \"Why \"\"so\"\" it is.\"\n\nPatch\n{\n"));
        for text in [
            "",
            "\"Patch {",
            "DSUPatch named: 'Patch {'",
            "| Patch | Patch := 3",
            "Patch new",
            "\"a\" DSUPatch new",
        ] {
            assert!(!is_patch_file(text), "{text}");
        }
    }
}
