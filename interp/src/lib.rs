//! A Pharo-flavoured Smalltalk on the Instar heap.
//!
//! `docs/interpreter.md` says how the parts work together. Source text goes through [`syntax`] and [`compiler`] to
//! [`code`]; a [`vm`] space runs it on the heap.

pub mod bootstrap;
pub mod code;
pub mod compiler;
pub mod host;
pub mod objects;
pub mod primitives;
pub mod source;
pub mod spaces;
pub mod syntax;
pub mod vm;
