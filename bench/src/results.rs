//! From CSVs to plots, tables and a report: what a sweep ends with, and what `instar plot` does alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::csv_table::{Error, Table};
use crate::gdsu;
use crate::headline;
use crate::lang::{barrier, compare, heal, rows, virtualization};
use crate::limits::{self, Limit};
use crate::manifest::Manifest;
use crate::plot::{self, Plot};
use crate::record::{self, Record};
use crate::report::Report;
use crate::server;
use crate::soak;
use crate::webapp;

/// The rows of one or more CSVs.
#[derive(Default)]
pub struct Results {
    /// All observations.
    pub records: Vec<Record>,
    /// The physical limits.
    pub limits: Vec<Limit>,
    /// What the language's benchmarks wrote: plots and tables, in the order of the files.
    pub language: Vec<(Vec<Plot>, String)>,
    /// The manifest beside the first `become.csv`, if it is there.
    pub manifest: Option<Manifest>,
}

impl Results {
    /// Reads CSVs, each known by its header. Where none of them has physical limits, those beside the first
    /// `become.csv` are read too, if they are there.
    ///
    /// # Errors
    /// Names file, line and column of what does not fit.
    pub fn read(csvs: &[PathBuf]) -> Result<Self, Error> {
        let mut results = Self::default();
        let mut first = None;
        for path in csvs {
            let table = Table::read(path)?;
            if record::recognises(table.header()) {
                results.records.extend(record::records(&table)?);
                first.get_or_insert(path);
            } else if limits::recognises(table.header()) {
                results.limits.extend(limits::records(&table)?);
            } else if let Some(drawn) = language(path, &table)? {
                results.language.push(drawn);
            } else {
                return Err(table.unknown(KNOWN));
            }
        }
        if let Some(first) = first {
            let beside = first.with_file_name("limits.csv");
            if results.limits.is_empty() && beside.exists() {
                results.limits = limits::records(&Table::read(&beside)?)?;
            }
            results.manifest = Manifest::read(&first.with_file_name("manifest.json"));
        }
        Ok(results)
    }

    /// Writes the plots into a folder, and the report if there is anything of a sweep; the files written.
    ///
    /// # Errors
    /// Those of the file system, with the path.
    pub fn write(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let language = plot::write(self.language.iter().flat_map(|(plots, _)| plots), folder)?;
        if self.records.is_empty() && self.limits.is_empty() && !self.language.is_empty() {
            return Ok(language);
        }
        let plots = plot::draw(&self.records, &self.limits);
        let mut written = language;
        written.extend(plot::write(&plots, folder)?);
        let report = Report {
            records: &self.records,
            limits: &self.limits,
            manifest: self.manifest.as_ref(),
            plots: &plots,
        };
        let path = folder.join("report.html");
        fs::write(&path, report.html())
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        written.push(path);
        Ok(written)
    }

    /// The tables for a terminal: the sweep's headline, if there is anything of a sweep, and those of the language's benchmarks.
    #[must_use]
    pub fn table(&self) -> String {
        let mut tables = String::new();
        if !self.records.is_empty() || self.language.is_empty() {
            tables += &headline::table(&headline::comparisons(&self.records));
        }
        self.language.iter().for_each(|(_, table)| tables += table);
        tables
    }
}

/// What can be drawn.
const KNOWN: &str = "become.csv (strategy, pairs, pause_ns, …), limits.csv (limit, value, …), lang.csv (benchmark, system, …), \
                     barrier.csv (benchmark, strategy, …), heal.csv (holder, before_ns, …), gdsu.csv (instances, policy, …), \
                     virtualization.csv (benchmark, mode, …), server.csv (instances, pace, window, …), soak.csv (number, update, step, …) or webapp.csv (update, safe_point, window, …)";

/// The seed of the bootstrap, which a CSV does not tell.
const SEED: u64 = 42;

/// Plots and table of a CSV that `instar bench` wrote; `None` if it is none.
fn language(path: &Path, table: &Table) -> Result<Option<(Vec<Plot>, String)>, Error> {
    let has = |columns: &[&str]| columns.iter().all(|name| table.header().iter().any(|it| it == *name));
    if has(&["update", "safe_point", "window"]) {
        let (rows, courses) = webapp::read_all(path)?;
        return Ok(Some((plot::webapp(&courses), webapp::table(&rows))));
    }
    if has(&["instances", "pace", "window"]) {
        let (rows, courses) = server::read_all(path)?;
        return Ok(Some((plot::server(&rows, &courses), server::table(&rows))));
    }
    let (plot, table) = if has(&["benchmark", "system", "time_ns"]) {
        let rows = rows::read_lang(path)?;
        (plot::compared(&rows, SEED), compare::table(&rows, SEED))
    } else if has(&["benchmark", "strategy", "time_ns"]) {
        let rows = rows::read_barrier(path)?;
        let comparisons = barrier::comparisons(&rows, SEED);
        (plot::barrier(&comparisons), barrier::table(&rows, &comparisons, SEED))
    } else if has(&["holder", "before_ns"]) {
        let rows = rows::read_heal(path)?;
        (plot::passes(&rows, SEED), heal::table(&rows, SEED))
    } else if has(&["instances", "policy", "stop_ns"]) {
        let updates = gdsu::read(path)?;
        (plot::gdsu(&updates), gdsu::table(&updates))
    } else if has(&["number", "update", "step"]) {
        let rows = soak::read(path)?;
        (plot::soak(&rows), soak::table(&rows))
    } else if has(&["benchmark", "mode", "run", "time_ns"]) {
        let rows = virtualization::read(path)?;
        (plot::virtualization(&rows, SEED), virtualization::table(&rows, SEED))
    } else {
        return Ok(None);
    };
    Ok(Some((plot.into_iter().collect(), table)))
}
