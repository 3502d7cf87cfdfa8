//! Images of spaces, from which others are made: the kernel's, so that a new space takes milliseconds, and those of running programs.
//!
//! **Algorithm.** A full collection leaves all that lives in the old generation, whose words are copied with the references that stand outside the
//! heap. To make a space, the words are copied once more and every reference is moved by the same distance ([`HeapImage`]). Code is
//! shared; a space makes its own, with inline caches, of what it runs (`CodeTable::of_image`).
//!
//! \[at-rest\] An image is taken of a space in which no process is active: the top frame of each stack stands at its next instruction, and what
//! can run stands in the lists of the scheduler.
//!
//! What is outside the guest's program does not go over: open files but for the standard streams (a copy's handles fail), inboxes, mirrors, the
//! variables of sessions. A process that waits for one of the first tries again in a copy.

#![allow(unsafe_code)]

use std::sync::Arc;
use std::time::Instant;

use instar_gc::World;
use instar_heap::image::{HeapImage, Relocation};
use instar_heap::{ClassIndex, Oop};

use super::alarms::{AlarmKey, AlarmsImage};
use super::inbox::{Inboxes, STANDARD_INPUT};
use super::stack::{Frame, Mark, Stack};
use super::{Space, SpaceError, SpaceOptions};
use crate::code::{Code, CodeTable, CodeTableImage};
use crate::objects::symbols::SymbolTable;
use crate::objects::{Known, Special};

/// Which code a frame runs.
#[derive(Clone, Copy, Debug)]
enum FrameCode {
    Trampoline,
    /// Of this number in the table.
    Numbered(u32),
    /// The same with checks.
    Checked(u32),
}

#[derive(Debug)]
struct FrameImage {
    code: FrameCode,
    word: usize,
    base: usize,
    method: Oop,
    closure: Oop,
    context: Oop,
    mark: Mark,
}

#[derive(Debug)]
struct StackImage {
    registers: Vec<Oop>,
    frames: Vec<FrameImage>,
    process: Oop,
    limit: usize,
    alarm: Option<AlarmKey>,
}

/// A space as it was, to make others of. It can be sent between threads and shared.
pub struct SpaceImage {
    heap: HeapImage,
    classes: [Oop; Known::ALL.len()],
    special: [Oop; Special::COUNT],
    stacks: Vec<Option<StackImage>>,
    symbols: SymbolTable,
    codes: CodeTableImage,
    alarms: AlarmsImage,
    update_events: Oop,
    gate: Oop,
    indices: [ClassIndex; Known::ALL.len()],
    last_serial: u64,
    floor: usize,
    started: Instant,
    arguments: Vec<String>,
    /// What processes wait at that the copy does not have, files and the standard input.
    awaited: Vec<Oop>,
    /// What the numbers of a copy's inboxes begin behind.
    inboxes: (usize, u64),
}

impl SpaceImage {
    /// Bytes of objects in it.
    pub fn bytes(&self) -> usize {
        self.heap.bytes()
    }
}

impl std::fmt::Debug for SpaceImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpaceImage").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

impl Space {
    /// Copies the space, in which no process may be active: `None` if one is. A full collection, and a copy of what it leaves.
    pub fn image(&mut self) -> Option<SpaceImage> {
        if !self.roots.frame.is_null() {
            return None;
        }
        let world = self.mutator.world().clone();
        // SAFETY: this mutator is the only one, and what it holds on to is in the roots.
        let heap = unsafe { world.image(&mut self.mutator) };
        // Indices of dead classes are free now, and code of dead methods is to be freed.
        self.after_collection();
        let stacks =
            self.roots.stacks.iter().map(|stack| Some(self.image_of_stack(stack.as_ref()?))).collect();
        Some(SpaceImage {
            heap,
            classes: self.roots.classes,
            special: self.roots.special,
            stacks,
            symbols: self.roots.symbols.clone(),
            codes: self.roots.codes.image(),
            alarms: self.roots.alarms.image(),
            update_events: self.roots.update_events,
            gate: self.roots.gate,
            indices: self.indices,
            last_serial: self.last_serial,
            floor: self.floor,
            started: self.started,
            arguments: self.arguments.clone(),
            awaited: self.roots.waits.semaphores().chain(self.roots.inboxes.opened(STANDARD_INPUT)).collect(),
            inboxes: self.roots.inboxes.numbers(),
        })
    }

    fn image_of_stack(&self, stack: &Stack) -> StackImage {
        let frames = (0..=stack.top).filter_map(|number| stack.frame(number));
        let top = stack.registers_of(stack.top).len();
        let end = stack.frame(stack.top).map_or(0, |frame| stack.register_at(frame.base)) + top;
        StackImage {
            registers: stack.all_registers()[..end].to_vec(),
            frames: frames.map(|frame| self.image_of_frame(stack, frame)).collect(),
            process: stack.process,
            limit: stack.limit,
            alarm: stack.alarm,
        }
    }

    fn image_of_frame(&self, stack: &Stack, frame: &Frame) -> FrameImage {
        let code = frame.code();
        let is_in_table = |code: &Code| {
            self.roots.codes.get(code.number as usize).is_some_and(|own| std::ptr::eq(own, code))
        };
        let code = if std::ptr::eq(code, &raw const *self.trampoline) {
            FrameCode::Trampoline
        } else if is_in_table(code) {
            FrameCode::Numbered(code.number)
        } else {
            FrameCode::Checked(code.number)
        };
        FrameImage {
            code,
            word: frame.word(),
            base: stack.register_at(frame.base),
            method: frame.method,
            closure: frame.closure,
            context: frame.context,
            mark: frame.mark,
        }
    }

    /// A space that goes on where the one that the image was taken of stood, with processes, clock and all. It is at rest.
    ///
    /// # Errors
    /// [`SpaceError::Heap`]: there is no room for it.
    pub fn of_image(image: &SpaceImage, options: SpaceOptions) -> Result<Space, SpaceError> {
        let (world, relocation) = World::from_image(options.gc.clone(), &image.heap)?;
        let mut space = Space::of_world(&world, options);
        let moved = |oop: &Oop| relocation.apply(*oop);
        space.roots.classes = std::array::from_fn(|at| moved(&image.classes[at]));
        space.roots.special = std::array::from_fn(|at| moved(&image.special[at]));
        space.roots.symbols = image.symbols.relocated(relocation);
        space.roots.codes = CodeTable::of_image(&image.codes, relocation);
        space.roots.update_events = moved(&image.update_events);
        space.roots.gate = moved(&image.gate);
        space.indices = image.indices;
        space.last_serial = image.last_serial;
        space.floor = image.floor;
        space.started = image.started;
        space.arguments = image.arguments.clone();
        space.roots.inboxes = Inboxes::behind(image.inboxes);
        space.full_collections = world.full_epoch();
        for stack in &image.stacks {
            let stack = stack.as_ref().map(|stack| space.restored_stack(stack, relocation));
            space.roots.stacks.push(stack);
        }
        space.restore_alarms(&image.alarms, relocation);
        // An update that the original waits for is not the copy's.
        space.open_gate();
        // Who waits for what the copy does not have tries again.
        image.awaited.iter().for_each(|semaphore| space.signal_if_semaphore(moved(semaphore)));
        Ok(space)
    }

    fn restored_stack(&self, image: &StackImage, relocation: Relocation) -> Box<Stack> {
        let limits = self.options.stacks;
        let mut stack =
            Box::new(Stack::with_room(limits, image.process, image.frames.len(), image.registers.len()));
        stack.all_registers_mut()[..image.registers.len()].copy_from_slice(&image.registers);
        stack.limit = image.limit;
        stack.alarm = image.alarm;
        stack.top = image.frames.len() - 1;
        let start = stack.start();
        for (number, frame) in image.frames.iter().enumerate() {
            let code = self.restored_code(frame.code);
            // SAFETY: the stack has room for that many frames and registers; the code is that of the image, and has the word.
            unsafe {
                *stack.frame_address(number) = Frame {
                    pc: code.words.as_ptr().add(frame.word),
                    base: start.add(frame.base),
                    code,
                    method: frame.method,
                    closure: frame.closure,
                    context: frame.context,
                    mark: frame.mark,
                };
            }
        }
        stack.visit(std::ptr::null_mut(), &mut |oop| *oop = relocation.apply(*oop));
        stack
    }

    fn restored_code(&self, code: FrameCode) -> &Code {
        let numbered = |number: u32| self.roots.codes.get(number as usize);
        let found = match code {
            FrameCode::Trampoline => None,
            FrameCode::Numbered(number) => numbered(number),
            FrameCode::Checked(number) => numbered(number).map(Code::checked),
        };
        // [frame-code]: methods of frames live, so that the table has their code.
        found.unwrap_or(&self.trampoline)
    }

    /// Whether it can be said that no process is active.
    pub fn is_at_rest(&self) -> bool {
        self.roots.frame.is_null()
    }

    /// An image of the kernel that is built into the program.
    ///
    /// # Errors
    /// [`SpaceError`].
    pub fn kernel_image(options: SpaceOptions) -> Result<Arc<SpaceImage>, SpaceError> {
        let mut space = Space::new(options)?;
        let active = || SpaceError::Load("a process of the kernel is active after it was loaded".to_owned());
        space.image().map(Arc::new).ok_or_else(active)
    }
}
