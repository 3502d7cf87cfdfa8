//! The report as Markdown, with the plots beside it.

use std::fmt::Write;

use super::grid::Grid;
use super::{Measured, Section};

/// The whole file.
pub(super) fn page(sections: &[Section]) -> String {
    let mut out = "# Instar: what was measured\n\nAll figures are computed from the CSVs beside this page. Medians; intervals are 95 % bootstrap intervals of these. \
                   Figures move between machines: compare those of one run.\n"
        .to_owned();
    for section in sections.iter().filter(|section| section.measured.is_none()) {
        let _ = write!(out, "\nNot measured here: {}; `{}`\n", section.title(), section.command());
    }
    for section in sections {
        let Section { experiment, measured: Some(measured) } = section else { continue };
        let _ = write!(out, "\n## {}\n\n*{}*\n\n", section.title(), experiment.question);
        out += &figures(section, measured);
        let _ = write!(out, "**Method.** {}\n\nTo repeat: `{}`\n", experiment.method, section.command());
    }
    out
}

fn figures(section: &Section, measured: &Measured) -> String {
    let mut out = String::new();
    let paragraphs = [measured.sentence(section.experiment), measured.verdict(), measured.failed.clone()];
    for paragraph in paragraphs.into_iter().flatten() {
        let _ = write!(out, "{paragraph}\n\n");
    }
    let head = ["", "here", "published elsewhere", "to reach"].map(str::to_owned).into();
    let rows = measured.beside().into_iter().map(Vec::from).collect();
    out += &table(&Grid { head, rows });
    for plot in &measured.plots {
        let _ = write!(out, "![{}]({}.svg)\n\n", plot.meaning, plot.name);
    }
    for (about, grid) in &measured.grids {
        let _ = write!(out, "<details><summary>Table: {about}</summary>\n\n{}</details>\n\n", table(grid));
    }
    let _ = write!(out, "{}\n\n", measured.origin());
    out
}

fn table(grid: &Grid) -> String {
    let line = |cells: &[String]| {
        format!("| {} |\n", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
    };
    let rows: String = grid.rows.iter().map(|row| line(row)).collect();
    let rule: Vec<String> = grid.head.iter().map(|_| "---".to_owned()).collect();
    format!("{}{}{rows}\n", line(&grid.head), line(&rule))
}
