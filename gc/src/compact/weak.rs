//! The end of marking: ephemerons whose key died are queued, weak references to the dead become nil, classes without
//! instances and references leave the class table.

#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use instar_heap::memory::resolve;
use instar_heap::{ClassIndex, Obj, Oop};

use super::mark::Marker;
use crate::ephemerons::{Closure, decide};

/// Decides what marking left open; the same order as in a scavenge.
pub(super) fn process<const PARALLEL: bool>(marker: &mut Marker<'_, PARALLEL>, queue: &mut VecDeque<Oop>) {
    decide(marker, queue);
    for object in std::mem::take(&mut marker.weak) {
        for index in 0..object.slots() {
            let now = survivor(marker, object.slot(index)).unwrap_or(marker.shared.heap.nil());
            object.set_slot_raw(index, now);
        }
    }
    remove_dead_classes(marker);
}

/// Makes a weak root cell refer to what it leads to, or to nothing if that is dead. After [`process`].
pub(super) fn update_root<const PARALLEL: bool>(marker: &Marker<'_, PARALLEL>, root: &mut Oop) {
    if *root != Oop::NULL {
        *root = survivor(marker, *root).unwrap_or(Oop::NULL);
    }
}

impl<const PARALLEL: bool> Closure for Marker<'_, PARALLEL> {
    fn undecided(&mut self) -> &mut Vec<Obj> {
        &mut self.ephemerons
    }

    fn is_key_alive(&self, ephemeron: Obj) -> bool {
        survivor(self, ephemeron.slot(0)).is_some()
    }

    fn scan(&mut self, object: Obj) {
        self.push(object);
    }

    fn drain(&mut self) {
        // All other workers have ended, so that batches that were spilled meanwhile are only in this worker's deque.
        loop {
            self.scan_stack();
            if !self.take_back_batch() {
                return;
            }
        }
    }
}

/// What a weak reference refers to, if that is marked.
fn survivor<const PARALLEL: bool>(marker: &Marker<'_, PARALLEL>, oop: Oop) -> Option<Oop> {
    if !oop.is_pointer() {
        return Some(oop);
    }
    // SAFETY: nothing is moved or freed before the slide, so that dead objects and forwarders are intact.
    let end = unsafe { resolve(oop) };
    (!end.is_pointer() || marker.shared.heap.side.is_marked(end.address())).then_some(end)
}

fn remove_dead_classes<const PARALLEL: bool>(marker: &Marker<'_, PARALLEL>) {
    let heap = marker.shared.heap;
    let mut dead: Vec<ClassIndex> = Vec::new();
    let visitor = |index: ClassIndex, class: &mut Oop| {
        let has_instances =
            marker.shared.live_classes.get(index.get() as usize).is_some_and(|seen| seen.load(Relaxed));
        // What is marked as having instances was updated then. That goes for the built-in classes too.
        if has_instances {
            return;
        }
        // A class without an object is the embedder's to retire.
        let survivor = if *class == Oop::NULL { Some(Oop::NULL) } else { survivor(marker, *class) };
        match survivor {
            Some(now) if !heap.classes.is_retired(index) => *class = now,
            _ => dead.push(index),
        }
    };
    // SAFETY: the world is stopped; a class's replacement was given the flag by become.
    unsafe { heap.classes.visit(visitor) };
    for index in dead {
        // SAFETY: marking saw no instance, and nobody is allocating one ([class-kept]).
        unsafe { heap.classes.remove(index) };
    }
}
