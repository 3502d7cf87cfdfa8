//! Many clients at once, each a thread that follows its script.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::samples::{Sample, nanoseconds};
use crate::script::{Fault, Script};

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each client sends its next one so long after it got an answer.
    Closed {
        /// The client's time to think.
        think: Duration,
    },
    /// So many a second are due from all clients together, whatever answers come. The next free client sends what is due next; what waits for
    /// a free client waits at the service's expense.
    Open {
        /// Requests a second.
        per_second: f64,
    },
}

/// How a load goes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where the server is.
    pub address: SocketAddr,
    /// When requests are sent.
    pub pace: Pace,
    /// How long requests are sent.
    pub duration: Duration,
    /// How long one may take.
    pub patience: Duration,
}

/// How far a load is, for whoever watches from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    /// Requests that were answered.
    pub answered: AtomicU64,
    /// Requests that failed.
    pub failed: AtomicU64,
    /// Set it, and no more requests are sent.
    pub stop: AtomicBool,
}

/// What came of a load.
#[derive(Debug)]
pub struct Outcome<S> {
    /// The clients' scripts as they are at the end.
    pub scripts: Vec<S>,
    /// In order of due times.
    pub samples: Vec<Sample>,
    /// The first things that were wrong, with the kind of request.
    pub faults: Vec<(&'static str, Fault)>,
}

/// Faults that are kept of one client.
const KEPT_FAULTS: usize = 10;

/// Lets each script be followed by a client, from `start` on: times of samples count from there. Returns when all are done.
pub fn run<S: Script>(plan: &Plan, scripts: Vec<S>, start: Instant, progress: &Progress) -> Outcome<S> {
    let tickets = AtomicU64::new(0);
    let done: Vec<Client<S>> = thread::scope(|scope| {
        let clients: Vec<_> = scripts
            .into_iter()
            .map(|script| scope.spawn(|| Client::new(script).follow(plan, start, &tickets, progress)))
            .collect();
        let join = |client: thread::ScopedJoinHandle<'_, Client<S>>| {
            client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        clients.into_iter().map(join).collect()
    });
    let mut outcome = Outcome { scripts: Vec::new(), samples: Vec::new(), faults: Vec::new() };
    for client in done {
        outcome.scripts.push(client.script);
        outcome.samples.extend(client.samples);
        outcome.faults.extend(client.faults);
    }
    outcome.samples.sort_by_key(|sample| sample.due);
    outcome
}

struct Client<S> {
    script: S,
    samples: Vec<Sample>,
    faults: Vec<(&'static str, Fault)>,
}

impl<S: Script> Client<S> {
    fn new(script: S) -> Client<S> {
        Client { script, samples: Vec::new(), faults: Vec::new() }
    }

    fn follow(mut self, plan: &Plan, start: Instant, tickets: &AtomicU64, progress: &Progress) -> Client<S> {
        let mut connection = Connection::new(plan.address, plan.patience);
        while let Some(due) = wait_for_turn(plan, start, tickets)
            && !progress.stop.load(Relaxed)
        {
            let request = self.script.next();
            let sent = nanoseconds(start.elapsed());
            let answer = connection.ask(&request);
            let answered = nanoseconds(start.elapsed());
            let verdict = self.script.judge(answer);
            let is_failed = verdict.is_err();
            progress.answered.fetch_add(1, Relaxed);
            if let Err(fault) = verdict {
                progress.failed.fetch_add(1, Relaxed);
                if self.faults.len() < KEPT_FAULTS {
                    self.faults.push((request.kind, fault));
                }
            }
            let due = due.unwrap_or(sent);
            self.samples.push(Sample {
                kind: request.kind,
                due,
                latency: answered.saturating_sub(due),
                service: answered.saturating_sub(sent),
                is_failed,
            });
        }
        self
    }
}

/// Sleeps until a client's next request is due. `None` when the load is over; the inner `None` if it is due whenever it is sent.
fn wait_for_turn(plan: &Plan, start: Instant, tickets: &AtomicU64) -> Option<Option<u64>> {
    let due = match plan.pace {
        Pace::Closed { think } => {
            if !think.is_zero() {
                thread::sleep(think);
            }
            start.elapsed()
        }
        Pace::Open { per_second } => {
            Duration::from_secs_f64(tickets.fetch_add(1, Relaxed) as f64 / per_second)
        }
    };
    if due >= plan.duration {
        return None;
    }
    thread::sleep(due.saturating_sub(start.elapsed()));
    Some(matches!(plan.pace, Pace::Open { .. }).then(|| nanoseconds(due)))
}
