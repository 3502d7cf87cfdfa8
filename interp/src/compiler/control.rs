//! Inlined control flow: conditionals, tests for nil, loops.

use crate::code::assemble::Right;
use crate::code::{Label, Op};
use crate::syntax::Span;

use super::condition::Consumer;
use super::generate::{Exit, Generator};
use super::tree::{Body, Count, If, IfNil, Kind, Node, Step, While};

impl<'a> Generator<'a, '_> {
    /// The body's value into the target, or what it does if there is none. A missing body is nil.
    fn alternative(&mut self, body: Option<&Body<'a>>, target: Option<u8>) {
        match (body, target) {
            (Some(body), Some(target)) => self.body_value(body, target),
            (Some(body), None) => self.body_effect(body),
            (None, Some(target)) => self.assembler.emit(Op::LoadNil, target, 0, 0),
            (None, None) => {}
        }
    }

    /// After paths have met: the height there.
    fn meet(&mut self, height: u8, target: Option<u8>) {
        self.assembler.set_height(height);
        if let Some(target) = target {
            self.claim(target);
        }
    }

    /// `ifTrue:ifFalse:` and the like.
    pub(super) fn conditional(&mut self, it: &If<'a>, span: Span, target: Option<u8>) {
        let height = self.assembler.height();
        let end = self.assembler.label();
        let consumer = Consumer { message: span, result: target.unwrap_or(height), join: end };
        match (&it.if_true, &it.if_false, target) {
            (Some(body), None, None) => {
                self.branch(&it.condition, false, end, consumer);
                self.body_effect(body);
            }
            (None, Some(body), None) => {
                self.branch(&it.condition, true, end, consumer);
                self.body_effect(body);
            }
            (if_true, if_false, _) => {
                let otherwise = self.assembler.label();
                self.branch(&it.condition, false, otherwise, consumer);
                self.alternative(if_true.as_ref(), target);
                self.assembler.jump(end);
                self.assembler.bind(otherwise);
                self.assembler.set_height(height);
                self.alternative(if_false.as_ref(), target);
            }
        }
        self.assembler.bind(end);
        self.meet(height, target);
    }

    /// A conditional whose value is returned: each branch returns.
    pub(super) fn conditional_exit(&mut self, it: &If<'a>, span: Span, exit: Exit) {
        let height = self.assembler.height();
        let end = self.assembler.label();
        let otherwise = self.assembler.label();
        let consumer = Consumer { message: span, result: height, join: end };
        self.branch(&it.condition, false, otherwise, consumer);
        self.alternative_exit(it.if_true.as_ref(), span, exit);
        self.assembler.bind(otherwise);
        self.assembler.set_height(height);
        self.alternative_exit(it.if_false.as_ref(), span, exit);
        // Only for what a receiver that is no Boolean answers.
        self.assembler.bind(end);
        self.meet(height, Some(height));
        self.exit_from(height, span, exit);
        self.assembler.set_height(height);
    }

    fn alternative_exit(&mut self, body: Option<&Body<'a>>, span: Span, exit: Exit) {
        match body {
            None => self.exit_with_nil(span, exit),
            Some(body) => {
                let mark = self.enter(body.scope);
                self.exit_with_body(body, exit);
                self.leave(mark);
            }
        }
    }

    /// `ifNil:ifNotNil:` and the like.
    pub(super) fn nil_test(&mut self, it: &IfNil<'a>, target: Option<u8>) {
        let height = self.assembler.height();
        let end = self.assembler.label();
        let needs_value = target.is_some() || matches!(it.if_not_nil, Some((Some(_), _)));
        let value = if needs_value {
            self.value(&it.value, height);
            height
        } else {
            self.operand(&it.value)
        };
        // The value's register is also where the result arises. [last-write]
        let result = target.map(|_| height);
        self.source(it.value.span);
        match &it.if_not_nil {
            None => {
                self.assembler.branch(Op::JumpNotNil, value, end);
                self.assembler.set_height(height);
                self.alternative(it.if_nil.as_ref(), result);
            }
            Some((parameter, body)) => {
                let otherwise = self.assembler.label();
                let is_nil = if it.if_nil.is_some() { otherwise } else { end };
                self.assembler.branch(Op::JumpNil, value, is_nil);
                let names = self.assembler.unit().names.len();
                match parameter {
                    Some(id) => self.place(*id, value),
                    None => self.assembler.set_height(height),
                }
                self.alternative(Some(body), result);
                self.assembler.end_names(names);
                if let Some(if_nil) = &it.if_nil {
                    self.assembler.jump(end);
                    self.assembler.bind(otherwise);
                    self.assembler.set_height(height);
                    self.alternative(Some(if_nil), result);
                }
            }
        }
        self.assembler.bind(end);
        self.meet(height, result);
        match target {
            Some(target) => self.deliver(height, target, height),
            None => self.assembler.set_height(height),
        }
    }

    /// `whileTrue:` and the like.
    pub(super) fn while_loop(&mut self, it: &While<'a>, span: Span, target: Option<u8>) {
        let height = self.assembler.height();
        let exit = self.assembler.label();
        let end = self.assembler.label();
        let join = if target.is_some() { end } else { exit };
        let consumer = Consumer { message: span, result: target.unwrap_or(height), join };
        let head = self.assembler.here();
        self.body_branch(&it.condition, !it.sense, exit, consumer);
        if let Some(body) = &it.body {
            self.body_effect(body);
        }
        self.source(span);
        self.assembler.jump_back(head);
        self.assembler.bind(exit);
        self.assembler.set_height(height);
        self.alternative(None, target);
        self.assembler.bind(end);
        self.meet(height, target);
    }

    /// `repeat`.
    pub(super) fn endless_loop(&mut self, body: &Body<'a>) {
        let head = self.assembler.here();
        self.body_effect(body);
        self.assembler.jump_back(head);
    }

    /// `to:do:`, `to:by:do:`, `timesRepeat:`. The value is the receiver.
    pub(super) fn counting_loop(&mut self, it: &Count<'a>, span: Span, target: Option<u8>) {
        let height = self.assembler.height();
        let exit = self.assembler.label();
        let receiver = it.start.as_ref().unwrap_or(&it.limit);
        let counter = match (target, &it.start) {
            // The receiver is kept below the counter.
            (Some(_), _) => {
                self.value(receiver, height);
                self.assembler.height()
            }
            (None, _) => height,
        };
        let in_place = |this: &mut Self, node: &Node<'a>, register: u8| match target {
            Some(_) if std::ptr::eq(node, receiver) => this.copy(height, register),
            _ => this.value(node, register),
        };
        match &it.start {
            Some(start) => in_place(self, start, counter),
            None => self.assembler.emit_wide(Op::LoadInteger, counter, 1),
        }
        let limit = self.assembler.height();
        in_place(self, &it.limit, limit);
        let consumer = Consumer { message: span, result: height, join: exit };
        if self.may_be_empty(it) {
            self.leave_if_done(it, counter, exit, consumer);
        }
        self.iterate(it, counter, span, exit, consumer);
        self.assembler.bind(exit);
        self.assembler.set_height(height);
        if let Some(target) = target {
            self.claim(height);
            self.deliver(height, target, height);
        }
    }

    fn iterate(&mut self, it: &Count<'a>, counter: u8, span: Span, exit: Label, consumer: Consumer) {
        let body = self.assembler.here();
        let names = self.assembler.unit().names.len();
        if let Some(id) = it.variable {
            self.place(id, counter);
        }
        self.body_effect(&it.body);
        self.assembler.end_names(names);
        self.source(span);
        match it.step {
            Step::Integer(step) => {
                if step == 1 {
                    self.assembler.end_loop(counter, body, exit);
                }
                match i8::try_from(step) {
                    Ok(step) => {
                        self.assembler.binary(Op::AddNumber, counter, counter, Right::Number(step), "+");
                    }
                    Err(_) => {
                        let step = Node { kind: Kind::Integer(step), span, assigns: false };
                        self.add(counter, &step);
                    }
                }
            }
            Step::Other(literal, _) => {
                let step = Node { kind: Kind::Literal(literal), span, assigns: false };
                self.add(counter, &step);
            }
        }
        self.leave_if_done(it, counter, exit, consumer);
        self.assembler.jump_back(body);
    }

    fn add(&mut self, counter: u8, step: &Node<'a>) {
        let height = self.assembler.height();
        let right = self.operand(step);
        self.assembler.binary(Op::Add, counter, counter, Right::Register(right), "+");
        self.assembler.set_height(height);
    }

    /// Leaves the loop unless the counter is within the limit.
    fn leave_if_done(&mut self, it: &Count<'a>, counter: u8, exit: Label, consumer: Consumer) {
        let is_down = match it.step {
            Step::Integer(step) => step < 0,
            Step::Other(_, is_negative) => is_negative,
        };
        let number = match it.limit.kind {
            Kind::Integer(value) => i8::try_from(value).ok(),
            _ => None,
        };
        let (op, number_op, selector) = if is_down {
            (Op::GreaterEqualBranch, Op::GreaterEqualNumberBranch, ">=")
        } else {
            (Op::LessEqualBranch, Op::LessEqualNumberBranch, "<=")
        };
        let (op, right) = match number {
            Some(number) => (number_op, Right::Number(number)),
            None => (op, Right::Register(counter.saturating_add(1))),
        };
        let height = self.assembler.height();
        self.source(consumer.message);
        self.assembler.binary(op, height, counter, right, selector);
        let message = consumer.message.start..consumer.message.end;
        self.assembler.test(message, consumer.result, consumer.join);
        self.assembler.branch(Op::JumpFalse, height, exit);
        self.assembler.set_height(height);
    }

    /// Whether the loop's body may not be executed at all.
    fn may_be_empty(&self, it: &Count<'a>) -> bool {
        let start = match it.start.as_ref().map(|start| &start.kind) {
            None => 1,
            Some(Kind::Integer(start)) => *start,
            Some(_) => return true,
        };
        match (it.step, &it.limit.kind) {
            (Step::Integer(step), Kind::Integer(limit)) if step > 0 => start > *limit,
            (Step::Integer(_), Kind::Integer(limit)) => start < *limit,
            _ => true,
        }
    }
}
