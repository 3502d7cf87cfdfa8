//! What can go wrong when memory is asked for.

use thiserror::Error;

use crate::Format;

/// Errors of creating a heap and of allocating in it. Nothing has changed when one is returned.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeapError {
    /// Live data plus the request exceed the heap limit, also after a full collection.
    #[error(
        "out of memory: {requested} bytes requested, {used} of {limit} in use; raise the heap limit or drop references"
    )]
    OutOfMemory {
        /// Size of the refused object in bytes.
        requested: usize,
        /// Bytes in use when it was refused.
        used: usize,
        /// The heap limit in bytes.
        limit: usize,
    },
    /// The object would be larger than any heap can hold.
    #[error("object of {elements} elements is too large")]
    TooLarge {
        /// The number of elements asked for.
        elements: usize,
    },
    /// The class has no indexable part, yet elements were asked for.
    #[error("class {class} is not indexable, but {elements} elements were asked for")]
    NotIndexable {
        /// The class index.
        class: u32,
        /// The number of elements asked for.
        elements: usize,
    },
    /// The class index is not in the class table.
    #[error("class index {0} is not in the class table")]
    UnknownClass(u32),
    /// No object can look like that.
    #[error("no class can have instances of format {format:?} with {fixed_slots} named slots")]
    BadClass {
        /// The format asked for.
        format: Format,
        /// The number of named slots asked for.
        fixed_slots: u16,
    },
    /// An object's class cannot be changed to one whose instances look different.
    #[error(
        "instances of class {class} have another format or size than the object; give it a new body instead"
    )]
    OtherShape {
        /// The index of the class asked for.
        class: u32,
    },
    /// All 2²² class indices are taken.
    #[error("the class table is full")]
    ClassTableFull,
    /// An option of the heap makes no sense.
    #[error("heap option {option}: {reason}")]
    BadConfig {
        /// Which option.
        option: &'static str,
        /// Why, and what would do.
        reason: String,
    },
    /// The operating system refused address space.
    #[error("cannot reserve {bytes} bytes of address space: {reason}")]
    Reserve {
        /// How much was asked for.
        bytes: usize,
        /// The system's answer.
        reason: String,
    },
}
