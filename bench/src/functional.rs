//! `instar bench functional`, experiment E8: what gDSU 5.3 to 5.5 did with a running program, its engine and its library, and Espell 2.1 and 5.1 with the
//! core library of a program from outside it, each for real.
//!
//! Each scenario has a process of its own, in which it applies its updates, looks at the outcome and takes them back. A row says whether all
//! went well, and what was done.

use std::collections::HashSet;
use std::process::Command;

use serde_json::json;

use crate::csv_table::{Row, Table};
use crate::figures;
use crate::lang::child;
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session};
use crate::lang::steps::Steps;
use crate::plot;

/// The columns of `functional.csv`.
pub const COLUMNS: [&str; 7] = ["id", "source", "scenario", "result", "longest_stop_ns", "detail", "failure"];

/// Something that is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The name by which it is asked for.
    pub id: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// What happens.
    pub title: &'static str,
    /// The message that does it; of updates from outside, the name of the case.
    pub selector: &'static str,
    /// Whether another space than the program's own applies the update.
    pub is_outside: bool,
}

const fn scenario(
    id: &'static str,
    source: &'static str,
    title: &'static str,
    selector: &'static str,
) -> Scenario {
    Scenario { id, source, title, selector, is_outside: false }
}

/// An update of Espell's.
const fn outside(id: &'static str, source: &'static str, title: &'static str) -> Scenario {
    Scenario { id, source, title, selector: id, is_outside: true }
}

/// All of them.
pub const SCENARIOS: [Scenario; 14] = [
    scenario(
        "chat-development",
        "gDSU 5.3",
        "chat model V1, V2, V1 with live objects while it is developed",
        "chatInDevelopment",
    ),
    scenario(
        "chat-production",
        "gDSU 5.3",
        "chat model V1, V2, V1 while processes post to the room",
        "chatInProduction",
    ),
    scenario("engine-safe-point", "gDSU 5.4", "the engine's way to find safe points", "engineSafePoint"),
    scenario(
        "engine-structure",
        "gDSU 5.4",
        "the engine's application of structural changes",
        "engineStructuralChanges",
    ),
    scenario(
        "engine-state",
        "gDSU 5.4",
        "classes of the engine that have instances during the update",
        "engineClassWithState",
    ),
    scenario(
        "library-ordered-collection",
        "gDSU 5.5",
        "OrderedCollection gets a size variable, which all its methods use",
        "libraryOrderedCollection",
    ),
    scenario("library-class-builder", "gDSU 5.5", "methods of the class builder", "libraryClassBuilder"),
    scenario(
        "library-hashing",
        "beyond gDSU",
        "Dictionary's hashing, all dictionaries rehashed",
        "libraryHashing",
    ),
    scenario(
        "library-superclass",
        "beyond gDSU",
        "a class between HashedCollection and Set",
        "librarySuperclass",
    ),
    outside(
        "do-push-up",
        "Espell 5.1",
        "SequenceableCollection>>do: removed and Object>>do: added, the program none the wiser",
    ),
    outside(
        "small-integer-replacement",
        "Espell 5.1",
        "SmallInteger replaced by a subclass, the runtime reconfigured",
    ),
    outside("dictionary-rehashing", "Espell 2.1", "Dictionary's hashing, all dictionaries rehashed"),
    outside(
        "hashed-collection-introduction",
        "Espell 2.1",
        "an abstract class above all collections that hash, methods moved to it",
    ),
    outside("float-split", "Espell 2.1", "Float abstract, with an immediate and a boxed class"),
];

/// Runs the scenarios, writes `functional.csv` and its manifest, and makes the table. `command` is what runs one of them and prints
/// what was done.
///
/// # Errors
/// If a file cannot be written, or an option makes no sense. A scenario that does not pass is a row, and listed in the outcome.
pub fn run(
    options: &Options,
    command: impl Fn(&Scenario) -> Command,
    steps: &Steps,
) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let session = Session::begin(options, json!({}), &[], steps)?;
    let wanted: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| options.wants(scenario.id)).collect();
    let planned: HashSet<Vec<String>> = wanted.iter().map(|scenario| vec![scenario.id.to_owned()]).collect();
    let mut rows = Rows::open(&session.csv, &COLUMNS, &COLUMNS[..1], &planned)?;
    let missing: Vec<&Scenario> =
        wanted.iter().copied().filter(|scenario| !rows.has(&[scenario.id.to_owned()])).collect();
    let mut outcome = Outcome { skipped: wanted.len() - missing.len(), ..Outcome::default() };
    steps.expect(missing.len());
    for scenario in missing {
        steps.before(scenario.id);
        outcome.measured += 1;
        let result = child::run(&mut command(scenario)).and_then(|said| passed(&said.out));
        rows.push(&row(scenario, result.as_ref()))?;
        if let Err(why) = result {
            steps.note(&format!("failed: {}: {why}", scenario.id));
            outcome.failures.push(format!("{}: {why}", scenario.id));
        }
        steps.after();
    }
    steps.finish();
    let csv = Table::read(&session.csv)?;
    plot::write(plot::functional(&csv).as_ref(), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&csv);
    session.end()?;
    Ok(outcome)
}

/// What the child says of a scenario that passed: the longest stop in microseconds, and what was done.
fn passed(out: &str) -> Result<(u64, String), String> {
    let last = out.lines().next_back().unwrap_or_default();
    let told = last.strip_prefix("pass\t").and_then(|rest| rest.split_once(' '));
    told.and_then(|(micros, detail)| Some((micros.parse().ok()?, detail.to_owned())))
        .ok_or_else(|| format!("printed \"{}\"", last.escape_debug()))
}

fn row(scenario: &Scenario, result: Result<&(u64, String), &String>) -> [String; 7] {
    let Scenario { id, source, title, .. } = *scenario;
    let (verdict, stop, detail, failure) = match result {
        Ok((micros, detail)) => ("pass", (micros * 1000).to_string(), detail.clone(), String::new()),
        Err(why) => ("fail", String::new(), String::new(), why.replace(['\n', '\r'], " ")),
    };
    [id.into(), source.into(), title.into(), verdict.into(), stop, detail, failure]
}

/// Each scenario, whether it passed, and what was done or what went wrong.
pub(crate) fn table(csv: &Table) -> String {
    let line = |row: Row<'_>| {
        let cell = |column: &str| row.get::<String>(column).unwrap_or_default();
        let stop = row.get("longest_stop_ns").map_or_else(|_| String::new(), figures::duration);
        let (verdict, said) =
            if cell("result") == "pass" { ("pass", cell("detail")) } else { ("FAIL", cell("failure")) };
        format!("{:<32}{:<13}{verdict:<6}{stop:>10}   {said}\n", cell("id"), cell("source"))
    };
    let header = format!("{:<51}{:>10}\n", "", "stop");
    csv.rows().fold(header, |table, row| table + &line(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang;

    /// A shell in the guest's place.
    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn options(name: &str) -> Options {
        let out = std::env::temp_dir().join(format!("instar-functional-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&out);
        Options::new(lang::Command::Functional, out)
    }

    #[test]
    fn a_row_for_each_scenario_and_failed_ones_are_run_again() {
        let options = options("rows");
        let run = |script: &'static str| run(&options, move |_| shell(script), &Steps::new()).unwrap();
        let script = "printf 'noise\\npass\\t217 2 updates\\n'";
        let first = super::run(
            &options,
            |scenario| shell(if scenario.id == "engine-state" { "echo no 1>&2; exit 1" } else { script }),
            &Steps::new(),
        )
        .unwrap();
        assert_eq!((first.measured, first.failures.len()), (14, 1));
        let text = std::fs::read_to_string(options.out.join("functional.csv")).unwrap();
        assert_eq!(text.lines().count(), 15);
        assert!(text.contains("engine-state,gDSU 5.4") && text.contains("fail"), "{text}");
        assert!(text.contains(",pass,217000,2 updates,"), "{text}");
        assert!(
            first.table.contains("217 µs   2 updates") && first.table.contains("FAIL"),
            "{}",
            first.table
        );
        assert!(options.out.join("functional.svg").exists());
        let second = run(script);
        assert_eq!((second.measured, second.skipped, second.failures.len()), (1, 13, 0));
        assert_eq!(run(script).measured, 0);
        std::fs::remove_dir_all(&options.out).unwrap();
    }

    #[test]
    fn nonsense_is_a_failure() {
        assert_eq!(passed("pass\t12 all of it"), Ok((12, "all of it".to_owned())));
        assert!(passed("pass\tall of it").is_err());
        assert!(passed("passed").is_err());
        assert!(passed("").is_err());
    }
}
