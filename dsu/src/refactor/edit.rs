//! Exact ranges of a method's text replaced.
//!
//! [exact-ranges] What no edit names stays byte for byte: comments, layout, and what stands in strings.

use instar_interp::source::{MethodDef, SourceFile};
use instar_interp::syntax::Span;

/// Edits of one method, in any order; spans are those of its file.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits(Vec<(Span, String)>);

impl Edits {
    pub(super) fn replace(&mut self, span: Span, text: impl Into<String>) {
        self.0.push((span, text.into()));
    }

    pub(super) fn insert(&mut self, at: u32, text: impl Into<String>) {
        self.0.push((Span::new(at, at), text.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Is there an edit of this text?
    pub(super) fn covers(&self, span: Span) -> bool {
        self.0.iter().any(|(known, _)| *known == span)
    }

    /// The method behind the edits, none of which may overlap or cross the border between pattern and body.
    pub(super) fn applied_to(mut self, method: &MethodDef) -> MethodDef {
        // What is inserted at a place stands before what replaces the text there.
        self.0.sort_by_key(|(span, _)| (span.start, span.end));
        let pattern = self.part(method, method.pattern, true);
        let body = self.part(method, method.body, false);
        method_of(method, &pattern, &body)
    }

    fn part(&self, method: &MethodDef, part: Span, is_pattern: bool) -> String {
        let text = &method.file.text;
        let mut out = String::new();
        let mut at = part.start;
        for (span, new) in &self.0 {
            let is_here = if is_pattern { span.start < part.end } else { span.start >= part.start };
            if is_here && span.start >= at && span.end <= part.end {
                out.push_str(Span::new(at, span.start).of(text));
                out.push_str(new);
                at = span.end;
            }
        }
        out.push_str(Span::new(at, part.end).of(text));
        out
    }
}

/// A method like this one with another text.
pub(super) fn method_of(method: &MethodDef, pattern: &str, body: &str) -> MethodDef {
    let file = SourceFile::new(method.file.path.clone(), format!("{pattern}{body}"));
    let (start, end) = (pattern.len() as u32, (pattern.len() + body.len()) as u32);
    MethodDef {
        side: method.side,
        category: method.category.clone(),
        file,
        pattern: Span::new(0, start),
        body: Span::new(start, end),
    }
}
