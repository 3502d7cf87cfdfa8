//! `instar bench virtualization`, experiment E5: what it costs a program to be an application space under a hypervisor (Espell 5.2).
//!
//! The programs of the Benchmarks Game, plain – the only space of its process, on the main thread – and virtualized: a space with a thread of its own
//! beside that of a hypervisor, which waits. Each observation has a process of its own, with so many iterations that it takes [`LEAST`]; how many is
//! found out first, and the same for both modes. It does that [`BATCHES`] times, and the fastest counts. The two of a run are made one right after the other, in an order that changes from run to run, so
//! that what the machine does meanwhile is felt by both: the ratio of a program is the median of the ratios of its pairs.

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
use crate::rng::SplitMix64;
use crate::stats::{self, Interval};
use crate::{figures, plot};

/// What an observation is to take: a third more than it has to, since a single iteration before was slower than many are.
pub const LEAST: Duration = Duration::from_millis(300);
/// How often an observation is made in its process: what disturbs a program from outside makes it slower and never faster, so the fastest counts.
pub const BATCHES: u32 = 4;
/// The modes; the first is what the other is compared with.
pub const MODES: [&str; 2] = ["plain", "virtualized"];
/// The columns of `virtualization.csv`.
pub const COLUMNS: [&str; 8] =
    ["benchmark", "mode", "run", "time_ns", "iterations", "space_bytes", "creation_ns", "failure"];

/// A row of `virtualization.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The program.
    pub benchmark: String,
    /// `plain` or `virtualized`.
    pub mode: String,
    /// Which pair it belongs to.
    pub run: u32,
    /// Of all iterations of the fastest batch; `None` if it failed.
    pub time_ns: Option<u64>,
    /// What the program's space made resident when it was created, the hypervisor being there.
    pub space_bytes: Option<u64>,
    /// How long that took, the kernel having been loaded once in the process. Tables that were made before this was measured have no such column.
    pub creation_ns: Option<u64>,
}

/// What is found out of a second space: bytes that it made resident, and nanoseconds until it was there.
type Second = (u64, u64);

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

fn batches(options: &Options) -> u32 {
    if options.quick { 1 } else { BATCHES }
}

/// Runs a program; its nanoseconds, and what a second space cost if there was one.
fn observe(guest: &Guest, options: &Options, task: &Task) -> Result<(u64, Option<Second>), String> {
    let mut command = guest.command(options.strategy, task.game.name, None, task.iterations);
    command.args(["--batches", &batches(options).to_string()]);
    if task.mode == MODES[1] {
        command.arg("--virtualized");
    }
    let line = Line::parse(&child::run(&mut command)?.out)?;
    match line.figures[..] {
        [1, time] if line.name == task.game.name => Ok((time as u64, None)),
        [1, time, bytes, creation] if line.name == task.game.name => {
            Ok((time as u64, Some((bytes as u64, creation as u64))))
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
    let session = Session::begin(
        options,
        json!({ "least_ns": LEAST.as_nanos() as u64, "batches": batches(options) }),
        &[],
        steps,
    )?;
    let games = programs::games().into_iter().filter(|game| options.wants(game.name));
    let mut pairs = Vec::new();
    for game in games {
        steps.before(&format!("finding out how many iterations of {} to run", game.name));
        let iterations = if options.quick { 1 } else { iterations(guest, options, game) };
        pairs.push(MODES.map(|mode| Task { game, iterations, mode }));
    }
    let rounds = in_pairs(&pairs, options.runs(), options.seed);
    let key = ["benchmark", "mode", "run"];
    let mut rows = Rows::open(&session.csv, &COLUMNS, &key, &rounds::planned(&rounds))?;
    let mut outcome = rounds::measure(&rounds, &mut rows, steps, |task, run| {
        let result = observe(guest, options, task);
        let time = result.as_ref().ok().map(|found| found.0);
        let second = result.as_ref().ok().and_then(|found| found.1);
        let figure = |figure: Option<u64>| figure.map_or_else(String::new, |figure| figure.to_string());
        let cells = [
            task.game.name.to_owned(),
            task.mode.to_owned(),
            run.to_string(),
            figure(time),
            task.iterations.to_string(),
            figure(second.map(|it| it.0)),
            figure(second.map(|it| it.1)),
            rounds::cell(result.as_ref().err()),
        ];
        (cells.into(), result.err())
    })?;
    steps.finish();
    let found = read(&session.csv)?;
    plot::write(plot::virtualization(&found, options.seed).as_ref(), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&found, options.seed);
    session.end()?;
    Ok(outcome)
}

/// Rounds of all pairs, shuffled by the seed. The order inside each pair is drawn for its first run and then alternates.
fn in_pairs(pairs: &[[Task; 2]], runs: u32, seed: u64) -> Vec<Vec<Task>> {
    let mut rng = SplitMix64::new(seed);
    let mut pairs: Vec<[Task; 2]> = pairs.to_vec();
    for pair in &mut pairs {
        rng.shuffle(pair);
    }
    let round = |_| {
        rng.shuffle(&mut pairs);
        let round = pairs.concat();
        pairs.iter_mut().for_each(|pair| pair.reverse());
        round
    };
    (0..runs).map(round).collect()
}

/// Reads `virtualization.csv`.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read(path: &std::path::Path) -> Result<Vec<Row>, csv_table::Error> {
    let table = Table::read(path)?;
    let has_creation = table.header().iter().any(|column| column == "creation_ns");
    let row = |row: csv_table::Row<'_>| {
        Ok(Row {
            benchmark: row.get("benchmark")?,
            mode: row.get("mode")?,
            run: row.get("run")?,
            time_ns: row.get("time_ns")?,
            space_bytes: row.get("space_bytes")?,
            creation_ns: if has_creation { row.get("creation_ns")? } else { None },
        })
    };
    table.rows().map(row).collect()
}

/// The good observations of a program in a mode, with their runs.
fn times<'a>(rows: &'a [Row], benchmark: &'a str, mode: &'a str) -> impl Iterator<Item = (u32, f64)> + 'a {
    let of = move |row: &&Row| row.benchmark == benchmark && row.mode == mode;
    rows.iter().filter(of).filter_map(|row| Some((row.run, row.time_ns? as f64)))
}

/// The programs that there are rows of, by name.
#[must_use]
pub fn benchmarks(rows: &[Row]) -> Vec<&str> {
    let mut names: Vec<&str> = rows.iter().map(|row| row.benchmark.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Virtualized over plain, of each pair of a program.
fn ratios(rows: &[Row], benchmark: &str) -> Vec<f64> {
    let plain: Vec<(u32, f64)> = times(rows, benchmark, MODES[0]).collect();
    let pair = |(run, virtualized): (u32, f64)| {
        let plain = plain.iter().find(|(other, _)| *other == run)?;
        Some(virtualized / plain.1)
    };
    times(rows, benchmark, MODES[1]).filter_map(pair).collect()
}

/// The median ratio of a program's pairs, with its 95 % bootstrap interval.
#[must_use]
pub fn ratio(rows: &[Row], benchmark: &str, seed: u64) -> Option<Interval> {
    stats::ratio_of_medians(&ratios(rows, benchmark), &[1.0], seed)
}

/// The geometric mean of the programs' median ratios, with its 95 % bootstrap interval.
#[must_use]
pub fn mean(rows: &[Row], seed: u64) -> Option<Interval> {
    let all = benchmarks(rows).into_iter().map(|name| (ratios(rows, name), vec![1.0]));
    let measured: Vec<_> = all.filter(|(ratios, _)| !ratios.is_empty()).collect();
    stats::geometric_mean_of_ratios(&measured, seed)
}

/// The median of what the second space made resident, in bytes.
#[must_use]
pub fn space_bytes(rows: &[Row]) -> Option<f64> {
    let bytes: Vec<f64> = rows.iter().filter_map(|row| row.space_bytes).map(|bytes| bytes as f64).collect();
    stats::median(&bytes)
}

/// The median of the times that the second space took to be made, in nanoseconds.
fn creation_ns(rows: &[Row]) -> Option<f64> {
    let times: Vec<f64> = rows.iter().filter_map(|row| row.creation_ns).map(|time| time as f64).collect();
    stats::median(&times)
}

/// Each program, and the headline: the geometric mean with its 95 % bootstrap interval.
#[must_use]
pub fn table(rows: &[Row], seed: u64) -> String {
    let interval = |it: Interval| format!("{:.3} [{:.3}, {:.3}]", it.value, it.low, it.high);
    let mut out = format!("{:18}{:>12}{:>14}{:>26}\n", "", MODES[0], MODES[1], "virtualized / plain");
    let names = benchmarks(rows);
    for name in &names {
        let median = |mode| {
            let times: Vec<f64> = times(rows, name, mode).map(|(_, time)| time).collect();
            stats::median(&times).map_or_else(|| "failed".to_owned(), figures::duration)
        };
        let ratio = ratio(rows, name, seed).map_or_else(|| "–".to_owned(), interval);
        out += &format!("{name:18}{:>12}{:>14}{ratio:>26}\n", median(MODES[0]), median(MODES[1]));
    }
    if let Some(mean) = mean(rows, seed) {
        out += &format!("geometric mean of {} programs: {}\n", names.len(), interval(mean));
    }
    if let Some(bytes) = space_bytes(rows) {
        out +=
            &format!("resident memory of the second space: {:.2} MiB (median)\n", bytes / f64::from(1 << 20));
    }
    if let Some(time) = creation_ns(rows) {
        out += &format!("time to make it: {} (median)\n", figures::duration(time));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(benchmark: &str, mode: &str, run: u32, time: u64) -> Row {
        Row {
            benchmark: benchmark.to_owned(),
            mode: mode.to_owned(),
            run,
            time_ns: Some(time),
            space_bytes: (mode == "virtualized").then_some(2 << 20),
            creation_ns: (mode == "virtualized").then_some(1_500_000),
        }
    }

    #[test]
    fn modes_are_compared_pair_by_pair() {
        let mut rows = vec![
            row("NBody", "plain", 1, 100),
            row("NBody", "virtualized", 1, 104),
            row("NBody", "virtualized", 2, 208),
            row("NBody", "plain", 2, 200),
            row("NBody", "plain", 3, 900),
            row("Fasta", "virtualized", 1, 96),
            row("Fasta", "plain", 1, 100),
        ];
        let text = table(&rows, 1);
        assert!(text.contains("0.960 [0.960, 0.960]") && text.contains("1.040 [1.040, 1.040]"), "{text}");
        assert!(text.contains("geometric mean of 2 programs: 0.999"), "{text}");
        assert!(text.ends_with("2.00 MiB (median)\ntime to make it: 1.5 ms (median)\n"), "{text}");
        rows[0].time_ns = None;
        assert_eq!(ratios(&rows, "NBody"), [1.04]);
    }

    #[test]
    fn pairs_stay_together_and_their_order_alternates() {
        let games = programs::games();
        let pairs: Vec<[Task; 2]> =
            games.iter().map(|&game| MODES.map(|mode| Task { game, iterations: 1, mode })).collect();
        let rounds = in_pairs(&pairs, 2, 7);
        assert!(rounds.iter().all(|round| round.len() == 28));
        let first = |round: &[Task], name: &str| {
            let at = round.iter().position(|task| task.game.name == name).unwrap();
            assert!(at % 2 == 0 && round[at + 1].game.name == name);
            round[at].mode
        };
        assert!(games.iter().all(|game| first(&rounds[0], game.name) != first(&rounds[1], game.name)));
    }
}
