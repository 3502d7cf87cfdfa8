//! How soon is a pass over swapped objects as fast again as before the become, under each way to heal?
//!
//! - send's miss: the send that misses knows from which slot its receiver came, and heals that; reads never check.
//! - read check: the read of an element checks while forwarders are alive (the field relies on the send's miss).
//! - always-check: every read checks.
//! - incremental healer: small pauses heal a mebibyte each before anybody reads; "a reference" is its own cost.
//! - not healed: a send that does not know where its receiver came from, as in systems that heal fields but not arrays.
//!
//! Limit of each pass: summing a field through references in address order.

use std::time::Duration;

use instar_become::{AlwaysCheck, HashRule, Healer, Lazy, Strategy, become_forward_all};
use instar_heap::Handle;

use crate::support::heap::{Bed, COPIED, config, with_heap};
use crate::support::{Machine, Question, objects, timed};

type Pass = fn(&mut Bed<'_, '_>, Handle<'_>) -> Duration;

pub fn figures(question: &mut Question<'_>) {
    let machine = Machine::new(objects());
    elements::<Lazy>(question, &machine, "element, send's miss", |bed, array| {
        bed.unchecked_element_pass::<Lazy>(array, true)
    });
    elements::<Lazy>(question, &machine, "element, read check", |bed, array| {
        bed.element_pass::<Lazy>(array, true)
    });
    elements::<Lazy>(question, &machine, "element, not healed", |bed, array| {
        bed.unchecked_element_pass::<Lazy>(array, false)
    });
    elements::<AlwaysCheck>(question, &machine, "element, always-check", |bed, array| {
        bed.element_pass::<AlwaysCheck>(array, true)
    });
    incremental(question, &machine);
    fields::<Lazy>(question, &machine, "field, send's miss", |bed, holders| bed.field_pass::<Lazy>(holders));
    fields::<AlwaysCheck>(question, &machine, "field, always-check", |bed, holders| {
        bed.field_pass::<AlwaysCheck>(holders)
    });
}

fn elements<S: Strategy>(
    question: &mut Question<'_>,
    machine: &Machine,
    name: &str,
    pass: Pass,
) -> [Option<f64>; 3] {
    with_heap(config(objects(), 1), |bed| {
        let items = bed.old_items::<S>(objects());
        let targets = bed.array(objects());
        passes::<S>(question, machine, name, bed, [items, targets, items], pass)
    })
}

fn fields<S: Strategy>(
    question: &mut Question<'_>,
    machine: &Machine,
    name: &str,
    pass: Pass,
) -> [Option<f64>; 3] {
    with_heap(config(objects(), 1), |bed| {
        let items = bed.old_items::<S>(objects());
        let targets = bed.array(objects());
        let holders = bed.old_holders(items);
        passes::<S>(question, machine, name, bed, [items, targets, holders], pass)
    })
}

/// What the healer costs, and the first pass after it.
fn incremental(question: &mut Question<'_>, machine: &Machine) {
    let limit = machine.limit("sum-address-order");
    with_heap(config(objects(), 1), |bed| {
        let items = bed.old_items::<Lazy>(objects());
        let targets = bed.array(objects());
        let name = "element, incremental healer";
        let plain = question
            .figure(&format!("{name}: plain"), objects(), &limit, || bed.element_pass::<Lazy>(items, true));
        question.figure(&format!("{name}: a reference"), objects(), &limit, || {
            swap_all_items::<Lazy>(bed, items, targets);
            heal_in_steps(bed)
        });
        let first = question.figure(&format!("{name}: first pass"), objects(), &limit, || {
            swap_all_items::<Lazy>(bed, items, targets);
            heal_in_steps(bed);
            bed.element_pass::<Lazy>(items, true)
        });
        question.compare(&format!("{name}: first pass against plain"), first, plain);
    });
}

/// A round of the healer, the world stopped anew for each step.
fn heal_in_steps(bed: &mut Bed<'_, '_>) -> Duration {
    let mut healer = Healer::new();
    timed(|| while !healer.step(&mut bed.scope.stop_world(), 1).is_last {})
}

/// Where the references to swapped objects stand.
#[derive(Clone, Copy)]
pub enum Holders {
    Fields,
    Elements,
    Closures,
}

/// Plain, first and second pass under lazy forwarders.
pub fn lazy_passes(question: &mut Question<'_>, machine: &Machine, holders: Holders) -> [Option<f64>; 3] {
    with_heap(config(objects(), 1), |bed| {
        let items = bed.old_items::<Lazy>(objects());
        let targets = bed.array(objects());
        let (name, holders, pass): (_, _, Pass) = match holders {
            Holders::Fields => ("field", bed.old_holders(items), |bed, all| bed.field_pass::<Lazy>(all)),
            Holders::Elements => ("element", items, |bed, all| bed.element_pass::<Lazy>(all, true)),
            Holders::Closures => {
                ("closure", bed.old_closures(items), |bed, all| bed.slot_pass::<Lazy>(all, COPIED))
            }
        };
        passes::<Lazy>(question, machine, name, bed, [items, targets, holders], pass)
    })
}

/// Plain, first and second pass over `holders`, which refer to `items`.
fn passes<'s, S: Strategy>(
    question: &mut Question<'_>,
    machine: &Machine,
    name: &str,
    bed: &mut Bed<'_, 's>,
    [items, targets, holders]: [Handle<'s>; 3],
    pass: Pass,
) -> [Option<f64>; 3] {
    let limit = machine.limit("sum-address-order");
    let count = objects();
    let plain = question.figure(&format!("{name}: plain"), count, &limit, || pass(bed, holders));
    let first = question.figure(&format!("{name}: first pass"), count, &limit, || {
        swap_all_items::<S>(bed, items, targets);
        pass(bed, holders)
    });
    let second = question.figure(&format!("{name}: second pass"), count, &limit, || {
        swap_all_items::<S>(bed, items, targets);
        pass(bed, holders);
        pass(bed, holders)
    });
    question.compare(&format!("{name}: first pass against plain"), first, plain);
    question.compare(&format!("{name}: second pass against plain"), second, plain);
    [plain, first, second]
}

/// Replaces every item by a fresh old one.
fn swap_all_items<S: Strategy>(bed: &mut Bed<'_, '_>, items: Handle<'_>, targets: Handle<'_>) {
    bed.fill::<S>(targets);
    bed.tenure();
    become_forward_all::<S>(bed.scope, items, targets, HashRule::Keep).expect("valid pairs");
}
