//! The world goes to the other thread, which attaches there.

use std::sync::Arc;

use instar_gc::World;

fn moved(world: Arc<World>) {
    std::thread::spawn(move || world.attach().safepoint());
}

fn main() {
    let _ = moved;
}
