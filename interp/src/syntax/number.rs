//! Number literals, as Pharo reads them: `42`, `16r-1F`, `1e10`, `1e-3` (a fraction), `1.5e-3`, `1.5s2`.
//!
//! A number ends where it stops making sense: `3s` is a scaled decimal, `3sqrt` is `3 sqrt`. Digits above 9 are capital
//! letters, so that an exponent can be told from a digit.
//!
//! [bounded-numbers] The value of a literal has at most [`MAX_NUMBER_BITS`] bits, so that `1e999999999` is an error
//! rather than the end of memory.

use num_bigint::BigUint;
use num_integer::Integer as _;

use super::Span;
use super::ast::{Fraction, Integer, LargeInteger, Literal, ScaledDecimal};

/// The longest number literal, in bits of its value, or of either part of a fraction.
pub const MAX_NUMBER_BITS: u64 = 1 << 18;

/// The parts of a number literal, as ranges of the text.
#[derive(Debug, PartialEq)]
struct Parts<'s> {
    base: u32,
    /// Is there a minus sign behind the radix?
    is_negative: bool,
    whole: &'s [u8],
    fraction: &'s [u8],
    /// Too large ones are saturated.
    exponent: Option<i64>,
    /// The number of digits behind the point, or that given.
    scale: Option<u32>,
    /// How much of the text belongs to the number.
    length: usize,
}

/// Behind the number that begins at `start` with a digit.
pub(super) fn end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < bytes.len() && bytes[at].is_ascii_digit() {
        at += 1;
    }
    match bytes.get(at) {
        Some(b'.' | b'a'..=b'z') => start + parts(&bytes[start..]).length,
        _ => at,
    }
}

fn parts(text: &[u8]) -> Parts<'_> {
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    let mut base = 10;
    let mut is_negative = false;
    let mut begin = 0;
    let mut at = digits_end(text, 0, 10);
    if byte(at) == b'r' {
        let is_signed = byte(at + 1) == b'-';
        let first = at + 1 + usize::from(is_signed);
        if byte(first).is_ascii_digit() || byte(first).is_ascii_uppercase() {
            base = decimal(&text[..at]).try_into().unwrap_or(u32::MAX);
            is_negative = is_signed;
            begin = first;
            at = digits_end(text, first, 36);
        }
    }
    let whole = &text[begin..at];
    let mut fraction: &[u8] = &[];
    if byte(at) == b'.' && digit(byte(at + 1)).is_some_and(|digit| digit < base) {
        let end = digits_end(text, at + 1, base);
        fraction = &text[at + 1..end];
        at = end;
    }
    let mut exponent = None;
    let mut scale = None;
    match byte(at) {
        b'e' | b'd' | b'q' => {
            let is_minus = byte(at + 1) == b'-';
            let first = at + 1 + usize::from(is_minus);
            let end = digits_end(text, first, 10);
            if end > first {
                let magnitude = decimal(&text[first..end]);
                exponent = Some(if is_minus { -magnitude } else { magnitude });
                at = end;
            }
        }
        b's' => {
            let end = digits_end(text, at + 1, 10);
            if end > at + 1 {
                scale = Some(decimal(&text[at + 1..end]).try_into().unwrap_or(u32::MAX));
                at = end;
            } else if !(byte(end).is_ascii_alphanumeric() || byte(end) == b'_' || byte(end) >= 0x80) {
                scale = Some(fraction.len().try_into().unwrap_or(u32::MAX));
                at = end;
            }
        }
        _ => {}
    }
    Parts { base, is_negative, whole, fraction, exponent, scale, length: at }
}

/// The value of a digit in any base up to 36.
fn digit(byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A') + 10),
        _ => None,
    }
}

fn digits_end(text: &[u8], start: usize, base: u32) -> usize {
    let is_digit = |byte: &u8| digit(*byte).is_some_and(|digit| digit < base);
    start + text.get(start..).unwrap_or_default().iter().take_while(|byte| is_digit(byte)).count()
}

/// The value of decimal digits and nothing else, saturated well inside of 64 bits.
fn decimal(digits: &[u8]) -> i64 {
    let add = |value: i64, byte: &u8| (value * 10 + i64::from(byte - b'0')).min(i64::MAX / 100);
    digits.iter().fold(0, add)
}

/// The value of a whole number token, and how many bytes it takes beyond the tree's own. The sign stands before it.
pub(super) fn value(text: &str, is_negative: bool) -> Result<(Literal<'static>, usize), String> {
    let bytes = text.as_bytes();
    if bytes.len() <= 18 && bytes.iter().all(u8::is_ascii_digit) {
        let magnitude = decimal_small(bytes);
        return Ok((Literal::Integer(if is_negative { -magnitude } else { magnitude }), 0));
    }
    let parts = parts(bytes);
    check_digits(&parts)?;
    if is_negative && parts.is_negative {
        return Err("a number has one minus sign: before it, or behind its radix".to_owned());
    }
    let is_negative = is_negative || parts.is_negative;
    if parts.scale.is_none() && !parts.fraction.is_empty() {
        let magnitude = float(text, &parts)?;
        return Ok((Literal::Float(if is_negative { -magnitude } else { magnitude }), 0));
    }
    exact(&parts, is_negative)
}

fn decimal_small(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |value, byte| value * 10 + i64::from(byte - b'0'))
}

fn check_digits(parts: &Parts<'_>) -> Result<(), String> {
    let base = parts.base;
    if !(2..=36).contains(&base) {
        return Err("a radix is a number from 2 to 36".to_owned());
    }
    let bits = (parts.whole.len() + parts.fraction.len()) as u64 * u64::from(base.ilog2() + 1);
    if bits > MAX_NUMBER_BITS {
        return Err(too_large());
    }
    match parts.whole.iter().find(|byte| digit(**byte).is_none_or(|digit| digit >= base)) {
        Some(&wrong) => Err(format!("{} is no digit in radix {base}", wrong as char)),
        None => Ok(()),
    }
}

/// Where digits of a number are written as small letters, `16rff`: behind them.
pub(super) fn small_digit_end(bytes: &[u8], span: Span) -> Option<u32> {
    let end = span.end as usize;
    if !bytes.get(end)?.is_ascii_lowercase() {
        return None;
    }
    let token = &bytes[span.range()];
    let radix = &token[..digits_end(token, 0, 10)];
    // `16r` and the letters, or `16r1` and the letters.
    let first = match token.get(radix.len()) {
        None if bytes[end] == b'r' => end + 1,
        Some(b'r') => end,
        _ => return None,
    };
    let base = decimal(radix);
    if !(11..=36).contains(&base) {
        return None;
    }
    let is_digit = |byte: &u8| digit(byte.to_ascii_uppercase()).is_some_and(|digit| i64::from(digit) < base);
    let length = bytes.get(first..)?.iter().take_while(|byte| is_digit(byte)).count();
    let is_whole =
        bytes.get(first + length).is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b':'));
    (length > 0 && is_whole).then_some((first + length) as u32)
}

/// A number with a radix, its digits in capitals.
pub(super) fn with_capitals(number: &str) -> String {
    match number.split_once('r') {
        Some((radix, digits)) => format!("{radix}r{}", digits.to_ascii_uppercase()),
        None => number.to_owned(),
    }
}

fn too_large() -> String {
    format!("this number is too large: a literal has at most {MAX_NUMBER_BITS} bits")
}

/// All digits as one integer; the point moves by as many places as the fraction has.
fn mantissa(parts: &Parts<'_>) -> BigUint {
    let digits = parts.whole.iter().chain(parts.fraction);
    let values: Vec<u8> = digits.map(|byte| digit(*byte).unwrap_or(0) as u8).collect();
    BigUint::from_radix_be(&values, parts.base).unwrap_or_default()
}

fn power(base: u32, exponent: u64) -> Result<BigUint, String> {
    if exponent.saturating_mul(u64::from(base.ilog2())) > MAX_NUMBER_BITS {
        return Err(too_large());
    }
    let power = BigUint::from(base).pow(exponent as u32);
    if power.bits() > MAX_NUMBER_BITS { Err(too_large()) } else { Ok(power) }
}

/// Integers, fractions and scaled decimals.
fn exact(parts: &Parts<'_>, is_negative: bool) -> Result<(Literal<'static>, usize), String> {
    let exponent = parts.exponent.unwrap_or(0) - parts.fraction.len() as i64;
    let mut numerator = mantissa(parts);
    let mut denominator = BigUint::from(1_u8);
    if numerator != BigUint::ZERO {
        let factor = power(parts.base, exponent.unsigned_abs())?;
        if exponent >= 0 {
            numerator *= factor;
        } else {
            let divisor = numerator.gcd(&factor);
            numerator /= &divisor;
            denominator = factor / divisor;
        }
    }
    if numerator.bits() > MAX_NUMBER_BITS {
        return Err(too_large());
    }
    let size = ((numerator.bits() + denominator.bits()) / 8) as usize;
    let is_integer = denominator == BigUint::from(1_u8);
    let (numerator, denominator) = (integer(&numerator, is_negative), integer(&denominator, false));
    let literal = match (parts.scale, numerator) {
        (None, Integer::Small(value)) if is_integer => Literal::Integer(value),
        (None, Integer::Large(value)) if is_integer => Literal::LargeInteger(Box::new(value)),
        (None, numerator) => Literal::Fraction(Box::new(Fraction { numerator, denominator })),
        (Some(scale), numerator) => {
            let value = Fraction { numerator, denominator };
            Literal::ScaledDecimal(Box::new(ScaledDecimal { value, scale }))
        }
    };
    Ok((literal, size))
}

fn integer(magnitude: &BigUint, is_negative: bool) -> Integer {
    let signed = i128::try_from(magnitude).map(|value| if is_negative { -value } else { value });
    match signed.map(i64::try_from) {
        Ok(Ok(value)) => Integer::Small(value),
        _ => Integer::Large(LargeInteger { is_negative, bytes: magnitude.to_bytes_le().into() }),
    }
}

/// The float nearest to what is written, ties to even.
fn float(text: &str, parts: &Parts<'_>) -> Result<f64, String> {
    let exponent = parts.exponent.unwrap_or(0);
    if parts.base == 10 {
        let mantissa_length = parts.whole.len() + 1 + parts.fraction.len();
        let written = format!("{}e{exponent}", &text[..mantissa_length]);
        return written.parse().map_err(|_| "this is not a number".to_owned());
    }
    let mantissa = mantissa(parts);
    let exponent = exponent - parts.fraction.len() as i64;
    // Far outside of what a float can be, whatever the mantissa's length.
    let far = 1100 + mantissa.bits() as i64 + 8;
    if mantissa == BigUint::ZERO || exponent < -far {
        return Ok(0.0);
    }
    if exponent > far {
        return Ok(f64::INFINITY);
    }
    let factor = BigUint::from(parts.base).pow(exponent.unsigned_abs() as u32);
    let one = BigUint::from(1_u8);
    Ok(if exponent >= 0 {
        nearest_float(&(mantissa * factor), &one)
    } else {
        nearest_float(&mantissa, &factor)
    })
}

/// The float nearest to a positive fraction, ties to even.
fn nearest_float(numerator: &BigUint, denominator: &BigUint) -> f64 {
    const PRECISION: i64 = 53;
    const LEAST_EXPONENT: i64 = -1074;
    // The quotient shall have 53 or 54 bits, fewer if subnormal.
    let shift = numerator.bits() as i64 - denominator.bits() as i64 - PRECISION;
    let mut exponent = shift.max(LEAST_EXPONENT);
    let (above, below) = if exponent >= 0 {
        (numerator.clone(), denominator << exponent as u64)
    } else {
        (numerator << exponent.unsigned_abs(), denominator.clone())
    };
    let (quotient, remainder) = above.div_rem(&below);
    let mut quotient = u64::try_from(&quotient).unwrap_or(u64::MAX);
    // Below half, half or above half of the last place that is kept.
    let is_wide = quotient >> PRECISION != 0;
    let (is_half, is_more) = if is_wide {
        let (is_half, is_more) = (quotient & 1 == 1, remainder != BigUint::ZERO);
        quotient >>= 1;
        exponent += 1;
        (is_half, is_half && is_more)
    } else {
        let twice = remainder << 1_u8;
        (twice == below, twice > below)
    };
    let is_up = is_more || is_half && quotient & 1 == 1;
    let significand = (quotient + u64::from(is_up)) as f64;
    // Two steps, each exact: one power of two may lie outside of a float's range.
    let half = exponent / 2;
    significand * 2_f64.powi(half as i32) * 2_f64.powi((exponent - half) as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Literal<'static> {
        assert_eq!(end(text.as_bytes(), 0), text.len(), "{text}");
        value(text, false).unwrap().0
    }

    fn fraction(numerator: i64, denominator: i64) -> Fraction {
        Fraction { numerator: Integer::Small(numerator), denominator: Integer::Small(denominator) }
    }

    #[test]
    fn integers() {
        for (text, value) in [
            ("0", 0),
            ("007", 7),
            ("16r1F", 31),
            ("16r-A", -10),
            ("36rZZ", 1295),
            ("2r1e4", 16),
            ("16r1e2", 256),
            ("1e10", 10_000_000_000),
            ("10e-1", 1),
            ("0e-5", 0),
            ("1d3", 1000),
            ("1q3", 1000),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(read(text), Literal::Integer(value), "{text}");
        }
        assert_eq!(value("9223372036854775808", true).unwrap().0, Literal::Integer(i64::MIN));
        assert_eq!(value("16rA", true).unwrap().0, Literal::Integer(-10));
        let large = LargeInteger { is_negative: false, bytes: [0, 0, 0, 0, 0, 0, 0, 0, 1].into() };
        assert_eq!(read("18446744073709551616"), Literal::LargeInteger(Box::new(large)));
    }

    #[test]
    fn fractions_and_scaled_decimals() {
        assert_eq!(read("1e-3"), Literal::Fraction(Box::new(fraction(1, 1000))));
        assert_eq!(read("25e-2"), Literal::Fraction(Box::new(fraction(1, 4))));
        let scaled = |value, scale| Literal::ScaledDecimal(Box::new(ScaledDecimal { value, scale }));
        assert_eq!(read("1.5s2"), scaled(fraction(3, 2), 2));
        assert_eq!(read("3s"), scaled(fraction(3, 1), 0));
        assert_eq!(read("3s4"), scaled(fraction(3, 1), 4));
        assert_eq!(read("1.50s"), scaled(fraction(3, 2), 2));
        assert_eq!(read("0s2"), scaled(fraction(0, 1), 2));
    }

    #[test]
    fn floats_are_the_nearest() {
        for (text, value) in [
            ("1.5", 1.5),
            ("1.5e-3", 1.5e-3),
            ("0.1", 0.1),
            ("1.0e400", f64::INFINITY),
            ("1.0e-400", 0.0),
            ("5.0e-324", 5e-324),
            ("1.0e99999999999999999999", f64::INFINITY),
            ("16r1.8", 1.5),
            ("2r1.1e1", 3.0),
            ("2r1.0e-1074", 5e-324),
            ("2r1.0e-1075", 0.0),
            ("2r1.1e-1075", 5e-324),
            ("2r1.0e1023", 2_f64.powi(1023)),
            ("2r1.0e1024", f64::INFINITY),
            ("36r0.0e99999999999", 0.0),
            ("36r0.1e-99999999999", 0.0),
            ("36r0.1e99999999999", f64::INFINITY),
        ] {
            assert_eq!(read(text), Literal::Float(value), "{text}");
        }
    }

    #[test]
    fn a_number_ends_where_it_stops_making_sense() {
        for (text, number) in [
            ("3sqrt", "3"),
            ("3s2x", "3s2"),
            ("3s_", "3"),
            ("3e", "3"),
            ("3e-", "3"),
            ("3.e5", "3"),
            ("3.foo", "3"),
            ("3rounded", "3"),
            ("3..4", "3"),
            ("1.5.3", "1.5"),
            ("3.5s]", "3.5s"),
        ] {
            assert_eq!(end(text.as_bytes(), 0), number.len(), "{text}");
        }
    }

    #[test]
    fn errors() {
        let error = |text| value(text, false).unwrap_err();
        assert_eq!(error("2r3"), "3 is no digit in radix 2");
        assert_eq!(error("1r0"), "a radix is a number from 2 to 36");
        assert_eq!(error("99999999999999999999r0"), "a radix is a number from 2 to 36");
        assert!(error("1e999999999999999999999").contains("too large"));
        assert!(error("1e-999999999").contains("too large"));
        assert!(error(&"9".repeat(1_000_000)).contains("too large"));
        assert!(value("16r-A", true).unwrap_err().contains("one minus sign"));
    }

    proptest! {
        #[test]
        fn integers_are_read_as_rust_reads_them(value in any::<i64>().prop_filter("", |value| *value >= 0), base in 2_u32..=36) {
            let mut digits = BigUint::from(value as u64).to_str_radix(base);
            digits.make_ascii_uppercase();
            prop_assert_eq!(read(&format!("{base}r{digits}")), Literal::Integer(value));
        }

        #[test]
        fn the_nearest_float_is_the_one_that_rust_finds(digits in "[0-9]{1,40}", scale in 0_u32..400) {
            let numerator: BigUint = digits.parse().unwrap();
            prop_assume!(numerator != BigUint::ZERO);
            let expected: f64 = format!("{digits}e-{scale}").parse().unwrap();
            prop_assert_eq!(nearest_float(&numerator, &BigUint::from(10_u8).pow(scale)), expected);
        }

        #[test]
        fn powers_scale_floats_exactly(bits in 1_u64..1 << 53, exponent in -1100_i32..900) {
            let numerator = BigUint::from(bits);
            let expected = bits as f64 * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2);
            let value = if exponent < 0 {
                nearest_float(&numerator, &(BigUint::from(1_u8) << exponent.unsigned_abs()))
            } else {
                nearest_float(&(numerator << exponent.unsigned_abs()), &BigUint::from(1_u8))
            };
            prop_assert_eq!(value, expected);
        }
    }
}
