//! What parallel tenuring takes of the old generation: no more than the objects and the ends of the workers' buffers.

use instar_gc::{Collection, GcConfig, World};
use instar_heap::{ClassSpec, Format, HeapConfig, MIB};

/// Bytes of a raced object: too large for a copy buffer, too small to be born old.
const OBJECT: usize = 20_000;
const OBJECTS: usize = 400;
/// References to each object, in pieces of the array that different workers take.
const COPIES: usize = 64;
const WORKERS: usize = 4;
/// Bytes of a worker's copy buffer.
const BUFFER: usize = 64 << 10;

#[test]
fn races_for_large_objects_waste_nothing() {
    let heap = HeapConfig {
        limit_bytes: 512 * MIB,
        eden_bytes: 16 * MIB,
        survivor_bytes: MIB,
        huge_pages: false,
        ..HeapConfig::default()
    };
    let config = GcConfig { heap, tenure_age: 0, verify: true, ..GcConfig::default() }.with_workers(WORKERS);
    World::new(config).unwrap().attach().scope(|scope| {
        let arrays = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let bytes = scope.define_class(ClassSpec::of(Format::bytes(0)), None).unwrap();
        for round in 0..10 {
            scope.scope(|scope| {
                let references = scope.allocate(arrays, OBJECTS * COPIES).unwrap();
                for index in 0..OBJECTS {
                    scope.scope(|scope| {
                        let object = scope.allocate(bytes, OBJECT).unwrap();
                        scope.get(object).set_byte(OBJECT - 1, index as u8).unwrap();
                        for copy in 0..COPIES {
                            let slot = copy * OBJECTS + index;
                            scope.get(references).set_slot(slot, scope.get(object)).unwrap();
                        }
                    });
                }
                let before = scope.accessor().heap().old_range().len();
                scope.collect(Collection::Young);
                let grown = scope.accessor().heap().old_range().len() - before;
                let needed = OBJECTS * (OBJECT.next_multiple_of(8) + 16);
                assert!(grown <= needed + WORKERS * BUFFER, "round {round}: {grown} bytes for {needed}");
                for slot in 0..OBJECTS * COPIES {
                    let object = scope.get(references).slot(slot).unwrap();
                    assert_eq!(object.byte(OBJECT - 1), Ok((slot % OBJECTS) as u8));
                }
            });
        }
    });
}
