//! What does sliding compaction cost a live object?
//!
//! Limit: copying as many objects to touched memory and leaving a forwarding word.

use std::time::Duration;

use instar_become::Lazy;
use instar_gc::Collection;

use crate::support::heap::{Bed, config, with_heap};
use crate::support::{Machine, Question, objects};

pub fn figures(question: &mut Question<'_>) {
    let count = objects();
    let machine = Machine::new(count);
    for workers in [1, 2] {
        let limit = machine.parallel_limit("evacuate-touched", workers);
        with_heap(config(count, workers), |bed| {
            let array = bed.old_items::<Lazy>(count);
            question.figure(&format!("nothing is dead, {workers} workers"), count, &limit, || {
                compact(bed, Collection::Full)
            });
            let name = format!("every second is dead, {workers} workers, a live object");
            question.figure(&name, count.div_ceil(2), &limit, || {
                bed.fill::<Lazy>(array);
                bed.tenure();
                bed.thin_out(array, 2);
                compact(bed, Collection::Compacting)
            });
        });
    }
}

fn compact(bed: &mut Bed<'_, '_>, kind: Collection) -> Duration {
    bed.scope.collect(kind);
    Duration::from_nanos(bed.scope.mutator().world().stats().last_compact_ns)
}
