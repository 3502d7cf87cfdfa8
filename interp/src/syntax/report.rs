//! Errors shown with the lines that they are about.

use std::fmt;

use codespan_reporting::diagnostic::{Diagnostic, Label, Severity};
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term::{self, Config};

use super::SyntaxError;

/// The errors of one source, each with the lines that it is about, as plain text. `name` is the file's, or says where
/// the source comes from.
pub fn render(name: &str, source: &str, errors: &[SyntaxError]) -> String {
    render_as(Severity::Error, name, source, errors)
}

/// As [`render`], of what is suspicious only.
pub fn render_warnings(name: &str, source: &str, warnings: &[SyntaxError]) -> String {
    render_as(Severity::Warning, name, source, warnings)
}

fn render_as(severity: Severity, name: &str, source: &str, errors: &[SyntaxError]) -> String {
    let word = if severity == Severity::Error { "error" } else { "warning" };
    let file = SimpleFile::new(name, source);
    let config = Config::default();
    let mut text = String::new();
    for error in errors {
        let before = text.len();
        if term::emit_to_string(&mut text, &config, &file, &diagnostic(severity, source, error)).is_err() {
            text.truncate(before);
            text.push_str(&format!("{word}: {name}: {}\n", error.message));
        }
    }
    text
}

fn diagnostic(severity: Severity, source: &str, error: &SyntaxError) -> Diagnostic<()> {
    let end = source.len();
    let clamp = |span: super::Span| span.range().start.min(end)..span.range().end.min(end);
    let mut labels = vec![Label::primary((), clamp(error.span))];
    if let Some((span, label)) = error.related {
        labels.push(Label::secondary((), clamp(span)).with_message(label));
    }
    let notes = error.help.iter().map(|help| format!("help: {help}")).collect();
    Diagnostic::new(severity).with_message(&error.message).with_labels(labels).with_notes(notes)
}

/// Errors and their source as [`render`] shows them.
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'a> {
    /// Of the file.
    pub name: &'a str,
    /// What was parsed.
    pub source: &'a str,
    /// What was answered.
    pub errors: &'a [SyntaxError],
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&render(self.name, self.source, self.errors))
    }
}
