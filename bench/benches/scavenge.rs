//! What does a scavenge cost for each survivor?
//!
//! Limit: copying as many objects and leaving a forwarding word, to memory that was touched before; where survivors are
//! tenured, to fresh memory. The roots are one old array, which the figures include: where 1 of 10 objects survives, each
//! survivor stands for 10 slots looked at, and shares no cache line with the next.

use instar_become::Lazy;
use instar_gc::{Collection, GcConfig};
use instar_heap::{HeapConfig, MIB};

use crate::support::heap::{ITEM_BYTES, config, with_heap};
use crate::support::{Limit, Machine, Question, objects, timed};

pub fn figures(question: &mut Question<'_>) {
    let machine = Machine::new(objects());
    for workers in [1, 2] {
        let limit = machine.parallel_limit("evacuate-touched", workers);
        survivors(question, workers, 1, &limit);
        survivors(question, workers, 10, &limit);
        tenured(question, workers, &machine.parallel_limit("evacuate-fresh", workers));
    }
}

/// A nursery in which all objects fit at once.
fn large_nursery(workers: usize) -> GcConfig {
    let nursery = objects() * ITEM_BYTES + 8 * MIB;
    let base = config(objects(), workers);
    let heap = HeapConfig { eden_bytes: nursery, survivor_bytes: nursery, ..base.heap };
    GcConfig { heap, ..base }
}

/// One of `step` objects survives.
pub fn survivors(question: &mut Question<'_>, workers: usize, step: usize, limit: &Limit) -> Option<f64> {
    with_heap(large_nursery(workers), |bed| {
        let array = bed.array(objects());
        let survivors = objects().div_ceil(step);
        let name = format!("1 of {step} survives, {workers} workers, a survivor");
        question.figure(&name, survivors, limit, || {
            // What survived the last time is overwritten, and dies.
            bed.fill::<Lazy>(array);
            bed.thin_out(array, step);
            timed(|| bed.scope.collect(Collection::Young))
        })
    })
}

/// All survive and are tenured.
pub fn tenured(question: &mut Question<'_>, workers: usize, limit: &Limit) -> Option<f64> {
    with_heap(GcConfig { tenure_age: 0, ..large_nursery(workers) }, |bed| {
        let array = bed.array(objects());
        question.figure(&format!("all tenured, {workers} workers"), objects(), limit, || {
            bed.thin_out(array, usize::MAX);
            bed.tenure();
            bed.fill::<Lazy>(array);
            timed(|| bed.scope.collect(Collection::Young))
        })
    })
}
