//! Roots: the references from outside the heap.

use instar_heap::Oop;
use instar_heap::heap::Bounds;

/// A source of references that the collector keeps alive and updates: an interpreter's stacks, a table of globals.
///
/// Visited with all mutators stopped. Each cell must be visited at most once a call, by one of the two methods; cells that
/// hold immediates or [`Oop::NULL`] may be visited. Neither method touches the heap.
pub trait RootSet: Send {
    /// Shows every reference to `visitor`, which may replace it.
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop));

    /// Shows every weak cell to `visitor`: a reference that the owner wants to know as long as something else keeps the
    /// referent alive. A table of symbols, or of methods.
    ///
    /// After each collection a weak cell holds where its referent is now, or [`Oop::NULL`] if that died. A scavenge
    /// decides young referents only, at the price of one compare for each other cell; old ones are decided by full
    /// collections. An object in the finalisation queue is alive. Until the collection that finds it dead, what a weak
    /// cell refers to may be taken out of it and used again: the owner stores it in a root or an object before its next
    /// safepoint.
    ///
    /// A become leaves weak cells alone, as it does the slots of objects, so that its price does not grow with tables of
    /// symbols and methods: what is taken out of a cell may be a forwarder, which the owner follows
    /// ([`resolve`](instar_heap::memory::resolve)). Only a full scan redirects them.
    fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        let _ = visitor;
    }

    /// Shows those weak cells to `visitor` that refer to young objects, as `young` tells. Called by scavenges.
    ///
    /// What is provided calls [`visit_weak`](Self::visit_weak), at the price of a call for each cell: 2 ns. A table of tens
    /// of thousands loops over its cells itself, asks [`Bounds::is_young_pointer`], and pays a compare: 1 ns.
    fn visit_weak_young(&mut self, young: Bounds, visitor: &mut dyn FnMut(&mut Oop)) {
        self.visit_weak(&mut |cell| {
            if young.is_young_pointer(*cell) {
                visitor(cell);
            }
        });
    }
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

    fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).visit_weak(visitor);
    }

    fn visit_weak_young(&mut self, young: Bounds, visitor: &mut dyn FnMut(&mut Oop)) {
        self.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).visit_weak_young(young, visitor);
    }
}
