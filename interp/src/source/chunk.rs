//! Chunk files: texts that end with exclamation marks; one inside of a text is written twice.
//!
//! A text is evaluated, unless the mark before it stands alone: `!Foo methodsFor: 'x'!` says that methods follow, up to
//! a text of nothing but space. Definitions of classes and traits are messages; they are recognised, so that a chunk
//! file has the same model as every other package. All other texts are kept as do-its.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use memchr::{memchr, memmem};

use super::file::{Place, SourceError, SourceErrors, SourceFile};
use super::message::{Definition, Header, Parts, definition, header};
use super::model::{ClassDef, DoItDef, ExtensionDef, MethodDef, Package, Side, Style, TraitDef};
use crate::syntax::{ExpressionKind, Span, Statement, SyntaxError, parse_doit};

/// Reads a chunk file. The package is named as the file is, without what follows the first period.
///
/// # Errors
/// All that are found.
pub fn parse(file: &Arc<SourceFile>) -> Result<Package, SourceErrors> {
    file.check_length()?;
    let (file, chunks) = chunks(&with_line_feeds(file));
    let name = file.name().split('.').next().unwrap_or_default();
    let mut run =
        Run { file: &file, package: Package::new(name), owners: HashMap::new(), errors: Vec::new() };
    let mut chunks = chunks.into_iter();
    while let Some(chunk) = chunks.next() {
        if !is_blank(&file, chunk) {
            run.statement(chunk);
        } else if let Some(chunk) = chunks.next() {
            run.header(chunk, &mut chunks);
        }
    }
    SourceErrors::check(run.errors)?;
    Ok(run.package)
}

/// Old files end lines with carriage returns alone. Positions stay what they were.
pub(super) fn with_line_feeds(file: &Arc<SourceFile>) -> Arc<SourceFile> {
    if memchr(b'\r', file.text.as_bytes()).is_none() || memchr(b'\n', file.text.as_bytes()).is_some() {
        return file.clone();
    }
    SourceFile::new(file.path.clone(), file.text.replace('\r', "\n"))
}

/// The texts between the marks, and the file that they are spans of: the same, but that doubled marks are single.
fn chunks(file: &Arc<SourceFile>) -> (Arc<SourceFile>, Vec<Span>) {
    let text = &*file.text;
    let bytes = text.as_bytes();
    let has_doubled = memmem::find(bytes, b"!!").is_some();
    let mut single = String::new();
    let mut spans = Vec::new();
    let (mut begin, mut at, mut removed) = (0, 0, 0);
    let mut copied = 0;
    while let Some(length) = memchr(b'!', &bytes[at..]) {
        let mark = at + length;
        at = mark + 1;
        if bytes.get(at) == Some(&b'!') {
            single.push_str(&text[copied..at]);
            at += 1;
            copied = at;
            removed += 1;
            continue;
        }
        spans.push(Span::new(begin as u32, (mark - removed) as u32));
        begin = at - removed;
    }
    spans.push(Span::new(begin as u32, (bytes.len() - removed) as u32));
    if !has_doubled {
        return (file.clone(), spans);
    }
    single.push_str(&text[copied..]);
    (SourceFile::new(file.path.clone(), Cow::Owned(single)), spans)
}

fn is_literal(statement: &Statement<'_>) -> bool {
    matches!(statement.expression().kind, ExpressionKind::Literal(_))
}

fn is_blank(file: &SourceFile, chunk: Span) -> bool {
    chunk.of(&file.text).trim().is_empty()
}

struct Run<'f> {
    file: &'f Arc<SourceFile>,
    package: Package,
    owners: HashMap<String, Owner>,
    errors: Vec<SourceError>,
}

/// Whose methods follow: its index in the package.
#[derive(Clone, Copy)]
enum Owner {
    Class(usize),
    Trait(usize),
    Extension(usize),
}

impl Run<'_> {
    /// A text that is to be evaluated. Space around it belongs to no one.
    fn trimmed(&self, chunk: Span) -> Span {
        let text = chunk.of(&self.file.text);
        let start = chunk.start + (text.len() - text.trim_start().len()) as u32;
        Span::new(start, start + text.trim().len() as u32)
    }

    fn place(&self, span: Span) -> Place {
        Place { file: self.file.clone(), span }
    }

    fn report(&mut self, errors: Vec<SyntaxError>, shift: u32) {
        for mut error in errors {
            error.span = Span::new(error.span.start + shift, error.span.end + shift);
            error.related =
                error.related.map(|(span, label)| (Span::new(span.start + shift, span.end + shift), label));
            self.errors.push(self.file.error(error));
        }
    }

    fn statement(&mut self, chunk: Span) {
        let span = self.trimmed(chunk);
        let text = span.of(&self.file.text);
        let tree = match parse_doit(text) {
            Ok(tree) => tree,
            Err(errors) => return self.report(errors, span.start),
        };
        let found = match tree.body.statements.as_slice() {
            [Statement::Expression(expression)] if tree.body.temporaries.is_empty() => {
                definition(expression, text)
            }
            _ => None,
        };
        match found {
            // Literals do nothing: the string by which a system says that it wrote the file is one.
            None if tree.body.statements.iter().all(is_literal) => {}
            None => self.package.doits.push(DoItDef { place: self.place(span) }),
            Some(Err(error)) => self.report(vec![error], span.start),
            Some(Ok(definition)) => self.define(definition, span),
        }
    }

    fn define(&mut self, definition: Definition, span: Span) {
        let place = self.place(span);
        match definition {
            Definition::Class(parts) => {
                self.owners.insert(parts.name.clone(), Owner::Class(self.package.classes.len()));
                self.package.classes.push(class(parts, place));
            }
            Definition::Trait(parts) => {
                self.owners.insert(parts.name.clone(), Owner::Trait(self.package.traits.len()));
                self.package.traits.push(trait_(parts, place));
            }
            Definition::ClassSide { name, parts } => {
                let (variables, traits) = (parts.instance_variables, parts.traits);
                match self.owners.get(&name) {
                    Some(Owner::Class(index)) => {
                        let class = &mut self.package.classes[*index];
                        (class.class_instance_variables, class.class_traits) = (variables, traits);
                    }
                    Some(Owner::Trait(index)) => {
                        let made = &mut self.package.traits[*index];
                        (made.class_instance_variables, made.class_traits) = (variables, traits);
                    }
                    _ => self.package.doits.push(DoItDef { place }),
                }
            }
            Definition::Comment { name, text } => {
                if !self.comment(&name, text) {
                    self.package.doits.push(DoItDef { place });
                }
            }
        }
    }

    /// Sets the comment of a class or trait of this file.
    fn comment(&mut self, name: &str, text: String) -> bool {
        let comment = match self.owners.get(name) {
            Some(Owner::Class(index)) => &mut self.package.classes[*index].comment,
            Some(Owner::Trait(index)) => &mut self.package.traits[*index].comment,
            _ => return false,
        };
        *comment = Some(text).filter(|text| !text.is_empty());
        true
    }

    /// What follows a mark that stands alone, and the texts that it announces.
    fn header(&mut self, chunk: Span, chunks: &mut impl Iterator<Item = Span>) {
        let span = self.trimmed(chunk);
        let text = span.of(&self.file.text);
        let found = parse_doit(text).and_then(|tree| match tree.body.statements.as_slice() {
            [] => Ok(None),
            [Statement::Expression(expression)] => header(expression).map(Some).map_err(|error| vec![error]),
            _ => Err(vec![SyntaxError::new(tree.span, "expected one message, as in Foo methodsFor: 'x'")]),
        });
        match found {
            Err(errors) => self.report(errors, span.start),
            Ok(None) => {}
            Ok(Some(Header::Methods { name, side, category })) => {
                while let Some(chunk) = chunks.next().filter(|chunk| !is_blank(self.file, *chunk)) {
                    self.method(&name, side, &category, chunk);
                }
            }
            Ok(Some(Header::Comment { name })) => {
                let text = chunks.next().map(|chunk| chunk.of(&self.file.text)).unwrap_or_default();
                let text = text.strip_prefix('\n').unwrap_or(text).to_owned();
                if !self.comment(&name, text) {
                    let message = format!("{name} is not defined in this file, and so cannot be commented");
                    self.errors.push(self.file.error(SyntaxError::new(span, message)));
                }
            }
            Ok(Some(Header::Skip)) => {
                chunks.next();
            }
        }
    }

    fn method(&mut self, name: &str, side: Side, category: &Option<String>, chunk: Span) {
        let span = self.trimmed(chunk);
        let span = Span::new(span.start, chunk.end);
        let method = match MethodDef::in_one_piece(side, category.clone(), self.file, span) {
            Ok(method) => method,
            Err(errors) => return self.errors.extend(errors.into_iter().map(|error| self.file.error(error))),
        };
        let place = self.place(span);
        let extensions = &mut self.package.extensions;
        let owner = *self.owners.entry(name.to_owned()).or_insert_with(|| {
            let style = Style::default();
            extensions.push(ExtensionDef { name: name.to_owned(), methods: Vec::new(), style, place });
            Owner::Extension(extensions.len() - 1)
        });
        match owner {
            Owner::Class(index) => self.package.classes[index].methods.push(method),
            Owner::Trait(index) => self.package.traits[index].methods.push(method),
            Owner::Extension(index) => self.package.extensions[index].methods.push(method),
        }
    }
}

fn class(parts: Parts, place: Place) -> ClassDef {
    let mut class = ClassDef::new(parts.name, parts.superclass, place);
    class.traits = parts.traits;
    class.layout = parts.layout;
    class.instance_variables = parts.instance_variables;
    class.class_variables = parts.class_variables;
    class.class_instance_variables = parts.class_instance_variables;
    class.pools = parts.pools;
    class.filing = parts.filing;
    class.comment = parts.comment;
    class
}

fn trait_(parts: Parts, place: Place) -> TraitDef {
    let mut made = TraitDef::new(parts.name, place);
    made.traits = parts.traits;
    made.instance_variables = parts.instance_variables;
    made.class_instance_variables = parts.class_instance_variables;
    made.filing = parts.filing;
    made.comment = parts.comment;
    made
}
