//! What is wrong with a source, and where.

use std::fmt;

use super::Span;
use super::span::line_and_column;

/// At most so many errors are reported of one source; what follows them is not looked at.
pub const MAX_ERRORS: usize = 20;

/// One error in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The place that is wrong; empty where something is missing.
    pub span: Span,
    /// What is wrong: one line, no full stop.
    pub message: String,
    /// Another place that the message is about, and what it is.
    pub related: Option<(Span, &'static str)>,
    /// How to mend it.
    pub help: Option<String>,
    /// Could the source become right by going on? The input of a REPL is incomplete if its first error says so.
    pub is_at_end: bool,
}

impl SyntaxError {
    /// An error at this place.
    pub fn new(span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError { span, message: message.into(), related: None, help: None, is_at_end: false }
    }

    /// With advice on how to mend it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> SyntaxError {
        self.help = Some(help.into());
        self
    }

    /// With a second place.
    #[must_use]
    pub fn with_related(mut self, span: Span, label: &'static str) -> SyntaxError {
        self.related = Some((span, label));
        self
    }

    /// `line:column: message`, for one-line reports. [`render`](super::render) shows the source too.
    pub fn brief(&self, source: &str) -> String {
        let (line, column) = line_and_column(source, self.span.start);
        format!("{line}:{column}: {}", self.message)
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

/// The errors of one run.
#[derive(Debug, Default)]
pub(super) struct Errors {
    list: Vec<SyntaxError>,
    is_closed: bool,
}

impl Errors {
    pub(super) fn report(&mut self, error: SyntaxError) {
        // Two errors at one place are one mistake.
        if self.is_closed || self.list.iter().any(|known| known.span.start == error.span.start) {
            return;
        }
        self.list.push(error);
        self.is_closed = self.list.len() == MAX_ERRORS;
    }

    /// No more errors are taken: what would follow is about the same mistake.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Is it known that something goes on behind the end?
    pub(super) fn is_about_end(&self) -> bool {
        self.list.iter().any(|error| error.is_at_end)
    }

    /// In source order.
    pub(super) fn into_list(self) -> Vec<SyntaxError> {
        let mut list = self.list;
        list.sort_by_key(|error| error.span.start);
        list
    }
}
