//! Generational moving collector of the Instar heap: scavenger, mark-compact, safepoints.

pub mod evacuation;
pub mod remembered;
pub mod safepoint;
pub mod termination;
