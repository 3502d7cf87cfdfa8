//! The end of a scavenge: ephemerons whose key died are queued, weak references to the dead become nil.

#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use instar_heap::memory::resolve;
use instar_heap::{Obj, Oop};

use super::worker::Worker;
use crate::ephemerons::{Closure, decide};

/// Processes what the closure over strong references left undecided: ephemerons, then weak slots, because what is dead
/// then stays dead. All other workers have ended.
pub(super) fn process<const PARALLEL: bool>(worker: &mut Worker<'_, PARALLEL>, queue: &mut VecDeque<Oop>) {
    decide(worker, queue);
    for object in std::mem::take(&mut worker.weak) {
        clear_dead(worker, object);
    }
}

impl<const PARALLEL: bool> Closure for Worker<'_, PARALLEL> {
    fn undecided(&mut self) -> &mut Vec<Obj> {
        &mut self.ephemerons
    }

    fn is_key_alive(&self, ephemeron: Obj) -> bool {
        survivor(self, ephemeron.slot_cell(0)).is_some()
    }

    fn scan(&mut self, object: Obj) {
        let header = object.header();
        if self.shared.heap.is_young(object.address()) {
            self.scan_strong::<true>(object, header);
        } else {
            self.scan_strong::<false>(object, header);
        }
    }

    fn drain(&mut self) {
        self.scan_copies();
    }
}

/// Makes a weak root cell refer to where its referent is now, or to nothing. After [`process`].
#[inline]
pub(super) fn update_root<const PARALLEL: bool>(worker: &Worker<'_, PARALLEL>, root: &mut Oop) {
    if worker.is_young_pointer(*root) {
        *root = survivor_of(worker, *root).unwrap_or(Oop::NULL);
    }
}

fn clear_dead<const PARALLEL: bool>(worker: &mut Worker<'_, PARALLEL>, object: Obj) {
    let mut any_young = false;
    for index in 0..object.slots() {
        let cell = object.slot_cell(index);
        let now = survivor(worker, cell).unwrap_or(worker.shared.heap.nil());
        cell.store(now.bits(), Relaxed);
        any_young |= worker.shared.heap.is_young_pointer(now);
    }
    if any_young && !worker.shared.heap.is_young(object.address()) {
        worker.remember(object);
    }
}

/// What the cell refers to after the scavenge, if that is alive.
fn survivor<const PARALLEL: bool>(worker: &Worker<'_, PARALLEL>, cell: &AtomicU64) -> Option<Oop> {
    let oop = Oop::from_bits(cell.load(Relaxed));
    if worker.is_young_pointer(oop) { survivor_of(worker, oop) } else { Some(oop) }
}

/// As [`survivor`], for a young referent.
fn survivor_of<const PARALLEL: bool>(worker: &Worker<'_, PARALLEL>, oop: Oop) -> Option<Oop> {
    // SAFETY: from-space is intact until the end of the scavenge, dead objects included.
    let end = unsafe { resolve(oop) };
    if !end.is_pointer() || !worker.shared.is_from_space(end.address()) {
        return Some(end);
    }
    // SAFETY: as above.
    let header = unsafe { Obj::from_oop(end) }.header();
    header.is_evacuated().then(|| header.new_location())
}
