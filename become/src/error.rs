//! Why a become was refused.

use instar_heap::HeapError;
use thiserror::Error;

/// Which of a pair's two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The object that is replaced (or the first of two that are swapped).
    Source,
    /// The replacement (or the second).
    Target,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Side::Source => "source",
            Side::Target => "target",
        })
    }
}

/// Why nothing was swapped. Indices count pairs from 0. Whenever one is returned, the heap is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BecomeError {
    /// An immediate value has no identity that could be given away; and none can replace a class, which the class table
    /// refers to, directly or by way of other pairs.
    #[error("pair {index}: the {side} is an immediate value, which cannot be swapped")]
    Immediate {
        /// Which pair.
        index: usize,
        /// Which element.
        side: Side,
    },
    /// The object is pinned.
    #[error("pair {index}: the {side} is pinned; unpin it first")]
    Pinned {
        /// Which pair.
        index: usize,
        /// Which element.
        side: Side,
    },
    /// The object is immutable.
    #[error("pair {index}: the {side} is immutable; make it mutable first")]
    Immutable {
        /// Which pair.
        index: usize,
        /// Which element.
        side: Side,
    },
    /// The object stands twice on the same side, perhaps once under another name: through a forwarder or an alias.
    #[error("pair {index}: the {side} stands in another pair as well")]
    Duplicate {
        /// Which pair: the later of the two.
        index: usize,
        /// Which element.
        side: Side,
    },
    /// The object is one of the two arrays that hold the pairs.
    #[error("pair {index}: the {side} is one of the arrays of pairs")]
    PairArray {
        /// Which pair.
        index: usize,
        /// Which element.
        side: Side,
    },
    /// The word does not belong to this heap.
    #[error("pair {index}: the {side} belongs to another heap")]
    Foreign {
        /// Which pair.
        index: usize,
        /// Which element.
        side: Side,
    },
    /// The two arrays have different lengths.
    #[error("{sources} sources, but {targets} targets")]
    Lengths {
        /// Number of sources.
        sources: usize,
        /// Number of targets.
        targets: usize,
    },
    /// The pairs were not given as two objects with pointer slots.
    #[error("the {0}s are not held by an array")]
    NotAnArray(Side),
    /// Under the object-table strategy, references lead to entries; immediates and nil have none to share.
    #[error("pair {index}: the {side} is not an object-table entry")]
    NotAnEntry {
        /// Which pair.
        index: usize,
        /// Which element.
        side: Side,
    },
    /// No room in the heap for clones (two-way, different sizes), or no memory for the remembered set or for the table
    /// that follows sizes through overlapping pairs.
    #[error(transparent)]
    Memory(#[from] HeapError),
}

impl BecomeError {
    /// The index of the pair that the error is about; `usize::MAX` for errors about the whole.
    pub fn index(&self) -> usize {
        match *self {
            BecomeError::Immediate { index, .. }
            | BecomeError::Pinned { index, .. }
            | BecomeError::Immutable { index, .. }
            | BecomeError::Duplicate { index, .. }
            | BecomeError::PairArray { index, .. }
            | BecomeError::Foreign { index, .. }
            | BecomeError::NotAnEntry { index, .. } => index,
            BecomeError::Lengths { .. } | BecomeError::NotAnArray(_) | BecomeError::Memory(_) => usize::MAX,
        }
    }
}
