//! One kept-alive connection to a server.

use std::net::SocketAddr;
use std::time::Duration;

use ureq::Agent;
use ureq::http;

use crate::script::{Answer, Fault, Request};

/// No answer is longer.
const MOST_BODY: u64 = 256 << 20;

/// A connection that is opened with the first request, and again when the server closed it.
#[derive(Debug)]
pub struct Connection {
    agent: Agent,
    address: SocketAddr,
}

impl Connection {
    /// To the server at `address`; a request that takes longer than `patience` fails.
    pub fn new(address: SocketAddr, patience: Duration) -> Connection {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(patience))
            .max_idle_connections_per_host(1)
            .max_redirects(0)
            .proxy(None)
            .user_agent("instar-load")
            .build();
        Connection { agent: Agent::new_with_config(config), address }
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// [`Fault::Connection`]
    pub fn ask(&self, request: &Request) -> Result<Answer, Fault> {
        let fault = |error: &dyn std::fmt::Display| Fault::Connection(error.to_string());
        let mut message = http::Request::builder()
            .method(request.method)
            .uri(format!("http://{}{}", self.address, request.path));
        if !request.body.is_empty() {
            message = message.header("content-type", request.content_type);
        }
        let sent = if request.body.is_empty() && request.method != "POST" && request.method != "PUT" {
            message.body(()).map_err(|error| fault(&error)).map(|message| self.agent.run(message))
        } else {
            let body = request.body.as_str();
            message.body(body).map_err(|error| fault(&error)).map(|message| self.agent.run(message))
        };
        let mut answer = sent?.map_err(|error| fault(&error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(MOST_BODY).read_to_vec();
        Ok(Answer { status, body: body.map_err(|error| fault(&error))? })
    }
}
