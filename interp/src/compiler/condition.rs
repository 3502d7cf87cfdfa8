//! Conditions that branch: `and:` and `or:` without values, comparison and branch in one.
//!
//! Every branch of a Boolean test notes what happens if the tested value is no Boolean: the message that tests it is sent,
//! and its result goes to where the message's value is expected. The value of `a and: [b]` that is itself tested is expected
//! in the register of the test of `b`, and that test is where execution goes on: so the last test of such a
//! condition always reads the first free register. [last-test]

use crate::code::{Label, Op};
use crate::syntax::Span;

use super::generate::Generator;
use super::operations::{Operation, operation};
use super::tree::{Body, Connective, Kind, Node, Place, Send};

/// The message that wants to know whether a value is true.
#[derive(Clone, Copy)]
pub(super) struct Consumer {
    /// All of it.
    pub message: Span,
    /// Where its value is expected.
    pub result: u8,
    /// Where execution goes on with that.
    pub join: Label,
}

impl<'a> Generator<'a, '_> {
    /// Jumps to `target` if the node's value is `sense`, and goes on otherwise. The height is the same in both cases as
    /// before.
    pub(super) fn branch(&mut self, node: &Node<'a>, sense: bool, target: Label, consumer: Consumer) {
        self.branch_to(node, sense, target, consumer, None);
    }

    /// `last`: to be bound at the last test. [last-test]
    fn branch_to(
        &mut self,
        node: &Node<'a>,
        sense: bool,
        target: Label,
        consumer: Consumer,
        last: Option<Label>,
    ) {
        match &node.kind {
            Kind::Connective(it) if self.is_bare(it.right.scope) && !it.right.statements.is_empty() => {
                self.connective_branch(it, node.span, sense, target, consumer, last);
            }
            Kind::Boolean(value) if last.is_none() => {
                if *value == sense {
                    self.assembler.jump(target);
                }
            }
            Kind::Send(send) => {
                if last.is_some() || !self.nil_branch(send, sense, target) {
                    self.send_branch(node, send, sense, target, consumer, last);
                }
            }
            _ => self.value_branch(node, sense, target, consumer, last),
        }
    }

    fn connective_branch(
        &mut self,
        it: &Connective<'a>,
        span: Span,
        sense: bool,
        target: Label,
        consumer: Consumer,
        last: Option<Label>,
    ) {
        let last = last.unwrap_or_else(|| self.assembler.label());
        let height = self.assembler.height();
        let inner = Consumer { message: span, result: height, join: last };
        let Some((value, before)) = it.right.statements.split_last() else { return };
        // What the left side decides: `and:` is false if that is, `or:` is true.
        if it.is_and != sense {
            self.branch(&it.left, sense, target, inner);
            self.statements(before);
            self.branch_to(value, sense, target, consumer, Some(last));
        } else {
            let skip = self.assembler.label();
            self.branch(&it.left, !sense, skip, inner);
            self.statements(before);
            self.branch_to(value, sense, target, consumer, Some(last));
            self.assembler.bind(skip);
        }
        self.assembler.set_height(height);
    }

    /// `x == nil` is no Boolean test at all.
    fn nil_branch(&mut self, send: &Send<'a>, sense: bool, target: Label) -> bool {
        let is_nil = send.message.arguments.first().is_some_and(|it| matches!(it.kind, Kind::Nil));
        match operation(send.message.selector) {
            Some(Operation::Identity(_, _, when_true, when_false)) if is_nil && !send.is_super => {
                let height = self.assembler.height();
                let register = self.operand(&send.receiver);
                self.source(send.message.span);
                let op = if sense { when_true } else { when_false };
                self.assembler.branch(op, register, target);
                self.assembler.set_height(height);
                true
            }
            _ => false,
        }
    }

    fn send_branch(
        &mut self,
        node: &Node<'a>,
        send: &Send<'a>,
        sense: bool,
        target: Label,
        consumer: Consumer,
        last: Option<Label>,
    ) {
        let height = self.assembler.height();
        match self.compare(send) {
            Some(result) => {
                self.assembler.set_height(height);
                self.claim(result);
                self.test(result, sense, target, consumer, last);
                self.assembler.set_height(height);
            }
            None => self.value_branch(node, sense, target, consumer, last),
        }
    }

    fn value_branch(
        &mut self,
        node: &Node<'a>,
        sense: bool,
        target: Label,
        consumer: Consumer,
        last: Option<Label>,
    ) {
        let height = self.assembler.height();
        let register = match self.register_of(node) {
            Some(register) if last.is_none() => register,
            _ => {
                self.value(node, height);
                self.assembler.set_height(height);
                self.claim(height);
                height
            }
        };
        self.source(node.span);
        self.test(register, sense, target, consumer, last);
        self.assembler.set_height(height);
    }

    fn test(&mut self, register: u8, sense: bool, target: Label, consumer: Consumer, last: Option<Label>) {
        if let Some(last) = last {
            self.assembler.bind(last);
        }
        let message = consumer.message.start..consumer.message.end;
        self.assembler.test(message, consumer.result, consumer.join);
        let op = if sense { Op::JumpTrue } else { Op::JumpFalse };
        self.assembler.branch(op, register, target);
    }

    /// As [`branch`](Self::branch), on the value of an inlined block.
    pub(super) fn body_branch(&mut self, body: &Body<'a>, sense: bool, target: Label, consumer: Consumer) {
        match body.statements.split_last() {
            Some((last, before)) if self.is_bare(body.scope) => {
                self.statements(before);
                self.branch(last, sense, target, consumer);
            }
            _ => {
                let height = self.assembler.height();
                self.body_value(body, height);
                self.test(height, sense, target, consumer, None);
                self.assembler.set_height(height);
            }
        }
    }

    /// `and:` or `or:` for its value.
    pub(super) fn connective(&mut self, it: &Connective<'a>, span: Span, target: u8) {
        let height = self.assembler.height();
        let end = self.assembler.label();
        let consumer = Consumer { message: span, result: height, join: end };
        let is_left_in_place = matches!(it.left.kind, Kind::Variable(Place::Local(_)) | Kind::SelfValue);
        if is_left_in_place || !self.is_simple_test(&it.left) {
            // The value that decides is the value of the whole.
            self.value(&it.left, height);
            self.source(span);
            self.test(height, !it.is_and, end, consumer, None);
            self.assembler.set_height(height);
            self.body_value(&it.right, height);
        } else {
            let decided = self.assembler.label();
            self.branch(&it.left, !it.is_and, decided, consumer);
            self.body_value(&it.right, height);
            self.assembler.jump(end);
            self.assembler.bind(decided);
            self.assembler.set_height(height);
            let op = if it.is_and { Op::LoadFalse } else { Op::LoadTrue };
            self.assembler.emit(op, height, 0, 0);
        }
        self.assembler.bind(end);
        self.deliver(height, target, height);
    }

    /// Whether the node branches without having its value in a register.
    fn is_simple_test(&self, node: &Node<'a>) -> bool {
        match &node.kind {
            Kind::Connective(_) => true,
            Kind::Send(send) => {
                !send.is_super
                    && matches!(
                        operation(send.message.selector),
                        Some(Operation::Compare(..) | Operation::Identity(..))
                    )
            }
            _ => false,
        }
    }
}
