//! Two-way become: references to one object become references to the other, and the reverse.
//!
//! Objects of the same size are exchanged in place: bodies, classes and formats change places, while what belongs to
//! the identity stays (hash, place in the class table). Objects of different sizes are cloned, and both originals
//! become forwarders to the clone of the other. Pairs take effect in order, so that `(a b)(b c)(c a)` permutes.
//!
//! [all-or-nothing] Validation and the memory for all clones come before the first change.

#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use instar_gc::Pause;
use instar_heap::forwarding::install;
use instar_heap::memory::resolve;
use instar_heap::object::WORD;
use instar_heap::side::{RegionFlags, SideTables};
use instar_heap::sync::Sound;
use instar_heap::{Format, Header, HeaderFlags, Heap, HeapError, IdentityHash, Obj, Oop};

use crate::Outcome;
use crate::error::{BecomeError, Side};
use crate::full_scan::{heal_heap, healed_root};
use crate::object_table;
use crate::pairs::{Pairs, Validator, check_header, checked_body, forget};
use crate::strategy::Strategy;

/// What stays with the identity when two objects change places.
const IDENTITY_FLAGS: HeaderFlags = HeaderFlags::CLASS.union(HeaderFlags::REMEMBERED);

/// Exchanges two objects.
///
/// # Errors
/// [`BecomeError`]; nothing has changed then. On [`BecomeError::Memory`] a full collection may help.
///
/// # Safety
/// As for [`one_way`](crate::one_way::one_way).
pub unsafe fn two_way<S: Strategy>(
    pause: &mut Pause<'_>,
    one: Oop,
    other: Oop,
) -> Result<Outcome, BecomeError> {
    let heap = pause.world().heap();
    let mut objects = [None; 2];
    for ((oop, side), object) in [(one, Side::Source), (other, Side::Target)].into_iter().zip(&mut objects) {
        if !oop.is_pointer() {
            return Err(BecomeError::Immediate { index: 0, side });
        }
        if !heap.contains(oop.address()) {
            return Err(BecomeError::Foreign { index: 0, side });
        }
        // SAFETY: the caller's promise.
        let end = unsafe { resolve(oop) };
        if !end.is_pointer() {
            return Err(BecomeError::Immediate { index: 0, side });
        }
        // SAFETY: the caller's promise.
        let found = unsafe { Obj::from_oop(end) };
        if S::HAS_ENTRIES {
            checked_body(found, 0, side)?;
        } else {
            check_header(found, 0, side)?;
        }
        *object = Some(found);
    }
    let [Some(one), Some(other)] = objects else { unreachable!("both were found") };
    let mut swapper = if S::HAS_ENTRIES {
        object_table::reserve_remembered(pause, 1, |_| [one, other])?;
        Swapper::prepare(pause, 0)?
    } else {
        pause.reserve_remembered(2)?;
        Swapper::prepare(pause, clone_bytes(one, other))?
    };
    swapper.swap::<S>(one, other);
    Ok(swapper.finish::<S>(1))
}

/// Exchanges element `i` of `ones` with element `i` of `others`, for all `i` in order. An object may stand on both
/// sides, but only once on each.
///
/// # Errors
/// As for [`two_way`].
///
/// # Safety
/// Both are live references of the stopped world's heap or immediates.
pub unsafe fn two_way_all<S: Strategy>(
    pause: &mut Pause<'_>,
    ones: Oop,
    others: Oop,
) -> Result<Outcome, BecomeError> {
    let heap = pause.world().heap();
    // SAFETY: the caller's promise.
    let pairs = unsafe { Pairs::new::<S>(heap, ones, others) }?;
    for side in [Side::Source, Side::Target] {
        let checked = Validator::<S, false>::new(heap, pairs).two_way_side(side);
        forget::<S>(heap, pairs);
        checked?;
    }
    let elements = |index| {
        // SAFETY: validation found live objects.
        unsafe { [pairs.source(index), pairs.target(index)].map(|oop| Obj::from_oop(resolve(oop))) }
    };
    let mut swapper = if S::HAS_ENTRIES {
        object_table::reserve_remembered(pause, pairs.len(), elements)?;
        Swapper::prepare(pause, 0)?
    } else {
        pause.reserve_remembered(2 * pairs.len())?;
        let clone_bytes = all_clone_bytes(heap, pairs.len(), elements)?;
        Swapper::prepare(pause, clone_bytes)?
    };
    for index in 0..pairs.len() {
        let [one, other] = elements(index);
        swapper.swap::<S>(one, other);
    }
    Ok(swapper.finish::<S>(pairs.len()))
}

/// Bytes of the clones that exchanging two objects takes: none for objects of the same size.
fn clone_bytes(one: Obj, other: Obj) -> usize {
    if one.size() == other.size() { 0 } else { one.size() + other.size() }
}

/// What all exchanges take together. Where objects of several sizes stand in several pairs, an exchange meets objects of
/// other sizes than the arrays show; then a table of two entries a pair follows the sizes around.
fn all_clone_bytes(
    heap: &Heap,
    pairs: usize,
    elements: impl Fn(usize) -> [Obj; 2],
) -> Result<usize, HeapError> {
    let mut shown = 0;
    for [one, other] in (0..pairs).map(&elements) {
        shown += clone_bytes(one, other);
    }
    let may_change = shown > 0 || is_mixed(pairs, &elements);
    if !may_change || !stands_on_both_sides(heap, pairs, &elements) {
        return Ok(shown);
    }
    let mut sizes: HashMap<Obj, usize> = HashMap::new();
    let requested = 2 * pairs * size_of::<(Obj, usize)>();
    sizes.try_reserve(2 * pairs).map_err(|_| out_of_memory(heap, requested))?;
    let mut bytes = 0;
    for index in 0..pairs {
        let [one, other] = elements(index);
        let [first, second] =
            [one, other].map(|object| sizes.get(&object).copied().unwrap_or_else(|| object.size()));
        if first != second {
            bytes += first + second;
        }
        sizes.insert(one, second);
        sizes.insert(other, first);
    }
    Ok(bytes)
}

/// Whether any two elements differ in size.
fn is_mixed(pairs: usize, elements: &impl Fn(usize) -> [Obj; 2]) -> bool {
    let mut sizes = (0..pairs).flat_map(elements).map(Obj::size);
    let first = sizes.next();
    sizes.any(|size| Some(size) != first)
}

/// Whether an object is both a first and a second element. Mark bits say which are first.
fn stands_on_both_sides(heap: &Heap, pairs: usize, elements: &impl Fn(usize) -> [Obj; 2]) -> bool {
    let marks = &heap.side.marks;
    for [one, _] in (0..pairs).map(elements) {
        // SAFETY: an object in the heap; the bit is cleared below.
        unsafe { marks.at(one.address()) }.fetch_or(SideTables::mark_bit(one.address()), Relaxed);
    }
    let found = (0..pairs).any(|index| heap.side.is_marked(elements(index)[1].address()));
    for [one, _] in (0..pairs).map(elements) {
        // SAFETY: as above.
        unsafe { marks.at(one.address()) }.store(0, Relaxed);
    }
    found
}

fn out_of_memory(heap: &Heap, requested: usize) -> HeapError {
    HeapError::OutOfMemory { requested, used: heap.used_bytes(), limit: heap.config().limit_bytes }
}

/// Exchanges objects, with memory for clones at hand.
struct Swapper<'p, 'w> {
    pause: &'p mut Pause<'w>,
    /// Unused memory for clones.
    room: Range<usize>,
    /// Encloses all forwarders that were installed.
    window: Range<usize>,
    /// How many of them are young and old.
    young: usize,
    old: usize,
    any_class: bool,
}

impl<'p, 'w> Swapper<'p, 'w> {
    /// Takes the memory for clones. The remembered set has room for all that is exchanged.
    fn prepare(pause: &'p mut Pause<'w>, clone_bytes: usize) -> Result<Self, BecomeError> {
        let heap = pause.world().heap();
        let room = if clone_bytes == 0 {
            0..0
        } else {
            // SAFETY: filled with clones; `finish` sees to the rest.
            let room = unsafe { heap.old.region() }.refill(clone_bytes, clone_bytes);
            let room = room.ok_or_else(|| out_of_memory(heap, clone_bytes))?;
            heap.note_old_top(room.end);
            room
        };
        Ok(Swapper { pause, room, window: 0..0, young: 0, old: 0, any_class: false })
    }

    fn heap(&self) -> &'w Heap {
        self.pause.world().heap()
    }

    fn swap<S: Strategy>(&mut self, one: Obj, other: Obj) {
        if one == other {
            return;
        }
        if S::HAS_ENTRIES {
            return self.swap_entries(one, other);
        }
        if one.size() == other.size() {
            self.swap_in_place(one, other);
        } else {
            self.swap_clones(one, other);
        }
    }

    fn swap_entries(&mut self, one: Obj, other: Obj) {
        let bodies = [one, other].map(object_table::body);
        let hashes = bodies.map(|body| body.header().hash());
        // The hash belongs to the identity, which is the entry.
        bodies[0].set_header(bodies[0].header().with_hash(hashes[1]));
        bodies[1].set_header(bodies[1].header().with_hash(hashes[0]));
        object_table::exchange(self.pause, one, other);
    }

    fn swap_in_place(&mut self, one: Obj, other: Obj) {
        let headers = [one, other].map(Obj::header);
        one.set_header(dressed_as(headers[0], headers[1]));
        other.set_header(dressed_as(headers[1], headers[0]));
        for index in 0..(one.end() - one.address()) / WORD - 1 {
            let bodies = [one, other].map(|object| object.slot(index));
            one.set_slot_raw(index, bodies[1]);
            other.set_slot_raw(index, bodies[0]);
        }
        self.remember_slots(one);
        self.remember_slots(other);
    }

    fn swap_clones(&mut self, one: Obj, other: Obj) {
        let headers = [one, other].map(Obj::header);
        let clones = [self.clone_of(other, headers[0]), self.clone_of(one, headers[1])];
        for (object, clone) in [one, other].into_iter().zip(clones) {
            self.any_class |= object.header().has_any(HeaderFlags::CLASS);
            install::<Sound, _>(object.header_cell(), object.slot_cell(0), clone.oop());
            let heap = self.heap();
            // SAFETY: the flag may be set where it need not; collections clear it.
            unsafe { heap.side.flag_region(object.address(), RegionFlags::FORWARDERS) };
            let count = if heap.is_young(object.address()) { &mut self.young } else { &mut self.old };
            *count += 1;
            self.widen(object.address());
            self.remember_slots(clone);
        }
    }

    /// A copy of `object` in old memory with the identity (hash, class table) of the object whose header is `identity`.
    fn clone_of(&mut self, object: Obj, identity: Header) -> Obj {
        let (start, bytes) = (object.start(), object.size());
        let at = self.room.start;
        debug_assert!(at + bytes <= self.room.end, "[all-or-nothing]: room for all clones was reserved");
        self.room.start += bytes;
        // SAFETY: the room is unused memory that was reserved for clones.
        let clone = unsafe {
            std::ptr::copy_nonoverlapping(start as *const u64, at as *mut u64, bytes / WORD);
            Obj::from_start(at)
        };
        clone.set_header(dressed_as(identity.without(HeaderFlags::REMEMBERED), object.header()).with_age(0));
        // SAFETY: the clone is there to stay.
        unsafe { self.heap().side.note_crossing(at, at + bytes) };
        if identity.has_any(HeaderFlags::CLASS) {
            self.heap().note_special(clone.address());
        }
        clone
    }

    fn remember_slots(&mut self, object: Obj) {
        for index in 0..object.pointer_slots_of(object.header()) {
            self.pause.remember_store(object, index, object.slot(index));
        }
    }

    fn widen(&mut self, address: usize) {
        self.window = if self.window.is_empty() {
            address..address + 1
        } else {
            self.window.start.min(address)..self.window.end.max(address + 1)
        };
    }

    fn finish<S: Strategy>(self, pairs: usize) -> Outcome {
        let heap = self.heap();
        // SAFETY: the rest of the room holds no object.
        if !unsafe { heap.old.region() }.give_back(self.room.clone()) {
            // SAFETY: as above.
            unsafe { heap.fill_old(self.room.start, self.room.end) };
        }
        let mut outcome = Outcome { pairs, ..Outcome::default() };
        if !self.window.is_empty() {
            // SAFETY: a root refers to what became of its object.
            unsafe { self.pause.visit_roots(|root| *root = healed_root(*root)) };
            if S::SCANS_HEAP {
                // SAFETY: as above.
                unsafe { self.pause.visit_weak_roots(|root| *root = healed_root(*root)) };
                outcome.references_replaced = heal_heap(self.pause, self.window);
                outcome.bytes_scanned = heap.used_bytes();
            } else {
                heap.forwarders.add(self.young, self.old);
                if self.any_class {
                    // SAFETY: the world is stopped; the clones of classes have the flag.
                    unsafe { heap.classes.visit(|_, class| *class = healed_root(*class)) };
                }
            }
        }
        self.pause.check("a two-way become");
        outcome
    }
}

/// The header of an object that keeps the identity of `identity` and takes over class and format of `body`, which is
/// of the same size or cloned.
fn dressed_as(identity: Header, body: Header) -> Header {
    let hash: IdentityHash = identity.hash();
    let format: Format = body.format();
    body.without(HeaderFlags::all())
        .with(identity.flags().intersection(IDENTITY_FLAGS))
        .with_format(format)
        .with_hash(hash)
        .with_age(identity.age())
}
