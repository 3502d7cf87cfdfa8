//! Safe points for updates: which processes are inside methods that are about to change, and word of it when they have left.
//!
//! **Return barriers** (gDSU 4.4). The oldest activation of such a method in each process carries [`Mark::BARRIER`]. However it goes – by
//! return, non-local return, unwinding, or the end of its process – `drop_frame` sees the mark and signals the updater's semaphore. Newer
//! activations of such methods in the same process have gone by then.
//!
//! **A process that was made and has not begun** counts by the block that it is going to run, as though it stood at its begin.
//!
//! **The floor.** While it is set, only processes of at least that priority run.

use std::collections::{HashMap, HashSet};

use instar_heap::Oop;

use super::Space;
use super::stack::{Mark, Stack};
use crate::code::CodeKind;
use crate::objects::layout::{closure, compiled};
use crate::objects::{Known, Value};

/// A process that is inside an affected method.
pub(crate) struct Blocked {
    pub process: Oop,
    /// The youngest such method.
    pub method: Oop,
}

impl Space {
    /// Puts barriers where `methods` are active, and takes all others away. Exempt are `processes` as a whole, and activations from one of
    /// `contexts` up. All three are Arrays.
    pub(crate) fn guard(&mut self, methods: Oop, processes: Oop, contexts: Oop) -> Vec<Blocked> {
        self.set_active_top();
        let methods = self.elements(methods);
        let processes = self.elements(processes);
        let exempt = self.exempt_from(contexts);
        self.guard_all(&methods, &processes, &exempt)
    }

    /// As [`guard`](Self::guard), by what identifies methods and processes, and for each stack the number of the oldest frame that is exempt.
    pub(crate) fn guard_all(
        &mut self,
        methods: &HashSet<u64>,
        processes: &HashSet<u64>,
        exempt: &HashMap<usize, usize>,
    ) -> Vec<Blocked> {
        let mut blocked = Vec::new();
        for number in 0..self.roots.stacks.len() {
            let Some(stack) = self.roots.stacks[number].as_ref() else { continue };
            let process = self.value(stack.process).oop();
            let checked = match exempt.get(&number) {
                _ if processes.contains(&process.bits()) => 0,
                Some(&first) => first,
                None => stack.top + 1,
            };
            let affected_method = |number: usize| {
                let is_affected = |method: &Oop| methods.contains(&method.bits());
                let own = stack.frame(number).and_then(|frame| self.method_of(self.value(frame.method)));
                own.filter(is_affected).or_else(|| self.method_to_begin(stack).filter(is_affected))
            };
            let mut affected = (0..checked).filter(|&frame| affected_method(frame).is_some());
            let oldest = affected.next();
            let youngest = affected.next_back().or(oldest);
            let method = youngest.and_then(affected_method);
            self.move_barrier(number, oldest);
            if let Some(method) = method {
                blocked.push(Blocked { process, method });
            }
        }
        blocked
    }

    /// Lets the frame, and no other of its stack, carry the barrier.
    fn move_barrier(&mut self, number: usize, guarded: Option<usize>) {
        let Some(stack) = self.roots.stacks[number].as_mut() else { return };
        for number in 0..=stack.top {
            if let Some(frame) = stack.frame_mut(number) {
                let is_guarded = guarded == Some(number);
                frame.mark = if is_guarded {
                    frame.mark.with(Mark::BARRIER)
                } else {
                    frame.mark.without(Mark::BARRIER)
                };
            }
        }
    }

    /// The CompiledMethod that code belongs to: itself, or of a block the one around it.
    fn method_of<'s>(&'s self, mut code: Value<'s>) -> Option<Oop> {
        while code.is(Known::CompiledBlock) {
            code = code.slot(compiled::OUTER)?;
        }
        code.is(Known::CompiledMethod).then(|| code.oop())
    }

    /// Of a process that has not begun, the method of the block that its first one will evaluate: `newProcess` makes a block around the program's.
    fn method_to_begin(&self, stack: &Stack) -> Option<Oop> {
        let frame = stack.frame(0).filter(|frame| stack.top == 0 && frame.word() == 0)?;
        let receiver = self.value(*stack.registers_of(0).first()?);
        let is_block = frame.code().kind == CodeKind::Block && receiver.is(Known::BlockClosure);
        receiver.slot(closure::BLOCK).filter(|_| is_block).and_then(|block| self.method_of(block))
    }

    fn elements(&self, array: Oop) -> HashSet<u64> {
        let array = self.value(array);
        (0..array.slots()).filter_map(|index| array.slot(index)).map(|value| value.oop().bits()).collect()
    }

    /// For each stack with such a context the number of the oldest frame that is exempt.
    fn exempt_from(&self, contexts: Oop) -> HashMap<usize, usize> {
        let contexts = self.value(contexts);
        let mut first = HashMap::new();
        for id in (0..contexts.slots())
            .filter_map(|index| contexts.slot(index))
            .filter_map(|each| self.spouse(each))
        {
            let frame = first.entry(id.stack).or_insert(id.frame);
            *frame = id.frame.min(*frame);
        }
        first
    }

    /// A frame with a barrier goes: the updater looks again as soon as the guest is at its next poll.
    pub(super) fn leave_barrier(&mut self) {
        if self.stops_at_barriers {
            self.interrupt.request_suspend();
        }
        let semaphore = self.roots.update_events;
        if semaphore != Oop::NULL && self.value(semaphore).is_kind_of(Known::Semaphore) {
            self.signal(semaphore);
            self.interrupt.request();
        }
    }

    /// A stack goes without its frames being dropped one by one.
    pub(super) fn leave_barriers_of(&mut self, number: usize) {
        let has_barrier = self.roots.stacks[number].as_ref().is_some_and(|stack| {
            (0..=stack.top).any(|frame| stack.frame(frame).is_some_and(|frame| frame.mark.has(Mark::BARRIER)))
        });
        if has_barrier {
            self.leave_barrier();
        }
    }

    /// The semaphore that barriers signal; nil for none.
    pub(crate) fn set_update_events(&mut self, semaphore: Oop) {
        self.roots.update_events = semaphore;
    }
}
