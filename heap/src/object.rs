//! Raw access to objects in memory.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use static_assertions::const_assert_eq;

use crate::header::{OVERFLOW_MARK, OVERFLOW_SLOTS};
use crate::slot;
use crate::sync::Sound;
use crate::{ClassIndex, Format, Header, HeaderFlags, Oop};

/// Bytes in a word, a header and a slot.
pub const WORD: usize = 8;
/// The smallest object: a header and room for a forwarder's target.
pub const MIN_OBJECT: usize = 16;
const_assert_eq!(MIN_OBJECT, 2 * WORD);

/// An object in memory, by the address of its header.
///
/// [obj-valid] Whoever makes an `Obj` promises that the address is that of a header in a heap which outlives the
/// `Obj`, that nobody moves or frees the object while the `Obj` is used (no safepoint is passed), and that slots are
/// accessed within the object's size. All methods rely on that promise and on nothing else.
///
/// Headers and slots are read and written as relaxed atomics, which compile to plain moves: mutators race on them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Obj(usize);

impl Obj {
    /// The object that `oop` refers to.
    ///
    /// # Safety
    /// `oop` is a pointer and [obj-valid] holds.
    #[inline]
    pub const unsafe fn from_oop(oop: Oop) -> Obj {
        debug_assert!(oop.is_pointer() && oop.bits() != 0);
        Obj(oop.address())
    }

    /// The object whose header stands at `address`.
    ///
    /// # Safety
    /// [obj-valid].
    #[inline]
    pub const unsafe fn from_address(address: usize) -> Obj {
        Obj(address)
    }

    /// The object that starts at `start`, where an overflow word may precede the header.
    ///
    /// # Safety
    /// `start` is the first word of an object; [obj-valid].
    #[inline]
    pub unsafe fn from_start(start: usize) -> Obj {
        // SAFETY: the caller's promise.
        let first = unsafe { (*(start as *const AtomicU64)).load(Relaxed) };
        Obj(if first >= OVERFLOW_MARK { start + WORD } else { start })
    }

    /// The address of the header.
    #[inline]
    pub const fn address(self) -> usize {
        self.0
    }

    /// A reference to the object.
    #[inline]
    pub const fn oop(self) -> Oop {
        Oop::from_address(self.0)
    }

    /// The header's cell.
    #[inline]
    pub const fn header_cell<'a>(self) -> &'a AtomicU64 {
        // SAFETY: [obj-valid]
        unsafe { &*(self.0 as *const AtomicU64) }
    }

    /// The header.
    #[inline]
    pub fn header(self) -> Header {
        Header::from_bits(self.header_cell().load(Relaxed))
    }

    /// Replaces the header.
    #[inline]
    pub fn set_header(self, header: Header) {
        self.header_cell().store(header.bits(), Relaxed);
    }

    /// The number of slots, from the header or from the overflow word.
    #[inline]
    pub fn slots(self) -> usize {
        self.slots_of(self.header())
    }

    /// As [`slots`](Self::slots) where the header is at hand.
    #[inline]
    pub fn slots_of(self, header: Header) -> usize {
        if header.has_overflow() { self.overflow_slots() } else { header.slot_field() as usize }
    }

    #[cold]
    fn overflow_slots(self) -> usize {
        // SAFETY: [obj-valid]; a header with the overflow mark is preceded by its size word.
        (unsafe { (*((self.0 - WORD) as *const AtomicU64)).load(Relaxed) } & !OVERFLOW_MARK) as usize
    }

    /// The address of the object's first word: the overflow word if it has one, else the header.
    #[inline]
    pub fn start(self) -> usize {
        self.start_of(self.header())
    }

    /// As [`start`](Self::start) where the header is at hand.
    #[inline]
    pub const fn start_of(self, header: Header) -> usize {
        self.0 - if header.has_overflow() { WORD } else { 0 }
    }

    /// The address behind the object's last word.
    #[inline]
    pub fn end(self) -> usize {
        self.end_of(self.header())
    }

    /// As [`end`](Self::end) where the header is at hand.
    #[inline]
    pub fn end_of(self, header: Header) -> usize {
        let slots = self.slots_of(header);
        let padded = if header.has_class(ClassIndex::FREE) { slots } else { slots.max(1) };
        self.0 + WORD + padded * WORD
    }

    /// Bytes from start to end.
    #[inline]
    pub fn size(self) -> usize {
        let header = self.header();
        self.end_of(header) - self.start_of(header)
    }

    /// The cell of slot `index`.
    #[inline]
    pub const fn slot_cell<'a>(self, index: usize) -> &'a AtomicU64 {
        // SAFETY: [obj-valid]
        unsafe { &*((self.0 + WORD + index * WORD) as *const AtomicU64) }
    }

    /// The word in slot `index`. If it is a reference that another mutator stored, the object behind it is complete.
    #[inline]
    pub fn slot(self, index: usize) -> Oop {
        // [MM-slot]: a plain move on x86-64, for mutators as for workers.
        slot::load::<Sound, _>(self.slot_cell(index))
    }

    /// Stores into slot `index` without a write barrier, for nobody else to see yet: inside a stop, into a new object, or
    /// as the only mutator. For other mutators to see, [`slot::store`].
    #[inline]
    pub fn set_slot_raw(self, index: usize, value: Oop) {
        self.slot_cell(index).store(value.bits(), Relaxed);
    }

    /// How many slots the collector looks at: all of a pointer object, the target of a forwarder, none of raw data.
    #[inline]
    pub fn pointer_slots_of(self, header: Header) -> usize {
        let format = header.format();
        if format == Format::FORWARDER {
            1
        } else if format.has_pointers() {
            self.slots_of(header)
        } else {
            0
        }
    }

    /// The length in bytes of a raw object's body.
    #[inline]
    pub fn byte_length(self) -> usize {
        let header = self.header();
        self.slots_of(header) * WORD - header.format().unused_bytes()
    }

    /// The bytes of a raw object's body.
    ///
    /// # Safety
    /// Nobody writes the object while the slice lives.
    #[inline]
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: [obj-valid] and the caller's promise.
        unsafe { std::slice::from_raw_parts((self.0 + WORD) as *const u8, self.byte_length()) }
    }

    /// The bytes of a raw object's body, to be written.
    ///
    /// # Safety
    /// Nobody else uses the object while the slice lives.
    #[inline]
    pub unsafe fn bytes_mut<'a>(self) -> &'a mut [u8] {
        // SAFETY: [obj-valid] and the caller's promise.
        unsafe { std::slice::from_raw_parts_mut((self.0 + WORD) as *mut u8, self.byte_length()) }
    }

    /// Sets header flags atomically, as mutators may race on the header.
    #[inline]
    pub fn set_flags(self, flags: HeaderFlags) {
        // [MM-header]: no field is lost, none publishes another.
        self.header_cell().fetch_or(flags.bits(), Relaxed);
    }

    /// Clears header flags atomically.
    #[inline]
    pub fn clear_flags(self, flags: HeaderFlags) {
        // [MM-header]
        self.header_cell().fetch_and(!flags.bits(), Relaxed);
    }
}

impl std::fmt::Debug for Obj {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "@{:#x}", self.0)
    }
}

/// Bytes that an object with this many slots takes.
#[inline]
pub const fn object_bytes(slots: usize) -> usize {
    let padded = if slots == 0 { 1 } else { slots };
    WORD + padded * WORD + if slots >= OVERFLOW_SLOTS as usize { WORD } else { 0 }
}

/// Writes the size word, if one is needed, and `header` at `start`; the slots are left as they are.
///
/// # Safety
/// `start..start + object_bytes(slots)` is unused heap memory that the caller owns; `header` was made for `slots`.
#[inline]
pub unsafe fn write_header(start: usize, header: Header, slots: usize) -> Obj {
    let mut address = start;
    if header.has_overflow() {
        // SAFETY: the caller owns the memory.
        unsafe { (start as *mut u64).write(OVERFLOW_MARK | slots as u64) };
        address += WORD;
    }
    // SAFETY: the caller owns the memory.
    unsafe { (address as *mut u64).write(header.bits()) };
    Obj(address)
}

/// Makes `start..end` walkable by covering it with one free chunk.
///
/// # Safety
/// The range is unused heap memory that the caller owns, a multiple of 8 bytes long.
pub unsafe fn fill_free(start: usize, end: usize) {
    let words = (end - start) / WORD;
    if words == 0 {
        return;
    }
    let inline = words - 1 < OVERFLOW_SLOTS as usize;
    let slots = if inline { words - 1 } else { words - 2 };
    let mut header = Header::new(ClassIndex::FREE, Format::WORDS, slots);
    if !inline {
        // A chunk of 256 words has 254 slots, which is below the overflow limit, yet needs the size word to be 256 long.
        header = Header::new(ClassIndex::FREE, Format::WORDS, OVERFLOW_SLOTS as usize);
    }
    // SAFETY: the caller's promise; size word, header and slots add up to the range.
    unsafe { write_header(start, header, slots) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_chunks_of_every_length_end_where_they_should() {
        let mut memory = vec![0u64; 600];
        let start = memory.as_mut_ptr() as usize;
        for words in 1..600 {
            // SAFETY: the vector is the memory.
            let chunk = unsafe {
                fill_free(start, start + words * WORD);
                Obj::from_start(start)
            };
            assert_eq!((chunk.start(), chunk.end()), (start, start + words * WORD));
            assert!(chunk.header().has_class(ClassIndex::FREE));
        }
    }
}
