//! The end of a scavenge: ephemerons whose key died are queued, weak references to the dead become nil.

#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use instar_heap::memory::resolve;
use instar_heap::{Format, Obj, Oop};

use super::worker::Worker;

/// Processes what the closure over strong references left undecided. All other workers have ended.
///
/// Ephemerons first (Hayes 1997): one whose key is alive is scanned like any other object, which may make more keys
/// alive. Those that are left are queued, become ordinary objects, and are scanned too, so that whoever takes them
/// from the queue finds key and value. Then weak slots: what is dead now stays dead.
pub(super) fn process<const PARALLEL: bool>(worker: &mut Worker<'_, PARALLEL>, queue: &mut VecDeque<Oop>) {
    loop {
        let undecided = std::mem::take(&mut worker.ephemerons);
        // What the decided lead to may be as many ephemerons again: numbers do not tell whether there was progress.
        let mut any_decided = false;
        for ephemeron in undecided {
            if survivor(worker, ephemeron.slot_cell(0)).is_some() {
                scan(worker, ephemeron);
                any_decided = true;
            } else {
                worker.ephemerons.push(ephemeron);
            }
        }
        worker.drain();
        if worker.ephemerons.is_empty() {
            break;
        }
        if !any_decided {
            for ephemeron in std::mem::take(&mut worker.ephemerons) {
                ephemeron.set_header(ephemeron.header().with_format(Format::FIXED));
                queue.push_back(ephemeron.oop());
                scan(worker, ephemeron);
            }
            worker.drain();
        }
    }
    for object in std::mem::take(&mut worker.weak) {
        clear_dead(worker, object);
    }
}

fn scan<const PARALLEL: bool>(worker: &mut Worker<'_, PARALLEL>, object: Obj) {
    let header = object.header();
    if worker.shared.heap.is_young(object.address()) {
        worker.scan_strong::<true>(object, header);
    } else {
        worker.scan_strong::<false>(object, header);
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
    if !worker.shared.heap.is_young_pointer(oop) {
        return Some(oop);
    }
    // SAFETY: from-space is intact until the end of the scavenge, dead objects included.
    let end = unsafe { resolve(oop) };
    if !end.is_pointer() || !worker.shared.is_from_space(end.address()) {
        return Some(end);
    }
    // SAFETY: as above.
    let header = unsafe { Obj::from_oop(end) }.header();
    header.is_evacuated().then(|| header.new_location())
}
