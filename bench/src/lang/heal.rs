//! `instar bench heal`: what a become of 10⁶ objects costs the passes over those who hold them.
//!
//! The pass before it is the measure: the first pass after a lazy become follows and heals the references, and the second should be as fast
//! as the one before, with no collection in between. The program is `BecomeBenchmark`, in Smalltalk.

use serde_json::json;

use super::child::{self, Line};
use super::options::Options;
use super::rows::{Error, Outcome, Rows, Session};
use super::steps::Steps;
use super::systems::Guest;
use crate::figures;
use crate::rng::SplitMix64;
use crate::stats;

/// Who holds the objects: the names that `BecomeBenchmark` knows.
pub const HOLDERS: [&str; 8] = [
    "array",
    "arrayCopied",
    "orderedCollection",
    "dictionary",
    "dictionaryLookup",
    "variables",
    "accessors",
    "instVarAt",
];

/// The columns of `heal.csv`.
pub const COLUMNS: [&str; 14] = [
    "holder",
    "strategy",
    "objects",
    "run",
    "before_ns",
    "become_ns",
    "first_pass_ns",
    "second_pass_ns",
    "third_pass_ns",
    "after_gc_pass_ns",
    "collections",
    "healed",
    "checksum_ok",
    "failure",
];

/// Figures of a line behind the name: whether sums were right, then those of the columns from `before_ns` to `healed`.
const FIGURES: usize = 9;

/// Measures, writes `heal.csv` and its manifest, and makes the table.
///
/// # Errors
/// If a name in the options is unknown or a file cannot be written. A failed observation is a row, and listed in the outcome.
pub fn run(options: &Options, guest: &Guest, steps: &Steps) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let objects: u32 = if options.quick { 100_000 } else { 1_000_000 };
    let session = Session::begin(options, json!({ "objects": objects }))?;
    let mut rows = Rows::new(&session.csv, &COLUMNS)?;
    let mut outcome = Outcome::default();
    let mut holders: Vec<&'static str> = HOLDERS.into_iter().filter(|name| options.wants(name)).collect();
    let mut good: Vec<(&'static str, Vec<i64>)> = Vec::new();
    let mut rng = SplitMix64::new(options.seed);
    for round in 1..=options.runs() {
        rng.shuffle(&mut holders);
        steps.expect(holders.len());
        steps.round(&format!("round {round} of {}: {} observations", options.runs(), holders.len()));
        for holder in &holders {
            steps.before(holder);
            let result = observe(options, guest, holder, objects);
            let mut row = vec![
                (*holder).to_owned(),
                options.strategy.to_string(),
                objects.to_string(),
                round.to_string(),
            ];
            match &result {
                Ok(figures) => {
                    row.extend(figures[1..].iter().map(i64::to_string));
                    row.extend(["true".to_owned(), String::new()]);
                }
                Err(why) => {
                    row.resize(COLUMNS.len() - 2, String::new());
                    row.extend(["false".to_owned(), why.replace(['\n', '\r'], " ")]);
                }
            }
            rows.push(&row)?;
            outcome.measured += 1;
            match result {
                Ok(figures) => good.push((holder, figures)),
                Err(why) => {
                    steps.note(&format!("failed: {holder}: {why}"));
                    outcome.failures.push(format!("{holder}: {why}"));
                }
            }
            steps.after();
        }
    }
    steps.finish();
    outcome.table = table(&good, options.seed);
    session.end()?;
    Ok(outcome)
}

fn observe(options: &Options, guest: &Guest, holder: &str, objects: u32) -> Result<Vec<i64>, String> {
    let line = Line::parse(&child::run(&mut guest.command(options.strategy, holder, Some(objects), 1))?.out)?;
    if line.name != holder || line.figures.len() != FIGURES {
        return Err(format!(
            "answered {} with {} figures instead of {FIGURES}",
            line.name,
            line.figures.len()
        ));
    }
    if line.figures[0] != 1 {
        return Err("a pass gave a wrong sum".to_owned());
    }
    Ok(line.figures)
}

/// Medians of the passes before, and the ratio of later ones to them.
#[must_use]
pub fn table(rows: &[(&str, Vec<i64>)], seed: u64) -> String {
    let mut out = format!(
        "{:20}{:>12}{:>12}{:>14}{:>28}{:>28}{:>14}{:>13}\n",
        "held by", "before", "become", "first pass", "second pass", "third pass", "after a GC", "collections"
    );
    for holder in HOLDERS {
        let column = |index: usize| -> Vec<f64> {
            rows.iter().filter(|row| row.0 == holder).map(|row| row.1[index] as f64).collect()
        };
        let Some(before) = stats::median(&column(1)) else { continue };
        let ratio = |index| stats::ratio_of_medians(&column(index), &column(1), seed);
        let plain = |index| ratio(index).map_or_else(String::new, |it| format!("{:.2}×", it.value));
        let full = |index| {
            ratio(index)
                .map_or_else(String::new, |it| format!("{:.3}× [{:.3}, {:.3}]", it.value, it.low, it.high))
        };
        let become_ns = stats::median(&column(2)).unwrap_or_default();
        let most = column(7).into_iter().fold(0.0, f64::max);
        out += &format!(
            "{holder:20}{:>12}{:>12}{:>14}{:>28}{:>28}{:>14}{most:>13}\n",
            figures::duration(before),
            figures::duration(become_ns),
            plain(3),
            full(4),
            full(5),
            plain(6),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_compared_with_the_one_before() {
        let rows = [("array", vec![1, 1000, 50, 1500, 1020, 1000, 990, 0, 10])];
        let table = table(&rows, 1);
        let line = table.lines().nth(1).unwrap();
        assert!(line.starts_with("array") && line.contains("1.50×"), "{table}");
        assert!(line.contains("1.020× [1.020, 1.020]") && line.contains("0.99×"), "{table}");
    }
}
