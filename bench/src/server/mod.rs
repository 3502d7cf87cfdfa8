//! `instar bench server`, experiment E4: the chat application over HTTP, under load, is updated while it serves (gDSU 5.6, Fig. 14).
//!
//! Each observation is a server in a process of its own and ten clients in this one, at 700 requests a second by the clock or as fast as answers
//! come. In the middle one more client asks for an update by its route. Latencies count from when a request was due (see [`instar_load`]); every answer is checked,
//! and what was posted must come to every member once.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use include_dir::{Dir, include_dir};
use instar_load::chat::{Audit, Chat};
use instar_load::connection::Connection;
use instar_load::run::{Pace, Plan, Progress, run as load};
use instar_load::samples::{Sample, Summary, series};
use instar_load::script::Request;
use serde::Deserialize;
use serde_json::json;

use crate::figures;
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session};
use crate::lang::steps::Steps;
use crate::unpacked::Unpacked;

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
/// The columns by which a row is known.
const KEY: [&str; 5] = ["instances", "pace", "update", "run", "window"];
/// The columns of `server-series.csv`, a row for each half second.
pub const SERIES_COLUMNS: [&str; 12] = [
    "instances",
    "pace",
    "update",
    "run",
    "start_ns",
    "requests",
    "failed",
    "mean_ns",
    "p50_ns",
    "p99_ns",
    "max_ns",
    "update_start_ns",
];

static CHAT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../examples/chat/v1");

const CLIENTS: usize = 10;
/// That of the paper.
const RATE: f64 = 700.0;
const BIN: Duration = Duration::from_millis(500);
/// The first of the load, which is in no window: connections are made, caches are filled.
const WARM_UP: Duration = Duration::from_secs(1);
/// The window of the update is longer than it by this.
const AFTERMATH: Duration = Duration::from_millis(500);
/// The windows, and all of it.
const WINDOWS: [&str; 4] = ["before", "update", "after", "all"];

/// An update and the route that applies it.
pub const UPDATES: [(&str, &str); 4] = [
    ("none", ""),
    ("model", "/updateV1ToV2"),
    ("kernel", "/updateKernel"),
    ("engine", "/updateAtomicProcess"),
];
const OPEN: &str = "700/s";
const CLOSED: &str = "closed";

/// One observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Messages that are alive before.
    pub instances: u32,
    pace: &'static str,
    update: &'static str,
    run: u32,
}

/// What is observed: the model's update at each number of messages and pace, the others and none at the paper's.
fn plan(quick: bool, runs: u32) -> Vec<Task> {
    const PAPER: u32 = 28_500;
    let mut tasks = Vec::new();
    for run in 1..=runs {
        let mut add = |instances, pace, update| tasks.push(Task { instances, pace, update, run });
        add(PAPER, OPEN, "model");
        if quick {
            add(PAPER, CLOSED, "none");
            continue;
        }
        add(PAPER, OPEN, "none");
        add(PAPER, OPEN, "kernel");
        add(PAPER, OPEN, "engine");
        add(PAPER, CLOSED, "none");
        add(PAPER, CLOSED, "model");
        for instances in [1_000_000, 10_000_000] {
            add(instances, OPEN, "model");
            add(instances, CLOSED, "model");
        }
    }
    tasks
}

/// What one observation says.
struct Observation {
    samples: Vec<Sample>,
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

/// Measures, writes `server.csv`, `server-series.csv` and a manifest, and makes the table. `serve` is what starts a server of the application in
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
    let runs = options.runs.unwrap_or(1);
    let duration = Duration::from_secs(if options.quick { 8 } else { 120 });
    let series_csv = options.out.join("server-series.csv");
    let facts = json!({ "clients": CLIENTS, "seconds": duration.as_secs() });
    let session = Session::begin(options, facts, &[&series_csv], steps)?;
    let tasks: Vec<Task> =
        plan(options.quick, runs).into_iter().filter(|task| options.wants(task.update)).collect();
    let planned: HashSet<Vec<String>> =
        tasks.iter().flat_map(|task| WINDOWS.map(|window| key(task, window))).collect();
    let mut rows = Rows::open(&session.csv, &COLUMNS, &KEY, &planned)?;
    let mut course = Rows::open(&series_csv, &SERIES_COLUMNS, &SERIES_COLUMNS[..5], &HashSet::new())?;
    let open: Vec<&Task> = tasks.iter().filter(|task| !rows.has(&key(task, "all"))).collect();
    let mut outcome = Outcome { skipped: tasks.len() - open.len(), ..Outcome::default() };
    outcome.table = heading();
    steps.expect(open.len());
    for task in open {
        steps.before(&title(task));
        outcome.measured += 1;
        match observe(task, serve(&chat.path(""), task.instances), duration) {
            Ok(observation) => {
                for (start, summary) in observation.course() {
                    course.push(&course_row(task, start, &summary, observation.update.start))?;
                }
                for (window, range) in observation.windows() {
                    let summary = Summary::of(&observation.samples, range.clone());
                    rows.push(&row(task, window, &range, &summary, &observation))?;
                    outcome.table += &line(task, window, &range, &summary, &observation);
                }
                if let Some(why) = observation.complaint() {
                    steps.note(&format!("failed: {}: {why}", title(task)));
                    outcome.failures.push(format!("{}: {why}", title(task)));
                }
            }
            Err(why) => {
                let mut row = key(task, "all");
                row.resize(COLUMNS.len() - 1, String::new());
                row.push(why.replace(['\n', '\r'], " "));
                rows.push(&row)?;
                steps.note(&format!("failed: {}: {why}", title(task)));
                outcome.failures.push(format!("{}: {why}", title(task)));
            }
        }
        steps.after();
    }
    steps.finish();
    session.end()?;
    Ok(outcome)
}

/// A server, which is killed at the end.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(mut command: Command) -> Result<Server, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("cannot start the server: {error}"))?;
        let out = child.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(out).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.rsplit_once("listening on http://").and_then(|(_, address)| address.trim().parse().ok())
        });
        // What it says later is read as well, so that it never waits for a reader.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        match address {
            Some(address) => Ok(Server { child, address }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                Err("the server ended before it listened".to_owned())
            }
        }
    }

    fn rss(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn observe(task: &Task, serve: Command, duration: Duration) -> Result<Observation, String> {
    let server = Server::start(serve)?;
    let clients = Chat::begin(server.address, "load", CLIENTS).map_err(|fault| fault.to_string())?;
    let pace = match task.pace {
        OPEN => Pace::Open { per_second: RATE },
        _ => Pace::Closed { think: Duration::ZERO },
    };
    let patience = Duration::from_secs(30);
    let plan = Plan { address: server.address, pace, duration, patience };
    let (start, progress) = (Instant::now(), Progress::default());
    let (mut loaded, updated) = thread::scope(|scope| {
        let update = scope.spawn(|| update(task, server.address, start, duration / 2));
        let loaded = load(&plan, clients, start, &progress);
        (loaded, update.join().unwrap_or_else(|_| Err("the update's client panicked".to_owned())))
    });
    let (update, applied) = updated?;
    if let Some((kind, fault)) = loaded.faults.first() {
        return Err(format!("{} requests failed; the first: {kind}: {fault}", loaded.faults.len()));
    }
    let audit = Chat::end(server.address, &mut loaded.scripts).map_err(|fault| fault.to_string())?;
    Ok(Observation { samples: loaded.samples, audit, update, applied, rss: server.rss(), duration })
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
    let connection = Connection::new(address, Duration::from_secs(30));
    let answer = connection.ask(&request).and_then(|answer| answer.expect(200));
    let answer = answer.map_err(|fault| format!("the update: {fault}"))?;
    let applied = serde_json::from_slice(&answer.body)
        .map_err(|error| format!("the update answered {}: {error}", answer.start()))?;
    Ok((asked..now(), applied))
}

impl Observation {
    /// The windows with their bounds, in nanoseconds of the load.
    fn windows(&self) -> [(&'static str, Range<u64>); 4] {
        let nanoseconds = |duration: Duration| duration.as_nanos() as u64;
        let (warm, end) = (nanoseconds(WARM_UP), nanoseconds(self.duration));
        let after = (self.update.end + nanoseconds(AFTERMATH)).min(end);
        let bounds = [warm..self.update.start, self.update.start..after, after..end, warm..end];
        let mut bounds = bounds.into_iter();
        WINDOWS.map(|name| (name, bounds.next().unwrap_or_default()))
    }

    fn course(&self) -> impl Iterator<Item = (u64, Summary)> {
        let width = BIN.as_nanos() as u64;
        series(&self.samples, BIN, self.duration)
            .into_iter()
            .zip(0..)
            .map(move |(it, index)| (index * width, it))
    }

    /// What is wrong with it.
    fn complaint(&self) -> Option<String> {
        let Audit { lost, doubled, .. } = self.audit;
        (lost + doubled > 0).then(|| format!("{lost} messages lost, {doubled} doubled"))
    }
}

fn title(task: &Task) -> String {
    let count = figures::count(u64::from(task.instances));
    format!("{count} messages, {}, update: {}", task.pace, task.update)
}

fn key(task: &Task, window: &str) -> Vec<String> {
    let Task { instances, pace, update, run } = *task;
    vec![instances.to_string(), pace.to_owned(), update.to_owned(), run.to_string(), window.to_owned()]
}

fn row(
    task: &Task,
    window: &str,
    range: &Range<u64>,
    summary: &Summary,
    observation: &Observation,
) -> Vec<String> {
    let mut row = key(task, window);
    let Observation { audit, update, applied, rss, .. } = observation;
    row.extend([(range.end - range.start).to_string(), summary.requests.to_string()]);
    row.extend([summary.failed.to_string(), format!("{:.0}", summary.mean_ns)]);
    let Summary { p50_ns, p99_ns, p999_ns, max_ns, .. } = summary;
    row.extend([p50_ns, p99_ns, p999_ns, max_ns, &audit.lost, &audit.doubled].map(u64::to_string));
    row.extend(
        [update.end - update.start, applied.stop_us * 1000, applied.instances, *rss].map(|it| it.to_string()),
    );
    row.push(observation.complaint().unwrap_or_default());
    row
}

fn course_row(task: &Task, start: u64, summary: &Summary, update_start: u64) -> Vec<String> {
    let Summary { requests, failed, mean_ns, p50_ns, p99_ns, max_ns, .. } = *summary;
    let mut row = key(task, &start.to_string());
    row.extend([requests.to_string(), failed.to_string(), format!("{mean_ns:.0}")]);
    row.extend([p50_ns, p99_ns, max_ns, update_start].map(|it| it.to_string()));
    row
}

fn heading() -> String {
    format!(
        "{:>12} {:<7}{:<8}{:<8}{:>10}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>6}{:>8}\n",
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
        "lost",
        "doubled"
    )
}

fn line(
    task: &Task,
    window: &str,
    range: &Range<u64>,
    summary: &Summary,
    observation: &Observation,
) -> String {
    let time = |ns: u64| figures::duration(ns as f64);
    let seconds = (range.end - range.start) as f64 / 1e9;
    format!(
        "{:>12} {:<7}{:<8}{window:<8}{:>10}{:>11.0}{:>11}{:>11}{:>11}{:>11}{:>11}{:>6}{:>8}\n",
        figures::grouped(u64::from(task.instances)),
        task.pace,
        task.update,
        summary.requests,
        summary.requests as f64 / seconds,
        time(summary.p50_ns),
        time(summary.p99_ns),
        time(summary.p999_ns),
        time(summary.max_ns),
        time(observation.applied.stop_us * 1000),
        observation.audit.lost,
        observation.audit.doubled,
    )
}
