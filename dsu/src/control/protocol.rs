//! What is asked of a running program: a line of JSON for each request. The answer is lines of JSON too, each an event, and ends with the
//! event `result`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::secret::Token;

/// The protocol of this file. It changes when a request or an event gets another meaning.
pub(super) const PROTOCOL: u32 = 1;

/// How long an update may take if nothing is said: milliseconds.
pub const DEFAULT_TIMEOUT_MS: u64 = 10_000;
/// The longest time that can be given: an hour.
pub const MOST_TIMEOUT_MS: u64 = 3_600_000;

/// A request. What is not named here is refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Who comes over TCP must begin with this, and gets no other answer before.
    Hello {
        /// The program's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Token>,
        /// What the peer speaks, if it wants to know whether it is the same here.
        #[serde(default)]
        protocol: Option<u32>,
    },
    /// What runs: version, process, packages.
    List {},
    /// Applies a patch, or goes as far as validation with it.
    Apply {
        /// The patch's name, for errors and the log: that of its file.
        name: String,
        /// Its text.
        patch: String,
        /// Whether it may be made for another version than the one that runs.
        #[serde(default)]
        any_base: bool,
        /// Whether all is discarded after the validation.
        #[serde(default)]
        dry_run: bool,
        /// How long it may take until the commit.
        #[serde(default = "default_timeout")]
        timeout_ms: u64,
        /// Who wants it, for the log.
        #[serde(default)]
        who: Option<String>,
        /// Who answers for the text: the line that `instar sign` writes.
        #[serde(default)]
        signature: Option<String>,
    },
    /// Takes the last update back.
    Undo {
        /// As for `Apply`.
        #[serde(default = "default_timeout")]
        timeout_ms: u64,
        /// As for `Apply`.
        #[serde(default)]
        who: Option<String>,
    },
    /// Gives up the update that waits for a safe point.
    Abort {},
    /// All updates that were tried.
    Log {},
    /// What the engine does now, and from then on whatever happens, until the peer says something else or is gone.
    Status {
        /// Only what it does now.
        #[serde(default)]
        once: bool,
    },
}

fn default_timeout() -> u64 {
    DEFAULT_TIMEOUT_MS
}

impl Request {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(line: &[u8]) -> Result<Request, String> {
        let request: Request =
            serde_json::from_slice(line).map_err(|error| format!("this is no request: {error}"))?;
        match request {
            Request::Apply { timeout_ms, .. } | Request::Undo { timeout_ms, .. }
                if !(1..=MOST_TIMEOUT_MS).contains(&timeout_ms) =>
            {
                Err(format!("timeout_ms must be from 1 to {MOST_TIMEOUT_MS}, not {timeout_ms}"))
            }
            request => Ok(request),
        }
    }
}

/// The event that ends an answer which the engine does not give. `kind` is one word for programs.
pub(super) fn failure(kind: &str, message: &str) -> Value {
    json!({ "event": "result", "ok": false, "committed": false, "kind": kind, "message": message })
}

/// The event that ends an answer of which nothing more is to be said.
pub(super) fn success() -> Value {
    json!({ "event": "result", "ok": true })
}

/// The answer to who speaks this protocol.
pub(super) fn greeting(protocol: Option<u32>) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    match protocol {
        Some(other) if other != PROTOCOL => failure(
            "version",
            &format!(
                "the program speaks protocol {PROTOCOL}, and not {other}: it is Instar {version}, use the same"
            ),
        ),
        _ => json!({ "event": "result", "ok": true, "protocol": PROTOCOL, "version": version }),
    }
}

/// Whether an event ends its answer.
pub(super) fn is_result(event: &Value) -> bool {
    event["event"] == "result"
}
