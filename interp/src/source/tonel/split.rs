//! Where a method's pattern and body end, without looking at what they mean: at memory speed.

use memchr::{memchr, memchr2};

use crate::syntax::{Span, parse_method_parts};

/// Bytes that a body's end depends on.
const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let bytes = b"[]'\"$";
    let mut index = 0;
    while index < bytes.len() {
        marks[bytes[index] as usize] = true;
        index += 1;
    }
    marks
};

/// Where the bracket stands that closes the body that begins at `at`, behind its opening bracket. Brackets in strings,
/// comments and character literals do not count.
pub(crate) fn body_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        at += text.get(at..)?.iter().position(|byte| MARKS[*byte as usize])?;
        match text[at] {
            b'[' => depth += 1,
            b']' if depth == 0 => return Some(at),
            b']' => depth -= 1,
            b'$' => at += 1,
            quote => at += 1 + memchr(quote, &text[at + 1..])?,
        }
        at += 1;
    }
}

/// Where the bracket stands that opens the body of the method whose pattern begins at `at`.
pub(crate) fn pattern_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'[', b'"', text.get(at..)?)?;
        if text[at] == b'[' {
            return Some(at);
        }
        at += 2 + memchr(b'"', &text[at + 1..])?;
    }
}

/// Where the next line begins that looks like the start of a method or of its metadata, at `at` or behind it.
pub(super) fn next_method(text: &str, mut at: usize) -> usize {
    loop {
        let is_line_start = at == 0 || text.as_bytes()[at - 1] == b'\n';
        if is_line_start && looks_like_method(text[at..].lines().next().unwrap_or_default()) {
            return at;
        }
        match memchr(b'\n', &text.as_bytes()[at..]) {
            Some(length) => at += length + 1,
            None => return text.len(),
        }
    }
}

/// Does a body seem to hold other methods, and is wrong? Then it has a bracket too few. A right one holds a long string.
pub(super) fn swallows_methods(text: &str, pattern: Span, body: Span) -> bool {
    let end = body.end as usize;
    next_method(&text[..end], body.start as usize) < end && parse_method_parts(text, pattern, body).is_err()
}

fn looks_like_method(line: &str) -> bool {
    // Most lines are indented.
    if !line.starts_with(|letter: char| letter == '{' || letter == '_' || letter.is_ascii_alphabetic()) {
        return false;
    }
    if let Some(inside) = line.strip_prefix('{') {
        let inside = inside.trim_start();
        return inside.is_empty() || inside.starts_with("#category") || inside.starts_with("'category'");
    }
    let Some((owner, _)) = line.split_once(">>") else { return false };
    let mut words = owner.split_ascii_whitespace();
    let is_name = words.next().is_some_and(crate::source::ston::is_identifier);
    let is_owned = matches!((words.next(), words.next()), (None | Some("class" | "classSide"), None));
    is_name && is_owned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_only_where_they_are_code() {
        for text in
            ["a]", "[ b ] c]", "']' \"]\" $] a]", "'it''s ]']", "$' a]", "$\" $[ b]", "#[1 2] b]", "]"]
        {
            assert_eq!(body_end(text.as_bytes(), 0), Some(text.len() - 1), "{text}");
        }
        for text in ["", "[", "[ ]", "'] ", "\"]", "$]", "$"] {
            assert_eq!(body_end(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn a_pattern_may_hold_comments() {
        assert_eq!(pattern_end(b"at: \"[\" a [ b", 0), Some(10));
        assert_eq!(pattern_end(b"at: \"[", 0), None);
        assert_eq!(pattern_end(b"at: a", 0), None);
    }
}
