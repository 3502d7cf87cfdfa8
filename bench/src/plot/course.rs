//! The course of a service's response times, with the updates that came in between.

use std::ops::Range;

use super::chart::{Chart, EndLabel, Frame, heading};
use super::scale::{Scale, Unit};
use super::scene::{At, Color, Scene, Stroke, Text};
use crate::figures;

const FRAME: Frame = Frame { left: 100.0, top: 118.0, right: 800.0, bottom: 480.0 };
const BAND: Color = Color(0xff, 0xe5, 0xb4);
const STOP: Color = Color(0xe0, 0x60, 0x60);
/// Pixels below which nothing shows.
const THINNEST: f32 = 1.5;

/// Requests that were due in some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns")]
pub struct Bin {
    pub start_ns: u64,
    pub width_ns: u64,
    pub requests: u64,
    pub p50_ns: u64,
    pub p99_ns: u64,
    pub max_ns: u64,
}

/// An update in the course of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// From its request to its answer, in nanoseconds since the load began.
    pub at: Range<u64>,
    /// How long only the engine ran: the end of it.
    pub stop_ns: u64,
}

/// The course of one load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// The name of the plot's files, without extension.
    pub name: String,
    /// The plot's title.
    pub title: String,
    /// What distinguishes it from other courses.
    pub about: String,
    /// In the order of time.
    pub updates: Vec<Update>,
    /// In the order of time.
    pub bins: Vec<Bin>,
}

type Figure = fn(&Bin) -> u64;
/// From the top of the plot to its bottom, in the colours of Okabe and Ito.
const LINES: [(&str, Color, Figure); 3] = [
    ("max", Color(0xd5, 0x5e, 0x00), |bin| bin.max_ns),
    ("p99", Color(0x00, 0x9e, 0x73), |bin| bin.p99_ns),
    ("p50", Color(0x00, 0x72, 0xb2), |bin| bin.p50_ns),
];

/// Median, 99th percentile and maximum of each bin; `None` if there is none.
pub(super) fn response_times(course: &Course) -> Option<Scene> {
    let Bin { start_ns, width_ns, .. } = *course.bins.last()?;
    let mut scene = Scene::new(880.0, FRAME.bottom + 60.0, &format!("{} – {}", course.title, course.about));
    let each = figures::duration(width_ns as f64);
    let explanation =
        format!("Requests that were due in each {each}, until their answers were there.{}", legend(course));
    heading(&mut scene, FRAME.left, &course.title, &[&course.about, &explanation]);
    let seconds = |ns: u64| ns as f64 / 1e9;
    let times = LINES.iter().flat_map(|(_, _, figure)| course.bins.iter().map(figure)).filter(|&ns| ns > 0);
    let chart = Chart {
        frame: FRAME,
        x: Scale::even(0.0, seconds(start_ns + width_ns), Unit::Count, (FRAME.left, FRAME.right)),
        y: Scale::over(times.map(|ns| ns as f64), Unit::Nanoseconds, (FRAME.bottom, FRAME.top), 0.05),
    };
    for update in &course.updates {
        let (start, end) = (chart.x.at(seconds(update.at.start)), chart.x.at(seconds(update.at.end)));
        let stop = chart.x.at(seconds(update.at.end.saturating_sub(update.stop_ns)));
        band(&mut scene, start.min(end - 2.0 * THINNEST), end, BAND);
        band(&mut scene, stop.min(end - THINNEST), end, STOP);
    }
    chart.axes(&mut scene, "seconds since the load began", "response time");
    let labels = LINES.iter().filter_map(|&(name, color, figure)| {
        let middle = |bin: &Bin| chart.at(seconds(bin.start_ns + bin.width_ns / 2), figure(bin) as f64);
        // Where nothing was due the line has a gap.
        for part in course.bins.split(|bin| bin.requests == 0) {
            scene.line(part.iter().map(middle).collect::<Vec<At>>(), Stroke::solid(color, 1.4));
        }
        let end = middle(course.bins.iter().rev().find(|bin| bin.requests > 0)?);
        Some(EndLabel { text: name.to_owned(), color, bold: true, end })
    });
    let labels = labels.collect();
    chart.end_labels(&mut scene, labels);
    for update in &course.updates {
        let worst = course.bins.iter().filter(|bin| update.touches(bin)).max_by_key(|bin| bin.max_ns);
        if let Some(bin) = worst.filter(|bin| bin.max_ns > 0) {
            let (x, y) = chart.at(seconds(update.at.end), bin.max_ns as f64);
            let text = Text::new((x + 8.0, y + 4.5), figures::duration(bin.max_ns as f64));
            scene.text(text.bold().color(LINES[0].1).halo());
        }
    }
    Some(scene)
}

impl Update {
    /// Whether requests of the bin were due while it was under way.
    pub(super) const fn touches(&self, bin: &Bin) -> bool {
        bin.start_ns <= self.at.end && self.at.start < bin.start_ns + bin.width_ns
    }
}

/// What the bands are, with the figures of a single update.
fn legend(course: &Course) -> String {
    let duration = |ns: u64| figures::duration(ns as f64);
    match &course.updates[..] {
        [] => String::new(),
        [Update { at, stop_ns }] => {
            format!(
                " Band: the update, {}; red: its stop, {}.",
                duration(at.end - at.start),
                duration(*stop_ns)
            )
        }
        _ => " Bands: updates; red: their stops.".to_owned(),
    }
}

fn band(scene: &mut Scene, left: f32, right: f32, color: Color) {
    let Frame { top, bottom, .. } = FRAME;
    scene.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color, color);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(updates: Vec<Update>) -> Course {
        let bin = |index: u64| {
            let busy = u64::from(index != 3);
            Bin {
                start_ns: index * 500_000_000,
                width_ns: 500_000_000,
                requests: 350 * busy,
                p50_ns: 200_000 * busy,
                p99_ns: 900_000 * busy,
                max_ns: if index == 4 { 7_000_000 } else { 2_000_000 * busy },
            }
        };
        let bins = (0..10).map(bin).collect();
        Course { name: "x".to_owned(), title: "Title".to_owned(), about: "about".to_owned(), updates, bins }
    }

    #[test]
    fn updates_are_bands_and_times_without_requests_are_gaps() {
        let update = Update { at: 2_100_000_000..2_140_000_000, stop_ns: 6_000_000 };
        let svg = super::super::svg::render(&response_times(&course(vec![update.clone()])).unwrap());
        for text in ["Band: the update, 40 ms; red: its stop, 6 ms.", ">7 ms<", ">max<", ">p99<", ">p50<"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        // Each line has a part before and a part after the gap.
        let without = super::super::svg::render(&response_times(&course(Vec::new())).unwrap());
        assert!(!without.contains("and") && !without.contains("NaN"));
        let several = response_times(&course(vec![update.clone(), update])).unwrap();
        assert!(super::super::svg::render(&several).contains("Bands: updates"));
        assert!(response_times(&Course { bins: Vec::new(), ..course(Vec::new()) }).is_none());
    }
}
