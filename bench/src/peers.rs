//! `instar bench peers`, experiment E11: one change of schema, here and in other systems, in one run.
//!
//! The change is the chat model's (gDSU 5.3): instances of one class become instances of two, which of them says a slot. What the systems do is not
//! the same: some redefine classes under a running program, in some the application must do all of it by hand; each script in `bench/peers`
//! says which. All print the same line: whether every instance is right afterwards, the time in which the program could do nothing else, that
//! time with a first pass over all instances, and the peak of resident bytes.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use include_dir::{Dir, include_dir};
use serde_json::json;

use crate::csv_table::{self, Table};
use crate::figures;
use crate::lang::child::{self, Line};
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session, result_row};
use crate::lang::steps::Steps;
use crate::plot;
use crate::rng::SplitMix64;
use crate::stats;
use crate::unpacked::Unpacked;

static SCRIPTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/peers");

/// The columns of `peers.csv`.
pub const COLUMNS: [&str; 9] =
    ["system", "version", "instances", "run", "stop_ns", "total_ns", "peak_rss_bytes", "result", "failure"];
/// The columns by which a row is known.
const KEY: [&str; 3] = ["system", "instances", "run"];

/// The name of this system in the table.
pub const OURS: &str = "instar";
const MISSING: &str = "missing";
const CHANGED: &str = "changed";

/// A system that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its name, with the way the change is made there.
    pub name: &'static str,
    program: &'static str,
    version: &'static [&'static str],
    /// What stands before the script.
    before: &'static [&'static str],
    script: &'static str,
    /// What stands between the script and the number of instances.
    after: &'static [&'static str],
}

/// All that are looked for. The limits of memory let them hold 10⁷ instances.
pub const PEERS: [Peer; 7] = [
    Peer {
        name: "cpython",
        program: "python3",
        version: &["--version"],
        before: &[],
        script: "split.py",
        after: &[],
    },
    Peer {
        name: "openjdk-copy",
        program: "java",
        version: &["-version"],
        before: &["-Xmx6g"],
        script: "Split.java",
        after: &[],
    },
    Peer { name: "sbcl-eager", after: &["eager"], ..SBCL },
    Peer { name: "sbcl-lazy", after: &["lazy"], ..SBCL },
    Peer { name: "erlang-list", after: &["list"], ..ERLANG },
    Peer { name: "erlang-map", after: &["map"], ..ERLANG },
    Peer {
        name: "gnu-smalltalk",
        program: "gst",
        version: &["--version"],
        before: &["-q"],
        script: "split.st",
        after: &["-a"],
    },
];

const SBCL: Peer = Peer {
    name: "sbcl",
    program: "sbcl",
    version: &["--version"],
    before: &["--noinform", "--dynamic-space-size", "8192", "--script"],
    script: "split.lisp",
    after: &[],
};
const ERLANG: Peer = Peer {
    name: "erlang",
    program: "escript",
    version: &["--version"],
    before: &[],
    script: "split.escript",
    after: &[],
};

impl Peer {
    /// What it says about its version; `None` if it is not installed.
    fn version(&self) -> Option<String> {
        let said = child::run(Command::new(self.program).args(self.version)).ok();
        if self.program == ERLANG.program {
            // It only tells its version to those who ask in the language.
            let ask = "io:format(\"Erlang/OTP ~s~n\", [erlang:system_info(otp_release)]), halt().";
            let said = child::run(Command::new("erl").args(["-noshell", "-eval", ask])).ok()?;
            return said.out.lines().next().map(str::to_owned);
        }
        let said = said?;
        let mut lines = said.out.lines().chain(said.err.lines()).map(str::trim);
        lines.find(|line| !line.is_empty()).map(str::to_owned)
    }

    fn command(&self, scripts: &Unpacked, instances: u32) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.before).arg(scripts.path(self.script)).args(self.after).arg(instances.to_string());
        command
    }
}

/// One system that is there, and its version.
struct System<'a> {
    name: &'a str,
    version: String,
    command: Box<dyn Fn(u32) -> Command + 'a>,
}

/// Figures of one good row.
pub(crate) struct Split {
    system: String,
    instances: u32,
    stop_ns: f64,
    total_ns: f64,
    peak_bytes: f64,
}

/// Measures, writes `peers.csv` and its manifest, and makes the table. `ours` is what makes the change here for so many instances.
///
/// # Errors
/// If a file cannot be written, or an option makes no sense. A failed observation is a row, and listed in the outcome; so is a system that is
/// missing, but that is no failure.
pub fn run(options: &Options, ours: impl Fn(u32) -> Command, steps: &Steps) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let scripts =
        Unpacked::new(&SCRIPTS, "peers").map_err(|error| Error::file(&std::env::temp_dir(), error))?;
    let wanted = PEERS.iter().filter(|peer| options.wants(peer.name));
    let (there, missing): (Vec<_>, Vec<_>) =
        wanted.map(|peer| (peer, peer.version())).partition(|(_, version)| version.is_some());
    let mut systems =
        vec![System { name: OURS, version: env!("CARGO_PKG_VERSION").to_owned(), command: Box::new(&ours) }];
    systems.extend(there.into_iter().map(|(peer, version)| System {
        name: peer.name,
        version: version.unwrap_or_default(),
        command: Box::new(|instances| peer.command(&scripts, instances)),
    }));
    let versions: Vec<(&str, &str)> =
        systems.iter().map(|system| (system.name, system.version.as_str())).collect();
    let session = Session::begin(options, json!({ "systems": versions }), &[], steps)?;
    let runs = options.runs.unwrap_or(if options.quick { 1 } else { 5 });
    let tasks = tasks(&systems, options, runs);
    let planned: HashSet<Vec<String>> = tasks.iter().map(key).collect();
    let mut rows = Rows::open(&session.csv, &COLUMNS, &KEY, &planned)?;
    for (peer, _) in &missing {
        steps.note(&format!("{} is missing: there is no {}", peer.name, peer.program));
        if !rows.has(&[peer.name.to_owned(), String::new(), String::new()]) {
            rows.push(&[peer.name, "", "", "", "", "", "", MISSING, ""])?;
        }
    }
    let open: Vec<&Task> = tasks.iter().filter(|task| !rows.has(&key(task))).collect();
    let mut outcome = Outcome { skipped: tasks.len() - open.len(), ..Outcome::default() };
    steps.expect(open.len());
    for task in open {
        let &(system, instances, run) = task;
        steps.before(&format!("{}, {} instances", system.name, figures::count(u64::from(instances))));
        outcome.measured += 1;
        let result = observe((system.command)(instances));
        rows.push(&row(system, instances, run, &result))?;
        if let Err(why) = result {
            steps.note(&format!("failed: {}, {instances} instances: {why}", system.name));
            outcome.failures.push(format!("{}: {why}", system.name));
        }
        steps.after();
    }
    steps.finish();
    let drawn = plot::peers(&Table::read(&session.csv)?);
    plot::write(drawn.iter(), &options.out).map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&read(&session.csv)?);
    for (peer, _) in missing {
        outcome.table += &format!("{:<16} missing\n", peer.name);
    }
    session.end()?;
    Ok(outcome)
}

type Task<'a> = (&'a System<'a>, u32, u32);

/// In each run each system once for each count, in an order of the run's own.
fn tasks<'a>(systems: &'a [System<'a>], options: &Options, runs: u32) -> Vec<Task<'a>> {
    let counts: &[u32] =
        if options.quick { &[0, 10_000, 100_000] } else { &[0, 100_000, 1_000_000, 10_000_000] };
    let mut random = SplitMix64::new(options.seed);
    let mut tasks = Vec::new();
    for run in 1..=runs {
        let mut round: Vec<Task<'a>> = systems
            .iter()
            .flat_map(|system| counts.iter().map(move |&instances| (system, instances, run)))
            .collect();
        random.shuffle(&mut round);
        tasks.extend(round);
    }
    tasks
}

fn key(&(system, instances, run): &Task<'_>) -> Vec<String> {
    vec![system.name.to_owned(), instances.to_string(), run.to_string()]
}

/// Stop, total and peak.
fn observe(mut command: Command) -> Result<[i64; 3], String> {
    let line = Line::parse(&child::run(&mut command)?.out)?;
    match line.figures[..] {
        [1, stop, total, peak] => Ok([stop, total, peak]),
        [0, ..] => Err("an instance is wrong after the change".to_owned()),
        _ => Err(format!("printed {} figures where 4 should stand", line.figures.len())),
    }
}

fn row(system: &System<'_>, instances: u32, run: u32, result: &Result<[i64; 3], String>) -> Vec<String> {
    let key = vec![system.name.to_owned(), system.version.clone(), instances.to_string(), run.to_string()];
    let result = result.as_ref().map(|figures| &figures[..]).map_err(String::as_str);
    result_row(key, COLUMNS.len(), result, CHANGED)
}

pub(crate) fn read(path: &Path) -> Result<Vec<Split>, csv_table::Error> {
    let table = Table::read(path)?;
    let is_good = |row: &csv_table::Row<'_>| row.get::<String>("result").is_ok_and(|it| it == CHANGED);
    let split = |row: csv_table::Row<'_>| {
        Ok(Split {
            system: row.get("system")?,
            instances: row.get("instances")?,
            stop_ns: row.get("stop_ns")?,
            total_ns: row.get("total_ns")?,
            peak_bytes: row.get("peak_rss_bytes")?,
        })
    };
    table.rows().filter(is_good).map(split).collect()
}

/// Medians of each system and count, with the ratio of the stop to ours.
pub(crate) fn table(splits: &[Split]) -> String {
    let mut out = format!(
        "{:<16}{:>12}{:>13}{:>13}{:>13}{:>10}\n",
        "system", "instances", "stop", "with a pass", "peak", "stop/ours"
    );
    let mut groups: Vec<(u32, &str)> =
        splits.iter().map(|split| (split.instances, split.system.as_str())).collect();
    groups.sort_unstable();
    groups.dedup();
    let median = |instances: u32, system: &str, figure: fn(&Split) -> f64| {
        let group = splits.iter().filter(|split| split.instances == instances && split.system == system);
        stats::median(&group.map(figure).collect::<Vec<_>>())
    };
    for (instances, system) in groups {
        let of = |figure| median(instances, system, figure).unwrap_or_default();
        let stop = of(|split| split.stop_ns);
        let ours = median(instances, OURS, |split| split.stop_ns);
        let ratio =
            ours.filter(|&ours| ours > 0.0).map_or_else(String::new, |ours| format!("{:.2}", stop / ours));
        out += &format!(
            "{system:<16}{:>12}{:>13}{:>13}{:>13}{ratio:>10}\n",
            figures::grouped(u64::from(instances)),
            figures::duration(stop),
            figures::duration(of(|split| split.total_ns)),
            figures::bytes(of(|split| split.peak_bytes)),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn every_system_is_a_row_whether_it_is_there_or_not() {
        let out = std::env::temp_dir().join(format!("instar-peers-test-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&out);
        let options = Options { quick: true, ..Options::new(lang::Command::Peers, out.clone()) };
        let ours = |_| shell("printf 'split\\t1\\t2000\\t3000\\t4000\\n'");
        let outcome = run(&options, ours, &Steps::silent()).unwrap();
        assert_eq!(outcome.failures, Vec::<String>::new());
        let text = std::fs::read_to_string(out.join("peers.csv")).unwrap();
        for name in PEERS.iter().map(|peer| peer.name).chain([OURS]) {
            let rows = text.lines().filter(|line| line.starts_with(&format!("{name},"))).count();
            assert!(rows == 3 || rows == 1 && text.contains(&format!("{name},,,,,,,missing,")), "{text}");
            assert!(outcome.table.contains(name), "{}", outcome.table);
        }
        assert_eq!(run(&options, ours, &Steps::silent()).unwrap().measured, 0);
        std::fs::remove_dir_all(&out).unwrap();
    }

    #[test]
    fn wrong_instances_and_other_figures_are_failures() {
        let said = |line: &str| observe(shell(&format!("printf '{line}\\n'")));
        assert_eq!(said("split\\t1\\t2\\t3\\t4"), Ok([2, 3, 4]));
        assert!(said("split\\t0\\t2\\t3\\t4").unwrap_err().contains("wrong"));
        assert!(said("split\\t1\\t2").unwrap_err().contains("figures"));
        assert!(said("Segmentation fault").is_err());
    }
}
