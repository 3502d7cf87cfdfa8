//! The stopped world: what may be done only while no mutator runs.

#![allow(unsafe_code)]

use instar_heap::header::POISON;
use instar_heap::walk::walk;
use instar_heap::{ClassIndex, HeaderFlags, HeapError, Obj, Oop};

use crate::collect;
use crate::remembered::note_old_to_young;
use crate::safepoint::Stopped;
use crate::stats::Collection;
use crate::world::World;

/// All mutators of a world stand still while this lives. Dropping it lets them go on.
///
/// It is the licence for collection, become and heap walks. \[stopped\] A method of `Pause` may touch every object and
/// every root without further synchronisation; worker threads that it starts end before it returns.
pub struct Pause<'w> {
    world: &'w World,
    _stopped: Stopped<'w>,
}

impl<'w> Pause<'w> {
    /// Stops the world. The caller is an attached mutator that is not parked.
    pub(crate) fn begin(world: &'w World) -> Pause<'w> {
        Pause { world, _stopped: world.safepoint.stop() }
    }

    /// The stopped world.
    #[inline]
    pub fn world(&self) -> &'w World {
        self.world
    }

    /// Collects.
    pub fn collect(&mut self, kind: Collection) {
        collect::run(self, kind);
    }

    /// Moves all reachable young objects to the old generation. One scavenge, and counted as one.
    pub fn tenure_all(&mut self) {
        collect::tenure(self);
    }

    /// Visits every root cell once: handles, root sets and the finalisation queue. The class table is not among them.
    ///
    /// # Safety
    /// What the visitor leaves in a cell is what was there, an immediate, or a reference to a live object of this world.
    pub unsafe fn visit_roots(&mut self, mut visitor: impl FnMut(&mut Oop)) {
        for local in self.world.lock_locals().iter() {
            // SAFETY: [stopped]
            unsafe {
                local.handles.visit(&mut visitor);
                for set in &mut *local.roots.get() {
                    set.visit(&mut visitor);
                }
            }
        }
        self.world.lock_state().finalizable.iter_mut().for_each(visitor);
    }

    /// Visits every weak root cell once; see [`RootSet::visit_weak`](crate::RootSet::visit_weak).
    ///
    /// # Safety
    /// As for [`visit_roots`](Self::visit_roots); cells may be emptied.
    pub unsafe fn visit_weak_roots(&mut self, mut visitor: impl FnMut(&mut Oop)) {
        for local in self.world.lock_locals().iter() {
            // SAFETY: [stopped]
            for set in unsafe { &mut *local.roots.get() } {
                set.visit_weak(&mut visitor);
            }
        }
    }

    /// Visits the weak root cells that refer to young objects.
    ///
    /// # Safety
    /// As for [`visit_weak_roots`](Self::visit_weak_roots).
    pub(crate) unsafe fn visit_young_weak_roots(&mut self, mut visitor: impl FnMut(&mut Oop)) {
        for local in self.world.lock_locals().iter() {
            // SAFETY: [stopped]
            for set in unsafe { &mut *local.roots.get() } {
                set.visit_weak_young(self.world.heap.bounds(), &mut visitor);
            }
        }
    }

    /// Makes all spaces walkable (\[walkable\]): covers the unused rests of all allocation buffers.
    pub fn retire_buffers(&mut self) {
        for local in self.world.lock_locals().iter() {
            // SAFETY: [stopped]
            unsafe { local.retire_buffer() };
        }
    }

    /// Visits the instances of `class` in all spaces, dead ones included that no collection has removed yet. Reads one
    /// header an object; see [`walk`].
    pub fn for_each_instance(&mut self, class: ClassIndex, mut visitor: impl FnMut(Oop)) {
        self.retire_buffers();
        // SAFETY: [stopped], and all spaces are walkable now.
        unsafe { self.world.heap.for_each_instance(class, |object| visitor(object.oop())) };
    }

    /// Makes room for `additional` remembered objects, so that remembering them cannot fail half-way.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`]; nothing has changed then.
    pub fn reserve_remembered(&mut self, additional: usize) -> Result<(), HeapError> {
        let requested = additional * size_of::<Obj>();
        self.world.lock_state().remembered.try_reserve(additional).map_err(|_| HeapError::OutOfMemory {
            requested,
            used: self.world.heap.used_bytes(),
            limit: self.world.heap.config().limit_bytes,
        })
    }

    /// The write barrier's slow half for stores into slot `index` of `object` made while the world is stopped. Worker
    /// threads may call it at once.
    ///
    /// It cannot fail. Without memory for the list, the flags in the headers alone say what is remembered, and the next
    /// collection walks the old generation for them.
    pub fn remember_store(&self, object: Obj, index: usize, value: Oop) {
        let heap = &self.world.heap;
        if heap.is_young_pointer(value) && !heap.is_young(object.address()) {
            note_old_to_young(heap, object, index, |object| {
                let mut state = self.world.lock_state();
                if state.remembered.try_reserve(1).is_ok() {
                    state.remembered.push(object);
                } else {
                    state.remembered_lost = true;
                }
            });
        }
    }

    /// The remembered set, taken from the collector and from all mutators.
    pub(crate) fn take_remembered(&mut self) -> Vec<Obj> {
        let mut all = std::mem::take(&mut self.world.lock_state().remembered);
        for local in self.world.lock_locals().iter() {
            // SAFETY: [stopped]
            all.append(unsafe { &mut *local.remembered.get() });
        }
        if std::mem::take(&mut self.world.lock_state().remembered_lost) {
            all = self.flagged_as_remembered();
        }
        all
    }

    /// The remembered set as the headers have it.
    fn flagged_as_remembered(&self) -> Vec<Obj> {
        let mut all = Vec::new();
        // SAFETY: [stopped]; the old generation is walkable in every stop.
        unsafe {
            walk(self.world.heap.old_range(), |object, header| {
                if header.has_any(HeaderFlags::REMEMBERED) {
                    all.push(object);
                }
            });
        }
        all
    }

    /// Voids all allocation buffers and re-establishes [tenure-room], if there is enough room at all. Called with eden
    /// empty.
    #[must_use]
    pub(crate) fn reserve_tenure_room(&mut self) -> bool {
        for local in self.world.lock_locals().iter() {
            local.top.set(0);
            local.end.set(0);
        }
        // SAFETY: [stopped], and eden was just emptied.
        unsafe { self.world.heap.reserve_tenure_room(self.world.tenure_slack_bytes()) }
    }

    /// In zeal builds, fills memory that holds no object any more with a pattern that nothing valid equals.
    pub(crate) fn poison(&mut self, range: std::ops::Range<usize>) {
        if self.world.config.zeal.is_some() {
            for address in range.step_by(8) {
                // SAFETY: [stopped], and the collection that calls left no object in the range.
                unsafe { (address as *mut u64).write(POISON) };
            }
        }
    }

    /// Verifies the whole heap if the world was made with `verify`.
    ///
    /// # Panics
    /// With the list of broken invariants.
    pub fn check(&mut self, after: &str) {
        if self.world.config.verify {
            let broken = self.verify();
            assert!(broken.is_empty(), "heap invariants broken after {after}:\n{}", broken.join("\n"));
        }
    }

    /// What is broken in the whole heap, each place in words; nothing if all is well. Takes a bit for each word of the heap, and some tens of
    /// nanoseconds for each object.
    pub fn verify(&mut self) -> Vec<String> {
        collect::verify_world(self)
    }
}
