//! Executable code: the instruction set, what the compiler delivers, and what is run.

pub mod assemble;
pub mod disassemble;
pub mod executable;
pub mod instruction;
pub mod table;
pub mod unit;
pub mod verify;

pub use assemble::{Assembler, Label, Limit};
pub use disassemble::disassemble;
pub use executable::{Action, Code, Constant, Entry, Shortcut, Site};
pub use instruction::{Instruction, Op, Operands};
pub use table::CodeTable;
pub(crate) use table::CodeTableImage;
pub use unit::{Binding, BooleanTest, CodeKind, CodeUnit, CopiedCells, Literal, SiteUnit, TemporaryName};
pub use verify::{Facts, Reason, Rejection, arity, verify};
