//! A server with the test application.

#![allow(dead_code, reason = "each test file uses its part")]

mod client;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use instar_interp::host::Session;
use instar_interp::source;
use instar_interp::vm::interrupt::Interrupt;
use instar_interp::vm::{Space, SpaceOptions};
use instar_web::{Limits, Server, Stop, WebMetrics};

pub use client::{Client, PATIENCE, Response};

/// A session with the server's packages and their tests.
pub fn session() -> Session {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("smalltalk/Web-Tests");
    let mut packages = instar_web::packages().unwrap_or_else(|errors| panic!("{errors}"));
    packages.extend(source::read(tests).unwrap_or_else(|errors| panic!("{errors}")));
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    session.load(&packages).unwrap_or_else(|problem| panic!("{problem}"));
    session
}

/// A server in a thread of its own, shut down at the end.
pub struct Running {
    pub address: SocketAddr,
    pub stop: Stop,
    pub interrupt: Arc<Interrupt>,
    thread: Option<JoinHandle<String>>,
}

/// What a program with the test application evaluates.
pub const SERVE: &str = "WebServer serve: WebTestApplication new";

impl Running {
    pub fn start(limits: Limits) -> Running {
        Running::evaluating(SERVE, limits)
    }

    pub fn evaluating(statements: &'static str, limits: Limits) -> Running {
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || serve(statements, limits, &sender));
        let (address, stop, interrupt) = receiver.recv_timeout(PATIENCE).expect("the server starts");
        Running { address, stop, interrupt, thread: Some(thread) }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// What a GET on a connection of its own is answered.
    pub fn get(&self, path: &str) -> Response {
        self.connect().get(path)
    }

    /// Waits until the application counts so many handlers that wait.
    pub fn until_waiting(&self, count: usize) {
        let begun = Instant::now();
        while self.get("/waiting").text() != count.to_string() {
            assert!(begun.elapsed() < PATIENCE, "in vain for {count} handlers");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the program's evaluation came to, once the server was shut down.
    pub fn result(mut self) -> String {
        self.stop.begin();
        self.thread.take().unwrap().join().expect("the space does not panic")
    }

    /// Whether the program has ended.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.begin();
        let Some(thread) = self.thread.take() else { return };
        let begun = Instant::now();
        while !thread.is_finished() && begun.elapsed() < Duration::from_secs(15) {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.interrupt.request_stop();
        let joined = thread.join();
        assert!(joined.is_ok() || std::thread::panicking(), "the space panicked");
    }
}

fn serve(statements: &str, limits: Limits, sender: &Sender<(SocketAddr, Stop, Arc<Interrupt>)>) -> String {
    let mut session = session();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::open(session.space_mut(), any, limits, WebMetrics::default()).unwrap();
    sender.send((server.address(), server.stop(), session.space().interrupt())).unwrap();
    match session.evaluate(statements) {
        Ok((text, _)) => text,
        Err(problem) => format!("problem: {problem}"),
    }
}
