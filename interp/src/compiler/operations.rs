//! Messages, and the operations that some of them have.

use crate::code::Op;
use crate::code::assemble::Right;
use crate::syntax::Span;

use super::generate::Generator;
use super::tree::{Cascade, Kind, Message, Node, Place, Send};

/// Array literals of more elements are made by sends.
const MAX_GATHERED: usize = 32;

/// How a selector is executed without a send in the common case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// An operation on two registers, and one on a register and a number.
    Binary(Op, Option<Op>),
    /// A comparison: for its value; before a branch; before a branch and with a number.
    Compare(Op, Op, Option<Op>),
    /// `==` or `~~`: for its value; before a branch; the branches if the right side is nil, when true and when false.
    Identity(Op, Op, Op, Op),
}

/// The operation of the selector.
pub(super) fn operation(selector: &str) -> Option<Operation> {
    use Operation::{Binary, Compare, Identity};
    Some(match selector {
        "+" => Binary(Op::Add, Some(Op::AddNumber)),
        "-" => Binary(Op::Subtract, Some(Op::SubtractNumber)),
        "*" => Binary(Op::Multiply, None),
        "//" => Binary(Op::Quotient, None),
        "\\\\" => Binary(Op::Modulo, None),
        "bitAnd:" => Binary(Op::BitAnd, Some(Op::BitAndNumber)),
        "bitOr:" => Binary(Op::BitOr, None),
        "bitShift:" => Binary(Op::BitShift, Some(Op::BitShiftNumber)),
        "at:" => Binary(Op::At, None),
        "<" => Compare(Op::Less, Op::LessBranch, Some(Op::LessNumberBranch)),
        "<=" => Compare(Op::LessEqual, Op::LessEqualBranch, Some(Op::LessEqualNumberBranch)),
        ">" => Compare(Op::Greater, Op::GreaterBranch, Some(Op::GreaterNumberBranch)),
        ">=" => Compare(Op::GreaterEqual, Op::GreaterEqualBranch, Some(Op::GreaterEqualNumberBranch)),
        "=" => Compare(Op::Equal, Op::EqualBranch, Some(Op::EqualNumberBranch)),
        "~=" => Compare(Op::NotEqual, Op::NotEqualBranch, None),
        "==" => Identity(Op::Identical, Op::IdenticalBranch, Op::JumpNil, Op::JumpNotNil),
        "~~" => Identity(Op::NotIdentical, Op::NotIdenticalBranch, Op::JumpNotNil, Op::JumpNil),
        _ => return None,
    })
}

/// The number, if it fits into an instruction.
fn small(node: &Node<'_>) -> Option<i8> {
    match node.kind {
        Kind::Integer(value) => i8::try_from(value).ok(),
        _ => None,
    }
}

impl<'a> Generator<'a, '_> {
    /// A message for its value.
    pub(super) fn send(&mut self, send: &Send<'a>, target: u8) {
        let height = self.assembler.height();
        let message = &send.message;
        if !send.is_super
            && let Some(operation) = operation(message.selector)
        {
            let left = self.kept_operand(&send.receiver, message.arguments[0].assigns);
            return self.operate(operation, left, message, target, height);
        }
        let receiver = if message.arguments.is_empty() {
            let receiver = self.operand(&send.receiver);
            self.assembler.set_height(height.max(receiver.saturating_add(1)));
            receiver
        } else {
            self.value(&send.receiver, height);
            height
        };
        self.transmit(message, send.is_super, receiver, height);
        self.deliver(height, target, height);
    }

    /// Evaluates the arguments above `base` and sends; the result arrives in `base`.
    fn transmit(&mut self, message: &Message<'a>, is_super: bool, receiver: u8, base: u8) {
        for argument in &message.arguments {
            let next = self.assembler.height();
            self.value(argument, next);
        }
        let op = if is_super { Op::SendSuper } else { Op::Send };
        self.source(message.span);
        self.assembler.send(op, base, receiver, message.arguments.len() as u8, message.selector);
    }

    fn operate(&mut self, operation: Operation, left: u8, message: &Message<'a>, target: u8, height: u8) {
        let right = &message.arguments[0];
        let (op, right) = match operation {
            Operation::Binary(_, Some(op)) if small(right).is_some() => {
                (op, Right::Number(small(right).unwrap_or(0)))
            }
            Operation::Binary(op, _) | Operation::Compare(op, ..) | Operation::Identity(op, ..) => {
                (op, Right::Register(self.operand(right)))
            }
        };
        self.source(message.span);
        match (operation, right) {
            (Operation::Identity(..), Right::Register(right)) => {
                self.assembler.emit(op, target, left, right);
            }
            _ => self.assembler.binary(op, target, left, right, message.selector),
        }
        self.assembler.set_height(height);
        self.claim(target);
    }

    /// Emits the comparison that the next instruction branches on, for the first free register; `None` if the
    /// message has no such form. The height is left above the operands.
    pub(super) fn compare(&mut self, send: &Send<'a>) -> Option<u8> {
        let message = &send.message;
        let operation = operation(message.selector).filter(|_| !send.is_super)?;
        let right = message.arguments.first()?;
        let (op, number_op) = match operation {
            Operation::Binary(..) => return None,
            Operation::Compare(_, op, number_op) => (op, number_op),
            Operation::Identity(_, op, ..) => (op, None),
        };
        let result = self.assembler.height();
        let left = self.kept_operand(&send.receiver, right.assigns);
        let (op, right) = match (number_op, small(right)) {
            (Some(op), Some(number)) => (op, Right::Number(number)),
            _ => (op, Right::Register(self.operand(right))),
        };
        self.source(message.span);
        match (operation, right) {
            (Operation::Identity(..), Right::Register(right)) => {
                self.assembler.emit(op, result, left, right);
            }
            _ => self.assembler.binary(op, result, left, right, message.selector),
        }
        Some(result)
    }

    /// Several messages to one receiver; the last one's result is the value.
    pub(super) fn cascade(&mut self, cascade: &Cascade<'a>, target: u8) {
        let height = self.assembler.height();
        let assigns = cascade.messages.iter().any(|message| message.arguments.iter().any(|it| it.assigns));
        let receiver = self.kept_operand(&cascade.receiver, assigns);
        let is_scratch = receiver >= height;
        let Some((last, before)) = cascade.messages.split_last() else { return };
        for message in before {
            let base = self.assembler.height();
            self.cascaded(message, cascade.is_super, receiver, base, base);
            self.assembler.set_height(base);
        }
        if is_scratch && (cascade.is_super || operation(last.selector).is_none()) {
            // The receiver is not needed afterwards: it stands where the send wants it.
            self.transmit(last, cascade.is_super, receiver, receiver);
            return self.deliver(receiver, target, height);
        }
        let base = self.assembler.height();
        self.cascaded(last, cascade.is_super, receiver, base, target);
        self.assembler.set_height(height);
        self.claim(target);
    }

    fn cascaded(&mut self, message: &Message<'a>, is_super: bool, receiver: u8, base: u8, target: u8) {
        if !is_super && let Some(operation) = operation(message.selector) {
            return self.operate(operation, receiver, message, target, base);
        }
        if !message.arguments.is_empty() {
            self.assembler.emit(Op::Move, base, receiver, 0);
            self.transmit(message, is_super, base, base);
        } else {
            self.transmit(message, is_super, receiver, base);
        }
        self.deliver(base, target, base);
    }

    /// `{ … }`
    pub(super) fn brace(&mut self, elements: &[Node<'a>], span: Span, target: u8) {
        let height = self.assembler.height();
        if elements.len() > MAX_GATHERED {
            self.long_brace(elements, span, height);
            return self.deliver(height, target, height);
        }
        let base = if elements.is_empty() { target } else { height };
        for element in elements {
            let next = self.assembler.height();
            self.value(element, next);
        }
        self.source(span);
        self.assembler.emit(Op::MakeArray, base, elements.len() as u8, 0);
        self.deliver(base, target, height);
    }

    /// `(Array new: …) at: 1 put: …; at: 2 put: …; yourself`: an array with more elements than there are registers for.
    fn long_brace(&mut self, elements: &[Node<'a>], span: Span, base: u8) {
        if !self.assembler.is_reachable() {
            return self.claim(base);
        }
        let array = Node { kind: Kind::Variable(Place::Global("Array")), span, assigns: false };
        let number = |value: usize| Node { kind: Kind::Integer(value as i64), span, assigns: false };
        self.value(&array, base);
        let next = self.assembler.height();
        self.value(&number(elements.len()), next);
        self.source(span);
        self.assembler.send(Op::Send, base, base, 1, "new:");
        for (index, element) in elements.iter().enumerate() {
            let receiver = self.assembler.height();
            self.assembler.emit(Op::Move, receiver, base, 0);
            let next = self.assembler.height();
            self.value(&number(index + 1), next);
            let next = self.assembler.height();
            self.value(element, next);
            self.source(element.span);
            self.assembler.send(Op::Send, receiver, receiver, 2, "at:put:");
            self.assembler.set_height(receiver);
        }
    }
}
