//! The running program's side of the control socket.
//!
//! A thread accepts connections, and one for each reads requests, looks at them, and hands those that are well formed to the engine's inbox
//! [`INBOX`]. What comes back goes through the [scribe](super::scribe). None of these threads touches the space.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use instar_interp::host::Session;
use instar_interp::source::Package;
use instar_interp::vm::inbox::Inbox;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ControlError;
use super::journal::Journal;
use super::protocol::{Request, failure, is_result};
use super::running::{Change, Running, Turn};
use super::scribe::{Lines, Scribe, Witness};
use super::socket::Socket;

/// The name under which the engine opens its inbox.
const INBOX: &str = "control";
/// Requests that wait for the engine.
const WAITING: usize = 64;
/// Connections at a time.
const MOST_CONNECTIONS: usize = 32;
/// Bytes of a request.
const LONGEST_REQUEST: u64 = 16 << 20;
/// Events of one answer that the connection has not written yet. An answer has far fewer.
const MOST_EVENTS: usize = 4096;
/// How long a peer may take for a request, or to read an event.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a program is controlled.
#[derive(Clone, Debug)]
pub struct EndpointOptions {
    /// Where the socket is made, if the program is to be controlled from outside and not only observed.
    pub socket: Option<PathBuf>,
    /// The file of the log, if it is to last.
    pub log: Option<PathBuf>,
}

/// A program that can be controlled. The socket goes when this is dropped, and all that was logged is written then.
#[derive(Debug)]
pub struct Endpoint {
    // Dropped in this order: nobody comes any more, then the log is written to its end.
    door: Option<Door>,
    running: Arc<Running>,
    _scribe: Scribe,
}

impl Endpoint {
    /// Loads the engine into the space and listens. `witness` sees the entry of each update that ends, whoever asked for it. Requests are attended to whenever the space runs.
    ///
    /// # Errors
    /// [`ControlError`]
    pub fn open(
        session: &mut Session,
        options: &EndpointOptions,
        witness: Witness,
    ) -> Result<Endpoint, ControlError> {
        let journal = match &options.log {
            None => Journal::default(),
            Some(path) => {
                Journal::open(path).map_err(|reason| ControlError::Log { path: path.clone(), reason })?
            }
        };
        let bind = |path: &PathBuf| {
            Socket::bind(path).map_err(|reason| ControlError::Socket { path: path.clone(), reason })
        };
        let socket = options.socket.as_ref().map(bind).transpose()?;
        let number = journal.last_number();
        let scribe = Scribe::start(journal, witness)?;
        let inbox = session.space_mut().make_inbox(INBOX, WAITING);
        let engine = |problem: &dyn std::fmt::Display| ControlError::Engine(problem.to_string());
        let attach = json!({ "do": "attach", "number": number }).to_string();
        inbox.post(attach.into_bytes(), scribe.lines().entries()).map_err(|error| engine(&error))?;
        let packages = crate::packages(crate::CONTROL).map_err(|errors| engine(&errors))?;
        session.load(&packages).map_err(|problem| engine(&problem))?;
        session.evaluate("DSUControl start").map_err(|problem| engine(&problem))?;
        let running = Arc::new(Running::new());
        let open = |socket| Door::open(socket, options, inbox, scribe.lines(), number, running.clone());
        let door = socket.map(open).transpose()?;
        Ok(Endpoint { door, running, _scribe: scribe })
    }

    /// The program has loaded these packages: patches that name a version are compared with what they have become since.
    pub fn loaded(&self, packages: &[Package]) {
        self.running.load(packages);
    }

    /// Where it listens.
    pub fn socket(&self) -> Option<&std::path::Path> {
        self.door.as_ref().map(|door| door.socket.path())
    }
}

/// The thread that lets connections in.
#[derive(Debug)]
struct Door {
    socket: Socket,
    is_closed: Arc<AtomicBool>,
}

impl Door {
    fn open(
        socket: Socket,
        options: &EndpointOptions,
        inbox: Inbox,
        lines: Lines,
        logged: u64,
        running: Arc<Running>,
    ) -> io::Result<Door> {
        let door = Door { socket, is_closed: Arc::default() };
        let host = json!({
            "event": "host",
            "pid": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"),
            "socket": options.socket.as_ref().map(|path| path.display().to_string()),
            "log": options.log.as_ref().map(|path| path.display().to_string()),
        });
        let desk = Arc::new(Desk { inbox, lines, host, connections: AtomicUsize::new(0), logged, running });
        // The thread holds no share of the socket's file, which goes with the door.
        let listener = door.socket.listener.try_clone()?;
        let is_closed = door.is_closed.clone();
        thread::Builder::new().name("control".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if is_closed.load(Ordering::Acquire) {
                    return;
                }
                match stream {
                    Ok(stream) => desk.admit(stream),
                    // Out of descriptors, say: a connection that cannot be had is no reason to turn the processor.
                    Err(_) => thread::sleep(Duration::from_millis(50)),
                }
            }
        })?;
        Ok(door)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Release);
        // Wakes the thread.
        let _ = UnixStream::connect(self.socket.path());
    }
}

/// What connections share.
struct Desk {
    inbox: Inbox,
    lines: Lines,
    host: Value,
    connections: AtomicUsize,
    /// The last number in the log when the program was started.
    logged: u64,
    running: Arc<Running>,
}

/// The answer to a request.
enum Answer<'d> {
    /// Known at once.
    Ready(Vec<Value>),
    /// What comes from the engine, behind what is known.
    Engine(Vec<Value>, Receiver<Value>, Option<Turn<'d>>),
}

impl Desk {
    fn admit(self: &Arc<Desk>, stream: UnixStream) {
        let desk = self.clone();
        let others = self.connections.fetch_add(1, Ordering::AcqRel);
        let serve = move || {
            // A peer that goes in the middle is its own affair.
            let _ = if others < MOST_CONNECTIONS {
                desk.serve(&stream)
            } else {
                send(&stream, &failure("busy", "too many connections"))
            };
            desk.connections.fetch_sub(1, Ordering::AcqRel);
        };
        if thread::Builder::new().name("control connection".to_owned()).spawn(serve).is_err() {
            self.connections.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn serve(&self, stream: &UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            reader.by_ref().take(LONGEST_REQUEST + 1).read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                if line.len() as u64 > LONGEST_REQUEST {
                    send(stream, &failure("request", "the request is longer than 16 MiB"))?;
                } else if !line.is_empty() {
                    send(stream, &failure("request", "the request has no end of line"))?;
                }
                return Ok(());
            }
            match self.answer(&line) {
                Answer::Ready(events) => events.iter().try_for_each(|event| send(stream, event))?,
                Answer::Engine(events, coming, turn) => {
                    // If the peer is gone, what comes of an update is noted all the same.
                    let sent = events.iter().try_for_each(|event| send(stream, event));
                    forward(stream, &coming, sent, turn)?;
                }
            }
        }
    }

    fn answer(&self, line: &[u8]) -> Answer<'_> {
        let request = match Request::parse(line) {
            Ok(request) => request,
            Err(reason) => return Answer::Ready(vec![failure("request", &reason)]),
        };
        let mut turn = None;
        let (first, question) = match request {
            Request::Log {} => {
                let mut events = self.lines.log();
                events.push(json!({ "event": "result", "ok": true }));
                return Answer::Ready(events);
            }
            Request::List {} => (vec![self.host.clone()], json!({ "do": "list" })),
            Request::Abort {} => (Vec::new(), json!({ "do": "abort" })),
            Request::Undo { timeout_ms, who } => {
                match self.running.begin("Undo", Change::Undo) {
                    Ok(begun) => turn = Some(begun),
                    Err(reason) => return Answer::Ready(vec![failure("refused", &reason)]),
                }
                (Vec::new(), json!({ "do": "undo", "timeout_ms": timeout_ms, "who": who }))
            }
            Request::Apply { name, patch, any_base, dry_run, timeout_ms, who } => {
                let expression = match crate::expression_of(&name, &patch) {
                    Ok(expression) => expression,
                    Err(reason) => return Answer::Ready(vec![failure("refused", &reason)]),
                };
                match self.begin(&name, &patch, any_base) {
                    Ok(begun) => turn = begun,
                    Err(reason) => return Answer::Ready(vec![failure("refused", &reason)]),
                }
                let question = json!({
                    "do": "apply",
                    "expression": expression,
                    "hash": hash_of(&patch),
                    "dry_run": dry_run,
                    "timeout_ms": timeout_ms,
                    "who": who,
                });
                (Vec::new(), question)
            }
        };
        let (sender, coming) = sync_channel(MOST_EVENTS);
        match self.inbox.post(question.to_string().into_bytes(), self.lines.events(sender)) {
            Ok(()) => Answer::Engine(first, coming, turn),
            Err(refused) => Answer::Ready(vec![failure("busy", &refused.to_string())]),
        }
    }
}

impl Desk {
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
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn send(mut stream: &UnixStream, event: &Value) -> io::Result<()> {
    let mut line = event.to_string();
    line.push('\n');
    stream.write_all(line.as_bytes())
}

/// Sends on what the engine says, to the end, and notes what came of an update. It always ends with a result.
fn forward(
    stream: &UnixStream,
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
            result = send(stream, &event);
        }
    }
    if !has_result && result.is_ok() {
        result =
            send(stream, &failure("ended", "the program, or what was asked of it, ended without an answer"));
    }
    result
}
