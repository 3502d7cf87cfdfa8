//! The rows of `soak.csv`: written, read again, and as a table.

use std::ops::Range;
use std::path::Path;

use instar_load::samples::Summary;

use super::flat::{COUNTS, MEMORY, ends, settled};
use crate::csv_table::{self, Table};
use crate::figures;
use crate::stats::median;

/// The columns of `soak.csv`, a row for each update and each inverse.
pub const COLUMNS: [&str; 21] = [
    "run",
    "number",
    "update",
    "step",
    "start_ns",
    "total_ns",
    "stop_ns",
    "migrated",
    "window_ns",
    "requests",
    "failed",
    "max_ns",
    "heap_bytes",
    "rss_bytes",
    "classes",
    "methods",
    "symbols",
    "forwarders",
    "lost",
    "doubled",
    "failure",
];
/// The columns by which a row is known.
pub(super) const KEY: [&str; 2] = ["run", "number"];
const INVERSE: &str = "inverse";

/// An update, or an inverse, and what the program held behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns, see docs/benchmarks.md")]
pub struct Step {
    pub number: u32,
    pub update: String,
    pub is_inverse: bool,
    /// From its request to its answer, in nanoseconds of the load.
    pub at: Range<u64>,
    pub stop_ns: u64,
    pub migrated: u64,
    pub heap_bytes: u64,
    pub rss_bytes: u64,
    pub classes: u64,
    pub methods: u64,
    pub symbols: u64,
    pub forwarders: u64,
}

/// What a run says.
pub(super) struct Observed {
    pub steps: Vec<Step>,
    /// Of each step its window's length in nanoseconds and what was due in it.
    pub windows: Vec<(u64, Summary)>,
    pub lost: u64,
    pub doubled: u64,
    /// What is wrong with requests and messages.
    pub failure: Option<String>,
}

impl Observed {
    /// The rows.
    pub fn cells(&self, run: u32) -> Vec<Vec<String>> {
        let row = |(step, (window_ns, seen)): (&Step, &(u64, Summary))| {
            let mut row = vec![run.to_string(), step.number.to_string(), step.update.clone()];
            row.push(if step.is_inverse { INVERSE } else { "update" }.to_owned());
            let Range { start, end } = step.at;
            let Summary { requests, failed, max_ns, .. } = *seen;
            let times =
                [start, end - start, step.stop_ns, step.migrated, *window_ns, requests, failed, max_ns];
            let held =
                [step.heap_bytes, step.rss_bytes, step.classes, step.methods, step.symbols, step.forwarders];
            row.extend(
                times.into_iter().chain(held).chain([self.lost, self.doubled]).map(|it| it.to_string()),
            );
            row.push(self.failure.clone().unwrap_or_default());
            row
        };
        self.steps.iter().zip(&self.windows).map(row).collect()
    }
}

/// A row of a run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns, see docs/benchmarks.md")]
pub struct Row {
    pub run: u32,
    pub step: Step,
    pub max_ns: u64,
    pub failure: String,
}

/// Reads the rows of `soak.csv` that have figures.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read(path: &Path) -> Result<Vec<Row>, csv_table::Error> {
    let row = |row: csv_table::Row<'_>| {
        let start: u64 = row.get("start_ns")?;
        let step = Step {
            number: row.get("number")?,
            update: row.get("update")?,
            is_inverse: row.get::<String>("step")? == INVERSE,
            at: start..start + row.get::<u64>("total_ns")?,
            stop_ns: row.get("stop_ns")?,
            migrated: row.get("migrated")?,
            heap_bytes: row.get("heap_bytes")?,
            rss_bytes: row.get("rss_bytes")?,
            classes: row.get("classes")?,
            methods: row.get("methods")?,
            symbols: row.get("symbols")?,
            forwarders: row.get("forwarders")?,
        };
        Ok(Row {
            run: row.get("run")?,
            step,
            max_ns: row.get("max_ns")?,
            failure: row.get("failure").unwrap_or_default(),
        })
    };
    let table = Table::read(path)?;
    table.rows().filter(|row| row.get::<u64>("requests").is_ok()).map(row).collect()
}

/// What the updates of the first run cost, and what the program held at the beginning and at the end.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let rows: Vec<&Row> =
        rows.iter().filter(|row| Some(row.run) == rows.first().map(|first| first.run)).collect();
    let mut updates: Vec<(&str, bool)> = Vec::new();
    for row in &rows {
        let update = (row.step.update.as_str(), row.step.is_inverse);
        if !updates.contains(&update) {
            updates.push(update);
        }
    }
    let mut out = format!(
        "{:<18}{:>7}{:>13}{:>15}{:>19}\n",
        "update", "times", "stop", "longest stop", "longest response"
    );
    for (update, is_inverse) in updates {
        let of_update = || {
            rows.iter().filter(|row| (row.step.update.as_str(), row.step.is_inverse) == (update, is_inverse))
        };
        let stops: Vec<f64> = of_update().map(|row| row.step.stop_ns as f64).collect();
        let longest = of_update().map(|row| row.max_ns).max().unwrap_or_default();
        out += &format!(
            "{:<18}{:>7}{:>13}{:>15}{:>19}\n",
            if is_inverse { format!("{update}, inverse") } else { update.to_owned() },
            stops.len(),
            figures::duration(median(&stops).unwrap_or_default()),
            figures::duration(stops.iter().copied().fold(0.0, f64::max)),
            figures::duration(longest as f64),
        );
    }
    let settled = settled(&rows);
    out += &format!("{:<18}{:>20}{:>15}\n", "held", "at the beginning", "at the end");
    for (name, figure) in MEMORY.into_iter().chain(COUNTS) {
        if let Some((first, last)) = ends(&settled, figure) {
            out += &format!(
                "{name:<18}{:>20}{:>15}\n",
                figures::grouped(first as u64),
                figures::grouped(last as u64)
            );
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The step with a number, in a program that stays as it is.
    pub fn row(number: u32) -> Row {
        let start = u64::from(number) * 1_000_000_000;
        let update = ["model", "kernel", "engine"][(number as usize - 1) / 2 % 3].to_owned();
        let step = Step {
            number,
            update,
            is_inverse: number.is_multiple_of(2),
            at: start..start + 40_000_000,
            stop_ns: 2_000_000,
            migrated: 500,
            heap_bytes: 10_000_000 + u64::from(number % 7) * 1000,
            rss_bytes: 90_000_000,
            classes: 900,
            methods: 9000,
            symbols: 5000,
            forwarders: 0,
        };
        Row { run: 1, step, max_ns: 5_000_000, failure: String::new() }
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let rows: Vec<Row> = (1..=18).map(row).collect();
        let seen = Summary { requests: 350, max_ns: 5_000_000, ..Summary::default() };
        let steps: Vec<Step> = rows.iter().map(|row| row.step.clone()).collect();
        let windows = vec![(540_000_000, seen); steps.len()];
        let observed = Observed { steps, windows, lost: 0, doubled: 0, failure: None };
        let path = std::env::temp_dir().join(format!("instar-soak-rows-{}.csv", std::process::id()));
        let mut writer = csv::Writer::from_path(&path).unwrap();
        writer.write_record(COLUMNS).unwrap();
        observed.cells(1).iter().for_each(|cells| writer.write_record(cells).unwrap());
        writer.flush().unwrap();
        let read = read(&path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap(), rows);
        let table = table(&rows);
        assert!(table.contains("engine, inverse") && table.contains("5,000          5,000"), "{table}");
    }
}
