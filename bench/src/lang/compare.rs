//! `instar bench lang`: the classic set here and in other languages, and the Benchmarks Game programs checked for their output.

use std::process::Command as Process;

use serde_json::json;

use super::child::{self, Line};
use super::options::Options;
use super::programs::{self, CLASSIC, Classic, Game};
use super::rounds;
use super::rows::{Error, LANG_COLUMNS, LangRow, Outcome, Rows, Session, read_lang};
use super::steps::Steps;
use super::systems::{self, Guest, Other};
use crate::figures;
use crate::plot;
use crate::stats::{self, Interval};
use crate::unpacked::Unpacked;

/// The name of this system in the CSV.
pub(crate) const OURS: &str = "instar";
/// The system that the others are compared with.
pub(crate) const BASE: &str = "cpython";

/// One observation to be made.
#[derive(Clone, Copy)]
enum Task<'a> {
    Classic(&'a Classic, Option<&'a Other>),
    Game(&'a Game),
}

impl Task<'_> {
    const fn program(&self) -> &'static str {
        match self {
            Self::Classic(program, _) => program.name,
            Self::Game(game) => game.name,
        }
    }

    const fn system(&self) -> &'static str {
        match self {
            Self::Classic(_, Some(other)) => other.name,
            _ => OURS,
        }
    }

    const fn parameter(&self) -> u32 {
        match self {
            Self::Classic(program, _) => program.parameter,
            Self::Game(game) => game.size,
        }
    }
}

impl rounds::Task for Task<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.system(), self.program())
    }

    fn key(&self) -> Vec<String> {
        vec![self.program().to_owned(), self.system().to_owned()]
    }
}

/// Measures, writes `lang.csv`, its manifest and the plot, and makes the table.
///
/// # Errors
/// If a name in the options is unknown or a file cannot be written. A failed observation is a row, and listed in the outcome.
pub fn run(options: &Options, guest: &Guest, others: &[Other], steps: &Steps) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let missing: Vec<&str> =
        systems::known().filter(|name| !others.iter().any(|other| other.name == *name)).collect();
    let versions: Vec<_> = others.iter().map(|other| json!({ other.name: other.version })).collect();
    let found = json!({ "systems": versions, "missing": missing });
    let session = Session::begin(options, found, &[], steps)?;
    if !missing.is_empty() {
        steps.note(&format!("not installed, and so left out: {}", missing.join(", ")));
    }
    let sources = programs::unpack().map_err(|error| Error::file(&std::env::temp_dir(), error))?;
    let games: Vec<Game> = programs::games().into_iter().filter(|game| options.wants(game.name)).collect();
    let mut tasks = round_of(options, others);
    tasks.extend(games.iter().map(Task::Game));
    // The same output each time: once is enough.
    let is_once = |task: &Task<'_>| matches!(task, Task::Game(_));
    let rounds = rounds::shuffled(&tasks, options.runs(), options.seed, is_once);
    let key = ["benchmark", "system", "run"];
    let mut rows = Rows::open(&session.csv, &LANG_COLUMNS, &key, &rounds::planned(&rounds))?;
    let mut outcome = rounds::measure(&rounds, &mut rows, steps, |task, run| {
        let result = observe(task, options, guest, &sources);
        let set = if is_once(task) { "game" } else { "classic" };
        let cells = [
            task.program().to_owned(),
            task.system().to_owned(),
            run.to_string(),
            result.as_ref().map_or_else(|_| String::new(), u64::to_string),
            result.is_ok().to_string(),
            set.to_owned(),
            task.parameter().to_string(),
            rounds::cell(result.as_ref().err()),
        ];
        (cells.into(), result.err())
    })?;
    steps.finish();
    let found = read_lang(&session.csv)?;
    plot::write(plot::compared(&found, options.seed).as_ref(), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&found, options.seed);
    session.end()?;
    Ok(outcome)
}

/// Each classic program once with each system.
fn round_of<'a>(options: &Options, others: &'a [Other]) -> Vec<Task<'a>> {
    let wanted = CLASSIC.iter().filter(|program| options.wants(program.name));
    wanted
        .flat_map(|program| {
            let systems = std::iter::once(None).chain(others.iter().map(Some));
            systems.map(move |system| Task::Classic(program, system))
        })
        .collect()
}

/// The nanoseconds of one observation.
fn observe(task: &Task<'_>, options: &Options, guest: &Guest, sources: &Unpacked) -> Result<u64, String> {
    let ours = || guest.command(options.strategy, task.program(), Some(task.parameter()), 1);
    let (mut command, checksum) = match task {
        Task::Classic(program, None) => (ours(), program.checksum),
        Task::Classic(program, Some(other)) => {
            (other.command(sources, program.name, program.parameter, 1), program.checksum)
        }
        // The program compares the output itself, and its checksum is whether it is right.
        Task::Game(_) => (ours(), 1),
    };
    timed(&mut command, task.program(), checksum)
}

/// Runs a benchmark and checks what it printed.
pub(super) fn timed(command: &mut Process, name: &str, checksum: i64) -> Result<u64, String> {
    let line = Line::parse(&child::run(command)?.out)?;
    if line.name != name || line.figures[0] != checksum {
        return Err(format!("answered {} {} instead of {name} {checksum}", line.name, line.figures[0]));
    }
    u64::try_from(line.figures[1]).map_err(|_| format!("took {} ns", line.figures[1]))
}

/// Times of a benchmark with a system.
pub(crate) fn times(rows: &[LangRow], benchmark: &str, system: &str) -> Vec<f64> {
    let of = |row: &&LangRow| row.benchmark == benchmark && row.system == system && row.checksum_ok;
    rows.iter().filter(of).filter_map(|row| row.time_ns).map(|ns| ns as f64).collect()
}

/// The different values of a column, in order of appearance.
pub(crate) fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

/// Medians, ratios to CPython and geometric means, with 95 % bootstrap intervals.
#[must_use]
pub fn table(rows: &[LangRow], seed: u64) -> String {
    let mut systems = distinct(rows.iter().map(|row| row.system.as_str()));
    systems.sort_by_key(|name| (*name != OURS, *name));
    let mut out = format!("{:18}", "median, × cpython");
    systems.iter().for_each(|system| out += &format!("{system:>32}"));
    out.push('\n');
    let is_there = |name: &&str| rows.iter().any(|row| row.benchmark == **name);
    let benchmarks: Vec<&str> = CLASSIC.iter().map(|program| program.name).filter(is_there).collect();
    for benchmark in &benchmarks {
        out += &format!("{benchmark:18}");
        let base = times(rows, benchmark, BASE);
        for system in &systems {
            let these = times(rows, benchmark, system);
            let ratio = stats::ratio_of_medians(&these, &base, seed).filter(|_| *system != BASE);
            let cell = match stats::median(&these) {
                None => "failed".to_owned(),
                Some(median) => format!("{} {}", figures::duration(median), with_interval(ratio)),
            };
            out += &format!("{cell:>32}");
        }
        out.push('\n');
    }
    out += &means(rows, &systems, &benchmarks, seed);
    out + &checks(rows)
}

fn with_interval(ratio: Option<Interval>) -> String {
    ratio.map_or_else(String::new, |it| format!("{:6.3} [{:.3}, {:.3}]", it.value, it.low, it.high))
}

/// The line of geometric means, over the benchmarks that both systems have.
fn means(rows: &[LangRow], systems: &[&str], benchmarks: &[&str], seed: u64) -> String {
    let mut out = format!("{:18}", "geometric mean");
    for system in systems {
        let pair = |name: &&str| (times(rows, name, system), times(rows, name, BASE));
        let pairs: Vec<(Vec<f64>, Vec<f64>)> =
            benchmarks.iter().map(pair).filter(|(a, b)| !a.is_empty() && !b.is_empty()).collect();
        let mean = stats::geometric_mean_of_ratios(&pairs, seed).filter(|_| *system != BASE);
        let part = if mean.is_some() && pairs.len() < benchmarks.len() {
            format!(" of {}/{}", pairs.len(), benchmarks.len())
        } else {
            String::new()
        };
        out += &format!("{:>32}", with_interval(mean) + &part);
    }
    out + "\n"
}

/// The line about the programs whose output was checked.
fn checks(rows: &[LangRow]) -> String {
    let is_game = |row: &&LangRow| !CLASSIC.iter().any(|program| program.name == row.benchmark);
    let games: Vec<&LangRow> = rows.iter().filter(is_game).collect();
    if games.is_empty() {
        return String::new();
    }
    let wrong: Vec<&str> =
        games.iter().filter(|row| !row.checksum_ok).map(|row| row.benchmark.as_str()).collect();
    let right = games.len() - wrong.len();
    let rest = if wrong.is_empty() { String::new() } else { format!("; not of {}", wrong.join(", ")) };
    format!("Benchmarks Game: the output of {right} of {} programs is right{rest}.\n", games.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(benchmark: &str, system: &str, time_ns: Option<u64>) -> LangRow {
        LangRow {
            benchmark: benchmark.into(),
            system: system.into(),
            time_ns,
            checksum_ok: time_ns.is_some(),
        }
    }

    #[test]
    fn the_table_compares_what_is_there() {
        let rows = [
            row("Fib", "cpython", Some(200)),
            row("Fib", "instar", Some(100)),
            row("CD", "instar", None),
            row("CD", "cpython", Some(10)),
            row("NBody", "instar", None),
            row("Fasta", "instar", Some(1)),
        ];
        let table = table(&rows, 1);
        let lines: Vec<&str> = table.lines().collect();
        assert!(
            lines[0].trim_end().ends_with("cpython") && lines[0].find("instar") < lines[0].rfind("cpython")
        );
        assert!(lines[1].starts_with("CD") && lines[1].contains("failed"), "{table}");
        assert!(lines[2].starts_with("Fib") && lines[2].contains("100 ns  0.500 [0.500, 0.500]"), "{table}");
        assert!(lines[3].contains("0.500 [0.500, 0.500] of 1/2"), "{table}");
        assert_eq!(lines[4], "Benchmarks Game: the output of 1 of 2 programs is right; not of NBody.");
    }
}
