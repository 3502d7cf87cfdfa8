//! What does marking cost an object, all of them alive?
//!
//! Limit: reading one word in as many objects through references in the same order.

use std::time::Duration;

use instar_become::Lazy;
use instar_gc::Collection;

use crate::support::heap::{Bed, config, with_heap};
use crate::support::{Machine, Question, objects};

pub fn figures(question: &mut Question<'_>) {
    let count = objects();
    let machine = Machine::new(count);
    for workers in [1, 2] {
        with_heap(config(count, workers), |bed| {
            let array = bed.old_items::<Lazy>(count);
            let limit = machine.limit("sum-address-order");
            question.figure(&format!("address order, {workers} workers"), count, &limit, || mark(bed));
            bed.shuffle(array, 1);
            let limit = machine.limit("sum-random-order");
            question.figure(&format!("random order, {workers} workers"), count, &limit, || mark(bed));
        });
    }
}

fn mark(bed: &mut Bed<'_, '_>) -> Duration {
    bed.scope.collect(Collection::Full);
    Duration::from_nanos(bed.scope.mutator().world().stats().last_mark_ns)
}
