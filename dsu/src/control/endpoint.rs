//! The running program's side, put together: the log and its [scribe](super::scribe), the engine's inbox [`INBOX`], and the
//! [door](super::door) if the program is to be reached from outside. None of their threads touches the space.

use std::path::PathBuf;
use std::sync::Arc;

use instar_interp::host::Session;
use instar_interp::source::Package;
use serde_json::json;

use super::ControlError;
use super::address::Address;
use super::desk::Desk;
use super::door::{Door, Entrance};
use super::journal::Journal;
use super::running::Running;
use super::scribe::{Scribe, Witness};
use super::secret::Token;
use super::signature::PublicKey;
use super::status::Status;

/// The name under which the engine opens its inbox.
const INBOX: &str = "control";
/// Requests that wait for the engine.
const WAITING: usize = 64;

/// How a program is controlled.
#[derive(Clone, Debug, Default)]
pub struct EndpointOptions {
    /// Where it listens, if it is to be controlled from outside and not only observed.
    pub address: Option<Address>,
    /// What whoever comes over TCP must know.
    pub token: Option<Token>,
    /// Whose patches are taken; everybody's if there are none.
    pub accepted: Vec<PublicKey>,
    /// The file of the log, if it is to last.
    pub log: Option<PathBuf>,
}

/// A program that can be controlled. Its socket goes when this is dropped, and all that was logged is written then.
#[derive(Debug)]
pub struct Endpoint {
    // Dropped in this order: nobody comes any more, then the log is written to its end.
    door: Option<Door>,
    running: Arc<Running>,
    status: Arc<Status>,
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
        let bind = |address: &Address| {
            Entrance::bind(address, options.token.clone())
                .map_err(|reason| ControlError::Listen { address: address.clone(), reason })
        };
        let entrance = options.address.as_ref().map(bind).transpose()?;
        let number = journal.last_number();
        let status = Arc::new(Status::default());
        let scribe = Scribe::start(journal, status.clone(), witness)?;
        let inbox = session.space_mut().make_inbox(INBOX, WAITING);
        let engine = |problem: &dyn std::fmt::Display| ControlError::Engine(problem.to_string());
        // Steps are told to whoever looks on, which nobody can without an entrance.
        let attach = json!({ "do": "attach", "number": number, "steps": entrance.is_some() }).to_string();
        inbox.post(attach.into_bytes(), scribe.lines().entries()).map_err(|error| engine(&error))?;
        let packages = crate::packages(crate::CONTROL).map_err(|errors| engine(&errors))?;
        session.load(&packages).map_err(|problem| engine(&problem))?;
        session.evaluate("DSUControl start").map_err(|problem| engine(&problem))?;
        let running = Arc::new(Running::new());
        let open = |entrance: Entrance| {
            let host = json!({
                "event": "host",
                "pid": std::process::id(),
                "version": env!("CARGO_PKG_VERSION"),
                "socket": entrance.path().map(|path| path.display().to_string()),
                "port": entrance.port().map(|port| port.to_string()),
                "log": options.log.as_ref().map(|path| path.display().to_string()),
            });
            let desk = Desk {
                inbox,
                lines: scribe.lines(),
                host,
                logged: number,
                running: running.clone(),
                status: status.clone(),
                accepted: options.accepted.clone(),
            };
            Door::open(entrance, desk)
        };
        let door = entrance.map(open).transpose()?;
        Ok(Endpoint { door, running, status, _scribe: scribe })
    }

    /// The program has loaded these packages: patches that name a version are compared with what they have become since.
    pub fn loaded(&self, packages: &[Package]) {
        self.running.load(packages);
    }

    /// The port that it listens at, if it does.
    pub fn port(&self) -> Option<std::net::SocketAddr> {
        self.door.as_ref().and_then(|door| door.entrance.port())
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.door = None;
        self.status.end();
    }
}
