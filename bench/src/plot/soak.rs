//! The memory of a program that is updated and taken back again and again.

use super::chart::{Chart, EndLabel, Frame, heading};
use super::scale::{Scale, Unit};
use super::scene::{At, Color, Scene, Stroke};
use crate::figures;
use crate::soak::Row;

const FRAME: Frame = Frame { left: 110.0, top: 100.0, right: 760.0, bottom: 460.0 };

type Figure = fn(&Row) -> u64;
const LINES: [(&str, Color, Figure); 2] = [
    ("resident memory", Color(0xd5, 0x5e, 0x00), |row| row.step.rss_bytes),
    ("heap in use", Color(0x00, 0x72, 0xb2), |row| row.step.heap_bytes),
];

/// Of the first run; `None` without rows.
pub(super) fn memory(rows: &[Row]) -> Option<Scene> {
    let first = rows.first()?.run;
    let rows: Vec<&Row> = rows.iter().filter(|row| row.run == first).collect();
    let last = rows.last()?;
    let title = "Memory of the chat application, updated and taken back under load";
    let mut scene = Scene::new(920.0, FRAME.bottom + 60.0, title);
    let classes = |row: &Row| figures::grouped(row.step.classes);
    let about = format!(
        "{} updates and inverses of the model, the kernel and the engine; {} classes at the beginning, {} at the end.",
        rows.len(),
        classes(rows.iter().find(|row| row.step.is_inverse)?),
        classes(last)
    );
    heading(
        &mut scene,
        FRAME.left,
        title,
        &[&about, "Heap in use after a collection, between any two of them."],
    );
    let seconds = |row: &Row| row.step.at.end as f64 / 1e9;
    let most = rows.iter().flat_map(|row| LINES.map(|(_, _, figure)| figure(row))).max().unwrap_or_default();
    let chart = Chart {
        frame: FRAME,
        x: Scale::even(0.0, seconds(last), Unit::Count, (FRAME.left, FRAME.right)),
        y: Scale::even(0.0, most as f64 * 1.1, Unit::Bytes, (FRAME.bottom, FRAME.top)),
    };
    chart.axes(&mut scene, "seconds since the load began", "memory");
    let labels = LINES.map(|(name, color, figure)| {
        let points: Vec<At> = rows.iter().map(|row| chart.at(seconds(row), figure(row) as f64)).collect();
        scene.line(points, Stroke::solid(color, 1.8));
        EndLabel {
            text: name.to_owned(),
            color,
            bold: true,
            end: chart.at(seconds(last), figure(last) as f64),
        }
    });
    chart.end_labels(&mut scene, labels.into());
    Some(scene)
}
