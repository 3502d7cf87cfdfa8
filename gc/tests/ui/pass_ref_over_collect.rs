//! Read again after the collection.

use instar_gc::{Collection, Scope};
use instar_heap::Handle;

fn read_again(scope: &mut Scope<'_>, handle: Handle<'_>) {
    scope.collect(Collection::Young);
    let reference = scope.get(handle);
    assert!(reference.is_nil());
}

fn main() {
    let _ = read_again;
}
