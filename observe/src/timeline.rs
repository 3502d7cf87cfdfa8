//! What stopped the program, in order.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use instar_gc::{Collection, PauseRecord, World};
use serde::Serialize;

/// An update that ended.
#[derive(Clone, Debug)]
pub struct Update {
    /// The patch's name.
    pub patch: String,
    /// `committed`, or why it was not: a kind of `docs/control.md`.
    pub result: String,
    /// How long the program stood still.
    pub stop: Duration,
    /// From the request to the end.
    pub total: Duration,
}

impl Update {
    /// The result of an update that was committed.
    pub const COMMITTED: &'static str = "committed";
}

/// A stop of the program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// `young`, `full` or `update`.
    pub kind: &'static str,
    /// When it began, in milliseconds since the observation did. Of updates, when it ended.
    pub at_ms: f64,
    /// How long it was, in milliseconds.
    pub ms: f64,
    /// Of updates: patch and result.
    pub label: String,
}

/// How many updates are remembered for viewers that come later or read slowly.
const MOST_UPDATES: usize = 64;

/// The latest updates; collections are remembered by the world.
#[derive(Debug, Default)]
pub(crate) struct Timeline(Mutex<Updates>);

#[derive(Debug, Default)]
struct Updates {
    noted: u64,
    latest: VecDeque<Mark>,
}

/// How far a viewer has read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    collections: u64,
    updates: u64,
}

impl Timeline {
    pub fn note(&self, began: Instant, update: &Update) {
        let mark = Mark {
            kind: "update",
            at_ms: milliseconds(began.elapsed()),
            ms: milliseconds(update.stop),
            label: format!("{}: {}", update.patch, update.result),
        };
        let mut updates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if updates.latest.len() == MOST_UPDATES {
            updates.latest.pop_front();
        }
        updates.latest.push_back(mark);
        updates.noted += 1;
    }

    /// What is remembered and lies behind `place`, which moves to the end.
    pub fn since(&self, place: &mut Place, world: &World, began: Instant) -> Vec<Mark> {
        let (collections, mut marks) = world.read_stats(|stats| {
            let recent = &stats.recent_pauses;
            let new = latest(recent, stats.collections() - place.collections);
            (stats.collections(), new.map(|pause| collection(pause, began)).collect::<Vec<_>>())
        });
        let updates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.extend(latest(&updates.latest, updates.noted - place.updates).cloned());
        *place = Place { collections, updates: updates.noted };
        marks
    }
}

/// The last `count` of those that are there.
fn latest<T>(all: &VecDeque<T>, count: u64) -> impl Iterator<Item = &T> {
    all.iter().skip(all.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX)))
}

fn collection(pause: &PauseRecord, began: Instant) -> Mark {
    Mark {
        kind: if pause.kind == Collection::Young { "young" } else { "full" },
        at_ms: milliseconds(pause.started.saturating_duration_since(began)),
        ms: milliseconds(pause.duration),
        label: String::new(),
    }
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
