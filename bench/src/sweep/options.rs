//! The options of a sweep and their limits.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::Serialize;

use crate::point::Strategy;

/// Instances that can be asked for; memory refuses long before on today's machines.
pub const MAX_INSTANCES: u64 = 1_000_000_000;
/// Repetitions that can be asked for.
pub const MAX_RUNS: u64 = 1000;
/// Workers that can be asked for.
pub const MAX_WORKERS: u64 = 64;

/// How much of the grid is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Under a minute: same code and columns, up to 10⁶ instances.
    Quick,
    /// Under four minutes: lines through the grid, up to 10⁷ instances.
    Default,
    /// Every combination, for hours.
    Full,
}

/// What to sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Options {
    /// The folder that gets the CSVs, the manifest, the plots and the report.
    #[serde(skip)]
    pub out: PathBuf,
    /// How much of the grid.
    pub size: Size,
    /// Repetitions of each point; by default 5, of large points and with `--quick` 3.
    pub runs: Option<u32>,
    /// Seed of every random order.
    pub seed: u64,
    /// Strategies that can use several threads are measured with 1 and with so many.
    pub workers: u32,
    /// Most pairs and most bystanders; by default 10⁷, with `--quick` 10⁶.
    pub max_instances: Option<u64>,
    /// Which strategies, in the order of measuring.
    pub strategies: Vec<Strategy>,
}

impl Options {
    /// The default sweep into a folder, with up to two workers.
    #[must_use]
    pub fn new(out: PathBuf) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            out,
            size: Size::Default,
            runs: None,
            seed: 42,
            workers: cores.min(2) as u32,
            max_instances: None,
            strategies: Strategy::ALL.to_vec(),
        }
    }

    /// Most pairs and most bystanders of the sweep.
    #[must_use]
    pub fn max_instances(&self) -> u64 {
        let default = if self.size == Size::Quick { 1_000_000 } else { 10_000_000 };
        self.max_instances.unwrap_or(default)
    }

    /// The command that repeats this sweep, without the folder.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = "instar sweep".to_owned();
        match self.size {
            Size::Quick => command += " --quick",
            Size::Default => {}
            Size::Full => command += " --full",
        }
        if let Some(runs) = self.runs {
            command += &format!(" --runs {runs}");
        }
        command += &format!(" --seed {} --workers {}", self.seed, self.workers);
        if let Some(max) = self.max_instances {
            command += &format!(" --max-instances {max}");
        }
        if self.strategies != Strategy::ALL {
            let names: Vec<&str> = self.strategies.iter().map(|strategy| strategy.name()).collect();
            command += &format!(" --strategies {}", names.join(","));
        }
        command
    }
}

/// Reads a count such as `1000000`, `1_000_000` or `1e6` and checks its range.
///
/// # Errors
/// Says what is accepted.
pub fn parse_count(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let value = match digits.split_once(['e', 'E']) {
        None => digits.parse().ok(),
        Some((mantissa, exponent)) => {
            let power = exponent.parse().ok().and_then(|exponent| 10_u64.checked_pow(exponent));
            mantissa.parse::<u64>().ok().zip(power).and_then(|(mantissa, power)| mantissa.checked_mul(power))
        }
    };
    let value = value.filter(|value| range.contains(value));
    value.ok_or_else(|| {
        format!(
            "give a whole number from {} to {} (as 1000000, 1_000_000 or 1e6)",
            range.start(),
            range.end()
        )
    })
}

/// Reads strategies apart by commas, dropping repetitions.
///
/// # Errors
/// Names the one that is unknown, and all that are known.
pub fn parse_strategies(text: &str) -> Result<Vec<Strategy>, String> {
    let mut strategies = Vec::new();
    for name in text.split(',') {
        let strategy: Strategy = name.trim().parse()?;
        if !strategies.contains(&strategy) {
            strategies.push(strategy);
        }
    }
    Ok(strategies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let parse = |text| parse_count(text, 1..=MAX_INSTANCES);
        assert_eq!(parse("1_000"), Ok(1000));
        assert_eq!(parse("2e6"), Ok(2_000_000));
        for bad in ["", "0", "-1", "1.5", "1e99", "e3", "99999999999999999999", "1e10", "many"] {
            let error = parse(bad).unwrap_err();
            assert!(error.starts_with("give a whole number from 1 to 1000000000"), "{error}");
        }
    }

    #[test]
    fn strategies() {
        assert_eq!(parse_strategies("lazy, full-scan,lazy"), Ok(vec![Strategy::Lazy, Strategy::FullScan]));
        assert!(parse_strategies("lazy,").unwrap_err().contains("\"\" is none of lazy, "));
    }

    #[test]
    fn the_command_repeats_the_sweep() {
        let mut options = Options { workers: 2, ..Options::new("x".into()) };
        assert_eq!(options.command(), "instar sweep --seed 42 --workers 2");
        options.size = Size::Quick;
        options.runs = Some(7);
        options.max_instances = Some(1000);
        options.strategies = vec![Strategy::Lazy, Strategy::FullScan];
        let rest = "--runs 7 --seed 42 --workers 2 --max-instances 1000 --strategies lazy,full-scan";
        assert_eq!(options.command(), format!("instar sweep --quick {rest}"));
    }
}
