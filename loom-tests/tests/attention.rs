//! Requests to a thread that runs guest code. Code under test: `instar_gc::attention`, with which a space is suspended, stopped and told of messages.
//!
//! What is wanted besides suspension and stop is a word that is written before the request, as messages and timers are.
//!
//! Allowed outcome: when all who wanted something have asked for it, the thread has seen all of it, or sees it when it looks once more.

#![cfg(instar_loom)]

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use instar_gc::attention::{Attention, Demand};
use instar_heap::sync::atomic::{AtomicBool, AtomicUsize};
use instar_heap::sync::{Arc, Orders, Sound, thread};
use instar_loom_tests::{Weakened, explore};

const LIMIT: usize = 8;
const OTHER_LIMIT: usize = 16;

struct Shared<O> {
    attention: Attention<O>,
    message: AtomicBool,
}

impl<O: Orders> Shared<O> {
    /// A thread that has attended to the first request.
    fn new() -> Arc<Self> {
        let attention = Attention::with_orders();
        attention.set_limit(LIMIT);
        attention.accept();
        Arc::new(Shared { attention, message: AtomicBool::new(false) })
    }

    fn post(&self) {
        self.message.store(true, Relaxed);
        self.attention.request();
    }
}

/// What the thread has seen.
#[derive(Default)]
struct Seen {
    suspensions: usize,
    stops: usize,
    message: bool,
}

/// A way to attend.
type Attend<O> = fn(&Attention<O>) -> Option<Demand>;

fn as_produced<O: Orders>(attention: &Attention<O>) -> Option<Demand> {
    attention.attend(false)
}

/// One look of the thread, if something is wanted.
fn look<O: Orders>(shared: &Shared<O>, seen: &mut Seen, attend: Attend<O>) {
    if !shared.attention.is_requested() {
        return;
    }
    match attend(&shared.attention) {
        Some(Demand::Suspend) => seen.suspensions += 1,
        Some(Demand::Stop) => seen.stops += 1,
        Some(Demand::Look) => seen.message |= shared.message.load(Relaxed),
        None => {}
    }
}

/// As many looks as find something.
fn look_to_the_end<O: Orders>(shared: &Shared<O>, seen: &mut Seen, attend: Attend<O>) {
    while shared.attention.is_requested() {
        look(shared, seen, attend);
    }
}

/// A message comes while another request is attended to.
fn message_beside_a_request<O: Orders + Send + Sync + 'static>(attend: Attend<O>) {
    explore(None, move || {
        let shared = Shared::<O>::new();
        shared.attention.request();
        let poster = thread::spawn({
            let shared = shared.clone();
            move || shared.post()
        });
        let mut seen = Seen::default();
        look(&shared, &mut seen, attend);
        // The join is no part of the protocol: were it to order the message, a late look would see it. So the thread looks before.
        let is_requested = shared.attention.is_requested();
        poster.join().unwrap();
        let is_requested = is_requested || shared.attention.is_requested();
        assert!(seen.message || is_requested, "the message is lost");
    });
}

#[test]
fn a_message_beside_a_request_is_seen() {
    message_beside_a_request::<Sound>(as_produced);
}

#[test]
#[should_panic(expected = "the message is lost")]
fn caught_unordered_acceptance() {
    message_beside_a_request::<Weakened>(as_produced);
}

/// The protocol as it once was: the limit put back by a store, requests made by stores.
struct Storing {
    seen: AtomicUsize,
    is_suspend: AtomicBool,
    message: AtomicBool,
}

impl Storing {
    fn new() -> Arc<Self> {
        let [is_suspend, message] = [false; 2].map(AtomicBool::new);
        Arc::new(Storing { seen: AtomicUsize::new(0), is_suspend, message })
    }

    /// Says something, and requests.
    fn want(shared: &Arc<Self>, what: fn(&Self) -> &AtomicBool) -> thread::JoinHandle<()> {
        let shared = shared.clone();
        thread::spawn(move || {
            what(&shared).store(true, Relaxed);
            shared.seen.store(0, Release);
        })
    }

    fn is_requested(&self) -> bool {
        self.seen.load(Relaxed) == 0
    }
}

#[test]
#[should_panic(expected = "the message is lost")]
fn caught_acceptance_by_a_store() {
    explore(None, || {
        let shared = Storing::new();
        let poster = Storing::want(&shared, |it| &it.message);
        // The store becomes visible late: on the machine it stands in a buffer while the word is read.
        let has_message = shared.message.load(Acquire);
        shared.seen.store(LIMIT, Relaxed);
        poster.join().unwrap();
        assert!(has_message || shared.is_requested(), "the message is lost");
    });
}

#[test]
#[should_panic(expected = "something is lost")]
fn caught_requests_by_stores() {
    explore(None, || {
        let shared = Storing::new();
        let wanted = [Storing::want(&shared, |it| &it.message), Storing::want(&shared, |it| &it.is_suspend)];
        // This one takes the later request alone.
        shared.seen.swap(LIMIT, AcqRel);
        let seen = [&shared.message, &shared.is_suspend].map(|it| it.load(Relaxed));
        wanted.into_iter().for_each(|it| it.join().unwrap());
        assert!(seen == [true; 2] || shared.is_requested(), "something is lost");
    });
}

/// Two threads want something: a suspension and a message.
fn suspension_beside_a_message<O: Orders + Send + Sync + 'static>(attend: Attend<O>) {
    explore(Some(3), move || {
        let shared = Shared::<O>::new();
        let suspender = thread::spawn({
            let shared = shared.clone();
            move || shared.attention.request_suspend()
        });
        let poster = thread::spawn({
            let shared = shared.clone();
            move || shared.post()
        });
        let mut seen = Seen::default();
        look(&shared, &mut seen, attend);
        look(&shared, &mut seen, attend);
        suspender.join().unwrap();
        poster.join().unwrap();
        look_to_the_end(&shared, &mut seen, attend);
        assert!(seen.suspensions == 1, "suspended {} times", seen.suspensions);
        assert!(seen.message, "the message is lost");
    });
}

#[test]
fn a_suspension_and_a_message_are_both_seen() {
    suspension_beside_a_message::<Sound>(as_produced);
}

#[test]
#[should_panic(expected = "suspended 0 times")]
fn caught_no_look_behind_the_acceptance() {
    fn one_look(attention: &Attention<Sound>) -> Option<Demand> {
        if attention.take_suspend() {
            return Some(Demand::Suspend);
        }
        attention.accept();
        Some(Demand::Look)
    }
    suspension_beside_a_message::<Sound>(one_look);
}

#[test]
#[should_panic(expected = "the message is lost")]
fn caught_a_suspension_that_takes_other_requests() {
    fn forgets_the_rest(attention: &Attention<Sound>) -> Option<Demand> {
        Some(attention.attend_at_once())
    }
    suspension_beside_a_message::<Sound>(forgets_the_rest);
}

#[test]
fn a_stop_and_a_suspension_are_both_seen() {
    explore(Some(3), || {
        let shared = Shared::<Sound>::new();
        let [suspender, stopper] = [Attention::request_suspend, Attention::request_stop].map(|request| {
            let shared = shared.clone();
            thread::spawn(move || request(&shared.attention))
        });
        let mut seen = Seen::default();
        look(&shared, &mut seen, as_produced);
        suspender.join().unwrap();
        stopper.join().unwrap();
        look_to_the_end(&shared, &mut seen, as_produced);
        assert_eq!((seen.suspensions, seen.stops), (1, 1));
    });
}

/// The thread changes stacks while something is wanted.
fn request_beside_another_limit(set_limit: fn(&Attention<Sound>)) {
    explore(None, move || {
        let shared = Shared::<Sound>::new();
        let poster = thread::spawn({
            let shared = shared.clone();
            move || shared.post()
        });
        set_limit(&shared.attention);
        poster.join().unwrap();
        let mut seen = Seen::default();
        look_to_the_end(&shared, &mut seen, as_produced);
        assert!(seen.message, "the message is lost");
        assert_eq!(shared.attention.limit(), OTHER_LIMIT);
    });
}

#[test]
fn another_limit_takes_no_request_away() {
    request_beside_another_limit(|attention| attention.set_limit(OTHER_LIMIT));
}

#[test]
#[should_panic(expected = "the message is lost")]
fn caught_another_limit_that_is_just_stored() {
    request_beside_another_limit(|attention| {
        attention.set_limit(OTHER_LIMIT);
        attention.accept();
    });
}
