//! Time for processes: semaphores that are signalled at a time, and waits that end at one.

#![allow(unsafe_code)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use instar_heap::Oop;
use instar_heap::image::Relocation;

use super::Space;
use super::interrupt::Interrupt;
use super::schedule::MOST_WAITING;
use crate::code::Instruction;
use crate::objects::Value;
use crate::objects::layout::{process, semaphore};

/// When an alarm is due, and a number that tells it from others at the same time.
pub(crate) type AlarmKey = (Instant, u64);

/// What happens at a time.
#[derive(Clone, Copy, Debug)]
struct Alarm {
    semaphore: Oop,
    /// The process whose wait for the semaphore ends; [`Oop::NULL`] if the semaphore is signalled.
    process: Oop,
}

/// All alarms of a space.
#[derive(Default)]
pub struct Alarms {
    pending: BTreeMap<AlarmKey, Alarm>,
    last: u64,
    clock: Option<Sender<Instant>>,
}

impl Alarms {
    pub(crate) fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        for alarm in self.pending.values_mut() {
            visitor(&mut alarm.semaphore);
            if alarm.process != Oop::NULL {
                visitor(&mut alarm.process);
            }
        }
    }

    /// The next time at which something is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.pending.keys().next().map(|&(when, _)| when)
    }

    fn take_due(&mut self, now: Instant) -> Option<(AlarmKey, Alarm)> {
        if self.next()? > now {
            return None;
        }
        self.pending.pop_first()
    }

    /// All that are pending, for an image.
    pub(super) fn image(&self) -> AlarmsImage {
        AlarmsImage { pending: self.pending.clone(), last: self.last }
    }

    /// Forgets an alarm.
    pub(super) fn cancel(&mut self, key: AlarmKey) {
        self.pending.remove(&key);
    }
}

/// The alarms of an image.
#[derive(Debug)]
pub(super) struct AlarmsImage {
    pending: BTreeMap<AlarmKey, Alarm>,
    last: u64,
}

/// Requests a poll at each of the times that it is sent. It keeps all of them: the alarm of one may be cancelled, and the poll at that time
/// then has nothing to say of the next. Ends when the space goes.
fn run_clock(times: &Receiver<Instant>, interrupt: &Interrupt) {
    let mut waiting = BinaryHeap::new();
    loop {
        let next = waiting.peek().map(|&Reverse(when): &Reverse<Instant>| when);
        let wait = next.map_or(Duration::MAX, |when| when.saturating_duration_since(Instant::now()));
        match times.recv_timeout(wait) {
            Ok(when) => waiting.push(Reverse(when)),
            Err(RecvTimeoutError::Timeout) => {
                waiting.pop();
                interrupt.request();
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Space {
    /// Signals `semaphore` at `when`.
    pub(crate) fn set_alarm(&mut self, semaphore: Oop, when: Instant) {
        self.add_alarm(when, Alarm { semaphore, process: Oop::NULL });
    }

    /// The process that runs waits for `semaphore`, in whose list it stands, until `when` at most: then the send under way, which was completed,
    /// has the result false.
    pub(crate) fn limit_wait(&mut self, semaphore: Oop, when: Instant) {
        let process = self.active_process().oop();
        let key = self.add_alarm(when, Alarm { semaphore, process });
        let active = self.roots.active;
        if let Some(stack) = self.roots.stacks[active].as_mut() {
            stack.alarm = Some(key);
        }
    }

    fn add_alarm(&mut self, when: Instant, alarm: Alarm) -> AlarmKey {
        let alarms = &mut self.roots.alarms;
        alarms.last += 1;
        let key = (when, alarms.last);
        alarms.pending.insert(key, alarm);
        self.start_clock(when);
        key
    }

    /// The alarms of the image that the space is made of, each at the time that it was set for.
    pub(super) fn restore_alarms(&mut self, image: &AlarmsImage, relocation: Relocation) {
        self.roots.alarms.last = image.last;
        for (&key, alarm) in &image.pending {
            let (semaphore, process) = (relocation.apply(alarm.semaphore), relocation.apply(alarm.process));
            self.roots.alarms.pending.insert(key, Alarm { semaphore, process });
            self.start_clock(key.0);
        }
    }

    /// Has a poll requested at that time.
    fn start_clock(&mut self, when: Instant) {
        let interrupt = self.interrupt.clone();
        let clock = self.roots.alarms.clock.get_or_insert_with(|| {
            let (sender, receiver) = std::sync::mpsc::channel();
            std::thread::spawn(move || run_clock(&receiver, &interrupt));
            sender
        });
        // The receiver ends with the sender only.
        let _ = clock.send(when);
    }

    /// Does what is due. The result says whether something was.
    pub(super) fn signal_due(&mut self) -> bool {
        let now = Instant::now();
        let mut has_rung = false;
        while let Some((key, alarm)) = self.roots.alarms.take_due(now) {
            has_rung = true;
            if alarm.process == Oop::NULL {
                self.signal(alarm.semaphore);
            } else {
                self.end_wait(key, alarm);
            }
        }
        has_rung
    }

    /// Whether an alarm will make a process of at least this priority runnable, if nothing else happens before.
    pub(super) fn alarms_wake_from(&self, priority: usize) -> bool {
        let reaches = |process: Value<'_>| self.priority_of(process) >= priority;
        self.roots.alarms.pending.values().any(|alarm| {
            if alarm.process != Oop::NULL {
                return reaches(self.value(alarm.process));
            }
            let first = self.value(alarm.semaphore).slot(semaphore::FIRST_LINK);
            let waiting = std::iter::successors(first, |link| link.slot(process::NEXT_LINK));
            waiting.take_while(|link| !link.is_nil()).take(MOST_WAITING).any(reaches)
        })
    }

    /// The time of a wait is over. Nothing happens if it ended before.
    fn end_wait(&mut self, key: AlarmKey, alarm: Alarm) {
        self.set_active_top();
        let process = self.value(alarm.process);
        let waits_here =
            process.slot(process::MY_LIST).map(Value::oop) == Some(self.value(alarm.semaphore).oop());
        let Some(number) = self.stack_of(process).filter(|_| waits_here) else { return };
        let Some(stack) = self.roots.stacks[number].as_mut().filter(|stack| stack.alarm == Some(key)) else {
            return;
        };
        stack.alarm = None;
        let no = self.boolean(false);
        let Some(stack) = self.roots.stacks[number].as_mut() else { return };
        let top = stack.top;
        // SAFETY: [suspended-pc]: the send that waits was completed, and is the instruction of two words before the pc.
        unsafe {
            let frame = &*stack.frame_address(top);
            *frame.base.add(Instruction(*frame.pc.sub(2)).a()) = no;
        }
        let (semaphore, process) = (self.value(alarm.semaphore).oop(), self.value(alarm.process).oop());
        self.remove(semaphore, process);
        self.make_runnable(process);
    }
}
