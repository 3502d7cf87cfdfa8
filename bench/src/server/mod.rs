//! `instar bench server`, experiment E4: the chat application over HTTP, under load, is updated while it serves (gDSU 5.6, Fig. 14).
//!
//! Each observation is a server in a process of its own and ten clients in this one, at 700 requests a second by the clock or as fast as answers
//! come. In the middle one more client asks for an update by its route. Latencies count from when a request was due (see [`instar_load`]); every answer is checked,
//! and what was posted must come to every member once.

pub(crate) mod process;
mod rows;

use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use include_dir::{Dir, include_dir};
use instar_load::chat::Chat;
use instar_load::connection::Connection;
use instar_load::run::{Pace, Plan};
use instar_load::script::Request;
use serde::Deserialize;
use serde_json::json;

use self::process::Server;
use self::rows::FILES;
pub use self::rows::{COLUMNS, Row, SERIES_COLUMNS, read, read_series, table};
use crate::csv_table;
use crate::figures;
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Session};
use crate::lang::steps::Steps;
use crate::observed::{self, Observed, PATIENCE, load_and_update, measure, series_beside};
use crate::plot::{self, Course};
use crate::unpacked::Unpacked;

pub(crate) static CHAT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../examples/chat/v1");

pub(crate) const CLIENTS: usize = 10;
/// That of the paper.
pub(crate) const RATE: f64 = 700.0;

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

impl observed::Task for Task {
    fn cells(&self) -> Vec<String> {
        let Task { instances, pace, update, run } = *self;
        vec![instances.to_string(), pace.to_owned(), update.to_owned(), run.to_string()]
    }

    fn title(&self) -> String {
        let count = figures::count(u64::from(self.instances));
        format!("{count} messages, {}, update: {}", self.pace, self.update)
    }
}

/// What an update's route answers.
#[derive(Default, Deserialize)]
pub(crate) struct Applied {
    /// That were migrated.
    pub instances: u64,
    /// How long nothing but the update ran.
    pub stop_us: u64,
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
    let mut outcome = measure(&tasks, &session, &FILES, steps, |task| {
        observe(task, serve(&chat.path(""), task.instances), duration)
    })?;
    let (rows, courses) = read_all(&session.csv)?;
    plot::write(&plot::server(&rows, &courses), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&rows);
    session.end()?;
    Ok(outcome)
}

/// Reads a `server.csv`, and the courses of time beside it if they are there.
pub(crate) fn read_all(csv: &Path) -> Result<(Vec<Row>, Vec<Course>), csv_table::Error> {
    let series = series_beside(csv, FILES.experiment);
    let courses = if series.exists() { read_series(&series)? } else { Vec::new() };
    Ok((read(csv)?, courses))
}

fn observe(task: &Task, serve: Command, duration: Duration) -> Result<Observed, String> {
    let server = Server::start(serve)?;
    let clients = Chat::begin(server.address, "load", CLIENTS, 1).map_err(|fault| fault.to_string())?;
    let pace = match task.pace {
        OPEN => Pace::Open { per_second: RATE },
        _ => Pace::Closed { think: Duration::ZERO },
    };
    let plan = Plan { address: server.address, pace, duration, patience: PATIENCE };
    let route = UPDATES.iter().find(|(name, _)| *name == task.update).map_or("", |(_, route)| *route);
    let update = |now: &dyn Fn() -> u64| match route {
        "" => Ok((now()..now(), Applied::default())),
        route => apply(route, server.address, now),
    };
    let (mut loaded, update, applied) = load_and_update(&plan, clients, duration / 2, update)?;
    let audit = Chat::end(server.address, &mut loaded.scripts).map_err(|fault| fault.to_string())?;
    Ok(Observed {
        samples: loaded.samples,
        faults: loaded.faults,
        lost: audit.lost,
        doubled: audit.doubled,
        update,
        stop_ns: applied.stop_us * 1000,
        duration,
        own_cells: vec![applied.instances.to_string(), server.rss().to_string()],
    })
}

/// Asks for the update of a route: from when to when, and what was answered.
pub(crate) fn apply(
    route: &str,
    address: SocketAddr,
    now: &dyn Fn() -> u64,
) -> Result<(Range<u64>, Applied), String> {
    let asked = now();
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
}
