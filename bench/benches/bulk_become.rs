//! What does a become cost: of many old pairs at once, and of one pair among many bystanders?
//!
//! Limit of a bulk become: updating one word in each of as many 32-byte objects. Limit of a full scan for one pair:
//! streaming the heap from memory.

use instar_become::{
    AlwaysCheck, FullScan, HashRule, Lazy, ObjectTable, Strategy, become_forward, become_forward_all,
    swap_all,
};
use instar_gc::Scope;
use instar_heap::Handle;

use crate::support::heap::{Bed, config, with_heap};
use crate::support::{Limit, Machine, Question, objects, timed};

/// Single becomes in one run of those that a heap's size does not slow down.
const SINGLE: usize = 1000;

pub fn figures(question: &mut Question<'_>) {
    let count = objects();
    let machine = Machine::new(count);
    for workers in [1, 2] {
        let limit = machine.parallel_limit("update-word", workers);
        one_way::<Lazy>(question, count, workers, &limit);
        one_way::<AlwaysCheck>(question, count, workers, &limit);
        one_way::<FullScan>(question, count, workers, &limit);
        one_way::<ObjectTable>(question, count, workers, &limit);
        two_way::<Lazy>(question, count, workers, &limit);
        two_way::<FullScan>(question, count, workers, &limit);
    }
    let update = machine.limit("update-word");
    for bystanders in [1000, count] {
        single::<Lazy>(question, bystanders, &update);
        single::<AlwaysCheck>(question, bystanders, &update);
        single::<ObjectTable>(question, bystanders, &update);
    }
    for workers in [1, 2] {
        scan(question, count, workers, &machine.parallel_limit("read", workers));
    }
}

fn threads(workers: usize) -> String {
    format!("{workers} worker{}", if workers == 1 { "" } else { "s" })
}

/// A bulk one-way become of old pairs, a pair.
pub fn one_way<S: Strategy>(
    question: &mut Question<'_>,
    count: usize,
    workers: usize,
    limit: &Limit,
) -> Option<f64> {
    with_heap(config(count, workers), |bed| {
        let sources = bed.old_items::<S>(count);
        let targets = bed.array(count);
        question.figure(&format!("one-way, {}, {}", S::NAME, threads(workers)), count, limit, || {
            fresh_targets::<S>(bed, sources, targets);
            timed(|| {
                become_forward_all::<S>(bed.scope, sources, targets, HashRule::Keep).expect("valid pairs")
            })
        })
    })
}

fn two_way<S: Strategy>(question: &mut Question<'_>, count: usize, workers: usize, limit: &Limit) {
    with_heap(config(count, workers), |bed| {
        let ones = bed.old_items::<S>(count);
        let others = bed.old_items::<S>(count);
        question.figure(&format!("two-way, {}, {}", S::NAME, threads(workers)), count, limit, || {
            timed(|| swap_all::<S>(bed.scope, ones, others).expect("valid pairs"))
        });
    });
}

/// A become of one old pair.
pub fn single<S: Strategy>(question: &mut Question<'_>, bystanders: usize, limit: &Limit) -> Option<f64> {
    with_heap(config(bystanders, 1), |bed| {
        let _bystanders = bed.old_items::<S>(bystanders);
        let (sources, targets) = (bed.array(SINGLE), bed.array(SINGLE));
        bed.fill::<S>(sources);
        question.figure(&format!("one pair among {bystanders}, {}", S::NAME), SINGLE, limit, || {
            fresh_targets::<S>(bed, sources, targets);
            timed(|| (0..SINGLE).for_each(|index| become_one::<S>(bed.scope, sources, targets, index)))
        })
    })
}

/// What were targets are sources now: they get new targets, and a collection makes all old.
fn fresh_targets<S: Strategy>(bed: &mut Bed<'_, '_>, sources: Handle<'_>, targets: Handle<'_>) {
    if S::HAS_ENTRIES {
        // Aliases of an entry live as long as it does, and would add up from run to run.
        bed.fill::<S>(sources);
    }
    bed.fill::<S>(targets);
    bed.tenure();
}

fn become_one<'a, S: Strategy>(
    scope: &mut Scope<'_>,
    sources: Handle<'a>,
    targets: Handle<'a>,
    index: usize,
) {
    scope.scope(|scope| {
        let [source, target] = [sources, targets]
            .map(|array| scope.handle(scope.get(array).slot(index).expect("an index in bounds")));
        become_forward::<S>(scope, source, target, HashRule::Keep).expect("a valid pair");
    });
}

/// A become of one old pair by full scan, an object scanned.
pub fn scan(question: &mut Question<'_>, bystanders: usize, workers: usize, limit: &Limit) -> Option<f64> {
    with_heap(config(bystanders, workers), |bed| {
        let _bystanders = bed.old_items::<FullScan>(bystanders);
        let (sources, targets) = (bed.array(1), bed.array(1));
        bed.fill::<FullScan>(sources);
        let name = format!("one pair, full-scan, {}, an object scanned", threads(workers));
        question.figure(&name, bystanders, limit, || {
            bed.fill::<FullScan>(targets);
            timed(|| become_one::<FullScan>(bed.scope, sources, targets, 0))
        })
    })
}
