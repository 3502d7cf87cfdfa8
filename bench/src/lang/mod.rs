//! The language's benchmarks: `instar bench lang` (against other languages), `instar bench barrier` (experiment E2: what the read barrier
//! costs) and `instar bench heal` (what a become of many objects costs those who read them afterwards).
//!
//! `instar bench virtualization` is experiment E5: what it costs a program to run under a hypervisor.
//!
//! All run every observation in a process of its own, in an order that follows from the seed and in which the contenders alternate,
//! and write each down before the next starts. The process is the program itself with a hidden command, or an interpreter of another
//! language; all print the same line, see [`child`].

pub mod barrier;
pub mod child;
pub mod compare;
pub mod count;
pub mod heal;
pub mod options;
pub mod programs;
pub(crate) mod rounds;
pub mod rows;
pub mod steps;
pub mod systems;
pub mod virtualization;

pub use options::{Command, Options};
pub use systems::Guest;
