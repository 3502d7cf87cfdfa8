//! The commands that run Smalltalk.

mod history;
mod repl;
mod testing;

use std::fmt::Display;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use instar_dsu::control::Endpoint;
use instar_interp::bootstrap::{Diagnostic, Problem, check_packages};
use instar_interp::host::{Part, Session, read_parts};
use instar_interp::source::{self, Package};
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

pub use repl::repl;
pub use testing::{TestArguments, test};

use crate::control::ControlArguments;
use crate::observe::ObserveArguments;
use crate::{FAILED, Failure, REFUSED, failed};

/// What every command that makes a space takes.
#[derive(Args)]
pub struct SpaceArguments {
    /// How become works, and what is checked for it
    #[arg(long = "become", value_enum, default_value_t = Become::Lazy, value_name = "STRATEGY")]
    strategy: Become,
    /// Most memory for objects, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(32..=32 << 10))]
    heap: u64,
    /// Threads of the collector [default: the cores, at most 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=64))]
    workers: Option<u64>,
    /// For tests: collect at every N-th allocation
    #[arg(long, value_name = "N")]
    gc_zeal: Option<NonZeroU32>,
    /// Another kernel than the one that is built in: a folder with its packages
    #[arg(long, value_name = "DIR")]
    kernel: Option<PathBuf>,
    /// Packages (folders) and files to load first
    #[arg(long = "load", value_name = "PATH")]
    load: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Become {
    /// Forwarders behind the partial read barrier
    Lazy,
    /// Forwarders, and a check at every load
    AlwaysCheck,
    /// No forwarders: become scans the heap
    FullScan,
}

/// Why a command did not go on: its exit status, and nothing if the reason was said.
pub type Ended = (u8, String);

impl SpaceArguments {
    /// How its space is made.
    pub fn options(&self) -> SpaceOptions {
        let mut options = SpaceOptions {
            strategy: match self.strategy {
                Become::Lazy => BecomeStrategy::Lazy,
                Become::AlwaysCheck => BecomeStrategy::AlwaysCheck,
                Become::FullScan => BecomeStrategy::FullScan,
            },
            ..SpaceOptions::default()
        };
        let heap = &mut options.gc.heap;
        heap.limit_bytes = (self.heap as usize) << 20;
        // Of a small heap the young generation takes a part only, so that there is room to handle an OutOfMemory.
        heap.eden_bytes = heap.eden_bytes.min(heap.limit_bytes / 8);
        heap.survivor_bytes = heap.survivor_bytes.min(heap.limit_bytes / 32);
        if let Some(workers) = self.workers {
            options.gc.workers = workers as usize;
        }
        options.gc.zeal = self.gc_zeal;
        options
    }

    /// A session in a new space, with what is to be loaded first. Its programs read the standard input without a standstill.
    pub fn session(&self, arguments: &[String]) -> Result<Session, Ended> {
        self.session_with(arguments, |session| session.lend_input(std::io::stdin()))
    }

    /// As `session`, for whoever reads the standard input as well: what is evaluated reads on where this was.
    pub fn conversation(&self) -> Result<Session, Ended> {
        self.session_with(&[], |_| {})
    }

    fn session_with(
        &self,
        arguments: &[String],
        prepare: impl FnOnce(&mut Session),
    ) -> Result<Session, Ended> {
        exist(self.kernel.iter().chain(&self.load))?;
        let mut space = match &self.kernel {
            None => Space::new(self.options()),
            Some(folder) => Space::with_kernel(self.options(), &read(folder)?),
        }
        .map_err(failed)?;
        space.set_arguments(arguments.to_vec());
        let mut session = Session::new(space).map_err(failed)?;
        prepare(&mut session);
        run_paths(&mut session, &self.load, None)?;
        Ok(session)
    }
}

/// Paths that do not exist are a wrong use of the command.
pub fn exist<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), Ended> {
    let missing: Vec<String> = paths
        .into_iter()
        .filter(|path| !path.exists())
        .map(|path| format!("there is no file or folder {}", path.display()))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err((REFUSED, missing.join("\nerror: "))) }
}

fn read(path: &Path) -> Result<Vec<Package>, Ended> {
    source::read(path).map_err(|errors| said(FAILED, errors))
}

/// Ends with a status, after saying why in words that need no introduction.
pub fn said(status: u8, message: impl Display) -> Ended {
    complain(message);
    (status, String::new())
}

/// Ends as a problem demands.
pub fn ended(problem: Problem) -> Ended {
    match problem {
        // What the operating system shows of a status is its low byte.
        Problem::Quit(status) => (status as u8, String::new()),
        Problem::Source(text) => said(FAILED, text),
        // The guest reports what it did not handle itself.
        Problem::Failed(text) if text.is_empty() => (FAILED, String::new()),
        problem => (FAILED, problem.to_string()),
    }
}

pub fn warn(warnings: &[Diagnostic]) {
    warnings.iter().for_each(|warning| complain(format_args!("{}\n", warning.brief())));
}

/// Writes to the error output. That nobody can read it is no failure.
pub fn complain(text: impl Display) {
    let _ = write!(std::io::stderr(), "{text}");
}

/// Writes a line to the standard output. That nobody reads on is no failure of the program.
pub fn say(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Runs what stands at the paths, and tells whom the program is updated through of packages before they are loaded.
pub fn run_paths(session: &mut Session, paths: &[PathBuf], endpoint: Option<&Endpoint>) -> Result<(), Ended> {
    let parts = read_parts(paths).map_err(|errors| said(FAILED, errors))?;
    for part in &parts {
        if let (Part::Packages(packages), Some(endpoint)) = (part, endpoint) {
            endpoint.loaded(packages);
        }
        warn(&session.run(part).map_err(ended)?);
    }
    Ok(())
}

/// Ends a command whose space did all that was asked, or did not.
pub fn finish(session: Option<&mut Session>, result: Result<ExitCode, Ended>) -> Result<ExitCode, Failure> {
    if let Some(session) = session {
        session.flush();
    }
    match result {
        Err((status, message)) if message.is_empty() => Ok(ExitCode::from(status)),
        other => other,
    }
}

/// Runs packages and files, in order.
pub fn run(
    arguments: &SpaceArguments,
    control: &ControlArguments,
    observe: &ObserveArguments,
    paths: &[PathBuf],
    for_program: &[String],
) -> Result<ExitCode, Failure> {
    let mut session = match exist(paths).and_then(|()| arguments.session(for_program)) {
        Ok(session) => session,
        Err(ended) => return finish(None, Err(ended)),
    };
    // Dropped behind what the program does last, so that the log is whole.
    let observed = observe.open(&session, |_| ())?;
    let endpoint = control.open(&mut session, observed.as_ref())?;
    let result = run_paths(&mut session, paths, endpoint.as_ref()).map(|()| ExitCode::SUCCESS);
    let result = finish(Some(&mut session), result);
    drop((endpoint, observed));
    result
}

/// Evaluates expressions and prints the value of each.
pub fn eval(arguments: &SpaceArguments, expressions: &[String]) -> Result<ExitCode, Failure> {
    let mut session = match arguments.session(&[]) {
        Ok(session) => session,
        Err(ended) => return finish(None, Err(ended)),
    };
    let mut evaluate = || {
        for expression in expressions {
            let (text, warnings) = session.evaluate(expression).map_err(ended)?;
            warn(&warnings);
            session.flush();
            say(text);
        }
        Ok(ExitCode::SUCCESS)
    };
    let result = evaluate();
    finish(Some(&mut session), result)
}

/// Reads and compiles packages without running or changing anything.
pub fn check(arguments: &SpaceArguments, paths: &[PathBuf]) -> Result<ExitCode, Failure> {
    let check = || -> Result<ExitCode, Ended> {
        exist(paths)?;
        let session = arguments.session(&[])?;
        let mut packages = Vec::new();
        let mut errors = 0;
        for path in paths {
            match source::read(path) {
                Ok(read) => packages.extend(read),
                Err(found) => {
                    errors += found.0.len();
                    let _ = write!(std::io::stdout(), "{found}");
                }
            }
        }
        let found = check_packages(session.space(), &packages);
        for one in &found {
            let _ = write!(std::io::stdout(), "{one}");
        }
        errors += found.iter().filter(|one| one.is_error()).count();
        let warnings = found.iter().filter(|one| !one.is_error()).count();
        let methods: usize = packages.iter().map(|package| package.methods().count()).sum();
        say(format_args!(
            "{}, {}: {}, {}",
            counted(packages.len(), "package"),
            counted(methods, "method"),
            counted(errors, "error"),
            counted(warnings, "warning")
        ));
        Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    };
    finish(None, check())
}

/// Prints the code of a method.
pub fn disassemble(arguments: &SpaceArguments, methods: &[String]) -> Result<ExitCode, Failure> {
    let list = || -> Result<ExitCode, Ended> {
        let session = arguments.session(&[])?;
        for method in methods {
            say(session.listing(method).map_err(failed)?.trim_end());
        }
        Ok(ExitCode::SUCCESS)
    };
    finish(None, list())
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// All packages among parts.
fn packages_of(parts: &[Part]) -> Vec<Package> {
    let packages = |part: &Part| match part {
        Part::Packages(packages) => packages.clone(),
        Part::Script(_) => Vec::new(),
    };
    parts.iter().flat_map(packages).collect()
}
