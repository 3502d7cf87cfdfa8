//! An allocation may move what a reference points to.

use instar_gc::Scope;
use instar_heap::{ClassIndex, Handle};

fn held(scope: &mut Scope<'_>, class: ClassIndex, handle: Handle<'_>) {
    let reference = scope.get(handle);
    let _other = scope.allocate(class, 0);
    assert!(reference.is_nil());
}

fn main() {
    let _ = held;
}
