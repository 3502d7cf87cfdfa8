//! `instar load`: the chat application's clients.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use instar_load::chat::Chat;
use instar_load::report;
use instar_load::run::{Outcome, Pace, Plan, Progress, run};

use crate::control::duration;
use crate::smalltalk::{complain, say};
use crate::{FAILED, Failure, failed};

/// Windows of the course of time.
const WINDOW: Duration = Duration::from_millis(500);
const MOST_CLIENTS: u64 = 4096;
const MOST_RATE: f64 = 1e6;
/// Faults that are printed.
const PRINTED_FAULTS: usize = 5;

/// What load.
#[derive(Args)]
pub struct LoadArguments {
    /// Where the chat application serves, as localhost:1701
    #[arg(value_name = "HOST:PORT", value_parser = address)]
    address: SocketAddr,
    /// Clients, each with a connection and a user of its own
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_CLIENTS))]
    clients: u64,
    /// Rooms, among which clients are spread: a message goes to the clients of its room
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_CLIENTS))]
    rooms: u64,
    /// Requests a second that are due whatever answers come; without it each client sends its next request when it has the answer
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// How long a client thinks between an answer and its next request
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "rate")]
    think: Option<Duration>,
    /// How long requests are sent
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    duration: Duration,
    /// How long a request may take
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration)]
    patience: Duration,
    /// Write the course of time here, a row each half second
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write latencies here, a histogram each half second, as an interval log of HdrHistogram
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("{error}; expected HOST:PORT"))?;
    found.next().ok_or_else(|| "no address has that name".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= MOST_RATE => Ok(rate),
        _ => Err(format!("expected more than 0 and at most {MOST_RATE} requests a second")),
    }
}

/// Loads, and prints what came of it. The status says whether all answers were right and all messages there once.
pub fn load(arguments: &LoadArguments) -> Result<ExitCode, Failure> {
    let LoadArguments { address, duration, patience, .. } = *arguments;
    let pace = match arguments.rate {
        Some(per_second) => Pace::Open { per_second },
        None => Pace::Closed { think: arguments.think.unwrap_or_default() },
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = format!("{:x}", now.as_micros());
    let chats = Chat::begin(address, &name, arguments.clients as usize, arguments.rooms as usize)
        .map_err(|fault| failed(format!("{address}: {fault}")))?;
    let mut outcome = watched(&Plan { address, pace, duration, patience }, chats);
    say(report::table(&outcome.samples, duration).trim_end());
    for (kind, fault) in outcome.faults.iter().take(PRINTED_FAULTS) {
        complain(format_args!("{kind}: {fault}\n"));
    }
    if let Some(path) = &arguments.csv {
        written(path, report::write_series(path, &outcome.samples, WINDOW, duration))?;
    }
    if let Some(path) = &arguments.log {
        written(path, report::write_log(path, &outcome.samples, WINDOW, duration))?;
    }
    let audit = Chat::end(address, &mut outcome.scripts).map_err(failed)?;
    say(format_args!(
        "{} messages posted, {} deliveries: {} lost, {} doubled",
        audit.posted, audit.expected, audit.lost, audit.doubled
    ));
    let is_right = outcome.faults.is_empty() && audit.lost == 0 && audit.doubled == 0;
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn written(path: &Path, result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| failed(format!("{}: {error}", path.display())))
}

/// Loads with a bar on a terminal.
fn watched(plan: &Plan, chats: Vec<Chat>) -> Outcome<Chat> {
    let progress = Progress::default();
    let (start, width) = (Instant::now(), Duration::from_millis(200));
    thread::scope(|scope| {
        let load = scope.spawn(|| run(plan, chats, start, &progress));
        let bar = ProgressBar::new(plan.duration.as_millis() as u64);
        let style = ProgressStyle::with_template("{bar:30} {elapsed}  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        while !load.is_finished() {
            bar.set_position(start.elapsed().as_millis() as u64);
            let (answered, failed) = (progress.answered.load(Relaxed), progress.failed.load(Relaxed));
            bar.set_message(format!("{answered} answered, {failed} failed"));
            thread::sleep(width);
        }
        bar.finish_and_clear();
        load.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
