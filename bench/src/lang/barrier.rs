//! `instar bench barrier`, experiment E2: what the read barrier costs while nothing becomes anything.
//!
//! The same programs under `lazy` (the partial read barrier), `always-check` (a check at each load) and `full-scan`, whose dispatch loop
//! never checks: the three are one source, compiled thrice.

use std::path::Path;

use serde_json::json;

use super::compare::timed;
use super::count::{Counter, Job, count_all};
use super::options::Options;
use super::programs::{self, CLASSIC};
use super::rounds;
use super::rows::{
    BARRIER_COLUMNS, BarrierRow, COUNT_COLUMNS, CountRow, Error, Outcome, Rows, Session, read_barrier,
    read_counts,
};
use super::steps::Steps;
use super::systems::Guest;
use crate::figures;
use crate::plot;
use crate::point::Strategy;
use crate::stats::{self, Interval};

/// The contenders; the last is what the others are compared with.
pub const STRATEGIES: [Strategy; 3] = [Strategy::Lazy, Strategy::AlwaysCheck, Strategy::FullScan];

/// Programs whose instructions are counted with `--quick`, where simulation must not take minutes.
const QUICK_COUNTS: [&str; 3] = ["Richards", "Storage", "Fib"];

/// A program of the suite.
#[derive(Clone, Copy, Debug)]
struct Program {
    name: &'static str,
    /// For measuring time; `None` for the program's own.
    parameter: Option<u32>,
    /// For counting instructions.
    small: u32,
    checksum: i64,
}

/// The classic set, and without `--quick` the Benchmarks Game programs.
fn suite(options: &Options) -> Vec<Program> {
    let mut suite: Vec<Program> = CLASSIC
        .iter()
        .map(|it| Program {
            name: it.name,
            parameter: Some(it.parameter),
            small: it.small,
            checksum: it.checksum,
        })
        .collect();
    if !options.quick {
        let game = |game: programs::Game| Program {
            name: game.name,
            parameter: None,
            small: game.small(),
            checksum: 1,
        };
        suite.extend(programs::games().into_iter().map(game));
    }
    suite.retain(|program| options.wants(program.name));
    suite
}

/// Measures, writes `barrier.csv`, its manifest and the plot, and makes the table.
///
/// # Errors
/// If a name in the options is unknown or a file cannot be written. A failed observation is a row, and listed in the outcome.
pub fn run(
    options: &Options,
    guest: &Guest,
    counter: Option<Counter>,
    steps: &Steps,
) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let note = match counter {
        None => "not counted: neither processor counters (perf) nor valgrind can be used here".to_owned(),
        Some(counter) => {
            format!("{}: {}, counted once", counter.name(), counter.method())
        }
    };
    let counts_csv = options.out.join("barrier-instructions.csv");
    let session = Session::begin(options, json!({ "instructions": note }), &[&counts_csv], steps)?;
    steps.note(&format!("instructions {note}"));
    let suite = suite(options);
    let (counts, failures) = count(options, guest, counter, &suite, &counts_csv, steps)?;
    let pairs = suite.iter().flat_map(|program| STRATEGIES.map(|strategy| Task { program, strategy }));
    let rounds = rounds::shuffled(&pairs.collect::<Vec<_>>(), options.runs(), options.seed, |_| false);
    let key = ["benchmark", "strategy", "run"];
    let mut rows = Rows::open(&session.csv, &BARRIER_COLUMNS, &key, &rounds::planned(&rounds))?;
    let mut outcome = rounds::measure(&rounds, &mut rows, steps, |task, run| {
        let Task { program, strategy } = *task;
        let mut command = guest.command(strategy, program.name, program.parameter, 1);
        let result = timed(&mut command, program.name, program.checksum);
        let of = |row: &&CountRow| row.benchmark == program.name && row.strategy == strategy;
        let instructions = counts.iter().find(of).and_then(|row| row.instructions);
        let cells = [
            program.name.to_owned(),
            strategy.to_string(),
            run.to_string(),
            result.as_ref().map_or_else(|_| String::new(), u64::to_string),
            instructions.map_or_else(String::new, |count| count.to_string()),
            rounds::cell(result.as_ref().err()),
        ];
        (cells.into(), result.err())
    })?;
    steps.finish();
    outcome.measured += failures.len();
    outcome.failures.extend(failures);
    let found = read_barrier(&session.csv)?;
    let comparisons = comparisons(&found, options.seed);
    plot::write(plot::barrier(&comparisons).as_ref(), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&found, &comparisons, options.seed);
    session.end()?;
    Ok(outcome)
}

/// One observation to be made.
#[derive(Clone, Copy)]
struct Task<'a> {
    program: &'a Program,
    strategy: Strategy,
}

impl rounds::Task for Task<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.strategy, self.program.name)
    }

    fn key(&self) -> Vec<String> {
        vec![self.program.name.to_owned(), self.strategy.to_string()]
    }
}

/// Counts what `csv` does not have, each in the file as soon as it is made. All counts, and the failures of new ones.
fn count(
    options: &Options,
    guest: &Guest,
    counter: Option<Counter>,
    suite: &[Program],
    csv: &Path,
    steps: &Steps,
) -> Result<(Vec<CountRow>, Vec<String>), Error> {
    let Some(counter) = counter else { return Ok((Vec::new(), Vec::new())) };
    let is_counted = |program: &&Program| {
        !options.quick
            || counter == Counter::Perf
            || !options.only.is_empty()
            || QUICK_COUNTS.contains(&program.name)
    };
    let job = |program: &Program| {
        // A simulator is too slow for the parameters with which time is measured.
        let parameter = if counter == Counter::Perf { program.parameter } else { Some(program.small) };
        STRATEGIES.map(|strategy| Job { benchmark: program.name, parameter, strategy })
    };
    let mut jobs: Vec<Job> = suite.iter().filter(is_counted).flat_map(job).collect();
    let planned = jobs.iter().map(Job::key).collect();
    let mut rows = Rows::open(csv, &COUNT_COLUMNS, &["benchmark", "strategy", "parameter"], &planned)?;
    jobs.retain(|job| !rows.has(&job.key()));
    steps.expect(jobs.len());
    if !jobs.is_empty() {
        steps.round(&format!("counting instructions: {} counts", jobs.len()));
    }
    let mut failures = Vec::new();
    let mut written = Ok(());
    count_all(counter, guest, &jobs, |job, count| {
        let mut cells = job.key();
        cells.push(count.as_ref().map_or_else(|_| String::new(), u64::to_string));
        cells.push(rounds::cell(count.as_ref().err()));
        let pushed = rows.push(&cells);
        if written.is_ok() {
            written = pushed;
        }
        if let Err(why) = count {
            let failure = format!("{} {}: counting instructions: {why}", job.strategy, job.benchmark);
            steps.note(&format!("failed: {failure}"));
            failures.push(failure);
        }
        steps.after();
    });
    written?;
    Ok((read_counts(csv)?, failures))
}

/// One strategy against never checking, for one program.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The program.
    pub benchmark: String,
    /// Not the one that never checks.
    pub strategy: Strategy,
    /// Ratio of median times.
    pub time: Interval,
    /// Ratio of instructions, where they were counted.
    pub instructions: Option<f64>,
}

fn times(rows: &[BarrierRow], benchmark: &str, strategy: Strategy) -> Vec<f64> {
    let of = |row: &&BarrierRow| row.benchmark == benchmark && row.strategy == strategy;
    rows.iter().filter(of).filter_map(|row| row.time_ns).map(|ns| ns as f64).collect()
}

fn instructions(rows: &[BarrierRow], benchmark: &str, strategy: Strategy) -> Option<f64> {
    let of = |row: &&BarrierRow| row.benchmark == benchmark && row.strategy == strategy;
    rows.iter().filter(of).find_map(|row| row.instructions).map(|count| count as f64)
}

/// All comparisons that the rows allow, by benchmark in the order of the suite.
#[must_use]
pub fn comparisons(rows: &[BarrierRow], seed: u64) -> Vec<Comparison> {
    let mut comparisons = Vec::new();
    for benchmark in benchmarks(rows) {
        let [checking @ .., base] = STRATEGIES;
        let never = times(rows, benchmark, base);
        for strategy in checking {
            if let Some(time) = stats::ratio_of_medians(&times(rows, benchmark, strategy), &never, seed) {
                let both = (instructions(rows, benchmark, strategy), instructions(rows, benchmark, base));
                let instructions =
                    if let (Some(these), Some(those)) = both { Some(these / those) } else { None };
                comparisons.push(Comparison {
                    benchmark: benchmark.to_owned(),
                    strategy,
                    time,
                    instructions,
                });
            }
        }
    }
    comparisons
}

/// The benchmarks of the rows: the classic set in its order, then the others by name.
fn benchmarks(rows: &[BarrierRow]) -> Vec<&str> {
    let mut all: Vec<&str> = rows.iter().map(|row| row.benchmark.as_str()).collect();
    let place = |name: &str| CLASSIC.iter().position(|it| it.name == name).unwrap_or(CLASSIC.len());
    all.sort_by_key(|name| (place(name), *name));
    all.dedup();
    all
}

/// Each benchmark, and the headline: geometric means with 95 % bootstrap intervals.
#[must_use]
pub fn table(rows: &[BarrierRow], comparisons: &[Comparison], seed: u64) -> String {
    let columns = ["never-check", "lazy / never", "instructions", "always / never", "instructions"];
    let mut out = format!("{:18}{:>12}", "", columns[0]);
    columns[1..].iter().enumerate().for_each(|(i, name)| out += &format!("{name:>0$}", [24, 14][i % 2]));
    out.push('\n');
    let interval = |it: Interval| format!("{:.3} [{:.3}, {:.3}]", it.value, it.low, it.high);
    for benchmark in benchmarks(rows) {
        let never = stats::median(&times(rows, benchmark, Strategy::FullScan));
        out += &format!("{benchmark:18}{:>12}", never.map_or_else(|| "failed".to_owned(), figures::duration));
        for strategy in &STRATEGIES[..2] {
            let found = comparisons.iter().find(|it| it.benchmark == benchmark && it.strategy == *strategy);
            let time = found.map_or_else(|| "–".to_owned(), |it| interval(it.time));
            let count =
                found.and_then(|it| it.instructions).map_or_else(|| "–".to_owned(), |it| format!("{it:.4}"));
            out += &format!("{time:>24}{count:>14}");
        }
        out.push('\n');
    }
    for strategy in &STRATEGIES[..2] {
        let of = || comparisons.iter().filter(|it| it.strategy == *strategy);
        let pairs: Vec<(Vec<f64>, Vec<f64>)> = of()
            .map(|it| (times(rows, &it.benchmark, *strategy), times(rows, &it.benchmark, Strategy::FullScan)))
            .collect();
        let counted: Vec<f64> = of().filter_map(|it| it.instructions).map(f64::ln).collect();
        let Some(mean) = stats::geometric_mean_of_ratios(&pairs, seed) else { continue };
        let (of_what, value) = (pairs.len(), interval(mean));
        out += &format!("{strategy} / never-check, geometric mean of {of_what} benchmarks: time {value}");
        if !counted.is_empty() {
            let mean = (counted.iter().sum::<f64>() / counted.len() as f64).exp();
            out += &format!(", instructions {mean:.4} (of {})", counted.len());
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(benchmark: &str, strategy: Strategy, time: u64, instructions: Option<u64>) -> BarrierRow {
        BarrierRow { benchmark: benchmark.into(), strategy, time_ns: Some(time), instructions }
    }

    #[test]
    fn strategies_are_compared_with_the_one_that_never_checks() {
        let rows = [
            row("NBody", Strategy::FullScan, 10, None),
            row("NBody", Strategy::Lazy, 10, None),
            row("Fib", Strategy::Lazy, 101, Some(1000)),
            row("Fib", Strategy::AlwaysCheck, 110, Some(1200)),
            row("Fib", Strategy::FullScan, 100, Some(1000)),
        ];
        let comparisons = comparisons(&rows, 1);
        let brief: Vec<_> = comparisons
            .iter()
            .map(|it| (it.benchmark.as_str(), it.strategy, it.time.value, it.instructions))
            .collect();
        assert_eq!(
            brief,
            [
                ("Fib", Strategy::Lazy, 1.01, Some(1.0)),
                ("Fib", Strategy::AlwaysCheck, 1.1, Some(1.2)),
                ("NBody", Strategy::Lazy, 1.0, None)
            ]
        );
        let table = table(&rows, &comparisons, 1);
        let last = table.lines().next_back().unwrap();
        assert!(
            last.starts_with("always-check / never-check, geometric mean of 1 benchmarks: time 1.100"),
            "{table}"
        );
        assert!(last.ends_with("instructions 1.2000 (of 1)"), "{table}");
        assert!(table.contains("geometric mean of 2 benchmarks: time 1.005"), "{table}");
    }
}
