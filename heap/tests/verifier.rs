//! The verifier finds each invariant broken, when that one is broken on purpose and nothing else is.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use instar_heap::header::{HeaderFlags, POISON};
use instar_heap::object::{fill_free, write_header};
use instar_heap::side::{LOG_REGION, RegionFlags};
use instar_heap::verify::{Remembered, Roots, verify};
use instar_heap::{ClassIndex, ClassSpec, Format, Header, Heap, HeapConfig, MIB, Obj, Oop};

struct Fixture {
    heap: Heap,
    cell: ClassIndex,
    array: ClassIndex,
    roots: Vec<Oop>,
    weak_roots: Vec<Oop>,
    remembered: Vec<Obj>,
}

impl Fixture {
    /// A sound heap: an old cell and a young one, both roots.
    fn new() -> Fixture {
        let config = HeapConfig {
            limit_bytes: 16 * MIB,
            eden_bytes: MIB,
            survivor_bytes: MIB,
            huge_pages: false,
            ..HeapConfig::default()
        };
        let heap = Heap::new(config).unwrap();
        let specs = [ClassSpec::fixed(2), ClassSpec::of(Format::INDEXABLE)];
        // SAFETY: no class objects.
        let [cell, array] = specs.map(|spec| unsafe { heap.define_class(None, spec) }.unwrap());
        let mut fixture =
            Fixture { heap, cell, array, roots: Vec::new(), weak_roots: Vec::new(), remembered: Vec::new() };
        for object in [fixture.old(cell, 0), fixture.young(cell, 0)] {
            fixture.roots.push(object.oop());
        }
        assert_eq!(fixture.verify(), [] as [&str; 0]);
        fixture
    }

    fn old(&self, class: ClassIndex, elements: usize) -> Obj {
        self.make(class, elements, |bytes| {
            // SAFETY: nobody else uses the heap, and what is cut off is filled.
            let range = unsafe { self.heap.old.region() }.refill(bytes, bytes).unwrap();
            // SAFETY: as above.
            unsafe { self.heap.side.note_crossing(range.start, range.end) };
            range.start
        })
    }

    fn young(&self, class: ClassIndex, elements: usize) -> Obj {
        self.make(class, elements, |bytes| {
            // SAFETY: nobody else uses the heap, and what is cut off is filled.
            unsafe { self.heap.eden.region() }.refill(bytes, bytes).unwrap().start
        })
    }

    fn make(&self, class: ClassIndex, elements: usize, cut: impl FnOnce(usize) -> usize) -> Obj {
        let shape = self.heap.classes.spec(class).unwrap().shape(class, elements).unwrap();
        // SAFETY: the memory was just cut off, and nobody else uses this heap.
        let object = unsafe { write_header(cut(shape.bytes), shape.header, shape.slots) };
        for index in 0..shape.slots {
            object.set_slot_raw(index, self.heap.nil());
        }
        object
    }

    /// The two roots.
    fn cells(&self) -> [Obj; 2] {
        // SAFETY: nothing moves in this heap.
        [0, 1].map(|index| unsafe { Obj::from_oop(self.roots[index]) })
    }

    /// The invariants that are broken, each once.
    fn verify(&self) -> Vec<String> {
        let roots = Roots { strong: &self.roots, weak: &self.weak_roots };
        // SAFETY: nobody else uses the heap, and it has no allocation buffers.
        let broken = unsafe { verify(&self.heap, roots, Remembered::Exactly(&self.remembered)) };
        let mut numbers: Vec<String> =
            broken.iter().map(|place| place.split(':').next().unwrap_or_default().to_owned()).collect();
        numbers.sort();
        numbers.dedup();
        numbers
    }

    #[track_caller]
    fn expect(&self, numbers: &[&str]) {
        assert_eq!(self.verify(), numbers);
    }
}

#[test]
fn v1_a_gap_at_the_end_of_a_space() {
    let fixture = Fixture::new();
    let [old, _] = fixture.cells();
    // A size that reaches behind the top.
    old.set_header(Header::new(fixture.cell, Format::FIXED, 7));
    fixture.expect(&["V1"]);
}

#[test]
fn v2_headers_that_no_object_has() {
    let fixture = Fixture::new();
    let [old, young] = fixture.cells();
    for object in [old, young] {
        let sound = object.header();
        let unknown_class = ClassIndex::new(9999).unwrap();
        for broken in [
            Header::evacuated_to(young.oop()),
            sound.with_class(unknown_class),
            Header::from_bits(sound.bits() | 0b01111 << 23),
            Header::from_bits(POISON),
            Header::from_bits(0),
        ] {
            object.set_header(broken);
            fixture.expect(&["V2"]);
        }
        object.set_header(sound);
    }
    fixture.expect(&[]);
}

#[test]
fn v3_references_that_lead_to_no_header() {
    let mut fixture = Fixture::new();
    let [old, young] = fixture.cells();
    // SAFETY: nobody else uses the heap, and what is cut off is filled.
    let free = unsafe { fixture.heap.old.region() }.refill(64, 64).unwrap();
    // SAFETY: the memory was just cut off.
    unsafe { fill_free(free.start, free.end) };
    let nowhere = [
        Oop::from_address(old.address() + 8),
        Oop::from_address(free.start),
        Oop::from_address(fixture.heap.old.top()),
        Oop::from_address(fixture.heap.old_limit() + 64),
        Oop::from_address(fixture.heap.start() - 8),
        Oop::from_address(fixture.heap.empty_half().start),
        Oop::NULL,
    ];
    for reference in nowhere {
        young.set_slot_raw(1, reference);
        fixture.expect(&["V3"]);
        young.set_slot_raw(1, fixture.heap.nil());
        fixture.roots.push(reference);
        fixture.expect(&["V3"]);
        fixture.roots.pop();
    }
    fixture.expect(&[]);
}

#[test]
fn v4_words_that_are_no_value() {
    let fixture = Fixture::new();
    let [old, _] = fixture.cells();
    for word in [POISON, 3, 5, 6] {
        old.set_slot_raw(0, Oop::from_bits(word));
        fixture.expect(&["V4"]);
    }
}

#[test]
fn v5_old_to_young_references_that_nobody_remembers() {
    let mut fixture = Fixture::new();
    let [old, young] = fixture.cells();
    old.set_slot_raw(1, young.oop());
    fixture.expect(&["V5"]);
    old.set_flags(HeaderFlags::REMEMBERED);
    fixture.remembered.push(old);
    fixture.expect(&[]);

    let large = fixture.old(fixture.array, 600);
    fixture.roots.push(large.oop());
    large.set_slot_raw(400, young.oop());
    large.set_flags(HeaderFlags::REMEMBERED);
    fixture.remembered.push(large);
    fixture.expect(&["V5"]);
    // SAFETY: nobody else uses the heap; breaking it is the purpose.
    let card = unsafe { fixture.heap.side.cards.at(large.slot_cell(400).as_ptr() as usize) };
    card.store(1, Relaxed);
    fixture.expect(&[]);
}

#[test]
fn v6_a_remembered_set_that_disagrees_with_the_flags() {
    let mut fixture = Fixture::new();
    let [old, young] = fixture.cells();
    fixture.remembered.push(old);
    fixture.expect(&["V6"]);
    old.set_flags(HeaderFlags::REMEMBERED);
    fixture.expect(&[]);
    fixture.remembered.push(old);
    fixture.expect(&["V6"]);
    fixture.remembered.clear();
    fixture.expect(&["V6"]);
    fixture.remembered.extend([old, young]);
    young.set_flags(HeaderFlags::REMEMBERED);
    fixture.expect(&["V6"]);
}

#[test]
fn v7_forwarders_in_a_circle_or_in_a_region_that_does_not_say_so() {
    let fixture = Fixture::new();
    let [old, _] = fixture.cells();
    let others = [0, 1].map(|_| fixture.old(fixture.cell, 0));
    old.set_slot_raw(0, others[0].oop());
    for (forwarder, target) in [(others[0], others[1].oop()), (others[1], fixture.heap.nil())] {
        forwarder.set_slot_raw(0, target);
        forwarder.set_header(forwarder.header().to_forwarder());
    }
    fixture.expect(&["V7"]);
    // SAFETY: nobody else uses the heap; breaking it is the purpose.
    unsafe { fixture.heap.side.flag_region(old.address(), RegionFlags::FORWARDERS) };
    fixture.expect(&[]);
    others[1].set_slot_raw(0, others[0].oop());
    fixture.expect(&["V7"]);
    others[1].set_slot_raw(0, fixture.heap.nil());
    others[1].set_header(others[1].header().with_format(Format::FIXED));
    fixture.expect(&["V7"]);
}

#[test]
fn v8_special_objects_in_regions_that_do_not_say_so() {
    for flag in [HeaderFlags::PINNED, HeaderFlags::IMMUTABLE, HeaderFlags::CLASS] {
        let fixture = Fixture::new();
        // Not in the region of nil, which is pinned.
        let filler = fixture.old(fixture.array, 1 << (LOG_REGION - 3));
        let object = fixture.old(fixture.cell, 0);
        assert!(filler.end() <= object.start());
        object.set_flags(flag);
        fixture.expect(&["V8"]);
        fixture.heap.note_special(object.address());
        fixture.expect(&[]);
    }
    let fixture = Fixture::new();
    let [_, young] = fixture.cells();
    fixture.heap.note_special(young.address());
    young.set_flags(HeaderFlags::PINNED);
    fixture.expect(&["V8"]);
}

#[test]
fn v9_marks_or_a_become_left_behind() {
    let fixture = Fixture::new();
    for object in fixture.cells() {
        // SAFETY: nobody else uses the heap; breaking it is the purpose.
        let word = unsafe { fixture.heap.side.marks.at(object.address()) };
        word.store(1 << 7, Relaxed);
        fixture.expect(&["V9"]);
        word.store(0, Relaxed);
        for flags in [RegionFlags::SOURCES, RegionFlags::TARGETS] {
            // SAFETY: nobody else uses the heap; breaking it is the purpose.
            unsafe { fixture.heap.side.flag_region(object.address(), flags) };
            fixture.expect(&["V9"]);
            let region = object.address() & !((1 << LOG_REGION) - 1);
            // SAFETY: nobody else uses the heap; breaking it is the purpose.
            unsafe { fixture.heap.side.unflag_regions(region..region + 1, flags) };
        }
        fixture.expect(&[]);
    }
}

#[test]
fn v10_class_objects_without_the_flag() {
    let mut fixture = Fixture::new();
    let [old, _] = fixture.cells();
    // SAFETY: a live object of this heap.
    unsafe { fixture.heap.set_class(fixture.cell, old) }.unwrap();
    fixture.expect(&[]);
    old.clear_flags(HeaderFlags::CLASS);
    fixture.expect(&["V10"]);
    old.set_flags(HeaderFlags::CLASS);
    let replace = |fixture: &Fixture, class: Oop| {
        // SAFETY: nobody but the verifier reads what is put there.
        unsafe {
            fixture
                .heap
                .classes
                .visit(|index, seen| *seen = if index == fixture.cell { class } else { *seen })
        }
    };
    // No object; V3 as well, because there are live instances.
    replace(&fixture, Oop::from_address(old.address() + 8));
    fixture.expect(&["V10", "V3"]);
    fixture.roots.clear();
    fixture.expect(&["V10"]);
}

#[test]
fn v3_what_only_a_class_refers_to() {
    let mut fixture = Fixture::new();
    let class = fixture.old(fixture.cell, 0);
    class.set_slot_raw(0, Oop::from_address(class.address() + 8));
    fixture.expect(&[]);
    // SAFETY: a live object of this heap.
    unsafe { fixture.heap.set_class(ClassIndex::CHARACTER, class) }.unwrap();
    fixture.expect(&["V3"]);
    class.set_slot_raw(0, fixture.heap.nil());
    fixture.expect(&[]);
    // Of a class with live instances, and of one without.
    let broken = fixture.old(fixture.array, 1);
    broken.set_slot_raw(0, Oop::from_address(class.address() + 8));
    // SAFETY: a live object of this heap.
    unsafe { fixture.heap.set_class(fixture.cell, broken) }.unwrap();
    fixture.expect(&["V3"]);
    fixture.roots.clear();
    // SAFETY: nobody else uses the heap.
    unsafe { fixture.heap.set_class(ClassIndex::CHARACTER, Obj::from_oop(fixture.heap.nil())) }.unwrap();
    fixture.expect(&[]);
}

#[test]
fn v11_crossings_that_miss_an_object() {
    let fixture = Fixture::new();
    let large = fixture.old(fixture.array, 3 << (LOG_REGION - 3));
    fixture.old(fixture.cell, 0);
    fixture.expect(&[]);
    let last = (large.end() - 1) & !((1 << LOG_REGION) - 1);
    // SAFETY: nobody else uses the heap; breaking it is the purpose.
    let entry = unsafe { fixture.heap.side.crossings.at(last) };
    for broken in [0, large.end() + 8] {
        entry.store(broken as u64, Relaxed);
        fixture.expect(&["V11"]);
    }
    entry.store(large.end() as u64, Relaxed);
    fixture.expect(&[]);
}

#[test]
fn v12_weak_roots_that_refer_to_no_object() {
    let mut fixture = Fixture::new();
    // What only a weak root refers to is not traced, but is an object still.
    let dead = fixture.old(fixture.cell, 0);
    dead.set_slot_raw(0, Oop::from_address(dead.address() + 8));
    fixture.weak_roots = vec![Oop::NULL, Oop::small_integer(3).unwrap(), fixture.heap.nil(), dead.oop()];
    fixture.expect(&[]);
    for broken in [Oop::from_bits(POISON), Oop::from_address(dead.address() + 8), Oop::from_address(8)] {
        fixture.weak_roots.push(broken);
        fixture.expect(&["V12"]);
        fixture.weak_roots.pop();
    }
}

#[test]
fn the_report_is_bounded() {
    let mut fixture = Fixture::new();
    let array = fixture.old(fixture.array, 100);
    fixture.roots.push(array.oop());
    for index in 0..100 {
        array.set_slot_raw(index, Oop::from_bits(POISON));
    }
    let roots = Roots { strong: &fixture.roots, weak: &[] };
    // SAFETY: nobody else uses the heap.
    let broken = unsafe { verify(&fixture.heap, roots, Remembered::Unknown) };
    assert_eq!(broken.len(), 20);
}
