//! How far a sweep is: a bar with the time left on a terminal, plain lines elsewhere.

use std::collections::HashSet;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::plan::cost;
use crate::measure::Trial;
use crate::point::{Point, Strategy};

/// Where the progress is shown.
enum Output {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

/// Shows how far a sweep is, on the error output.
pub struct Progress {
    output: Output,
    /// Estimated cost of what is left and of what is done; their ratio to the clock gives the time left.
    left: Duration,
    done: Duration,
    started: Instant,
    trials_left: usize,
    last_heap: Option<Point>,
}

impl Progress {
    /// A bar if the error output is a terminal, plain lines elsewhere.
    #[must_use]
    pub fn new() -> Self {
        if !stderr().is_terminal() {
            return Self::with(Output::Lines);
        }
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}");
        let bar = ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        // No steady tick: a thread that wakes up would be noise in the measurements.
        Self::with(Output::Bar(bar))
    }

    /// Shows nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::with(Output::Nothing)
    }

    fn with(output: Output) -> Self {
        let (left, done) = (Duration::ZERO, Duration::ZERO);
        Self { output, left, done, started: Instant::now(), trials_left: 0, last_heap: None }
    }

    /// A line that stays.
    pub fn note(&self, line: &str) {
        match &self.output {
            Output::Bar(bar) => bar.suspend(|| eprintln!("{line}")),
            Output::Lines => eprintln!("{line}"),
            Output::Nothing => {}
        }
    }

    /// A physical limit is about to be measured.
    pub(super) fn limit(&self, about: &str) {
        match &self.output {
            Output::Bar(bar) => bar.set_message(format!("physical limit: {about}")),
            Output::Lines => eprintln!("physical limit: {about}"),
            Output::Nothing => {}
        }
    }

    /// The trials start; those that are done already don't count.
    pub(super) fn start(&mut self, trials: &[Trial], done: &HashSet<Trial>) {
        let left = || trials.iter().filter(|trial| !done.contains(*trial));
        self.left = left().map(|trial| cost(&trial.point)).sum();
        self.trials_left = left().count();
        self.started = Instant::now();
        let skipped = trials.len() - self.trials_left;
        let resumed = if skipped > 0 { format!(" ({skipped} are there already)") } else { String::new() };
        self.note(&format!("{} observations{resumed}, about {}", self.trials_left, minutes(self.left)));
        if let Output::Bar(bar) = &self.output {
            bar.set_length(self.left.as_millis() as u64);
            bar.set_position(0);
        }
    }

    /// A trial is about to start.
    pub(super) fn before(&mut self, trial: &Trial) {
        // Who is measured changes with every trial, which is too much for plain lines.
        let heap = Point { strategy: Strategy::Lazy, workers: 1, ..trial.point };
        match &self.output {
            Output::Bar(bar) => {
                bar.set_message(format!("{} left  {} run {}", self.time_left(), trial.point, trial.run));
            }
            Output::Lines if self.last_heap != Some(heap) => {
                let point = heap.to_string();
                let what = point.split_once(' ').map_or(point.as_str(), |(_, what)| what);
                eprintln!("{} left, {} observations: {what}", self.time_left(), self.trials_left);
            }
            Output::Lines | Output::Nothing => {}
        }
        self.last_heap = Some(heap);
    }

    /// A trial has ended.
    pub(super) fn after(&mut self, trial: &Trial) {
        let cost = cost(&trial.point);
        self.done += cost;
        self.left = self.left.saturating_sub(cost);
        self.trials_left = self.trials_left.saturating_sub(1);
        if let Output::Bar(bar) = &self.output {
            bar.set_position(self.done.as_millis() as u64);
        }
    }

    /// The trials have ended.
    pub(super) fn finish(&self) {
        if let Output::Bar(bar) = &self.output {
            bar.finish_and_clear();
        }
    }

    /// By the clock once there is something to go by, by the estimate before.
    fn time_left(&self) -> String {
        let pace = if self.done > Duration::from_secs(2) {
            self.started.elapsed().as_secs_f64() / self.done.as_secs_f64()
        } else {
            1.0
        };
        minutes(self.left.mul_f64(pace))
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// `3:05`, or `2:03:05` with hours.
fn minutes(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_left_are_read_at_a_glance() {
        assert_eq!(minutes(Duration::from_millis(100)), "0:01");
        assert_eq!(minutes(Duration::from_secs(185)), "3:05");
        assert_eq!(minutes(Duration::from_secs(7385)), "2:03:05");
    }
}
