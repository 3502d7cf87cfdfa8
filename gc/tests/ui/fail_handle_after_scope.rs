//! Nor can a scope return one.

use instar_gc::Scope;
use instar_heap::ClassIndex;

fn returned(scope: &mut Scope<'_>, class: ClassIndex) {
    let handle = scope.scope(|inner| inner.allocate(class, 0).unwrap());
    assert!(!scope.get(handle).is_nil());
}

fn main() {
    let _ = returned;
}
