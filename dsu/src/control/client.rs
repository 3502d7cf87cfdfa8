//! The side of whoever asks.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::protocol::{Request, is_result};

/// What went wrong between here and the program. What the program refuses is an answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("{}: {reason}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why, in words.
        reason: String,
    },
    /// Nothing came for too long. What was asked may still happen.
    #[error("the program has not answered for {} s; what was asked of it may still happen", .0.as_secs())]
    Silent(Duration),
    /// The connection broke before the answer was whole.
    #[error("the connection ended before the answer: {0}")]
    Broken(String),
}

/// A connection to a running program.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the program that listens at a socket.
    ///
    /// # Errors
    /// [`ClientError::Connect`]
    pub fn connect(path: &Path) -> Result<Client, ClientError> {
        let stream = UnixStream::connect(path).map_err(|error| {
            let reason = match error.kind() {
                io::ErrorKind::NotFound => {
                    "there is no such socket; a program listens there if it is started with --control"
                        .to_owned()
                }
                io::ErrorKind::ConnectionRefused => "nobody listens there: the program has ended".to_owned(),
                io::ErrorKind::PermissionDenied => "it belongs to somebody else".to_owned(),
                _ => error.to_string(),
            };
            ClientError::Connect { path: path.to_owned(), reason }
        })?;
        Ok(Client { reader: BufReader::new(stream) })
    }

    /// Asks, hands each event to `each` as it comes, and answers the last, `result`. No event may be awaited longer than `patience`.
    ///
    /// # Errors
    /// [`ClientError`], but for `Connect`.
    pub fn ask(
        &mut self,
        request: &Request,
        patience: Duration,
        mut each: impl FnMut(&Value),
    ) -> Result<Value, ClientError> {
        let broken = |error: io::Error| ClientError::Broken(error.to_string());
        let mut line =
            serde_json::to_string(request).map_err(|error| ClientError::Broken(error.to_string()))?;
        line.push('\n');
        self.reader.get_ref().set_read_timeout(Some(patience)).map_err(broken)?;
        self.reader.get_ref().write_all(line.as_bytes()).map_err(broken)?;
        loop {
            let mut line = String::new();
            match self.reader.read_line(&mut line) {
                Ok(0) => return Err(ClientError::Broken("the program has ended".to_owned())),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Err(ClientError::Silent(patience));
                }
                Err(error) => return Err(broken(error)),
            }
            let event: Value = serde_json::from_str(&line)
                .map_err(|error| ClientError::Broken(format!("this is no event: {error}")))?;
            if is_result(&event) {
                return Ok(event);
            }
            each(&event);
        }
    }
}
