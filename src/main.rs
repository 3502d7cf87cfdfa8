//! The `instar` command line: nothing but glue.

mod bench;
mod cli;
mod control;
mod hypervisor;
mod load;
mod logging;
mod observe;
mod patching;
mod refactor;
mod reproduce;
mod serve;
mod signing;
mod smalltalk;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use instar_bench::results::Results;
use instar_bench::sweep::{self, ChildMeasure, Error, Files, Options, Progress};
use instar_bench::{memory, plot, report, workload};

use cli::{Cli, Command, OBSERVE};

/// A command that was understood and went wrong, observations that failed included.
const FAILED: u8 = 1;
/// A command that cannot be followed: bad options, or more than memory can hold.
const REFUSED: u8 = 2;
/// What a shell shows for a program that an interrupt ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => run(cli.command),
        Err(error) => {
            // Help and version are asked for and go to the standard output.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if asked { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) }
        }
    }
}

fn run(command: Command) -> ExitCode {
    let _guard = match logging::begin() {
        Ok(guard) => guard,
        Err((status, message)) => {
            smalltalk::complain(format_args!("error: {message}\n"));
            return ExitCode::from(status);
        }
    };
    let outcome = match command {
        Command::Sweep(arguments) => sweep(&arguments.options()),
        Command::Plot { csvs, out } => {
            let beside = csvs[0].parent().map(Path::to_path_buf).unwrap_or_default();
            draw(&csvs, &out.unwrap_or(beside)).map(|()| ExitCode::SUCCESS)
        }
        Command::Report { results, out } => {
            report(&results, out.as_deref().unwrap_or(&results)).map(|()| ExitCode::SUCCESS)
        }
        Command::Reproduce(arguments) => reproduce::reproduce(arguments),
        Command::Run { space, control, observe, paths, arguments } => {
            smalltalk::run(&space, &control, &observe, &paths, &arguments)
        }
        Command::Serve(arguments) => serve::serve(&arguments),
        Command::Apply(arguments) => control::apply(&arguments),
        Command::Undo(arguments) => control::undo(&arguments),
        Command::Abort(arguments) => control::abort(&arguments),
        Command::Log(arguments) => control::log(&arguments),
        Command::Status(arguments) => control::status(&arguments),
        Command::Keygen(arguments) => signing::keygen(&arguments),
        Command::Sign(arguments) => signing::sign(&arguments),
        Command::Watch(arguments) => watch::watch(&arguments),
        Command::Load(arguments) => load::load(&arguments),
        Command::List(arguments) => control::list(&arguments),
        Command::Eval { space, expressions } => smalltalk::eval(&space, &expressions),
        Command::Repl { space } => smalltalk::repl(&space),
        Command::Test(arguments) => smalltalk::test(&arguments),
        Command::Check { space, paths } => smalltalk::check(&space, &paths),
        Command::Disassemble { space, methods } => smalltalk::disassemble(&space, &methods),
        Command::Patch { command } => patching::run(command),
        Command::Refactor { command } => refactor::run(command),
        Command::Bench { command } => bench::run(command),
        Command::Observe { trial } => observe(&trial).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|(status, message)| {
        smalltalk::complain(format_args!("error: {message}\n"));
        ExitCode::from(status)
    })
}

type Failure = (u8, String);

fn failed(error: impl std::fmt::Display) -> Failure {
    (FAILED, error.to_string())
}

fn sweep(options: &Options) -> Result<ExitCode, Failure> {
    let program = std::env::current_exe().map_err(failed)?;
    let mut measure = ChildMeasure::new(program, vec![OBSERVE.into()], workload::become_measure());
    let available = memory::available();
    let summary =
        sweep::run(options, &mut measure, available.as_ref(), &mut Progress::new()).map_err(|error| {
            match error {
                Error::Refused(_) => (REFUSED, error.to_string()),
                _ => failed(error),
            }
        })?;
    draw(&[Files::of(&options.out).become_csv], &options.out)?;
    report(&options.out, &options.out)?;
    if summary.failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let (count, all) = (summary.failures.len(), summary.measured);
    Err((FAILED, format!("{count} of {all} observations failed; the first: {}", summary.failures[0])))
}

/// Draws everything, and prints the tables.
fn draw(csvs: &[PathBuf], out: &Path) -> Result<(), Failure> {
    let results = Results::read(csvs).map_err(failed)?;
    smalltalk::say(results.table().trim_end());
    let written = plot::write(&results.into_plots(), out).map_err(failed)?;
    written.iter().for_each(|plot| smalltalk::say(format_args!("Plot: {}", plot.display())));
    Ok(())
}

/// Writes the report of all that a folder has.
fn report(results: &Path, out: &Path) -> Result<(), Failure> {
    if !results.is_dir() {
        return Err((REFUSED, format!("{}: there is no such folder of results", results.display())));
    }
    let written = report::write(results, out).map_err(failed)?;
    written.iter().for_each(|page| smalltalk::say(format_args!("Report: {}", page.display())));
    Ok(())
}

/// One observation, in the process that `sweep` made for it.
fn observe(trial: &str) -> Result<(), Failure> {
    let mut measure = workload::become_measure();
    sweep::answer(measure.as_mut(), trial, &mut std::io::stdout()).map_err(failed)
}
