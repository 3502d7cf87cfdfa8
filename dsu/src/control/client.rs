//! The side of whoever asks.

use std::io::{self, BufRead, BufReader};
use std::time::Duration;

use serde_json::Value;

use super::address::Address;
use super::protocol::{PROTOCOL, Request, is_result};
use super::secret::{TOKEN_MEND, Token};
use super::stream::Stream;

/// How long the answer to a greeting may take.
const GREETING_TIME: Duration = Duration::from_secs(20);

/// What went wrong between here and the program. What the program refuses is an answer, once it has let us in.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens, or does not let us in.
    #[error("{address}: {reason}")]
    Connect {
        /// Where.
        address: Address,
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
    reader: BufReader<Stream>,
}

impl Client {
    /// Connects to the program that listens there, which over TCP wants to be shown its token.
    ///
    /// # Errors
    /// [`ClientError::Connect`]
    pub fn connect(address: &Address, token: Option<&Token>) -> Result<Client, ClientError> {
        let failed = |reason: String| ClientError::Connect { address: address.clone(), reason };
        let is_tcp = matches!(address, Address::Tcp(_));
        if is_tcp && token.is_none() {
            return Err(failed(format!(
                "whoever comes over TCP needs the program's token, by --control-token-file FILE or in INSTAR_CONTROL_TOKEN; if it has none, {TOKEN_MEND}"
            )));
        }
        let stream = Stream::connect(address).map_err(|error| failed(reason(&error)))?;
        let mut client = Client { reader: BufReader::new(stream) };
        // The socket of a program is nobody else's, so that it needs no token, and gets none to see.
        let token = token.filter(|_| is_tcp).cloned();
        let hello = Request::Hello { token, protocol: Some(PROTOCOL) };
        let answer = client.ask(&hello, GREETING_TIME, |_| {}).map_err(|error| failed(error.to_string()))?;
        if answer["ok"] != true {
            return Err(failed(answer["message"].as_str().unwrap_or("it refuses").to_owned()));
        }
        Ok(client)
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
        self.reader.get_ref().set_read_timeout(Some(patience)).map_err(broken)?;
        // Who turns us away may have gone, and what it said can be read.
        let sent = self.reader.get_ref().send(request);
        loop {
            let mut line = String::new();
            match self.reader.read_line(&mut line) {
                Ok(0) => {
                    let ended = || io::Error::other("the program has ended");
                    return Err(broken(sent.err().unwrap_or_else(ended)));
                }
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

/// Why nobody was reached.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such socket; a program listens there if it is started with --control".to_owned()
        }
        io::ErrorKind::ConnectionRefused => "nobody listens there: the program has ended".to_owned(),
        io::ErrorKind::PermissionDenied => "it belongs to somebody else".to_owned(),
        _ => error.to_string(),
    }
}
