//! Memory that runs out on request, for tests: the n-th allocation from now is refused, and no other.
//!
//! While a refusal is to come, mutators take no buffers, so that each allocation comes to the slow path, which is the only place that asks.
//! Allocation at its usual speed knows nothing of this.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use instar_heap::HeapError;

use crate::mutator::Mutator;
use crate::world::World;

/// Allocations that are left, the refused one included; 0 if none is to be refused.
///
/// A relaxed counter: it orders nothing, and with several mutators it does not matter whose allocation is the n-th.
#[derive(Debug, Default)]
pub(crate) struct Refusal(AtomicU64);

impl Refusal {
    /// Whether an allocation is going to be refused.
    #[inline]
    pub fn is_to_come(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    /// Counts an allocation; whether it is the one.
    fn strikes(&self) -> bool {
        self.is_to_come() && self.0.fetch_sub(1, Relaxed) == 1
    }
}

impl Mutator {
    /// Lets allocation number `n` from now on fail as though there was no memory left: with 1 the next. With 0 none does. Other
    /// mutators go on with the buffers that they have. Whether the refusal has come, [`refusal_is_to_come`](Self::refusal_is_to_come) tells.
    pub fn refuse_allocation(&mut self, n: u64) {
        self.retire_buffer();
        self.world().refusal.0.store(n, Relaxed);
    }

    /// Whether an allocation is still to be refused.
    pub fn refusal_is_to_come(&self) -> bool {
        self.world().refusal.is_to_come()
    }
}

impl World {
    /// To be asked before memory is taken by other ways than a mutator's: counts as an allocation.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`] if this is the one that is refused.
    pub fn may_allocate(&self, requested: usize) -> Result<(), HeapError> {
        if !self.refusal.strikes() {
            return Ok(());
        }
        let heap = self.heap();
        Err(HeapError::OutOfMemory { requested, used: heap.used_bytes(), limit: heap.config().limit_bytes })
    }
}

#[cfg(test)]
mod tests {
    use crate::{GcConfig, World};
    use instar_heap::{ClassSpec, Format};

    #[test]
    fn the_nth_allocation_is_refused_and_no_other() {
        let world = World::new(GcConfig::checking()).unwrap();
        let mut mutator = world.attach();
        mutator.scope(|scope| {
            let spec = ClassSpec { format: Format::FIXED, fixed_slots: 2 };
            let class = scope.define_class(spec, None).unwrap();
            scope.allocate(class, 0).unwrap();
            for n in 1..=4 {
                scope.mutator().refuse_allocation(n);
                let results: Vec<bool> = (1..=6).map(|_| scope.allocate(class, 0).is_ok()).collect();
                let wanted: Vec<bool> = (1..=6).map(|each| each != n).collect();
                assert_eq!(results, wanted);
                assert!(!scope.mutator().refusal_is_to_come());
            }
        });
    }
}
