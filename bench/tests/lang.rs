//! The drivers of the language's benchmarks with scripts in the place of what they measure.

use std::fs;
use std::path::PathBuf;

use instar_bench::csv_table::Table;
use instar_bench::lang::rows::{BARRIER_COLUMNS, Error, LANG_COLUMNS, Outcome, read_barrier, read_lang};
use instar_bench::lang::steps::Steps;
use instar_bench::lang::{Command, Guest, Options, barrier, compare, heal};
use instar_bench::manifest::Manifest;
use instar_bench::point::Strategy;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("instar-lang-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn options(&self, command: Command, only: &[&str]) -> Options {
        let only = only.iter().map(|name| (*name).to_owned()).collect();
        Options { quick: true, only, ..Options::new(command, self.0.clone()) }
    }

    fn columns(&self, csv: &str) -> Vec<String> {
        let table = Table::read(&self.0.join(csv)).unwrap();
        table.header().iter().map(str::to_owned).collect()
    }

    fn manifest(&self, name: &str) -> Manifest {
        Manifest::read(&self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A shell script that is called as the program would be: `--become STRATEGY NAME --times N …` from `$1` on.
fn guest(script: &str) -> Guest {
    Guest { program: "/bin/sh".into(), arguments: ["-c", script, "sh"].map(Into::into).to_vec(), counted: "" }
}

fn refused(outcome: Result<Outcome, Error>) -> String {
    match outcome {
        Err(error @ Error::Refused(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_observation_is_a_row_and_failures_are_told() {
    let folder = Folder::new("rows");
    let options = folder.options(Command::Lang, &["Sieve", "bounce", "Fasta", "Meteor"]);
    let script = r#"case $3 in
        Sieve) printf 'Sieve\t669\t1000\n';;
        Bounce) printf 'Bounce\t1\t1000\n';;
        Fasta) printf 'Fasta\t1\t500\n';;
        *) echo "no such class" >&2; exit 1;;
    esac"#;
    let outcome = compare::run(&options, &guest(script), &[], &Steps::silent()).unwrap();
    assert_eq!((outcome.measured, outcome.failures.len()), (6, 3), "{:?}", outcome.failures);
    let told = outcome.failures.join("\n");
    assert!(told.contains("instar Bounce: answered Bounce 1 instead of Bounce 1331"), "{told}");
    assert!(told.contains("instar Meteor: ended with status 1: no such class"), "{told}");
    assert!(
        outcome.table.contains("the output of 1 of 2 programs is right; not of Meteor."),
        "{}",
        outcome.table
    );

    assert_eq!(folder.columns("lang.csv"), LANG_COLUMNS);
    let rows = read_lang(&folder.0.join("lang.csv")).unwrap();
    let of = |name: &str| rows.iter().filter(|row| row.benchmark == name).collect::<Vec<_>>();
    assert_eq!((of("Sieve").len(), of("Bounce").len(), of("Fasta").len(), of("Meteor").len()), (2, 2, 1, 1));
    assert!(of("Sieve").iter().all(|row| row.checksum_ok && row.time_ns == Some(1000)));
    assert!(of("Bounce").iter().all(|row| !row.checksum_ok && row.time_ns.is_none()));
    let manifest = folder.manifest("lang-manifest.json");
    assert!(
        manifest.command.starts_with("instar bench lang --quick --runs 2 --seed 42"),
        "{}",
        manifest.command
    );
    assert!(manifest.ended.is_some());
    // The other languages were not offered: they are named, and their absence is no failure.
    assert_eq!(manifest.options["found"]["missing"], serde_json::json!(["cpython", "lua"]));
}

#[test]
fn the_seed_gives_the_order() {
    let order = |seed| {
        let folder = Folder::new(&format!("order-{seed}"));
        let options = Options { seed, ..folder.options(Command::Barrier, &["Sieve", "Fib", "List"]) };
        barrier::run(&options, &guest("exit 3"), None, &Steps::silent()).unwrap();
        let rows = read_barrier(&folder.0.join("barrier.csv")).unwrap();
        rows.into_iter().map(|row| (row.benchmark, row.strategy)).collect::<Vec<_>>()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn strategies_are_measured_side_by_side() {
    let folder = Folder::new("barrier");
    let options = folder.options(Command::Barrier, &["Sieve"]);
    let script = r#"case $2 in
        lazy) ns=1010;; always-check) ns=1200;; full-scan) ns=1000;;
    esac
    printf '%s\t669\t%s\n' "$3" $ns"#;
    let outcome = barrier::run(&options, &guest(script), None, &Steps::silent()).unwrap();
    assert_eq!((outcome.measured, outcome.failures.len()), (6, 0), "{:?}", outcome.failures);
    assert_eq!(folder.columns("barrier.csv"), BARRIER_COLUMNS);
    let rows = read_barrier(&folder.0.join("barrier.csv")).unwrap();
    for strategy in barrier::STRATEGIES {
        assert_eq!(
            rows.iter().filter(|row| row.strategy == strategy && row.instructions.is_none()).count(),
            2
        );
    }
    let manifest = folder.manifest("barrier-manifest.json");
    assert!(manifest.options["found"]["instructions"].as_str().unwrap().starts_with("not counted"));
    assert!(outcome.table.contains("lazy / never-check, geometric mean of 1 benchmarks: time 1.010"));
    let svg = fs::read_to_string(folder.0.join("barrier.svg")).unwrap();
    assert!(svg.contains("Sieve") && folder.0.join("barrier.png").exists());
}

#[test]
fn passes_after_a_become_are_columns() {
    let folder = Folder::new("heal");
    let options =
        Options { strategy: Strategy::AlwaysCheck, ..folder.options(Command::Heal, &["array", "variables"]) };
    let script = r#"right=1; [ $3 = variables ] && right=0
    printf '%s\t%s\t100\t5\t300\t101\t100\t99\t0\t100000\n' "$3" $right"#;
    let outcome = heal::run(&options, &guest(script), &Steps::silent()).unwrap();
    assert_eq!((outcome.measured, outcome.failures.len()), (4, 2));
    assert!(outcome.failures[0].ends_with("variables: a pass gave a wrong sum"), "{:?}", outcome.failures);
    assert_eq!(folder.columns("heal.csv"), heal::COLUMNS);
    let table = Table::read(&folder.0.join("heal.csv")).unwrap();
    let good = |row: &instar_bench::csv_table::Row<'_>| row.get::<String>("checksum_ok").unwrap() == "true";
    let row = table.rows().find(good).unwrap();
    assert_eq!(row.get::<String>("strategy").unwrap(), "always-check");
    assert_eq!(row.get::<u64>("second_pass_ns").unwrap(), 101);
    assert!(outcome.table.contains("1.010×"), "{}", outcome.table);
}

#[test]
fn unknown_names_are_refused_before_anything_is_written() {
    let folder = Folder::new("unknown");
    let options = folder.options(Command::Heal, &["Fib"]);
    let text = refused(heal::run(&options, &guest("exit 0"), &Steps::silent()));
    assert!(text.contains("there is no benchmark Fib: --only takes array"), "{text}");
    assert!(!folder.0.exists());
}

#[test]
fn the_same_command_goes_on_where_it_was_stopped() {
    let folder = Folder::new("resume");
    let options = folder.options(Command::Barrier, &["Sieve", "Fib"]);
    let broken = r#"[ $3 = Fib ] && { echo gone >&2; exit 1; }; printf 'Sieve\t669\t1000\n'"#;
    let outcome = barrier::run(&options, &guest(broken), None, &Steps::silent()).unwrap();
    assert_eq!((outcome.measured, outcome.skipped, outcome.failures.len()), (12, 0, 6));
    // Killed while it wrote: half a row.
    let csv = folder.0.join("barrier.csv");
    let text = fs::read_to_string(&csv).unwrap();
    fs::write(&csv, format!("{text}Sieve,lazy,3,12")).unwrap();

    let whole = r#"case $3 in Fib) printf 'Fib\t3524578\t2000\n';; *) printf 'Sieve\t669\t3000\n';; esac"#;
    let more = Options { runs: Some(3), ..options };
    let outcome = barrier::run(&more, &guest(whole), None, &Steps::silent()).unwrap();
    // What failed, and the third run of each.
    assert_eq!((outcome.measured, outcome.skipped, outcome.failures.len()), (12, 6, 0));
    let rows = read_barrier(&csv).unwrap();
    let times = |name: &str| {
        let mut times: Vec<_> =
            rows.iter().filter(|row| row.benchmark == name).map(|row| row.time_ns).collect();
        times.sort_unstable();
        times
    };
    assert_eq!(times("Fib"), [Some(2000); 9]);
    assert_eq!(times("Sieve"), [[Some(1000); 6].as_slice(), &[Some(3000); 3]].concat());
}

#[test]
fn figures_of_another_setting_are_kept_aside() {
    let folder = Folder::new("aside");
    let script = r#"printf 'Sieve\t669\t1000\n'"#;
    let options = folder.options(Command::Lang, &["Sieve"]);
    compare::run(&options, &guest(script), &[], &Steps::silent()).unwrap();
    let other = Options { strategy: Strategy::FullScan, ..options };
    let outcome = compare::run(&other, &guest(script), &[], &Steps::silent()).unwrap();
    assert_eq!((outcome.measured, outcome.skipped), (2, 0));
    let names =
        fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let kept: Vec<String> =
        names.filter(|name| name.starts_with("lang-2") && name.ends_with(".csv")).collect();
    assert_eq!(read_lang(&folder.0.join(&kept[0])).unwrap().len(), 2, "{kept:?}");
}
