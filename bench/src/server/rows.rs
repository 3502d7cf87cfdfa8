//! The rows of `server.csv` and `server-series.csv`: written, read again, and as a table.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use instar_load::samples::Summary;

use super::{NO_UPDATE, Observation, Task};
use crate::csv_table::{self, Table};
use crate::figures;
use crate::plot::{Bin, Course, Update};

/// The columns of `server.csv`, a row for each window of an observation.
pub const COLUMNS: [&str; 20] = [
    "instances",
    "pace",
    "update",
    "run",
    "window",
    "window_ns",
    "requests",
    "failed",
    "mean_ns",
    "p50_ns",
    "p99_ns",
    "p999_ns",
    "max_ns",
    "lost",
    "doubled",
    "update_ns",
    "stop_ns",
    "migrated",
    "rss_bytes",
    "failure",
];
/// The columns by which a row is known; the first are the task's.
pub(super) const KEY: [&str; 5] = ["instances", "pace", "update", "run", "window"];
pub(super) const TASK_COLUMNS: usize = 4;
/// The columns of `server-series.csv`, a row for each half second.
pub const SERIES_COLUMNS: [&str; 15] = [
    "instances",
    "pace",
    "update",
    "run",
    "start_ns",
    "width_ns",
    "requests",
    "failed",
    "mean_ns",
    "p50_ns",
    "p99_ns",
    "max_ns",
    "update_start_ns",
    "update_end_ns",
    "stop_ns",
];

/// The cells that say which task it is.
pub(super) fn task_cells(task: &Task) -> Vec<String> {
    let Task { instances, pace, update, run } = *task;
    vec![instances.to_string(), pace.to_owned(), update.to_owned(), run.to_string()]
}

pub(super) fn key(task: &Task, window: &str) -> Vec<String> {
    let mut key = task_cells(task);
    key.push(window.to_owned());
    key
}

pub(super) fn row(task: &Task, window: &str, range: &Range<u64>, observation: &Observation) -> Vec<String> {
    let mut row = key(task, window);
    let Observation { samples, audit, update, applied, rss, .. } = observation;
    let Summary { requests, failed, mean_ns, p50_ns, p99_ns, p999_ns, max_ns } =
        Summary::of(samples, range.clone());
    row.extend([range.end - range.start, requests, failed].map(|it| it.to_string()));
    row.push(format!("{mean_ns:.0}"));
    row.extend([p50_ns, p99_ns, p999_ns, max_ns, audit.lost, audit.doubled].map(|it| it.to_string()));
    row.extend(
        [update.end - update.start, applied.stop_ns(), applied.instances, *rss].map(|it| it.to_string()),
    );
    row.push(observation.complaint().unwrap_or_default());
    row
}

/// The row of a task of which nothing is known but why.
pub(super) fn failed_row(task: &Task, window: &str, why: &str) -> Vec<String> {
    let mut row = key(task, window);
    row.resize(COLUMNS.len() - 1, String::new());
    row.push(why.replace(['\n', '\r'], " "));
    row
}

pub(super) fn series_row(
    task: &Task,
    (start, width): (u64, u64),
    summary: &Summary,
    observation: &Observation,
) -> Vec<String> {
    let Summary { requests, failed, mean_ns, p50_ns, p99_ns, max_ns, .. } = *summary;
    let mut row = key(task, &start.to_string());
    row.extend([width, requests, failed].map(|it| it.to_string()));
    row.push(format!("{mean_ns:.0}"));
    let Observation { update, applied, .. } = observation;
    row.extend(
        [p50_ns, p99_ns, max_ns, update.start, update.end, applied.stop_ns()].map(|it| it.to_string()),
    );
    row
}

/// A window of an observation that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns")]
pub struct Row {
    pub instances: u32,
    pub pace: String,
    pub update: String,
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

/// Reads the rows of `server.csv` that have figures.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read(path: &Path) -> Result<Vec<Row>, csv_table::Error> {
    let table = Table::read(path)?;
    let row = |row: csv_table::Row<'_>| {
        Ok(Row {
            instances: row.get("instances")?,
            pace: row.get("pace")?,
            update: row.get("update")?,
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
    };
    let has_figures = |row: &csv_table::Row<'_>| row.get::<u64>("requests").is_ok();
    table.rows().filter(has_figures).map(row).collect()
}

/// Where the course of time of a `server.csv` stands: `server-series.csv`, or what it was renamed to together with that.
pub(crate) fn series_beside(csv: &Path) -> PathBuf {
    let name = csv.file_name().unwrap_or_default().to_string_lossy();
    csv.with_file_name(name.replacen("server", "server-series", 1))
}

/// Reads `server-series.csv`: the course of each observation, of several runs that of the first.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read_series(path: &Path) -> Result<Vec<Course>, csv_table::Error> {
    let mut courses: Vec<Course> = Vec::new();
    let mut current = None;
    // The rows of an observation follow each other.
    for row in Table::read(path)?.rows() {
        let task = SERIES_COLUMNS[..TASK_COLUMNS].iter().map(|name| row.get::<String>(name));
        let task = Some(task.collect::<Result<Vec<_>, _>>()?);
        if current != task {
            courses.push(course(&row)?);
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

/// The course that a row belongs to, without its bins.
fn course(row: &csv_table::Row<'_>) -> Result<Course, csv_table::Error> {
    let (instances, pace) = (row.get::<u64>("instances")?, row.get::<String>("pace")?);
    let update: String = row.get("update")?;
    let at = row.get("update_start_ns")?..row.get("update_end_ns")?;
    let updates = match update.as_str() {
        NO_UPDATE => Vec::new(),
        _ => vec![Update { at, stop_ns: row.get("stop_ns")? }],
    };
    Ok(Course {
        name: format!("server-{update}-{instances}-{}", pace.replace("/s", "")),
        title: "Response times of the chat application, updated under load".to_owned(),
        about: format!("{} live messages · pace: {pace} · update: {update}", figures::count(instances)),
        updates,
        bins: Vec::new(),
    })
}

/// The windows of all observations.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut table = format!(
        "{:>12} {:<7}{:<8}{:<8}{:>10}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>8}{:>6}{:>8}\n",
        "messages",
        "pace",
        "update",
        "window",
        "requests",
        "req/s",
        "p50",
        "p99",
        "p99.9",
        "max",
        "stop",
        "failed",
        "lost",
        "doubled"
    );
    for row in rows {
        let time = |ns: u64| figures::duration(ns as f64);
        table += &format!(
            "{:>12} {:<7}{:<8}{:<8}{:>10}{:>11.0}{:>11}{:>11}{:>11}{:>11}{:>11}{:>8}{:>6}{:>8}\n",
            figures::grouped(u64::from(row.instances)),
            row.pace,
            row.update,
            row.window,
            row.requests,
            row.requests as f64 * 1e9 / row.window_ns.max(1) as f64,
            time(row.p50_ns),
            time(row.p99_ns),
            time(row.p999_ns),
            time(row.max_ns),
            time(row.stop_ns),
            row.failed,
            row.lost,
            row.doubled,
        );
    }
    table
}
