//! `instar bench`: the benchmarks of the language.

mod outside;
mod safepoints;
mod update;
mod virtualized;
mod webapp;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use instar_bench::lang::count::Counter;
use instar_bench::lang::rows::{Error, Outcome};
use instar_bench::lang::steps::Steps;
use instar_bench::lang::systems::Other;
use instar_bench::lang::{self, Guest, Options, barrier, compare, heal, programs, virtualization};
use instar_bench::point::Strategy;
use instar_bench::safepoints as bench_safepoints;
use instar_bench::sweep::{MAX_RUNS, parse_count};
use instar_bench::{effort, fixes, functional, gdsu};
use instar_bench::{peers, scale, server, soak};
use instar_interp::source::{self, SourceFile};
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

use crate::smalltalk::say;
use crate::{FAILED, Failure, REFUSED, failed};

/// The subcommand that runs one benchmark, for the program itself and for profilers.
const ONE: &str = "one";
/// The subcommand that updates the chat model.
const UPDATE: &str = "update";
/// The subcommand that updates a program of some size.
const GROW: &str = "grow";
/// The subcommand that splits the class of messages once.
const SPLIT: &str = "split";
/// The subcommand that updates a busy program.
const SAFE_POINT: &str = "safe-point";
/// The subcommand that runs a scenario.
const SCENARIO: &str = "scenario";
/// The subcommand that applies a fix.
const FIX: &str = "fix";
/// The subcommand that writes a fix as a patch.
const FIX_PATCH: &str = "fix-patch";

#[derive(Subcommand)]
pub enum BenchCommand {
    /// The classic set here, in CPython and in Lua, and the Benchmarks Game programs checked: lang.csv
    #[command(after_help = STATUS)]
    Lang {
        #[command(flatten)]
        arguments: BenchArguments,
        /// How become works here: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
    },
    /// Experiment E2, what the read barrier costs: barrier.csv and a plot
    ///
    /// The suite under lazy, always-check and full-scan (whose interpreter never checks), alternating; instructions besides time,
    /// by the processor's counters or else by valgrind.
    #[command(after_help = STATUS)]
    Barrier {
        #[command(flatten)]
        arguments: BenchArguments,
    },
    /// Passes over 10⁶ objects before they become others, and after: heal.csv
    #[command(after_help = STATUS)]
    Heal {
        #[command(flatten)]
        arguments: BenchArguments,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
    },
    /// Experiment E5, programs of the Benchmarks Game plain and under a hypervisor: virtualization.csv
    #[command(after_help = STATUS)]
    Virtualization {
        #[command(flatten)]
        arguments: BenchArguments,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
    },
    /// Experiment E3, updates of a program with 0 to 10⁷ live instances: gdsu.csv and a plot
    ///
    /// The chat model goes to its second version, with the standard policy and with one in Smalltalk; 172 updates of the first kind.
    #[command(after_help = STATUS)]
    Gdsu {
        #[command(flatten)]
        arguments: BenchArguments,
        /// Threads of the collector, which also migrate
        #[arg(long, default_value_t = 2, value_name = "N", value_parser = workers)]
        workers: u32,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
    },
    /// Experiment E8, scenarios of updates that pass or do not: functional.csv
    ///
    /// The chat model in development and under load, the engine's own classes, and the core library, from inside and from outside the program. --only
    /// takes their names.
    #[command(after_help = STATUS)]
    Functional {
        #[command(flatten)]
        arguments: BenchArguments,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
    },
    /// How long updates of a busy program wait for their safe point, with return barriers and with update points: safepoints.csv
    #[command(after_help = STATUS)]
    Safepoints {
        #[command(flatten)]
        arguments: BenchArguments,
    },
    /// Experiment E6, fixes of the core library of a program under load, applied from outside in one step: fixes.csv
    ///
    /// The three real fixes of Espell's Table 2, the push-up of do: and the replacement of SmallInteger. 100 threads of depth 100 and 10⁶ live objects; with --quick 5, 20 and 1,000.
    #[command(after_help = STATUS)]
    Fixes {
        #[command(flatten)]
        arguments: BenchArguments,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
    },
    /// Experiment E9, lines of code by component beside those of Espell's Table 3: effort.csv
    #[command(after_help = STATUS)]
    Effort {
        #[command(flatten)]
        arguments: BenchArguments,
        /// The source tree to count [default: that which this program was built from]
        #[arg(long, value_name = "DIR")]
        source: Option<PathBuf>,
    },
    /// Apply a fix in this process to a program of that size: prints name, 1 and the figures, separated by tabs
    #[command(name = FIX, hide = true)]
    Fix {
        /// A fix or another case that there is
        id: String,
        /// Threads of the program
        threads: u32,
        /// Activations below each
        depth: u32,
        /// Live objects
        objects: u32,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
    },
    /// Print a fix of the core library as a patch, which `instar apply` takes
    ///
    /// As what the program was before the fix has to be made first, --before prints the patch for that; nothing if the library is so already.
    #[command(name = FIX_PATCH)]
    FixPatch {
        /// exception-handling, block-memoization, float-printing or do-push-up
        id: String,
        /// The way there from the library that is built in
        #[arg(long)]
        before: bool,
    },
    /// The chat application is updated and taken back again and again under load, and must stay what it was: soak.csv and a plot
    ///
    /// Ten clients, 700 requests a second, 10 minutes; every 5 s an update of the model, the kernel or the engine, or its inverse. Fails if classes, methods, symbols or
    /// memory grow. With --quick 20 s.
    #[command(after_help = STATUS)]
    Soak {
        #[command(flatten)]
        arguments: BenchArguments,
    },
    /// Experiment E4, the chat application over HTTP is updated under load: server.csv, server-series.csv and plots
    ///
    /// Ten clients, 120 s, an update after 60, with 28,500 to 10⁷ live messages, at 700 requests a second and as fast as answers come. --only takes
    /// updates (none, model, kernel, engine), paces (700/s, closed) and numbers of messages (28500, 1000000, 10000000).
    #[command(after_help = STATUS)]
    Server {
        #[command(flatten)]
        arguments: BenchArguments,
    },
    /// Experiment E7, the core library of the forge is updated while it serves: webapp.csv, webapp-series.csv and plots
    ///
    /// Twenty users, 90 s, one of four updates after 30, by gDSU at a safe point that it finds, and by Chester at the forge's own update points. --only takes updates.
    #[command(after_help = STATUS)]
    Webapp {
        #[command(flatten)]
        arguments: BenchArguments,
    },
    /// Experiment E10, how an update grows with the program and the patch: scale.csv
    ///
    /// 1 to 10⁴ processes, stacks 1 to 10⁴ deep, 1 to 10⁷ other objects, 1 to 10³ classes or methods in the patch. --only takes these dimensions:
    /// threads, depth, heap, classes, methods.
    #[command(after_help = STATUS)]
    Scale {
        #[command(flatten)]
        arguments: BenchArguments,
    },
    /// Updates of one size in this process: prints name, whether all is right, and the figures of each update, separated by tabs
    #[command(name = GROW, hide = true)]
    Grow {
        /// What grows
        dimension: String,
        /// To which size
        size: u32,
        /// Updates
        times: u32,
    },
    /// Experiment E11, the same change of schema in other systems that are installed: peers.csv
    ///
    /// Instances of one class become instances of two: here, in CPython, Java, SBCL, Erlang and GNU Smalltalk. --only takes their names.
    #[command(after_help = STATUS)]
    Peers {
        #[command(flatten)]
        arguments: BenchArguments,
    },
    /// Split the message class in this process: prints name, whether all is right, nanoseconds of the stop and with a first pass, and the
    /// peak of resident bytes, separated by tabs
    #[command(name = SPLIT, hide = true)]
    Split {
        /// Messages
        instances: u32,
    },
    /// Update a busy program in this process: prints name, whether all is right, and the figures of each update, separated by tabs
    #[command(name = SAFE_POINT, hide = true)]
    SafePoint {
        /// return-barriers, update-points or sends
        strategy: String,
        /// Processes of the program
        processes: u32,
        /// Activations of what changes in each
        depth: u32,
        /// Milliseconds that an update may take
        timeout_ms: u32,
        /// Updates
        times: u32,
    },
    /// Run a scenario in this process: prints `pass` and what was done, separated by a tab
    #[command(name = SCENARIO, hide = true)]
    Scenario {
        /// A message that the scenarios understand
        selector: String,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
    },
    /// Update the chat model in this process: prints name, whether all is right, and the figures of each update, separated by tabs
    #[command(name = UPDATE, hide = true)]
    Update {
        /// Messages
        instances: u32,
        /// standard or custom
        policy: String,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
        /// Threads of the collector
        #[arg(long, default_value_t = 2, value_name = "N", value_parser = workers)]
        workers: u32,
        /// Updates
        #[arg(long, default_value_t = 1, value_name = "N")]
        times: u32,
    },
    /// Run one benchmark in this process: prints name, checksum and nanoseconds, separated by tabs
    #[command(name = ONE)]
    One {
        /// A program of the classic set or of the Benchmarks Game, or a holder of `heal`
        name: String,
        /// How become works: lazy, always-check or full-scan
        #[arg(long = "become", default_value = "lazy", value_name = "STRATEGY", value_parser = strategy)]
        strategy: Strategy,
        /// Iterations
        #[arg(long, default_value_t = 1, value_name = "N")]
        times: u32,
        /// The program's parameter or size [default: its own]
        #[arg(long, value_name = "N")]
        parameter: Option<u32>,
        /// Run it once more before, unmeasured: what a simulator counts is then the second time
        #[arg(long)]
        warm: bool,
        /// As the space of an application under a hypervisor; only programs of the Benchmarks Game. Prints the bytes that the space made
        /// resident as well
        #[arg(long)]
        virtualized: bool,
        /// So often, all of it; the time is that of the fastest. Only programs of the Benchmarks Game
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = runs)]
        batches: u32,
    },
}

const STATUS: &str = "\
Beside the CSV stands a manifest, NAME-manifest.json. The same command on the same folder goes on where it was stopped. Figures of
another build, machine, seed or setting are never mixed: the old files are kept under the time of their start.
Exit status: 0 if all went well, 1 if an observation failed, 2 if options are wrong.";

#[derive(Args)]
pub struct BenchArguments {
    /// Folder for CSV, manifest and plots
    #[arg(long, value_name = "DIR", default_value = "paper-results")]
    out: PathBuf,
    /// Under a minute: fewer runs and smaller counts
    #[arg(long)]
    quick: bool,
    /// Repetitions [default: 10, with --quick 2; server: 1]
    #[arg(long, value_name = "N", value_parser = runs)]
    runs: Option<u32>,
    /// Seed of the order and of the bootstrap
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Only these benchmarks
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    only: Vec<String>,
}

fn runs(text: &str) -> Result<u32, String> {
    parse_count(text, 1..=MAX_RUNS).map(|runs| runs as u32)
}

fn workers(text: &str) -> Result<u32, String> {
    parse_count(text, 1..=64).map(|workers| workers as u32)
}

fn strategy(text: &str) -> Result<Strategy, String> {
    let known = "lazy, always-check or full-scan";
    match text.parse() {
        Ok(Strategy::ObjectTable) | Err(_) => Err(format!("the interpreter knows {known}")),
        Ok(strategy) => Ok(strategy),
    }
}

impl BenchArguments {
    fn options(self, experiment: lang::Command, strategy: Strategy) -> Options {
        let Self { out, quick, runs, seed, only } = self;
        Options { quick, runs, seed, only, strategy, ..Options::new(experiment, out) }
    }
}

/// Runs one of the commands.
pub fn run(command: BenchCommand) -> Result<ExitCode, Failure> {
    let program = std::env::current_exe().map_err(failed)?;
    let guest = Guest { program, arguments: vec!["bench".into(), ONE.into()], counted: COUNTED };
    let steps = Steps::new();
    match command {
        BenchCommand::Lang { arguments, strategy } => {
            let options = arguments.options(lang::Command::Lang, strategy);
            finish(compare::run(&options, &guest, &Other::installed(), &steps), &options)
        }
        BenchCommand::Barrier { arguments } => {
            let options = arguments.options(lang::Command::Barrier, Strategy::Lazy);
            finish(barrier::run(&options, &guest, Counter::available(), &steps), &options)
        }
        BenchCommand::Heal { arguments, strategy } => {
            let options = arguments.options(lang::Command::Heal, strategy);
            finish(heal::run(&options, &guest, &steps), &options)
        }
        BenchCommand::Virtualization { arguments, strategy } => {
            let options = arguments.options(lang::Command::Virtualization, strategy);
            finish(virtualization::run(&options, &guest, &steps), &options)
        }
        BenchCommand::Gdsu { arguments, workers, strategy } => {
            let options = arguments.options(lang::Command::Gdsu, strategy);
            let command = |task: &gdsu::Task, times: u32| {
                let mut command = std::process::Command::new(&guest.program);
                command.args(["bench", UPDATE, &task.instances.to_string(), task.policy]);
                command.args(["--become", strategy.name(), "--workers", &task.workers.to_string()]);
                command.args(["--times", &times.to_string()]);
                command
            };
            finish(gdsu::run(&options, workers, command, &steps), &options)
        }
        BenchCommand::Functional { arguments, strategy } => {
            let options = arguments.options(lang::Command::Functional, strategy);
            let command = |scenario: &functional::Scenario| {
                let mut command = std::process::Command::new(&guest.program);
                command.args(["bench", SCENARIO, scenario.selector, "--become", strategy.name()]);
                command
            };
            finish(functional::run(&options, command, &steps), &options)
        }
        BenchCommand::Safepoints { arguments } => {
            let options = arguments.options(lang::Command::Safepoints, Strategy::Lazy);
            let command = |task: &bench_safepoints::Task, times: u32| {
                let mut command = std::process::Command::new(&guest.program);
                command.args(["bench", SAFE_POINT, task.strategy]);
                command.args([task.processes, task.depth, task.timeout_ms, times].map(|it| it.to_string()));
                command
            };
            finish(bench_safepoints::run(&options, command, &steps), &options)
        }
        BenchCommand::SafePoint { strategy, processes, depth, timeout_ms, times } => {
            let figures = safepoints::run(&strategy, processes, depth, timeout_ms, times).map_err(failed)?;
            say(format_args!("updates\t1\t{}", figures.join("\t")));
            Ok(ExitCode::SUCCESS)
        }
        BenchCommand::Fixes { arguments, strategy } => {
            let options = arguments.options(lang::Command::Fixes, strategy);
            let command = |fix: &fixes::Fix, load: fixes::Load| {
                let mut command = std::process::Command::new(&guest.program);
                command.args(["bench", FIX, fix.id, "--become", strategy.name()]);
                command.args([load.threads, load.depth, load.objects].map(|it| it.to_string()));
                command
            };
            finish(fixes::run(&options, command, &steps), &options)
        }
        BenchCommand::Effort { arguments, source } => {
            let options = arguments.options(lang::Command::Effort, Strategy::Lazy);
            finish(effort::run(&options, &source.unwrap_or_else(effort::own_tree), &steps), &options)
        }
        BenchCommand::Fix { id, threads, depth, objects, strategy } => {
            let load = fixes::Load { threads, depth, objects };
            let figures = outside::apply(&id, load, become_strategy(strategy)).map_err(failed)?;
            let figures: Vec<String> = figures.iter().map(u64::to_string).collect();
            say(format_args!("{id}\t1\t{}", figures.join("\t")));
            Ok(ExitCode::SUCCESS)
        }
        BenchCommand::FixPatch { id, before } => {
            if let Some(patch) = outside::patch(&id, before).map_err(failed)? {
                say(patch.trim_end());
            }
            Ok(ExitCode::SUCCESS)
        }
        BenchCommand::Scale { arguments } => {
            let options = arguments.options(lang::Command::Scale, Strategy::Lazy);
            let command = |(dimension, size): scale::Task, times: u32| {
                let mut command = std::process::Command::new(&guest.program);
                command.args(["bench", GROW, dimension, &size.to_string(), &times.to_string()]);
                command
            };
            finish(scale::run(&options, command, &steps), &options)
        }
        BenchCommand::Grow { dimension, size, times } => {
            let figures = update::grow(&dimension, size, times).map_err(failed)?;
            say(format_args!("scale\t1\t{}", figures.join("\t")));
            Ok(ExitCode::SUCCESS)
        }
        BenchCommand::Server { arguments } => {
            let options = arguments.options(lang::Command::Server, Strategy::Lazy);
            let serve = |application: &Path, instances: u32| {
                let mut command = std::process::Command::new(&guest.program);
                command.args(["serve", "--port", "0", "--heap", "8192"]).arg(application);
                // What waits for a client that the others overtake is never dropped.
                command.args(["--", &format!("populate={instances}"), "pending=10000000"]);
                command
            };
            finish(server::run(&options, serve, &steps), &options)
        }
        BenchCommand::Soak { arguments } => {
            let options = arguments.options(lang::Command::Soak, Strategy::Lazy);
            let serve = |application: &Path, witness: &Path, messages: u32| {
                let mut command = std::process::Command::new(&guest.program);
                command.args(["serve", "--port", "0"]).args([application, witness]).arg("--");
                command
                    .args(["populate", "messages"].map(|name| format!("{name}={messages}")))
                    .arg("pending=10000000");
                command
            };
            finish(soak::run(&options, serve, &steps), &options)
        }
        BenchCommand::Webapp { arguments } => {
            let options = arguments.options(lang::Command::Webapp, Strategy::Lazy);
            let forge = webapp::Forge { program: guest.program.clone() };
            finish(instar_bench::webapp::run(&options, &forge, &steps), &options)
        }
        BenchCommand::Peers { arguments } => {
            let options = arguments.options(lang::Command::Peers, Strategy::Lazy);
            let command = |instances: u32| {
                let mut command = std::process::Command::new(&guest.program);
                command.args(["bench", SPLIT, &instances.to_string()]);
                command
            };
            finish(peers::run(&options, command, &steps), &options)
        }
        BenchCommand::Split { instances } => {
            let figures = update::split(instances).map_err(failed)?;
            say(format_args!("split\t1\t{}", figures.map(|figure| figure.to_string()).join("\t")));
            Ok(ExitCode::SUCCESS)
        }
        BenchCommand::Scenario { selector, strategy } => {
            let detail = update::scenario(&selector, become_strategy(strategy)).map_err(failed)?;
            say(format_args!("pass\t{detail}"));
            Ok(ExitCode::SUCCESS)
        }
        BenchCommand::Update { instances, policy, strategy, workers, times } => {
            let figures =
                update::run(instances, &policy, become_strategy(strategy), workers, times).map_err(failed)?;
            say(format_args!("update\t1\t{}", figures.join("\t")));
            Ok(ExitCode::SUCCESS)
        }
        BenchCommand::One { name, strategy, times, parameter, warm, virtualized, batches } => {
            let work = Work { times, parameter, warm, batches };
            let line = if virtualized {
                virtualized::run(&name, strategy, work).map_err(failed)?
            } else {
                one(&name, strategy, work).map_err(failed)?
            };
            say(line.trim_end());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn finish(outcome: Result<Outcome, Error>, options: &Options) -> Result<ExitCode, Failure> {
    let outcome = outcome.map_err(|error| match error {
        Error::Refused(_) => (REFUSED, error.to_string()),
        _ => failed(error),
    })?;
    say(outcome.table.trim_end());
    let rows = options.out.join(options.experiment.name()).with_extension("csv");
    say(format_args!("Rows: {}", rows.display()));
    match outcome.failures.first() {
        None => Ok(ExitCode::SUCCESS),
        Some(first) => {
            let (count, all) = (outcome.failures.len(), outcome.measured);
            Err((FAILED, format!("{count} of {all} observations failed; the first: {first}")))
        }
    }
}

/// How much of a benchmark is run.
#[derive(Clone, Copy)]
struct Work {
    times: u32,
    parameter: Option<u32>,
    warm: bool,
    batches: u32,
}

/// The line of one benchmark.
fn one(name: &str, strategy: Strategy, work: Work) -> Result<String, String> {
    let Work { times, parameter, warm, .. } = work;
    if let Some(program) = programs::CLASSIC.iter().find(|program| program.name.eq_ignore_ascii_case(name)) {
        let parameter = parameter.unwrap_or(program.parameter);
        let send = format!("BenchmarkRunner report: '{}' times: {times} with: {parameter}", program.name);
        return measured(&mut space(strategy)?, &on_a_stream(&send), warm);
    }
    if let Some(holder) = heal::HOLDERS.iter().find(|holder| holder.eq_ignore_ascii_case(name)) {
        let count = parameter.unwrap_or(1_000_000);
        let send = format!("BecomeBenchmark report: '{holder}' count: {count}");
        return measured(&mut space(strategy)?, &on_a_stream(&send), warm);
    }
    let games = programs::games();
    let game = games.iter().find(|game| game.name.eq_ignore_ascii_case(name));
    game_line(game.ok_or_else(|| format!("there is no benchmark {name}"))?, strategy, work)
}

/// The line of a program of the Benchmarks Game, whose checksum is 1.
fn game_line(game: &programs::Game, strategy: Strategy, work: Work) -> Result<String, String> {
    let mut space = space(strategy)?;
    let mut evaluate = |statements: &str, is_measured: bool| {
        if is_measured { measured(&mut space, statements, work.warm) } else { text(&mut space, statements) }
    };
    let time = time_of_game(game, work, &mut evaluate)?;
    Ok(format!("{}\t1\t{time}", game.name))
}

/// The nanoseconds of a program whose output is right: it is compared for the size for which it is known, either that of the run itself or,
/// if this has another size, that of a run before. `evaluate` gets statements that answer a String, and whether they are what is measured.
fn time_of_game(
    game: &programs::Game,
    work: Work,
    evaluate: &mut dyn FnMut(&str, bool) -> Result<String, String>,
) -> Result<u64, String> {
    let Work { times, parameter, warm, batches } = work;
    let own = format!("(GameRunner programNamed: '{}') defaultN printString", game.name);
    let size = match parameter {
        Some(size) => size,
        None => evaluate(&own, false)?.parse().map_err(|_| format!("{own} is no number"))?,
    };
    let checksum = game.checksum().filter(|_| size == game.size);
    // Where a simulator counts, nothing but what is counted, and the same before.
    if checksum.is_none() && !warm {
        let output = evaluate(&format!("GameRunner run: '{}' n: {}", game.name, game.size), false)?;
        // An image's bytes are characters.
        let bytes: Vec<u8> =
            output.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect();
        game.check(&bytes)?;
    }
    let send = format!("GameRunner report: '{}' times: {times} n: {size}", game.name);
    let mut fastest = u64::MAX;
    for _ in 0..batches {
        let line = evaluate(&on_a_stream(&send), true)?;
        let fields: Vec<&str> = line.trim_end().split('\t').collect();
        let [_, found, time] = fields[..] else { return Err(format!("{send} wrote {line}")) };
        if let Some(checksum) = checksum
            && found != checksum.to_string()
        {
            return Err(format!(
                "the output for {size} is not the known one: its checksum is {found}, not {checksum}"
            ));
        }
        fastest = fastest.min(time.parse().map_err(|_| format!("{send} wrote {line}"))?);
    }
    Ok(fastest)
}

/// The value of statements that answer a String, evaluated once before if they are to be `warm`.
fn measured(space: &mut Space, statements: &str, warm: bool) -> Result<String, String> {
    if warm {
        text(space, statements)?;
    }
    counted(space, statements)
}

/// The function inside of which a simulator counts instructions: not start-up, whose work differs from run to run.
const COUNTED: &str = "instar::bench::counted*";

#[inline(never)]
fn counted(space: &mut Space, statements: &str) -> Result<String, String> {
    std::hint::black_box(text(space, statements))
}

fn on_a_stream(send: &str) -> String {
    format!("| stream | stream := WriteStream on: String new. {send} on: stream. stream contents")
}

fn become_strategy(strategy: Strategy) -> BecomeStrategy {
    match strategy {
        Strategy::AlwaysCheck => BecomeStrategy::AlwaysCheck,
        Strategy::FullScan => BecomeStrategy::FullScan,
        Strategy::Lazy | Strategy::ObjectTable => BecomeStrategy::Lazy,
    }
}

/// A space with the benchmarks loaded.
fn space(strategy: Strategy) -> Result<Space, String> {
    let mut options = SpaceOptions { strategy: become_strategy(strategy), ..SpaceOptions::default() };
    options.gc.heap.limit_bytes = 4 << 30;
    let mut space = Space::new(options).map_err(|error| error.to_string())?;
    load_benchmarks(&mut space)?;
    Ok(space)
}

fn load_benchmarks(space: &mut Space) -> Result<(), String> {
    let files: Vec<_> =
        programs::smalltalk().into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
    let packages = source::read_files(&files).map_err(|errors| errors.to_string())?;
    space.load(&packages).map(drop).map_err(|error| error.to_string())
}

/// The value of statements that answer a String.
#[inline(never)]
fn text(space: &mut Space, statements: &str) -> Result<String, String> {
    let printed = space.evaluate_to_string(statements).map_err(|problem| problem.to_string())?;
    let quoted = printed.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let quoted = quoted.ok_or_else(|| format!("the guest answered no String but {printed}"))?;
    Ok(quoted.replace("''", "'"))
}
