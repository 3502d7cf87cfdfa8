//! Shared by the tests of the compiler and its code. Not every test uses all of it.
#![allow(dead_code)]

pub mod dataflow;
pub mod environment;
pub mod evaluate;
pub mod machine;
pub mod random;
pub mod trees;
pub mod world;
