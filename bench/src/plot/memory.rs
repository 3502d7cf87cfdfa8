//! Peak memory: against the pairs, and side by side at the largest become.

use super::chart::{Chart, Frame, Series, heading};
use super::scale::Unit;
use super::scene::{Color, Scene, Stroke, Text};
use super::select::{Axis, longest_line};
use super::words;
use crate::figures;
use crate::record::Record;

const LINES: Frame = Frame { left: 100.0, top: 92.0, right: 480.0, bottom: 500.0 };
const BARS_LEFT: f32 = 560.0;
const BARS_RIGHT: f32 = 890.0;
const WIDTH: f32 = 980.0;
const BAR_PITCH: f32 = 56.0;

/// Peak resident memory; `None` if no row has it.
pub(super) fn peak(records: &[Record]) -> Option<Scene> {
    let line = longest_line(records, Axis::Pairs, |_| true)?;
    let peaks = line.series(Axis::Pairs, |observation| observation.peak_rss_bytes);
    let heaps = line.series(Axis::Pairs, |observation| Some(observation.heap_bytes));
    if peaks.is_empty() {
        return None;
    }
    let title = "Peak memory of the process: heap, become, passes and collections";
    let bars_bottom = LINES.top + 40.0 + BAR_PITCH * peaks.len() as f32;
    let bottom = LINES.bottom.max(bars_bottom + 30.0);
    let mut scene = Scene::new(WIDTH, bottom + 60.0, title);
    let fixed = words::fixed(&line, Axis::Pairs);
    heading(&mut scene, LINES.left, title, &[&fixed, &words::runs(&line)]);

    let live: Vec<(f64, f64)> = heaps.first().map_or_else(Vec::new, live_heap);
    let chart = Chart::over(Frame { bottom, ..LINES }, &peaks, (Unit::Count, Unit::Bytes), &live);
    chart.axes(&mut scene, "pairs swapped by one become", "peak resident memory");
    chart.lines(&mut scene, &peaks);
    chart.limit(&mut scene, &live, "");
    if let Some((x, y)) = live.first() {
        let (x, y) = chart.at(*x, *y);
        scene.text(Text::new((x + 4.0, y - 6.0), "live heap").color(Color::GREY).halo());
    }
    bars(&mut scene, &peaks, &heaps);
    Some(scene)
}

fn live_heap(series: &Series) -> Vec<(f64, f64)> {
    series.points.iter().map(|(x, y)| (*x, y.median)).collect()
}

/// A bar for each contender at the most pairs, with its live heap as a line across.
fn bars(scene: &mut Scene, peaks: &[Series], heaps: &[Series]) {
    let last = |series: &Series| series.points.last().map(|(x, y)| (*x, y.median));
    let most = peaks.iter().filter_map(last).map(|(x, _)| x).fold(0.0, f64::max);
    let here: Vec<(&Series, f64)> = peaks
        .iter()
        .filter_map(|series| last(series).filter(|(x, _)| *x == most).map(|(_, y)| (series, y)))
        .collect();
    let largest = here.iter().map(|(_, bytes)| *bytes).fold(1.0, f64::max);
    let pixels = |bytes: f64| BARS_LEFT + (BARS_RIGHT - BARS_LEFT) * (bytes / largest) as f32;
    let caption = format!("at {} pairs", figures::count(most as u64));
    scene.text(Text::new((BARS_LEFT, LINES.top + 12.0), caption).bold());
    for (index, (series, bytes)) in here.iter().enumerate() {
        let top = LINES.top + 46.0 + BAR_PITCH * index as f32;
        let (right, color) = (pixels(*bytes), series.who.color());
        scene.text(Text::new((BARS_LEFT, top - 6.0), series.who.label()).bold().color(color));
        let fill = if series.who.workers > 1 { Color::WHITE } else { color };
        let corners = [(BARS_LEFT, top), (right, top), (right, top + 20.0), (BARS_LEFT, top + 20.0)];
        scene.polygon(corners, fill, color);
        scene.text(Text::new((right + 8.0, top + 15.0), figures::bytes(*bytes)));
        if let Some((_, heap)) = heaps.iter().find(|heap| heap.who == series.who).and_then(last) {
            let x = pixels(heap.min(largest));
            scene.line([(x, top - 4.0), (x, top + 24.0)], Stroke::solid(Color::BLACK, 2.0));
        }
    }
    let bottom = LINES.top + 40.0 + BAR_PITCH * here.len() as f32;
    scene.line(
        [(BARS_LEFT + 2.0, bottom - 2.0), (BARS_LEFT + 2.0, bottom + 14.0)],
        Stroke::solid(Color::BLACK, 2.0),
    );
    scene.text(
        Text::new((BARS_LEFT + 10.0, bottom + 10.0), "live heap when the become starts").color(Color::GREY),
    );
}
