//! At a safepoint another thread may collect.

use instar_gc::Scope;
use instar_heap::Handle;

fn held(scope: &mut Scope<'_>, handle: Handle<'_>) {
    let reference = scope.get(handle);
    scope.safepoint();
    assert!(reference.is_nil());
}

fn main() {
    let _ = held;
}
