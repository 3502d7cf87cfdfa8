//! `instar reproduce`: all experiments, one behind the other, each by its own command.
//!
//! A journal in the folder, `reproduce.json`, says which are complete. It is of one program on one machine at one size: with another one all are run again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::experiments::{ALL, Experiment};
use crate::figures;
use crate::lang::rows::Error;
use crate::manifest::Identity;
use crate::memory;
use crate::replace::replace;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Each under a minute.
    Quick,
    /// What each command does by itself.
    Default,
    /// The sweep's whole grid as well, for many hours.
    Full,
}

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder for everything.
    pub out: PathBuf,
    /// How much.
    pub size: Size,
    /// Names of experiments; all if there are none.
    pub only: Vec<String>,
    /// Those that are left out.
    pub skip: Vec<String>,
}

/// Memory that ten million instances need with a server and its clients beside them, and less for `--quick`.
const MEMORY: [u64; 2] = [1 << 30, 10 << 30];

/// How an experiment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is complete, after so many seconds.
    Complete(u64),
    /// It was complete before.
    Before,
    /// Its command failed, with this status.
    Failed(String),
    /// It was stopped, or not begun because something before it was.
    Stopped,
}

/// What has been done in a folder.
#[derive(Serialize, Deserialize)]
struct Journal {
    identity: Identity,
    size: Size,
    /// Seconds, by the names of those that are complete.
    complete: BTreeMap<String, u64>,
}

impl Plan {
    /// The experiments, in order.
    ///
    /// # Errors
    /// [`Error::Refused`] names the name that is none, and those that are.
    pub fn experiments(&self) -> Result<Vec<&'static Experiment>, Error> {
        let is_known = |name: &&String| ALL.iter().any(|experiment| experiment.name == **name);
        if let Some(unknown) = self.only.iter().chain(&self.skip).find(|name| !is_known(name)) {
            let known: Vec<&str> = ALL.iter().map(|experiment| experiment.name).collect();
            return Err(Error::Refused(format!(
                "there is no experiment {unknown}; there are {}",
                known.join(", ")
            )));
        }
        let has =
            |names: &[String], experiment: &Experiment| names.iter().any(|name| name == experiment.name);
        let is_wanted =
            |it: &&Experiment| (self.only.is_empty() || has(&self.only, it)) && !has(&self.skip, it);
        Ok(ALL.iter().filter(is_wanted).collect())
    }

    /// The arguments of an experiment's command.
    #[must_use]
    pub fn arguments(&self, experiment: &Experiment) -> Vec<String> {
        let mut arguments: Vec<String> = experiment.command.split(' ').map(str::to_owned).collect();
        match self.size {
            Size::Quick => arguments.push("--quick".to_owned()),
            Size::Full if experiment.command == "sweep" => arguments.push("--full".to_owned()),
            Size::Default | Size::Full => {}
        }
        arguments.extend(["--out".to_owned(), self.out.display().to_string()]);
        arguments
    }

    /// Runs what is not complete. `command` makes the process of some arguments, `is_stopped` says whether somebody wants the end, and `say` gets lines for a person.
    ///
    /// # Errors
    /// If nothing can be run. An experiment that fails keeps no other from being run.
    pub fn run(
        &self,
        command: impl Fn(&[String]) -> Command,
        is_stopped: impl Fn() -> bool,
        say: impl Fn(&str),
    ) -> Result<Vec<(&'static Experiment, Ended)>, Error> {
        let experiments = self.experiments()?;
        self.check_memory()?;
        fs::create_dir_all(&self.out).map_err(|source| Error::file(&self.out, source))?;
        let path = self.out.join("reproduce.json");
        let mut journal = Journal::open(&path, self.size, &say);
        let mut ended = Vec::new();
        for (index, &experiment) in experiments.iter().enumerate() {
            let place = format!("[{}/{}] {}", index + 1, experiments.len(), experiment.title);
            let end = if is_stopped() {
                Ended::Stopped
            } else if journal.has(experiment, &self.out) {
                say(&format!("{place}: complete"));
                Ended::Before
            } else {
                let arguments = self.arguments(experiment);
                say(&format!("{place}: instar {}", arguments.join(" ")));
                let start = Instant::now();
                let status = command(&arguments).status();
                let seconds = start.elapsed().as_secs();
                match status {
                    _ if is_stopped() => Ended::Stopped,
                    Ok(status) if status.success() => {
                        journal.complete.insert(experiment.name.to_owned(), seconds);
                        journal.write(&path)?;
                        Ended::Complete(seconds)
                    }
                    Ok(status) => Ended::Failed(status.to_string()),
                    Err(error) => Ended::Failed(error.to_string()),
                }
            };
            ended.push((experiment, end));
        }
        Ok(ended)
    }

    fn check_memory(&self) -> Result<(), Error> {
        let needed = MEMORY[usize::from(self.size != Size::Quick)];
        match memory::available() {
            Some(available) if available.bytes < needed => Err(Error::Refused(format!(
                "the experiments need {} of memory, and {} are available; {}",
                figures::bytes(needed as f64),
                figures::bytes(available.bytes as f64),
                if self.size == Size::Quick { "end other programs" } else { "--quick needs less" },
            ))),
            _ => Ok(()),
        }
    }
}

impl Journal {
    /// That of the folder, if it is of this program, machine and size; else a new one.
    fn open(path: &Path, size: Size, say: &impl Fn(&str)) -> Self {
        let identity = Identity::collect(0);
        let earlier: Option<Self> =
            fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok());
        match earlier {
            Some(journal) if journal.identity == identity && journal.size == size => return journal,
            None if !path.exists() => {}
            _ => say("the folder's journal is of another build, machine or size: all experiments are run"),
        }
        Self { identity, size, complete: BTreeMap::new() }
    }

    /// Whether it is complete, and its CSVs are still there.
    fn has(&self, experiment: &Experiment, out: &Path) -> bool {
        self.complete.contains_key(experiment.name) && out.join(experiment.csvs[0]).exists()
    }

    fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        replace(path, text.as_bytes()).map_err(|source| Error::file(path, source))
    }
}

/// What came of all, as a table.
#[must_use]
pub fn table(ended: &[(&Experiment, Ended)]) -> String {
    let mut out = String::new();
    for (experiment, end) in ended {
        let end = match end {
            Ended::Complete(seconds) => format!("complete, {seconds} s"),
            Ended::Before => "complete before".to_owned(),
            Ended::Failed(why) => format!("FAILED: {why}; instar {}", experiment.command),
            Ended::Stopped => "stopped: the same command goes on with it".to_owned(),
        };
        out += &format!("{:<5}{:<16}{end}\n", experiment.id, experiment.name);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn plan(name: &str, only: &[&str]) -> Plan {
        let out = std::env::temp_dir().join(format!("instar-reproduce-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&out);
        Plan {
            out,
            size: Size::Quick,
            only: only.iter().map(|it| (*it).to_owned()).collect(),
            skip: Vec::new(),
        }
    }

    /// Experiments that write their CSV, but for one that fails.
    fn guest(plan: &Plan, arguments: &[String]) -> Command {
        let name = arguments.get(1).cloned().unwrap_or_default();
        let csv = plan.out.join(format!("{name}.csv"));
        let script = if name == "scale" { "exit 3".to_owned() } else { format!("touch {}", csv.display()) };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]);
        command
    }

    fn run(plan: &Plan, stop_after: usize) -> (Vec<Ended>, Vec<String>) {
        let (count, said) = (Cell::new(0), RefCell::new(Vec::new()));
        let command = |arguments: &[String]| {
            count.set(count.get() + 1);
            guest(plan, arguments)
        };
        let say = |line: &str| said.borrow_mut().push(line.to_owned());
        let ended = plan.run(command, || count.get() >= stop_after, say).unwrap();
        (ended.into_iter().map(|(_, ended)| ended).collect(), said.into_inner())
    }

    #[test]
    fn what_is_complete_is_not_run_again_and_a_failure_stops_nothing() {
        let plan = plan("again", &["effort", "scale", "peers"]);
        let failed = |ended: &Ended| matches!(ended, Ended::Failed(why) if why.contains('3'));
        let (first, said) = run(&plan, 9);
        assert!(
            matches!(first[..], [Ended::Complete(_), _, Ended::Complete(_)]) && failed(&first[1]),
            "{first:?}"
        );
        assert!(said[0].starts_with("[1/3] Lines of code: instar bench effort --quick --out "), "{said:?}");
        let (again, _) = run(&plan, 9);
        assert!(again[0] == Ended::Before && failed(&again[1]) && again[2] == Ended::Before, "{again:?}");
        // Without its rows it is not complete.
        fs::remove_file(plan.out.join("peers.csv")).unwrap();
        assert!(matches!(run(&plan, 9).0[2], Ended::Complete(_)));
        // Nor at another size.
        let (other, said) = run(&Plan { size: Size::Full, ..plan.clone() }, 9);
        assert!(matches!(other[0], Ended::Complete(_)) && said[0].contains("another build"), "{said:?}");
        fs::remove_dir_all(&plan.out).unwrap();
    }

    #[test]
    fn a_stop_leaves_the_rest_for_the_next_time() {
        let plan = plan("stop", &["effort", "peers"]);
        assert_eq!(run(&plan, 1).0, [Ended::Stopped, Ended::Stopped]);
        assert!(matches!(run(&plan, 9).0[..], [Ended::Complete(_), Ended::Complete(_)]));
        fs::remove_dir_all(&plan.out).unwrap();
    }

    #[test]
    fn names_are_checked_and_sizes_are_passed_on() {
        let unknown = plan("unknown", &["efort"]).experiments().unwrap_err().to_string();
        assert!(unknown.contains("there is no experiment efort; there are become, lang"), "{unknown}");
        let all = Plan { skip: vec!["become".to_owned()], size: Size::Full, ..plan("all", &[]) };
        assert_eq!(all.experiments().unwrap().len(), ALL.len() - 1);
        assert_eq!(all.arguments(&ALL[0])[..2], ["sweep", "--full"]);
        assert!(!all.arguments(&ALL[1]).contains(&"--full".to_owned()));
    }
}
