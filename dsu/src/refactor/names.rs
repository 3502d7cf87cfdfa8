//! What may be the name of a variable, a class or a method.

use instar_interp::syntax::{SelectorKind, TokenKind, tokens};

use super::refused::Refused;

/// Names with a meaning of their own.
const RESERVED: [&str; 6] = ["self", "super", "thisContext", "nil", "true", "false"];

fn is_one(text: &str, kind: TokenKind) -> bool {
    let mut all = tokens(text);
    all.next().is_some_and(|token| token.kind == kind && token.span.of(text) == text) && all.next().is_none()
}

fn check_identifier(name: &str, what: &str) -> Result<(), Refused> {
    if RESERVED.contains(&name) {
        return Err(Refused::new(format!("{name} is reserved and cannot be the name of a {what}")));
    }
    if !is_one(name, TokenKind::Identifier) {
        return Err(Refused::new(format!("{name:?} is no name of a {what}"))
            .mend("a name begins with a letter and goes on with letters, digits and underscores"));
    }
    Ok(())
}

/// A variable of instances, or of the class as an object.
pub(super) fn check_variable(name: &str) -> Result<(), Refused> {
    check_identifier(name, "variable")
}

/// A class.
pub(super) fn check_class(name: &str) -> Result<(), Refused> {
    check_identifier(name, "class")?;
    if name.starts_with(char::is_uppercase) {
        return Ok(());
    }
    Err(Refused::new(format!("{name} is no name of a class")).mend("it begins with a capital letter"))
}

/// The parts of a selector: itself, or `at:` and `put:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) kind: SelectorKind,
    pub(super) parts: Vec<String>,
}

impl Parts {
    /// Of a selector that is written by a person.
    pub(super) fn of(selector: &str) -> Result<Parts, Refused> {
        if RESERVED.contains(&selector) {
            return Err(Refused::new(format!("{selector} is reserved and cannot be a selector")));
        }
        if is_one(selector, TokenKind::Identifier) {
            return Ok(Parts { kind: SelectorKind::Unary, parts: vec![selector.to_owned()] });
        }
        if is_one(selector, TokenKind::Binary) {
            return Ok(Parts { kind: SelectorKind::Binary, parts: vec![selector.to_owned()] });
        }
        let parts: Vec<String> = selector.split_inclusive(':').map(str::to_owned).collect();
        if !parts.is_empty() && parts.iter().all(|part| is_one(part, TokenKind::Keyword)) {
            return Ok(Parts { kind: SelectorKind::Keyword, parts });
        }
        Err(Refused::new(format!("{selector:?} is no selector")).mend("write it as in size, + or at:put:"))
    }
}

/// A symbol literal.
pub(super) fn symbol(selector: &str) -> String {
    if Parts::of(selector).is_ok() {
        return format!("#{selector}");
    }
    format!("#'{}'", selector.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_have_parts() {
        assert_eq!(Parts::of("at:put:").unwrap().parts, ["at:", "put:"]);
        assert_eq!(Parts::of("+").unwrap().kind, SelectorKind::Binary);
        assert_eq!(Parts::of("size").unwrap().kind, SelectorKind::Unary);
        for wrong in ["", "at:put", "a b", "self", "3", "at::", ":", "a:b:c", "#a", "a\"\""] {
            assert!(Parts::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_one_identifier() {
        for wrong in ["", "a b", "self", "3a", "a:", "a-b", "\"a\"b"] {
            assert!(check_variable(wrong).is_err(), "{wrong}");
        }
        assert!(check_variable("aB_3").is_ok() && check_class("Ab").is_ok() && check_class("ab").is_err());
    }
}
