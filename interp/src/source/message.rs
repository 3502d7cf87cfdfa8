//! Definitions that are written as messages: `Object subclass: #Foo instanceVariableNames: '…' …`,
//! `Object << #Foo slots: {…}; …`, `Trait named: #TFoo …`, `Foo class instanceVariableNames: '…'`,
//! `Foo comment: '…'`, and what announces methods in chunk files.

use std::collections::HashSet;

use super::composition::Composition;
use super::model::{Filing, Layout, Side};
use super::ston::is_identifier;
use crate::syntax::{Expression, ExpressionKind, Literal, Message, Send, SyntaxError};

/// What a message defines.
pub(super) enum Definition {
    /// A class.
    Class(Parts),
    /// A trait.
    Trait(Parts),
    /// Variables and traits of the class side.
    ClassSide { name: String, parts: Parts },
    /// A comment.
    Comment { name: String, text: String },
}

/// What a class or trait is made of.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) name: String,
    pub(super) superclass: Option<String>,
    pub(super) layout: Layout,
    pub(super) traits: Composition,
    pub(super) instance_variables: Vec<String>,
    pub(super) class_variables: Vec<String>,
    pub(super) class_instance_variables: Vec<String>,
    pub(super) pools: Vec<String>,
    pub(super) filing: Filing,
    pub(super) comment: Option<String>,
}

/// What a message announces.
pub(super) enum Header {
    /// Methods, up to a blank text.
    Methods { name: String, side: Side, category: Option<String> },
    /// A comment of one text.
    Comment { name: String },
    /// One text that is of no use.
    Skip,
}

/// Messages that make a subclass.
const CREATIONS: [(&str, Layout); 7] = [
    ("subclass", Layout::Normal),
    ("variableSubclass", Layout::Variable),
    ("variableByteSubclass", Layout::Bytes),
    ("variableWordSubclass", Layout::Words),
    ("weakSubclass", Layout::Weak),
    ("ephemeronSubclass", Layout::Ephemeron),
    ("immediateSubclass", Layout::Immediate),
];

/// The classes of layouts.
const LAYOUTS: [(&str, Layout); 8] = [
    ("FixedLayout", Layout::Normal),
    ("VariableLayout", Layout::Variable),
    ("ByteLayout", Layout::Bytes),
    ("WordLayout", Layout::Words),
    ("WeakLayout", Layout::Weak),
    ("EphemeronLayout", Layout::Ephemeron),
    ("ImmediateLayout", Layout::Immediate),
    ("CompiledMethodLayout", Layout::CompiledMethod),
];

type Pair<'t, 's> = (&'t str, &'t Expression<'s>);

/// Keywords, without colons, and their arguments.
fn pairs<'t, 's>(message: &'t Message<'s>) -> Vec<Pair<'t, 's>> {
    message.selector.text.split_terminator(':').zip(&message.arguments).collect()
}

/// The definition that an expression is, if it is one. `source` is what it was parsed from.
pub(super) fn definition(
    expression: &Expression<'_>,
    source: &str,
) -> Option<Result<Definition, SyntaxError>> {
    match &expression.kind {
        ExpressionKind::Cascade(cascade) => {
            let messages: Vec<Pair<'_, '_>> = cascade.messages.iter().flat_map(pairs).collect();
            fluent(&cascade.receiver, &messages, source)
        }
        ExpressionKind::Send(send) => {
            fluent(&send.receiver, &pairs(&send.message), source).or_else(|| keyword_definition(send, source))
        }
        _ => None,
    }
}

/// `Superclass << #Name`
fn shifted<'t, 's>(expression: &'t Expression<'s>) -> Option<(&'t Expression<'s>, &'t Expression<'s>)> {
    let ExpressionKind::Send(send) = &expression.kind else { return None };
    let argument = send.message.arguments.first()?;
    let is_symbol = matches!(argument.kind, ExpressionKind::Literal(Literal::Symbol(_)));
    (send.message.selector.text == "<<" && is_symbol && is_class(&send.receiver))
        .then_some((&send.receiver, argument))
}

/// A name with a capital letter, or nil.
fn is_class(expression: &Expression<'_>) -> bool {
    match &expression.kind {
        ExpressionKind::Variable(name) => name.starts_with(char::is_uppercase),
        ExpressionKind::Literal(Literal::Nil) => true,
        _ => false,
    }
}

/// `Superclass << #Name` and what is said to it. A package must be given, lest every `stream << #symbol` be taken for one.
fn fluent(
    receiver: &Expression<'_>,
    pairs: &[Pair<'_, '_>],
    source: &str,
) -> Option<Result<Definition, SyntaxError>> {
    let (superclass, name) = shifted(receiver)?;
    if !pairs.iter().any(|(keyword, _)| *keyword == "package") {
        return None;
    }
    let parts = class_name(name).and_then(|name| {
        let mut parts = Parts { name, ..Parts::default() };
        pairs.iter().try_for_each(|pair| parts.fill(*pair, source))?;
        Ok(parts)
    });
    Some(parts.map(|mut parts| {
        if matches!(superclass.kind, ExpressionKind::Variable("Trait")) {
            return Definition::Trait(parts);
        }
        parts.superclass = superclass_name(superclass);
        Definition::Class(parts)
    }))
}

fn keyword_definition(send: &Send<'_>, source: &str) -> Option<Result<Definition, SyntaxError>> {
    let pairs = pairs(&send.message);
    let (first, rest) = pairs.split_first()?;
    if let Some((name, Side::Class)) = class_side(&send.receiver) {
        let is_known = |(keyword, _): &Pair<'_, '_>| {
            matches!(*keyword, "instanceVariableNames" | "uses" | "slots" | "traits")
        };
        let mut parts = Parts::default();
        let fill = |pair: &Pair<'_, '_>| parts.fill(*pair, source);
        let filled = pairs.iter().all(is_known).then(|| pairs.iter().try_for_each(fill))?;
        return Some(filled.map(|()| Definition::ClassSide { name, parts }));
    }
    if !is_class(&send.receiver) {
        return None;
    }
    let with_rest = |mut parts: Parts| {
        parts.name = class_name(first.1)?;
        rest.iter().try_for_each(|pair| parts.fill(*pair, source))?;
        Ok(parts)
    };
    let is_trait = matches!(send.receiver.kind, ExpressionKind::Variable("Trait"));
    match first.0 {
        "named" if is_trait => Some(with_rest(Parts::default()).map(Definition::Trait)),
        "comment" if rest.is_empty() => {
            let (name, _) = class_side(&send.receiver)?;
            let ExpressionKind::Literal(Literal::String(text)) = &first.1.kind else { return None };
            Some(Ok(Definition::Comment { name, text: text.clone().into_owned() }))
        }
        keyword => {
            let (_, layout) = CREATIONS.iter().find(|(known, _)| *known == keyword)?;
            let superclass = superclass_name(&send.receiver);
            let parts = Parts { superclass, layout: *layout, ..Parts::default() };
            Some(with_rest(parts).map(Definition::Class))
        }
    }
}

/// `Foo` or `Foo class`
fn class_side(receiver: &Expression<'_>) -> Option<(String, Side)> {
    match &receiver.kind {
        ExpressionKind::Variable(name) if is_class(receiver) => Some(((*name).to_owned(), Side::Instance)),
        ExpressionKind::Send(send)
            if matches!(&*send.message.selector.text, "class" | "classSide" | "classTrait") =>
        {
            let (name, side) = class_side(&send.receiver)?;
            (side == Side::Instance).then_some((name, Side::Class))
        }
        _ => None,
    }
}

fn superclass_name(expression: &Expression<'_>) -> Option<String> {
    match &expression.kind {
        ExpressionKind::Variable(name) => Some((*name).to_owned()),
        _ => None,
    }
}

fn class_name(expression: &Expression<'_>) -> Result<String, SyntaxError> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Symbol(name)) if is_identifier(name) => {
            Ok(name.clone().into_owned())
        }
        _ => Err(SyntaxError::new(expression.span, "expected the name of a class or trait, as in #Foo")),
    }
}

fn text(expression: &Expression<'_>) -> Result<Option<String>, SyntaxError> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Symbol(text) | Literal::String(text)) => {
            Ok(Some(text.clone().into_owned()).filter(|text| !text.is_empty()))
        }
        _ => Err(SyntaxError::new(expression.span, "expected a string or symbol")),
    }
}

/// `'a b'`, `{ #a. #b }` or `#(a b)`
fn names(expression: &Expression<'_>) -> Result<Vec<String>, SyntaxError> {
    let slot = |span| {
        SyntaxError::new(span, "slots with classes of their own are not supported")
            .with_help("declare plain variables, as in #a, and do in methods what the slots did")
    };
    let given: Vec<String> = match &expression.kind {
        ExpressionKind::Literal(Literal::String(text)) => {
            text.split_whitespace().map(str::to_owned).collect()
        }
        ExpressionKind::Brace(elements) => {
            let name = |element: &Expression<'_>| match &element.kind {
                ExpressionKind::Literal(Literal::Symbol(name)) => Ok(name.clone().into_owned()),
                _ => Err(slot(element.span)),
            };
            elements.iter().map(name).collect::<Result<_, _>>()?
        }
        ExpressionKind::Literal(Literal::Array(elements)) => {
            let name = |element: &Literal<'_>| match element {
                Literal::Symbol(name) => Ok(name.clone().into_owned()),
                _ => Err(slot(expression.span)),
            };
            elements.iter().map(name).collect::<Result<_, _>>()?
        }
        _ => return Err(SyntaxError::new(expression.span, "expected names, as in 'a b' or { #a. #b }")),
    };
    if let Some(name) = given.iter().find(|name| !is_identifier(name)) {
        return Err(SyntaxError::new(expression.span, format!("'{name}' is no name")));
    }
    let mut seen = HashSet::new();
    match given.iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(SyntaxError::new(expression.span, format!("{name} is declared twice"))),
        None => Ok(given),
    }
}

impl Parts {
    fn fill(&mut self, (keyword, argument): Pair<'_, '_>, source: &str) -> Result<(), SyntaxError> {
        match keyword {
            "instanceVariableNames" | "slots" => self.instance_variables = names(argument)?,
            "classVariableNames" | "classVariables" | "sharedVariables" => {
                self.class_variables = names(argument)?
            }
            "classInstanceVariableNames" => self.class_instance_variables = names(argument)?,
            "poolDictionaries" | "sharedPools" => self.pools = names(argument)?,
            "category" => self.filing.category = text(argument)?,
            "package" => self.filing.package = text(argument)?,
            "tag" => self.filing.tag = text(argument)?,
            "comment" => self.comment = text(argument)?,
            "uses" | "traits" => self.traits = Composition::from_expression(argument, source)?,
            "layout" => {
                let ExpressionKind::Variable(name) = argument.kind else {
                    return Err(SyntaxError::new(
                        argument.span,
                        "expected the name of a layout, as in VariableLayout",
                    ));
                };
                let known = LAYOUTS.iter().find(|(known, _)| *known == name);
                let (_, layout) = known.ok_or_else(|| {
                    let known = LAYOUTS.map(|(name, _)| name).join(", ");
                    SyntaxError::new(argument.span, format!("{name} is no known layout"))
                        .with_help(format!("write one of {known}"))
                })?;
                self.layout = *layout;
            }
            _ => {
                let message = format!("a definition does not have the part {keyword}:");
                return Err(SyntaxError::new(argument.span, message));
            }
        }
        Ok(())
    }
}

/// What an expression announces.
pub(super) fn header(expression: &Expression<'_>) -> Result<Header, SyntaxError> {
    let unknown = || {
        SyntaxError::new(expression.span, "nothing is known that this announces").with_help(
            "what follows an exclamation mark is, for example, Foo methodsFor: 'x' or Foo commentStamp: ''",
        )
    };
    let ExpressionKind::Send(send) = &expression.kind else { return Err(unknown()) };
    let (name, side) = class_side(&send.receiver).ok_or_else(unknown)?;
    if send.message.selector.text == "reorganize" {
        return Ok(Header::Skip);
    }
    match pairs(&send.message).first() {
        Some(("methodsFor", category)) => Ok(Header::Methods { name, side, category: text(category)? }),
        Some(("commentStamp", _)) if side == Side::Class => Ok(Header::Skip),
        Some(("commentStamp", _)) => Ok(Header::Comment { name }),
        _ => Err(unknown()),
    }
}
