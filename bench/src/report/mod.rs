//! The report of everything: each experiment with question, method, plots, figures beside those that others published, and the command that repeats it.
//!
//! It is made of the CSVs of a folder alone. What each experiment has to say is a section, which `html` and `markdown` write.

mod grid;
mod html;
mod markdown;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::grid::Grid;
use crate::csv_table::{Error, Table};
use crate::experiments::{ALL, Experiment, Finding, Target};
use crate::figures;
use crate::formula::{self, Figure};
use crate::limits;
use crate::manifest::Manifest;
use crate::plot::{self, Plot};
use crate::results::Results;

/// An experiment and what is known of it.
struct Section {
    experiment: &'static Experiment,
    /// `None` if its CSV is not there.
    measured: Option<Measured>,
}

/// What a CSV says.
struct Measured {
    findings: Vec<(&'static Finding, Option<Figure>)>,
    plots: Vec<Plot>,
    grids: Vec<(&'static str, Grid)>,
    /// Observations that failed: how many of how many, and the first.
    failed: Option<String>,
    manifest: Option<Manifest>,
}

/// Reads the CSVs of a folder, and writes `report.html`, `report.md` and the plots into another one; the two reports.
///
/// # Errors
/// Names file, line and column of what does not fit, or the file that cannot be written.
pub fn write(results: &Path, out: &Path) -> Result<[PathBuf; 2], Error> {
    let sections: Result<Vec<Section>, Error> =
        ALL.iter().map(|experiment| Section::read(experiment, results)).collect();
    let sections = sections?;
    let plots =
        sections.iter().filter_map(|section| section.measured.as_ref()).flat_map(|measured| &measured.plots);
    let failed = |file: &Path, source: io::Error| Error::File { file: file.to_owned(), source };
    plot::write(plots, out).map_err(|error| failed(out, error))?;
    let pages = [("report.html", html::page(&sections)), ("report.md", markdown::page(&sections))];
    let written = pages.map(|(name, text)| {
        let path = out.join(name);
        fs::write(&path, text).map_err(|error| failed(&path, error)).map(|()| path)
    });
    let [html, markdown] = written;
    Ok([html?, markdown?])
}

impl Section {
    fn read(experiment: &'static Experiment, folder: &Path) -> Result<Self, Error> {
        let csv = folder.join(experiment.csvs[0]);
        if !csv.exists() {
            return Ok(Self { experiment, measured: None });
        }
        let table = Table::read(&csv)?;
        table.require(experiment.by)?;
        table.require(experiment.columns)?;
        let figure = |finding: &'static Finding| {
            // A figure of a point that was not measured, as with --quick, is none.
            (finding, formula::evaluate(&formula::select(&table, finding.rows), finding.formula).ok())
        };
        let mut grids = vec![("medians with 95 % bootstrap intervals", Grid::grouped(&table, experiment))];
        if experiment.csvs.contains(&"limits.csv") && folder.join("limits.csv").exists() {
            let limits = limits::records(&Table::read(&folder.join("limits.csv"))?)?;
            grids.push((
                "the physical limits of this machine, measured in the same session",
                Grid::of_limits(&limits),
            ));
        }
        Ok(Self {
            experiment,
            measured: Some(Measured {
                findings: experiment.findings.iter().map(figure).collect(),
                plots: Results::plots(&csv)?,
                grids,
                failed: failures(&table),
                manifest: Manifest::read(&folder.join(experiment.manifest)),
            }),
        })
    }

    /// What repeats it.
    fn command(&self) -> String {
        format!("cargo run --release -- {}", self.experiment.command)
    }

    /// `E4. A service is updated under load`.
    fn title(&self) -> String {
        let Experiment { id, title, .. } = self.experiment;
        if id.is_empty() { (*title).to_owned() } else { format!("{id}. {title}") }
    }
}

impl Measured {
    /// What the figures mean, if all that the sentence needs are there.
    fn sentence(&self, experiment: &Experiment) -> Option<String> {
        let mut sentence = experiment.meaning.to_owned();
        for (index, (_, figure)) in self.findings.iter().enumerate() {
            let place = format!("{{{index}}}");
            if sentence.contains(&place) {
                let Figure { interval, unit } = (*figure)?;
                sentence = sentence.replace(&place, &unit.text(interval.value));
            }
        }
        Some(sentence)
    }

    /// The targets, as `7 of 8 targets are reached; not reached: …`.
    fn verdict(&self) -> Option<String> {
        let judged: Vec<(&Finding, bool)> = self
            .findings
            .iter()
            .filter_map(|(finding, figure)| Some((*finding, finding.target?.is_reached(figure.as_ref()?))))
            .collect();
        let missed: Vec<&str> =
            judged.iter().filter(|(_, reached)| !reached).map(|(finding, _)| finding.what).collect();
        let (count, reached) = (judged.len(), judged.len() - missed.len());
        match (count, missed.is_empty()) {
            (0, _) => None,
            (1, true) => Some("The target is reached.".to_owned()),
            (2, true) => Some("Both targets are reached.".to_owned()),
            (_, true) => Some(format!("All {count} targets are reached.")),
            _ => {
                Some(format!("{reached} of {count} targets are reached. Not reached: {}.", missed.join("; ")))
            }
        }
    }

    /// The rows of the table of figures: what, the figure, what others published, the target and whether it is reached.
    fn beside(&self) -> Vec<[String; 4]> {
        let row = |(finding, figure): &(&Finding, Option<Figure>)| {
            let ours = figure.map_or_else(|| "not measured".to_owned(), |figure| figure.text());
            let target = finding.target.map_or_else(String::new, |target| {
                let (word, bound) = match target {
                    Target::AtMost(bound) => ("at most", bound),
                    Target::AtLeast(bound) => ("at least", bound),
                };
                let Some(figure) = figure else { return word.to_owned() };
                let verdict = if target.is_reached(figure) { "reached" } else { "missed" };
                format!("{word} {}: {verdict}", figure.unit.text(bound))
            });
            [finding.what.to_owned(), ours, finding.published.to_owned(), target]
        };
        self.findings.iter().map(row).collect()
    }

    /// Machine and program, in one line.
    fn origin(&self) -> String {
        let Some(Manifest { identity, started, .. }) = &self.manifest else {
            return "There is no manifest that says what machine and program this was measured on."
                .to_owned();
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        let changed = if identity.dirty == Some(true) { " (with changes)" } else { "" };
        let memory = identity
            .memory_bytes
            .map_or_else(String::new, |bytes| format!(", {}", figures::bytes(bytes as f64)));
        format!(
            "Measured {started} on {}, {} cores{memory}, {}; {}, {}, commit {}{changed}, seed {}.",
            text(&identity.cpu),
            identity.cores,
            text(&identity.kernel),
            identity.compiler,
            identity.profile,
            text(&identity.commit),
            identity.seed,
        )
    }
}

impl Target {
    fn is_reached(self, figure: &Figure) -> bool {
        match self {
            Self::AtMost(bound) => figure.interval.value <= bound,
            Self::AtLeast(bound) => figure.interval.value >= bound,
        }
    }
}

/// Rows whose last column, `failure`, has a text, or, where there is none, whose `result` is not `ok`.
fn failures(table: &Table) -> Option<String> {
    let has_failure = table.header().iter().any(|name| name == "failure");
    let problem = |row: &crate::csv_table::Row<'_>| {
        if has_failure {
            return row.get::<Option<String>>("failure").ok().flatten();
        }
        row.get::<String>("result").ok().filter(|result| result != "ok")
    };
    let problems: Vec<String> = table.rows().filter_map(|row| problem(&row)).collect();
    let first = problems.first()?;
    let (failed, all) = (problems.len(), table.records().len());
    Some(format!("{failed} of {all} observations failed and are in no figure. The first: {first}"))
}
