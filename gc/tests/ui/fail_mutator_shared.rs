//! Two threads cannot use one mutator.

use instar_gc::Mutator;

fn shared(mutator: &Mutator) {
    std::thread::scope(|threads| {
        threads.spawn(|| mutator.heap().used_bytes());
    });
}

fn main() {
    let _ = shared;
}
