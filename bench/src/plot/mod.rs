//! The plots of the experiments and of the language's benchmarks, drawn from CSV alone, as SVG and PNG of the same scene.

mod access;
mod amounts;
mod chart;
mod course;
mod font;
mod gdsu;
mod lines;
mod longest_waits;
mod memory;
mod pause;
mod png;
mod ratios;
mod rows;
mod safe_points;
mod scale;
mod scene;
pub(crate) mod select;
mod soak;
pub(crate) mod style;
pub(crate) mod svg;
mod words;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use course::{Bin, Course, Update};
pub use scene::Scene;

use self::amounts::Amounts;
use self::lines::Lines;
use self::scale::Unit;
use crate::csv_table::Table;
use crate::lang::barrier::Comparison;
use crate::lang::rows::{HealRow, LangRow};
use crate::lang::virtualization;
use crate::limits::Limit;
use crate::record::Record;
use crate::server;

/// A plot with what it says.
pub struct Plot {
    /// The name of its files, without extension.
    pub name: String,
    /// One sentence for who sees it for the first time.
    pub meaning: &'static str,
    scene: Scene,
}

impl Plot {
    /// The whole SVG file; it can also stand inline in HTML.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::render(&self.scene)
    }

    /// The whole PNG file, at twice the size of the SVG.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>, String> {
        png::render(&self.scene)
    }
}

/// Every plot that the rows are enough for. Failed observations are left out.
#[must_use]
pub fn draw(records: &[Record], limits: &[Limit]) -> Vec<Plot> {
    let plots = [
        (
            "pause-by-instances",
            "How long everything stands still while one become swaps so many pairs: a full scan pays for the heap \
             even to swap one pair, a forwarder only for the pair.",
            pause::against_instances(records, limits),
        ),
        (
            "pause-by-heap",
            "The price of the smallest become in a growing heap: a flat line does not care how large the program is.",
            pause::against_heap(records, limits),
        ),
        (
            "access",
            "What a forwarder costs afterwards: the first pass through the old references follows and heals them, \
             later passes should be as fast as before; 1× is the pass before the become.",
            access::passes(records),
        ),
        (
            "memory",
            "The most memory that the process held at any time, beside the live heap that the become started with.",
            memory::peak(records),
        ),
    ];
    let drawn = plots
        .into_iter()
        .filter_map(|(name, meaning, scene)| Some(Plot { name: name.to_owned(), meaning, scene: scene? }));
    drawn.collect()
}

/// The plot of experiment E2; `None` without comparisons.
#[must_use]
pub fn barrier(comparisons: &[Comparison]) -> Option<Plot> {
    let meaning = "What checking for forwarders costs a program in which nothing becomes anything: left of the line is faster than \
                   the same interpreter without any check.";
    Some(Plot { name: "barrier".to_owned(), meaning, scene: ratios::barrier(comparisons)? })
}

/// The plot of `lang.csv`; `None` if CPython was not measured.
#[must_use]
pub fn compared(rows: &[LangRow], seed: u64) -> Option<Plot> {
    let meaning = "How long the same programs take here and in other languages: left of the line is faster than CPython.";
    Some(Plot { name: "lang".to_owned(), meaning, scene: ratios::systems(rows, seed)? })
}

/// The plot of `heal.csv`; `None` without a good row.
#[must_use]
pub fn passes(rows: &[HealRow], seed: u64) -> Option<Plot> {
    let meaning = "What reading objects costs after all of them became others: the first pass follows and heals the references, later ones \
                   should be as fast as before.";
    Some(Plot { name: "heal".to_owned(), meaning, scene: ratios::passes(rows, seed)? })
}

/// The plot of experiment E5; `None` without a pair of observations.
#[must_use]
pub fn virtualization(rows: &[virtualization::Row], seed: u64) -> Option<Plot> {
    let meaning = "What it costs a program to be an application space under a hypervisor: left of the line is faster than alone.";
    Some(Plot { name: "virtualization".to_owned(), meaning, scene: ratios::virtualized(rows, seed)? })
}

/// The plot of experiment E3; `None` without updates.
#[must_use]
pub fn gdsu(updates: &[crate::gdsu::Update]) -> Option<Plot> {
    let meaning = "What an update costs a program with so many live instances of the class that changes.";
    Some(Plot { name: "gdsu".to_owned(), meaning, scene: gdsu::times(updates)? })
}

/// The plots of experiment E4: the course of each observation, and the longest waits of all.
#[must_use]
pub fn server(rows: &[server::Row], courses: &[Course]) -> Vec<Plot> {
    let meaning = "How long the users of a service wait for one that is updated meanwhile: what an update costs is the height of the line in its \
                   band, and how long it stays high behind.";
    let course = |course: &Course| {
        Some(Plot { name: course.name.clone(), meaning, scene: course::response_times(course)? })
    };
    let longest = "The longest that anybody waited because of an update, by the number of live instances.";
    let summary = longest_waits::by_instances(rows);
    let summary = summary.map(|scene| Plot { name: "server".to_owned(), meaning: longest, scene });
    summary.into_iter().chain(courses.iter().filter_map(course)).collect()
}

/// The plot of `soak.csv`; `None` without rows.
#[must_use]
pub fn soak(rows: &[crate::soak::Row]) -> Option<Plot> {
    let meaning = "Whether anything is left behind by updates of a service that is never stopped: the lines stay level if not.";
    Some(Plot { name: "soak".to_owned(), meaning, scene: soak::memory(rows)? })
}

/// The plots of experiment E7, one for each update: the course with each kind of safe points.
#[must_use]
pub fn webapp(courses: &[Course]) -> Vec<Plot> {
    let meaning = "How long the users of a service wait for one whose core library is updated meanwhile, where the runtime finds a safe point and where \
                   the program names it.";
    let plot = |fix: &crate::fixes::Fix| {
        let scene = safe_points::response_times(fix.id, courses)?;
        Some(Plot { name: format!("webapp-{}", fix.id), meaning, scene })
    };
    crate::webapp::updates().iter().filter_map(plot).collect()
}

/// The plot of experiment E10; `None` without updates.
#[must_use]
pub fn scale(table: &Table) -> Option<Plot> {
    let lines = Lines {
        title: "How long an update stops the program",
        about: [
            "One figure at a time is made larger; all others stay small.",
            "Medians with 95 % intervals.",
        ],
        rows: "",
        by: &["dimension"],
        x: ("size", "processes, activations, objects, classes or methods"),
        y: ("stop_ns", "stop"),
    };
    let meaning = "What makes the stop of an update longer, and what does not.";
    Some(Plot { name: "scale".to_owned(), meaning, scene: lines.scene(table)? })
}

/// The plot of experiment E11; `None` if nothing was changed.
#[must_use]
pub fn peers(table: &Table) -> Option<Plot> {
    let lines = Lines {
        title: "How long instances take to change their schema",
        about: [
            "The same change in each system, as its users would do it. They do not do the same: see the method.",
            "Medians with 95 % intervals.",
        ],
        rows: "result=changed",
        by: &["system"],
        x: ("instances", "instances"),
        y: ("stop_ns", "nothing else goes on for"),
    };
    let meaning = "What the same change of schema costs elsewhere, on this machine and in this run.";
    Some(Plot { name: "peers".to_owned(), meaning, scene: lines.scene(table)? })
}

/// The plot of safe points; `None` if none was reached.
#[must_use]
pub fn safepoints(table: &Table) -> Option<Plot> {
    let lines = Lines {
        title: "How long an update waits for its safe point",
        about: [
            "Updates that were committed, by kind of safe point and depth of the stacks; a line that ends early found none in time.",
            "Medians with 95 % intervals.",
        ],
        rows: "result=committed",
        by: &["strategy", "depth"],
        x: ("processes", "processes that are inside of what changes now and then"),
        y: ("safe_point_wait_ns", "wait"),
    };
    let meaning = "A program that is always inside of what changes has no moment for return barriers; update points make one.";
    Some(Plot { name: "safepoints".to_owned(), meaning, scene: lines.scene(table)? })
}

/// The plot of experiment E6; `None` without a fix.
#[must_use]
pub fn fixes(table: &Table) -> Option<Plot> {
    let amounts = Amounts {
        title: "How long a fix of the core library stops the program",
        explanation: "Marks: medians; bars: 95 % bootstrap interval. Preparation and gathering come before the pause; not everything stands still meanwhile.",
        axis: "time",
        unit: Unit::Nanoseconds,
        by: "fix",
        figures: &[
            ("pause", "median(pause_ns)"),
            ("gathering", "median(gathering_ns)"),
            ("preparation", "median(preparation_ns)"),
        ],
    };
    let meaning = "What it costs a running program to have the classes mended on which everything runs.";
    Some(Plot { name: "fixes".to_owned(), meaning, scene: amounts.scene(table)? })
}

/// The plot of experiment E8; `None` if no scenario passed.
#[must_use]
pub fn functional(table: &Table) -> Option<Plot> {
    let amounts = Amounts {
        title: "Scenarios that pass, and their longest stop",
        explanation: "One run of each; a scenario that fails has no mark.",
        axis: "time",
        unit: Unit::Nanoseconds,
        by: "id",
        figures: &[("longest stop", "max(longest_stop_ns)")],
    };
    let meaning = "What could be updated, and how long the program stood still at most.";
    Some(Plot { name: "functional".to_owned(), meaning, scene: amounts.scene(table)? })
}

/// The plot of experiment E9; `None` without a part.
#[must_use]
pub fn effort(table: &Table) -> Option<Plot> {
    let amounts = Amounts {
        title: "Lines of code of each part",
        explanation: "Lines with something besides white space and comments, without tests.",
        axis: "lines",
        unit: Unit::Count,
        by: "component",
        figures: &[("here", "sum(code_lines)"), ("Espell, Table 3", "max(paper_lines)")],
    };
    let meaning = "How much code each part is, beside what the paper counts of its own.";
    Some(Plot { name: "effort".to_owned(), meaning, scene: amounts.scene(table)? })
}

/// Writes SVG and PNG of each plot into a folder, which is made if need be; the files written.
///
/// # Errors
/// Those of the file system, with the path.
pub fn write<'a>(plots: impl IntoIterator<Item = &'a Plot>, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let with = |path: &Path, error: String| io::Error::other(format!("{}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| with(folder, error.to_string()))?;
    let mut written = Vec::new();
    for plot in plots {
        let svg = folder.join(format!("{}.svg", plot.name));
        fs::write(&svg, plot.svg()).map_err(|error| with(&svg, error.to_string()))?;
        let png = folder.join(format!("{}.png", plot.name));
        let picture = plot.png().map_err(|error| with(&png, error))?;
        fs::write(&png, picture).map_err(|error| with(&png, error.to_string()))?;
        written.extend([svg, png]);
    }
    Ok(written)
}
