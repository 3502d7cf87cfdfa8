//! Every figure that a page states is the one that the CSV gives.
//!
//! `paper-results/claims.md` says from which rows each comes. After a new measurement, `INSTAR_UPDATE_CLAIMS=1 cargo test --test claims` writes the new figures
//! into the pages. A figure without a claim is one that was set, not measured, and stands in that page's list.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use instar_bench::csv_table::Table;
use instar_bench::formula::{self, Unit};
use support::{files, root, text};

const CLAIMS: &str = "paper-results/claims.md";
const OPEN: &str = "<!-- claim:";
const CLOSE: &str = "<!-- /claim -->";
/// Above the table of limits, options, sizes by design, and others' figures.
const SET: &str = "## Set, not measured";

/// The pages that state figures.
fn pages() -> Vec<String> {
    let is_ours = |path: &String| !path.contains('/') || path.starts_with("docs/");
    files("md").into_iter().filter(is_ours).collect()
}

/// One row of the table in `claims.md`.
struct Claim {
    /// A CSV of `paper-results/`, or a dash for a figure made of others.
    file: String,
    /// Which rows, as [`formula::select`] takes them.
    rows: String,
    /// As [`formula::evaluate`] takes it, or `claim / claim`.
    figure: String,
}

fn claims() -> BTreeMap<String, Claim> {
    let page = text(CLAIMS);
    let table = page.split(SET).next().unwrap_or_default().lines().filter(|line| line.starts_with("| `"));
    table
        .map(|line| {
            let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            let [_, id, _states, file, rows, figure, _command, _] =
                cells.try_into().unwrap_or_else(|_| panic!("six columns: {line}"));
            (id, Claim { file, rows, figure })
        })
        .collect()
}

/// A figure and how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Figure {
    Nanoseconds(f64),
    Bytes(f64),
    Count(f64),
    PerSecond(f64),
    Times(f64),
    /// A ratio that is near another one: three decimals.
    Ratio(f64),
}

impl Figure {
    fn of(formula::Figure { interval, unit }: formula::Figure) -> Self {
        match unit {
            Unit::Nanoseconds => Self::Nanoseconds(interval.value),
            Unit::Bytes => Self::Bytes(interval.value),
            Unit::Count => Self::Count(interval.value),
            Unit::PerSecond => Self::PerSecond(interval.value),
            Unit::Ratio => Self::Ratio(interval.value),
        }
    }

    fn value(self) -> f64 {
        match self {
            Self::Nanoseconds(value)
            | Self::Bytes(value)
            | Self::Count(value)
            | Self::PerSecond(value)
            | Self::Times(value)
            | Self::Ratio(value) => value,
        }
    }

    /// Two significant digits and a unit that suits them; a count as it is.
    fn written(self) -> String {
        let scaled = |value: f64, units: &[(f64, &str)]| {
            let rounded = two_digits(value);
            let fits = units.iter().rev().find(|(scale, _)| rounded >= *scale);
            let (scale, unit) = *fits.unwrap_or(&units[0]);
            format!("{} {unit}", plain(rounded / scale))
        };
        match self {
            Self::Nanoseconds(value) => scaled(value, &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]),
            Self::Bytes(value) => scaled(value, &[(1e6, "MB"), (1e9, "GB")]),
            Self::Count(value) => instar_bench::figures::grouped(value.round() as u64),
            Self::PerSecond(value) => plain(two_digits(value)),
            Self::Times(value) => format!("{}×", plain(two_digits(value))),
            Self::Ratio(value) => format!("{value:.3}"),
        }
    }
}

fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap()
}

/// `0.4`, `2.6`, `12`, `48,000`.
fn plain(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { instar_bench::figures::grouped(value.round() as u64) }
}

fn figure(claims: &BTreeMap<String, Claim>, id: &str) -> Figure {
    let claim = claims.get(id).unwrap_or_else(|| panic!("{CLAIMS} has no claim `{id}`"));
    if let Some((over, under)) = claim.figure.split_once(" / ").filter(|_| !claim.figure.contains('(')) {
        return Figure::Times(figure(claims, over).value() / figure(claims, under).value());
    }
    let table = Table::read(&root().join("paper-results").join(&claim.file))
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    let rows = formula::select(&table, &claim.rows);
    assert!(!rows.is_empty(), "{} has no rows for `{id}`: {}", claim.file, claim.rows);
    Figure::of(formula::evaluate(&rows, &claim.figure).unwrap_or_else(|error| panic!("{id}: {error}")))
}

#[test]
fn figures_in_the_pages_are_those_of_the_csv() {
    let claims = claims();
    let mut wrong = Vec::new();
    for name in pages() {
        let page = text(&name);
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
            fs::write(root().join(&name), updated).unwrap();
            wrong.clear();
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_claim_can_be_computed_and_is_stated() {
    let claims = claims();
    let pages: String = pages().iter().map(text).collect();
    for (id, claim) in &claims {
        assert!(figure(&claims, id).value() >= 0.0, "{id}");
        let is_part = claims.values().any(|other| other.figure.split(" / ").any(|part| part == id));
        assert!(
            is_part || pages.contains(&format!("{OPEN}{id} -->")),
            "no page states `{id}`: {}",
            claim.figure
        );
    }
}

/// The page without what is between two texts, which may be the same.
fn without(page: &str, open: &str, close: &str) -> String {
    let mut parts = page.split(open);
    if open == close {
        return parts.step_by(2).collect::<Vec<_>>().join(" ");
    }
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + " " + part.split_once(close).map_or("", |(_, rest)| rest))
}

/// Units in which things are measured here.
const UNITS: [&str; 13] = ["ns", "µs", "ms", "s", "seconds", "KiB", "MiB", "GiB", "KB", "MB", "GB", "×", "%"];

/// Words that are a number with a unit of measurement behind it, as `3.5 ms` or `2×`.
fn measured_figures(prose: &str) -> Vec<String> {
    let words: Vec<&str> = prose
        .split(|character: char| character.is_whitespace() || "()[]|,;:*".contains(character))
        .filter(|word| !word.is_empty())
        .collect();
    let is_number = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_digit())
            && word.chars().all(|it| it.is_ascii_digit() || ".–-".contains(it))
    };
    let is_unit = |word: &str| UNITS.contains(&word.trim_end_matches(['.', '/']));
    let joined = words.iter().filter(|word| {
        let unit = word.trim_start_matches(|it: char| it.is_ascii_digit() || ".–-".contains(it));
        unit.len() < word.len() && is_unit(unit)
    });
    let pairs = words.windows(2).filter(|pair| is_number(pair[0]) && is_unit(pair[1]));
    let figures = joined.map(|word| (*word).to_owned()).chain(pairs.map(|pair| pair.join(" ")));
    figures.map(|figure| figure.trim_end_matches(['.', '/']).to_owned()).collect()
}

/// The figures of each page that were set.
fn set_figures() -> BTreeMap<String, BTreeSet<String>> {
    let page = text(CLAIMS);
    let (_, table) = page.split_once(SET).expect("claims.md says which figures were set");
    let rows =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    rows.map(|(name, figures)| (name.to_owned(), figures.split(", ").map(str::to_owned).collect())).collect()
}

#[test]
fn a_figure_without_a_claim_is_one_that_was_set() {
    let set = set_figures();
    let (mut bare, mut unused) = (Vec::new(), Vec::new());
    for name in pages() {
        let mut page = text(&name);
        for (open, close) in [("```", "```"), (OPEN, CLOSE), ("`", "`")] {
            page = without(&page, open, close);
        }
        let stated: BTreeSet<String> = measured_figures(&page).into_iter().collect();
        let known = set.get(&name).cloned().unwrap_or_default();
        bare.extend(stated.difference(&known).map(|figure| format!("{name}: {figure}")));
        unused.extend(known.difference(&stated).map(|figure| format!("{name}: {figure}")));
    }
    let bare = bare.join("\n");
    assert!(
        bare.is_empty(),
        "\n{bare}\nGive each a claim in {CLAIMS}, or a place under \"{SET}\" if nothing measured it"
    );
    assert!(unused.is_empty(), "no page states these that {CLAIMS} lists as set: {unused:?}");
}

#[test]
fn figures_are_found_in_prose() {
    assert_eq!(
        measured_figures("took 3.5 ms (2× as long), 20 to 30 %, 10⁷ objects, 4 slots, page 3."),
        ["2×", "3.5 ms", "30 %"]
    );
    assert_eq!(without("a `1 ms` b `2 ms` c", "`", "`"), "a   b   c");
    assert_eq!(without("a <1 ms> b <2 ms> c", "<", ">"), "a   b   c");
}

#[test]
fn figures_are_written_with_two_digits() {
    assert_eq!(Figure::Nanoseconds(118.0).written(), "120 ns");
    assert_eq!(Figure::Nanoseconds(2.64).written(), "2.6 ns");
    assert_eq!(Figure::Nanoseconds(999.0).written(), "1.0 µs");
    assert_eq!(Figure::Nanoseconds(52_300_000.0).written(), "52 ms");
    assert_eq!(Figure::Bytes(968e6).written(), "970 MB");
    assert_eq!(Figure::Count(196.0).written(), "196");
    assert_eq!(Figure::PerSecond(8384.0).written(), "8,400");
    assert_eq!(Figure::Times(481_234.0).written(), "480,000×");
    assert_eq!(Figure::Times(1.04).written(), "1.0×");
    assert_eq!(Figure::Ratio(1.0042).written(), "1.004");
}
