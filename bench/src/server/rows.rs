//! The rows of `server.csv` and `server-series.csv`: written, read again, and as a table.

use std::path::Path;

use super::NO_UPDATE;
use crate::csv_table;
use crate::figures;
use crate::observed::{Columns, Window, read_courses, read_windows};
use crate::plot::{Course, Update};

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

pub(super) const FILES: Columns<'_> =
    Columns { experiment: "server", task: 4, windows: &COLUMNS, course: &SERIES_COLUMNS };

/// A window of an observation that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns")]
pub struct Row {
    pub instances: u32,
    pub pace: String,
    pub update: String,
    pub seen: Window,
}

/// Reads the rows of `server.csv` that have figures.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read(path: &Path) -> Result<Vec<Row>, csv_table::Error> {
    read_windows(path, |row| {
        Ok(Row {
            instances: row.get("instances")?,
            pace: row.get("pace")?,
            update: row.get("update")?,
            seen: Window::read(row)?,
        })
    })
}

/// Reads `server-series.csv`: the course of each observation, of several runs that of the first.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read_series(path: &Path) -> Result<Vec<Course>, csv_table::Error> {
    read_courses(path, &SERIES_COLUMNS[..FILES.task], course)
}

/// The course that a row belongs to, without its bins.
fn course(row: &csv_table::Row<'_>, applied: Update) -> Result<Course, csv_table::Error> {
    let (instances, pace) = (row.get::<u64>("instances")?, row.get::<String>("pace")?);
    let update: String = row.get("update")?;
    let updates = if update == NO_UPDATE { Vec::new() } else { vec![applied] };
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
    let mut table = format!("{:>12} {:<7}{:<8}{}", "messages", "pace", "update", Window::heading());
    for Row { instances, pace, update, seen } in rows {
        let count = figures::grouped(u64::from(*instances));
        table += &format!("{count:>12} {pace:<7}{update:<8}{}", seen.line());
    }
    table
}
