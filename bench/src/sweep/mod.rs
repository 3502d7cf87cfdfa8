//! Experiment E1: the grid of becomes, its limits of memory, its driver that can be stopped and resumed.

mod budget;
mod child;
mod driver;
mod options;
mod plan;
mod progress;
mod resume;

pub use budget::{Refusal, check as check_memory};
pub use child::{ChildMeasure, answer};
pub use driver::{Error, Files, Summary, run};
pub use options::{MAX_INSTANCES, MAX_RUNS, MAX_WORKERS, Options, Size, parse_count, parse_strategies};
pub use plan::{cost, runs_of, trials};
pub use progress::Progress;
