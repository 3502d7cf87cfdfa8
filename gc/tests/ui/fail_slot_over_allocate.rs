//! What was read from a slot is as short-lived as the reference to the object.

use instar_gc::Scope;
use instar_heap::{ClassIndex, Handle};

fn held(scope: &mut Scope<'_>, class: ClassIndex, handle: Handle<'_>) {
    let value = scope.get(handle).slot(0).unwrap();
    let _other = scope.allocate(class, 0);
    assert!(value.is_nil());
}

fn main() {
    let _ = held;
}
