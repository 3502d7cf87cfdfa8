//! From CSVs to plots and tables for a terminal: what `instar plot` does.

use std::path::{Path, PathBuf};

use crate::csv_table::{Error, Table};
use crate::effort;
use crate::fixes;
use crate::functional;
use crate::gdsu;
use crate::headline;
use crate::lang::{barrier, compare, heal, rows, virtualization};
use crate::limits::{self, Limit};
use crate::peers;
use crate::plot::{self, Plot};
use crate::record::{self, Record};
use crate::safepoints;
use crate::scale;
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
    /// What `instar bench` wrote: plots and tables, in the order of the files.
    pub benches: Vec<(Vec<Plot>, String)>,
}

impl Results {
    /// Reads CSVs, each known by its header. Where none of them has physical limits, those beside the first
    /// `become.csv` are read too, if they are there.
    ///
    /// # Errors
    /// Names file, line and column of what does not fit.
    pub fn read(csvs: &[PathBuf]) -> Result<Self, Error> {
        let mut results = Self::default();
        for path in csvs {
            let table = Table::read(path)?;
            if !results.add(path, &table)? {
                return Err(table.unknown(KNOWN));
            }
        }
        if let Some(first) = csvs.iter().find(|_| !results.records.is_empty()) {
            results.add_limits_beside(first)?;
        }
        Ok(results)
    }

    /// The plots of one CSV, with the physical limits beside it; none if it is of a kind that is not drawn.
    ///
    /// # Errors
    /// Names file, line and column of what does not fit.
    pub fn plots(csv: &Path) -> Result<Vec<Plot>, Error> {
        let mut results = Self::default();
        if results.add(csv, &Table::read(csv)?)? {
            results.add_limits_beside(csv)?;
        }
        Ok(results.into_plots())
    }

    /// Adds the rows of a CSV; whether it is of a known kind.
    fn add(&mut self, path: &Path, table: &Table) -> Result<bool, Error> {
        if record::recognises(table.header()) {
            self.records.extend(record::records(table)?);
        } else if limits::recognises(table.header()) {
            self.limits.extend(limits::records(table)?);
        } else if let Some(drawn) = bench(path, table)? {
            self.benches.push(drawn);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Where a sweep's rows came without physical limits, those of the file beside them.
    fn add_limits_beside(&mut self, csv: &Path) -> Result<(), Error> {
        let beside = csv.with_file_name("limits.csv");
        if !self.records.is_empty() && self.limits.is_empty() && beside.exists() {
            self.limits = limits::records(&Table::read(&beside)?)?;
        }
        Ok(())
    }

    /// All plots.
    #[must_use]
    pub fn into_plots(self) -> Vec<Plot> {
        let sweep = plot::draw(&self.records, &self.limits);
        sweep.into_iter().chain(self.benches.into_iter().flat_map(|(plots, _)| plots)).collect()
    }

    /// The tables for a terminal: the sweep's headline, if there is anything of a sweep, and those of the benches.
    #[must_use]
    pub fn table(&self) -> String {
        let mut tables = String::new();
        if !self.records.is_empty() || self.benches.is_empty() {
            tables += &headline::table(&headline::comparisons(&self.records));
        }
        self.benches.iter().for_each(|(_, table)| tables += table);
        tables
    }
}

/// What can be drawn and told.
const KNOWN: &str = "become.csv (strategy, pairs, pause_ns, …), limits.csv (limit, value, …), lang.csv (benchmark, system, …), \
                     barrier.csv (benchmark, strategy, …), heal.csv (holder, before_ns, …), gdsu.csv (instances, policy, …), \
                     virtualization.csv (benchmark, mode, …), server.csv (instances, pace, window, …), soak.csv (number, update, step, …), scale.csv (dimension, size, …), peers.csv (system, instances, …), safepoints.csv (strategy, processes, depth, …), fixes.csv (fix, pause_ns, …), functional.csv (scenario, longest_stop_ns, …), effort.csv (component, code_lines, …) or webapp.csv (update, safe_point, window, …)";

/// The seed of the bootstrap, which a CSV does not tell.
const SEED: u64 = 42;

/// Plots and table of a CSV that `instar bench` wrote; `None` if it is none.
fn bench(path: &Path, table: &Table) -> Result<Option<(Vec<Plot>, String)>, Error> {
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
    } else if has(&["dimension", "size", "stop_ns"]) {
        (plot::scale(table), scale::table(table)?)
    } else if has(&["system", "instances", "stop_ns"]) {
        (plot::peers(table), peers::table(&peers::read(path)?))
    } else if has(&["strategy", "processes", "depth"]) {
        (plot::safepoints(table), safepoints::table(&safepoints::read(path)?))
    } else if has(&["number", "update", "step"]) {
        let rows = soak::read(path)?;
        (plot::soak(&rows), soak::table(&rows))
    } else if has(&["fix", "pause_ns"]) {
        (plot::fixes(table), fixes::table(table, SEED))
    } else if has(&["scenario", "longest_stop_ns"]) {
        (plot::functional(table), functional::table(table))
    } else if has(&["component", "code_lines"]) {
        (plot::effort(table), effort::table(table))
    } else if has(&["benchmark", "mode", "run", "time_ns"]) {
        let rows = virtualization::read(path)?;
        (plot::virtualization(&rows, SEED), virtualization::table(&rows, SEED))
    } else {
        return Ok(None);
    };
    Ok(Some((plot.into_iter().collect(), table)))
}
