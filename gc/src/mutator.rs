//! A mutator: a thread that allocates, reads and writes objects.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use instar_heap::object::write_header;
use instar_heap::sync::Sound;
use instar_heap::{Handle, Heap, HeapError, Obj, Oop, Shape, slot};

use crate::attached;
use crate::pause::Pause;
use crate::remembered::note_old_to_young;
use crate::roots::RootSet;
use crate::scope::Scope;
use crate::stats::Collection;
use crate::world::{Local, World};

/// Bytes of an allocation buffer.
const BUFFER_BYTES: usize = 64 << 10;
/// Objects of this size and above are born old: copying them between survivor halves costs more than it saves.
pub const LARGE_BYTES: usize = 64 << 10;

/// One thread's access to a world. Neither `Send` nor `Sync`: each thread attaches its own, and only one
/// (\[one-running\], see [`World::attach`](crate::World::attach)).
///
/// Whatever may pass a safepoint takes `&mut self`, so that the compiler sees where raw references end.
pub struct Mutator {
    world: Arc<World>,
    local: Arc<Local>,
    on_its_thread: PhantomData<*mut ()>,
}

impl Mutator {
    pub(crate) fn new(world: Arc<World>) -> Mutator {
        let local = Arc::new(Local::default());
        local.until_zeal.set(world.config.zeal.map_or(0, |n| n.get()));
        assert!(attached::begin(&world), "{}", attached::SECOND);
        world.safepoint.attach();
        world.lock_locals().push(local.clone());
        Mutator { world, local, on_its_thread: PhantomData }
    }

    /// The world that the mutator is attached to.
    #[inline]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The world's heap.
    #[inline]
    pub fn heap(&self) -> &Heap {
        &self.world.heap
    }

    #[inline]
    pub(crate) fn local(&self) -> &Local {
        &self.local
    }

    /// Runs `body` with a scope in which handles can be made; they end with it.
    pub fn scope<R>(&mut self, body: impl for<'s> FnOnce(&mut Scope<'s>) -> R) -> R {
        let mut scope = Scope::new(self);
        body(&mut scope)
    }

    /// Adds a root set, which the world keeps until the mutator is dropped.
    ///
    /// # Safety
    /// Whenever the world is stopped, the cells that the set shows hold immediates, [`Oop::NULL`], or references to live
    /// objects of this world: what was read from its roots or objects since the mutator's last safepoint, or what
    /// collections left there.
    pub unsafe fn add_roots(&mut self, roots: Box<dyn RootSet>) {
        // SAFETY: [local-owner]
        unsafe { &mut *self.local.roots.get() }.push(roots);
    }

    /// Lets a waiting collection or become go ahead, if there is one. One load otherwise.
    #[inline]
    pub fn safepoint(&mut self) {
        self.world.safepoint.poll();
    }

    /// Runs `body` without holding up the others: collections go ahead meanwhile. For waits and system calls.
    ///
    /// # Panics
    /// If `body` leaves a mutator of this world behind that it attached on this thread.
    pub fn blocked<R>(&mut self, body: impl FnOnce() -> R) -> R {
        struct Leave<'w>(&'w World);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                let is_only = attached::begin(self.0);
                self.0.safepoint.leave_blocked();
                // Not a second panic while that of `body` unwinds.
                assert!(is_only || std::thread::panicking(), "{}", attached::SECOND);
            }
        }
        self.world.safepoint.enter_blocked();
        attached::end(&self.world);
        let _leave = Leave(&self.world);
        body()
    }

    /// Lets another thread take the mutator over by [`enter_thread`](Self::enter_thread).
    ///
    /// # Safety
    /// Until then nobody uses the mutator, nor drops it.
    pub unsafe fn leave_thread(&mut self) {
        self.world.safepoint.enter_blocked();
        attached::end(&self.world);
    }

    /// Goes on with a mutator that [left](Self::leave_thread) another thread, or this one. Blocks while the world is stopped.
    ///
    /// # Safety
    /// The mutator has left its thread, and whatever that did with it was done before.
    ///
    /// # Panics
    /// As for [`World::attach`](crate::World::attach).
    pub unsafe fn enter_thread(&mut self) {
        let is_only = attached::begin(&self.world);
        self.world.safepoint.leave_blocked();
        assert!(is_only, "{}", attached::SECOND);
    }

    /// Stops all other mutators until the result is dropped.
    pub fn stop_world(&mut self) -> Pause<'_> {
        Pause::begin(&self.world)
    }

    /// Stops all other mutators and says what two handles refer to then: a collection may have come before the stop.
    pub fn stop_world_with(&mut self, one: Handle<'_>, other: Handle<'_>) -> (Pause<'_>, [Oop; 2]) {
        let pause = Pause::begin(&self.world);
        let oops = [self.local.handles.get(one), self.local.handles.get(other)];
        (pause, oops)
    }

    /// What the handle refers to now. Not a root itself: valid until the next call that takes `&mut self`.
    #[inline]
    pub fn oop(&self, handle: Handle<'_>) -> Oop {
        self.local.handles.get(handle)
    }

    /// Runs `body` while `oop` is a root. Returns what `oop` refers to afterwards as well.
    ///
    /// # Safety
    /// `oop` is an immediate or refers to a live object of this world.
    pub unsafe fn with_root<R>(&mut self, oop: Oop, body: impl FnOnce(&mut Mutator) -> R) -> (R, Oop) {
        let len = self.local.handles.len();
        let handle = self.local.handles.handle(self.local.handles.push(oop));
        let result = body(self);
        let now = self.local.handles.get(handle);
        self.local.handles.truncate(len);
        (result, now)
    }

    /// Whether no other mutator is attached, so that plain stores cannot race. What it answers holds since this mutator's
    /// last safepoint and until its next one; see [`Safepoint::is_alone`](crate::safepoint::Safepoint::is_alone).
    #[inline]
    pub fn is_alone(&self) -> bool {
        self.world.safepoint.is_alone()
    }

    /// Counts a reference to a forwarder that an access replaced.
    #[inline]
    pub fn note_healed(&self) {
        self.local.healed.set(self.local.healed.get() + 1);
    }

    /// How many references to forwarders this mutator's accesses replaced so far.
    pub fn healed(&self) -> u64 {
        self.local.healed.get()
    }

    /// Collects now.
    pub fn collect(&mut self, kind: Collection) {
        self.stop_world().collect(kind);
    }

    /// Allocates an object of `shape`; slots hold nil, raw data is zero. A bump of a pointer, the header and the slots;
    /// 3-slot objects take 2 to 4 ns in a warm nursery.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`] after a full collection that did not help.
    ///
    /// # Safety
    /// `shape` comes from a class that is in this world's table now. The object is not a root: it must not be used after the next
    /// call that takes `&mut self` unless it was stored in one.
    #[inline]
    pub unsafe fn allocate_raw(&mut self, shape: Shape) -> Result<Obj, HeapError> {
        let start = self.local.top.get();
        let end = start + shape.bytes;
        if end > self.local.end.get() {
            return self.allocate_slow(shape, shape.bytes >= LARGE_BYTES);
        }
        self.local.top.set(end);
        // SAFETY: start..end lies in this mutator's buffer, which is unused memory.
        Ok(unsafe { initialise(start, shape, self.world.heap.nil()) })
    }

    /// As [`allocate_raw`](Self::allocate_raw), in the old generation, for what is known to live long: symbols, methods,
    /// classes. Some twenty times as slow: a lock and an exchange on memory that all mutators share.
    ///
    /// # Errors
    /// As for [`allocate_raw`](Self::allocate_raw).
    ///
    /// # Safety
    /// As for [`allocate_raw`](Self::allocate_raw).
    pub unsafe fn allocate_raw_old(&mut self, shape: Shape) -> Result<Obj, HeapError> {
        self.allocate_slow(shape, true)
    }

    #[cold]
    #[inline(never)]
    fn allocate_slow(&mut self, shape: Shape, in_old: bool) -> Result<Obj, HeapError> {
        // [class-kept]
        self.local.allocating.set(Some(shape.header.class_index()));
        self.safepoint();
        self.zeal();
        let refused = self.world.may_allocate(shape.bytes);
        let result = if let Err(error) = refused {
            Err(error)
        } else if in_old {
            self.allocate_old(shape)
        } else {
            self.allocate_young(shape)
        };
        self.local.allocating.set(None);
        result
    }

    fn allocate_young(&mut self, shape: Shape) -> Result<Obj, HeapError> {
        // With zeal every allocation comes here, so that the countdown sees it.
        let is_counted = self.world.config.zeal.is_some() || self.world.refusal.is_to_come();
        let preferred_bytes = if is_counted { shape.bytes } else { BUFFER_BYTES };
        // SAFETY: the buffer is retired before each stop.
        let cut = |heap: &Heap| unsafe { heap.eden.region() }.refill(shape.bytes, preferred_bytes);
        self.retire_buffer();
        let mut buffer = cut(&self.world.heap);
        for kind in [Collection::Young, Collection::Full, Collection::Compacting] {
            buffer = buffer.or_else(|| self.collect_and_cut(kind, cut));
        }
        let buffer = buffer.ok_or_else(|| self.out_of_memory(shape.bytes))?;
        self.local.top.set(buffer.start + shape.bytes);
        self.local.end.set(buffer.end);
        // SAFETY: the buffer is this mutator's own.
        Ok(unsafe { initialise(buffer.start, shape, self.world.heap.nil()) })
    }

    /// Gives the rest of the allocation buffer up.
    pub(crate) fn retire_buffer(&mut self) {
        // SAFETY: [local-owner]
        unsafe { self.local.retire_buffer() };
    }

    fn zeal(&mut self) {
        let Some(interval) = self.world.config.zeal else { return };
        let left = self.local.until_zeal.get().saturating_sub(1);
        self.local.until_zeal.set(if left == 0 { interval.get() } else { left });
        if left == 0 {
            let is_fourth = self.world.lock_state().stats.collections() % 4 == 3;
            self.collect(if is_fourth { Collection::Compacting } else { Collection::Young });
        }
    }

    fn allocate_old(&mut self, shape: Shape) -> Result<Obj, HeapError> {
        let bytes = shape.bytes;
        if self.world.is_full_due(bytes) {
            let mut pause = self.stop_world();
            // Unless another mutator's collection came first.
            if pause.world().is_full_due(bytes) {
                pause.collect(Collection::Full);
            }
        }
        // SAFETY: the object is initialised before the next safepoint.
        let cut = |heap: &Heap| unsafe { heap.old.region() }.refill(bytes, bytes);
        let range = cut(&self.world.heap).or_else(|| self.collect_and_cut(Collection::Compacting, cut));
        let range = range.ok_or_else(|| self.out_of_memory(bytes))?;
        self.world.heap.note_old_top(range.end);
        // SAFETY: the range was handed out to this mutator.
        unsafe {
            self.world.heap.side.note_crossing(range.start, range.end);
            Ok(initialise(range.start, shape, self.world.heap.nil()))
        }
    }

    /// Collects, unless another mutator's collection made room while this one waited for the stop. The memory is cut
    /// off inside the stop, so that the others cannot use it up first.
    fn collect_and_cut(
        &mut self,
        kind: Collection,
        cut: impl Fn(&Heap) -> Option<Range<usize>>,
    ) -> Option<Range<usize>> {
        let mut pause = self.stop_world();
        let heap = &pause.world().heap;
        cut(heap).or_else(|| {
            pause.collect(kind);
            cut(heap)
        })
    }

    fn out_of_memory(&self, requested: usize) -> HeapError {
        let heap = &self.world.heap;
        HeapError::OutOfMemory { requested, used: heap.used_bytes(), limit: heap.config().limit_bytes }
    }

    /// Stores `value` into slot `index` of `object`, with the generational write barrier: two compares unless an old
    /// object comes to refer to a young one.
    ///
    /// # Safety
    /// `object` is a live object of this world with pointer slots, not a forwarder, and has that slot; `value` is an
    /// immediate or refers to a live object of this world.
    #[inline]
    pub unsafe fn store(&self, object: Obj, index: usize, value: Oop) {
        // [MM-slot]: `value` may be new, and other mutators may read it here at once.
        slot::store::<Sound, _>(object.slot_cell(index), value);
        self.store_barrier(object, index, value);
    }

    /// The barrier of [`store`](Self::store) alone, for a slot that was written by other means.
    #[inline]
    pub fn store_barrier(&self, object: Obj, index: usize, value: Oop) {
        let heap = &self.world.heap;
        if heap.is_young_pointer(value) && !heap.is_young(object.address()) {
            note_old_to_young(heap, object, index, |object| {
                // SAFETY: [local-owner]
                unsafe { &mut *self.local.remembered.get() }.push(object);
            });
        }
    }

    /// Takes the next ephemeron whose key died from the finalisation queue.
    ///
    /// The result is not a root until it is stored in one; see [`Scope::next_finalizable`] for the safe form.
    pub(crate) fn pop_finalizable(&mut self) -> Option<Oop> {
        self.world.lock_state().finalizable.pop_front()
    }
}

impl Drop for Mutator {
    fn drop(&mut self) {
        // SAFETY: [local-owner]
        unsafe {
            self.local.retire_buffer();
            let own = std::mem::take(&mut *self.local.remembered.get());
            let mut state = self.world.lock_state();
            state.remembered.extend(own);
            state.stats.healed_by_the_gone += self.local.healed.get();
        }
        self.world.lock_locals().retain(|local| !Arc::ptr_eq(local, &self.local));
        self.world.safepoint.detach();
        attached::end(&self.world);
    }
}

/// Writes header and empty slots. Copy, initialise and publish are separate steps: nobody else knows the object yet.
///
/// # Safety
/// `start..start + shape.bytes` is unused memory that the caller owns.
#[inline]
unsafe fn initialise(start: usize, shape: Shape, nil: Oop) -> Obj {
    // SAFETY: the caller's promise.
    unsafe {
        let object = write_header(start, shape.header, shape.slots);
        let filler = if shape.header.format().has_pointers() { nil } else { Oop::NULL };
        let first = (object.address() + 8) as *mut u64;
        for index in 0..shape.slots {
            first.add(index).write(filler.bits());
        }
        object
    }
}
