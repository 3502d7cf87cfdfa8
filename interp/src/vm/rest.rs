//! A space at rest: how its processes stop for whoever takes the space over, and how they go on.
//!
//! \[at-rest\] No process is active, `roots.frame` is null. What can run stands in the scheduler's lists, what ran last at the head of its list, and
//! every top frame stands at its next instruction [suspended-pc].

use instar_heap::Oop;

use super::Space;
use super::run::Exit;
use crate::objects::layout::{process, scheduler, semaphore};
use crate::objects::{Special, Value};

impl Space {
    /// [at-rest] No process is active: the one that was is the first of its list.
    pub(crate) fn rest(&mut self) {
        self.set_active_top();
        let process = self.active_process();
        let is_running = !self.roots.frame.is_null();
        let (process, list) = (process.oop(), self.run_list(self.priority_of(process)).map(Value::oop));
        if let Some(list) = list.filter(|_| is_running) {
            self.prepend(list, process);
        }
        self.roots.frame = std::ptr::null_mut();
        self.roots.above = std::ptr::null_mut();
        self.put(self.special(Special::Scheduler), scheduler::ACTIVE, self.nil());
    }

    /// Runs processes as scheduled, of a space [at-rest], until something ends that.
    pub(crate) fn run_processes(&mut self) -> Exit {
        self.awaited = None;
        self.switch_to_next();
        if let Some(exit) = self.exit.take() {
            self.rest();
            return exit;
        }
        let exit = self.run();
        self.rest();
        exit
    }

    /// Another thread has asked for the space. A process that has just left what an updater guards waits at the gate, so that it does not come back.
    pub(super) fn hand_over(&mut self) -> Exit {
        let process = self.active_process().oop();
        self.rest();
        if std::mem::take(&mut self.has_left) && self.roots.gate != Oop::NULL {
            self.suspend(process);
            self.append(self.value(self.roots.gate).oop(), process);
        }
        Exit::Suspended
    }

    /// Ends the loop, no process being active any more: whoever calls takes the exit.
    pub(super) fn end_with(&mut self, exit: Exit) {
        self.set_active_top();
        self.roots.frame = std::ptr::null_mut();
        self.roots.above = std::ptr::null_mut();
        self.exit = Some(exit);
        self.interrupt.request();
    }

    /// Puts `process`, which stands in no list, at the beginning of one.
    fn prepend(&self, list: Oop, process: Oop) {
        let first = self.value(list).slot(semaphore::FIRST_LINK).map_or(self.nil(), Value::oop);
        self.put(process, process::NEXT_LINK, first);
        self.put(list, semaphore::FIRST_LINK, process);
        if first == self.nil() {
            self.put(list, semaphore::LAST_LINK, process);
        }
        self.put(process, process::MY_LIST, list);
    }
}
