//! `instar bench heal`: what a become of 10⁶ objects costs the passes over those who hold them.
//!
//! The pass before it is the measure: the first pass after a lazy become follows and heals the references, and the second should be as fast
//! as the one before, with no collection in between. The program is `BecomeBenchmark`, in Smalltalk.

use serde_json::json;

use super::child::{self, Line};
use super::options::Options;
use super::rounds;
use super::rows::{Error, HealRow, Outcome, Rows, Session, read_heal};
use super::steps::Steps;
use super::systems::Guest;
use crate::figures;
use crate::plot;
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

/// Measures, writes `heal.csv`, its manifest and the plot, and makes the table.
///
/// # Errors
/// If a name in the options is unknown or a file cannot be written. A failed observation is a row, and listed in the outcome.
pub fn run(options: &Options, guest: &Guest, steps: &Steps) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let objects: u32 = if options.quick { 100_000 } else { 1_000_000 };
    let session = Session::begin(options, json!({ "objects": objects }), &[], steps)?;
    let holders: Vec<Holder> =
        HOLDERS.into_iter().filter(|name| options.wants(name)).map(|name| Holder { name, options }).collect();
    let rounds = rounds::shuffled(&holders, options.runs(), options.seed, |_| false);
    let key = ["holder", "strategy", "run"];
    let mut rows = Rows::open(&session.csv, &COLUMNS, &key, &rounds::planned(&rounds))?;
    let mut outcome = rounds::measure(&rounds, &mut rows, steps, |holder, run| {
        let result = observe(options, guest, holder.name, objects);
        let mut row = rounds::Task::key(holder);
        row.extend([objects.to_string(), run.to_string()]);
        if let Ok(figures) = &result {
            row.extend(figures[1..].iter().map(i64::to_string));
        }
        row.resize(COLUMNS.len() - 2, String::new());
        row.extend([result.is_ok().to_string(), rounds::cell(result.as_ref().err())]);
        (row, result.err())
    })?;
    steps.finish();
    let found = read_heal(&session.csv)?;
    plot::write(plot::passes(&found, options.seed).as_ref(), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&found, options.seed);
    session.end()?;
    Ok(outcome)
}

/// Who holds the objects, as a task.
#[derive(Clone, Copy)]
struct Holder<'a> {
    name: &'static str,
    options: &'a Options,
}

impl rounds::Task for Holder<'_> {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn key(&self) -> Vec<String> {
        vec![self.name.to_owned(), self.options.strategy.to_string()]
    }
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
pub fn table(rows: &[HealRow], seed: u64) -> String {
    let mut out = format!(
        "{:20}{:>12}{:>12}{:>14}{:>28}{:>28}{:>14}{:>13}\n",
        "held by", "before", "become", "first pass", "second pass", "third pass", "after a GC", "collections"
    );
    for holder in HOLDERS {
        let of = || rows.iter().filter(move |row| row.holder == holder);
        let column = |figure: fn(&HealRow) -> Option<u64>| -> Vec<f64> {
            of().filter_map(figure).map(|figure| figure as f64).collect()
        };
        let Some(before) = stats::median(&column(|row| row.before_ns)) else { continue };
        let ratio = |pass| stats::ratio_of_medians(&column(pass), &column(|row| row.before_ns), seed);
        let plain = |pass| ratio(pass).map_or_else(String::new, |it| format!("{:.2}×", it.value));
        let full = |pass| {
            ratio(pass)
                .map_or_else(String::new, |it| format!("{:.3}× [{:.3}, {:.3}]", it.value, it.low, it.high))
        };
        let become_ns = stats::median(&column(|row| row.become_ns)).unwrap_or_default();
        let most = of().filter_map(|row| row.collections).max().unwrap_or_default();
        out += &format!(
            "{holder:20}{:>12}{:>12}{:>14}{:>28}{:>28}{:>14}{most:>13}\n",
            figures::duration(before),
            figures::duration(become_ns),
            plain(|row| row.first_pass_ns),
            full(|row| row.second_pass_ns),
            full(|row| row.third_pass_ns),
            plain(|row| row.after_gc_pass_ns),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_compared_with_the_one_before() {
        let rows = [HealRow {
            holder: "array".to_owned(),
            before_ns: Some(1000),
            become_ns: Some(50),
            first_pass_ns: Some(1500),
            second_pass_ns: Some(1020),
            third_pass_ns: Some(1000),
            after_gc_pass_ns: Some(990),
            collections: Some(0),
        }];
        let table = table(&rows, 1);
        let line = table.lines().nth(1).unwrap();
        assert!(line.starts_with("array") && line.contains("1.50×"), "{table}");
        assert!(line.contains("1.020× [1.020, 1.020]") && line.contains("0.99×"), "{table}");
    }
}
