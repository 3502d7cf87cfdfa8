//! Patches as text (gDSU 4.1): what is to be different in a program, how its objects follow, and what must hold before anybody sees it.
//!
//! [`read`] and `Display` are the two directions of the text form, which `docs/patch-format.md` describes. [`Patch::expression`] answers what a
//! program with the engine evaluates to get the engine's own `DSUPatch`.
//!
//! [patch-order] The parts of a patch are sorted, by owner and then by kind and name, so that equal patches have equal texts.

mod apply;
mod base;
mod definitions;
mod diff;
mod expression;
mod git;
mod invert;
mod model;
mod place;
mod questions;
mod read;
mod recorded;
mod write;

pub use apply::Misfits;
pub use base::{OtherBase, version_hash};
pub use diff::diff;
pub use expression::Undecided;
pub use git::packages_at;
pub use model::{
    Action, Change, ClassChange, MethodChange, MethodEdit, Patch, Policy, ROOT, Rule, SlotRule, Validation,
};
pub use place::place_of;
pub use read::read;
pub use recorded::recorded;
