//! Safe points for updates: which processes are inside methods that are about to change, and word of it when they have left.
//!
//! **Return barriers** (gDSU 4.4). The oldest activation of such a method in each process carries [`Mark::BARRIER`]. However it goes – by
//! return, non-local return, unwinding, or the end of its process – `drop_frame` sees the mark and signals the updater's semaphore. Newer
//! activations of such methods in the same process have gone by then.
//!
//! **The floor.** While it is set, only processes of at least that priority run.

use std::collections::{HashMap, HashSet};

use instar_heap::Oop;

use super::Space;
use super::stack::{Frame, Mark};
use crate::objects::Known;
use crate::objects::layout::compiled;

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
            let is_affected =
                |frame: &Frame| self.method_of(frame).is_some_and(|method| methods.contains(&method.bits()));
            let mut affected = (0..checked).filter(|&frame| stack.frame(frame).is_some_and(is_affected));
            let oldest = affected.next();
            let youngest = affected.next_back().or(oldest);
            let method =
                youngest.and_then(|frame| stack.frame(frame)).and_then(|frame| self.method_of(frame));
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

    /// The CompiledMethod that a frame belongs to, also if it runs a block.
    fn method_of(&self, frame: &Frame) -> Option<Oop> {
        let mut code = self.value(frame.method);
        while code.is(Known::CompiledBlock) {
            code = code.slot(compiled::OUTER)?;
        }
        code.is(Known::CompiledMethod).then(|| code.oop())
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
