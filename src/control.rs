//! The commands that talk to a running program, and how a program lets itself be talked to.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use instar_dsu::control::{
    Address, Client, ClientError, ControlError, DEFAULT_TIMEOUT_MS, Endpoint, EndpointOptions,
    MOST_TIMEOUT_MS, PublicKey, Request, Token, Witness,
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

/// A program that is alive tells its state more often.
const STATUS_PATIENCE: Duration = Duration::from_secs(60);

/// Where the token may be, if no file is named.
const TOKEN: &str = "INSTAR_CONTROL_TOKEN";

/// What whoever comes over TCP must know.
#[derive(Args)]
pub struct TokenArguments {
    /// The token without which nobody is let in over TCP: a file that its owner alone may read [default: $INSTAR_CONTROL_TOKEN]
    #[arg(long = "control-token-file", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl TokenArguments {
    /// The token, if there is one.
    pub fn token(&self) -> Result<Option<Token>, Failure> {
        let read = match &self.file {
            Some(file) => Token::read(file),
            None => match std::env::var(TOKEN) {
                Ok(text) => Token::new(&text).map_err(|reason| format!("{TOKEN}: {reason}")),
                Err(_) => return Ok(None),
            },
        };
        read.map(Some).map_err(refused)
    }
}

fn refused(reason: impl std::fmt::Display) -> Failure {
    (REFUSED, reason.to_string())
}

/// How a program lets itself be updated.
#[derive(Args)]
pub struct ControlArguments {
    /// Let the program be updated: through a Unix socket, which is made at this path for its owner only, or over TCP, with a token
    #[arg(long, value_name = "SOCKET|ADDRESS:PORT|tcp:HOST:PORT")]
    control: Option<Address>,
    #[command(flatten)]
    token: TokenArguments,
    /// Take only patches that were signed with this key or one of those in this file (may be given several times)
    #[arg(long = "accept-key", value_name = "FILE|KEY", requires = "control")]
    accepted: Vec<String>,
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
        if self.control.is_none() && self.log.is_none() && observed.is_none() {
            return Ok(None);
        }
        let accepted: Result<Vec<_>, String> =
            self.accepted.iter().map(|key| PublicKey::named(key)).collect();
        let options = EndpointOptions {
            address: self.control.clone(),
            token: self.token.token()?,
            accepted: accepted.map_err(refused)?.concat(),
            log: self.log.clone(),
        };
        let witness = observed.map_or_else(|| Box::new(|_: &Value| ()) as Witness, Observed::witness);
        let endpoint = Endpoint::open(session, &options, witness).map_err(|error| {
            let status = match error {
                ControlError::Listen { .. } | ControlError::Log { .. } => REFUSED,
                _ => FAILED,
            };
            (status, error.to_string())
        })?;
        if let Some(port) = endpoint.port() {
            complain(format_args!("to be controlled at {port}\n"));
            if !port.ip().is_loopback() {
                complain(
                    "warning: token and patches are not encrypted on the way: let nobody listen in between, as by a tunnel\n",
                );
            }
        }
        Ok(Some(endpoint))
    }
}

/// Which program.
#[derive(Args)]
struct Target {
    /// Where the program listens
    #[arg(long, value_name = "SOCKET|ADDRESS:PORT|tcp:HOST:PORT")]
    to: Address,
    #[command(flatten)]
    token: TokenArguments,
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

/// Whose state to print.
#[derive(Args)]
pub struct StatusArguments {
    #[command(flatten)]
    target: Target,
    /// Print only what goes on now
    #[arg(long)]
    once: bool,
    /// Print the events as lines of JSON
    #[arg(long)]
    json: bool,
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
        signature: signature_of(file)?,
    };
    update(&arguments.target, &request, &arguments.limit)
}

/// What `instar sign` has written beside a patch, if it has.
fn signature_of(patch: &Path) -> Result<Option<String>, Failure> {
    let file = signature_file(patch);
    match std::fs::read_to_string(&file) {
        Ok(signature) => Ok(Some(signature)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(format_args!("{}: {error}", file.display()))),
    }
}

/// Where the signature of a patch is.
pub fn signature_file(patch: &Path) -> PathBuf {
    let mut name = patch.as_os_str().to_owned();
    name.push(".sig");
    name.into()
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
    let asked = connect(target)?.ask(request, patience, each);
    asked.map_err(|error| (UNKNOWN, error.to_string()))
}

fn connect(target: &Target) -> Result<Client, Failure> {
    let token = target.token.token()?;
    Client::connect(&target.to, token.as_ref()).map_err(refused)
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

/// What there was to count.
fn counted(event: &Value) -> String {
    let counts = ["classes", "methods", "instances"];
    counts.iter().filter_map(|key| Some(format!(", {} {key}", event[*key].as_u64()?))).collect()
}

/// Shows steps while they happen: the name as one begins, time and counts when it has ended.
#[derive(Default)]
struct Steps {
    is_within: bool,
    /// Whether what went before them was said.
    is_told: bool,
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
        say(format_args!("{:>10}{}", time(&event["us"]), counted(event)));
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
            "{:>4} {} {who}{} {}{hash}{}: {}, stop {}, total {}",
            entry["number"],
            text(entry, "time"),
            from(entry),
            text(entry, "patch"),
            signed_by(entry),
            text(entry, "result"),
            time(&entry["stop_us"]),
            time(&entry["total_us"]),
        ));
    })?;
    answered(&result)
}

/// From where somebody came, unless it was the program's own socket.
fn from(event: &Value) -> String {
    let peer = event["from"].as_str().filter(|peer| *peer != "socket");
    peer.map_or_else(String::new, |peer| format!(" from {peer}"))
}

/// The key that signed a patch, as far as people compare keys.
fn signed_by(event: &Value) -> String {
    let key = event["signer"].as_str();
    key.map_or_else(String::new, |key| format!(" signed by {}", key.get(..12).unwrap_or(key)))
}

/// Prints what the engine of a running program does, and what it does then.
pub fn status(arguments: &StatusArguments) -> Result<ExitCode, Failure> {
    let mut steps = Steps::default();
    let request = Request::Status { once: arguments.once };
    let result = connect(&arguments.target)?.ask(&request, STATUS_PATIENCE, |event| {
        if arguments.json {
            steps.is_told = true;
            return say(event);
        }
        match text(event, "event") {
            // Told again while nothing happens.
            "state" if steps.is_told => {}
            "state" => {
                steps.is_told = true;
                tell_state(event);
            }
            "step" => steps.show(event),
            other => {
                steps.finish();
                match other {
                    "begin" => say(format_args!(
                        "Begins: {}, for {}{}{}",
                        text(event, "patch"),
                        event["who"].as_str().unwrap_or("the program itself"),
                        from(event),
                        signed_by(event)
                    )),
                    "end" => say(ended(event)),
                    _ => say(format_args!("... {} events were missed", event["events"])),
                }
            }
        }
    });
    steps.finish();
    match result {
        Ok(result) => answered(&result),
        // It was looked at to its end.
        Err(ClientError::Broken(_)) if steps.is_told => Ok(ExitCode::SUCCESS),
        Err(error) => Err((UNKNOWN, error.to_string())),
    }
}

fn tell_state(state: &Value) {
    say(format_args!(
        "updates since the start: {} committed, {} failed",
        state["committed"], state["failed"]
    ));
    if !state["last"].is_null() {
        say(format_args!("the last: {}", ended(&state["last"])));
    }
    let update = &state["update"];
    if update.is_null() {
        return say("no update is under way");
    }
    say(format_args!(
        "under way since {}: {}, in {} since {}{}",
        time(&update["us"]),
        text(update, "patch"),
        update["step"].as_str().unwrap_or("its begin"),
        time(&update["step_us"]),
        counted(update)
    ));
}

/// How an update ended.
fn ended(event: &Value) -> String {
    let what = match (event["committed"] == true, event["kind"].as_str()) {
        (true, None) => "applied".to_owned(),
        (true, Some(_)) => format!("applied, but {}", text(event, "message")),
        (false, None) => "could be applied".to_owned(),
        (false, Some(kind)) => format!("not applied ({kind}): {}", text(event, "message")),
    };
    let (stop, total) = (time(&event["stop_us"]), time(&event["total_us"]));
    format!("{}: {what} (stop {stop}, total {total})", text(event, "patch"))
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
