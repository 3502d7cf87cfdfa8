//! Reading guest objects in safe code.

#![allow(unsafe_code)]

use instar_become::{Access, AlwaysCheck};
use instar_heap::memory::resolve;
use instar_heap::{ClassIndex, Obj, Oop};

use super::known::{Known, Special};
use crate::vm::Space;

/// A reference to an object, or an immediate, that is valid until the space is used mutably.
///
/// [value-live] It is made from a register, root or slot of a live object, and nothing moves or dies while the space is borrowed.
/// It never refers to a forwarder.
#[derive(Clone, Copy)]
pub struct Value<'s> {
    oop: Oop,
    space: &'s Space,
}

impl<'s> Value<'s> {
    /// The value of a live reference or immediate; forwarders are followed.
    ///
    /// # Safety
    /// `oop` is an immediate or refers to a live object or forwarder of `space`.
    #[inline]
    pub(crate) unsafe fn new(space: &'s Space, oop: Oop) -> Value<'s> {
        // SAFETY: the caller's promise.
        Value { oop: unsafe { resolve(oop) }, space }
    }

    /// The tagged word, for storing.
    #[inline]
    pub fn oop(self) -> Oop {
        self.oop
    }

    /// The space that it belongs to.
    pub fn space(self) -> &'s Space {
        self.space
    }

    /// The object, `None` for an immediate.
    #[inline]
    pub(crate) fn object(self) -> Option<Obj> {
        // SAFETY: [value-live]
        self.oop.is_pointer().then(|| unsafe { Obj::from_oop(self.oop) })
    }

    /// The class index.
    #[inline]
    pub fn class_index(self) -> ClassIndex {
        match self.object() {
            Some(object) => object.header().class_index(),
            None => ClassIndex::of_immediate(self.oop).unwrap_or(ClassIndex::FREE),
        }
    }

    /// The class.
    pub fn class(self) -> Value<'s> {
        let class = self.space.mutator.heap().classes.class(self.class_index());
        // SAFETY: the class table keeps classes with instances.
        unsafe { Value::new(self.space, class.unwrap_or(self.space.nil())) }
    }

    /// Whether this is a direct instance of a class that the runtime knows.
    #[inline]
    pub fn is(self, class: Known) -> bool {
        self.class_index() == self.space.class_index(class)
    }

    /// Whether the class of this is `class` or inherits from it.
    pub fn is_kind_of(self, class: Known) -> bool {
        self.is(class) || self.space.inherits(self.class(), self.space.known_class(class))
    }

    /// Whether this is nil.
    #[inline]
    pub fn is_nil(self) -> bool {
        self.oop == self.space.nil()
    }

    /// The truth value, if it is true or false.
    pub fn as_boolean(self) -> Option<bool> {
        if self.oop == self.space.special(Special::True) {
            Some(true)
        } else if self.oop == self.space.special(Special::False) {
            Some(false)
        } else {
            None
        }
    }

    /// The integer, if it is an immediate one.
    #[inline]
    pub fn as_integer(self) -> Option<i64> {
        self.oop.as_small_integer()
    }

    /// The integer as a size or index, if it is one that is not negative.
    pub fn as_index(self) -> Option<usize> {
        self.as_integer().and_then(|integer| usize::try_from(integer).ok())
    }

    /// The character.
    pub fn as_character(self) -> Option<char> {
        self.oop.as_character()
    }

    /// The double, immediate or boxed.
    pub fn as_float(self) -> Option<f64> {
        if let Some(float) = self.oop.as_small_float() {
            return Some(float);
        }
        let object = self.object().filter(|_| self.is(Known::BoxedFloat64))?;
        Some(f64::from_bits(object.slot(0).bits()))
    }

    /// Number of pointer slots, named and indexable; 0 for immediates and raw data.
    pub fn slots(self) -> usize {
        self.object().map_or(0, |object| object.pointer_slots_of(object.header()))
    }

    /// How many of the slots are named.
    pub fn named_slots(self) -> usize {
        let spec = self.space.mutator.heap().classes.spec(self.class_index());
        spec.map_or(0, |spec| spec.fixed_slots as usize).min(self.slots())
    }

    /// What slot `index` holds (from 0, named slots first); `None` if there is no such pointer slot.
    ///
    /// A reference to a forwarder is replaced in the slot too: what reads by primitives only, such as `instVarAt:` and copies, would otherwise
    /// follow it each time.
    #[inline]
    pub fn slot(self, index: usize) -> Option<Value<'s>> {
        let object = self.object()?;
        if index >= object.pointer_slots_of(object.header()) {
            return None;
        }
        // SAFETY: [value-live]: the object has the slot, what it refers to lives, and healing moves nothing.
        let oop = unsafe { Access::<AlwaysCheck>::new(&self.space.mutator).load(object, index) };
        Some(Value { oop, space: self.space })
    }

    /// The raw data of bytes and words; `None` for pointer objects and immediates.
    #[inline]
    pub fn bytes(self) -> Option<&'s [u8]> {
        let object = self.object().filter(|object| !object.header().format().has_pointers())?;
        // SAFETY: [value-live], and writing takes the space mutably.
        Some(unsafe { object.bytes() })
    }

    /// The text of a String or Symbol.
    pub fn text(self) -> Option<String> {
        let bytes = self.bytes()?;
        if self.is(Known::ByteString) || self.is(Known::ByteSymbol) {
            return Some(bytes.iter().map(|&byte| char::from(byte)).collect());
        }
        if self.is(Known::WideString) || self.is(Known::WideSymbol) {
            let code = |four: &[u8]| u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            let character = |four| char::from_u32(code(four)).unwrap_or(char::REPLACEMENT_CHARACTER);
            return Some(bytes.chunks_exact(4).map(character).collect());
        }
        None
    }

    /// Whether this is a Symbol.
    pub fn is_symbol(self) -> bool {
        self.is(Known::ByteSymbol) || self.is(Known::WideSymbol)
    }

    /// The identity hash of an object; immediates hash by value.
    pub fn identity_hash(self) -> i64 {
        match self.object() {
            // SAFETY: [value-live], and it is no forwarder.
            Some(object) => i64::from(unsafe { self.space.mutator.heap().identity_hash(object) }.get()),
            None => (self.oop.bits() >> instar_heap::oop::TAG_BITS) as i64 & MOST_HASH,
        }
    }
}

/// No class has more superclasses: a bound for walks over chains that the guest may have damaged.
pub const MOST_SUPERCLASSES: usize = 10_000;
/// Identity hashes of immediates keep this many bits, so that they are small integers.
const MOST_HASH: i64 = (1 << 60) - 1;

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.oop.fmt(f)
    }
}
