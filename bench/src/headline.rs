//! The answer in one table: how many times longer a full scan stops the program than a lazy become.

use std::cmp::Reverse;

use crate::figures;
use crate::measure::Observation;
use crate::plot::select::{Axis, Line, longest_line, summary};
use crate::plot::style::Contender;
use crate::point::Strategy;
use crate::record::Record;
use crate::stats::Summary;

/// The pauses of lazy and full scan on the same heap, with one worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Pairs swapped by the one become.
    pub pairs: u64,
    /// Bystanders in the heap.
    pub bystanders: u64,
    /// Pause of the lazy become, in nanoseconds.
    pub lazy: Summary,
    /// Pause of the full scan, in nanoseconds.
    pub scan: Summary,
}

impl Comparison {
    /// How many times longer the full scan takes.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.scan.median / self.lazy.median.max(1.0)
    }

    /// The least and the most that the ratio is by the intervals of both medians.
    #[must_use]
    pub fn ratio_range(&self) -> (f64, f64) {
        (self.scan.low / self.lazy.high.max(1.0), self.scan.high / self.lazy.low.max(1.0))
    }
}

/// The comparisons along the line of growing pairs, then along those of growing heaps with the fewest and the most
/// pairs; each point once.
#[must_use]
pub fn comparisons(records: &[Record]) -> Vec<Comparison> {
    let pairs =
        || records.iter().filter(|record| record.outcome.is_ok()).map(|record| record.trial.point.pairs);
    let (fewest, most) = (pairs().min().unwrap_or(0), pairs().max().unwrap_or(0));
    let heaps = |pairs| longest_line(records, Axis::Bystanders, |point| point.pairs == pairs);
    let lines = [
        (Axis::Pairs, longest_line(records, Axis::Pairs, |_| true)),
        (Axis::Bystanders, heaps(fewest)),
        (Axis::Bystanders, heaps(most)),
    ];
    let mut all: Vec<Comparison> = Vec::new();
    for (axis, line) in lines {
        for comparison in line.map_or_else(Vec::new, |line| along(&line, axis)) {
            let same = |c: &Comparison| (c.pairs, c.bystanders) == (comparison.pairs, comparison.bystanders);
            if !all.iter().any(same) {
                all.push(comparison);
            }
        }
    }
    all
}

fn along(line: &Line<'_>, axis: Axis) -> Vec<Comparison> {
    let pauses = |strategy| {
        let mut by_contender = line.by_contender(axis);
        by_contender.remove(&Contender { strategy, workers: 1 }).unwrap_or_default()
    };
    let scans = pauses(Strategy::FullScan);
    let pause =
        |runs: &[&Observation]| summary(&runs.iter().map(|run| run.pause_ns as f64).collect::<Vec<_>>());
    let both = |(level, lazy): (u64, Vec<&Observation>)| {
        let scan = pause(scans.get(&level)?)?;
        let (pairs, bystanders) = match axis {
            Axis::Bystanders => (line.fixed.pairs, level),
            Axis::Pairs | Axis::Holder => (level, line.fixed.bystanders),
        };
        Some(Comparison { pairs, bystanders, lazy: pause(&lazy)?, scan })
    };
    pauses(Strategy::Lazy).into_iter().filter_map(both).collect()
}

/// The comparisons as a table for a terminal, with the headline below; a line that says so if there are none.
#[must_use]
pub fn table(comparisons: &[Comparison]) -> String {
    let Some(headline) = sentence(comparisons) else {
        return "No point has observations of both lazy and full-scan with one worker.\n".to_owned();
    };
    let mut out = format!(
        "{:>12} {:>12} {:>12} {:>12} {:>18}\n",
        "pairs", "bystanders", "lazy", "full scan", "full scan / lazy"
    );
    for row in comparisons {
        out += &format!(
            "{:>12} {:>12} {:>12} {:>12} {:>18}\n",
            figures::count(row.pairs),
            figures::count(row.bystanders),
            figures::duration(row.lazy.median),
            figures::duration(row.scan.median),
            figures::ratio(row.ratio()),
        );
    }
    out + "\n" + &headline + "\n"
}

/// The headline: the smallest become in the largest heap, and the largest become.
#[must_use]
fn sentence(comparisons: &[Comparison]) -> Option<String> {
    let in_heap = comparisons.iter().min_by_key(|row| (row.pairs, Reverse(row.bystanders)))?;
    let largest = comparisons.iter().max_by_key(|row| (row.pairs, row.bystanders))?;
    let pairs = |count: u64| {
        if count == 1 { "one pair".to_owned() } else { format!("{} pairs", figures::count(count)) }
    };
    let of = |row: &Comparison| {
        format!(
            "{} among {} bystanders {} {} lazily and {} by full scan ({})",
            pairs(row.pairs),
            figures::count(row.bystanders),
            if row.pairs == 1 { "takes" } else { "take" },
            figures::duration(row.lazy.median),
            figures::duration(row.scan.median),
            figures::ratio(row.ratio()),
        )
    };
    let mut sentence = format!("Swapping {}", of(in_heap));
    if largest != in_heap {
        sentence += &format!("; {}", of(largest));
    }
    Some(sentence + ".")
}
