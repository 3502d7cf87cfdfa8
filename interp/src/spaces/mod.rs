//! Several spaces in one process, and how one of them looks at and changes the others: Espell's object spaces.
//!
//! Each space runs on a thread of its own and is suspended at the safe points of its dispatch loop (`docs/spaces.md` says why). A
//! [`Hypervisor`] makes, lists and discards spaces; an [`ObjectSpace`] is one of them; [`Meta`] is the meta-object protocol on one that is
//! suspended, and [`Mirror`]s are what it answers.

mod code_loading;
mod configuration;
mod error;
mod execution;
mod frames;
pub(crate) mod handles;
mod instances;
mod meta;
mod object_space;
mod parked;
mod registry;

pub use code_loading::ClassDefinition;
pub use error::MirrorError;
pub use meta::{Meta, Mirror};
pub use object_space::{Measure, ObjectSpace, Phase};
pub use registry::Hypervisor;
