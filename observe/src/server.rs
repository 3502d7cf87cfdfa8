//! The thread that answers whoever looks.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::unfold;
use prometheus_client::encoding::text::encode;
use serde::Serialize;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::Observatory;
use crate::snapshot::Snapshot;
use crate::timeline::{Mark, Place, milliseconds};

const PAGE: &str = include_str!("page.html");
/// How often the page is told what the heap is like.
const PERIOD: Duration = Duration::from_millis(100);
/// Viewers of the page at a time; a snapshot for each ten times a second must cost next to nothing.
const MOST_VIEWERS: usize = 32;

/// A server that answers `GET /`, `/live` and `/metrics`. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens at an address, port 0 for any that is free.
    ///
    /// # Errors
    /// What the system says: mostly that the port is in use, or may not be used.
    pub fn open(observatory: Arc<Observatory>, address: SocketAddr) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let desk = Desk { observatory, viewers: Arc::default() };
        let serve = move || runtime.block_on(serve(listener, desk, stopped));
        let thread = std::thread::Builder::new().name("observe".to_owned()).spawn(serve)?;
        Ok(Server { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What all answers need.
#[derive(Clone)]
struct Desk {
    observatory: Arc<Observatory>,
    viewers: Arc<AtomicUsize>,
}

async fn serve(listener: TcpListener, desk: Desk, mut stopped: watch::Receiver<bool>) {
    let router = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/live", get(live))
        .route("/metrics", get(metrics))
        .with_state(desk);
    let ending = async move {
        // If nobody can stop the server any more, it stops.
        let _ = stopped.wait_for(|is_over| *is_over).await;
    };
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return eprintln!("nobody can look: {error}"),
    };
    // A connection under way may be one that nobody reads: it is not waited for.
    let served = axum::serve(listener, router);
    tokio::select! {
        _ = served => {}
        () = ending => {}
    }
}

async fn metrics(State(desk): State<Desk>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &desk.observatory.registry) {
        Ok(()) => {
            let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, open_metrics)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// What the page is told: the heap, and what happened since the last time.
#[derive(Serialize)]
struct Told {
    now_ms: f64,
    #[serde(flatten)]
    heap: Snapshot,
    marks: Vec<Mark>,
}

/// One who looks at the page.
struct Viewer(Arc<AtomicUsize>);

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn live(State(desk): State<Desk>) -> Response {
    let viewer = Viewer(desk.viewers.clone());
    if desk.viewers.fetch_add(1, Ordering::Relaxed) >= MOST_VIEWERS {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many look already.\n").into_response();
    }
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let events = unfold((viewer, ticks, Place::default()), move |(viewer, mut ticks, mut place)| {
        let observatory = desk.observatory.clone();
        async move {
            ticks.tick().await;
            let marks = observatory.timeline.since(&mut place, &observatory.world, observatory.began);
            let now_ms = milliseconds(observatory.began.elapsed());
            let told = Told { now_ms, heap: Snapshot::of(&observatory.world), marks };
            let event = Event::default().json_data(told).unwrap_or_default();
            Some((Ok::<_, Infallible>(event), (viewer, ticks, place)))
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}
