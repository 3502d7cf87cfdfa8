//! `instar serve --hypervisor`: the program is an application space, and a hypervisor space beside it is told on the standard input what to do to it.
//!
//! The program runs on a thread of its own. This thread evaluates statements in the hypervisor as they come, and waits for the program's end.

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use instar_interp::bootstrap::Problem;
use instar_interp::host::Session;
use instar_interp::spaces::Phase;
use instar_interp::vm::SpaceOptions;

use crate::smalltalk::{Ended, complain, ended, said, say, warn};
use crate::{FAILED, failed};

/// How often the program is looked at while nobody tells anything.
const LOOK: Duration = Duration::from_millis(20);

/// Lets the application that the session made answer requests, until it ends.
pub fn serve(mut session: Session, options: SpaceOptions) -> Result<ExitCode, Ended> {
    let run = "[ | status | status := 1.
        [ WebServer serve: application. status := 0 ] ensure: [ Smalltalk exit: status ] ] fork";
    session.evaluate(run).map_err(ended)?;
    let (space, hypervisor) = instar_espell::hypervisor_space(options).map_err(failed)?;
    let mut desk = Session::new(space).map_err(failed)?;
    let updates = instar_espell::packages(instar_espell::CASES).map_err(|errors| said(FAILED, errors))?;
    warn(&desk.load(&updates).map_err(ended)?);
    let application = hypervisor.adopt("application", session.into_space()).map_err(failed)?;
    let know = "application := ObjectSpace all first. updater := ChesterUpdater on: application";
    desk.evaluate(know).map_err(ended)?;
    application.resume().map_err(failed)?;
    let statements = statements().map_err(failed)?;
    loop {
        match statements.recv_timeout(LOOK) {
            Ok(statement) => evaluate(&mut desk, &statement)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK),
        }
        match application.phase() {
            Phase::Quit(status) => return Ok(ExitCode::from(status as u8)),
            Phase::Broken | Phase::Discarded => return Err(failed("the application space has ended")),
            Phase::Running | Phase::Suspended | Phase::Gathered | Phase::Idle => {}
        }
    }
}

/// The lines of the standard input, as they come.
fn statements() -> std::io::Result<Receiver<String>> {
    let (sender, lines) = channel();
    let read = move || {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        lines.filter(|line| !line.trim().is_empty()).try_for_each(|line| sender.send(line))
    };
    // It ends with the input, or with the process.
    thread::Builder::new().name("statements".to_owned()).spawn(read)?;
    Ok(lines)
}

/// Prints the value of a statement, or that there was an error, in one line. What the error was stands in the error output.
fn evaluate(desk: &mut Session, statement: &str) -> Result<(), Ended> {
    let outcome = desk.evaluate(statement);
    desk.flush();
    match outcome {
        Ok((value, warnings)) => {
            warn(&warnings);
            say(value.replace(['\n', '\r'], " "));
        }
        Err(Problem::Quit(status)) => return Err(ended(Problem::Quit(status))),
        Err(problem) => {
            complain(format_args!("{problem}\n"));
            say("error");
        }
    }
    Ok(())
}
