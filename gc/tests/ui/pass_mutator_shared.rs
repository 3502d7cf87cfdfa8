//! Each attaches its own.

use std::sync::Arc;

use instar_gc::World;

fn shared(world: &Arc<World>) {
    std::thread::scope(|threads| {
        threads.spawn(|| world.attach().heap().used_bytes());
    });
}

fn main() {
    let _ = shared;
}
