//! Sliding by several workers: a large object goes where objects of regions that other workers move have stood. It must wait for them.

use instar_gc::{Collection, GcConfig, World};
use instar_heap::{ClassSpec, Format, HeapConfig, MIB};

/// Bytes of an object that spans several regions of 1 MiB.
const LARGE: usize = 6 << 20;
/// Bytes of the garbage in front: the large object goes two regions down, into one that is still being moved.
const GARBAGE: usize = 2 << 20;
/// Bytes of the live objects between, which take their time to move.
const SMALL: usize = 40;
const SMALL_OBJECTS: usize = 60_000;
const GROUPS: usize = 6;
const ROUNDS: usize = 6;
/// More than there are cores here, so that some stop in the middle of a region.
const WORKERS: usize = 8;

#[test]
fn large_objects_wait_until_all_of_their_destination_is_free() {
    let heap = HeapConfig { limit_bytes: 512 * MIB, huge_pages: false, ..HeapConfig::default() };
    let config = GcConfig { heap, ..GcConfig::default() }.with_workers(WORKERS);
    World::new(config).unwrap().attach().scope(|scope| {
        let bytes = scope.define_class(ClassSpec::of(Format::bytes(0)), None).unwrap();
        for round in 0..ROUNDS {
            scope.scope(|scope| {
                let mut live = Vec::new();
                for group in 0..GROUPS {
                    scope.scope(|scope| scope.allocate_old(bytes, GARBAGE).map(drop)).unwrap();
                    for _ in 0..SMALL_OBJECTS {
                        live.push((scope.allocate_old(bytes, SMALL).unwrap(), SMALL, group as u8));
                    }
                    live.push((scope.allocate_old(bytes, LARGE).unwrap(), LARGE, 100 + group as u8));
                }
                for &(object, length, value) in &live {
                    for at in (0..length).step_by(1024) {
                        scope.get(object).set_byte(at, value).unwrap();
                    }
                }
                scope.collect(Collection::Compacting);
                for &(object, length, value) in &live {
                    for at in (0..length).step_by(1024) {
                        assert_eq!(
                            scope.get(object).byte(at),
                            Ok(value),
                            "round {round}: byte {at} of {length}"
                        );
                    }
                }
            });
        }
    });
}
