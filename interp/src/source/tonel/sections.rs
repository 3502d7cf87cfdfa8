//! Files of many sections in the syntax of Tonel, for formats that are made of it: definitions (`Word { … }`), some of them with code in
//! brackets behind it, and methods of any class, in any order.
//!
//! After an error the next section or method is looked for, so that several are reported in one run.

use std::sync::Arc;

use memchr::memchr;

use super::read::Run;
use super::split::{body_end, next_method};
use crate::source::file::{Place, SourceError, SourceFile};
use crate::source::model::MethodDef;
use crate::source::ston::Item;
use crate::syntax::{MAX_ERRORS, Span, SyntaxError};

/// Keys that may stand at the head of a method.
const METHOD_KEYS: [&str; 3] = ["category", "package", "undecided"];

/// What a file is made of.
#[derive(Debug)]
pub enum Part {
    /// A definition.
    Section(Section),
    /// A method.
    Method(OwnedMethod),
}

/// `Word { … } [ … ]`
#[derive(Debug)]
pub struct Section {
    /// What stands before it in double quotes.
    pub comment: Option<String>,
    /// Its first word.
    pub word: String,
    /// The map behind it.
    pub map: Item,
    /// What stands between the brackets behind the map, if there are any.
    pub code: Option<Span>,
    /// From its word to its last bracket.
    pub place: Place,
}

/// A method, and whose it is.
#[derive(Debug)]
pub struct OwnedMethod {
    /// Name of the class or trait, without its side.
    pub owner: String,
    /// The method.
    pub method: MethodDef,
    /// `#package` at its head.
    pub package: Option<String>,
    /// `#undecided` at its head.
    pub undecided: Vec<String>,
}

/// Reads a file whose sections begin with one of these words. Answers what could be read, and what is wrong with the rest.
pub fn read(file: &Arc<SourceFile>, words: &[&str]) -> (Vec<Part>, Vec<SourceError>) {
    if let Err(errors) = file.check_length() {
        return (Vec::new(), errors.0);
    }
    let mut run = Run::new(file);
    let mut parts = Vec::new();
    loop {
        run.reader.skip_space();
        if run.reader.is_at_end() || run.errors.len() >= MAX_ERRORS {
            return (parts, run.errors);
        }
        let start = run.reader.at;
        match part(&mut run, words) {
            Ok(part) => parts.push(part),
            Err(error) => {
                run.errors.push(file.error(error));
                let from = run.behind(start);
                run.reader.at = next_part(run.text, from, words);
            }
        }
    }
}

fn part(run: &mut Run<'_>, words: &[&str]) -> Result<Part, SyntaxError> {
    let comment = run.comment()?;
    run.reader.skip_space();
    let start = run.reader.at;
    if begins_section(&run.text[start..], words) {
        return section(run, comment).map(Part::Section);
    }
    if comment.is_some() {
        let expected = format!("one of {} behind the comment", words.join(", "));
        return Err(run.reader.unexpected(&expected));
    }
    let first = run.text[start..].chars().next().unwrap_or_default();
    let is_method = first == '{' || first == '_' || first.is_ascii_alphabetic();
    let line = run.text[start..].lines().next().unwrap_or_default();
    if !is_method || (first != '{' && !line.contains(">>")) {
        let error = run.reader.unexpected("a section or a method");
        let help =
            format!("sections begin with one of {}; a method is written Foo >> bar [ … ]", words.join(", "));
        return Err(error.with_help(help));
    }
    let headed = run.method(None, &METHOD_KEYS)?;
    Ok(Part::Method(OwnedMethod {
        owner: headed.owner,
        method: headed.method,
        package: headed.package,
        undecided: headed.undecided,
    }))
}

fn section(run: &mut Run<'_>, comment: Option<String>) -> Result<Section, SyntaxError> {
    let start = run.reader.at;
    let word = run.word().to_owned();
    let map = run.reader.value()?;
    let mut end = run.reader.at;
    run.reader.skip_space();
    let mut code = None;
    if run.reader.peek() == b'[' {
        let opening = run.reader.at;
        let Some(close) = body_end(run.text.as_bytes(), opening + 1) else {
            let error = SyntaxError::new(run.reader.here(), format!("this code of the {word} is not closed"));
            return Err(error.with_help(
                "brackets in strings, comments and behind $ do not count; a quote may be missing too",
            ));
        };
        code = Some(Span::new(opening as u32 + 1, close as u32));
        end = close + 1;
    }
    run.reader.at = end;
    let place = Place { file: run.file.clone(), span: run.reader.span_from(start) };
    Ok(Section { comment, word, map, code, place })
}

/// Does the text begin with a word of these and a map?
fn begins_section(text: &str, words: &[&str]) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let word = text.find(|letter| !is_part(letter)).map_or(text, |end| &text[..end]);
    words.contains(&word) && text[word.len()..].trim_start().starts_with('{')
}

/// Where the next line begins that looks like the start of a part.
fn next_part(text: &str, from: usize, words: &[&str]) -> usize {
    let method = next_method(text, from);
    let mut at = from;
    while at < method {
        let is_line_start = at == 0 || text.as_bytes()[at - 1] == b'\n';
        if is_line_start && begins_section(&text[at..], words) {
            return at;
        }
        match memchr(b'\n', &text.as_bytes()[at..]) {
            Some(length) => at += length + 1,
            None => break,
        }
    }
    method
}
