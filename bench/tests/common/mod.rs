//! A closed-form stand-in for measurements, so that plots and reports have rows of the right shape.

use instar_bench::limits::{self, Limit};
use instar_bench::measure::{Observation, Trial};
use instar_bench::point::{Point, Strategy};
use instar_bench::record::Record;
use instar_bench::rng::SplitMix64;
use instar_bench::sweep::{Options, trials};

fn pause_ns(point: &Point, noise: f64) -> f64 {
    let (pairs, heap) = (point.pairs as f64, point.objects() as f64);
    let speedup = if point.workers > 1 { 1.8 } else { 1.0 };
    let cache = if pairs > 1e5 { 1.0 } else { 0.5 };
    noise
        * match point.strategy {
            Strategy::Lazy => 180.0 + 4.6 * cache * pairs / speedup,
            Strategy::AlwaysCheck => 185.0 + 4.7 * cache * pairs,
            Strategy::FullScan => 2500.0 + (4.0 * heap + 5.0 * pairs) / speedup,
            Strategy::ObjectTable => 90.0 + 3.9 * cache * pairs,
        }
}

/// What a machine might find.
pub fn observation(trial: &Trial) -> Observation {
    let point = &trial.point;
    let mut rng = SplitMix64::new(trial.heap_seed() ^ point.strategy as u64 ^ u64::from(point.workers) << 8);
    let mut noise = || 1.0 + 0.06 * (rng.below(1000) as f64 / 1000.0 - 0.3);
    let references = (point.pairs * u64::from(point.references_per_object)) as f64;
    let (plain, first) = match point.strategy {
        Strategy::Lazy => (2.9, 2.6),
        Strategy::AlwaysCheck => (3.4, 2.4),
        Strategy::FullScan => (2.9, 1.0),
        Strategy::ObjectTable => (9.0, 1.0),
    };
    let mut pass = |factor: f64| Some((50.0 + references * plain * factor * noise()) as u64);
    let (plain_pass_ns, first_pass_ns) = (pass(1.0), pass(first));
    let (second_pass_ns, after_gc_pass_ns) = (pass(1.0), pass(1.0));
    let heap_bytes = point.objects() * 32;
    let peak = 6e6 + heap_bytes as f64 * if point.strategy == Strategy::ObjectTable { 1.6 } else { 1.25 };
    Observation {
        pause_ns: pause_ns(point, noise()) as u64,
        bytes_touched: Some(point.pairs * 40),
        plain_pass_ns,
        first_pass_ns,
        second_pass_ns,
        after_gc_pass_ns,
        heap_bytes,
        peak_rss_bytes: Some(peak as u64),
        ..Observation::default()
    }
}

/// All rows of a sweep.
pub fn records(options: &Options) -> Vec<Record> {
    let record = |trial: Trial| Record { outcome: Ok(observation(&trial)), trial };
    trials(options).into_iter().map(record).collect()
}

/// The limits that the plots use.
pub fn limits() -> Vec<Limit> {
    let row = |limit: &str, value, unit: &str| Limit {
        limit: limit.to_owned(),
        threads: 1,
        objects: 10_000_000,
        run: 1,
        value,
        unit: unit.to_owned(),
    };
    vec![row("read", 12.9, "GB/s"), row(limits::BECOME_LIMIT, 2.56, "ns/object")]
}
