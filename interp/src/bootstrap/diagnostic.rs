//! What is wrong, or suspicious, in packages: each with its place.

use std::fmt;
use std::sync::Arc;

use crate::source::{Place, SourceFile};
use crate::syntax::{SyntaxError, line_and_column, render, render_warnings};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The package cannot be loaded.
    Error,
    /// It can, but something in it will hardly work.
    Warning,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file; one without a text stands for a place that is none.
    pub file: Arc<SourceFile>,
    /// What it is and where in the file.
    pub error: SyntaxError,
}

impl Diagnostic {
    /// An error at this place of a file.
    pub fn error(file: &Arc<SourceFile>, error: SyntaxError) -> Diagnostic {
        Diagnostic { severity: Severity::Error, file: file.clone(), error }
    }

    /// A warning.
    pub fn warning(file: &Arc<SourceFile>, error: SyntaxError) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, file: file.clone(), error }
    }

    /// An error about a definition as a whole: it points at its first line.
    pub(super) fn at(place: &Place, message: String) -> Diagnostic {
        let mut span = place.span;
        let first_line = span.of(&place.file.text).lines().next().map_or(0, str::len) as u32;
        span.end = span.start + first_line;
        Diagnostic::error(&place.file, SyntaxError::new(span, message))
    }

    /// With advice on how to mend it.
    #[must_use]
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.error = self.error.with_help(help);
        self
    }

    /// Whether nothing can be loaded that has it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// One line: file, line, column, what it is, and the advice.
    pub fn brief(&self) -> String {
        let word = if self.is_error() { "error" } else { "warning" };
        let (line, column) = line_and_column(&self.file.text, self.error.span.start);
        let help = self.error.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
        format!("{}:{line}:{column}: {word}: {}{help}", self.file.path, self.error.message)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let render = if self.is_error() { render } else { render_warnings };
        formatter.write_str(&render(&self.file.path, &self.file.text, std::slice::from_ref(&self.error)))
    }
}

/// The errors among findings as one text; `None` if there are none.
pub fn errors_of(found: &[Diagnostic]) -> Option<String> {
    let text: String = found.iter().filter(|one| one.is_error()).map(Diagnostic::to_string).collect();
    (!text.is_empty()).then_some(text)
}
