//! Figures as people read them: three significant digits, a unit that fits, powers of ten.

/// `value` to three significant digits, without an exponent and without trailing zeros after a point.
fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let decimals = (2 - value.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A bare figure: `12.9`, `1,910`.
#[must_use]
pub fn plain(value: f64) -> String {
    if value >= 1000.0 { grouped(value.round() as u64) } else { three_digits(value) }
}

/// `value` in the first of `units` (each a thousand, or `step`, of the one before) that leaves it below a step.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut index = 0;
    // 999.6 would round up to 1000 of the smaller unit.
    while value.abs() >= step - 0.5 && index + 1 < units.len() {
        value /= step;
        index += 1;
    }
    format!("{} {}", three_digits(value), units[index])
}

/// A duration in nanoseconds: `250 ns`, `1.85 µs`, `112 ms`, `2.4 s`.
#[must_use]
pub fn duration(ns: f64) -> String {
    scaled(ns, 1000.0, &["ns", "µs", "ms", "s"])
}

/// A size in bytes: `640 B`, `305 MiB`, `1.2 GiB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    scaled(bytes, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// A factor: `1.05×`, `15×`, `120,000×`.
#[must_use]
pub fn ratio(ratio: f64) -> String {
    if ratio.is_finite() && ratio >= 1000.0 {
        let step = 10_f64.powi(ratio.log10().floor() as i32 - 2);
        return format!("{}×", grouped(((ratio / step).round() * step) as u64));
    }
    format!("{}×", three_digits(ratio))
}

/// A count: a power of ten from 10⁴ as such, anything else with its thousands apart.
#[must_use]
pub fn count(count: u64) -> String {
    match count.checked_ilog10() {
        Some(exponent) if exponent >= 4 && 10_u64.pow(exponent) == count => power_of_ten(exponent),
        _ => grouped(count),
    }
}

/// `10⁷` for 7.
#[must_use]
pub fn power_of_ten(exponent: u32) -> String {
    let superscript = |digit: char| match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
    };
    format!("10{}", exponent.to_string().chars().map(superscript).collect::<String>())
}

/// `12,345,678`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_unit_that_fits() {
        assert_eq!(duration(0.0), "0 ns");
        assert_eq!(duration(2.56), "2.56 ns");
        assert_eq!(duration(250.0), "250 ns");
        assert_eq!(duration(999.6), "1 µs");
        assert_eq!(duration(123_456_789.0), "123 ms");
        assert_eq!(duration(2_400_000_000.0), "2.4 s");
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(bytes(320.0 * 1024.0 * 1024.0), "320 MiB");
        assert_eq!(bytes(1.5 * 1024.0_f64.powi(3)), "1.5 GiB");
        assert_eq!(bytes(u64::MAX as f64), "16 EiB");
    }

    #[test]
    fn ratios_keep_three_digits() {
        assert_eq!(ratio(1.049), "1.05×");
        assert_eq!(ratio(123_456.0), "123,000×");
        assert_eq!((plain(12.94), plain(1910.4)), ("12.9".to_owned(), "1,910".to_owned()));
    }

    #[test]
    fn counts_show_powers_of_ten() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(10_000_000), "10⁷");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(power_of_ten(123), "10¹²³");
    }
}
