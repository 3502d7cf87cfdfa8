//! Tokens, and what bytes may stand in them.

use super::Span;

/// The sorts of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TokenKind {
    /// Of the source. Empty.
    End,
    /// `size`
    Identifier,
    /// `at:`
    Keyword,
    /// `+`, `|`, `<`, `->`: any run of operator characters. A minus sign right before a digit ends the run before it.
    Binary,
    /// `:=`
    Assign,
    /// `^`
    Caret,
    /// `.`
    Period,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
    /// `(`
    OpenParenthesis,
    /// `)`
    CloseParenthesis,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `#(`
    OpenLiteralArray,
    /// `#[`
    OpenByteArray,
    /// Without a sign; the sign is a binary token of its own.
    Number,
    /// `$a`
    Character,
    /// `'text'`
    String,
    /// `#foo`, `#foo:bar:`, `#+`
    Symbol,
    /// `#'text'`
    QuotedSymbol,
    /// What the lexer has reported an error about.
    Wrong,
}

impl TokenKind {
    /// The bracket that closes what this opens.
    pub fn closer(self) -> Option<TokenKind> {
        match self {
            TokenKind::OpenParenthesis | TokenKind::OpenLiteralArray => Some(TokenKind::CloseParenthesis),
            TokenKind::OpenBracket | TokenKind::OpenByteArray => Some(TokenKind::CloseBracket),
            TokenKind::OpenBrace => Some(TokenKind::CloseBrace),
            _ => None,
        }
    }

    /// Does it close a bracket?
    pub fn is_closer(self) -> bool {
        matches!(self, TokenKind::CloseParenthesis | TokenKind::CloseBracket | TokenKind::CloseBrace)
    }
}

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// What a byte can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    Other,
    Space,
    Letter,
    Digit,
    Binary,
    /// Part of a character of several bytes.
    Wide,
}

const fn class(byte: u8) -> Class {
    match byte {
        b' ' | b'\t' | b'\n' | b'\r' | 0x0C => Class::Space,
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => Class::Letter,
        b'0'..=b'9' => Class::Digit,
        b'!' | b'%' | b'&' | b'*' | b'+' | b',' | b'-' | b'/' | b'<' | b'=' | b'>' | b'?' | b'@' | b'\\'
        | b'|' | b'~' => Class::Binary,
        0x80.. => Class::Wide,
        _ => Class::Other,
    }
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = class(byte as u8);
        byte += 1;
    }
    classes
};

#[inline]
pub(super) fn class_of(byte: u8) -> Class {
    CLASSES[byte as usize]
}

/// Is it a letter or digit of names beyond ASCII?
pub(super) fn is_wide_letter(letter: char) -> bool {
    letter.is_alphanumeric()
}

/// Is it one of the operator characters beyond ASCII: plus-minus, middle dot, times, divided by?
pub(super) fn is_wide_operator(letter: char) -> bool {
    matches!(letter, '±' | '·' | '×' | '÷')
}
