//! Stacks of processes that do not run, changed from outside: frames cut off, begun anew, and put between others.
//!
//! \[sender-code\] A frame that the protocol makes runs the code of [`sender`]. Its first instruction is a send that is never begun: a frame that
//! is inserted under others stands in it, so that what returns to it takes the place of that send's result. One on which nothing
//! stands begins behind it.

#![allow(unsafe_code)]

use instar_heap::{HeapError, Oop};

use crate::code::{CodeUnit, Instruction, Literal, Op, SiteUnit, verify};
use crate::objects::layout::{COMPILED_NAMED, compiled};
use crate::vm::Space;
use crate::vm::contexts::FrameId;
use crate::vm::space::Root;
use crate::vm::stack::{Frame, Mark};

/// The protocol of methods that the frames of [`sender`] code belong to.
pub(super) const PROTOCOL: &str = "*frames made from outside";

/// Words of the send that is never begun.
const WAITING_WORDS: usize = 2;
/// Messages with more arguments are not sent.
const MOST_ARGUMENTS: usize = 100;
/// The literals before those for the arguments.
const SELECTORS: usize = 2;

/// A frame that is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activation {
    pub method: Oop,
    pub receiver: Oop,
}

/// Code that sends a message to its receiver and answers the result. The literals of the arguments are set when it is installed.
pub(super) fn sender(selector: &str, arguments: usize) -> Option<CodeUnit> {
    let count = u8::try_from(arguments).ok().filter(|_| arguments <= MOST_ARGUMENTS)?;
    let mut unit = CodeUnit {
        words: vec![Instruction::abc(Op::Send, 1, 0, 0).0, 0],
        heights: vec![2; WAITING_WORDS],
        sites: vec![SiteUnit { selector: 0, arguments: 0 }, SiteUnit { selector: 1, arguments: count }],
        literals: vec![Literal::Symbol("yourself".to_owned()), Literal::Symbol(selector.to_owned())],
        temporaries: 1,
        registers: count + 3,
        ..CodeUnit::default()
    };
    for number in 0..count {
        let literal = u16::from(number) + SELECTORS as u16;
        unit.words.push(Instruction::abx(Op::LoadLiteral, 2 + number, literal).0);
        unit.heights.push(2 + number);
        unit.literals.push(Literal::Integer(i64::from(number)));
    }
    unit.words.extend([
        Instruction::abc(Op::Send, 1, 0, count).0,
        1,
        Instruction::abc(Op::Return, 1, 0, 0).0,
    ]);
    unit.heights.extend([2 + count, 2 + count, 2]);
    verify(&unit).ok()?;
    Some(unit)
}

impl Space {
    /// The CompiledMethod of [`sender`] code, with these arguments.
    pub(super) fn new_sender(
        &mut self,
        unit: &CodeUnit,
        class: Oop,
        arguments: &[Oop],
    ) -> Result<Oop, HeapError> {
        let first = self.root(class);
        for argument in arguments {
            self.root(*argument);
        }
        let result = self.fill_sender(unit, first, arguments.len());
        self.release(first);
        result
    }

    fn fill_sender(&mut self, unit: &CodeUnit, class: Root, arguments: usize) -> Result<Oop, HeapError> {
        let method = self.new_plain_method(unit, class)?;
        let method = self.root(method);
        let mut argument = class;
        for number in 0..arguments {
            argument = argument.next();
            let value = self.rooted(argument).oop();
            self.store_rooted(method, COMPILED_NAMED + SELECTORS + number, value);
        }
        let protocol = self.symbol(PROTOCOL)?;
        self.store_rooted(method, compiled::PROTOCOL, protocol);
        let class = self.rooted(class).oop();
        self.store_rooted(method, compiled::METHOD_CLASS, class);
        let selector = self.special(crate::objects::Special::DoIt);
        self.store_rooted(method, compiled::SELECTOR, selector);
        Ok(self.rooted(method).oop())
    }

    /// Gives a rooted Process a stack whose first frame is of [`sender`] code.
    pub(super) fn start_activation(&mut self, process: Root, method: Root, receiver: Root) {
        self.start_method(process, method, receiver);
        let stack = self.stack_of(self.rooted(process));
        if let Some(stack) = stack.and_then(|number| self.roots.stacks[number].as_mut())
            && let Some(frame) = stack.frame_mut(0)
        {
            // SAFETY: [sender-code]: the code has these words.
            frame.pc = unsafe { frame.pc.add(WAITING_WORDS) };
        }
    }

    /// Works on the stack of a process that does not run, as though it were the active one.
    fn on_stack<R>(&mut self, number: usize, body: impl FnOnce(&mut Space) -> R) -> R {
        let active = self.roots.active;
        debug_assert!(self.is_at_rest());
        self.enter_stack(number);
        let result = body(self);
        self.set_active_top();
        self.roots.active = active;
        self.roots.frame = std::ptr::null_mut();
        self.roots.above = std::ptr::null_mut();
        result
    }

    /// Drops the frames above one of a process that does not run. If it waits for a call, that answers `value`.
    pub(super) fn cut_stack(&mut self, id: FrameId, value: Oop) {
        let top = self.roots.stacks[id.stack].as_ref().map_or(0, |stack| stack.top);
        if id.frame >= top {
            return;
        }
        let above = FrameId { frame: id.frame + 1, ..id };
        // Below a frame of the runtime's own, the next instruction is what to go on with.
        let is_trampoline = self.frame(above).is_some_and(|frame| frame.method == self.nil());
        self.on_stack(id.stack, |space| {
            for dropped in (id.frame + 1..=top).rev() {
                space.drop_frame(dropped);
            }
            let stack = space.stack();
            stack.top = id.frame;
            space.roots.frame = stack.frame_address(id.frame);
            if !is_trampoline {
                space.complete(value);
            }
        });
    }

    /// Lets a frame of a process that does not run begin anew.
    pub(super) fn restart_at(&mut self, id: FrameId) {
        self.on_stack(id.stack, |space| space.restart_frame(id.frame));
    }

    /// Puts a frame of [`sender`] code above another of a process that does not run. False if there is no room.
    pub(super) fn insert_activation(&mut self, below: FrameId, activation: Activation) -> bool {
        let top = self.roots.stacks[below.stack].as_ref().map_or(0, |stack| stack.top);
        if below.frame >= top {
            return self.on_stack(below.stack, |space| space.push_activation(activation));
        }
        let Some(code) = self.code_of(self.value(activation.method)).map(|code| &raw const *code) else {
            return false;
        };
        // SAFETY: the method lives, and its code with it.
        let (registers, words) = unsafe { ((*code).registers as usize, (*code).words.as_ptr()) };
        let frame = Frame {
            pc: words,
            base: std::ptr::null_mut(),
            code,
            method: activation.method,
            closure: Oop::NULL,
            context: Oop::NULL,
            mark: Mark::NONE,
        };
        let nil = self.nil();
        let Some(stack) = self.roots.stacks[below.stack].as_mut() else { return false };
        if !stack.insert_frame(below.frame, frame, registers, activation.receiver, nil) {
            return false;
        }
        self.renumber_contexts(below);
        true
    }

    fn push_activation(&mut self, activation: Activation) -> bool {
        let code = self.code_of(self.value(activation.method)).map(|code| &raw const *code);
        let Some(code) = code else { return false };
        let Some(window) = self.push_trampoline(None) else { return false };
        // SAFETY: the trampoline has room for operands; the method lives, and its code with it; [sender-code].
        unsafe {
            *window = activation.receiver;
            if self.push_frame_quietly(code, window, Oop::NULL, Oop::NULL) {
                let frame = self.roots.frame;
                (*frame).pc = (*frame).pc.add(WAITING_WORDS);
                return true;
            }
            self.roots.frame = self.roots.frame.sub(1);
        }
        false
    }

    /// [married] The frames above were moved up by one.
    fn renumber_contexts(&mut self, below: FrameId) {
        use crate::objects::layout::context;
        let top = self.roots.stacks[below.stack].as_ref().map_or(0, |stack| stack.top);
        for number in below.frame + 2..=top {
            let frame = self.frame(FrameId { frame: number, ..below });
            let married = frame.filter(|frame| frame.mark.has(Mark::CONTEXT)).map(|frame| frame.context);
            if let Some(number) = Oop::small_integer(number as i64)
                && let Some(context) = married
            {
                self.put(context, context::FRAME, number);
            }
        }
    }
}

impl Space {
    /// Makes the list of the processes that stand at update points, if there is none yet.
    ///
    /// # Errors
    /// [`HeapError`]
    pub(crate) fn make_gate(&mut self) -> Result<(), HeapError> {
        if self.roots.gate == Oop::NULL {
            let gate = self.allocate_known(crate::objects::Known::LinkedList, 0)?;
            self.roots.gate = gate.oop();
        }
        Ok(())
    }

    /// The active process, at its next instruction, waits at an update point until the gate is opened. Others go on.
    pub(crate) fn stand_at_gate(&mut self) {
        let gate = self.value(self.roots.gate).oop();
        let process = self.active_process().oop();
        self.append(gate, process);
        self.switch_to_next();
    }

    /// Processes that wait at update points go on.
    pub(crate) fn open_gate(&mut self) {
        if self.roots.gate == Oop::NULL {
            return;
        }
        let gate = self.value(self.roots.gate).oop();
        while let Some(process) = self.take_first(gate) {
            self.make_runnable(process);
        }
    }
}
