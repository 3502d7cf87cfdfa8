//! One kept-alive connection to a server: HTTP/1.1 over a plain socket, as little work as can be, because what the client does is measured with
//! what the server does.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use httparse::{EMPTY_HEADER, Header, Status};
use rustix::net::{RecvFlags, recv};

use crate::script::{Answer, Fault, Request};

/// Status line and headers of an answer, a chunk's size, or what follows the last chunk are no longer.
const MOST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 100;
/// No answer's body is longer.
const MOST_BODY: u64 = 256 << 20;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// A connection that is opened with the first request, and again when the server closed it.
///
/// A request is never sent twice: what became of one whose connection broke nobody knows, and that is what is counted.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    patience: Duration,
    open: Option<Open>,
    /// What is sent.
    message: Vec<u8>,
}

impl Connection {
    /// To the server at `address`; a request that takes longer than `patience`, with all that belongs to it, fails.
    pub const fn new(address: SocketAddr, patience: Duration) -> Connection {
        Connection { address, patience, open: None, message: Vec::new() }
    }

    /// Asks, and waits for the whole answer. After a fault the next request begins with a new connection.
    ///
    /// # Errors
    /// [`Fault::Connection`], [`Fault::Protocol`]
    pub fn ask(&mut self, request: &Request) -> Result<Answer, Fault> {
        let deadline = Instant::now() + self.patience;
        let kept = self.open.take().filter(Open::is_usable);
        let mut open = match kept {
            Some(open) => open,
            None => Open::new(self.address, self.patience)?,
        };
        self.message.clear();
        write_message(&mut self.message, self.address, request)
            .map_err(|error| Fault::Connection(error.to_string()))?;
        open.send(&self.message, deadline)?;
        let (answer, is_kept) = open.answer(deadline)?;
        self.open = is_kept.then_some(open);
        Ok(answer)
    }
}

fn write_message(message: &mut Vec<u8>, address: SocketAddr, request: &Request) -> io::Result<()> {
    let Request { method, path, content_type, body, .. } = request;
    write!(message, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nuser-agent: instar-load\r\n")?;
    if !body.is_empty() {
        write!(message, "content-type: {content_type}\r\n")?;
    }
    if !body.is_empty() || matches!(*method, "POST" | "PUT") {
        write!(message, "content-length: {}\r\n", body.len())?;
    }
    write!(message, "\r\n{body}")
}

/// A connection that is open, and what was read from it: the bytes from `taken` to `filled` were not used yet.
#[derive(Debug)]
struct Open {
    stream: TcpStream,
    bytes: Vec<u8>,
    taken: usize,
    filled: usize,
}

/// Where an answer's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Length(u64),
    Chunked,
    /// With the connection.
    Rest,
}

/// What status line and headers say.
struct Head {
    status: u16,
    body: Body,
    is_kept: bool,
}

impl Open {
    fn new(address: SocketAddr, patience: Duration) -> Result<Open, Fault> {
        let connected = TcpStream::connect_timeout(&address, patience.max(Duration::from_nanos(1)));
        let prepared = connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        let stream = prepared.map_err(|error| Fault::Connection(format!("cannot connect: {error}")))?;
        Ok(Open { stream, bytes: vec![0; PIECE], taken: 0, filled: 0 })
    }

    /// Whether the server has neither closed it nor said anything that nobody asked for.
    fn is_usable(&self) -> bool {
        let peeked = recv(&self.stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        self.taken == self.filled && peeked.is_err_and(|error| error == rustix::io::Errno::WOULDBLOCK)
    }

    fn send(&mut self, mut message: &[u8], deadline: Instant) -> Result<(), Fault> {
        while !message.is_empty() {
            let written = left(deadline)
                .and_then(|time| self.stream.set_write_timeout(Some(time)))
                .and_then(|()| retried(|| self.stream.write(message)));
            message = &message[written.map_err(|error| broken("while the request was sent", &error))?..];
        }
        Ok(())
    }

    /// The answer, and whether the connection can be used again.
    fn answer(&mut self, deadline: Instant) -> Result<(Answer, bool), Fault> {
        let Head { status, body: kind, is_kept } = loop {
            let head = self.parsed(deadline, "before the answer", parse_head)?;
            // Those below 200 announce that the answer is still to come.
            if head.status >= 200 {
                break head;
            }
        };
        let mut body = Vec::new();
        match kind {
            Body::Length(length) => self.take_into(&mut body, length, deadline)?,
            Body::Chunked => self.take_chunks(&mut body, deadline)?,
            Body::Rest => self.take_rest(&mut body, deadline)?,
        }
        Ok((Answer { status, body }, is_kept && kind != Body::Rest))
    }

    fn take_chunks(&mut self, body: &mut Vec<u8>, deadline: Instant) -> Result<(), Fault> {
        loop {
            let length = self.parsed(deadline, IN_THE_BODY, parse_chunk_size)?;
            if length == 0 {
                return self.parsed(deadline, IN_THE_BODY, parse_trailers);
            }
            self.take_into(body, length, deadline)?;
            self.parsed(deadline, IN_THE_BODY, parse_line_end)?;
        }
    }

    fn take_rest(&mut self, body: &mut Vec<u8>, deadline: Instant) -> Result<(), Fault> {
        loop {
            self.take_into(body, (self.filled - self.taken) as u64, deadline)?;
            if self.fill(deadline, IN_THE_BODY)? == 0 {
                return Ok(());
            }
        }
    }

    /// Appends so many bytes to `body`.
    fn take_into(&mut self, body: &mut Vec<u8>, length: u64, deadline: Instant) -> Result<(), Fault> {
        if length > MOST_BODY - body.len() as u64 {
            return Err(Fault::Protocol(format!("a body of more than {MOST_BODY} bytes")));
        }
        let mut missing = length as usize;
        loop {
            let piece = missing.min(self.filled - self.taken);
            body.extend_from_slice(&self.bytes[self.taken..][..piece]);
            self.taken += piece;
            missing -= piece;
            if missing == 0 {
                return Ok(());
            }
            self.more(deadline, IN_THE_BODY)?;
        }
    }

    /// What `parse` makes of the next bytes, as soon as there are enough of them.
    fn parsed<T>(&mut self, deadline: Instant, place: &str, parse: Parse<T>) -> Result<T, Fault> {
        loop {
            let unread = &self.bytes[self.taken..self.filled];
            match parse(unread).map_err(Fault::Protocol)? {
                Status::Complete((length, value)) => {
                    self.taken += length;
                    return Ok(value);
                }
                Status::Partial if unread.len() >= MOST_HEAD => {
                    return Err(Fault::Protocol(format!("headers of more than {MOST_HEAD} bytes")));
                }
                Status::Partial => self.more(deadline, place)?,
            }
        }
    }

    /// Reads at least one byte.
    fn more(&mut self, deadline: Instant, place: &str) -> Result<(), Fault> {
        match self.fill(deadline, place)? {
            0 => Err(Fault::Connection(format!("the server closed the connection {place}"))),
            _ => Ok(()),
        }
    }

    /// Reads what is there, once there is anything; 0 at the end.
    fn fill(&mut self, deadline: Instant, place: &str) -> Result<usize, Fault> {
        self.bytes.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        if self.filled == self.bytes.len() {
            self.bytes.resize(self.filled + PIECE, 0);
        }
        let (stream, free) = (&mut self.stream, &mut self.bytes[self.filled..]);
        let read = left(deadline).and_then(|time| stream.set_read_timeout(Some(time)));
        let read = read.and_then(|()| retried(|| stream.read(free)));
        let length = read.map_err(|error| broken(place, &error))?;
        self.filled += length;
        Ok(length)
    }
}

const IN_THE_BODY: &str = "in the middle of the answer's body";

/// The time until then; an error if it has come.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn retried(mut operation: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn broken(place: &str, error: &io::Error) -> Fault {
    Fault::Connection(match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => format!("the time was over {place}"),
        _ => format!("{error} {place}"),
    })
}

/// The value at the beginning of some bytes and how many of them it takes, or what is wrong with them.
type Parse<T> = fn(&[u8]) -> Result<Status<(usize, T)>, String>;

fn parse_head(bytes: &[u8]) -> Result<Status<(usize, Head)>, String> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes).map_err(|error| format!("{error} in {}", start(bytes)))? {
        Status::Complete(length) => length,
        Status::Partial => return Ok(Status::Partial),
    };
    let status = response.code.unwrap_or_default();
    let is_persistent = response.version == Some(1);
    let says = |name: &str, value: &str| {
        let words = values(response.headers, name).flat_map(|text| text.split(|&byte| byte == b','));
        words.map(<[u8]>::trim_ascii).any(|word| word.eq_ignore_ascii_case(value.as_bytes()))
    };
    let is_kept = !says("connection", "close") && (is_persistent || says("connection", "keep-alive"));
    let body = if status < 200 || matches!(status, 204 | 304) {
        Body::Length(0)
    } else if says("transfer-encoding", "chunked") {
        Body::Chunked
    } else {
        content_length(response.headers)?.map_or(Body::Rest, Body::Length)
    };
    Ok(Status::Complete((length, Head { status, body, is_kept })))
}

/// The values of the headers of that name.
fn values<'a>(headers: &'a [Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

fn content_length(headers: &[Header<'_>]) -> Result<Option<u64>, String> {
    let mut found = None;
    for value in values(headers, "content-length") {
        let length = str::from_utf8(value).ok().and_then(|text| text.trim().parse::<u64>().ok());
        if length.is_none() || found.is_some() && found != length {
            return Err(format!("a content-length of {}", start(value)));
        }
        found = length;
    }
    Ok(found)
}

fn parse_chunk_size(bytes: &[u8]) -> Result<Status<(usize, u64)>, String> {
    let is_size = bytes.first().is_none_or(u8::is_ascii_hexdigit);
    let parsed = httparse::parse_chunk_size(bytes).ok().filter(|_| is_size);
    parsed.ok_or_else(|| format!("a chunk of size {}", start(bytes)))
}

fn parse_line_end(bytes: &[u8]) -> Result<Status<(usize, ())>, String> {
    match bytes {
        [b'\r', b'\n', ..] => Ok(Status::Complete((2, ()))),
        [] | [b'\r'] => Ok(Status::Partial),
        _ => Err(format!("a chunk that is followed by {}", start(bytes))),
    }
}

fn parse_trailers(bytes: &[u8]) -> Result<Status<(usize, ())>, String> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let parsed = httparse::parse_headers(bytes, &mut headers)
        .map_err(|error| format!("{error} behind the last chunk"))?;
    Ok(match parsed {
        Status::Complete((length, _)) => Status::Complete((length, ())),
        Status::Partial => Status::Partial,
    })
}

/// The first bytes as text.
fn start(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]))
}
