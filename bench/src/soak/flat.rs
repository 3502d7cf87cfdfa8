//! What it means that a program stays as it was.

use super::rows::Row;
use crate::figures;
use crate::stats::median;

/// Of the time, at the beginning: rooms fill up to their bound, and each update is made for the first time.
const SETTLING: f64 = 0.3;
/// How much more memory may be in use at the end: what waits for users is more at one moment and less at another.
const BOUND: f64 = 1.02;

/// Of what is compared: its name, how it is written and its figure.
type Figure = (&'static str, fn(&Row) -> u64);
/// Exactly the same after each inverse of an update.
pub(super) const COUNTS: [Figure; 4] = [
    ("classes", |row| row.step.classes),
    ("methods", |row| row.step.methods),
    ("symbols", |row| row.step.symbols),
    ("forwarders", |row| row.step.forwarders),
];
/// In the last third of the settled time at most so much more than in the first.
pub(super) const MEMORY: [Figure; 2] =
    [("bytes of the heap", |row| row.step.heap_bytes), ("resident bytes", |row| row.step.rss_bytes)];

/// The rows that are compared: those behind an inverse, once the program has settled. All of one run.
pub(super) fn settled<'r>(rows: &[&'r Row]) -> Vec<&'r Row> {
    let from = rows.last().map_or(0.0, |last| last.step.at.end as f64 * SETTLING);
    rows.iter().copied().filter(|row| row.step.is_inverse && row.step.at.start as f64 >= from).collect()
}

/// Medians of the first third and of the last.
pub(super) fn ends(rows: &[&Row], figure: fn(&Row) -> u64) -> Option<(f64, f64)> {
    let third = rows.len().div_ceil(3);
    let of = |rows: &[&Row]| median(&rows.iter().map(|row| figure(row) as f64).collect::<Vec<_>>());
    Some((of(&rows[..third])?, of(&rows[rows.len() - third..])?))
}

/// What did not stay as it was, of the rows of one run.
pub(super) fn problems(rows: &[&Row]) -> Vec<String> {
    let settled = settled(rows);
    let mut problems: Vec<String> =
        rows.iter().filter(|row| !row.failure.is_empty()).take(1).map(|row| row.failure.clone()).collect();
    for (name, figure) in COUNTS {
        // What the last update keeps, so that it can be taken back, is another amount for each.
        let grown = settled.iter().find_map(|row| {
            let first = settled.iter().find(|it| it.step.update == row.step.update)?;
            (figure(row) != figure(first)).then(|| (figure(first), figure(row), row))
        });
        if let Some((before, after, row)) = grown {
            let (number, update) = (row.step.number, &row.step.update);
            problems
                .push(format!("{before} {name} became {after} with step {number}, the inverse of {update}"));
        }
    }
    for (name, figure) in MEMORY {
        if let Some((first, last)) = ends(&settled, figure).filter(|(first, last)| *last > first * BOUND) {
            problems.push(format!(
                "{} {name} became {}",
                figures::grouped(first as u64),
                figures::grouped(last as u64)
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::row;
    use super::*;

    fn problems_of(rows: &[Row]) -> Vec<String> {
        problems(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn what_varies_a_little_is_flat_and_what_grows_is_not() {
        let rows: Vec<Row> = (1..=60).map(row).collect();
        assert_eq!(problems_of(&rows), Vec::<String>::new());
        let grown = |change: fn(&mut Row)| {
            let mut rows = rows.clone();
            rows.iter_mut().for_each(change);
            problems_of(&rows)
        };
        assert_eq!(
            grown(|row| row.step.symbols += u64::from(row.step.number > 40)),
            ["5000 symbols became 5001 with step 42, the inverse of engine"]
        );
        let heap = grown(|row| row.step.heap_bytes += u64::from(row.step.number) * 10_000);
        assert!(heap.len() == 1 && heap[0].contains("bytes of the heap became"), "{heap:?}");
        assert_eq!(grown(|row| row.failure = "1 lost".to_owned()), ["1 lost"]);
        // While it settles it may grow.
        assert!(grown(|row| row.step.classes += u64::from(row.step.number > 10)).is_empty());
    }

    #[test]
    fn each_update_keeps_an_amount_of_its_own() {
        let mut rows: Vec<Row> = (1..=60).map(row).collect();
        rows.iter_mut().filter(|row| row.step.update == "kernel").for_each(|row| row.step.methods += 30);
        assert!(problems_of(&rows).is_empty());
    }
}
