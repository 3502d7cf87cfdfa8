//! Medians with intervals, a line for each of several things, over logarithmic axes.

use super::chart::{Chart, EndLabel, Frame, heading};
use super::scale::Unit;
use super::scene::{At, Color, Scene, Stroke};
use crate::csv_table::Table;
use crate::formula;
use crate::stats::{Summary, summarise};

const FRAME: Frame = Frame { left: 110.0, top: 105.0, right: 760.0, bottom: 500.0 };
/// The colours of Okabe and Ito that show on white.
const COLORS: [Color; 7] = [
    Color(0x00, 0x72, 0xb2),
    Color(0xd5, 0x5e, 0x00),
    Color(0x00, 0x9e, 0x73),
    Color(0xcc, 0x79, 0xa7),
    Color(0xe6, 0x9f, 0x00),
    Color(0x56, 0xb4, 0xe9),
    Color::BLACK,
];
const SEED: u64 = 42;

/// What is drawn of a CSV.
pub(super) struct Lines {
    pub title: &'static str,
    pub about: [&'static str; 2],
    /// Which rows, as [`formula::select`] takes them.
    pub rows: &'static str,
    /// The columns whose values name a line.
    pub by: &'static [&'static str],
    /// Column and name of the horizontal axis, which counts.
    pub x: (&'static str, &'static str),
    /// Column and name of the vertical axis, which is of nanoseconds.
    pub y: (&'static str, &'static str),
}

struct Line {
    name: String,
    points: Vec<(f64, Summary)>,
}

impl Lines {
    /// `None` if no row has the figures.
    pub fn scene(&self, table: &Table) -> Option<Scene> {
        let lines = self.lines(table);
        let points = || lines.iter().flat_map(|line| &line.points);
        points().next()?;
        let mut scene = Scene::new(1000.0, FRAME.bottom + 70.0, self.title);
        heading(&mut scene, FRAME.left, self.title, &self.about);
        let ends: Vec<(f64, f64)> = points().flat_map(|(x, y)| [(*x, y.low), (*x, y.high)]).collect();
        let chart = Chart::over(FRAME, &[], (Unit::Count, Unit::Nanoseconds), &ends);
        chart.axes(&mut scene, self.x.1, self.y.1);
        let labels = lines.iter().zip(COLORS.iter().cycle()).filter_map(|(line, &color)| {
            let middles: Vec<At> = line.points.iter().map(|(x, y)| chart.at(*x, y.median)).collect();
            scene.line(middles.clone(), Stroke::solid(color, 1.8));
            for (&middle, (x, y)) in middles.iter().zip(&line.points) {
                scene.line([chart.at(*x, y.low), chart.at(*x, y.high)], Stroke::solid(color, 1.2));
                scene.circle(middle, 3.0, color, color);
            }
            Some(EndLabel { text: line.name.clone(), color, bold: true, end: *middles.last()? })
        });
        let labels = labels.collect();
        chart.end_labels(&mut scene, labels);
        Some(scene)
    }

    /// In the order of their names, each in that of its points.
    fn lines(&self, table: &Table) -> Vec<Line> {
        let mut samples: Vec<(String, f64, Vec<f64>)> = Vec::new();
        for row in formula::select(table, self.rows) {
            let name = self
                .by
                .iter()
                .filter_map(|column| row.get::<String>(column).ok())
                .collect::<Vec<_>>()
                .join(", ");
            let (Ok(x), Ok(y)) = (row.get::<f64>(self.x.0), row.get::<f64>(self.y.0)) else { continue };
            match samples.iter_mut().find(|sample| sample.0 == name && sample.1 == x) {
                Some(sample) => sample.2.push(y),
                None => samples.push((name, x, vec![y])),
            }
        }
        samples.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut lines: Vec<Line> = Vec::new();
        for (name, x, values) in samples {
            let Some(summary) = summarise(&values, SEED) else { continue };
            match lines.last_mut().filter(|line| line.name == name) {
                Some(line) => line.points.push((x, summary)),
                None => lines.push(Line { name, points: vec![(x, summary)] }),
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_is_a_line_with_its_medians() {
        let path = std::env::temp_dir().join(format!("instar-lines-{}.csv", std::process::id()));
        std::fs::write(
            &path,
            "who,n,time_ns,failure\na,1,10,\na,1,30,\na,1,20,\nb,10,7,\na,100,90,\na,100,,broke\n",
        )
        .unwrap();
        let table = Table::read(&path);
        std::fs::remove_file(&path).unwrap();
        let table = table.unwrap();
        let lines = Lines {
            title: "T",
            about: ["", ""],
            rows: "",
            by: &["who"],
            x: ("n", "number"),
            y: ("time_ns", "time"),
        };
        let found: Vec<(String, Vec<(f64, f64)>)> = lines
            .lines(&table)
            .into_iter()
            .map(|line| (line.name, line.points.iter().map(|(x, y)| (*x, y.median)).collect()))
            .collect();
        assert_eq!(
            found,
            [("a".to_owned(), vec![(1.0, 20.0), (100.0, 90.0)]), ("b".to_owned(), vec![(10.0, 7.0)])]
        );
        let svg = super::super::svg::render(&lines.scene(&table).unwrap());
        assert!(svg.contains(">a<") && svg.contains(">number<") && !svg.contains("NaN"), "{svg}");
        assert!(Lines { rows: "who=c", ..lines }.scene(&table).is_none());
    }
}
