//! What does a slot read cost under each read barrier, while no forwarder is alive?
//!
//! One pass reads each reference, sends to what it finds (compares the class) and reads a number there. Limit: summing
//! a field through references in address order. "in cache" repeats the pass over few objects, where memory hides
//! nothing.

use instar_become::{AlwaysCheck, FullScan, Lazy, ObjectTable, Strategy};

use crate::support::heap::{config, with_heap};
use crate::support::{Limit, Machine, Question, objects};

/// References and items together fit a first-level cache of 32 KiB.
const FEW: usize = 500;
/// Passes over few objects in one run.
const PASSES: usize = 1000;

pub fn figures(question: &mut Question<'_>) {
    let many = objects();
    let limit = Machine::new(many).limit("sum-address-order");
    let machine = Machine::new(FEW);
    let few_limit = in_cache(&machine);
    strategy::<FullScan>(question, many, &limit, &few_limit);
    strategy::<Lazy>(question, many, &limit, &few_limit);
    strategy::<AlwaysCheck>(question, many, &limit, &few_limit);
    strategy::<ObjectTable>(question, many, &limit, &few_limit);
}

fn in_cache(machine: &Machine) -> Limit {
    let once = machine.limit("sum-address-order");
    Limit::own("sum-address-order in cache", FEW * PASSES, move || (0..PASSES).map(|_| once.once()).sum())
}

fn strategy<S: Strategy>(question: &mut Question<'_>, many: usize, limit: &Limit, few_limit: &Limit) {
    with_heap(config(many, 1), |bed| {
        let items = bed.old_items::<S>(many);
        let holders = bed.old_holders(items);
        let name = S::NAME;
        question.figure(&format!("element, {name}"), many, limit, || bed.element_pass::<S>(items, true));
        question.figure(&format!("field, {name}"), many, limit, || bed.field_pass::<S>(holders));
        let few = bed.old_items::<S>(FEW);
        let few_holders = bed.old_holders(few);
        question.figure(&format!("element, {name}, in cache"), FEW * PASSES, few_limit, || {
            (0..PASSES).map(|_| bed.element_pass::<S>(few, true)).sum()
        });
        question.figure(&format!("field, {name}, in cache"), FEW * PASSES, few_limit, || {
            (0..PASSES).map(|_| bed.field_pass::<S>(few_holders)).sum()
        });
    });
}
