//! Writes packages as Tonel, in the layout that Pharo gives it. What is normalised is listed in `docs/source-formats.md`.

use super::split::{body_end, pattern_end, swallows_methods};
use crate::source::composition::Composition;
use crate::source::file::{SourceError, SourceErrors};
use crate::source::model::{
    ClassDef, ExtensionDef, Filing, Layout, MethodDef, Package, Side, Style, TraitDef, trimmed_end,
};
use crate::source::ston::{is_identifier, write_string, write_symbol};
use crate::syntax::{MAX_SOURCE, Span};

/// The files of a package: paths relative to the folder that the package's own folder stands in, and texts.
///
/// # Errors
/// What Tonel cannot express: names that are none, methods whose brackets do not match, do-its.
pub fn write(package: &Package) -> Result<Vec<(String, String)>, SourceErrors> {
    let folder = &package.name;
    let mut errors = Vec::new();
    let mut files = vec![(format!("{folder}/package.st"), package_file(package))];
    if folder.is_empty() || folder.starts_with('.') || folder.contains(['/', '\\', '\0']) {
        errors.push(refused(folder, "this name of a package cannot name a folder"));
    }
    if !package.doits.is_empty() {
        errors.push(refused(folder, "Tonel has no place for statements to be evaluated: make them a method"));
    }
    let mut add =
        |name: &str, kind: &str, text: String| files.push((format!("{folder}/{name}.{kind}.st"), text));
    for class in &package.classes {
        add(&class.name, "class", class_file(class, &mut errors));
    }
    for made in &package.traits {
        add(&made.name, "trait", trait_file(made, &mut errors));
    }
    for extension in &package.extensions {
        add(&extension.name, "extension", extension_file(extension, &mut errors));
    }
    SourceErrors::check(errors)?;
    Ok(files)
}

/// A method as it stands in a file, and what of it would be read as something else.
pub fn write_method(owner: &str, method: &MethodDef) -> (String, Vec<SourceError>) {
    let (mut out, mut errors) = (Out::new(Style::default()), Vec::new());
    out.method(owner, method, &mut errors);
    (out.text, errors)
}

fn refused(path: &str, message: impl Into<String>) -> SourceError {
    SourceError::Layout { path: path.to_owned(), message: message.into() }
}

/// A file that is being written.
struct Out {
    text: String,
    style: Style,
    /// Has the definition an entry yet?
    is_begun: bool,
}

impl Out {
    fn new(style: Style) -> Out {
        Out { text: String::new(), style, is_begun: false }
    }

    fn line_end(&mut self) {
        self.text.push_str(if self.style.crlf { "\r\n" } else { "\n" });
    }

    fn comment(&mut self, comment: Option<&str>) {
        let Some(comment) = comment else { return };
        self.text.push('"');
        self.line_end();
        self.text.push_str(&comment.replace('"', "\"\""));
        self.line_end();
        self.text.push('"');
        self.line_end();
    }

    fn key(&mut self, key: &str) {
        let quote = if self.style.string_keys { ("'", "'") } else { ("#", "") };
        self.text.push_str(&format!("{}{key}{} : ", quote.0, quote.1));
    }

    fn name(&mut self, name: &str) {
        if self.style.string_values {
            write_string(name, &mut self.text);
        } else {
            write_symbol(name, &mut self.text);
        }
    }

    /// On one line, as short definitions and methods' metadata are.
    fn inline(&mut self, key: &str, name: &str) {
        self.text.push_str("{ ");
        self.key(key);
        self.name(name);
        self.text.push_str(" }");
        self.line_end();
    }

    fn entry(&mut self, key: &str) {
        if self.is_begun {
            self.text.push(',');
        }
        self.is_begun = true;
        self.line_end();
        self.text.push('\t');
        self.key(key);
    }

    fn optional_name(&mut self, key: &str, name: Option<&str>) {
        if let Some(name) = name {
            self.entry(key);
            self.name(name);
        }
    }

    fn composition(&mut self, key: &str, composition: &Composition) {
        if !composition.is_empty() {
            self.entry(key);
            write_string(&composition.text, &mut self.text);
        }
    }

    fn names(&mut self, key: &str, names: &[String]) {
        if names.is_empty() {
            return;
        }
        self.entry(key);
        self.text.push('[');
        for (index, name) in names.iter().enumerate() {
            self.text.push_str(if index == 0 { "" } else { "," });
            self.line_end();
            self.text.push_str("\t\t");
            write_string(name, &mut self.text);
        }
        self.line_end();
        self.text.push_str("\t]");
    }

    fn filing(&mut self, filing: &Filing) {
        self.optional_name("category", filing.category.as_deref());
        self.optional_name("package", filing.package.as_deref());
        self.optional_name("tag", filing.tag.as_deref());
    }

    fn end_definition(&mut self) {
        self.line_end();
        self.text.push('}');
        self.line_end();
    }

    fn methods(&mut self, owner: &str, methods: &[MethodDef], errors: &mut Vec<SourceError>) {
        if !is_identifier(owner) {
            errors.push(refused(owner, "this is no name of a class or trait"));
        }
        for method in methods {
            self.line_end();
            if let Some(category) = &method.category {
                self.inline("category", category);
            }
            self.method(owner, method, errors);
        }
    }

    fn method(&mut self, owner: &str, method: &MethodDef, errors: &mut Vec<SourceError>) {
        let side = match method.side {
            Side::Instance => "",
            Side::Class => " class",
        };
        self.text.push_str(&format!("{owner}{side} >> "));
        let start = self.text.len();
        let pattern = method.pattern();
        self.text.push_str(pattern);
        self.text.push_str(" [");
        let opening = self.text.len() - 1;
        let body = method.body();
        self.text.push_str(body);
        if trimmed_end(body).len() == body.len() {
            self.line_end();
        }
        let end = self.text.len();
        self.text.push(']');
        if self.text.len() > MAX_SOURCE {
            errors.push(refused(owner, format!("a file has at most {MAX_SOURCE} bytes")));
            return;
        }
        let bytes = self.text.as_bytes();
        let is_read_back = pattern_end(bytes, start) == Some(opening)
            && body_end(bytes, opening + 1) == Some(end)
            && trimmed_end(&self.text[opening + 1..end]) == trimmed_end(body);
        if pattern.trim() != pattern || pattern.is_empty() || !is_read_back {
            let message = format!("the brackets or quotes of {owner}{side} >> {pattern} do not match");
            errors.push(refused(&method.file.path, message));
        } else {
            let span = |start: usize, end: usize| Span::new(start as u32, end as u32);
            let pattern_span = span(start, start + pattern.len());
            if swallows_methods(&self.text, pattern_span, span(opening + 1, end)) {
                let message = format!(
                    "a line of {owner}{side} >> {pattern} looks like another method, and its syntax is wrong"
                );
                errors.push(refused(&method.file.path, message));
            }
        }
        self.line_end();
    }
}

fn package_file(package: &Package) -> String {
    let mut out = Out::new(package.style);
    out.comment(package.comment.as_deref());
    out.text.push_str("Package ");
    out.inline("name", &package.name);
    out.text
}

fn class_file(class: &ClassDef, errors: &mut Vec<SourceError>) -> String {
    let mut out = Out::new(class.style);
    out.comment(class.comment.as_deref());
    out.text.push_str("Class {");
    out.optional_name("name", Some(&class.name));
    match &class.superclass {
        Some(superclass) => out.optional_name("superclass", Some(superclass)),
        None if class.style.string_values => {
            out.entry("superclass");
            out.text.push_str("nil");
        }
        None => out.optional_name("superclass", Some("nil")),
    }
    out.composition("traits", &class.traits);
    out.composition("classTraits", &class.class_traits);
    out.optional_name("type", Some(class.layout.name()).filter(|_| class.layout != Layout::Normal));
    out.names("instVars", &class.instance_variables);
    out.names("classVars", &class.class_variables);
    out.names("pools", &class.pools);
    out.names("classInstVars", &class.class_instance_variables);
    out.filing(&class.filing);
    out.end_definition();
    out.methods(&class.name, &class.methods, errors);
    out.text
}

fn trait_file(made: &TraitDef, errors: &mut Vec<SourceError>) -> String {
    let mut out = Out::new(made.style);
    out.comment(made.comment.as_deref());
    out.text.push_str("Trait {");
    out.optional_name("name", Some(&made.name));
    out.composition("traits", &made.traits);
    out.composition("classTraits", &made.class_traits);
    out.names("instVars", &made.instance_variables);
    out.names("classInstVars", &made.class_instance_variables);
    out.filing(&made.filing);
    out.end_definition();
    out.methods(&made.name, &made.methods, errors);
    out.text
}

fn extension_file(extension: &ExtensionDef, errors: &mut Vec<SourceError>) -> String {
    let mut out = Out::new(extension.style);
    out.text.push_str("Extension ");
    out.inline("name", &extension.name);
    out.methods(&extension.name, &extension.methods, errors);
    out.text
}
