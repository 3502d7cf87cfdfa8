//! Files with their texts, places in them, and what is wrong there.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::syntax::{MAX_SOURCE, Span, SyntaxError, line_and_column, render};

/// A source file. Definitions keep it alive and point into it.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As it was asked for, parts separated by `/`.
    pub path: String,
    /// Its text.
    pub text: Cow<'static, str>,
}

impl SourceFile {
    /// A file that is in memory.
    pub fn new(path: impl Into<String>, text: impl Into<Cow<'static, str>>) -> Arc<SourceFile> {
        Arc::new(SourceFile { path: path.into(), text: text.into() })
    }

    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The path without its last part and the separator.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// That it can be read.
    ///
    /// # Errors
    /// If it is too long.
    pub fn check_length(self: &Arc<SourceFile>) -> Result<(), SourceErrors> {
        if self.text.len() <= MAX_SOURCE {
            return Ok(());
        }
        let message =
            format!("a file of {} bytes is too long: at most {MAX_SOURCE} can be read", self.text.len());
        Err(self.error(SyntaxError::new(Span::default(), message)).into())
    }

    /// The error at its place in this file.
    pub fn error(self: &Arc<SourceFile>, error: SyntaxError) -> SourceError {
        SourceError::Text { file: self.clone(), error }
    }
}

/// Where a definition stands. Where something stands is no part of what it is: all places are equal.
#[derive(Clone)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The bytes of it.
    pub span: Span,
}

impl Place {
    /// Nowhere: of what was not read from a file.
    pub fn none() -> Place {
        Place { file: SourceFile::new("", ""), span: Span::default() }
    }
}

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

impl Eq for Place {}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = line_and_column(&self.file.text, self.span.start);
        write!(formatter, "{}:{line}:{column}", self.file.path)
    }
}

/// One reason why sources cannot be read.
#[derive(Debug)]
pub enum SourceError {
    /// A file or folder could not be read.
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A text is wrong.
    Text {
        /// In which file.
        file: Arc<SourceFile>,
        /// What is wrong, and where.
        error: SyntaxError,
    },
    /// The files and folders are not those of a package.
    Layout {
        /// Which one.
        path: String,
        /// What is wrong and what to do.
        message: String,
    },
}

impl fmt::Display for SourceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceError::Io { path, error } => writeln!(formatter, "error: {}: {error}", path.display()),
            SourceError::Layout { path, message } => writeln!(formatter, "error: {path}: {message}"),
            SourceError::Text { file, error } => {
                formatter.write_str(&render(&file.path, &file.text, std::slice::from_ref(error)))
            }
        }
    }
}

impl SourceError {
    /// One line: path, line, column and message.
    pub fn brief(&self) -> String {
        match self {
            SourceError::Text { file, error } => format!("{}:{}", file.path, error.brief(&file.text)),
            other => other.to_string().trim_start_matches("error: ").trim_end().to_owned(),
        }
    }
}

/// All reasons why sources cannot be read; at least one. Shown with the lines that they are about.
#[derive(Debug)]
pub struct SourceErrors(pub Vec<SourceError>);

impl SourceErrors {
    /// Nothing wrong, or what is.
    ///
    /// # Errors
    /// These, if there is one.
    pub fn check(errors: Vec<SourceError>) -> Result<(), SourceErrors> {
        if errors.is_empty() { Ok(()) } else { Err(SourceErrors(errors)) }
    }
}

impl From<SourceError> for SourceErrors {
    fn from(error: SourceError) -> SourceErrors {
        SourceErrors(vec![error])
    }
}

impl fmt::Display for SourceErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|error| error.fmt(formatter))
    }
}

impl std::error::Error for SourceErrors {}
