//! The safe face of the heap: scopes, handles and borrowed references.
//!
//! A [`Ref`] borrows the scope, and whatever may collect or become takes the scope by `&mut`: a reference that is held
//! over an allocation does not compile. A [`Handle`] survives, because its cell is a root.
//!
//! ```
//! use instar_gc::{GcConfig, World};
//! use instar_heap::{ClassSpec, HeapConfig, MIB};
//!
//! let world = World::new(GcConfig { heap: HeapConfig::with_limit(64 * MIB), ..GcConfig::default() })?;
//! let mut mutator = world.attach();
//! mutator.scope(|scope| {
//!     let point = scope.define_class(ClassSpec::fixed(2), None)?;
//!     let origin = scope.allocate(point, 0)?;
//!     let corner = scope.allocate(point, 0)?;
//!     scope.get(corner).set_slot(0, scope.get(origin)).unwrap();
//!     scope.collect(instar_gc::Collection::Full);
//!     assert!(scope.get(corner).slot(0).unwrap().is_same(scope.get(origin)));
//!     Ok::<_, instar_heap::HeapError>(())
//! })?;
//! # Ok::<_, instar_heap::HeapError>(())
//! ```

#![allow(unsafe_code)]

use instar_heap::memory::resolve;
use instar_heap::{ClassIndex, ClassSpec, Handle, HeaderFlags, HeapError, IdentityHash, Obj, Oop, Shape};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use thiserror::Error;

use crate::mutator::Mutator;
use crate::pause::Pause;
use crate::stats::Collection;

/// Why a slot or byte cannot be accessed. Nothing has changed when one is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccessError {
    /// The value is immediate and has neither slots nor bytes.
    #[error("an immediate value has no slots")]
    Immediate,
    /// Slots were asked of raw data, or bytes of an object with slots.
    #[error("the object's format does not allow this access")]
    WrongFormat,
    /// The index is not below the object's length.
    #[error("index {index} is out of bounds for length {length}")]
    OutOfBounds {
        /// The index asked for.
        index: usize,
        /// The object's length.
        length: usize,
    },
    /// The object is immutable.
    #[error("the object is immutable")]
    Immutable,
}

/// Handles made here are valid until the scope ends.
pub struct Scope<'s> {
    mutator: &'s mut Mutator,
    base: usize,
}

impl<'s> Scope<'s> {
    pub(crate) fn new(mutator: &'s mut Mutator) -> Scope<'s> {
        let base = mutator.local().handles.len();
        Scope { mutator, base }
    }

    /// A scope inside this one. Handles of this scope can be used there.
    pub fn scope<R>(&mut self, body: impl for<'t> FnOnce(&mut Scope<'t>) -> R) -> R {
        self.mutator.scope(body)
    }

    /// The mutator beneath, for operations on raw objects that may pass a safepoint.
    #[inline]
    pub fn mutator(&mut self) -> &mut Mutator {
        self.mutator
    }

    /// The mutator beneath, for accesses to raw objects, which stay in place as long as the borrow lasts.
    #[inline]
    pub fn accessor(&self) -> &Mutator {
        self.mutator
    }

    /// Adds a class for instances of `spec`. `class` is the object that stands for it, if there is one. It may stand for
    /// another index already: a class whose layout changes gets a new one, and the old one is
    /// [retired](Self::retire_class).
    ///
    /// # Errors
    /// [`HeapError::ClassTableFull`] and [`HeapError::BadClass`].
    pub fn define_class(
        &mut self,
        spec: ClassSpec,
        class: Option<Handle<'_>>,
    ) -> Result<ClassIndex, HeapError> {
        let object = class.map(|class| self.get(class)).and_then(Ref::object);
        // SAFETY: [ref-live]; forwarders were followed.
        unsafe { self.mutator.heap().define_class(object, spec) }
    }

    /// The object that stands for the class, if there is one.
    pub fn class(&self, index: ClassIndex) -> Option<Ref<'_>> {
        let oop = self.mutator.heap().classes.class(index).filter(|&class| class != Oop::NULL)?;
        Some(Ref { oop, mutator: self.mutator })
    }

    /// Lets another object stand for the class, which may be one of [`ClassIndex::BUILT_IN`].
    ///
    /// # Errors
    /// [`HeapError::UnknownClass`], also where `class` is an immediate value.
    pub fn set_class(&mut self, index: ClassIndex, class: Handle<'_>) -> Result<(), HeapError> {
        let object = self.get(class).object().ok_or(HeapError::UnknownClass(index.get()))?;
        // SAFETY: [ref-live]; forwarders were followed.
        unsafe { self.mutator.heap().set_class(index, object) }
    }

    /// Says that the class gets no instances on purpose any more. A full collection that finds none gives its index back.
    ///
    /// # Errors
    /// [`HeapError::UnknownClass`].
    pub fn retire_class(&mut self, index: ClassIndex) -> Result<(), HeapError> {
        self.mutator.heap().retire_class(index)
    }

    /// Makes the object an instance of another class whose instances have the same format and size.
    ///
    /// # Errors
    /// [`HeapError::UnknownClass`], also for immediate values and nil, and [`HeapError::OtherShape`].
    pub fn change_class(&mut self, object: Handle<'_>, class: ClassIndex) -> Result<(), HeapError> {
        let reference = self.get(object);
        let body = reference.object().ok_or(HeapError::UnknownClass(reference.class_index().get()))?;
        // SAFETY: [ref-live]
        unsafe { self.mutator.heap().change_class(body, class) }
    }

    /// A new instance of `class` with `elements` indexable elements (bytes for byte formats). Slots hold nil.
    ///
    /// # Errors
    /// [`HeapError::UnknownClass`], [`HeapError::NotIndexable`], [`HeapError::TooLarge`] and
    /// [`HeapError::OutOfMemory`].
    pub fn allocate(&mut self, class: ClassIndex, elements: usize) -> Result<Handle<'s>, HeapError> {
        let shape = self.shape(class, elements)?;
        // SAFETY: the shape is that of a class in the table, and the object becomes a root at once.
        let object = unsafe { self.mutator.allocate_raw(shape) }?;
        Ok(self.root(object.oop()))
    }

    /// As [`allocate`](Self::allocate), in the old generation, for what is known to live long.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub fn allocate_old(&mut self, class: ClassIndex, elements: usize) -> Result<Handle<'s>, HeapError> {
        let shape = self.shape(class, elements)?;
        // SAFETY: as in `allocate`.
        let object = unsafe { self.mutator.allocate_raw_old(shape) }?;
        Ok(self.root(object.oop()))
    }

    fn shape(&self, class: ClassIndex, elements: usize) -> Result<Shape, HeapError> {
        let spec = self.mutator.heap().classes.spec(class).ok_or(HeapError::UnknownClass(class.get()))?;
        spec.shape(class, elements)
    }

    /// A handle on what `reference` refers to.
    ///
    /// # Panics
    /// If the reference comes from another world.
    pub fn handle(&self, reference: Ref<'_>) -> Handle<'s> {
        reference.assert_same_mutator(self.mutator);
        self.root(reference.oop)
    }

    /// A handle on what a runtime's own root refers to: how threads come by the objects that they share.
    ///
    /// # Safety
    /// `oop` is an immediate or was read from a root of this world after this mutator's last safepoint.
    pub unsafe fn handle_to(&self, oop: Oop) -> Handle<'s> {
        self.root(oop)
    }

    /// A handle on an immediate integer; `None` if it needs more than 61 bits.
    pub fn integer(&self, value: i64) -> Option<Handle<'s>> {
        Oop::small_integer(value).map(|oop| self.root(oop))
    }

    /// A handle on any valid word.
    fn root(&self, oop: Oop) -> Handle<'s> {
        let handles = &self.mutator.local().handles;
        handles.handle(handles.push(oop))
    }

    /// What the handle refers to, until the next operation that may move objects.
    #[inline]
    pub fn get(&self, handle: Handle<'_>) -> Ref<'_> {
        Ref { oop: self.mutator.local().handles.get(handle), mutator: self.mutator }
    }

    /// nil.
    pub fn nil(&self) -> Ref<'_> {
        Ref { oop: self.mutator.heap().nil(), mutator: self.mutator }
    }

    /// Collects now.
    pub fn collect(&mut self, kind: Collection) {
        self.mutator.collect(kind);
    }

    /// Lets a waiting collection or become go ahead.
    pub fn safepoint(&mut self) {
        self.mutator.safepoint();
    }

    /// Stops all other mutators.
    pub fn stop_world(&mut self) -> Pause<'_> {
        self.mutator.stop_world()
    }

    /// Keeps the object where it is from now on and returns its address, which stays valid as long as it is pinned and
    /// reachable. A young object is first moved to the old generation, which takes a scavenge.
    ///
    /// # Errors
    /// [`AccessError::Immediate`].
    pub fn pin(&mut self, handle: Handle<'_>) -> Result<usize, AccessError> {
        let object = self.get(handle).object().ok_or(AccessError::Immediate)?;
        if self.mutator.heap().is_young(object.address()) {
            self.mutator.stop_world().tenure_all();
        }
        let object = self.get(handle).object().ok_or(AccessError::Immediate)?;
        self.mutator.heap().note_special(object.address());
        object.set_flags(HeaderFlags::PINNED);
        Ok(object.address())
    }

    /// Lets the object be moved again. nil stays pinned.
    ///
    /// # Errors
    /// [`AccessError::Immediate`].
    pub fn unpin(&mut self, handle: Handle<'_>) -> Result<(), AccessError> {
        let object = self.get(handle).object().ok_or(AccessError::Immediate)?;
        if object.oop() != self.mutator.heap().nil() {
            object.clear_flags(HeaderFlags::PINNED);
        }
        Ok(())
    }

    /// Forbids or allows stores into the object and becomes that would replace it.
    ///
    /// # Errors
    /// [`AccessError::Immediate`].
    pub fn set_immutable(&mut self, handle: Handle<'_>, immutable: bool) -> Result<(), AccessError> {
        let object = self.get(handle).object().ok_or(AccessError::Immediate)?;
        if immutable {
            self.mutator.heap().note_special(object.address());
            object.set_flags(HeaderFlags::IMMUTABLE);
        } else {
            object.clear_flags(HeaderFlags::IMMUTABLE);
        }
        Ok(())
    }

    /// The next ephemeron whose key died, in the order in which collections found them.
    pub fn next_finalizable(&mut self) -> Option<Handle<'s>> {
        let oop = self.mutator.pop_finalizable()?;
        Some(self.root(oop))
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        self.mutator.local().handles.truncate(self.base);
    }
}

/// A reference to an object, or an immediate value, that is valid until the scope is used mutably.
///
/// [ref-live] Nothing moves or dies while the borrow lasts: moving takes a safepoint of this mutator, which takes
/// `&mut`. Accesses follow forwarders under every become strategy, at the price of one compare on a header that the
/// bounds check needs anyway.
#[derive(Clone, Copy)]
pub struct Ref<'m> {
    oop: Oop,
    mutator: &'m Mutator,
}

impl<'m> Ref<'m> {
    /// The tagged word as it stands; it may refer to a forwarder.
    #[inline]
    pub fn oop(self) -> Oop {
        self.oop
    }

    /// The object, forwarders followed; `None` for an immediate.
    #[inline]
    pub(crate) fn object(self) -> Option<Obj> {
        // SAFETY: [ref-live]
        let end = unsafe { resolve(self.oop) };
        // SAFETY: [ref-live]
        end.is_pointer().then(|| unsafe { Obj::from_oop(end) })
    }

    /// No reference crosses from one world to another. (Two mutators of one world that lent references to the same
    /// thread would be as safe; this compares less.)
    #[inline]
    fn assert_same_mutator(self, mutator: &Mutator) {
        assert!(std::ptr::eq(self.mutator, mutator), "both references come from the same mutator");
    }

    fn is_resolved_to(self) -> Oop {
        // SAFETY: [ref-live]
        unsafe { resolve(self.oop) }
    }

    /// Whether both refer to the same object or are the same immediate.
    pub fn is_same(self, other: Ref<'_>) -> bool {
        self.oop == other.oop || self.is_resolved_to() == other.is_resolved_to()
    }

    /// The class index, also of immediates.
    pub fn class_index(self) -> ClassIndex {
        let end = self.is_resolved_to();
        // SAFETY: [ref-live]
        ClassIndex::of_immediate(end).unwrap_or_else(|| unsafe { Obj::from_oop(end) }.header().class_index())
    }

    /// The integer, if it is an immediate one.
    pub fn as_integer(self) -> Option<i64> {
        self.is_resolved_to().as_small_integer()
    }

    /// Whether this is nil.
    pub fn is_nil(self) -> bool {
        self.is_resolved_to() == self.mutator.heap().nil()
    }

    /// The identity hash, the same for the object's whole life; `None` for immediates, which hash by value.
    pub fn identity_hash(self) -> Option<IdentityHash> {
        // SAFETY: [ref-live]; forwarders were followed.
        self.object().map(|object| unsafe { self.mutator.heap().identity_hash(object) })
    }

    /// Number of pointer slots, or 0.
    pub fn slots(self) -> usize {
        self.object().map_or(0, |object| object.pointer_slots_of(object.header()))
    }

    /// Number of raw bytes, or 0.
    pub fn bytes(self) -> usize {
        self.object().filter(|object| !object.header().format().has_pointers()).map_or(0, Obj::byte_length)
    }

    fn slot_of(self, index: usize) -> Result<Obj, AccessError> {
        let object = self.object().ok_or(AccessError::Immediate)?;
        let header = object.header();
        if !header.format().has_pointers() {
            return Err(AccessError::WrongFormat);
        }
        let length = object.slots_of(header);
        if index < length { Ok(object) } else { Err(AccessError::OutOfBounds { index, length }) }
    }

    /// The value in slot `index`.
    ///
    /// # Errors
    /// [`AccessError`].
    #[inline]
    pub fn slot(self, index: usize) -> Result<Ref<'m>, AccessError> {
        Ok(Ref { oop: self.slot_of(index)?.slot(index), mutator: self.mutator })
    }

    /// Stores `value` into slot `index`, with the write barrier.
    ///
    /// # Errors
    /// [`AccessError`].
    ///
    /// # Panics
    /// If the references come from different worlds.
    #[inline]
    pub fn set_slot(self, index: usize, value: Ref<'_>) -> Result<(), AccessError> {
        let object = self.slot_of(index)?;
        if object.header().has_any(HeaderFlags::IMMUTABLE) {
            return Err(AccessError::Immutable);
        }
        value.assert_same_mutator(self.mutator);
        // SAFETY: [ref-live] for both; bounds, format and forwarders were checked.
        unsafe { self.mutator.store(object, index, value.oop) };
        Ok(())
    }

    fn word_of(self, index: usize) -> Result<(Obj, &'m AtomicU64), AccessError> {
        let object = self.object().ok_or(AccessError::Immediate)?;
        if object.header().format().has_pointers() {
            return Err(AccessError::WrongFormat);
        }
        let length = object.byte_length();
        if index >= length {
            return Err(AccessError::OutOfBounds { index, length });
        }
        Ok((object, object.slot_cell(index / 8)))
    }

    /// Byte `index` of raw data, little-endian inside words.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn byte(self, index: usize) -> Result<u8, AccessError> {
        let (_, word) = self.word_of(index)?;
        Ok(word.load(Relaxed).to_le_bytes()[index % 8])
    }

    /// Replaces byte `index` of raw data.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn set_byte(self, index: usize, value: u8) -> Result<(), AccessError> {
        let (object, word) = self.word_of(index)?;
        if object.header().has_any(HeaderFlags::IMMUTABLE) {
            return Err(AccessError::Immutable);
        }
        let shift = index % 8 * 8;
        let replace = |word: u64| Some(word & !(0xFF << shift) | u64::from(value) << shift);
        // The closure always answers, so that the update cannot fail.
        let _ = word.fetch_update(Relaxed, Relaxed, replace);
        Ok(())
    }
}

impl std::fmt::Debug for Ref<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.oop.fmt(f)
    }
}
