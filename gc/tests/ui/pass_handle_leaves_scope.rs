//! A handle of the same scope may be kept as long as the scope.

use instar_gc::Scope;
use instar_heap::{ClassIndex, Handle};

fn kept<'s>(scope: &mut Scope<'s>, class: ClassIndex, handles: &mut Vec<Handle<'s>>) {
    handles.push(scope.allocate(class, 0).unwrap());
    let last = handles[0];
    scope.scope(|inner| assert!(!inner.get(last).is_nil()));
}

fn main() {
    let _ = kept;
}
