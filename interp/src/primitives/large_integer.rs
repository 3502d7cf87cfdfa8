//! Large Integers as the heap holds them, and as [`BigInt`]s to compute with.
//!
//! An instance of LargePositiveInteger or LargeNegativeInteger has the bytes of its magnitude, lowest first. The guest may set bytes by hand,
//! so what is read need not be normalised; what is made is.
//!
//! [bounded-integers] No result has more than [`MAX_BITS`] bits: primitives fail instead, so that a program that squares in a loop gets an
//! error rather than all memory and no answer.

use std::cmp::Ordering;

use instar_heap::Oop;
use num_bigint::{BigInt, Sign};

use super::float_bits::{Rounded, ratio_to_float};
use super::integer::INAPPLICABLE;
use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::{Known, Special, Value};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("integerAsFloat", Primitive::Plain(as_float)),
    ("fractionAsFloat", Primitive::Plain(fraction_as_float)),
];

/// The longest Integer, in bits of its magnitude.
pub(super) const MAX_BITS: u64 = 1 << 28;

/// An Integer's value; fails for anything else.
pub(super) fn big(value: Value<'_>) -> Result<BigInt, Failure> {
    if let Some(word) = value.as_integer() {
        return Ok(BigInt::from(word));
    }
    let (sign, magnitude) = large(value).ok_or(INAPPLICABLE)?;
    Ok(BigInt::from_bytes_le(sign, magnitude))
}

/// Sign and magnitude of a large Integer, without leading zeros.
fn large(value: Value<'_>) -> Option<(Sign, &[u8])> {
    let sign = if value.is(Known::LargePositiveInteger) {
        Sign::Plus
    } else if value.is(Known::LargeNegativeInteger) {
        Sign::Minus
    } else {
        return None;
    };
    let bytes = value.bytes()?;
    let length = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    Some((sign, &bytes[..length]))
}

/// How two Integers compare of which one at least is large.
pub(super) fn compare_large(x: Value<'_>, y: Value<'_>) -> Result<Ordering, Failure> {
    let (Some((x_sign, x_bytes)), Some((y_sign, y_bytes))) = (large(x), large(y)) else {
        return Ok(big(x)?.cmp(&big(y)?));
    };
    if x_bytes.is_empty() || y_bytes.is_empty() || x_sign != y_sign {
        return Ok(big(x)?.cmp(&big(y)?));
    }
    let by_length = x_bytes.len().cmp(&y_bytes.len());
    let order = by_length.then_with(|| x_bytes.iter().rev().cmp(y_bytes.iter().rev()));
    Ok(if x_sign == Sign::Minus { order.reverse() } else { order })
}

/// The hash of an Integer: itself if it is immediate, else one of 60 bits, in which all of its words are mixed.
pub(super) fn hash(value: &BigInt) -> i64 {
    if let Ok(word) = i64::try_from(value)
        && Oop::small_integer(word).is_some()
    {
        return word;
    }
    let seed = u64::from(value.sign() == Sign::Minus);
    let words = value.iter_u64_digits();
    (words.fold(seed, mix) >> 4) as i64
}

/// One more word in a hash: FxHash's step, the multiplier of which is 2⁶⁴ divided by pi.
pub(super) fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95)
}

impl Space {
    /// An Integer, immediate if it fits. Fails if it is longer than [bounded-integers] or if there is no memory.
    pub(super) fn new_big_integer(&mut self, value: &BigInt) -> Answer {
        if let Ok(word) = i64::try_from(value) {
            return self.new_integer(word).map_err(|error| self.memory_failure(error));
        }
        if value.bits() > MAX_BITS {
            return Err(self.failure(Special::NoMemory));
        }
        let (sign, bytes) = value.to_bytes_le();
        self.new_large_integer(sign == Sign::Minus, &bytes).map_err(|error| self.memory_failure(error))
    }
}

fn as_float(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    let value = match receiver.as_integer() {
        Some(word) => word as f64,
        None => {
            let value = big(receiver)?;
            let magnitude = Rounded::of(value.magnitude()).to_float();
            if value.sign() == Sign::Minus { -magnitude } else { magnitude }
        }
    };
    space.new_float(value).map_err(|error| space.memory_failure(error))
}

/// The nearest double to the quotient of two arguments. The receiver does not matter.
fn fraction_as_float(space: &mut Space, call: Call) -> Answer {
    let (numerator, denominator) = (big(space.argument(call, 0))?, big(space.argument(call, 1))?);
    if denominator == BigInt::ZERO {
        return Err(space.failure(Special::BadArgument));
    }
    let magnitude = ratio_to_float(numerator.magnitude(), denominator.magnitude());
    let is_negative = (numerator.sign() == Sign::Minus) != (denominator.sign() == Sign::Minus);
    let value = if is_negative { -magnitude } else { magnitude };
    space.new_float(value).map_err(|error| space.memory_failure(error))
}
