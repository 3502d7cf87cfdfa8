//! The tagged 64-bit word in which every reference and every immediate value is held.
//!
//! The three low bits are the tag. A pointer has tag 0, so that it is used unchanged; the other tags mark
//! values that live in the word itself. An immediate's tag is also its class index (see
//! [`ClassIndex`](crate::ClassIndex)), which makes the class test of a send one load for pointers and none for immediates.

use static_assertions::{assert_eq_size, const_assert};

/// Width of the tag in bits.
pub const TAG_BITS: u32 = 3;
const TAG_MASK: u64 = (1 << TAG_BITS) - 1;
const EXPONENT_OFFSET: u64 = 896 << 53;

/// What the three low bits of an [`Oop`] say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Tag {
    /// The address of an object's header, 8-byte aligned.
    Pointer = 0,
    /// A 61-bit two's complement integer.
    SmallInteger = 1,
    /// A Unicode code point.
    Character = 2,
    /// A double whose exponent fits into 8 bits (about 1e-38 to 3e38), and both zeros.
    SmallFloat = 4,
}

/// A tagged word: an object's address or an immediate value.
///
/// `Oop` is a plain value: holding one neither roots nor borrows the object, so that a collection may leave it
/// dangling. Outside the runtime's own crates use handles.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Oop(u64);

assert_eq_size!(Oop, u64);
const_assert!(Tag::SmallInteger as u64 <= TAG_MASK && Tag::SmallFloat as u64 <= TAG_MASK);

impl Oop {
    /// The all-zero word. It denotes no object; it stands in root cells that are not yet set.
    pub const NULL: Oop = Oop(0);
    /// The largest immediate integer, 2⁶⁰ − 1.
    pub const MAX_SMALL_INTEGER: i64 = (1 << (63 - TAG_BITS)) - 1;
    /// The smallest immediate integer, −2⁶⁰.
    pub const MIN_SMALL_INTEGER: i64 = -(1 << (63 - TAG_BITS));

    /// The word with exactly these bits.
    #[inline]
    pub const fn from_bits(bits: u64) -> Oop {
        Oop(bits)
    }

    /// The word's bits, tag included.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The reference to the object whose header stands at `address`.
    #[inline]
    pub const fn from_address(address: usize) -> Oop {
        debug_assert!(address as u64 & TAG_MASK == 0);
        Oop(address as u64)
    }

    /// The object's address; meaningful only where [`is_pointer`](Self::is_pointer) holds.
    #[inline]
    pub const fn address(self) -> usize {
        self.0 as usize
    }

    /// Whether the word refers to an object in memory.
    #[inline]
    pub const fn is_pointer(self) -> bool {
        self.0 & TAG_MASK == 0
    }

    /// The word's tag, or `None` for a bit pattern that no valid word has.
    pub const fn tag(self) -> Option<Tag> {
        match self.0 & TAG_MASK {
            0 => Some(Tag::Pointer),
            1 => Some(Tag::SmallInteger),
            2 => Some(Tag::Character),
            4 => Some(Tag::SmallFloat),
            _ => None,
        }
    }

    /// The tag's three bits.
    #[inline]
    pub const fn tag_bits(self) -> u64 {
        self.0 & TAG_MASK
    }

    /// The immediate integer `value`, or `None` if it needs more than 61 bits.
    #[inline]
    pub const fn small_integer(value: i64) -> Option<Oop> {
        if value > Self::MAX_SMALL_INTEGER || value < Self::MIN_SMALL_INTEGER {
            return None;
        }
        Some(Oop((value << TAG_BITS) as u64 | Tag::SmallInteger as u64))
    }

    /// The integer that the word holds, if it is one.
    #[inline]
    pub const fn as_small_integer(self) -> Option<i64> {
        if self.0 & TAG_MASK == Tag::SmallInteger as u64 { Some(self.0 as i64 >> TAG_BITS) } else { None }
    }

    /// The immediate character with this code point.
    #[inline]
    pub const fn character(value: char) -> Oop {
        Oop((value as u64) << TAG_BITS | Tag::Character as u64)
    }

    /// The character that the word holds, if it is one.
    #[inline]
    pub const fn as_character(self) -> Option<char> {
        if self.0 & TAG_MASK != Tag::Character as u64 {
            return None;
        }
        char::from_u32((self.0 >> TAG_BITS) as u32)
    }

    /// The immediate double `value`, or `None` if its exponent needs more than 8 bits (NaN and infinities included).
    ///
    /// The sign bit is rotated to the bottom and the exponent is re-biased, so that the three bits which the tag
    /// takes are zero for every double of everyday magnitude.
    #[inline]
    pub const fn small_float(value: f64) -> Option<Oop> {
        let rotated = value.to_bits().rotate_left(1);
        let packed = if rotated <= 1 { rotated } else { rotated.wrapping_sub(EXPONENT_OFFSET) };
        let in_range = packed >> (64 - TAG_BITS) == 0 && (packed > 1 || rotated <= 1);
        if in_range { Some(Oop(packed << TAG_BITS | Tag::SmallFloat as u64)) } else { None }
    }

    /// The double that the word holds, if it is one.
    #[inline]
    pub const fn as_small_float(self) -> Option<f64> {
        if self.0 & TAG_MASK != Tag::SmallFloat as u64 {
            return None;
        }
        let packed = self.0 >> TAG_BITS;
        let rotated = if packed <= 1 { packed } else { packed + EXPONENT_OFFSET };
        Some(f64::from_bits(rotated.rotate_right(1)))
    }
}

impl std::fmt::Debug for Oop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.tag() {
            Some(Tag::Pointer) => write!(f, "@{:#x}", self.0),
            Some(Tag::SmallInteger) => write!(f, "{}", self.0 as i64 >> TAG_BITS),
            Some(Tag::Character) => write!(f, "${:?}", self.as_character()),
            Some(Tag::SmallFloat) => write!(f, "{:?}", self.as_small_float().unwrap_or(f64::NAN)),
            None => write!(f, "invalid({:#x})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn small_integers_round_trip(value: i64) {
            match Oop::small_integer(value) {
                Some(oop) => prop_assert_eq!(oop.as_small_integer(), Some(value)),
                None => prop_assert!(!(Oop::MIN_SMALL_INTEGER..=Oop::MAX_SMALL_INTEGER).contains(&value)),
            }
        }

        #[test]
        fn small_floats_round_trip_bit_for_bit(bits: u64) {
            let value = f64::from_bits(bits);
            if let Some(oop) = Oop::small_float(value) {
                prop_assert_eq!(oop.as_small_float().unwrap().to_bits(), bits);
            } else {
                let magnitude = value.abs();
                prop_assert!(!(1e-38..=1e38).contains(&magnitude));
            }
        }
    }

    #[test]
    fn edges_of_the_immediate_ranges() {
        assert!(Oop::small_integer(Oop::MAX_SMALL_INTEGER + 1).is_none());
        assert!(Oop::small_integer(Oop::MIN_SMALL_INTEGER - 1).is_none());
        for value in [0.0, -0.0, 1.0, -1.5, f64::from(f32::MAX), 1.2e-38] {
            assert_eq!(Oop::small_float(value).unwrap().as_small_float().unwrap().to_bits(), value.to_bits());
        }
        for value in [f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 1e300, 5e-324] {
            assert!(Oop::small_float(value).is_none(), "{value}");
        }
        assert_eq!(Oop::character('\u{10FFFF}').as_character(), Some('\u{10FFFF}'));
    }
}
