//! The object table, the classical way to swap identities: every reference leads to an entry, which leads to the body.
//!
//! An entry is an object of class [`ClassIndex::ENTRY`] with two slots: the body, and the next alias. One-way become
//! makes several entries share a body; such aliases are linked in a ring, so that a later become can redirect all of
//! them, in time proportional to the ring. An alias that nothing refers to any more lives as long as the others. Access costs one dependent load, an object 24 bytes more, and become touches only entries. The collector
//! treats entries like any other object.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use instar_gc::{Mutator, Pause};
use instar_heap::side::SideTables;
use instar_heap::{ClassIndex, Format, Header, HeapError, Obj, Oop, Shape};

/// Slot of the body.
const BODY: usize = 0;
/// Slot of the next entry with the same body; the entry itself if it is the only one.
const NEXT_ALIAS: usize = 1;
const ENTRY_SLOTS: usize = 2;

/// The body behind an entry. nil, the one object that references lead to directly, is its own.
#[inline]
pub(crate) fn body(entry: Obj) -> Obj {
    debug_assert!(is_entry(entry) || entry.slot(BODY) == entry.oop(), "{entry:?} is {:?}", entry.header());
    // SAFETY: an entry's first slot holds a live body from its allocation on.
    unsafe { Obj::from_oop(entry.slot(BODY)) }
}

pub(crate) fn is_entry(object: Obj) -> bool {
    object.header().has_class(ClassIndex::ENTRY)
}

/// # Safety
/// As for [`Mutator::allocate_raw`].
pub(crate) unsafe fn allocate(mutator: &mut Mutator, shape: Shape) -> Result<Oop, HeapError> {
    let entry_shape = Shape {
        header: Header::new(ClassIndex::ENTRY, Format::FIXED, ENTRY_SLOTS),
        slots: ENTRY_SLOTS,
        bytes: instar_heap::object::object_bytes(ENTRY_SLOTS),
    };
    // SAFETY: the caller's promise; the body is rooted over the second allocation.
    unsafe {
        let body = mutator.allocate_raw(shape)?;
        let entry = mutator.with_root(body.oop(), |mutator| mutator.allocate_raw(entry_shape));
        let (entry, body) = (entry.0?, entry.1);
        mutator.store(entry, BODY, body);
        mutator.store(entry, NEXT_ALIAS, entry.oop());
        Ok(entry.oop())
    }
}

/// How many entries share the body of `first`, itself included.
pub(crate) fn aliases(first: Obj) -> usize {
    let mut count = 0;
    visit_ring(first, |_| count += 1);
    count
}

/// Makes room for remembering every entry whose body or link a become of these pairs may change: all that share a body
/// with one of them. Rings are counted once; meanwhile the body's mark bit says that it was.
pub(crate) fn reserve_remembered(
    pause: &mut Pause<'_>,
    pairs: usize,
    entries: impl Fn(usize) -> [Obj; 2],
) -> Result<(), HeapError> {
    let side = &pause.world().heap().side;
    let mut count = 0;
    for entry in (0..pairs).flat_map(&entries) {
        let address = body(entry).address();
        if !side.is_marked(address) {
            // SAFETY: an object in the heap; the bit is cleared below.
            unsafe { side.marks.at(address) }.fetch_or(SideTables::mark_bit(address), Relaxed);
            count += aliases(entry);
        }
    }
    for entry in (0..pairs).flat_map(&entries) {
        // SAFETY: as above.
        unsafe { side.marks.at(body(entry).address()) }.store(0, Relaxed);
    }
    pause.reserve_remembered(count)
}

fn visit_ring(first: Obj, mut visitor: impl FnMut(Obj)) {
    let mut entry = first;
    loop {
        visitor(entry);
        // SAFETY: the ring consists of live entries.
        entry = unsafe { Obj::from_oop(entry.slot(NEXT_ALIAS)) };
        if entry == first {
            return;
        }
    }
}

/// Lets `source` and all its aliases denote the body of `target`.
pub(crate) fn redirect(pause: &mut Pause<'_>, source: Obj, target: Obj) {
    let body = target.slot(BODY);
    if source.slot(BODY) == body {
        return;
    }
    set_body(pause, source, body);
    // Two rings become one when two of their links are exchanged.
    let links = [source, target].map(|entry| entry.slot(NEXT_ALIAS));
    store(pause, source, NEXT_ALIAS, links[1]);
    store(pause, target, NEXT_ALIAS, links[0]);
}

/// Exchanges the bodies of `one` and `other` and of all their aliases.
pub(crate) fn exchange(pause: &mut Pause<'_>, one: Obj, other: Obj) {
    let bodies = [one, other].map(|entry| entry.slot(BODY));
    if bodies[0] != bodies[1] {
        set_body(pause, one, bodies[1]);
        set_body(pause, other, bodies[0]);
    }
}

fn set_body(pause: &mut Pause<'_>, first: Obj, body: Oop) {
    visit_ring(first, |entry| store(pause, entry, BODY, body));
}

fn store(pause: &mut Pause<'_>, entry: Obj, slot: usize, value: Oop) {
    entry.set_slot_raw(slot, value);
    pause.remember_store(entry, slot, value);
}
