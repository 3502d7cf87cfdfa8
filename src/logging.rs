//! Structured logs: what of the program's doings is told, and how. Nothing is, unless somebody asks.

use std::io::stderr;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use crate::{Failure, REFUSED};

/// What is logged: a level, or levels by part, as in `info,instar_web=debug`.
const FILTER: &str = "INSTAR_LOG";
/// `text` or `json`.
const FORMAT: &str = "INSTAR_LOG_FORMAT";

/// Begins to log to the error output as the environment says. What is logged goes by a thread of its own, so that a reader that is slow
/// keeps nothing waiting; it is written whole when the result is dropped.
pub fn begin() -> Result<Option<WorkerGuard>, Failure> {
    let Ok(filter) = std::env::var(FILTER) else { return Ok(None) };
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        (
            REFUSED,
            format!(
                "{FILTER}={filter}: {error}; it is a level, as info, or levels by part: info,instar_web=debug"
            ),
        )
    })?;
    let format = std::env::var(FORMAT).unwrap_or_else(|_| "text".to_owned());
    let (writer, guard) = tracing_appender::non_blocking(stderr());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match format.as_str() {
        "text" => subscriber.with_ansi(false).init(),
        "json" => subscriber.json().flatten_event(true).init(),
        _ => return Err((REFUSED, format!("{FORMAT}={format}: it is text or json"))),
    }
    Ok(Some(guard))
}
