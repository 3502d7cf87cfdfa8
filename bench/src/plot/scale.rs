//! Axes: from figures to pixels, and the ticks between.

use crate::figures;

/// How the figures of an axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    Nanoseconds,
    Bytes,
    Ratio,
}

impl Unit {
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Count => figures::count(value.round() as u64),
            Self::Nanoseconds => figures::duration(value),
            Self::Bytes => figures::bytes(value),
            Self::Ratio => figures::ratio(value),
        }
    }

    /// What a step of the ticks is a power of.
    const fn base(self) -> f64 {
        match self {
            Self::Bytes => 2.0,
            _ => 10.0,
        }
    }
}

/// An axis, logarithmic or even. Zero, if there is any on a logarithmic one, stands one step left of the smallest value, behind a gap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) unit: Unit,
    low: f64,
    high: f64,
    pub(super) zero: bool,
    is_even: bool,
    from: f32,
    to: f32,
}

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    /// Empty on marks between the labelled ones.
    pub(super) label: String,
}

impl Scale {
    /// An axis over all of `values`, from pixel `from` to `to`, its ends widened by `room` of its length.
    pub(super) fn over(
        values: impl Iterator<Item = f64>,
        unit: Unit,
        (from, to): (f32, f32),
        room: f64,
    ) -> Self {
        let (mut low, mut high, mut zero) = (f64::INFINITY, 0.0_f64, false);
        for value in values.filter(|value| value.is_finite()) {
            if value > 0.0 {
                low = low.min(value);
                high = high.max(value);
            } else {
                zero = true;
            }
        }
        if high == 0.0 {
            (low, high) = (1.0, 10.0);
        }
        if high / low < 1.5 {
            (low, high) = (low / 1.5, high * 1.5);
        }
        let margin = (high / low).powf(room);
        Self { unit, low: low / margin, high: high * margin, zero, is_even: false, from, to }
    }

    /// An axis over all of `values` that has `center` inside and shows differences of a few per cent.
    pub(super) fn around(
        center: f64,
        values: impl Iterator<Item = f64>,
        unit: Unit,
        (from, to): (f32, f32),
    ) -> Self {
        let (mut low, mut high) = (center * 0.98, center * 1.02);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        let margin = (high / low).powf(0.04);
        Self { unit, low: low / margin, high: high * margin, zero: false, is_even: false, from, to }
    }

    /// An axis on which equal differences are equal distances.
    pub(super) fn even(low: f64, high: f64, unit: Unit, (from, to): (f32, f32)) -> Self {
        Self {
            unit,
            low,
            high: if high > low { high } else { low + 1.0 },
            zero: false,
            is_even: true,
            from,
            to,
        }
    }

    /// Part of the axis before the smallest value, for zero.
    const fn zero_part(&self) -> f64 {
        if self.zero { 0.12 } else { 0.0 }
    }

    /// The pixel of a value.
    pub(super) fn at(&self, value: f64) -> f32 {
        let start = self.zero_part();
        let part = if self.is_even {
            (value - self.low) / (self.high - self.low)
        } else if value > 0.0 {
            start + (1.0 - start) * (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            0.02
        };
        self.from + (self.to - self.from) * part as f32
    }

    /// The pixel where the gap after zero is.
    pub(super) fn gap(&self) -> Option<f32> {
        self.zero.then(|| self.from + (self.to - self.from) * (self.zero_part() as f32 * 0.6))
    }

    /// The marks, at most about `most` of them labelled: powers of ten (or two) where there are enough, steps of an
    /// even width where the axis is too short for them.
    pub(super) fn ticks(&self, most: usize) -> Vec<Tick> {
        let mut ticks = if self.is_even || self.high / self.low < 8.0 {
            self.even_ticks(most)
        } else {
            self.power_ticks(most)
        };
        if self.zero {
            ticks.insert(0, Tick { value: 0.0, label: self.unit.text(0.0) });
        }
        ticks
    }

    fn holds(&self, value: f64) -> bool {
        (self.low * 0.999..=self.high * 1.001).contains(&value)
    }

    fn power_ticks(&self, most: usize) -> Vec<Tick> {
        let base = self.unit.base();
        // The logarithm of a power may come out a little low.
        let exponent = |value: f64| (value.ln() / base.ln() + 1e-9).floor() as i32;
        let (first, last) = (exponent(self.low), exponent(self.high));
        let step = ((last - first) as usize).div_ceil(most.max(1)).max(1) as i32;
        // Counts are powers of ten themselves; between the powers of two nothing is to be read.
        let between = if step == 1 && base > 2.0 && self.unit != Unit::Count { 9 } else { 1 };
        let tick = |exponent: i32, factor: i32| {
            let value = base.powi(exponent) * f64::from(factor);
            let labelled = factor == 1 && exponent.rem_euclid(step) == 0;
            Tick { value, label: if labelled { self.unit.text(value) } else { String::new() } }
        };
        let all = (first..=last).flat_map(|exponent| (1..=between).map(move |factor| tick(exponent, factor)));
        all.filter(|tick| self.holds(tick.value)).collect()
    }

    fn even_ticks(&self, most: usize) -> Vec<Tick> {
        let base = self.unit.base();
        let rough = (self.high - self.low) / most.max(1) as f64;
        let power = base.powf((rough.ln() / base.ln()).floor());
        let factors: &[f64] = if base > 2.0 { &[1.0, 2.0, 5.0, 10.0] } else { &[1.0, 2.0] };
        let step = factors.iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        let values = (first..).map(|index| index as f64 * step).take_while(|value| *value <= self.high);
        values.map(|value| Tick { value, label: self.unit.text(value) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale, most: usize) -> Vec<String> {
        let ticks = scale.ticks(most).into_iter();
        ticks.map(|tick| tick.label).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn values_fall_between_the_ends() {
        let scale = Scale::over([1.0, 100.0].into_iter(), Unit::Count, (0.0, 200.0), 0.0);
        assert_eq!((scale.at(1.0), scale.at(10.0).round(), scale.at(100.0)), (0.0, 100.0, 200.0));
        assert_eq!(labels(&scale, 9), ["1", "10", "100"]);
    }

    #[test]
    fn an_even_axis_may_begin_at_zero() {
        let scale = Scale::even(0.0, 120.0, Unit::Count, (10.0, 250.0));
        assert_eq!((scale.at(0.0), scale.at(60.0), scale.at(120.0)), (10.0, 130.0, 250.0));
        assert_eq!(labels(&scale, 9), ["0", "20", "40", "60", "80", "100", "120"]);
        assert!(Scale::even(3.0, 3.0, Unit::Bytes, (0.0, 1.0)).at(3.0).is_finite());
    }

    #[test]
    fn zero_stands_before_the_rest() {
        let scale = Scale::over([0.0, 1e3, 1e7].into_iter(), Unit::Count, (0.0, 200.0), 0.0);
        assert!(scale.at(0.0) < scale.gap().unwrap() && scale.gap().unwrap() < scale.at(1e3));
        assert_eq!(labels(&scale, 9), ["0", "1,000", "10⁴", "10⁵", "10⁶", "10⁷"]);
    }

    #[test]
    fn many_powers_are_thinned_and_few_are_filled() {
        let scale = Scale::over([1.0, 1e9].into_iter(), Unit::Nanoseconds, (0.0, 1.0), 0.0);
        assert_eq!(labels(&scale, 4), ["1 ns", "1 µs", "1 ms", "1 s"]);
        let scale = Scale::over([0.9, 6.0].into_iter(), Unit::Ratio, (0.0, 1.0), 0.0);
        assert_eq!(labels(&scale, 5), ["2×", "4×", "6×"]);
        let scale = Scale::over([0.95, 2.7].into_iter(), Unit::Ratio, (0.0, 1.0), 0.0);
        assert_eq!(labels(&scale, 5), ["1×", "1.5×", "2×", "2.5×"]);
    }

    #[test]
    fn nothing_and_one_value_still_make_an_axis() {
        for values in [vec![], vec![0.0], vec![5.0], vec![f64::NAN]] {
            let scale = Scale::over(values.into_iter(), Unit::Bytes, (0.0, 10.0), 0.05);
            assert!(scale.at(5.0).is_finite());
        }
    }
}
