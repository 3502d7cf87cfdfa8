//! Executable code: the instruction set, what the compiler delivers, and what is run.

pub mod instruction;
pub mod unit;

pub use instruction::{Instruction, Op, Operands};
pub use unit::{Binding, BooleanTest, CodeKind, CodeUnit, Literal, SiteUnit, TemporaryName};
