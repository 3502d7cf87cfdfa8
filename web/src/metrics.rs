//! What a server counts of itself.

use std::time::Instant;

use hyper::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the time until an answer, in seconds.
const BOUNDS: [f64; 14] =
    [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 10.0];

/// Counts of requests and connections. A clone counts on in the same figures.
#[derive(Clone, Debug)]
pub struct WebMetrics {
    requests: Family<Answered, Counter>,
    seconds: Histogram,
    pub(crate) connections: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    status: u16,
}

impl Default for WebMetrics {
    fn default() -> WebMetrics {
        WebMetrics {
            requests: Family::default(),
            seconds: Histogram::new(BOUNDS),
            connections: Gauge::default(),
        }
    }
}

impl WebMetrics {
    /// Lets these figures be read.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests that were answered", self.requests.clone());
        let seconds = "From the headers of a request to those of its answer";
        registry.register_with_unit("http_request", seconds, Unit::Seconds, self.seconds.clone());
        registry.register("http_connections", "Open connections", self.connections.clone());
    }

    /// Counts a request. The peer chooses its method, so that only methods of HTTP have a count of their own.
    pub(crate) fn count(&self, method: &Method, status: StatusCode, begun: Instant) {
        let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
        let method = known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        self.requests.get_or_create(&Answered { method, status: status.as_u16() }).inc();
        self.seconds.observe(begun.elapsed().as_secs_f64());
    }
}
