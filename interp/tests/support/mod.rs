//! Shared by the tests of syntax, compiler and code.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod dataflow;
pub mod environment;
pub mod evaluate;
pub mod machine;
pub mod random;
pub mod trees;
pub mod world;
