//! What `<primitive: #name>` runs.
//!
//! A *plain* primitive reads its receiver and arguments from the registers of the call, may allocate (its operands stay in
//! their registers, which collections update: read them again afterwards), and answers a value or fails. It must not have changed
//! anything when it fails. A *control* primitive may also push, cut or exchange frames.
//!
//! Each file of this folder is an area and has a `TABLE`; [`find`] looks through all of them.

mod block;
mod class;
mod collection;
mod context;
mod environment;
mod file;
pub(crate) mod file_table;
mod float;
mod float_bits;
mod float_text;
mod hashed;
mod inbox;
mod integer;
mod large_integer;
mod method;
mod mirror;
mod object;
mod process;
mod string;
mod symbol;
mod system;
mod text;
mod time;
mod update;

use instar_heap::{HeapError, Oop};

use crate::objects::{Special, Value};
use crate::vm::Space;

/// The registers of a call: the receiver, then the arguments.
///
/// [call-window] Made by the dispatch loop for one call; the registers hold live values until the primitive ends.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub(crate) window: *mut Oop,
    pub(crate) arguments: usize,
}

/// Why a primitive failed: a Symbol or String, [`Oop::NULL`] for no particular reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Failure(pub Oop);

/// What a primitive answers.
pub type Answer = Result<Oop, Failure>;

/// How a control primitive ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// With this value.
    Answer(Oop),
    /// Frames changed: execution goes on where the top frame says.
    Resume,
}

/// A primitive that leaves the frames alone.
pub type PlainFunction = fn(&mut Space, Call) -> Answer;
/// A primitive that may change frames.
pub type ControlFunction = fn(&mut Space, Call) -> Result<Flow, Failure>;

/// A primitive.
#[derive(Clone, Copy, Debug)]
pub enum Primitive {
    /// Leaves the frames alone.
    Plain(PlainFunction),
    /// May change them.
    Control(ControlFunction),
    /// `value`, `value:`, …: the dispatch loop does it.
    BlockValue,
    /// `at:` and `at:put:` of objects: the loop does the common case, these do the others.
    At(PlainFunction),
    /// See [`At`](Self::At).
    AtPut(PlainFunction),
}

/// One area's primitives by name.
pub type Table = &'static [(&'static str, Primitive)];

const TABLES: &[Table] = &[
    block::TABLE,
    class::TABLE,
    collection::TABLE,
    context::TABLE,
    environment::TABLE,
    file::TABLE,
    float::TABLE,
    inbox::TABLE,
    integer::TABLE,
    large_integer::TABLE,
    method::TABLE,
    mirror::TABLE,
    object::TABLE,
    process::TABLE,
    string::TABLE,
    hashed::TABLE,
    symbol::TABLE,
    system::TABLE,
    time::TABLE,
    update::TABLE,
];

/// The primitive of this name.
pub fn find(name: &str) -> Option<Primitive> {
    let mut all = TABLES.iter().flat_map(|table| table.iter());
    all.find(|(known, _)| *known == name).map(|&(_, primitive)| primitive)
}

/// Names of all primitives, for messages and for the check that the kernel uses each.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().flat_map(|table| table.iter()).map(|&(name, _)| name)
}

impl Call {
    /// Number of arguments.
    pub fn arguments(self) -> usize {
        self.arguments
    }
}

impl Space {
    /// The failure with one of the runtime's reasons.
    pub fn failure(&self, reason: Special) -> Failure {
        Failure(self.special(reason))
    }

    /// What an allocation's error means to a primitive.
    pub fn memory_failure(&self, error: HeapError) -> Failure {
        self.note_shortage(&error);
        self.failure(Special::NoMemory)
    }

    /// The receiver of a call.
    #[inline]
    pub fn receiver(&self, call: Call) -> Value<'_> {
        self.operand(call, 0)
    }

    /// Argument `index`, from 0; nil where the method that names the primitive has fewer arguments.
    #[inline]
    pub fn argument(&self, call: Call, index: usize) -> Value<'_> {
        if index < call.arguments { self.operand(call, index + 1) } else { self.nil_value() }
    }
}
