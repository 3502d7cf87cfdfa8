//! Figures of a CSV, a row for each value of a column.

use super::rows::{Mark, Rows, Series};
use super::scale::Unit;
use super::scene::Scene;
use crate::csv_table::Table;
use crate::formula;
use crate::lang::compare::distinct;

/// What is drawn of a CSV.
pub(super) struct Amounts {
    pub title: &'static str,
    pub explanation: &'static str,
    pub axis: &'static str,
    pub unit: Unit,
    /// The column whose values are the rows.
    pub by: &'static str,
    /// Names of the figures and their formulas, as [`formula::evaluate`] takes them.
    pub figures: &'static [(&'static str, &'static str)],
}

impl Amounts {
    /// `None` if no row has a figure.
    pub fn scene(&self, table: &Table) -> Option<Scene> {
        let good = formula::select(table, "");
        let names: Vec<String> = good.iter().filter_map(|row| row.get(self.by).ok()).collect();
        let marks_of = |name: &str| {
            let rows = formula::select(table, &format!("{}={name}", self.by));
            let mark = |(series, (_, formula)): (usize, &(_, &str))| {
                let figure = formula::evaluate(&rows, formula).ok()?.interval;
                Some(Mark { row: name.to_owned(), series, figure, stroke: None })
            };
            self.figures.iter().enumerate().filter_map(mark).collect::<Vec<_>>()
        };
        let rows = Rows {
            title: self.title,
            explanation: self.explanation,
            axis: self.axis,
            unit: self.unit,
            series: self
                .figures
                .iter()
                .enumerate()
                .map(|(index, (name, _))| Series::named(name, index))
                .collect(),
            marks: distinct(names.iter().map(String::as_str)).into_iter().flat_map(marks_of).collect(),
        };
        rows.scene()
    }
}

#[cfg(test)]
mod tests {
    use super::super::svg;
    use super::*;

    #[test]
    fn each_value_is_a_row_with_the_figures_that_it_has() {
        let path = std::env::temp_dir().join(format!("instar-amounts-{}.csv", std::process::id()));
        std::fs::write(&path, "part,time_ns,paper_ns,failure\nA,10,40,\nA,30,40,\nB,5000,,\nC,,,broke\n")
            .unwrap();
        let table = Table::read(&path);
        std::fs::remove_file(&path).unwrap();
        let amounts = Amounts {
            title: "T",
            explanation: "",
            axis: "time",
            unit: Unit::Nanoseconds,
            by: "part",
            figures: &[("here", "median(time_ns)"), ("paper", "max(paper_ns)")],
        };
        let drawn = svg::render(&amounts.scene(&table.unwrap()).unwrap());
        assert!(drawn.contains(">A<") && drawn.contains(">B<") && drawn.contains("paper"), "{drawn}");
        assert!(!drawn.contains(">C<"), "{drawn}");
    }
}
