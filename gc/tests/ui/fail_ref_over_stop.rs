//! Whoever stops the world waits for other stops, in which objects move.

use instar_gc::Scope;
use instar_heap::Handle;

fn held(scope: &mut Scope<'_>, handle: Handle<'_>) {
    let reference = scope.get(handle);
    drop(scope.stop_world());
    assert!(reference.is_nil());
}

fn main() {
    let _ = held;
}
