//! The old generation's collection: parallel marking, then sliding compaction (address computation from mark bits as
//! in Kermany & Petrank 2006; the densely filled start stays in place as in Sun's parallel old collector).
//!
//! Runs with the young generation empty: a scavenge that tenures all comes first. References to forwarders are
//! replaced by the target while marking, so that no forwarder is marked and all die here. Phases:
//!
//! 1. `mark`: every word of each reachable object gets its bit in the side bitmap.
//! 2. `weak`: ephemerons with dead keys are queued, weak references to the dead become nil, dead classes leave the
//!    class table, weak root cells whose referent is dead are emptied.
//! 3. `plan`: where each live object goes follows from the live words before it; one number a KiB is enough.
//! 4. `slide`: every object is moved down to its place and its references are updated, in one pass.
//!
//! Barriers needed: none. The world is stopped and the remembered set is empty.

#![allow(unsafe_code)]

mod mark;
mod plan;
mod slide;
mod weak;

use std::time::Instant;

use crate::pause::Pause;
use crate::stats::nanos;

/// What a collection of the old generation did.
pub(crate) struct Outcome {
    pub live_bytes: usize,
    pub reclaimed_bytes: usize,
    pub healed: u64,
    pub mark_ns: u64,
    pub compact_ns: u64,
}

/// Marks and compacts the old generation. With `everything`, holes in its densely filled start are closed as well.
pub(crate) fn collect(pause: &mut Pause<'_>, everything: bool) -> Outcome {
    let heap = &pause.world().heap;
    let started = Instant::now();
    let used_before = heap.old_range().len();
    // Nothing is remembered. Given back before the other tables fill up, of which there are 2 % otherwise.
    // SAFETY: [stopped]; nothing is remembered after the scavenge that tenured all.
    unsafe { heap.side.cards.clear() };
    let mark::Marked { healed, pinned } = mark::mark(pause);
    let marked = Instant::now();
    let plan = plan::Plan::make(heap, everything, pinned);
    slide::slide(pause, &plan);
    // SAFETY: [stopped]; nothing refers to a forwarder any more ([marked-whole]), none was moved, and the mark bits and
    // destinations have been used.
    unsafe {
        heap.forwarders.forget_old();
        heap.side.marks.clear();
        heap.side.destinations.clear();
    }
    let live_bytes = heap.old_range().len();
    Outcome {
        live_bytes,
        reclaimed_bytes: used_before.saturating_sub(live_bytes),
        healed,
        mark_ns: nanos(marked - started),
        compact_ns: nanos(marked.elapsed()),
    }
}
