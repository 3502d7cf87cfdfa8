//! Trait compositions: `TA + (TB - {#foo}) @ {#bar -> #baz}`.
//!
//! They have the syntax of expressions and are read from the tree of one. As in Pharo `-` and `@` bind to the last
//! summand before them, whether there are parentheses or not.

use std::fmt;

use crate::syntax::{
    Expression, ExpressionKind, Literal, SelectorKind, Span, Statement, SyntaxError, parse_doit,
};

/// The most traits of one composition.
const MAX_TRAITS: usize = 200;

/// The traits that a class or trait uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Composition {
    /// As it was written; empty if there is none.
    pub text: String,
    /// The summands.
    pub uses: Vec<TraitUse>,
}

/// One trait of a composition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraitUse {
    /// The trait's name.
    pub name: String,
    /// The trait's class side is meant: `TA classTrait`.
    pub is_class_side: bool,
    /// Selectors that are left out.
    pub exclusions: Vec<String>,
    /// New and old selectors.
    pub aliases: Vec<(String, String)>,
}

impl Composition {
    /// Reads a composition. `{}` and the empty text stand for none.
    ///
    /// # Errors
    /// What is wrong with it; spans are the text's.
    pub fn parse(text: &str) -> Result<Composition, Vec<SyntaxError>> {
        let tree = parse_doit(text)?;
        let uses = match tree.body.statements.as_slice() {
            [] => Vec::new(),
            [Statement::Expression(expression)] if tree.body.temporaries.is_empty() => {
                Composition::uses_of(expression).map_err(|error| vec![error])?
            }
            _ => return Err(vec![wrong(tree.span)]),
        };
        let text = if uses.is_empty() { "" } else { text };
        Ok(Composition { text: text.to_owned(), uses })
    }

    /// Reads a composition from its tree.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_expression(expression: &Expression<'_>, source: &str) -> Result<Composition, SyntaxError> {
        let uses = Composition::uses_of(expression)?;
        let text = if uses.is_empty() { "" } else { expression.span.of(source) };
        Ok(Composition { text: text.to_owned(), uses })
    }

    /// Is nothing used?
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }

    fn uses_of(expression: &Expression<'_>) -> Result<Vec<TraitUse>, SyntaxError> {
        let mut uses = Vec::new();
        collect(expression, &mut uses)?;
        Ok(uses)
    }
}

impl fmt::Display for Composition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn wrong(span: Span) -> SyntaxError {
    SyntaxError::new(span, "this is no trait composition")
        .with_help("write, for example, TA + TB - {#excluded} @ {#new -> #old}")
}

fn collect(expression: &Expression<'_>, uses: &mut Vec<TraitUse>) -> Result<(), SyntaxError> {
    let mut add = |name: &str, is_class_side| {
        if uses.len() == MAX_TRAITS {
            let message = format!("a composition has at most {MAX_TRAITS} traits");
            return Err(SyntaxError::new(expression.span, message));
        }
        uses.push(TraitUse {
            name: name.to_owned(),
            is_class_side,
            exclusions: Vec::new(),
            aliases: Vec::new(),
        });
        Ok(())
    };
    match &expression.kind {
        ExpressionKind::Variable(name) => add(name, false),
        ExpressionKind::Literal(Literal::Symbol(name)) => add(name, false),
        ExpressionKind::Brace(elements) => elements.iter().try_for_each(|element| collect(element, uses)),
        ExpressionKind::Literal(Literal::Array(elements)) if elements.is_empty() => Ok(()),
        ExpressionKind::Send(send) if send.message.selector.kind == SelectorKind::Unary => {
            match (&send.receiver.kind, &*send.message.selector.text) {
                (ExpressionKind::Variable(name), "classTrait" | "classSide" | "class") => add(name, true),
                _ => Err(wrong(expression.span)),
            }
        }
        ExpressionKind::Send(send) if send.message.selector.kind == SelectorKind::Binary => {
            let before = uses.len();
            collect(&send.receiver, uses)?;
            let argument = &send.message.arguments[0];
            if send.message.selector.text == "+" {
                return collect(argument, uses);
            }
            let last = uses[before..].last_mut().ok_or_else(|| wrong(expression.span))?;
            match &*send.message.selector.text {
                "-" => last.exclusions.extend(exclusions(argument)?),
                "@" => last.aliases.extend(aliases(argument)?),
                _ => return Err(wrong(send.message.selector.span)),
            }
            Ok(())
        }
        _ => Err(wrong(expression.span)),
    }
}

fn symbol(expression: &Expression<'_>) -> Result<String, SyntaxError> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Symbol(name)) => Ok(name.clone().into_owned()),
        _ => Err(SyntaxError::new(expression.span, "expected a selector, as in #foo:")),
    }
}

/// `{#a. #b}` or `#(a b)`
fn exclusions(argument: &Expression<'_>) -> Result<Vec<String>, SyntaxError> {
    match &argument.kind {
        ExpressionKind::Brace(elements) => elements.iter().map(symbol).collect(),
        ExpressionKind::Literal(Literal::Array(elements)) => {
            let name = |element: &Literal<'_>| match element {
                Literal::Symbol(name) => Ok(name.clone().into_owned()),
                _ => Err(SyntaxError::new(argument.span, "expected selectors, as in #(foo bar:)")),
            };
            elements.iter().map(name).collect()
        }
        _ => Err(SyntaxError::new(argument.span, "expected the selectors to exclude, as in {#foo. #bar:}")),
    }
}

/// `{#new -> #old}`
fn aliases(argument: &Expression<'_>) -> Result<Vec<(String, String)>, SyntaxError> {
    let expected = |span| SyntaxError::new(span, "expected new and old selectors, as in {#new -> #old}");
    let ExpressionKind::Brace(elements) = &argument.kind else { return Err(expected(argument.span)) };
    let alias = |element: &Expression<'_>| match &element.kind {
        ExpressionKind::Send(send) if send.message.selector.text == "->" => {
            Ok((symbol(&send.receiver)?, symbol(&send.message.arguments[0])?))
        }
        _ => Err(expected(element.span)),
    };
    elements.iter().map(alias).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let composition = Composition::parse(text).unwrap();
        let shown: Vec<String> = composition
            .uses
            .iter()
            .map(|used| {
                let side = if used.is_class_side { " class" } else { "" };
                format!("{}{side} -{:?} @{:?}", used.name, used.exclusions, used.aliases)
            })
            .collect();
        shown.join(" + ").replace(" -[]", "").replace(" @[]", "").replace('"', "")
    }

    #[test]
    fn modifiers_bind_to_the_last_summand() {
        assert_eq!(shown("TA"), "TA");
        assert_eq!(shown("TA + TB - {#sel}"), "TA + TB -[sel]");
        assert_eq!(shown("TA + (TB - {#a:b:. #+}) + TC"), "TA + TB -[a:b:, +] + TC");
        assert_eq!(shown("TA - #(x) @ {#new -> #old}"), "TA -[x] @[(new, old)]");
        assert_eq!(shown("TA classTrait + TB classSide"), "TA class + TB class");
        assert_eq!(shown("{TA. TB}"), "TA + TB");
        assert_eq!(shown("{}"), "");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn anything_else_is_rejected() {
        for text in [
            "3",
            "TA foo",
            "TA * TB",
            "TA - 3",
            "TA @ {3}",
            "a := TA",
            "TA. TB",
            "{} - {#a}",
            "TA + ({} - {#a})",
            "|a| TA",
            "TA +",
            "^ TA",
        ] {
            assert!(Composition::parse(text).is_err(), "{text}");
        }
    }
}
