//! `instar bench scale`, experiment E10: how an update grows with the program and with the patch.
//!
//! One figure at a time is made larger: processes, the depth of ten stacks, objects that the update does not concern, classes in the patch, methods in
//! the patch. Each size has a process of its own, in which the update goes there and back several times.

use std::process::Command;

use serde_json::json;

use crate::csv_table::{self, Table};
use crate::figures;
use crate::lang::child::{self, Line};
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session, result_row};
use crate::lang::steps::Steps;
use crate::plot;
use crate::rng::SplitMix64;
use crate::stats;

/// The columns of `scale.csv`.
pub const COLUMNS: [&str; 8] =
    ["dimension", "size", "run", "safe_point_wait_ns", "stop_ns", "total_ns", "result", "failure"];
/// The columns by which a row is known.
const KEY: [&str; 3] = ["dimension", "size", "run"];
const GOOD: &str = "committed";
/// Figures of one update.
const FIGURES: usize = 3;

/// What grows, and the largest size, as a power of ten.
pub const DIMENSIONS: [(&str, u32); 5] =
    [("threads", 4), ("depth", 4), ("heap", 7), ("classes", 3), ("methods", 3)];
/// `--quick` goes to this power of ten.
const QUICK: u32 = 3;

/// One process.
pub type Task = (&'static str, u32);

/// The sizes: each power of ten.
fn plan(options: &Options) -> Vec<Task> {
    let wanted = DIMENSIONS.into_iter().filter(|(dimension, _)| options.wants(dimension));
    let most = if options.quick { QUICK } else { u32::MAX };
    wanted
        .flat_map(|(dimension, last)| (0..=last.min(most)).map(move |power| (dimension, 10_u32.pow(power))))
        .collect()
}

/// Measures, writes `scale.csv` and its manifest, and makes the table. `command` is what runs one task with so many updates.
///
/// # Errors
/// If a file cannot be written, or an option makes no sense. A failed observation is a row, and listed in the outcome.
pub fn run(
    options: &Options,
    command: impl Fn(Task, u32) -> Command,
    steps: &Steps,
) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let runs = options.runs.unwrap_or(if options.quick { 2 } else { 10 });
    let session = Session::begin(options, json!({ "updates a process": runs }), &[], steps)?;
    let mut tasks = plan(options);
    SplitMix64::new(options.seed).shuffle(&mut tasks);
    let planned = tasks.iter().flat_map(|task| keys(*task, runs)).collect();
    let mut rows = Rows::open(&session.csv, &COLUMNS, &KEY, &planned)?;
    let missing: Vec<Task> =
        tasks.iter().copied().filter(|&task| keys(task, runs).any(|key| !rows.has(&key))).collect();
    let mut outcome = Outcome { skipped: tasks.len() - missing.len(), ..Outcome::default() };
    steps.expect(missing.len());
    for task in missing {
        steps.before(&format!("{} {}", figures::grouped(u64::from(task.1)), task.0));
        outcome.measured += 1;
        match observe(command(task, runs), runs) {
            Ok(updates) => {
                // A session that was killed between two rows left the first ones.
                for (figures, key) in updates.chunks(FIGURES).zip(keys(task, runs)) {
                    if !rows.has(&key) {
                        rows.push(&result_row(key, COLUMNS.len(), Ok(figures), GOOD))?;
                    }
                }
            }
            Err(why) => {
                let key = keys(task, 1).next().unwrap_or_default();
                rows.push(&result_row(key, COLUMNS.len(), Err(&why), GOOD))?;
                steps.note(&format!("failed: {} {}: {why}", task.1, task.0));
                outcome.failures.push(why);
            }
        }
        steps.after();
    }
    steps.finish();
    let csv = Table::read(&session.csv)?;
    plot::write(plot::scale(&csv).iter(), &options.out).map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&csv)?;
    session.end()?;
    Ok(outcome)
}

fn keys((dimension, size): Task, runs: u32) -> impl Iterator<Item = Vec<String>> {
    (1..=runs).map(move |run| vec![dimension.to_owned(), size.to_string(), run.to_string()])
}

/// The figures of all updates, one behind the other.
fn observe(mut command: Command, runs: u32) -> Result<Vec<i64>, String> {
    let mut figures = Line::parse(&child::run(&mut command)?.out)?.figures;
    let is_right = figures.remove(0) == 1;
    let wanted = FIGURES * runs as usize;
    match figures.len() {
        _ if !is_right => Err("something was wrong after an update".to_owned()),
        found if found != wanted => Err(format!("printed {found} figures where {wanted} should stand")),
        _ => Ok(figures),
    }
}

/// Medians of each size, and the longest stop.
pub(crate) fn table(csv: &Table) -> Result<String, csv_table::Error> {
    let mut out = format!(
        "{:<12}{:>12}{:>13}{:>13}{:>16}{:>13}\n",
        "dimension", "size", "wait", "stop", "longest stop", "total"
    );
    let mut groups: Vec<(String, u32, Vec<[f64; FIGURES]>)> = Vec::new();
    for row in csv.rows() {
        if row.get::<String>("result")? != GOOD {
            continue;
        }
        let (dimension, size): (String, u32) = (row.get("dimension")?, row.get("size")?);
        let figures = [row.get("safe_point_wait_ns")?, row.get("stop_ns")?, row.get("total_ns")?];
        match groups.iter_mut().find(|group| group.0 == dimension && group.1 == size) {
            Some(group) => group.2.push(figures),
            None => groups.push((dimension, size, vec![figures])),
        }
    }
    let place = |name: &str| DIMENSIONS.iter().position(|(known, _)| *known == name);
    groups.sort_by_key(|(dimension, size, _)| (place(dimension), *size));
    for (dimension, size, figures) in groups {
        let column = |index: usize| -> Vec<f64> { figures.iter().map(|it| it[index]).collect() };
        let median = |index| figures::duration(stats::median(&column(index)).unwrap_or_default());
        let longest = figures::duration(column(1).into_iter().fold(0.0, f64::max));
        out += &format!(
            "{dimension:<12}{:>12}{:>13}{:>13}{longest:>16}{:>13}\n",
            figures::grouped(u64::from(size)),
            median(0),
            median(1),
            median(2)
        );
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn every_size_has_its_rows_and_what_failed_is_measured_again() {
        let out = std::env::temp_dir().join(format!("instar-scale-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&out);
        let options = Options { quick: true, ..Options::new(lang::Command::Scale, out.clone()) };
        let right = "printf 'scale\\t1\\t10\\t20\\t30\\t11\\t21\\t31\\n'";
        let wrong = "printf 'scale\\t0\\t10\\t20\\t30\\t11\\t21\\t31\\n'";
        let command = |task: Task, _| shell(if task == ("heap", 100) { wrong } else { right });
        let first = run(&options, command, &Steps::silent()).unwrap();
        assert_eq!((first.measured, first.failures.len()), (20, 1));
        let again = run(&options, |_, _| shell(right), &Steps::silent()).unwrap();
        assert_eq!((again.measured, again.skipped), (1, 19));
        assert_eq!(again.table.lines().count(), 21, "{}", again.table);
        let text = std::fs::read_to_string(out.join("scale.csv")).unwrap();
        assert_eq!(text.lines().count(), 41);
        assert!(text.contains("heap,100,2,11,21,31,committed,"), "{text}");
        std::fs::remove_dir_all(&out).unwrap();
    }
}
