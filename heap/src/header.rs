//! The 8-byte object header and the two other things that may stand in its place.
//!
//! ```text
//!  63      56 55          34 33 32 31    28 27    23 22              1 0
//! ┌──────────┬──────────────┬─────┬────────┬────────┬─────────────────┬─┐
//! │ slots  8 │ hash      22 │age 2│flags 4 │format 5│ class index  22 │1│
//! └──────────┴──────────────┴─────┴────────┴────────┴─────────────────┴─┘
//! ```
//!
//! Bit 0 tells a header (1) from an *evacuated* word (0): the new address that the collector leaves behind while it
//! copies. A *forwarder* of become is an ordinary header with class index [`ClassIndex::FORWARDER`]; its target
//! stands in slot 0. The mark bit of the classical header is kept in a side bitmap instead, because the compactor
//! needs it there; see `docs/object-layout.md`.

use bitflags::bitflags;
use static_assertions::const_assert_eq;

use crate::{ClassIndex, Format, Oop};

const CLASS_SHIFT: u32 = 1;
const FORMAT_SHIFT: u32 = CLASS_SHIFT + ClassIndex::BITS;
const FLAGS_SHIFT: u32 = FORMAT_SHIFT + Format::BITS;
const AGE_SHIFT: u32 = FLAGS_SHIFT + 4;
const HASH_SHIFT: u32 = AGE_SHIFT + 2;
const SLOTS_SHIFT: u32 = HASH_SHIFT + IdentityHash::BITS;
const HEADER_TAG: u64 = 1;
const CLASS_MASK: u64 = ((1 << ClassIndex::BITS) - 1) << CLASS_SHIFT;
const FORMAT_MASK: u64 = ((1 << Format::BITS) - 1) << FORMAT_SHIFT;
const AGE_MASK: u64 = 0b11 << AGE_SHIFT;
const HASH_MASK: u64 = (IdentityHash::MAX as u64) << HASH_SHIFT;

const_assert_eq!(SLOTS_SHIFT + 8, 64);
const_assert_eq!(
    HEADER_TAG
        | CLASS_MASK
        | FORMAT_MASK
        | HeaderFlags::all().bits()
        | AGE_MASK
        | HASH_MASK
        | 0xFF << SLOTS_SHIFT,
    u64::MAX
);

/// The slot count that says "the real count stands in the word before the header".
pub const OVERFLOW_SLOTS: u64 = 0xFF;
/// The mark in the top byte of the overflow word; the count takes the other 56 bits.
pub const OVERFLOW_MARK: u64 = OVERFLOW_SLOTS << SLOTS_SHIFT;

/// What freed memory is filled with in zeal builds: no valid header (class index 3 is never given out) and no valid
/// [`Oop`] (tag 7).
pub const POISON: u64 = 0xDEAD_BEEF_DE80_0007;

bitflags! {
    /// The header's four flag bits, in place. Who sets and clears each is in `docs/header-states.md`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct HeaderFlags: u64 {
        /// The object is old and stands in the remembered set.
        const REMEMBERED = 1 << FLAGS_SHIFT;
        /// The collector must not move the object.
        const PINNED = 1 << (FLAGS_SHIFT + 1);
        /// Stores and becomes that change the object are refused.
        const IMMUTABLE = 1 << (FLAGS_SHIFT + 2);
        /// The class table refers to the object.
        const CLASS = 1 << (FLAGS_SHIFT + 3);
        /// What the flags of the object's region must tell of: [`RegionFlags::SPECIAL`](crate::side::RegionFlags).
        const SPECIAL = Self::PINNED.bits() | Self::IMMUTABLE.bits() | Self::CLASS.bits();
    }
}

/// A 22-bit identity hash; 0 means that none was asked for yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdentityHash(u32);

impl IdentityHash {
    /// Width in bits.
    pub const BITS: u32 = 22;
    /// The largest hash.
    pub const MAX: u32 = (1 << Self::BITS) - 1;
    /// "Not yet assigned".
    pub const NONE: IdentityHash = IdentityHash(0);

    /// A hash from the low 22 bits of `value`, with 0 mapped to 1.
    pub const fn new(value: u32) -> IdentityHash {
        let hash = value & Self::MAX;
        IdentityHash(if hash == 0 { 1 } else { hash })
    }

    /// The hash's value, 0 for [`NONE`](Self::NONE).
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// An object header as a value. Copying one does not touch the heap.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Header(u64);

impl Header {
    /// A header without flags, age and hash. `slots` above 254 select the overflow form.
    #[inline]
    pub const fn new(class: ClassIndex, format: Format, slots: usize) -> Header {
        let count = if slots >= OVERFLOW_SLOTS as usize { OVERFLOW_SLOTS } else { slots as u64 };
        Header(
            HEADER_TAG
                | (class.get() as u64) << CLASS_SHIFT
                | (format.bits() as u64) << FORMAT_SHIFT
                | count << SLOTS_SHIFT,
        )
    }

    /// The header with exactly these bits.
    #[inline]
    pub const fn from_bits(bits: u64) -> Header {
        Header(bits)
    }

    /// The header's bits.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The word that the collector leaves at the old place of an object that moved to `new`.
    #[inline]
    pub const fn evacuated_to(new: Oop) -> Header {
        Header(new.bits())
    }

    /// Whether the collector copied the object away in the scavenge under way.
    #[inline]
    pub const fn is_evacuated(self) -> bool {
        self.0 & HEADER_TAG == 0
    }

    /// Where the object was copied to; meaningful only where [`is_evacuated`](Self::is_evacuated) holds.
    #[inline]
    pub const fn new_location(self) -> Oop {
        Oop::from_bits(self.0)
    }

    /// The class index.
    #[inline]
    pub const fn class_index(self) -> ClassIndex {
        ClassIndex::from_masked((self.0 & CLASS_MASK) >> CLASS_SHIFT)
    }

    /// Whether the header's class index is `class`; false for an evacuated word. One mask and one compare.
    #[inline]
    pub const fn has_class(self, class: ClassIndex) -> bool {
        self.0 & (CLASS_MASK | HEADER_TAG) == (class.get() as u64) << CLASS_SHIFT | HEADER_TAG
    }

    /// Whether the object is a forwarder that become left behind.
    #[inline]
    pub const fn is_forwarder(self) -> bool {
        self.has_class(ClassIndex::FORWARDER)
    }

    /// The same header with another class index.
    #[inline]
    pub const fn with_class(self, class: ClassIndex) -> Header {
        Header(self.0 & !CLASS_MASK | (class.get() as u64) << CLASS_SHIFT)
    }

    /// The object's format.
    #[inline]
    pub const fn format(self) -> Format {
        Format::from_bits(((self.0 & FORMAT_MASK) >> FORMAT_SHIFT) as u8)
    }

    /// The same header with another format.
    #[inline]
    pub const fn with_format(self, format: Format) -> Header {
        Header(self.0 & !FORMAT_MASK | (format.bits() as u64) << FORMAT_SHIFT)
    }

    /// The header that turns the object into a forwarder: size, hash and age stay, so that the heap can still be
    /// walked; the flags of the object that was are gone, except that it is remembered.
    #[inline]
    pub const fn to_forwarder(self) -> Header {
        self.with_class(ClassIndex::FORWARDER)
            .with_format(Format::FORWARDER)
            .without(HeaderFlags::all().difference(HeaderFlags::REMEMBERED))
    }

    /// The slot count as it stands in the header, [`OVERFLOW_SLOTS`] for "see the word before".
    #[inline]
    pub const fn slot_field(self) -> u64 {
        self.0 >> SLOTS_SHIFT
    }

    /// Whether the size stands in a word before the header.
    #[inline]
    pub const fn has_overflow(self) -> bool {
        self.slot_field() == OVERFLOW_SLOTS
    }

    /// The flags.
    #[inline]
    pub const fn flags(self) -> HeaderFlags {
        HeaderFlags::from_bits_truncate(self.0)
    }

    /// Whether any of `flags` is set.
    #[inline]
    pub const fn has_any(self, flags: HeaderFlags) -> bool {
        self.0 & flags.bits() != 0
    }

    /// The header with `flags` set.
    #[inline]
    pub const fn with(self, flags: HeaderFlags) -> Header {
        Header(self.0 | flags.bits())
    }

    /// The header with `flags` cleared.
    #[inline]
    pub const fn without(self, flags: HeaderFlags) -> Header {
        Header(self.0 & !flags.bits())
    }

    /// How many scavenges the object has survived, saturating at 3.
    #[inline]
    pub const fn age(self) -> u32 {
        ((self.0 & AGE_MASK) >> AGE_SHIFT) as u32
    }

    /// The header with `age`, which saturates at 3.
    #[inline]
    pub const fn with_age(self, age: u32) -> Header {
        let age = if age > 3 { 3 } else { age };
        Header(self.0 & !AGE_MASK | (age as u64) << AGE_SHIFT)
    }

    /// The age of an ordinary object: strong references, no [special](HeaderFlags::SPECIAL) flag, no forwarder. For any
    /// other object and for an evacuated word a number above every age, so that one comparison answers all questions.
    #[inline]
    pub const fn ordinary_age(self) -> u64 {
        const NOT_STRONG: u64 = FORMAT_MASK & !((Format::INDEXABLE.bits() as u64) << FORMAT_SHIFT);
        const ASKED: u64 = HEADER_TAG | NOT_STRONG | HeaderFlags::SPECIAL.bits() | AGE_MASK;
        ((self.0 ^ HEADER_TAG) & ASKED).rotate_right(AGE_SHIFT)
    }

    /// As [`with_age`](Self::with_age) with one more, for an age below 3.
    #[inline]
    pub const fn older(self) -> Header {
        debug_assert!(self.age() < 3);
        Header(self.0 + (1 << AGE_SHIFT))
    }

    /// Whether this is the header of an instance of `class`, and not of a forwarder that stands for one.
    #[inline]
    pub const fn is_instance_of(self, class: ClassIndex) -> bool {
        !self.is_forwarder() && self.class_index().get() == class.get()
    }

    /// The identity hash, [`IdentityHash::NONE`] if none was assigned.
    #[inline]
    pub const fn hash(self) -> IdentityHash {
        IdentityHash(((self.0 & HASH_MASK) >> HASH_SHIFT) as u32)
    }

    /// The header with `hash`.
    #[inline]
    pub const fn with_hash(self, hash: IdentityHash) -> Header {
        Header(self.0 & !HASH_MASK | (hash.0 as u64) << HASH_SHIFT)
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_evacuated() {
            return write!(f, "evacuated to {:?}", self.new_location());
        }
        f.debug_struct("Header")
            .field("class", &self.class_index())
            .field("format", &self.format())
            .field("slots", &self.slot_field())
            .field("flags", &self.flags())
            .field("age", &self.age())
            .field("hash", &self.hash())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fields_do_not_disturb_each_other(class in 1u32..=ClassIndex::MAX, slots in 0usize..600, hash: u32, age in 0u32..4, flags: u64) {
            let flags = HeaderFlags::from_bits_truncate(flags);
            let header = Header::new(ClassIndex::new(class).unwrap(), Format::WEAK, slots)
                .with_hash(IdentityHash::new(hash)).with_age(age).with(flags);
            prop_assert_eq!(header.class_index().get(), class);
            prop_assert_eq!(header.format(), Format::WEAK);
            prop_assert_eq!(header.hash(), IdentityHash::new(hash));
            prop_assert_eq!(header.age(), age);
            prop_assert_eq!(header.flags(), flags);
            prop_assert_eq!(header.has_overflow(), slots >= 255);
            prop_assert!(!header.is_evacuated());
            let is_special = header.has_any(HeaderFlags::SPECIAL);
            for format in [Format::FIXED, Format::INDEXABLE, Format::WEAK, Format::EPHEMERON, Format::WORDS, Format::bytes(slots)] {
                let asked = header.with_format(format);
                let is_ordinary = format.is_strong() && !is_special;
                prop_assert_eq!(asked.ordinary_age() == u64::from(age), is_ordinary);
                prop_assert_eq!(asked.ordinary_age() > 3, !is_ordinary);
            }
            if age < 3 {
                prop_assert_eq!(header.older(), header.with_age(age + 1));
            }
            let forwarder = header.to_forwarder();
            prop_assert!(forwarder.is_forwarder() && forwarder.ordinary_age() > 3);
            prop_assert_eq!(forwarder.slot_field(), header.slot_field());
            prop_assert_eq!(forwarder.hash(), header.hash());
        }
    }

    #[test]
    fn poison_is_neither_header_nor_word() {
        assert!(!ClassIndex::is_assignable(Header::from_bits(POISON).class_index().get()));
        assert!(Oop::from_bits(POISON).tag().is_none());
    }
}
