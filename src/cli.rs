//! What can be typed behind `instar`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use instar_bench::point::Strategy;
use instar_bench::sweep::{
    MAX_INSTANCES, MAX_RUNS, MAX_WORKERS, Options, Size, parse_count, parse_strategies,
};

use crate::bench::BenchCommand;
use crate::control::{
    AbortArguments, ApplyArguments, ControlArguments, ListArguments, LogArguments, StatusArguments,
    UndoArguments,
};
use crate::load::LoadArguments;
use crate::observe::ObserveArguments;
use crate::patching::PatchCommand;
use crate::refactor::RefactorCommand;
use crate::reproduce::ReproduceArguments;
use crate::serve::ServeArguments;
use crate::signing::{KeygenArguments, SignArguments};
use crate::smalltalk::{SpaceArguments, TestArguments};
use crate::watch::WatchArguments;

/// The subcommand that measures one observation, for the program itself.
pub const OBSERVE: &str = "observe";

/// A live-updatable object runtime, and the laboratory that measures it.
#[derive(Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Measure become by lazy forwarders against full scans: CSV, plots and a report
    ///
    /// Measures the machine's physical limits and then become on heaps of growing size, one process an observation.
    /// A sweep that was stopped continues where it was when it is started again with the same folder and seed.
    #[command(after_help = SWEEP_FILES)]
    Sweep(SweepArguments),
    /// Redraw plots from CSV alone, and print the tables
    ///
    /// CSVs are known by their headers. The limits.csv beside the first become.csv is used if it is there.
    Plot {
        /// CSVs that `instar sweep` or `instar bench` wrote
        #[arg(required = true, value_name = "CSV")]
        csvs: Vec<PathBuf>,
        /// Folder for plots [default: that of the first CSV]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Write one page about all experiments of a folder, from their CSVs: report.html, which needs nothing else, and report.md
    ///
    /// Each with its question, method, plots, figures with intervals beside those that others published, and the command that repeats it.
    Report {
        /// Folder with the CSVs and their manifests
        #[arg(long = "in", value_name = "DIR", default_value = "paper-results")]
        results: PathBuf,
        /// Folder for the report and its plots [default: the same]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Run all experiments in order, and write the report
    ///
    /// What was stopped goes on where it was when it is started again: experiments that are complete are not run again.
    #[command(after_help = REPRODUCE_STATUS)]
    Reproduce(ReproduceArguments),
    /// Run Smalltalk: load packages and chunk files, evaluate scripts, in the order given
    ///
    /// A package is a folder (Tonel or FileTree, or a folder of such); a file is a chunk file, or holds statements. Packages that stand
    /// beside each other are loaded together.
    #[command(after_help = RUN_STATUS)]
    Run {
        #[command(flatten)]
        space: SpaceArguments,
        #[command(flatten)]
        control: ControlArguments,
        #[command(flatten)]
        observe: ObserveArguments,
        /// Packages (folders) and files
        #[arg(required = true, value_name = "FILE|PACKAGE")]
        paths: Vec<PathBuf>,
        /// For the program: `Smalltalk arguments`
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Serve a web application over HTTP: load packages, and answer requests until SIGINT or SIGTERM
    ///
    /// The application is a subclass of WebApplication in the packages, which are loaded with the server's and the update engine's.
    #[command(after_help = SERVE_STATUS)]
    Serve(ServeArguments),
    /// Evaluate Smalltalk expressions and print what each answers
    ///
    /// Variables that are assigned to are seen by the expressions that follow.
    Eval {
        #[command(flatten)]
        space: SpaceArguments,
        /// Statements; the value of the last one is printed
        #[arg(required = true, value_name = "SOURCE")]
        expressions: Vec<String>,
    },
    /// Talk to Smalltalk: statements are evaluated as they are typed
    Repl {
        #[command(flatten)]
        space: SpaceArguments,
    },
    /// Run the SUnit tests of packages
    ///
    /// Exit status: 0 if all tests pass, 1 if some do not, or there are none.
    Test(TestArguments),
    /// Read and compile packages without running anything, and say all that is wrong with them
    ///
    /// Exit status: 1 if there are errors; warnings alone make none.
    Check {
        #[command(flatten)]
        space: SpaceArguments,
        /// Packages (folders) and chunk files, checked together
        #[arg(required = true, value_name = "PACKAGE")]
        paths: Vec<PathBuf>,
    },
    /// Print the code that methods are compiled to
    Disassemble {
        #[command(flatten)]
        space: SpaceArguments,
        /// As Integer>>gcd: or 'Point class>>x:y:'
        #[arg(required = true, value_name = "CLASS>>SELECTOR")]
        methods: Vec<String>,
    },
    /// Make and check patches, which update a running program
    Patch {
        #[command(subcommand)]
        command: PatchCommand,
    },
    /// Refactor packages: make the patch that changes how a program is written, and not what it does
    ///
    /// The patch has the policy by which instances follow, and nothing in it is undecided. What would change what the program does is refused.
    /// Exit status: 0 if the patch was made, 1 if a precondition does not hold or sources cannot be read, 2 if options are wrong.
    Refactor {
        #[command(subcommand)]
        command: RefactorCommand,
    },
    /// Measure the language: against other languages, under each become strategy, and after a become
    Bench {
        #[command(subcommand)]
        command: BenchCommand,
    },
    /// Apply a patch to a program that runs with --control
    #[command(after_help = UPDATE_STATUS)]
    Apply(ApplyArguments),
    /// Take the last update of a program that runs with --control back
    #[command(after_help = UPDATE_STATUS)]
    Undo(UndoArguments),
    /// Give up the update of a program that runs with --control, while it waits for a safe point
    Abort(AbortArguments),
    /// Print which updates of a program that runs with --control were tried, and what came of them
    Log(LogArguments),
    /// Print what the update engine of a program that runs with --control does now, and then what it does, as it happens
    ///
    /// Exit status: 0 when the program has ended, or with --once; 2 if options or the socket are wrong.
    Status(StatusArguments),
    /// Make a key to sign patches with, and print its public half, for --accept-key
    Keygen(KeygenArguments),
    /// Sign a patch, as it is, byte for byte, for programs that run with --accept-key
    ///
    /// `instar apply` sends the signature that is beside a patch.
    Sign(SignArguments),
    /// Apply each edit of saved files to a program that runs
    ///
    /// Without --to the program is run here: the packages in the folder, then the files. Edits that only a person can decide on, as whether a
    /// variable has a new name, are written to `undecided.patch` in the folder: decide there, and save it.
    Watch(WatchArguments),
    /// Load the chat application, check every answer, and count messages that are lost or doubled
    ///
    /// Each client looks at its user, posts fifty messages to a room that all are members of, and fetches what waits for it, over and over.
    #[command(after_help = LOAD_STATUS)]
    Load(LoadArguments),
    /// Print what runs in a program that runs with --control
    List(ListArguments),
    /// Measure one observation and print it as JSON (what `sweep` starts for each)
    #[command(name = OBSERVE, hide = true)]
    Observe { trial: String },
}

const REPRODUCE_STATUS: &str = "\
Exit status: 0 if all went well, 1 if an experiment failed, after all others were run, 2 if options are wrong or memory cannot hold them, 130 if it was
stopped.";

const RUN_STATUS: &str = "\
Exit status: 0 if all went well, 1 after an error that nothing handled or that kept something from being loaded, 2 if options
or paths are wrong, 141 if nobody reads the output any more, and what the program says by `Smalltalk exit: status`.";

const SERVE_STATUS: &str = "\
Exit status: 0 after a signal, or when the application stops the server, 1 after an error that nothing handled or that kept something from being
loaded, 2 if options, paths, the port or the socket are wrong, and what the program says by `Smalltalk exit: status`.";

const UPDATE_STATUS: &str = "\
Exit status: 0 if all went well, 1 if the update was refused or failed, so that the program is as it was, 2 if options, files or the socket
are wrong, 3 if no safe point was reached in time, so that the program is as it was, 4 if the answer did not come.";

const LOAD_STATUS: &str = "\
With --rate a latency counts from when the request was due, also if no client was free then: no delay is omitted because of another.
Exit status: 0 if all answers were right and each message came to each member once, 1 if not, 2 if options are wrong.";

const SWEEP_FILES: &str = "\
Files: become.csv (one observation a row), limits.csv (physical limits), manifest.json, report.html, and
pause-by-instances, pause-by-heap, access and memory as .svg and .png.
Exit status: 0 if all went well, 1 if an observation failed, 2 if options are wrong or memory cannot hold the sweep.";

#[derive(Args)]
pub struct SweepArguments {
    /// Folder for CSVs, manifest, plots and report
    #[arg(long, value_name = "DIR", default_value = "paper-results")]
    out: PathBuf,
    /// Under a minute: up to 10⁶ instances and few points
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Every combination of the grid, for many hours
    #[arg(long)]
    full: bool,
    /// Repetitions of each point [default: 5, of large points and with --quick 3]
    #[arg(long, value_name = "N", value_parser = runs)]
    runs: Option<u32>,
    /// Seed of every random order
    #[arg(long, value_name = "N", default_value = "42", value_parser = seed)]
    seed: u64,
    /// Threads of the parallel strategies, beside 1 [default: the cores, at most 2]
    #[arg(long, value_name = "N", value_parser = workers)]
    workers: Option<u32>,
    /// Most pairs and most bystanders, as 1000000 or 1e6 [default: 1e7, with --quick 1e6]
    #[arg(long, value_name = "N", value_parser = instances)]
    max_instances: Option<u64>,
    /// Strategies apart by commas: lazy, always-check, full-scan, object-table [default: all]
    #[arg(long, value_name = "LIST", value_parser = strategies)]
    strategies: Option<Chosen>,
}

/// A list that is one value to the parser of arguments.
#[derive(Clone)]
struct Chosen(Vec<Strategy>);

fn runs(text: &str) -> Result<u32, String> {
    parse_count(text, 1..=MAX_RUNS).map(|runs| runs as u32)
}

fn seed(text: &str) -> Result<u64, String> {
    parse_count(text, 0..=u64::MAX)
}

fn workers(text: &str) -> Result<u32, String> {
    parse_count(text, 1..=MAX_WORKERS).map(|workers| workers as u32)
}

fn instances(text: &str) -> Result<u64, String> {
    parse_count(text, 1..=MAX_INSTANCES)
}

fn strategies(text: &str) -> Result<Chosen, String> {
    parse_strategies(text).map(Chosen)
}

impl SweepArguments {
    /// The options of the sweep, defaults filled in.
    pub fn options(self) -> Options {
        let Self { out, quick, full, runs, seed, workers, max_instances, strategies } = self;
        let defaults = Options::new(out);
        Options {
            size: match (quick, full) {
                (true, _) => Size::Quick,
                (_, true) => Size::Full,
                _ => Size::Default,
            },
            runs,
            seed,
            workers: workers.unwrap_or(defaults.workers),
            max_instances,
            strategies: strategies.map_or_else(|| defaults.strategies.clone(), |Chosen(list)| list),
            ..defaults
        }
    }
}
