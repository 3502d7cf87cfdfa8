//! Parallel marking.
//!
//! Each worker has a private stack and spills batches of it to a deque when the others may be short of work. An object
//! is claimed by setting all its words' mark bits at once; large arrays are scanned in pieces, so that neither the
//! stack nor the distance between claiming and scanning grows with their size.
//!
//! [marked-whole] After marking, exactly the words of reachable objects have their bit set. No reference in a reachable
//! object leads to a forwarder.

#![allow(unsafe_code)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crossbeam::deque::{Steal, Stealer, Worker as Deque};
use instar_heap::forwarding::claim;
use instar_heap::memory::resolve;
use instar_heap::side::{LOG_MARK_WORD, SideTables, View};
use instar_heap::sync::Sound;
use instar_heap::{ClassIndex, Format, Header, HeaderFlags, Heap, Obj, Oop};

use super::weak;
use crate::pause::Pause;
use crate::scavenge::is_reference;
use crate::termination::Termination;

/// Slots of a large object that are scanned in one go.
const PIECE_SLOTS: usize = 256;
/// Stack depth from which a worker shares, and how much it shares at once.
const SPILL_DEPTH: usize = 512;
const SPILL_BATCH: usize = 256;
/// Batches that a worker offers at most: more than are stolen before it looks again.
const SPILLED_BATCHES: usize = 4;

/// A marked object whose slots from `next` on are still to be scanned.
type Pending = (Obj, usize);
type Batch = Vec<Pending>;

pub(super) struct Shared<'h> {
    pub(super) heap: &'h Heap,
    stealers: Vec<Stealer<Batch>>,
    termination: Termination,
    /// Class indices of which a live instance was seen.
    pub(super) live_classes: Vec<AtomicBool>,
}

impl Shared<'_> {
    fn steal(&self) -> Option<Batch> {
        self.stealers.iter().find_map(|stealer| {
            loop {
                match stealer.steal() {
                    Steal::Success(batch) => return Some(batch),
                    Steal::Empty => return None,
                    Steal::Retry => {}
                }
            }
        })
    }
}

/// What marking found besides the mark bits.
pub(super) struct Marked {
    /// References to forwarders that were replaced.
    pub(super) healed: u64,
    /// Address ranges of the pinned objects.
    pub(super) pinned: Vec<(usize, usize)>,
}

/// Marks everything that is reachable and settles weak references, ephemerons and classes.
pub(super) fn mark(pause: &mut Pause<'_>) -> Marked {
    if pause.world().workers.count() == 1 { run::<false>(pause) } else { run::<true>(pause) }
}

fn run<const PARALLEL: bool>(pause: &mut Pause<'_>) -> Marked {
    let world = pause.world();
    let deques: Vec<Deque<Batch>> = (0..world.workers.count()).map(|_| Deque::new_fifo()).collect();
    let shared = Shared {
        heap: &world.heap,
        stealers: deques.iter().map(Deque::stealer).collect(),
        termination: Termination::new(deques.len()),
        live_classes: (0..world.heap.classes.bound()).map(|_| AtomicBool::new(false)).collect(),
    };
    let mut markers: Vec<_> =
        deques.into_iter().map(|deque| Marker::<PARALLEL>::new(&shared, deque)).collect();
    let leader = &mut markers[0];
    leader.mark_root(world.heap.nil());
    // SAFETY: a root goes on referring to its object, forwarders followed.
    unsafe { pause.visit_roots(|root| *root = leader.mark_root(*root)) };
    leader.mark_classes_in_use(pause);
    let slots: Vec<_> = markers.into_iter().map(|marker| Mutex::new(Some(marker))).collect();
    world.workers.run_indivisible(&|index| {
        let mut slot = slots[index].lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(marker) = slot.as_mut() {
            marker.run();
        }
    });
    let mut markers = slots
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()));
    let Some(mut leader) = markers.next() else { unreachable!("there is at least one worker") };
    for mut marker in markers {
        leader.weak.append(&mut marker.weak);
        leader.ephemerons.append(&mut marker.ephemerons);
        leader.found.pinned.append(&mut marker.found.pinned);
        leader.found.healed += marker.found.healed;
    }
    weak::process(&mut leader, &mut world.lock_state().finalizable);
    // SAFETY: as above, or to nothing.
    unsafe { pause.visit_weak_roots(|root| weak::update_root(&leader, root)) };
    leader.found
}

pub(super) struct Marker<'s, const PARALLEL: bool> {
    pub(super) shared: &'s Shared<'s>,
    marks: View<AtomicU64, LOG_MARK_WORD>,
    /// The class that was seen last: neighbours tend to have the same.
    last_class: ClassIndex,
    deque: Deque<Batch>,
    stack: Vec<Pending>,
    pub(super) weak: Vec<Obj>,
    pub(super) ephemerons: Vec<Obj>,
    found: Marked,
}

impl<'s, const PARALLEL: bool> Marker<'s, PARALLEL> {
    fn new(shared: &'s Shared<'s>, deque: Deque<Batch>) -> Self {
        let stack = Vec::with_capacity(2 * SPILL_DEPTH);
        let found = Marked { healed: 0, pinned: Vec::new() };
        // SAFETY: the heap outlives the marker, which asks for its objects only; the bits are cleared at the end.
        let marks = unsafe { shared.heap.side.marks.view() };
        let last_class = ClassIndex::FREE;
        Marker { shared, marks, last_class, deque, stack, weak: Vec::new(), ephemerons: Vec::new(), found }
    }

    fn run(&mut self) {
        let _end = self.shared.termination.end_on_panic();
        loop {
            self.scan_stack();
            if self.take_back_batch() {
                continue;
            }
            if let Some(batch) = self.shared.steal() {
                self.stack.extend(batch);
            } else if self
                .shared
                .termination
                .offer(|| self.shared.stealers.iter().any(|stealer| !stealer.is_empty()))
            {
                return;
            }
        }
    }

    /// Scans what stands on the private stack, and what is reached from there.
    pub(super) fn scan_stack(&mut self) {
        while let Some((object, next)) = self.stack.pop() {
            self.scan(object, next);
            if PARALLEL && self.stack.len() > SPILL_DEPTH && self.deque.len() < SPILLED_BATCHES {
                // The oldest entries lead to the largest subgraphs.
                self.deque.push(self.stack.drain(..SPILL_BATCH).collect());
            }
        }
    }

    /// Puts a batch that nobody stole back on the stack; false if there is none.
    pub(super) fn take_back_batch(&mut self) -> bool {
        let batch = self.deque.pop();
        self.stack.extend(batch.iter().flatten());
        batch.is_some()
    }

    #[inline]
    fn scan(&mut self, object: Obj, first: usize) {
        let slots = object.slots();
        let last = if slots - first > PIECE_SLOTS {
            self.stack.push((object, first + PIECE_SLOTS));
            first + PIECE_SLOTS
        } else {
            slots
        };
        for index in first..last {
            let seen = object.slot(index);
            if seen.is_pointer() && !self.is_marked(seen.address()) {
                let now = self.mark_unmarked(seen);
                if now != seen {
                    object.set_slot_raw(index, now);
                }
            }
        }
    }

    #[inline]
    fn is_marked(&self, address: usize) -> bool {
        self.marks.at(address).load(Relaxed) & SideTables::mark_bit(address) != 0
    }

    /// Marks what a root refers to and returns what it should refer to.
    pub(super) fn mark_root(&mut self, root: Oop) -> Oop {
        let is_news = is_reference(root) && !self.is_marked(root.address());
        if is_news { self.mark_unmarked(root) } else { root }
    }

    /// Scans all slots of an object strongly, whatever its format.
    pub(super) fn push(&mut self, object: Obj) {
        if object.slots() > 0 {
            self.stack.push((object, 0));
        }
    }

    #[inline]
    fn mark_unmarked(&mut self, seen: Oop) -> Oop {
        // SAFETY: references in reachable objects and roots lead to live objects or forwarders.
        let object = unsafe { Obj::from_oop(seen) };
        let header = object.header();
        debug_assert!(!self.shared.heap.is_young(seen.address()), "the young generation is empty");
        if header.is_forwarder() {
            return self.mark_target(seen);
        }
        if self.claim(object, header) {
            self.visit_marked(object, header);
        }
        seen
    }

    #[cold]
    fn mark_target(&mut self, forwarder: Oop) -> Oop {
        self.found.healed += 1;
        // SAFETY: a live reference leads to a live chain.
        let target = unsafe { resolve(forwarder) };
        self.mark_root(target)
    }

    /// Sets the bits of all words of the object. True for the one worker that was first.
    #[inline]
    fn claim(&mut self, object: Obj, header: Header) -> bool {
        let (start, end) = (object.start_of(header), object.end_of(header));
        if start >> LOG_MARK_WORD == (end - 1) >> LOG_MARK_WORD {
            self.claim_bits(start, bit_run(start, end))
        } else {
            self.claim_spanning(start, end, object.address())
        }
    }

    /// Sets `bits` of the mark word of `address`: all words of one object, or its header's. True for the first.
    #[inline]
    fn claim_bits(&self, address: usize, bits: u64) -> bool {
        let word = self.marks.at(address);
        if PARALLEL {
            // [MM-claim]: the claim decides who scans; nothing is passed along with it.
            return claim::<Sound, _>(word, bits);
        }
        let before = word.load(Relaxed);
        word.store(before | bits, Relaxed);
        before & bits == 0
    }

    #[cold]
    #[inline(never)]
    fn claim_spanning(&self, start: usize, end: usize, header: usize) -> bool {
        const SPAN: usize = 1 << LOG_MARK_WORD;
        if !self.claim_bits(header, SideTables::mark_bit(header)) {
            return false;
        }
        // The rest is the winner's to set. At its ends the object shares mark words with its neighbours.
        let mut address = start;
        while address < end {
            let next = ((address & !(SPAN - 1)) + SPAN).min(end);
            let word = self.marks.at(address);
            if next - address == SPAN {
                word.store(u64::MAX, Relaxed);
            } else {
                word.fetch_or(bit_run(address, next), Relaxed);
            }
            address = next;
        }
        true
    }

    #[inline]
    fn visit_marked(&mut self, object: Obj, header: Header) {
        let class = header.class_index();
        if class != self.last_class {
            self.last_class = class;
            self.mark_class(class);
        }
        if header.has_any(HeaderFlags::PINNED) {
            self.found.pinned.push((object.start_of(header), object.end_of(header)));
        }
        let format = header.format();
        if format.is_strong() {
            if header.slot_field() > 0 {
                self.stack.push((object, 0));
            }
        } else if format == Format::WEAK {
            self.weak.push(object);
        } else if format == Format::EPHEMERON {
            self.ephemerons.push(object);
        }
    }

    /// Keeps the built-in classes alive, and \[class-kept\] those that mutators are allocating instances of.
    fn mark_classes_in_use(&mut self, pause: &Pause<'_>) {
        for index in ClassIndex::BUILT_IN {
            self.mark_class(index);
        }
        for local in pause.world().lock_locals().iter() {
            if let Some(index) = local.allocating.get() {
                self.mark_class(index);
            }
        }
    }

    /// Keeps the class of a live instance alive.
    #[inline(never)]
    fn mark_class(&mut self, class: ClassIndex) {
        let Some(seen) = self.shared.live_classes.get(class.get() as usize) else { return };
        if seen.load(Relaxed) {
            return;
        }
        seen.store(true, Relaxed);
        let Some(oop) = self.shared.heap.classes.class(class) else { return };
        let now = self.mark_root(oop);
        if now != oop {
            // SAFETY: the world is stopped; a class's replacement was given the flag by become.
            let _ = unsafe { self.shared.heap.set_class(class, Obj::from_oop(now)) };
        }
    }
}

/// The mark bits of the words in `start..end`, which share a mark word.
#[inline]
const fn bit_run(start: usize, end: usize) -> u64 {
    let words = (end - start) >> 3;
    (u64::MAX >> (64 - words)) << (start >> 3 & 63)
}
