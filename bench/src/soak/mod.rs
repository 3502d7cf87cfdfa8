//! `instar bench soak`: the chat application under load is updated and taken back again and again; its memory, classes, methods and symbols must stay what they were.
//!
//! One server in a process of its own and ten clients in this one, at 700 requests a second by the clock. The updates of experiment E4 follow each other, each with its inverse.
//! In the middle between two of them the program collects and says what it holds: that stop is outside of the window of any update.

mod flat;
mod rows;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use include_dir::{Dir, include_dir};
use instar_load::chat::Chat;
use instar_load::run::{Pace, Plan};
use instar_load::samples::Summary;
use serde_json::json;

pub use self::rows::{COLUMNS, Row, Step, read, table};
use self::rows::{KEY, Observed};
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session};
use crate::lang::steps::Steps;
use crate::observed::{PATIENCE, complaint, load_and_update, window_of};
use crate::plot;
use crate::server::process::Server;
use crate::server::{CHAT, CLIENTS, RATE, apply};
use crate::unpacked::Unpacked;

static WITNESS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/soak");

/// An update, its route and that of its inverse.
const PAIRS: [(&str, [&str; 2]); 3] = [
    ("model", ["/updateV1ToV2", "/updateV2ToV1"]),
    ("kernel", ["/updateKernel", "/revertUpdateKernel"]),
    ("engine", ["/updateAtomicProcess", "/revertUpdateAtomicProcess"]),
];

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Messages that are alive before, and the most that a room keeps.
    messages: u32,
    /// From one update to the next.
    interval: Duration,
    /// Updates and inverses.
    steps: u32,
}

const FULL: Size = Size { messages: 28_500, interval: Duration::from_secs(5), steps: 118 };
const QUICK: Size = Size { messages: 500, interval: Duration::from_secs(1), steps: 18 };

impl Size {
    /// Of the load, which goes on for one interval before the first update and one behind the last.
    fn duration(self) -> Duration {
        self.interval * (self.steps + 2)
    }
}

/// Measures, writes `soak.csv`, its manifest and a plot, and makes the table. `serve` is what starts a server of the application in a folder, with so many messages and a
/// file that is run before, which says where it listens.
///
/// # Errors
/// If a file cannot be written. A failed observation is a row, and listed in the outcome, and so is what did not stay as it was.
pub fn run(
    options: &Options,
    serve: impl Fn(&Path, &Path, u32) -> Command,
    steps: &Steps,
) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let unpack =
        |files, name| Unpacked::new(files, name).map_err(|error| Error::file(&std::env::temp_dir(), error));
    let (chat, witness) = (unpack(&CHAT, "soak-chat")?, unpack(&WITNESS, "soak-witness")?);
    let size = if options.quick { QUICK } else { FULL };
    let facts =
        json!({ "messages": size.messages, "steps": size.steps, "interval in s": size.interval.as_secs() });
    let session = Session::begin(options, facts, &[], steps)?;
    let mut rows =
        Rows::open(&session.csv, &COLUMNS, &KEY, &(1..=options.runs()).map(|run| key(run, 0)).collect())?;
    let missing: Vec<u32> = (1..=options.runs()).filter(|&run| !rows.has(&key(run, size.steps))).collect();
    // What was written of those is of a run that failed, or was stopped on the way.
    rows.retain(|key| !missing.iter().any(|run| key[0] == run.to_string()))?;
    let mut outcome = Outcome { skipped: options.runs() as usize - missing.len(), ..Outcome::default() };
    steps.expect(missing.len());
    for run in missing {
        let title = format!("run {run}: {} updates in {} s", size.steps, size.duration().as_secs());
        steps.before(&title);
        steps.round(&title);
        outcome.measured += 1;
        match observe(serve(&chat.path(""), &witness.path("witness.st"), size.messages), size) {
            Ok(observed) => observed.cells(run).iter().try_for_each(|cells| rows.push(cells))?,
            Err(why) => {
                let mut cells = key(run, 0);
                cells.resize(COLUMNS.len() - 1, String::new());
                cells.push(why.replace(['\n', '\r'], " "));
                rows.push(&cells)?;
                outcome.failures.push(format!("run {run}: {why}"));
            }
        }
        steps.after();
    }
    steps.finish();
    let rows = read(&session.csv)?;
    for run in 1..=options.runs() {
        let of_run: Vec<&Row> = rows.iter().filter(|row| row.run == run).collect();
        let problems = flat::problems(&of_run);
        outcome.failures.extend(problems.into_iter().map(|problem| format!("run {run}: {problem}")));
    }
    plot::write(plot::soak(&rows).iter(), &options.out).map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&rows);
    session.end()?;
    Ok(outcome)
}

fn key(run: u32, number: u32) -> Vec<String> {
    vec![run.to_string(), number.to_string()]
}

fn observe(serve: Command, size: Size) -> Result<Observed, String> {
    let mut server = Server::start(serve)?;
    let address = server.address;
    let clients = Chat::begin(address, "soak", CLIENTS, 1).map_err(|fault| fault.to_string())?;
    let (pace, duration) = (Pace::Open { per_second: RATE }, size.duration());
    let plan = Plan { address, pace, duration, patience: PATIENCE };
    let all = |now: &dyn Fn() -> u64| {
        let begin = now();
        let made: Result<Vec<Step>, String> =
            (0..size.steps).map(|index| step(index, size.interval, address, &mut server, now)).collect();
        Ok((begin..now(), made?))
    };
    let (mut loaded, _, made) = load_and_update(&plan, clients, size.interval, all)?;
    let audit = Chat::end(address, &mut loaded.scripts).map_err(|fault| fault.to_string())?;
    let windows = made.iter().map(|step| {
        let window = window_of(&loaded.samples, &step.at, duration);
        (window.end - window.start, Summary::of(&loaded.samples, window))
    });
    let windows = windows.collect();
    let failure = complaint(&loaded.samples, &loaded.faults, audit.lost, audit.doubled);
    Ok(Observed { steps: made, windows, lost: audit.lost, doubled: audit.doubled, failure })
}

/// An update or an inverse at its time, and half an interval behind it what the program holds.
fn step(
    index: u32,
    interval: Duration,
    address: SocketAddr,
    server: &mut Server,
    now: &dyn Fn() -> u64,
) -> Result<Step, String> {
    let until = |due: Duration| thread::sleep(due.saturating_sub(Duration::from_nanos(now())));
    let due = interval * (index + 1);
    let (update, routes) = PAIRS[index as usize / 2 % PAIRS.len()];
    let is_inverse = index % 2 == 1;
    until(due);
    let (at, applied) = apply(routes[usize::from(is_inverse)], address, now)?;
    until(due + interval / 2);
    let said = server.tell("what is held?")?;
    let held: Option<Vec<u64>> = said.split(' ').map(|figure| figure.parse().ok()).collect();
    let [heap_bytes, classes, methods, symbols, forwarders] = held
        .and_then(|held| <[u64; 5]>::try_from(held).ok())
        .ok_or_else(|| format!("asked what it holds, the program said {said}"))?;
    let rss_bytes = server.rss();
    Ok(Step {
        number: index + 1,
        update: update.to_owned(),
        is_inverse,
        at,
        stop_ns: applied.stop_us * 1000,
        migrated: applied.instances,
        heap_bytes,
        rss_bytes,
        classes,
        methods,
        symbols,
        forwarders,
    })
}
