//! Why the verifier rejects a unit.

/// Why a unit is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}word {word}: {reason}", place(.blocks))]
pub struct Rejection {
    /// The literals that lead to the block in question, from the method inwards.
    pub blocks: Vec<u16>,
    /// The instruction's word number; 0 if it is the whole unit.
    pub word: u32,
    /// What is wrong.
    pub reason: Reason,
}

fn place(blocks: &[u16]) -> String {
    blocks.iter().map(|literal| format!("block in literal {literal}, ")).collect()
}

/// What can be wrong with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Reason {
    #[error("there is no code")]
    Empty,
    #[error("the unit is larger than can be addressed")]
    TooLarge,
    #[error("not every word has a height")]
    HeightsMissing,
    #[error("the height on entry is not that of arguments, copied values and temporaries")]
    EntryHeight,
    #[error("the height lies outside of the frame")]
    HeightRange,
    #[error("the two words of an instruction have different heights")]
    HeightInside,
    #[error("a register is read that is not live")]
    Dead,
    #[error("a register is written that is not the next one")]
    Gap,
    #[error("r0 is written")]
    Receiver,
    #[error("more registers are claimed live after this than are")]
    Height,
    #[error("more registers than a frame may have")]
    Registers,
    #[error("more arguments than code may have")]
    Arguments,
    #[error("no such operation")]
    Operation,
    #[error("the second word is missing")]
    Truncated,
    #[error("an unused operand is not 0")]
    Unused,
    #[error("a jump leads to no instruction")]
    Target,
    #[error("a jump leads in the wrong direction")]
    Direction,
    #[error("execution runs off the end")]
    OffTheEnd,
    #[error("a comparison with branch is not followed by the branch")]
    Branch,
    #[error("no such literal")]
    LiteralNumber,
    #[error("the literal is of the wrong kind")]
    LiteralKind,
    #[error("no such cache")]
    SiteNumber,
    #[error("a selector takes another number of arguments")]
    Arity,
    #[error("an element is read of what is not known to be a cells object that has it")]
    NotCells,
    #[error("a cells object is read as a value, or its life is unclear")]
    Cells,
    #[error("a jump back leads to where a register held a cells object that it need not hold now")]
    CellsLost,
    #[error("the kind of code does not fit")]
    Kind,
    #[error("the home mark does not fit")]
    Home,
    #[error("the primitive's error register is no temporary")]
    PrimitiveError,
    #[error("a test's description does not fit its branch")]
    Test,
    #[error("names or source map do not fit the code")]
    DebugInformation,
    #[error("nested too deeply")]
    Nesting,
}
