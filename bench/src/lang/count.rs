//! Instructions of one iteration, without start-up, compiling and first sends.
//!
//! Counted by the processor where its counters can be used: `perf stat`, with the parameters for measuring time, a run with two iterations
//! less a run with one. Else by simulation: `valgrind --tool=callgrind`, some fifty times slower, so with small parameters, and not of
//! whole runs, as starts differ by more than such an iteration has: the program runs one iteration to warm up and another one in a
//! function in which alone the simulator counts. The count of a deterministic program needs no repetition.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::child::{self, Said};
use super::systems::{Guest, is_installed};
use crate::point::Strategy;

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// The processor.
    Perf,
    /// A simulator.
    Callgrind,
}

/// One count to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The program.
    pub benchmark: &'static str,
    /// Its parameter; `None` for its own.
    pub parameter: Option<u32>,
    /// What is checked.
    pub strategy: Strategy,
}

impl Job {
    /// The cells by which its row is known: benchmark, strategy, parameter.
    #[must_use]
    pub fn key(&self) -> Vec<String> {
        let parameter = self.parameter.map_or_else(String::new, |parameter| parameter.to_string());
        vec![self.benchmark.to_owned(), self.strategy.to_string(), parameter]
    }
}

impl Counter {
    /// The best that works here, if any does.
    #[must_use]
    pub fn available() -> Option<Self> {
        let works = |counter: Self| counter.count("main", &["true".into()]).is_ok();
        if works(Self::Perf) {
            return Some(Self::Perf);
        }
        (is_installed("valgrind") && works(Self::Callgrind)).then_some(Self::Callgrind)
    }

    /// The name in manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Perf => "perf stat -e instructions:u",
            Self::Callgrind => "valgrind --tool=callgrind",
        }
    }

    /// What is counted, for manifests.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Perf => "two iterations less one",
            Self::Callgrind => "the second iteration with a small parameter",
        }
    }

    /// User-space instructions of a command.
    fn count(self, function: &str, words: &[std::ffi::OsString]) -> Result<u64, String> {
        let mut command = match self {
            Self::Perf => {
                let mut command = Command::new("perf");
                command.args(["stat", "-x", ",", "-e", "instructions:u", "--"]);
                command
            }
            Self::Callgrind => {
                let mut command = Command::new("valgrind");
                command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
                command.arg(format!("--toggle-collect={function}"));
                command
            }
        };
        let said = child::run(command.args(words))?;
        self.read(&said).ok_or_else(|| format!("{} told no count: {}", self.name(), said.err.trim()))
    }

    fn read(self, said: &Said) -> Option<u64> {
        match self {
            Self::Perf => {
                let line = said.err.lines().find(|line| line.contains("instructions"))?;
                line.split(',').next()?.trim().parse().ok()
            }
            Self::Callgrind => {
                let line = said.err.lines().rev().find_map(|line| line.split_once("Collected :"))?;
                line.1.trim().parse().ok()
            }
        }
    }

    /// Instructions of one iteration of a benchmark.
    ///
    /// # Errors
    /// How a run failed.
    pub fn iteration(self, guest: &Guest, job: &Job) -> Result<u64, String> {
        let words = |times| guest.words(job.strategy, job.benchmark, job.parameter, times);
        if self == Self::Callgrind {
            let mut words = words(1);
            words.push("--warm".into());
            return self.count(guest.counted, &words);
        }
        let (once, twice) = (self.count("", &words(1))?, self.count("", &words(2))?);
        twice
            .checked_sub(once)
            .ok_or_else(|| format!("{twice} instructions for two iterations, {once} for one"))
    }
}

/// Counts all jobs, as many at a time as there are cores: counts do not disturb each other. Each is given to `after` as soon as it is made.
pub fn count_all(
    counter: Counter,
    guest: &Guest,
    jobs: &[Job],
    after: impl FnMut(&Job, Result<u64, String>) + Send,
) {
    let next = AtomicUsize::new(0);
    let after = Mutex::new(after);
    let work = || {
        // Relaxed: each thread only has to get another number.
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let count = counter.iteration(guest, job);
            (after.lock().unwrap_or_else(PoisonError::into_inner))(job, count);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(err: &str) -> Said {
        Said { out: String::new(), err: err.to_owned() }
    }

    #[test]
    fn counts_are_read_from_what_the_tools_say() {
        let callgrind =
            "==1== Events    : Ir\n==1== Collected : 279221747\n==1== \n==1== I   refs:      279,221,747\n";
        assert_eq!(Counter::Callgrind.read(&said(callgrind)), Some(279_221_747));
        assert_eq!(Counter::Callgrind.read(&said("==1== killed")), None);
        let perf = "1234567,,instructions:u,100,100.00,,\n";
        assert_eq!(Counter::Perf.read(&said(perf)), Some(1_234_567));
        assert_eq!(Counter::Perf.read(&said("<not supported>,,instructions:u,0,100.00,,\n")), None);
    }
}
