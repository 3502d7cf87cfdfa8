//! A framed pair of axes with lines, marks, intervals and labels at the lines' ends.

use super::font;
use super::scale::{Scale, Unit};
use super::scene::{Anchor, At, Color, Scene, Stroke, Text};
use super::style::Contender;
use crate::stats::Summary;

/// Pixels between two labels beside the frame.
const LABEL_PITCH: f32 = 17.0;

/// Pixels that an arrow needs for a text of two lines beside it.
const SHORTEST_ARROW: f32 = 60.0;

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

/// A line of a chart: medians with intervals over the horizontal axis.
pub(super) struct Series {
    pub who: Contender,
    pub points: Vec<(f64, Summary)>,
}

/// A label to be placed beside the frame, near where its line ends.
pub(super) struct EndLabel {
    pub text: String,
    pub color: Color,
    pub bold: bool,
    pub end: At,
}

/// Axes in a frame.
pub(super) struct Chart {
    pub frame: Frame,
    pub x: Scale,
    pub y: Scale,
}

/// Title and subtitle at the top of a scene; the subtitle may have several lines.
pub(super) fn heading(scene: &mut Scene, left: f32, title: &str, subtitle: &[&str]) {
    scene.text(Text::new((left, 30.0), title).size(18.0).bold());
    for (index, line) in subtitle.iter().enumerate() {
        scene.text(Text::new((left, 51.0 + 18.0 * index as f32), *line).color(Color::GREY));
    }
}

impl Chart {
    /// Axes over all points of `series` and all of `more`.
    pub(super) fn over(frame: Frame, series: &[Series], units: (Unit, Unit), more: &[(f64, f64)]) -> Self {
        let points = || series.iter().flat_map(|series| &series.points);
        let xs = points().map(|(x, _)| *x).chain(more.iter().map(|(x, _)| *x));
        let ys = points().flat_map(|(_, y)| [y.low, y.high, y.median]).chain(more.iter().map(|(_, y)| *y));
        let x = Scale::over(xs, units.0, (frame.left, frame.right), 0.03);
        let y = Scale::over(ys, units.1, (frame.bottom, frame.top), 0.07);
        Self { frame, x, y }
    }

    /// The pixel of a pair of values.
    pub(super) fn at(&self, x: f64, y: f64) -> At {
        (self.x.at(x), self.y.at(y))
    }

    /// Grid, marks and names of both axes.
    pub(super) fn axes(&self, scene: &mut Scene, x_name: &str, y_name: &str) {
        self.horizontal_grid(scene, true);
        let Frame { left, top, right, bottom } = self.frame;
        for tick in self.x.ticks(9) {
            let x = self.x.at(tick.value);
            scene.line([(x, top), (x, bottom)], Stroke::solid(Color::PALE, 0.7));
            scene.line([(x, bottom), (x, bottom + 5.0)], Stroke::solid(Color::GREY, 1.0));
            scene.text(Text::new((x, bottom + 20.0), tick.label).anchor(Anchor::Middle));
        }
        scene.line([(left, bottom), (right, bottom)], Stroke::solid(Color::GREY, 1.0));
        if let Some(x) = self.x.gap() {
            scene.line([(x - 3.0, bottom), (x + 3.0, bottom)], Stroke::solid(Color::WHITE, 3.0));
            for x in [x - 3.0, x + 3.0] {
                scene.line(
                    [(x - 2.0, bottom + 5.0), (x + 2.0, bottom - 5.0)],
                    Stroke::solid(Color::GREY, 1.0),
                );
            }
        }
        scene.text(Text::new((f32::midpoint(left, right), bottom + 44.0), x_name).anchor(Anchor::Middle));
        self.vertical_name(scene, y_name);
    }

    /// Grid of the vertical axis, with its marks if they are to be `labelled`.
    pub(super) fn horizontal_grid(&self, scene: &mut Scene, labelled: bool) {
        let Frame { left, right, .. } = self.frame;
        for tick in self.y.ticks(9) {
            let y = self.y.at(tick.value);
            if tick.label.is_empty() {
                scene.line([(left, y), (left + 4.0, y)], Stroke::solid(Color::PALE, 1.0));
                continue;
            }
            scene.line([(left, y), (right, y)], Stroke::solid(Color::PALE, 1.0));
            if labelled {
                scene.text(Text::new((left - 8.0, y + 4.5), tick.label).anchor(Anchor::End));
            }
        }
    }

    /// Name of the vertical axis, left of its longest label.
    pub(super) fn vertical_name(&self, scene: &mut Scene, name: &str) {
        let ticks = self.y.ticks(9).into_iter();
        let widest = ticks.map(|tick| font::width(&tick.label, 13.0, false)).fold(0.0, f32::max);
        let middle = f32::midpoint(self.frame.top, self.frame.bottom);
        let at = (self.frame.left - widest - 20.0, middle);
        scene.text(Text::new(at, name).anchor(Anchor::Middle).upwards());
    }

    /// Lines, intervals and marks; the label of each line's end.
    pub(super) fn lines(&self, scene: &mut Scene, series: &[Series]) -> Vec<EndLabel> {
        let mut labels = Vec::new();
        // The first of the legend is drawn last: where lines coincide it is the one that shows.
        for Series { who, points } in series.iter().rev() {
            // What happens at zero is not connected to the rest of a logarithmic axis.
            let line: Vec<At> = points
                .iter()
                .filter(|(x, _)| *x > 0.0 || !self.x.zero)
                .map(|(x, y)| self.at(*x, y.median))
                .collect();
            scene.line(line, who.stroke());
            for (x, y) in points {
                let (x, low, high) = (self.x.at(*x), self.y.at(y.low), self.y.at(y.high));
                scene.line([(x, low), (x, high)], Stroke::solid(who.color(), 1.2));
            }
        }
        for Series { who, points } in series.iter().rev() {
            points.iter().for_each(|(x, y)| who.mark(scene, self.at(*x, y.median)));
        }
        for Series { who, points } in series {
            if let Some((x, y)) = points.last() {
                let (color, end) = (who.color(), self.at(*x, y.median));
                labels.push(EndLabel { text: who.label(), color, bold: true, end });
            }
        }
        labels
    }

    /// A dashed grey line that is no measurement of ours, labelled like the others.
    pub(super) fn limit(&self, scene: &mut Scene, points: &[(f64, f64)], text: &str) -> Option<EndLabel> {
        let points: Vec<At> = points.iter().map(|(x, y)| self.at(*x, *y)).collect();
        let end = *points.last()?;
        scene.line(points, Stroke { color: Color::GREY, width: 1.5, dashed: true });
        Some(EndLabel { text: text.to_owned(), color: Color::GREY, bold: false, end })
    }

    /// Puts labels beside the frame, in the order of their lines' ends, apart from each other, tied to the ends.
    pub(super) fn end_labels(&self, scene: &mut Scene, mut labels: Vec<EndLabel>) {
        labels.sort_by(|a, b| a.end.1.total_cmp(&b.end.1));
        let wanted: Vec<f32> = labels.iter().map(|label| label.end.1).collect();
        let ys = spread(&wanted, LABEL_PITCH, self.frame.top, self.frame.bottom);
        let left = self.frame.right + 26.0;
        for (EndLabel { text, color, bold, end }, y) in labels.into_iter().zip(ys) {
            let tie = [(end.0 + 7.0, end.1), (self.frame.right + 10.0, y), (left - 5.0, y)];
            scene.line(tie, Stroke::solid(color, 0.8));
            let text = Text::new((left, y + 4.5), text).color(color);
            scene.text(if bold { text.bold() } else { text });
        }
    }

    /// A double arrow from one value to another at `x`; the texts beside it, to be drawn after the lines.
    pub(super) fn factor(
        &self,
        scene: &mut Scene,
        x: f64,
        (from, to): (f64, f64),
        texts: (&str, &str),
        anchor: Anchor,
    ) -> Vec<Text> {
        let (x, low, high) = (self.x.at(x), self.y.at(from.min(to)) - 7.0, self.y.at(from.max(to)) + 7.0);
        if low - high < SHORTEST_ARROW {
            // No room between the lines: above the upper one there is nothing.
            // Beside the marks at `x`, of which a third one may stand there.
            let x = if anchor == Anchor::End { x - 10.0 } else { x + 10.0 };
            let text = Text::new((x, high - 19.0), format!("{} {}", texts.0, texts.1));
            return vec![text.bold().anchor(anchor).halo()];
        }
        scene.line([(x, low), (x, high)], Stroke::solid(Color::BLACK, 1.4));
        for (tip, away) in [(low, -7.0), (high, 7.0)] {
            let head = [(x, tip), (x - 4.0, tip + away), (x + 4.0, tip + away)];
            scene.polygon(head, Color::BLACK, Color::BLACK);
        }
        let (x, y) = (if anchor == Anchor::End { x - 11.0 } else { x + 11.0 }, f32::midpoint(low, high));
        let factor = Text::new((x, y + 2.0), texts.0).size(16.0).bold().anchor(anchor).halo();
        let about = Text::new((x, y + 17.0), texts.1).size(12.0).anchor(anchor).halo();
        vec![factor, about]
    }
}

/// Positions at least `pitch` apart, in order, as near to `wanted` (ascending) as the ends allow.
fn spread(wanted: &[f32], pitch: f32, top: f32, bottom: f32) -> Vec<f32> {
    // Neighbours that are too near form a block around the middle of what they want; blocks that meet merge.
    let mut blocks: Vec<(f32, usize)> = Vec::new();
    for &y in wanted {
        let mut block = (y, 1);
        while let Some(&(middle, count)) = blocks.last() {
            let reach = pitch * (count + block.1) as f32 / 2.0;
            if block.0 - middle >= reach {
                break;
            }
            blocks.pop();
            let total = (count + block.1) as f32;
            block = ((middle * count as f32 + block.0 * block.1 as f32) / total, count + block.1);
        }
        let half = pitch * (block.1 - 1) as f32 / 2.0;
        block.0 = block.0.min(bottom - half).max(top + half);
        blocks.push(block);
    }
    let of = |(middle, count): (f32, usize)| {
        (0..count).map(move |index| middle + pitch * (index as f32 - (count - 1) as f32 / 2.0))
    };
    blocks.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_apart_in_order_and_inside() {
        assert_eq!(spread(&[10.0, 50.0], 20.0, 0.0, 100.0), [10.0, 50.0]);
        assert_eq!(spread(&[50.0, 50.0], 20.0, 0.0, 100.0), [40.0, 60.0]);
        assert_eq!(spread(&[0.0, 0.0, 0.0], 20.0, 0.0, 100.0), [0.0, 20.0, 40.0]);
        let ys = spread(&[95.0, 98.0, 99.0, 100.0], 17.0, 0.0, 100.0);
        assert!(ys.windows(2).all(|pair| pair[1] - pair[0] > 16.9) && ys[3] <= 100.1, "{ys:?}");
    }
}
