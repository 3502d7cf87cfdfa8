//! The stack of one process: registers, and frames that say which of them are whose.
//!
//! [stack-shape] Frame `i + 1`'s registers begin inside or right behind the live ones of frame `i`; what lies above the top
//! frame's is not read before it is written.

#![allow(unsafe_code)]

use instar_heap::Oop;

use crate::code::{Code, CodeKind};

/// One activation.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame {
    /// Top frame of a process that does not run: the instruction to go on with. Other frames: the call that is under way.
    pub pc: *const u32,
    /// Register 0.
    pub base: *mut Oop,
    /// The code that runs; it lives as long as `method` does.
    pub code: *const Code,
    /// The CompiledMethod or CompiledBlock.
    pub method: Oop,
    /// The closure, if `code` is a block's.
    pub closure: Oop,
    /// The Context, if `mark` says that there is one.
    pub context: Oop,
    /// Flags and serial number; 0 for a frame that nobody knows of.
    pub mark: Mark,
}

impl Frame {
    /// The code that runs.
    #[inline]
    pub fn code(&self) -> &Code {
        // SAFETY: [frame-code] a frame in use keeps its method alive, and that its code.
        unsafe { &*self.code }
    }

    /// The number of the word at `pc`.
    #[inline]
    pub fn word(&self) -> usize {
        // SAFETY: the pc lies inside the code's words.
        unsafe { self.pc.offset_from(self.code().words.as_ptr()) as usize }
    }
}

/// What must be looked at when a frame goes, and the number by which it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Mark(pub u64);

impl Mark {
    /// Nobody knows of the frame.
    pub const NONE: Mark = Mark(0);
    /// A Context is married to the frame.
    pub const CONTEXT: u64 = 1;
    /// An updater waits for the frame to go.
    pub const BARRIER: u64 = 2;
    /// The first frame of its process.
    pub const BOTTOM: u64 = 4;
    /// The limit of the stack goes back to what it was when this frame goes.
    pub const OVERFLOW: u64 = 8;
    const FLAGS: u64 = 0xFF;
    const SERIAL_SHIFT: u32 = 8;

    /// Whether a return has more to do than to go back.
    #[inline(always)]
    pub const fn is_special(self) -> bool {
        self.0 & Self::FLAGS != 0
    }

    /// Whether a flag is set.
    #[inline]
    pub const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// With a flag set.
    #[must_use]
    pub const fn with(self, flag: u64) -> Mark {
        Mark(self.0 | flag)
    }

    /// With a flag cleared.
    #[must_use]
    pub const fn without(self, flag: u64) -> Mark {
        Mark(self.0 & !flag)
    }

    /// The serial number, 0 if none was given.
    #[inline]
    pub const fn serial(self) -> u64 {
        self.0 >> Self::SERIAL_SHIFT
    }

    /// With a serial number, where there was none.
    #[must_use]
    pub const fn with_serial(self, serial: u64) -> Mark {
        Mark(self.0 & Self::FLAGS | serial << Self::SERIAL_SHIFT)
    }
}

/// How deep stacks may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackLimits {
    /// Frames that a process has at first.
    pub first_frames: usize,
    /// Frames at which the guest gets a `StackOverflow`.
    pub most_frames: usize,
    /// Frames beyond, for the handling of that.
    pub reserve_frames: usize,
}

impl Default for StackLimits {
    fn default() -> Self {
        StackLimits { first_frames: 16, most_frames: 400_000, reserve_frames: 4_000 }
    }
}

/// Registers for each frame, on average. A stack is full when either of its arrays is.
const REGISTERS_PER_FRAME: usize = 10;
/// No frame has more registers; kept free above the limit so that a frame's own check needs no overflow arithmetic.
pub const MOST_REGISTERS: usize = 256;

/// A process's registers and frames.
#[derive(Debug)]
pub struct Stack {
    registers: Box<[Oop]>,
    frames: Box<[Frame]>,
    /// The top frame's number. Meaningless for the active stack while the dispatch loop runs; see [`Space`](super::Space).
    pub top: usize,
    /// The Process object.
    pub process: Oop,
    /// Frames up to which it may grow now.
    pub limit: usize,
    /// What ends the wait that the process is in, if it may not last for ever.
    pub(crate) alarm: Option<super::alarms::AlarmKey>,
}

const UNUSED: Frame = Frame {
    pc: std::ptr::null(),
    base: std::ptr::null_mut(),
    code: std::ptr::null(),
    method: Oop::NULL,
    closure: Oop::NULL,
    context: Oop::NULL,
    mark: Mark::NONE,
};

impl Stack {
    /// An empty stack.
    pub fn new(limits: StackLimits, process: Oop) -> Stack {
        let frames = limits.first_frames;
        Stack {
            registers: vec![Oop::NULL; frames * REGISTERS_PER_FRAME + MOST_REGISTERS].into(),
            frames: vec![UNUSED; frames].into(),
            top: 0,
            process,
            limit: limits.most_frames,
            alarm: None,
        }
    }

    /// A stack with room for so many frames and registers, at least what a new one has.
    pub(super) fn with_room(limits: StackLimits, process: Oop, frames: usize, registers: usize) -> Stack {
        let mut stack = Stack::new(limits, process);
        let (frames, registers) = (frames.max(stack.frames.len()), registers + MOST_REGISTERS);
        stack.frames = vec![UNUSED; frames].into();
        stack.registers = vec![Oop::NULL; registers.max(stack.registers.len())].into();
        stack
    }

    /// The number of the register at an address.
    pub(super) fn register_at(&self, address: *const Oop) -> usize {
        (address as usize - self.registers.as_ptr() as usize) / size_of::<Oop>()
    }

    /// All registers, in use or not.
    pub(super) fn all_registers(&self) -> &[Oop] {
        &self.registers
    }

    /// As [`all_registers`](Self::all_registers), to be changed.
    pub(super) fn all_registers_mut(&mut self) -> &mut [Oop] {
        &mut self.registers
    }

    /// Register 0 of the first frame.
    pub fn start(&mut self) -> *mut Oop {
        self.registers.as_mut_ptr()
    }

    /// The address of frame `number`.
    pub fn frame_address(&mut self, number: usize) -> *mut Frame {
        &raw mut self.frames[number]
    }

    /// The number of the frame at `address`.
    pub fn number_of(&self, address: *const Frame) -> usize {
        (address as usize - self.frames.as_ptr() as usize) / size_of::<Frame>()
    }

    /// Frame `number`, if it is in use. [`top`](Self::top) is right.
    pub fn frame(&self, number: usize) -> Option<&Frame> {
        if number <= self.top { self.frames.get(number) } else { None }
    }

    /// As [`frame`](Self::frame), to be changed.
    pub fn frame_mut(&mut self, number: usize) -> Option<&mut Frame> {
        if number <= self.top { self.frames.get_mut(number) } else { None }
    }

    /// The first address that no frame's register 0 may reach.
    pub fn register_limit(&self) -> *mut Oop {
        let usable = self.registers.len() - MOST_REGISTERS;
        // The pointer is inside the array.
        self.registers.as_ptr().wrapping_add(usable).cast_mut()
    }

    /// The first address that no frame may have.
    pub fn frame_limit(&self) -> *mut Frame {
        self.frames.as_ptr().wrapping_add(self.frames.len().min(self.limit)).cast_mut()
    }

    /// Number of frames that there is room for.
    pub fn capacity(&self) -> usize {
        self.frames.len()
    }

    /// Doubles the room, up to the limit. False at the limit. Pointers into the stack are void afterwards.
    pub fn grow(&mut self) -> bool {
        let old = self.frames.len();
        let new = (old * 2).min(self.limit);
        // Frames with many registers can fill the registers first; so both grow, the registers even at the limit of frames.
        let most_registers = self.limit * REGISTERS_PER_FRAME * 4 + MOST_REGISTERS;
        let registers = (self.registers.len() * 2).min(most_registers);
        if new <= old && (self.top + 1 >= old || registers <= self.registers.len()) {
            return false;
        }
        let old_start = self.registers.as_ptr();
        let mut larger = vec![Oop::NULL; registers.max(self.registers.len())];
        larger[..self.registers.len()].copy_from_slice(&self.registers);
        let mut frames = vec![UNUSED; new.max(old)];
        frames[..old].copy_from_slice(&self.frames);
        let larger: Box<[Oop]> = larger.into();
        for frame in &mut frames[..=self.top] {
            let offset = (frame.base as usize - old_start as usize) / size_of::<Oop>();
            frame.base = larger.as_ptr().wrapping_add(offset).cast_mut();
        }
        self.registers = larger;
        self.frames = frames.into();
        true
    }

    /// Puts a frame that waits for the one above it between frame `below` and that, with `registers` registers: the receiver, and nil in the others.
    /// False at the limit. Pointers into the stack are void afterwards. [`top`](Self::top) is right.
    pub(crate) fn insert_frame(
        &mut self,
        below: usize,
        frame: Frame,
        registers: usize,
        receiver: Oop,
        nil: Oop,
    ) -> bool {
        if self.top + 2 > self.limit || below >= self.top {
            return false;
        }
        let at = |stack: &Stack, number: usize| stack.register_at(stack.frames[number].base);
        let (start, end) = (at(self, below + 1), at(self, self.top) + self.registers_of(self.top).len());
        let bases: Vec<usize> = (0..=self.top).map(|number| at(self, number)).collect();
        let mut larger = vec![nil; self.registers.len().max(end + registers + MOST_REGISTERS)];
        larger[..start].copy_from_slice(&self.registers[..start]);
        larger[start] = receiver;
        larger[start + registers..end + registers].copy_from_slice(&self.registers[start..end]);
        let larger: Box<[Oop]> = larger.into();
        let base = larger.as_ptr().cast_mut();
        let mut frames = self.frames[..=self.top].to_vec();
        for (number, frame) in frames.iter_mut().enumerate() {
            let moved = bases[number] + if number > below { registers } else { 0 };
            frame.base = base.wrapping_add(moved);
        }
        frames.insert(below + 1, Frame { base: base.wrapping_add(start), ..frame });
        frames.resize(self.frames.len().max(self.top + 2), UNUSED);
        self.registers = larger;
        self.frames = frames.into();
        self.top += 1;
        true
    }

    /// The live registers of frame `number`, where the one above begins at `end` if there is one.
    fn live(&self, number: usize, above: usize) -> std::ops::Range<usize> {
        let frame = &self.frames[number];
        let at = |address: *mut Oop| (address as usize - self.registers.as_ptr() as usize) / size_of::<Oop>();
        let start = at(frame.base);
        if number < self.top {
            return start..at(self.frames[number + 1].base);
        }
        // SAFETY: frames' code lives, [verified] its pc is inside.
        let height = unsafe {
            let code = &*frame.code;
            let word = frame.pc.offset_from(code.words.as_ptr()) as usize;
            code.heights.get(word).copied().unwrap_or(0)
        };
        start..(start + usize::from(height)).max(above)
    }

    /// Shows every live reference. `above` is the address up to which registers above the top frame's are live.
    pub fn visit(&mut self, above: *mut Oop, visitor: &mut dyn FnMut(&mut Oop)) {
        visitor(&mut self.process);
        if self.frames[0].code.is_null() {
            return;
        }
        let above = (above as usize).saturating_sub(self.registers.as_ptr() as usize) / size_of::<Oop>();
        for number in 0..=self.top {
            let live = self.live(number, above);
            self.registers[live].iter_mut().for_each(&mut *visitor);
            let frame = &mut self.frames[number];
            visitor(&mut frame.method);
            // SAFETY: as in `live`.
            if unsafe { &*frame.code }.kind == CodeKind::Block {
                visitor(&mut frame.closure);
            }
            if frame.mark.has(Mark::CONTEXT) {
                visitor(&mut frame.context);
            }
        }
    }

    /// The live registers of frame `number`.
    pub fn registers_of(&self, number: usize) -> &[Oop] {
        &self.registers[self.live(number, 0)]
    }

    /// As [`registers_of`](Self::registers_of), to be changed.
    pub fn registers_of_mut(&mut self, number: usize) -> &mut [Oop] {
        let live = self.live(number, 0);
        &mut self.registers[live]
    }
}
