//! `instar bench virtualization`, experiment E5: what it costs a program to be an application space under a hypervisor (Espell 5.2).
//!
//! The programs of the Benchmarks Game, plain – the only space of its process, on the main thread – and virtualized: a space with a thread of its own
//! beside that of a hypervisor, which waits. Both modes alternate, each observation in a process of its own, with so many iterations that
//! it takes [`LEAST`]; how many is found out first, and the same for both.

use std::time::Duration;

use serde_json::json;

use super::child::{self, Line};
use super::options::Options;
use super::programs::{self, Game};
use super::rounds;
use super::rows::{Error, Outcome, Rows, Session};
use super::steps::Steps;
use super::systems::Guest;
use crate::csv_table::{self, Table};
use crate::figures;
use crate::stats::{self, Interval};

/// What an observation takes at least.
pub const LEAST: Duration = Duration::from_millis(250);
/// The modes; the first is what the other is compared with.
pub const MODES: [&str; 2] = ["plain", "virtualized"];
/// The columns of `virtualization.csv`.
pub const COLUMNS: [&str; 7] =
    ["benchmark", "mode", "run", "time_ns", "iterations", "space_bytes", "failure"];

/// A row of `virtualization.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The program.
    pub benchmark: String,
    /// `plain` or `virtualized`.
    pub mode: String,
    /// Of all iterations; `None` if it failed.
    pub time_ns: Option<u64>,
    /// What the program's space made resident when it was created, the hypervisor being there.
    pub space_bytes: Option<u64>,
}

/// One observation to be made.
#[derive(Clone, Copy)]
struct Task {
    game: Game,
    iterations: u32,
    mode: &'static str,
}

impl rounds::Task for Task {
    fn name(&self) -> String {
        format!("{} {}", self.mode, self.game.name)
    }

    fn key(&self) -> Vec<String> {
        vec![self.game.name.to_owned(), self.mode.to_owned()]
    }
}

/// Runs a program; its nanoseconds, and the bytes that its space made resident.
fn observe(guest: &Guest, options: &Options, task: &Task) -> Result<(u64, Option<u64>), String> {
    let mut command = guest.command(options.strategy, task.game.name, None, task.iterations);
    if task.mode == MODES[1] {
        command.arg("--virtualized");
    }
    let line = Line::parse(&child::run(&mut command)?.out)?;
    match line.figures[..] {
        [1, time, ref rest @ ..] if line.name == task.game.name => {
            Ok((time as u64, rest.first().map(|&bytes| bytes as u64)))
        }
        _ => Err(format!("{} wrote {line:?}", task.game.name)),
    }
}

/// How many iterations take [`LEAST`].
fn iterations(guest: &Guest, options: &Options, game: Game) -> u32 {
    let once = observe(guest, options, &Task { game, iterations: 1, mode: MODES[0] });
    let time = once.map_or(u64::MAX, |(time, _)| time.max(1));
    u32::try_from((LEAST.as_nanos() as u64).div_ceil(time)).unwrap_or(1).max(1)
}

/// Measures, writes `virtualization.csv` and its manifest, and makes the table.
///
/// # Errors
/// If a name in the options is unknown or a file cannot be written. A failed observation is a row, and listed in the outcome.
pub fn run(options: &Options, guest: &Guest, steps: &Steps) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let session = Session::begin(options, json!({ "least_ns": LEAST.as_nanos() as u64 }), &[], steps)?;
    let games = programs::games().into_iter().filter(|game| options.wants(game.name));
    let mut tasks = Vec::new();
    for game in games {
        steps.before(&format!("finding out how many iterations of {} to run", game.name));
        let iterations = if options.quick { 1 } else { iterations(guest, options, game) };
        tasks.extend(MODES.map(|mode| Task { game, iterations, mode }));
    }
    let rounds = rounds::shuffled(&tasks, options.runs(), options.seed, |_| false);
    let key = ["benchmark", "mode", "run"];
    let mut rows = Rows::open(&session.csv, &COLUMNS, &key, &rounds::planned(&rounds))?;
    let mut outcome = rounds::measure(&rounds, &mut rows, steps, |task, run| {
        let result = observe(guest, options, task);
        let time = result.as_ref().ok().map(|found| found.0);
        let bytes = result.as_ref().ok().and_then(|found| found.1);
        let figure = |figure: Option<u64>| figure.map_or_else(String::new, |figure| figure.to_string());
        let cells = [
            task.game.name.to_owned(),
            task.mode.to_owned(),
            run.to_string(),
            figure(time),
            task.iterations.to_string(),
            figure(bytes),
            rounds::cell(result.as_ref().err()),
        ];
        (cells.into(), result.err())
    })?;
    steps.finish();
    outcome.table = table(&read(&session.csv)?, options.seed);
    session.end()?;
    Ok(outcome)
}

/// Reads `virtualization.csv`.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read(path: &std::path::Path) -> Result<Vec<Row>, csv_table::Error> {
    let table = Table::read(path)?;
    let row = |row: csv_table::Row<'_>| {
        Ok(Row {
            benchmark: row.get("benchmark")?,
            mode: row.get("mode")?,
            time_ns: row.get("time_ns")?,
            space_bytes: row.get("space_bytes")?,
        })
    };
    table.rows().map(row).collect()
}

fn times(rows: &[Row], benchmark: &str, mode: &str) -> Vec<f64> {
    let of = |row: &&Row| row.benchmark == benchmark && row.mode == mode;
    rows.iter().filter(of).filter_map(|row| row.time_ns).map(|ns| ns as f64).collect()
}

/// Each program, and the headline: the geometric mean with its 95 % bootstrap interval.
#[must_use]
pub fn table(rows: &[Row], seed: u64) -> String {
    let mut names: Vec<&str> = rows.iter().map(|row| row.benchmark.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let interval = |it: Interval| format!("{:.3} [{:.3}, {:.3}]", it.value, it.low, it.high);
    let mut out = format!("{:18}{:>12}{:>14}{:>26}\n", "", MODES[0], MODES[1], "virtualized / plain");
    let mut pairs = Vec::new();
    for name in names {
        let [plain, virtualized] = MODES.map(|mode| times(rows, name, mode));
        let median =
            |times: &[f64]| stats::median(times).map_or_else(|| "failed".to_owned(), figures::duration);
        let ratio = stats::ratio_of_medians(&virtualized, &plain, seed);
        let ratio = ratio.map_or_else(|| "–".to_owned(), interval);
        out += &format!("{name:18}{:>12}{:>14}{ratio:>26}\n", median(&plain), median(&virtualized));
        pairs.push((virtualized, plain));
    }
    if let Some(mean) = stats::geometric_mean_of_ratios(&pairs, seed) {
        out += &format!("geometric mean of {} programs: {}\n", pairs.len(), interval(mean));
    }
    let bytes: Vec<f64> = rows.iter().filter_map(|row| row.space_bytes).map(|bytes| bytes as f64).collect();
    if let Some(bytes) = stats::median(&bytes) {
        out +=
            &format!("resident memory of the second space: {:.2} MiB (median)\n", bytes / f64::from(1 << 20));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_compared_program_by_program() {
        let row = |benchmark: &str, mode: &str, time: u64| Row {
            benchmark: benchmark.to_owned(),
            mode: mode.to_owned(),
            time_ns: Some(time),
            space_bytes: (mode == "virtualized").then_some(2 << 20),
        };
        let rows = [
            row("NBody", "plain", 100),
            row("NBody", "virtualized", 104),
            row("Fasta", "virtualized", 96),
            row("Fasta", "plain", 100),
        ];
        let table = table(&rows, 1);
        assert!(table.contains("0.960 [0.960, 0.960]") && table.contains("1.040 [1.040, 1.040]"), "{table}");
        assert!(table.contains("geometric mean of 2 programs: 0.999"), "{table}");
        assert!(table.ends_with("2.00 MiB (median)\n"), "{table}");
    }
}
