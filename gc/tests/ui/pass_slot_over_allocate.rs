//! A handle on the value survives.

use instar_gc::Scope;
use instar_heap::{ClassIndex, Handle};

fn rooted(scope: &mut Scope<'_>, class: ClassIndex, handle: Handle<'_>) {
    let value = scope.handle(scope.get(handle).slot(0).unwrap());
    let _other = scope.allocate(class, 0);
    assert!(scope.get(value).is_nil());
}

fn main() {
    let _ = rooted;
}
