//! What access costs after a become, and how the cost decays: a panel for each place where references stand.

use super::chart::{Chart, EndLabel, Frame, Series, heading};
use super::scale::{Scale, Unit};
use super::scene::{Anchor, Color, Scene, Stroke, Text};
use super::select::{Axis, Line, longest_line, summary};
use super::style::{self, Contender};
use super::words;
use crate::figures;
use crate::measure::Observation;
use crate::point::{Holder, Strategy};
use crate::record::Record;
use crate::stats;

/// The passes, in the order of time.
const STAGES: [&str; 4] = ["before", "first", "second", "after GC"];
const PANEL_WIDTH: f32 = 230.0;
const GAP: f32 = 26.0;
const LEFT: f32 = 90.0;
const TOP: f32 = 118.0;
const BOTTOM: f32 = 420.0;
const LABELS: f32 = 150.0;

const fn stage(observation: &Observation, index: usize) -> Option<u64> {
    match index {
        0 => observation.plain_pass_ns,
        1 => observation.first_pass_ns,
        2 => observation.second_pass_ns,
        _ => observation.after_gc_pass_ns,
    }
}

/// A contender at one holder: its passes relative to its own pass before the become, and what that one cost.
struct Passes {
    series: Series,
    before_ns: f64,
}

/// All contenders at one holder. Of a strategy that was measured with several numbers of workers the fewest: passes
/// are the mutator's, which is one thread.
fn relative_passes(line: &Line<'_>, holder: Holder) -> Vec<Passes> {
    let mut all: Vec<Passes> = Vec::new();
    let references = (line.fixed.pairs * u64::from(line.fixed.references_per_object)).max(1) as f64;
    for (who, levels) in line.by_contender(Axis::Holder) {
        if all.iter().any(|passes| passes.series.who.strategy == who.strategy) {
            continue;
        }
        let runs = levels.get(&(holder as u64)).map_or(&[][..], Vec::as_slice);
        let at = |index: usize| {
            let ratio =
                |run: &&Observation| Some(stage(run, index)? as f64 / run.plain_pass_ns?.max(1) as f64);
            Some((index as f64, summary(&runs.iter().filter_map(ratio).collect::<Vec<_>>())?))
        };
        let points: Vec<_> = (0..STAGES.len()).filter_map(at).collect();
        let before: Vec<f64> = runs.iter().filter_map(|run| run.plain_pass_ns).map(|ns| ns as f64).collect();
        if let (Some(before), true) = (stats::median(&before), points.len() > 1) {
            all.push(Passes { series: Series { who, points }, before_ns: before / references });
        }
    }
    all
}

/// Access before and after; `None` if no row has passes.
pub(super) fn passes(records: &[Record]) -> Option<Scene> {
    // The most pairs for which the most holders were measured: a pass over few objects measures the cache.
    let line = longest_line(records, Axis::Holder, |_| true)?;
    let panels: Vec<(Holder, Vec<Passes>)> = Holder::ALL
        .iter()
        .map(|&holder| (holder, relative_passes(&line, holder)))
        .filter(|(_, passes)| !passes.is_empty())
        .collect();
    if panels.is_empty() {
        return None;
    }
    let count = panels.len() as f32;
    let width = LEFT + count * PANEL_WIDTH + (count - 1.0) * GAP + LABELS;
    let title = "Access after a become: the first pass pays, and how the cost decays";
    let mut scene = Scene::new(width.max(760.0), BOTTOM + 76.0, title);
    let fixed = words::fixed(&line, Axis::Holder);
    heading(&mut scene, LEFT, title, &[&fixed, &words::runs(&line)]);

    let values = panels.iter().flat_map(|(_, passes)| passes).flat_map(|passes| &passes.series.points);
    let y = Scale::over(
        values.flat_map(|(_, y)| [y.low, y.high]).chain([1.0, 2.0]),
        Unit::Ratio,
        (BOTTOM, TOP),
        0.1,
    );
    for (index, (holder, passes)) in panels.iter().enumerate() {
        let left = LEFT + index as f32 * (PANEL_WIDTH + GAP);
        let frame = Frame { left, top: TOP, right: left + PANEL_WIDTH, bottom: BOTTOM };
        let chart = Chart { frame, x: stages(frame), y };
        let labels = panel(&mut scene, &chart, *holder, passes, index == 0);
        if index + 1 == panels.len() {
            chart.end_labels(&mut scene, labels);
        }
    }
    Some(scene)
}

/// The stages as an axis: stage `n` is drawn at 10ⁿ.
fn stages(frame: Frame) -> Scale {
    Scale::over([1.0, 1000.0].into_iter(), Unit::Count, (frame.left, frame.right), 0.12)
}

/// One panel; the labels of its lines.
fn panel(scene: &mut Scene, chart: &Chart, holder: Holder, passes: &[Passes], first: bool) -> Vec<EndLabel> {
    let Chart { frame, y, .. } = chart;
    let name = match holder {
        Holder::Field => "references in fields",
        Holder::Array => "references in an array",
        Holder::Closure => "references in closures",
    };
    scene.text(Text::new((frame.left, frame.top - 12.0), name).bold());
    chart.horizontal_grid(scene, first);
    if first {
        chart.vertical_name(scene, "pass, relative to the one before");
    }
    scene.line([(frame.left, y.at(1.0)), (frame.right, y.at(1.0))], Stroke::solid(Color::GREY, 1.0));
    let place = |stage: f64| 10_f64.powf(stage);
    for (index, name) in STAGES.iter().enumerate() {
        let x = chart.x.at(place(index as f64));
        scene.text(Text::new((x, frame.bottom + 20.0), *name).anchor(Anchor::Middle));
    }
    costs_before(scene, chart, passes);
    let place_all = |series: &Series| {
        let points = series.points.iter().map(|(stage, y)| (place(*stage), *y)).collect();
        Series { who: series.who, points }
    };
    let placed: Vec<Series> = passes.iter().map(|passes| place_all(&passes.series)).collect();
    let mut labels = chart.lines(scene, &placed);
    for (label, series) in labels.iter_mut().zip(&placed) {
        style::strategy(series.who.strategy).clone_into(&mut label.text);
    }
    first_factor(chart, scene, &placed);
    labels
}

/// What 1× is of each contender: below the panel, in its colour. In columns, since whoever shows the SVG may have a
/// wider font than the one that is measured here.
fn costs_before(scene: &mut Scene, chart: &Chart, passes: &[Passes]) {
    let (left, y) = (chart.frame.left, chart.frame.bottom + 46.0);
    scene.text(Text::new((left, y), "1×, a reference:").size(SMALL).color(Color::GREY));
    let column = PANEL_WIDTH / passes.len().max(COLUMNS) as f32;
    for (index, Passes { series, before_ns }) in passes.iter().enumerate() {
        let cost = Text::new((left + index as f32 * column, y + 17.0), figures::duration(*before_ns));
        scene.text(cost.size(SMALL).bold().color(series.who.color()));
    }
}

/// Columns that a panel has at least.
const COLUMNS: usize = 4;

const SMALL: f32 = 12.0;

/// The factor of the first pass of the lazy become, above its mark.
fn first_factor(chart: &Chart, scene: &mut Scene, series: &[Series]) {
    let lazy = series.iter().find(|series| series.who.strategy == Strategy::Lazy);
    let Some((x, first)) = lazy.and_then(|lazy| lazy.points.get(1)) else { return };
    let (x, y) = chart.at(*x, first.high.max(first.median));
    let who = Contender { strategy: Strategy::Lazy, workers: 1 };
    let text = Text::new((x, y - 10.0), figures::ratio(first.median)).size(15.0).bold();
    scene.text(text.color(who.color()).anchor(Anchor::Middle).halo());
}
