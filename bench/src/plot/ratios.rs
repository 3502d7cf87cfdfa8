//! Ratios to something that is measured beside.

use super::rows::{Mark, Rows, Series};
use super::scale::Unit;
use super::scene::Scene;
use crate::lang::barrier::Comparison;
use crate::lang::compare::{self, BASE};
use crate::lang::heal::HOLDERS;
use crate::lang::programs::CLASSIC;
use crate::lang::rows::{HealRow, LangRow};
use crate::lang::virtualization;
use crate::point::Strategy;
use crate::stats;

/// The read barrier's cost for each program: time and instructions. `None` without comparisons.
pub(super) fn barrier(comparisons: &[Comparison]) -> Option<Scene> {
    let strategies = [Strategy::Lazy, Strategy::AlwaysCheck];
    let mark = |it: &Comparison| {
        let series = strategies.iter().position(|strategy| *strategy == it.strategy)?;
        Some(Mark { row: it.benchmark.clone(), series, figure: it.time, stroke: it.instructions })
    };
    let ratios = Rows {
        title: "Time under a read barrier against never checking",
        explanation: "Marks: ratio of median times; bars: 95 % bootstrap interval; short strokes: ratio of instructions.",
        unit: Unit::Ratio,
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
        Some(Mark { row: program.to_owned(), series, figure: ratio, stroke: None })
    };
    let of = |program| (0..systems.len()).filter_map(move |series| mark(program, series)).collect::<Vec<_>>();
    let ratios = Rows {
        title: "Time of the classic programs against CPython",
        explanation: "Marks: ratio of median times; bars: 95 % bootstrap interval.",
        unit: Unit::Ratio,
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
            Some(Mark { row: holder.to_owned(), series, figure: ratio, stroke: None })
        };
        passes.iter().enumerate().filter_map(mark).collect::<Vec<_>>()
    };
    let ratios = Rows {
        title: "Passes over objects that became others, against the pass before",
        explanation: "Marks: ratio of median times; bars: 95 % bootstrap interval. No collection between the first three passes.",
        unit: Unit::Ratio,
        axis: "ratio to the pass before the become; less is faster",
        series: passes.iter().enumerate().map(|(index, (name, _))| Series::named(name, index)).collect(),
        marks: HOLDERS.into_iter().flat_map(of).collect(),
    };
    ratios.scene()
}

/// Programs under a hypervisor against the same programs alone, and their geometric mean. `None` without a pair.
pub(super) fn virtualized(rows: &[virtualization::Row], seed: u64) -> Option<Scene> {
    let mark =
        |row: &str, series: usize, ratio| Mark { row: row.to_owned(), series, figure: ratio, stroke: None };
    let of = |name: &str| virtualization::ratio(rows, name, seed).map(|ratio| mark(name, 0, ratio));
    let mut marks: Vec<Mark> = virtualization::benchmarks(rows).into_iter().filter_map(of).collect();
    marks.push(mark("geometric mean", 0, virtualization::mean(rows, seed)?));
    let memory = virtualization::space_bytes(rows)
        .map(|bytes| format!(" The program's space makes {:.2} MiB resident.", bytes / f64::from(1 << 20)));
    let explanation = format!(
        "Marks: median ratio of pairs measured one after the other; bars: 95 % bootstrap interval.{}",
        memory.unwrap_or_default()
    );
    let ratios = Rows {
        title: "Time as a space under a hypervisor against running alone",
        explanation: &explanation,
        unit: Unit::Ratio,
        axis: "ratio to running alone; less is faster",
        series: vec![Series::named("virtualized", 0)],
        marks,
    };
    ratios.scene()
}

#[cfg(test)]
mod tests {
    use super::super::svg;
    use super::*;
    use crate::stats::Interval;

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
