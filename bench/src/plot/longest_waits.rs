//! The longest response in an update's window over the number of live instances, with the paper's figure and what is to be reached.

use super::chart::{Chart, Frame, heading};
use super::scale::Unit;
use super::scene::{Color, Scene, Text};
use crate::server::{CLOSED, NO_UPDATE, Row};

const FRAME: Frame = Frame { left: 100.0, top: 110.0, right: 700.0, bottom: 500.0 };
/// An update and how it is drawn; the reference first, so that it is below.
const UPDATES: [(&str, Color); 4] = [
    (NO_UPDATE, Color::GREY),
    ("engine", Color(0x00, 0x9e, 0x73)),
    ("kernel", Color(0xd5, 0x5e, 0x00)),
    ("model", Color(0x00, 0x72, 0xb2)),
];
/// What an update of so many instances may cost at 700 requests a second.
const TARGETS: [(f64, f64); 3] = [(28_500.0, 10e6), (1e6, 80e6), (1e7, 600e6)];
/// gDSU's 5.6: with about 28,500 instances.
const PAPER_NS: f64 = 1.4e9;

/// `None` without rows of an update's window.
pub(super) fn by_instances(rows: &[Row]) -> Option<Scene> {
    let updates: Vec<&Row> =
        rows.iter().filter(|row| row.seen.window == "update" && row.seen.requests > 0).collect();
    updates.first()?;
    let title = "The longest response while the chat application is updated under load";
    let mut scene = Scene::new(990.0, FRAME.bottom + 70.0, title);
    let explanation = "The window of an update goes from its request to half a second behind its answer.";
    let marks = "Filled: 700 requests a second by the clock; hollow: as fast as answers come.";
    heading(&mut scene, FRAME.left, title, &[explanation, marks]);
    let paper = [(TARGETS[0].0, PAPER_NS), (TARGETS[2].0, PAPER_NS)];
    let at = |row: &Row| (f64::from(row.instances), row.seen.max_ns as f64);
    let points: Vec<(f64, f64)> = updates.iter().map(|row| at(row)).chain(TARGETS).chain(paper).collect();
    let chart = Chart::over(FRAME, &[], (Unit::Count, Unit::Nanoseconds), &points);
    chart.axes(&mut scene, "live messages", "longest response");
    let limits = [
        chart.limit(&mut scene, &paper, "gDSU in Pharo: 1.4 s with 28,500"),
        chart.limit(&mut scene, &TARGETS, "to reach at 700 requests/s"),
    ];
    chart.end_labels(&mut scene, limits.into_iter().flatten().collect());
    for (index, (name, color)) in UPDATES.into_iter().enumerate() {
        for row in updates.iter().filter(|row| row.update == name) {
            let (x, y) = at(row);
            let fill = if row.pace == CLOSED { Color::WHITE } else { color };
            // Beside each other, where they are of one size.
            let (x, y) = chart.at(x, y);
            scene.circle((x + 9.0 * (index as f32 - 1.5), y), 4.0, fill, color);
        }
        let y = FRAME.bottom - 24.0 - 22.0 * index as f32;
        let label = if name == NO_UPDATE { "no update" } else { name };
        scene.circle((FRAME.right + 24.0, y), 4.0, color, color);
        scene.text(Text::new((FRAME.right + 36.0, y + 4.5), label).color(color).bold());
    }
    Some(scene)
}
