//! Reads one Tonel file: a comment, a definition, methods. After an error in one method the next one is looked for, so
//! that several are reported in one run.

use std::sync::Arc;

use memchr::memchr;

use super::TonelFile;
use super::split::{body_end, next_method, pattern_end, swallows_methods};
use crate::source::fields::Fields;
use crate::source::file::{Place, SourceError, SourceErrors, SourceFile};
use crate::source::model::{ClassDef, ExtensionDef, MethodDef, Side, Style, TraitDef};
use crate::source::ston::{Item, Reader, Value};
use crate::syntax::{Span, SyntaxError, line_and_column};

const CLASS_KEYS: [&str; 12] = [
    "name",
    "superclass",
    "traits",
    "classTraits",
    "type",
    "instVars",
    "classVars",
    "pools",
    "classInstVars",
    "category",
    "package",
    "tag",
];

const TRAIT_KEYS: [&str; 8] =
    ["name", "traits", "classTraits", "instVars", "classInstVars", "category", "package", "tag"];

/// Reads a file.
pub(super) fn read(file: &Arc<SourceFile>) -> Result<TonelFile, SourceErrors> {
    file.check_length()?;
    let mut run = Run::new(file);
    let definition = run.file_contents();
    match definition {
        Ok(Some(definition)) if run.errors.is_empty() => Ok(definition),
        Err(error) => {
            run.errors.push(file.error(error));
            Err(SourceErrors(run.errors))
        }
        _ => Err(SourceErrors(run.errors)),
    }
}

pub(super) struct Run<'f> {
    pub(super) file: &'f Arc<SourceFile>,
    pub(super) text: &'f str,
    pub(super) reader: Reader<'f>,
    pub(super) errors: Vec<SourceError>,
}

/// A method with what stands at its head.
pub(super) struct Headed {
    pub(super) method: MethodDef,
    pub(super) owner: String,
    /// `#package` and `#undecided`, where they are allowed.
    pub(super) package: Option<String>,
    pub(super) undecided: Vec<String>,
}

impl<'f> Run<'f> {
    pub(super) fn new(file: &'f Arc<SourceFile>) -> Run<'f> {
        let text = &*file.text;
        let start = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
        Run { file, text, reader: Reader::new(text, start), errors: Vec::new() }
    }

    /// Nothing where an error has been reported that could be passed over.
    fn file_contents(&mut self) -> Result<Option<TonelFile>, SyntaxError> {
        self.reader.skip_space();
        let comment = self.comment()?;
        self.reader.skip_space();
        let start = self.reader.at;
        let kind = self.word();
        let expected = "Class, Trait, Extension or Package and its definition in braces";
        self.reader.skip_space();
        if !["Class", "Trait", "Extension", "Package"].contains(&kind) || self.reader.peek() != b'{' {
            self.reader.at = start;
            return Err(self.reader.unexpected(expected));
        }
        let map = self.reader.value()?;
        let place = Place { file: self.file.clone(), span: self.reader.span_from(start) };
        let style = self.style(&map);
        let definition = match kind {
            "Class" => self.class(map, comment, style, place).map(TonelFile::Class),
            "Trait" => self.trait_(map, comment, style, place).map(TonelFile::Trait),
            "Extension" => self.extension(map, style, place).map(TonelFile::Extension),
            _ => {
                let name = Fields::new(self.file, &mut self.errors, map, &["name"]).text("name");
                if name.is_none() && self.errors.is_empty() {
                    return Err(SyntaxError::new(place.span, "the name of the package is missing"));
                }
                name.map(|name| TonelFile::Package { name, comment, style })
            }
        };
        if kind == "Package" {
            self.reader.skip_space();
            if !self.reader.is_at_end() {
                return Err(self.reader.unexpected("nothing behind the package's definition"));
            }
        }
        Ok(definition)
    }

    /// A comment in double quotes, if one stands here; the line ends behind and before its quotes are none of its own.
    pub(super) fn comment(&mut self) -> Result<Option<String>, SyntaxError> {
        if self.reader.peek() != b'"' {
            return Ok(None);
        }
        let opening = self.reader.here();
        let begin = self.reader.at + 1;
        let mut at = begin;
        let end = loop {
            let Some(length) = memchr(b'"', &self.text.as_bytes()[at..]) else {
                return Err(SyntaxError::new(opening, "this comment is not closed")
                    .with_help("a double quote inside of a comment is written twice"));
            };
            at += length + 1;
            if self.text.as_bytes().get(at) != Some(&b'"') {
                break at - 1;
            }
            at += 1;
        };
        self.reader.at = at;
        let inside = &self.text[begin..end];
        let inside = inside.strip_prefix("\r\n").or(inside.strip_prefix('\n')).unwrap_or(inside);
        let inside = inside.strip_suffix("\r\n").or(inside.strip_suffix('\n')).unwrap_or(inside);
        Ok(Some(inside.replace("\"\"", "\"")))
    }

    pub(super) fn word(&mut self) -> &'f str {
        let start = self.reader.at;
        while self.reader.peek().is_ascii_alphanumeric() || self.reader.peek() == b'_' {
            self.reader.at += 1;
        }
        &self.text[start..self.reader.at]
    }

    fn style(&self, map: &Item) -> Style {
        let crlf = memchr(b'\n', self.text.as_bytes()).is_some_and(|at| self.text[..at].ends_with('\r'));
        let mut style = Style { crlf, ..Style::default() };
        if let Value::Map(entries) = &map.value
            && let Some((key, value)) = entries.first()
        {
            style.string_keys = matches!(key.value, Value::String(_));
            style.string_values = matches!(value.value, Value::String(_));
        }
        style
    }

    fn class(
        &mut self,
        map: Item,
        comment: Option<String>,
        mut style: Style,
        place: Place,
    ) -> Option<ClassDef> {
        let mut fields = Fields::new(self.file, &mut self.errors, map, &CLASS_KEYS);
        style.string_values = fields.is_string("name");
        let name = fields.name("name");
        let superclass = fields.superclass("superclass");
        let mut class = ClassDef::new(name.as_deref().unwrap_or_default(), superclass, place);
        class.traits = fields.composition("traits");
        class.class_traits = fields.composition("classTraits");
        class.layout = fields.layout("type");
        class.instance_variables = fields.names("instVars");
        class.class_variables = fields.names("classVars");
        class.pools = fields.names("pools");
        class.class_instance_variables = fields.names("classInstVars");
        class.filing = fields.filing();
        (class.comment, class.style) = (comment, style);
        class.methods = self.methods(name.as_deref());
        name.map(|_| class)
    }

    fn trait_(
        &mut self,
        map: Item,
        comment: Option<String>,
        mut style: Style,
        place: Place,
    ) -> Option<TraitDef> {
        let mut fields = Fields::new(self.file, &mut self.errors, map, &TRAIT_KEYS);
        style.string_values = fields.is_string("name");
        let name = fields.name("name");
        let mut made = TraitDef::new(name.as_deref().unwrap_or_default(), place);
        made.traits = fields.composition("traits");
        made.class_traits = fields.composition("classTraits");
        made.instance_variables = fields.names("instVars");
        made.class_instance_variables = fields.names("classInstVars");
        made.filing = fields.filing();
        (made.comment, made.style) = (comment, style);
        made.methods = self.methods(name.as_deref());
        name.map(|_| made)
    }

    fn extension(&mut self, map: Item, style: Style, place: Place) -> Option<ExtensionDef> {
        let name = Fields::new(self.file, &mut self.errors, map, &["name"]).name("name");
        let methods = self.methods(name.as_deref());
        name.map(|name| ExtensionDef { name, methods, style, place })
    }

    /// All methods to the end of the file.
    fn methods(&mut self, owner: Option<&str>) -> Vec<MethodDef> {
        let mut methods = Vec::new();
        loop {
            self.reader.skip_space();
            if self.reader.is_at_end() {
                return methods;
            }
            let start = self.reader.at;
            match self.method(owner, &["category"]) {
                Ok(headed) => methods.push(headed.method),
                Err(error) => {
                    self.errors.push(self.file.error(error));
                    if self.errors.len() >= crate::syntax::MAX_ERRORS {
                        return methods;
                    }
                    self.reader.at = next_method(self.text, self.behind(start));
                }
            }
        }
    }

    /// Where to go on after an error: behind `start`, and not before where the reader stands.
    pub(super) fn behind(&self, start: usize) -> usize {
        let from = self.reader.at.max(start + 1);
        let is_inside = |at: &usize| !self.text.is_char_boundary(*at);
        from + (from..).take_while(is_inside).count()
    }

    /// A method; only the known keys may stand at its head.
    pub(super) fn method(&mut self, owner: Option<&str>, keys: &[&str]) -> Result<Headed, SyntaxError> {
        let (mut category, mut package, mut undecided) = (None, None, Vec::new());
        if self.reader.peek() == b'{' {
            let map = self.reader.value()?;
            let mut fields = Fields::new(self.file, &mut self.errors, map, keys);
            category = fields.text("category");
            package = fields.text("package");
            undecided = fields.texts("undecided");
            self.reader.skip_space();
        }
        let (side, owner) = self.owner(owner)?;
        self.reader.skip_space();
        let start = self.reader.at;
        let bytes = self.text.as_bytes();
        let opening = pattern_end(bytes, start);
        // Where another method begins before it, the bracket belongs to that one.
        let opening = opening.filter(|at| next_method(&self.text[..*at], start) == *at);
        let Some(opening) = opening else {
            return Err(self.reader.unexpected("a method's pattern and [ before its body"));
        };
        let pattern = self.text[start..opening].trim_end();
        let pattern = Span::new(start as u32, (start + pattern.len()) as u32);
        let Some(end) = body_end(bytes, opening + 1) else { return Err(self.unclosed(pattern, opening)) };
        let body = Span::new(opening as u32 + 1, end as u32);
        if swallows_methods(self.text, pattern, body) {
            return Err(self.unclosed(pattern, opening));
        }
        self.reader.at = end + 1;
        let method = MethodDef { side, category, file: self.file.clone(), pattern, body };
        Ok(Headed { method, owner: owner.to_owned(), package, undecided })
    }

    /// `Foo >>` or `Foo class >>`
    fn owner(&mut self, owner: Option<&str>) -> Result<(Side, &'f str), SyntaxError> {
        let start = self.reader.at;
        let name = self.word();
        if name.is_empty() {
            let error = self.reader.unexpected("a method, as in Foo >> bar [ … ]");
            return Err(error.with_help("brackets of the method before may not match"));
        }
        let span = self.reader.span_from(start);
        self.reader.skip_space();
        let begin = self.reader.at;
        let side = match self.word() {
            "" => Side::Instance,
            "class" | "classSide" => Side::Class,
            _ => {
                self.reader.at = begin;
                return Err(self.reader.unexpected(">> or class >>"));
            }
        };
        self.reader.skip_space();
        if !self.text[self.reader.at..].starts_with(">>") {
            return Err(self.reader.unexpected(">> and the method's pattern"));
        }
        self.reader.at += 2;
        match owner {
            Some(owner) if owner != name => {
                let message = format!("this method belongs to {name}, but the file defines {owner}");
                let error = SyntaxError::new(span, message);
                Err(error.with_help(format!("move it into the file of {name}, or write {owner} >>")))
            }
            _ => Ok((side, name)),
        }
    }

    /// The method whose body has no end. Reading goes on with what looks like the next one.
    fn unclosed(&mut self, pattern: Span, opening: usize) -> SyntaxError {
        let next = next_method(self.text, opening);
        let end = opening + self.text[opening..next].trim_end().len();
        self.reader.at = next.max(opening + 1);
        let (line, _) = line_and_column(self.text, opening as u32);
        let message =
            format!("expected ] to close the method {} opened at line {line}", pattern.of(self.text));
        SyntaxError::new(Span::new(end as u32, end as u32), message)
            .with_related(Span::new(opening as u32, opening as u32 + 1), "opened here")
            .with_help("brackets in strings, comments and behind $ do not count; a quote may be missing too")
    }
}
