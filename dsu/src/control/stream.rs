//! A connection as bytes, whichever kind of socket it goes through.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::Serialize;

use super::address::Address;

/// How long a host may take to accept a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    /// Connects to whoever listens there.
    pub fn connect(address: &Address) -> io::Result<Stream> {
        match address {
            Address::Socket(path) => UnixStream::connect(path).map(Stream::Unix),
            Address::Tcp(place) => {
                let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
                for each in place.to_socket_addrs()? {
                    result = TcpStream::connect_timeout(&each, CONNECT_TIME);
                    if result.is_ok() {
                        break;
                    }
                }
                Stream::tcp(result?)
            }
        }
    }

    /// Lines are short and awaited.
    pub fn tcp(stream: TcpStream) -> io::Result<Stream> {
        stream.set_nodelay(true)?;
        Ok(Stream::Tcp(stream))
    }

    /// Who is at the other end, for logs.
    pub fn peer(&self) -> String {
        match self {
            Stream::Unix(_) => "socket".to_owned(),
            Stream::Tcp(stream) => {
                stream.peer_addr().map_or_else(|_| "tcp".to_owned(), |address| address.to_string())
            }
        }
    }

    /// The same connection once more.
    pub fn try_clone(&self) -> io::Result<Stream> {
        match self {
            Stream::Unix(stream) => stream.try_clone().map(Stream::Unix),
            Stream::Tcp(stream) => stream.try_clone().map(Stream::Tcp),
        }
    }

    /// Sends a line of JSON.
    pub fn send(&self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_string(message)?;
        line.push('\n');
        match self {
            Stream::Unix(stream) => (&mut &*stream).write_all(line.as_bytes()),
            Stream::Tcp(stream) => (&mut &*stream).write_all(line.as_bytes()),
        }
    }

    pub fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.set_read_timeout(time),
            Stream::Tcp(stream) => stream.set_read_timeout(time),
        }
    }

    pub fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.set_write_timeout(time),
            Stream::Tcp(stream) => stream.set_write_timeout(time),
        }
    }

    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.shutdown(how),
            Stream::Tcp(stream) => stream.shutdown(how),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.read(bytes),
            Stream::Tcp(stream) => stream.read(bytes),
        }
    }
}
