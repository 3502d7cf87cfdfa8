//! The pause of one bulk become: against the pairs that it swaps, and against the heap that it happens in.

use super::chart::{Chart, Frame, Series, heading};
use super::scale::Unit;
use super::scene::{Anchor, Scene, Text};
use super::select::{Axis, longest_line};
use super::words;
use crate::figures;
use crate::limits::{self, Limit};
use crate::point::Strategy;
use crate::record::Record;
use crate::stats::Summary;

const FRAME: Frame = Frame { left: 100.0, top: 92.0, right: 720.0, bottom: 520.0 };
const SIZE: (f32, f32) = (990.0, 580.0);

/// Pause against instances; `None` if the rows have no line for it.
pub(super) fn against_instances(records: &[Record], limits: &[Limit]) -> Option<Scene> {
    let line = longest_line(records, Axis::Pairs, |_| true)?;
    let series = line.series(Axis::Pairs, |observation| Some(observation.pause_ns));
    // The limit is that of memory, so it starts where the objects outgrow the caches.
    let last = series.iter().filter_map(|series| series.points.last()).map(|(x, _)| *x).fold(0.0, f64::max);
    let limit = limits::median_of(limits, limits::BECOME_LIMIT, 1).filter(|_| last >= OUTGROWN);
    let limit: Vec<(f64, f64)> =
        limit.map(|ns| vec![(OUTGROWN, OUTGROWN * ns), (last, last * ns)]).unwrap_or_default();

    let mut scene = Scene::new(SIZE.0, SIZE.1, "Pause of one bulk become against the pairs that it swaps");
    let fixed = words::fixed(&line, Axis::Pairs);
    let title = scene.title.clone();
    heading(&mut scene, FRAME.left, &title, &[&fixed, &words::runs(&line)]);
    let chart = Chart::over(FRAME, &series, (Unit::Count, Unit::Nanoseconds), &limit);
    chart.axes(&mut scene, "pairs swapped by one become", "pause");
    let factors = rivals(&chart, &mut scene, &series);
    let mut labels = chart.lines(&mut scene, &series);
    labels.extend(chart.limit(&mut scene, &limit, "memory limit: write one word"));
    chart.end_labels(&mut scene, labels);
    factors.into_iter().for_each(|text| scene.text(text));
    Some(scene)
}

/// Objects from which on memory and not a cache bounds the writing of one word each.
const OUTGROWN: f64 = 1e6;

/// Pause of the smallest become against the bystanders; `None` if the rows have no line for it.
pub(super) fn against_heap(records: &[Record], limits: &[Limit]) -> Option<Scene> {
    let fewest = records.iter().filter(|record| record.outcome.is_ok()).map(|r| r.trial.point.pairs).min()?;
    let line = longest_line(records, Axis::Bystanders, |point| point.pairs == fewest)?;
    let series = line.series(Axis::Bystanders, |observation| Some(observation.pause_ns));
    let limit = streaming(&line.series(Axis::Bystanders, |observation| Some(observation.heap_bytes)), limits);

    let pairs = if fewest == 1 { "one pair".to_owned() } else { format!("{} pairs", figures::count(fewest)) };
    let title = format!("Pause of a become of {pairs} against the heap around it");
    let mut scene = Scene::new(SIZE.0, SIZE.1, &title);
    let fixed = words::fixed(&line, Axis::Bystanders);
    heading(&mut scene, FRAME.left, &title, &[&fixed, &words::runs(&line)]);
    let chart = Chart::over(FRAME, &series, (Unit::Count, Unit::Nanoseconds), &limit);
    chart.axes(&mut scene, "bystanders: live objects that take no part", "pause");
    let factors = rivals(&chart, &mut scene, &series);
    let mut labels = chart.lines(&mut scene, &series);
    labels.extend(chart.limit(&mut scene, &limit, "memory limit: read the heap once"));
    chart.end_labels(&mut scene, labels);
    factors.into_iter().for_each(|text| scene.text(text));
    Some(scene)
}

/// Time to stream the live heap once, where it is larger than the caches.
fn streaming(heaps: &[Series], limits: &[Limit]) -> Vec<(f64, f64)> {
    let Some(gigabytes_per_s) = limits::median_of(limits, "read", 1) else { return Vec::new() };
    let heap = heaps.iter().find(|series| series.who.strategy == Strategy::FullScan).or(heaps.first());
    let points = heap.into_iter().flat_map(|series| &series.points);
    points.filter(|(x, _)| *x >= OUTGROWN).map(|(x, bytes)| (*x, bytes.median / gigabytes_per_s)).collect()
}

/// How many times longer the full scan takes than the lazy become, both with one worker, at both ends: arrows now,
/// and the texts for after the lines.
fn rivals(chart: &Chart, scene: &mut Scene, series: &[Series]) -> Vec<Text> {
    let of = |strategy| series.iter().find(|s| s.who.strategy == strategy && s.who.workers == 1);
    let (Some(lazy), Some(scan)) = (of(Strategy::Lazy), of(Strategy::FullScan)) else { return Vec::new() };
    let both = |&(x, lazy): &(f64, Summary)| {
        let scan = scan.points.iter().find(|(at, _)| *at == x)?.1;
        Some((x, lazy.median, scan.median))
    };
    let shared: Vec<(f64, f64, f64)> = lazy.points.iter().filter_map(both).collect();
    let (Some(first), Some(last)) = (shared.first(), shared.last()) else { return Vec::new() };
    let mut ends = vec![(first, Anchor::Start)];
    if last.0 > first.0 {
        ends.push((last, Anchor::End));
    }
    let arrow = |((x, lazy, scan), anchor): (&(f64, f64, f64), Anchor)| {
        let ratio = figures::ratio(scan / lazy);
        chart.factor(scene, *x, (*lazy, *scan), (&ratio, "full scan / lazy"), anchor)
    };
    ends.into_iter().flat_map(arrow).collect()
}
