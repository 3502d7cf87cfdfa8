//! Work from outside: inboxes, through which other threads hand messages to a space.
//!
//! A thread of the host holds an [`Inbox`] and posts: bytes, and a [`Reply`] that takes what the guest says to them. A process of the guest has
//! opened the inbox with a Semaphore, which is signalled once for each message, and takes them out one by one (`ExternalInbox`).
//!
//! | step | thread | what |
//! |---|---|---|
//! | post | any | the message goes into the queue and is counted as *unannounced*; then a poll is requested, which ends the sleep of an idle space |
//! | announce | the space's, at a poll or when it wakes | the count is taken, the semaphore signalled as often |
//! | take | the space's, in a primitive | a message leaves the queue; its reply is kept under a number |
//! | reply | the space's, in a primitive | bytes go to the reply, which never waits |
//!
//! - [posted-once] A message is announced once, whatever happens meanwhile: the queue and the count change under one lock, and the request
//!   follows the change. `Interrupt::accept` comes before the count is looked at, so that a post in between requests anew.
//! - [inbox-outside] Messages and replies lie outside the heap. Of the guest, an inbox holds its semaphore alone, which is a root: it survives
//!   collections, moves with them, and follows a become. Neither is looked at inside a stop.
//! - [inbox-waits] Announcing makes a process runnable and nothing else. Below the floor of an update it runs when the floor has gone; its
//!   signals are kept.
//! - [inbox-alive] A space with an open inbox that somebody may still post to is not deadlocked when all its processes wait: it sleeps.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use instar_heap::Oop;

use super::Space;
use super::interrupt::Interrupt;
use super::schedule::MOST_WAITING;
use crate::objects::layout::{process, semaphore};
use crate::objects::{Known, Value};

/// The inbox through which a program reads the standard input, if a host lends it.
pub(crate) const STANDARD_INPUT: &str = "stdin";

/// Takes what the guest answers to a message. Dropped when the guest has said all, or is gone.
pub trait Reply: Send {
    /// One piece. It must not wait: what cannot be kept is lost, and false says that nobody wants more.
    fn send(&mut self, bytes: &[u8]) -> bool;
}

impl<F: FnMut(&[u8]) -> bool + Send> Reply for F {
    fn send(&mut self, bytes: &[u8]) -> bool {
        self(bytes)
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many messages as the inbox holds wait already.
    #[error("too many requests are waiting")]
    Full,
    /// The guest has closed it, or the space is gone.
    #[error("the program takes no requests")]
    Closed,
}

struct Posted {
    bytes: Arc<[u8]>,
    reply: Box<dyn Reply>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Posted>,
    /// Messages that the semaphore was not signalled for.
    unannounced: usize,
    capacity: usize,
    posters: usize,
    is_closed: bool,
}

#[derive(Default)]
struct Queue(Mutex<State>);

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more is taken; who waits for an answer learns that there will be none.
    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.unannounced = 0;
        let dropped = std::mem::take(&mut state.waiting);
        drop(state);
        // Code of the host, which may post again: not under the lock.
        drop(dropped);
    }
}

/// The end of an inbox that other threads have. The space can tell when the last of them is gone.
pub struct Inbox {
    queue: Arc<Queue>,
    interrupt: Arc<Interrupt>,
}

impl Inbox {
    /// Hands a message to the space, and wakes it. Waits for nothing.
    ///
    /// # Errors
    /// [`Refused`]; the reply is dropped then.
    pub fn post(&self, bytes: Vec<u8>, reply: impl Reply + 'static) -> Result<(), Refused> {
        let mut state = self.queue.lock();
        if state.is_closed {
            return Err(Refused::Closed);
        }
        if state.waiting.len() >= state.capacity {
            return Err(Refused::Full);
        }
        state.waiting.push_back(Posted { bytes: bytes.into(), reply: Box::new(reply) });
        state.unannounced += 1;
        drop(state);
        // [posted-once]
        self.interrupt.request();
        Ok(())
    }
}

impl Clone for Inbox {
    fn clone(&self) -> Inbox {
        self.queue.lock().posters += 1;
        Inbox { queue: self.queue.clone(), interrupt: self.interrupt.clone() }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.queue.lock().posters -= 1;
        // Whoever sleeps for messages may be asleep for ever now [inbox-alive].
        self.interrupt.request();
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

struct Entry {
    name: String,
    queue: Arc<Queue>,
    /// What is signalled; [`Oop::NULL`] while the guest has not opened the inbox.
    semaphore: Oop,
}

/// All inboxes of a space, and the replies to messages that were taken.
#[derive(Default)]
pub struct Inboxes {
    /// The number of the first. A copy of a space has none of its inboxes, and those that it gets have other numbers than its guest may remember.
    first: usize,
    entries: Vec<Entry>,
    replies: HashMap<u64, Box<dyn Reply>>,
    last: u64,
}

impl Inboxes {
    pub(crate) fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        let opened = self.entries.iter_mut().filter(|entry| entry.semaphore != Oop::NULL);
        opened.for_each(|entry| visitor(&mut entry.semaphore));
    }

    fn entry(&mut self, number: usize) -> Option<&mut Entry> {
        self.entries.get_mut(number.checked_sub(self.first)?)
    }

    /// The semaphores with which the guest has opened inboxes of this name.
    pub(super) fn opened(&self, name: &str) -> impl Iterator<Item = Oop> {
        let is_opened = move |entry: &&Entry| entry.name == name && entry.semaphore != Oop::NULL;
        self.entries.iter().filter(is_opened).map(|entry| entry.semaphore)
    }

    /// The numbers that the next inbox has, and the last message.
    pub(super) fn numbers(&self) -> (usize, u64) {
        (self.first + self.entries.len(), self.last)
    }

    /// None, for a copy of the space whose numbers these are.
    pub(super) fn behind((first, last): (usize, u64)) -> Inboxes {
        Inboxes { first, entries: Vec::new(), replies: HashMap::new(), last }
    }
}

impl Drop for Inboxes {
    fn drop(&mut self) {
        self.entries.iter().for_each(|entry| entry.queue.close());
    }
}

impl Space {
    /// Makes an inbox that the guest opens under this name. It holds `capacity` messages; those that are posted before it is opened wait.
    pub fn make_inbox(&mut self, name: &str, capacity: usize) -> Inbox {
        let queue = Arc::new(Queue(Mutex::new(State { capacity, posters: 1, ..State::default() })));
        let entry = Entry { name: name.to_owned(), queue: queue.clone(), semaphore: Oop::NULL };
        self.roots.inboxes.entries.push(entry);
        Inbox { queue, interrupt: self.interrupt.clone() }
    }

    /// The guest opens an inbox, or opens it anew: the semaphore has a signal for each message that waits. The result is its number.
    pub(crate) fn open_inbox(&mut self, name: &str, semaphore: Oop) -> Option<usize> {
        let entries = &mut self.roots.inboxes.entries;
        let index = entries.iter().rposition(|entry| entry.name == name)?;
        let entry = &mut entries[index];
        entry.semaphore = semaphore;
        let mut state = entry.queue.lock();
        state.is_closed = false;
        state.unannounced = state.waiting.len();
        drop(state);
        self.interrupt.request();
        Some(self.roots.inboxes.first + index)
    }

    /// The guest closes an inbox. False if there is none of this number.
    pub(crate) fn close_inbox(&mut self, number: usize) -> bool {
        let Some(entry) = self.roots.inboxes.entry(number) else { return false };
        entry.semaphore = Oop::NULL;
        entry.queue.close();
        true
    }

    /// Whether there is an inbox of this number.
    pub(crate) fn has_inbox(&mut self, number: usize) -> bool {
        self.roots.inboxes.entry(number).is_some()
    }

    /// The oldest message that waits. It stays until it is taken.
    pub(crate) fn next_message(&mut self, inbox: usize) -> Option<Arc<[u8]>> {
        let state = self.roots.inboxes.entry(inbox)?.queue.lock();
        state.waiting.front().map(|posted| posted.bytes.clone())
    }

    /// The number that the next message has when it is taken.
    pub(crate) fn next_message_number(&self) -> u64 {
        self.roots.inboxes.last + 1
    }

    /// Whether there is an inbox of this name.
    pub(crate) fn has_inbox_named(&self, name: &str) -> bool {
        self.roots.inboxes.entries.iter().any(|entry| entry.name == name)
    }

    /// Takes the oldest message. Its reply has this number from now on.
    pub(crate) fn take_message(&mut self, inbox: usize, number: u64) {
        let inboxes = &mut self.roots.inboxes;
        let oldest = inboxes.entry(inbox).and_then(|entry| entry.queue.lock().waiting.pop_front());
        if let Some(posted) = oldest {
            inboxes.last = number;
            inboxes.replies.insert(number, posted.reply);
        }
    }

    /// Gives bytes to a reply. False if nobody wants them.
    pub(crate) fn reply(&mut self, number: u64, bytes: &[u8]) -> bool {
        let reply = self.roots.inboxes.replies.get_mut(&number);
        reply.is_some_and(|reply| reply.send(bytes))
    }

    /// All was said to a message.
    pub(crate) fn end_reply(&mut self, number: u64) -> bool {
        self.roots.inboxes.replies.remove(&number).is_some()
    }

    /// Signals the semaphores of messages that have come. The result says whether there were any.
    pub(super) fn announce_messages(&mut self) -> bool {
        let mut has_come = false;
        for number in 0..self.roots.inboxes.entries.len() {
            let entry = &self.roots.inboxes.entries[number];
            if entry.semaphore == Oop::NULL {
                continue;
            }
            let count = std::mem::take(&mut entry.queue.lock().unannounced);
            for _ in 0..count {
                has_come = true;
                self.signal_if_semaphore(self.roots.inboxes.entries[number].semaphore);
            }
        }
        has_come
    }

    /// Whether something may yet come from outside, or has come, for which a process of at least this priority waits: a message
    /// [inbox-alive], or a file that is ready.
    pub(super) fn events_wake_from(&self, priority: usize) -> bool {
        let is_alive = |entry: &&Entry| {
            let state = entry.queue.lock();
            entry.semaphore != Oop::NULL && (state.posters > 0 || state.unannounced > 0)
        };
        let reaches = |process: Value<'_>| self.priority_of(process) >= priority;
        let inboxes = self.roots.inboxes.entries.iter().filter(is_alive).map(|entry| entry.semaphore);
        inboxes.chain(self.roots.waits.semaphores()).any(|semaphore| {
            let semaphore = self.value(semaphore);
            if !semaphore.is_kind_of(Known::Semaphore) {
                return false;
            }
            let first = semaphore.slot(semaphore::FIRST_LINK);
            let waiting = std::iter::successors(first, |link| link.slot(process::NEXT_LINK));
            waiting.take_while(|link| !link.is_nil()).take(MOST_WAITING).any(reaches)
        })
    }
}
