//! Shared by the tests of the compiler and its code.

pub mod environment;
pub mod trees;
