//! What a running program's heap is like, for whoever looks from outside: figures for Prometheus, and a page that shows the heap live.
//!
//! | file | idea |
//! |---|---|
//! | `snapshot.rs` | the heap at a moment, read without stopping it |
//! | `timeline.rs` | what stopped the program, and for how long: collections and updates, in order |
//! | `metrics.rs` | the same as OpenMetrics, read anew for each scrape |
//! | `server.rs` | the thread that answers, over axum |
//! | `page.html` | the page: draws what `/live` sends |
//!
//! Nothing here stops the program or waits for it, and a program that nobody looks at pays nothing: figures are read when they are asked for.

mod metrics;
mod server;
mod snapshot;
mod timeline;

pub use metrics::seconds_histogram;
pub use prometheus_client::registry::Registry;
pub use server::Server;
pub use snapshot::Snapshot;
pub use timeline::{Mark, Update};

use std::sync::Arc;
use std::time::Instant;

use instar_gc::World;

use metrics::{HeapMetrics, UpdateMetrics};
use timeline::Timeline;

/// One program under observation.
pub struct Observatory {
    world: Arc<World>,
    began: Instant,
    registry: Registry,
    updates: UpdateMetrics,
    timeline: Timeline,
}

impl Observatory {
    /// Observes this heap. Whatever else is counted in the program is added to [`registry`](Self::registry) before a server is opened.
    pub fn new(world: Arc<World>) -> Observatory {
        let mut registry = Registry::with_prefix("instar");
        registry.register_collector(Box::new(HeapMetrics(world.clone())));
        let updates = UpdateMetrics::register(&mut registry);
        Observatory { world, began: Instant::now(), registry, updates, timeline: Timeline::default() }
    }

    /// Where metrics are registered; their names begin with `instar_`.
    pub fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// Takes down an update that has just ended.
    pub fn note(&self, update: &Update) {
        self.updates.note(update);
        self.timeline.note(self.began, update);
    }
}
