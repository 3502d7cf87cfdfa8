//! Sweeps, criterion benches, CSV records, plots and reports of Instar.

pub mod csv_table;
mod earlier;
pub mod effort;
pub mod experiments;
pub mod figures;
pub mod fixes;
pub mod formula;
pub mod functional;
pub mod gdsu;
pub mod headline;
pub mod lang;
pub mod limits;
pub mod manifest;
pub mod measure;
pub mod memory;
mod observed;
pub mod peers;
pub mod plot;
pub mod point;
pub mod record;
mod replace;
pub mod report;
pub mod reproduce;
pub mod results;
pub mod rng;
pub mod safepoints;
pub mod scale;
pub mod server;
pub mod soak;
pub mod stats;
pub mod sweep;
#[cfg(test)]
mod testing;
mod unpacked;
pub mod webapp;
pub mod workload;
