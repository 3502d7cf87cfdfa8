//! Every figure that a page states between claim markers is the one that the CSV gives.
//!
//! `paper-results/claims.md` says from which rows each comes. After a new measurement,
//! `INSTAR_UPDATE_CLAIMS=1 cargo test --test claims` writes the new figures into the pages.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use instar_bench::stats::median;
use support::{root, text};

const CLAIMS: &str = "paper-results/claims.md";
/// The pages with figures.
const PAGES: [&str; 2] = ["README.md", "docs/benchmarks.md"];
const OPEN: &str = "<!-- claim:";
const CLOSE: &str = "<!-- /claim -->";

/// One row of the table in `claims.md`.
struct Claim {
    /// `become.csv`, `limits.csv`, or a dash for a figure made of others.
    file: String,
    /// `column=value`, all of which a row must have.
    rows: Vec<(String, String)>,
    /// `median(column)`, `median(column) / column`, `median(column) / median(column)`, `claim / claim`, or `ratios(column: key=one / other)`: the geometric mean, over
    /// all benchmarks that both have, of the ratio of their medians.
    figure: String,
}

fn claims() -> BTreeMap<String, Claim> {
    let page = text(CLAIMS);
    let table = page.lines().filter(|line| line.starts_with("| `"));
    table
        .map(|line| {
            let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            let [_, id, _states, file, rows, figure, _command, _] = cells.try_into().expect("six columns");
            let rows = rows.split_whitespace().filter_map(|pair| pair.split_once('='));
            let rows = rows.map(|(column, value)| (column.to_owned(), value.to_owned())).collect();
            (id, Claim { file, rows, figure })
        })
        .collect()
}

/// A figure and how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Figure {
    Nanoseconds(f64),
    Bytes(f64),
    Times(f64),
    /// A ratio that is near another one: three decimals.
    Ratio(f64),
}

impl Figure {
    fn value(self) -> f64 {
        match self {
            Figure::Nanoseconds(value)
            | Figure::Bytes(value)
            | Figure::Times(value)
            | Figure::Ratio(value) => value,
        }
    }

    /// Two significant digits and a unit that suits them.
    fn written(self) -> String {
        let scaled = |value: f64, units: &[(f64, &str)]| {
            let rounded = two_digits(value);
            let fits = units.iter().rev().find(|(scale, _)| rounded >= *scale);
            let (scale, unit) = *fits.unwrap_or(&units[0]);
            format!("{} {unit}", plain(rounded / scale))
        };
        match self {
            Figure::Nanoseconds(value) => scaled(value, &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]),
            Figure::Bytes(value) => scaled(value, &[(1e6, "MB"), (1e9, "GB")]),
            Figure::Times(value) => format!("{}×", plain(two_digits(value))),
            Figure::Ratio(value) => format!("{value:.3}"),
        }
    }
}

fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap()
}

/// `0.4`, `2.6`, `12`, `48,000`.
fn plain(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

fn figure(claims: &BTreeMap<String, Claim>, id: &str) -> Figure {
    let claim = claims.get(id).unwrap_or_else(|| panic!("{CLAIMS} has no claim `{id}`"));
    if let Some(what) = claim.figure.strip_prefix("ratios(") {
        return Figure::Ratio(mean_ratio(claim, what.trim_end_matches(')')));
    }
    if let Some((over, under)) = claim.figure.split_once(" / median(") {
        let part = |figure: &str| {
            let figure = format!("median({})", figure.trim_start_matches("median(").trim_end_matches(')'));
            let (file, rows) = (claim.file.clone(), claim.rows.clone());
            let part = BTreeMap::from([(id.to_owned(), Claim { file, rows, figure })]);
            self::figure(&part, id).value()
        };
        return Figure::Ratio(part(over) / part(under));
    }
    let Some(column) = claim.figure.strip_prefix("median(").and_then(|rest| rest.split(')').next()) else {
        let (over, under) =
            claim.figure.split_once(" / ").unwrap_or_else(|| panic!("{id}: {}", claim.figure));
        return Figure::Times(figure(claims, over).value() / figure(claims, under).value());
    };
    let table = &claim.file;
    let rows = chosen(claim);
    let number = |row: &Row, column: &str| -> f64 {
        row[column].parse().unwrap_or_else(|_| panic!("{table}: {column} of {row:?}"))
    };
    let divisor = claim.figure.split_once(" / ").map(|(_, column)| column);
    let value = |row| number(row, column) / divisor.map_or(1.0, |column| number(row, column));
    let values: Vec<f64> = rows.iter().map(value).collect();
    let value = median(&values).unwrap_or_else(|| panic!("{table} has no rows for `{id}`"));
    if column.ends_with("bytes") { Figure::Bytes(value) } else { Figure::Nanoseconds(value) }
}

type Row = BTreeMap<String, String>;

/// The good rows with the claim's values.
fn chosen(claim: &Claim) -> Vec<Row> {
    let table = format!("paper-results/{}", claim.file);
    let mut reader =
        csv::Reader::from_path(root().join(&table)).unwrap_or_else(|error| panic!("{table}: {error}"));
    let is_chosen = |row: &Row| {
        claim.rows.iter().all(|(column, value)| row.get(column) == Some(value))
            && row.get("result").is_none_or(|result| result == "ok")
    };
    reader.deserialize().map(Result::unwrap).filter(is_chosen).collect()
}

/// `column: key=one / other`.
fn mean_ratio(claim: &Claim, what: &str) -> f64 {
    let (column, sides) = what.split_once(": ").unwrap_or_else(|| panic!("{what}"));
    let (key, sides) = sides.split_once('=').unwrap_or_else(|| panic!("{what}"));
    let (one, other) = sides.split_once(" / ").unwrap_or_else(|| panic!("{what}"));
    let mut values: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    for row in chosen(claim) {
        if let Ok(value) = row[column].parse() {
            values.entry((row["benchmark"].clone(), row[key].clone())).or_default().push(value);
        }
    }
    let of = |benchmark: &str, side: &str| {
        values.get(&(benchmark.to_owned(), side.to_owned())).and_then(|values| median(values))
    };
    let benchmarks: BTreeSet<&str> = values.keys().map(|(benchmark, _)| benchmark.as_str()).collect();
    let ratios: Vec<f64> =
        benchmarks.iter().filter_map(|it| Some((of(it, one)? / of(it, other)?).ln())).collect();
    assert!(!ratios.is_empty(), "paper-results/{} has no rows for {what}", claim.file);
    (ratios.iter().sum::<f64>() / ratios.len() as f64).exp()
}

#[test]
fn figures_in_the_pages_are_those_of_the_csv() {
    let claims = claims();
    let mut wrong = Vec::new();
    for name in PAGES {
        let page = text(name);
        let mut updated = page.clone();
        for part in page.split(OPEN).skip(1) {
            let (id, rest) = part.split_once(" -->").expect("a marker ends");
            let stated = rest.split(CLOSE).next().expect("a claim ends");
            let right = figure(&claims, id).written();
            if stated != right {
                wrong.push(format!("{name}: {id}: stated {stated}, the CSV gives {right}"));
                let marked = |figure: &str| format!("{OPEN}{id} -->{figure}{CLOSE}");
                updated = updated.replace(&marked(stated), &marked(&right));
            }
        }
        if std::env::var_os("INSTAR_UPDATE_CLAIMS").is_some() {
            fs::write(root().join(name), updated).unwrap();
            wrong.clear();
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_claim_can_be_computed_and_is_stated() {
    let claims = claims();
    let pages: String = PAGES.map(text).concat();
    for (id, claim) in &claims {
        assert!(figure(&claims, id).value() > 0.0, "{id}");
        let is_part = claims.values().any(|other| other.figure.split(" / ").any(|part| part == id));
        assert!(
            is_part || pages.contains(&format!("{OPEN}{id} -->")),
            "no page states `{id}`: {}",
            claim.figure
        );
    }
}

#[test]
fn figures_are_written_with_two_digits() {
    assert_eq!(Figure::Nanoseconds(118.0).written(), "120 ns");
    assert_eq!(Figure::Nanoseconds(2.64).written(), "2.6 ns");
    assert_eq!(Figure::Nanoseconds(999.0).written(), "1.0 µs");
    assert_eq!(Figure::Nanoseconds(52_300_000.0).written(), "52 ms");
    assert_eq!(Figure::Bytes(968e6).written(), "970 MB");
    assert_eq!(Figure::Times(481_234.0).written(), "480,000×");
    assert_eq!(Figure::Times(1.04).written(), "1.0×");
    assert_eq!(Figure::Ratio(1.0042).written(), "1.004");
}
