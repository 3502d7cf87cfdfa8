//! Roots: the references from outside the heap.

use instar_heap::Oop;

/// A source of references that the collector keeps alive and updates: an interpreter's stacks, a table of globals.
///
/// Visited with all mutators stopped. Each cell must be visited at most once a call; cells that hold immediates or
/// [`Oop::NULL`] may be visited.
pub trait RootSet: Send {
    /// Shows every reference to `visitor`, which may replace it.
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop));
}

impl RootSet for Vec<Oop> {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.iter_mut().for_each(visitor);
    }
}

/// A root set that its owner shares with the collector.
impl<T: RootSet> RootSet for std::sync::Arc<std::sync::Mutex<T>> {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).visit(visitor);
    }
}
