//! The values of Tonel's metadata (a part of STON) and of FileTree's property files (JSON), with their places.
//!
//! STON writes texts in single quotes and has symbols, JSON writes them in double quotes. One reader takes both, because
//! what is wrong is said by whoever asks for a value of a certain sort.

use std::fmt::Write as _;

use crate::syntax::{Span, SyntaxError};

/// How deeply lists and maps may be nested.
const MAX_DEPTH: usize = 20;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// What metadata is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `nil`
    Nil,
    /// `#name`
    Symbol(String),
    /// `'text'`
    String(String),
    /// A number, boolean or other bare word; nothing that we read has one.
    Word(String),
    /// `[ a, b ]`
    List(Vec<Item>),
    /// `{ #a : b }`
    Map(Vec<(Item, Item)>),
}

impl Value {
    /// For errors.
    pub fn describe(&self) -> String {
        match self {
            Value::Nil => "nil".to_owned(),
            Value::Symbol(text) => format!("the symbol #{text}"),
            Value::String(text) => format!("the string '{text}'"),
            Value::Word(text) => text.clone(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}

/// Reads values from a text.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    text: &'s str,
    pub(super) at: usize,
}

impl<'s> Reader<'s> {
    pub(super) fn new(text: &'s str, at: usize) -> Reader<'s> {
        Reader { text, at }
    }

    pub(super) fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    pub(super) fn span_from(&self, start: usize) -> Span {
        Span::new(start as u32, self.at as u32)
    }

    /// The next character, or nothing at the end.
    pub(super) fn here(&self) -> Span {
        let length = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        Span::new(self.at as u32, (self.at + length) as u32)
    }

    pub(super) fn unexpected(&self, expected: &str) -> SyntaxError {
        let found = match self.text[self.at..].chars().next() {
            None => "the end".to_owned(),
            Some('\n' | '\r') => "the end of the line".to_owned(),
            Some(letter) => letter.to_string(),
        };
        SyntaxError::new(self.here(), format!("expected {expected}, found {found}"))
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), SyntaxError> {
        self.skip_space();
        if self.peek() != byte || self.is_at_end() {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        Ok(())
    }

    /// One value.
    pub(super) fn value(&mut self) -> Result<Item, SyntaxError> {
        self.nested_value(0)
    }

    fn nested_value(&mut self, depth: usize) -> Result<Item, SyntaxError> {
        self.skip_space();
        if depth > MAX_DEPTH {
            let message = format!("metadata is nested deeper than {MAX_DEPTH} levels");
            return Err(SyntaxError::new(self.here(), message));
        }
        let start = self.at;
        let value = match self.peek() {
            b'#' => self.symbol()?,
            b'\'' | b'"' => Value::String(self.quoted()?),
            b'[' => self.list(depth)?,
            b'{' => self.map(depth)?,
            byte if byte.is_ascii_alphanumeric() || byte == b'-' => self.bare_word(),
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Item { value, span: self.span_from(start) })
    }

    fn bare_word(&mut self) -> Value {
        let start = self.at;
        while self.peek().is_ascii_alphanumeric() || matches!(self.peek(), b'-' | b'+' | b'.' | b'_') {
            self.at += 1;
        }
        match &self.text[start..self.at] {
            "nil" | "null" => Value::Nil,
            word => Value::Word(word.to_owned()),
        }
    }

    /// Bare symbols take in what STON allows: letters, digits, and a few marks.
    fn symbol(&mut self) -> Result<Value, SyntaxError> {
        self.at += 1;
        if self.peek() == b'\'' {
            return Ok(Value::Symbol(self.quoted()?));
        }
        let start = self.at;
        let is_part = |letter: char| letter.is_alphanumeric() || "_-./*:+".contains(letter);
        let length: usize =
            self.text[start..].chars().take_while(|letter| is_part(*letter)).map(char::len_utf8).sum();
        if length == 0 {
            return Err(self.unexpected("a name after #"));
        }
        self.at += length;
        Ok(Value::Symbol(self.text[start..self.at].to_owned()))
    }

    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let opening = self.here();
        let quote = self.peek();
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(length) = memchr::memchr2(quote, b'\\', rest) else {
                return Err(SyntaxError::new(opening, "this text is not closed"));
            };
            text.push_str(&self.text[self.at..self.at + length]);
            self.at += length + 1;
            if rest[length] == quote {
                return Ok(text);
            }
            text.push(self.escaped()?);
        }
    }

    /// What follows a backslash.
    fn escaped(&mut self) -> Result<char, SyntaxError> {
        let place = self.here();
        let letter = self.text[self.at..].chars().next().unwrap_or('\0');
        self.at += letter.len_utf8().min(self.text.len() - self.at);
        Ok(match letter {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\u{8}',
            'f' => '\u{C}',
            '\'' | '"' | '\\' | '/' => letter,
            'u' => {
                let digits = self.text.get(self.at..self.at + 4);
                let code = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let letter = code.and_then(char::from_u32);
                self.at += if letter.is_some() { 4 } else { 0 };
                letter.ok_or_else(|| {
                    SyntaxError::new(place, "expected the four hexadecimal digits of a character")
                })?
            }
            _ => return Err(SyntaxError::new(place, "this means nothing after a backslash")),
        })
    }

    fn list(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.peek() == b']' {
                self.at += 1;
                return Ok(Value::List(items));
            }
            if !items.is_empty() {
                self.expect(b',', "a comma or ]")?;
            }
            items.push(self.nested_value(depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.at += 1;
        let mut entries: Vec<(Item, Item)> = Vec::new();
        loop {
            self.skip_space();
            if self.peek() == b'}' {
                self.at += 1;
                return Ok(Value::Map(entries));
            }
            if !entries.is_empty() {
                self.expect(b',', "a comma or }")?;
            }
            let key = self.nested_value(depth + 1)?;
            self.expect(b':', "a colon")?;
            let value = self.nested_value(depth + 1)?;
            entries.push((key, value));
        }
    }
}

/// Appends a string as STON writes it.
pub fn write_string(text: &str, out: &mut String) {
    out.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push('\'');
}

/// Appends a symbol, quoted unless it is an identifier.
pub fn write_symbol(text: &str, out: &mut String) {
    out.push('#');
    if is_identifier(text) {
        out.push_str(text);
    } else {
        write_string(text, out);
    }
}

/// Is it a name that a class or variable can have?
pub fn is_identifier(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let mut reader = Reader::new(text, 0);
        reader.value().map(|item| item.value).map_err(|error| error.brief(text))
    }

    #[test]
    fn values() {
        let string = |text: &str| Value::String(text.to_owned());
        assert_eq!(read("#foo"), Ok(Value::Symbol("foo".to_owned())));
        assert_eq!(read("#foo-bar"), Ok(Value::Symbol("foo-bar".to_owned())));
        assert_eq!(read("#'*a b'"), Ok(Value::Symbol("*a b".to_owned())));
        assert_eq!(read(r"'it\'s\u0041\n'"), Ok(string("it'sA\n")));
        assert_eq!(read("\"a\""), Ok(string("a")));
        assert_eq!(read("nil"), Ok(Value::Nil));
        assert!(matches!(read("[ 'a',\n 'b' ]"), Ok(Value::List(items)) if items.len() == 2));
        assert!(matches!(read("{ #a : 'b', \"c\" : [ ] }"), Ok(Value::Map(entries)) if entries.len() == 2));
    }

    #[test]
    fn errors() {
        for (text, error) in [
            ("'a", "1:1: this text is not closed"),
            ("[ 'a' 'b' ]", "1:7: expected a comma or ], found '"),
            ("{ #a 'b' }", "1:6: expected a colon, found '"),
            ("{ #a : ", "1:8: expected a value, found the end"),
            ("# a", "1:2: expected a name after #, found  "),
            (r"'\q'", "1:3: this means nothing after a backslash"),
            (r"'\u12'", "1:3: expected the four hexadecimal digits of a character"),
            (r"'\", "1:3: this means nothing after a backslash"),
        ] {
            assert_eq!(read(text), Err(error.to_owned()), "{text}");
        }
        assert!(read(&"[".repeat(1000)).unwrap_err().contains("deeper"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>()) {
            let mut out = String::new();
            write_string(&text, &mut out);
            prop_assert_eq!(read(&out), Ok(Value::String(text.clone())));
            out.clear();
            write_symbol(&text, &mut out);
            prop_assert_eq!(read(&out), Ok(Value::Symbol(text)));
        }

        #[test]
        fn any_text_is_read_or_rejected(text in "[\\[\\]{}#:,'\"\\\\a-cu1é ]{0,20}") {
            let _ = read(&text);
        }
    }
}
