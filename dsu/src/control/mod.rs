//! Control: how the world outside lists, updates and undoes what runs.
//!
//! | file | idea |
//! |---|---|
//! | `protocol.rs` | what is asked, one line of JSON each, and what every answer ends with |
//! | `address.rs`, `stream.rs` | a Unix socket or a TCP port: as people write it, and as bytes |
//! | `socket.rs` | the socket in the file system: owner only, stale ones replaced, removed at the end |
//! | `secret.rs` | the token, and files that are their owner's |
//! | `signature.rs` | who signed a patch |
//! | `door.rs`, `slots.rs` | who is let in, and how many |
//! | `connection.rs` | one connection: lines come, events go |
//! | `desk.rs` | requests are looked at and handed to the engine's inbox, answers to whoever asked |
//! | `running.rs` | which version the program is |
//! | `scribe.rs` | the one thread through which all answers go, so that the log is ordered and durable before them |
//! | `status.rs` | what the engine does right now, for all who look on |
//! | `journal.rs` | the log as a file |
//! | `endpoint.rs` | the running program's side, put together |
//! | `client.rs` | the other side |
//!
//! The engine's part is Smalltalk: `dsu/smalltalk/DSU-Control`. `docs/control.md` has the protocol.

mod address;
mod client;
mod connection;
mod desk;
mod door;
mod endpoint;
mod journal;
mod protocol;
mod running;
mod scribe;
mod secret;
mod signature;
mod slots;
mod socket;
mod status;
mod stream;

pub use address::Address;
pub use client::{Client, ClientError};
pub use endpoint::{Endpoint, EndpointOptions};
pub use protocol::{DEFAULT_TIMEOUT_MS, MOST_TIMEOUT_MS, Request};
pub use scribe::Witness;
pub use secret::Token;
pub use signature::{PrivateKey, PublicKey};

use std::io;
use std::path::PathBuf;

/// Why a program cannot be controlled from outside.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It cannot be listened there.
    #[error("the control socket {address}: {reason}")]
    Listen {
        /// Where.
        address: Address,
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
