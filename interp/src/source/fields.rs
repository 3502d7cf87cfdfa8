//! Metadata taken apart key by key. What is missing, unknown or of the wrong sort is reported with its place and what
//! to do.

use std::collections::HashSet;
use std::sync::Arc;

use super::composition::Composition;
use super::file::{SourceError, SourceFile};
use super::model::{Filing, Layout};
use super::ston::{Item, Value, is_identifier};
use crate::syntax::{Span, SyntaxError};

/// The entries of one map, each taken once.
#[derive(Debug)]
pub struct Fields<'a> {
    file: &'a Arc<SourceFile>,
    errors: &'a mut Vec<SourceError>,
    /// Of the whole map.
    span: Span,
    entries: Vec<(String, Item)>,
}

impl<'a> Fields<'a> {
    /// Only the `known` keys may stand in the map, each once.
    pub fn new(
        file: &'a Arc<SourceFile>,
        errors: &'a mut Vec<SourceError>,
        map: Item,
        known: &[&str],
    ) -> Fields<'a> {
        let mut fields = Fields { file, errors, span: map.span, entries: Vec::new() };
        let Value::Map(entries) = map.value else {
            fields.report(
                map.span,
                format!("expected a map of keys and values, found {}", map.value.describe()),
                "",
            );
            return fields;
        };
        for (key, value) in entries {
            let (Value::Symbol(name) | Value::String(name)) = key.value else {
                fields.report(key.span, format!("expected a key, found {}", key.value.describe()), "");
                continue;
            };
            if !known.contains(&name.as_str()) {
                let help = format!("remove it; the keys that can stand here are {}", known.join(", "));
                fields.report(key.span, format!("the key {name} is not known here"), &help);
            } else if fields.entries.iter().any(|(known, _)| *known == name) {
                fields.report(key.span, format!("the key {name} is given twice"), "remove one of them");
            } else {
                fields.entries.push((name, value));
            }
        }
        fields
    }

    /// Reports what is wrong; `help` may be empty.
    pub fn report(&mut self, span: Span, message: String, help: &str) {
        let mut error = SyntaxError::new(span, message);
        if !help.is_empty() {
            error = error.with_help(help);
        }
        self.errors.push(self.file.error(error));
    }

    /// Is there a value of this key that was not taken yet?
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    /// The value of this key, whatever it is.
    pub fn take(&mut self, key: &str) -> Option<Item> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.swap_remove(index).1)
    }

    /// Is the value of this key a string?
    pub fn is_string(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, item)| name == key && matches!(item.value, Value::String(_)))
    }

    /// A text, written as a symbol or string.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.text_item(key).map(|(text, _)| text)
    }

    /// One text or several, written as a symbol, a string or a list of them.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(Item { value, span }) = self.take(key) else { return Vec::new() };
        let items = match value {
            Value::List(items) => items,
            value => vec![Item { value, span }],
        };
        items.into_iter().filter_map(|item| self.text_of(item, &format!("the {key}"))).collect()
    }

    /// A map of names and texts, in its order.
    pub fn pairs(&mut self, key: &str) -> Vec<(String, String)> {
        let Some(Item { value, span }) = self.take(key) else { return Vec::new() };
        let Value::Map(entries) = value else {
            let help = format!("write #{key} : {{ #name : 'text' }}");
            self.report(span, format!("expected the {key} as a map, found {}", value.describe()), &help);
            return Vec::new();
        };
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in entries {
            let span = name.span;
            let (Some(name), Some(value)) = (self.text_of(name, "a name"), self.text_of(value, "a text"))
            else {
                continue;
            };
            let Some(name) = self.checked_name(name, span) else { continue };
            if pairs.iter().any(|(known, _)| *known == name) {
                self.report(span, format!("{name} is given twice"), "remove one of them");
            } else {
                pairs.push((name, value));
            }
        }
        pairs
    }

    fn text_of(&mut self, item: Item, what: &str) -> Option<String> {
        match item.value {
            Value::Symbol(text) | Value::String(text) => Some(text),
            other => {
                let message = format!("expected {what} as a symbol or string, found {}", other.describe());
                self.report(item.span, message, "");
                None
            }
        }
    }

    fn text_item(&mut self, key: &str) -> Option<(String, Span)> {
        let Item { value, span } = self.take(key)?;
        match value {
            Value::Symbol(text) | Value::String(text) => Some((text, span)),
            other => {
                let message = format!("expected the {key} as a symbol or string, found {}", other.describe());
                self.report(span, message, "");
                None
            }
        }
    }

    fn checked_name(&mut self, text: String, span: Span) -> Option<String> {
        if is_identifier(&text) {
            return Some(text);
        }
        self.report(span, format!("'{text}' is no name"), "a name has letters, digits and underscores");
        None
    }

    /// The name of a class or trait, which must be there.
    pub fn name(&mut self, key: &str) -> Option<String> {
        if !self.entries.iter().any(|(name, _)| name == key) {
            self.report(self.span, format!("the {key} is missing"), &format!("add #{key} : #Name"));
            return None;
        }
        let (text, span) = self.text_item(key)?;
        self.checked_name(text, span)
    }

    /// The name of the superclass; nil stands for none.
    pub fn superclass(&mut self, key: &str) -> Option<String> {
        let entry = self.entries.iter().find(|(name, _)| name == key);
        let is_nil = entry.is_some_and(|(_, item)| match &item.value {
            Value::Nil => true,
            Value::Symbol(text) | Value::String(text) => text == "nil",
            _ => false,
        });
        if is_nil {
            self.take(key);
            return None;
        }
        if entry.is_none() {
            let help = format!("add #{key} : #Object, or #{key} : #nil for a root");
            self.report(self.span, format!("the {key} is missing"), &help);
            return None;
        }
        self.name(key)
    }

    /// Names of variables or pools.
    pub fn names(&mut self, key: &str) -> Vec<String> {
        let Some(Item { value, span }) = self.take(key) else { return Vec::new() };
        let Value::List(items) = value else {
            self.report(
                span,
                format!("expected the {key} as a list of names, found {}", value.describe()),
                "",
            );
            return Vec::new();
        };
        let mut names: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for Item { value, span } in items {
            let (Value::Symbol(text) | Value::String(text)) = value else {
                self.report(span, format!("expected a name, found {}", value.describe()), "");
                continue;
            };
            if text.contains("=>") {
                let plain = text.split("=>").next().unwrap_or_default().trim().trim_start_matches('#');
                let help =
                    format!("declare a plain variable, '{plain}', and do in methods what the slot did");
                self.report(
                    span,
                    format!("'{text}' is a slot with a class of its own, which is not supported"),
                    &help,
                );
                continue;
            }
            let Some(name) = self.checked_name(text, span) else { continue };
            if seen.insert(name.clone()) {
                names.push(name);
            } else {
                self.report(span, format!("{name} is declared twice"), "remove one of the declarations");
            }
        }
        names
    }

    /// How instances are laid out.
    pub fn layout(&mut self, key: &str) -> Layout {
        let Some((text, span)) = self.text_item(key) else { return Layout::Normal };
        Layout::named(&text).unwrap_or_else(|| {
            let names = Layout::NAMES.map(|(_, name)| name).join(", ");
            self.report(span, format!("{text} is no known {key}"), &format!("write one of {names}"));
            Layout::Normal
        })
    }

    /// A trait composition.
    pub fn composition(&mut self, key: &str) -> Composition {
        let Some((text, span)) = self.text_item(key) else { return Composition::default() };
        match Composition::parse(&text) {
            Ok(composition) => composition,
            Err(errors) => {
                // The composition's own places are lost where the text has escapes; its quotes are found again.
                let inside = self.file.text[span.range()].find(&text).map_or(0, |at| at as u32) + span.start;
                for mut error in errors {
                    let clamp = |at: u32| (inside + at).min(span.end);
                    error.span = Span::new(clamp(error.span.start), clamp(error.span.end));
                    if self.file.text.get(error.span.range()).is_none() {
                        error.span = span;
                    }
                    error.related = None;
                    self.errors.push(self.file.error(error));
                }
                Composition::default()
            }
        }
    }

    /// Category, package and tag.
    pub fn filing(&mut self) -> Filing {
        Filing { category: self.text("category"), package: self.text("package"), tag: self.text("tag") }
    }
}
