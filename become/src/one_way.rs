//! One-way become: every reference to a source becomes a reference to its target.
//!
//! Pairs take effect in order, each on what the ones before left: `a → b, b → c` sends both to c, and a pair whose
//! target leads back to its source changes nothing, so that no chain closes to a ring.
//!
//! [all-or-nothing] Everything that can fail happens before the first object is changed: validation, and the memory
//! for remembering. Installing a forwarder cannot fail; it needs no memory.

#![allow(unsafe_code)]

use std::ops::Range;

use instar_gc::Pause;
use instar_heap::forwarding::install;
use instar_heap::memory::resolve;
use instar_heap::side::{LOG_REGION, RegionFlags};
use instar_heap::sync::{Mutex, Sound};
use instar_heap::{Header, HeaderFlags, Heap, IdentityHash, Obj, Oop};

use crate::error::{BecomeError, Side};
use crate::full_scan::{heal_heap, healed_root};
use crate::object_table;
use crate::ordered;
use crate::pairs::{
    Findings, Pairs, Validator, check_classes, check_header, checked_body, forget, is_entry, most_to_remember,
};
use crate::strategy::Strategy;
use crate::{HashRule, Outcome};

/// Pairs from which on several workers take part.
const PARALLEL_PAIRS: usize = 16 << 10;

/// Replaces one object. With lazy forwarders, independent of the size of the heap: a few dozen instructions, one visit
/// of the roots, no allocation but a place in the remembered set where an old object becomes a young one.
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
        return unsafe { redirect_entry(pause, object, target, rule) };
    }
    check_header(object, 0, Side::Source)?;
    if !target.is_pointer() && object.header().has_any(HeaderFlags::CLASS) {
        return Err(BecomeError::Immediate { index: 0, side: Side::Target });
    }
    if end == target {
        return Ok(Outcome { pairs: 1, ..Outcome::default() });
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
/// the arrays and one over the sources; no allocation in proportion to the pairs but 8 bytes for each old source with a young target
/// (for each old source, where pairs overlap).
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
    let is_simple = !S::HAS_ENTRIES && ordered::are_simple(pause, pairs, workers) || {
        let ready = prepare::<S>(pause, pairs, workers);
        forget::<S>(heap, pairs);
        ready?
    };
    if S::HAS_ENTRIES {
        // SAFETY: the pairs were validated.
        return unsafe { redirect_entries(pause, pairs, rule) };
    }
    let tally = if is_simple {
        install_all(pause, pairs, workers, rule)
    } else {
        // SAFETY: the caller's promise.
        unsafe { install_in_order(pause, pairs, rule) }
    };
    Ok(finish::<S>(pause, tally, pairs.len()))
}

/// Everything that can fail, for pairs in any order. Whether they are simple ([simple-pairs]).
fn prepare<S: Strategy>(pause: &mut Pause<'_>, pairs: Pairs, workers: usize) -> Result<bool, BecomeError> {
    let heap = pause.world().heap();
    let mut found = validate::<S>(pause, pairs, workers)?;
    if found.classes > 0 && found.immediates > 0 {
        check_classes(heap, pairs)?;
    }
    let overlaps = found.may_overlap && found.target_runs.any_is_source(heap, pairs);
    let is_disjoint = !overlaps && found.forwarders == 0;
    let to_remember = if is_disjoint { found.old_to_young } else { most_to_remember(heap, pairs) };
    pause.reserve_remembered(to_remember)?;
    Ok(is_disjoint && to_remember == 0)
}

fn validate<S: Strategy>(pause: &Pause<'_>, pairs: Pairs, workers: usize) -> Result<Findings, BecomeError> {
    let heap = pause.world().heap();
    if workers > 1 {
        let all = Mutex::new(Some(Findings::default()));
        pause.world().workers().run(&|worker| {
            let share = share(pairs.len(), worker, workers);
            let part = Validator::<S, true>::new(heap, pairs).one_way(share);
            let mut all = all.lock();
            *all = all.take().zip(part.ok()).map(|(all, part)| all.and(part));
        });
        if let Some(found) = all.lock().take() {
            return Ok(found);
        }
        // Which of two errors, or of two duplicates, workers come across depends on their speed: look again in order.
        forget::<S>(heap, pairs);
    }
    Validator::<S, false>::new(heap, pairs).one_way(0..pairs.len())
}

/// The pairs that one of several workers takes.
pub(crate) fn share(len: usize, worker: usize, workers: usize) -> Range<usize> {
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
    /// A source's hash was to be handed over.
    any_hash: bool,
    /// Encloses the addresses of all forwarders.
    window: Range<usize>,
}

impl Tally {
    fn absorb(&mut self, other: Tally) {
        self.young += other.young;
        self.old += other.old;
        self.any_class |= other.any_class;
        self.any_hash |= other.any_hash;
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
    /// Hashes are handed over later, by [`hand_over_hashes`].
    defers_hashes: bool,
    tally: Tally,
    region: usize,
}

impl<'h> Installer<'h> {
    fn new(heap: &'h Heap, rule: HashRule) -> Self {
        Installer { heap, rule, defers_hashes: false, tally: Tally::default(), region: usize::MAX }
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

    /// Turns the sources of simple pairs ([simple-pairs]) into forwarders: neighbours in a loop of their own.
    fn install_simple(&mut self, pairs: Pairs, range: Range<usize>) {
        let keeps_hash = self.rule == HashRule::Keep;
        let mut next = range.start;
        while next < range.end {
            // SAFETY: validation found a live object that is no forwarder.
            self.install(unsafe { Obj::from_oop(pairs.source(next)) }, pairs.target(next));
            let rest = next + 1..range.end;
            let end = if keeps_hash {
                install_run::<true>(pairs, rest, self.region)
            } else {
                install_run::<false>(pairs, rest, self.region)
            };
            self.tally.in_region += end - (next + 1);
            next = end;
        }
    }

    /// Counts what was installed in the region before, and flags this one.
    #[inline(never)]
    fn enter_region(&mut self, address: usize) {
        self.leave_region();
        self.region = address >> LOG_REGION;
        // SAFETY: the flag may be set where it need not; collections clear it.
        unsafe { self.heap.side.flag_region(address, RegionFlags::FORWARDERS) };
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
            self.tally.any_hash = true;
            if !self.defers_hashes {
                object.set_header(object.header().with_hash(source.hash()));
            }
        }
    }
}

/// Installs forwarders as long as sources are in `region` and have nothing to hand over; returns the first pair that is
/// not of the kind.
///
/// A function of its own, so that the whole loop stays in registers.
#[inline(never)]
fn install_run<const KEEPS_HASH: bool>(pairs: Pairs, range: Range<usize>, region: usize) -> usize {
    let end = range.end;
    for index in range {
        let source = pairs.source(index);
        // SAFETY: validation found a live object that is no forwarder.
        let object = unsafe { Obj::from_oop(source) };
        if object.address() >> LOG_REGION != region {
            return index;
        }
        let header = object.header();
        let hands_over =
            header.has_any(HeaderFlags::CLASS) || !KEEPS_HASH && header.hash() != IdentityHash::NONE;
        if hands_over {
            return index;
        }
        install::<Sound, _>(object.header_cell(), object.slot_cell(0), pairs.target(index));
    }
    end
}

/// The common case: [simple-pairs].
fn install_all(pause: &Pause<'_>, pairs: Pairs, workers: usize, rule: HashRule) -> Tally {
    let heap = pause.world().heap();
    let part = |range: Range<usize>| {
        let mut installer = Installer::new(heap, rule);
        installer.defers_hashes = workers > 1;
        installer.install_simple(pairs, range);
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
    let tally = std::mem::take(&mut *total.lock());
    if tally.any_hash {
        pause.world().workers().run(&|worker| hand_over_hashes(heap, pairs, worker, workers));
    }
    tally
}

/// Gives targets the hashes that their sources, forwarders now, still have in the header. Several sources may have one
/// target: the last pair wins, as in order, since all pairs with that target are one worker's.
fn hand_over_hashes(heap: &Heap, pairs: Pairs, worker: usize, workers: usize) {
    for index in 0..pairs.len() {
        let target = pairs.target(index);
        if !target.is_pointer() || ((target.address() - heap.start()) >> LOG_REGION) % workers != worker {
            continue;
        }
        // SAFETY: validation found live objects, and no target is a source.
        let (source, target) = unsafe { (Obj::from_oop(pairs.source(index)), Obj::from_oop(target)) };
        let hash = source.header().hash();
        if hash != IdentityHash::NONE {
            target.set_header(target.header().with_hash(hash));
        }
    }
}

/// The general case: each pair is resolved on what the pairs before left.
///
/// # Safety
/// The pairs were validated.
unsafe fn install_in_order(pause: &mut Pause<'_>, pairs: Pairs, rule: HashRule) -> Tally {
    let heap = pause.world().heap();
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
    // SAFETY: a root refers to what became of its object.
    unsafe {
        pause.visit_roots(|root| *root = healed_root(*root));
    }
    if S::SCANS_HEAP {
        // SAFETY: as above.
        unsafe { pause.visit_weak_roots(|root| *root = healed_root(*root)) };
        outcome.references_replaced = heal_heap(pause, tally.window);
        outcome.bytes_scanned = heap.used_bytes();
    } else {
        heap.forwarders.add(tally.young, tally.old);
        if tally.any_class {
            // SAFETY: the world is stopped; the targets of classes were given the flag.
            unsafe { heap.classes.visit(|_, class| *class = healed_root(*class)) };
        }
    }
    pause.check("a one-way become");
    outcome
}

/// # Safety
/// `source` and `target` are live references or immediates.
unsafe fn redirect_entry(
    pause: &mut Pause<'_>,
    source: Obj,
    target: Oop,
    rule: HashRule,
) -> Result<Outcome, BecomeError> {
    checked_body(source, 0, Side::Source)?;
    // SAFETY: the caller's promise.
    if !unsafe { is_entry(target) } {
        return Err(BecomeError::NotAnEntry { index: 0, side: Side::Target });
    }
    // SAFETY: as above.
    let target = unsafe { Obj::from_oop(target) };
    pause.reserve_remembered(object_table::aliases(source) + 2)?;
    redirect(pause, source, target, rule);
    pause.check("a one-way become of entries");
    Ok(Outcome { pairs: 1, ..Outcome::default() })
}

/// # Safety
/// The pairs were validated; their elements are entries.
unsafe fn redirect_entries(
    pause: &mut Pause<'_>,
    pairs: Pairs,
    rule: HashRule,
) -> Result<Outcome, BecomeError> {
    // SAFETY: the caller's promise.
    let entries = |index| unsafe { [pairs.source(index), pairs.target(index)].map(|oop| Obj::from_oop(oop)) };
    object_table::reserve_remembered(pause, pairs.len(), entries)?;
    for index in 0..pairs.len() {
        let [source, target] = entries(index);
        redirect(pause, source, target, rule);
    }
    pause.check("a one-way become of entries");
    Ok(Outcome { pairs: pairs.len(), ..Outcome::default() })
}

fn redirect(pause: &mut Pause<'_>, source: Obj, target: Obj, rule: HashRule) {
    let (from, to) = (object_table::body(source), object_table::body(target));
    if from != to && rule == HashRule::Take && from.header().hash() != IdentityHash::NONE {
        to.set_header(to.header().with_hash(from.header().hash()));
    }
    object_table::redirect(pause, source, target);
}
