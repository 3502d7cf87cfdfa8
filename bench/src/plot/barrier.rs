//! The read barrier's cost for each program: time and instructions as a ratio to never checking.

use super::chart::heading;
use super::scale::{Scale, Unit};
use super::scene::{Anchor, Color, Scene, Stroke, Text};
use super::style::Contender;
use crate::lang::barrier::Comparison;
use crate::point::Strategy;

const LEFT: f32 = 170.0;
const RIGHT: f32 = 880.0;
const TOP: f32 = 110.0;
const PITCH: f32 = 34.0;
/// Pixels between the marks of two strategies in one row.
const APART: f32 = 11.0;

/// A row for each benchmark; `None` without comparisons.
pub(super) fn ratios(comparisons: &[Comparison]) -> Option<Scene> {
    let mut names: Vec<&str> = Vec::new();
    for comparison in comparisons {
        if names.last() != Some(&comparison.benchmark.as_str()) {
            names.push(&comparison.benchmark);
        }
    }
    if names.is_empty() {
        return None;
    }
    let bottom = TOP + PITCH * names.len() as f32;
    let title = "Time under a read barrier against never checking";
    let mut scene = Scene::new(1000.0, bottom + 60.0, title);
    let explanation =
        "Marks: ratio of median times; bars: 95 % bootstrap interval; short strokes: ratio of instructions.";
    heading(&mut scene, LEFT, title, &[explanation]);
    let values = comparisons.iter().flat_map(|it| {
        [Some(it.time.low), Some(it.time.high), Some(it.time.value), it.instructions].into_iter().flatten()
    });
    let scale = Scale::around(1.0, values, Unit::Ratio, (LEFT, RIGHT));
    grid(&mut scene, &scale, bottom);
    legend(&mut scene);
    for (index, name) in names.iter().enumerate() {
        let middle = TOP + PITCH * (index as f32 + 0.5);
        scene.text(Text::new((LEFT - 12.0, middle + 4.5), *name).anchor(Anchor::End));
        for comparison in comparisons.iter().filter(|it| it.benchmark == *name) {
            mark(&mut scene, &scale, comparison, middle);
        }
    }
    Some(scene)
}

fn contender(strategy: Strategy) -> Contender {
    Contender { strategy, workers: 1 }
}

fn grid(scene: &mut Scene, scale: &Scale, bottom: f32) {
    for tick in scale.ticks(9) {
        let x = scale.at(tick.value);
        scene.line([(x, TOP), (x, bottom)], Stroke::solid(Color::PALE, 1.0));
        scene.text(Text::new((x, bottom + 20.0), tick.label).anchor(Anchor::Middle));
    }
    let one = scale.at(1.0);
    scene.line([(one, TOP), (one, bottom)], Stroke::solid(Color::GREY, 1.5));
    let axis = "ratio to never checking (full scan); less is faster";
    scene.text(Text::new((f32::midpoint(LEFT, RIGHT), bottom + 44.0), axis).anchor(Anchor::Middle));
}

fn legend(scene: &mut Scene) {
    for (index, strategy) in [Strategy::Lazy, Strategy::AlwaysCheck].into_iter().enumerate() {
        let (who, x) = (contender(strategy), LEFT + 140.0 * index as f32);
        who.mark(scene, (x + 6.0, TOP - 22.0));
        scene.text(Text::new((x + 18.0, TOP - 17.5), who.label()).bold().color(who.color()));
    }
}

fn mark(scene: &mut Scene, scale: &Scale, comparison: &Comparison, middle: f32) {
    let who = contender(comparison.strategy);
    let y = if comparison.strategy == Strategy::Lazy { middle - APART / 2.0 } else { middle + APART / 2.0 };
    let time = comparison.time;
    scene.line([(scale.at(time.low), y), (scale.at(time.high), y)], Stroke::solid(who.color(), 1.6));
    who.mark(scene, (scale.at(time.value), y));
    if let Some(instructions) = comparison.instructions {
        let x = scale.at(instructions);
        scene.line([(x, y - 6.0), (x, y + 6.0)], Stroke::solid(who.color(), 2.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Interval;

    #[test]
    fn every_comparison_is_drawn_inside_of_the_frame() {
        let comparison = |benchmark: &str, strategy, value: f64| Comparison {
            benchmark: benchmark.to_owned(),
            strategy,
            time: Interval { value, low: value * 0.99, high: value * 1.02 },
            instructions: Some(value),
        };
        let all = [
            comparison("Fib", Strategy::Lazy, 1.003),
            comparison("Fib", Strategy::AlwaysCheck, 1.08),
            comparison("Json", Strategy::Lazy, 0.998),
        ];
        let svg = super::super::svg::render(&ratios(&all).unwrap());
        assert!(svg.contains("Fib") && svg.contains("Json") && svg.contains("always check"));
        assert!(ratios(&[]).is_none());
    }
}
