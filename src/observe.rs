//! How a program lets itself be looked at while it runs: `--observe`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use instar_dsu::control::Witness;
use instar_interp::host::Session;
use instar_observe::{Observatory, Registry, Server, Update};

use crate::smalltalk::complain;
use crate::{Failure, REFUSED};

/// Where one can look.
#[derive(Args)]
pub struct ObserveArguments {
    /// Show the heap live in a browser, and figures for Prometheus at /metrics, at this address; port 0 for any that is free. Whoever
    /// reaches the address may look
    #[arg(long, value_name = "ADDRESS:PORT")]
    observe: Option<SocketAddr>,
}

/// A program that can be looked at, until this is dropped.
pub struct Observed {
    observatory: Arc<Observatory>,
    _server: Server,
}

impl Observed {
    /// Shows the updates that end.
    pub fn witness(&self) -> Witness {
        let observatory = self.observatory.clone();
        Box::new(move |entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            let time = |key: &str| Duration::from_micros(entry[key].as_u64().unwrap_or(0));
            let is_committed = entry["committed"] == true;
            let result = if is_committed { Update::COMMITTED.to_owned() } else { text("kind") };
            let (patch, stop, total) = (text("patch"), time("stop_us"), time("total_us"));
            observatory.note(&Update { patch, result, stop, total });
        })
    }
}

impl ObserveArguments {
    /// Lets the session's heap be looked at, if that is wanted, and what `register` adds.
    pub fn open(
        &self,
        session: &Session,
        register: impl FnOnce(&mut Registry),
    ) -> Result<Option<Observed>, Failure> {
        let Some(address) = self.observe else { return Ok(None) };
        let mut observatory = Observatory::new(session.space().world().clone());
        register(observatory.registry());
        let observatory = Arc::new(observatory);
        let server = Server::open(observatory.clone(), address)
            .map_err(|error| (REFUSED, format!("{address} cannot be listened at: {error}")))?;
        complain(format_args!("to be observed at http://{}\n", server.address()));
        Ok(Some(Observed { observatory, _server: server }))
    }
}
