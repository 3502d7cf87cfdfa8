//! Which names a do-it assigns to that it does not declare.

use std::collections::BTreeSet;

use crate::syntax::{Body, DoIt, Expression, ExpressionKind, Message};

/// The names, in alphabetical order. Recursion is bounded by [bounded-height].
pub(super) fn assigned_names<'s>(doit: &DoIt<'s>) -> Vec<&'s str> {
    let mut search = Search { declared: Vec::new(), assigned: BTreeSet::new() };
    search.body(&doit.body, &[]);
    search.assigned.into_iter().collect()
}

struct Search<'s> {
    declared: Vec<&'s str>,
    assigned: BTreeSet<&'s str>,
}

impl<'s> Search<'s> {
    fn body(&mut self, body: &Body<'s>, parameters: &[&'s str]) {
        let before = self.declared.len();
        self.declared.extend(parameters);
        self.declared.extend(body.temporaries.iter().map(|name| name.text));
        body.statements.iter().for_each(|statement| self.expression(statement.expression()));
        self.declared.truncate(before);
    }

    fn expression(&mut self, expression: &Expression<'s>) {
        match &expression.kind {
            ExpressionKind::Variable(_) | ExpressionKind::Pseudo(_) | ExpressionKind::Literal(_) => {}
            ExpressionKind::Brace(elements) => elements.iter().for_each(|element| self.expression(element)),
            ExpressionKind::Block(block) => {
                let parameters: Vec<&str> = block.parameters.iter().map(|name| name.text).collect();
                self.body(&block.body, &parameters);
            }
            ExpressionKind::Assignment(assignment) => {
                if !self.declared.contains(&assignment.variable.text) {
                    self.assigned.insert(assignment.variable.text);
                }
                self.expression(&assignment.value);
            }
            ExpressionKind::Send(send) => {
                self.expression(&send.receiver);
                self.message(&send.message);
            }
            ExpressionKind::Cascade(cascade) => {
                self.expression(&cascade.receiver);
                cascade.messages.iter().for_each(|message| self.message(message));
            }
        }
    }

    fn message(&mut self, message: &Message<'s>) {
        message.arguments.iter().for_each(|argument| self.expression(argument));
    }
}

#[cfg(test)]
mod tests {
    use super::assigned_names;
    use crate::syntax::parse_doit;

    #[test]
    fn declarations_hide_what_they_declare() {
        let source =
            "| a | a := 1. b := [ :c | | d | c foo: (d := 2). e := f ]. {g := 1}. [ :h | ]. h := 3; yourself";
        let source = source.replace("; yourself", "");
        assert_eq!(assigned_names(&parse_doit(&source).unwrap()), ["b", "e", "g", "h"]);
    }
}
