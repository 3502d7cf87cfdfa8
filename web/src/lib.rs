//! An HTTP/1.1 server whose requests are answered by Smalltalk processes.
//!
//! | file | idea |
//! |---|---|
//! | `server.rs` | the thread with the sockets; listening, shutting down |
//! | `connection.rs` | one connection's stream, and how long its peer may take |
//! | `exchange.rs` | one request: read, posted to the program's inbox, answered |
//! | `wire.rs` | requests and answers as bytes that a guest takes apart |
//! | `answer.rs` | from the guest's pieces to an answer |
//! | `signals.rs` | the end, when the system asks for it |
//! | `limits.rs` | the bounds of all that |
//!
//! The other half is Smalltalk, `web/smalltalk/Web`: server, requests, responses, routes. `docs/web.md` has both.

mod answer;
mod connection;
mod exchange;
mod limits;
mod metrics;
mod server;
mod signals;
mod wire;

pub use limits::Limits;
pub use metrics::WebMetrics;
pub use server::{INBOX, Server, Stop};
pub use signals::end_on_signals;

use include_dir::{Dir, include_dir};
use instar_interp::source::{self, Package, SourceErrors};

static SMALLTALK: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/smalltalk");

/// The packages that a program needs to answer requests.
///
/// # Errors
/// If a source cannot be read, which the tests exclude.
pub fn packages() -> Result<Vec<Package>, SourceErrors> {
    source::embedded(&SMALLTALK, &["Web"])
}
