//! Update times over the number of live instances, in the shape of gDSU's Fig. 13, with the paper's figures drawn in.

use super::chart::{Chart, Frame, heading};
use super::scale::Unit;
use super::scene::{Color, Scene, Stroke, Text};
use crate::gdsu::{POLICIES, Update};

const FRAME: Frame = Frame { left: 100.0, top: 110.0, right: 760.0, bottom: 520.0 };
const STOP: Color = Color(0x00, 0x72, 0xb2);
const TOTAL: Color = Color(0xd5, 0x5e, 0x00);

/// The paper's: 100,000 instances take 1 s, of which 250 ms are stop.
const PAPER: [(f64, f64, &str); 2] =
    [(100_000.0, 1e9, "gDSU in Pharo, in all"), (100_000.0, 250e6, "gDSU in Pharo, stop")];

/// `None` without updates.
pub(super) fn times(updates: &[Update]) -> Option<Scene> {
    let updates: Vec<&Update> = updates
        .iter()
        .filter(|update| update.task.policy == POLICIES[0] && update.task.instances > 0)
        .collect();
    let most = updates.iter().map(|update| update.task.workers).max()?;
    let title = "Updating the chat model while its messages are alive";
    let mut scene = Scene::new(980.0, FRAME.bottom + 70.0, title);
    let explanation = "A mark for each update: how long only the engine ran, and how long the whole took.";
    heading(&mut scene, FRAME.left, title, &[explanation, &format!("Standard policy, {most} workers.")]);
    let points: Vec<(f64, f64)> = updates
        .iter()
        .flat_map(|update| {
            [update.stop_ns(), update.total_ns()].map(|ns| (f64::from(update.task.instances), ns))
        })
        .chain(PAPER.iter().map(|(instances, ns, _)| (*instances, *ns)))
        .collect();
    let chart = Chart::over(FRAME, &[], (Unit::Count, Unit::Nanoseconds), &points);
    chart.axes(&mut scene, "live messages", "time");
    for update in updates.iter().filter(|update| update.task.workers == most) {
        let instances = f64::from(update.task.instances);
        scene.circle(chart.at(instances, update.total_ns()), 4.0, Color::WHITE, TOTAL);
        scene.circle(chart.at(instances, update.stop_ns()), 2.5, STOP, STOP);
    }
    for (instances, ns, name) in PAPER {
        let (x, y) = chart.at(instances, ns);
        scene.line([(x - 6.0, y), (x + 6.0, y)], Stroke::solid(Color::BLACK, 2.0));
        scene.line([(x, y - 6.0), (x, y + 6.0)], Stroke::solid(Color::BLACK, 2.0));
        scene.text(Text::new((x + 12.0, y + 4.5), name).halo());
    }
    for (row, (color, name)) in [(TOTAL, "in all"), (STOP, "stop")].into_iter().enumerate() {
        let y = FRAME.top + 20.0 + 22.0 * row as f32;
        scene.circle((FRAME.right + 24.0, y), 4.0, if row == 0 { Color::WHITE } else { color }, color);
        scene.text(Text::new((FRAME.right + 36.0, y + 4.5), name).color(color).bold());
    }
    Some(scene)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gdsu::Task;

    #[test]
    fn updates_and_the_papers_figures_are_drawn() {
        let update = |instances| Update {
            task: Task { instances, policy: "standard", workers: 2 },
            figures: vec![0, i64::from(instances) * 30, i64::from(instances) * 31, 0, 0, 0, 0],
        };
        let svg = super::super::svg::render(&times(&[update(1000), update(1_000_000)]).unwrap());
        assert!(svg.contains("gDSU in Pharo, stop") && svg.contains("live messages"));
        assert!(times(&[update(0)]).is_none());
    }
}
