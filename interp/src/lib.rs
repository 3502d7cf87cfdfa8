//! A Pharo-flavoured Smalltalk on the Instar heap.

pub mod source;
pub mod syntax;
