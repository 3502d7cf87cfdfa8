//! Literals, and pragmas, whose arguments are literals.

use std::borrow::Cow;

use memchr::memchr;

use super::ast::{Literal, Name, Pragma, PragmaArgument, Selector, SelectorKind};
use super::error::SyntaxError;
use super::number;
use super::parser::{Open, Parser};
use super::token::TokenKind;
use super::{MAX_LITERAL_BYTES, Span};

impl<'s> Parser<'s> {
    /// Is this a minus sign, and right behind it a digit?
    #[inline]
    pub(super) fn is_negative_number(&self) -> bool {
        let end = self.token.span.end;
        let next = self.lexer.source().as_bytes().get(end as usize);
        self.token.kind == TokenKind::Binary
            && self.is_binary(b'-')
            && self.token.span.range().len() == 1
            && next.is_some_and(u8::is_ascii_digit)
    }

    /// Does a literal begin here that is no word?
    #[inline]
    pub(super) fn begins_literal(&self) -> bool {
        use TokenKind::{Character, Number, OpenByteArray, OpenLiteralArray, QuotedSymbol, String, Symbol};
        matches!(
            self.token.kind,
            Number | Character | String | Symbol | QuotedSymbol | OpenLiteralArray | OpenByteArray
        ) || self.is_negative_number()
    }

    /// A literal where [`Parser::begins_literal`] holds.
    pub(super) fn literal(&mut self) -> Option<Literal<'s>> {
        let span = self.token.span;
        match self.token.kind {
            TokenKind::Number => self.number(false),
            TokenKind::Binary if self.is_negative_number() => {
                self.step();
                self.number(true)
            }
            TokenKind::Character => {
                self.step();
                self.text(span).chars().nth(1).map(Literal::Character)
            }
            TokenKind::String => {
                self.step();
                Some(Literal::String(unquoted(self.text(span))))
            }
            TokenKind::Symbol => {
                self.step();
                Some(Literal::Symbol(after_mark(self.text(span)).into()))
            }
            TokenKind::QuotedSymbol => {
                self.step();
                Some(Literal::Symbol(unquoted(after_mark(self.text(span)))))
            }
            TokenKind::OpenLiteralArray => self.literal_array(),
            TokenKind::OpenByteArray => self.byte_array(),
            _ => {
                self.unexpected("a literal");
                None
            }
        }
    }

    /// The number at the token; a minus sign before it has been taken.
    fn number(&mut self, is_negative: bool) -> Option<Literal<'s>> {
        let span = self.token.span;
        if let Some(end) = number::small_digit_end(self.lexer.source().as_bytes(), span) {
            let error = SyntaxError::new(Span::new(span.start, end), "digits above 9 are capital letters")
                .with_help(format!("write {}", number::with_capitals(self.text(Span::new(span.start, end)))));
            self.report(error);
            self.lexer.seek(end);
            self.step();
            return None;
        }
        match number::value(self.text(span), is_negative) {
            Ok((literal, size)) => {
                self.literal_bytes += size;
                if self.literal_bytes > MAX_LITERAL_BYTES {
                    let message =
                        format!("the large numbers up to here take more than {MAX_LITERAL_BYTES} bytes");
                    self.give_up(SyntaxError::new(span, message));
                    return None;
                }
                self.step();
                Some(literal)
            }
            Err(message) => {
                self.report(SyntaxError::new(span, message));
                None
            }
        }
    }

    /// `#(…)`, or the `(…)` inside of one.
    fn literal_array(&mut self) -> Option<Literal<'s>> {
        let open = self.open("literal array")?;
        let mut elements = Vec::new();
        while !matches!(self.token.kind, TokenKind::CloseParenthesis | TokenKind::End) {
            let Some(element) = self.literal_element() else {
                self.abandon_whole(open);
                return None;
            };
            elements.push(element);
        }
        self.close(open)?;
        Some(Literal::Array(elements))
    }

    fn literal_element(&mut self) -> Option<Literal<'s>> {
        match self.token.kind {
            TokenKind::OpenParenthesis => self.literal_array(),
            TokenKind::OpenBracket => self.byte_array(),
            TokenKind::Identifier | TokenKind::Keyword => Some(self.word()),
            _ if self.begins_literal() => self.literal(),
            TokenKind::Binary => {
                let Name { text, .. } = self.take_name();
                Some(Literal::Symbol(text.into()))
            }
            _ => {
                self.unexpected("a literal or the end of the literal array");
                None
            }
        }
    }

    /// A bare word in a literal array: a constant or a symbol, which may have several colons.
    fn word(&mut self) -> Literal<'s> {
        let span = self.token.span;
        if let Some(constant) = constant(self.text(span)) {
            self.step();
            return constant;
        }
        let end = self.lexer.symbol_end(span.start as usize) as u32;
        self.lexer.seek(end);
        self.token.span = Span::new(span.start, end);
        let Name { text, .. } = self.take_name();
        Literal::Symbol(text.into())
    }

    fn byte_array(&mut self) -> Option<Literal<'s>> {
        let open = self.open("byte array")?;
        let mut bytes = Vec::new();
        while !matches!(self.token.kind, TokenKind::CloseBracket | TokenKind::End) {
            let Some(byte) = self.byte_element() else {
                self.abandon_whole(open);
                return None;
            };
            bytes.push(byte);
        }
        self.close(open)?;
        Some(Literal::ByteArray(bytes.into()))
    }

    fn byte_element(&mut self) -> Option<u8> {
        let start = self.token.span.start;
        if !(self.token.kind == TokenKind::Number || self.is_negative_number()) {
            self.unexpected("a number from 0 to 255 or the end of the byte array");
            return None;
        }
        let literal = self.literal()?;
        if let Literal::Integer(value) = literal
            && let Ok(byte) = value.try_into()
        {
            return Some(byte);
        }
        self.report(SyntaxError::new(
            self.since(start),
            "an element of a byte array is a number from 0 to 255",
        ));
        None
    }

    /// Like [`Parser::abandon`] where a period separates, or means nothing.
    pub(super) fn abandon_whole(&mut self, open: Open) {
        self.recover();
        while self.token.kind == TokenKind::Period {
            self.step();
            self.recover();
        }
        self.abandon(open);
    }

    /// `<key: 1 with: #x>`. After an error it is skipped.
    pub(super) fn pragma(&mut self) -> Option<Pragma<'s>> {
        let open = self.split();
        let pragma = self.pragma_inside(open);
        if pragma.is_none() {
            while !(self.is_binary(b'>') || matches!(self.token.kind, TokenKind::Period | TokenKind::End)) {
                self.step();
            }
            if self.is_binary(b'>') {
                self.split();
            }
        }
        pragma
    }

    fn pragma_inside(&mut self, open: Span) -> Option<Pragma<'s>> {
        let mut arguments = Vec::new();
        let selector = match self.token.kind {
            TokenKind::Identifier => {
                let Name { text, span } = self.take_name();
                Selector { text: text.into(), kind: SelectorKind::Unary, span }
            }
            TokenKind::Keyword => {
                let mut parts = Vec::new();
                while self.token.kind == TokenKind::Keyword {
                    parts.push(self.step().span);
                    let is_primitive = self.text(parts[0]) == "primitive:" && parts.len() > 1;
                    arguments.push(self.pragma_argument(is_primitive)?);
                }
                self.keyword_selector(&parts)?
            }
            _ => {
                self.unexpected("a pragma's name");
                return None;
            }
        };
        if self.is_binary(b'>') {
            self.split();
            return Some(Pragma { selector, arguments, span: self.since(open.start) });
        }
        self.unexpected("> to end the pragma");
        None
    }

    fn pragma_argument(&mut self, may_be_variable: bool) -> Option<PragmaArgument<'s>> {
        let span = self.token.span;
        if self.token.kind == TokenKind::Identifier {
            if let Some(constant) = constant(self.text(span)) {
                self.step();
                return Some(PragmaArgument::Literal(constant, span));
            }
            if may_be_variable {
                return self.declared_name("a name").map(PragmaArgument::Variable);
            }
        }
        if !self.begins_literal() {
            self.unexpected("a literal as the pragma's argument");
            return None;
        }
        let literal = self.literal()?;
        Some(PragmaArgument::Literal(literal, self.since(span.start)))
    }
}

fn constant(word: &str) -> Option<Literal<'static>> {
    match word {
        "nil" => Some(Literal::Nil),
        "true" => Some(Literal::True),
        "false" => Some(Literal::False),
        _ => None,
    }
}

/// What stands behind the hash marks of a symbol, and the space behind these.
fn after_mark(symbol: &str) -> &str {
    let rest = symbol.trim_start_matches('#');
    // Space and comments between mark and symbol are rare: the first byte tells.
    if !rest.starts_with([' ', '\t', '\n', '\r', '\u{C}', '"']) {
        return rest;
    }
    let mut rest = rest;
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix('"').and_then(|comment| comment.split_once('"')) {
            Some((_, behind)) => rest = behind,
            None => return rest,
        }
    }
}

/// The text inside of quotes, doubled quotes made single.
fn unquoted(literal: &str) -> Cow<'_, str> {
    let inside = &literal[1..literal.len() - 1];
    match memchr(b'\'', inside.as_bytes()) {
        None => Cow::Borrowed(inside),
        Some(_) => Cow::Owned(inside.replace("''", "'")),
    }
}
