//! `instar bench server`, experiment E4: the chat application over HTTP, under load, is updated while it serves (gDSU 5.6, Fig. 14).
//!
//! Each observation is a server in a process of its own and ten clients in this one, at 700 requests a second by the clock or as fast as answers
//! come. In the middle one more client asks for an update by its route. Latencies count from when a request was due (see [`instar_load`]); every answer is checked,
//! and what was posted must come to every member once.

mod process;
mod rows;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use include_dir::{Dir, include_dir};
use instar_load::chat::{Audit, Chat};
use instar_load::connection::Connection;
use instar_load::run::{Pace, Plan, Progress, run as load};
use instar_load::samples::{Sample, series};
use instar_load::script::{Fault, Request};
use serde::Deserialize;
use serde_json::json;

use self::process::Server;
pub use self::rows::{COLUMNS, Row, SERIES_COLUMNS, read, read_series, table};
use self::rows::{KEY, TASK_COLUMNS, failed_row, key, row, series_row, task_cells};
use crate::csv_table;
use crate::figures;
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session};
use crate::lang::steps::Steps;
use crate::plot::{self, Course};
use crate::unpacked::Unpacked;

static CHAT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../examples/chat/v1");

const CLIENTS: usize = 10;
/// That of the paper.
const RATE: f64 = 700.0;
const BIN: Duration = Duration::from_millis(500);
/// The first of the load, which is in no window: connections are made, caches are filled.
const WARM_UP: Duration = Duration::from_secs(1);
/// The window of the update is longer than it by this.
const AFTERMATH: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(30);
/// The windows, and all of it.
const WINDOWS: [&str; 4] = ["before", "update", "after", ALL];
const ALL: &str = "all";

/// No update, for comparison.
pub const NO_UPDATE: &str = "none";
/// An update and the route that applies it.
pub const UPDATES: [(&str, &str); 4] = [
    (NO_UPDATE, ""),
    ("model", "/updateV1ToV2"),
    ("kernel", "/updateKernel"),
    ("engine", "/updateAtomicProcess"),
];
/// At the rate.
pub const OPEN: &str = "700/s";
/// As fast as answers come.
pub const CLOSED: &str = "closed";
/// Live messages: the paper's, and more.
const INSTANCES: [u32; 3] = [28_500, 1_000_000, 10_000_000];

/// One observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Messages that are alive before.
    pub instances: u32,
    pace: &'static str,
    update: &'static str,
    run: u32,
}

/// What is observed: all updates and none at both paces with the paper's messages; with more all updates at the rate, and the model's at both.
fn plan(quick: bool, runs: u32) -> Vec<Task> {
    let [paper, more @ ..] = INSTANCES;
    let mut tasks = Vec::new();
    for run in 1..=runs {
        let mut add = |instances, pace, update| tasks.push(Task { instances, pace, update, run });
        if quick {
            add(paper, OPEN, "model");
            add(paper, CLOSED, "model");
            add(paper, CLOSED, NO_UPDATE);
            continue;
        }
        for pace in [OPEN, CLOSED] {
            UPDATES.iter().for_each(|(update, _)| add(paper, pace, update));
        }
        for instances in more {
            UPDATES[1..].iter().for_each(|(update, _)| add(instances, OPEN, update));
            add(instances, CLOSED, "model");
        }
    }
    tasks
}

/// What `--only` takes: updates, paces and numbers of messages.
#[must_use]
pub fn choices() -> Vec<String> {
    let updates = UPDATES.iter().map(|(update, _)| (*update).to_owned());
    updates.chain([OPEN, CLOSED].map(str::to_owned)).chain(INSTANCES.map(|it| it.to_string())).collect()
}

/// Whether a task is among those asked for: if `only` names updates, one of these, and so for paces and numbers of messages.
fn is_wanted(task: &Task, only: &[String]) -> bool {
    let choices = choices();
    let (updates, rest) = choices.split_at(UPDATES.len());
    let (paces, instances) = rest.split_at(2);
    let is_among = |kind: &[String], name: &str| {
        let mut asked = only.iter().filter(|it| kind.contains(it)).peekable();
        asked.peek().is_none() || asked.any(|it| it == name)
    };
    is_among(updates, task.update)
        && is_among(paces, task.pace)
        && is_among(instances, &task.instances.to_string())
}

/// What one observation says.
struct Observation {
    samples: Vec<Sample>,
    /// The first of what was wrong.
    faults: Vec<(&'static str, Fault)>,
    audit: Audit,
    /// When the update was asked for and when it was answered, in nanoseconds of the load.
    update: Range<u64>,
    applied: Applied,
    rss: u64,
    duration: Duration,
}

/// What an update's route answers.
#[derive(Default, Deserialize)]
struct Applied {
    instances: u64,
    stop_us: u64,
}

impl Applied {
    const fn stop_ns(&self) -> u64 {
        self.stop_us * 1000
    }
}

/// Measures, writes `server.csv`, `server-series.csv`, a manifest and plots, and makes the table. `serve` is what starts a server of the application in
/// a folder, with so many messages, which says where it listens.
///
/// # Errors
/// If a file cannot be written, or an option makes no sense. A failed observation is a row, and listed in the outcome.
pub fn run(
    options: &Options,
    serve: impl Fn(&Path, u32) -> Command,
    steps: &Steps,
) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let chat = Unpacked::new(&CHAT, "chat").map_err(|error| Error::file(&std::env::temp_dir(), error))?;
    let duration = Duration::from_secs(if options.quick { 6 } else { 120 });
    let series_csv = options.out.join("server-series.csv");
    let facts = json!({ "clients": CLIENTS, "seconds": duration.as_secs() });
    let session = Session::begin(options, facts, &[&series_csv], steps)?;
    let mut tasks = plan(options.quick, options.runs());
    tasks.retain(|task| is_wanted(task, &options.only));
    let mut rows = Rows::open(&session.csv, &COLUMNS, &KEY, &HashSet::new())?;
    let mut course =
        Rows::open(&series_csv, &SERIES_COLUMNS, &SERIES_COLUMNS[..=TASK_COLUMNS], &HashSet::new())?;
    let open: Vec<&Task> = tasks.iter().filter(|task| !rows.has(&key(task, ALL))).collect();
    // What was written of those is of an observation that failed, or was stopped on the way.
    let begun: HashSet<Vec<String>> = open.iter().map(|task| task_cells(task)).collect();
    rows.retain(|key| !begun.contains(&key[..TASK_COLUMNS]))?;
    course.retain(|key| !begun.contains(&key[..TASK_COLUMNS]))?;
    let mut outcome = Outcome { skipped: tasks.len() - open.len(), ..Outcome::default() };
    steps.expect(open.len());
    for task in open {
        steps.before(&title(task));
        steps.round(&title(task));
        outcome.measured += 1;
        let observed = observe(task, serve(&chat.path(""), task.instances), duration);
        let failure = match &observed {
            Ok(observation) => {
                for (cells, summary) in observation.course() {
                    course.push(&series_row(task, cells, &summary, observation))?;
                }
                for (window, range) in WINDOWS.iter().zip(observation.windows()) {
                    rows.push(&row(task, window, &range, observation))?;
                }
                observation.complaint()
            }
            Err(why) => {
                rows.push(&failed_row(task, ALL, why))?;
                Some(why.clone())
            }
        };
        if let Some(why) = failure {
            steps.note(&format!("failed: {}: {why}", title(task)));
            outcome.failures.push(format!("{}: {why}", title(task)));
        }
        steps.after();
    }
    steps.finish();
    let (rows, courses) = read_all(&session.csv)?;
    plot::write(&plot::server(&rows, &courses), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&rows);
    session.end()?;
    Ok(outcome)
}

/// Reads a `server.csv`, and the courses of time beside it if they are there.
pub(crate) fn read_all(csv: &Path) -> Result<(Vec<Row>, Vec<Course>), csv_table::Error> {
    let series = rows::series_beside(csv);
    let courses = if series.exists() { read_series(&series)? } else { Vec::new() };
    Ok((read(csv)?, courses))
}

fn observe(task: &Task, serve: Command, duration: Duration) -> Result<Observation, String> {
    let server = Server::start(serve)?;
    let clients = Chat::begin(server.address, "load", CLIENTS, 1).map_err(|fault| fault.to_string())?;
    let pace = match task.pace {
        OPEN => Pace::Open { per_second: RATE },
        _ => Pace::Closed { think: Duration::ZERO },
    };
    let plan = Plan { address: server.address, pace, duration, patience: PATIENCE };
    let (start, progress) = (Instant::now(), Progress::default());
    let (mut loaded, updated) = thread::scope(|scope| {
        let update = scope.spawn(|| update(task, server.address, start, duration / 2));
        let loaded = load(&plan, clients, start, &progress);
        (loaded, update.join().unwrap_or_else(|_| Err("the update's client panicked".to_owned())))
    });
    let (update, applied) = updated?;
    let audit = Chat::end(server.address, &mut loaded.scripts).map_err(|fault| fault.to_string())?;
    let rss = server.rss();
    let (samples, faults) = (loaded.samples, loaded.faults);
    Ok(Observation { samples, faults, audit, update, applied, rss, duration })
}

/// Asks for the update when its time has come.
fn update(
    task: &Task,
    address: SocketAddr,
    start: Instant,
    at: Duration,
) -> Result<(Range<u64>, Applied), String> {
    thread::sleep(at.saturating_sub(start.elapsed()));
    let now = || start.elapsed().as_nanos() as u64;
    let route = UPDATES.iter().find(|(name, _)| *name == task.update).map_or("", |(_, route)| *route);
    let asked = now();
    if route.is_empty() {
        return Ok((asked..asked, Applied::default()));
    }
    let request = Request {
        kind: "update",
        method: "GET",
        path: route.to_owned(),
        content_type: "",
        body: String::new(),
    };
    let answer = Connection::new(address, PATIENCE).ask(&request).and_then(|answer| answer.expect(200));
    let answered = now();
    let answer = answer.map_err(|fault| format!("the update: {fault}"))?;
    let applied = serde_json::from_slice(&answer.body)
        .map_err(|error| format!("the update answered {}: {error}", answer.start()))?;
    Ok((asked..answered, applied))
}

impl Observation {
    /// The bounds of the windows, in nanoseconds of the load. That of the update begins with the first request that was not answered when it was
    /// asked for.
    fn windows(&self) -> [Range<u64>; 4] {
        let nanoseconds = |duration: Duration| duration.as_nanos() as u64;
        let (warm, end) = (nanoseconds(WARM_UP), nanoseconds(self.duration));
        let asked = self.update.start;
        let under_way = |sample: &&Sample| sample.due < asked && sample.due + sample.latency > asked;
        let begin = self.samples.iter().filter(under_way).map(|sample| sample.due).min().unwrap_or(asked);
        let after = (self.update.end + nanoseconds(AFTERMATH)).min(end);
        [warm..begin, begin..after, after..end, warm..end]
    }

    /// Start and width of each bin, with what was due in it.
    fn course(&self) -> impl Iterator<Item = ((u64, u64), instar_load::samples::Summary)> {
        let width = BIN.as_nanos() as u64;
        let starts = (0..).map(move |index| (index * width, width));
        starts.zip(series(&self.samples, BIN, self.duration))
    }

    /// What is wrong with it.
    fn complaint(&self) -> Option<String> {
        let failed = self.samples.iter().filter(|sample| sample.is_failed).count();
        let Audit { lost, doubled, .. } = self.audit;
        if failed as u64 + lost + doubled == 0 {
            return None;
        }
        let first = self
            .faults
            .first()
            .map_or_else(String::new, |(kind, fault)| format!(" (first: {kind}: {fault})"));
        let counts = format!("{failed} requests failed{first}, {lost} messages lost, {doubled} doubled");
        Some(counts.replace(['\n', '\r'], " "))
    }
}

fn title(task: &Task) -> String {
    let count = figures::count(u64::from(task.instances));
    format!("{count} messages, {}, update: {}", task.pace, task.update)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_has_each_update_at_each_size_and_none_for_comparison() {
        let tasks = plan(false, 1);
        assert!(tasks.len() <= 20);
        for (update, _) in &UPDATES[1..] {
            for instances in INSTANCES {
                let has = |it: &Task| it.update == *update && it.instances == instances && it.pace == OPEN;
                assert!(tasks.iter().any(has), "{update} with {instances}");
            }
        }
        let only = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            tasks.iter().filter(|task| is_wanted(task, &names)).count()
        };
        assert_eq!(only(&[]), tasks.len());
        assert_eq!((only(&["model", "closed"]), only(&["model", "1000000", "700/s"])), (3, 1));
        assert_eq!(only(&["none", "kernel", "28500"]), 4);
    }

    #[test]
    fn the_window_of_an_update_begins_with_what_waited_for_it() {
        let second = 1_000_000_000;
        let sample = |due, latency| Sample { kind: "x", due, latency, service: latency, is_failed: false };
        let observation = Observation {
            samples: vec![sample(2 * second, second / 2), sample(3 * second - 5, 9), sample(4 * second, 9)],
            faults: Vec::new(),
            audit: Audit::default(),
            update: 3 * second..3 * second + 7,
            applied: Applied::default(),
            rss: 0,
            duration: Duration::from_secs(6),
        };
        let after = 3 * second + 7 + second / 2;
        let begin = 3 * second - 5;
        assert_eq!(
            observation.windows(),
            [second..begin, begin..after, after..6 * second, second..6 * second]
        );
        assert_eq!(observation.complaint(), None);
        let audit = Audit { lost: 2, ..Audit::default() };
        let complaint = Observation { audit, ..observation }.complaint().unwrap();
        assert_eq!(complaint, "0 requests failed, 2 messages lost, 0 doubled");
    }
}
