//! Generational moving collector of the Instar heap: scavenger, mark-compact, safepoints.
