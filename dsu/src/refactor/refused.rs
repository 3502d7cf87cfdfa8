//! Why a refactoring is not done: the place, what is in the way there, and how to mend it.

use std::fmt;

use instar_interp::source::{MethodDef, SourceFile};
use instar_interp::syntax::{Span, line_and_column};

/// A refactoring that would change what the program does, or cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `file:line:column`, or the class or method, where something is in the way.
    pub place: Option<String>,
    /// What is in the way.
    pub message: String,
    /// How to mend it.
    pub mend: Option<String>,
}

impl Refused {
    /// A refusal without a place.
    pub fn new(message: impl Into<String>) -> Refused {
        Refused { place: None, message: message.into(), mend: None }
    }

    /// With the place in a method.
    #[must_use]
    pub(super) fn at(mut self, method: &MethodDef, span: Span) -> Refused {
        self.place = Some(place(&method.file, span));
        self
    }

    /// With advice.
    #[must_use]
    pub(super) fn mend(mut self, mend: impl Into<String>) -> Refused {
        self.mend = Some(mend.into());
        self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        formatter.write_str(&self.message)?;
        match &self.mend {
            Some(mend) => write!(formatter, "; {mend}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

/// `file:line:column`
pub(super) fn place(file: &SourceFile, span: Span) -> String {
    let (line, column) = line_and_column(&file.text, span.start);
    let path = if file.path.is_empty() { "a method without a file" } else { &file.path };
    format!("{path}:{line}:{column}")
}
