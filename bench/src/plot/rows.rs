//! A row for each of several things, with a mark and its interval for each figure, over one axis.

use super::chart::heading;
use super::scale::{Scale, Unit};
use super::scene::{Anchor, Color, Scene, Stroke, Text};
use super::style::Contender;
use crate::point::Strategy;
use crate::stats::Interval;

const LEFT: f32 = 210.0;
const RIGHT: f32 = 880.0;
const TOP: f32 = 110.0;
const PITCH: f32 = 34.0;
/// Pixels between two marks of one row.
const APART: f32 = 11.0;
/// Pixels of the legend for a series.
const LEGEND: f32 = 140.0;

/// Colours and marks of what is no strategy, in the order of the legend.
const LOOKS: [Strategy; 4] =
    [Strategy::Lazy, Strategy::FullScan, Strategy::AlwaysCheck, Strategy::ObjectTable];

/// What is compared.
pub(super) struct Series {
    label: String,
    look: Contender,
}

impl Series {
    pub fn of(strategy: Strategy) -> Self {
        let look = Contender { strategy, workers: 1 };
        Self { label: look.label(), look }
    }

    pub fn named(label: &str, index: usize) -> Self {
        let look = Contender { strategy: LOOKS[index % LOOKS.len()], workers: 1 };
        Self { label: label.to_owned(), look }
    }
}

/// A figure of one series in one row.
pub(super) struct Mark {
    pub row: String,
    pub series: usize,
    pub figure: Interval,
    /// A second figure, drawn as a short stroke.
    pub stroke: Option<f64>,
}

/// All that is drawn.
pub(super) struct Rows<'a> {
    pub title: &'a str,
    pub explanation: &'a str,
    pub axis: &'a str,
    /// Of the axis; that of ratios has a line at 1.
    pub unit: Unit,
    pub series: Vec<Series>,
    /// Those of one row stand together.
    pub marks: Vec<Mark>,
}

impl Rows<'_> {
    /// `None` without a mark.
    pub fn scene(&self) -> Option<Scene> {
        let mut rows: Vec<&str> = Vec::new();
        for mark in &self.marks {
            if rows.last() != Some(&mark.row.as_str()) {
                rows.push(&mark.row);
            }
        }
        if rows.is_empty() {
            return None;
        }
        // Marks of a row stand below each other.
        let pitch = PITCH.max(APART * (self.series.len() + 1) as f32);
        let bottom = TOP + pitch * rows.len() as f32;
        let mut scene = Scene::new(1000.0, bottom + 60.0, self.title);
        heading(&mut scene, LEFT, self.title, &[self.explanation]);
        let values = self.marks.iter().flat_map(|it| {
            [Some(it.figure.low), Some(it.figure.high), Some(it.figure.value), it.stroke]
                .into_iter()
                .flatten()
        });
        let scale = match self.unit {
            Unit::Ratio => Scale::around(1.0, values, self.unit, (LEFT, RIGHT)),
            unit => Scale::over(values, unit, (LEFT, RIGHT), 0.04),
        };
        self.grid(&mut scene, &scale, bottom);
        self.legend(&mut scene);
        for (index, row) in rows.iter().enumerate() {
            let middle = TOP + pitch * (index as f32 + 0.5);
            scene.text(Text::new((LEFT - 12.0, middle + 4.5), *row).anchor(Anchor::End));
            for mark in self.marks.iter().filter(|mark| mark.row == *row) {
                self.mark(&mut scene, &scale, mark, middle);
            }
        }
        Some(scene)
    }

    fn grid(&self, scene: &mut Scene, scale: &Scale, bottom: f32) {
        for tick in scale.ticks(9) {
            let x = scale.at(tick.value);
            scene.line([(x, TOP), (x, bottom)], Stroke::solid(Color::PALE, 1.0));
            scene.text(Text::new((x, bottom + 20.0), tick.label).anchor(Anchor::Middle));
        }
        if self.unit == Unit::Ratio {
            let one = scale.at(1.0);
            scene.line([(one, TOP), (one, bottom)], Stroke::solid(Color::GREY, 1.5));
        }
        let at = (f32::midpoint(LEFT, RIGHT), bottom + 44.0);
        scene.text(Text::new(at, self.axis).anchor(Anchor::Middle));
    }

    fn legend(&self, scene: &mut Scene) {
        for (index, Series { label, look }) in self.series.iter().enumerate() {
            let x = LEFT + LEGEND * index as f32;
            look.mark(scene, (x + 6.0, TOP - 22.0));
            scene.text(Text::new((x + 18.0, TOP - 17.5), label.as_str()).bold().color(look.color()));
        }
    }

    fn mark(&self, scene: &mut Scene, scale: &Scale, mark: &Mark, middle: f32) {
        let look = self.series[mark.series].look;
        let y = middle + APART * (mark.series as f32 - (self.series.len() - 1) as f32 / 2.0);
        let Interval { value, low, high } = mark.figure;
        scene.line([(scale.at(low), y), (scale.at(high), y)], Stroke::solid(look.color(), 1.6));
        look.mark(scene, (scale.at(value), y));
        if let Some(stroke) = mark.stroke {
            let x = scale.at(stroke);
            scene.line([(x, y - 6.0), (x, y + 6.0)], Stroke::solid(look.color(), 2.0));
        }
    }
}
