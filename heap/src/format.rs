//! Object formats: what the collector must know of an object's body.

/// The 5-bit format of an object's body.
///
/// | value | body |
/// |---|---|
/// | 0 | fixed pointer slots |
/// | 1 | fixed and indexable pointer slots |
/// | 2 | weak pointer slots: nilled when their referent is otherwise unreachable |
/// | 3 | ephemeron: slot 0 is the key; the rest is reachable through it only while the key is |
/// | 4 | forwarder: slot 0 is the target, the rest is dead |
/// | 5 | 64-bit words |
/// | 16 + k | bytes; k (0 to 7) bytes of the last word are unused |
///
/// The other values are reserved and rejected by the verifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Format(u8);

impl Format {
    /// Width in bits.
    pub const BITS: u32 = 5;
    /// Fixed pointer slots only.
    pub const FIXED: Format = Format(0);
    /// Pointer slots whose number is given at allocation.
    pub const INDEXABLE: Format = Format(1);
    /// Weak pointer slots.
    pub const WEAK: Format = Format(2);
    /// Key, value and further slots that live as long as the key.
    pub const EPHEMERON: Format = Format(3);
    /// What become leaves behind.
    pub const FORWARDER: Format = Format(4);
    /// Raw 64-bit words.
    pub const WORDS: Format = Format(5);
    /// Raw bytes, the last word full. See [`bytes`](Self::bytes).
    pub const BYTES: Format = Format(16);

    /// The format of `length` raw bytes.
    #[inline]
    pub const fn bytes(length: usize) -> Format {
        Format(Self::BYTES.0 | (length.wrapping_neg() & 7) as u8)
    }

    pub(crate) const fn from_bits(bits: u8) -> Format {
        Format(bits)
    }

    /// The format as a number.
    #[inline]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every slot is an ordinary (strong) reference.
    #[inline]
    pub const fn is_strong(self) -> bool {
        self.0 <= Self::INDEXABLE.0
    }

    /// Whether the slots hold tagged words.
    #[inline]
    pub const fn has_pointers(self) -> bool {
        self.0 <= Self::FORWARDER.0
    }

    /// Whether the body is raw bytes.
    #[inline]
    pub const fn is_bytes(self) -> bool {
        self.0 >= Self::BYTES.0 && self.0 < Self::BYTES.0 + 8
    }

    /// How many bytes of the last word are unused; 0 for formats other than bytes.
    #[inline]
    pub const fn unused_bytes(self) -> usize {
        if self.is_bytes() { (self.0 & 7) as usize } else { 0 }
    }

    /// Whether this is one of the formats in the table above.
    pub const fn is_valid(self) -> bool {
        self.0 <= Self::WORDS.0 || self.is_bytes()
    }

    /// Whether objects of this format may be given a number of indexable elements at allocation.
    pub const fn is_indexable(self) -> bool {
        self.0 == Self::INDEXABLE.0 || self.0 == Self::WEAK.0 || self.0 == Self::WORDS.0 || self.is_bytes()
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match *self {
            Format::FIXED => "fixed",
            Format::INDEXABLE => "indexable",
            Format::WEAK => "weak",
            Format::EPHEMERON => "ephemeron",
            Format::FORWARDER => "forwarder",
            Format::WORDS => "words",
            other if other.is_bytes() => "bytes",
            _ => "invalid",
        })
    }
}
