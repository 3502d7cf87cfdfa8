//! From text to tokens, one at a time, without a copy. Comments are space.
//!
//! The parser can set the lexer back into a token ([`Lexer::seek`]), because Smalltalk's operators cannot be told apart
//! without knowing what is expected: `||` is an operator, or the end of a block's parameters and the start of its
//! temporaries.

use memchr::memchr;

use super::error::{Errors, SyntaxError};
use super::number;
use super::token::{Class, Token, TokenKind, class_of, is_wide_letter, is_wide_operator};
use super::{MAX_SOURCE, Span};

/// Splits a text into tokens.
#[derive(Debug)]
pub(super) struct Lexer<'s> {
    source: &'s str,
    /// The source up to the end of what is to be read.
    bytes: &'s [u8],
    at: usize,
    pub(super) errors: Errors,
}

impl<'s> Lexer<'s> {
    /// Reads `span` of the source. Only the first [`MAX_SOURCE`] bytes can be addressed; entry points check that.
    pub(super) fn new(source: &'s str, span: Span) -> Lexer<'s> {
        debug_assert!(source.len() <= MAX_SOURCE && source.get(span.range()).is_some());
        let bytes = &source.as_bytes()[..span.end as usize];
        Lexer { source, bytes, at: span.start as usize, errors: Errors::default() }
    }

    pub(super) fn source(&self) -> &'s str {
        self.source
    }

    #[inline]
    pub(super) fn text(&self, span: Span) -> &'s str {
        &self.source[span.range()]
    }

    /// Goes on from this offset, which lies on a character boundary.
    pub(super) fn seek(&mut self, offset: u32) {
        debug_assert!(self.source.is_char_boundary(offset as usize));
        self.at = (offset as usize).min(self.bytes.len());
    }

    /// Reads another part of the same source.
    pub(super) fn restrict(&mut self, span: Span) {
        self.bytes = &self.source.as_bytes()[..span.end as usize];
        self.at = span.start as usize;
    }

    /// Everything that is left is skipped.
    pub(super) fn finish(&mut self) {
        self.at = self.bytes.len();
    }

    /// The byte at `at`, or 0 behind the end.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn token(&mut self, kind: TokenKind, start: usize, end: usize) -> Token {
        self.at = end;
        Token { kind, span: Span::new(start as u32, end as u32) }
    }

    fn wrong(&mut self, start: usize, end: usize, error: SyntaxError) -> Token {
        self.errors.report(error);
        self.token(TokenKind::Wrong, start, end)
    }

    /// The next token; `End` for ever at the end.
    pub(super) fn next(&mut self) -> Token {
        self.skip_space();
        let start = self.at;
        let Some(&byte) = self.bytes.get(start) else { return self.token(TokenKind::End, start, start) };
        match class_of(byte) {
            Class::Letter => self.word(start),
            Class::Digit => self.number(start),
            Class::Binary => self.operator(start),
            Class::Wide => self.wide(start),
            Class::Space | Class::Other => self.punctuation(start, byte),
        }
    }

    fn skip_space(&mut self) {
        loop {
            while self.at < self.bytes.len() && class_of(self.bytes[self.at]) == Class::Space {
                self.at += 1;
            }
            if self.byte(self.at) != b'"' {
                return;
            }
            let start = self.at;
            match memchr(b'"', &self.bytes[start + 1..]) {
                Some(length) => self.at = start + length + 2,
                None => {
                    self.at = self.bytes.len();
                    let span = Span::new(start as u32, start as u32 + 1);
                    let mut error = SyntaxError::new(span, "this comment is not closed")
                        .with_help("add a double quote at its end");
                    error.is_at_end = true;
                    self.errors.report(error);
                }
            }
        }
    }

    /// Behind the letters and digits from `at`.
    #[inline]
    fn word_end(&self, mut at: usize) -> usize {
        loop {
            while matches!(class_of(self.byte(at)), Class::Letter | Class::Digit) {
                at += 1;
            }
            if class_of(self.byte(at)) != Class::Wide {
                return at;
            }
            match self.character(at) {
                Some(letter) if is_wide_letter(letter) => at += letter.len_utf8(),
                _ => return at,
            }
        }
    }

    fn character(&self, at: usize) -> Option<char> {
        if at >= self.bytes.len() { None } else { self.source[at..].chars().next() }
    }

    fn word(&mut self, start: usize) -> Token {
        let end = self.word_end(start);
        if self.byte(end) == b':' && self.byte(end + 1) != b'=' {
            return self.token(TokenKind::Keyword, start, end + 1);
        }
        self.token(TokenKind::Identifier, start, end)
    }

    fn number(&mut self, start: usize) -> Token {
        let end = number::end(self.bytes, start);
        self.token(TokenKind::Number, start, end)
    }

    fn operator(&mut self, start: usize) -> Token {
        let end = self.operator_end(start);
        self.token(TokenKind::Binary, start, end)
    }

    fn operator_end(&self, start: usize) -> usize {
        let mut at = start;
        loop {
            match class_of(self.byte(at)) {
                Class::Binary if at > start && self.is_sign(at) => return at,
                Class::Binary => at += 1,
                Class::Wide => match self.character(at) {
                    Some(letter) if is_wide_operator(letter) => at += letter.len_utf8(),
                    _ => return at,
                },
                _ => return at,
            }
        }
    }

    fn is_sign(&self, at: usize) -> bool {
        self.byte(at) == b'-' && self.byte(at + 1).is_ascii_digit()
    }

    fn wide(&mut self, start: usize) -> Token {
        let letter = self.character(start).unwrap_or('\u{FFFD}');
        if letter.is_alphabetic() {
            return self.word(start);
        }
        if is_wide_operator(letter) {
            return self.operator(start);
        }
        self.meaningless(start, letter)
    }

    fn meaningless(&mut self, start: usize, letter: char) -> Token {
        let end = (start + letter.len_utf8()).min(self.bytes.len());
        let span = Span::new(start as u32, end as u32);
        let shown =
            if letter.is_control() || letter.is_whitespace() { String::new() } else { format!(" {letter}") };
        let message = format!("the character{shown} (U+{:04X}) means nothing here", letter as u32);
        self.wrong(start, end, SyntaxError::new(span, message))
    }

    fn punctuation(&mut self, start: usize, byte: u8) -> Token {
        let kind = match byte {
            b'.' => TokenKind::Period,
            b';' => TokenKind::Semicolon,
            b'^' => TokenKind::Caret,
            b'(' => TokenKind::OpenParenthesis,
            b')' => TokenKind::CloseParenthesis,
            b'[' => TokenKind::OpenBracket,
            b']' => TokenKind::CloseBracket,
            b'{' => TokenKind::OpenBrace,
            b'}' => TokenKind::CloseBrace,
            b':' if self.byte(start + 1) == b'=' => return self.token(TokenKind::Assign, start, start + 2),
            b':' => TokenKind::Colon,
            b'\'' => return self.quoted(TokenKind::String, start, start),
            b'$' => return self.character_literal(start),
            b'#' => return self.hash(start),
            _ => return self.meaningless(start, byte as char),
        };
        self.token(kind, start, start + 1)
    }

    /// A text in quotes; the first quote is at `quote`.
    fn quoted(&mut self, kind: TokenKind, start: usize, quote: usize) -> Token {
        let mut at = quote + 1;
        while let Some(length) = memchr(b'\'', &self.bytes[at..]) {
            at += length + 1;
            if self.byte(at) != b'\'' {
                return self.token(kind, start, at);
            }
            at += 1;
        }
        let span = Span::new(quote as u32, quote as u32 + 1);
        let what = if kind == TokenKind::String { "string" } else { "symbol" };
        let mut error = SyntaxError::new(span, format!("this {what} is not closed"))
            .with_help("add a single quote at its end; one inside the text is written twice");
        error.is_at_end = true;
        self.wrong(start, self.bytes.len(), error)
    }

    fn character_literal(&mut self, start: usize) -> Token {
        match self.character(start + 1) {
            Some(letter) => self.token(TokenKind::Character, start, start + 1 + letter.len_utf8()),
            None => {
                let span = Span::new(start as u32, start as u32 + 1);
                let mut error = SyntaxError::new(span, "expected a character after $");
                error.is_at_end = true;
                self.wrong(start, start + 1, error)
            }
        }
    }

    /// What begins with a hash mark. Several marks in a row, and space behind them, mean what one does.
    fn hash(&mut self, start: usize) -> Token {
        self.at = start + 1;
        while self.byte(self.at) == b'#' {
            self.at += 1;
        }
        self.skip_space();
        let at = self.at;
        let is_word = match class_of(self.byte(at)) {
            Class::Letter => true,
            Class::Wide => self.character(at).is_some_and(char::is_alphabetic),
            _ => false,
        };
        if is_word {
            let end = self.symbol_end(at);
            return self.token(TokenKind::Symbol, start, end);
        }
        match self.byte(at) {
            b'(' => self.token(TokenKind::OpenLiteralArray, start, at + 1),
            b'[' => self.token(TokenKind::OpenByteArray, start, at + 1),
            b'\'' => self.quoted(TokenKind::QuotedSymbol, start, at),
            _ if self.operator_end(at) > at => {
                let end = self.operator_end(at);
                self.token(TokenKind::Symbol, start, end)
            }
            _ => {
                let span = Span::new(start as u32, start as u32 + 1);
                let mut error = SyntaxError::new(span, "expected a symbol, ( or [ after #");
                error.is_at_end = at >= self.bytes.len();
                self.wrong(start, start + 1, error)
            }
        }
    }

    /// Behind a symbol of words and colons.
    pub(super) fn symbol_end(&self, start: usize) -> usize {
        let mut at = self.word_end(start);
        while self.byte(at) == b':' && self.byte(at + 1) != b'=' {
            at += 1;
            if matches!(class_of(self.byte(at)), Class::Letter | Class::Wide) {
                at = self.word_end(at);
            }
        }
        at
    }
}

/// All tokens of a text, the end not included: for tools that colour or complete. What is wrong comes as `Wrong`. A
/// text that is longer than [`MAX_SOURCE`] has none.
pub fn tokens(source: &str) -> impl Iterator<Item = Token> + '_ {
    let source = if source.len() <= MAX_SOURCE { source } else { "" };
    let mut lexer = Lexer::new(source, Span::whole(source));
    std::iter::from_fn(move || {
        let token = lexer.next();
        (token.kind != TokenKind::End).then_some(token)
    })
}
