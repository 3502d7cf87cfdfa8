//! Where requests are looked at: those that are well formed go to the engine's inbox, and what comes back goes to whoever asked.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use instar_interp::vm::inbox::Inbox;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::connection::{Connection, Line};
use super::protocol::{Request, failure, greeting, is_result, success};
use super::running::{Change, Running, Turn};
use super::scribe::Lines;
use super::signature::{PublicKey, signer};
use super::status::Status;

/// Bytes of a request.
const LONGEST_REQUEST: usize = 16 << 20;
/// How long a peer may take for a request.
const PATIENCE: Duration = Duration::from_secs(60);
/// Events of one answer that the connection has not written yet. An answer has far fewer.
const MOST_EVENTS: usize = 4096;

/// What connections share.
pub(super) struct Desk {
    pub inbox: Inbox,
    pub lines: Lines,
    pub host: Value,
    /// The last number in the log when the program was started.
    pub logged: u64,
    pub running: Arc<Running>,
    pub status: Arc<Status>,
    /// Whose patches are taken; everybody's if there are none.
    pub accepted: Vec<PublicKey>,
}

/// The answer to a request.
enum Answer<'d> {
    /// Known at once.
    Ready(Vec<Value>),
    /// What comes from the engine, behind what is known.
    Engine(Vec<Value>, Receiver<Value>, Option<Turn<'d>>),
    /// Whatever happens from now on.
    Watch,
}

impl Desk {
    /// Answers what comes, until the peer goes.
    pub fn serve(&self, mut connection: Connection) -> io::Result<()> {
        loop {
            let line = match connection.line(LONGEST_REQUEST, PATIENCE)? {
                Line::Whole(line) => line,
                Line::End => return Ok(()),
                Line::Cut => {
                    return connection.refuse(&failure("request", "the request has no end of line"));
                }
                Line::TooLong => {
                    return connection.refuse(&failure("request", "the request is longer than 16 MiB"));
                }
            };
            match self.answer(&line, &connection.peer) {
                Answer::Ready(events) => events.iter().try_for_each(|event| connection.send(event))?,
                Answer::Engine(events, coming, turn) => {
                    // If the peer is gone, what comes of an update is noted all the same.
                    let sent = events.iter().try_for_each(|event| connection.send(event));
                    forward(&connection, &coming, sent, turn)?;
                }
                Answer::Watch => self.status.show(&mut connection)?,
            }
        }
    }

    fn answer(&self, line: &[u8], peer: &str) -> Answer<'_> {
        let ready = |event: Value| Answer::Ready(vec![event]);
        let request = match Request::parse(line) {
            Ok(request) => request,
            Err(reason) => return ready(failure("request", &reason)),
        };
        match request {
            Request::Hello { protocol, .. } => ready(greeting(protocol)),
            Request::Log {} => {
                let mut events = self.lines.log();
                events.push(success());
                Answer::Ready(events)
            }
            Request::Status { once: true } => Answer::Ready(vec![self.status.state(), success()]),
            Request::Status { once: false } => Answer::Watch,
            Request::List {} => self.ask(vec![self.host.clone()], &json!({ "do": "list" }), None),
            Request::Abort {} => self.ask(Vec::new(), &json!({ "do": "abort" }), None),
            Request::Undo { timeout_ms, who } => match self.running.begin("Undo", Change::Undo) {
                Ok(turn) => {
                    let question =
                        json!({ "do": "undo", "timeout_ms": timeout_ms, "who": who, "from": peer });
                    self.ask(Vec::new(), &question, Some(turn))
                }
                Err(reason) => ready(failure("refused", &reason)),
            },
            Request::Apply { name, patch, any_base, dry_run, timeout_ms, who, signature } => {
                let signer = match signer(&patch, signature.as_deref(), &self.accepted) {
                    Ok(signer) => signer,
                    Err(reason) => {
                        tracing::warn!(peer, who, name, reason, "a patch is refused");
                        return ready(failure("signature", &reason));
                    }
                };
                let looked_at = crate::expression_of(&name, &patch)
                    .and_then(|expression| Ok((expression, self.begin(&name, &patch, any_base)?)));
                match looked_at {
                    Ok((expression, turn)) => {
                        let question = json!({
                            "do": "apply",
                            "expression": expression,
                            "hash": hash_of(&patch),
                            "dry_run": dry_run,
                            "timeout_ms": timeout_ms,
                            "who": who,
                            "from": peer,
                            "signer": signer.map(|key| key.to_string()),
                        });
                        self.ask(Vec::new(), &question, turn)
                    }
                    Err(reason) => ready(failure("refused", &reason)),
                }
            }
        }
    }

    fn ask<'d>(&self, first: Vec<Value>, question: &Value, turn: Option<Turn<'d>>) -> Answer<'d> {
        let (sender, coming) = sync_channel(MOST_EVENTS);
        match self.inbox.post(question.to_string().into_bytes(), self.lines.events(sender)) {
            Ok(()) => Answer::Engine(first, coming, turn),
            Err(refused) => Answer::Ready(vec![failure("busy", &refused.to_string())]),
        }
    }

    /// The turn of an update that applies this text, unless another one has it, or it is a patch for another version. Smalltalk gets no turn while
    /// another has it: the engine refuses what it makes, and if it is applied after all, the version is unknown.
    fn begin(&self, name: &str, text: &str, any_base: bool) -> Result<Option<Turn<'_>>, String> {
        let patch = crate::patch_of(name, text).map(Box::new);
        let is_patch = patch.is_some();
        let title = patch.as_ref().map_or(name, |patch| &patch.name).to_owned();
        let turn = match self.running.begin(&title, Change::Apply(patch, hash_of(text))) {
            Ok(turn) => turn,
            Err(reason) if is_patch => return Err(reason),
            Err(_) => return Ok(None),
        };
        if !any_base {
            let is_committed = |entry: &&Value| {
                entry["committed"] == true
                    && entry["number"].as_u64().is_some_and(|number| number > self.logged)
            };
            turn.check_base(self.lines.log().iter().filter(is_committed).count())?;
        }
        Ok(Some(turn))
    }
}

/// SHA-256 of a patch's text, in hexadecimal digits.
fn hash_of(text: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text.as_bytes()))
}

/// Sends on what the engine says, to the end, and notes what came of an update. It always ends with a result.
fn forward(
    connection: &Connection,
    coming: &Receiver<Value>,
    sent: io::Result<()>,
    mut turn: Option<Turn<'_>>,
) -> io::Result<()> {
    let mut has_result = false;
    let mut result = sent;
    for event in coming {
        if is_result(&event) {
            has_result = true;
            // Before the answer: whoever has it may ask for the next update.
            if let Some(turn) = turn.take().filter(|_| event["committed"] == true) {
                turn.committed(event["number"].as_u64().unwrap_or(0));
            }
        }
        // If the peer is gone, the answer is still taken, so that nobody waits for it.
        if result.is_ok() {
            result = connection.send(&event);
        }
    }
    if !has_result && result.is_ok() {
        result = connection
            .send(&failure("ended", "the program, or what was asked of it, ended without an answer"));
    }
    result
}
