//! What a server takes from the world, and how long it waits for it.

use std::time::Duration;

/// Bounds of everything that a peer can make a server hold or wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time. Those beyond are answered 503 and closed.
    pub connections: usize,
    /// Bytes of a request's line and headers: more is answered 431. From 1 KiB to 1 MiB.
    pub header_bytes: usize,
    /// Header lines of a request.
    pub headers: usize,
    /// Bytes of a request's body: more is answered 413.
    pub body_bytes: usize,
    /// Bytes of all bodies that are being received or wait for their answer: a request beyond is answered 503.
    pub all_body_bytes: usize,
    /// Requests that wait until a process of the program takes them: one more is answered 503.
    pub waiting: usize,
    /// From the first byte of a request to the end of its headers: longer is answered 408.
    pub header_time: Duration,
    /// From the headers to the end of the body: longer is answered 408.
    pub body_time: Duration,
    /// From the post of a request to its answer: longer is answered 503, and a request that no process has taken by then is dropped.
    pub answer_time: Duration,
    /// How long a connection may be silent between requests.
    pub idle_time: Duration,
    /// How long a peer may take nothing of what it is sent.
    pub write_time: Duration,
    /// Bytes of a streamed answer that the peer has not taken: more ends the connection.
    pub stream_bytes: usize,
    /// How long a server that shuts down waits for requests under way.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 10_000,
            header_bytes: 16 << 10,
            headers: 100,
            body_bytes: 1 << 20,
            all_body_bytes: 64 << 20,
            waiting: 1024,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(75),
            write_time: Duration::from_secs(30),
            stream_bytes: 1 << 20,
            grace: Duration::from_secs(10),
        }
    }
}
