//! One-way become: every reference to a source becomes a reference to its target.
//!
//! Pairs take effect in order, each on what the ones before left: `a → b, b → c` sends both to c, and a pair whose
//! target leads back to its source changes nothing, so that no chain closes to a ring.
//!
//! [all-or-nothing] Everything that can fail happens before the first object is changed: validation, and the memory
//! for remembering. Installing a forwarder cannot fail; it needs no memory.

#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use instar_gc::Pause;
use instar_heap::forwarding::install;
use instar_heap::memory::resolve;
use instar_heap::side::{LOG_REGION, RegionFlags};
use instar_heap::sync::{Mutex, Sound};
use instar_heap::{Header, HeaderFlags, Heap, IdentityHash, Obj, Oop};

use crate::error::{BecomeError, Side};
use crate::full_scan::{heal_heap, healed_root};
use crate::object_table;
use crate::pairs::{Findings, Pairs, Validator, check_header, forget};
use crate::strategy::Strategy;
use crate::{HashRule, Outcome};

/// Pairs from which on several workers take part.
const PARALLEL_PAIRS: usize = 16 << 10;

/// Replaces one object. With lazy forwarders, independent of the size of the heap: a few dozen instructions, one visit
/// of the roots, no allocation.
///
/// # Errors
/// [`BecomeError`]; nothing has changed then.
///
/// # Safety
/// Both are live references of the stopped world's heap, immediates, or words of another heap (which are refused).
pub unsafe fn one_way<S: Strategy>(
    pause: &mut Pause<'_>,
    source: Oop,
    target: Oop,
    rule: HashRule,
) -> Result<Outcome, BecomeError> {
    let heap = pause.world().heap();
    for (oop, side) in [(source, Side::Source), (target, Side::Target)] {
        if oop.is_pointer() && !heap.contains(oop.address()) {
            return Err(BecomeError::Foreign { index: 0, side });
        }
    }
    // SAFETY: the caller's promise.
    let (end, target) = unsafe { (resolve(source), resolve(target)) };
    if !end.is_pointer() {
        return Err(BecomeError::Immediate { index: 0, side: Side::Source });
    }
    // SAFETY: the caller's promise.
    let object = unsafe { Obj::from_oop(end) };
    if S::HAS_ENTRIES {
        // SAFETY: the caller's promise.
        return unsafe { redirect_entry(pause, object, target, 0, rule) };
    }
    check_header(object, 0, Side::Source)?;
    if end == target {
        return Ok(Outcome::default());
    }
    if !heap.is_young(end.address()) && heap.is_young_pointer(target) {
        pause.reserve_remembered(1)?;
    }
    let mut installer = Installer::new(heap, rule);
    installer.install(object, target);
    let tally = installer.finish();
    pause.remember_store(object, 0, target);
    Ok(finish::<S>(pause, tally, 1))
}

/// Replaces element `i` of `sources` by element `i` of `targets`, for all `i`. With lazy forwarders: two passes over
/// the arrays and one over the sources, no allocation but for old sources with young targets.
///
/// # Errors
/// [`BecomeError`]; nothing has changed then.
///
/// # Safety
/// Both are live references of the stopped world's heap or immediates.
pub unsafe fn one_way_all<S: Strategy>(
    pause: &mut Pause<'_>,
    sources: Oop,
    targets: Oop,
    rule: HashRule,
) -> Result<Outcome, BecomeError> {
    let heap = pause.world().heap();
    // SAFETY: the caller's promise.
    let pairs = unsafe { Pairs::new::<S>(heap, sources, targets) }?;
    let workers = if pairs.len() < PARALLEL_PAIRS { 1 } else { pause.world().workers().count() };
    let mut found = match validate(pause, pairs, workers) {
        Ok(found) => found,
        Err(error) => {
            forget(heap, pairs);
            return Err(error);
        }
    };
    if let Err(error) = pause.reserve_remembered(found.old_to_young) {
        forget(heap, pairs);
        return Err(error.into());
    }
    if S::HAS_ENTRIES {
        forget(heap, pairs);
        // SAFETY: the caller's promise.
        return unsafe { redirect_entries(pause, pairs, rule) };
    }
    let overlaps = found.may_overlap && found.target_runs.any_is_source(heap, pairs);
    let is_simple = !overlaps && found.forwarders == 0 && found.old_to_young == 0;
    let tally = if is_simple {
        install_all(pause, pairs, workers, rule)
    } else {
        // SAFETY: the caller's promise.
        unsafe { install_in_order(pause, pairs, rule) }
    };
    Ok(finish::<S>(pause, tally, pairs.len()))
}

fn validate(pause: &Pause<'_>, pairs: Pairs, workers: usize) -> Result<Findings, BecomeError> {
    let heap = pause.world().heap();
    if workers == 1 {
        return Validator::<false>::new(heap, pairs).one_way(0..pairs.len());
    }
    let results = Mutex::new(Vec::new());
    pause.world().workers().run(&|worker| {
        let result = Validator::<true>::new(heap, pairs).one_way(share(pairs.len(), worker, workers));
        results.lock().push(result);
    });
    let mut found = Findings::default();
    let mut first_error: Option<BecomeError> = None;
    for result in results.lock().drain(..) {
        match result {
            Ok(part) => {
                found.may_overlap |= part.may_overlap;
                found.old_to_young += part.old_to_young;
                found.forwarders += part.forwarders;
                found.target_runs.append(part.target_runs);
            }
            Err(error) => {
                first_error = Some(first_error.map_or(error.clone(), |first| earlier(first, error)))
            }
        }
    }
    first_error.map_or(Ok(found), Err)
}

/// The error of the lower pair index, so that the report does not depend on the number of workers' speeds.
fn earlier(one: BecomeError, other: BecomeError) -> BecomeError {
    if one.index() <= other.index() { one } else { other }
}

/// The pairs that one of several workers takes.
fn share(len: usize, worker: usize, workers: usize) -> Range<usize> {
    len * worker / workers..len * (worker + 1) / workers
}

/// What installing added up.
#[derive(Default)]
struct Tally {
    young: usize,
    old: usize,
    /// In the region that is being worked on, not yet counted as young or old.
    in_region: usize,
    /// A source was a class: the class table refers to it.
    any_class: bool,
    /// Encloses the addresses of all forwarders.
    window: Range<usize>,
}

impl Tally {
    fn absorb(&mut self, other: Tally) {
        self.young += other.young;
        self.old += other.old;
        self.any_class |= other.any_class;
        self.widen(other.window);
    }

    fn widen(&mut self, by: Range<usize>) {
        if self.window.is_empty() {
            self.window = by;
        } else if !by.is_empty() {
            self.window = self.window.start.min(by.start)..self.window.end.max(by.end);
        }
    }
}

struct Installer<'h> {
    heap: &'h Heap,
    rule: HashRule,
    tally: Tally,
    region: usize,
}

impl<'h> Installer<'h> {
    fn new(heap: &'h Heap, rule: HashRule) -> Self {
        Installer { heap, rule, tally: Tally::default(), region: usize::MAX }
    }

    /// Turns `source` into a forwarder. It was validated, and `target` does not lead to it.
    #[inline]
    fn install(&mut self, source: Obj, target: Oop) {
        let header = source.header();
        let takes_hash = self.rule == HashRule::Take && header.hash() != IdentityHash::NONE;
        if takes_hash || header.has_any(HeaderFlags::CLASS) {
            self.hand_over(header, target);
        }
        install::<Sound, _>(source.header_cell(), source.slot_cell(0), target);
        if source.address() >> LOG_REGION != self.region {
            self.enter_region(source.address());
        }
        self.tally.in_region += 1;
    }

    /// Counts what was installed in the region before, and turns this one's transient flag into FORWARDERS.
    #[inline(never)]
    fn enter_region(&mut self, address: usize) {
        self.leave_region();
        self.region = address >> LOG_REGION;
        let cell = self.heap.side.regions.at(address);
        cell.fetch_or(RegionFlags::FORWARDERS.bits(), Relaxed);
        cell.fetch_and(!RegionFlags::SOURCES.bits(), Relaxed);
        let start = self.region << LOG_REGION;
        self.tally.widen(start..start + (1 << LOG_REGION));
    }

    fn leave_region(&mut self) {
        let count = std::mem::take(&mut self.tally.in_region);
        if self.heap.is_young(self.region << LOG_REGION) {
            self.tally.young += count;
        } else {
            self.tally.old += count;
        }
    }

    fn finish(mut self) -> Tally {
        self.leave_region();
        self.tally
    }

    /// Gives the target what belongs to the identity: the hash, if the rule says so, and the place in the class table.
    fn hand_over(&mut self, source: Header, target: Oop) {
        let is_class = source.has_any(HeaderFlags::CLASS);
        self.tally.any_class |= is_class;
        if !target.is_pointer() {
            return;
        }
        // SAFETY: targets are live objects.
        let object = unsafe { Obj::from_oop(target) };
        if is_class {
            object.set_flags(HeaderFlags::CLASS);
            self.heap.note_special(object.address());
        }
        if self.rule == HashRule::Take && source.hash() != IdentityHash::NONE {
            // Workers may hand over to the same target: one of the hashes stays.
            let with_hash = |bits| Some(Header::from_bits(bits).with_hash(source.hash()).bits());
            let _ = object.header_cell().fetch_update(Relaxed, Relaxed, with_hash);
        }
    }
}

/// The common case: no object is both source and target, none is a forwarder, nothing needs remembering.
fn install_all(pause: &Pause<'_>, pairs: Pairs, workers: usize, rule: HashRule) -> Tally {
    let heap = pause.world().heap();
    let part = |range: Range<usize>| {
        let mut installer = Installer::new(heap, rule);
        let mut target_region = usize::MAX;
        let marks = heap.side.marks.view();
        for index in range {
            let (source, target) = (pairs.source(index), pairs.target(index));
            // SAFETY: validation found a live object that is no forwarder.
            installer.install(unsafe { Obj::from_oop(source) }, target);
            marks.at(source.address()).store(0, Relaxed);
            if target.is_pointer() && target.address() >> LOG_REGION != target_region {
                target_region = target.address() >> LOG_REGION;
                heap.side.regions.at(target.address()).fetch_and(!RegionFlags::TARGETS.bits(), Relaxed);
            }
        }
        installer.finish()
    };
    if workers == 1 {
        return part(0..pairs.len());
    }
    let total = Mutex::new(Tally::default());
    pause.world().workers().run(&|worker| {
        let tally = part(share(pairs.len(), worker, workers));
        total.lock().absorb(tally);
    });
    std::mem::take(&mut *total.lock())
}

/// The general case: each pair is resolved on what the pairs before left.
///
/// # Safety
/// The pairs were validated.
unsafe fn install_in_order(pause: &mut Pause<'_>, pairs: Pairs, rule: HashRule) -> Tally {
    let heap = pause.world().heap();
    forget(heap, pairs);
    let mut installer = Installer::new(heap, rule);
    for index in 0..pairs.len() {
        // SAFETY: elements of live arrays.
        let (source, target) = unsafe { (resolve(pairs.source(index)), resolve(pairs.target(index))) };
        if source == target || !source.is_pointer() {
            continue;
        }
        // SAFETY: a live object, no forwarder.
        let object = unsafe { Obj::from_oop(source) };
        installer.install(object, target);
        pause.remember_store(object, 0, target);
    }
    installer.finish()
}

/// Counts, heals the roots, and lets a full scan replace all references.
fn finish<S: Strategy>(pause: &mut Pause<'_>, tally: Tally, pairs: usize) -> Outcome {
    let heap = pause.world().heap();
    let mut outcome = Outcome { pairs, ..Outcome::default() };
    pause.visit_roots(|root| *root = healed_root(*root));
    if S::SCANS_HEAP {
        outcome.references_replaced = heal_heap(pause, tally.window);
        outcome.bytes_scanned = heap.used_bytes();
    } else {
        heap.forwarders.young.fetch_add(tally.young, Relaxed);
        heap.forwarders.old.fetch_add(tally.old, Relaxed);
        if tally.any_class {
            heap.classes.visit(|_, class| *class = healed_root(*class));
        }
    }
    pause.check("a one-way become");
    outcome
}

/// # Safety
/// `source` and `target` are entries or what was mistaken for one.
unsafe fn redirect_entry(
    pause: &mut Pause<'_>,
    source: Obj,
    target: Oop,
    index: usize,
    rule: HashRule,
) -> Result<Outcome, BecomeError> {
    // SAFETY: the caller's promise.
    let target = unsafe { entry(target, index, Side::Target) }?;
    // SAFETY: as above.
    let source = unsafe { entry(source.oop(), index, Side::Source) }?;
    check_header(object_table::body(source), index, Side::Source)?;
    redirect(pause, source, target, rule);
    Ok(Outcome { pairs: 1, ..Outcome::default() })
}

fn redirect(pause: &mut Pause<'_>, source: Obj, target: Obj, rule: HashRule) {
    let (from, to) = (object_table::body(source), object_table::body(target));
    if from != to && rule == HashRule::Take && from.header().hash() != IdentityHash::NONE {
        to.set_header(to.header().with_hash(from.header().hash()));
    }
    object_table::redirect(pause, source, target);
}

/// # Safety
/// `oop` is an immediate or a live object.
unsafe fn entry(oop: Oop, index: usize, side: Side) -> Result<Obj, BecomeError> {
    if !oop.is_pointer() {
        return Err(BecomeError::Immediate { index, side });
    }
    // SAFETY: the caller's promise.
    let object = unsafe { Obj::from_oop(oop) };
    if object_table::is_entry(object) { Ok(object) } else { Err(BecomeError::NotAnEntry { index, side }) }
}

/// # Safety
/// The pairs were validated; their elements are entries.
unsafe fn redirect_entries(
    pause: &mut Pause<'_>,
    pairs: Pairs,
    rule: HashRule,
) -> Result<Outcome, BecomeError> {
    for index in 0..pairs.len() {
        // SAFETY: elements of live arrays.
        let source = unsafe { entry(pairs.source(index), index, Side::Source) }?;
        // SAFETY: as above.
        unsafe { entry(pairs.target(index), index, Side::Target) }?;
        check_header(object_table::body(source), index, Side::Source)?;
    }
    pause.reserve_remembered(4 * pairs.len())?;
    for index in 0..pairs.len() {
        // SAFETY: checked above.
        let (source, target) =
            unsafe { (Obj::from_oop(pairs.source(index)), Obj::from_oop(pairs.target(index))) };
        redirect(pause, source, target, rule);
    }
    pause.check("a one-way become of entries");
    Ok(Outcome { pairs: pairs.len(), ..Outcome::default() })
}
