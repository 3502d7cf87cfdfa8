//! Read again after the safepoint.

use instar_gc::Scope;
use instar_heap::Handle;

fn read_again(scope: &mut Scope<'_>, handle: Handle<'_>) {
    scope.safepoint();
    let reference = scope.get(handle);
    assert!(reference.is_nil());
}

fn main() {
    let _ = read_again;
}
