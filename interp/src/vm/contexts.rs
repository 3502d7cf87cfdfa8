//! Contexts: frames as objects, on demand.
//!
//! \[married\] A Context is married to the frame at (stack, frame) iff that stack exists, is in use up to there, and the frame's serial number is
//! the Context's. The frame refers to it, so that there is one Context a frame. When the frame goes, `divorce` writes what is
//! left of it into the Context, which allocates nothing: the Context had room for the registers from the start.

#![allow(unsafe_code)]

use instar_heap::{HeapError, Oop};

use super::Space;
use super::stack::Mark;
use crate::code::CodeKind;
use crate::objects::layout::{CONTEXT_NAMED, context};
use crate::objects::{Known, Value};

/// A frame of some stack: the stack's number and the frame's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameId {
    pub stack: usize,
    pub frame: usize,
}

impl Space {
    /// The Context of the top frame.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn context_of_top(&mut self) -> Result<Oop, HeapError> {
        let top = self.top();
        self.context_of(top)
    }

    /// The Context of frame `number` of the active stack.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn context_of(&mut self, number: usize) -> Result<Oop, HeapError> {
        let stack = self.roots.active;
        self.context_of_frame(FrameId { stack, frame: number })
    }

    /// The Context of a frame.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn context_of_frame(&mut self, id: FrameId) -> Result<Oop, HeapError> {
        self.set_active_top();
        let Some(frame) = self.frame(id).copied() else { return Ok(self.nil()) };
        if frame.mark.has(Mark::CONTEXT) {
            return Ok(frame.context);
        }
        // SAFETY: [frame-code]
        let (registers, is_block) =
            unsafe { ((*frame.code).registers as usize, (*frame.code).kind == CodeKind::Block) };
        let object = self.allocate_known(Known::Context, registers)?;
        let address = self.frame_address(id);
        // SAFETY: the frame is in use; the object is new.
        unsafe {
            let serial = self.serial_of(address);
            let frame = &mut *address;
            frame.context = object.oop();
            frame.mark = frame.mark.with(Mark::CONTEXT);
            let number = |value: usize| Oop::small_integer(value as i64).unwrap_or(Oop::NULL);
            self.store(object, context::STACK, number(id.stack));
            self.store(object, context::FRAME, number(id.frame));
            self.store(object, context::SERIAL, number(serial as usize));
            self.store(object, context::METHOD, frame.method);
            self.store(object, context::RECEIVER, *frame.base);
            if is_block {
                self.store(object, context::CLOSURE, frame.closure);
            }
        }
        Ok(object.oop())
    }

    /// Sets the active stack's top from the frame that runs.
    pub(crate) fn set_active_top(&mut self) {
        if !self.roots.frame.is_null() {
            self.stack();
        }
    }

    /// A frame that is in use. The active stack's top is set.
    pub(crate) fn frame(&self, id: FrameId) -> Option<&super::stack::Frame> {
        self.roots.stacks.get(id.stack)?.as_ref()?.frame(id.frame)
    }

    /// The address of a frame; null if there is none.
    pub(crate) fn frame_address(&mut self, id: FrameId) -> *mut super::stack::Frame {
        let stack = self.roots.stacks.get_mut(id.stack).and_then(Option::as_mut);
        stack.map_or(std::ptr::null_mut(), |stack| stack.frame_address(id.frame))
    }

    /// The frame that a Context is married to. The active stack's top is set.
    pub(crate) fn spouse(&self, context: Value<'_>) -> Option<FrameId> {
        if !context.is(Known::Context) {
            return None;
        }
        let index = |slot| context.slot(slot).and_then(Value::as_index);
        let id = FrameId { stack: index(context::STACK)?, frame: index(context::FRAME)? };
        let mark = self.frame(id)?.mark;
        (mark.has(Mark::CONTEXT) && Some(mark.serial() as usize) == index(context::SERIAL)).then_some(id)
    }

    /// Frame `number` of the active stack, its top, is about to go: its Context keeps what is left.
    pub(crate) fn divorce(&mut self, number: usize) {
        let Some(frame) = self.stack().frame(number).copied() else { return };
        let active = self.roots.active;
        let widow = self.value(frame.context);
        if self.spouse(widow) != Some(FrameId { stack: active, frame: number }) {
            return;
        }
        let Some(object) = widow.object() else { return };
        let room = widow.slots() - CONTEXT_NAMED;
        let registers =
            self.roots.stacks[active].as_ref().map_or(&[][..], |stack| stack.registers_of(number));
        let nil = self.nil();
        // SAFETY: the slots exist, registers hold live references, and nothing is allocated.
        unsafe {
            for (index, register) in registers.iter().take(room).enumerate() {
                self.store(object, CONTEXT_NAMED + index, *register);
            }
            for slot in [context::STACK, context::FRAME, context::SENDER, context::PC] {
                self.store(object, slot, nil);
            }
        }
    }

    /// Puts Contexts' method, closure and receiver right after a become changed the frames'.
    pub(crate) fn update_spouse(&self, frame: &super::stack::Frame) {
        let context = self.value(frame.context);
        if let (true, Some(object)) = (context.is(Known::Context), context.object()) {
            // SAFETY: the frame is in use and the Context has these slots.
            unsafe {
                self.store(object, context::METHOD, frame.method);
                self.store(object, context::RECEIVER, *frame.base);
            }
        }
    }

    /// [married] After a become by which Contexts of these frames became something else: a frame for which another's Context answers now has that,
    /// and the others have none until somebody asks.
    pub(crate) fn marry_again(&mut self, estranged: &[FrameId]) {
        let context_of = |id: &FrameId| self.frame(*id).map(|frame| frame.context);
        let contexts: Vec<Oop> = estranged.iter().filter_map(context_of).collect();
        let couples: Vec<(FrameId, Oop)> = contexts
            .into_iter()
            .filter_map(|context| self.spouse(self.value(context)).map(|id| (id, context)))
            .collect();
        for &id in estranged {
            // SAFETY: the frame is in use.
            let frame = unsafe { &mut *self.frame_address(id) };
            frame.mark = frame.mark.without(Mark::CONTEXT);
            frame.context = Oop::NULL;
        }
        for (id, context) in couples {
            // SAFETY: as above: a Context answers for frames in use only.
            let frame = unsafe { &mut *self.frame_address(id) };
            if !frame.mark.has(Mark::CONTEXT) {
                frame.mark = frame.mark.with(Mark::CONTEXT);
                frame.context = context;
                self.update_spouse(frame);
            }
        }
    }
}
