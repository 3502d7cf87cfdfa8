//! How long does a whole full collection take, an object that is alive?
//!
//! Limit: copying as many objects to touched memory and leaving a forwarding word.

use instar_become::{HashRule, Lazy, become_forward_all};
use instar_gc::Collection;

use crate::support::heap::{Bed, config, with_heap};
use crate::support::{Limit, Machine, Question, objects, timed};

pub fn figures(question: &mut Question<'_>) {
    let count = objects();
    let machine = Machine::new(count);
    for workers in [1, 2] {
        let limit = machine.parallel_limit("evacuate-touched", workers);
        with_heap(config(count, workers), |bed| {
            let items = bed.old_items::<Lazy>(count);
            live(question, bed, count, workers, &limit);
            let targets = bed.array(count);
            question.figure(&format!("all were swapped before, {workers} workers"), count, &limit, || {
                bed.fill::<Lazy>(targets);
                bed.tenure();
                become_forward_all::<Lazy>(bed.scope, items, targets, HashRule::Keep).expect("valid pairs");
                timed(|| bed.scope.collect(Collection::Full))
            });
        });
    }
}

/// A heap of 3-slot objects that are all alive, an object.
pub fn all_live(question: &mut Question<'_>, count: usize, workers: usize, limit: &Limit) -> Option<f64> {
    with_heap(config(count, workers), |bed| {
        let _items = bed.old_items::<Lazy>(count);
        live(question, bed, count, workers, limit)
    })
}

fn live(
    question: &mut Question<'_>,
    bed: &mut Bed<'_, '_>,
    count: usize,
    workers: usize,
    limit: &Limit,
) -> Option<f64> {
    question.figure(&format!("nothing is dead, {workers} workers"), count, limit, || {
        timed(|| bed.scope.collect(Collection::Full))
    })
}
