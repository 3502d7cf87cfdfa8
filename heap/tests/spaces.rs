//! Spaces, tables and the walk, without a collector.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use instar_heap::arena::Arena;
use instar_heap::object::{fill_free, object_bytes, write_header};
use instar_heap::side::{LOG_BLOCK, LOG_CARD, LOG_REGION, SideTables};
use instar_heap::walk::walk;
use instar_heap::{ClassIndex, ClassSpec, Format, Header, Heap, HeapConfig, HeapError, MIB, Obj};
use proptest::prelude::*;

fn small() -> HeapConfig {
    HeapConfig {
        limit_bytes: 16 * MIB,
        eden_bytes: MIB,
        survivor_bytes: MIB,
        huge_pages: false,
        ..HeapConfig::default()
    }
}

#[derive(Clone, Debug)]
enum Piece {
    Object { class: u32, slots: usize },
    Free { words: usize },
}

fn piece() -> impl Strategy<Value = Piece> {
    let slots = prop_oneof![0..6usize, 250..260usize, Just(3)];
    prop_oneof![
        4 => (32..36u32, slots).prop_map(|(class, slots)| Piece::Object { class, slots }),
        1 => (1..300usize).prop_map(|words| Piece::Free { words }),
    ]
}

proptest! {
    #[test]
    fn the_walk_finds_every_object_at_its_place(pieces in proptest::collection::vec(piece(), 0..300)) {
        let heap = Heap::new(small()).unwrap();
        let mut expected: Vec<(Obj, ClassIndex)> = Vec::new();
        for piece in &pieces {
            match *piece {
                Piece::Object { class, slots } => {
                    let class = ClassIndex::new(class).unwrap();
                    let bytes = object_bytes(slots);
                    // SAFETY: nobody else uses the heap, and what is cut off is filled.
                    let start = unsafe { heap.old.region() }.refill(bytes, bytes).unwrap().start;
                    // SAFETY: the memory was just cut off.
                    let object = unsafe { write_header(start, Header::new(class, Format::WORDS, slots), slots) };
                    prop_assert_eq!((object.start(), object.size(), object.slots()), (start, bytes, slots));
                    expected.push((object, class));
                }
                Piece::Free { words } => {
                    // SAFETY: nobody else uses the heap, and what is cut off is filled.
                    let range = unsafe { heap.old.region() }.refill(words * 8, words * 8).unwrap();
                    // SAFETY: as above.
                    unsafe { fill_free(range.start, range.end) };
                }
            }
        }
        let mut found = Vec::new();
        // SAFETY: nobody else uses the heap; the pieces cover its old generation, where nil is the first object.
        unsafe { heap.for_each_object(|object, header| found.push((object, header.class_index()))) };
        prop_assert_eq!(found[0].0.oop(), heap.nil());
        prop_assert_eq!(&found[1..], &expected[..]);
        for class in 32..36 {
            let class = ClassIndex::new(class).unwrap();
            let mut instances = Vec::new();
            // SAFETY: as above.
            unsafe { heap.for_each_instance(class, |object| instances.push(object)) };
            let all = expected.iter().filter(|(_, other)| *other == class);
            prop_assert!(instances.iter().eq(all.map(|(object, _)| object)));
        }
    }
}

#[test]
fn side_tables_have_one_entry_for_each_unit_and_none_in_common() {
    let arena = Arena::reserve(4 * MIB, false).unwrap();
    let heap = arena.start()..arena.end();
    let side = SideTables::reserve(heap.clone()).unwrap();
    // SAFETY: nobody gives the entries a meaning; all addresses are in range.
    unsafe {
        assert_eq!(side.destinations.span(heap.clone()).len(), heap.len() >> LOG_BLOCK);
        assert_eq!(side.cards.span(heap.clone()).len(), heap.len() >> LOG_CARD);
        assert_eq!(side.regions.span(heap.clone()).len(), heap.len() >> LOG_REGION);
        for (number, address) in heap.clone().step_by(8).enumerate().step_by(977) {
            side.marks.at(address).fetch_or(SideTables::mark_bit(address), Relaxed);
            assert!(side.is_marked(address));
            assert!(!side.is_marked(address + 8) && (number == 0 || !side.is_marked(address - 8)));
            side.cards.at(address).store(1, Relaxed);
            let card_start = address & !((1 << LOG_CARD) - 1);
            assert_eq!(side.cards.at(card_start).load(Relaxed), 1);
            assert_eq!(side.cards.at(card_start + (1 << LOG_CARD)).load(Relaxed), 0);
        }
        let marked: u32 =
            side.marks.span(heap.clone()).iter().map(|word| word.load(Relaxed).count_ones()).sum();
        assert_eq!(marked as usize, (heap.len() / 8).div_ceil(977));
        side.marks.clear();
        assert!(side.marks.span(heap.clone()).iter().all(|word| word.load(Relaxed) == 0));
        assert!(side.cards.span(heap).iter().any(|card| card.load(Relaxed) != 0));
    }
}

#[test]
fn memory_above_the_top_is_given_back_and_reads_as_zero() {
    let heap = Heap::new(small()).unwrap();
    // SAFETY: nobody else uses the heap, and what is cut off is filled.
    let range = unsafe { heap.old.region() }.refill(4 * MIB, 4 * MIB).unwrap();
    for address in range.clone().step_by(8) {
        // SAFETY: the memory was just cut off.
        unsafe { (address as *mut u64).write(u64::MAX) };
    }
    heap.note_old_top(range.end);
    // SAFETY: nobody else uses the heap, and what is cut off is filled.
    assert!(unsafe { heap.old.region() }.give_back(range.clone()));
    // SAFETY: nobody else uses the heap, and the memory was given back.
    unsafe { heap.release_above_top() };
    for address in (range.start.next_multiple_of(4096)..range.end).step_by(4096) {
        // SAFETY: the heap stays mapped.
        assert_eq!(unsafe { (address as *const u64).read_volatile() }, 0);
    }
}

#[test]
fn covered_memory_can_be_walked_from_every_region() {
    let heap = Heap::new(small()).unwrap();
    let bytes = 3 * MIB + 24;
    // SAFETY: nobody else uses the heap, and what is cut off is filled.
    let range = unsafe { heap.old.region() }.refill(bytes, bytes).unwrap();
    // A crossing that something from before left behind.
    // SAFETY: the range was just cut off.
    unsafe { heap.side.note_crossing(range.start, range.end) };
    // SAFETY: the memory was just cut off.
    unsafe { heap.fill_old(range.start, range.end) };
    let first_region = heap.old_start() + MIB;
    for region in (first_region..range.end).step_by(MIB) {
        let start = heap.side.first_object_in(region);
        assert_eq!(start, region);
        let mut reached = start;
        // SAFETY: nobody else uses the heap.
        unsafe { walk(start..range.end, |chunk, _| reached = chunk.end()) };
        assert_eq!(reached, range.end);
    }
}

#[test]
fn identity_hashes_are_given_once_and_spread() {
    let heap = Heap::new(small()).unwrap();
    // SAFETY: no class object.
    let class = unsafe { heap.define_class(None, ClassSpec::fixed(1)) }.unwrap();
    let shape = ClassSpec::fixed(1).shape(class, 0).unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..10_000 {
        // SAFETY: nobody else uses the heap, and what is cut off is filled.
        let start = unsafe { heap.eden.region() }.refill(shape.bytes, shape.bytes).unwrap().start;
        // SAFETY: the memory was just cut off, and nobody else uses the heap.
        let (hash, again) = unsafe {
            let object = write_header(start, shape.header, shape.slots);
            (heap.identity_hash(object), heap.identity_hash(object))
        };
        assert!(hash == again && hash.get() != 0);
        seen.insert(hash);
    }
    // 10,000 draws out of 4 million: a dozen collisions would be chance.
    assert!(seen.len() > 9900, "{}", seen.len());
}

#[test]
fn options_are_checked_when_a_heap_is_made() {
    let too_small = HeapConfig { limit_bytes: 5 * MIB, ..small() };
    assert!(matches!(Heap::new(too_small), Err(HeapError::BadConfig { option: "limit_bytes", .. })));
    // The smallest that works can fill its eden and tenure all of it.
    let smallest = (5..).map(|mib| HeapConfig { limit_bytes: mib * MIB, ..small() });
    let heap = smallest.filter_map(|config| Heap::new(config).ok()).next().unwrap();
    assert_eq!(heap.eden.end() - heap.eden.top(), MIB);
}
