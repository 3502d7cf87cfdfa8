//! The figures that the foundation set out to reach, each beside the physical limit of the same run: what
//! `docs/performance.md` states.
//!
//! Meant for `INSTAR_BENCH_OBJECTS=10000000`. A line "target" says what was to be reached, and whether it was.

use instar_become::Lazy;

use crate::forwarder_heal::{self, Holders};
use crate::support::heap::{config, with_heap};
use crate::support::{Machine, Question, objects};
use crate::{allocation, bulk_become, full_collection, heap_walk, scavenge};

/// The smaller of the bulk becomes.
const FEW: usize = 1000;

pub fn figures(question: &mut Question<'_>) {
    let machine = Machine::new(objects());
    become_of_many(question, &machine);
    become_of_one(question, &machine);
    passes(question, &machine);
    let walk = heap_walk::equal_sizes(question, objects(), &machine.limit("read"));
    question.target("walking for the instances of a class, an object", walk, 6.0);
    let allocated =
        with_heap(config(0, 1), |bed| allocation::three_slots(question, bed, &allocation::fill_limit()));
    question.target("allocation of 3 slots in a warm nursery", allocated, 4.0);
    collections(question, &machine);
}

fn become_of_many(question: &mut Question<'_>, machine: &Machine) {
    let limit = machine.limit("update-word");
    let few = bulk_become::one_way::<Lazy>(question, FEW, 1, &limit);
    question.target("bulk one-way become of 1000 pairs, lazy, 1 worker, a pair", few, 8.0);
    for (workers, most_ns) in [(1, 5.0), (2, 3.0)] {
        let limit = machine.parallel_limit("update-word", workers);
        let pair = bulk_become::one_way::<Lazy>(question, objects(), workers, &limit);
        question.target(&format!("bulk one-way become, lazy, workers: {workers}, a pair"), pair, most_ns);
    }
}

fn become_of_one(question: &mut Question<'_>, machine: &Machine) {
    let limit = machine.limit("update-word");
    let among_few = bulk_become::single::<Lazy>(question, FEW, &limit);
    let among_all = bulk_become::single::<Lazy>(question, objects(), &limit);
    question.target("one become, lazy", among_all, 250.0);
    question.ratio_target("one become, lazy, against one in a small heap", among_all, among_few, 1.1);
    let [(one, stream_one), (two, stream_two)] = [1, 2].map(|workers| {
        let limit = machine.parallel_limit("read", workers);
        (bulk_become::scan(question, objects(), workers, &limit), question.last_limit_ns())
    });
    question.ratio_target("full scan for one pair, against streaming, workers: 1", one, stream_one, 2.0);
    question.ratio_target("full scan for one pair, against streaming, workers: 2", two, stream_two, 2.0);
    question.ratio_target("full scan by two workers against one", two, one, 1.0 / 1.7);
    question.compare("streaming by two threads against one", stream_two, stream_one);
}

fn passes(question: &mut Question<'_>, machine: &Machine) {
    let all = [("fields", Holders::Fields), ("arrays", Holders::Elements), ("closures", Holders::Closures)];
    for (name, holders) in all {
        let [plain, first, second] = forwarder_heal::lazy_passes(question, machine, holders);
        question.ratio_target(
            &format!("first pass after a become, {name}, against plain"),
            first,
            plain,
            3.0,
        );
        question.ratio_target(
            &format!("second pass after a become, {name}, against plain"),
            second,
            plain,
            1.05,
        );
    }
}

fn collections(question: &mut Question<'_>, machine: &Machine) {
    for workers in [1, 2] {
        let limit = machine.parallel_limit("evacuate-touched", workers);
        let survivor = scavenge::survivors(question, workers, 1, &limit);
        let copied = question.last_limit_ns();
        let what = format!("scavenge, all survive, against copying, workers: {workers}");
        question.ratio_target(&what, survivor, copied, 1.5);
    }
    let [_, live] = [1, 2].map(|workers| {
        let limit = machine.parallel_limit("evacuate-touched", workers);
        full_collection::all_live(question, objects(), workers, &limit)
    });
    question.target("full collection, a live object, workers: 2", live, 30.0);
}
