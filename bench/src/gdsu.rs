//! `instar bench gdsu`, experiment E3: the chat model goes to its second version while 0 to 10⁷ messages are alive (gDSU 5.6, Fig. 13).
//!
//! Each number of messages has a process of its own, in which the model goes to the second version and back, several times. The times of the
//! safe point, of the stop and of the whole are columns of their own. The first update of a process pays for fresh memory, which the later
//! ones do not: `run` tells them apart.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::csv_table::{self, Cell, Table};
use crate::figures;
use crate::lang::child::{self, Line};
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session, result_row};
use crate::lang::steps::Steps;
use crate::plot;
use crate::rng::SplitMix64;
use crate::stats;

/// The columns of `gdsu.csv`.
pub const COLUMNS: [&str; 13] = [
    "instances",
    "policy",
    "workers",
    "run",
    "safe_point_wait_ns",
    "stop_ns",
    "total_ns",
    "copied_objects",
    "rss_before_bytes",
    "rss_peak_bytes",
    "rss_after_bytes",
    "result",
    "failure",
];

/// The columns by which a row is known.
const KEY: [&str; 4] = ["instances", "policy", "workers", "run"];

/// The policies: a slot map that the runtime executes, and a block for each instance.
pub const POLICIES: [&str; 2] = ["standard", "custom"];
const COMMITTED: &str = "committed";
/// Figures of one update.
pub const FIGURES: usize = 7;
/// Instances that the custom policy, and other numbers of workers, are measured with.
const FEW_COUNTS: [u32; 3] = [100_000, 1_000_000, 10_000_000];
/// Points a decade.
const POINTS: f64 = 6.0;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Messages, half of them users' and half rooms'.
    pub instances: u32,
    /// One of [`POLICIES`].
    pub policy: &'static str,
    /// Threads of the collector, which also migrate.
    pub workers: u32,
}

/// One update that went well.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// What was measured.
    pub task: Task,
    /// Nanoseconds and bytes, in the order of the columns.
    pub figures: Vec<i64>,
}

impl Update {
    /// Nanoseconds in which only the engine ran.
    #[must_use]
    pub fn stop_ns(&self) -> f64 {
        self.figures[1] as f64
    }

    /// Nanoseconds from the request to the commit.
    #[must_use]
    pub fn total_ns(&self) -> f64 {
        self.figures[2] as f64
    }
}

/// The processes: 43 numbers of messages with the standard policy, some with the other policy and with one worker.
#[must_use]
pub fn plan(quick: bool, workers: u32) -> Vec<Task> {
    let standard = |instances| Task { instances, policy: POLICIES[0], workers };
    if quick {
        let custom = Task { policy: POLICIES[1], ..standard(10_000) };
        return [0, 100, 10_000, 100_000].map(standard).into_iter().chain([custom]).collect();
    }
    let spread = (0..=42).map(|point| 10f64.powf(f64::from(point) / POINTS).round() as u32);
    let mut counts: Vec<u32> = std::iter::once(0).chain(spread).collect();
    counts.dedup();
    let mut tasks: Vec<Task> = counts.into_iter().map(standard).collect();
    for instances in FEW_COUNTS {
        tasks.push(Task { policy: POLICIES[1], ..standard(instances) });
        if workers > 1 {
            tasks.push(Task { workers: 1, ..standard(instances) });
        }
    }
    tasks
}

/// Measures, writes `gdsu.csv`, its manifest and the plot, and makes the table. `command` is what runs one task so many times.
///
/// # Errors
/// If a file cannot be written. A failed observation is a row, and listed in the outcome.
pub fn run(
    options: &Options,
    workers: u32,
    command: impl Fn(&Task, u32) -> Command,
    steps: &Steps,
) -> Result<Outcome, Error> {
    let runs = options.runs.unwrap_or(if options.quick { 2 } else { 4 });
    let session =
        Session::begin(options, json!({ "updates a process": runs, "workers": workers }), &[], steps)?;
    let mut tasks = plan(options.quick, workers);
    SplitMix64::new(options.seed).shuffle(&mut tasks);
    let planned = tasks.iter().flat_map(|task| keys(task, runs)).collect();
    let mut rows = Rows::open(&session.csv, &COLUMNS, &KEY, &planned)?;
    let missing: Vec<&Task> =
        tasks.iter().filter(|task| keys(task, runs).any(|key| !rows.has(&key))).collect();
    let mut outcome = Outcome { skipped: tasks.len() - missing.len(), ..Outcome::default() };
    steps.expect(missing.len());
    steps.round(&format!(
        "{} processes of {runs} updates, {} are there already",
        missing.len(),
        outcome.skipped
    ));
    for task in missing {
        steps.before(&format!("{} messages, {}", figures::count(u64::from(task.instances)), task.policy));
        outcome.measured += 1;
        match observe(command(task, runs), runs) {
            Ok(updates) => {
                // A session that was killed between two rows left the first ones.
                for ((figures, key), run) in updates.iter().zip(keys(task, runs)).zip(1..) {
                    if !rows.has(&key) {
                        rows.push(&row(task, run, Ok(figures)))?;
                    }
                }
            }
            Err(why) => {
                rows.push(&row(task, 1, Err(&why)))?;
                steps.note(&format!("failed: {} messages, {}: {why}", task.instances, task.policy));
                outcome.failures.push(why);
            }
        }
        steps.after();
    }
    steps.finish();
    let updates = read(&session.csv)?;
    plot::write(plot::gdsu(&updates).as_ref(), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&updates);
    session.end()?;
    Ok(outcome)
}

/// The keys of the rows that a task makes.
fn keys(task: &Task, runs: u32) -> impl Iterator<Item = Vec<String>> {
    let Task { instances, policy, workers } = *task;
    (1..=runs)
        .map(move |run| vec![instances.to_string(), policy.to_owned(), workers.to_string(), run.to_string()])
}

struct Policy(&'static str);

impl Cell for Policy {
    fn parse(text: &str) -> Option<Self> {
        POLICIES.into_iter().find(|known| *known == text).map(Self)
    }

    fn expected() -> String {
        POLICIES.join(" or ")
    }
}

/// Reads the good rows of `gdsu.csv`.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read(path: &Path) -> Result<Vec<Update>, csv_table::Error> {
    let table = Table::read(path)?;
    let row = |row: csv_table::Row<'_>| {
        let Policy(policy) = row.get("policy")?;
        let task = Task { instances: row.get("instances")?, policy, workers: row.get("workers")? };
        let figures = COLUMNS[KEY.len()..][..FIGURES].iter().map(|name| row.get(name));
        Ok(Update { task, figures: figures.collect::<Result<_, _>>()? })
    };
    let is_good = |row: &csv_table::Row<'_>| row.get::<String>("result").is_ok_and(|it| it == COMMITTED);
    table.rows().filter(is_good).map(row).collect()
}

fn observe(mut command: Command, runs: u32) -> Result<Vec<Vec<i64>>, String> {
    let line = Line::parse(&child::run(&mut command)?.out)?;
    let (is_right, figures) = line.figures.split_first().ok_or("answered nothing")?;
    if *is_right != 1 {
        return Err("a message was wrong after an update".to_owned());
    }
    if figures.len() != FIGURES * runs as usize {
        return Err(format!(
            "answered {} figures instead of {FIGURES} for each of {runs} updates",
            figures.len()
        ));
    }
    Ok(figures.chunks(FIGURES).map(<[i64]>::to_vec).collect())
}

fn row(task: &Task, run: u32, result: Result<&[i64], &str>) -> Vec<String> {
    let Task { instances, policy, workers } = *task;
    let key = vec![instances.to_string(), policy.to_owned(), workers.to_string(), run.to_string()];
    result_row(key, COLUMNS.len(), result, COMMITTED)
}

/// For each task the medians, and the first update's stop.
#[must_use]
pub fn table(updates: &[Update]) -> String {
    let mut out = format!(
        "{:>12}{:>10}{:>9}{:>13}{:>13}{:>13}{:>16}{:>14}\n",
        "instances", "policy", "workers", "wait", "stop", "total", "first stop", "memory added"
    );
    let mut tasks: Vec<Task> = updates.iter().map(|update| update.task).collect();
    tasks.sort_by_key(|task| (task.policy, task.workers, task.instances));
    tasks.dedup();
    for task in tasks {
        let of_task: Vec<&Update> = updates.iter().filter(|update| update.task == task).collect();
        let column =
            |index: usize| -> Vec<f64> { of_task.iter().map(|it| it.figures[index] as f64).collect() };
        let time = |index| figures::duration(stats::median(&column(index)).unwrap_or_default());
        let added: Vec<f64> = of_task.iter().map(|it| (it.figures[5] - it.figures[4]) as f64).collect();
        out += &format!(
            "{:>12}{:>10}{:>9}{:>13}{:>13}{:>13}{:>16}{:>14}\n",
            figures::grouped(u64::from(task.instances)),
            task.policy,
            task.workers,
            time(0),
            time(1),
            time(2),
            figures::duration(of_task[0].stop_ns()),
            figures::bytes(added.into_iter().fold(0.0, f64::max)),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_172_updates_are_planned() {
        let standard =
            plan(false, 2).into_iter().filter(|task| task.policy == "standard" && task.workers == 2);
        let counts: Vec<u32> = standard.map(|task| task.instances).collect();
        assert!(counts.len() * 4 >= 160, "{}", counts.len());
        assert_eq!((counts.first(), counts.last()), (Some(&0), Some(&10_000_000)));
    }

    #[test]
    fn the_table_has_a_line_for_each_task() {
        let task = Task { instances: 1000, policy: "standard", workers: 2 };
        let update = |stop| Update { task, figures: vec![1, stop, stop + 10, 1000, 50, 70, 60] };
        let table = table(&[update(3_000_000), update(1_000_000), update(1_000_000)]);
        let line = table.lines().nth(1).unwrap();
        assert!(line.contains("1 ms") && line.contains("3 ms") && line.contains("20 B"), "{line}");
    }
}
