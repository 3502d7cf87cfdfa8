//! Moving every live object to its destination and updating its references, in one pass over the generation.
//!
//! Workers claim source regions in address order. [slide-order] A region is moved only after all regions that its
//! destination overlaps have been moved, and all before them: nothing that is still to be read is overwritten. The
//! lowest claimed region can always go on, so that nobody waits for ever.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

use instar_heap::object::{WORD, fill_free};
use instar_heap::side::{LOG_MARK_WORD, LOG_REGION, RegionFlags};
use instar_heap::sync::Backoff;
use instar_heap::walk::walk;
use instar_heap::{ClassIndex, Header, HeaderFlags, Heap, Obj, Oop};

use super::plan::{Map, Plan, first_in_region};
use crate::pause::Pause;

const REGION: usize = 1 << LOG_REGION;

struct Slide<'p, 'h> {
    heap: &'h Heap,
    plan: &'p Plan<'h>,
    map: Map<'p>,
    source_end: usize,
    next: AtomicUsize,
    moved: Vec<AtomicBool>,
    /// All regions with a lower number have been moved.
    moved_below: AtomicUsize,
    /// The crossings after the slide; the old ones are read until all is moved.
    crossings: Vec<AtomicUsize>,
}

/// Carries the plan out.
pub(super) fn slide(pause: &mut Pause<'_>, plan: &Plan<'_>) {
    let world = pause.world();
    let heap = &world.heap;
    let source_end = heap.old.top();
    let regions = (source_end - heap.old_start()).div_ceil(REGION);
    // SAFETY: [stopped]; forwarders die here, and what is special is noted again as it is moved.
    unsafe { heap.side.unflag_regions(heap.old_range(), RegionFlags::all()) };
    let slide = Slide {
        heap,
        plan,
        map: plan.map(),
        source_end,
        next: AtomicUsize::new(0),
        moved: (0..regions).map(|_| AtomicBool::new(false)).collect(),
        moved_below: AtomicUsize::new(0),
        crossings: (0..regions).map(|_| AtomicUsize::new(0)).collect(),
    };
    // SAFETY: [stopped]; this is where the objects are moved to.
    unsafe {
        pause.visit_roots(|root| *root = slide.map.relocated(*root));
        pause.visit_weak_roots(|root| *root = slide.map.relocated(*root));
    }
    // SAFETY: [stopped]; this is where the classes are moved to.
    unsafe { heap.classes.visit(|_, class| *class = slide.map.relocated(*class)) };
    world.workers.run_indivisible(&|_| {
        loop {
            let index = slide.next.fetch_add(1, Relaxed);
            if index >= regions {
                return;
            }
            slide.move_region(index);
            slide.note_moved(index);
        }
    });
    for (index, crossing) in slide.crossings.iter().enumerate() {
        // SAFETY: a region of the old generation; [crossings] of what was moved.
        let entry = unsafe { heap.side.crossings.at(slide.region_start(index)) };
        entry.store(crossing.load(Relaxed) as u64, Relaxed);
    }
    for &(start, end) in &plan.holes {
        // SAFETY: everything has been moved; the hole lies between two objects.
        unsafe { heap.fill_old(start, end) };
    }
    // SAFETY: [stopped]; everything live was moved below the plan's top.
    unsafe { heap.set_old_top(plan.top) };
    poison_free_chunks(pause);
    let has_room = pause.reserve_tenure_room();
    debug_assert!(has_room, "the young generation is empty");
    pause.poison(plan.top..source_end);
    if world.config.zeal.is_none() {
        // SAFETY: [stopped]; the last object ends at the plan's top.
        unsafe { heap.release_above_top() };
    }
}

/// In zeal builds: what a stale reference into a hole would find.
fn poison_free_chunks(pause: &mut Pause<'_>) {
    if pause.world().config.zeal.is_none() {
        return;
    }
    let mut free = Vec::new();
    // SAFETY: [stopped]; everything has been moved and the holes were filled.
    unsafe {
        walk(pause.world().heap.old_range(), |chunk, header| {
            if header.has_class(ClassIndex::FREE) {
                free.push(chunk.address() + WORD..chunk.end_of(header));
            }
        });
    }
    for range in free {
        pause.poison(range);
    }
}

impl Slide<'_, '_> {
    fn region_start(&self, index: usize) -> usize {
        self.heap.old_start() + index * REGION
    }

    fn move_region(&self, index: usize) {
        let start = self.region_start(index);
        let end = (start + REGION).min(self.source_end);
        let first = first_in_region(self.heap, start);
        let mut start = self.move_fixed(first, end);
        start = next_live(self.heap, start, end);
        if start >= end {
            return;
        }
        self.await_destination(index, end);
        while start < end {
            // SAFETY: `start` is the first marked word after the end of a marked object or after a dead gap: an
            // object starts there ([marked-whole]); [slide-order] keeps it intact.
            let object = unsafe { Obj::from_start(start) };
            let header = object.header();
            let source_end = object.end_of(header);
            self.move_object(object, header, start, source_end);
            start = next_live(self.heap, source_end, end);
        }
    }

    /// Updates the objects that stay in place and makes the gaps between them walkable. Returns where the rest starts.
    fn move_fixed(&self, first: usize, end: usize) -> usize {
        let end = end.min(self.plan.fixed_end);
        let mut gap = first;
        while gap < end {
            let start = next_live(self.heap, gap, end);
            // SAFETY: no word between is marked, so that no live object is there.
            unsafe { fill_free(gap, start.min(end)) };
            if start >= end {
                return end;
            }
            // SAFETY: as in `move_region`.
            let object = unsafe { Obj::from_start(start) };
            let header = object.header();
            gap = object.end_of(header);
            self.move_object(object, header, start, gap);
        }
        gap
    }

    /// Waits until the memory that this region's objects go to has been vacated.
    fn await_destination(&self, index: usize, end: usize) {
        // The last object may reach into regions behind this one, and is moved as a whole.
        let following = next_live(self.heap, first_in_region(self.heap, end), self.source_end);
        let destination_end =
            if following < self.source_end { self.map.destination(following) } else { self.plan.top };
        let last = (destination_end - 1 - self.heap.old_start()) / REGION;
        let needed = index.min(last + 1);
        let mut backoff = Backoff::new();
        // Pairs with the release in `note_moved`: the moves of the regions below happen before ours.
        while self.moved_below.load(Acquire) < needed {
            backoff.snooze();
        }
    }

    fn note_moved(&self, index: usize) {
        self.moved[index].store(true, Release);
        let mut below = self.moved_below.load(Acquire);
        while self.moved.get(below).is_some_and(|moved| moved.load(Acquire)) {
            match self.moved_below.compare_exchange(below, below + 1, Release, Acquire) {
                Ok(_) => below += 1,
                // Another worker counted on: go on from where it is.
                Err(now) => below = now,
            }
        }
    }

    #[inline]
    fn note_crossing(&self, start: usize, end: usize) {
        let first = (start - self.heap.old_start()) / REGION;
        let last = (end - 1 - self.heap.old_start()) / REGION;
        for region in first + 1..=last {
            self.crossings[region].store(end, Relaxed);
        }
    }

    #[inline]
    fn move_object(&self, object: Obj, header: Header, start: usize, end: usize) {
        let destination = self.map.destination(start);
        debug_assert!(destination <= start);
        if header.has_any(HeaderFlags::SPECIAL) {
            self.heap.note_special(destination + (object.address() - start));
        }
        self.note_crossing(destination, destination + (end - start));
        let pointers = object.pointer_slots_of(header);
        let body = object.address() + WORD;
        // SAFETY: [slide-order] the destination is vacated or overlaps the object itself, in which case it lies
        // below, and ascending copies read each word before it is overwritten.
        unsafe {
            if pointers == 0 {
                std::ptr::copy(start as *const u64, destination as *mut u64, (end - start) / WORD);
                return;
            }
            let mut to = destination as *mut u64;
            let mut from = start;
            while from < body {
                to.write((from as *const u64).read());
                to = to.add(1);
                from += WORD;
            }
            let map = self.map;
            for _ in 0..pointers {
                let slot = Oop::from_bits((from as *const u64).read());
                to.write(map.relocated(slot).bits());
                to = to.add(1);
                from += WORD;
            }
        }
    }
}

/// The first marked word at or after `from`, or `limit` or more if there is none before it.
pub(super) fn next_live(heap: &Heap, from: usize, limit: usize) -> usize {
    let mut address = from;
    while address < limit {
        // SAFETY: `limit` is the used range's end at most; only read.
        let bits = unsafe { heap.side.marks.at(address) }.load(Relaxed) >> (address >> 3 & 63);
        if bits != 0 {
            return address + bits.trailing_zeros() as usize * WORD;
        }
        address = (address | ((1 << LOG_MARK_WORD) - 1)) + 1;
    }
    limit
}
