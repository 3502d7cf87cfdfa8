//! A collection may move what a reference points to.

use instar_gc::{Collection, Scope};
use instar_heap::Handle;

fn held(scope: &mut Scope<'_>, handle: Handle<'_>) {
    let reference = scope.get(handle);
    scope.collect(Collection::Young);
    assert!(reference.is_nil());
}

fn main() {
    let _ = held;
}
