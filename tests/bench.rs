//! `instar bench` as people meet it, with the real programs at their smallest.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("instar-bench-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn rows(&self, csv: &str) -> Vec<csv::StringRecord> {
        let mut reader = csv::Reader::from_path(self.0.join(csv)).unwrap();
        reader.records().map(Result::unwrap).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bench(arguments: &[&str]) -> Output {
    // Elsewhere than in the repository: the programs are built in.
    let mut command = Command::new(env!("CARGO_BIN_EXE_instar"));
    command
        .arg("bench")
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .output()
        .expect("the program starts")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn one_benchmark_prints_its_line() {
    for strategy in ["lazy", "always-check", "full-scan"] {
        let line = stdout(&bench(&["one", "Fib", "--become", strategy, "--parameter", "10", "--times", "2"]));
        let fields: Vec<&str> = line.trim_end().split('\t').collect();
        assert_eq!(fields[..2], ["Fib", "89"]);
        assert!(fields[2].parse::<u64>().is_ok(), "{line}");
    }
    let wrong = bench(&["one", "Fob"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("there is no benchmark Fob"));
}

#[test]
fn a_become_is_followed_by_right_passes() {
    for holder in instar_bench::lang::heal::HOLDERS {
        let line = stdout(&bench(&["one", holder, "--parameter", "1000"]));
        let figures: Vec<i64> =
            line.trim_end().split('\t').skip(1).map(|field| field.parse().unwrap()).collect();
        assert_eq!(figures[0], 1, "sums of {holder}");
        assert_eq!(figures[8], 1000, "references that {holder} healed, each once");
    }
}

#[test]
fn lang_compares_with_what_is_installed() {
    let folder = Folder::new("lang");
    let out = folder.0.to_str().unwrap();
    let arguments = ["lang", "--quick", "--runs", "1", "--only", "List", "Chameneos", "--out", out];
    let table = stdout(&bench(&arguments));
    assert!(table.contains("List") && table.contains("the output of 1 of 1 programs is right"), "{table}");
    let rows = folder.rows("lang.csv");
    assert!(rows.iter().any(|row| &row[0] == "List" && &row[1] == "instar" && &row[4] == "true"));
    assert!(folder.0.join("lang-manifest.json").exists());
}

#[test]
fn the_csvs_are_drawn_again_from_themselves() {
    let folder = Folder::new("drawn");
    let out = folder.0.to_str().unwrap();
    for command in ["barrier", "heal", "lang"] {
        let only = if command == "heal" { "variables" } else { "Fib" };
        let arguments = [command, "--quick", "--runs", "1", "--only", only, "--out", out];
        let measured = stdout(&bench(&arguments));
        let svg = folder.0.join(command).with_extension("svg");
        let first = fs::read_to_string(&svg).ok();
        let _ = fs::remove_file(&svg);
        let csv = folder.0.join(command).with_extension("csv");
        let drawn = Command::new(env!("CARGO_BIN_EXE_instar")).arg("plot").arg(&csv).output().unwrap();
        let table = stdout(&drawn);
        assert!(measured.starts_with(table.split("Plot:").next().unwrap()), "{table}\n{measured}");
        assert_eq!(fs::read_to_string(&svg).ok(), first, "{command}");
        // Without Python there is nothing to compare with.
        assert!(first.is_some() || command == "lang", "{command}");
    }
}

#[test]
fn a_service_that_is_updated_and_taken_back_again_and_again_stays_what_it_was() {
    let folder = Folder::new("soak");
    let table = stdout(&bench(&["soak", "--quick", "--out", folder.0.to_str().unwrap()]));
    let rows = folder.rows("soak.csv");
    let steps: Vec<[&str; 2]> = rows.iter().map(|row| [&row[2], &row[3]]).collect();
    let updates = ["model", "kernel", "engine"].map(|it| [[it, "update"], [it, "inverse"]]).concat();
    assert_eq!(steps, updates.repeat(3));
    // Every one finds instances, and has a window with requests and a stop.
    for row in &rows {
        let figure = |column: usize| row[column].parse::<u64>().unwrap();
        assert!([6, 7, 9].iter().all(|&column| figure(column) > 0) && figure(5) >= figure(6), "{row:?}");
    }
    assert!(table.contains("engine, inverse") && folder.0.join("soak.svg").exists(), "{table}");
}

#[test]
fn a_web_application_is_updated_with_both_kinds_of_safe_points_and_drawn() {
    let folder = Folder::new("webapp");
    let out = folder.0.to_str().unwrap();
    let arguments = ["webapp", "--quick", "--out", out];
    let measured = stdout(&bench(&arguments));
    let rows = folder.rows("webapp.csv");
    let keys: Vec<[&str; 3]> = rows.iter().map(|row| [&row[0], &row[1], &row[3]]).collect();
    let each = |safe_point| ["before", "update", "after", "all"].map(|it| ["do-push-up", safe_point, it]);
    assert_eq!(keys, [each("automatic"), each("explicit")].concat());
    for row in &rows {
        let figure = |column: usize| row[column].parse::<u64>().unwrap();
        // Failed, lost, doubled.
        assert_eq!([6, 12, 13].map(figure), [0; 3], "{row:?}");
        assert!(figure(5) > 0 && figure(14) >= figure(15) && figure(15) > 0, "{row:?}");
    }
    let course = folder.rows("webapp-series.csv");
    assert_eq!(course.len(), 2 * 12, "half seconds");
    // Nothing is measured twice, and the figures are drawn from the files alone.
    assert_eq!(stdout(&bench(&arguments)), measured);
    let csv = folder.0.join("webapp.csv");
    let drawn = Command::new(env!("CARGO_BIN_EXE_instar")).arg("plot").arg(&csv).output().unwrap();
    let table = stdout(&drawn);
    assert!(measured.starts_with(table.split("Plot:").next().unwrap()), "{table}\n{measured}");
    assert!(folder.0.join("webapp-do-push-up.png").exists());
}

#[test]
fn a_server_is_updated_under_load_and_drawn() {
    let folder = Folder::new("server");
    let out = folder.0.to_str().unwrap();
    let arguments = ["server", "--quick", "--only", "700/s", "--out", out];
    let measured = stdout(&bench(&arguments));
    let rows = folder.rows("server.csv");
    let windows: Vec<&str> = rows.iter().map(|row| &row[4]).collect();
    assert_eq!(windows, ["before", "update", "after", "all"]);
    let figure = |row: &csv::StringRecord, column: usize| row[column].parse::<u64>().unwrap();
    assert_eq!(figure(&rows[3], 6), 5 * 700);
    // Failed, lost, doubled.
    assert_eq!([7, 13, 14].map(|column| figure(&rows[3], column)), [0; 3]);
    assert!(figure(&rows[3], 17) >= 28_500, "messages migrated");
    let course = folder.rows("server-series.csv");
    assert_eq!(course.iter().map(|bin| figure(bin, 6)).sum::<u64>(), 6 * 700);
    // Nothing is measured twice, and the figures are drawn from the files alone.
    assert_eq!(stdout(&bench(&arguments)), measured);
    let csv = folder.0.join("server.csv");
    let drawn = Command::new(env!("CARGO_BIN_EXE_instar")).arg("plot").arg(&csv).output().unwrap();
    let table = stdout(&drawn);
    assert!(measured.starts_with(table.split("Plot:").next().unwrap()), "{table}\n{measured}");
    assert!(folder.0.join("server-model-28500-700.png").exists() && folder.0.join("server.svg").exists());
}

#[test]
fn a_warm_iteration_is_counted_alone() {
    for name in ["Fib", "NBody", "array"] {
        let line = stdout(&bench(&["one", name, "--parameter", "10", "--warm"]));
        assert!(line.starts_with(name), "{line}");
    }
}

#[test]
fn wrong_options_are_refused() {
    for wrong in
        [&["lang", "--only", "Fob"][..], &["heal", "--become", "object-table"], &["barrier", "--runs", "0"]]
    {
        assert_eq!(bench(wrong).status.code(), Some(2), "{wrong:?}");
    }
}
