//! Exact numbers to doubles and back.
//!
//! Rounding is to nearest, ties to even, done once: a number is cut to 64 bits or so and a *sticky* bit that says whether anything but
//! zeros was cut off, then to the 53 bits of a double, or fewer where the double is denormalised.

use num_bigint::{BigInt, BigUint};

/// Significant bits of a double.
const PRECISION: i64 = 53;
/// The exponent of the least double with that precision.
const LEAST_EXPONENT: i64 = -1022;
/// The exponent of the greatest doubles.
const GREATEST_EXPONENT: i64 = 1023;

/// The number `digits * 2^exponent`, or a little more if it is sticky.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounded {
    digits: u128,
    exponent: i64,
    is_sticky: bool,
}

impl Rounded {
    /// The integer, of which at least 64 bits are kept.
    pub(super) fn of(value: &BigUint) -> Rounded {
        let cut = value.bits().saturating_sub(64);
        let digits = u128::try_from(value >> cut).unwrap_or(0);
        Rounded {
            digits,
            exponent: cut as i64,
            is_sticky: value.trailing_zeros().is_some_and(|zeros| zeros < cut),
        }
    }

    /// The nearest double.
    pub(super) fn to_float(self) -> f64 {
        if self.digits == 0 {
            return 0.0;
        }
        let length = i64::from(128 - self.digits.leading_zeros());
        let exponent = length - 1 + self.exponent;
        if exponent > GREATEST_EXPONENT {
            return f64::INFINITY;
        }
        let precision = PRECISION - (LEAST_EXPONENT - exponent).max(0);
        if precision < 0 {
            return 0.0;
        }
        let cut = length - precision;
        if cut <= 0 {
            return times_two_power(self.digits as f64, self.exponent);
        }
        let kept = self.digits.checked_shr(cut as u32).unwrap_or(0);
        let rest = self.digits & (1u128 << cut).wrapping_sub(1);
        let half = 1u128 << (cut - 1);
        let is_odd = kept & 1 == 1;
        let rounds_up = rest > half || rest == half && (self.is_sticky || is_odd);
        times_two_power((kept + u128::from(rounds_up)) as f64, self.exponent + cut)
    }
}

/// The nearest double to a quotient. The divisor is not zero.
pub(super) fn ratio_to_float(numerator: &BigUint, denominator: &BigUint) -> f64 {
    // Scaled so that the quotient has 66 or 67 bits.
    let shift = 66 - (numerator.bits() as i64 - denominator.bits() as i64);
    let (dividend, divisor) = if shift >= 0 {
        (numerator << shift as u64, denominator.clone())
    } else {
        (numerator.clone(), denominator << shift.unsigned_abs())
    };
    let quotient = &dividend / &divisor;
    let is_sticky = &quotient * &divisor != dividend;
    Rounded { digits: u128::try_from(quotient).unwrap_or(0), exponent: -shift, is_sticky }.to_float()
}

/// `value * 2^power`, rounded once.
pub(super) fn times_two_power(value: f64, power: i64) -> f64 {
    let mut value = value;
    let mut power = power.clamp(-5000, 5000);
    while power > GREATEST_EXPONENT {
        value *= f64::from_bits(0x7FE0_0000_0000_0000);
        power -= GREATEST_EXPONENT;
    }
    // Steps of less than the full range, so that only the last can leave the normal numbers.
    const STEP: i64 = LEAST_EXPONENT + PRECISION;
    while power < LEAST_EXPONENT {
        value *= two_power(STEP);
        power -= STEP;
    }
    value * two_power(power)
}

/// A power of two that is a normal number.
fn two_power(power: i64) -> f64 {
    f64::from_bits(((power + GREATEST_EXPONENT) as u64) << 52)
}

/// The power of two of a double's highest bit; `None` if it has none.
pub(super) fn exponent(value: f64) -> Option<i64> {
    if value == 0.0 || !value.is_finite() {
        return None;
    }
    let (digits, power) = decoded(value);
    Some(i64::from(63 - digits.leading_zeros()) + power)
}

/// A finite double's magnitude as an integer and a power of two.
pub(super) fn decoded(value: f64) -> (u64, i64) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52 & 0x7FF) as i64 {
        0 => (fraction, LEAST_EXPONENT - 52),
        biased => (fraction | 1 << 52, biased - GREATEST_EXPONENT - 52),
    }
}

/// The integer part; `None` if it is not finite.
pub(super) fn truncated(value: f64) -> Option<BigInt> {
    if !value.is_finite() {
        return None;
    }
    let (digits, power) = decoded(value);
    let magnitude = BigInt::from(digits);
    let magnitude = if power >= 0 { magnitude << power } else { magnitude >> power.unsigned_abs() };
    Some(if value < 0.0 { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn natural(text: &str) -> BigUint {
        text.parse().unwrap()
    }

    #[test]
    fn integers_round_to_even() {
        for (text, expected) in [
            ("0", 0.0),
            ("9007199254740993", 9007199254740992.0),
            ("9007199254740995", 9007199254740996.0),
            ("18446744073709551616", 18446744073709551616.0),
            ("36893488147419107328", 36893488147419103232.0),
            ("36893488147419107329", 36893488147419111424.0),
        ] {
            assert_eq!(Rounded::of(&natural(text)).to_float(), expected, "{text}");
        }
        assert_eq!(Rounded::of(&(natural("1") << 1024u32)).to_float(), f64::INFINITY);
        let half_above_greatest = (natural("1") << 1024u32) - (natural("1") << 970u32);
        assert_eq!(Rounded::of(&half_above_greatest).to_float(), f64::INFINITY);
        assert_eq!(Rounded::of(&(half_above_greatest - 1u32)).to_float(), f64::MAX);
    }

    #[test]
    fn least_quotients() {
        let one = natural("1");
        assert_eq!(ratio_to_float(&one, &(natural("1") << 1074u32)), 5e-324);
        assert_eq!(ratio_to_float(&one, &(natural("1") << 1075u32)), 0.0);
        assert_eq!(ratio_to_float(&natural("3"), &(natural("1") << 1076u32)), 5e-324);
        assert_eq!(ratio_to_float(&one, &(natural("1") << 5000u32)), 0.0);
    }

    proptest! {
        /// The standard library reads decimal texts with one rounding.
        #[test]
        fn quotients_round_once(digits in 1u64.., places in 0u32..400) {
            let denominator = natural("10").pow(places);
            let expected: f64 = format!("{digits}e-{places}").parse().unwrap();
            prop_assert_eq!(ratio_to_float(&BigUint::from(digits), &denominator), expected);
        }

        #[test]
        fn long_integers_round_once(digits in "[1-9][0-9]{0,320}") {
            prop_assert_eq!(Rounded::of(&natural(&digits)).to_float(), digits.parse::<f64>().unwrap());
        }

        #[test]
        fn scaling_rounds_once(bits: u64, power in -2200i64..2200) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite() && value != 0.0);
            let (digits, own) = decoded(value);
            let total = own + power;
            let expected = if total >= 0 {
                Rounded::of(&(BigUint::from(digits) << total as u64)).to_float()
            } else {
                ratio_to_float(&BigUint::from(digits), &(BigUint::from(1u32) << total.unsigned_abs()))
            };
            prop_assert_eq!(times_two_power(value, power).abs(), expected);
        }

        #[test]
        fn integer_parts(value in -1e25..1e25) {
            let integer = truncated(value).unwrap();
            prop_assert_eq!(integer.to_string(), format!("{:.0}", value.trunc()).replace("-0", "0"));
        }
    }
}
