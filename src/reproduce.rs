//! `instar reproduce`: all experiments, and the report of them.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use clap::Args;
use instar_bench::lang::rows::Error;
use instar_bench::report;
use instar_bench::reproduce::{Ended, Plan, Size, table};

use crate::smalltalk::{complain, say};
use crate::{FAILED, Failure, INTERRUPTED, REFUSED, failed};

/// What is run.
#[derive(Args)]
pub struct ReproduceArguments {
    /// Each experiment under a minute, with smaller counts
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// The sweep's whole grid as well, for many hours
    #[arg(long)]
    full: bool,
    /// Folder for CSVs, manifests, plots and report
    #[arg(long, value_name = "DIR", default_value = "paper-results")]
    out: PathBuf,
    /// Only these experiments, apart by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Not these experiments
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    skip: Vec<String>,
}

/// Runs them, and prints what came of each.
pub fn reproduce(arguments: ReproduceArguments) -> Result<ExitCode, Failure> {
    let ReproduceArguments { quick, full, out, only, skip } = arguments;
    let size = match (quick, full) {
        (true, _) => Size::Quick,
        (_, true) => Size::Full,
        _ => Size::Default,
    };
    let plan = Plan { out, size, only, skip };
    // An interrupt from a terminal reaches the experiment as well, which ends by it.
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&stopped);
    ctrlc::set_handler(move || stop.store(true, Relaxed)).map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let command = |arguments: &[String]| {
        let mut command = Command::new(&program);
        command.args(arguments);
        command
    };
    let ended = plan.run(command, || stopped.load(Relaxed), |line| complain(format_args!("{line}\n")));
    let ended = ended.map_err(|error| match error {
        Error::Refused(_) => (REFUSED, error.to_string()),
        _ => failed(error),
    })?;
    say(table(&ended).trim_end());
    let written = report::write(&plan.out, &plan.out).map_err(failed)?;
    written.iter().for_each(|page| say(format_args!("Report: {}", page.display())));
    let is = |kind: fn(&Ended) -> bool| ended.iter().any(|(_, ended)| kind(ended));
    Ok(if is(|ended| *ended == Ended::Stopped) {
        ExitCode::from(INTERRUPTED)
    } else if is(|ended| matches!(ended, Ended::Failed(_))) {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}
