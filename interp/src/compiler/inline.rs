//! Which messages are control flow: those whose blocks stand in the source, as in Pharo.

use crate::syntax::{self, Expression, ExpressionKind, Literal};

use super::lower::Lowering;
use super::tree::{Body, Connective, Count, If, IfNil, Kind, Step, While};
use super::variables::{Role, VariableId};

/// The block that the expression is, if it has so many parameters.
fn block<'a>(expression: &'a Expression<'a>, parameters: usize) -> Option<&'a syntax::Block<'a>> {
    match &expression.kind {
        ExpressionKind::Block(block) if block.parameters.len() == parameters => Some(block),
        _ => None,
    }
}

/// As [`block`], with one parameter or none.
fn block_of_value<'a>(expression: &'a Expression<'a>) -> Option<&'a syntax::Block<'a>> {
    block(expression, 0).or_else(|| block(expression, 1))
}

impl<'a> Lowering<'a, '_> {
    /// The control flow that the message is, or `None` if it is to be sent.
    pub(super) fn inline(&mut self, send: &'a syntax::Send<'a>) -> Option<Kind<'a>> {
        let arguments = &send.message.arguments;
        let receiver = &send.receiver;
        match &*send.message.selector.text {
            "ifTrue:" => self.inline_if(receiver, Some(&arguments[0]), None, false),
            "ifFalse:" => self.inline_if(receiver, None, Some(&arguments[0]), false),
            "ifTrue:ifFalse:" => self.inline_if(receiver, Some(&arguments[0]), Some(&arguments[1]), false),
            "ifFalse:ifTrue:" => self.inline_if(receiver, Some(&arguments[1]), Some(&arguments[0]), true),
            "and:" => self.inline_connective(receiver, &arguments[0], true),
            "or:" => self.inline_connective(receiver, &arguments[0], false),
            "ifNil:" => self.inline_nil(receiver, Some(&arguments[0]), None, false),
            "ifNotNil:" => self.inline_nil(receiver, None, Some(&arguments[0]), false),
            "ifNil:ifNotNil:" => self.inline_nil(receiver, Some(&arguments[0]), Some(&arguments[1]), false),
            "ifNotNil:ifNil:" => self.inline_nil(receiver, Some(&arguments[1]), Some(&arguments[0]), true),
            "whileTrue:" => self.inline_while(receiver, Some(&arguments[0]), true),
            "whileFalse:" => self.inline_while(receiver, Some(&arguments[0]), false),
            "whileTrue" => self.inline_while(receiver, None, true),
            "whileFalse" => self.inline_while(receiver, None, false),
            "to:do:" => self.inline_count(receiver, &arguments[0], Step::Integer(1), &arguments[1]),
            "to:by:do:" => {
                let step = step(&arguments[1])?;
                self.inline_count(receiver, &arguments[0], step, &arguments[2])
            }
            "timesRepeat:" => self.inline_times(receiver, &arguments[0]),
            "repeat" => {
                let body = block(receiver, 0)?;
                Some(Kind::Repeat(Box::new(self.in_loop(|this| this.inlined(body).1))))
            }
            _ => None,
        }
    }

    /// The body of an inlined block, with its parameter.
    fn inlined(&mut self, block: &'a syntax::Block<'a>) -> (Option<VariableId>, Body<'a>) {
        let visible = self.visible();
        let scope = self.open_scope();
        let parameter = block.parameters.first().map(|name| self.declare(*name, scope, Role::Argument));
        let body = self.body(&block.body, scope);
        self.close_scope(visible);
        (parameter, body)
    }

    /// `is_reversed`: the alternative stands first in the source. The order of the source must be kept, see [capture-order].
    fn inline_if(
        &mut self,
        receiver: &'a Expression<'a>,
        if_true: Option<&'a Expression<'a>>,
        if_false: Option<&'a Expression<'a>>,
        is_reversed: bool,
    ) -> Option<Kind<'a>> {
        let is_inlined = |branch: Option<&'a Expression<'a>>| branch.is_none_or(|it| block(it, 0).is_some());
        if !is_inlined(if_true) || !is_inlined(if_false) {
            return None;
        }
        let condition = self.expression(receiver);
        let mut lower = |branch: Option<&'a Expression<'a>>| Some(self.inlined(block(branch?, 0)?).1);
        let (if_true, if_false) = if is_reversed {
            let first = lower(if_false);
            (lower(if_true), first)
        } else {
            let first = lower(if_true);
            (first, lower(if_false))
        };
        Some(Kind::If(Box::new(If { condition, if_true, if_false })))
    }

    fn inline_connective(
        &mut self,
        receiver: &'a Expression<'a>,
        argument: &'a Expression<'a>,
        is_and: bool,
    ) -> Option<Kind<'a>> {
        let right = block(argument, 0)?;
        let left = self.expression(receiver);
        let (_, right) = self.inlined(right);
        Some(Kind::Connective(Box::new(Connective { is_and, left, right })))
    }

    fn inline_nil(
        &mut self,
        receiver: &'a Expression<'a>,
        if_nil: Option<&'a Expression<'a>>,
        if_not_nil: Option<&'a Expression<'a>>,
        is_reversed: bool,
    ) -> Option<Kind<'a>> {
        let nil_fits = if_nil.is_none_or(|it| block(it, 0).is_some());
        let not_nil_fits = if_not_nil.is_none_or(|it| block_of_value(it).is_some());
        if !nil_fits || !not_nil_fits {
            return None;
        }
        let value = self.expression(receiver);
        let lower_nil = |this: &mut Self| Some(this.inlined(block(if_nil?, 0)?).1);
        let lower_not_nil = |this: &mut Self| Some(this.inlined(block_of_value(if_not_nil?)?));
        let (if_nil, if_not_nil) = if is_reversed {
            let first = lower_not_nil(self);
            (lower_nil(self), first)
        } else {
            let first = lower_nil(self);
            (first, lower_not_nil(self))
        };
        Some(Kind::IfNil(Box::new(IfNil { value, if_nil, if_not_nil })))
    }

    fn inline_while(
        &mut self,
        receiver: &'a Expression<'a>,
        argument: Option<&'a Expression<'a>>,
        sense: bool,
    ) -> Option<Kind<'a>> {
        let condition = block(receiver, 0)?;
        let body = match argument {
            Some(argument) => Some(block(argument, 0)?),
            None => None,
        };
        Some(self.in_loop(|this| {
            let (_, condition) = this.inlined(condition);
            let body = body.map(|body| this.inlined(body).1);
            Kind::While(Box::new(While { condition, sense, body }))
        }))
    }

    fn inline_count(
        &mut self,
        receiver: &'a Expression<'a>,
        limit: &'a Expression<'a>,
        step: Step<'a>,
        body: &'a Expression<'a>,
    ) -> Option<Kind<'a>> {
        let body = block(body, 1)?;
        let start = Some(self.expression(receiver));
        let limit = self.expression(limit);
        let (variable, body) = self.in_loop(|this| this.inlined(body));
        Some(Kind::Count(Box::new(Count { start, limit, step, variable, body })))
    }

    fn inline_times(&mut self, receiver: &'a Expression<'a>, body: &'a Expression<'a>) -> Option<Kind<'a>> {
        let body = block(body, 0)?;
        let limit = self.expression(receiver);
        let (variable, body) = self.in_loop(|this| this.inlined(body));
        Some(Kind::Count(Box::new(Count { start: None, limit, step: Step::Integer(1), variable, body })))
    }
}

/// The step of `to:by:do:`: it must be known, and not be 0.
fn step<'a>(expression: &'a Expression<'a>) -> Option<Step<'a>> {
    let ExpressionKind::Literal(literal) = &expression.kind else { return None };
    let is_negative = |number: &syntax::Integer| match number {
        syntax::Integer::Small(value) => *value < 0,
        syntax::Integer::Large(value) => value.is_negative,
    };
    match literal {
        Literal::Integer(0) => None,
        Literal::Integer(value) => Some(Step::Integer(*value)),
        Literal::LargeInteger(value) => Some(Step::Other(literal, value.is_negative)),
        Literal::Float(value) if *value != 0.0 && !value.is_nan() => Some(Step::Other(literal, *value < 0.0)),
        Literal::Fraction(value) => Some(Step::Other(literal, is_negative(&value.numerator))),
        Literal::ScaledDecimal(value) if value.value.numerator != syntax::Integer::Small(0) => {
            Some(Step::Other(literal, is_negative(&value.value.numerator)))
        }
        _ => None,
    }
}
