//! The syntax of Pharo methods and do-its.
//!
//! [`parse_method`] and [`parse_doit`] answer a tree ([`Method`], [`DoIt`]) whose names are slices of the source, or all
//! errors that were found. The parser looks at each byte once and one token ahead. No source makes it panic, overflow
//! the stack or use memory out of proportion: see the limits below.

mod ast;
mod error;
mod expression;
mod lexer;
mod literal;
mod number;
mod parser;
mod report;
mod span;
mod token;

pub use ast::{
    Assignment, Block, Body, Cascade, DoIt, Expression, ExpressionKind, Fraction, Integer, LargeInteger,
    Literal, Message, Method, Name, Pragma, PragmaArgument, Pseudo, ScaledDecimal, Selector, SelectorKind,
    Send, Statement,
};
pub use error::{MAX_ERRORS, SyntaxError};
pub use lexer::tokens;
pub use number::MAX_NUMBER_BITS;
pub use report::{Rendered, render, render_warnings};
pub use span::{MAX_SOURCE, Span, line_and_column};
pub use token::{Token, TokenKind};

use parser::Parser;

/// How many brackets and assignments may be open at once.
pub const MAX_NESTING: u32 = 200;

/// How high an expression may be, [bounded-height]: each message adds one to the highest of its parts.
pub const MAX_HEIGHT: u32 = 1000;

/// The most arguments of a message.
pub const MAX_ARGUMENTS: usize = 255;

/// What all large numbers of one source may take together.
pub const MAX_LITERAL_BYTES: usize = 16 << 20;

/// Parses a method: its pattern and its body.
///
/// # Errors
/// All that are found, at most [`MAX_ERRORS`], in source order.
pub fn parse_method(source: &str) -> Result<Method<'_>, Vec<SyntaxError>> {
    check_length(source)?;
    let mut parser = Parser::new(source, Span::whole(source));
    let method = parser.method();
    finished(parser, method)
}

/// Parses a method whose pattern and body stand in different places of a file. Spans are the file's.
///
/// # Errors
/// All that are found, at most [`MAX_ERRORS`], in source order.
pub fn parse_method_parts(file: &str, pattern: Span, body: Span) -> Result<Method<'_>, Vec<SyntaxError>> {
    check_length(file)?;
    if file.get(pattern.range()).is_none() || file.get(body.range()).is_none() {
        return Err(vec![SyntaxError::new(Span::default(), "the method lies outside of its file")]);
    }
    let mut parser = Parser::new(file, pattern);
    let method = parser.method_in_parts(body);
    finished(parser, method)
}

/// Parses temporaries and statements that stand for themselves.
///
/// # Errors
/// All that are found, at most [`MAX_ERRORS`], in source order.
pub fn parse_doit(source: &str) -> Result<DoIt<'_>, Vec<SyntaxError>> {
    check_length(source)?;
    let span = Span::whole(source);
    let mut parser = Parser::new(source, span);
    let body = parser.body(TokenKind::End, None);
    finished(parser, Some(DoIt { body, span }))
}

/// The selector of a method's source, and where its pattern stands. The body is not looked at.
///
/// # Errors
/// What is wrong with the pattern.
pub fn parse_pattern(source: &str, span: Span) -> Result<Selector<'_>, Vec<SyntaxError>> {
    check_length(source)?;
    if source.get(span.range()).is_none() {
        return Err(vec![SyntaxError::new(Span::default(), "the method lies outside of its file")]);
    }
    let mut parser = Parser::new(source, span);
    let pattern = parser.pattern();
    let mut errors = parser.lexer.errors.into_list();
    let Some((selector, _)) = pattern else { return Err(errors) };
    // The token behind the pattern has been looked at, but is no part of it.
    errors.retain(|error| error.span.start < selector.span.end);
    if errors.is_empty() { Ok(selector) } else { Err(errors) }
}

fn check_length(source: &str) -> Result<(), Vec<SyntaxError>> {
    if source.len() <= MAX_SOURCE {
        return Ok(());
    }
    let message =
        format!("a source of {} bytes is too long: at most {MAX_SOURCE} can be parsed", source.len());
    Err(vec![SyntaxError::new(Span::default(), message)])
}

fn finished<T>(parser: Parser<'_>, result: Option<T>) -> Result<T, Vec<SyntaxError>> {
    let errors = parser.lexer.errors.into_list();
    match result {
        Some(result) if errors.is_empty() => Ok(result),
        _ => Err(errors),
    }
}

/// What a REPL does with what has been typed so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Completeness {
    /// Evaluate it.
    Complete,
    /// Ask for another line: nothing is wrong with it but its end.
    Incomplete,
    /// Show the errors.
    Wrong(Vec<SyntaxError>),
}

/// Is this the whole of a do-it, its beginning, or neither?
pub fn completeness(source: &str) -> Completeness {
    match parse_doit(source) {
        Ok(_) => Completeness::Complete,
        Err(errors) if errors.first().is_some_and(|error| error.is_at_end) => Completeness::Incomplete,
        Err(errors) => Completeness::Wrong(errors),
    }
}
