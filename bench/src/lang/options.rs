//! The options that the commands of `instar bench` share.

use std::path::PathBuf;

use serde::Serialize;

use super::programs;
use crate::point::Strategy;

/// Which of the commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Against other languages.
    Lang,
    /// Experiment E2: strategies against each other.
    Barrier,
    /// Passes after a become.
    Heal,
    /// Experiment E3: updates of the chat model.
    Gdsu,
    /// Experiment E5: programs under a hypervisor.
    Virtualization,
    /// Experiment E8: scenarios of updates that pass or do not.
    Functional,
    /// Experiment E6: fixes of the core library from outside.
    Fixes,
    /// Experiment E9: lines of code.
    Effort,
    /// Experiment E11: the same change of schema elsewhere.
    Peers,
    /// Experiment E4: a server under load is updated.
    Server,
    /// Experiment E7: a web application whose core library is updated.
    Webapp,
    /// Return barriers against update points.
    Safepoints,
    /// Experiment E10: how an update grows.
    Scale,
    /// Updates and their inverses again and again under load.
    Soak,
}

impl Command {
    /// The name of the command, of its CSV and of its manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lang => "lang",
            Self::Barrier => "barrier",
            Self::Heal => "heal",
            Self::Gdsu => "gdsu",
            Self::Virtualization => "virtualization",
            Self::Functional => "functional",
            Self::Fixes => "fixes",
            Self::Effort => "effort",
            Self::Peers => "peers",
            Self::Server => "server",
            Self::Webapp => "webapp",
            Self::Safepoints => "safepoints",
            Self::Scale => "scale",
            Self::Soak => "soak",
        }
    }
}

/// Commands without `--become`.
const ONE_STRATEGY: [Command; 8] = [
    Command::Barrier,
    Command::Effort,
    Command::Peers,
    Command::Safepoints,
    Command::Scale,
    Command::Server,
    Command::Soak,
    Command::Webapp,
];

/// What to measure.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Which command.
    pub experiment: Command,
    /// The folder for CSV, manifest and plots.
    #[serde(skip)]
    pub out: PathBuf,
    /// Under a minute: fewer runs and smaller counts.
    pub quick: bool,
    /// Repetitions; by default 10, with `--quick` 2, of `server`, `soak` and `webapp` 1.
    pub runs: Option<u32>,
    /// Seed of the order and of the bootstrap.
    pub seed: u64,
    /// Only the benchmarks, or holders, of these names; all if there are none.
    pub only: Vec<String>,
    /// The strategy that `lang` and `heal` run under.
    pub strategy: Strategy,
}

impl Options {
    /// All defaults.
    #[must_use]
    pub const fn new(experiment: Command, out: PathBuf) -> Self {
        let only = Vec::new();
        Self { experiment, out, quick: false, runs: None, seed: 42, only, strategy: Strategy::Lazy }
    }

    /// Repetitions.
    #[must_use]
    pub fn runs(&self) -> u32 {
        self.runs.unwrap_or(match self.experiment {
            Command::Server | Command::Soak | Command::Webapp => 1,
            _ if self.quick => 2,
            _ => 10,
        })
    }

    /// Whether a benchmark was asked for.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.eq_ignore_ascii_case(name))
    }

    /// Checks the names in `only`.
    ///
    /// # Errors
    /// Names the one that is unknown, and all that are known.
    pub fn check(&self) -> Result<(), String> {
        let choices = crate::server::choices();
        let mut known: Vec<&str> = match self.experiment {
            Command::Heal => super::heal::HOLDERS.to_vec(),
            Command::Soak | Command::Virtualization => Vec::new(),
            Command::Functional => crate::functional::SCENARIOS.iter().map(|it| it.id).collect(),
            Command::Fixes => crate::fixes::FIXES.iter().map(|it| it.id).collect(),
            Command::Effort => crate::effort::COMPONENTS.iter().map(|it| it.id).collect(),
            Command::Scale => crate::scale::DIMENSIONS.iter().map(|it| it.0).collect(),
            Command::Server => choices.iter().map(String::as_str).collect(),
            Command::Webapp => crate::webapp::updates().iter().map(|it| it.id).collect(),
            Command::Peers => crate::peers::PEERS.iter().map(|it| it.name).collect(),
            _ => programs::CLASSIC.iter().map(|program| program.name).collect(),
        };
        if [Command::Lang, Command::Virtualization].contains(&self.experiment) {
            known.extend(programs::games().iter().map(|game| game.name));
        }
        let unknown = self.only.iter().find(|only| !known.iter().any(|name| name.eq_ignore_ascii_case(only)));
        match unknown {
            None => Ok(()),
            Some(name) => Err(format!("there is no benchmark {name}: --only takes {}", known.join(", "))),
        }
    }

    /// The command that repeats this, without the folder.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = format!("instar bench {}", self.experiment.name());
        if self.quick {
            command += " --quick";
        }
        command += &format!(" --runs {} --seed {}", self.runs(), self.seed);
        if !ONE_STRATEGY.contains(&self.experiment) {
            command += &format!(" --become {}", self.strategy.name());
        }
        if !self.only.is_empty() {
            command += &format!(" --only {}", self.only.join(","));
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_repeats_the_measurement() {
        let mut options = Options::new(Command::Lang, "x".into());
        assert_eq!(options.command(), "instar bench lang --runs 10 --seed 42 --become lazy");
        options = Options { quick: true, only: vec!["Fib".into(), "CD".into()], ..options };
        assert_eq!(
            options.command(),
            "instar bench lang --quick --runs 2 --seed 42 --become lazy --only Fib,CD"
        );
    }

    #[test]
    fn names_are_checked_before_anything_runs() {
        let only = |experiment, name: &str| {
            Options { only: vec![name.to_owned()], ..Options::new(experiment, "x".into()) }.check()
        };
        assert_eq!(only(Command::Lang, "nbody"), Ok(()));
        assert!(only(Command::Barrier, "nbody").unwrap_err().contains("--only takes Richards, DeltaBlue"));
        assert_eq!(only(Command::Heal, "dictionary"), Ok(()));
        assert!(only(Command::Heal, "Fib").unwrap_err().starts_with("there is no benchmark Fib"));
    }
}
