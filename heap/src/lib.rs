//! The Instar object heap: tagged words, headers, arenas, class table, handles, heap walk and verifier.
//!
//! This crate is memory and its rules, without policy: it does not decide when to collect. `instar-gc` does.

pub mod bump;
pub mod class_index;
pub mod format;
pub mod forwarding;
pub mod header;
pub mod oop;
pub mod sync;

pub use class_index::ClassIndex;
pub use format::Format;
pub use header::{Header, HeaderFlags, IdentityHash};
pub use oop::{Oop, Tag};
