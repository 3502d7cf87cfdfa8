//! A mutator stays on the thread that attached it.

use instar_gc::Mutator;

fn moved(mut mutator: Mutator) {
    std::thread::spawn(move || mutator.safepoint());
}

fn main() {
    let _ = moved;
}
