//! Classes of one heap: what keeps class table, class objects and headers in step.
//!
//! An object that the class table refers to has the CLASS flag and lies in a region flagged SPECIAL (V8, V10), by which
//! become knows that the table has to follow.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::{ClassIndex, ClassSpec, Header, HeaderFlags, Heap, HeapError, Obj, Oop};

impl Heap {
    /// Gives out a class index for instances of `spec`. `class` is the object that stands for the class, if there is one
    /// yet. One object may stand for several indices: a class whose layout changes gets another one, see
    /// [`retire_class`](Self::retire_class).
    ///
    /// # Errors
    /// [`HeapError::ClassTableFull`] and [`HeapError::BadClass`].
    ///
    /// # Safety
    /// `class` is a live object of this heap and no forwarder. The caller is a mutator between two safepoints or has
    /// stopped the world.
    pub unsafe fn define_class(&self, class: Option<Obj>, spec: ClassSpec) -> Result<ClassIndex, HeapError> {
        let index = self.classes.add(class.map_or(Oop::NULL, Obj::oop), spec)?;
        class.inspect(|&object| self.flag_class(object));
        Ok(index)
    }

    /// Lets `class` stand for the index from now on: one that [`define_class`](Self::define_class) gave out, or one of
    /// [`ClassIndex::BUILT_IN`]. What stood for a built-in index is kept alive until it is replaced.
    ///
    /// # Errors
    /// [`HeapError::UnknownClass`].
    ///
    /// # Safety
    /// As for [`define_class`](Self::define_class).
    pub unsafe fn set_class(&self, index: ClassIndex, class: Obj) -> Result<(), HeapError> {
        if !self.classes.replace(index, class.oop()) {
            return Err(HeapError::UnknownClass(index.get()));
        }
        self.flag_class(class);
        Ok(())
    }

    fn flag_class(&self, class: Obj) {
        self.note_special(class.address());
        class.set_flags(HeaderFlags::CLASS);
    }

    /// Says that the index gets no instances on purpose any more: the class got another one, or was replaced. It stays
    /// good as long as there are instances of it, and the first full collection that finds none gives it back, whether
    /// the class object lives or not.
    ///
    /// # Errors
    /// [`HeapError::UnknownClass`], also for built-in classes, which are not given back.
    pub fn retire_class(&self, index: ClassIndex) -> Result<(), HeapError> {
        if self.classes.retire(index) { Ok(()) } else { Err(HeapError::UnknownClass(index.get())) }
    }

    /// Makes the object an instance of another class whose instances have the same format and size. Its identity and its
    /// body stay.
    ///
    /// # Errors
    /// [`HeapError::UnknownClass`] if `class`, or the class of the object, is not in the class table (nil, forwarders);
    /// [`HeapError::OtherShape`] if instances of `class` do not look like the object.
    ///
    /// # Safety
    /// `object` is a live object of this heap. The caller is a mutator between two safepoints or has stopped the world.
    pub unsafe fn change_class(&self, object: Obj, class: ClassIndex) -> Result<(), HeapError> {
        let known = |index: ClassIndex| self.classes.spec(index).ok_or(HeapError::UnknownClass(index.get()));
        let spec = known(class)?;
        let header = object.header();
        known(header.class_index())?;
        if !spec.admits(header.format(), object.slots_of(header)) {
            return Err(HeapError::OtherShape { class: class.get() });
        }
        let update = |bits| Some(Header::from_bits(bits).with_class(class).bits());
        // [MM-header]: other mutators may set flags or the hash at once. The closure always answers.
        let _ = object.header_cell().fetch_update(Relaxed, Relaxed, update);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::write_header;
    use crate::{Format, HeapConfig, IdentityHash, MIB};

    fn heap() -> Heap {
        Heap::new(HeapConfig { huge_pages: false, ..HeapConfig::with_limit(64 * MIB) }).unwrap()
    }

    fn instance(heap: &Heap, class: ClassIndex, elements: usize) -> Obj {
        let shape = heap.classes.spec(class).unwrap().shape(class, elements).unwrap();
        // SAFETY: the memory was just cut off, and nobody else uses this heap.
        unsafe {
            let start = heap.old.region().refill(shape.bytes, shape.bytes).unwrap().start;
            write_header(start, shape.header, shape.slots)
        }
    }

    #[test]
    fn a_class_is_changed_only_to_one_of_the_same_shape() {
        let heap = heap();
        // SAFETY: no class objects.
        let define = |spec| unsafe { heap.define_class(None, spec) }.unwrap();
        let [two, other_two, three] = [2, 2, 3].map(|slots| define(ClassSpec::fixed(slots)));
        let array = define(ClassSpec { format: Format::INDEXABLE, fixed_slots: 2 });
        let other_array = define(ClassSpec::of(Format::INDEXABLE));
        let [bytes, other_bytes] = [(); 2].map(|()| define(ClassSpec::of(Format::BYTES)));
        // SAFETY: nobody else uses the heap, whose objects stay alive.
        let change = |object, class| unsafe { heap.change_class(object, class) };
        let other_shape = |class: ClassIndex| Err(HeapError::OtherShape { class: class.get() });

        let object = instance(&heap, two, 0);
        object.set_header(object.header().with_hash(IdentityHash::new(77)).with(HeaderFlags::IMMUTABLE));
        assert_eq!(change(object, other_two), Ok(()));
        let header = object.header();
        assert_eq!((header.class_index(), header.hash().get()), (other_two, 77));
        assert!(header.has_any(HeaderFlags::IMMUTABLE));
        for class in [three, array, bytes] {
            assert_eq!(change(object, class), other_shape(class));
        }
        let unknown = ClassIndex::new(99).unwrap();
        assert_eq!(change(object, unknown), Err(HeapError::UnknownClass(99)));
        assert_eq!(object.header(), header);

        // Named slots are the first of an array's.
        let [long, short] = [3, 1].map(|elements| instance(&heap, other_array, elements));
        assert_eq!((change(long, array), change(short, array)), (Ok(()), other_shape(array)));
        let raw = instance(&heap, bytes, 5);
        assert_eq!((change(raw, other_bytes), raw.byte_length()), (Ok(()), 5));
        // SAFETY: nil is an object.
        let nil = unsafe { Obj::from_oop(heap.nil()) };
        assert_eq!(change(nil, two), Err(HeapError::UnknownClass(ClassIndex::UNDEFINED.get())));
    }

    #[test]
    fn built_in_indices_have_class_objects_and_no_spec() {
        let heap = heap();
        // SAFETY: no class object.
        let cell = unsafe { heap.define_class(None, ClassSpec::fixed(1)) }.unwrap();
        let class = instance(&heap, cell, 0);
        for index in ClassIndex::BUILT_IN {
            assert_eq!(heap.classes.class(index), Some(Oop::NULL));
            // SAFETY: a live object of this heap.
            unsafe { heap.set_class(index, class) }.unwrap();
            assert_eq!(heap.classes.class(index), Some(class.oop()));
            assert_eq!(heap.classes.spec(index), None);
            assert_eq!(heap.retire_class(index), Err(HeapError::UnknownClass(index.get())));
        }
        assert!(class.header().has_any(HeaderFlags::CLASS));
        for index in [ClassIndex::FORWARDER, ClassIndex::FREE, ClassIndex::ENTRY, ClassIndex::FIRST_USER] {
            // SAFETY: a live object of this heap.
            let result = unsafe { heap.set_class(index, class) };
            let expected = if index == cell { Ok(()) } else { Err(HeapError::UnknownClass(index.get())) };
            assert_eq!(result, expected);
        }
        assert_eq!(heap.classes.len(), 1);
    }
}
