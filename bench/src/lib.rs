//! Sweeps, criterion benches, CSV records, plots and reports of Instar.
