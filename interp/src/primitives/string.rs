//! Strings: comparing, searching, cases, concatenation, encodings; and properties of characters.
//!
//! Only the kernel's own classes of strings are handled here. For others, such as classes that the guest derives from them, the primitives
//! fail and Smalltalk code does the work.

use instar_heap::Oop;

use super::text::{Text, hash_of};
use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::{Known, Special};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("stringEqual", Primitive::Plain(equal)),
    ("stringHash", Primitive::Plain(hash)),
    ("stringCompare", Primitive::Plain(compare)),
    ("stringIndexOf", Primitive::Plain(index_of)),
    ("stringIndexOfByte", Primitive::Plain(index_of_byte)),
    ("stringIndexOfAny", Primitive::Plain(index_of_any)),
    ("stringFind", Primitive::Plain(find)),
    ("stringHasAt", Primitive::Plain(has_at)),
    ("stringUppercase", Primitive::Plain(uppercase)),
    ("stringLowercase", Primitive::Plain(lowercase)),
    ("stringConcatenate", Primitive::Plain(concatenate)),
    ("stringEncodeUtf8", Primitive::Plain(encode_utf8)),
    ("stringDecodeUtf8", Primitive::Plain(decode_utf8)),
    ("stringAsByteArray", Primitive::Plain(as_byte_array)),
    ("characterFromValue", Primitive::Plain(character_from_value)),
    ("characterValue", Primitive::Plain(character_value)),
    ("characterDigitValue", Primitive::Plain(character_digit_value)),
    ("characterLowercase", Primitive::Plain(character_lowercase)),
    ("characterUppercase", Primitive::Plain(character_uppercase)),
    ("characterIsDigit", Primitive::Plain(|space, call| property(space, call, is_digit))),
    ("characterIsLetter", Primitive::Plain(|space, call| property(space, call, char::is_alphabetic))),
    ("characterIsLowercase", Primitive::Plain(|space, call| property(space, call, char::is_lowercase))),
    ("characterIsSeparator", Primitive::Plain(|space, call| property(space, call, char::is_whitespace))),
    ("characterIsUppercase", Primitive::Plain(|space, call| property(space, call, char::is_uppercase))),
];

pub(super) fn receiver_text(space: &Space, call: Call) -> Result<Text<'_>, Failure> {
    Text::of(space.receiver(call)).ok_or(space.failure(Special::BadReceiver))
}

pub(super) fn argument_text(space: &Space, call: Call, index: usize) -> Result<Text<'_>, Failure> {
    Text::of(space.argument(call, index)).ok_or(space.failure(Special::BadArgument))
}

fn integer(space: &Space, value: i64) -> Answer {
    Oop::small_integer(value).ok_or(space.failure(Special::Failed))
}

/// An index as the guest counts, from 1; 0 for none.
fn index(space: &Space, found: Option<usize>) -> Answer {
    integer(space, found.map_or(0, |found| found as i64 + 1))
}

/// An argument that is an index; those before the first element mean it.
fn start(space: &Space, call: Call, argument: usize) -> Result<usize, Failure> {
    let start = space.argument(call, argument).as_integer().ok_or(space.failure(Special::BadArgument))?;
    Ok(usize::try_from(start - 1).unwrap_or(0))
}

/// Of two strings by their characters, of two ByteArrays by their bytes.
fn equal(space: &mut Space, call: Call) -> Answer {
    let (receiver, argument) = (space.receiver(call), space.argument(call, 0));
    if receiver.oop() == argument.oop() {
        return Ok(space.boolean(true));
    }
    if argument.object().is_none() {
        return Ok(space.boolean(false));
    }
    if let (true, true) = (receiver.is(Known::ByteArray), argument.is(Known::ByteArray)) {
        return Ok(space.boolean(receiver.bytes() == argument.bytes()));
    }
    let (one, other) = (receiver_text(space, call)?, argument_text(space, call, 0)?);
    Ok(space.boolean(one.len() == other.len() && one.has_at(other, 0)))
}

fn hash(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    if receiver.is(Known::ByteArray) {
        return integer(space, receiver.bytes().map_or(0, hash_of));
    }
    integer(space, receiver_text(space, call)?.hash())
}

fn compare(space: &mut Space, call: Call) -> Answer {
    let order = receiver_text(space, call)?.compare(argument_text(space, call, 0)?);
    integer(space, order as i64)
}

fn index_of(space: &mut Space, call: Call) -> Answer {
    let character = space.argument(call, 0).as_character().ok_or(space.failure(Special::BadArgument))?;
    index(space, receiver_text(space, call)?.index_of(u32::from(character), start(space, call, 1)?))
}

fn index_of_byte(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    let bytes = receiver.bytes().filter(|_| receiver.is(Known::ByteArray));
    let bytes = bytes.ok_or(space.failure(Special::BadReceiver))?;
    let byte = space.argument(call, 0).as_index().ok_or(space.failure(Special::BadArgument))?;
    let from = start(space, call, 1)?;
    let rest = bytes.get(from..).unwrap_or_default();
    index(space, rest.iter().position(|&other| usize::from(other) == byte).map(|found| from + found))
}

/// `indexOfAnyIn: marks startingAt: start`: the first character whose code point is marked.
fn index_of_any(space: &mut Space, call: Call) -> Answer {
    let argument = space.argument(call, 0);
    let marks = argument.bytes().filter(|_| argument.is(Known::ByteArray));
    let marks = marks.ok_or(space.failure(Special::BadArgument))?;
    index(space, receiver_text(space, call)?.index_of_any(marks, start(space, call, 1)?))
}

fn find(space: &mut Space, call: Call) -> Answer {
    let part = argument_text(space, call, 0)?;
    if part.len() == 0 {
        return Err(space.failure(Special::BadArgument));
    }
    index(space, receiver_text(space, call)?.find(part, start(space, call, 1)?))
}

fn has_at(space: &mut Space, call: Call) -> Answer {
    let at = space.argument(call, 1).as_integer().ok_or(space.failure(Special::BadArgument))?;
    let (text, part) = (receiver_text(space, call)?, argument_text(space, call, 0)?);
    Ok(space.boolean(usize::try_from(at - 1).is_ok_and(|at| text.has_at(part, at))))
}

fn new_text(space: &mut Space, codes: &[u32]) -> Answer {
    space.new_text(codes).map_err(|error| space.memory_failure(error))
}

fn uppercase(space: &mut Space, call: Call) -> Answer {
    let codes: Vec<u32> = receiver_text(space, call)?.characters().map(|it| u32::from(upper(it))).collect();
    new_text(space, &codes)
}

fn lowercase(space: &mut Space, call: Call) -> Answer {
    let codes: Vec<u32> = receiver_text(space, call)?.characters().map(|it| u32::from(lower(it))).collect();
    new_text(space, &codes)
}

fn concatenate(space: &mut Space, call: Call) -> Answer {
    let (one, other) = (receiver_text(space, call)?, argument_text(space, call, 0)?);
    if let (Text::Narrow(one), Text::Narrow(other)) = (one, other) {
        let length = one.len() + other.len();
        let joined = space.new_bytes_filled(Known::ByteString, length, |space, bytes| {
            // Read again: both may have been moved by a collection.
            let parts = (Text::of(space.receiver(call)), Text::of(space.argument(call, 0)));
            if let (Some(Text::Narrow(one)), Some(Text::Narrow(other))) = parts {
                bytes[..one.len()].copy_from_slice(one);
                bytes[one.len()..].copy_from_slice(other);
            }
        });
        return joined.map_err(|error| space.memory_failure(error));
    }
    let codes: Vec<u32> = one.codes().chain(other.codes()).collect();
    new_text(space, &codes)
}

fn new_byte_array(space: &mut Space, bytes: &[u8]) -> Answer {
    space.new_bytes(Known::ByteArray, bytes).map_err(|error| space.memory_failure(error))
}

fn encode_utf8(space: &mut Space, call: Call) -> Answer {
    let text: String = receiver_text(space, call)?.characters().collect();
    new_byte_array(space, text.as_bytes())
}

fn decode_utf8(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    let bytes = receiver.bytes().filter(|_| receiver.is(Known::ByteArray));
    let bytes = bytes.ok_or(space.failure(Special::BadReceiver))?;
    let text = std::str::from_utf8(bytes).map_err(|_| space.failure(Special::BadReceiver))?.to_owned();
    space.new_string(&text).map_err(|error| space.memory_failure(error))
}

fn as_byte_array(space: &mut Space, call: Call) -> Answer {
    let bytes: Vec<u8> = match receiver_text(space, call)? {
        Text::Narrow(bytes) => bytes.to_vec(),
        wide @ Text::Wide(_) => wide.codes().flat_map(u32::to_be_bytes).collect(),
    };
    new_byte_array(space, &bytes)
}

fn character_from_value(space: &mut Space, call: Call) -> Answer {
    let code = space.argument(call, 0).as_integer().and_then(|code| u32::try_from(code).ok());
    let character = code.and_then(char::from_u32).ok_or(space.failure(Special::BadArgument))?;
    Ok(Oop::character(character))
}

fn character(space: &Space, call: Call) -> Result<char, Failure> {
    space.receiver(call).as_character().ok_or(space.failure(Special::BadReceiver))
}

fn character_value(space: &mut Space, call: Call) -> Answer {
    integer(space, i64::from(u32::from(character(space, call)?)))
}

fn property(space: &Space, call: Call, holds: fn(char) -> bool) -> Answer {
    Ok(space.boolean(holds(character(space, call)?)))
}

fn character_lowercase(space: &mut Space, call: Call) -> Answer {
    Ok(Oop::character(lower(character(space, call)?)))
}

fn character_uppercase(space: &mut Space, call: Call) -> Answer {
    Ok(Oop::character(upper(character(space, call)?)))
}

fn character_digit_value(space: &mut Space, call: Call) -> Answer {
    integer(space, decimal_digit(character(space, call)?).unwrap_or(-1))
}

fn is_digit(character: char) -> bool {
    decimal_digit(character).is_some()
}

/// The lowercase form if that is one character, else the character itself: strings keep their size.
fn lower(character: char) -> char {
    single(character, character.to_lowercase())
}

/// The uppercase form if that is one character, else the character itself.
fn upper(character: char) -> char {
    single(character, character.to_uppercase())
}

fn single(character: char, mut forms: impl ExactSizeIterator<Item = char>) -> char {
    if forms.len() == 1 { forms.next().unwrap_or(character) } else { character }
}

/// Zeros of Unicode's decimal digits (general category Nd); the other nine follow each of them.
const ZEROS: &[u32] = &[
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50,
    0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
    0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950,
    0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC,
    0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0,
];

fn decimal_digit(character: char) -> Option<i64> {
    let code = u32::from(character);
    let zero = ZEROS[..ZEROS.partition_point(|&zero| zero <= code)].last()?;
    Some(code - zero).filter(|&digit| digit < 10).map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_other_scripts_are_numeric() {
        assert!(ZEROS.is_sorted());
        for &zero in ZEROS {
            for value in 0..10 {
                let digit = char::from_u32(zero + value).unwrap();
                assert_eq!(decimal_digit(digit), Some(i64::from(value)), "{digit:?}");
            }
        }
        for other in ['a', '/', ':', '\u{b2}', '\u{66a}', '\u{10FFFF}', '\0'] {
            assert_eq!(decimal_digit(other), None, "{other:?}");
        }
    }

    #[test]
    fn cases_keep_the_number_of_characters() {
        assert_eq!((upper('\u{df}'), lower('\u{130}')), ('\u{df}', '\u{130}'));
        assert_eq!((upper('\u{ff}'), lower('\u{178}')), ('\u{178}', '\u{ff}'));
    }
}
