//! The pairs of a become, and the check that comes before anything is changed.
//!
//! Validation of a bulk become touches the two arrays and a bit for each source, but not the objects: the flags of the
//! objects' regions say where a closer look is needed (something there is pinned, immutable, a class or a forwarder).

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use instar_heap::forwarding::claim;
use instar_heap::memory::resolve;
use instar_heap::oop::TAG_BITS;
use instar_heap::side::{LOG_MARK_WORD, LOG_REGION, RegionFlags, SideTables, View};
use instar_heap::sync::Sound;
use instar_heap::{HeaderFlags, Heap, Obj, Oop};

use crate::error::{BecomeError, Side};
use crate::object_table;
use crate::strategy::Strategy;

/// Two arrays of the same length in the heap; element `i` of one belongs to element `i` of the other.
#[derive(Clone, Copy)]
pub(crate) struct Pairs {
    sources: Obj,
    targets: Obj,
    len: usize,
}

impl Pairs {
    /// The pairs that two objects with pointer slots hold.
    ///
    /// # Safety
    /// Both are live references of `heap` or immediates, and nothing moves while the result is used.
    pub(crate) unsafe fn new<S: Strategy>(
        heap: &Heap,
        sources: Oop,
        targets: Oop,
    ) -> Result<Pairs, BecomeError> {
        // SAFETY: the caller's promise.
        let [sources, targets] =
            unsafe { [array::<S>(heap, sources, Side::Source)?, array::<S>(heap, targets, Side::Target)?] };
        let lengths = [sources, targets].map(|array| array.pointer_slots_of(array.header()));
        if lengths[0] != lengths[1] {
            return Err(BecomeError::Lengths { sources: lengths[0], targets: lengths[1] });
        }
        Ok(Pairs { sources, targets, len: lengths[0] })
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn source(&self, index: usize) -> Oop {
        self.sources.slot(index)
    }

    #[inline]
    pub(crate) fn target(&self, index: usize) -> Oop {
        self.targets.slot(index)
    }

    pub(crate) fn arrays(&self) -> [Obj; 2] {
        [self.sources, self.targets]
    }

    /// The sources as plain words, which the compiler may read several at a time.
    #[inline]
    pub(crate) fn source_words(&self, range: Range<usize>) -> &[u64] {
        self.words(self.sources, range)
    }

    /// The targets as plain words.
    #[inline]
    pub(crate) fn target_words(&self, range: Range<usize>) -> &[u64] {
        self.words(self.targets, range)
    }

    #[inline]
    fn words(&self, array: Obj, range: Range<usize>) -> &[u64] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: both arrays have `len` slots. Nobody writes to them while the world is stopped but a become that
        // installs, which comes after all reading of words.
        unsafe { std::slice::from_raw_parts(array.slot_cell(range.start).as_ptr(), range.len()) }
    }

    /// Whether `oop` is one of the two arrays.
    #[inline]
    pub(crate) fn is_array(&self, oop: Oop) -> bool {
        oop == self.sources.oop() || oop == self.targets.oop()
    }
}

/// # Safety
/// As for [`Pairs::new`].
unsafe fn array<S: Strategy>(heap: &Heap, oop: Oop, side: Side) -> Result<Obj, BecomeError> {
    // SAFETY: the caller's promise.
    let end = unsafe { resolve(oop) };
    if !end.is_pointer() || !heap.contains(end.address()) {
        return Err(BecomeError::NotAnArray(side));
    }
    // SAFETY: the caller's promise.
    let mut object = unsafe { Obj::from_oop(end) };
    if S::HAS_ENTRIES && object_table::is_entry(object) {
        object = object_table::body(object);
    }
    if object.header().format().has_pointers() { Ok(object) } else { Err(BecomeError::NotAnArray(side)) }
}

/// The region flags under which an object's header must be looked at before it may be swapped.
pub(crate) const CLOSER_LOOK: RegionFlags = RegionFlags::SPECIAL.union(RegionFlags::FORWARDERS);

/// Checks that `object`, the `side` of pair `index`, may be swapped.
pub(crate) fn check_header(object: Obj, index: usize, side: Side) -> Result<(), BecomeError> {
    let header = object.header();
    if header.has_any(HeaderFlags::PINNED) {
        return Err(BecomeError::Pinned { index, side });
    }
    if header.has_any(HeaderFlags::IMMUTABLE) {
        return Err(BecomeError::Immutable { index, side });
    }
    Ok(())
}

/// The body behind `entry`, the `side` of pair `index`, if both may be swapped.
pub(crate) fn checked_body(entry: Obj, index: usize, side: Side) -> Result<Obj, BecomeError> {
    check_header(entry, index, side)?;
    if !object_table::is_entry(entry) {
        return Err(BecomeError::NotAnEntry { index, side });
    }
    let body = object_table::body(entry);
    check_header(body, index, side)?;
    Ok(body)
}

/// Whether `oop` can be the target of a one-way become under the object table.
///
/// # Safety
/// It is an immediate or refers to a live object.
pub(crate) unsafe fn is_entry(oop: Oop) -> bool {
    // SAFETY: the caller's promise.
    oop.is_pointer() && object_table::is_entry(unsafe { Obj::from_oop(oop) })
}

/// What validation found out about its part of the pairs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// Some region holds both sources and targets: an object may be both.
    pub may_overlap: bool,
    /// Pairs with an old source and a young target.
    pub old_to_young: usize,
    /// Elements that are forwarders.
    pub forwarders: usize,
    /// Sources that are classes.
    pub classes: usize,
    /// Targets that are immediates, or forwarders to one.
    pub immediates: usize,
    /// Where the targets enter another region.
    pub target_runs: TargetRuns,
}

impl Findings {
    /// Of two parts together.
    pub(crate) fn and(mut self, other: Findings) -> Findings {
        self.target_runs.append(other.target_runs);
        Findings {
            may_overlap: self.may_overlap | other.may_overlap,
            old_to_young: self.old_to_young + other.old_to_young,
            forwarders: self.forwarders + other.forwarders,
            classes: self.classes + other.classes,
            immediates: self.immediates + other.immediates,
            target_runs: self.target_runs,
        }
    }
}

/// Runs of targets in one region. Targets in address order make one run a region; of a disorderly lot no more is kept
/// than that it is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct TargetRuns {
    starts: Vec<usize>,
    is_disorderly: bool,
}

impl TargetRuns {
    const MOST: usize = 4096;

    pub(crate) fn push(&mut self, index: usize) {
        self.is_disorderly |= self.starts.len() >= Self::MOST || self.starts.try_reserve(1).is_err();
        if !self.is_disorderly {
            self.starts.push(index);
        }
    }

    pub(crate) fn append(&mut self, other: TargetRuns) {
        self.is_disorderly |= other.is_disorderly;
        other.starts.into_iter().for_each(|start| self.push(start));
    }

    /// Whether a target was claimed as a source. Looks at the targets only in regions that hold sources.
    pub(crate) fn any_is_source(&mut self, heap: &Heap, pairs: Pairs) -> bool {
        self.any(
            pairs,
            |region| heap.side.region(region).contains(RegionFlags::SOURCES),
            |target| heap.side.is_marked(target.address()),
        )
    }

    /// Whether any target has the property `is_hit`, which only objects in the regions that `may_hold` names have.
    pub(crate) fn any(
        &mut self,
        pairs: Pairs,
        may_hold: impl Fn(usize) -> bool,
        is_hit: impl Fn(Oop) -> bool,
    ) -> bool {
        let is_hit = |index| pairs.target(index).is_pointer() && is_hit(pairs.target(index));
        if self.is_disorderly {
            return (0..pairs.len()).any(is_hit);
        }
        self.starts.sort_unstable();
        let ends = self.starts.iter().copied().skip(1).chain([pairs.len()]);
        self.starts.iter().zip(ends).any(|(&start, end)| {
            let region = pairs.target(start).address() & !((1 << LOG_REGION) - 1);
            may_hold(region) && (start..end).any(is_hit)
        })
    }
}

/// A region whose objects need no closer look, or none.
type PlainRegion = u64;
const NO_REGION: PlainRegion = u64::MAX;

/// The region of an object, with the tag in the top bits, so that no immediate equals an object's region.
#[inline]
fn region_of(oop: Oop) -> PlainRegion {
    oop.bits().rotate_right(TAG_BITS) >> (LOG_REGION - TAG_BITS)
}

/// Claims the sources of a range of pairs and checks everything that can be wrong with them.
///
/// Those of one side get their mark bit and must be distinct; under the object table it is the bodies that do, so that
/// two entries of one body count as the same object. Leaves mark bits and the region flags SOURCES and TARGETS set,
/// also when it fails: [`forget`] clears them. `PARALLEL` is whether other workers validate other pairs meanwhile.
pub(crate) struct Validator<'h, S, const PARALLEL: bool> {
    heap: &'h Heap,
    pairs: Pairs,
    findings: Findings,
    strategy: PhantomData<S>,
}

impl<'h, S: Strategy, const PARALLEL: bool> Validator<'h, S, PARALLEL> {
    pub(crate) fn new(heap: &'h Heap, pairs: Pairs) -> Self {
        Validator { heap, pairs, findings: Findings::default(), strategy: PhantomData }
    }

    /// One-way: sources are replaced and must be distinct; targets may be anything, also immediates.
    ///
    /// The common case is one comparison an element: it lies in the same region as the one before, about which
    /// everything is known.
    pub(crate) fn one_way(mut self, range: Range<usize>) -> Result<Findings, BecomeError> {
        let (pairs, end) = (self.pairs, range.end);
        let mut claims = Claims::<PARALLEL>::new(self.heap);
        let mut regions = [NO_REGION; 2];
        // 1 while sources are old and targets young.
        let mut step_old_to_young = 0;
        let mut index = range.start;
        while index < end {
            let next = plain_run(pairs, index..end, regions, &mut claims);
            self.findings.old_to_young += (next - index) * step_old_to_young;
            if next == end {
                break;
            }
            index = next;
            let (source, target) = (pairs.source(index), pairs.target(index));
            let (object, region) = self.checked_object(source, index, Side::Source)?;
            if !claims.claim(object) {
                return Err(BecomeError::Duplicate { index, side: Side::Source });
            }
            regions = [region, self.check_target(target, index)?];
            let is_old_to_young = !self.heap.is_young(object.address()) && self.heap.is_young_pointer(target);
            step_old_to_young = usize::from(is_old_to_young);
            self.findings.old_to_young += step_old_to_young;
            index += 1;
        }
        if !claims.finish() {
            return Err(BecomeError::Duplicate { index: end, side: Side::Source });
        }
        Ok(self.findings)
    }

    /// Two-way, one side at a time: all must be replaceable and distinct on their side.
    pub(crate) fn two_way_side(mut self, side: Side) -> Result<(), BecomeError> {
        let mut claims = Claims::<PARALLEL>::new(self.heap);
        for index in 0..self.pairs.len() {
            let oop = if side == Side::Source { self.pairs.source(index) } else { self.pairs.target(index) };
            let (object, _) = self.checked_object(oop, index, side)?;
            if !claims.claim(object) {
                return Err(BecomeError::Duplicate { index, side });
            }
        }
        claims.finish();
        Ok(())
    }

    /// The object behind an element that must be replaceable, and its region if that is plain.
    #[inline(never)]
    fn checked_object(
        &mut self,
        oop: Oop,
        index: usize,
        side: Side,
    ) -> Result<(Obj, PlainRegion), BecomeError> {
        if !oop.is_pointer() {
            return Err(BecomeError::Immediate { index, side });
        }
        if !self.heap.contains(oop.address()) {
            return Err(BecomeError::Foreign { index, side });
        }
        if S::HAS_ENTRIES {
            // SAFETY: references in live arrays lead to live objects.
            let entry = unsafe { Obj::from_oop(oop) };
            return Ok((self.checked_entry(entry, index, side)?, NO_REGION));
        }
        let region = self.enter_region(oop.address(), side);
        // SAFETY: references in live arrays lead to live objects or forwarders.
        let end = unsafe { resolve(oop) };
        if !end.is_pointer() {
            return Err(BecomeError::Immediate { index, side });
        }
        if self.pairs.is_array(end) {
            return Err(BecomeError::PairArray { index, side });
        }
        if end != oop {
            self.findings.forwarders += 1;
            self.enter_region(end.address(), side);
        }
        // SAFETY: as above.
        let object = unsafe { Obj::from_oop(end) };
        check_header(object, index, side)?;
        self.findings.classes += usize::from(object.header().has_any(HeaderFlags::CLASS));
        Ok((object, region))
    }

    fn checked_entry(&self, entry: Obj, index: usize, side: Side) -> Result<Obj, BecomeError> {
        if object_table::is_entry(entry) && self.pairs.is_array(object_table::body(entry).oop()) {
            return Err(BecomeError::PairArray { index, side });
        }
        checked_body(entry, index, side)
    }

    /// Checks a target that may be anything, and returns its region if that is plain.
    #[inline(never)]
    fn check_target(&mut self, target: Oop, index: usize) -> Result<PlainRegion, BecomeError> {
        if !target.is_pointer() {
            self.findings.immediates += 1;
            let refusal = BecomeError::NotAnEntry { index, side: Side::Target };
            return if S::HAS_ENTRIES { Err(refusal) } else { Ok(NO_REGION) };
        }
        self.findings.target_runs.push(index);
        if !self.heap.contains(target.address()) {
            return Err(BecomeError::Foreign { index, side: Side::Target });
        }
        if S::HAS_ENTRIES {
            // SAFETY: references in live arrays lead to live objects.
            let is_entry = unsafe { is_entry(target) };
            let refusal = BecomeError::NotAnEntry { index, side: Side::Target };
            return if is_entry { Ok(NO_REGION) } else { Err(refusal) };
        }
        let region = self.enter_region(target.address(), Side::Target);
        // SAFETY: as in `checked_object`.
        let end = unsafe { resolve(target) };
        if end != target {
            self.findings.forwarders += 1;
            if end.is_pointer() {
                self.enter_region(end.address(), Side::Target);
            } else {
                self.findings.immediates += 1;
            }
        }
        Ok(region)
    }

    /// Flags the object's region as one with sources or targets; returns it if its objects need no closer look: none is
    /// pinned, immutable, a class, a forwarder, or one of the two arrays.
    fn enter_region(&mut self, address: usize, side: Side) -> PlainRegion {
        let (own, other) = match side {
            Side::Source => (RegionFlags::SOURCES, RegionFlags::TARGETS),
            Side::Target => (RegionFlags::TARGETS, RegionFlags::SOURCES),
        };
        // SAFETY: an object in the heap; `forget` clears the flags.
        let before = unsafe { self.heap.side.regions.at(address) }.fetch_or(own.bits(), Relaxed);
        let before = RegionFlags::from_bits_truncate(before);
        self.findings.may_overlap |= before.contains(other);
        let region = region_of(Oop::from_address(address));
        let holds_array = self.pairs.arrays().iter().any(|array| region_of(array.oop()) == region);
        if before.intersects(CLOSER_LOOK) || holds_array { NO_REGION } else { region }
    }
}

/// Claims the sources of pairs whose objects are in the `regions` about which everything is known. Returns the first
/// pair that is not of the kind, or whose source was claimed before.
///
/// A function of its own, so that the whole loop stays in registers.
#[inline(never)]
fn plain_run<const PARALLEL: bool>(
    pairs: Pairs,
    range: Range<usize>,
    regions: [PlainRegion; 2],
    all_claims: &mut Claims<PARALLEL>,
) -> usize {
    // A local copy, which atomic accesses cannot alias.
    let mut claims = *all_claims;
    let mut next = range.end;
    for index in range {
        let (source, target) = (pairs.source(index), pairs.target(index));
        let is_plain = region_of(source) == regions[0] && region_of(target) == regions[1];
        // SAFETY: references in live arrays lead to live objects; the region holds no forwarder.
        if !is_plain || !claims.claim(unsafe { Obj::from_oop(source) }) {
            next = index;
            break;
        }
    }
    *all_claims = claims;
    next
}

/// Claims objects by their mark bits.
///
/// A lone worker keeps the mark word that it is filling in a register: neighbours share it, and a load after each store
/// to the same word would cost more than all the rest of validation.
#[derive(Clone, Copy)]
struct Claims<const PARALLEL: bool> {
    marks: View<AtomicU64, LOG_MARK_WORD>,
    word: Option<&'static AtomicU64>,
    address: usize,
    bits: u64,
    /// Another worker had claimed an object too.
    lost: bool,
}

impl<const PARALLEL: bool> Claims<PARALLEL> {
    fn new(heap: &Heap) -> Self {
        // SAFETY: the heap outlives the claims, which are on objects in it; `forget` clears the bits.
        let marks = unsafe { heap.side.marks.view() };
        Claims { marks, word: None, address: usize::MAX, bits: 0, lost: false }
    }

    /// Sets the object's bit; false if it was set. Among several workers, false also if an object before was claimed by
    /// another.
    #[inline]
    fn claim(&mut self, object: Obj) -> bool {
        let bit = SideTables::mark_bit(object.address());
        if object.address() >> LOG_MARK_WORD != self.address {
            self.enter(object.address());
        }
        let is_new = self.bits & bit == 0;
        self.bits |= bit;
        is_new & !(PARALLEL & self.lost)
    }

    #[inline]
    fn enter(&mut self, address: usize) {
        self.flush();
        self.address = address >> LOG_MARK_WORD;
        let word = self.marks.at(address);
        // Among several workers the register holds what this one adds: the claim is made when it is written.
        self.bits = if PARALLEL { 0 } else { word.load(Relaxed) };
        self.word = Some(word);
    }

    #[inline]
    fn flush(&mut self) {
        if let Some(word) = self.word.take() {
            if PARALLEL {
                self.lost |= !claim::<Sound, _>(word, self.bits);
            } else {
                word.store(self.bits, Relaxed);
            }
        }
    }

    /// Whether no object was claimed by another worker.
    fn finish(mut self) -> bool {
        self.flush();
        !self.lost
    }
}

/// Refuses pairs that would put an immediate value into the class table, be it by way of other pairs.
///
/// Each source stands in one pair, so that from each object there is one way on, whatever the order of the pairs.
/// Called between validation, which left the sources marked, and [`forget`]. Goes over all pairs once, and once more for
/// each step from a class through another pair.
pub(crate) fn check_classes(heap: &Heap, pairs: Pairs) -> Result<(), BecomeError> {
    // SAFETY: references in live arrays lead to live objects or forwarders; nothing was changed yet.
    let source = |index| unsafe { resolve(pairs.source(index)) };
    for index in 0..pairs.len() {
        // SAFETY: validation found an object.
        if !unsafe { Obj::from_oop(source(index)) }.header().has_any(HeaderFlags::CLASS) {
            continue;
        }
        let mut at = Some(index);
        // A way longer than the number of pairs is a ring.
        for _ in 0..pairs.len() {
            let Some(pair) = at else { break };
            // SAFETY: as above.
            let end = unsafe { resolve(pairs.target(pair)) };
            if !end.is_pointer() {
                return Err(BecomeError::Immediate { index, side: Side::Target });
            }
            let goes_on = heap.side.is_marked(end.address());
            at = if goes_on { (0..pairs.len()).find(|&next| source(next) == end) } else { None };
        }
    }
    Ok(())
}

/// How many objects a one-way become may have to remember when its pairs are resolved in order: all old sources, if
/// there is a young target for any to lead to.
pub(crate) fn most_to_remember(heap: &Heap, pairs: Pairs) -> usize {
    // SAFETY: as in `check_classes`.
    let is_young = |oop| heap.is_young_pointer(unsafe { resolve(oop) });
    if !(0..pairs.len()).any(|index| is_young(pairs.target(index))) {
        return 0;
    }
    (0..pairs.len()).filter(|&index| !is_young(pairs.source(index))).count()
}

/// Pairs from which on it is cheaper to clear the side tables whole than pair by pair.
const MANY_PAIRS: usize = 4096;

/// Clears what validation left in the side tables. Called before the first object is changed.
pub(crate) fn forget<S: Strategy>(heap: &Heap, pairs: Pairs) {
    if pairs.len() >= MANY_PAIRS {
        // SAFETY: the marks and flags are this become's, which has used them.
        unsafe {
            heap.side.marks.clear();
            for range in heap.used_ranges() {
                heap.side.unflag_regions(range, RegionFlags::SOURCES | RegionFlags::TARGETS);
            }
        }
        return;
    }
    for index in 0..pairs.len() {
        for oop in [pairs.source(index), pairs.target(index)] {
            if !oop.is_pointer() || !heap.contains(oop.address()) {
                continue;
            }
            forget_one(heap, oop);
            // SAFETY: references in live arrays lead to live objects or forwarders; nothing was changed yet.
            let end = unsafe { resolve(oop) };
            if end.is_pointer() {
                forget_one(heap, end);
            }
            // SAFETY: as above.
            if S::HAS_ENTRIES && unsafe { is_entry(oop) } {
                // SAFETY: as above.
                forget_one(heap, object_table::body(unsafe { Obj::from_oop(oop) }).oop());
            }
        }
    }
}

fn forget_one(heap: &Heap, oop: Oop) {
    let transient = RegionFlags::SOURCES | RegionFlags::TARGETS;
    // SAFETY: an object in the heap, whose mark and flags are this become's.
    let (marks, cell) = unsafe { (heap.side.marks.at(oop.address()), heap.side.regions.at(oop.address())) };
    marks.store(0, Relaxed);
    if cell.load(Relaxed) & transient.bits() != 0 {
        cell.fetch_and(!transient.bits(), Relaxed);
    }
}
