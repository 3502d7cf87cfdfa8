//! Figures as Prometheus and OpenMetrics know them. Those of the heap are read from it when they are asked for.

use std::fmt::{self, Error};
use std::sync::Arc;

use hdrhistogram::Histogram as Hdr;
use instar_gc::World;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::snapshot::Snapshot;
use crate::timeline::Update;

/// Upper bounds of durations, in seconds: 10 µs to 10 s, so that both a scavenge and a stop of 10⁷ instances stand inside.
const BOUNDS: [f64; 19] = [
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// A histogram of seconds, from 10 µs to 10 s.
pub fn seconds_histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

/// The heap's figures.
pub(crate) struct HeapMetrics(pub Arc<World>);

impl fmt::Debug for HeapMetrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HeapMetrics").finish_non_exhaustive()
    }
}

/// Labels of one name.
type Label = [(&'static str, &'static str); 1];

impl Collector for HeapMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        let now = Snapshot::of(&self.0);
        let mut gauges = |name, help, unit: Option<Unit>, label, values: &[(&'static str, usize)]| {
            family(&mut encoder, (name, help, unit.as_ref()), label, values, |value| {
                ConstGauge::new(i64::try_from(*value).unwrap_or(i64::MAX))
            })
        };
        let spaces = [("eden", now.eden_used), ("survivor", now.survivor_used), ("old", now.old_used)];
        gauges("heap_used", "Memory in use", Some(Unit::Bytes), "space", &spaces)?;
        let limits = [("eden", now.eden_size), ("survivor", now.survivor_size), ("old", now.old_limit)];
        gauges("heap_limit", "What a space may grow to", Some(Unit::Bytes), "space", &limits)?;
        let forwarders = [("young", now.forwarders_young), ("old", now.forwarders_old)];
        gauges(
            "forwarders",
            "Forwarders that no collection has removed yet",
            None,
            "generation",
            &forwarders,
        )?;
        let healed = [("collection", now.healed_by_collections), ("access", now.healed_by_access)];
        family(
            &mut encoder,
            ("healed_references", "References taken past a forwarder", None),
            "by",
            &healed,
            |count| ConstCounter::new(*count),
        )?;
        let pauses = self.0.read_stats(|stats| {
            [("young", Pauses::of(&stats.young_pauses_ns)), ("full", Pauses::of(&stats.full_pauses_ns))]
        });
        let mut metric = encoder.encode_descriptor(
            "collection_pause",
            "Stops of the program for a collection",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (kind, pauses) in &pauses {
            let label: Label = [("kind", kind)];
            metric.encode_family(&label)?.encode_histogram::<Label>(
                pauses.sum,
                pauses.count,
                &pauses.buckets,
                None,
            )?;
        }
        Ok(())
    }
}

/// One metric with a value for each value of its label.
fn family<T, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder,
    (name, help, unit): (&str, &str, Option<&Unit>),
    label: &'static str,
    values: &[(&'static str, T)],
    metric: impl Fn(&T) -> M,
) -> Result<(), Error> {
    let kind = values.first().map_or(MetricType::Unknown, |(_, value)| metric(value).metric_type());
    let mut encoder = encoder.encode_descriptor(name, help, unit, kind)?;
    for (name, value) in values {
        let label: Label = [(label, name)];
        metric(value).encode(encoder.encode_family(&label)?)?;
    }
    Ok(())
}

/// Recorded pauses, in seconds.
struct Pauses {
    sum: f64,
    count: u64,
    /// Upper bounds, and how many lie between one and the one below.
    buckets: Vec<(f64, u64)>,
}

impl Pauses {
    fn of(recorded: &Hdr<u64>) -> Pauses {
        let nanos = |bound: &f64| (bound * 1e9).round() as u64;
        let mut buckets = Vec::with_capacity(BOUNDS.len() + 1);
        let mut first = 0;
        for bound in BOUNDS {
            buckets.push((bound, recorded.count_between(first, nanos(&bound))));
            first = nanos(&bound) + 1;
        }
        // Equivalent values of the histogram may be counted on both sides of a bound.
        let below = buckets.iter().map(|(_, count)| count).sum();
        buckets.push((f64::MAX, recorded.len().saturating_sub(below)));
        Pauses { sum: recorded.mean() * recorded.len() as f64 / 1e9, count: recorded.len(), buckets }
    }
}

/// Updates by their result.
#[derive(Debug)]
pub(crate) struct UpdateMetrics {
    ended: Family<ResultLabel, Counter>,
    stop: Histogram,
    total: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: String,
}

impl UpdateMetrics {
    pub fn register(registry: &mut Registry) -> UpdateMetrics {
        let metrics =
            UpdateMetrics { ended: Family::default(), stop: seconds_histogram(), total: seconds_histogram() };
        registry.register("updates", "Updates that ended", metrics.ended.clone());
        let stop = "How long the program stood still for an update that was committed";
        registry.register_with_unit("update_stop", stop, Unit::Seconds, metrics.stop.clone());
        let total = "From the request to the end of an update";
        registry.register_with_unit("update_total", total, Unit::Seconds, metrics.total.clone());
        metrics
    }

    pub fn note(&self, update: &Update) {
        self.ended.get_or_create(&ResultLabel { result: update.result.clone() }).inc();
        if update.result == Update::COMMITTED {
            self.stop.observe(update.stop.as_secs_f64());
        }
        self.total.observe(update.total.as_secs_f64());
    }
}
