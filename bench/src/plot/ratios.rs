//! Ratios to something that is measured beside: a row for each program, a mark for each contender.

use super::chart::heading;
use super::scale::{Scale, Unit};
use super::scene::{Anchor, Color, Scene, Stroke, Text};
use super::style::Contender;
use crate::lang::barrier::Comparison;
use crate::lang::compare::{self, BASE};
use crate::lang::heal::HOLDERS;
use crate::lang::programs::CLASSIC;
use crate::lang::rows::{HealRow, LangRow};
use crate::lang::virtualization;
use crate::point::Strategy;
use crate::stats::{self, Interval};

const LEFT: f32 = 170.0;
const RIGHT: f32 = 880.0;
const TOP: f32 = 110.0;
const PITCH: f32 = 34.0;
/// Pixels between the marks of two contenders in one row.
const APART: f32 = 11.0;
/// Pixels of the legend for a contender.
const LEGEND: f32 = 140.0;

/// Colours and marks of contenders that are no strategies, in the order of the legend.
const LOOKS: [Strategy; 4] =
    [Strategy::Lazy, Strategy::FullScan, Strategy::AlwaysCheck, Strategy::ObjectTable];

/// What is compared.
struct Series {
    label: String,
    look: Contender,
}

impl Series {
    fn of(strategy: Strategy) -> Self {
        let look = Contender { strategy, workers: 1 };
        Self { label: look.label(), look }
    }

    fn named(label: &str, index: usize) -> Self {
        let look = Contender { strategy: LOOKS[index % LOOKS.len()], workers: 1 };
        Self { label: label.to_owned(), look }
    }
}

/// One contender in one row.
struct Mark {
    row: String,
    series: usize,
    ratio: Interval,
    /// A second ratio, drawn as a short stroke.
    stroke: Option<f64>,
}

/// All that is drawn.
struct Ratios<'a> {
    title: &'a str,
    explanation: &'a str,
    axis: &'a str,
    series: Vec<Series>,
    /// Those of one row stand together.
    marks: Vec<Mark>,
}

/// The read barrier's cost for each program: time and instructions. `None` without comparisons.
pub(super) fn barrier(comparisons: &[Comparison]) -> Option<Scene> {
    let strategies = [Strategy::Lazy, Strategy::AlwaysCheck];
    let mark = |it: &Comparison| {
        let series = strategies.iter().position(|strategy| *strategy == it.strategy)?;
        Some(Mark { row: it.benchmark.clone(), series, ratio: it.time, stroke: it.instructions })
    };
    let ratios = Ratios {
        title: "Time under a read barrier against never checking",
        explanation: "Marks: ratio of median times; bars: 95 % bootstrap interval; short strokes: ratio of instructions.",
        axis: "ratio to never checking (full scan); less is faster",
        series: strategies.map(Series::of).into(),
        marks: comparisons.iter().filter_map(mark).collect(),
    };
    ratios.scene()
}

/// The classic set against CPython. `None` without a program that CPython and another system ran.
pub(super) fn systems(rows: &[LangRow], seed: u64) -> Option<Scene> {
    let mut systems = compare::distinct(rows.iter().map(|row| row.system.as_str()));
    systems.retain(|system| *system != BASE);
    systems.sort_by_key(|system| (*system != compare::OURS, *system));
    let mark = |program: &str, series: usize| {
        let base = compare::times(rows, program, BASE);
        let ratio = stats::ratio_of_medians(&compare::times(rows, program, systems[series]), &base, seed)?;
        Some(Mark { row: program.to_owned(), series, ratio, stroke: None })
    };
    let of = |program| (0..systems.len()).filter_map(move |series| mark(program, series)).collect::<Vec<_>>();
    let ratios = Ratios {
        title: "Time of the classic programs against CPython",
        explanation: "Marks: ratio of median times; bars: 95 % bootstrap interval.",
        axis: "ratio to CPython; less is faster",
        series: systems.iter().enumerate().map(|(index, name)| Series::named(name, index)).collect(),
        marks: CLASSIC.iter().flat_map(|program| of(program.name)).collect(),
    };
    ratios.scene()
}

/// Passes after a become against the pass before. `None` without a good row.
pub(super) fn passes(rows: &[HealRow], seed: u64) -> Option<Scene> {
    type Figure = fn(&HealRow) -> Option<u64>;
    let passes: [(&str, Figure); 4] = [
        ("first pass", |row| row.first_pass_ns),
        ("second pass", |row| row.second_pass_ns),
        ("third pass", |row| row.third_pass_ns),
        ("after a collection", |row| row.after_gc_pass_ns),
    ];
    let column = |holder: &str, figure: Figure| -> Vec<f64> {
        let of = rows.iter().filter(|row| row.holder == holder);
        of.filter_map(figure).map(|figure| figure as f64).collect()
    };
    let of = |holder: &'static str| {
        let before = column(holder, |row| row.before_ns);
        let mark = |(series, (_, figure)): (usize, &(&str, Figure))| {
            let ratio = stats::ratio_of_medians(&column(holder, *figure), &before, seed)?;
            Some(Mark { row: holder.to_owned(), series, ratio, stroke: None })
        };
        passes.iter().enumerate().filter_map(mark).collect::<Vec<_>>()
    };
    let ratios = Ratios {
        title: "Passes over objects that became others, against the pass before",
        explanation: "Marks: ratio of median times; bars: 95 % bootstrap interval. No collection between the first three passes.",
        axis: "ratio to the pass before the become; less is faster",
        series: passes.iter().enumerate().map(|(index, (name, _))| Series::named(name, index)).collect(),
        marks: HOLDERS.into_iter().flat_map(of).collect(),
    };
    ratios.scene()
}

/// Programs under a hypervisor against the same programs alone, and their geometric mean. `None` without a pair.
pub(super) fn virtualized(rows: &[virtualization::Row], seed: u64) -> Option<Scene> {
    let mark = |row: &str, series: usize, ratio| Mark { row: row.to_owned(), series, ratio, stroke: None };
    let of = |name: &str| virtualization::ratio(rows, name, seed).map(|ratio| mark(name, 0, ratio));
    let mut marks: Vec<Mark> = virtualization::benchmarks(rows).into_iter().filter_map(of).collect();
    marks.push(mark("geometric mean", 0, virtualization::mean(rows, seed)?));
    let memory = virtualization::space_bytes(rows)
        .map(|bytes| format!(" The program's space makes {:.2} MiB resident.", bytes / f64::from(1 << 20)));
    let explanation = format!(
        "Marks: median ratio of pairs measured one after the other; bars: 95 % bootstrap interval.{}",
        memory.unwrap_or_default()
    );
    let ratios = Ratios {
        title: "Time as a space under a hypervisor against running alone",
        explanation: &explanation,
        axis: "ratio to running alone; less is faster",
        series: vec![Series::named("virtualized", 0)],
        marks,
    };
    ratios.scene()
}

impl Ratios<'_> {
    fn scene(&self) -> Option<Scene> {
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
            [Some(it.ratio.low), Some(it.ratio.high), Some(it.ratio.value), it.stroke].into_iter().flatten()
        });
        let scale = Scale::around(1.0, values, Unit::Ratio, (LEFT, RIGHT));
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
        let one = scale.at(1.0);
        scene.line([(one, TOP), (one, bottom)], Stroke::solid(Color::GREY, 1.5));
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
        let Interval { value, low, high } = mark.ratio;
        scene.line([(scale.at(low), y), (scale.at(high), y)], Stroke::solid(look.color(), 1.6));
        look.mark(scene, (scale.at(value), y));
        if let Some(stroke) = mark.stroke {
            let x = scale.at(stroke);
            scene.line([(x, y - 6.0), (x, y + 6.0)], Stroke::solid(look.color(), 2.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::svg;
    use super::*;

    #[test]
    fn every_comparison_is_drawn() {
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
        let drawn = svg::render(&barrier(&all).unwrap());
        assert!(drawn.contains("Fib") && drawn.contains("Json") && drawn.contains("always check"));
        assert!(barrier(&[]).is_none());
    }

    #[test]
    fn systems_are_drawn_where_cpython_ran_too() {
        let row = |benchmark: &str, system: &str| LangRow {
            benchmark: benchmark.to_owned(),
            system: system.to_owned(),
            time_ns: Some(1000),
            checksum_ok: true,
        };
        let rows = [row("Fib", "cpython"), row("Fib", "instar"), row("Fib", "lua"), row("CD", "instar")];
        let drawn = svg::render(&systems(&rows, 1).unwrap());
        assert!(drawn.contains("Fib") && drawn.contains("instar") && drawn.contains("lua"));
        assert!(!drawn.contains(">CD<") && systems(&rows[1..], 1).is_none());
    }

    #[test]
    fn programs_under_a_hypervisor_are_drawn_with_their_mean() {
        let row = |mode: &str, time| virtualization::Row {
            benchmark: "NBody".to_owned(),
            mode: mode.to_owned(),
            run: 1,
            time_ns: Some(time),
            space_bytes: (mode == "virtualized").then_some(3 << 20),
            creation_ns: None,
        };
        let rows = [row("plain", 1000), row("virtualized", 1010)];
        let drawn = svg::render(&virtualized(&rows, 1).unwrap());
        assert!(
            drawn.contains("NBody") && drawn.contains("geometric mean") && drawn.contains("3.00 MiB"),
            "{drawn}"
        );
        assert!(virtualized(&rows[..1], 1).is_none());
    }

    #[test]
    fn passes_are_drawn_for_each_holder() {
        let row = HealRow {
            holder: "array".to_owned(),
            before_ns: Some(1000),
            become_ns: Some(50),
            first_pass_ns: Some(1500),
            second_pass_ns: Some(1020),
            third_pass_ns: Some(1000),
            after_gc_pass_ns: Some(990),
            collections: Some(0),
        };
        let drawn = svg::render(&passes(&[row], 1).unwrap());
        assert!(drawn.contains("array") && drawn.contains("second pass"));
        assert!(passes(&[], 1).is_none());
    }
}
