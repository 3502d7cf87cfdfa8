//! A connection's stream, with the times that a peer may take.
//!
//! The stream knows in which phase the connection is:
//!
//! | phase | from | until | at most | then |
//! |---|---|---|---|---|
//! | idle | the begin, or the last answer | the first byte of a request | `idle_time` | closed |
//! | header | that byte | the server has the headers | `header_time` | 408, closed |
//! | busy | then | the answer is written | – | the exchange keeps the time |
//!
//! Whatever is written must be taken within `write_time`, or the connection is dropped. [linger] A connection that the server ends is first closed
//! for writing, and what still comes is thrown away for a moment: otherwise the peer's system, which is still sending a body that
//! nobody wants, would discard the answer that says so.
//!
//! A timer is armed only by a read or write that has to wait, and is not moved when a deadline becomes later, so that a
//! connection under load costs none.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::Limits;

const IDLE: u8 = 0;
const HEADER: u8 = 1;
const BUSY: u8 = 2;

/// How long a connection that the server ends is read from.
const LINGER: Duration = Duration::from_secs(2);
/// How much is thrown away then.
const MOST_DISCARDED: usize = 4 << 20;

const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 34\r\n\r\n\
the headers did not come in time.\n";

/// In which phase a connection is: shared by the stream, and by whoever answers requests.
#[derive(Clone, Debug, Default)]
pub struct Phase(Arc<AtomicU8>);

impl Phase {
    /// The headers of a request are there.
    pub fn begin(&self) -> Busy {
        self.0.store(BUSY, Ordering::Relaxed);
        Busy(self.clone())
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request that is being answered. Dropped with the last of the answer.
#[derive(Debug)]
pub struct Busy(Phase);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.store(IDLE, Ordering::Relaxed);
    }
}

/// The stream of one connection.
#[derive(Debug)]
pub struct Stream {
    stream: TcpStream,
    phase: Phase,
    header_time: Duration,
    idle_time: Duration,
    write_time: Duration,
    /// When the phase that is being waited in ends, and which that is.
    reading: Option<(u8, Instant)>,
    writing: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// Bytes thrown away, and the end of that, once the connection is closed for writing.
    linger: Option<(usize, Instant)>,
}

impl Stream {
    /// A stream that was just accepted.
    pub fn new(stream: TcpStream, phase: Phase, limits: &Limits) -> Stream {
        Stream {
            stream,
            phase,
            header_time: limits.header_time,
            idle_time: limits.idle_time,
            write_time: limits.write_time,
            reading: None,
            writing: None,
            alarm: None,
            linger: None,
        }
    }

    /// Whether the time is over; if not, the task is woken then.
    fn is_over(&mut self, deadline: Instant, context: &mut Context<'_>) -> bool {
        loop {
            let now = Instant::now();
            if now >= deadline {
                return true;
            }
            match &mut self.alarm {
                // One that rings too early is armed again when it rings.
                Some(alarm) if alarm.deadline() <= deadline && !alarm.is_elapsed() => {
                    if alarm.as_mut().poll(context).is_pending() {
                        return false;
                    }
                }
                Some(alarm) => alarm.as_mut().reset(deadline),
                alarm => *alarm = Some(Box::pin(sleep_until(deadline))),
            }
        }
    }

    /// A read has to wait.
    fn wait_to_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.phase.get();
        let time = match phase {
            IDLE => self.idle_time,
            HEADER => self.header_time,
            _ => {
                self.reading = None;
                return Poll::Pending;
            }
        };
        let deadline = match self.reading {
            Some((same, deadline)) if same == phase => deadline,
            _ => Instant::now() + time,
        };
        self.reading = Some((phase, deadline));
        if !self.is_over(deadline, context) {
            return Poll::Pending;
        }
        if phase == HEADER {
            // Nothing else is being written while headers are read.
            let _ = self.stream.try_write(TIMED_OUT);
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn has_read(&mut self, is_something: bool) {
        if is_something && self.phase.get() == IDLE {
            self.phase.0.store(HEADER, Ordering::Relaxed);
            self.reading = Some((HEADER, Instant::now() + self.header_time));
        } else if self.phase.get() == BUSY {
            self.reading = None;
        }
    }

    fn wait_to_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let deadline = *self.writing.get_or_insert_with(|| Instant::now() + self.write_time);
        if self.is_over(deadline, context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    fn written(
        &mut self,
        result: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Pending => self.wait_to_write(context),
            ready => {
                self.writing = None;
                ready
            }
        }
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 8 << 10];
        let room = cursor.remaining().min(bytes.len());
        let mut buffer = ReadBuf::new(&mut bytes[..room]);
        match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
            Poll::Pending => self.wait_to_read(context),
            Poll::Ready(result) => {
                cursor.put_slice(buffer.filled());
                self.has_read(!buffer.filled().is_empty());
                Poll::Ready(result)
            }
        }
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// [linger]
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.linger = Some((0, Instant::now() + LINGER));
        }
        let mut bytes = [0; 8 << 10];
        while let Some((discarded, deadline)) = self.linger {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending if self.is_over(deadline, context) => break,
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => break,
                Poll::Ready(Ok(())) => {}
            }
            let discarded = discarded + buffer.filled().len();
            if buffer.filled().is_empty() || discarded > MOST_DISCARDED {
                break;
            }
            self.linger = Some((discarded, deadline));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::TIMED_OUT;

    #[test]
    fn the_answer_to_slow_headers_has_its_length() {
        let text = std::str::from_utf8(TIMED_OUT).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
    }
}
