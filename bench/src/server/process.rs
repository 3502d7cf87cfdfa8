//! A server in a process of its own, as the experiments with clients start it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::observed::PATIENCE;

/// A server, which is killed at the end.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it says after that.
    lines: Receiver<String>,
}

impl Server {
    /// Starts it, and waits until it says where it listens. It can be [told](Self::tell) something afterwards.
    pub fn start(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("cannot start the server: {error}"))?;
        let out = child.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(out).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.rsplit_once("listening on http://").and_then(|(_, address)| address.trim().parse().ok())
        });
        // Whether somebody looks at it or not, so that it never waits for a reader.
        let (sender, said) = channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        match address {
            Some(address) => Ok(Self { child, address, lines: said }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                Err("the server ended before it listened".to_owned())
            }
        }
    }

    /// Writes a line to its standard input; what it says next.
    pub fn tell(&mut self, line: &str) -> Result<String, String> {
        let input = self.child.stdin.as_mut().ok_or("the server has no input")?;
        writeln!(input, "{line}").map_err(|error| format!("the server cannot be told anything: {error}"))?;
        self.lines.recv_timeout(PATIENCE).map_err(|_| format!("the server did not answer to {line}"))
    }

    /// Its resident bytes.
    pub fn rss(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
