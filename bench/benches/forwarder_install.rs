//! What does it cost to turn an object into a forwarder, the become around it left out?
//!
//! Limit: one word written in each object, in the same order.

use instar_become::Lazy;

use crate::support::heap::{config, with_heap};
use crate::support::{Machine, Question, objects};

pub fn figures(question: &mut Question<'_>) {
    let count = objects();
    let machine = Machine::new(count);
    with_heap(config(count, 1), |bed| {
        let sources = bed.old_items::<Lazy>(count);
        let targets = bed.old_items::<Lazy>(count);
        question.figure("address order", count, &machine.limit("update-word"), || {
            bed.install_and_undo(sources, targets)
        });
        bed.shuffle(sources, 1);
        question.figure("random order", count, &machine.limit("random-write"), || {
            bed.install_and_undo(sources, targets)
        });
    });
}
