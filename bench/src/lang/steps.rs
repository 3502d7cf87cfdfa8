//! How far a command is: a bar on a terminal, a line for every round elsewhere.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how far a command is, on the error output.
pub struct Steps {
    bar: Option<ProgressBar>,
    is_silent: bool,
}

impl Steps {
    /// For a person.
    #[must_use]
    pub fn new() -> Self {
        let template = "{bar:30} {pos}/{len}  {elapsed} of about {duration}  {msg}";
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(template);
            // No steady tick: a thread that wakes up would be noise in the measurements.
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, is_silent: false }
    }

    /// Shows nothing.
    #[must_use]
    pub const fn silent() -> Self {
        Self { bar: None, is_silent: true }
    }

    /// So many more steps are to come.
    pub(crate) fn expect(&self, count: usize) {
        if let Some(bar) = &self.bar {
            bar.inc_length(count as u64);
        }
    }

    /// A step is about to start.
    pub(crate) fn before(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
            bar.tick();
        }
    }

    /// It has ended.
    pub(crate) fn after(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// A line that stays.
    pub(crate) fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None if self.is_silent => {}
            None => eprintln!("{line}"),
        }
    }

    /// A line that only those need who have no bar.
    pub(crate) fn round(&self, line: &str) {
        if self.bar.is_none() {
            self.note(line);
        }
    }

    /// All is done.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self::new()
    }
}
