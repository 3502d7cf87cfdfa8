//! What programs that embed Smalltalk use: running files, sessions, test runs, checks. The command line is glue around it.
//!
//! | file | idea |
//! |---|---|
//! | `parts.rs` | files and folders → packages and scripts, in order |
//! | `session.rs` | a space and variables that outlive a line |
//! | `input.rs` | the standard input, without a standstill while it is waited for |
//! | `complete.rs` | what a half-typed name may become |
//! | `suite.rs` | running SUnit tests one by one, whatever they do |
//! | `junit.rs` | their results as JUnit's XML |
//! | `listing.rs` | the code of a method as text |

mod complete;
pub(crate) mod input;
mod junit;
mod listing;
mod parts;
mod session;
mod suite;

pub use complete::Completions;
pub use junit::write_junit;
pub use parts::{Part, read_parts};
pub use session::Session;
pub use suite::{Kind, Outcome, Suite, Test};
