//! Processes: green threads on the thread that runs the space, scheduled by priority as in Pharo.
//!
//! The lists are guest objects (`ProcessorScheduler`, `Semaphore`), so that the guest can look at them; the runtime reads them as carefully as
//! any guest data. [suspended-pc] The top frame of a process that does not run has the next instruction as its `pc`.

#![allow(unsafe_code)]

use instar_gc::attention::Demand;
use instar_heap::Oop;

use super::Space;
use super::run::Exit;
use super::stack::{Frame, Mark, Stack};
use crate::code::CodeKind;
use crate::objects::layout::{CLOSURE_NAMED, closure, process, scheduler, semaphore};
use crate::objects::{Known, Special, Value};

/// No semaphore has more processes waiting: a bound for walks over lists that the guest may have damaged.
pub(super) const MOST_WAITING: usize = 1 << 20;

impl Space {
    /// Attends to what was requested. The top frame's `pc` is the next instruction.
    pub(crate) fn poll(&mut self) -> Option<Exit> {
        if let Some(exit) = self.exit.take() {
            return Some(exit);
        }
        if !self.interrupt.is_requested() {
            return None;
        }
        let is_only_counted = self.is_only_counted();
        match self.interrupt.attend(is_only_counted)? {
            Demand::Suspend => return Some(self.hand_over()),
            Demand::Stop => return Some(Exit::Interrupted),
            Demand::Look => {}
        }
        self.after_collection();
        if let Some(exit) = self.tend_reserve() {
            return Some(exit);
        }
        self.inject_become();
        // Time is kept as though by a process of the highest priority: whoever it interrupts goes to the end of its list.
        let has_rung = self.signal_due();
        let has_come = self.announce_messages() | self.announce_files();
        if has_come || has_rung {
            self.give_way()
        } else {
            self.preempt()
        }
        self.exit.take()
    }

    /// A control primitive changed frames.
    pub(crate) fn resumed(&mut self) -> Option<Exit> {
        self.roots.above = std::ptr::null_mut();
        self.exit.take()
    }

    /// After a full collection: class indices are given out again, and code of dead methods can be freed.
    pub(crate) fn after_collection(&mut self) {
        let count = self.mutator.world().full_epoch();
        if count != self.full_collections {
            self.full_collections = count;
            self.flush_caches();
            self.roots.codes.purge();
            self.roots.symbols.purge();
        }
    }

    /// The scheduler object.
    fn scheduler(&self) -> Value<'_> {
        self.value(self.special(Special::Scheduler))
    }

    /// The Process that runs.
    pub(crate) fn active_process(&self) -> Value<'_> {
        self.scheduler().slot(scheduler::ACTIVE).unwrap_or(self.nil_value())
    }

    pub(super) fn priority_of(&self, process: Value<'_>) -> usize {
        process.slot(process::PRIORITY).and_then(Value::as_index).unwrap_or(1)
    }

    /// Puts `process` at the end of a list.
    pub(crate) fn append(&self, list: Oop, process: Oop) {
        let last = self.value(list).slot(semaphore::LAST_LINK).filter(|last| !last.is_nil());
        match last {
            Some(last) => self.put(last.oop(), process::NEXT_LINK, process),
            None => self.put(list, semaphore::FIRST_LINK, process),
        }
        self.put(list, semaphore::LAST_LINK, process);
        self.put(process, process::NEXT_LINK, self.nil());
        self.put(process, process::MY_LIST, list);
    }

    /// Takes the first process off a list.
    pub(crate) fn take_first(&self, list: Oop) -> Option<Oop> {
        let first = self.value(list).slot(semaphore::FIRST_LINK).filter(|first| !first.is_nil())?;
        self.remove(list, first.oop());
        Some(first.oop())
    }

    /// Takes `process` off a list; false if it is not there.
    pub(super) fn remove(&self, list: Oop, process: Oop) -> bool {
        let mut before: Option<Value<'_>> = None;
        let mut at = self.value(list).slot(semaphore::FIRST_LINK);
        while let Some(link) = at.filter(|link| !link.is_nil()) {
            let next = link.slot(process::NEXT_LINK).unwrap_or(self.nil_value());
            if link.oop() == process {
                match before {
                    Some(before) => self.put(before.oop(), process::NEXT_LINK, next.oop()),
                    None => self.put(list, semaphore::FIRST_LINK, next.oop()),
                }
                if next.is_nil() {
                    self.put(list, semaphore::LAST_LINK, before.map_or(self.nil(), Value::oop));
                }
                self.put(process, process::NEXT_LINK, self.nil());
                self.put(process, process::MY_LIST, self.nil());
                return true;
            }
            (before, at) = (Some(link), Some(next));
        }
        false
    }

    /// The list of runnable processes of a priority.
    pub(super) fn run_list(&self, priority: usize) -> Option<Value<'_>> {
        let lists = self.scheduler().slot(scheduler::LISTS)?;
        lists.slot(priority.clamp(1, lists.slots().max(1)) - 1)
    }

    /// The highest priority, not below the floor, at which a process is runnable.
    fn highest(&self) -> Option<usize> {
        let lists = self.scheduler().slot(scheduler::LISTS)?;
        let has_process = |&priority: &usize| {
            let first = lists.slot(priority - 1).and_then(|list| list.slot(semaphore::FIRST_LINK));
            first.is_some_and(|first| !first.is_nil())
        };
        (self.floor.max(1)..=lists.slots()).rev().find(has_process)
    }

    /// Makes a process that waits nowhere runnable.
    pub(crate) fn make_runnable(&self, process: Oop) {
        if let Some(list) = self.run_list(self.priority_of(self.value(process))) {
            self.append(list.oop(), process);
        }
    }

    /// Lets a process of higher priority run, if one is runnable; the one that ran goes to the end of its list.
    pub(crate) fn preempt(&mut self) {
        self.give_way_from(self.priority_of(self.active_process()) + 1);
    }

    /// As [`preempt`](Self::preempt), and for processes of the same priority too.
    fn give_way(&mut self) {
        self.give_way_from(self.priority_of(self.active_process()));
    }

    fn give_way_from(&mut self, priority: usize) {
        let active = self.active_process();
        let is_below_floor = self.priority_of(active) < self.floor;
        if is_below_floor || self.highest().is_some_and(|highest| highest >= priority) {
            self.make_runnable(active.oop());
            self.switch_to_next();
        }
    }

    /// `signal`: wakes the first that waits, or counts.
    pub(crate) fn signal(&mut self, semaphore: Oop) {
        if let Some(process) = self.take_first(semaphore) {
            self.grant(semaphore, process);
            return;
        }
        let excess = self.value(semaphore).slot(semaphore::EXCESS_SIGNALS).and_then(Value::as_integer);
        if let Some(more) = excess.and_then(|excess| Oop::small_integer(excess + 1)) {
            self.put(semaphore, semaphore::EXCESS_SIGNALS, more);
        }
    }

    /// A signal lets `process`, which stands in no list, go on. [granted] Until it runs, the process remembers by which semaphore, so that
    /// its termination can pass the signal on.
    fn grant(&mut self, semaphore: Oop, process: Oop) {
        self.make_runnable(process);
        self.put(process, process::GRANTED, semaphore);
    }

    /// `process`, which does not run and stands in no list, waits for `semaphore`, or goes on at once if there is a signal. False if it is not in
    /// that state.
    pub(crate) fn enqueue(&mut self, semaphore: Oop, process: Oop) -> bool {
        let value = self.value(process);
        let is_waiting = value.slot(process::MY_LIST).is_none_or(|list| !list.is_nil());
        if is_waiting || self.stack_of(value).is_none() || process == self.active_process().oop() {
            return false;
        }
        if self.take_excess(semaphore) {
            self.grant(semaphore, process);
        } else {
            self.append(semaphore, process);
        }
        true
    }

    /// Takes a signal that nobody waited for, if there is one.
    fn take_excess(&mut self, semaphore: Oop) -> bool {
        let excess = self.value(semaphore).slot(semaphore::EXCESS_SIGNALS).and_then(Value::as_integer);
        let less = excess.filter(|&excess| excess > 0).and_then(|excess| Oop::small_integer(excess - 1));
        if let Some(less) = less {
            self.put(semaphore, semaphore::EXCESS_SIGNALS, less);
        }
        less.is_some()
    }

    /// `wait`: true if the process that runs need not wait; else it stands in the semaphore's list now.
    pub(crate) fn wait(&mut self, semaphore: Oop) -> bool {
        if self.take_excess(semaphore) {
            return true;
        }
        self.append(semaphore, self.active_process().oop());
        false
    }

    /// `yield`: the others of this priority first.
    pub(crate) fn yield_active(&mut self) {
        let active = self.active_process().oop();
        self.make_runnable(active);
        self.switch_to_next();
    }

    /// Makes a suspended process runnable; false if it is not suspended, or has ended.
    pub(crate) fn resume(&mut self, process: Oop) -> bool {
        let value = self.value(process);
        let is_waiting = value.slot(process::MY_LIST).is_none_or(|list| !list.is_nil());
        if is_waiting || self.stack_of(value).is_none() || process == self.active_process().oop() {
            return false;
        }
        self.make_runnable(process);
        true
    }

    /// Takes a process out of whatever list it stands in; the one that runs stops running. The result is the list.
    pub(crate) fn suspend(&mut self, process: Oop) -> Oop {
        let list = self.value(process).slot(process::MY_LIST).map_or(self.nil(), Value::oop);
        if list != self.nil() {
            self.remove(list, process);
        }
        list
    }

    /// The stack of a process that has one. A stack belongs to the identity, so that a process that exchanges variables with another object
    /// goes on: then the number that its variable holds is not its own stack's.
    pub(crate) fn stack_of(&self, process: Value<'_>) -> Option<usize> {
        let is_its_own = |stack: &Option<Box<Stack>>| {
            stack.as_ref().is_some_and(|stack| self.value(stack.process).oop() == process.oop())
        };
        let stacks = &self.roots.stacks;
        let noted = process.slot(process::STACK).and_then(Value::as_index);
        noted
            .filter(|&number| stacks.get(number).is_some_and(is_its_own))
            .or_else(|| stacks.iter().position(is_its_own))
    }

    /// Goes on with the first process of the highest priority; sleeps if there is none and something may wake one. The top frame of the
    /// one that ran is at rest [suspended-pc].
    pub(crate) fn switch_to_next(&mut self) {
        loop {
            let next = self.highest().and_then(|priority| self.run_list(priority)).map(Value::oop);
            if let Some(process) = next.and_then(|list| self.take_first(list)) {
                if self.switch_to(process) {
                    return;
                }
                continue;
            }
            if self.floor > 0 && !self.events_wake_from(self.floor) && !self.alarms_wake_from(self.floor) {
                // Whoever set the floor waits for somebody below it, or has ended.
                self.floor = 0;
                continue;
            }
            if self.interrupt.is_gathering() {
                return self.end_with(Exit::Gathered);
            }
            let deadline = self.roots.alarms.next();
            if deadline.is_none() && !self.events_wake_from(0) {
                return self.end_with(Exit::Deadlock);
            }
            let interrupt = self.interrupt.clone();
            self.mutator.blocked(|| interrupt.sleep(deadline));
            match self.interrupt.attend_at_once() {
                Demand::Suspend => return self.end_with(Exit::Suspended),
                Demand::Stop => return self.end_with(Exit::Interrupted),
                Demand::Look => {}
            }
            let _ = self.signal_due();
            let _ = self.announce_messages();
            let _ = self.announce_files();
        }
    }

    /// Lets `process` run; false if it has no stack.
    fn switch_to(&mut self, process: Oop) -> bool {
        let Some(number) = self.stack_of(self.value(process)) else { return false };
        self.set_active_top();
        self.enter_stack(number);
        self.put(self.special(Special::Scheduler), scheduler::ACTIVE, process);
        // [granted]
        self.put(process, process::GRANTED, self.nil());
        if let Some(key) = self.roots.stacks[number].as_mut().and_then(|stack| stack.alarm.take()) {
            self.roots.alarms.cancel(key);
        }
        true
    }

    /// Makes a stack the active one.
    pub(crate) fn enter_stack(&mut self, number: usize) {
        self.roots.active = number;
        if let Some(stack) = self.roots.stacks[number].as_mut() {
            let top = stack.top;
            self.roots.frame = stack.frame_address(top);
        }
        self.use_limits();
    }

    /// Gives `process` a stack on which `block`, which takes no arguments, will run. The process is suspended. False if `block` is no
    /// such block.
    pub(crate) fn give_stack(&mut self, process: Oop, block: Oop) -> bool {
        let closure = self.value(block);
        let code = closure.slot(closure::BLOCK).and_then(|block| self.code_of(block));
        let Some(code) = code.filter(|_| closure.is(Known::BlockClosure)) else { return false };
        let callee = code;
        let copied = closure.slots() - CLOSURE_NAMED;
        if callee.kind != CodeKind::Block || callee.arguments != 0 || callee.copied as usize != copied {
            return false;
        }
        let Some(object) = closure.object() else { return false };
        let mut stack = Box::new(Stack::new(self.options.stacks, process));
        let window = stack.start();
        // SAFETY: a new stack has room for any frame.
        let code = unsafe { super::run::enter_block(code, window, object) };
        self.begin_stack(stack, code, object.oop());
        true
    }

    /// Gives `process` a stack on which the method with this code, which takes no arguments, will run for `receiver`.
    ///
    /// # Safety
    /// The code is that of a live method that fits the receiver's class.
    pub(crate) unsafe fn give_method_stack(
        &mut self,
        process: Oop,
        code: *const crate::code::Code,
        receiver: Oop,
    ) {
        let mut stack = Box::new(Stack::new(self.options.stacks, process));
        // SAFETY: a new stack has registers.
        unsafe { *stack.start() = receiver };
        self.begin_stack(stack, code, Oop::NULL);
    }

    /// Gives a rooted Process a stack on which a CompiledMethod without arguments will run.
    pub(crate) fn start_method(
        &mut self,
        process: super::space::Root,
        method: super::space::Root,
        receiver: super::space::Root,
    ) {
        let (process, receiver) = (self.rooted(process).oop(), self.rooted(receiver).oop());
        if let Some(code) = self.code_of(self.rooted(method)) {
            // SAFETY: the method is rooted and was compiled for the receiver's class.
            unsafe { self.give_method_stack(process, code, receiver) };
        }
    }

    /// Puts the first frame on a stack whose registers hold its operands, and the stack into the table.
    fn begin_stack(&mut self, mut stack: Box<Stack>, code: *const crate::code::Code, closure: Oop) {
        let window = stack.start();
        // SAFETY: the callers found the code alive; a new stack has room for any frame.
        unsafe {
            let callee = &*code;
            for temporary in callee.first_temporary as usize..callee.end_temporaries as usize {
                *window.add(temporary) = self.nil();
            }
            *stack.frame_address(0) = Frame {
                pc: callee.words.as_ptr(),
                base: window,
                code,
                method: callee.method,
                closure,
                context: Oop::NULL,
                mark: Mark::NONE.with(Mark::BOTTOM),
            };
        }
        let process = stack.process;
        let stacks = &mut self.roots.stacks;
        let number = stacks.iter().position(Option::is_none).unwrap_or_else(|| {
            stacks.push(None);
            stacks.len() - 1
        });
        stacks[number] = Some(stack);
        let number = Oop::small_integer(number as i64).unwrap_or(self.nil());
        self.put(process, process::STACK, number);
    }

    /// Pushes a block without arguments onto the stack of a process that does not run: when it goes on, it runs the block first. False if
    /// `block` is no such block, or there is no room.
    pub(crate) fn inject(&mut self, process: Oop, block: Oop) -> bool {
        let Some(number) = self.stack_of(self.value(process)).filter(|&number| number != self.roots.active)
        else {
            return false;
        };
        let (active, frame) = (self.roots.active, self.roots.frame);
        self.set_active_top();
        // The operands of the call under way are the active stack's: they say nothing about where the other one's registers end.
        self.roots.above = std::ptr::null_mut();
        self.enter_stack(number);
        let is_pushed = self.push_trampoline(None).is_some_and(|window| {
            // SAFETY: the trampoline has room for operands, and the frame below is at rest [suspended-pc].
            let is_pushed = unsafe {
                *window = block;
                self.push_block_quietly(window, 0)
            };
            if !is_pushed {
                // SAFETY: the trampoline is not the first frame.
                self.roots.frame = unsafe { self.roots.frame.sub(1) };
            }
            is_pushed
        });
        self.set_active_top();
        self.roots.active = active;
        self.roots.frame = frame;
        self.roots.above = std::ptr::null_mut();
        self.use_limits();
        is_pushed
    }

    /// The process that runs has returned from its first frame.
    pub(crate) fn end_active(&mut self, value: Oop) -> Option<Exit> {
        let number = self.roots.active;
        let process = self.active_process().oop();
        self.put(process, process::STACK, self.nil());
        self.roots.stacks[number] = None;
        self.roots.frame = std::ptr::null_mut();
        self.roots.above = std::ptr::null_mut();
        self.tell_end(process);
        if self.awaited == Some(number) {
            self.awaited = None;
            return Some(Exit::Finished(value));
        }
        self.switch_to_next();
        self.exit.take()
    }

    /// Ends the process that runs without unwinding it: it can go on no more.
    #[cold]
    pub(crate) fn terminate_active(&mut self, reason: &str) -> Option<Exit> {
        self.report(reason);
        let top = self.top();
        for number in (0..=top).rev() {
            self.drop_frame(number);
        }
        let was_awaited = self.awaited == Some(self.roots.active);
        let exit = self.end_active(self.nil());
        if was_awaited { Some(Exit::Terminated) } else { exit }
    }

    /// Ends a process that does not run on, without unwinding it.
    pub(crate) fn drop_process(&mut self, process: Oop) {
        let Some(number) = self.stack_of(self.value(process)) else { return };
        self.set_active_top();
        self.leave_barriers_of(number);
        self.suspend(process);
        if number == self.roots.active {
            self.roots.frame = std::ptr::null_mut();
            self.roots.above = std::ptr::null_mut();
        }
        self.put(process, process::STACK, self.nil());
        self.roots.stacks[number] = None;
        self.tell_end(process);
    }

    /// [end-told] Whoever waits for the end of a process hears of it however that comes about: by this, not by what the process does last.
    fn tell_end(&mut self, process: Oop) {
        let semaphore = self.value(process).slot(process::END_SEMAPHORE);
        let semaphore = semaphore.filter(|found| found.is_kind_of(Known::Semaphore)).map(|found| found.oop());
        if let Some(semaphore) = semaphore {
            self.put(process, process::END_SEMAPHORE, self.nil());
            self.signal(semaphore);
        }
    }

    /// Runs `process`, which has a stack and waits nowhere, until it ends. Others run when it waits.
    pub(crate) fn run_until_end(&mut self, process: Oop) -> Exit {
        self.awaited = self.stack_of(self.value(process));
        if self.awaited.is_none() || !self.switch_to(process) {
            return Exit::Terminated;
        }
        self.run()
    }
}
