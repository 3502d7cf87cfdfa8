//! Doubles as text: the fewest digits that are read back as the same double, in any base.
//!
//! Base 10 has them from the standard library. Other bases use the free-format algorithm of Steele and White and of Burger and Dybvig
//! (Printing Floating-Point Numbers Quickly and Accurately, PLDI 1996) on exact integers: digits are generated until what is left lies
//! within half the distance to the neighbouring doubles.

use num_bigint::BigUint;
use num_integer::Integer;

use super::float_bits::decoded;

/// The least significand of a normal double.
const LEAST_SIGNIFICAND: u64 = 1 << 52;
/// The power of two of a denormalised double's last bit.
const LEAST_POWER: i64 = -1074;

/// Digits with a point, and an exponent outside of 0.0001 up to a million, as Pharo lays them out. The sign is not printed. `None` for what is
/// not finite.
pub(super) fn text(value: f64, base: u32) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    if value == 0.0 {
        return Some("0.0".to_owned());
    }
    let (digits, point) = if base == 10 { decimal_digits(value) } else { shortest_digits(value, base) };
    Some(laid_out(&digits, point))
}

/// `digits` are those of `0.digits * base^point`.
fn laid_out(digits: &str, point: i64) -> String {
    let zeros = |count: i64| "0".repeat(count.max(0) as usize);
    let length = digits.len() as i64;
    if !(-3..=6).contains(&point) {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{first}.{rest}e{}", point - 1);
    }
    if point <= 0 {
        return format!("0.{}{digits}", zeros(-point));
    }
    if point >= length {
        return format!("{digits}{}.0", zeros(point - length));
    }
    let (whole, fraction) = digits.split_at(point as usize);
    format!("{whole}.{fraction}")
}

fn decimal_digits(value: f64) -> (String, i64) {
    let text = format!("{:e}", value.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.replace('.', ""), exponent.parse().unwrap_or(0) + 1)
}

/// A double `value / unit`, and half the distances to its neighbours, over the same unit.
struct Scaled {
    value: BigUint,
    unit: BigUint,
    half_below: BigUint,
    half_above: BigUint,
    /// Numbers exactly half-way are read as this double, because its last bit is even.
    with_limits: bool,
}

impl Scaled {
    fn of(value: f64) -> Scaled {
        let (significand, power) = decoded(value);
        let one = BigUint::from(1u32);
        // The neighbour below a power of two is only half as far away.
        let is_uneven = significand == LEAST_SIGNIFICAND && power > LEAST_POWER;
        let shift = if is_uneven { 2u32 } else { 1 };
        let (numerator, denominator) = (power.max(0) as u64, (-power).max(0) as u64);
        let half_below = &one << numerator;
        Scaled {
            value: BigUint::from(significand) << (numerator + u64::from(shift)),
            unit: one << (denominator + u64::from(shift)),
            half_above: if is_uneven { &half_below << 1u32 } else { half_below.clone() },
            half_below,
            with_limits: significand.is_multiple_of(2),
        }
    }

    fn multiply(&mut self, factor: &BigUint) {
        self.value *= factor;
        self.half_below *= factor;
        self.half_above *= factor;
    }

    /// Whether the number and half of the way to the next reach the unit.
    fn reaches_unit(&self) -> bool {
        let upper = &self.value + &self.half_above;
        if self.with_limits { upper >= self.unit } else { upper > self.unit }
    }

    fn is_near_zero(&self) -> bool {
        if self.with_limits { self.value <= self.half_below } else { self.value < self.half_below }
    }

    /// Scales by the power of `base` that brings the number just below the unit. Returns its exponent.
    fn bring_below_unit(&mut self, base: u32) -> i64 {
        let bits = self.value.bits() as f64 - self.unit.bits() as f64;
        let estimate = (bits / f64::from(base).log2()).floor() as i64;
        let power = BigUint::from(base).pow(estimate.unsigned_abs() as u32);
        if estimate >= 0 {
            self.unit *= &power;
        } else {
            self.multiply(&power);
        }
        let base = BigUint::from(base);
        let mut point = estimate;
        while self.reaches_unit() {
            self.unit *= &base;
            point += 1;
        }
        loop {
            self.multiply(&base);
            if self.reaches_unit() {
                break;
            }
            point -= 1;
        }
        // One step too far: its effect is the first step of the generation of digits.
        point
    }
}

fn shortest_digits(value: f64, base: u32) -> (String, i64) {
    let mut scaled = Scaled::of(value);
    let point = scaled.bring_below_unit(base);
    let factor = BigUint::from(base);
    let mut digits = String::new();
    loop {
        let (digit, rest) = scaled.value.div_rem(&scaled.unit);
        let mut digit = u32::try_from(digit).unwrap_or(0);
        scaled.value = rest;
        let (low, high) = (scaled.is_near_zero(), scaled.reaches_unit());
        if low || high {
            let is_upper_half = &scaled.value << 1u32 >= scaled.unit;
            digit += u32::from(high && (!low || is_upper_half));
            digits.push(character(digit, base));
            return (digits, point);
        }
        digits.push(character(digit, base));
        scaled.multiply(&factor);
    }
}

fn character(digit: u32, base: u32) -> char {
    char::from_digit(digit, base).unwrap_or('?').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn layout() {
        for (value, expected) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (0.1, "0.1"),
            (123456.0, "123456.0"),
            (999999.5, "999999.5"),
            (1e6, "1.0e6"),
            (1234567.0, "1.234567e6"),
            (1e10, "1.0e10"),
            (1e16, "1.0e16"),
            (1e100, "1.0e100"),
            (0.001, "0.001"),
            (0.0001, "0.0001"),
            (0.00001, "1.0e-5"),
            (0.00012, "0.00012"),
            (-2.5, "2.5"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5.0e-324"),
        ] {
            assert_eq!(text(value, 10).unwrap(), expected);
        }
        assert_eq!(text(f64::NAN, 10), None);
        assert_eq!(text(f64::INFINITY, 10), None);
    }

    #[test]
    fn other_bases() {
        for (value, base, expected) in [
            (0.5, 2, "0.1"),
            (10.0, 2, "1010.0"),
            (255.9375, 16, "FF.F"),
            (1.0 / 3.0, 3, "0.1"),
            (35.0, 36, "Z.0"),
            (1e10, 16, "2.540BE4e8"),
            (0.1, 2, "0.0001100110011001100110011001100110011001100110011001101"),
            (0.01, 3, "2.10212111020012200002102121110201e-5"),
        ] {
            assert_eq!(text(value, base).unwrap(), expected, "{value} in base {base}");
        }
    }

    proptest! {
        /// The general algorithm agrees with the standard library's.
        #[test]
        fn decimal_digits_agree(bits: u64) {
            let value = f64::from_bits(bits).abs();
            prop_assume!(value.is_finite() && value != 0.0);
            prop_assert_eq!(shortest_digits(value, 10), decimal_digits(value));
        }

        /// In base 2 the digits are the significand's.
        #[test]
        fn binary_digits_are_exact(value in 1.0f64..2.0) {
            let (digits, point) = shortest_digits(value, 2);
            prop_assert_eq!(point, 1);
            let significand = u64::from_str_radix(&digits, 2).unwrap() << (53 - digits.len());
            prop_assert_eq!(significand, decoded(value).0);
        }
    }
}
