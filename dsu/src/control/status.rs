//! What the engine does right now, for whoever looks on.
//!
//! The scribe notes what the engine says of each update, whoever asked for it, and hands it to all watchers. [never-waits] It waits for none of
//! them: each has a queue, and one that falls behind is told how many events it missed.

use std::io;
use std::net::Shutdown;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::connection::Connection;
use super::protocol::{failure, success};

/// Events that a watcher has not taken yet: some updates' worth.
const MOST_EVENTS: usize = 256;
/// Watchers at a time: fewer than connections, so that they keep nobody out.
const MOST_WATCHERS: usize = 16;
/// The state is told again after a silence of this length, by which both sides know that the other is there.
const SILENCE: Duration = Duration::from_secs(20);

/// What the first event of an update says of it.
const ABOUT: [&str; 6] = ["began", "patch", "who", "from", "signer", "dry_run"];
/// What is counted while an update goes on.
const COUNTS: [&str; 3] = ["classes", "methods", "instances"];

/// Shared by the scribe and all connections.
#[derive(Debug, Default)]
pub(super) struct Status(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    under_way: Option<UnderWay>,
    committed: u64,
    failed: u64,
    /// How the last update ended.
    last: Value,
    watchers: Vec<Watcher>,
    next_watcher: u64,
    has_ended: bool,
}

#[derive(Debug)]
struct UnderWay {
    /// Those of `ABOUT` and `COUNTS`.
    known: Map<String, Value>,
    since: Instant,
    step: Value,
    step_since: Instant,
}

#[derive(Debug)]
struct Watcher {
    number: u64,
    events: SyncSender<Value>,
    missed: u64,
}

fn microseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

impl Status {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, as an event.
    pub fn state(&self) -> Value {
        self.lock().shown()
    }

    /// The engine says this.
    pub fn note(&self, event: Value) {
        self.lock().note(event);
    }

    /// Nothing comes any more: watchers are told so.
    pub fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        state.watchers.clear();
    }

    /// Shows a peer the state, and all that follows, until it says something else or is gone.
    pub fn show(&self, connection: &mut Connection) -> io::Result<()> {
        let Some((number, events)) = self.watch() else {
            return connection.send(&failure("busy", "too many look on already"));
        };
        let twin = connection.twin()?;
        thread::scope(|scope| {
            let twin = &twin;
            let send = move || {
                let sent = self.forward(&events, |event| twin.send(event));
                if sent.is_err() {
                    // Wakes whoever waits for the peer.
                    let _ = twin.shutdown(Shutdown::Both);
                }
                sent
            };
            let sending = thread::Builder::new().name("control watcher".to_owned()).spawn_scoped(scope, send);
            if sending.is_ok() {
                connection.wait();
            }
            self.lock().watchers.retain(|watcher| watcher.number != number);
            sending?.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
        })
    }

    fn watch(&self) -> Option<(u64, Receiver<Value>)> {
        let mut state = self.lock();
        if state.has_ended || state.watchers.len() >= MOST_WATCHERS {
            return None;
        }
        let (sender, events) = sync_channel(MOST_EVENTS);
        let _ = sender.try_send(state.shown());
        let number = state.next_watcher;
        state.next_watcher += 1;
        state.watchers.push(Watcher { number, events: sender, missed: 0 });
        Some((number, events))
    }

    fn forward(&self, events: &Receiver<Value>, send: impl Fn(&Value) -> io::Result<()>) -> io::Result<()> {
        loop {
            match events.recv_timeout(SILENCE) {
                Ok(event) => send(&event)?,
                Err(RecvTimeoutError::Timeout) => send(&self.state())?,
                Err(RecvTimeoutError::Disconnected) => return send(&success()),
            }
        }
    }
}

impl State {
    fn shown(&self) -> Value {
        let update = self.under_way.as_ref().map(|update| {
            let mut shown = update.known.clone();
            shown.insert("us".to_owned(), microseconds(update.since).into());
            shown.insert("step".to_owned(), update.step.clone());
            shown.insert("step_us".to_owned(), microseconds(update.step_since).into());
            shown
        });
        json!({
            "event": "state",
            "update": update,
            "committed": self.committed,
            "failed": self.failed,
            "last": self.last,
        })
    }

    fn note(&mut self, event: Value) {
        let kind = event["event"].as_str().unwrap_or_default();
        if kind == "begin" {
            let about = ABOUT.iter().map(|&key| (key.to_owned(), event[key].clone()));
            let now = Instant::now();
            let step = Value::Null;
            self.under_way = Some(UnderWay { known: about.collect(), since: now, step, step_since: now });
        }
        // An update can begin before the end of the one before it is told.
        let update =
            self.under_way.as_mut().filter(|update| update.known.get("began") == Some(&event["began"]));
        match (kind, update) {
            ("step", Some(update)) => {
                let counted = COUNTS.iter().filter(|&&key| !event[key].is_null());
                update.known.extend(counted.map(|&key| (key.to_owned(), event[key].clone())));
                if event["state"] == "begin" {
                    update.step = event["step"].clone();
                    update.step_since = Instant::now();
                }
            }
            ("end", update) => {
                if update.is_some() {
                    self.under_way = None;
                }
                match (event["committed"] == true, event["dry_run"] == true) {
                    (true, _) => self.committed += 1,
                    (false, false) => self.failed += 1,
                    (false, true) => {}
                }
                self.last = event.clone();
            }
            _ => {}
        }
        self.watchers.retain_mut(|watcher| watcher.tell(&event));
    }
}

impl Watcher {
    /// Whether it still looks on [never-waits].
    fn tell(&mut self, event: &Value) -> bool {
        if self.missed > 0 {
            match self.events.try_send(json!({ "event": "missed", "events": self.missed })) {
                Ok(()) => self.missed = 0,
                Err(TrySendError::Full(_)) => {
                    self.missed += 1;
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
        match self.events.try_send(event.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.missed += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(began: u64) -> Value {
        json!({ "event": "begin", "began": began, "patch": "P", "who": "ann", "dry_run": false })
    }

    fn step(began: u64, name: &str, state: &str) -> Value {
        json!({ "event": "step", "began": began, "patch": "P", "step": name, "state": state, "methods": 3 })
    }

    fn end(began: u64, committed: bool) -> Value {
        json!({ "event": "end", "began": began, "patch": "P", "committed": committed, "dry_run": false })
    }

    #[test]
    fn the_state_is_that_of_the_update_under_way() {
        let status = Status::default();
        assert_eq!(status.state()["update"], Value::Null);
        status.note(begin(1));
        assert_eq!(status.state()["update"]["step"], Value::Null);
        status.note(step(1, "analyse", "begin"));
        status.note(step(1, "analyse", "end"));
        status.note(step(1, "migrate", "begin"));
        let update = &status.state()["update"];
        assert_eq!((&update["patch"], &update["who"]), (&"P".into(), &"ann".into()));
        assert_eq!((&update["step"], &update["methods"]), (&"migrate".into(), &3.into()));
        assert!(update["us"].as_u64() >= update["step_us"].as_u64());
        // The next one begins before the end of this one is told.
        status.note(begin(2));
        status.note(end(1, true));
        assert_eq!(status.state()["update"]["began"], 2);
        status.note(end(2, false));
        let state = status.state();
        assert_eq!(state["update"], Value::Null);
        assert_eq!((&state["committed"], &state["failed"]), (&1.into(), &1.into()));
        assert_eq!(state["last"]["began"], 2);
    }

    #[test]
    fn who_falls_behind_is_told_how_far_and_nobody_waits() {
        let status = Status::default();
        let (_, slow) = status.watch().unwrap();
        let (_, gone) = status.watch().unwrap();
        drop(gone);
        for number in 0..1000 {
            status.note(step(number, "apply", "begin"));
        }
        assert_eq!(status.lock().watchers.len(), 1, "who is gone is forgotten");
        assert_eq!(slow.recv().unwrap()["event"], "state");
        assert_eq!(slow.recv().unwrap()["began"], 0);
        status.note(step(1000, "apply", "begin"));
        let rest: Vec<Value> = slow.try_iter().collect();
        let (missed, last) = (&rest[rest.len() - 2], &rest[rest.len() - 1]);
        // One is the state; of two places that became free the first is for saying so.
        assert_eq!(*missed, json!({ "event": "missed", "events": 1000 - (MOST_EVENTS - 1) }));
        assert_eq!(last["began"], 1000);
        assert_eq!(rest[rest.len() - 3]["began"], MOST_EVENTS - 2);
    }

    #[test]
    fn watchers_are_not_without_number_and_hear_of_the_end() {
        let status = Status::default();
        let watchers: Vec<_> = std::iter::from_fn(|| status.watch()).collect();
        assert_eq!(watchers.len(), MOST_WATCHERS);
        status.end();
        for (_, events) in watchers {
            assert_eq!(events.iter().count(), 1);
        }
        assert!(status.watch().is_none());
    }
}
