//! Places in a source text, as byte offsets. A text is at most [`MAX_SOURCE`] bytes long, so that 32 bits hold them.

use std::ops::Range;

/// The longest text that is parsed, in bytes.
pub const MAX_SOURCE: usize = 1 << 30;

/// A range of bytes of a source text. Both ends lie on character boundaries of that text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    #[inline]
    pub const fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// All of `text`.
    ///
    /// # Panics
    /// If the text is longer than [`MAX_SOURCE`]; entry points check that.
    pub fn whole(text: &str) -> Span {
        assert!(text.len() <= MAX_SOURCE, "a text of {} bytes", text.len());
        Span::new(0, text.len() as u32)
    }

    /// From the start of this one to the end of the other.
    #[inline]
    #[must_use]
    pub const fn to(self, other: Span) -> Span {
        Span::new(self.start, other.end)
    }

    /// As a range of indices.
    #[inline]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The text in `source` that this span covers.
    #[inline]
    pub fn of(self, source: &str) -> &str {
        &source[self.range()]
    }
}

/// Line and column of a byte offset, both from 1; columns count characters.
pub fn line_and_column(source: &str, offset: u32) -> (usize, usize) {
    let before = &source.as_bytes()[..(offset as usize).min(source.len())];
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let is_first_byte = |byte: &&u8| **byte & 0xC0 != 0x80;
    (line, 1 + before[line_start..].iter().filter(is_first_byte).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = "ab\nüx\n";
        assert_eq!(line_and_column(source, 0), (1, 1));
        assert_eq!(line_and_column(source, 2), (1, 3));
        assert_eq!(line_and_column(source, 5), (2, 2));
        assert_eq!(line_and_column(source, 7), (3, 1));
        assert_eq!(line_and_column(source, 700), (3, 1));
    }
}
