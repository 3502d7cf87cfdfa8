//! Who runs the programs: Instar itself under a strategy, and the interpreters of other languages that are installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::child;
use crate::point::Strategy;
use crate::unpacked::Unpacked;

/// How Instar runs one benchmark in a process of its own: `program arguments --become STRATEGY NAME --times N [--parameter N]`.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The program.
    pub program: PathBuf,
    /// What stands before the rest.
    pub arguments: Vec<OsString>,
    /// The name of the program's function that loads and starts nothing, only evaluates, as a pattern of callgrind's.
    pub counted: &'static str,
}

impl Guest {
    /// The command for one benchmark; without a parameter the program's own is taken.
    #[must_use]
    pub fn command(&self, strategy: Strategy, name: &str, parameter: Option<u32>, times: u32) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(["--become", strategy.name(), name]);
        command.args(["--times", &times.to_string()]);
        if let Some(parameter) = parameter {
            command.args(["--parameter", &parameter.to_string()]);
        }
        command
    }

    /// The same command as words, to run below a tool that counts.
    #[must_use]
    pub fn words(&self, strategy: Strategy, name: &str, parameter: Option<u32>, times: u32) -> Vec<OsString> {
        let command = self.command(strategy, name, parameter, times);
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsString::from).collect()
    }
}

/// An interpreter of another language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// The name in `lang.csv`: `cpython` or `lua`.
    pub name: &'static str,
    /// The program that was found.
    pub program: String,
    /// What it says about its version.
    pub version: String,
    /// The script that runs a benchmark.
    script: &'static str,
}

/// Name, programs to try, how to ask for the version, script.
const KNOWN: [(&str, &[&str], &str, &str); 2] = [
    ("cpython", &["python3"], "--version", "python/run.py"),
    ("lua", &["lua5.4", "lua"], "-v", "lua/run.lua"),
];

/// The names of all interpreters that are looked for.
pub fn known() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.0)
}

impl Other {
    /// Those that are installed.
    #[must_use]
    pub fn installed() -> Vec<Self> {
        KNOWN.iter().filter_map(Self::find).collect()
    }

    fn find((name, programs, version, script): &(&'static str, &[&str], &str, &'static str)) -> Option<Self> {
        programs.iter().find_map(|program| {
            let said = child::run(Command::new(program).arg(version)).ok()?;
            // Older versions of both answer on the error output.
            let version =
                [said.out.trim(), said.err.trim()].into_iter().find(|text| !text.is_empty())?.to_owned();
            Some(Self { name, program: (*program).to_owned(), version, script })
        })
    }

    /// The command for one benchmark.
    #[must_use]
    pub fn command(&self, sources: &Unpacked, name: &str, parameter: u32, times: u32) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(sources.path(self.script)).args([name, &times.to_string(), &parameter.to_string()]);
        command
    }
}

/// Whether a program can be found in the search path.
#[must_use]
pub fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| Path::new(&folder).join(program).is_file())
}
