//! Floats: arithmetic, comparison, functions, conversion.
//!
//! The receiver is an immediate or a boxed double, the argument one too, or an immediate Integer. Everything else fails, and the method's
//! body coerces.

use std::cmp::Ordering;

use instar_heap::Oop;
use num_bigint::{BigInt, Sign};

use super::float_bits::{exponent, times_two_power, truncated};
use super::float_text::text;
use super::integer::{INAPPLICABLE, base, compare_with_float};
use super::large_integer::{big, hash, mix};
use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::{Special, Value};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("floatAdd", Primitive::Plain(add)),
    ("floatSubtract", Primitive::Plain(subtract)),
    ("floatMultiply", Primitive::Plain(multiply)),
    ("floatDivide", Primitive::Plain(divide)),
    ("floatLess", Primitive::Plain(less)),
    ("floatLessOrEqual", Primitive::Plain(less_or_equal)),
    ("floatGreater", Primitive::Plain(greater)),
    ("floatGreaterOrEqual", Primitive::Plain(greater_or_equal)),
    ("floatEqual", Primitive::Plain(equal)),
    ("floatSqrt", Primitive::Plain(sqrt)),
    ("floatExp", Primitive::Plain(exp)),
    ("floatLn", Primitive::Plain(ln)),
    ("floatSin", Primitive::Plain(sin)),
    ("floatArcTan", Primitive::Plain(arc_tan)),
    ("floatTimesTwoPower", Primitive::Plain(scale)),
    ("floatExponent", Primitive::Plain(float_exponent)),
    ("floatFractionPart", Primitive::Plain(fraction_part)),
    ("floatTruncated", Primitive::Plain(float_truncated)),
    ("floatHash", Primitive::Plain(float_hash)),
    ("floatDigits", Primitive::Plain(digits)),
    ("floatBits32", Primitive::Plain(bits32)),
    ("floatBits64", Primitive::Plain(bits64)),
    ("floatFromBits32", Primitive::Plain(from_bits32)),
    ("floatFromBits64", Primitive::Plain(from_bits64)),
];

fn receiver(space: &Space, call: Call) -> Result<f64, Failure> {
    space.receiver(call).as_float().ok_or(space.failure(Special::BadReceiver))
}

fn new_float(space: &mut Space, value: f64) -> Answer {
    space.new_float(value).map_err(|error| space.memory_failure(error))
}

fn new_integer(space: &mut Space, value: i64) -> Answer {
    space.new_integer(value).map_err(|error| space.memory_failure(error))
}

fn arithmetic(space: &mut Space, call: Call, operation: impl Fn(f64, f64) -> Option<f64>) -> Answer {
    let argument = space.argument(call, 0);
    let y = argument.as_float().or(argument.as_integer().map(|word| word as f64)).ok_or(INAPPLICABLE)?;
    let result = operation(receiver(space, call)?, y).ok_or(INAPPLICABLE)?;
    new_float(space, result)
}

fn add(space: &mut Space, call: Call) -> Answer {
    arithmetic(space, call, |x, y| Some(x + y))
}

fn subtract(space: &mut Space, call: Call) -> Answer {
    arithmetic(space, call, |x, y| Some(x - y))
}

fn multiply(space: &mut Space, call: Call) -> Answer {
    arithmetic(space, call, |x, y| Some(x * y))
}

fn divide(space: &mut Space, call: Call) -> Answer {
    arithmetic(space, call, |x, y| (y != 0.0).then(|| x / y))
}

fn comparison(space: &mut Space, call: Call, test: impl Fn(Ordering) -> bool) -> Answer {
    let x = receiver(space, call)?;
    let argument = space.argument(call, 0);
    let order = match argument.as_integer() {
        Some(y) => compare_with_float(y, x).map(Ordering::reverse),
        None => x.partial_cmp(&argument.as_float().ok_or(INAPPLICABLE)?),
    };
    Ok(space.boolean(order.is_some_and(test)))
}

fn less(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, Ordering::is_lt)
}

fn less_or_equal(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, Ordering::is_le)
}

fn greater(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, Ordering::is_gt)
}

fn greater_or_equal(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, Ordering::is_ge)
}

fn equal(space: &mut Space, call: Call) -> Answer {
    comparison(space, call, Ordering::is_eq)
}

fn function(space: &mut Space, call: Call, function: impl Fn(f64) -> f64) -> Answer {
    let result = function(receiver(space, call)?);
    new_float(space, result)
}

fn sqrt(space: &mut Space, call: Call) -> Answer {
    function(space, call, f64::sqrt)
}

fn exp(space: &mut Space, call: Call) -> Answer {
    function(space, call, f64::exp)
}

fn ln(space: &mut Space, call: Call) -> Answer {
    function(space, call, f64::ln)
}

fn sin(space: &mut Space, call: Call) -> Answer {
    function(space, call, f64::sin)
}

fn arc_tan(space: &mut Space, call: Call) -> Answer {
    function(space, call, f64::atan)
}

fn fraction_part(space: &mut Space, call: Call) -> Answer {
    function(space, call, f64::fract)
}

fn scale(space: &mut Space, call: Call) -> Answer {
    let argument = space.argument(call, 0);
    let power = match argument.as_integer() {
        Some(power) => power,
        None if big(argument)?.sign() == Sign::Minus => i64::MIN,
        None => i64::MAX,
    };
    function(space, call, |value| times_two_power(value, power))
}

/// The guest's convention for zero is -1.
fn float_exponent(space: &mut Space, call: Call) -> Answer {
    let value = receiver(space, call)?;
    let exponent = if value == 0.0 { Some(-1) } else { exponent(value) };
    let exponent = exponent.ok_or(space.failure(Special::BadReceiver))?;
    new_integer(space, exponent)
}

fn float_truncated(space: &mut Space, call: Call) -> Answer {
    let value = receiver(space, call)?;
    if value.abs() < Oop::MAX_SMALL_INTEGER as f64 {
        return new_integer(space, value as i64);
    }
    let integer = truncated(value).ok_or(space.failure(Special::BadReceiver))?;
    space.new_big_integer(&integer)
}

/// That of the equal Integer, if there is one.
fn float_hash(space: &mut Space, call: Call) -> Answer {
    let value = receiver(space, call)?;
    let integer = if value.fract() == 0.0 { truncated(value) } else { None };
    let hash = integer.map_or_else(|| (mix(0, value.to_bits()) >> 4) as i64, |integer| hash(&integer));
    new_integer(space, hash)
}

/// The shortest text in a base for the magnitude of a finite receiver.
fn digits(space: &mut Space, call: Call) -> Answer {
    let base = base(space, space.argument(call, 0))?;
    let value = receiver(space, call)?;
    let text = text(value, base).ok_or(space.failure(Special::BadReceiver))?;
    space.new_string(&text).map_err(|error| space.memory_failure(error))
}

fn bits32(space: &mut Space, call: Call) -> Answer {
    let word = (receiver(space, call)? as f32).to_bits();
    new_integer(space, i64::from(word))
}

fn bits64(space: &mut Space, call: Call) -> Answer {
    let word = receiver(space, call)?.to_bits();
    space.new_big_integer(&BigInt::from(word))
}

/// An argument that is a natural number of no more than 64 bits.
fn word(space: &Space, value: Value<'_>) -> Result<u64, Failure> {
    u64::try_from(&big(value)?).map_err(|_| space.failure(Special::BadArgument))
}

fn from_bits32(space: &mut Space, call: Call) -> Answer {
    let word = word(space, space.argument(call, 0))?;
    let word = u32::try_from(word).map_err(|_| space.failure(Special::BadArgument))?;
    new_float(space, f64::from(f32::from_bits(word)))
}

fn from_bits64(space: &mut Space, call: Call) -> Answer {
    let word = word(space, space.argument(call, 0))?;
    new_float(space, f64::from_bits(word))
}
