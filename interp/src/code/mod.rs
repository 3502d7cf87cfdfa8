//! Executable code: the instruction set, what the compiler delivers, and what is run.

pub mod executable;
pub mod instruction;
pub mod unit;

pub use executable::{Action, Code, CodeTable, Entry, Shortcut, Site};
pub use instruction::{Instruction, Op, Operands};
pub use unit::{Binding, BooleanTest, CodeKind, CodeUnit, Literal, SiteUnit, TemporaryName};
