//! The collector of the Instar heap: generational, moving in both generations, with several mutators and workers.
//!
//! Start at [`World`]; [`Scope`] is the safe interface, [`Mutator`] and [`Pause`] are what runtimes build on.
//!
//! The heap's limit is met with an error. The collector's own tables (mark stacks, queues, the list of remembered objects)
//! are ordinary allocations outside the heap: a process without memory for them ends.

mod attached;
pub mod attention;
pub mod bulk;
mod collect;
mod compact;
pub mod config;
pub mod copy_locks;
mod ephemerons;
pub mod evacuation;
pub mod mutator;
pub mod pause;
mod refusal;
pub mod remembered;
pub mod roots;
pub mod safepoint;
mod scavenge;
pub mod scope;
pub mod stats;
pub mod termination;
pub mod workers;
pub mod world;

pub use config::GcConfig;
pub use mutator::Mutator;
pub use pause::Pause;
pub use roots::RootSet;
pub use scope::{AccessError, Ref, Scope};
pub use stats::{Collection, GcStats, PauseRecord, RECENT_PAUSES};
pub use workers::Workers;
pub use world::World;
