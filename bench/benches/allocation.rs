//! What does it cost to allocate an object in a warm nursery?
//!
//! Limit: writing its 32 bytes to memory that is as warm.

use instar_become::{Lazy, ObjectTable};
use instar_gc::Collection;
use instar_heap::MIB;

use crate::support::heap::{ITEM_BYTES, config, with_heap};
use crate::support::{Limit, Question, timed};

/// Fits the default nursery beside the entries of an object table.
const COUNT: usize = 200_000;

pub fn figures(question: &mut Question<'_>) {
    let mut memory = vec![1_u64; COUNT * ITEM_BYTES / 8];
    let fill =
        Limit::own("fill 32 bytes", COUNT, move || timed(|| std::hint::black_box(&mut memory).fill(8)));
    with_heap(config(COUNT, 1), |bed| {
        assert!(COUNT * ITEM_BYTES * 2 < bed.scope.mutator().heap().config().eden_bytes + MIB);
        question.figure("3 slots", COUNT, &fill, || {
            bed.scope.collect(Collection::Young);
            bed.allocate_garbage::<Lazy>(COUNT)
        });
        question.figure("3 slots with an object-table entry", COUNT, &fill, || {
            bed.scope.collect(Collection::Young);
            bed.allocate_garbage::<ObjectTable>(COUNT)
        });
        question.figure("3 slots with a handle", COUNT, &fill, || {
            bed.scope.collect(Collection::Young);
            let class = bed.items;
            bed.scope.scope(|scope| {
                timed(|| {
                    for _ in 0..COUNT {
                        scope.allocate(class, 0).expect("room in the nursery");
                    }
                })
            })
        });
    });
}
