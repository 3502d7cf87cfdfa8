//! `instar test`: SUnit tests of packages.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use instar_interp::bootstrap::Problem;
use instar_interp::host::{Kind, Outcome, Session, Suite, read_parts, write_junit};

use super::{Ended, SpaceArguments, complain, counted, ended, exist, finish, packages_of, said, say, warn};
use crate::{FAILED, Failure, failed};

/// What to test.
#[derive(Args)]
pub struct TestArguments {
    #[command(flatten)]
    space: SpaceArguments,
    /// Packages (folders) and files with test classes
    #[arg(required = true, value_name = "PACKAGE")]
    paths: Vec<PathBuf>,
    /// Only tests whose Class>>selector contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write the results to this file, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Loads packages and runs the tests in them.
pub fn test(arguments: &TestArguments) -> Result<ExitCode, Failure> {
    let mut session = match exist(&arguments.paths).and_then(|()| arguments.space.session(&[])) {
        Ok(session) => session,
        Err(ended) => return finish(None, Err(ended)),
    };
    let result = run(&mut session, arguments);
    finish(Some(&mut session), result)
}

fn run(session: &mut Session, arguments: &TestArguments) -> Result<ExitCode, Ended> {
    let parts = read_parts(&arguments.paths).map_err(|errors| said(FAILED, errors))?;
    for part in &parts {
        warn(&session.run(part).map_err(ended)?);
    }
    let packages = packages_of(&parts);
    let suite = Suite::of_packages(session, &packages, arguments.filter.as_deref()).map_err(ended)?;
    if suite.tests.is_empty() {
        let why = match &arguments.filter {
            Some(filter) => format!("no test's name contains {filter}"),
            None => "there are no test classes in these packages: concrete subclasses of TestCase".to_owned(),
        };
        return Err((FAILED, why));
    }
    let (outcomes, end) = run_suite(session, &suite);
    if let Some(file) = &arguments.junit {
        let mut text = String::new();
        write_junit(&outcomes, "instar test", &mut text).map_err(failed)?;
        std::fs::write(file, text).map_err(|error| (FAILED, format!("{}: {error}", file.display())))?;
    }
    summarize(&outcomes, suite.tests.len());
    match end {
        Some(problem) => Err(ended(problem)),
        None if outcomes.iter().any(Outcome::is_defect) => Err((FAILED, String::new())),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// All outcomes; and what ended the run before its end.
fn run_suite(session: &mut Session, suite: &Suite) -> (Vec<Outcome>, Option<Problem>) {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut progress = Progress { is_shown: std::io::stderr().is_terminal() };
    for (number, test) in suite.tests.iter().enumerate() {
        if let Some(last) = outcomes.last().filter(|last| last.test.class != test.class) {
            Suite::finish_class(session, &last.test.class);
        }
        progress.show(&format!("[{}/{}] {test}", number + 1, suite.tests.len()));
        match Suite::run(session, test) {
            Ok(outcome) => {
                progress.clear();
                if outcome.is_defect() {
                    session.flush();
                    tell(&outcome);
                }
                outcomes.push(outcome);
            }
            Err(problem) => {
                progress.clear();
                say(format_args!("{test} ended the run: {problem}"));
                return (outcomes, Some(problem));
            }
        }
    }
    if let Some(last) = outcomes.last() {
        Suite::finish_class(session, &last.test.class);
    }
    (outcomes, None)
}

/// A line that is written over and over, on a terminal.
struct Progress {
    is_shown: bool,
}

impl Progress {
    /// Columns that are used.
    const WIDTH: usize = 78;

    fn show(&mut self, text: &str) {
        if self.is_shown {
            let text: String = text.chars().take(Self::WIDTH).collect();
            complain(format_args!("\r{text:<width$}", width = Self::WIDTH));
            let _ = std::io::stderr().flush();
        }
    }

    fn clear(&mut self) {
        if self.is_shown {
            complain(format_args!("\r{:width$}\r", "", width = Self::WIDTH));
        }
    }
}

fn tell(outcome: &Outcome) {
    let kind = if outcome.kind == Kind::Failed { "FAILED" } else { "ERROR" };
    say(format_args!("{kind} {}", outcome.test));
    say(format_args!("    {}", outcome.message));
    for line in outcome.trace.lines() {
        say(format_args!("    {}", line.trim_start()));
    }
}

fn summarize(outcomes: &[Outcome], planned: usize) {
    let count = |kind| outcomes.iter().filter(|outcome| outcome.kind == kind).count();
    let mut parts = vec![
        format!("{} passed", count(Kind::Passed)),
        format!("{} failed", count(Kind::Failed)),
        counted(count(Kind::Error), "error"),
        format!("{} skipped", count(Kind::Skipped)),
    ];
    if planned > outcomes.len() {
        parts.push(format!("{} not run", planned - outcomes.len()));
    }
    say(format_args!("{}: {}", counted(planned, "test"), parts.join(", ")));
}
