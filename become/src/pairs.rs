//! The pairs of a become, and the check that comes before anything is changed.
//!
//! Validation of a bulk become touches the two arrays and a bit for each source, but not the objects: the flags of the
//! objects' regions say where a closer look is needed (something there is pinned, immutable, a class or a forwarder).

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;

use instar_heap::memory::resolve;
use instar_heap::side::{LOG_REGION, RegionFlags, SideTables};
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
const CLOSER_LOOK: RegionFlags = RegionFlags::SPECIAL.union(RegionFlags::FORWARDERS);

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
#[derive(Clone, Copy, Debug, Default)]
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
}

impl Findings {
    /// Of two parts together.
    pub(crate) fn and(self, other: Findings) -> Findings {
        Findings {
            may_overlap: self.may_overlap | other.may_overlap,
            old_to_young: self.old_to_young + other.old_to_young,
            forwarders: self.forwarders + other.forwarders,
            classes: self.classes + other.classes,
            immediates: self.immediates + other.immediates,
        }
    }
}

/// Claims the sources of a range of pairs and checks everything that can be wrong with them.
///
/// Those of one side get their mark bit and must be distinct; under the object table it is the bodies that do, so that
/// two entries of one body count as the same object. Leaves mark bits and the region flags SOURCES and TARGETS set,
/// also when it fails: [`forget`] clears them.
pub(crate) struct Validator<'h, S> {
    heap: &'h Heap,
    pairs: Pairs,
    parallel: bool,
    findings: Findings,
    /// The last source's and target's region, whose flags were seen to, and whether it wants a closer look.
    last: [(usize, bool); 2],
    strategy: PhantomData<S>,
}

impl<'h, S: Strategy> Validator<'h, S> {
    pub(crate) fn new(heap: &'h Heap, pairs: Pairs, parallel: bool) -> Self {
        let last = [(usize::MAX, true); 2];
        Validator { heap, pairs, parallel, findings: Findings::default(), last, strategy: PhantomData }
    }

    /// One-way: sources are replaced and must be distinct; targets may be anything, also immediates.
    pub(crate) fn one_way(mut self, range: std::ops::Range<usize>) -> Result<Findings, BecomeError> {
        for index in range {
            let source = self.checked_object(self.pairs.source(index), index, Side::Source)?;
            if !self.claim(source) {
                return Err(BecomeError::Duplicate { index, side: Side::Source });
            }
            let target = self.pairs.target(index);
            if target.is_pointer() {
                self.check_target(target, index)?;
                let old_to_young =
                    !self.heap.is_young(source.address()) & self.heap.is_young(target.address());
                self.findings.old_to_young += usize::from(old_to_young);
            } else if S::HAS_ENTRIES {
                return Err(BecomeError::NotAnEntry { index, side: Side::Target });
            } else {
                self.findings.immediates += 1;
            }
        }
        Ok(self.findings)
    }

    /// Two-way, one side at a time: all must be replaceable and distinct on their side.
    pub(crate) fn two_way_side(mut self, side: Side) -> Result<(), BecomeError> {
        for index in 0..self.pairs.len() {
            let oop = if side == Side::Source { self.pairs.source(index) } else { self.pairs.target(index) };
            let object = self.checked_object(oop, index, side)?;
            if !self.claim(object) {
                return Err(BecomeError::Duplicate { index, side });
            }
        }
        Ok(())
    }

    #[inline]
    fn checked_object(&mut self, oop: Oop, index: usize, side: Side) -> Result<Obj, BecomeError> {
        if !oop.is_pointer() {
            return Err(BecomeError::Immediate { index, side });
        }
        if !self.heap.contains(oop.address()) {
            return Err(BecomeError::Foreign { index, side });
        }
        if S::HAS_ENTRIES {
            // SAFETY: references in live arrays lead to live objects.
            return self.checked_entry(unsafe { Obj::from_oop(oop) }, index, side);
        }
        if self.pairs.is_array(oop) {
            return Err(BecomeError::PairArray { index, side });
        }
        if self.note_region(oop.address(), side) {
            return self.look_closer(oop, index, side);
        }
        // SAFETY: references in live arrays lead to live objects; the region holds no forwarder.
        Ok(unsafe { Obj::from_oop(oop) })
    }

    fn checked_entry(&self, entry: Obj, index: usize, side: Side) -> Result<Obj, BecomeError> {
        if object_table::is_entry(entry) && self.pairs.is_array(object_table::body(entry).oop()) {
            return Err(BecomeError::PairArray { index, side });
        }
        checked_body(entry, index, side)
    }

    #[cold]
    #[inline(never)]
    fn look_closer(&mut self, oop: Oop, index: usize, side: Side) -> Result<Obj, BecomeError> {
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
            self.note_region(end.address(), side);
        }
        // SAFETY: as above.
        let object = unsafe { Obj::from_oop(end) };
        check_header(object, index, side)?;
        self.findings.classes += usize::from(object.header().has_any(HeaderFlags::CLASS));
        Ok(object)
    }

    #[inline]
    fn check_target(&mut self, target: Oop, index: usize) -> Result<(), BecomeError> {
        if !self.heap.contains(target.address()) {
            return Err(BecomeError::Foreign { index, side: Side::Target });
        }
        if S::HAS_ENTRIES {
            // SAFETY: references in live arrays lead to live objects.
            let is_entry = unsafe { is_entry(target) };
            return if is_entry {
                Ok(())
            } else {
                Err(BecomeError::NotAnEntry { index, side: Side::Target })
            };
        }
        if self.note_region(target.address(), Side::Target) {
            self.look_closer_at_target(target);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn look_closer_at_target(&mut self, target: Oop) {
        // SAFETY: as in `look_closer`.
        let end = unsafe { resolve(target) };
        if end != target {
            self.findings.forwarders += 1;
            if end.is_pointer() {
                self.note_region(end.address(), Side::Target);
            } else {
                self.findings.immediates += 1;
            }
        }
    }

    /// Flags the object's region as one with sources or targets; whether the object needs a closer look.
    #[inline]
    fn note_region(&mut self, address: usize, side: Side) -> bool {
        let region = address >> LOG_REGION;
        let (last, closer) = self.last[side as usize];
        if region == last { closer } else { self.enter_region(address, side) }
    }

    fn enter_region(&mut self, address: usize, side: Side) -> bool {
        let (own, other) = match side {
            Side::Source => (RegionFlags::SOURCES, RegionFlags::TARGETS),
            Side::Target => (RegionFlags::TARGETS, RegionFlags::SOURCES),
        };
        let before = self.heap.side.regions.at(address).fetch_or(own.bits(), Relaxed);
        let before = RegionFlags::from_bits_truncate(before);
        self.findings.may_overlap |= before.contains(other);
        let closer = before.intersects(CLOSER_LOOK);
        self.last[side as usize] = (address >> LOG_REGION, closer);
        closer
    }

    /// Sets the object's mark bit; false if it was set.
    #[inline]
    fn claim(&self, object: Obj) -> bool {
        let word = self.heap.side.marks.at(object.address());
        let bit = SideTables::mark_bit(object.address());
        if self.parallel {
            return instar_heap::forwarding::claim::<instar_heap::sync::Sound, _>(word, bit);
        }
        let before = word.load(Relaxed);
        word.store(before | bit, Relaxed);
        before & bit == 0
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

/// Clears what validation left in the side tables.
pub(crate) fn forget<S: Strategy>(heap: &Heap, pairs: Pairs) {
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
    heap.side.marks.at(oop.address()).store(0, Relaxed);
    let transient = RegionFlags::SOURCES | RegionFlags::TARGETS;
    let cell = heap.side.regions.at(oop.address());
    if cell.load(Relaxed) & transient.bits() != 0 {
        cell.fetch_and(!transient.bits(), Relaxed);
    }
}
