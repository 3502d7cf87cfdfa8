//! Who is let in: whoever can open the Unix socket, and over TCP whoever has the token.
//!
//! Strangers have places of their own, and little time: however many there are, who was let in keeps working.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::address::Address;
use super::connection::{Connection, Line};
use super::desk::Desk;
use super::protocol::{Request, failure, greeting};
use super::secret::{TOKEN_MEND, Token};
use super::slots::{Slot, Slots};
use super::socket::Socket;
use super::stream::Stream;

/// Connections at a time.
const MOST_CONNECTIONS: usize = 32;
/// Connections over TCP at a time that have not shown their token.
const MOST_STRANGERS: usize = 32;
/// Bytes of the line with the token.
const LONGEST_GREETING: usize = 4096;
/// How long it may take.
const GREETING_TIME: Duration = Duration::from_secs(10);

/// Where connections arrive.
#[derive(Debug)]
pub(super) enum Entrance {
    Unix(Socket),
    Tcp(TcpListener, SocketAddr, Token),
}

impl Entrance {
    /// Listens there.
    ///
    /// # Errors
    /// What is in the way, in words.
    pub fn bind(address: &Address, token: Option<Token>) -> Result<Entrance, String> {
        match address {
            Address::Socket(path) => Socket::bind(path).map(Entrance::Unix),
            Address::Tcp(place) => {
                let token =
                    token.ok_or_else(|| format!("whoever comes over TCP needs a token: {TOKEN_MEND}"))?;
                let bind = || {
                    let listener = TcpListener::bind(place)?;
                    let address = listener.local_addr()?;
                    Ok(Entrance::Tcp(listener, address, token))
                };
                bind().map_err(|error: io::Error| error.to_string())
            }
        }
    }

    /// The path of the socket.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Entrance::Unix(socket) => Some(socket.path()),
            Entrance::Tcp(..) => None,
        }
    }

    /// The port, as it came to be.
    pub fn port(&self) -> Option<SocketAddr> {
        match self {
            Entrance::Unix(_) => None,
            Entrance::Tcp(_, address, _) => Some(*address),
        }
    }

    /// Waits for connections on a thread of its own, which ends when it is woken after `is_closed`.
    fn listen(&self, guard: Guard, is_closed: Arc<AtomicBool>) -> io::Result<()> {
        // The thread holds no share of the socket's file, which goes with the entrance.
        let mut accept: Box<dyn FnMut() -> io::Result<Stream> + Send> = match self {
            Entrance::Unix(socket) => {
                let listener = socket.listener.try_clone()?;
                Box::new(move || listener.accept().map(|(stream, _)| Stream::Unix(stream)))
            }
            Entrance::Tcp(listener, ..) => {
                let listener = listener.try_clone()?;
                Box::new(move || listener.accept().and_then(|(stream, _)| Stream::tcp(stream)))
            }
        };
        let listen = move || {
            loop {
                let came = accept();
                if is_closed.load(Ordering::Acquire) {
                    return;
                }
                match came {
                    Ok(stream) => guard.admit(stream),
                    // Out of descriptors, say: a connection that cannot be had is no reason to turn the processor.
                    Err(_) => thread::sleep(Duration::from_millis(50)),
                }
            }
        };
        thread::Builder::new().name("control".to_owned()).spawn(listen).map(|_| ())
    }

    fn wake(&self) {
        match self {
            Entrance::Unix(socket) => drop(UnixStream::connect(socket.path())),
            Entrance::Tcp(_, address, _) => drop(TcpStream::connect_timeout(address, Duration::from_secs(1))),
        }
    }
}

/// The thread that lets connections in, until this is dropped.
#[derive(Debug)]
pub(super) struct Door {
    pub entrance: Entrance,
    is_closed: Arc<AtomicBool>,
}

impl Door {
    pub fn open(entrance: Entrance, desk: Desk) -> io::Result<Door> {
        let token = match &entrance {
            Entrance::Unix(_) => None,
            Entrance::Tcp(.., token) => Some(token.clone()),
        };
        let is_closed = Arc::default();
        let inside = Inside { token, desk, connections: Slots::new(MOST_CONNECTIONS) };
        let guard = Guard { inside: Arc::new(inside), strangers: Slots::new(MOST_STRANGERS) };
        entrance.listen(guard, Arc::clone(&is_closed))?;
        Ok(Door { entrance, is_closed })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Release);
        self.entrance.wake();
    }
}

/// Who gives each connection its place and its thread.
struct Guard {
    inside: Arc<Inside>,
    strangers: Arc<Slots>,
}

/// What the threads of connections share.
struct Inside {
    /// What strangers must show; none are strangers without.
    token: Option<Token>,
    desk: Desk,
    connections: Arc<Slots>,
}

impl Guard {
    fn admit(&self, stream: Stream) {
        let Ok(connection) = Connection::new(stream) else { return };
        let is_stranger = self.inside.token.is_some();
        let slots = if is_stranger { &self.strangers } else { &self.inside.connections };
        let Some(slot) = slots.take() else {
            tracing::warn!(peer = connection.peer, "too many connections");
            let _ = connection.send(&busy());
            return;
        };
        let inside = self.inside.clone();
        let serve = move || {
            // A peer that goes in the middle is its own affair.
            let _ = match &inside.token {
                Some(token) => inside.greet(connection, slot, token),
                None => {
                    let _slot = slot;
                    inside.desk.serve(connection)
                }
            };
        };
        // Without a thread the connection ends.
        let _ = thread::Builder::new().name("control connection".to_owned()).spawn(serve);
    }
}

impl Inside {
    /// Lets a stranger in who shows the token, and tells others why not.
    fn greet(&self, mut connection: Connection, stranger: Slot, token: &Token) -> io::Result<()> {
        let protocol = match told(&mut connection, token)? {
            Ok(protocol) => protocol,
            Err(reason) => {
                tracing::warn!(peer = connection.peer, reason, "somebody is not let in");
                return connection.refuse(&failure("token", reason));
            }
        };
        let Some(_slot) = self.connections.take() else { return connection.refuse(&busy()) };
        drop(stranger);
        connection.send(&greeting(protocol))?;
        self.desk.serve(connection)
    }
}

fn busy() -> serde_json::Value {
    failure("busy", "too many connections")
}

/// The protocol of somebody who knows the token, or why they are not let in.
fn told(connection: &mut Connection, token: &Token) -> io::Result<Result<Option<u32>, &'static str>> {
    let Line::Whole(line) = connection.line(LONGEST_GREETING, GREETING_TIME)? else {
        return Ok(Err("a connection begins with a line of at most 4096 bytes that shows the token"));
    };
    Ok(match Request::parse(&line) {
        Ok(Request::Hello { token: Some(shown), protocol }) if shown.is(token) => Ok(protocol),
        Ok(Request::Hello { token: Some(_), .. }) => Err("the token is wrong"),
        _ => Err("the token is missing: say --control-token-file FILE, or set INSTAR_CONTROL_TOKEN"),
    })
}
