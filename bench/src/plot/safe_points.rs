//! The response times of a service around one update, with both kinds of safe points in one plot (Espell, Fig. 4).

use super::chart::{Chart, EndLabel, Frame, heading};
use super::course::{Bin, Course, Update};
use super::scale::{Scale, Unit};
use super::scene::{At, Color, Scene, Stroke};
use crate::figures;
use crate::webapp::{AUTOMATIC, EXPLICIT, course_name};

const FRAME: Frame = Frame { left: 100.0, top: 124.0, right: 760.0, bottom: 480.0 };
/// In the colours of Okabe and Ito.
const SAFE_POINTS: [(&str, Color); 2] =
    [(AUTOMATIC, Color(0x00, 0x72, 0xb2)), (EXPLICIT, Color(0xd5, 0x5e, 0x00))];

type Figure = fn(&Bin) -> u64;
/// With the width of their lines.
const LINES: [(&str, f32, Figure); 2] = [("max", 1.4, |bin| bin.max_ns), ("p50", 0.8, |bin| bin.p50_ns)];

/// Median and maximum of each bin; `None` if the update was not observed.
pub(super) fn response_times(update: &str, courses: &[Course]) -> Option<Scene> {
    let find = |safe_point| courses.iter().find(|course| course.name == course_name(update, safe_point));
    let found: Vec<(&str, Color, &Course)> =
        SAFE_POINTS.iter().filter_map(|&(name, color)| Some((name, color, find(name)?))).collect();
    let (_, _, first) = found.first()?;
    let Bin { start_ns, width_ns, .. } = *first.bins.last()?;
    let mut scene = Scene::new(920.0, FRAME.bottom + 60.0, &format!("{} – {update}", first.title));
    let each = figures::duration(width_ns as f64);
    let about = format!(
        "Update: {update} (dashed). Requests that were due in each {each}, until their answers were there."
    );
    let took: Vec<String> = found.iter().map(|(name, _, course)| taken(name, course)).collect();
    let mut lines = vec![about.as_str()];
    lines.extend(took.iter().map(String::as_str));
    heading(&mut scene, FRAME.left, &first.title, &lines);
    let seconds = |ns: u64| ns as f64 / 1e9;
    let bins = || found.iter().flat_map(|(_, _, course)| &course.bins);
    let times = LINES.iter().flat_map(|(_, _, figure)| bins().map(figure)).filter(|&ns| ns > 0);
    let chart = Chart {
        frame: FRAME,
        x: Scale::even(0.0, seconds(start_ns + width_ns), Unit::Count, (FRAME.left, FRAME.right)),
        y: Scale::over(times.map(|ns| ns as f64), Unit::Nanoseconds, (FRAME.bottom, FRAME.top), 0.05),
    };
    chart.axes(&mut scene, "seconds since the load began", "response time");
    let mut labels = Vec::new();
    for (name, color, course) in found {
        for update in &course.updates {
            let x = chart.x.at(seconds(update.at.start));
            let stroke = Stroke { color: Color::GREY, width: 1.0, dashed: true };
            scene.line([(x, FRAME.top), (x, FRAME.bottom)], stroke);
        }
        for (figure_name, width, figure) in LINES {
            let middle = |bin: &Bin| chart.at(seconds(bin.start_ns + bin.width_ns / 2), figure(bin) as f64);
            // Where nothing was due the line has a gap.
            for part in course.bins.split(|bin| bin.requests == 0) {
                scene.line(part.iter().map(middle).collect::<Vec<At>>(), Stroke::solid(color, width));
            }
            if let Some(last) = course.bins.iter().rev().find(|bin| bin.requests > 0) {
                let text = format!("{name}, {figure_name}");
                labels.push(EndLabel { text, color, bold: figure_name == "max", end: middle(last) });
            }
        }
    }
    chart.end_labels(&mut scene, labels);
    Some(scene)
}

/// How long the update took, and the longest response in the time around it.
fn taken(name: &str, course: &Course) -> String {
    let duration = |ns: u64| figures::duration(ns as f64);
    let update = |update: &Update| {
        let around = course.bins.iter().filter(|bin| update.touches(bin));
        let longest = around.map(|bin| bin.max_ns).max().unwrap_or(0);
        let (took, stop) = (duration(update.at.end - update.at.start), duration(update.stop_ns));
        format!("{took}, stop {stop}, longest response then {}", duration(longest))
    };
    let updates: Vec<String> = course.updates.iter().map(update).collect();
    format!("{name}: {}", updates.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::svg;
    use super::*;

    #[test]
    fn both_kinds_of_safe_points_are_in_one_plot() {
        let course = |safe_point: &str, max_ns| Course {
            name: course_name("do-push-up", safe_point),
            title: "Title".to_owned(),
            about: safe_point.to_owned(),
            updates: vec![Update { at: 1_000_000_000..1_005_000_000, stop_ns: 1_000_000 }],
            bins: (0..6)
                .map(|index| Bin {
                    start_ns: index * 500_000_000,
                    width_ns: 500_000_000,
                    requests: 10 * u64::from(index != 4),
                    p50_ns: 200_000,
                    p99_ns: 300_000,
                    max_ns,
                })
                .collect(),
        };
        let courses = [course(AUTOMATIC, 7_000_000), course(EXPLICIT, 2_000_000)];
        let drawn = svg::render(&response_times("do-push-up", &courses).unwrap());
        for text in [
            "automatic, max",
            "explicit, p50",
            "explicit: 5 ms, stop 1 ms, longest response then 2 ms",
            "Update: do-push-up (dashed).",
        ] {
            assert!(drawn.contains(text), "{text}: {drawn}");
        }
        assert!(!drawn.contains("NaN"));
        assert!(response_times("block-memoization", &courses).is_none());
        let alone = svg::render(&response_times("do-push-up", &courses[..1]).unwrap());
        assert!(!alone.contains("explicit"));
    }
}
