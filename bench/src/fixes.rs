//! `instar bench fixes`, experiment E6: the three real fixes of Espell's Table 2, the push-up of `do:` and the replacement of SmallInteger, each applied from outside in one atomic step to a
//! program under load.
//!
//! Each observation has a process of its own: a program whose threads, so deep and with so many live objects beside them, look at what the fix mends; all is wrong before
//! the update and right after it, or the row says what was not.

use std::process::Command;

use serde_json::json;

use crate::figures;
use crate::lang::child::{self, Line};
use crate::lang::options::Options;
use crate::lang::rounds;
use crate::lang::rows::{Error, Outcome, Rows, Session};
use crate::lang::steps::Steps;
use crate::{csv_table, plot, stats};

/// The columns of `fixes.csv`.
pub const COLUMNS: [&str; 19] = [
    "fix",
    "source",
    "paper_classes",
    "paper_methods",
    "run",
    "threads",
    "depth",
    "objects",
    "classes",
    "methods",
    "steps",
    "pause_ns",
    "gathering_ns",
    "preparation_ns",
    "looks_before",
    "looks_after",
    "additions_before_ns",
    "additions_after_ns",
    "failure",
];
/// The columns that the guest's figures go to.
const FIGURES: std::ops::Range<usize> = 8..18;

/// An update that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The name by which it is asked for.
    pub id: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// Classes and methods that the paper reports, if it does.
    pub size: Option<(u32, u32)>,
}

const fn fix(id: &'static str, source: &'static str, size: Option<(u32, u32)>) -> Fix {
    Fix { id, source, size }
}

/// All of them.
pub const FIXES: [Fix; 5] = [
    fix("exception-handling", "Espell 5.3, Pharo issue 11996", Some((4, 13))),
    fix("block-memoization", "Espell 5.3, Pharo issue 14458", Some((1, 2))),
    fix("float-printing", "Espell 5.3, Pharo issue 13761", Some((1, 3))),
    fix("do-push-up", "Espell 5.3, the example of 2.2", None),
    fix("small-integer-replacement", "Espell 5.1", None),
];

/// How large the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Threads that look.
    pub threads: u32,
    /// Activations below each.
    pub depth: u32,
    /// Objects that live beside them.
    pub objects: u32,
}

impl Load {
    /// That of the measurement: 100 threads of depth 100 and 10⁶ objects.
    pub const FULL: Self = Self { threads: 100, depth: 100, objects: 1_000_000 };
    /// That of `--quick`, and of scenarios.
    pub const QUICK: Self = Self { threads: 5, depth: 20, objects: 1000 };
}

#[derive(Clone, Copy)]
struct Task(Fix);

impl rounds::Task for Task {
    fn name(&self) -> String {
        self.0.id.to_owned()
    }

    fn key(&self) -> Vec<String> {
        vec![self.0.id.to_owned()]
    }
}

/// Measures, writes `fixes.csv` and its manifest, and makes the table. `command` is what applies a fix to a program of that size.
///
/// # Errors
/// If an option makes no sense, or a file cannot be written. A fix that does not mend what it should is a row, and listed in the outcome.
pub fn run(
    options: &Options,
    command: impl Fn(&Fix, Load) -> Command,
    steps: &Steps,
) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let load = if options.quick { Load::QUICK } else { Load::FULL };
    let facts = json!({ "threads": load.threads, "depth": load.depth, "objects": load.objects });
    let session = Session::begin(options, facts, &[], steps)?;
    let tasks: Vec<Task> = FIXES.into_iter().filter(|fix| options.wants(fix.id)).map(Task).collect();
    let rounds = rounds::shuffled(&tasks, options.runs(), options.seed, |_| false);
    let mut rows = Rows::open(&session.csv, &COLUMNS, &["fix", "run"], &rounds::planned(&rounds))?;
    let mut outcome = rounds::measure(&rounds, &mut rows, steps, |Task(fix), run| {
        let result = observe(&mut command(fix, load), fix);
        (row(fix, run, load, result.as_deref()), result.err())
    })?;
    steps.finish();
    let csv = csv_table::Table::read(&session.csv)?;
    plot::write(plot::fixes(&csv).as_ref(), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&csv, options.seed);
    session.end()?;
    Ok(outcome)
}

/// The figures of one update, in the order of the columns.
fn observe(command: &mut Command, fix: &Fix) -> Result<Vec<i64>, String> {
    let line = Line::parse(&child::run(command)?.out)?;
    let figures = line.figures.get(1..).unwrap_or_default();
    let &[classes, methods, pause, gathering, preparation, before, after, additions, later] = figures else {
        return Err(format!("{} wrote {line:?}", fix.id));
    };
    if let Some((those, these)) = fix.size
        && (classes, methods) != (i64::from(those), i64::from(these))
    {
        return Err(format!("it changes {classes} classes and {methods} methods, not {those} and {these}"));
    }
    let times = [pause, gathering, preparation].map(|micros| micros * 1000);
    Ok([&[classes, methods, 1], &times[..], &[before, after, additions, later]].concat())
}

fn row(fix: &Fix, run: usize, load: Load, result: Result<&[i64], &String>) -> Vec<String> {
    let size = fix.size.map_or_else(Default::default, |size| [size.0, size.1].map(|it| it.to_string()));
    let mut cells = vec![fix.id.to_owned(), fix.source.to_owned()];
    cells.extend(size);
    cells.push(run.to_string());
    cells.extend([load.threads, load.depth, load.objects].map(|it| it.to_string()));
    match result {
        Ok(figures) => cells.extend(figures.iter().map(i64::to_string)),
        Err(_) => cells.extend(vec![String::new(); FIGURES.len()]),
    }
    cells.push(rounds::cell(result.err()));
    cells
}

/// Each fix with its size and median times.
pub(crate) fn table(csv: &csv_table::Table, seed: u64) -> String {
    let mut out = format!(
        "{:26}{:>8}{:>9}{:>7}{:>26}{:>12}{:>12}{:>28}\n",
        "",
        "classes",
        "methods",
        "steps",
        "pause (95 % interval)",
        "gathering",
        "prepared in",
        "additions after / before"
    );
    for fix in FIXES {
        let of = |row: &csv_table::Row<'_>| row.get::<String>("fix").is_ok_and(|it| it == fix.id);
        let column = |name: &str| -> Vec<f64> {
            let cells = csv.rows().filter(of).map(|row| row.get::<Option<u64>>(name).ok().flatten());
            cells.flatten().map(|value| value as f64).collect()
        };
        let Some(pause) = stats::summarise(&column("pause_ns"), seed) else { continue };
        let count = |name: &str| stats::median(&column(name)).unwrap_or_default();
        let time = |name: &str| figures::duration(count(name));
        let interval = [pause.median, pause.low, pause.high].map(figures::duration);
        let speed =
            stats::ratio_of_medians(&column("additions_after_ns"), &column("additions_before_ns"), seed);
        let speed =
            speed.map_or_else(String::new, |it| format!("{:.3} [{:.3}, {:.3}]", it.value, it.low, it.high));
        out += &format!(
            "{:26}{:>8}{:>9}{:>7}{:>26}{:>12}{:>12}{speed:>28}\n",
            fix.id,
            count("classes"),
            count("methods"),
            count("steps"),
            format!("{} [{}, {}]", interval[0], interval[1], interval[2]),
            time("gathering_ns"),
            time("preparation_ns"),
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
    fn rows_have_the_papers_size_or_say_what_is_wrong() {
        let out = std::env::temp_dir().join(format!("instar-fixes-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&out);
        let options = Options { runs: Some(2), ..Options::new(lang::Command::Fixes, out.clone()) };
        let command = |fix: &Fix, load: Load| {
            assert_eq!(load, Load::FULL);
            let (classes, methods) = fix.size.unwrap_or((3, 3));
            let methods = methods - u32::from(fix.id == "float-printing");
            shell(&format!(
                "printf 'x\\t1\\t{classes}\\t{methods}\\t700\\t20\\t9000\\t50\\t60\\t8000\\t8400\\n'"
            ))
        };
        let outcome = run(&options, command, &Steps::silent()).unwrap();
        assert_eq!((outcome.measured, outcome.failures.len()), (10, 2));
        assert!(
            outcome.failures[0].contains("1 classes and 2 methods, not 1 and 3"),
            "{:?}",
            outcome.failures
        );
        assert!(
            outcome.table.contains("exception-handling")
                && outcome.table.contains("700 µs")
                && outcome.table.contains("1.050 [1.050, 1.050]"),
            "{}",
            outcome.table
        );
        let text = std::fs::read_to_string(out.join("fixes.csv")).unwrap();
        assert_eq!(text.lines().count(), 11);
        assert!(text.contains("700000,20000,9000000,50,60,8000,8400,"), "{text}");
        std::fs::remove_dir_all(&out).unwrap();
    }
}
