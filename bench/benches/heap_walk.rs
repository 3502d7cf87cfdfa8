//! What does it cost to find the instances of a class by walking the heap, an object walked?
//!
//! Limit: streaming the same bytes from memory.

use instar_become::Lazy;

use crate::support::heap::{config, with_heap};
use crate::support::{Limit, Machine, Question, objects};

pub fn figures(question: &mut Question<'_>) {
    let count = objects();
    let machine = Machine::new(count);
    let limit = machine.limit("read");
    equal_sizes(question, count, &limit);
    with_heap(config(count, 1), |bed| {
        // 16 to 56 bytes, 36 on average.
        let _mixed = bed.old_objects_of_mixed_sizes(count);
        let class = bed.items;
        question.figure("sizes in random order", count, &limit, || bed.instances(class).1);
    });
}

/// A heap of 3-slot objects.
pub fn equal_sizes(question: &mut Question<'_>, count: usize, limit: &Limit) -> Option<f64> {
    with_heap(config(count, 1), |bed| {
        let _items = bed.old_items::<Lazy>(count);
        let class = bed.items;
        assert_eq!(bed.instances(class).0, count);
        question.figure("32 bytes each", count, limit, || bed.instances(class).1)
    })
}
