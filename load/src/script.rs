//! What clients ask for, and what they think of the answers.

use serde::Deserialize;
use thiserror::Error;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What figures about it are filed under.
    pub kind: &'static str,
    /// GET, POST, PUT, DELETE.
    pub method: &'static str,
    /// Path and query, percent-encoded, with the slash in front.
    pub path: String,
    /// What the body is, if there is one.
    pub content_type: &'static str,
    /// Empty for none.
    pub body: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// As in 200.
    pub status: u16,
    /// Without its transfer encoding.
    pub body: Vec<u8>,
}

/// Why a request counts as failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// No answer, or half of one.
    #[error("no answer: {0}")]
    Connection(String),
    /// What came is no answer as HTTP knows it, or longer than any should be.
    #[error("no HTTP: {0}")]
    Protocol(String),
    /// An answer that says so itself.
    #[error("status {status}: {body}")]
    Status {
        /// As in 500.
        status: u16,
        /// What else the answer said, cut short.
        body: String,
    },
    /// An answer that is not right.
    #[error("wrong content: {0}")]
    Content(String),
}

impl Request {
    /// A request without a body; one that gets a body sends it as plain text.
    pub fn new(kind: &'static str, method: &'static str, path: String) -> Request {
        Request { kind, method, path, content_type: "text/plain; charset=utf-8", body: String::new() }
    }
}

impl Answer {
    /// The answer, if its status is the expected one.
    ///
    /// # Errors
    /// [`Fault::Status`]
    pub fn expect(self, status: u16) -> Result<Answer, Fault> {
        if self.status == status {
            return Ok(self);
        }
        Err(Fault::Status { status: self.status, body: self.start() })
    }

    /// What the body says as JSON.
    ///
    /// # Errors
    /// [`Fault::Content`]
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Fault::Content(format!("{error} in {}", self.start())))
    }

    /// The body as text, cut short.
    pub fn start(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(200).collect()
    }
}

/// One client: a state machine between requests and answers.
pub trait Script: Send {
    /// What to ask for next.
    fn next(&mut self) -> Request;

    /// Looks at the answer to the last request; `Err` if there was none.
    ///
    /// # Errors
    /// What is wrong with it.
    fn judge(&mut self, answer: Result<Answer, Fault>) -> Result<(), Fault>;
}
