//! The program as people meet it: options, exit statuses, messages, files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use instar_bench::measure::{Observation, Trial};
use instar_bench::point::{Age, Holder, Kind, Point, Strategy};
use instar_bench::record::{self, Record};

fn instar(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_instar")).args(arguments).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("instar-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn with_csv(name: &str) -> (Self, PathBuf) {
        let folder = Self::new(name);
        fs::create_dir_all(&folder.0).unwrap();
        let path = folder.0.join("become.csv");
        record::rewrite(&path, &records()).unwrap();
        (folder, path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for (strategy, fixed_ns) in [(Strategy::Lazy, 200), (Strategy::FullScan, 1_000_000)] {
        for (run, pairs) in [(1, 1), (2, 1), (1, 1000), (2, 1000)] {
            let point = Point {
                strategy,
                workers: 1,
                kind: Kind::OneWay,
                pairs,
                bystanders: 1000,
                age: Age::Old,
                references_per_object: 1,
                holder: Holder::Field,
            };
            let pause_ns = fixed_ns + 5 * pairs + u64::from(run);
            let found = Observation { pause_ns, heap_bytes: 32_000, ..Observation::default() };
            records.push(Record { trial: Trial { point, run, seed: 1 }, outcome: Ok(found) });
        }
    }
    records
}

#[test]
fn help_and_version_are_what_people_expect() {
    for arguments in [&["--help"][..], &["-h"], &["help"], &["sweep", "--help"], &["plot", "--help"]] {
        let output = instar(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(stdout(&output).contains("Usage: instar"), "{arguments:?}");
        assert!(!stdout(&output).contains("observe"), "{arguments:?}");
    }
    assert_eq!(stdout(&instar(&["--version"])), format!("instar {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(instar(&[]).status.code(), Some(2));
}

#[test]
fn bad_options_are_named_with_what_is_accepted() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["sweep", "--runs", "0"], &["--runs", "from 1 to 1000"]),
        (&["sweep", "--runs", "many"], &["--runs", "from 1 to 1000"]),
        (&["sweep", "--workers", "65"], &["--workers", "from 1 to 64"]),
        (&["sweep", "--seed", "-1"], &["-1"]),
        (&["sweep", "--seed=x"], &["--seed", "from 0 to 18446744073709551615"]),
        (&["sweep", "--max-instances", "0"], &["--max-instances", "from 1 to 1000000000"]),
        (&["sweep", "--max-instances", "1e30"], &["--max-instances", "from 1 to 1000000000"]),
        (
            &["sweep", "--strategies", "lazy,eager"],
            &["--strategies", "\"eager\" is none of lazy, always-check, full-scan or object-table"],
        ),
        (&["sweep", "--quick", "--full"], &["--quick", "--full"]),
        (&["sweep", "--fast"], &["--fast"]),
        (&["plot"], &["<CSV>..."]),
        (&["swep"], &["swep", "sweep"]),
    ];
    for (arguments, expected) in cases {
        let output = instar(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        for text in *expected {
            assert!(stderr(&output).contains(text), "{arguments:?}: {}", stderr(&output));
        }
    }
}

#[test]
fn a_sweep_that_memory_cannot_hold_is_refused_before_it_starts() {
    let folder = Folder::new("refused");
    let out = folder.0.to_str().unwrap();
    let output = instar(&["sweep", "--full", "--max-instances", "1e9", "--out", out]);
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(message.starts_with("error: memory cannot hold this sweep: it needs "), "{message}");
    assert!(message.contains("--max-instances 1"), "{message}");
    assert!(!folder.0.exists());
}

#[test]
fn a_small_sweep_succeeds_and_writes_every_file() {
    let folder = Folder::new("small");
    let out = folder.0.to_str().unwrap();
    let arguments = ["sweep", "--quick", "--max-instances", "10", "--runs", "1", "--out", out];
    let output = instar(&arguments);
    let records = record::read(&folder.0.join("become.csv")).unwrap();
    let failed: Vec<&Record> = records.iter().filter(|record| record.outcome.is_err()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(records.len() > 20);
    for name in ["limits.csv", "manifest.json", "report.html"] {
        assert!(folder.0.join(name).exists(), "{name}");
    }
    // Once more: what is there already is not measured again.
    let again = instar(&arguments);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    let plain = stderr(&again);
    assert!(plain.contains(&format!("0 observations ({} are there already)", records.len())), "{plain}");
    assert_eq!(record::read(&folder.0.join("become.csv")).unwrap().len(), records.len());
}

#[test]
fn plots_are_redrawn_from_csv_alone() {
    let (folder, csv) = Folder::with_csv("plot");
    let out = folder.0.join("new/plots");
    let output = instar(&["plot", csv.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("Swapping one pair among 1,000 bystanders takes 206 ns lazily"),
        "{}",
        stdout(&output)
    );
    for name in ["pause-by-instances.svg", "pause-by-instances.png", "pause-by-heap.svg"] {
        assert!(out.join(name).exists(), "{name}");
    }
    // Without a folder they stand beside the CSV.
    assert_eq!(instar(&["plot", csv.to_str().unwrap()]).status.code(), Some(0));
    assert!(folder.0.join("pause-by-instances.svg").exists());
}

#[test]
fn a_folder_of_results_becomes_one_page_and_the_same_as_markdown() {
    let (folder, _) = Folder::with_csv("report");
    let (results, out) = (folder.0.to_str().unwrap(), folder.0.join("pages"));
    let output = instar(&["report", "--in", results, "--out", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for name in ["report.html", "report.md", "pause-by-instances.svg"] {
        assert!(out.join(name).exists() && !folder.0.join(name).exists(), "{name}");
    }
    let output = instar(&["report", "--in", out.join("nowhere").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no such folder of results"), "{}", stderr(&output));
}

#[test]
fn experiments_are_reproduced_in_order_and_only_once() {
    let folder = Folder::new("reproduce");
    let out = folder.0.to_str().unwrap();
    let reproduce = |more: &[&str]| {
        instar(&[&["reproduce", "--quick", "--only", "effort,functional", "--out", out], more].concat())
    };
    let first = reproduce(&[]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let table = stdout(&first);
    let place = |name: &str| table.find(name).unwrap_or_else(|| panic!("{name}: {table}"));
    assert!(place("E8   functional      complete, ") < place("E9   effort          complete, "));
    assert!(
        stderr(&first).contains("[2/2] Lines of code: instar bench effort --quick --out "),
        "{}",
        stderr(&first)
    );
    let page = fs::read_to_string(folder.0.join("report.md")).unwrap();
    assert!(
        page.contains("## E8. What can be updated") && page.contains("Not measured here: E1. "),
        "{page}"
    );
    let again = reproduce(&["--skip", "effort"]);
    assert!(
        stdout(&again).contains("complete before") && !stdout(&again).contains("effort "),
        "{}",
        stdout(&again)
    );
    let unknown = reproduce(&["--skip", "efort"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("there is no experiment efort"), "{}", stderr(&unknown));
}

fn plot_error(csv: &Path) -> String {
    let output = instar(&["plot", csv.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    stderr(&output)
}

#[test]
fn csv_errors_name_file_line_column_and_mend() {
    let (folder, csv) = Folder::with_csv("broken");
    let text = fs::read_to_string(&csv).unwrap();
    fs::write(&csv, text.replacen("one-way", "sideways", 1)).unwrap();
    let message = plot_error(&csv);
    let expected =
        "become.csv:2: column kind: \"sideways\" does not fit: write one-way, one-way-hash or two-way";
    assert!(message.contains(expected), "{message}");

    fs::write(&csv, "a,b\n1,2\n").unwrap();
    assert!(plot_error(&csv).contains("become.csv:1: these are not the columns of become.csv"));
    fs::write(&csv, "").unwrap();
    assert!(plot_error(&csv).contains("become.csv:1: the file is empty"));
    let missing = folder.0.join("missing.csv");
    assert!(plot_error(&missing).contains("missing.csv: No such file"));
}
