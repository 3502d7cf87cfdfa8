//! Model checks of Instar's concurrent protocols.
//!
//! The checks are in `tests/`, one file a protocol. They call the functions that production calls, over loom's atomics
//! instead of std's, and loom runs every interleaving and every outcome of the orderings, up to the bound on
//! preemptions that a check states. Everything here is compiled only with the cfg:
//!
//! ```text
//! RUSTFLAGS="--cfg instar_loom" cargo test -p instar-loom-tests --release
//! ```
//!
//! Each file also breaks its protocol on purpose, by weaker orderings (`Weakened`), by read-modify-writes that are
//! not atomic (`Torn`), or by a participant that does not keep the rules, and expects the check to fail.

#[cfg(instar_loom)]
mod model;
#[cfg(instar_loom)]
pub use model::{Arena, Plain, Torn, Weakened, attach_all, explore};
