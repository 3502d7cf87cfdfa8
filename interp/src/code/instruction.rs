//! The instruction set: one table from which operation codes, decoding, verifier and disassembler are made.
//!
//! An instruction is a 32-bit word, `op:8 a:8 b:8 c:8` from the low end; `bx` is `b` and `c` as one 16-bit number, `sx` all three
//! as one signed 24-bit number. Operations that may end up in a send have a second word. `a`, `b` and `c` name registers unless said
//! otherwise; the table's pattern says how each is used.

/// How an instruction uses its operands. What is read must lie below the height, see `docs/interpreter.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operands {
    /// No operands.
    None,
    /// Writes `a`.
    Write,
    /// Writes `a`; `bx` numbers a literal.
    WriteLiteral,
    /// Writes `a`; `bx` is a signed number.
    WriteNumber,
    /// Writes `a`; reads `b`.
    Move,
    /// Writes `a`; `bx` numbers a named slot of `r0`.
    WriteSlot,
    /// Reads `a`; the second word numbers a named slot of `r0`.
    ReadSlot,
    /// Writes `a`; reads the cells object in `b`; `c` is a number.
    WriteCell,
    /// Reads `a` and the cells object in `b`; `c` is a number.
    ReadCell,
    /// Reads `a`; the second word numbers a literal.
    ReadLiteral,
    /// Writes `a`; `b` is a number.
    WriteCount,
    /// Reads as many registers from `a` on as `b` says; writes `a`.
    Gather,
    /// Reads as many registers from `a` on as the block in literal `bx` copies; writes `a`.
    Closure,
    /// Reads `a`.
    Read,
    /// `sx` is the distance from the next instruction.
    Jump,
    /// Reads `a`; `bx` is the signed distance from the next instruction.
    Branch,
    /// Reads `b` as receiver and `c` arguments from `a + 1` on; writes `a`. The second word numbers a cache.
    Send,
    /// Reads `b` and `c`; writes `a`. The second word numbers a cache.
    Binary,
    /// Reads `b`; `c` is a signed number; writes `a`. The second word numbers a cache.
    BinaryNumber,
    /// As `Binary`, and the next instruction is a branch on `a`.
    BinaryBranch,
    /// As `BinaryNumber`, and the next instruction is a branch on `a`.
    BinaryNumberBranch,
    /// Reads `b` and `c`; writes `a`. One word.
    Compare,
    /// As `Compare`, and the next instruction is a branch on `a`.
    CompareBranch,
    /// Reads and writes `a`, reads `a + 1`; `bx` and the second word are signed distances from the next instruction.
    Loop,
}

macro_rules! instructions {
    ($($(#[doc = $doc:literal])+ $name:ident $words:literal $operands:ident;)+) => {
        /// An operation code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Op {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Op {
            /// All operations, in the order of their codes.
            pub const ALL: &'static [Op] = &[$(Op::$name,)+];

            /// Length in words.
            pub const fn words(self) -> usize {
                match self { $(Op::$name => $words,)+ }
            }

            /// How the operands are used.
            pub const fn operands(self) -> Operands {
                match self { $(Op::$name => Operands::$operands,)+ }
            }

            /// The name that the disassembler prints.
            pub const fn name(self) -> &'static str {
                match self { $(Op::$name => stringify!($name),)+ }
            }
        }
    };
}

instructions! {
    /// `a := b`.
    Move 1 Move;
    /// `a :=` literal `bx`.
    LoadLiteral 1 WriteLiteral;
    /// `a :=` the SmallInteger `bx`, signed.
    LoadInteger 1 WriteNumber;
    /// `a := nil`.
    LoadNil 1 Write;
    /// `a := true`.
    LoadTrue 1 Write;
    /// `a := false`.
    LoadFalse 1 Write;
    /// `a :=` named slot `bx` of `r0`.
    LoadSlot 1 WriteSlot;
    /// Named slot of `r0 := a`; `#attemptToAssign:withIndex:` if `r0` is immutable.
    StoreSlot 2 ReadSlot;
    /// `a :=` element `c` of the cells object in `b`.
    LoadCell 1 WriteCell;
    /// Element `c` of the cells object in `b := a`.
    StoreCell 1 ReadCell;
    /// `a :=` the value of the binding in literal `bx`.
    LoadGlobal 1 WriteLiteral;
    /// The value of the binding in a literal `:= a`; `#attemptToAssign:withIndex:` if it is immutable.
    StoreGlobal 2 ReadLiteral;
    /// `a :=` a new cells object with `b` elements that are nil.
    NewCells 1 WriteCount;
    /// `a :=` a closure of the block in literal `bx`, which copies the registers from `a` on.
    MakeClosure 1 Closure;
    /// `a :=` an Array of `b` registers from `a` on.
    MakeArray 1 Gather;
    /// `a :=` the context of this frame.
    ThisContext 1 Write;
    /// Jumps forward.
    Jump 1 Jump;
    /// Jumps backward; a safepoint.
    JumpBack 1 Jump;
    /// Jumps if `a` is true; what happens if it is no Boolean is `vm/non_boolean.rs`.
    JumpTrue 1 Branch;
    /// Jumps if `a` is false.
    JumpFalse 1 Branch;
    /// Jumps if `a` is nil.
    JumpNil 1 Branch;
    /// Jumps unless `a` is nil.
    JumpNotNil 1 Branch;
    /// Returns `a` to the caller of this frame.
    Return 1 Read;
    /// Returns `r0`.
    ReturnSelf 1 None;
    /// Returns `a` from the block's home method; `#cannotReturn:` if that has returned already.
    ReturnHome 2 Read;
    /// Sends the cache's selector to `b`, with `c` arguments from `a + 1` on.
    Send 2 Send;
    /// As `Send`, with the lookup beginning above the class that holds the method.
    SendSuper 2 Send;
    /// `a := b + c`.
    Add 2 Binary;
    /// `a := b - c`.
    Subtract 2 Binary;
    /// `a := b * c`.
    Multiply 2 Binary;
    /// `a := b // c`.
    Quotient 2 Binary;
    /// `a := b \\ c`.
    Modulo 2 Binary;
    /// `a := b bitAnd: c`.
    BitAnd 2 Binary;
    /// `a := b bitOr: c`.
    BitOr 2 Binary;
    /// `a := b bitShift: c`.
    BitShift 2 Binary;
    /// `a := b + c`, a number.
    AddNumber 2 BinaryNumber;
    /// `a := b - c`, a number.
    SubtractNumber 2 BinaryNumber;
    /// `a := b bitAnd: c`, a number.
    BitAndNumber 2 BinaryNumber;
    /// `a := b bitShift: c`, a number.
    BitShiftNumber 2 BinaryNumber;
    /// `a := b < c`.
    Less 2 Binary;
    /// `a := b <= c`.
    LessEqual 2 Binary;
    /// `a := b > c`.
    Greater 2 Binary;
    /// `a := b >= c`.
    GreaterEqual 2 Binary;
    /// `a := b = c`.
    Equal 2 Binary;
    /// `a := b ~= c`.
    NotEqual 2 Binary;
    /// `a := b < c`, and a branch on it.
    LessBranch 2 BinaryBranch;
    /// `a := b <= c`, and a branch on it.
    LessEqualBranch 2 BinaryBranch;
    /// `a := b > c`, and a branch on it.
    GreaterBranch 2 BinaryBranch;
    /// `a := b >= c`, and a branch on it.
    GreaterEqualBranch 2 BinaryBranch;
    /// `a := b = c`, and a branch on it.
    EqualBranch 2 BinaryBranch;
    /// `a := b ~= c`, and a branch on it.
    NotEqualBranch 2 BinaryBranch;
    /// `a := b < c`, a number, and a branch on it.
    LessNumberBranch 2 BinaryNumberBranch;
    /// `a := b <= c`, a number, and a branch on it.
    LessEqualNumberBranch 2 BinaryNumberBranch;
    /// `a := b > c`, a number, and a branch on it.
    GreaterNumberBranch 2 BinaryNumberBranch;
    /// `a := b >= c`, a number, and a branch on it.
    GreaterEqualNumberBranch 2 BinaryNumberBranch;
    /// `a := b = c`, a number, and a branch on it.
    EqualNumberBranch 2 BinaryNumberBranch;
    /// `a := b == c`; never a send.
    Identical 1 Compare;
    /// `a := b ~~ c`; never a send.
    NotIdentical 1 Compare;
    /// `a := b == c`, and a branch on it.
    IdenticalBranch 1 CompareBranch;
    /// `a := b ~~ c`, and a branch on it.
    NotIdenticalBranch 1 CompareBranch;
    /// `a := b at: c`.
    At 2 Binary;
    /// The end of `to:do:`: counter `a`, limit `a + 1`. Small integers: counts up and jumps by `bx` to the body, or by the second word to the exit.
    /// Others: goes on with the next instruction.
    Loop 2 Loop;
    /// Leaves a frame that the runtime put there itself and goes on where its caller's `pc` says. No guest code contains it.
    Resume 1 Read;
    /// As `LoadSlot`, nil if there is no such slot. Only in code that the runtime derived.
    LoadSlotChecked 1 WriteSlot;
    /// As `StoreSlot`, `#attemptToAssign:withIndex:` if there is no such slot. Only in code that the runtime derived.
    StoreSlotChecked 2 ReadSlot;
}

/// An instruction word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Instruction(pub u32);

impl Instruction {
    /// `op a b c`.
    pub const fn abc(op: Op, a: u8, b: u8, c: u8) -> Instruction {
        Instruction(op as u32 | (a as u32) << 8 | (b as u32) << 16 | (c as u32) << 24)
    }

    /// `op a bx`.
    pub const fn abx(op: Op, a: u8, bx: u16) -> Instruction {
        Instruction(op as u32 | (a as u32) << 8 | (bx as u32) << 16)
    }

    /// `op sx`; the lower 24 bits of `sx` count.
    pub const fn sx(op: Op, sx: i32) -> Instruction {
        Instruction(op as u32 | (sx as u32) << 8)
    }

    /// The operation, `None` for a code that is not in the table.
    pub fn op(self) -> Option<Op> {
        Op::ALL.get((self.0 & 0xFF) as usize).copied()
    }

    /// Operand `a`.
    #[inline(always)]
    pub const fn a(self) -> usize {
        (self.0 >> 8 & 0xFF) as usize
    }

    /// Operand `b`.
    #[inline(always)]
    pub const fn b(self) -> usize {
        (self.0 >> 16 & 0xFF) as usize
    }

    /// Operand `c`.
    #[inline(always)]
    pub const fn c(self) -> usize {
        (self.0 >> 24) as usize
    }

    /// Operand `c`, signed.
    #[inline(always)]
    pub const fn signed_c(self) -> i64 {
        (self.0 as i32 >> 24) as i64
    }

    /// Operand `bx`.
    #[inline(always)]
    pub const fn bx(self) -> usize {
        (self.0 >> 16) as usize
    }

    /// Operand `bx`, signed.
    #[inline(always)]
    pub const fn signed_bx(self) -> isize {
        (self.0 as i32 >> 16) as isize
    }

    /// Operand `sx`.
    #[inline(always)]
    pub const fn signed_x(self) -> isize {
        (self.0 as i32 >> 8) as isize
    }
}
