//! One object space and how it runs: start reading at [`run`].

pub mod space;
pub(crate) mod roots;
pub mod stack;
pub mod make;
pub mod lookup;
pub mod run;
pub mod send;
pub mod frames;
pub mod install;
pub mod swap;
pub mod schedule;
pub mod contexts;
mod trace;

pub use space::{Space, SpaceOptions, SpaceError};
