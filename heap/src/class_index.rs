//! Class indices: the 22-bit numbers by which headers and inline caches name classes.

use static_assertions::const_assert;

use crate::oop::{Oop, Tag};

/// A class's index in the class table. Caches key on it, never on a class's address.
///
/// The indices below [`FIRST_USER`](Self::FIRST_USER) are reserved: the tags of the immediates stand for the classes
/// of the immediates, and a few mark memory that is no ordinary object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct ClassIndex(u32);

impl ClassIndex {
    /// Width in bits.
    pub const BITS: u32 = 22;
    /// The largest index.
    pub const MAX: u32 = (1 << Self::BITS) - 1;
    /// The class of immediate integers.
    pub const SMALL_INTEGER: ClassIndex = ClassIndex(Tag::SmallInteger as u32);
    /// The class of immediate characters.
    pub const CHARACTER: ClassIndex = ClassIndex(Tag::Character as u32);
    /// The class of immediate doubles.
    pub const SMALL_FLOAT: ClassIndex = ClassIndex(Tag::SmallFloat as u32);
    /// What become leaves behind; the target stands in slot 0.
    pub const FORWARDER: ClassIndex = ClassIndex(8);
    /// Memory that holds no object, kept walkable. The only thing that may be 8 bytes long.
    pub const FREE: ClassIndex = ClassIndex(9);
    /// An object-table entry: one slot that holds the object's body.
    pub const ENTRY: ClassIndex = ClassIndex(10);
    /// The class of nil.
    pub const UNDEFINED: ClassIndex = ClassIndex(11);
    /// The indices whose classes the world has from its start to its end, and whose class object the runtime sets: those
    /// of the immediates and of nil.
    pub const BUILT_IN: [ClassIndex; 4] =
        [Self::SMALL_INTEGER, Self::CHARACTER, Self::SMALL_FLOAT, Self::UNDEFINED];
    /// The first index that the class table gives out.
    pub const FIRST_USER: ClassIndex = ClassIndex(32);

    /// The index `value`, or `None` for 0 and for numbers of more than 22 bits.
    pub const fn new(value: u32) -> Option<ClassIndex> {
        if value == 0 || value > Self::MAX { None } else { Some(ClassIndex(value)) }
    }

    pub(crate) const fn from_masked(value: u64) -> ClassIndex {
        ClassIndex(value as u32)
    }

    /// The index as a number.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether the class table may give `value` out.
    pub const fn is_assignable(value: u32) -> bool {
        value >= Self::FIRST_USER.0 && value <= Self::MAX
    }

    /// Whether this is one of [`BUILT_IN`](Self::BUILT_IN).
    pub const fn is_built_in(self) -> bool {
        matches!(self, Self::SMALL_INTEGER | Self::CHARACTER | Self::SMALL_FLOAT | Self::UNDEFINED)
    }

    /// The class of an immediate value; `None` for a pointer.
    #[inline]
    pub const fn of_immediate(oop: Oop) -> Option<ClassIndex> {
        if oop.is_pointer() { None } else { Some(ClassIndex(oop.tag_bits() as u32)) }
    }
}

const_assert!(ClassIndex::FORWARDER.0 < ClassIndex::FIRST_USER.0);
