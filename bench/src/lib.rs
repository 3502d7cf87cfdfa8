//! Sweeps, criterion benches, CSV records, plots and reports of Instar.

pub mod csv_table;
pub mod figures;
pub mod limits;
pub mod measure;
pub mod memory;
pub mod point;
pub mod record;
pub mod rng;
pub mod stats;
#[cfg(test)]
mod testing;
