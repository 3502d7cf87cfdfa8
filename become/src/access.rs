//! Heap access under a strategy: what an interpreter's bytecodes and primitives do, site by site.
//!
//! | site | lazy | always-check | full-scan | object-table |
//! |---|---|---|---|---|
//! | slot load | – | check, heal | – | – |
//! | element load | check and heal while forwarders are alive | check, heal | – | – |
//! | send | class compare; the miss follows and heals | class compare | class compare | entry load, class compare |
//! | identity | equal, or the ends of both chains | equal, or the ends of both chains | equal | equal, or the bodies |
//! | primitive's argument | follow | follow | – | entry load |
//! | store | write barrier | write barrier | write barrier | write barrier |
//!
//! A send compares the receiver's class index anyway, and no class has the forwarder's: under `lazy` the compare is the
//! barrier. An element read by `at:` is not sent to at once, so that a forwarder there would be followed on each pass
//! and never healed; the element check closes that hole, and costs one load and a compare while no forwarder is alive.

#![allow(unsafe_code)]

use std::marker::PhantomData;

use instar_gc::Mutator;
use instar_heap::forwarding::heal;
use instar_heap::memory::resolve;
use instar_heap::sync::Sound;
use instar_heap::{ClassIndex, HeapError, Obj, Oop, Shape};

use crate::object_table;
use crate::strategy::Strategy;

/// A mutator's view of the heap under strategy `S`.
///
/// [access-valid] The methods are for runtimes that work on raw references: an `Obj` passed in is a live body (what
/// [`receiver`](Self::receiver) or [`body`](Self::body) returned), an `Oop` a live reference or an immediate, an index
/// is below the number of slots, and no safepoint has been passed since they were obtained. References come from loads
/// through the same strategy or from roots: one that was read past a checking strategy's check may lead to a forwarder
/// that it looks for nowhere else.
#[derive(Clone, Copy)]
pub struct Access<'m, S> {
    mutator: &'m Mutator,
    strategy: PhantomData<S>,
}

impl<'m, S: Strategy> Access<'m, S> {
    /// The view of `mutator`.
    #[inline]
    pub fn new(mutator: &'m Mutator) -> Self {
        Access { mutator, strategy: PhantomData }
    }

    /// Reads a named slot.
    ///
    /// # Safety
    /// [access-valid]
    #[inline]
    pub unsafe fn load(self, holder: Obj, index: usize) -> Oop {
        let value = holder.slot(index);
        // SAFETY: [access-valid]
        if S::CHECKS_LOADS { unsafe { self.checked(holder, index, value) } } else { value }
    }

    /// Reads an indexed slot.
    ///
    /// # Safety
    /// [access-valid]
    #[inline]
    pub unsafe fn load_element(self, holder: Obj, index: usize) -> Oop {
        let value = holder.slot(index);
        if S::CHECKS_LOADS || S::CHECKS_MISSES && self.mutator.heap().forwarders.any() {
            // SAFETY: [access-valid]
            return unsafe { self.checked(holder, index, value) };
        }
        value
    }

    /// # Safety
    /// [access-valid]
    #[inline]
    unsafe fn checked(self, holder: Obj, index: usize, value: Oop) -> Oop {
        // SAFETY: [access-valid]
        if value.is_pointer() && unsafe { Obj::from_oop(value) }.header().is_forwarder() {
            // SAFETY: [access-valid]
            return unsafe { self.heal(holder, index, value) };
        }
        value
    }

    /// The body to which a send to `value` goes, where the site expects `class`: the inline cache's compare.
    ///
    /// `None` if the class is another one. `origin` is the slot that `value` was read from, if the site knows it; a
    /// forwarder that is still there is healed. What was stored there meanwhile stays.
    ///
    /// # Safety
    /// [access-valid]
    #[inline]
    pub unsafe fn receiver(self, value: Oop, class: ClassIndex, origin: Option<(Obj, usize)>) -> Option<Obj> {
        if !value.is_pointer() {
            return None;
        }
        // SAFETY: [access-valid]
        let mut object = unsafe { Obj::from_oop(value) };
        if S::HAS_ENTRIES {
            object = object_table::body(object);
        }
        if object.header().has_class(class) {
            return Some(object);
        }
        if S::CHECKS_MISSES {
            // SAFETY: [access-valid]
            return unsafe { self.receiver_behind(value, class, origin) };
        }
        None
    }

    /// The miss of a send.
    ///
    /// # Safety
    /// [access-valid]
    #[cold]
    unsafe fn receiver_behind(
        self,
        value: Oop,
        class: ClassIndex,
        origin: Option<(Obj, usize)>,
    ) -> Option<Obj> {
        // SAFETY: [access-valid]
        let end = unsafe { resolve(value) };
        if let (true, Some((holder, index))) = (end != value, origin) {
            // SAFETY: [access-valid]
            unsafe { self.heal(holder, index, value) };
        }
        // SAFETY: [access-valid]
        let object = end.is_pointer().then(|| unsafe { Obj::from_oop(end) })?;
        object.header().has_class(class).then_some(object)
    }

    /// The body of an object whatever its class; `None` for an immediate. Primitives use it on their arguments.
    ///
    /// # Safety
    /// [access-valid]
    #[inline]
    pub unsafe fn body(self, value: Oop) -> Option<Obj> {
        // SAFETY: [access-valid]
        let end = if S::CHECKS_MISSES || S::CHECKS_LOADS { unsafe { resolve(value) } } else { value };
        if !end.is_pointer() {
            return None;
        }
        // SAFETY: [access-valid]
        let object = unsafe { Obj::from_oop(end) };
        Some(if S::HAS_ENTRIES { object_table::body(object) } else { object })
    }

    /// Whether two references denote the same object.
    ///
    /// # Safety
    /// [access-valid]
    #[inline]
    pub unsafe fn identical(self, one: Oop, other: Oop) -> bool {
        if one == other {
            return true;
        }
        // SAFETY: [access-valid]
        match unsafe { (self.body(one), self.body(other)) } {
            (Some(one), Some(other)) => one == other,
            // An immediate, perhaps behind a forwarder.
            // SAFETY: [access-valid]
            (None, None) => unsafe { resolve(one) == resolve(other) },
            _ => false,
        }
    }

    /// Stores into a slot, with the write barrier.
    ///
    /// # Safety
    /// [access-valid]
    #[inline]
    pub unsafe fn store(self, holder: Obj, index: usize, value: Oop) {
        // SAFETY: [access-valid]
        unsafe { self.mutator.store(holder, index, value) };
    }

    /// Replaces the reference to a forwarder by the end of its chain, with the write barrier (a healed old slot may
    /// come to refer to a young object), and returns that.
    ///
    /// # Safety
    /// [access-valid]
    #[inline]
    unsafe fn heal(self, holder: Obj, index: usize, seen: Oop) -> Oop {
        // SAFETY: [access-valid]
        let end = unsafe { resolve(seen) };
        let cell = holder.slot_cell(index);
        if self.mutator.is_alone() {
            // No other mutator can store here between the load and this, but this one may have since it read `seen`.
            if holder.slot(index) != seen {
                return end;
            }
            holder.set_slot_raw(index, end);
        } else if !heal::<Sound, _>(cell, seen, end) {
            return end;
        }
        self.mutator.note_healed();
        self.mutator.store_barrier(holder, index, end);
        end
    }
}

/// Allocates an object and returns the reference by which it is known under `S`. Slots hold nil.
///
/// # Errors
/// [`HeapError::OutOfMemory`].
///
/// # Safety
/// As for [`Mutator::allocate_raw`].
#[inline]
pub unsafe fn allocate<S: Strategy>(mutator: &mut Mutator, shape: Shape) -> Result<Oop, HeapError> {
    if S::HAS_ENTRIES {
        // SAFETY: the caller's promise.
        return unsafe { object_table::allocate(mutator, shape) };
    }
    // SAFETY: the caller's promise.
    unsafe { mutator.allocate_raw(shape) }.map(Obj::oop)
}
