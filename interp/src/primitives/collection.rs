//! Bulk work on elements: copying a range, filling one; and the queue of ephemerons whose keys died.
//!
//! References are copied as they stand, forwarders included: a copied reference to a forwarder is an unhealed slot like any other.

#![allow(unsafe_code)]

use instar_heap::{Obj, Oop};

use super::object::{check_slot_is_free, element_bytes, indexable_size, is_text, writable};
use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::{Special, Value};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("collectionReplace", Primitive::Plain(replace)),
    ("collectionFill", Primitive::Plain(fill)),
    ("ephemeronNextMourner", Primitive::Plain(next_mourner)),
];

/// Where a range of elements stands.
#[derive(Clone, Copy)]
struct Range {
    /// The first element, from 0.
    start: usize,
    count: usize,
}

/// The range that two arguments name by its first and last index, of an object with `size` elements.
fn range(space: &Space, call: Call, size: usize) -> Result<Range, Failure> {
    let bad = |reason| space.failure(reason);
    let start = space.argument(call, 0).as_index().ok_or(bad(Special::BadArgument))?;
    let stop = space.argument(call, 1).as_index().ok_or(bad(Special::BadArgument))?;
    if start == 0 || stop > size || start > stop + 1 {
        return Err(bad(Special::BadIndex));
    }
    Ok(Range { start: start - 1, count: stop + 1 - start })
}

/// `replaceFrom: start to: stop with: replacement startingAt: first`. The two may be the same object.
fn replace(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    let size = indexable_size(receiver).ok_or(space.failure(Special::BadReceiver))?;
    let to = range(space, call, size)?;
    let source = space.argument(call, 2);
    let first = space.argument(call, 3).as_index().filter(|&first| first > 0);
    let first = first.ok_or(space.failure(Special::BadIndex))? - 1;
    let available = indexable_size(source).ok_or(space.failure(Special::BadArgument))?;
    if first.checked_add(to.count).is_none_or(|end| end > available) {
        return Err(space.failure(Special::BadIndex));
    }
    let object = writable(space, call)?;
    if receiver.bytes().is_some() {
        replace_bytes(space, receiver, object, to, source, first)?;
    } else {
        check_slot_is_free(space, receiver, 0)?;
        if source.bytes().is_some() && element_bytes(source) > 4 {
            return Err(space.failure(Special::BadArgument));
        }
        replace_slots(space, receiver, object, to, source, first);
    }
    Ok(receiver.oop())
}

fn replace_bytes(
    space: &Space,
    receiver: Value<'_>,
    object: Obj,
    to: Range,
    source: Value<'_>,
    first: usize,
) -> Result<(), Failure> {
    let (width, source_width) = (element_bytes(receiver), element_bytes(source));
    let both_wide = width == 4 && source_width == 4;
    let is_fit = match (receiver.bytes(), source.object(), source.bytes()) {
        (Some(_), Some(from), Some(_)) => {
            object.header().format().is_bytes() && from.header().format().is_bytes() && !receiver.is_symbol()
        }
        _ => false,
    };
    let (Some(from), true) = (source.object(), is_fit) else {
        return Err(space.failure(Special::BadArgument));
    };
    if width == 1 && source_width == 1 || both_wide {
        // SAFETY: both ranges were checked to lie inside of their objects, and no slice of either is in use; they may overlap.
        unsafe {
            let bytes = from.bytes().as_ptr().add(first * width);
            std::ptr::copy(bytes, object.bytes_mut().as_mut_ptr().add(to.start * width), to.count * width);
        }
    } else if width == 4 && is_text(source) {
        // SAFETY: the widths differ, so that these are two objects, and only this primitive uses the receiver.
        let (bytes, target) = unsafe { (from.bytes(), object.bytes_mut()) };
        let target = target[to.start * 4..].chunks_exact_mut(4);
        for (four, &byte) in target.zip(&bytes[first..first + to.count]) {
            four.copy_from_slice(&u32::from(byte).to_le_bytes());
        }
    } else {
        return Err(space.failure(Special::BadArgument));
    }
    Ok(())
}

/// The element of bytes or slots; words have none that slots could hold without being allocated.
fn element(source: Value<'_>, index: usize) -> Option<Oop> {
    let Some(bytes) = source.bytes() else {
        let slot = source.named_slots() + index;
        return source.object().filter(|_| slot < source.slots()).map(|object| object.slot(slot));
    };
    match element_bytes(source) {
        1 if is_text(source) => Some(Oop::character(char::from(*bytes.get(index)?))),
        1 => Oop::small_integer(i64::from(*bytes.get(index)?)),
        4 => {
            let four = bytes.get(index * 4..index * 4 + 4)?;
            let code = u32::from_le_bytes(four.try_into().ok()?);
            char::from_u32(code).map(Oop::character)
        }
        _ => None,
    }
}

fn replace_slots(
    space: &Space,
    receiver: Value<'_>,
    object: Obj,
    to: Range,
    source: Value<'_>,
    first: usize,
) {
    let base = receiver.named_slots() + to.start;
    let copy = |index: usize| {
        if let Some(value) = element(source, first + index) {
            space.put(object.oop(), base + index, value);
        }
    };
    if source.oop() == receiver.oop() && first < to.start {
        (0..to.count).rev().for_each(copy);
    } else {
        (0..to.count).for_each(copy);
    }
}

/// `from: start to: stop put: object`.
fn fill(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    let size = indexable_size(receiver).ok_or(space.failure(Special::BadReceiver))?;
    let range = range(space, call, size)?;
    let value = space.argument(call, 2);
    let object = writable(space, call)?;
    if receiver.bytes().is_none() {
        check_slot_is_free(space, receiver, 0)?;
        let base = receiver.named_slots() + range.start;
        for index in 0..range.count {
            space.put(object.oop(), base + index, value.oop());
        }
        return Ok(receiver.oop());
    }
    if !object.header().format().is_bytes() || receiver.is_symbol() {
        return Err(space.failure(Special::BadReceiver));
    }
    let number = if is_text(receiver) {
        value.as_character().map(u32::from)
    } else {
        value.as_integer().and_then(|integer| u32::try_from(integer).ok())
    };
    let number = number.ok_or(space.failure(Special::BadArgument))?;
    let width = element_bytes(receiver);
    // SAFETY: nothing else uses the receiver's bytes meanwhile.
    let bytes = unsafe { object.bytes_mut() };
    let bytes = &mut bytes[range.start * width..(range.start + range.count) * width];
    match (width, u8::try_from(number)) {
        (1, Ok(byte)) => bytes.fill(byte),
        (4, _) => bytes.chunks_exact_mut(4).for_each(|four| four.copy_from_slice(&number.to_le_bytes())),
        _ => return Err(space.failure(Special::BadArgument)),
    }
    Ok(receiver.oop())
}

/// The next ephemeron whose key died, nil if there is none.
fn next_mourner(space: &mut Space, _call: Call) -> Answer {
    let next =
        space.mutator.scope(|scope| scope.next_finalizable().map(|ephemeron| scope.get(ephemeron).oop()));
    Ok(next.unwrap_or(space.nil()))
}
