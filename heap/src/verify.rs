//! The heap verifier: walks and re-traces the whole heap, independently of the collector.
//!
//! | no. | invariant |
//! |---|---|
//! | V1 | every space is covered by objects, forwarders and free chunks without a gap, and ends at its top |
//! | V2 | a header has the header tag, a valid format, and a class index that is reserved or in the class table |
//! | V3 | every reference in a pointer slot and every root leads to the header of an object or forwarder in the heap |
//! | V4 | every immediate has a valid tag; no poison is reachable |
//! | V5 | an old object with a young reference is remembered; if it is large, the slot's card is marked |
//! | V6 | the remembered set holds old objects with the REMEMBERED flag, each once, and all that have the flag |
//! | V7 | a chain of forwarders ends, and its forwarders lie in regions flagged FORWARDERS |
//! | V8 | pinned, immutable and class objects lie in regions flagged SPECIAL; pinned objects are old |
//! | V9 | mark bits are clear, and no become is under way |
//! | V10 | class objects in the class table have the CLASS flag |
//! | V11 | the crossings of the old generation say where the first object in each region starts |
//! | V12 | a weak root cell holds the reference of an object or forwarder in the heap, an immediate, or nothing |
//!
//! Dead objects may hold stale references, so that V3 to V5 are checked for reachable objects only.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::object::Obj;
use crate::side::{LOG_REGION, RegionFlags};
use crate::walk::walk;
use crate::{ClassIndex, Format, Header, HeaderFlags, Heap, Oop};

/// How many broken places are reported at most.
const MOST: usize = 20;

/// What the verifier is told of the remembered set.
#[derive(Clone, Copy, Debug)]
pub enum Remembered<'a> {
    /// These objects, in any order.
    Exactly(&'a [Obj]),
    /// Nothing: V6 is not checked.
    Unknown,
}

/// The cells outside the heap that refer into it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Roots<'a> {
    /// What keeps objects alive.
    pub strong: &'a [Oop],
    /// What is emptied when the object dies.
    pub weak: &'a [Oop],
}

/// Checks all invariants and describes what is broken, at most 20 places. Takes memory and time in proportion to the
/// heap: a bit for each word, a few nanoseconds for each reference.
///
/// # Safety
/// All mutators stand still and have retired their allocation buffers.
pub unsafe fn verify(heap: &Heap, roots: Roots<'_>, remembered: Remembered<'_>) -> Vec<String> {
    let mut verifier = Verifier { heap, headers: AddressSet::new(heap), count: 0, broken: Vec::new() };
    // SAFETY: the caller's promise.
    let is_walkable = unsafe { verifier.check_spaces() };
    if is_walkable {
        verifier.check_reachable(roots.strong);
        verifier.check_weak_roots(roots.weak);
        verifier.check_class_table();
        verifier.check_marks();
        if let Remembered::Exactly(objects) = remembered {
            verifier.check_remembered(objects);
        }
    }
    verifier.broken
}

/// A set of word addresses in the heap.
struct AddressSet {
    start: usize,
    bits: Vec<u64>,
}

impl AddressSet {
    fn new(heap: &Heap) -> AddressSet {
        AddressSet { start: heap.start(), bits: vec![0; (heap.old.top() - heap.start()) / 512 + 1] }
    }

    fn position(&self, address: usize) -> Option<(usize, u64)> {
        let word = address.checked_sub(self.start)? / 8;
        (address.is_multiple_of(8) && word / 64 < self.bits.len()).then_some((word / 64, 1 << (word % 64)))
    }

    fn contains(&self, address: usize) -> bool {
        self.position(address).is_some_and(|(index, bit)| self.bits[index] & bit != 0)
    }

    /// Whether the address is in range and was not in the set before.
    fn insert(&mut self, address: usize) -> bool {
        let Some((index, bit)) = self.position(address) else { return false };
        let is_new = self.bits[index] & bit == 0;
        self.bits[index] |= bit;
        is_new
    }
}

struct Verifier<'h> {
    heap: &'h Heap,
    /// Header addresses of all objects and forwarders.
    headers: AddressSet,
    /// How many those are.
    count: usize,
    broken: Vec<String>,
}

impl Verifier<'_> {
    fn require(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.broken.len() < MOST {
            self.broken.push(what());
        }
    }

    /// V1, V2, V7 and V8 of single objects, V11. Whether all spaces can be walked.
    ///
    /// # Safety
    /// As for [`verify`].
    unsafe fn check_spaces(&mut self) -> bool {
        for range in self.heap.used_ranges() {
            let mut reached = range.start;
            // `walk` would run astray on a broken header, so that each header is checked before its size is used.
            while reached < range.end {
                // SAFETY: `reached` is where an object starts, if V1 holds so far.
                let object = unsafe { Obj::from_start(reached) };
                let header = object.header();
                if !self.check_header(object, header) {
                    return false;
                }
                let (start, end) = (reached, range.end);
                reached = object.end_of(header);
                self.require(reached <= end, || {
                    format!("V1: a space ends at {end:#x}, its last object at {reached:#x}")
                });
                if reached > end {
                    return false;
                }
                self.check_crossing(start, reached);
            }
            let end = range.end;
            // SAFETY: the range was just found to be walkable.
            unsafe { walk(range, |object, _| reached = object.end()) };
            self.require(reached == end, || format!("V1: the walk ends at {reached:#x} instead of {end:#x}"));
        }
        true
    }

    /// V11.
    fn check_crossing(&mut self, start: usize, end: usize) {
        if self.heap.is_young(start) {
            return;
        }
        let region = start & !((1 << LOG_REGION) - 1);
        let first = self.heap.side.first_object_in(region);
        self.require(first <= start, || {
            format!("V11: an object starts at {start:#x}, the first at {first:#x}")
        });
        let last = (end - 1) & !((1 << LOG_REGION) - 1);
        if last != region {
            let first = self.heap.side.first_object_in(last);
            self.require(first == end, || {
                format!("V11: {start:#x} reaches to {end:#x}, the first is at {first:#x}")
            });
        }
    }

    /// Whether the header's size can be trusted.
    fn check_header(&mut self, object: Obj, header: Header) -> bool {
        let class = header.class_index();
        let is_class_known = matches!(
            class,
            ClassIndex::FORWARDER | ClassIndex::FREE | ClassIndex::ENTRY | ClassIndex::UNDEFINED
        ) || self.heap.classes.spec(class).is_some();
        let is_sane = !header.is_evacuated() && header.format().is_valid() && is_class_known;
        self.require(is_sane, || format!("V2: {object:?} has {header:?}, bits {:#x}", header.bits()));
        if !is_sane || header.has_class(ClassIndex::FREE) {
            return is_sane;
        }
        self.headers.insert(object.address());
        self.count += 1;
        let region = self.heap.side.region(object.address());
        let special = HeaderFlags::PINNED | HeaderFlags::IMMUTABLE | HeaderFlags::CLASS;
        if header.has_any(special) {
            self.require(region.contains(RegionFlags::SPECIAL), || {
                format!("V8: region of {object:?}, {header:?}")
            });
        }
        if header.has_any(HeaderFlags::PINNED) {
            let is_young = self.heap.is_young(object.address());
            self.require(!is_young, || format!("V8: {object:?} is pinned and young"));
        }
        if header.is_forwarder() {
            let is_flagged = region.contains(RegionFlags::FORWARDERS) && header.format() == Format::FORWARDER;
            self.require(is_flagged, || format!("V7: forwarder {object:?} in a region flagged {region:?}"));
        }
        true
    }

    /// V3, V4, V5, V7.
    fn check_reachable(&mut self, roots: &[Oop]) {
        let mut seen = AddressSet::new(self.heap);
        let mut pending = Vec::new();
        for &root in roots.iter().chain([&self.heap.nil()]) {
            self.check_reference(root, || "a root".to_owned(), &mut pending, &mut seen);
        }
        for index in ClassIndex::BUILT_IN {
            self.check_class_of(index, &mut pending, &mut seen);
        }
        while let Some(object) = pending.pop() {
            let header = object.header();
            let is_old = !self.heap.is_young(object.address());
            for index in 0..object.pointer_slots_of(header) {
                let value = object.slot(index);
                let place = || format!("slot {index} of {object:?} ({header:?})");
                self.check_reference(value, place, &mut pending, &mut seen);
                if is_old && self.heap.is_young_pointer(value) {
                    self.check_old_to_young(object, header, index);
                }
            }
            if header.is_forwarder() {
                self.check_chain(object);
            }
            self.check_class_of(header.class_index(), &mut pending, &mut seen);
        }
    }

    /// A live instance keeps its class object alive.
    fn check_class_of(&mut self, index: ClassIndex, pending: &mut Vec<Obj>, seen: &mut AddressSet) {
        if let Some(class) = self.heap.classes.class(index).filter(|&class| class != Oop::NULL) {
            self.check_reference(class, || format!("entry {index:?} of the class table"), pending, seen);
        }
    }

    fn check_reference(
        &mut self,
        value: Oop,
        place: impl FnOnce() -> String,
        pending: &mut Vec<Obj>,
        seen: &mut AddressSet,
    ) {
        if !value.is_pointer() {
            self.require(value.tag().is_some(), || format!("V4: {value:?} in {}", place()));
        } else if !self.headers.contains(value.address()) {
            self.require(false, || format!("V3: {value:?} in {} is no object", place()));
        } else if seen.insert(value.address()) {
            // SAFETY: the walk found a header there.
            pending.push(unsafe { Obj::from_oop(value) });
        }
    }

    fn check_old_to_young(&mut self, object: Obj, header: Header, index: usize) {
        self.require(header.has_any(HeaderFlags::REMEMBERED), || {
            format!(
                "V5: old {object:?} ({header:?}) has a young reference in slot {index}, but is not remembered"
            )
        });
        if header.has_overflow() && header.format().is_strong() {
            // SAFETY: a slot of an object in the heap; nothing is changed.
            let card = unsafe { self.heap.side.cards.at(object.slot_cell(index).as_ptr() as usize) };
            let card = card.load(Relaxed);
            self.require(card != 0, || format!("V5: card of slot {index} of {object:?} is clean"));
        }
    }

    fn check_chain(&mut self, forwarder: Obj) {
        let mut steps = 0;
        let mut at = forwarder;
        while at.header().is_forwarder() && steps <= self.count {
            let target = at.slot(0);
            if !target.is_pointer() || !self.headers.contains(target.address()) {
                // An immediate ends the chain; a bad target is reported by V3.
                return;
            }
            // SAFETY: the walk found a header there.
            at = unsafe { Obj::from_oop(target) };
            steps += 1;
        }
        let ends = steps <= self.count;
        self.require(ends, || format!("V7: the forwarders from {forwarder:?} run in a circle"));
    }

    /// V12.
    fn check_weak_roots(&mut self, roots: &[Oop]) {
        for &root in roots {
            let is_sound = if root.is_pointer() {
                root == Oop::NULL || self.headers.contains(root.address())
            } else {
                root.tag().is_some()
            };
            self.require(is_sound, || format!("V12: {root:?} in a weak root is no object"));
        }
    }

    /// V6.
    fn check_remembered(&mut self, objects: &[Obj]) {
        let mut listed = AddressSet::new(self.heap);
        for object in objects {
            let is_new = listed.insert(object.address());
            self.require(is_new, || format!("V6: {object:?} is remembered twice"));
            let is_right = self.headers.contains(object.address())
                && !self.heap.is_young(object.address())
                && object.header().has_any(HeaderFlags::REMEMBERED);
            self.require(is_right, || format!("V6: {object:?} ({:?}) is in the set", object.header()));
        }
        let mut unlisted = Vec::new();
        for range in self.heap.used_ranges() {
            // SAFETY: all spaces were found to be walkable.
            unsafe {
                walk(range, |object, header| {
                    if header.has_any(HeaderFlags::REMEMBERED) && !listed.contains(object.address()) {
                        unlisted.push(object);
                    }
                });
            }
        }
        for object in unlisted {
            self.require(false, || format!("V6: {object:?} has the flag, but is not in the set"));
        }
    }

    /// V9.
    fn check_marks(&mut self) {
        for range in self.heap.used_ranges() {
            // SAFETY: the entries are only read.
            let (marks, regions) = unsafe {
                (self.heap.side.marks.span(range.clone()), self.heap.side.regions.span(range.clone()))
            };
            let is_clear = marks.iter().all(|word| word.load(Relaxed) == 0);
            self.require(is_clear, || format!("V9: mark bits are set in {range:x?}"));
            let transient = RegionFlags::SOURCES | RegionFlags::TARGETS;
            let is_idle = regions.iter().all(|flags| flags.load(Relaxed) & transient.bits() == 0);
            self.require(is_idle, || format!("V9: a become is under way in {range:x?}"));
        }
    }

    /// V10.
    fn check_class_table(&mut self) {
        let mut classes = Vec::new();
        // SAFETY: the world is stopped, and the visitor changes nothing.
        unsafe { self.heap.classes.visit(|index, class| classes.push((index, *class))) };
        for (index, class) in classes {
            if class == Oop::NULL {
                continue;
            }
            let is_object = self.headers.contains(class.address());
            self.require(is_object, || format!("V10: class {index:?} is {class:?}, which is no object"));
            if is_object {
                // SAFETY: the walk found a header there.
                let header = unsafe { Obj::from_oop(class) }.header();
                self.require(header.has_any(HeaderFlags::CLASS), || {
                    format!("V10: class {index:?} has {header:?}")
                });
            }
        }
    }
}
