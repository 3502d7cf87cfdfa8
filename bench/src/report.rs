//! The report: one HTML file without network, read in two minutes.

use crate::figures;
use crate::headline::{self, Comparison};
use crate::limits::{self, Limit};
use crate::manifest::Manifest;
use crate::plot::{Plot, svg::escape};
use crate::record::Record;

const STYLE: &str = "body{font:16px/1.5 'Noto Sans','Open Sans',Helvetica,Arial,sans-serif;color:#222;\
    max-width:1000px;margin:2em auto;padding:0 1em}h1{margin-bottom:.2em}h2{margin-top:1.8em}\
    table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}\
    th,td{padding:.2em .9em;text-align:right;border-bottom:1px solid #ddd}td{white-space:nowrap}\
    th:first-child,td:first-child{padding-left:0}td.text,th.text{text-align:left;white-space:normal}\
    svg{max-width:100%;height:auto}code{background:#f2f2f2;padding:.1em .3em}.headline{font-size:1.25em;\
    border-left:5px solid #0072b2;padding-left:.8em}figure{margin:1.5em 0}figcaption{color:#444}";

/// Everything that a report is made of.
pub struct Report<'a> {
    /// The rows of `become.csv`.
    pub records: &'a [Record],
    /// The rows of `limits.csv`; may be empty.
    pub limits: &'a [Limit],
    /// What it was measured on, if that is known.
    pub manifest: Option<&'a Manifest>,
    /// The plots of these rows.
    pub plots: &'a [Plot],
}

impl Report<'_> {
    /// The whole file.
    #[must_use]
    pub fn html(&self) -> String {
        let comparisons = headline::comparisons(self.records);
        let mut body = question();
        if let Some(sentence) = headline::sentence(&comparisons) {
            body += &format!("<p class=\"headline\">{}</p>\n", escape(&sentence));
            body += &ratios(&comparisons);
        }
        body += &self.failures();
        body += "<h2>The measurements</h2>\n";
        for plot in self.plots {
            let (svg, meaning) = (plot.svg(), escape(plot.meaning));
            body += &format!("<figure>\n{svg}<figcaption>{meaning}</figcaption>\n</figure>\n");
        }
        body += &method();
        body += &limits_table(self.limits);
        body += &self.manifest.map_or_else(String::new, machine);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>Become: lazy forwarders against full scans</title><style>{STYLE}</style></head>\n\
             <body>\n{body}</body></html>\n"
        )
    }

    fn failures(&self) -> String {
        let failed: Vec<&Record> = self.records.iter().filter(|record| record.outcome.is_err()).collect();
        let Some(first) = failed.first() else { return String::new() };
        let why = first.outcome.as_ref().err().map_or("", String::as_str);
        format!(
            "<p><strong>{} of {} observations failed</strong> and are in no figure below. The first: {}: {}</p>\n",
            failed.len(),
            self.records.len(),
            escape(&first.trial.point.to_string()),
            escape(why),
        )
    }
}

fn question() -> String {
    "<h1>Become: lazy forwarders against full scans</h1>\n\
     <p>A running program changes the identity of objects with <em>become</em>: every reference to the old object \
     must lead to the new one. How long does everything stand still meanwhile, and who pays later?</p>\n"
        .to_owned()
}

fn method() -> String {
    let rows = [
        (
            "lazy",
            "a forwarder replaces each old object; nothing is scanned; only accesses that miss anyway \
             follow it and heal the reference that they came through",
        ),
        ("always check", "the same forwarders, but every access looks for one"),
        ("full scan", "the whole heap is scanned and every reference replaced; no access ever checks"),
        ("object table", "every reference goes through a table; become changes table entries"),
    ];
    let items: String = rows.iter().map(|(name, what)| format!("<li><b>{name}</b>: {what}</li>\n")).collect();
    format!(
        "<h2>Method</h2>\n<p>All strategies are one program, compiled once for each. Each observation is a process of \
         its own: build the heap, make the objects old (or not), pass through all references, become in bulk, pass \
         twice, scavenge, collect, pass again. Strategies take turns within each run, so that the machine's noise \
         hits all alike. Figures are medians; intervals are 95 % bootstrap intervals of the median.</p>\n\
         <ul>\n{items}</ul>\n"
    )
}

fn ratios(comparisons: &[Comparison]) -> String {
    let mut rows = String::new();
    for row in comparisons {
        let (low, high) = row.ratio_range();
        rows += &format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><b>{}</b></td><td>{} to {}</td></tr>\n",
            figures::count(row.pairs),
            figures::count(row.bystanders),
            figures::duration(row.lazy.median),
            figures::duration(row.scan.median),
            figures::ratio(row.ratio()),
            figures::ratio(low),
            figures::ratio(high),
        );
    }
    format!(
        "<table>\n<tr><th>pairs</th><th>bystanders</th><th>lazy</th><th>full scan</th><th>full scan / lazy</th>\
         <th>by the intervals</th></tr>\n{rows}</table>\n<p>Pauses with one worker.</p>\n"
    )
}

fn limits_table(limits: &[Limit]) -> String {
    let mut threads: Vec<u32> = limits.iter().map(|row| row.threads).collect();
    threads.sort_unstable();
    threads.dedup();
    let Some(objects) = limits.first().map(|row| row.objects) else { return String::new() };
    let plural = |count: u32| if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") };
    let heads: String = threads.iter().map(|&count| format!("<th>{}</th>", plural(count))).collect();
    let mut rows = String::new();
    for limit in &limits::ALL {
        let value = |&count: &u32| {
            let median = limits::median_of(limits, limit.name, count);
            let text =
                median.map_or_else(String::new, |value| format!("{} {}", figures::plain(value), limit.unit));
            format!("<td>{text}</td>")
        };
        if !limits.iter().any(|row| row.limit == limit.name) {
            continue;
        }
        let values: String = threads.iter().map(value).collect();
        rows += &format!("<tr><td class=\"text\">{}</td>{values}</tr>\n", limit.about);
    }
    format!(
        "<h2>Physical limits of this machine</h2>\n<p>Measured in the same session on {} objects of 32 bytes, so \
         that every figure above can be read as a ratio to the machine.</p>\n<table>\n\
         <tr><th class=\"text\">what</th>{heads}</tr>\n{rows}</table>\n",
        figures::count(objects)
    )
}

fn machine(manifest: &Manifest) -> String {
    let identity = &manifest.identity;
    let unknown = || "unknown".to_owned();
    let text = |value: &Option<String>| value.clone().unwrap_or_else(unknown);
    let changed = if identity.dirty == Some(true) { ", changed" } else { "" };
    let memory = identity.memory_bytes.map_or_else(unknown, |bytes| figures::bytes(bytes as f64));
    let rows = [
        ("CPU", format!("{}, {} cores", text(&identity.cpu), identity.cores)),
        ("memory", format!("{memory}, transparent huge pages: {}", text(&identity.transparent_huge_pages))),
        ("kernel", text(&identity.kernel)),
        ("compiler", format!("{}, {} ({})", identity.compiler, identity.target, identity.profile)),
        ("commit", text(&identity.commit) + changed),
        ("seed", identity.seed.to_string()),
        ("measured", format!("{} to {}", manifest.started, text(&manifest.ended))),
    ];
    let row = |(name, value): &(&str, String)| {
        format!("<tr><td class=\"text\">{name}</td><td class=\"text\">{}</td></tr>\n", escape(value))
    };
    format!(
        "<h2>Machine and program</h2>\n<table>\n{}</table>\n<p>To repeat: <code>cargo run --release -- {}</code>; \
         to redraw from the CSV alone: <code>cargo run --release -- plot become.csv limits.csv</code>.</p>\n",
        rows.iter().map(row).collect::<String>(),
        escape(manifest.command.trim_start_matches("instar ")),
    )
}
