//! The Instar object heap: tagged words, headers, arenas, class table, handles, heap walk and verifier.
//!
//! This crate is memory and its rules, without policy: it does not decide when to collect. `instar-gc` does.

pub mod arena;
pub mod bump;
pub mod class_index;
pub mod class_table;
pub mod classes;
pub mod config;
pub mod error;
pub mod format;
pub mod forwarding;
pub mod handles;
pub mod header;
pub mod heap;
pub mod image;
pub mod memory;
pub mod object;
pub mod oop;
pub mod side;
pub mod slot;
pub mod sync;
pub mod verify;
pub mod walk;

pub use class_index::ClassIndex;
pub use class_table::{ClassSpec, ClassTable, Shape};
pub use config::{HeapConfig, MIB};
pub use error::HeapError;
pub use format::Format;
pub use handles::{Handle, HandleStack};
pub use header::{Header, HeaderFlags, IdentityHash};
pub use heap::Heap;
pub use object::Obj;
pub use oop::{Oop, Tag};
