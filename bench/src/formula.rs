//! Figures that are made of a CSV's rows, as pages state them and the report shows them: which rows, and what of them.
//!
//! Rows are chosen by conditions as `pairs=1 update!=none`. A formula is one of
//!
//! | formula | is |
//! |---|---|
//! | `median(COLUMN)` | the median |
//! | `median(COLUMN) / COLUMN` | that of the first divided by the second, row by row |
//! | `median(COLUMN) / median(COLUMN)` | the ratio of two medians |
//! | `max(COLUMN)`, `sum(COLUMN)` | the largest, the sum |
//! | `rows()` | how many there are |
//! | `rate(COLUMN / COLUMN)` | a count divided by nanoseconds, as a median, a second |
//! | `ratios(COLUMN: KEY=ONE / OTHER)` | the geometric mean, over all benchmarks that both have, of the ratio of their medians |

use std::collections::BTreeMap;

use crate::csv_table::{Row, Table};
use crate::figures;
use crate::stats::{self, Interval};

/// The seed of intervals.
const SEED: u64 = 42;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Bytes.
    Bytes,
    /// Things.
    Count,
    /// Things a second.
    PerSecond,
    /// One thing against another.
    Ratio,
}

impl Unit {
    /// Of a column, by its name.
    #[must_use]
    pub fn of(column: &str) -> Self {
        match column.rsplit('_').next() {
            Some("ns") => Self::Nanoseconds,
            Some("bytes") => Self::Bytes,
            _ => Self::Count,
        }
    }

    /// A value for people.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Nanoseconds => figures::duration(value),
            Self::Bytes => figures::bytes(value),
            Self::Count => figures::plain(value),
            Self::PerSecond => format!("{}/s", figures::plain(value)),
            Self::Ratio => format!("{value:.3}×"),
        }
    }
}

/// A figure, with its 95 % bootstrap interval where it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The value, and the interval; that of a maximum, a sum or a count is the value itself.
    pub interval: Interval,
    /// What it counts.
    pub unit: Unit,
}

impl Figure {
    fn exact(value: f64, unit: Unit) -> Self {
        Self { interval: Interval { value, low: value, high: value }, unit }
    }

    /// `326 ms [276 ms, 449 ms]`, without an interval that has no width.
    #[must_use]
    pub fn text(&self) -> String {
        let Interval { value, low, high } = self.interval;
        let [value, low, high] = [value, low, high].map(|it| self.unit.text(it));
        if low == high { value } else { format!("{value} [{low}, {high}]") }
    }
}

/// The good rows that fulfil all conditions: those without a failure, or, where a table has no such column, whose result is `ok`. A condition on the column `result` replaces the latter.
#[must_use]
pub fn select<'t>(table: &'t Table, conditions: &str) -> Vec<Row<'t>> {
    let conditions: Vec<(&str, &str, bool)> = conditions
        .split_whitespace()
        .filter_map(|condition| {
            let (column, value) = condition.split_once('=')?;
            let is_wanted = !column.ends_with('!');
            Some((column.trim_end_matches('!'), value, is_wanted))
        })
        .collect();
    let has = |column: &str| table.header().iter().any(|name| name == column);
    let (by_failure, by_result) = (has("failure"), has("result"));
    let cell = |row: &Row<'_>, column: &str| row.get::<String>(column).unwrap_or_default();
    let is_good = |row: &Row<'_>| match (by_failure, by_result) {
        (true, _) => cell(row, "failure").is_empty(),
        (false, true) => cell(row, "result") == "ok",
        (false, false) => true,
    };
    let is_chosen = |row: &Row<'_>| {
        conditions.iter().all(|(column, value, is_wanted)| (cell(row, column) == *value) == *is_wanted)
    };
    table.rows().filter(|row| is_good(row) && is_chosen(row)).collect()
}

/// The figure that a formula makes of rows.
///
/// # Errors
/// Says what in the formula or in the rows does not fit.
pub fn evaluate(rows: &[Row<'_>], formula: &str) -> Result<Figure, String> {
    let unknown = || {
        format!("{formula} is no formula: write median(…), max(…), sum(…), rows(), rate(… / …) or ratios(…)")
    };
    let (name, rest) = formula.split_once('(').ok_or_else(unknown)?;
    let (inner, behind) = rest.split_once(')').ok_or_else(unknown)?;
    let (inner, over) = (inner.trim(), behind.trim().strip_prefix('/').map(str::trim));
    let nothing = || format!("no rows for {formula}");
    match (name, over) {
        ("rows", None) => Ok(Figure::exact(rows.len() as f64, Unit::Count)),
        ("median", None) => median(&column(rows, inner)?, unit(rows, inner)).ok_or_else(nothing),
        ("median", Some(over)) => match over.strip_prefix("median(").and_then(|it| it.strip_suffix(')')) {
            Some(under) => stats::ratio_of_medians(&column(rows, inner)?, &column(rows, under)?, SEED)
                .map(|interval| Figure { interval, unit: Unit::Ratio })
                .ok_or_else(nothing),
            None => median(&quotients(rows, inner, over)?, unit(rows, inner)).ok_or_else(nothing),
        },
        ("max", None) => {
            let largest = column(rows, inner)?.into_iter().reduce(f64::max);
            largest.map(|value| Figure::exact(value, unit(rows, inner))).ok_or_else(nothing)
        }
        ("sum", None) => Ok(Figure::exact(column(rows, inner)?.iter().sum(), unit(rows, inner))),
        ("rate", None) => {
            let (count, time) = inner.split_once('/').ok_or_else(unknown)?;
            let rates: Vec<f64> =
                quotients(rows, count.trim(), time.trim())?.iter().map(|it| it * 1e9).collect();
            median(&rates, Unit::PerSecond).ok_or_else(nothing)
        }
        ("ratios", None) => ratios(rows, inner).ok_or_else(nothing),
        _ => Err(unknown()),
    }
}

fn median(values: &[f64], unit: Unit) -> Option<Figure> {
    let stats::Summary { median: value, low, high, .. } = stats::summarise(values, SEED)?;
    Some(Figure { interval: Interval { value, low, high }, unit })
}

/// That of a column: by its name, or, where one column has figures of several kinds, by the column `unit`.
fn unit(rows: &[Row<'_>], column: &str) -> Unit {
    let told = rows.first().and_then(|row| row.get::<String>("unit").ok());
    match told {
        Some(unit) if column == "value" && unit.starts_with("ns/") => Unit::Nanoseconds,
        _ => Unit::of(column),
    }
}

/// The cells that are not empty.
fn column(rows: &[Row<'_>], name: &str) -> Result<Vec<f64>, String> {
    let cells: Result<Vec<Option<f64>>, _> = rows.iter().map(|row| row.get(name)).collect();
    Ok(cells.map_err(|error| error.to_string())?.into_iter().flatten().collect())
}

fn quotients(rows: &[Row<'_>], over: &str, under: &str) -> Result<Vec<f64>, String> {
    let quotient = |row: &Row<'_>| Ok(row.get::<f64>(over)? / row.get::<f64>(under)?);
    let all: Result<Vec<f64>, crate::csv_table::Error> = rows.iter().map(quotient).collect();
    all.map_err(|error| error.to_string())
}

/// `COLUMN: KEY=ONE / OTHER`.
fn ratios(rows: &[Row<'_>], what: &str) -> Option<Figure> {
    let (column, sides) = what.split_once(": ")?;
    let (key, sides) = sides.split_once('=')?;
    let (one, other) = sides.split_once(" / ")?;
    let mut samples: BTreeMap<String, [Vec<f64>; 2]> = BTreeMap::new();
    for row in rows {
        let (Ok(benchmark), Ok(side)) = (row.get::<String>("benchmark"), row.get::<String>(key)) else {
            continue;
        };
        if let (Some(index), Ok(value)) = ([one, other].iter().position(|it| *it == side), row.get(column)) {
            samples.entry(benchmark).or_default()[index].push(value);
        }
    }
    let pairs: Vec<(Vec<f64>, Vec<f64>)> =
        samples.into_values().filter(|[a, b]| !a.is_empty() && !b.is_empty()).map(|[a, b]| (a, b)).collect();
    let interval = stats::geometric_mean_of_ratios(&pairs, SEED)?;
    Some(Figure { interval, unit: Unit::Ratio })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "\
benchmark,system,time_ns,count,failure
A,here,10,1,
A,there,20,2,
A,here,30,3,
B,here,40,4,
B,there,10,5,
B,there,7,,it broke
";

    fn table(name: &str, text: &str) -> Table {
        let path = std::env::temp_dir().join(format!("instar-formula-{name}-{}.csv", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let table = Table::read(&path);
        std::fs::remove_file(&path).unwrap();
        table.unwrap()
    }

    #[test]
    fn each_formula_is_computed_from_the_good_rows_that_are_meant() {
        let table = table("each", CSV);
        let value = |conditions: &str, formula: &str| {
            evaluate(&select(&table, conditions), formula).unwrap().interval.value
        };
        assert_eq!(value("system=here", "median(time_ns)"), 30.0);
        assert_eq!(value("system=there", "rows()"), 2.0);
        assert_eq!(value("system!=there benchmark=A", "max(time_ns)"), 30.0);
        assert_eq!(value("", "sum(count)"), 15.0);
        assert_eq!(value("benchmark=A", "median(time_ns) / count"), 10.0);
        assert_eq!(value("benchmark=A system=there", "rate(count / time_ns)"), 1e8);
        assert_eq!(value("benchmark=B system=there", "median(time_ns) / median(count)"), 2.0);
        // A 20/20, B 40/10.
        assert!((value("", "ratios(time_ns: system=here / there)") - 2.0).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let table = table("wrong", CSV);
        let error = |formula: &str| evaluate(&select(&table, ""), formula).unwrap_err();
        assert!(error("mean(time_ns)").contains("mean(time_ns) is no formula"));
        assert!(error("median(pause_ns)").contains("column pause_ns is missing"));
        assert_eq!(
            evaluate(&select(&table, "system=elsewhere"), "median(time_ns)"),
            Err("no rows for median(time_ns)".to_owned())
        );
    }

    #[test]
    fn figures_are_written_with_their_units_and_intervals() {
        let figure =
            |low: f64, high: f64, unit| Figure { interval: Interval { value: 2e6, low, high }, unit }.text();
        assert_eq!(figure(1e6, 3e6, Unit::of("stop_ns")), "2 ms [1 ms, 3 ms]");
        assert_eq!(figure(2e6, 2e6, Unit::of("rows")), "2,000,000");
        assert_eq!(Unit::of("rss_bytes"), Unit::Bytes);
    }
}
