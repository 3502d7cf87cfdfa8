//! What the compiler makes of a method, before it is an object: code with literals described as values.

use std::ops::Range;

/// A method or block as compiled, free of references into any heap. The verifier takes it to a
/// [`Code`](super::Code), installing gives it its literals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CodeUnit {
    /// Instruction words.
    pub words: Vec<u32>,
    /// For each instruction word, how many registers are live before it; see \[heights\] in `docs/interpreter.md`. The
    /// second word of an instruction has the same as the first.
    pub heights: Vec<u8>,
    /// What the sends look up, by cache number.
    pub sites: Vec<SiteUnit>,
    /// Literals, by number.
    pub literals: Vec<Literal>,
    /// Registers that a frame needs.
    pub registers: u8,
    /// Arguments, without the receiver.
    pub arguments: u8,
    /// Values that a block copies from where it is made; they follow the arguments.
    pub copied: u8,
    /// Temporaries that follow, set to nil when the frame is entered. Others come to life above them, see
    /// [`TemporaryName::live`].
    pub temporaries: u8,
    /// The copied values that are cells objects.
    pub cells: Vec<CopiedCells>,
    /// What is special about the frames of this code.
    pub kind: CodeKind,
    /// A block with `^`, or one that makes such a block: its closures name their home.
    pub needs_home: bool,
    /// The primitive's name.
    pub primitive: Option<String>,
    /// The temporary that gets the reason of the primitive's failure: its register.
    pub primitive_error: Option<u8>,
    /// From instruction (its word number) to the span in the method's source, ascending.
    pub source_map: Vec<(u32, Range<u32>)>,
    /// Names of arguments, copied values and temporaries, for debuggers: register and name. Of a temporary that lives in a cells
    /// object: the register of that, and the cell.
    pub names: Vec<TemporaryName>,
    /// Where inlined control flow tests for a Boolean.
    pub tests: Vec<BooleanTest>,
}

/// A temporary's name and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemporaryName {
    /// As in the source.
    pub name: String,
    /// The register.
    pub register: u8,
    /// The element, if the register holds a cells object.
    pub cell: Option<u8>,
    /// The words before whose execution the register holds it.
    pub live: Range<u32>,
}

/// A copied value that is a cells object: how blocks share variables that change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedCells {
    /// The register.
    pub register: u8,
    /// The number of its elements.
    pub count: u8,
}

/// A branch of inlined control flow: where the message stands in the source that is to be sent if the value is no Boolean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BooleanTest {
    /// The branch instruction's word number.
    pub branch: u32,
    /// The whole message, receiver included, in the method's source.
    pub message: Range<u32>,
    /// The register that the message's result is expected in.
    pub result: u8,
    /// The word number at which execution goes on with the result.
    pub join: u32,
}

/// What is special about frames of a method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodeKind {
    /// Nothing.
    #[default]
    Method,
    /// A block's code.
    Block,
    /// `<unwind>`: an `ensure:` or `ifCurtailed:`, to be run when its frame is cut off.
    Unwind,
    /// `<handler>`: an `on:do:`, to be found by `signal`.
    Handler,
}

/// What a send looks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteUnit {
    /// The literal that holds the selector, a symbol.
    pub selector: u16,
    /// Number of arguments.
    pub arguments: u8,
}

/// A literal, described.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// nil.
    Nil,
    /// true or false.
    Boolean(bool),
    /// An integer that fits a word.
    Integer(i64),
    /// An integer that does not: sign, and magnitude in little-endian bytes.
    LargeInteger {
        /// Whether it is below zero.
        negative: bool,
        /// Little-endian, without leading zeros.
        magnitude: Vec<u8>,
    },
    /// A double.
    Float(f64),
    /// What `1e-3` is: a reduced fraction.
    Fraction {
        /// An `Integer` or `LargeInteger`.
        numerator: Box<Literal>,
        /// An `Integer` or `LargeInteger`, above 1.
        denominator: Box<Literal>,
    },
    /// `3.14s2`: the value as a reduced fraction, and the scale.
    ScaledDecimal {
        /// An `Integer` or `LargeInteger`.
        numerator: Box<Literal>,
        /// An `Integer` or `LargeInteger`, at least 1.
        denominator: Box<Literal>,
        /// Digits after the point.
        scale: u32,
    },
    /// A character.
    Character(char),
    /// A string.
    String(String),
    /// A symbol.
    Symbol(String),
    /// `#(…)`.
    Array(Vec<Literal>),
    /// `#[…]`.
    Bytes(Vec<u8>),
    /// The binding (an Association) of a variable outside the method.
    Binding(Binding),
    /// A block inside this method.
    Block(Box<CodeUnit>),
}

/// A variable outside methods, by how it is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    /// A class variable (or one of a shared pool) of this name that is visible in the class being compiled for.
    ClassVariable(String),
    /// A global.
    Global(String),
    /// A name that nothing defines yet: bound in `Undeclared` until something does.
    Undeclared(String),
}
