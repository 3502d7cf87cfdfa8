//! The characters of Strings and Symbols, however they are stored.

use std::cmp::Ordering;

use instar_heap::{HeapError, Oop};

use super::object::{element_bytes, is_text};
use crate::objects::{Known, Value};
use crate::vm::Space;

/// Characters of a live object.
#[derive(Clone, Copy)]
pub(super) enum Text<'s> {
    /// Code points below 256, in a byte each.
    Narrow(&'s [u8]),
    /// Four bytes each, the least significant first.
    Wide(&'s [u8]),
}

impl<'s> Text<'s> {
    /// The characters of a String or Symbol of the kernel's own classes.
    pub fn of(value: Value<'s>) -> Option<Text<'s>> {
        let bytes = value.bytes().filter(|_| is_text(value))?;
        Some(if element_bytes(value) == 4 { Text::Wide(bytes) } else { Text::Narrow(bytes) })
    }

    /// Number of characters.
    pub fn len(self) -> usize {
        match self {
            Text::Narrow(bytes) => bytes.len(),
            Text::Wide(bytes) => bytes.len() / 4,
        }
    }

    /// The code point at `index`, from 0. It must be less than the length.
    pub fn code(self, index: usize) -> u32 {
        match self {
            Text::Narrow(bytes) => u32::from(bytes[index]),
            Text::Wide(bytes) => code_at(&bytes[index * 4..]),
        }
    }

    /// Code points from `start` on.
    pub fn codes_from(self, start: usize) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator {
        (start..self.len()).map(move |index| self.code(index))
    }

    /// All code points.
    pub fn codes(self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator {
        self.codes_from(0)
    }

    /// The characters; what is none becomes the replacement character.
    pub fn characters(self) -> impl Iterator<Item = char> {
        self.codes().map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The bytes, if all code points are below 256.
    pub fn narrowed(self) -> Option<std::borrow::Cow<'s, [u8]>> {
        match self {
            Text::Narrow(bytes) => Some(bytes.into()),
            Text::Wide(_) => {
                self.codes().map(|code| u8::try_from(code).ok()).collect::<Option<Vec<u8>>>().map(Into::into)
            }
        }
    }

    /// Whether `other`'s characters stand here from `start` on.
    pub fn has_at(self, other: Text<'_>, start: usize) -> bool {
        if self.len().checked_sub(start).is_none_or(|rest| rest < other.len()) {
            return false;
        }
        match (self, other) {
            (Text::Narrow(bytes), Text::Narrow(part)) => &bytes[start..start + part.len()] == part,
            _ => self.codes_from(start).zip(other.codes()).all(|(one, other)| one == other),
        }
    }

    /// Where `other`, which is not empty, stands at or after `start`.
    pub fn find(self, other: Text<'_>, start: usize) -> Option<usize> {
        let last = self.len().checked_sub(other.len())?;
        let first = other.code(0);
        let mut at = start;
        while at <= last {
            at = self.index_of(first, at).filter(|&at| at <= last)?;
            if self.has_at(other, at) {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    /// Where the code point stands at or after `start`.
    pub fn index_of(self, code: u32, start: usize) -> Option<usize> {
        match self {
            Text::Narrow(bytes) => {
                let byte = u8::try_from(code).ok()?;
                let found = bytes.get(start..)?.iter().position(|&other| other == byte)?;
                Some(start + found)
            }
            Text::Wide(_) => (start..self.len()).find(|&index| self.code(index) == code),
        }
    }

    /// Where a code point that is marked, by a byte other than 0 at its own place, stands at or after `start`.
    pub fn index_of_any(self, marks: &[u8], start: usize) -> Option<usize> {
        let marked = |code: usize| marks.get(code).is_some_and(|&mark| mark != 0);
        match self {
            Text::Narrow(bytes) => {
                let found = bytes.get(start..)?.iter().position(|&byte| marked(usize::from(byte)))?;
                Some(start + found)
            }
            Text::Wide(_) => (start..self.len()).find(|&index| marked(self.code(index) as usize)),
        }
    }

    /// By code points.
    pub fn compare(self, other: Text<'_>) -> Ordering {
        match (self, other) {
            (Text::Narrow(bytes), Text::Narrow(others)) => bytes.cmp(others),
            _ => self.codes().cmp(other.codes()),
        }
    }

    /// Equal for equal characters, however they are stored.
    pub fn hash(self) -> i64 {
        match self.narrowed() {
            Some(bytes) => hash_of(&bytes),
            None => match self {
                Text::Narrow(bytes) | Text::Wide(bytes) => hash_of(bytes),
            },
        }
    }
}

fn code_at(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// A hash of bytes, not negative and below 2⁴⁸, so that guest code can calculate with it in SmallIntegers.
///
/// Words are mixed in by multiplication; the two halves of the last product are folded, since remainders by a collection's capacity see
/// the lower bits more than the upper ones.
pub(super) fn hash_of(bytes: &[u8]) -> i64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut hash = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
    ((hash ^ hash >> 32) & ((1 << 48) - 1)) as i64
}

impl Space {
    /// A String of these code points: a ByteString where that holds all of them.
    pub(super) fn new_text(&mut self, codes: &[u32]) -> Result<Oop, HeapError> {
        if codes.iter().all(|&code| code < 256) {
            let bytes: Vec<u8> = codes.iter().map(|&code| code as u8).collect();
            return self.new_bytes(Known::ByteString, &bytes);
        }
        let bytes: Vec<u8> = codes.iter().flat_map(|code| code.to_le_bytes()).collect();
        self.new_bytes(Known::WideString, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect()
    }

    #[test]
    fn hash_and_order_do_not_depend_on_the_encoding() {
        for (one, other) in [("", ""), ("abc", "abc"), ("abc", "abd"), ("ab", "abc"), ("caf\u{e9}", "cafe")] {
            let latin: Vec<u8> = one.chars().map(|character| character as u8).collect();
            let (one_wide, other_wide) = (wide(one), wide(other));
            let (narrow, one_wide, other_wide) =
                (Text::Narrow(&latin), Text::Wide(&one_wide), Text::Wide(&other_wide));
            assert_eq!(narrow.hash(), one_wide.hash());
            assert_eq!(narrow.compare(one_wide), Ordering::Equal);
            assert_eq!(narrow.compare(other_wide), one.cmp(other));
            assert!(narrow.hash() >= 0 && narrow.hash() < 1 << 48);
        }
    }

    #[test]
    fn parts_are_found_in_both_encodings() {
        let (text, part) = ("a\u{3bb}b\u{3bb}c", "\u{3bb}c");
        let (text, part) = (wide(text), wide(part));
        assert_eq!(Text::Wide(&text).find(Text::Wide(&part), 0), Some(3));
        assert_eq!(Text::Wide(&text).find(Text::Narrow(b"b"), 1), Some(2));
        assert_eq!(Text::Wide(&text).find(Text::Narrow(b"b"), 3), None);
        assert_eq!(Text::Narrow(b"aab").find(Text::Narrow(b"ab"), 0), Some(1));
        assert_eq!(Text::Narrow(b"ab").find(Text::Narrow(b"abc"), 0), None);
        assert_eq!(Text::Narrow(b"ab").find(Text::Narrow(b"b"), 7), None);
        assert!(!Text::Narrow(b"ab").has_at(Text::Narrow(b""), 3));
        assert!(Text::Narrow(b"ab").has_at(Text::Narrow(b""), 2));
    }

    #[test]
    fn hashes_of_short_texts_spread() {
        let mut places = vec![0; 1361];
        for number in 0..1000 {
            places[(hash_of(format!("key{number}").as_bytes()) % 1361) as usize] += 1;
        }
        assert!(places.iter().all(|&count| count < 8), "{places:?}");
    }
}
