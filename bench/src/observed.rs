//! Services that are updated under load: what the clients of one saw before, during and after the update, and how that is written and read again.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use instar_load::run::{Outcome as Loaded, Plan, Progress, run as load};
use instar_load::samples::{Sample, Summary, series};
use instar_load::script::{Fault, Script};

use crate::csv_table::{self, Table};
use crate::figures;
use crate::lang::rows::{Error, Outcome, Rows, Session};
use crate::lang::steps::Steps;
use crate::plot::{Bin, Course, Update};

const BIN: Duration = Duration::from_millis(500);
/// The first of the load, which is in no window: connections are made, caches are filled.
const WARM_UP: Duration = Duration::from_secs(1);
/// The window of the update is longer than it by this.
const AFTERMATH: Duration = Duration::from_millis(500);
/// How long a client waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The windows, and all of it.
const WINDOWS: [&str; 4] = ["before", "update", "after", ALL];
const ALL: &str = "all";

/// What can be observed.
pub(crate) trait Task {
    /// The cells that say which it is.
    fn cells(&self) -> Vec<String>;

    /// For people.
    fn title(&self) -> String;
}

/// What one observation says.
pub(crate) struct Observed {
    pub samples: Vec<Sample>,
    /// The first of what was wrong.
    pub faults: Vec<(&'static str, Fault)>,
    /// What clients had sent and is not there at the end, and what is there twice.
    pub lost: u64,
    /// See [`lost`](Self::lost).
    pub doubled: u64,
    /// When the update was asked for and when it was answered, in nanoseconds of the load.
    pub update: Range<u64>,
    /// How long nothing but the update ran.
    pub stop_ns: u64,
    pub duration: Duration,
    /// Cells of the experiment's own, in front of the failure.
    pub own_cells: Vec<String>,
}

impl Observed {
    /// The bounds of the windows, in nanoseconds of the load.
    fn windows(&self) -> [Range<u64>; 4] {
        let (warm, end) = (nanoseconds(WARM_UP), nanoseconds(self.duration));
        let update = window_of(&self.samples, &self.update, self.duration);
        [warm..update.start, update.clone(), update.end..end, warm..end]
    }

    /// What is wrong with it.
    fn complaint(&self) -> Option<String> {
        complaint(&self.samples, &self.faults, self.lost, self.doubled)
    }

    /// Behind the task's cells.
    fn window_cells(&self, window: &str, range: Range<u64>) -> Vec<String> {
        let Summary { requests, failed, mean_ns, p50_ns, p99_ns, p999_ns, max_ns } =
            Summary::of(&self.samples, range.clone());
        let mut row = vec![window.to_owned()];
        row.extend([range.end - range.start, requests, failed].map(|it| it.to_string()));
        row.push(format!("{mean_ns:.0}"));
        let update_ns = self.update.end - self.update.start;
        let figures = [p50_ns, p99_ns, p999_ns, max_ns, self.lost, self.doubled, update_ns, self.stop_ns];
        row.extend(figures.map(|it| it.to_string()));
        row.extend_from_slice(&self.own_cells);
        row.push(self.complaint().unwrap_or_default());
        row
    }

    /// Behind the task's cells, for each bin.
    fn course_cells(&self) -> impl Iterator<Item = Vec<String>> {
        let width = BIN.as_nanos() as u64;
        (0..).zip(series(&self.samples, BIN, self.duration)).map(move |(index, summary)| {
            let Summary { requests, failed, mean_ns, p50_ns, p99_ns, max_ns, .. } = summary;
            let mut row: Vec<String> =
                [index * width, width, requests, failed].map(|it: u64| it.to_string()).into();
            row.push(format!("{mean_ns:.0}"));
            let Range { start, end } = self.update;
            row.extend([p50_ns, p99_ns, max_ns, start, end, self.stop_ns].map(|it| it.to_string()));
            row
        })
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// The window of an update, in nanoseconds of a load that lasts so long: from the first request that was not answered when it was asked for.
pub(crate) fn window_of(samples: &[Sample], update: &Range<u64>, duration: Duration) -> Range<u64> {
    let asked = update.start;
    let under_way = |sample: &&Sample| sample.due < asked && sample.due + sample.latency > asked;
    let begin = samples.iter().filter(under_way).map(|sample| sample.due).min().unwrap_or(asked);
    begin..(update.end + nanoseconds(AFTERMATH)).min(nanoseconds(duration))
}

/// What is wrong with a load, if anything is.
pub(crate) fn complaint(
    samples: &[Sample],
    faults: &[(&str, Fault)],
    lost: u64,
    doubled: u64,
) -> Option<String> {
    let failed = samples.iter().filter(|sample| sample.is_failed).count() as u64;
    if failed + lost + doubled == 0 {
        return None;
    }
    let first = faults.first().map_or_else(String::new, |(kind, fault)| format!(" (first: {kind}: {fault})"));
    let counts = format!("{failed} requests failed{first}, {lost} lost, {doubled} doubled");
    Some(counts.replace(['\n', '\r'], " "))
}

/// Lets clients follow their scripts from now on, and has the update made at its time, by a block that is given the clock of the load and answers from when to when it was, and
/// what came of it.
pub(crate) fn load_and_update<S: Script, A: Send>(
    plan: &Plan,
    clients: Vec<S>,
    at: Duration,
    update: impl FnOnce(&dyn Fn() -> u64) -> Result<(Range<u64>, A), String> + Send,
) -> Result<(Loaded<S>, Range<u64>, A), String> {
    let (start, progress) = (Instant::now(), Progress::default());
    let (loaded, updated) = thread::scope(|scope| {
        let update = scope.spawn(|| {
            thread::sleep(at.saturating_sub(start.elapsed()));
            update(&|| start.elapsed().as_nanos() as u64)
        });
        let loaded = load(plan, clients, start, &progress);
        (loaded, update.join().unwrap_or_else(|_| Err("the update's client panicked".to_owned())))
    });
    let (time, applied) = updated?;
    Ok((loaded, time, applied))
}

/// The columns of the two files of an experiment. The first ones say which task it is.
pub(crate) struct Columns<'c> {
    /// The name of the experiment.
    pub experiment: &'c str,
    pub task: usize,
    /// A row for each window.
    pub windows: &'c [&'c str],
    /// A row for each half second.
    pub course: &'c [&'c str],
}

/// Observes the tasks that were not yet, and writes their rows. One that failed is a row, and listed in the outcome.
pub(crate) fn measure<T: Task>(
    tasks: &[T],
    session: &Session,
    columns: &Columns<'_>,
    steps: &Steps,
    observe: impl Fn(&T) -> Result<Observed, String>,
) -> Result<Outcome, Error> {
    let &Columns { experiment, task: prefix, windows, course } = columns;
    let with = |task: &T, cells: Vec<String>| [task.cells(), cells].concat();
    let planned = tasks.iter().map(|task| with(task, vec![ALL.to_owned()])).collect();
    let mut rows = Rows::open(&session.csv, windows, &windows[..=prefix], &planned)?;
    let mut courses =
        Rows::open(&series_beside(&session.csv, experiment), course, &course[..=prefix], &HashSet::new())?;
    let open: Vec<&T> = tasks.iter().filter(|task| !rows.has(&with(task, vec![ALL.to_owned()]))).collect();
    // What was written of those is of an observation that failed, or was stopped on the way.
    let begun: HashSet<Vec<String>> = open.iter().map(|task| task.cells()).collect();
    rows.retain(|key| !begun.contains(&key[..prefix]))?;
    courses.retain(|key| !begun.contains(&key[..prefix]))?;
    let mut outcome = Outcome { skipped: tasks.len() - open.len(), ..Outcome::default() };
    steps.expect(open.len());
    for task in open {
        steps.before(&task.title());
        steps.round(&task.title());
        outcome.measured += 1;
        let failure = match observe(task) {
            Ok(observed) => {
                observed.course_cells().try_for_each(|cells| courses.push(&with(task, cells)))?;
                for (window, range) in WINDOWS.iter().zip(observed.windows()) {
                    rows.push(&with(task, observed.window_cells(window, range)))?;
                }
                observed.complaint()
            }
            Err(why) => {
                let mut row = with(task, vec![ALL.to_owned()]);
                row.resize(windows.len() - 1, String::new());
                row.push(why.replace(['\n', '\r'], " "));
                rows.push(&row)?;
                Some(why)
            }
        };
        if let Some(why) = failure {
            steps.note(&format!("failed: {}: {why}", task.title()));
            outcome.failures.push(format!("{}: {why}", task.title()));
        }
        steps.after();
    }
    steps.finish();
    Ok(outcome)
}

/// A window of an observation that came to its end, as it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub window: String,
    pub window_ns: u64,
    pub requests: u64,
    pub failed: u64,
    pub p50_ns: u64,
    pub p99_ns: u64,
    pub p999_ns: u64,
    pub max_ns: u64,
    pub lost: u64,
    pub doubled: u64,
    pub stop_ns: u64,
}

impl Window {
    pub(crate) fn read(row: &csv_table::Row<'_>) -> Result<Self, csv_table::Error> {
        Ok(Self {
            window: row.get("window")?,
            window_ns: row.get("window_ns")?,
            requests: row.get("requests")?,
            failed: row.get("failed")?,
            p50_ns: row.get("p50_ns")?,
            p99_ns: row.get("p99_ns")?,
            p999_ns: row.get("p999_ns")?,
            max_ns: row.get("max_ns")?,
            lost: row.get("lost")?,
            doubled: row.get("doubled")?,
            stop_ns: row.get("stop_ns")?,
        })
    }

    /// A line of a table, under [`heading`](Self::heading).
    pub(crate) fn line(&self) -> String {
        let times = [self.p50_ns, self.p99_ns, self.p999_ns, self.max_ns, self.stop_ns];
        let times = times.map(|ns| format!("{:>11}", figures::duration(ns as f64))).concat();
        format!(
            "{:<8}{:>10}{:>11.0}{times}{:>8}{:>6}{:>8}\n",
            self.window,
            self.requests,
            self.requests as f64 * 1e9 / self.window_ns.max(1) as f64,
            self.failed,
            self.lost,
            self.doubled,
        )
    }

    pub(crate) fn heading() -> String {
        format!(
            "{:<8}{:>10}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>8}{:>6}{:>8}\n",
            "window", "requests", "req/s", "p50", "p99", "p99.9", "max", "stop", "failed", "lost", "doubled"
        )
    }
}

/// Reads the rows that have figures.
pub(crate) fn read_windows<R>(
    path: &Path,
    row: impl Fn(&csv_table::Row<'_>) -> Result<R, csv_table::Error>,
) -> Result<Vec<R>, csv_table::Error> {
    let table = Table::read(path)?;
    table.rows().filter(|row| row.get::<u64>("requests").is_ok()).map(|it| row(&it)).collect()
}

/// Where the course of time of an experiment's CSV stands: `NAME-series.csv`, or what it was renamed to together with that.
pub(crate) fn series_beside(csv: &Path, experiment: &str) -> PathBuf {
    let name = csv.file_name().unwrap_or_default().to_string_lossy();
    csv.with_file_name(name.replacen(experiment, &format!("{experiment}-series"), 1))
}

/// Reads the courses of observations, of several runs that of the first. `describe` makes each, without its bins, of a row.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub(crate) fn read_courses(
    path: &Path,
    task_columns: &[&str],
    describe: impl Fn(&csv_table::Row<'_>, Update) -> Result<Course, csv_table::Error>,
) -> Result<Vec<Course>, csv_table::Error> {
    let mut courses: Vec<Course> = Vec::new();
    let mut current = None;
    // The rows of an observation follow each other.
    for row in Table::read(path)?.rows() {
        let task = task_columns.iter().map(|name| row.get::<String>(name));
        let task = Some(task.collect::<Result<Vec<_>, _>>()?);
        if current != task {
            let at = row.get("update_start_ns")?..row.get("update_end_ns")?;
            courses.push(describe(&row, Update { at, stop_ns: row.get("stop_ns")? })?);
            current = task;
        }
        if let Some(course) = courses.last_mut() {
            course.bins.push(Bin {
                start_ns: row.get("start_ns")?,
                width_ns: row.get("width_ns")?,
                requests: row.get("requests")?,
                p50_ns: row.get("p50_ns")?,
                p99_ns: row.get("p99_ns")?,
                max_ns: row.get("max_ns")?,
            });
        }
    }
    let mut names = HashSet::new();
    courses.retain(|course| names.insert(course.name.clone()));
    Ok(courses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_of_an_update_begins_with_what_waited_for_it() {
        let second = 1_000_000_000;
        let sample = |due, latency| Sample { kind: "x", due, latency, service: latency, is_failed: false };
        let observed = Observed {
            samples: vec![sample(2 * second, second / 2), sample(3 * second - 5, 9), sample(4 * second, 9)],
            faults: Vec::new(),
            lost: 0,
            doubled: 0,
            update: 3 * second..3 * second + 7,
            stop_ns: 0,
            duration: Duration::from_secs(6),
            own_cells: Vec::new(),
        };
        let after = 3 * second + 7 + second / 2;
        let begin = 3 * second - 5;
        assert_eq!(observed.windows(), [second..begin, begin..after, after..6 * second, second..6 * second]);
        assert_eq!(observed.complaint(), None);
        let complaint = Observed { lost: 2, ..observed }.complaint().unwrap();
        assert_eq!(complaint, "0 requests failed, 2 lost, 0 doubled");
    }
}
