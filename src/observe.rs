//! How a program lets itself be looked at while it runs: `--observe`.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use instar_interp::host::Session;
use instar_observe::{Observatory, Registry, Server};

use crate::smalltalk::complain;
use crate::{Failure, REFUSED};

/// Where one can look.
#[derive(Args)]
pub struct ObserveArguments {
    /// Show the heap live in a browser, and figures for Prometheus at /metrics, at this address; port 0 for any that is free. Whoever
    /// reaches the address may look
    #[arg(long = "observe", value_name = "ADDRESS:PORT")]
    address: Option<SocketAddr>,
}

impl ObserveArguments {
    /// Lets the session's heap be looked at, if that is wanted, and what `register` adds.
    pub fn open(
        &self,
        session: &Session,
        register: impl FnOnce(&mut Registry),
    ) -> Result<Option<Server>, Failure> {
        let Some(address) = self.address else { return Ok(None) };
        let mut observatory = Observatory::new(session.space().world().clone());
        register(observatory.registry());
        let server = Server::open(Arc::new(observatory), address)
            .map_err(|error| (REFUSED, format!("{address} cannot be listened at: {error}")))?;
        complain(format_args!("to be observed at http://{}\n", server.address()));
        Ok(Some(server))
    }
}
