//! Every figure that the README states between claim markers is the one that the CSV gives.
//!
//! `paper-results/claims.md` says from which rows each comes. After a new sweep,
//! `INSTAR_UPDATE_CLAIMS=1 cargo test --test claims` writes the new figures into the README.

mod support;

use std::collections::BTreeMap;
use std::fs;

use instar_bench::stats::median;
use support::{root, text};

const CLAIMS: &str = "paper-results/claims.md";
const OPEN: &str = "<!-- claim:";
const CLOSE: &str = "<!-- /claim -->";

/// One row of the table in `claims.md`.
struct Claim {
    /// `become.csv`, `limits.csv`, or a dash for a figure made of others.
    file: String,
    /// `column=value`, all of which a row must have.
    rows: Vec<(String, String)>,
    /// `median(column)`, `median(column) / column`, or `claim / claim`.
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
}

impl Figure {
    fn value(self) -> f64 {
        match self {
            Figure::Nanoseconds(value) | Figure::Bytes(value) | Figure::Times(value) => value,
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
    let Some(column) = claim.figure.strip_prefix("median(").and_then(|rest| rest.split(')').next()) else {
        let (over, under) =
            claim.figure.split_once(" / ").unwrap_or_else(|| panic!("{id}: {}", claim.figure));
        return Figure::Times(figure(claims, over).value() / figure(claims, under).value());
    };
    let table = format!("paper-results/{}", claim.file);
    let mut reader =
        csv::Reader::from_path(root().join(&table)).unwrap_or_else(|error| panic!("{table}: {error}"));
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let is_chosen = |row: &&BTreeMap<String, String>| {
        claim.rows.iter().all(|(column, value)| row.get(column) == Some(value))
            && row.get("result").is_none_or(|result| result == "ok")
    };
    let number = |row: &BTreeMap<String, String>, column: &str| -> f64 {
        row[column].parse().unwrap_or_else(|_| panic!("{table}: {column} of {row:?}"))
    };
    let divisor = claim.figure.split_once(" / ").map(|(_, column)| column);
    let value = |row| number(row, column) / divisor.map_or(1.0, |column| number(row, column));
    let values: Vec<f64> = rows.iter().filter(is_chosen).map(value).collect();
    let value = median(&values).unwrap_or_else(|| panic!("{table} has no rows for `{id}`"));
    if column.ends_with("bytes") { Figure::Bytes(value) } else { Figure::Nanoseconds(value) }
}

#[test]
fn figures_in_the_readme_are_those_of_the_csv() {
    let claims = claims();
    let page = text("README.md");
    let mut updated = page.clone();
    let mut wrong = Vec::new();
    for part in page.split(OPEN).skip(1) {
        let (id, rest) = part.split_once(" -->").expect("a marker ends");
        let stated = rest.split(CLOSE).next().expect("a claim ends");
        let right = figure(&claims, id).written();
        if stated != right {
            wrong.push(format!("{id}: stated {stated}, the CSV gives {right}"));
            let marked = |figure: &str| format!("{OPEN}{id} -->{figure}{CLOSE}");
            updated = updated.replace(&marked(stated), &marked(&right));
        }
    }
    if std::env::var_os("INSTAR_UPDATE_CLAIMS").is_some() {
        fs::write(root().join("README.md"), updated).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_claim_can_be_computed_and_is_stated() {
    let claims = claims();
    let page = text("README.md");
    for (id, claim) in &claims {
        assert!(figure(&claims, id).value() > 0.0, "{id}");
        let is_part = claims.values().any(|other| other.figure.split(" / ").any(|part| part == id));
        assert!(
            is_part || page.contains(&format!("{OPEN}{id} -->")),
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
}
