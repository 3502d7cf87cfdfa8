//! Observations in rounds: each round has all contenders in an order of its own, and what the file has already is left out.

use std::collections::HashSet;

use super::rows::{Error, Outcome, Rows};
use super::steps::Steps;
use crate::rng::SplitMix64;

/// What is observed: one row each.
pub(crate) trait Task {
    /// For people.
    fn name(&self) -> String;
    /// The cells by which the row is known, without the run.
    fn key(&self) -> Vec<String>;
}

/// `runs` rounds of all tasks, shuffled by the seed. Those that `is_once` are in the first only.
pub(crate) fn shuffled<T: Task + Clone>(
    tasks: &[T],
    runs: u32,
    seed: u64,
    is_once: impl Fn(&T) -> bool,
) -> Vec<Vec<T>> {
    let mut rng = SplitMix64::new(seed);
    let round = |number: u32| {
        let mut round: Vec<T> = tasks.iter().filter(|task| number == 1 || !is_once(task)).cloned().collect();
        rng.shuffle(&mut round);
        round
    };
    (1..=runs).map(round).collect()
}

fn key_of<T: Task>(task: &T, run: usize) -> Vec<String> {
    let mut key = task.key();
    key.push(run.to_string());
    key
}

/// The keys of all rows that the rounds make; `run` is the last cell.
pub(crate) fn planned<T: Task>(rounds: &[Vec<T>]) -> HashSet<Vec<String>> {
    let keys = |(index, round): (usize, &Vec<T>)| {
        round.iter().map(|task| key_of(task, index + 1)).collect::<Vec<_>>()
    };
    rounds.iter().enumerate().flat_map(keys).collect()
}

/// Makes the observations that `rows` does not have. `observe` gives the cells of a row, and why it failed if it did.
///
/// # Errors
/// If a row cannot be written.
pub(crate) fn measure<T: Task>(
    rounds: &[Vec<T>],
    rows: &mut Rows,
    steps: &Steps,
    mut observe: impl FnMut(&T, usize) -> (Vec<String>, Option<String>),
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let missing: Vec<Vec<(&T, usize)>> = rounds
        .iter()
        .enumerate()
        .map(|(index, round)| {
            let all = round.iter().map(|task| (task, index + 1));
            all.filter(|(task, run)| !rows.has(&key_of(*task, *run))).collect()
        })
        .collect();
    let left = missing.iter().map(Vec::len).sum::<usize>();
    outcome.skipped = rounds.iter().map(Vec::len).sum::<usize>() - left;
    if outcome.skipped > 0 {
        steps.note(&format!("{} observations are there already, {left} are missing", outcome.skipped));
    }
    steps.expect(left);
    for (index, round) in missing.iter().enumerate().filter(|(_, round)| !round.is_empty()) {
        steps.round(&format!("round {} of {}: {} observations", index + 1, rounds.len(), round.len()));
        for (task, run) in round {
            steps.before(&task.name());
            let (cells, failure) = observe(task, *run);
            rows.push(&cells)?;
            outcome.measured += 1;
            if let Some(why) = failure {
                let failure = format!("{}: {why}", task.name());
                steps.note(&format!("failed: {failure}"));
                outcome.failures.push(failure);
            }
            steps.after();
        }
    }
    Ok(outcome)
}

/// A failure as a cell: one line.
pub(crate) fn cell(failure: Option<&String>) -> String {
    failure.map_or_else(String::new, |why| why.replace(['\n', '\r'], " "))
}
