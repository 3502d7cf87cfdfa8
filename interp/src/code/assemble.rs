//! The assembler: builds a [`CodeUnit`] instruction by instruction, and keeps its heights on the way.
//!
//! The height follows from what is written; whoever emits code lowers it where scratch registers end, and sets it where
//! paths meet. Code that cannot be reached is not emitted: after a return or jump, everything is dropped
//! until a label is bound that something refers to. Limits of the format do not interrupt the work: the first that
//! is met is what [`finish`](Assembler::finish) answers.

use std::collections::HashMap;
use std::ops::Range;

use super::verify::{MAX_ARGUMENTS, MAX_REGISTERS};
use super::{
    Binding, BooleanTest, CodeKind, CodeUnit, CopiedCells, Instruction, Literal, Op, Operands, SiteUnit,
    TemporaryName,
};

/// A limit of the code format that a unit would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Registers: arguments, variables and values that wait for their use.
    #[error(
        "too many variables and intermediate values are alive at once (at most {MAX_REGISTERS}); split the method"
    )]
    Registers,
    /// Arguments.
    #[error("too many arguments (at most {MAX_ARGUMENTS}); pass a collection")]
    Arguments,
    /// Literals.
    #[error("too many different literals, selectors and globals (at most 65536); split the method")]
    Literals,
    /// The distance of a branch.
    #[error("a branch or loop has too much code inside (at most 32767 words); move some of it to a method")]
    Distance,
    /// Words.
    #[error("the method is too long; split it")]
    Words,
    /// Variables of one scope that blocks share.
    #[error("blocks share too many variables of one scope (at most 255); use a collection")]
    Cells,
}

/// A place in code that jumps lead to. Each must be bound once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(u32);

/// What refers to a label that is not bound yet.
#[derive(Clone, Copy, Debug)]
enum Reference {
    /// A jump: where its instruction stands.
    Jump(usize),
    /// The second word of a loop.
    LoopExit(usize),
    /// The join of a test, by number.
    Join(usize),
}

/// Labels count from 0; a bound one has its word.
#[derive(Clone, Copy, Debug)]
struct Target {
    word: Option<usize>,
    is_used: bool,
}

#[derive(Hash, PartialEq, Eq)]
enum Shared<'s> {
    Symbol(&'s str),
    String(&'s str),
    ClassVariable(&'s str),
    Global(&'s str),
    Undeclared(&'s str),
}

/// What a comparison or an arithmetic operation has on its right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// A register.
    Register(u8),
    /// A number in the instruction.
    Number(i8),
}

/// See the module's description. `'s` is the life of the names.
pub struct Assembler<'s> {
    unit: CodeUnit,
    height: usize,
    is_reachable: bool,
    targets: Vec<Target>,
    references: Vec<(Label, Reference)>,
    shared: HashMap<Shared<'s>, u16>,
    limit: Option<Limit>,
}

impl<'s> Assembler<'s> {
    /// A unit without code.
    pub fn new(kind: CodeKind, arguments: usize, copied: usize, temporaries: usize) -> Self {
        let entry = 1 + arguments + copied + temporaries;
        let limit = if arguments > MAX_ARGUMENTS {
            Some(Limit::Arguments)
        } else {
            (entry > MAX_REGISTERS).then_some(Limit::Registers)
        };
        let unit = CodeUnit {
            kind,
            registers: entry.min(MAX_REGISTERS) as u8,
            arguments: arguments.min(MAX_ARGUMENTS) as u8,
            copied: copied.min(MAX_REGISTERS) as u8,
            temporaries: temporaries.min(MAX_REGISTERS) as u8,
            ..CodeUnit::default()
        };
        Assembler {
            unit,
            height: entry.min(MAX_REGISTERS),
            is_reachable: true,
            targets: Vec::new(),
            references: Vec::new(),
            shared: HashMap::new(),
            limit,
        }
    }

    /// The number of live registers; also the number of the first that is free.
    pub fn height(&self) -> u8 {
        self.height as u8
    }

    /// Says how many registers are live from here on.
    pub fn set_height(&mut self, height: u8) {
        self.height = height as usize;
    }

    /// Whether execution can arrive here.
    pub fn is_reachable(&self) -> bool {
        self.is_reachable
    }

    /// The number of the next word.
    pub fn word(&self) -> u32 {
        self.unit.words.len() as u32
    }

    /// The unit as it is now, for what is neither code nor literals.
    pub fn unit(&mut self) -> &mut CodeUnit {
        &mut self.unit
    }

    /// Notes the first limit that is exceeded.
    pub fn exceed(&mut self, limit: Limit) {
        self.limit.get_or_insert(limit);
    }

    /// What comes next belongs to this part of the source.
    pub fn source(&mut self, span: Range<u32>) {
        if !self.is_reachable {
            return;
        }
        let word = self.word();
        match self.unit.source_map.last_mut() {
            Some((last, last_span)) if *last == word => *last_span = span,
            _ => self.unit.source_map.push((word, span)),
        }
    }

    /// A copied value is a cells object.
    pub fn copied_cells(&mut self, register: u8, count: u8) {
        self.unit.cells.push(CopiedCells { register, count });
    }

    /// A variable can be found in `register` from here on; [`end_names`](Self::end_names) ends it.
    pub fn name(&mut self, name: &str, register: u8, cell: Option<u8>) {
        let word = self.word();
        self.unit.names.push(TemporaryName { name: name.to_owned(), register, cell, live: word..u32::MAX });
    }

    /// Variables are gone that were named when there were so many names.
    pub fn end_names(&mut self, start: usize) {
        let word = self.word();
        for name in &mut self.unit.names[start..] {
            name.live.end = name.live.end.min(word);
        }
    }

    // Instructions. Those that write a register raise the height to it.

    /// `op a b c`, for operations of one word without jumps.
    pub fn emit(&mut self, op: Op, a: u8, b: u8, c: u8) {
        self.push(Instruction::abc(op, a, b, c), None);
        self.written(op, a);
    }

    /// `op a bx`, for operations of one word without jumps.
    pub fn emit_wide(&mut self, op: Op, a: u8, bx: u16) {
        self.push(Instruction::abx(op, a, bx), None);
        self.written(op, a);
    }

    /// `op a`, and a second word.
    pub fn emit_long(&mut self, op: Op, a: u8, second: u32) {
        self.push(Instruction::abx(op, a, 0), Some(second));
    }

    /// A send of `selector` to `receiver`, with arguments above `a`; the height falls to the result's.
    pub fn send(&mut self, op: Op, a: u8, receiver: u8, arguments: u8, selector: &'s str) {
        if !self.is_reachable {
            self.height = a as usize;
            return self.raise(a);
        }
        let site = self.site(selector, arguments);
        self.push(Instruction::abc(op, a, receiver, arguments), Some(site));
        self.height = a as usize;
        self.raise(a);
    }

    /// Arithmetic or comparison that may turn into a send of `selector`.
    pub fn binary(&mut self, op: Op, a: u8, left: u8, right: Right, selector: &'s str) {
        if self.is_reachable {
            let site = self.site(selector, 1);
            let right = match right {
                Right::Register(register) => register,
                Right::Number(number) => number as u8,
            };
            self.push(Instruction::abc(op, a, left, right), Some(site));
        }
        self.raise(a);
    }

    /// Ends this path.
    pub fn emit_return(&mut self, op: Op, a: u8) {
        let second = (op == Op::ReturnHome).then_some(0);
        self.push(Instruction::abx(op, a, 0), second);
        self.is_reachable = false;
    }

    // Labels and jumps.

    /// A label that is bound later.
    pub fn label(&mut self) -> Label {
        self.targets.push(Target { word: None, is_used: false });
        Label(self.targets.len() as u32 - 1)
    }

    /// A label for jumps back to here.
    pub fn here(&mut self) -> Label {
        self.targets.push(Target { word: Some(self.unit.words.len()), is_used: false });
        Label(self.targets.len() as u32 - 1)
    }

    /// The label is here. Whoever calls this sets the height.
    pub fn bind(&mut self, label: Label) {
        let target = &mut self.targets[label.0 as usize];
        debug_assert!(target.word.is_none(), "a label is bound once");
        target.word = Some(self.unit.words.len());
        self.is_reachable |= target.is_used;
    }

    /// Jumps forward.
    pub fn jump(&mut self, label: Label) {
        if self.is_reachable {
            self.refer(label, Reference::Jump(self.unit.words.len()));
            self.push(Instruction::sx(Op::Jump, 0), None);
            self.is_reachable = false;
        }
    }

    /// Jumps back to a label made by [`here`](Self::here).
    pub fn jump_back(&mut self, label: Label) {
        if self.is_reachable {
            let distance = self.distance_back(label, 1);
            self.push(Instruction::sx(Op::JumpBack, distance), None);
            self.is_reachable = false;
        }
    }

    /// Branches forward on `a`.
    pub fn branch(&mut self, op: Op, a: u8, label: Label) {
        if self.is_reachable {
            self.refer(label, Reference::Jump(self.unit.words.len()));
            self.push(Instruction::abx(op, a, 0), None);
        }
    }

    /// Describes the Boolean test that the next instruction is.
    pub fn test(&mut self, message: Range<u32>, result: u8, join: Label) {
        if self.is_reachable {
            self.refer(join, Reference::Join(self.unit.tests.len()));
            self.reserve(result);
            let branch = self.word();
            self.unit.tests.push(BooleanTest { branch, message, result, join: 0 });
        }
    }

    /// The end of a counting loop.
    pub fn end_loop(&mut self, counter: u8, body: Label, exit: Label) {
        if self.is_reachable {
            let distance = self.distance_back(body, 2);
            let distance = i16::try_from(distance).unwrap_or_else(|_| {
                self.exceed(Limit::Distance);
                0
            });
            self.refer(exit, Reference::LoopExit(self.unit.words.len()));
            self.push(Instruction::abx(Op::Loop, counter, distance as u16), Some(0));
        }
    }

    fn distance_back(&self, label: Label, words: usize) -> i32 {
        let target = self.targets[label.0 as usize].word.unwrap_or(0);
        target as i32 - (self.unit.words.len() + words) as i32
    }

    fn refer(&mut self, label: Label, reference: Reference) {
        self.targets[label.0 as usize].is_used = true;
        self.references.push((label, reference));
    }

    fn push(&mut self, instruction: Instruction, second: Option<u32>) {
        if !self.is_reachable {
            return;
        }
        if self.unit.words.len() >= (1 << 23) - 2 {
            return self.exceed(Limit::Words);
        }
        self.unit.words.push(instruction.0);
        self.unit.heights.push(self.height as u8);
        if let Some(second) = second {
            self.unit.words.push(second);
            self.unit.heights.push(self.height as u8);
        }
    }

    fn written(&mut self, op: Op, a: u8) {
        let writes_nothing =
            matches!(op.operands(), Operands::ReadCell | Operands::ReadSlot | Operands::ReadLiteral);
        if !writes_nothing {
            self.raise(a);
        }
    }

    fn raise(&mut self, a: u8) {
        self.reserve(a);
        if (a as usize) < MAX_REGISTERS {
            self.height = self.height.max(a as usize + 1);
        }
    }

    fn reserve(&mut self, register: u8) {
        if register as usize >= MAX_REGISTERS {
            return self.exceed(Limit::Registers);
        }
        self.unit.registers = self.unit.registers.max(register + 1);
    }

    // Literals and sites.

    /// The number of the literal, a new one.
    pub fn literal(&mut self, literal: Literal) -> u16 {
        match u16::try_from(self.unit.literals.len()) {
            Ok(number) => {
                self.unit.literals.push(literal);
                number
            }
            Err(_) => {
                self.exceed(Limit::Literals);
                0
            }
        }
    }

    /// The literal that is this symbol.
    pub fn symbol(&mut self, text: &'s str) -> u16 {
        self.share(Shared::Symbol(text), || Literal::Symbol(text.to_owned()))
    }

    /// The literal that is this string.
    pub fn string(&mut self, text: &'s str) -> u16 {
        self.share(Shared::String(text), || Literal::String(text.to_owned()))
    }

    /// The literal that is a class variable's binding.
    pub fn class_variable(&mut self, name: &'s str) -> u16 {
        self.share(Shared::ClassVariable(name), || Literal::Binding(Binding::ClassVariable(name.to_owned())))
    }

    /// The literal that is a global's binding.
    pub fn global(&mut self, name: &'s str) -> u16 {
        self.share(Shared::Global(name), || Literal::Binding(Binding::Global(name.to_owned())))
    }

    /// The literal that is the binding of what nothing defines yet.
    pub fn undeclared(&mut self, name: &'s str) -> u16 {
        self.share(Shared::Undeclared(name), || Literal::Binding(Binding::Undeclared(name.to_owned())))
    }

    fn share(&mut self, key: Shared<'s>, make: impl FnOnce() -> Literal) -> u16 {
        if let Some(number) = self.shared.get(&key) {
            return *number;
        }
        let number = self.literal(make());
        self.shared.insert(key, number);
        number
    }

    fn site(&mut self, selector: &'s str, arguments: u8) -> u32 {
        let selector = self.symbol(selector);
        self.unit.sites.push(SiteUnit { selector, arguments });
        self.unit.sites.len() as u32 - 1
    }

    /// The unit, with all jumps resolved.
    ///
    /// # Panics
    /// If a label that something refers to was not bound: a bug of the caller.
    pub fn finish(mut self) -> Result<CodeUnit, Limit> {
        for (label, reference) in std::mem::take(&mut self.references) {
            let target = self.targets[label.0 as usize].word.expect("a label that is used is bound");
            self.resolve(reference, target);
        }
        let end = self.word();
        for name in &mut self.unit.names {
            name.live.end = name.live.end.min(end);
        }
        self.unit.names.retain(|name| !name.live.is_empty());
        self.unit.source_map.retain(|(word, _)| *word < end);
        self.limit.map_or(Ok(self.unit), Err)
    }

    fn resolve(&mut self, reference: Reference, target: usize) {
        match reference {
            Reference::Join(test) => self.unit.tests[test].join = target as u32,
            Reference::LoopExit(at) => {
                self.unit.words[at + 1] = target.saturating_sub(at + 2) as u32;
            }
            Reference::Jump(at) => {
                let distance = target.saturating_sub(at + 1);
                let word = &mut self.unit.words[at];
                let instruction = Instruction(*word);
                if instruction.op() == Some(Op::Jump) {
                    *word = Instruction::sx(Op::Jump, distance as i32).0;
                } else if distance <= i16::MAX as usize {
                    *word |= (distance as u32) << 16;
                } else {
                    self.exceed(Limit::Distance);
                }
            }
        }
    }
}
