//! The report as one HTML file that needs nothing else.

use std::fmt::Write;

use super::grid::Grid;
use super::{Measured, Section};
use crate::plot::svg::escape;

const STYLE: &str = "body{font:16px/1.5 'Noto Sans','Open Sans',Helvetica,Arial,sans-serif;color:#222;max-width:1000px;margin:2em auto;padding:0 1em}\
    h1{margin-bottom:.2em}h2{margin-top:2.2em;border-top:1px solid #ddd;padding-top:.8em}\
    table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}\
    th,td{padding:.2em .9em;text-align:right;border-bottom:1px solid #ddd;vertical-align:top}\
    th:first-child,td:first-child{padding-left:0;text-align:left}table.figures td,table.figures th{text-align:left}\
    svg{max-width:100%;height:auto}code{background:#f2f2f2;padding:.1em .3em}\
    .meaning{font-size:1.15em;border-left:5px solid #0072b2;padding-left:.8em}.missing{color:#a33}\
    figure{margin:1.5em 0}figcaption,.origin{color:#555}details{margin:1em 0}";

/// The whole file.
pub(super) fn page(sections: &[Section]) -> String {
    let mut body = "<h1>Instar: what was measured</h1>\n<p>All figures are computed from the CSVs beside this page. Medians; intervals are 95 % bootstrap intervals of these. \
                    Figures move between machines: compare those of one run.</p>\n<ul>\n"
        .to_owned();
    for section in sections {
        let (name, title) = (section.experiment.name, escape(&section.title()));
        let _ = match section.measured {
            Some(_) => writeln!(body, "<li><a href=\"#{name}\">{title}</a></li>"),
            None => writeln!(
                body,
                "<li class=\"missing\">{title}: not measured here; <code>{}</code></li>",
                section.command()
            ),
        };
    }
    body += "</ul>\n";
    for section in sections {
        body += &section.measured.as_ref().map_or_else(String::new, |measured| written(section, measured));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Instar: what was measured</title><style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )
}

fn written(section: &Section, measured: &Measured) -> String {
    let experiment = section.experiment;
    let mut out = format!(
        "<h2 id=\"{}\">{}</h2>\n<p><em>{}</em></p>\n",
        experiment.name,
        escape(&section.title()),
        escape(experiment.question)
    );
    out += &figures(section, measured);
    let _ = writeln!(
        out,
        "<p><b>Method.</b> {}</p>\n<p>To repeat: <code>{}</code></p>",
        escape(experiment.method),
        section.command()
    );
    out
}

fn figures(section: &Section, measured: &Measured) -> String {
    let mut out = String::new();
    let meaning = [measured.sentence(section.experiment), measured.verdict()];
    let meaning: Vec<String> = meaning.into_iter().flatten().collect();
    if !meaning.is_empty() {
        let _ = writeln!(out, "<p class=\"meaning\">{}</p>", escape(&meaning.join(" ")));
    }
    if let Some(failed) = &measured.failed {
        let _ = writeln!(out, "<p class=\"missing\">{}</p>", escape(failed));
    }
    let head = ["", "here", "published elsewhere", "to reach"].map(str::to_owned).into();
    let rows = measured.beside().into_iter().map(Vec::from).collect();
    out += &table(&Grid { head, rows }, "figures");
    for plot in &measured.plots {
        let _ = writeln!(
            out,
            "<figure>\n{}<figcaption>{}</figcaption>\n</figure>",
            plot.svg(),
            escape(plot.meaning)
        );
    }
    for (about, grid) in &measured.grids {
        let _ = writeln!(
            out,
            "<details><summary>Table: {}</summary>\n{}</details>",
            escape(about),
            table(grid, "grid")
        );
    }
    let _ = writeln!(out, "<p class=\"origin\">{}</p>", escape(&measured.origin()));
    out
}

fn table(grid: &Grid, class: &str) -> String {
    let cells = |tag: &str, cells: &[String]| {
        cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect::<String>()
    };
    let rows: String = grid.rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", row))).collect();
    format!("<table class=\"{class}\">\n<tr>{}</tr>\n{rows}</table>\n", cells("th", &grid.head))
}
