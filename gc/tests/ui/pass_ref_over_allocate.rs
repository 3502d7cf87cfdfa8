//! Read again after the allocation.

use instar_gc::Scope;
use instar_heap::{ClassIndex, Handle};

fn read_again(scope: &mut Scope<'_>, class: ClassIndex, handle: Handle<'_>) {
    let _other = scope.allocate(class, 0);
    let reference = scope.get(handle);
    assert!(reference.is_nil());
}

fn main() {
    let _ = read_again;
}
