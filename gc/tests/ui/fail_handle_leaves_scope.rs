//! A handle of an inner scope has no cell any more when that scope has ended.

use instar_gc::Scope;
use instar_heap::{ClassIndex, Handle};

fn kept<'s>(scope: &mut Scope<'s>, class: ClassIndex, handles: &mut Vec<Handle<'s>>) {
    scope.scope(|inner| handles.push(inner.allocate(class, 0).unwrap()));
}

fn main() {
    let _ = kept;
}
