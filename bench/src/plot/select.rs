//! Which rows of a CSV a plot is about: those on the longest line through the grid.

use std::collections::{BTreeMap, BTreeSet};

use super::chart::Series;
use super::style::Contender;
use crate::measure::Observation;
use crate::point::{Age, Holder, Kind, Point, Strategy};
use crate::record::Record;
use crate::stats::{self, Summary};

/// Good observations that differ in one coordinate only, and in who made them.
pub(crate) struct Line<'a> {
    /// What they have in common; the coordinate that differs, the strategy and the workers mean nothing here.
    pub fixed: Point,
    pub rows: Vec<(Point, &'a Observation)>,
}

/// The coordinate that differs along a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Pairs,
    Bystanders,
    Holder,
}

impl Axis {
    /// The coordinate as a number.
    pub(crate) const fn value(self, point: &Point) -> u64 {
        match self {
            Self::Pairs => point.pairs,
            Self::Bystanders => point.bystanders,
            Self::Holder => point.holder as u64,
        }
    }

    const fn without(self, mut point: Point) -> Point {
        point.strategy = Strategy::Lazy;
        point.workers = 1;
        match self {
            Self::Pairs => point.pairs = 0,
            Self::Bystanders => point.bystanders = 0,
            Self::Holder => point.holder = Holder::Field,
        }
        point
    }
}

/// The line with most values of the coordinate among those that `allowed` admits; of several the plainest.
pub(crate) fn longest_line(
    records: &[Record],
    axis: Axis,
    allowed: impl Fn(&Point) -> bool,
) -> Option<Line<'_>> {
    let mut lines: BTreeMap<Point, Vec<(Point, &Observation)>> = BTreeMap::new();
    for record in records {
        let point = record.trial.point;
        if let (Ok(observation), true) = (&record.outcome, allowed(&point)) {
            lines.entry(axis.without(point)).or_default().push((point, observation));
        }
    }
    let length = |rows: &[(Point, &Observation)]| {
        rows.iter().map(|(point, _)| axis.value(point)).collect::<BTreeSet<_>>().len()
    };
    let plain = |point: &Point| {
        let habits = [point.kind == Kind::OneWay, point.age == Age::Old, point.holder == Holder::Field];
        let sparse = std::cmp::Reverse(point.references_per_object);
        (habits.into_iter().filter(|habit| *habit).count(), sparse, point.pairs, point.bystanders)
    };
    let (fixed, rows) = lines.into_iter().max_by_key(|(fixed, rows)| (length(rows), plain(fixed)))?;
    Some(Line { fixed, rows })
}

impl Line<'_> {
    /// The runs of each contender at each value of the coordinate.
    pub(crate) fn by_contender(&self, axis: Axis) -> BTreeMap<Contender, BTreeMap<u64, Vec<&Observation>>> {
        let mut all: BTreeMap<Contender, BTreeMap<u64, Vec<&Observation>>> = BTreeMap::new();
        for (point, observation) in &self.rows {
            let who = Contender { strategy: point.strategy, workers: point.workers };
            all.entry(who).or_default().entry(axis.value(point)).or_default().push(*observation);
        }
        all
    }

    /// A series for each contender, of a figure that may be missing.
    pub(super) fn series(&self, axis: Axis, figure: impl Fn(&Observation) -> Option<u64>) -> Vec<Series> {
        let mut series = Vec::new();
        for (who, levels) in self.by_contender(axis) {
            let summary = |runs: &[&Observation]| {
                let values: Vec<f64> = runs.iter().filter_map(|run| figure(run)).map(|v| v as f64).collect();
                summary(&values)
            };
            let points: Vec<_> =
                levels.iter().filter_map(|(x, runs)| Some((*x as f64, summary(runs)?))).collect();
            if !points.is_empty() {
                series.push(Series { who, points });
            }
        }
        series
    }

    /// How often each point was measured: `5`, or `3 to 5`.
    pub(crate) fn runs(&self) -> String {
        let mut counts: BTreeMap<Point, usize> = BTreeMap::new();
        self.rows.iter().for_each(|(point, _)| *counts.entry(*point).or_default() += 1);
        let (least, most) = (counts.values().min(), counts.values().max());
        match (least, most) {
            (Some(least), Some(most)) if least < most => format!("{least} to {most}"),
            (Some(least), _) => least.to_string(),
            (None, _) => "0".to_owned(),
        }
    }
}

/// Median and interval, always by the same seed so that a plot of the same CSV is the same.
pub(crate) fn summary(values: &[f64]) -> Option<Summary> {
    stats::summarise(values, 1)
}
