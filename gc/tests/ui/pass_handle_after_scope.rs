//! A scope can return what it read from an object.

use instar_gc::Scope;
use instar_heap::ClassIndex;

fn returned(scope: &mut Scope<'_>, class: ClassIndex) {
    let value = scope.scope(|inner| {
        let handle = inner.allocate(class, 0).unwrap();
        inner.get(handle).as_integer()
    });
    assert!(value.is_none());
}

fn main() {
    let _ = returned;
}
