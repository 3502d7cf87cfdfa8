//! Where each live object goes.
//!
//! Live objects keep their order. The destination of an object is that of the first live word of its 1 KiB block plus
//! the live words before it in the block, which two population counts give. Two things stay where they are: the
//! densely filled start of the generation, up to `fixed_end`, and pinned objects, which the others do not cross.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use instar_heap::object::WORD;
use instar_heap::side::{LOG_BLOCK, LOG_MARK_WORD, LOG_REGION, SideTables, View};
use instar_heap::{Heap, Oop};

const BLOCK: usize = 1 << LOG_BLOCK;
const REGION: usize = 1 << LOG_REGION;
/// The start of the generation stays in place while each of its regions holds at most this much garbage: moving a
/// region costs about 0.2 ms, so that a thirty-second part is not worth it.
const DENSE_GARBAGE_BYTES: usize = REGION / 32;
/// In the destination table: the block holds part of a pinned object, see [`Plan::pinned`].
const PINNED_BLOCK: u32 = u32::MAX;

type Marks = View<AtomicU64, LOG_MARK_WORD>;
type Destinations = View<AtomicU32, LOG_BLOCK>;

/// A pinned object, with what the words between it and the one before it need.
struct Pinned {
    start: usize,
    end: usize,
}

/// The destinations of all live objects. The bulk of them is in the side tables.
pub(super) struct Plan<'h> {
    heap: &'h Heap,
    marks: Marks,
    destinations: Destinations,
    /// Objects below stay where they are.
    pub(super) fixed_end: usize,
    /// The end of the last object after the slide.
    pub(super) top: usize,
    /// Holes before pinned objects, to be made walkable after the slide.
    pub(super) holes: Vec<(usize, usize)>,
    pinned: Vec<Pinned>,
    /// Destination of the first live word of each block that holds part of a pinned object, by block address.
    pinned_blocks: Vec<(usize, usize)>,
}

impl<'h> Plan<'h> {
    /// Computes all destinations: 0.5 ms for 320 MB of old memory.
    pub(super) fn make(heap: &'h Heap, everything: bool, mut pinned: Vec<(usize, usize)>) -> Plan<'h> {
        pinned.sort_unstable();
        let fixed_end = if everything { first_object_end(heap) } else { dense_end(heap) };
        let pinned = pinned
            .into_iter()
            .filter(|&(start, _)| start >= fixed_end)
            .map(|(start, end)| Pinned { start, end })
            .collect();
        // SAFETY: the heap outlives the plan, which asks for addresses in the old generation. The destinations mean what
        // this plan says until they are cleared at the end of the collection.
        let (marks, destinations) = unsafe { (heap.side.marks.view(), heap.side.destinations.view()) };
        let (holes, pinned_blocks) = (Vec::new(), Vec::new());
        let mut plan = Plan { heap, marks, destinations, fixed_end, top: 0, holes, pinned, pinned_blocks };
        plan.top = plan.assign();
        plan
    }

    /// Fills in the destination table and returns the cursor behind the last live word.
    fn assign(&mut self) -> usize {
        let heap_start = self.heap.start();
        let first_block = self.fixed_end & !(BLOCK - 1);
        // The live words of the first block that lie before `fixed_end` are counted too; start so that they cancel.
        let mut cursor = self.fixed_end - live_bytes(self.marks, first_block, self.fixed_end);
        let mut next_pinned = 0;
        for block in (first_block..self.heap.old.top()).step_by(BLOCK) {
            let entry = self.destinations.at(block);
            if self.pinned.get(next_pinned).is_some_and(|pinned| pinned.start < block + BLOCK) {
                entry.store(PINNED_BLOCK, Relaxed);
                self.pinned_blocks.push((block, cursor));
                cursor = self.pass_pinned(block, cursor, &mut next_pinned);
            } else {
                entry.store(((cursor - heap_start) / WORD) as u32, Relaxed);
                cursor += live_bytes(self.marks, block, block + BLOCK);
            }
        }
        cursor
    }

    /// The cursor behind a block that holds pinned objects or parts of them, from the cursor before it. Those that end in
    /// the block are counted off by `next`; holes before those that start in it are noted.
    fn pass_pinned(&mut self, block: usize, mut cursor: usize, next: &mut usize) -> usize {
        let block_end = block + BLOCK;
        let mut from = block;
        while let Some(pinned) = self.pinned.get(*next).filter(|pinned| pinned.start < block_end) {
            if pinned.start >= block {
                let reached = cursor + live_bytes(self.marks, from, pinned.start);
                if reached < pinned.start {
                    self.holes.push((reached, pinned.start));
                }
            }
            if pinned.end > block_end {
                // The object goes on in the next block, whose first live word is its own.
                return block_end;
            }
            from = pinned.end;
            cursor = pinned.end;
            *next += 1;
        }
        cursor + live_bytes(self.marks, from, block_end)
    }

    /// What the inner loops need of the plan, as a value.
    pub(super) fn map(&self) -> Map<'_> {
        Map {
            plan: self,
            fixed_end: self.fixed_end,
            heap_start: self.heap.start(),
            marks: self.marks,
            destinations: self.destinations,
        }
    }

    #[cold]
    fn destination_near_pinned(&self, address: usize) -> usize {
        let block = address & !(BLOCK - 1);
        let following = self.pinned.partition_point(|pinned| pinned.start <= address);
        if let Some(before) = following.checked_sub(1).map(|index| &self.pinned[index]) {
            if address < before.end {
                return address;
            }
            if before.end > block {
                return before.end + live_bytes(self.marks, before.end, address);
            }
        }
        let index = self.pinned_blocks.partition_point(|&(start, _)| start < block);
        self.pinned_blocks[index].1 + live_bytes_before(self.marks, address)
    }
}

/// From an address to where the object there goes.
#[derive(Clone, Copy)]
pub(super) struct Map<'p> {
    plan: &'p Plan<'p>,
    fixed_end: usize,
    heap_start: usize,
    marks: Marks,
    destinations: Destinations,
}

impl Map<'_> {
    /// Where the live object (or word of one) at `address` goes. Two population counts and two loads from the tables.
    #[inline]
    pub(super) fn destination(self, address: usize) -> usize {
        if address < self.fixed_end {
            return address;
        }
        let base = self.destinations.at(address).load(Relaxed);
        if base == PINNED_BLOCK {
            return self.plan.destination_near_pinned(address);
        }
        self.heap_start + base as usize * WORD + live_bytes_before(self.marks, address)
    }

    /// What a reference becomes.
    #[inline]
    pub(super) fn relocated(self, oop: Oop) -> Oop {
        if oop.is_pointer() { Oop::from_address(self.destination(oop.address())) } else { oop }
    }
}

/// Live bytes in the block of `address` before it.
#[inline]
fn live_bytes_before(marks: Marks, address: usize) -> usize {
    let below = marks.at(address).load(Relaxed) & (SideTables::mark_bit(address) - 1);
    // The block's first mark word, which is the same one for addresses in its first half.
    let first = marks.at(address & !(BLOCK - 1)).load(Relaxed);
    let first = if address >> LOG_MARK_WORD & 1 == 1 { first } else { 0 };
    (below.count_ones() + first.count_ones()) as usize * WORD
}

/// Live bytes between `from` and `to`, which lie in one block or at its ends.
fn live_bytes(marks: Marks, from: usize, to: usize) -> usize {
    let mut live = 0;
    let mut address = from;
    while address < to {
        let word_end = (address | ((1 << LOG_MARK_WORD) - 1)) + 1;
        let end = word_end.min(to);
        let bits = marks.at(address).load(Relaxed) >> (address >> 3 & 63);
        let words = (end - address) / WORD;
        let bits = if words == 64 { bits } else { bits & ((1 << words) - 1) };
        live += bits.count_ones() as usize;
        address = end;
    }
    live * WORD
}

/// Where the first object or gap that starts in `region` starts: behind a live object that crosses into it.
pub(super) fn first_in_region(heap: &Heap, region: usize) -> usize {
    if region < heap.old.top() && heap.side.is_marked(region) {
        heap.side.first_object_in(region)
    } else {
        region
    }
}

/// The end of nil, which stands first and is pinned.
fn first_object_end(heap: &Heap) -> usize {
    heap.old_start() + instar_heap::object::MIN_OBJECT
}

/// The end of the run of regions, from the generation's start, that hold little garbage.
fn dense_end(heap: &Heap) -> usize {
    let top = heap.old.top();
    let mut region = heap.old_start();
    while region + REGION <= top {
        // SAFETY: the bits are only read.
        let marks = unsafe { heap.side.marks.span(region..region + REGION) };
        let live: usize = marks.iter().map(|word| word.load(Relaxed).count_ones() as usize).sum();
        if REGION - live * WORD > DENSE_GARBAGE_BYTES {
            break;
        }
        region += REGION;
    }
    first_in_region(heap, region).max(first_object_end(heap))
}
