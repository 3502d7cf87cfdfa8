//! Integers of any size: arithmetic, comparison, bits, printing.
//!
//! Receiver and arguments may each be immediate or large; results are always normalised. Operations on two words come first and give up
//! where the result leaves the word; the general way is [`BigInt`](num_bigint::BigInt). An immediate Integer with a Float is done here as
//! well, since the guest's double dispatch costs ten times as much. Everything else fails, and the method's body coerces.

use std::cmp::Ordering;

use instar_heap::Oop;
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;

use super::large_integer::{MAX_BITS, big, compare_large, hash};
use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::{Special, Value};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("integerAdd", Primitive::Plain(add)),
    ("integerSubtract", Primitive::Plain(subtract)),
    ("integerMultiply", Primitive::Plain(multiply)),
    ("integerDivide", Primitive::Plain(divide)),
    ("integerFloorDivide", Primitive::Plain(floor_divide)),
    ("integerModulo", Primitive::Plain(modulo)),
    ("integerQuotient", Primitive::Plain(quotient)),
    ("integerRemainder", Primitive::Plain(remainder)),
    ("integerLess", Primitive::Plain(less)),
    ("integerLessOrEqual", Primitive::Plain(less_or_equal)),
    ("integerGreater", Primitive::Plain(greater)),
    ("integerGreaterOrEqual", Primitive::Plain(greater_or_equal)),
    ("integerEqual", Primitive::Plain(equal)),
    ("integerNotEqual", Primitive::Plain(not_equal)),
    ("integerBitAnd", Primitive::Plain(bit_and)),
    ("integerBitOr", Primitive::Plain(bit_or)),
    ("integerBitXor", Primitive::Plain(bit_xor)),
    ("integerBitShift", Primitive::Plain(bit_shift)),
    ("integerBitCount", Primitive::Plain(bit_count)),
    ("integerHighBit", Primitive::Plain(high_bit)),
    ("integerLowBit", Primitive::Plain(low_bit)),
    ("integerGcd", Primitive::Plain(gcd)),
    ("integerNthRoot", Primitive::Plain(nth_root)),
    ("integerRaisedToModulo", Primitive::Plain(raised_to_modulo)),
    ("integerHash", Primitive::Plain(integer_hash)),
    ("integerNormalize", Primitive::Plain(normalize)),
    ("integerPrintString", Primitive::Plain(print_string)),
    ("integerFromDigits", Primitive::Plain(from_digits)),
];

/// The operands of a call with two Integers, or with a word and a double.
enum Operands {
    Words(i64, i64),
    Mixed(i64, f64),
    Large(BigInt, BigInt),
}

fn operands(space: &Space, call: Call) -> Result<Operands, Failure> {
    let (receiver, argument) = (space.receiver(call), space.argument(call, 0));
    if let Some(x) = receiver.as_integer() {
        if let Some(y) = argument.as_integer() {
            return Ok(Operands::Words(x, y));
        }
        if let Some(y) = argument.as_float() {
            return Ok(Operands::Mixed(x, y));
        }
    }
    Ok(Operands::Large(big(receiver)?, big(argument)?))
}

/// Failure for no reason that the guest cannot find out by itself.
pub(super) const INAPPLICABLE: Failure = Failure(Oop::NULL);

fn arithmetic(
    space: &mut Space,
    call: Call,
    words: impl Fn(i64, i64) -> Option<i64>,
    floats: impl Fn(f64, f64) -> Option<f64>,
    large: impl Fn(&BigInt, &BigInt) -> Option<BigInt>,
) -> Answer {
    let (x, y) = match operands(space, call)? {
        Operands::Words(x, y) => match words(x, y) {
            Some(result) => return new_integer(space, result),
            None => (BigInt::from(x), BigInt::from(y)),
        },
        Operands::Mixed(x, y) => {
            let result = floats(x as f64, y).ok_or(INAPPLICABLE)?;
            return space.new_float(result).map_err(|error| space.memory_failure(error));
        }
        Operands::Large(x, y) => (x, y),
    };
    let result = large(&x, &y).ok_or(INAPPLICABLE)?;
    space.new_big_integer(&result)
}

fn new_integer(space: &mut Space, value: i64) -> Answer {
    space.new_integer(value).map_err(|error| space.memory_failure(error))
}

fn add(space: &mut Space, call: Call) -> Answer {
    arithmetic(space, call, i64::checked_add, |x, y| Some(x + y), |x, y| Some(x + y))
}

fn subtract(space: &mut Space, call: Call) -> Answer {
    arithmetic(space, call, i64::checked_sub, |x, y| Some(x - y), |x, y| Some(x - y))
}

fn multiply(space: &mut Space, call: Call) -> Answer {
    let large = |x: &BigInt, y: &BigInt| (x.bits() + y.bits() <= MAX_BITS).then(|| x * y);
    arithmetic(space, call, i64::checked_mul, |x, y| Some(x * y), large)
}

/// Exact division only.
fn divide(space: &mut Space, call: Call) -> Answer {
    let exact = |(quotient, rest): (BigInt, BigInt)| (rest == BigInt::ZERO).then_some(quotient);
    arithmetic(
        space,
        call,
        |x, y| if y != 0 && x % y == 0 { Some(x / y) } else { None },
        |x, y| (y != 0.0).then(|| x / y),
        |x, y| (*y != BigInt::ZERO).then(|| x.div_rem(y)).and_then(exact),
    )
}

/// A division of Integers that rounds. Floats take the guest's way.
fn division(
    space: &mut Space,
    call: Call,
    words: impl Fn(&i64, &i64) -> i64,
    large: impl Fn(&BigInt, &BigInt) -> BigInt,
) -> Answer {
    arithmetic(
        space,
        call,
        |x, y| (y != 0).then(|| words(&x, &y)),
        |_, _| None,
        |x, y| (*y != BigInt::ZERO).then(|| large(x, y)),
    )
}

fn floor_divide(space: &mut Space, call: Call) -> Answer {
    division(space, call, Integer::div_floor, Integer::div_floor)
}

fn modulo(space: &mut Space, call: Call) -> Answer {
    division(space, call, Integer::mod_floor, Integer::mod_floor)
}

fn quotient(space: &mut Space, call: Call) -> Answer {
    division(space, call, |x, y| x / y, |x, y| x / y)
}

fn remainder(space: &mut Space, call: Call) -> Answer {
    division(space, call, |x, y| x % y, |x, y| x % y)
}

/// How a word compares with a double, exactly; `None` for Not-a-Number.
pub(super) fn compare_with_float(x: i64, y: f64) -> Option<Ordering> {
    const BEYOND: f64 = (1u64 << 63) as f64;
    if y.is_nan() {
        return None;
    }
    if !(-BEYOND..BEYOND).contains(&y) {
        return Some(if y > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let whole = x.cmp(&(y as i64));
    whole.then(0.0f64.partial_cmp(&y.fract())?).into()
}

fn comparison(space: &mut Space, call: Call, test: impl Fn(Option<Ordering>) -> bool) -> Answer {
    let (receiver, argument) = (space.receiver(call), space.argument(call, 0));
    let order = match (receiver.as_integer(), argument.as_integer(), argument.as_float()) {
        (Some(x), Some(y), _) => Some(x.cmp(&y)),
        (Some(x), _, Some(y)) => compare_with_float(x, y),
        _ => Some(compare_large(receiver, argument)?),
    };
    Ok(space.boolean(test(order)))
}

fn less(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, |order| order.is_some_and(Ordering::is_lt))
}

fn less_or_equal(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, |order| order.is_some_and(Ordering::is_le))
}

fn greater(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, |order| order.is_some_and(Ordering::is_gt))
}

fn greater_or_equal(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, |order| order.is_some_and(Ordering::is_ge))
}

fn equal(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, |order| order.is_some_and(Ordering::is_eq))
}

fn not_equal(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, |order| !order.is_some_and(Ordering::is_eq))
}

fn bits(
    space: &mut Space,
    call: Call,
    words: impl Fn(i64, i64) -> i64,
    large: impl Fn(&BigInt, &BigInt) -> BigInt,
) -> Answer {
    arithmetic(space, call, |x, y| Some(words(x, y)), |_, _| None, |x, y| Some(large(x, y)))
}

fn bit_and(space: &mut Space, call: Call) -> Answer {
    bits(space, call, |x, y| x & y, |x, y| x & y)
}

fn bit_or(space: &mut Space, call: Call) -> Answer {
    bits(space, call, |x, y| x | y, |x, y| x | y)
}

fn bit_xor(space: &mut Space, call: Call) -> Answer {
    bits(space, call, |x, y| x ^ y, |x, y| x ^ y)
}

fn bit_shift(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    let argument = space.argument(call, 0);
    // A count that is large itself shifts everything out, or beyond all memory.
    let count = match argument.as_integer() {
        Some(count) => count,
        None if big(argument)?.sign() == Sign::Minus => i64::MIN,
        None => i64::MAX,
    };
    if let Some(word) = receiver.as_integer() {
        if count <= 0 {
            return new_integer(space, word >> count.unsigned_abs().min(63));
        }
        if word == 0 || count < 62 && (word << count) >> count == word {
            return new_integer(space, word << (count & 63));
        }
    }
    let value = big(receiver)?;
    let distance = count.unsigned_abs();
    if count <= 0 {
        return space.new_big_integer(&(value >> distance.min(MAX_BITS)));
    }
    if distance > MAX_BITS - value.bits().min(MAX_BITS) {
        return Err(space.failure(Special::NoMemory));
    }
    space.new_big_integer(&(value << distance))
}

/// Applies to the receiver's magnitude, and makes an Integer of the number that comes out.
fn count_bits(space: &mut Space, call: Call, count: impl Fn(&BigUint) -> u64) -> Answer {
    let count = count(big(space.receiver(call))?.magnitude());
    new_integer(space, count as i64)
}

fn bit_count(space: &mut Space, call: Call) -> Answer {
    if big(space.receiver(call))?.sign() == Sign::Minus {
        return Err(space.failure(Special::BadReceiver));
    }
    count_bits(space, call, BigUint::count_ones)
}

fn high_bit(space: &mut Space, call: Call) -> Answer {
    if let Some(word) = space.receiver(call).as_integer() {
        return new_integer(space, i64::from(64 - word.unsigned_abs().leading_zeros()));
    }
    count_bits(space, call, BigUint::bits)
}

fn low_bit(space: &mut Space, call: Call) -> Answer {
    count_bits(space, call, |magnitude| magnitude.trailing_zeros().map_or(0, |zeros| zeros + 1))
}

fn gcd(space: &mut Space, call: Call) -> Answer {
    // The words of Integers are short enough for their magnitude.
    arithmetic(space, call, |x, y| Some(x.gcd(&y)), |_, _| None, |x, y| Some(x.gcd(y)))
}

/// The argument is the exponent of the root, of which negative receivers have odd ones only.
fn nth_root(space: &mut Space, call: Call) -> Answer {
    let value = big(space.receiver(call))?;
    let degree = space.argument(call, 0).as_index().and_then(|degree| u32::try_from(degree).ok());
    let degree = degree.filter(|&degree| degree > 0).ok_or(space.failure(Special::BadArgument))?;
    if value.sign() == Sign::Minus && degree % 2 == 0 {
        return Err(space.failure(Special::BadReceiver));
    }
    space.new_big_integer(&value.nth_root(degree))
}

fn raised_to_modulo(space: &mut Space, call: Call) -> Answer {
    let base = big(space.receiver(call))?;
    let (exponent, modulus) = (big(space.argument(call, 0))?, big(space.argument(call, 1))?);
    if exponent.sign() == Sign::Minus || modulus == BigInt::ZERO {
        return Err(space.failure(Special::BadArgument));
    }
    space.new_big_integer(&base.modpow(&exponent, &modulus))
}

fn integer_hash(space: &mut Space, call: Call) -> Answer {
    let hash = hash(&big(space.receiver(call))?);
    new_integer(space, hash)
}

fn normalize(space: &mut Space, call: Call) -> Answer {
    let value = big(space.receiver(call))?;
    space.new_big_integer(&value)
}

/// A base from 2 to 36.
pub(super) fn base(space: &Space, value: Value<'_>) -> Result<u32, Failure> {
    let base = value.as_integer().filter(|base| (2..=36).contains(base));
    base.map(|base| base as u32).ok_or(space.failure(Special::BadArgument))
}

fn print_string(space: &mut Space, call: Call) -> Answer {
    let base = base(space, space.argument(call, 0))?;
    let text = match space.receiver(call).as_integer() {
        Some(word) if base == 10 => word.to_string(),
        _ => big(space.receiver(call))?.to_str_radix(base).to_uppercase(),
    };
    space.new_string(&text).map_err(|error| space.memory_failure(error))
}

/// From a String of digits, capital letters above 9, and a base. The receiver does not matter.
fn from_digits(space: &mut Space, call: Call) -> Answer {
    let base = base(space, space.argument(call, 1))?;
    let digits = space.argument(call, 0).text().ok_or(space.failure(Special::BadArgument))?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    if !digits.bytes().all(is_digit) {
        return Err(space.failure(Special::BadArgument));
    }
    let value = BigUint::parse_bytes(digits.as_bytes(), base).ok_or(space.failure(Special::BadArgument))?;
    space.new_big_integer(&BigInt::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_compare_exactly_with_doubles() {
        let big = 1i64 << 60;
        for (x, y, expected) in [
            (1, 1.0, Some(Ordering::Equal)),
            (1, 1.5, Some(Ordering::Less)),
            (-1, -1.5, Some(Ordering::Greater)),
            (0, -0.0, Some(Ordering::Equal)),
            (0, 1e-300, Some(Ordering::Less)),
            (big - 1, big as f64, Some(Ordering::Less)),
            (big, big as f64, Some(Ordering::Equal)),
            (big, 1e300, Some(Ordering::Less)),
            (-big, f64::NEG_INFINITY, Some(Ordering::Greater)),
            (0, f64::NAN, None),
        ] {
            assert_eq!(compare_with_float(x, y), expected, "{x} {y}");
        }
    }
}
