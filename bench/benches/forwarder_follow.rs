//! What does it cost to follow a chain of forwarders, an object passed?
//!
//! A chain of `k` forwarders passes `k + 1` objects. Limit: reading one word in as many objects, in the same order.

use instar_become::{HashRule, Lazy, become_forward_all};

use crate::support::heap::{config, with_heap};
use crate::support::{Machine, Question, objects};

pub fn figures(question: &mut Question<'_>) {
    let machine = Machine::new(objects());
    for forwarders in [0, 1, 2, 4, 8] {
        let chains = objects() / (forwarders + 1);
        let passed = chains * (forwarders + 1);
        with_heap(config(objects(), 1), |bed| {
            let links: Vec<_> = (0..=forwarders).map(|_| bed.old_items::<Lazy>(chains)).collect();
            for pair in links.windows(2) {
                become_forward_all::<Lazy>(bed.scope, pair[0], pair[1], HashRule::Keep).expect("valid pairs");
            }
            let limit = machine.limit("sum-address-order");
            let name = format!("{forwarders} forwarders");
            question.figure(&name, passed, &limit, || bed.follow_pass(links[0]));
            bed.shuffle(links[0], 1);
            let limit = machine.limit("sum-random-order");
            let name = format!("{forwarders} forwarders, random order");
            question.figure(&name, passed, &limit, || bed.follow_pass(links[0]));
        });
    }
}
