//! `instar bench webapp`, experiment E7: the core library of the forge is updated while it serves (Espell 5.3, Fig. 4), with the two kinds of safe points.
//!
//! Each observation is a server in a process of its own, an application space under a hypervisor, and twenty users in this process, who think between an answer and their next
//! request. One of the four updates of the figure is applied after a third of the time: by gDSU, as a patch from inside, or by Chester, from outside at the forge's update points.
//! Every answer is checked, and whatever was committed must be there once at the end. Expressions tell whether the update was made.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use include_dir::{Dir, include_dir};
use instar_load::forge::Forge;
use instar_load::run::{Pace, Plan};
use serde_json::json;

use crate::csv_table;
use crate::figures;
use crate::fixes::{FIXES, Fix};
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Session};
use crate::lang::steps::Steps;
use crate::observed::{
    self, Columns, Observed, PATIENCE, Window, load_and_update, measure, read_courses, read_windows,
    series_beside,
};
use crate::plot::{self, Course, Update};
use crate::server::process::Server;
use crate::unpacked::Unpacked;

/// The columns of `webapp.csv`, a row for each window of an observation.
pub const COLUMNS: [&str; 19] = [
    "update",
    "safe_point",
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
    "wait_ns",
    "rss_bytes",
    "failure",
];
/// The columns of `webapp-series.csv`, a row for each half second.
pub const SERIES_COLUMNS: [&str; 14] = [
    "update",
    "safe_point",
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
const FILES: Columns<'_> =
    Columns { experiment: "webapp", task: 3, windows: &COLUMNS, course: &SERIES_COLUMNS };

static FORGE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../examples/forge");

/// That of the paper.
const USERS: usize = 20;
const THINK: Duration = Duration::from_millis(50);
/// Versions before the first request, twenty in a repository: as many repositories as the paper's application had.
pub const VERSIONS: u32 = 40_000;

/// gDSU finds out when nobody is inside of what changes.
pub const AUTOMATIC: &str = "automatic";
/// The program says where it can be updated.
pub const EXPLICIT: &str = "explicit";

/// The updates of the figure.
pub fn updates() -> &'static [Fix] {
    &FIXES[..4]
}

/// How long an update waited for its safe point, and how long nothing but it ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "said above")]
pub struct Applied {
    pub wait_ns: u64,
    pub stop_ns: u64,
}

/// What is measured.
pub trait Program: Sync {
    /// Starts a server of the application in a folder under a hypervisor, with so many versions, which says where it listens, evaluates the lines of its standard input in
    /// the hypervisor, and can be updated through a socket.
    fn serve(&self, application: &Path, socket: &Path) -> Command;

    /// An update as a patch.
    ///
    /// # Errors
    /// Why there is none.
    fn patch(&self, id: &str) -> Result<String, String>;

    /// Applies a patch through a socket.
    ///
    /// # Errors
    /// Why it was not applied.
    fn apply(&self, patch: &str, socket: &Path) -> Result<Applied, String>;
}

/// One observation.
struct Task {
    fix: Fix,
    safe_point: &'static str,
    run: u32,
}

impl observed::Task for Task {
    fn cells(&self) -> Vec<String> {
        vec![self.fix.id.to_owned(), self.safe_point.to_owned(), self.run.to_string()]
    }

    fn title(&self) -> String {
        format!("update: {}, safe point: {}", self.fix.id, self.safe_point)
    }
}

/// All updates with both kinds of safe points; with `--quick` the paper's example.
fn plan(quick: bool, runs: u32) -> Vec<Task> {
    let chosen = if quick { &updates()[3..] } else { updates() };
    let each = |run| chosen.iter().flat_map(move |fix| [AUTOMATIC, EXPLICIT].map(|it| (*fix, it, run)));
    (1..=runs).flat_map(each).map(|(fix, safe_point, run)| Task { fix, safe_point, run }).collect()
}

/// Measures, writes `webapp.csv`, `webapp-series.csv`, a manifest and plots, and makes the table.
///
/// # Errors
/// If a file cannot be written, or an option makes no sense. A failed observation is a row, and listed in the outcome.
pub fn run(options: &Options, program: &impl Program, steps: &Steps) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let forge = Unpacked::new(&FORGE, "forge").map_err(|error| Error::file(&std::env::temp_dir(), error))?;
    let duration = Duration::from_secs(if options.quick { 6 } else { 90 });
    let series_csv = options.out.join("webapp-series.csv");
    let facts = json!({ "users": USERS, "think_ms": THINK.as_millis(), "versions": VERSIONS, "seconds": duration.as_secs() });
    let session = Session::begin(options, facts, &[&series_csv], steps)?;
    let mut tasks = plan(options.quick, options.runs());
    tasks.retain(|task| options.wants(task.fix.id));
    let folder = forge.path("");
    let mut outcome =
        measure(&tasks, &session, &FILES, steps, |task| observe(task, program, &folder, duration))?;
    let (rows, courses) = read_all(&session.csv)?;
    plot::write(&plot::webapp(&courses), &options.out).map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&rows);
    session.end()?;
    Ok(outcome)
}

fn observe(
    task: &Task,
    program: &impl Program,
    folder: &Path,
    duration: Duration,
) -> Result<Observed, String> {
    let id = task.fix.id;
    let patch = if task.safe_point == AUTOMATIC { program.patch(id)? } else { String::new() };
    let socket = folder.join("socket");
    let mut server = Server::start(program.serve(folder, &socket))?;
    let address = server.address;
    let probes = prepare(&mut server, &task.fix)?;
    let clients = Forge::begin(address, "load", USERS).map_err(|fault| fault.to_string())?;
    let plan = Plan { address, pace: Pace::Closed { think: THINK }, duration, patience: PATIENCE };
    let update = |now: &dyn Fn() -> u64| {
        let asked = now();
        let applied = match task.safe_point {
            AUTOMATIC => program.apply(&patch, &socket)?,
            _ => apply_at_update_points(&mut server)?,
        };
        Ok((asked..now(), applied))
    };
    let (loaded, update, applied) = load_and_update(&plan, clients, duration / 3, update)?;
    let audit = Forge::end(address, &loaded.scripts).map_err(|fault| fault.to_string())?;
    let right = number(&mut server, "application whileSuspended: [ case check ]. case rightProbes")?;
    if right != probes {
        return Err(format!("after the update {right} of {probes} expressions are right"));
    }
    Ok(Observed {
        samples: loaded.samples,
        faults: loaded.faults,
        lost: audit.lost,
        doubled: audit.doubled,
        update,
        stop_ns: applied.stop_ns,
        duration,
        own_cells: vec![applied.wait_ns.to_string(), server.rss().to_string()],
    })
}

/// Makes the library what it was before the update; how many expressions tell whether that was made.
fn prepare(server: &mut Server, fix: &Fix) -> Result<u64, String> {
    let make = format!(
        "case := (CoreUpdate named: '{}') with: updater. case makeBeforeWithin: 20000. case probes size",
        fix.id
    );
    let probes = number(server, &make)?;
    let right = number(server, "case rightProbes")?;
    // Before a fix all of them are wrong.
    let wanted = if fix.size.is_some() { 0 } else { probes };
    if right == wanted {
        return Ok(probes);
    }
    Err(format!("before the update {right} of {probes} expressions are right"))
}

fn apply_at_update_points(server: &mut Server) -> Result<Applied, String> {
    server.tell("case prepare. nil")?;
    let apply = "case applyWithin: 20000. updater gatheringMicroseconds";
    let (wait, stop) = (number(server, apply)?, number(server, "updater pauseMicroseconds")?);
    Ok(Applied { wait_ns: wait * 1000, stop_ns: stop * 1000 })
}

/// The number that the hypervisor answers.
fn number(server: &mut Server, statements: &str) -> Result<u64, String> {
    let said = server.tell(statements)?;
    said.parse().map_err(|_| format!("the hypervisor answered to {statements}: {said}"))
}

/// A window of an observation that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns")]
pub struct Row {
    pub update: String,
    pub safe_point: String,
    pub wait_ns: u64,
    pub seen: Window,
}

/// Reads the rows of `webapp.csv` that have figures.
///
/// # Errors
/// Names file, line and column of what does not fit.
pub fn read(path: &Path) -> Result<Vec<Row>, csv_table::Error> {
    read_windows(path, |row| {
        Ok(Row {
            update: row.get("update")?,
            safe_point: row.get("safe_point")?,
            wait_ns: row.get("wait_ns")?,
            seen: Window::read(row)?,
        })
    })
}

/// Reads a `webapp.csv`, and the courses of time beside it if they are there.
pub(crate) fn read_all(csv: &Path) -> Result<(Vec<Row>, Vec<Course>), csv_table::Error> {
    let series = series_beside(csv, FILES.experiment);
    let describe = |row: &csv_table::Row<'_>, applied: Update| {
        let (update, safe_point) = (row.get::<String>("update")?, row.get::<String>("safe_point")?);
        Ok(Course {
            name: course_name(&update, &safe_point),
            title: "Response times of the forge, whose core library is updated under load".to_owned(),
            about: safe_point,
            updates: vec![applied],
            bins: Vec::new(),
        })
    };
    let courses = if series.exists() {
        read_courses(&series, &SERIES_COLUMNS[..FILES.task], describe)?
    } else {
        Vec::new()
    };
    Ok((read(csv)?, courses))
}

/// The name of a course, of which those of an update are found.
pub(crate) fn course_name(update: &str, safe_point: &str) -> String {
    format!("webapp-{update}-{safe_point}")
}

/// The windows of all observations.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut table = format!("{:<20}{:<11}{:>10}  {}", "update", "safe point", "wait", Window::heading());
    for Row { update, safe_point, wait_ns, seen } in rows {
        let wait = figures::duration(*wait_ns as f64);
        table += &format!("{update:<20}{safe_point:<11}{wait:>10}  {}", seen.line());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_has_the_four_updates_with_both_kinds_of_safe_points() {
        let cells = |tasks: &[Task]| tasks.iter().map(observed::Task::cells).collect::<Vec<_>>();
        let tasks = cells(&plan(false, 2));
        assert_eq!(tasks.len(), 16);
        for update in ["exception-handling", "block-memoization", "float-printing", "do-push-up"] {
            for safe_point in [AUTOMATIC, EXPLICIT] {
                assert!(tasks.contains(&vec![update.to_owned(), safe_point.to_owned(), "2".to_owned()]));
            }
        }
        assert_eq!(cells(&plan(true, 1)).len(), 2);
    }
}
