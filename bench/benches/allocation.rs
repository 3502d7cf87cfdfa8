//! What does it cost to allocate an object in a warm nursery?
//!
//! Limit: writing its 32 bytes to memory that is as warm.

use instar_become::{Lazy, ObjectTable};
use instar_gc::Collection;

use crate::support::heap::{Bed, ITEM_BYTES, config, with_heap};
use crate::support::{Limit, Question, timed};

/// Fits the default nursery beside the entries of an object table.
const COUNT: usize = 200_000;

pub fn figures(question: &mut Question<'_>) {
    let fill = fill_limit();
    with_heap(config(COUNT, 1), |bed| {
        three_slots(question, bed, &fill);
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

/// Writing 32 bytes, once for each object of a run.
pub fn fill_limit() -> Limit {
    let mut memory = vec![1_u64; COUNT * ITEM_BYTES / 8];
    Limit::own("fill 32 bytes", COUNT, move || timed(|| std::hint::black_box(&mut memory).fill(8)))
}

/// 3-slot objects that nobody keeps.
pub fn three_slots(question: &mut Question<'_>, bed: &mut Bed<'_, '_>, fill: &Limit) -> Option<f64> {
    question.figure("3 slots", COUNT, fill, || {
        bed.scope.collect(Collection::Young);
        bed.allocate_garbage::<Lazy>(COUNT)
    })
}
