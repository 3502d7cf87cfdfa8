//! One collection from stop to resume: which phases run, what is counted, what is verified.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use instar_heap::verify::{Remembered, Roots, verify};

use crate::compact;
use crate::pause::Pause;
use crate::scavenge::{self, is_reference, scavenge};
use crate::stats::{Collection, PauseRecord, nanos};

/// Ends the process if it is dropped by a panic: a collection that ends half-way leaves objects in two places, which
/// no mutator may see, and other workers that wait for ever. Root sets are the embedder's code and may panic.
pub(crate) struct Indivisible(());

impl Indivisible {
    pub(crate) fn begin() -> Indivisible {
        Indivisible(())
    }

    pub(crate) fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for Indivisible {
    fn drop(&mut self) {
        eprintln!("a collection panicked half-way; the heap cannot be used any more");
        std::process::abort();
    }
}

/// Collects and records the pause.
pub(crate) fn run(pause: &mut Pause<'_>, kind: Collection) {
    let indivisible = Indivisible::begin();
    let started = Instant::now();
    let young = scavenge(pause, kind != Collection::Young);
    let scavenge_ns = nanos(started.elapsed());
    record_scavenge(pause, &young, scavenge_ns);
    // Where memory runs out, survivors are not left where the next scavenge may find no room for them.
    let is_due = pause.world().is_full_due(0) || !young.has_tenure_room;
    if kind != Collection::Young {
        collect_old(pause, kind == Collection::Compacting);
    } else if is_due {
        scavenge_rest_and_collect_old(pause);
    }
    let kind = if is_due && kind == Collection::Young { Collection::Full } else { kind };
    record_pause(pause, kind, started);
    indivisible.end();
    pause.check("a collection");
}

/// A scavenge that leaves nothing young.
pub(crate) fn tenure(pause: &mut Pause<'_>) {
    let indivisible = Indivisible::begin();
    let started = Instant::now();
    let outcome = scavenge(pause, true);
    record_scavenge(pause, &outcome, nanos(started.elapsed()));
    record_pause(pause, Collection::Young, started);
    indivisible.end();
    pause.check("tenuring");
}

fn record_pause(pause: &Pause<'_>, kind: Collection, started: Instant) {
    let by_access: u64 = pause.world().lock_locals().iter().map(|local| local.healed.get()).sum();
    let duration = started.elapsed();
    tracing::debug!(?kind, pause_us = duration.as_micros() as u64, "collection");
    let stats = &mut pause.world().lock_state().stats;
    stats.record_pause(PauseRecord { kind, started, duration });
    stats.healed_by_access = stats.healed_by_the_gone + by_access;
}

/// After a scavenge the old generation has grown enough, or leaves too little room: the rest of the young generation follows.
fn scavenge_rest_and_collect_old(pause: &mut Pause<'_>) {
    let started = Instant::now();
    let rest = scavenge(pause, true);
    record_scavenge(pause, &rest, nanos(started.elapsed()));
    collect_old(pause, false);
}

fn record_scavenge(pause: &mut Pause<'_>, outcome: &scavenge::Outcome, duration_ns: u64) {
    let stats = &mut pause.world().lock_state().stats;
    stats.survived_bytes += outcome.survived_bytes as u64;
    stats.tenured_bytes += outcome.tenured_bytes as u64;
    stats.healed_references += outcome.healed;
    stats.last_scavenge_ns = duration_ns;
}

fn collect_old(pause: &mut Pause<'_>, everything: bool) {
    let outcome = compact::collect(pause, everything);
    // [MM-stopped]
    pause.world().full_epoch.fetch_add(1, Relaxed);
    let config = &pause.world().config;
    let mut state = pause.world().lock_state();
    state.next_full_bytes = (outcome.live_bytes / 100 * config.growth_percent).max(config.first_full_bytes);
    state.replaced_bytes = 0;
    state.stats.healed_references += outcome.healed;
    state.stats.reclaimed_bytes += outcome.reclaimed_bytes as u64;
    state.stats.live_bytes_after_full = outcome.live_bytes as u64;
    state.stats.last_mark_ns = outcome.mark_ns;
    state.stats.last_compact_ns = outcome.compact_ns;
}

/// What invariants of the stopped world's heap are broken.
pub(crate) fn verify_world(pause: &mut Pause<'_>) -> Vec<String> {
    pause.retire_buffers();
    let (mut strong, mut weak) = (Vec::new(), Vec::new());
    // SAFETY: nothing is changed.
    unsafe {
        pause.visit_roots(|root| {
            if is_reference(*root) {
                strong.push(*root);
            }
        });
        pause.visit_weak_roots(|root| weak.push(*root));
    }
    let roots = Roots { strong: &strong, weak: &weak };
    let remembered = pause.take_remembered();
    // SAFETY: [stopped], and the buffers were retired.
    let broken = unsafe { verify(&pause.world().heap, roots, Remembered::Exactly(&remembered)) };
    pause.world().lock_state().remembered = remembered;
    broken
}
