//! What a half-typed name may become: variables of a session, globals, selectors of methods.

use std::collections::BTreeSet;

use super::Session;
use crate::objects::Special;
use crate::objects::Value;
use crate::objects::layout::{association, compiled, hashed};

/// The most that are offered.
const MOST: usize = 200;

/// Where the name begins that is being typed, and what it may become, in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// A byte of the line.
    pub start: usize,
    /// Whole names.
    pub names: Vec<String>,
}

impl Session {
    /// Completions of the name that ends at byte `position` of a line.
    pub fn complete(&self, line: &str, position: usize) -> Completions {
        let before = line.get(..position).unwrap_or(line);
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let start = before
            .rfind(|character| !is_part(character))
            .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8));
        let prefix = &before[start..];
        if prefix.is_empty() {
            return Completions { start, names: Vec::new() };
        }
        let mut names: BTreeSet<String> = self.variables().into_iter().collect();
        if prefix.starts_with(char::is_uppercase) {
            names.extend(self.globals());
        } else {
            names.extend(self.selectors());
        }
        let names = names.into_iter().filter(|name| name.starts_with(prefix) && name != prefix);
        Completions { start, names: names.take(MOST).collect() }
    }

    fn globals(&self) -> Vec<String> {
        let space = self.space();
        let globals = space.value(space.special(Special::Globals));
        let Some(array) = globals.slot(hashed::ARRAY) else { return Vec::new() };
        let name = |at| array.slot(at)?.slot(association::KEY)?.text();
        (0..array.slots()).filter_map(name).collect()
    }

    /// First parts of the selectors of all methods.
    fn selectors(&self) -> BTreeSet<String> {
        let space = self.space();
        let methods = space.roots.codes.methods().filter(|method| method.is_pointer());
        let selector = |method| space.value(method).slot(compiled::SELECTOR).and_then(Value::text);
        let first = |selector: String| match selector.find(':') {
            Some(colon) => selector[..=colon].to_owned(),
            None => selector,
        };
        methods.filter_map(selector).map(first).collect()
    }
}
