//! `instar bench safepoints`: how long an update waits for its safe point, with automatic return barriers and with explicit update points.
//!
//! The program has processes that are idle for 4 to 14 ms and then inside a method that the update changes for more than 1 ms, so many activations deep,
//! where they also come to an update point. Return barriers need a moment at which all are outside; update points keep those who come. Each case has a process
//! of its own, in which the method is changed several times; that no safe point is reached in time is an observation like others. Rows of the
//! strategies `pass` and `empty` say what a send of `DSUUpdatePoint pass` costs while no update waits, and what a send that does nothing costs.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::csv_table::{self, Table};
use crate::figures;
use crate::lang::child::{self, Line};
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session};
use crate::lang::steps::Steps;
use crate::plot;
use crate::rng::SplitMix64;
use crate::stats;

/// The columns of `safepoints.csv`.
pub const COLUMNS: [&str; 10] = [
    "strategy",
    "processes",
    "depth",
    "run",
    "safe_point_wait_ns",
    "stop_ns",
    "total_ns",
    "send_ns",
    "result",
    "failure",
];

/// The columns by which a row is known.
const KEY: [&str; 4] = ["strategy", "processes", "depth", "run"];
/// The strategies that are compared.
pub const STRATEGIES: [&str; 2] = ["return-barriers", "update-points"];
/// The strategy of the case that measures sends; its rows are those of `SENDS`.
pub const SENDS_CASE: &str = "sends";
/// What its rows are about.
const SENDS: [&str; 2] = ["empty", "pass"];
/// Whether there was a commit; wait, stop and total.
const FIGURES: usize = 4;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// One of [`STRATEGIES`], or [`SENDS_CASE`].
    pub strategy: &'static str,
    /// Of the program.
    pub processes: u32,
    /// Activations of the method that changes in each, while it is inside.
    pub depth: u32,
    /// How long each update may take.
    pub timeout_ms: u32,
}

/// What is measured.
#[must_use]
pub fn plan(quick: bool) -> Vec<Task> {
    let (counts, depths, timeout_ms): (&[u32], &[u32], u32) =
        if quick { (&[1, 10], &[1, 100], 1000) } else { (&[1, 3, 10, 30, 100, 300], &[1, 100, 1000], 5000) };
    let mut tasks = vec![Task { strategy: SENDS_CASE, processes: 0, depth: 0, timeout_ms }];
    for strategy in STRATEGIES {
        for &processes in counts {
            tasks.extend(depths.iter().map(|&depth| Task { strategy, processes, depth, timeout_ms }));
        }
    }
    tasks
}

/// Measures, writes `safepoints.csv` and its manifest, and makes the table. `command` is what runs one task so many times.
///
/// # Errors
/// If a file cannot be written. A failed observation is a row, and listed in the outcome.
pub fn run(
    options: &Options,
    command: impl Fn(&Task, u32) -> Command,
    steps: &Steps,
) -> Result<Outcome, Error> {
    let runs = options.runs();
    let mut tasks = plan(options.quick);
    let timeout = tasks[0].timeout_ms;
    let session =
        Session::begin(options, json!({ "updates a process": runs, "timeout in ms": timeout }), &[], steps)?;
    SplitMix64::new(options.seed).shuffle(&mut tasks);
    let planned: HashSet<Vec<String>> = tasks.iter().flat_map(|task| keys(task, runs)).collect();
    let mut rows = Rows::open(&session.csv, &COLUMNS, &KEY, &planned)?;
    let missing: Vec<&Task> =
        tasks.iter().filter(|task| keys(task, runs).iter().any(|key| !rows.has(key))).collect();
    let mut outcome = Outcome { skipped: tasks.len() - missing.len(), ..Outcome::default() };
    steps.expect(missing.len());
    for task in missing {
        steps.before(&format!("{}, {} processes, depth {}", task.strategy, task.processes, task.depth));
        outcome.measured += 1;
        let made = observe(command(task, runs), task, runs).unwrap_or_else(|why| {
            steps.note(&format!("failed: {}: {why}", task.strategy));
            outcome.failures.push(why.clone());
            vec![failed(&keys(task, runs)[0], &why)]
        });
        for row in made.iter().filter(|row| !rows.has(&row[..KEY.len()])).collect::<Vec<_>>() {
            rows.push(row)?;
        }
        steps.after();
    }
    steps.finish();
    let drawn = plot::safepoints(&Table::read(&session.csv)?);
    plot::write(drawn.iter(), &options.out).map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&read(&session.csv)?);
    session.end()?;
    Ok(outcome)
}

/// The keys of the rows that a task makes.
fn keys(task: &Task, runs: u32) -> Vec<Vec<String>> {
    let of = |strategy: &str| -> Vec<Vec<String>> {
        let key = |run: u32| {
            vec![strategy.to_owned(), task.processes.to_string(), task.depth.to_string(), run.to_string()]
        };
        (1..=runs).map(key).collect()
    };
    if task.strategy == SENDS_CASE {
        return SENDS.iter().flat_map(|name| of(name)).collect();
    }
    of(task.strategy)
}

/// The rows of a task.
fn observe(mut command: Command, task: &Task, runs: u32) -> Result<Vec<Vec<String>>, String> {
    let line = Line::parse(&child::run(&mut command)?.out)?;
    let (is_right, figures) = line.figures.split_first().ok_or("answered nothing")?;
    if *is_right != 1 {
        return Err("a process did not come to the method that it should".to_owned());
    }
    if figures.len() != FIGURES * runs as usize {
        let count = figures.len();
        return Err(format!("answered {count} figures instead of {FIGURES} for each of {runs} runs"));
    }
    let keys = keys(task, runs);
    if task.strategy == SENDS_CASE {
        return Ok(sends(&keys, figures));
    }
    Ok(keys.iter().zip(figures.chunks(FIGURES)).map(|(key, update)| updated(key, update)).collect())
}

/// Of each run: rounds of a loop, and the nanoseconds of the empty one and of those with sends.
fn sends(keys: &[Vec<String>], figures: &[i64]) -> Vec<Vec<String>> {
    let runs: Vec<&[i64]> = figures.chunks(FIGURES).collect();
    let column = |key: &Vec<String>, index: usize, run: usize| {
        let (rounds, empty) = (runs[run][0], runs[run][1]);
        let each = (runs[run][index] - empty) as f64 / rounds.max(1) as f64;
        let mut row = key.clone();
        row.extend([String::new(), String::new(), String::new(), format!("{each:.2}")]);
        row.extend(["measured".to_owned(), String::new()]);
        row
    };
    let count = runs.len();
    keys.iter().enumerate().map(|(at, key)| column(key, 2 + at / count, at % count)).collect()
}

fn updated(key: &[String], update: &[i64]) -> Vec<String> {
    let mut row = key.to_vec();
    if update[0] == 1 {
        row.extend(update[1..].iter().map(i64::to_string));
        row.extend([String::new(), "committed".to_owned(), String::new()]);
    } else {
        // What was waited for did not come, so that there is nothing to say but when it gave up.
        row.extend([String::new(), String::new(), update[3].to_string(), String::new()]);
        row.extend(["timeout".to_owned(), String::new()]);
    }
    row
}

fn failed(key: &[String], why: &str) -> Vec<String> {
    let mut row = key.to_vec();
    row.resize(COLUMNS.len() - 2, String::new());
    row.extend(["failed".to_owned(), why.replace(['\n', '\r'], " ")]);
    row
}

/// A row that did not fail.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the columns")]
pub struct Row {
    pub strategy: String,
    pub processes: u32,
    pub depth: u32,
    pub safe_point_wait_ns: Option<f64>,
    pub stop_ns: Option<f64>,
    pub send_ns: Option<f64>,
}

/// Reads the good rows of `safepoints.csv`.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read(path: &Path) -> Result<Vec<Row>, csv_table::Error> {
    let table = Table::read(path)?;
    let row = |row: csv_table::Row<'_>| {
        Ok(Row {
            strategy: row.get("strategy")?,
            processes: row.get("processes")?,
            depth: row.get("depth")?,
            safe_point_wait_ns: row.get("safe_point_wait_ns")?,
            stop_ns: row.get("stop_ns")?,
            send_ns: row.get("send_ns")?,
        })
    };
    let is_good = |row: &csv_table::Row<'_>| row.get::<String>("result").is_ok_and(|it| it != "failed");
    table.rows().filter(is_good).map(row).collect()
}

/// For each case how many updates were committed, and medians of these.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut cases: Vec<(&str, u32, u32)> =
        rows.iter().map(|row| (row.strategy.as_str(), row.processes, row.depth)).collect();
    cases.sort_by_key(|case| (case.1, case.2, case.0));
    cases.dedup();
    let mut out = format!(
        "{:<17}{:>10}{:>7}{:>11}{:>13}{:>13}{:>13}\n",
        "strategy", "processes", "depth", "committed", "wait", "longest", "stop"
    );
    for case in cases {
        let of_case: Vec<&Row> =
            rows.iter().filter(|row| (row.strategy.as_str(), row.processes, row.depth) == case).collect();
        let sends: Vec<f64> = of_case.iter().filter_map(|row| row.send_ns).collect();
        if let Some(median) = stats::median(&sends) {
            out += &format!("{:<17}{median:.1} ns a send\n", case.0);
            continue;
        }
        let waits: Vec<f64> = of_case.iter().filter_map(|row| row.safe_point_wait_ns).collect();
        let stops: Vec<f64> = of_case.iter().filter_map(|row| row.stop_ns).collect();
        let shown = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), figures::duration);
        out += &format!(
            "{:<17}{:>10}{:>7}{:>11}{:>13}{:>13}{:>13}\n",
            case.0,
            case.1,
            case.2,
            format!("{}/{}", waits.len(), of_case.len()),
            shown(stats::median(&waits)),
            shown(waits.iter().copied().reduce(f64::max)),
            shown(stats::median(&stops)),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang;

    /// A guest that reaches no safe point by return barriers with ten processes.
    fn guest(task: &Task, runs: u32) -> Command {
        let update = match (task.strategy, task.processes) {
            (SENDS_CASE, _) => "1000\t1000\t3000\t11000",
            ("return-barriers", 10) => "0\t0\t0\t1000000000",
            _ => "1\t2000000\t30000\t3000000",
        };
        let mut command = Command::new("printf");
        command.arg(format!("updates\\t1{}\\n", format!("\\t{update}").repeat(runs as usize)));
        command
    }

    #[test]
    fn timeouts_are_rows_and_sends_are_what_they_cost_beyond_the_loop() {
        let out = std::env::temp_dir().join(format!("instar-safepoints-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&out);
        let options = Options { quick: true, ..Options::new(lang::Command::Safepoints, out.clone()) };
        let first = run(&options, guest, &Steps::new()).unwrap();
        assert_eq!((first.measured, first.failures.len()), (9, 0));
        let text = std::fs::read_to_string(out.join("safepoints.csv")).unwrap();
        assert_eq!(text.lines().count(), 1 + 8 * 2 + 4, "{text}");
        assert!(text.contains("return-barriers,10,100,2,,,1000000000,,timeout,\n"), "{text}");
        assert!(text.contains("update-points,10,1,1,2000000,30000,3000000,,committed,\n"), "{text}");
        assert!(text.contains("pass,0,0,2,,,,10.00,measured,\n"), "{text}");
        assert!(text.contains("empty,0,0,1,,,,2.00,measured,\n"), "{text}");
        let line =
            first.table.lines().find(|line| line.starts_with("return-barriers") && line.contains("0/2"));
        assert!(line.is_some_and(|line| line.ends_with('-')), "{}", first.table);
        assert_eq!(run(&options, guest, &Steps::new()).unwrap().measured, 0);
        std::fs::remove_dir_all(&out).unwrap();
    }
}
