//! Identity swap for the Instar heap: lazy forwarders behind a partial read barrier, and the ways that it is measured
//! against.
//!
//! [`become_forward`], [`become_forward_all`], [`swap`] and [`swap_all`] are the safe interface; [`one_way`] and
//! [`two_way`] hold the same operations on raw references, for runtimes that have stopped the world themselves.
//! [`Access`] is how mutator code reads the heap under each strategy.

pub mod access;
pub mod error;
mod full_scan;
pub mod healer;
mod object_table;
pub mod one_way;
mod ordered;
mod pairs;
pub mod strategy;
pub mod two_way;

pub use access::{Access, allocate};
pub use error::{BecomeError, Side};
pub use healer::Healer;
pub use strategy::{AlwaysCheck, FullScan, Lazy, ObjectTable, Strategy};

mod operations;
pub use operations::{become_forward, become_forward_all, swap, swap_all};

/// What happens to the identity hash in a one-way become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashRule {
    /// The target keeps its own.
    Keep,
    /// The target takes the source's, if that was ever asked for, and its own is lost. Hashed collections that hold the
    /// source stay valid. Of several sources with one target, the last pair's hash is kept.
    Take,
}

/// What a become did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Number of pairs, those without effect included.
    pub pairs: usize,
    /// References that a full scan replaced; 0 under other strategies.
    pub references_replaced: u64,
    /// Bytes that a full scan went over.
    pub bytes_scanned: usize,
}
