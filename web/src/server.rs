//! The server: a thread with the sockets, beside that of the space.
//!
//! | thread | does |
//! |---|---|
//! | `web` | accepts connections, reads and writes them, keeps all times; one asynchronous task for each connection |
//! | the space's | evaluates handlers, takes requests from the inbox and gives answers to their replies |
//!
//! The two meet in the inbox and in a channel for each answer, and neither waits for the other: a collection, an update or a handler that takes
//! long delays answers, not connections.
//!
//! Shutdown: no connection is accepted any more, idle ones are closed, each of the others when its request is answered; what is not over
//! within [`Limits::grace`] is dropped. Then the program is told.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use instar_interp::vm::Space;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::connection::{Phase, Stream};
use crate::exchange::{Desk, REFUSAL_TIME, TOO_MANY_CONNECTIONS};
use crate::limits::Limits;
use crate::metrics::WebMetrics;

/// The name under which the program opens the inbox of its requests.
pub const INBOX: &str = "web";

/// Connections that are told at the same time that they are too many. More are closed without a word.
const MOST_REFUSALS: usize = 64;
/// How long nothing is accepted when the system has no descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// A server that listens. It shuts down when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// Shuts a server down, from any thread.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<Stage>>);

/// How far a server's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Ending,
    Over,
}

impl Stop {
    /// Begins the shutdown. The program is told when it is over.
    pub fn begin(&self) {
        self.go_to(Stage::Ending);
    }

    /// Shuts down without waiting for requests under way.
    pub fn at_once(&self) {
        self.go_to(Stage::Over);
    }

    fn go_to(&self, stage: Stage) {
        self.0.send_if_modified(|now| {
            let is_further = *now < stage;
            *now = stage.max(*now);
            is_further
        });
    }
}

/// Waits until the end has come so far.
async fn reach(stop: &mut watch::Receiver<Stage>, stage: Stage) {
    // If nobody can stop the server any more, it stops.
    let _ = stop.wait_for(|now| *now >= stage).await;
}

impl Server {
    /// Listens at an address, port 0 for any that is free, and hands requests to this space's inbox [`INBOX`], where those that come
    /// before the program opens it wait.
    ///
    /// # Errors
    /// What the system says: mostly that the port is in use, or may not be used.
    pub fn open(
        space: &mut Space,
        address: SocketAddr,
        limits: Limits,
        metrics: WebMetrics,
    ) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (sender, receiver) = watch::channel(Stage::Serving);
        let desk = Arc::new(Desk::new(space.make_inbox(INBOX, limits.waiting), limits, metrics));
        let serve = move || {
            runtime.block_on(async {
                // A listener that bound can be registered, unless the system has no descriptors left: then nobody comes.
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => serve(listener, desk.clone(), receiver).await,
                    Err(error) => eprintln!("the server cannot listen: {error}"),
                }
            });
            drop(runtime);
            desk.stop();
        };
        let thread = std::thread::Builder::new().name("web".to_owned()).spawn(serve)?;
        Ok(Server { address, stop: Stop(Arc::new(sender)), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What shuts it down.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.begin();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Open {
    count: AtomicUsize,
    refusals: AtomicUsize,
    is_empty: Notify,
}

/// One of them.
struct Ticket(Arc<Open>);

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.is_empty.notify_one();
        }
    }
}

async fn serve(listener: tokio::net::TcpListener, desk: Arc<Desk>, mut stop: watch::Receiver<Stage>) {
    let open = Arc::new(Open::default());
    tracing::info!(address = ?listener.local_addr().ok(), "listening");
    let most = desk.limits().connections;
    loop {
        let accepted = tokio::select! {
            biased;
            () = reach(&mut stop, Stage::Ending) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if open.count.load(Ordering::Acquire) < most => {
                open.count.fetch_add(1, Ordering::AcqRel);
                let ticket = Ticket(open.clone());
                let (desk, stop) = (desk.clone(), stop.clone());
                desk.metrics.connections.inc();
                tokio::spawn(async move {
                    attend(stream, &desk, stop).await;
                    desk.metrics.connections.dec();
                    drop(ticket);
                });
            }
            Ok((stream, peer)) => {
                tracing::warn!(%peer, most, "too many connections");
                refuse(stream, &open);
            }
            // Out of descriptors, say: a connection that cannot be had is no reason to turn the processor.
            Err(_) => sleep(PAUSE).await,
        }
    }
    drop(listener);
    tracing::info!(connections = open.count.load(Ordering::Acquire), "ending");
    let emptied = async {
        while open.count.load(Ordering::Acquire) > 0 {
            open.is_empty.notified().await;
        }
    };
    tokio::select! {
        _ = timeout(desk.limits().grace, emptied) => {}
        () = reach(&mut stop, Stage::Over) => {}
    }
}

/// Serves one connection to its end.
async fn attend(stream: TcpStream, desk: &Arc<Desk>, mut stop: watch::Receiver<Stage>) {
    let _ = stream.set_nodelay(true);
    let phase = Phase::default();
    let stream = Stream::new(stream, phase.clone(), desk.limits());
    let service = service_fn(|request| {
        let busy = phase.begin();
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(request, busy).await) }
    });
    let limits = desk.limits();
    let header_bytes = limits.header_bytes.clamp(1 << 10, 1 << 20);
    let connection = http1::Builder::new()
        .half_close(true)
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_header_size(header_bytes)
        .max_buf_size((2 * header_bytes).max(16 << 10))
        .serve_connection(stream, service);
    let mut connection = pin!(connection);
    // What ends a connection before its time is the peer's affair.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = reach(&mut stop, Stage::Ending) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Tells a connection that it is one too many.
fn refuse(stream: TcpStream, open: &Arc<Open>) {
    if open.refusals.load(Ordering::Acquire) >= MOST_REFUSALS {
        return;
    }
    open.refusals.fetch_add(1, Ordering::AcqRel);
    let open = open.clone();
    tokio::spawn(async move {
        let _ = timeout(REFUSAL_TIME, async {
            let _ = stream.writable().await;
            let _ = stream.try_write(TOO_MANY_CONNECTIONS);
            // So that the peer gets to read it.
            let _ = stream.readable().await;
            let _ = stream.try_read(&mut [0; 4096]);
        })
        .await;
        open.refusals.fetch_sub(1, Ordering::AcqRel);
    });
}
