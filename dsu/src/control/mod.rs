//! The control socket: how the world outside lists, updates and undoes what runs.
//!
//! | file | idea |
//! |---|---|
//! | `protocol.rs` | what is asked, one line of JSON each, and what every answer ends with |
//! | `socket.rs` | the socket in the file system: owner only, stale ones replaced, removed at the end |
//! | `endpoint.rs` | the running program's side: a thread for each connection hands requests to the engine's inbox |
//! | `scribe.rs` | the one thread through which all answers go, so that the log is ordered and durable before them |
//! | `journal.rs` | the log as a file |
//! | `client.rs` | the other side |
//!
//! The engine's part is Smalltalk: `dsu/smalltalk/DSU-Control`. `docs/control.md` has the protocol.

mod client;
mod endpoint;
mod journal;
mod protocol;
mod running;
mod scribe;
mod socket;

pub use client::{Client, ClientError};
pub use endpoint::{Endpoint, EndpointOptions};
pub use protocol::{DEFAULT_TIMEOUT_MS, MOST_TIMEOUT_MS, Request};
pub use scribe::Witness;

use std::io;
use std::path::PathBuf;

/// Why a program cannot be controlled from outside.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The socket could not be made.
    #[error("the control socket {}: {reason}", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The log cannot be used.
    #[error("the log {}: {reason}", path.display())]
    Log {
        /// Its path.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The engine did not load or start in this program.
    #[error("the update engine does not start in this program: {0}")]
    Engine(String),
    /// A thread could not be started.
    #[error("no thread for the control socket: {0}")]
    Thread(#[from] io::Error),
}
