//! The commands that talk to a running program, and how a program lets itself be talked to.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use instar_dsu::control::{
    Client, ClientError, ControlError, DEFAULT_TIMEOUT_MS, Endpoint, EndpointOptions, MOST_TIMEOUT_MS,
    Request, Witness,
};
use instar_interp::host::Session;
use serde_json::Value;

use crate::observe::Observed;
use crate::smalltalk::{complain, say};
use crate::{FAILED, Failure, REFUSED};

/// No safe point was reached in time.
const TIMED_OUT: u8 = 3;
/// What was asked may have happened or not.
const UNKNOWN: u8 = 4;

/// How much longer than an update may take its answer is waited for.
pub const GRACE: Duration = Duration::from_secs(20);

/// How a program lets itself be updated.
#[derive(Args)]
pub struct ControlArguments {
    /// Let the program be updated through a Unix socket, which is made at this path for its owner only
    #[arg(long = "control", value_name = "SOCKET")]
    socket: Option<PathBuf>,
    /// Keep a log of all updates in this file, which grows: each is written before its answer
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

impl ControlArguments {
    /// Begins to listen, and to keep the log, if that is wanted or somebody observes the program.
    pub fn open(
        &self,
        session: &mut Session,
        observed: Option<&Observed>,
    ) -> Result<Option<Endpoint>, Failure> {
        if self.socket.is_none() && self.log.is_none() && observed.is_none() {
            return Ok(None);
        }
        let options = EndpointOptions { socket: self.socket.clone(), log: self.log.clone() };
        let witness = observed.map_or_else(|| Box::new(|_: &Value| ()) as Witness, Observed::witness);
        Endpoint::open(session, &options, witness).map(Some).map_err(|error| {
            let status = match error {
                ControlError::Socket { .. } | ControlError::Log { .. } => REFUSED,
                _ => FAILED,
            };
            (status, error.to_string())
        })
    }
}

/// Which program.
#[derive(Args)]
struct Target {
    /// The socket of the program
    #[arg(long, value_name = "SOCKET")]
    to: PathBuf,
}

/// How long an update may take.
#[derive(Args)]
struct Limit {
    /// How long the update may take from its begin to the commit, as 500ms, 10s or 2m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    timeout: Duration,
    /// Print the events as lines of JSON
    #[arg(long)]
    json: bool,
}

/// What to apply.
#[derive(Args)]
pub struct ApplyArguments {
    #[command(flatten)]
    target: Target,
    /// The patch
    #[arg(value_name = "PATCH")]
    patch: PathBuf,
    /// Apply it even if it was made for another version than the one that runs
    #[arg(long)]
    any_base: bool,
    /// Go as far as the validation, and discard everything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    limit: Limit,
}

/// What to undo.
#[derive(Args)]
pub struct UndoArguments {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    limit: Limit,
}

/// What to give up.
#[derive(Args)]
pub struct AbortArguments {
    #[command(flatten)]
    target: Target,
}

/// Whose log to print.
#[derive(Args)]
pub struct LogArguments {
    #[command(flatten)]
    target: Target,
    /// Print the entries as lines of JSON
    #[arg(long)]
    json: bool,
}

/// What to list.
#[derive(Args)]
pub struct ListArguments {
    #[command(flatten)]
    target: Target,
}

/// As 500ms, 10s or 2m.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err("a time is a number and ms, s or m: 500ms, 10s".to_owned()),
    };
    let milliseconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    milliseconds
        .filter(|milliseconds| (1..=MOST_TIMEOUT_MS).contains(milliseconds))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("a time is from 1ms to {}m", MOST_TIMEOUT_MS / 60_000))
}

/// Applies a patch to a running program.
pub fn apply(arguments: &ApplyArguments) -> Result<ExitCode, Failure> {
    let file = &arguments.patch;
    let patch =
        std::fs::read_to_string(file).map_err(|error| (REFUSED, format!("{}: {error}", file.display())))?;
    let request = Request::Apply {
        name: file.display().to_string(),
        patch,
        any_base: arguments.any_base,
        dry_run: arguments.dry_run,
        timeout_ms: arguments.limit.milliseconds(),
        who: user(),
    };
    update(&arguments.target, &request, &arguments.limit)
}

/// Takes the last update of a running program back.
pub fn undo(arguments: &UndoArguments) -> Result<ExitCode, Failure> {
    let request = Request::Undo { timeout_ms: arguments.limit.milliseconds(), who: user() };
    update(&arguments.target, &request, &arguments.limit)
}

impl Limit {
    fn milliseconds(&self) -> u64 {
        u64::try_from(self.timeout.as_millis()).unwrap_or(DEFAULT_TIMEOUT_MS)
    }
}

/// Who types this: a name, or at least a number.
pub fn user() -> Option<String> {
    let named = |name: &str| std::env::var(name).ok().filter(|name| !name.is_empty());
    let numbered = || std::fs::metadata("/proc/self").ok().map(|data| format!("uid {}", data.uid()));
    named("USER").or_else(|| named("LOGNAME")).or_else(numbered)
}

fn ask(
    target: &Target,
    request: &Request,
    patience: Duration,
    each: impl FnMut(&Value),
) -> Result<Value, Failure> {
    let asked = Client::connect(&target.to).and_then(|mut client| client.ask(request, patience, each));
    asked.map_err(|error| match error {
        ClientError::Connect { .. } => (REFUSED, error.to_string()),
        _ => (UNKNOWN, error.to_string()),
    })
}

fn update(target: &Target, request: &Request, limit: &Limit) -> Result<ExitCode, Failure> {
    let mut steps = Steps::default();
    let result = ask(target, request, limit.timeout + GRACE, |event| {
        if limit.json {
            say(event);
        } else {
            steps.show(event);
        }
    })?;
    steps.finish();
    if limit.json {
        say(&result);
    } else {
        tell(&result);
    }
    Ok(ExitCode::from(match (result["ok"].as_bool(), text(&result, "kind")) {
        (Some(true), _) => 0,
        (_, "timeout") => TIMED_OUT,
        (_, "ended") => UNKNOWN,
        _ => FAILED,
    }))
}

pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Microseconds, as people read them.
pub fn time(value: &Value) -> String {
    let microseconds = value.as_u64().unwrap_or(0);
    if microseconds < 1_000_000 {
        format!("{}.{:02} ms", microseconds / 1000, microseconds % 1000 / 10)
    } else {
        format!("{}.{:02} s", microseconds / 1_000_000, microseconds % 1_000_000 / 10_000)
    }
}

/// Shows steps while they happen: the name as one begins, time and counts when it has ended.
#[derive(Default)]
struct Steps {
    is_within: bool,
}

impl Steps {
    fn show(&mut self, event: &Value) {
        if event["event"] != "step" {
            return;
        }
        let name = text(event, "step");
        if event["state"] == "begin" {
            self.finish();
            let _ = write!(std::io::stdout(), "{name:<13} ");
            let _ = std::io::stdout().flush();
            self.is_within = true;
            return;
        }
        if !self.is_within {
            let _ = write!(std::io::stdout(), "{name:<13} ");
        }
        let counts = ["classes", "methods", "instances"];
        let counted = counts.iter().filter_map(|key| Some(format!(", {} {key}", event[*key].as_u64()?)));
        say(format_args!("{:>10}{}", time(&event["us"]), counted.collect::<String>()));
        self.is_within = false;
    }

    /// Ends a line that was begun.
    fn finish(&mut self) {
        if std::mem::take(&mut self.is_within) {
            say("");
        }
    }
}

/// What came of an update.
fn tell(result: &Value) {
    let patch = text(result, "patch");
    if result["ok"] == true {
        let what = if result["dry_run"] == true { "Could be applied" } else { "Applied" };
        let number =
            result["number"].as_u64().map_or_else(String::new, |number| format!(", number {number}"));
        let (stop, total) = (time(&result["stop_us"]), time(&result["total_us"]));
        say(format_args!("{what}: {patch}{number} (stop {stop}, total {total})"));
        for lost in result["losses"].as_array().into_iter().flatten() {
            complain(format_args!("warning: values are lost: {}\n", lost.as_str().unwrap_or_default()));
        }
    } else {
        let what = if result["committed"] == true { "applied, but" } else { "not applied:" };
        complain(format_args!("error: {what} {}\n", text(result, "message")));
        for each in result["blocked"].as_array().into_iter().flatten() {
            complain(format_args!("    process {} is in {}\n", text(each, "process"), text(each, "method")));
        }
    }
    if let Some(reason) = result["log_error"].as_str() {
        complain(format_args!("warning: this is not in the log file: {reason}\n"));
    }
}

/// Gives up the update of a running program that waits for a safe point.
pub fn abort(arguments: &AbortArguments) -> Result<ExitCode, Failure> {
    let result = ask(&arguments.target, &Request::Abort {}, GRACE, |_| {})?;
    if result["ok"] == true {
        say(format_args!("Asked to be given up: {}", text(&result, "patch")));
    }
    answered(&result)
}

/// Prints the log of a running program.
pub fn log(arguments: &LogArguments) -> Result<ExitCode, Failure> {
    let result = ask(&arguments.target, &Request::Log {}, GRACE, |entry| {
        if arguments.json {
            say(entry);
            return;
        }
        let hash: String = text(entry, "hash").chars().take(12).collect();
        let hash = if hash.is_empty() { hash } else { format!(" [{hash}]") };
        let who = entry["who"].as_str().unwrap_or("-");
        say(format_args!(
            "{:>4} {} {who} {}{hash}: {}, stop {}, total {}",
            entry["number"],
            text(entry, "time"),
            text(entry, "patch"),
            text(entry, "result"),
            time(&entry["stop_us"]),
            time(&entry["total_us"]),
        ));
    })?;
    answered(&result)
}

/// Prints what runs.
pub fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let result = ask(&arguments.target, &Request::List {}, GRACE, |event| match text(event, "event") {
        "host" => {
            let log = event["log"].as_str().unwrap_or("none");
            say(format_args!("Instar {}, process {}, log: {log}", text(event, "version"), event["pid"]));
        }
        "program" => {
            for package in event["packages"].as_array().into_iter().flatten() {
                let (name, classes) = (text(package, "name"), &package["classes"]);
                say(format_args!("{name}: {classes} classes, {} methods", package["methods"]));
            }
            let under_way = event["update"].as_str();
            let under_way = under_way.map_or_else(String::new, |name| format!("; under way: {name}"));
            say(format_args!("updates since the start: {}{under_way}", event["updates"]));
        }
        _ => {}
    })?;
    answered(&result)
}

fn answered(result: &Value) -> Result<ExitCode, Failure> {
    if result["ok"] == true {
        Ok(ExitCode::SUCCESS)
    } else {
        Err((FAILED, text(result, "message").to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "10", "s", "0s", "-1s", "61m", "1h", "99999999999999999999s", "1.5s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
