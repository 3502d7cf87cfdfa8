//! Pushing and cutting frames outside the dispatch loop's fast path.

#![allow(unsafe_code)]

use instar_heap::{HeapError, Obj, Oop};

use super::Space;
use super::run::Exit;
use super::stack::{Frame, Mark, Stack};
use crate::code::{Code, CodeKind, CodeUnit, Instruction, Op, SiteUnit};
use crate::objects::layout::closure;
use crate::objects::{Known, Special};
use crate::primitives::Failure;

/// Frames of the stack that a home's number takes in a closure; the serial number is above.
const HOME_FRAME_BITS: u32 = 22;

/// The serial number and the frame's number that a closure's `home` is made of.
pub(crate) fn split_home(home: i64) -> (u64, usize) {
    let home = home as u64;
    (home >> HOME_FRAME_BITS, (home & ((1 << HOME_FRAME_BITS) - 1)) as usize)
}

/// The code of a *trampoline*: a frame that the runtime pushes under a method whose result is not for the instruction under way.
/// Its register 0 says which register of the frame below gets the result, if any does; that frame's `pc` is where it goes on.
pub(super) fn trampoline() -> Code {
    let unit = CodeUnit {
        words: vec![Instruction::abc(Op::Send, 1, 1, 0).0, 0, Instruction::abc(Op::Resume, 1, 0, 0).0],
        heights: vec![1, 1, 2],
        sites: vec![SiteUnit { selector: 0, arguments: 0 }],
        registers: 2,
        ..CodeUnit::default()
    };
    Code::new(&unit, None)
}

impl Space {
    /// The active stack, with its top set.
    pub(crate) fn stack(&mut self) -> &mut Stack {
        let (active, frame) = (self.roots.active, self.roots.frame);
        let stack =
            self.roots.stacks[active].as_mut().unwrap_or_else(|| unreachable!("the active stack exists"));
        stack.top = stack.number_of(frame);
        stack
    }

    /// The number of the top frame.
    pub(crate) fn top(&mut self) -> usize {
        self.stack().top
    }

    /// Where the next call's operands may stand: above all live registers of the top frame, whose instruction is under way.
    pub(crate) fn window_above(&self) -> *mut Oop {
        // SAFETY: [synced]
        unsafe {
            let frame = &*self.roots.frame;
            let code = &*frame.code;
            let word = frame.pc.offset_from(code.words.as_ptr()) as usize;
            let above = frame.base.add(usize::from(code.heights.get(word).copied().unwrap_or(0)));
            above.max(self.roots.above)
        }
    }

    /// Pushes a frame whose receiver and arguments (and copied values) stand at `window`, growing the stack if need be, and attends to whatever
    /// waits for a poll. At the stack's limit the guest gets a `StackOverflow` instead.
    ///
    /// # Safety
    /// [synced]; `window` lies in or right above the top frame's registers, `code` lives and fits the operands.
    #[cold]
    pub(crate) unsafe fn push_frame(
        &mut self,
        code: *const Code,
        window: *mut Oop,
        closure: Oop,
        reason: Oop,
    ) -> Option<Exit> {
        // SAFETY: the caller's promise.
        if !unsafe { self.push_frame_quietly(code, window, closure, reason) } {
            return self.overflow(window);
        }
        self.poll()
    }

    /// As [`push_frame`](Self::push_frame), without the poll; false if the stack is full.
    ///
    /// # Safety
    /// As for [`push_frame`](Self::push_frame).
    pub(crate) unsafe fn push_frame_quietly(
        &mut self,
        code: *const Code,
        mut window: *mut Oop,
        closure: Oop,
        reason: Oop,
    ) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let callee = &*code;
            if !self.make_room(callee.registers as usize, &mut window) {
                return false;
            }
            let nil = self.nil();
            for temporary in callee.first_temporary as usize..callee.end_temporaries as usize {
                *window.add(temporary) = nil;
            }
            if reason != Oop::NULL
                && let Some(register) = callee.primitive_error
            {
                *window.add(usize::from(register)) = reason;
            }
            let frame = self.roots.frame.add(1);
            *frame = Frame {
                pc: callee.words.as_ptr(),
                base: window,
                code,
                method: callee.method,
                closure,
                context: Oop::NULL,
                mark: Mark::NONE,
            };
            self.roots.frame = frame;
        }
        self.roots.above = std::ptr::null_mut();
        true
    }

    /// Grows the active stack until a frame of `registers` at `window` fits. False at the limit.
    fn make_room(&mut self, registers: usize, window: &mut *mut Oop) -> bool {
        loop {
            let stack = self.stack();
            let number = stack.top;
            let fits_frames = stack.frame_limit() as usize
                > stack.frame_address(0) as usize + (number + 1) * size_of::<Frame>();
            if fits_frames && window.wrapping_add(registers) <= stack.register_limit() {
                return true;
            }
            let offset = (*window as usize - stack.start() as usize) / size_of::<Oop>();
            if !stack.grow() {
                return false;
            }
            *window = stack.start().wrapping_add(offset);
            let frame = stack.frame_address(number);
            self.roots.frame = frame;
            self.use_limits();
        }
    }

    /// Tells the dispatch loop where the active stack ends.
    pub(crate) fn use_limits(&mut self) {
        let stack = self.stack();
        let (registers, frames) = (stack.register_limit(), stack.frame_limit());
        self.register_limit = registers;
        self.interrupt.set_frame_limit(frames);
    }

    /// The guest recursed too deeply: `Process class>>stackOverflow` is sent in the place of the call that did not fit. While it is handled there is
    /// a reserve; a process that uses up that as well is terminated.
    fn overflow(&mut self, window: *mut Oop) -> Option<Exit> {
        let limits = self.options.stacks;
        let stack = self.stack();
        if stack.limit > limits.most_frames {
            return self.terminate_active("the stack overflowed while a StackOverflow was handled");
        }
        stack.limit = limits.most_frames + limits.reserve_frames;
        let top = stack.top;
        if let Some(frame) = stack.frame_mut(top) {
            frame.mark = frame.mark.with(Mark::OVERFLOW);
        }
        self.roots.above = std::ptr::null_mut();
        // SAFETY: the window has room for an operand: registers reach behind the limit by more than that.
        unsafe { *window = self.known_class(Known::Process).oop() };
        self.use_limits();
        // SAFETY: [synced], and the window is the one that the call had.
        unsafe { self.send(window, 0, Special::StackOverflow) }
    }

    /// What a return from a frame with flags has to do.
    pub(crate) fn return_from_special(&mut self, value: Oop) -> Option<Exit> {
        let top = self.top();
        let exit = self.cut_to_caller_of(top, value);
        if self.has_left && exit.is_none() && !self.roots.frame.is_null() {
            // Before the process calls a method that changes once more.
            return self.poll();
        }
        exit
    }

    /// Drops all frames from `number` up and hands `value` to the one below, which goes on behind its call. The first frame's caller is
    /// nobody: the process ends.
    pub(crate) fn cut_to_caller_of(&mut self, number: usize, value: Oop) -> Option<Exit> {
        let top = self.top();
        for dropped in (number..=top).rev() {
            self.drop_frame(dropped);
        }
        if number == 0 {
            return self.end_active(value);
        }
        self.roots.frame = self.stack().frame_address(number - 1);
        self.complete(value);
        None
    }

    /// The instruction under way ends with `value`: execution goes on behind it.
    pub(crate) fn complete(&mut self, value: Oop) {
        // SAFETY: [synced]: the instruction is one of two words with a destination.
        unsafe {
            let frame = &mut *self.roots.frame;
            *frame.base.add(Instruction(*frame.pc).a()) = value;
            frame.pc = frame.pc.add(2);
        }
    }

    /// Looks after whoever knows of frame `number`, which is about to go. All frames above it are gone.
    pub(crate) fn drop_frame(&mut self, number: usize) {
        let stack = self.stack();
        stack.top = number;
        let Some(frame) = stack.frame(number).copied() else { return };
        if !frame.mark.is_special() {
            return;
        }
        let address = stack.frame_address(number);
        self.roots.frame = address;
        if frame.mark.has(Mark::CONTEXT) {
            self.divorce(number);
        }
        if frame.mark.has(Mark::BARRIER) {
            self.has_left = self.stops_at_barriers;
            self.leave_barrier();
        }
        if frame.mark.has(Mark::OVERFLOW) {
            let most = self.options.stacks.most_frames;
            self.stack().limit = most;
            self.use_limits();
        }
        // SAFETY: the frame is the stack's.
        unsafe { (*address).mark = Mark::NONE };
    }

    /// `^` in a block: returns `value` to the caller of the block's home.
    pub(crate) fn return_home(&mut self, value: Oop) -> Option<Exit> {
        // SAFETY: only blocks' code has this instruction [verified].
        let home = unsafe { Obj::from_oop((*self.roots.frame).closure).slot(closure::HOME) };
        match self.frame_of_home(home) {
            Some(number) if self.passes_unwind(number) => self.unwind_to_caller_of(number, value),
            Some(number) => self.cut_to_caller_of(number, value),
            None => self.send_to_context(Special::CannotReturn, value),
        }
    }

    /// The frame that a closure's `home` names, if it still is there, below the top.
    fn frame_of_home(&mut self, home: Oop) -> Option<usize> {
        let (serial, number) = split_home(home.as_small_integer()?);
        let stack = self.stack();
        let is_it = |number: &usize| stack.frame(*number).is_some_and(|frame| frame.mark.serial() == serial);
        if serial == 0 {
            return None;
        }
        // A frame that was inserted below moves those above by one.
        Some(number).filter(is_it).or_else(|| (0..=stack.top).find(is_it))
    }

    /// What closures made in `frame` have as `home`.
    ///
    /// # Safety
    /// It is the top frame.
    pub(crate) unsafe fn home_of(&mut self, frame: *mut Frame) -> Oop {
        let number = self.stack().number_of(frame) as u64;
        // SAFETY: the caller's promise.
        let serial = unsafe { self.serial_of(frame) };
        Oop::small_integer((serial << HOME_FRAME_BITS | number) as i64).unwrap_or(self.nil())
    }

    /// The number by which a frame is known, given now if it has none.
    ///
    /// # Safety
    /// `frame` is in use.
    pub(crate) unsafe fn serial_of(&mut self, frame: *mut Frame) -> u64 {
        // SAFETY: the caller's promise.
        let frame = unsafe { &mut *frame };
        if frame.mark.serial() == 0 {
            self.last_serial += 1;
            frame.mark = frame.mark.with_serial(self.last_serial);
        }
        frame.mark.serial()
    }

    /// Whether a frame above `number` must be run before it is dropped.
    pub(crate) fn passes_unwind(&mut self, number: usize) -> bool {
        let stack = self.stack();
        let mut above = number + 1..=stack.top;
        above.any(|number| {
            // SAFETY: [frame-code]
            stack.frame(number).is_some_and(|frame| unsafe { &*frame.code }.kind == CodeKind::Unwind)
        })
    }

    /// Lets `Context>>unwindTo:answering:` run the `<unwind>` frames above `number` and then return from that frame.
    fn unwind_to_caller_of(&mut self, number: usize, value: Oop) -> Option<Exit> {
        let kept = self.root(value);
        let contexts = self.context_of(number).and_then(|target| {
            let target = self.root(target);
            self.context_of_top().map(|top| (top, self.rooted(target).oop()))
        });
        let value = self.rooted(kept).oop();
        self.release(kept);
        match contexts {
            Ok((top, target)) => self.send_above(Special::UnwindToAnswering, &[top, target, value]),
            Err(error) => self.out_of_memory(&error),
        }
    }

    /// Sends a message with one argument to the context of the top frame.
    fn send_to_context(&mut self, selector: Special, argument: Oop) -> Option<Exit> {
        let kept = self.root(argument);
        let context = self.context_of_top();
        let argument = self.rooted(kept).oop();
        self.release(kept);
        match context {
            Ok(context) => self.send_above(selector, &[context, argument]),
            Err(error) => self.out_of_memory(&error),
        }
    }

    /// A [trampoline](trampoline) was returned to: its frame goes, its result where it belongs.
    ///
    /// # Safety
    /// [synced], and the top frame is a trampoline.
    pub(crate) unsafe fn resume_caller(&mut self, result: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let frame = self.roots.frame;
            let (value, register) = (*(*frame).base.add(result), *(*frame).base);
            self.roots.frame = frame.sub(1);
            if let Some(register) = register.as_small_integer() {
                *(*self.roots.frame).base.add(register as usize) = value;
            }
        }
    }

    /// Pushes a trampoline: what is sent next returns to it, and it to the top frame, which then goes on at its `pc`. Returns where the
    /// operands go. `None` if the stack is full.
    pub(crate) fn push_trampoline(&mut self, result: Option<u8>) -> Option<*mut Oop> {
        let mut window = self.window_above();
        if !self.make_room(8, &mut window) {
            return None;
        }
        self.roots.above = std::ptr::null_mut();
        let register =
            result.and_then(|register| Oop::small_integer(i64::from(register))).unwrap_or(self.nil());
        // SAFETY: there is room for a frame and its registers.
        unsafe {
            *window = register;
            let frame = self.roots.frame.add(1);
            *frame = Frame {
                pc: self.trampoline.words.as_ptr(),
                base: window,
                code: &raw const *self.trampoline,
                method: self.nil(),
                closure: Oop::NULL,
                context: Oop::NULL,
                mark: Mark::NONE,
            };
            self.roots.frame = frame;
            Some(window.add(1))
        }
    }

    /// An instruction could not allocate: the guest is told, and if it returns, the instruction is tried again.
    pub(crate) fn out_of_memory(&mut self, error: &HeapError) -> Option<Exit> {
        self.note_shortage(error);
        let Some(window) = self.push_trampoline(None) else {
            return self.terminate_active(&error.to_string());
        };
        // SAFETY: the trampoline has room for operands.
        unsafe {
            *window = self.special(Special::Smalltalk);
            self.send(window, 0, Special::OutOfMemory)
        }
    }

    /// Whether a primitive of `code` failed for want of memory and its method does not look at reasons: it would take the failure for one
    /// of its operands.
    #[cold]
    pub(crate) fn is_shortage(&self, failure: Failure, code: &Code) -> bool {
        code.primitive_error.is_none() && failure.0 == self.special(Special::NoMemory)
    }

    /// In place of a call that [ran short of memory](Self::is_shortage) the guest is told; what that answers is the call's result.
    ///
    /// # Safety
    /// [synced], and `window` is that of the call.
    #[cold]
    pub(crate) unsafe fn signal_shortage(&mut self, window: *mut Oop) -> Option<Exit> {
        // SAFETY: the caller's promise.
        unsafe {
            *window = self.special(Special::Smalltalk);
            self.send(window, 0, Special::OutOfMemory)
        }
    }
}

impl Space {
    /// Drops all frames above `number` and begins that one's code anew; arguments are what they are now.
    pub(crate) fn restart_frame(&mut self, number: usize) {
        for dropped in (number + 1..=self.top()).rev() {
            self.drop_frame(dropped);
        }
        let nil = self.nil();
        let address = self.stack().frame_address(number);
        self.roots.frame = address;
        // SAFETY: the frame is in use; its code has these registers.
        unsafe {
            let frame = &mut *address;
            let code = &*frame.code;
            for temporary in code.first_temporary as usize..code.end_temporaries as usize {
                *frame.base.add(temporary) = nil;
            }
            frame.pc = code.words.as_ptr();
        }
    }
}
