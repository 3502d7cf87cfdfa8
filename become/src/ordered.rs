//! The common kind of bulk one-way become: sources in ascending address order, as a walk of the heap finds them, or in
//! few segments that ascend.
//!
//! Sources that ascend are distinct, and so are segments that do not overlap: no source need be claimed, and nothing is
//! left to clear afterwards. Validation reads the two arrays, a stride of pairs at a time, and of the objects only those
//! in regions whose flags ask for it. It knows one answer, "these pairs are simple", and gives up where they are not: whoever asked validates them again
//! from the start, pair by pair, and finds the same errors as ever.
//!
//! [simple-pairs] Sources are distinct objects that may be replaced; no object is source and target, no element is a
//! forwarder, no pair needs remembering.

#![allow(unsafe_code)]

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

use instar_gc::{GcConfig, Pause};
use instar_heap::oop::TAG_BITS;
use instar_heap::side::{LOG_REGION, RegionFlags};
use instar_heap::sync::Mutex;
use instar_heap::{HeaderFlags, Heap, Obj, Oop};

use crate::one_way::share;
use crate::pairs::{CLOSER_LOOK, Pairs, TargetRuns};

/// Pairs between two looks at what they added up to.
const STRIDE: usize = 64;
const REGION: usize = 1 << LOG_REGION;
/// The bits by which a word differs from a reference into a region only if it is none.
const OUTSIDE_REGION: u64 = !((1 << LOG_REGION) - 1) | ((1 << TAG_BITS) - 1);

/// Whether all pairs are known to be simple ([simple-pairs]).
pub(crate) fn are_simple(pause: &Pause<'_>, pairs: Pairs, workers: usize) -> bool {
    let heap = pause.world().heap();
    let found = if workers == 1 {
        check(heap, pairs, 0..pairs.len())
    } else {
        let parts = Mutex::new([const { None }; GcConfig::MAX_WORKERS]);
        pause.world().workers().run(&|worker| {
            let part = check(heap, pairs, share(pairs.len(), worker, workers));
            parts.lock()[worker] = part;
        });
        joined(&mut parts.lock()[..workers])
    };
    let sorted = found.and_then(|found| Some((found.segments.sorted(pairs)?, found.target_runs)));
    sorted.is_some_and(|(segments, mut target_runs)| {
        !pairs.arrays().iter().any(|array| segments.hold(pairs, array.address()))
            && !target_runs.any(
                pairs,
                |region| segments.reach_into(region..region + REGION),
                |target| segments.reach_into(target.address()..target.address() + 1),
            )
    })
}

/// What is known of a part of the pairs.
struct Ordered {
    segments: Segments,
    target_runs: TargetRuns,
}

/// All parts as one; `None` if one of them is not simple.
fn joined(parts: &mut [Option<Ordered>]) -> Option<Ordered> {
    let (first, others) = parts.split_first_mut()?;
    let mut all = first.take()?;
    for part in others {
        let part = part.take()?;
        all.segments.append(part.segments)?;
        all.target_runs.append(part.target_runs);
    }
    Some(all)
}

/// Pairs one after the other whose sources ascend.
struct Segment {
    /// Encloses the addresses of the sources.
    addresses: Range<usize>,
    pairs: Range<usize>,
}

impl Segment {
    fn new(pairs: Pairs, range: Range<usize>) -> Segment {
        let [first, last] = [range.start, range.end - 1].map(|index| pairs.source(index).address());
        Segment { addresses: first..last + 1, pairs: range }
    }

    /// Cuts off the sources from `address` on, which is above the first and not above the last one; `None` if a source
    /// stands there.
    fn split_off(&mut self, pairs: Pairs, address: usize) -> Option<Segment> {
        let before = pairs.source_words(self.pairs.clone()).binary_search(&(address as u64)).err()?;
        let at = self.pairs.start + before;
        let rest = Segment::new(pairs, at..self.pairs.end);
        *self = Segment::new(pairs, self.pairs.start..at);
        Some(rest)
    }
}

/// The lowest comes first out of a heap.
impl Ord for Segment {
    fn cmp(&self, other: &Segment) -> Ordering {
        other.addresses.start.cmp(&self.addresses.start)
    }
}

impl PartialOrd for Segment {
    fn partial_cmp(&self, other: &Segment) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Segment {
    fn eq(&self, other: &Segment) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Segment {}

/// The segments of some pairs. Objects that went through the nursery stand in ascending order but for a step back here
/// and there, where one worker or space took over from another: buffers of 64 KiB of several workers interleave.
#[derive(Default)]
struct Segments(Vec<Segment>);

impl Segments {
    /// More are not worth the while, and bound the memory: half a mebibyte.
    const MOST: usize = 1 << 14;

    /// Adds the pairs `from..to`, whose sources ascend.
    fn push(&mut self, pairs: Pairs, from: usize, to: usize) -> Option<()> {
        let more = Segment::new(pairs, from..to);
        match self.0.last_mut() {
            Some(segment) if segment.addresses.end <= more.addresses.start => {
                segment.addresses.end = more.addresses.end;
                segment.pairs.end = to;
            }
            _ => {
                self.make_room(1)?;
                self.0.push(more);
            }
        }
        Some(())
    }

    fn append(&mut self, mut others: Segments) -> Option<()> {
        self.make_room(others.0.len())?;
        self.0.append(&mut others.0);
        Some(())
    }

    fn make_room(&mut self, additional: usize) -> Option<()> {
        (self.0.len() + additional <= Self::MOST).then_some(())?;
        self.0.try_reserve(additional).ok()
    }

    /// The same sources in segments that stand in address order and do not overlap. Where one begins within another,
    /// the other is cut there. `None` if that makes too many, or if two begin at the same source.
    fn sorted(self, pairs: Pairs) -> Option<Segments> {
        let mut waiting = BinaryHeap::from(self.0);
        let mut sorted = Segments::default();
        while let Some(mut segment) = waiting.pop() {
            let cut = waiting.peek().map(|next| next.addresses.start);
            if let Some(cut) = cut.filter(|&cut| cut < segment.addresses.end) {
                if cut == segment.addresses.start {
                    return None;
                }
                waiting.try_reserve(1).ok()?;
                waiting.push(segment.split_off(pairs, cut)?);
            }
            sorted.make_room(1)?;
            sorted.0.push(segment);
        }
        Some(sorted)
    }

    /// Whether a source may stand in the range. The segments are [sorted](Self::sorted).
    fn reach_into(&self, range: Range<usize>) -> bool {
        let at = self.0.partition_point(|segment| segment.addresses.end <= range.start);
        self.0.get(at).is_some_and(|segment| segment.addresses.start < range.end)
    }

    /// Whether an object is one of the sources. The segments are [sorted](Self::sorted).
    fn hold(&self, pairs: Pairs, address: usize) -> bool {
        let at = self.0.partition_point(|segment| segment.addresses.end <= address);
        self.0.get(at).is_some_and(|segment| {
            pairs.source_words(segment.pairs.clone()).binary_search(&(address as u64)).is_ok()
        })
    }
}

/// Checks a part of the pairs; `None` if it is not of the simple kind, apart from objects that stand in two pairs.
fn check(heap: &Heap, pairs: Pairs, range: Range<usize>) -> Option<Ordered> {
    let mut found = Ordered { segments: Segments::default(), target_runs: TargetRuns::default() };
    let mut target_region = None;
    let mut next = range.start;
    while next < range.end {
        let elements = [pairs.source(next), pairs.target(next)];
        if elements.iter().any(|oop| !oop.is_pointer() || !heap.contains(oop.address())) {
            return None;
        }
        if !heap.is_young_pointer(elements[0]) && heap.is_young_pointer(elements[1]) {
            return None;
        }
        let region = Some(elements[1].address() >> LOG_REGION);
        if region != target_region {
            found.target_runs.push(next);
            target_region = region;
        }
        let flags = elements.map(|oop| heap.side.region(oop.address()));
        let run = Run { pairs, first: elements.map(Oop::bits), end: range.end };
        let is_plain = !flags[0].intersects(CLOSER_LOOK) && !flags[1].contains(RegionFlags::FORWARDERS);
        let end = if is_plain { run.check::<false>(next) } else { run.check::<true>(next) }?;
        found.segments.push(pairs, next, end)?;
        next = end;
    }
    Some(found)
}

/// Pairs whose sources ascend in one region, and whose targets are in one region.
struct Run {
    pairs: Pairs,
    /// Source and target of some pair of the run.
    first: [u64; 2],
    /// The end of the part.
    end: usize,
}

impl Run {
    /// The end of the run that begins at `start`; `None` if one of its pairs is not simple. `LOOKS` is whether that
    /// takes a look at the objects.
    #[inline(never)]
    fn check<const LOOKS: bool>(&self, start: usize) -> Option<usize> {
        let mut next = start;
        while !LOOKS && self.end - next > STRIDE && self.is_plain_stride(next) {
            next += STRIDE;
        }
        while next < self.end {
            let (source, target) = (self.pairs.source(next), self.pairs.target(next));
            let descends = next > start && source.bits() <= self.pairs.source(next - 1).bits();
            if descends || !self.is_inside(source, target) {
                return Some(next);
            }
            // SAFETY: references in live arrays lead to live objects or forwarders.
            if LOOKS && unsafe { is_special(source, target) } {
                return None;
            }
            next += 1;
        }
        Some(next)
    }

    #[inline]
    fn is_inside(&self, source: Oop, target: Oop) -> bool {
        self.outside(source.bits(), target.bits()) & OUTSIDE_REGION == 0
    }

    #[inline]
    fn outside(&self, source: u64, target: u64) -> u64 {
        (source ^ self.first[0]) | (target ^ self.first[1])
    }

    /// Whether the next pairs all belong to the run, and their sources ascend up to the one behind them.
    ///
    /// Without a branch or a comparison inside, so that it compiles to vector instructions: a difference of two addresses
    /// is negative exactly if the top bit is set.
    #[inline]
    fn is_plain_stride(&self, start: usize) -> bool {
        let sources = self.pairs.source_words(start..start + STRIDE + 1);
        let targets = self.pairs.target_words(start..start + STRIDE);
        let (mut outside, mut descents) = (0, 0);
        for index in 0..STRIDE {
            outside |= self.outside(sources[index], targets[index]);
            descents |= sources[index + 1].wrapping_sub(sources[index]).wrapping_sub(1);
        }
        outside & OUTSIDE_REGION == 0 && descents >> 63 == 0
    }
}

/// Whether the headers say that a pair is not simple.
///
/// # Safety
/// Both refer to live objects or forwarders.
#[inline]
unsafe fn is_special(source: Oop, target: Oop) -> bool {
    // SAFETY: the caller's promise.
    let [source, target] = unsafe { [source, target].map(|oop| Obj::from_oop(oop).header()) };
    source.has_any(HeaderFlags::SPECIAL) || source.is_forwarder() || target.is_forwarder()
}
