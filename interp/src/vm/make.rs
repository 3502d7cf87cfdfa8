//! Making guest objects from Rust.

#![allow(unsafe_code)]

use instar_gc::mutator::LARGE_BYTES;
use instar_heap::{ClassIndex, HeapError, Obj, Oop};

use super::Space;
use super::space::Root;
use crate::objects::layout::{association, message};
use crate::objects::symbols::hash_of;
use crate::objects::{Known, Special};

impl Space {
    /// An instance of the class with this index, `elements` indexable elements long (bytes for byte formats). Slots hold nil.
    ///
    /// Oops in local variables are void afterwards: a collection may have moved what they referred to.
    ///
    /// # Errors
    /// [`HeapError`]: no such class, not indexable, out of memory.
    pub(crate) fn allocate(&mut self, class: ClassIndex, elements: usize) -> Result<Obj, HeapError> {
        let spec = self.mutator.heap().classes.spec(class).ok_or(HeapError::UnknownClass(class.get()))?;
        let shape = spec.shape(class, elements)?;
        if shape.bytes >= LARGE_BYTES {
            self.reserve_before(shape.bytes)?;
        }
        // SAFETY: the shape is that of a class in the table.
        unsafe { self.mutator.allocate_raw(shape) }
    }

    /// A ByteArray that nothing is held in reserve for.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub(super) fn allocate_reserve(&mut self, bytes: usize) -> Result<Oop, HeapError> {
        let class = self.class_index(Known::ByteArray);
        let spec = self.mutator.heap().classes.spec(class).ok_or(HeapError::UnknownClass(class.get()))?;
        let shape = spec.shape(class, bytes)?;
        // SAFETY: as in `allocate`.
        unsafe { self.mutator.allocate_raw(shape) }.map(instar_heap::Obj::oop)
    }

    /// An instance of a class that the runtime knows.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub(crate) fn allocate_known(&mut self, class: Known, elements: usize) -> Result<Obj, HeapError> {
        self.allocate(self.class_index(class), elements)
    }

    /// Stores into a slot of a live object, with the write barrier.
    ///
    /// # Safety
    /// [fresh] for both; the slot exists and the object is no forwarder.
    #[inline]
    pub(crate) unsafe fn store(&self, object: Obj, index: usize, value: Oop) {
        // SAFETY: the caller's promise.
        unsafe { self.mutator.store(object, index, value) };
    }

    /// Stores into a slot of a guest object, with the write barrier; nothing happens if there is no such slot.
    ///
    /// [fresh] for both, as for [`value`](Self::value).
    #[inline]
    pub(crate) fn put(&self, holder: Oop, slot: usize, value: Oop) {
        let holder = self.value(holder);
        if let Some(object) = holder.object().filter(|_| slot < holder.slots()) {
            // SAFETY: [fresh]: a live object that has the slot.
            unsafe { self.store(object, slot, value) };
        }
    }

    /// Stores into a slot of what a root holds; nothing happens if there is no such slot.
    pub(crate) fn store_rooted(&mut self, holder: Root, index: usize, value: Oop) {
        if let Some(object) = self.rooted(holder).object()
            && index < object.pointer_slots_of(object.header())
        {
            // SAFETY: [fresh]: no collection since the root and the value were read.
            unsafe { self.store(object, index, value) };
        }
    }

    /// An object with these bytes.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub(crate) fn new_bytes(&mut self, class: Known, bytes: &[u8]) -> Result<Oop, HeapError> {
        let object = self.allocate_known(class, bytes.len())?;
        // SAFETY: the object is new.
        unsafe { object.bytes_mut() }.copy_from_slice(bytes);
        Ok(object.oop())
    }

    /// A raw object of this many bytes, filled by `fill`, which may read other objects.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub(crate) fn new_bytes_filled(
        &mut self,
        class: Known,
        length: usize,
        fill: impl FnOnce(&Space, &mut [u8]),
    ) -> Result<Oop, HeapError> {
        let object = self.allocate_known(class, length)?;
        // SAFETY: the object is new: nothing refers to it yet.
        fill(self, unsafe { object.bytes_mut() });
        Ok(object.oop())
    }

    /// A String of this text.
    ///
    /// # Errors
    /// As for `allocate`.
    pub fn new_string(&mut self, text: &str) -> Result<Oop, HeapError> {
        let (is_wide, bytes) = encoded(text);
        self.new_bytes(if is_wide { Known::WideString } else { Known::ByteString }, &bytes)
    }

    /// The Symbol of this text.
    ///
    /// # Errors
    /// As for `allocate`.
    pub fn symbol(&mut self, text: &str) -> Result<Oop, HeapError> {
        let (is_wide, bytes) = encoded(text);
        let hash = hash_of(&bytes);
        if let Some(symbol) = self.find_symbol(hash, is_wide, &bytes) {
            return Ok(symbol);
        }
        let symbol = self.new_bytes(if is_wide { Known::WideSymbol } else { Known::ByteSymbol }, &bytes)?;
        self.roots.symbols.add(hash, symbol);
        Ok(symbol)
    }

    /// The Symbol of this text, if there is one.
    pub fn existing_symbol(&self, text: &str) -> Option<Oop> {
        let (is_wide, bytes) = encoded(text);
        self.find_symbol(hash_of(&bytes), is_wide, &bytes)
    }

    fn find_symbol(&self, hash: u64, is_wide: bool, bytes: &[u8]) -> Option<Oop> {
        let is_it = |oop| {
            let symbol = self.value(oop);
            symbol.bytes() == Some(bytes) && symbol.is(Known::WideSymbol) == is_wide
        };
        self.roots.symbols.find(hash, is_it).map(|oop| self.value(oop).oop())
    }

    /// An Array of what the roots from `first` on hold.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub(crate) fn new_array_of_roots(&mut self, first: Root) -> Result<Oop, HeapError> {
        let count = self.roots.temporary.len() - first.number();
        let array = self.allocate_known(Known::Array, count)?;
        for index in 0..count {
            let value = self.roots.temporary[first.number() + index];
            // SAFETY: the array is new and has that many slots, and the value was read after allocating it.
            unsafe { self.store(array, index, value) };
        }
        Ok(array.oop())
    }

    /// A Float, boxed if need be.
    ///
    /// # Errors
    /// As for `allocate`.
    pub fn new_float(&mut self, value: f64) -> Result<Oop, HeapError> {
        if let Some(immediate) = Oop::small_float(value) {
            return Ok(immediate);
        }
        let object = self.allocate_known(Known::BoxedFloat64, 1)?;
        object.set_slot_raw(0, Oop::from_bits(value.to_bits()));
        Ok(object.oop())
    }

    /// An Integer from a word.
    ///
    /// # Errors
    /// As for `allocate`.
    pub fn new_integer(&mut self, value: i64) -> Result<Oop, HeapError> {
        match Oop::small_integer(value) {
            Some(immediate) => Ok(immediate),
            None => self.new_large_integer(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    /// A large Integer from its sign and little-endian magnitude, which does not fit a word with tag.
    ///
    /// # Errors
    /// As for `allocate`.
    pub fn new_large_integer(&mut self, negative: bool, magnitude: &[u8]) -> Result<Oop, HeapError> {
        let length = magnitude.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let class = if negative { Known::LargeNegativeInteger } else { Known::LargePositiveInteger };
        self.new_bytes(class, &magnitude[..length])
    }

    /// An Association of what two roots hold.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub(crate) fn new_association(&mut self, key: Root, value: Root) -> Result<Oop, HeapError> {
        let object = self.allocate_known(Known::Association, 0)?;
        for (slot, root) in [(association::KEY, key), (association::VALUE, value)] {
            // SAFETY: the object is new; the root was read after allocating it.
            unsafe { self.store(object, slot, self.rooted(root).oop()) };
        }
        Ok(object.oop())
    }

    /// A Message with a selector and the arguments that follow it as roots.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub(crate) fn new_message(&mut self, selector: Root) -> Result<Oop, HeapError> {
        let arguments = self.new_array_of_roots(selector.next())?;
        let arguments = self.root(arguments);
        let object = self.allocate_known(Known::Message, 0)?;
        for (slot, root) in [(message::SELECTOR, selector), (message::ARGS, arguments)] {
            // SAFETY: as in `new_association`.
            unsafe { self.store(object, slot, self.rooted(root).oop()) };
        }
        self.release(arguments);
        Ok(object.oop())
    }

    /// The object at a role changes.
    pub(crate) fn set_special(&mut self, special: Special, oop: Oop) {
        self.roots.special[special as usize] = oop;
    }
}

/// A text as strings have it: Latin-1 where that holds all characters, else four bytes each.
pub(crate) fn encoded(text: &str) -> (bool, Vec<u8>) {
    if text.chars().all(|character| u32::from(character) < 256) {
        return (false, text.chars().map(|character| character as u8).collect());
    }
    (true, text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect())
}
