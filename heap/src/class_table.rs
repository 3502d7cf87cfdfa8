//! The class table: from class index to class object and instance shape.

#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::image::Relocation;
use crate::object::object_bytes;
use crate::slot;
use crate::sync::{Mutex, Sound};
use crate::{ClassIndex, Format, Header, HeapError, Oop};

const LOG_PAGE: u32 = 10;
const PAGE_ENTRIES: usize = 1 << LOG_PAGE;
const PAGES: usize = 1 << (ClassIndex::BITS - LOG_PAGE);

/// What instances of a class look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassSpec {
    /// The format of instances; the length of bytes is set at allocation.
    pub format: Format,
    /// Number of named slots, which precede the indexable ones.
    pub fixed_slots: u16,
}

impl ClassSpec {
    /// Instances with `slots` named slots.
    pub const fn fixed(slots: u16) -> ClassSpec {
        ClassSpec { format: Format::FIXED, fixed_slots: slots }
    }

    /// Instances of `format` without named slots.
    pub const fn of(format: Format) -> ClassSpec {
        ClassSpec { format, fixed_slots: 0 }
    }

    /// Forwarders are made by become only, an ephemeron needs a key, and named slots cannot stand among bytes.
    const fn is_possible(self) -> bool {
        match self.format {
            Format::FORWARDER => false,
            Format::EPHEMERON => self.fixed_slots > 0,
            other => !other.is_bytes() || self.fixed_slots == 0,
        }
    }

    /// Whether an object of this format with so many slots looks like an instance.
    pub const fn admits(self, format: Format, slots: usize) -> bool {
        if self.format.is_bytes() {
            return format.is_bytes();
        }
        let fixed = self.fixed_slots as usize;
        let fits = if self.format.is_indexable() { slots >= fixed } else { slots == fixed };
        self.format.bits() == format.bits() && fits
    }

    const fn pack(self) -> u64 {
        PRESENT | (self.fixed_slots as u64) << 8 | self.format.bits() as u64
    }

    const fn unpack(bits: u64) -> ClassSpec {
        ClassSpec { format: Format::from_bits(bits as u8), fixed_slots: (bits >> 8) as u16 }
    }
}

const PRESENT: u64 = 1 << 32;
const RETIRED: u64 = 1 << 33;

/// Everything that allocating one object needs, computed once: header, slots and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The header to write.
    pub header: Header,
    /// Number of 8-byte slots.
    pub slots: usize,
    /// Bytes, size word and padding included.
    pub bytes: usize,
}

impl ClassSpec {
    /// The shape of an instance of class `class` with `elements` indexable elements (bytes for byte formats).
    ///
    /// # Errors
    /// [`HeapError::NotIndexable`] and [`HeapError::TooLarge`].
    #[inline]
    pub fn shape(self, class: ClassIndex, elements: usize) -> Result<Shape, HeapError> {
        if elements == 0 && !self.format.is_bytes() {
            let slots = self.fixed_slots as usize;
            let header = Header::new(class, self.format, slots);
            return Ok(Shape { header, slots, bytes: object_bytes(slots) });
        }
        self.indexed_shape(class, elements)
    }

    fn indexed_shape(self, class: ClassIndex, elements: usize) -> Result<Shape, HeapError> {
        if !self.format.is_indexable() {
            return Err(HeapError::NotIndexable { class: class.get(), elements });
        }
        if elements > 1 << 40 {
            return Err(HeapError::TooLarge { elements });
        }
        let (format, slots) = if self.format.is_bytes() {
            (Format::bytes(elements), elements.div_ceil(8))
        } else {
            (self.format, self.fixed_slots as usize + elements)
        };
        Ok(Shape { header: Header::new(class, format, slots), slots, bytes: object_bytes(slots) })
    }
}

#[derive(Default)]
struct Entry {
    class: AtomicU64,
    spec: AtomicU64,
}

type Page = Box<[Entry]>;

/// A class table as it was.
pub(crate) struct ClassTableImage {
    entries: Vec<(ClassIndex, Oop, u64)>,
    next: u32,
    free: Vec<ClassIndex>,
}

struct Indices {
    next: u32,
    free: Vec<ClassIndex>,
}

/// From class index to class. Lookups are two loads and lock-free; adding and removing takes a lock.
///
/// The table's references to class objects are weak in the collector's eyes: a class that neither an instance nor a
/// reference keeps alive loses its entry, and the index is given out again. So does a retired index without instances. The
/// class objects of [`ClassIndex::BUILT_IN`], which have no entry to lose, are roots.
///
/// Classes are added and replaced by way of the heap, which keeps the headers of class objects in step: see
/// [`Heap::define_class`](crate::Heap::define_class).
pub struct ClassTable {
    pages: Box<[OnceLock<Page>]>,
    indices: Mutex<Indices>,
}

fn new_page() -> Page {
    (0..PAGE_ENTRIES).map(|_| Entry::default()).collect()
}

impl Default for ClassTable {
    fn default() -> Self {
        ClassTable {
            // The first page holds the built-in classes.
            pages: (0..PAGES)
                .map(|page| if page == 0 { new_page().into() } else { OnceLock::new() })
                .collect(),
            indices: Mutex::new(Indices { next: ClassIndex::FIRST_USER.get(), free: Vec::new() }),
        }
    }
}

impl ClassTable {
    #[inline]
    fn entry(&self, index: ClassIndex) -> Option<&Entry> {
        let page = self.pages[(index.get() >> LOG_PAGE) as usize].get()?;
        Some(&page[index.get() as usize & (PAGE_ENTRIES - 1)])
    }

    /// Gives out an index for instances of `spec`. The class object may be set later.
    ///
    /// # Errors
    /// [`HeapError::ClassTableFull`] and [`HeapError::BadClass`].
    pub(crate) fn add(&self, class: Oop, spec: ClassSpec) -> Result<ClassIndex, HeapError> {
        if !spec.is_possible() {
            return Err(HeapError::BadClass { format: spec.format, fixed_slots: spec.fixed_slots });
        }
        let mut indices = self.indices.lock();
        let index = match indices.free.pop() {
            Some(index) => index,
            None if ClassIndex::is_assignable(indices.next) => {
                indices.next += 1;
                ClassIndex::new(indices.next - 1).ok_or(HeapError::ClassTableFull)?
            }
            None => return Err(HeapError::ClassTableFull),
        };
        let page = self.pages[(index.get() >> LOG_PAGE) as usize].get_or_init(new_page);
        let entry = &page[index.get() as usize & (PAGE_ENTRIES - 1)];
        // [MM-slot] for the class, and the spec's PRESENT bit publishes both.
        slot::store::<Sound, _>(&entry.class, class);
        entry.spec.store(spec.pack(), Release);
        Ok(index)
    }

    /// The shape of instances; `None` for an index that is not in use.
    #[inline]
    pub fn spec(&self, index: ClassIndex) -> Option<ClassSpec> {
        let bits = self.entry(index)?.spec.load(Acquire);
        if bits & PRESENT == 0 { None } else { Some(ClassSpec::unpack(bits)) }
    }

    /// The class object, [`Oop::NULL`] if none was set.
    #[inline]
    pub fn class(&self, index: ClassIndex) -> Option<Oop> {
        // [MM-slot]: the class object is complete.
        Some(slot::load::<Sound, _>(&self.entry(index)?.class))
    }

    fn entry_in_use(&self, index: ClassIndex) -> Option<&Entry> {
        self.entry(index).filter(|entry| entry.spec.load(Acquire) & PRESENT != 0)
    }

    /// Sets the class object of an index in use or built in; false if it is neither.
    pub(crate) fn replace(&self, index: ClassIndex, class: Oop) -> bool {
        let entry = if index.is_built_in() { self.entry(index) } else { self.entry_in_use(index) };
        // [MM-slot]: whoever finds the class here finds it complete.
        entry.inspect(|entry| slot::store::<Sound, _>(&entry.class, class)).is_some()
    }

    /// Lets a full collection that finds no instance give the index back; false if it is not in use.
    pub(crate) fn retire(&self, index: ClassIndex) -> bool {
        // Under the lock, so that the index is not given out to another class between look and store.
        let _indices = self.indices.lock();
        self.entry_in_use(index).map(|entry| entry.spec.fetch_or(RETIRED, Relaxed)).is_some()
    }

    /// Whether the index gets no instances on purpose any more.
    pub fn is_retired(&self, index: ClassIndex) -> bool {
        self.entry_in_use(index).is_some_and(|entry| entry.spec.load(Relaxed) & RETIRED != 0)
    }

    /// Frees an index, if it is in use.
    ///
    /// # Safety
    /// No instance of it is alive, and none is being made.
    pub unsafe fn remove(&self, index: ClassIndex) {
        let mut indices = self.indices.lock();
        let Some(entry) = self.entry_in_use(index) else {
            return;
        };
        entry.spec.store(0, Relaxed);
        entry.class.store(0, Relaxed);
        indices.free.push(index);
    }

    /// Visits each index in use with its class object (or [`Oop::NULL`]), and each built-in one that has a class object,
    /// in ascending order; what the visitor leaves there is stored.
    ///
    /// # Safety
    /// The world is stopped. What the visitor leaves is a live object of the heap that has the CLASS flag, or what was
    /// there before.
    pub unsafe fn visit(&self, mut visitor: impl FnMut(ClassIndex, &mut Oop)) {
        for (page_number, page) in self.pages.iter().enumerate() {
            for (offset, entry) in page.get().into_iter().flatten().enumerate() {
                let before = Oop::from_bits(entry.class.load(Relaxed));
                // Only a built-in class has a class object without being in use.
                if before == Oop::NULL && entry.spec.load(Relaxed) & PRESENT == 0 {
                    continue;
                }
                let mut class = before;
                visitor(ClassIndex::from_masked(((page_number << LOG_PAGE) + offset) as u64), &mut class);
                if class != before {
                    entry.class.store(class.bits(), Relaxed);
                }
            }
        }
    }

    /// A copy of the table.
    pub(crate) fn image(&self) -> ClassTableImage {
        let indices = self.indices.lock();
        let mut entries = Vec::new();
        for number in 0..indices.next {
            let index = ClassIndex::from_masked(u64::from(number));
            let Some(entry) = self.entry(index) else { continue };
            let (class, spec) = (entry.class.load(Relaxed), entry.spec.load(Relaxed));
            if class != 0 || spec != 0 {
                entries.push((index, Oop::from_bits(class), spec));
            }
        }
        ClassTableImage { entries, next: indices.next, free: indices.free.clone() }
    }

    /// Makes an empty table the one that the image was taken of, its classes where they are in this heap.
    pub(crate) fn restore(&self, image: &ClassTableImage, relocation: Relocation) {
        let mut indices = self.indices.lock();
        for &(index, class, spec) in &image.entries {
            let page = self.pages[(index.get() >> LOG_PAGE) as usize].get_or_init(new_page);
            let entry = &page[index.get() as usize & (PAGE_ENTRIES - 1)];
            entry.class.store(relocation.apply(class).bits(), Relaxed);
            entry.spec.store(spec, Release);
        }
        indices.next = image.next;
        indices.free.clone_from(&image.free);
    }

    /// Number of indices in use.
    pub fn len(&self) -> usize {
        let indices = self.indices.lock();
        (indices.next - ClassIndex::FIRST_USER.get()) as usize - indices.free.len()
    }

    /// Whether no index is in use.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the largest index ever given out.
    pub fn bound(&self) -> u32 {
        self.indices.lock().next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_given_out_again_after_removal() {
        let table = ClassTable::default();
        let first = table.add(Oop::NULL, ClassSpec::fixed(3)).unwrap();
        let second = table.add(Oop::NULL, ClassSpec::of(Format::BYTES)).unwrap();
        assert_eq!(table.spec(first), Some(ClassSpec::fixed(3)));
        // SAFETY: there are no instances.
        unsafe { table.remove(first) };
        // SAFETY: as above.
        unsafe { table.remove(first) };
        assert_eq!((table.spec(first), table.len()), (None, 1));
        assert_eq!(table.add(Oop::NULL, ClassSpec::fixed(1)).unwrap(), first);
        assert_eq!(table.spec(second).unwrap().format, Format::BYTES);
        assert!(table.spec(ClassIndex::FORWARDER).is_none());
    }

    #[test]
    fn the_class_table_gives_out_each_index_once_and_says_when_it_is_full() {
        let table = ClassTable::default();
        let first = ClassIndex::FIRST_USER.get();
        for number in first..=ClassIndex::MAX {
            let index = table.add(Oop::NULL, ClassSpec::fixed((number % 1000) as u16)).unwrap();
            assert_eq!(index.get(), number);
        }
        assert_eq!(table.add(Oop::NULL, ClassSpec::fixed(0)), Err(HeapError::ClassTableFull));
        assert_eq!(
            (table.len(), table.bound()),
            ((ClassIndex::MAX - first) as usize + 1, ClassIndex::MAX + 1)
        );
        for number in [first, 1023, 1024, 77_777, ClassIndex::MAX] {
            let index = ClassIndex::new(number).unwrap();
            assert_eq!(table.spec(index), Some(ClassSpec::fixed((number % 1000) as u16)));
            // SAFETY: there are no instances.
            unsafe { table.remove(index) };
            assert_eq!((table.spec(index), table.replace(index, Oop::NULL)), (None, false));
            assert_eq!(table.add(Oop::NULL, ClassSpec::fixed(7)), Ok(index));
        }
        for reserved in 1..first {
            assert_eq!(table.spec(ClassIndex::new(reserved).unwrap()), None);
        }
    }

    #[test]
    fn shapes_of_all_formats() {
        let class = ClassIndex::new(40).unwrap();
        let bytes = |spec: ClassSpec, elements| spec.shape(class, elements).map(|shape| shape.bytes);
        assert_eq!(bytes(ClassSpec::fixed(0), 0), Ok(16));
        assert_eq!(bytes(ClassSpec::fixed(3), 0), Ok(32));
        assert_eq!(bytes(ClassSpec::of(Format::INDEXABLE), 255), Ok(8 + 8 + 255 * 8));
        assert_eq!(bytes(ClassSpec::of(Format::BYTES), 9), Ok(24));
        assert_eq!(bytes(ClassSpec::of(Format::BYTES), 0), Ok(16));
        assert!(matches!(bytes(ClassSpec::fixed(3), 1), Err(HeapError::NotIndexable { .. })));
        assert!(matches!(bytes(ClassSpec::of(Format::WORDS), usize::MAX), Err(HeapError::TooLarge { .. })));
    }
}
