//! The program's end of one connection: lines that come, events that go.

use std::io::{self, BufRead, BufReader, Read};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::stream::Stream;

/// How long a peer may take to read an event.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long who was turned away keeps the connection, to read why; and so how seldom the same connection's place can try again.
const LINGER: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Connection {
    reader: BufReader<Stream>,
    /// Who is at the other end.
    pub peer: String,
}

/// What came.
pub(super) enum Line {
    /// A line with its end.
    Whole(Vec<u8>),
    TooLong,
    /// The peer has said its last, in the middle of a line.
    Cut,
    /// The peer has said its last.
    End,
}

impl Connection {
    pub fn new(stream: Stream) -> io::Result<Connection> {
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Connection { peer: stream.peer(), reader: BufReader::new(stream) })
    }

    fn stream(&self) -> &Stream {
        self.reader.get_ref()
    }

    /// The next line, which has at most so many bytes and is whole within so much time.
    pub fn line(&mut self, longest: usize, patience: Duration) -> io::Result<Line> {
        let deadline = Instant::now() + patience;
        let mut line = Vec::new();
        loop {
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
            let left = left.ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))?;
            self.stream().set_read_timeout(Some(left))?;
            let came = self.reader.fill_buf()?;
            if came.is_empty() {
                return Ok(if line.is_empty() { Line::End } else { Line::Cut });
            }
            let end = came.iter().position(|&byte| byte == b'\n').map(|index| index + 1);
            let taken = end.unwrap_or(came.len());
            line.extend_from_slice(&came[..taken]);
            self.reader.consume(taken);
            if line.len() > longest {
                return Ok(Line::TooLong);
            }
            if end.is_some() {
                return Ok(Line::Whole(line));
            }
        }
    }

    /// Waits until the peer says anything more, or is gone.
    pub fn wait(&mut self) {
        let _ = self.stream().set_read_timeout(None);
        let _ = self.reader.fill_buf();
    }

    pub fn send(&self, event: &Value) -> io::Result<()> {
        self.stream().send(event)
    }

    /// The same connection, to send events while another thread waits.
    pub fn twin(&self) -> io::Result<Stream> {
        self.stream().try_clone()
    }

    /// Says why, and ends the connection after a while: at once, what the peer has not read yet could be lost to it.
    pub fn refuse(mut self, event: &Value) -> io::Result<()> {
        self.send(event)?;
        self.stream().shutdown(Shutdown::Write)?;
        let deadline = Instant::now() + LINGER;
        let mut rest = [0; 4096];
        while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        {
            self.stream().set_read_timeout(Some(left))?;
            if self.reader.read(&mut rest)? == 0 {
                std::thread::sleep(left);
            }
        }
        Ok(())
    }
}
