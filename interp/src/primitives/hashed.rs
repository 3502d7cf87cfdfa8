//! The search of sets and dictionaries, for keys whose hash and equality the runtime knows.
//!
//! \[known-hashes\] These are what the kernel's methods `hash`, `identityHash` and `=` answer for SmallIntegers, Characters, Strings and
//! Symbols; where an element of any other class would have to be compared, the primitive fails and `HashedCollection` searches. The two probe
//! alike: linearly, from `hash \\ size + 1`, with hashes multiplied by 1021 above 2²² places.

use instar_heap::Oop;

use super::text::Text;
use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::layout::{association, hashed};
use crate::objects::{Known, Special, Value};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("setScan", Primitive::Plain(|space, call| scan(space, call, Elements::Keys, Equality::Equal))),
    (
        "setScanIdentity",
        Primitive::Plain(|space, call| scan(space, call, Elements::Keys, Equality::Identical)),
    ),
    (
        "dictionaryScan",
        Primitive::Plain(|space, call| scan(space, call, Elements::Associations, Equality::Equal)),
    ),
    (
        "dictionaryScanIdentity",
        Primitive::Plain(|space, call| scan(space, call, Elements::Associations, Equality::Identical)),
    ),
];

/// What the collection's array holds.
#[derive(Clone, Copy, PartialEq)]
enum Elements {
    Keys,
    Associations,
}

#[derive(Clone, Copy, PartialEq)]
enum Equality {
    Equal,
    Identical,
}

/// Above so many places hashes are spread: identity hashes do not reach further.
const MOST_UNSPREAD: usize = 1 << 22;
const SPREAD: i128 = 1021;

/// The index of the element with the key that is the argument, or of the free place where it belongs.
fn scan(space: &mut Space, call: Call, elements: Elements, equality: Equality) -> Answer {
    let failed = space.failure(Special::Failed);
    let array =
        space.receiver(call).slot(hashed::ARRAY).filter(|array| array.is(Known::Array)).ok_or(failed)?;
    let object = array.object().ok_or(failed)?;
    let key = space.argument(call, 0);
    let size = array.slots();
    if size == 0 {
        return Err(failed);
    }
    let mut index = home(hash_of(key, equality).ok_or(failed)?, size);
    for _ in 0..size {
        let element = object.slot(index);
        if element == space.nil() || is_match(space, element, key, elements, equality)? {
            return Oop::small_integer(index as i64 + 1).ok_or(failed);
        }
        index = if index + 1 == size { 0 } else { index + 1 };
    }
    Err(failed)
}

/// The first place, from 0, where an element of this hash is searched.
fn home(hash: i64, size: usize) -> usize {
    if size > MOST_UNSPREAD {
        return (i128::from(hash) * SPREAD).rem_euclid(size as i128) as usize;
    }
    hash.rem_euclid(size as i64) as usize
}

/// [known-hashes]
fn hash_of(key: Value<'_>, equality: Equality) -> Option<i64> {
    if equality == Equality::Identical {
        return Some(key.identity_hash());
    }
    if let Some(integer) = key.as_integer() {
        return Some(integer);
    }
    if let Some(character) = key.as_character() {
        return Some(i64::from(u32::from(character)));
    }
    Text::of(key).map(Text::hash)
}

/// Whether the element is the one that is searched; fails where only the guest can tell.
fn is_match(
    space: &Space,
    element: Oop,
    key: Value<'_>,
    elements: Elements,
    equality: Equality,
) -> Result<bool, Failure> {
    let found = match elements {
        Elements::Keys => element,
        Elements::Associations => {
            let association = space.value(element);
            let object = association.object().filter(|_| association.is(Known::Association));
            object.ok_or(space.failure(Special::Failed))?.slot(association::KEY)
        }
    };
    if found == key.oop() {
        return Ok(true);
    }
    let found = space.value(found);
    if found.oop() == key.oop() {
        return Ok(true);
    }
    if equality == Equality::Identical {
        return Ok(false);
    }
    are_equal(found, key).ok_or(space.failure(Special::Failed))
}

/// Whether two different objects are equal, if that is known. [known-hashes]
fn are_equal(found: Value<'_>, key: Value<'_>) -> Option<bool> {
    let is_simple = |value: Value<'_>| value.as_integer().is_some() || value.as_character().is_some();
    match (Text::of(found), Text::of(key)) {
        (Some(found), Some(key)) => Some(found.len() == key.len() && found.has_at(key, 0)),
        (Some(_), None) => is_simple(key).then_some(false),
        (None, Some(_)) => is_simple(found).then_some(false),
        (None, None) => (is_simple(found) && is_simple(key)).then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_places() {
        for hash in [0, 1, -1, 7, i64::MAX >> 3, i64::MIN >> 3] {
            for size in [1, 7, 1361, MOST_UNSPREAD, MOST_UNSPREAD + 1, 11_229_331] {
                assert!(home(hash, size) < size);
            }
        }
        assert_eq!(home(-1, 7), 6);
        assert_eq!(home(5_000_000, 5_614_657), (5_000_000_usize * 1021) % 5_614_657);
    }
}
