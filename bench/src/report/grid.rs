//! A table of the report.

use crate::csv_table::{Row, Table};
use crate::experiments::Experiment;
use crate::figures;
use crate::formula::{self, Unit};
use crate::limits::{self, Limit};

/// Cells under their heads, written out.
pub(super) struct Grid {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// A row for each group of an experiment's rows, in the order of the file or, where a column is of numbers, of these; with the median of each column and its interval.
    pub fn grouped(table: &Table, experiment: &Experiment) -> Self {
        let mut groups: Vec<(Vec<String>, Vec<Row<'_>>)> = Vec::new();
        for row in formula::select(table, experiment.rows) {
            let key = texts(&row, experiment.by);
            match groups.iter_mut().find(|group| group.0 == key) {
                Some(group) => group.1.push(row),
                None => groups.push((key, vec![row])),
            }
        }
        // Stable: what is no number stays as it is in the file.
        groups.sort_by(|(a, _), (b, _)| {
            let numbers =
                a.iter().zip(b).filter_map(|(a, b)| Some(a.parse::<f64>().ok()?.total_cmp(&b.parse().ok()?)));
            numbers.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let cell = |rows: &[Row<'_>], column: &str| {
            formula::evaluate(rows, &format!("median({column})"))
                .map_or_else(|_| texts(&rows[0], &[column]).concat(), |figure| figure.text())
        };
        let written =
            |key: Vec<String>| key.into_iter().map(|text| text.parse().map_or(text, figures::count));
        let rows = groups.into_iter().map(|(key, rows)| {
            written(key).chain(experiment.columns.iter().map(|column| cell(&rows, column))).collect()
        });
        let head = experiment.by.iter().chain(experiment.columns).map(|name| title(name)).collect();
        Self { head, rows: rows.collect() }
    }

    /// What the machine can do at best.
    pub fn of_limits(limits: &[Limit]) -> Self {
        let mut threads: Vec<u32> = limits.iter().map(|row| row.threads).collect();
        threads.sort_unstable();
        threads.dedup();
        let heads = threads
            .iter()
            .map(|&count| if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") });
        let head = ["limit".to_owned()].into_iter().chain(heads).collect();
        let measured = limits::ALL.iter().filter(|limit| limits.iter().any(|row| row.limit == limit.name));
        let rows = measured.map(|limit| {
            let value = |&count: &u32| {
                limits::median_of(limits, limit.name, count)
                    .map_or_else(String::new, |value| format!("{} {}", figures::plain(value), limit.unit))
            };
            [limit.about.to_owned()].into_iter().chain(threads.iter().map(value)).collect()
        });
        Self { head, rows: rows.collect() }
    }
}

fn texts(row: &Row<'_>, columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| row.get::<String>(column).unwrap_or_default()).collect()
}

/// `safe_point_wait_ns` as `safe point wait`: cells have the units.
fn title(column: &str) -> String {
    let name = match Unit::of(column) {
        Unit::Count => column,
        _ => column.rsplit_once('_').map_or(column, |(name, _)| name),
    };
    name.replace('_', " ")
}
