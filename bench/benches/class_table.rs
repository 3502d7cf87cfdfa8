//! What does it cost to look up a class index?
//!
//! Limit: reading one word of a plain array of as many entries, in the same order.

use std::hint::black_box;

use instar_bench::rng::SplitMix64;
use instar_gc::{GcConfig, World};
use instar_heap::{ClassIndex, ClassSpec, HeapConfig, MIB};

use crate::support::{Limit, Question, timed};

const CLASSES: usize = 20_000;
const LOOKUPS: usize = 1_000_000;

pub fn figures(question: &mut Question<'_>) {
    let heap = HeapConfig::with_limit(64 * MIB);
    let world = World::new(GcConfig { heap, ..GcConfig::default() }).expect("room for a small heap");
    let classes: Vec<ClassIndex> = world.attach().scope(|scope| {
        let mut define = |slots| scope.define_class(ClassSpec::fixed(slots as u16), None);
        (0..CLASSES).map(|slots| define(slots).expect("room for a class")).collect()
    });
    let table = &world.heap().classes;
    let mut rng = SplitMix64::new(1);
    let one = vec![0; LOOKUPS];
    let ascending = (0..LOOKUPS).map(|index| index % CLASSES).collect();
    let random = (0..LOOKUPS).map(|_| rng.below(CLASSES)).collect();
    for (name, order) in [("one class", one), ("ascending", ascending), ("random order", random)] {
        let indices: Vec<ClassIndex> = order.iter().map(|&index| classes[index]).collect();
        question.figure(name, LOOKUPS, &array_reads(name, order), || {
            let slots = |&index| table.spec(index).map_or(0, |spec| u64::from(spec.fixed_slots));
            timed(|| black_box(&indices).iter().map(slots).sum::<u64>())
        });
    }
}

fn array_reads(name: &str, order: Vec<usize>) -> Limit {
    let entries: Vec<u64> = (0..CLASSES as u64).collect();
    Limit::own(&format!("array, {name}"), order.len(), move || {
        let entries = black_box(&entries);
        timed(|| black_box(&order).iter().map(|&index| entries[index]).sum::<u64>())
    })
}
