//! The meta-object protocol's execution manipulation (Espell 4.3): threads, which are the space's Processes, and their stack frames, which are
//! its Contexts.

use std::collections::{HashMap, HashSet};

use instar_heap::Oop;

use super::error::MirrorError;
use super::frames::Activation;
use super::meta::{Meta, Mirror};
use crate::objects::layout::{compiled, context, process};
use crate::objects::{Known, Value};
use crate::vm::contexts::FrameId;

/// The priority of threads that the protocol makes: that of user processes.
const PRIORITY: i64 = 40;

impl Meta<'_> {
    /// *get threads*: all processes that have not ended.
    pub fn threads(&mut self) -> Vec<Mirror> {
        let stacks = self.own().roots.stacks.iter().flatten();
        let processes: Vec<Oop> = stacks.map(|stack| self.own().value(stack.process).oop()).collect();
        processes.into_iter().map(|process| self.mirror(process)).collect()
    }

    /// *create thread*: a process that will send the message to the object. It does not run before it is installed.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: the selector takes another number of arguments.
    pub fn create_thread(
        &mut self,
        object: Mirror,
        selector: &str,
        arguments: &[Mirror],
    ) -> Result<Mirror, MirrorError> {
        let receiver = self.oop(object)?;
        let method = self.sender_of(object, selector, arguments)?;
        let space = self.own_mut();
        let first = space.mark_roots();
        let [_, method] = [receiver, method].map(|oop| space.root(oop));
        let process = space.allocate_known(Known::Process, 0);
        let result = process.map(|made| {
            let made = space.root(made.oop());
            space.store_rooted(made, process::PRIORITY, Oop::small_integer(PRIORITY).unwrap_or(Oop::NULL));
            space.start_activation(made, method, first);
            space.rooted(made).oop()
        });
        space.release(first);
        let process = result?;
        Ok(self.mirror(process))
    }

    fn live_thread(&self, thread: Mirror) -> Result<(Oop, usize), MirrorError> {
        let value = self.process_value(thread)?;
        let stack = self.own().stack_of(value);
        stack.map(|stack| (value.oop(), stack)).ok_or(MirrorError::Refused("the thread has ended".to_owned()))
    }

    /// *install thread*: it runs when the space is resumed.
    ///
    /// # Errors
    /// [`MirrorError::Refused`]: it has ended, or is installed.
    pub fn install_thread(&mut self, thread: Mirror) -> Result<(), MirrorError> {
        let process = self.live_thread(thread)?.0;
        if self.own_mut().resume(process) {
            return Ok(());
        }
        Err(MirrorError::Refused("the thread is installed, or waits".to_owned()))
    }

    /// *terminate thread*: it does not go on. Its unwind blocks are not run: that would be code of the space.
    ///
    /// # Errors
    /// [`MirrorError::Refused`]: it has ended.
    pub fn terminate_thread(&mut self, thread: Mirror) -> Result<(), MirrorError> {
        let process = self.live_thread(thread)?.0;
        self.own_mut().drop_process(process);
        Ok(())
    }

    /// *get stack frames*: the youngest first.
    ///
    /// # Errors
    /// [`MirrorError::Refused`]: the thread has ended. [`MirrorError::Memory`]
    pub fn frames_of(&mut self, thread: Mirror) -> Result<Vec<Mirror>, MirrorError> {
        let stack = self.live_thread(thread)?.1;
        let top = self.own().roots.stacks[stack].as_ref().map_or(0, |stack| stack.top);
        let mut frames = Vec::new();
        for frame in (0..=top).rev() {
            let id = FrameId { stack, frame };
            // What the runtime pushed for itself is nobody's.
            if self.own().frame(id).is_none_or(|frame| frame.method == self.own().nil()) {
                continue;
            }
            let context = self.own_mut().context_of_frame(id)?;
            frames.push(self.mirror(context));
        }
        Ok(frames)
    }

    /// All frames that run one of the methods, of all threads: what a change of these methods has to see to. Takes a look at each frame and makes nothing of
    /// those that run something else.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn frames_running(&mut self, methods: &[Mirror]) -> Result<Vec<Mirror>, MirrorError> {
        let methods = methods.iter().map(|&method| self.oop(method));
        let methods = methods.collect::<Result<Vec<Oop>, MirrorError>>()?;
        let mut found = Vec::new();
        for (number, stack) in self.own().roots.stacks.iter().enumerate() {
            let frames = 0..stack.as_ref().map_or(0, |stack| stack.top + 1);
            let ids = frames.map(|frame| FrameId { stack: number, frame });
            found.extend(ids.filter(|&id| {
                let method = self.own().frame(id).map(|frame| self.own().value(frame.method).oop());
                method.is_some_and(|method| methods.contains(&method))
            }));
        }
        let mut frames = Vec::with_capacity(found.len());
        for id in found {
            let context = self.own_mut().context_of_frame(id)?;
            frames.push(self.mirror(context));
        }
        Ok(frames)
    }

    /// Where a frame on a stack has an argument or temporary: its register, and its place in the Cells there if blocks share it.
    fn place_of(&self, frame: Mirror, name: &str) -> Result<(FrameId, usize, Option<usize>), MirrorError> {
        let id = self.own().spouse(self.value(frame)?);
        let id = id.ok_or_else(|| MirrorError::WrongShape("the frame is on no stack".to_owned()))?;
        let running = self.own().frame(id);
        let found = running.and_then(|frame| frame.code().names.iter().rev().find(|it| it.name == name));
        let found = found.ok_or_else(|| MirrorError::NotFound(format!("temporary {name} in the frame")))?;
        Ok((id, usize::from(found.register), found.cell.map(usize::from)))
    }

    /// The value of an argument or temporary variable of a frame that is on a stack.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]: it has none of that name. [`MirrorError::WrongShape`]: it is no frame, or has ended.
    pub fn temporary(&mut self, frame: Mirror, name: &str) -> Result<Mirror, MirrorError> {
        let (id, register, cell) = self.place_of(frame, name)?;
        let missing = || MirrorError::NotFound(format!("value of temporary {name}"));
        let stack = self.own().roots.stacks[id.stack].as_ref();
        let found = stack.and_then(|stack| stack.registers_of(id.frame).get(register).copied());
        let mut found = found.ok_or_else(missing)?;
        if let Some(cell) = cell {
            found = self.own().value(found).slot(cell).map(Value::oop).ok_or_else(missing)?;
        }
        Ok(self.mirror(found))
    }

    /// Sets an argument or temporary variable of a frame that is on a stack.
    ///
    /// # Errors
    /// As for [`temporary`](Self::temporary).
    pub fn set_temporary(&mut self, frame: Mirror, name: &str, value: Mirror) -> Result<(), MirrorError> {
        let (id, register, cell) = self.place_of(frame, name)?;
        let missing = || MirrorError::NotFound(format!("value of temporary {name}"));
        let value = self.oop(value)?;
        let stack = self.own_mut().roots.stacks[id.stack].as_mut();
        let found = stack.and_then(|stack| stack.registers_of_mut(id.frame).get_mut(register));
        let found = found.ok_or_else(missing)?;
        let Some(cell) = cell else {
            *found = value;
            return Ok(());
        };
        let cells = *found;
        let cells = self.own().value(cells);
        let holder = cells.object().filter(|_| cell < cells.slots()).ok_or_else(missing)?;
        self.own().put(holder.oop(), cell, value);
        Ok(())
    }

    /// The frame of a Context that lives on the thread's stack.
    fn frame_on(&self, thread: Mirror, frame: Mirror) -> Result<FrameId, MirrorError> {
        let stack = self.live_thread(thread)?.1;
        let id = self.own().spouse(self.value(frame)?).filter(|id| id.stack == stack);
        id.ok_or_else(|| MirrorError::WrongShape("it is no stack frame of that thread".to_owned()))
    }

    /// *set current stack frame*: drops the frames above, without running their unwind blocks. The frame goes on with the value as result of the
    /// call that it had under way.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: it is no frame of the thread.
    pub fn set_current_frame(
        &mut self,
        thread: Mirror,
        frame: Mirror,
        value: Mirror,
    ) -> Result<(), MirrorError> {
        let id = self.frame_on(thread, frame)?;
        let value = self.oop(value)?;
        self.own_mut().cut_stack(id, value);
        Ok(())
    }

    /// Lets a frame begin anew, with its method as that was: the frames above are dropped.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: it is no frame of the thread.
    pub fn restart_frame(&mut self, thread: Mirror, frame: Mirror) -> Result<(), MirrorError> {
        let id = self.frame_on(thread, frame)?;
        self.own_mut().restart_at(id);
        Ok(())
    }

    /// *create stack frame*: one that will send the message to the object. It is on no stack before it is inserted.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: the selector takes another number of arguments.
    pub fn create_frame(
        &mut self,
        object: Mirror,
        selector: &str,
        arguments: &[Mirror],
    ) -> Result<Mirror, MirrorError> {
        let method = self.sender_of(object, selector, arguments)?;
        let space = self.own_mut();
        let method = space.root(method);
        let made = space.allocate_known(Known::Context, 0);
        let made = made.map(|made| {
            let method = space.rooted(method).oop();
            space.put(made.oop(), context::METHOD, method);
            made.oop()
        });
        space.release(method);
        let made = made?;
        let receiver = self.oop(object)?;
        self.own().put(made, context::RECEIVER, receiver);
        Ok(self.mirror(made))
    }

    /// *insert stack frame*: when `before` goes on next, the created frame runs first. If `before` waits for a call, that returns to the created
    /// frame, which drops its value and answers the call itself; if it is the current frame, it goes on behind it.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: `before` is on no stack, or the other is none that [`create_frame`](Self::create_frame) made.
    pub fn insert_frame(&mut self, before: Mirror, created: Mirror) -> Result<(), MirrorError> {
        let id = self.own().spouse(self.value(before)?);
        let id = id.ok_or_else(|| MirrorError::WrongShape("the frame before is on no stack".to_owned()))?;
        let activation = self.activation_of(created)?;
        if self.own_mut().insert_activation(id, activation) {
            return Ok(());
        }
        Err(MirrorError::Refused("the stack is full".to_owned()))
    }

    /// The method that sends a message to an object: code that frames made by the protocol run.
    fn sender_of(
        &mut self,
        object: Mirror,
        selector: &str,
        arguments: &[Mirror],
    ) -> Result<Oop, MirrorError> {
        if crate::code::arity(selector) != Some(arguments.len()) {
            let text = format!("{selector:?} is no selector of {} arguments", arguments.len());
            return Err(MirrorError::WrongShape(text));
        }
        let unit = super::frames::sender(selector, arguments.len())
            .ok_or_else(|| MirrorError::WrongShape("that is too many arguments".to_owned()))?;
        let class = self.value(object)?.class().oop();
        let arguments =
            arguments.iter().map(|&argument| self.oop(argument)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.own_mut().new_sender(&unit, class, &arguments)?)
    }

    fn activation_of(&self, created: Mirror) -> Result<Activation, MirrorError> {
        let value = self.value(created)?;
        let wrong =
            || MirrorError::WrongShape("it is no stack frame that was created and not begun".to_owned());
        let is_created = value.is(Known::Context) && self.own().spouse(value).is_none();
        let method = value.slot(context::METHOD).filter(|_| is_created).ok_or_else(wrong)?;
        let is_sender =
            method.slot(compiled::PROTOCOL).and_then(Value::text).as_deref() == Some(super::frames::PROTOCOL);
        let receiver = value.slot(context::RECEIVER).ok_or_else(wrong)?;
        self.own().code_of(method).filter(|_| is_sender).ok_or_else(wrong)?;
        Ok(Activation { method: method.oop(), receiver: receiver.oop() })
    }

    /// The selector of the method that a frame runs, its class's name before it.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: it is no frame.
    pub fn frame_description(&self, frame: Mirror) -> Result<String, MirrorError> {
        let value = self.value(frame)?;
        if let Some(text) = self.own().spouse(value).and_then(|id| self.own().describe_frame(id)) {
            return Ok(text);
        }
        if value.is(Known::Context) {
            return Ok("a frame on no stack".to_owned());
        }
        Err(MirrorError::WrongShape(format!("{} is no stack frame", self.describe(value))))
    }

    /// The selector of the method around what a frame runs.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: it is no frame.
    pub fn frame_selector(&self, frame: Mirror) -> Result<String, MirrorError> {
        let value = self.value(frame)?;
        let method = value.slot(context::METHOD).filter(|_| value.is(Known::Context));
        let mut method = method.ok_or_else(|| MirrorError::WrongShape("it is no stack frame".to_owned()))?;
        while let Some(outer) = method.slot(compiled::OUTER).filter(|outer| !outer.is_nil()) {
            method = outer;
        }
        Ok(method.slot(compiled::SELECTOR).and_then(Value::text).unwrap_or_default())
    }

    /// The receiver of the method that a frame runs.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: it is no frame.
    pub fn frame_receiver(&mut self, frame: Mirror) -> Result<Mirror, MirrorError> {
        let value = self.value(frame)?;
        let receiver = value.slot(context::RECEIVER).filter(|_| value.is(Known::Context)).map(Value::oop);
        let receiver = receiver.ok_or_else(|| MirrorError::WrongShape("it is no stack frame".to_owned()))?;
        Ok(self.mirror(receiver))
    }

    /// gDSU's safe point, from outside: which threads are inside one of the methods, each with its youngest such method. If none is, the program can
    /// be updated as it stands. Otherwise the oldest activation of such a method in each of those threads has a return barrier now, and the space,
    /// resumed, is suspended when one of them goes: look again then. The thread that it was of waits until [`ObjectSpace::scatter`](super::ObjectSpace::scatter), so
    /// that it does not come back. No methods take all barriers away.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn threads_inside(&mut self, methods: &[Mirror]) -> Result<Vec<(Mirror, Mirror)>, MirrorError> {
        let methods = methods.iter().map(|&method| Ok(self.oop(method)?.bits()));
        let methods = methods.collect::<Result<HashSet<u64>, MirrorError>>()?;
        let space = self.own_mut();
        space.make_gate()?;
        let blocked = space.guard_all(&methods, &HashSet::new(), &HashMap::new());
        space.stops_at_barriers = !blocked.is_empty();
        space.has_left = false;
        let pairs = blocked.into_iter();
        Ok(pairs.map(|blocked| (self.mirror(blocked.process), self.mirror(blocked.method))).collect())
    }

    /// Lets the processes go on that wait at update points.
    pub(super) fn leave_update_points(&mut self) {
        self.own_mut().open_gate();
    }
}
