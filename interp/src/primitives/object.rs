//! Any object: class, identity, slots, elements, making and copying.

#![allow(unsafe_code)]

use instar_heap::{ClassIndex, Format, HeaderFlags, HeapError, Obj, Oop};

use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::layout::behavior;
use crate::objects::{Known, Special, Value};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("objectClass", Primitive::Plain(class)),
    ("objectIdentical", Primitive::Plain(identical)),
    ("objectIdentityHash", Primitive::Plain(identity_hash)),
    ("objectAt", Primitive::At(at)),
    ("objectAtPut", Primitive::AtPut(at_put)),
    ("objectSize", Primitive::Plain(size)),
    ("objectInstVarAt", Primitive::Plain(inst_var_at)),
    ("objectInstVarAtPut", Primitive::Plain(inst_var_at_put)),
    ("objectShallowCopy", Primitive::Plain(shallow_copy)),
    ("objectIsReadOnly", Primitive::Plain(is_read_only)),
    ("objectSetReadOnly", Primitive::Plain(set_read_only)),
    ("objectIsPinned", Primitive::Plain(is_pinned)),
    ("behaviorBasicNew", Primitive::Plain(basic_new)),
    ("behaviorBasicNewSize", Primitive::Plain(basic_new_size)),
];

fn class(space: &mut Space, call: Call) -> Answer {
    Ok(space.receiver(call).class().oop())
}

fn identical(space: &mut Space, call: Call) -> Answer {
    Ok(space.boolean(space.receiver(call).oop() == space.argument(call, 0).oop()))
}

fn identity_hash(space: &mut Space, call: Call) -> Answer {
    let hash = space.receiver(call).identity_hash();
    Oop::small_integer(hash).ok_or(space.failure(Special::Failed))
}

/// Number of indexable elements; `None` for an object without an indexable part.
pub(super) fn indexable_size(value: Value<'_>) -> Option<usize> {
    let object = value.object()?;
    let format = object.header().format();
    if format.is_bytes() || format == Format::WORDS {
        Some(object.byte_length() / element_bytes(value))
    } else if format.is_indexable() {
        Some(value.slots() - value.named_slots())
    } else {
        None
    }
}

/// Bytes of one element of raw data.
pub(super) fn element_bytes(value: Value<'_>) -> usize {
    if value.is(Known::WideString) || value.is(Known::WideSymbol) {
        4
    } else if value.object().is_some_and(|object| object.header().format() == Format::WORDS) {
        8
    } else {
        1
    }
}

fn size(space: &mut Space, call: Call) -> Answer {
    let size = indexable_size(space.receiver(call)).unwrap_or(0);
    Ok(Oop::small_integer(size as i64).unwrap_or(space.nil()))
}

/// The element that an index argument names, from 0.
fn element_index(space: &Space, call: Call) -> Result<usize, Failure> {
    let size = indexable_size(space.receiver(call)).ok_or(space.failure(Special::BadReceiver))?;
    let index = space.argument(call, 0).as_index().ok_or(space.failure(Special::BadArgument))?;
    if index == 0 || index > size { Err(space.failure(Special::BadIndex)) } else { Ok(index - 1) }
}

/// Whether elements are Characters.
pub(super) fn is_text(value: Value<'_>) -> bool {
    use Known::{ByteString, ByteSymbol, WideString, WideSymbol};
    [ByteString, ByteSymbol, WideString, WideSymbol].into_iter().any(|class| value.is(class))
}

fn at(space: &mut Space, call: Call) -> Answer {
    let index = element_index(space, call)?;
    let receiver = space.receiver(call);
    if let Some(bytes) = receiver.bytes() {
        let width = element_bytes(receiver);
        let mut word = [0; 8];
        word[..width].copy_from_slice(&bytes[index * width..(index + 1) * width]);
        let number = u64::from_le_bytes(word);
        if is_text(receiver) {
            let character = u32::try_from(number).ok().and_then(char::from_u32);
            return character.map(Oop::character).ok_or(space.failure(Special::BadReceiver));
        }
        return match i64::try_from(number).ok().and_then(Oop::small_integer) {
            Some(integer) => Ok(integer),
            None => space.new_large_integer(false, &word).map_err(|error| space.memory_failure(error)),
        };
    }
    let slot = receiver.named_slots() + index;
    receiver.slot(slot).map(Value::oop).ok_or(space.failure(Special::BadIndex))
}

/// The object that may be written to.
pub(super) fn writable(space: &Space, call: Call) -> Result<Obj, Failure> {
    let object = space.receiver(call).object().ok_or(space.failure(Special::BadReceiver))?;
    if object.header().has_any(HeaderFlags::IMMUTABLE) {
        return Err(space.failure(Special::ReadOnly));
    }
    Ok(object)
}

fn at_put(space: &mut Space, call: Call) -> Answer {
    let index = element_index(space, call)?;
    let object = writable(space, call)?;
    let receiver = space.receiver(call);
    let value = space.argument(call, 1);
    if receiver.bytes().is_some() {
        let width = element_bytes(receiver);
        let number = if is_text(receiver) {
            if receiver.is_symbol() {
                return Err(space.failure(Special::ReadOnly));
            }
            value.as_character().map(u64::from)
        } else {
            word_of(value)
        };
        let number = number.filter(|number| width == 8 || number >> (8 * width) == 0);
        let number = number.ok_or(space.failure(Special::BadArgument))?;
        // SAFETY: a live raw object, and nothing else reads it meanwhile; the index was checked.
        let bytes = unsafe { object.bytes_mut() };
        bytes[index * width..(index + 1) * width].copy_from_slice(&number.to_le_bytes()[..width]);
        return Ok(value.oop());
    }
    let slot = receiver.named_slots() + index;
    check_slot_is_free(space, receiver, slot)?;
    space.put(object.oop(), slot, value.oop());
    Ok(value.oop())
}

/// The 64-bit number that an Integer is, if it is one that is not negative.
fn word_of(value: Value<'_>) -> Option<u64> {
    if let Some(integer) = value.as_integer() {
        return u64::try_from(integer).ok();
    }
    let bytes = value.bytes().filter(|bytes| value.is(Known::LargePositiveInteger) && bytes.len() <= 8)?;
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    Some(u64::from_le_bytes(word))
}

/// Slots on which the runtime relies are not the guest's to write: a key of an ephemeron, and all of code.
pub(super) fn check_slot_is_free(space: &Space, receiver: Value<'_>, _slot: usize) -> Result<(), Failure> {
    let is_code = receiver.is(Known::CompiledMethod) || receiver.is(Known::CompiledBlock);
    if is_code { Err(space.failure(Special::ReadOnly)) } else { Ok(()) }
}

fn slot_index(space: &Space, call: Call) -> Result<usize, Failure> {
    let slots = space.receiver(call).slots();
    let index = space.argument(call, 0).as_index().filter(|&index| index >= 1 && index <= slots);
    index.map(|index| index - 1).ok_or(space.failure(Special::BadIndex))
}

fn inst_var_at(space: &mut Space, call: Call) -> Answer {
    let slot = slot_index(space, call)?;
    space.receiver(call).slot(slot).map(Value::oop).ok_or(space.failure(Special::BadIndex))
}

fn inst_var_at_put(space: &mut Space, call: Call) -> Answer {
    let slot = slot_index(space, call)?;
    let object = writable(space, call)?;
    check_slot_is_free(space, space.receiver(call), slot)?;
    let value = space.argument(call, 1).oop();
    space.put(object.oop(), slot, value);
    Ok(value)
}

fn shallow_copy(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    if receiver.object().is_none()
        || receiver.is_nil()
        || receiver.as_boolean().is_some()
        || receiver.is_symbol()
    {
        return Ok(receiver.oop());
    }
    if receiver.is(Known::CompiledMethod) || receiver.is(Known::CompiledBlock) {
        return Err(space.failure(Special::Unsupported));
    }
    let copy = space.duplicate(|space| space.receiver(call)).map_err(|error| space.memory_failure(error))?;
    Ok(copy.oop())
}

impl Space {
    /// A new object of the same class with the same contents. `original` finds it again after the allocation.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn duplicate(
        &mut self,
        original: impl for<'s> Fn(&'s Space) -> Value<'s>,
    ) -> Result<Obj, HeapError> {
        let value = original(self);
        let class = value.class_index();
        let is_words = value.object().is_some_and(|object| object.header().format() == Format::WORDS);
        let elements = match value.bytes() {
            Some(bytes) if is_words => bytes.len() / 8,
            Some(bytes) => bytes.len(),
            None => value.slots() - value.named_slots(),
        };
        let copy = self.allocate(class, elements)?;
        let value = original(self);
        if let Some(bytes) = value.bytes() {
            // SAFETY: the copy is new, of the same class and length.
            unsafe { copy.bytes_mut() }.copy_from_slice(bytes);
        } else {
            for index in 0..value.slots() {
                let element = value.slot(index).map_or(self.nil(), Value::oop);
                self.put(copy.oop(), index, element);
            }
        }
        Ok(copy)
    }
}

fn has_flag(space: &Space, call: Call, flag: HeaderFlags) -> Oop {
    let receiver = space.receiver(call);
    let is_fixed = receiver.object().is_none_or(|object| object.header().has_any(flag));
    space.boolean(is_fixed)
}

fn is_read_only(space: &mut Space, call: Call) -> Answer {
    Ok(has_flag(space, call, HeaderFlags::IMMUTABLE))
}

fn is_pinned(space: &mut Space, call: Call) -> Answer {
    Ok(has_flag(space, call, HeaderFlags::PINNED))
}

fn set_read_only(space: &mut Space, call: Call) -> Answer {
    let immutable = space.argument(call, 0).as_boolean().ok_or(space.failure(Special::BadArgument))?;
    let receiver = space.receiver(call);
    let object = receiver.object().ok_or(space.failure(Special::BadReceiver))?;
    check_slot_is_free(space, receiver, 0)?;
    let was = object.header().has_any(HeaderFlags::IMMUTABLE);
    if immutable {
        space.mutator.heap().note_special(object.address());
        object.set_flags(HeaderFlags::IMMUTABLE);
    } else {
        object.clear_flags(HeaderFlags::IMMUTABLE);
    }
    Ok(space.boolean(was))
}

/// The index that a class's slot gives its instances, if there can be any: the guest may have written anything there, the indices of
/// forwarders and free memory included.
pub(super) fn index_of_instances(space: &Space, class: Value<'_>) -> Option<ClassIndex> {
    let index = class.slot(behavior::CLASS_INDEX)?.as_integer()?;
    let index = u32::try_from(index).ok().and_then(ClassIndex::new)?;
    (index.is_built_in() || space.mutator.heap().classes.spec(index).is_some()).then_some(index)
}

/// The same, if the guest may make instances.
pub(super) fn index_of_new_instances(space: &Space, class: Value<'_>) -> Option<ClassIndex> {
    let is_code = [Known::CompiledMethod, Known::CompiledBlock].map(|class| space.class_index(class));
    index_of_instances(space, class).filter(|index| !index.is_built_in() && !is_code.contains(index))
}

fn new_instance(space: &mut Space, call: Call, elements: usize) -> Answer {
    let index = index_of_new_instances(space, space.receiver(call));
    let index = index.ok_or(space.failure(Special::BadReceiver))?;
    match space.allocate(index, elements) {
        Ok(object) => Ok(object.oop()),
        Err(HeapError::UnknownClass(_) | HeapError::NotIndexable { .. }) => {
            Err(space.failure(Special::BadReceiver))
        }
        Err(error) => Err(space.memory_failure(error)),
    }
}

fn basic_new(space: &mut Space, call: Call) -> Answer {
    new_instance(space, call, 0)
}

fn basic_new_size(space: &mut Space, call: Call) -> Answer {
    let elements = space.argument(call, 0).as_index().ok_or(space.failure(Special::BadArgument))?;
    let width = if [Known::WideString, Known::WideSymbol]
        .into_iter()
        .any(|class| space.known_class(class).oop() == space.receiver(call).oop())
    {
        4
    } else {
        1
    };
    let bytes = elements.checked_mul(width).ok_or(space.failure(Special::NoMemory))?;
    new_instance(space, call, bytes)
}
