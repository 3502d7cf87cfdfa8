//! The commands that run Smalltalk.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use instar_interp::bootstrap::Problem;
use instar_interp::source;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

/// What every command that makes a space takes.
#[derive(Args)]
pub struct SpaceArguments {
    /// How become works, and what is checked for it
    #[arg(long = "become", value_enum, default_value_t = Become::Lazy, value_name = "STRATEGY")]
    strategy: Become,
    /// Most memory for objects, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    heap: usize,
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

impl SpaceArguments {
    fn space(&self, packages: &[PathBuf]) -> Result<Space, String> {
        let mut options = SpaceOptions {
            strategy: match self.strategy {
                Become::Lazy => BecomeStrategy::Lazy,
                Become::AlwaysCheck => BecomeStrategy::AlwaysCheck,
                Become::FullScan => BecomeStrategy::FullScan,
            },
            ..SpaceOptions::default()
        };
        options.gc.heap.limit_bytes = self.heap << 20;
        let mut space = match &self.kernel {
            None => Space::new(options),
            Some(folder) => {
                let packages = source::read(folder).map_err(|errors| errors.to_string())?;
                Space::with_kernel(options, &packages)
            }
        }
        .map_err(|error| error.to_string())?;
        for path in self.load.iter().chain(packages) {
            let packages = source::read(path).map_err(|errors| errors.to_string())?;
            space.load(&packages).map_err(|error| error.to_string())?;
        }
        Ok(space)
    }
}

/// Evaluates expressions and prints the value of each.
pub fn eval(arguments: &SpaceArguments, expressions: &[String]) -> Result<ExitCode, (u8, String)> {
    let mut space = arguments.space(&[]).map_err(|text| (1, text))?;
    for expression in expressions {
        match space.evaluate_to_string(expression) {
            Ok(text) => println!("{text}"),
            Err(Problem::Quit(status)) => return Ok(ExitCode::from(status as u8)),
            Err(problem) => return Err((1, problem.to_string())),
        }
    }
    Ok(ExitCode::SUCCESS)
}
