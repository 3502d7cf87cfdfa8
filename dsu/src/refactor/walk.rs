//! What a method's tree says, place by place, with the local names that are known there.
//!
//! [locals] A name belongs to the method if an argument, temporary or block parameter of that name is declared around it; the innermost one
//! counts. Everything else means something outside of the method: of the instance, of the class, of a pool, or global.

use instar_interp::syntax::{
    Assignment, Body, Expression, ExpressionKind, Literal, Message, Method, PragmaArgument, Pseudo, Selector,
    Span, Statement,
};

/// Something in a method.
pub(super) enum Seen<'a, 's> {
    /// A variable that is read.
    Read { name: &'s str, span: Span },
    /// A variable that is assigned to.
    Assign { assignment: &'a Assignment<'s>, whole: Span, is_value_used: bool },
    /// A message. The receiver of a cascade is that of each of its messages.
    Send { receiver: &'a Expression<'s>, message: &'a Message<'s> },
    /// A literal.
    Literal { literal: &'a Literal<'s>, span: Span },
    /// The selector of a pragma, and the literals that it has.
    Pragma { selector: &'a Selector<'s>, literals: Vec<&'a Literal<'s>>, span: Span },
}

/// The local names at a place, outermost first.
#[derive(Default)]
pub(super) struct Locals<'s>(Vec<&'s str>);

impl Locals<'_> {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

/// Visits all of a method, in the order of the source.
pub(super) fn walk<'a, 's>(method: &'a Method<'s>, visit: &mut dyn FnMut(Seen<'a, 's>, &Locals<'s>)) {
    let mut walker = Walker { locals: Locals::default(), visit };
    walker.locals.0.extend(method.arguments.iter().map(|name| name.text));
    for pragma in &method.pragmas {
        let mut literals = Vec::new();
        for argument in &pragma.arguments {
            match argument {
                PragmaArgument::Variable(name) => walker.locals.0.push(name.text),
                PragmaArgument::Literal(literal, _) => literals.push(literal),
            }
        }
        let seen = Seen::Pragma { selector: &pragma.selector, literals, span: pragma.span };
        (walker.visit)(seen, &walker.locals);
    }
    walker.body(&method.body, false);
}

struct Walker<'v, 'a, 's> {
    locals: Locals<'s>,
    visit: &'v mut dyn FnMut(Seen<'a, 's>, &Locals<'s>),
}

impl<'a, 's> Walker<'_, 'a, 's> {
    /// The value of a block's last statement may be used, that of a method's never.
    fn body(&mut self, body: &'a Body<'s>, is_block: bool) {
        self.locals.0.extend(body.temporaries.iter().map(|name| name.text));
        let count = body.statements.len();
        for (index, statement) in body.statements.iter().enumerate() {
            let is_used = matches!(statement, Statement::Return { .. }) || (is_block && index + 1 == count);
            self.expression(statement.expression(), is_used);
        }
    }

    fn expression(&mut self, expression: &'a Expression<'s>, is_used: bool) {
        let span = expression.span;
        match &expression.kind {
            ExpressionKind::Variable(name) => (self.visit)(Seen::Read { name, span }, &self.locals),
            ExpressionKind::Pseudo(_) => {}
            ExpressionKind::Literal(literal) => (self.visit)(Seen::Literal { literal, span }, &self.locals),
            ExpressionKind::Brace(elements) => elements.iter().for_each(|one| self.expression(one, true)),
            ExpressionKind::Block(block) => {
                let outside = self.locals.0.len();
                self.locals.0.extend(block.parameters.iter().map(|name| name.text));
                self.body(&block.body, true);
                self.locals.0.truncate(outside);
            }
            ExpressionKind::Assignment(assignment) => {
                let seen = Seen::Assign { assignment, whole: span, is_value_used: is_used };
                (self.visit)(seen, &self.locals);
                self.expression(&assignment.value, true);
            }
            ExpressionKind::Send(send) => {
                self.expression(&send.receiver, true);
                self.message(&send.receiver, &send.message);
            }
            ExpressionKind::Cascade(cascade) => {
                self.expression(&cascade.receiver, true);
                cascade.messages.iter().for_each(|message| self.message(&cascade.receiver, message));
            }
        }
    }

    fn message(&mut self, receiver: &'a Expression<'s>, message: &'a Message<'s>) {
        (self.visit)(Seen::Send { receiver, message }, &self.locals);
        message.arguments.iter().for_each(|one| self.expression(one, true));
    }
}

/// Is the receiver `self` or `super`?
pub(super) fn is_own(receiver: &Expression<'_>) -> bool {
    matches!(receiver.kind, ExpressionKind::Pseudo(Pseudo::SelfVariable | Pseudo::Super))
}

/// Is the receiver `super`?
pub(super) fn is_super(receiver: &Expression<'_>) -> bool {
    matches!(receiver.kind, ExpressionKind::Pseudo(Pseudo::Super))
}

/// Is the name of a variable or selector in this literal, as a symbol or string?
pub(super) fn mentions(literal: &Literal<'_>, name: &str) -> bool {
    match literal {
        Literal::Symbol(text) | Literal::String(text) => *text == name,
        Literal::Array(elements) => elements.iter().any(|one| mentions(one, name)),
        _ => false,
    }
}

/// Is the name in this literal as a symbol?
pub(super) fn has_symbol(literal: &Literal<'_>, name: &str) -> bool {
    match literal {
        Literal::Symbol(text) => *text == name,
        Literal::Array(elements) => elements.iter().any(|one| has_symbol(one, name)),
        _ => false,
    }
}
