//! Where methods stand in files, for stack traces.
//!
//! A method's source is what Smalltalk sees: its pattern and body, which in some formats are two places of a file. An [`Origin`] maps
//! offsets in the one to lines of the other. A method that the guest compiles again from an unchanged source (when its class gets another shape, say)
//! inherits the origin.

use std::sync::Arc;

use super::Space;
use super::lookup::method_at;
use super::space::Root;
use crate::objects::Value;
use crate::objects::layout::{behavior, class, compiled};
use crate::source::{DoItDef, MethodDef, SourceFile};
use crate::syntax::{Span, SyntaxError, line_and_column};

/// The place of a source in a file: two pieces, one behind the other in the source.
#[derive(Clone, Debug)]
pub struct Origin {
    file: Arc<SourceFile>,
    first: Span,
    second: Span,
}

impl Origin {
    /// Of a method.
    pub fn of_method(def: &MethodDef) -> Origin {
        Origin { file: def.file.clone(), first: def.pattern, second: def.body }
    }

    /// Of a do-it in a chunk file.
    pub fn of_doit(def: &DoItDef) -> Origin {
        Origin::of_part(&def.place.file, def.place.span)
    }

    /// Of a source that is one part of a file.
    pub fn of_part(file: &Arc<SourceFile>, span: Span) -> Origin {
        Origin { file: file.clone(), first: span, second: Span::new(span.end, span.end) }
    }

    /// The file.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// The byte of the file that byte `offset` of the source is.
    pub fn at(&self, offset: u32) -> u32 {
        let pattern = self.first.end - self.first.start;
        if offset < pattern { self.first.start + offset } else { self.second.start + (offset - pattern) }
    }

    /// The line of the file, from 1, that byte `offset` of the source stands on.
    pub fn line(&self, offset: u32) -> usize {
        line_and_column(&self.file.text, self.at(offset)).0
    }

    /// An error in the source, with the places in the file instead.
    #[must_use]
    pub fn relocated(&self, mut error: SyntaxError) -> SyntaxError {
        let map = |span: Span| {
            // The end belongs to the piece that the last byte stands in.
            let start = self.at(span.start);
            let end = if span.start == span.end { start } else { self.at(span.end - 1) + 1 };
            Span::new(start, end.max(start))
        };
        error.span = map(error.span);
        error.related = error.related.map(|(span, label)| (map(span), label));
        error
    }
}

impl Space {
    /// The origin of a method.
    pub(crate) fn origin_of(&self, method: Value<'_>) -> Option<&Origin> {
        let number = method.slot(compiled::CODE)?.as_index()?;
        self.roots.codes.get(number).filter(|code| code.method == method.oop())?.origin.as_ref()
    }

    /// The origin of the method that the class of the same name has now for the same selector, if its source is the same.
    pub(super) fn inherited_origin(&self, holder: Root, selector: Root, source: &str) -> Option<Origin> {
        let holder = self.rooted(holder);
        let instance_side = self.instance_side(holder);
        let name = instance_side.slot(class::NAME)?.text()?;
        let current = self.class_named(&name)?;
        let is_meta = instance_side.oop() != holder.oop();
        let current = if is_meta { current.class() } else { current };
        let dict = current.slot(behavior::METHOD_DICT)?;
        let method = method_at(dict, self.rooted(selector).oop())?;
        let origin = self.origin_of(method)?;
        (method.slot(compiled::SOURCE)?.text()? == source).then(|| origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Side;

    #[test]
    fn both_pieces_of_a_method_are_found_in_the_file() {
        let text = "Foo >> at: x\n\n[\n\t^ x\n]";
        let file = SourceFile::new("Foo.class.st", text);
        let def = MethodDef {
            side: Side::Instance,
            category: None,
            file,
            pattern: Span::new(7, 12),
            body: Span::new(15, 21),
        };
        let origin = Origin::of_method(&def);
        assert_eq!(def.source(), "at: x\n\t^ x");
        assert_eq!((origin.line(0), origin.line(4), origin.line(7)), (1, 1, 4));
        let error = origin.relocated(SyntaxError::new(Span::new(7, 10), "x"));
        assert_eq!(error.span.of(text), "^ x");
    }
}
