//! From CSVs to plots and a report: what a sweep ends with, and what `instar plot` does alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::csv_table::{Error, Table};
use crate::headline;
use crate::limits::{self, Limit};
use crate::manifest::Manifest;
use crate::plot;
use crate::record::{self, Record};
use crate::report::Report;

/// The rows of one or more CSVs.
#[derive(Default)]
pub struct Results {
    /// All observations.
    pub records: Vec<Record>,
    /// The physical limits.
    pub limits: Vec<Limit>,
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
            } else {
                return Err(table
                    .unknown("become.csv (strategy, pairs, pause_ns, …) or limits.csv (limit, value, …)"));
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

    /// Writes the plots and the report into a folder; the files written.
    ///
    /// # Errors
    /// Those of the file system, with the path.
    pub fn write(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let plots = plot::draw(&self.records, &self.limits);
        let mut written = plot::write(&plots, folder)?;
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

    /// The headline table for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        headline::table(&headline::comparisons(&self.records))
    }
}
