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
    found.is_some_and(|Ordered { mut segments, mut target_runs }| {
        segments.sort()
            && !pairs.arrays().iter().any(|array| segments.hold(pairs, array.address()))
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

/// A source that is so much further up begins another segment: other sources may fill the gap. Workers of a scavenge
/// copy into 64 KiB each, so that theirs do.
const LOG_GAP: u32 = 15;

/// Whether the source `next` goes on in the segment in which `last` is.
#[inline]
const fn goes_on(last: u64, next: u64) -> bool {
    next.wrapping_sub(last).wrapping_sub(1) >> LOG_GAP == 0
}

/// Pairs one after the other whose sources ascend.
struct Segment {
    /// Encloses the addresses of the sources.
    addresses: Range<usize>,
    pairs: Range<usize>,
}

impl Segment {
    /// Whether a source at `address`, the next one, belongs to the segment.
    fn goes_on_at(&self, address: usize) -> bool {
        goes_on(self.addresses.end as u64 - 1, address as u64)
    }
}

/// The segments of some pairs. Objects that went through the nursery stand in ascending order but for a step back here
/// and there, where one worker or space took over from another.
#[derive(Default)]
struct Segments(Vec<Segment>);

impl Segments {
    /// More are not worth the while, and bound the memory: half a mebibyte.
    const MOST: usize = 1 << 14;

    /// Adds the pairs `from..to`, whose sources ascend.
    fn push(&mut self, pairs: Pairs, from: usize, to: usize) -> Option<()> {
        let [first, last] = [from, to - 1].map(|index| pairs.source(index).address());
        match self.0.last_mut() {
            Some(segment) if segment.goes_on_at(first) => {
                segment.addresses.end = last + 1;
                segment.pairs.end = to;
            }
            _ => {
                self.make_room(1)?;
                self.0.push(Segment { addresses: first..last + 1, pairs: from..to });
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

    /// Puts the segments into address order; false if two of them overlap.
    fn sort(&mut self) -> bool {
        self.0.sort_unstable_by_key(|segment| segment.addresses.start);
        self.0.windows(2).all(|two| two[0].addresses.end <= two[1].addresses.start)
    }

    /// Whether a source may stand in the range. The segments were sorted.
    fn reach_into(&self, range: Range<usize>) -> bool {
        let at = self.0.partition_point(|segment| segment.addresses.end <= range.start);
        self.0.get(at).is_some_and(|segment| segment.addresses.start < range.end)
    }

    /// Whether an object is one of the sources. The segments were sorted.
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
            let is_apart = next > start && !goes_on(self.pairs.source(next - 1).bits(), source.bits());
            if is_apart || !self.is_inside(source, target) {
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

    /// Whether the next pairs all belong to the run, and their sources go on up to the one behind them.
    ///
    /// Without a branch or a comparison inside, so that it compiles to vector instructions: see `goes_on`.
    #[inline]
    fn is_plain_stride(&self, start: usize) -> bool {
        let sources = self.pairs.source_words(start..start + STRIDE + 1);
        let targets = self.pairs.target_words(start..start + STRIDE);
        let (mut outside, mut apart) = (0, 0);
        for index in 0..STRIDE {
            outside |= self.outside(sources[index], targets[index]);
            apart |= sources[index + 1].wrapping_sub(sources[index]).wrapping_sub(1);
        }
        outside & OUTSIDE_REGION == 0 && apart >> LOG_GAP == 0
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
