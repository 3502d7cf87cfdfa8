//! The verifier: says of a [`CodeUnit`] that the dispatch loop can run it without looking. [verified]
//!
//! The unit claims for each instruction how many registers are live before it; the verifier checks the claims edge by
//! edge, which proves them by induction over execution. [heights] One pass finds the instructions, a second
//! checks them; both are linear in the unit's size.
//!
//! Cells objects are the one thing besides that must be known of a register's content: `LoadCell` reads an element without a check.
//! [cells] Which registers hold them is inferred in the order of the code: a register does from the instruction that puts a
//! cells object there, until it is written again or the height falls to it. An inference reaches an instruction
//! only if it holds for every jump to it: a jump from before the object's birth ends it, and a jump back over
//! its end is rejected. No other instruction may read such a register, so that guest code never sees a cells object.

use super::rejection::{Reason, Rejection};
use super::{CodeKind, CodeUnit, CopiedCells, Instruction, Literal, Op, Operands};

/// Registers that a frame may have: a send needs some above them, and all must have numbers of 8 bits.
pub const MAX_REGISTERS: usize = 250 - OUTGOING;

/// Registers above the height that operations need that turn into sends: receiver, two arguments, result.
pub const OUTGOING: usize = 4;

/// Arguments that a method or block may have.
pub const MAX_ARGUMENTS: usize = 127;

/// How deep blocks may be nested.
pub const MAX_NESTING: usize = 200;

/// How deep literal arrays may be nested.
pub const MAX_LITERAL_NESTING: usize = 2000;

/// What installing a verified unit has to check once, because it depends on the class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Named slots that the receiver must have at least; blocks inside are counted in.
    pub named_slots: usize,
}

/// Accepts or rejects the unit of a method.
///
/// Linear in the size of the unit. Never panics, whatever the unit holds.
pub fn verify(unit: &CodeUnit) -> Result<Facts, Rejection> {
    if unit.kind == CodeKind::Block {
        return Err(Rejection { blocks: Vec::new(), word: 0, reason: Reason::Kind });
    }
    verify_unit(unit, 0)
}

fn verify_unit(unit: &CodeUnit, depth: usize) -> Result<Facts, Rejection> {
    let reject = |word: usize, reason| Rejection { blocks: Vec::new(), word: word as u32, reason };
    if depth > MAX_NESTING {
        return Err(reject(0, Reason::Nesting));
    }
    check_frame(unit).map_err(|reason| reject(0, reason))?;
    let mut facts = Facts::default();
    let mut makes_home = false;
    for (number, literal) in unit.literals.iter().enumerate() {
        match literal {
            Literal::Block(block) => {
                let inner = Some(&**block).filter(|block| block.kind == CodeKind::Block);
                let inner = inner.ok_or_else(|| reject(0, Reason::Kind))?;
                let inner_facts = verify_unit(inner, depth + 1).map_err(|mut rejection| {
                    rejection.blocks.insert(0, number as u16);
                    rejection
                })?;
                facts.named_slots = facts.named_slots.max(inner_facts.named_slots);
                makes_home |= inner.needs_home;
            }
            other => check_literal(other, 0).map_err(|reason| reject(0, reason))?,
        }
    }
    check_sites(unit).map_err(|reason| reject(0, reason))?;
    let mut verifier = Verifier::new(unit);
    verifier.find_instructions().map_err(|(word, reason)| reject(word, reason))?;
    verifier.check_tests().map_err(|(word, reason)| reject(word, reason))?;
    verifier.check_instructions().map_err(|(word, reason)| reject(word, reason))?;
    verifier.check_debug_information().map_err(|(word, reason)| reject(word, reason))?;
    // A block that is in the literals without being made counts as made: it is no compiler's work, and it does no harm.
    if unit.needs_home != (makes_home || verifier.returns_home) {
        return Err(reject(0, Reason::Home));
    }
    facts.named_slots = facts.named_slots.max(verifier.named_slots);
    Ok(facts)
}

/// What can be said before looking at an instruction.
fn check_frame(unit: &CodeUnit) -> Result<(), Reason> {
    let entry = entry_height(unit);
    let is_block = unit.kind == CodeKind::Block;
    let copied_start = 1 + unit.arguments as usize;
    let is_copied =
        |register: u8| (copied_start..copied_start + unit.copied as usize).contains(&(register as usize));
    let is_temporary =
        |register: u8| (entry - unit.temporaries as usize..entry).contains(&(register as usize));
    if unit.words.is_empty() {
        return Err(Reason::Empty);
    }
    if unit.words.len() >= 1 << 24 || unit.literals.len() > 1 << 16 || unit.sites.len() > u32::MAX as usize {
        return Err(Reason::TooLarge);
    }
    if unit.heights.len() != unit.words.len() {
        return Err(Reason::HeightsMissing);
    }
    if unit.arguments as usize > MAX_ARGUMENTS {
        return Err(Reason::Arguments);
    }
    if unit.registers as usize > MAX_REGISTERS || entry > unit.registers as usize {
        return Err(Reason::Registers);
    }
    if unit.heights[0] as usize != entry {
        return Err(Reason::EntryHeight);
    }
    if !is_block && unit.copied != 0 || is_block && unit.primitive.is_some() {
        return Err(Reason::Kind);
    }
    if let Some(register) = unit.primitive_error
        && !(unit.primitive.is_some() && is_temporary(register))
    {
        return Err(Reason::PrimitiveError);
    }
    let is_ascending = unit.cells.windows(2).all(|pair| pair[0].register < pair[1].register);
    if !is_ascending || unit.cells.iter().any(|cells| cells.count == 0 || !is_copied(cells.register)) {
        return Err(Reason::Cells);
    }
    Ok(())
}

fn entry_height(unit: &CodeUnit) -> usize {
    1 + unit.arguments as usize + unit.copied as usize + unit.temporaries as usize
}

fn check_literal(literal: &Literal, depth: usize) -> Result<(), Reason> {
    let is_integer =
        |literal: &Literal| matches!(literal, Literal::Integer(_) | Literal::LargeInteger { .. });
    match literal {
        _ if depth > MAX_LITERAL_NESTING => Err(Reason::Nesting),
        Literal::Array(elements) => elements.iter().try_for_each(|element| check_literal(element, depth + 1)),
        Literal::Block(_) => Err(Reason::LiteralKind),
        Literal::Binding(_) if depth > 0 => Err(Reason::LiteralKind),
        Literal::Fraction { numerator, denominator }
        | Literal::ScaledDecimal { numerator, denominator, .. }
            if !is_integer(numerator) || !is_integer(denominator) || **denominator == Literal::Integer(0) =>
        {
            Err(Reason::LiteralKind)
        }
        _ => Ok(()),
    }
}

fn check_sites(unit: &CodeUnit) -> Result<(), Reason> {
    for site in &unit.sites {
        match unit.literals.get(site.selector as usize) {
            Some(Literal::Symbol(selector)) if arity(selector) == Some(site.arguments as usize) => {}
            Some(Literal::Symbol(_)) => return Err(Reason::Arity),
            Some(_) => return Err(Reason::LiteralKind),
            None => return Err(Reason::LiteralNumber),
        }
    }
    Ok(())
}

/// How many arguments a selector takes; `None` if it is empty.
pub fn arity(selector: &str) -> Option<usize> {
    let first = selector.chars().next()?;
    let is_word = first.is_alphabetic() || first == '_';
    Some(if is_word { selector.bytes().filter(|byte| *byte == b':').count() } else { 1 })
}

/// A register that holds a cells object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cells {
    register: usize,
    count: usize,
    /// The word whose instruction put it there, plus 1; 0 if it was there on entry.
    birth: usize,
}

/// What is known of a word: 0 if no instruction starts there; else the least word, plus 1, from which a jump leads
/// forward to it, or `NO_JUMP`.
type Mark = u32;

const NO_INSTRUCTION: Mark = 0;
const NO_JUMP: Mark = u32::MAX;

type Checked = Result<(), (usize, Reason)>;

struct Verifier<'u> {
    unit: &'u CodeUnit,
    entry: usize,
    marks: Vec<Mark>,
    /// Words that jumps back lead to.
    heads: Vec<usize>,
    /// Live at the instruction under consideration.
    cells: Vec<Cells>,
    /// What was live at the heads passed, ascending. Heads without cells are left out.
    at_heads: Vec<(usize, Vec<Cells>)>,
    named_slots: usize,
    returns_home: bool,
}

impl<'u> Verifier<'u> {
    fn new(unit: &'u CodeUnit) -> Self {
        let copied_cells = |cells: &CopiedCells| Cells {
            register: cells.register as usize,
            count: cells.count as usize,
            birth: 0,
        };
        Verifier {
            unit,
            entry: entry_height(unit),
            marks: vec![NO_INSTRUCTION; unit.words.len()],
            heads: Vec::new(),
            cells: unit.cells.iter().map(copied_cells).collect(),
            at_heads: Vec::new(),
            named_slots: 0,
            returns_home: false,
        }
    }

    /// Marks where instructions start, and checks what concerns each alone.
    fn find_instructions(&mut self) -> Checked {
        let unit = self.unit;
        let mut word = 0;
        while word < unit.words.len() {
            let instruction = Instruction(unit.words[word]);
            let op = instruction.op().filter(|op| *op != Op::Resume).ok_or((word, Reason::Operation))?;
            let next = word + op.words();
            let height = unit.heights[word] as usize;
            if next > unit.words.len() {
                return Err((word, Reason::Truncated));
            }
            if height < self.entry || height > unit.registers as usize {
                return Err((word, Reason::HeightRange));
            }
            if next - word == 2 && unit.heights[word + 1] as usize != height {
                return Err((word, Reason::HeightInside));
            }
            let back = match op {
                Op::JumpBack => Some(instruction.signed_x()),
                Op::Loop => Some(instruction.signed_bx()),
                _ => None,
            };
            if let Some(distance) = back {
                let head = next.checked_add_signed(distance).filter(|head| *head <= word);
                self.heads.push(head.ok_or((word, Reason::Direction))?);
            }
            self.marks[word] = NO_JUMP;
            word = next;
        }
        self.heads.sort_unstable();
        Ok(())
    }

    /// A test's message may be sent at its branch; execution then goes on at the join.
    fn check_tests(&mut self) -> Checked {
        let mut previous = None;
        for test in &self.unit.tests {
            let (branch, join, result) = (test.branch as usize, test.join as usize, test.result as usize);
            let fail = Err((branch, Reason::Test));
            let is_ordered =
                previous < Some(branch) && branch < join && test.message.start <= test.message.end;
            previous = Some(branch);
            if !is_ordered || !self.is_start(branch) || !self.is_start(join) {
                return fail;
            }
            let op = Instruction(self.unit.words[branch]).op();
            if !matches!(op, Some(Op::JumpTrue | Op::JumpFalse)) {
                return fail;
            }
            let height = self.height(branch);
            if result == 0 || result > height || result >= self.unit.registers as usize {
                return fail;
            }
            if self.height(join) > height.max(result + 1) {
                return fail;
            }
            self.jumped(branch, join);
        }
        Ok(())
    }

    fn is_start(&self, word: usize) -> bool {
        self.marks.get(word).is_some_and(|mark| *mark != NO_INSTRUCTION)
    }

    fn height(&self, word: usize) -> usize {
        self.unit.heights[word] as usize
    }

    fn jumped(&mut self, from: usize, to: usize) {
        self.marks[to] = self.marks[to].min(from as u32 + 1);
    }

    fn check_instructions(&mut self) -> Checked {
        let mut word = 0;
        let mut tests = self.unit.tests.iter().peekable();
        let mut heads = std::mem::take(&mut self.heads).into_iter().peekable();
        while word < self.unit.words.len() {
            if !self.cells.is_empty() {
                self.forget_cells(word);
                while heads.next_if(|head| *head < word).is_some() {}
                if heads.peek() == Some(&word) {
                    self.at_heads.push((word, self.cells.clone()));
                }
            }
            if let Some(test) = tests.next_if(|test| test.branch as usize == word)
                && self.cells_in(test.result as usize).is_some()
            {
                return Err((word, Reason::Test));
            }
            word = self.check_instruction(word).map_err(|reason| (word, reason))?;
        }
        Ok(())
    }

    /// Drops what need not hold at this word.
    fn forget_cells(&mut self, word: usize) {
        let height = self.height(word);
        let earliest = self.marks[word] as usize;
        self.cells.retain(|cells| cells.register < height && cells.birth < earliest);
    }

    fn cells_in(&self, register: usize) -> Option<usize> {
        self.cells.iter().find(|cells| cells.register == register).map(|cells| cells.count)
    }

    /// Checks one instruction, with the edges that leave it; the word of the next.
    fn check_instruction(&mut self, word: usize) -> Result<usize, Reason> {
        let instruction = Instruction(self.unit.words[word]);
        let op = instruction.op().ok_or(Reason::Operation)?;
        let next = word + op.words();
        let second = if next - word == 2 { self.unit.words[word + 1] } else { 0 };
        let (a, b, c, bx) = (instruction.a(), instruction.b(), instruction.c(), instruction.bx());
        let frame = Frame { word, height: self.height(word) };
        match op.operands() {
            Operands::None => unused(instruction.0 >> 8)?,
            Operands::Write => {
                unused(bx as u32)?;
                self.write(&frame, a)?;
            }
            Operands::WriteLiteral => {
                let literal = self.literal(bx)?;
                let is_binding = matches!(literal, Literal::Binding(_));
                if matches!(literal, Literal::Block(_)) || is_binding != (op == Op::LoadGlobal) {
                    return Err(Reason::LiteralKind);
                }
                self.write(&frame, a)?;
            }
            Operands::WriteNumber => self.write(&frame, a)?,
            Operands::Move => {
                unused(c as u32)?;
                self.check_move(&frame, a, b)?;
            }
            Operands::WriteSlot => {
                self.named_slots = self.named_slots.max(bx + 1);
                self.write(&frame, a)?;
            }
            Operands::ReadSlot => {
                unused(bx as u32)?;
                self.read(&frame, a)?;
                let slot = u16::try_from(second).map_err(|_| Reason::Unused)?;
                self.named_slots = self.named_slots.max(slot as usize + 1);
            }
            Operands::WriteCell => {
                self.cell(&frame, b, c)?;
                self.write(&frame, a)?;
            }
            Operands::ReadCell => {
                self.cell(&frame, b, c)?;
                self.read(&frame, a)?;
            }
            Operands::ReadLiteral => {
                unused(bx as u32)?;
                self.read(&frame, a)?;
                let is_binding = matches!(self.literal(second as usize)?, Literal::Binding(_));
                is_binding.then_some(()).ok_or(Reason::LiteralKind)?;
            }
            Operands::WriteCount => {
                unused(c as u32)?;
                if b == 0 {
                    return Err(Reason::Cells);
                }
                self.write(&frame, a)?;
                self.cells.push(Cells { register: a, count: b, birth: word + 1 });
            }
            Operands::Gather => {
                unused(c as u32)?;
                (a..a + b).try_for_each(|register| self.read(&frame, register))?;
                self.write(&frame, a)?;
            }
            Operands::Closure => self.check_closure(&frame, a, bx)?,
            Operands::Read => {
                unused(bx as u32)?;
                unused(second)?;
                self.read(&frame, a)?;
                if op == Op::ReturnHome {
                    self.returns_home = true;
                    (self.unit.kind == CodeKind::Block).then_some(()).ok_or(Reason::Kind)?;
                }
            }
            Operands::Jump | Operands::Branch => {}
            Operands::Send => return self.check_send(&frame, instruction, second),
            Operands::Binary | Operands::BinaryBranch => {
                self.site(second, 1)?;
                self.read(&frame, b)?;
                self.read(&frame, c)?;
                self.write(&frame, a)?;
            }
            Operands::BinaryNumber | Operands::BinaryNumberBranch => {
                self.site(second, 1)?;
                self.read(&frame, b)?;
                self.write(&frame, a)?;
            }
            Operands::Compare | Operands::CompareBranch => {
                self.read(&frame, b)?;
                self.read(&frame, c)?;
                self.write(&frame, a)?;
            }
            Operands::Loop => {
                self.read(&frame, a)?;
                self.read(&frame, a + 1)?;
                self.write(&frame, a)?;
            }
        }
        self.check_edges(&frame, op, instruction, second)
    }

    /// Where execution goes on, unless after a send.
    fn check_edges(
        &mut self,
        frame: &Frame,
        op: Op,
        instruction: Instruction,
        second: u32,
    ) -> Result<usize, Reason> {
        let next = frame.word + op.words();
        let height = frame.height;
        let a = instruction.a();
        match op.operands() {
            Operands::Jump if op == Op::Jump => self.forward(frame, next, instruction.signed_x(), height)?,
            Operands::Jump => self.back(next, instruction.signed_x(), height)?,
            Operands::Branch => {
                self.read(frame, a)?;
                self.forward(frame, next, instruction.signed_bx(), height)?;
                self.fall(next, height)?;
            }
            Operands::Loop => {
                self.back(next, instruction.signed_bx(), height)?;
                self.forward(frame, next, second as i32 as isize, height)?;
                self.fall(next, height)?;
            }
            Operands::BinaryBranch | Operands::BinaryNumberBranch | Operands::CompareBranch => {
                self.fall(next, height.max(a + 1))?;
                self.check_branch(next, a, height)?;
            }
            Operands::ReadSlot | Operands::ReadCell | Operands::ReadLiteral => self.fall(next, height)?,
            _ if matches!(op, Op::Return | Op::ReturnSelf | Op::ReturnHome) => {}
            _ => self.fall(next, height.max(a + 1))?,
        }
        Ok(next)
    }

    /// The branch that follows a comparison: its outcome may be taken without `a` having been written.
    fn check_branch(&self, word: usize, a: usize, height: usize) -> Result<(), Reason> {
        let instruction = Instruction(self.unit.words[word]);
        if !matches!(instruction.op(), Some(Op::JumpTrue | Op::JumpFalse)) || instruction.a() != a {
            return Err(Reason::Branch);
        }
        let taken = (word + 1).checked_add_signed(instruction.signed_bx()).ok_or(Reason::Target)?;
        for successor in [word + 1, taken] {
            let claimed = *self.unit.heights.get(successor).ok_or(Reason::Target)? as usize;
            (claimed <= height).then_some(()).ok_or(Reason::Height)?;
        }
        Ok(())
    }

    fn check_send(&mut self, frame: &Frame, instruction: Instruction, second: u32) -> Result<usize, Reason> {
        let (a, b, c) = (instruction.a(), instruction.b(), instruction.c());
        self.site(second, c)?;
        self.read(frame, b)?;
        (a + 1..=a + c).try_for_each(|register| self.read(frame, register))?;
        // What the callee may overwrite is no longer there after it.
        self.write(frame, a)?;
        self.cells.retain(|cells| cells.register < a);
        self.fall(frame.word + 2, a + 1)?;
        Ok(frame.word + 2)
    }

    fn check_move(&mut self, frame: &Frame, a: usize, b: usize) -> Result<(), Reason> {
        (b < frame.height).then_some(()).ok_or(Reason::Dead)?;
        let moved = self.cells_in(b);
        self.write(frame, a)?;
        if let Some(count) = moved {
            self.cells.push(Cells { register: a, count, birth: frame.word + 1 });
        }
        Ok(())
    }

    fn check_closure(&mut self, frame: &Frame, a: usize, literal: usize) -> Result<(), Reason> {
        let Literal::Block(block) = self.literal(literal)? else { return Err(Reason::LiteralKind) };
        let mut cells = block.cells.iter().peekable();
        for copied in 0..block.copied as usize {
            let register = a + copied;
            let inside = 1 + block.arguments as usize + copied;
            match cells.next_if(|cells| cells.register as usize == inside) {
                None => self.read(frame, register)?,
                Some(_) if register >= frame.height => return Err(Reason::Dead),
                Some(wanted) if self.cells_in(register) == Some(wanted.count as usize) => {}
                Some(_) => return Err(Reason::NotCells),
            }
        }
        self.write(frame, a)
    }

    fn literal(&self, number: usize) -> Result<&'u Literal, Reason> {
        self.unit.literals.get(number).ok_or(Reason::LiteralNumber)
    }

    fn site(&self, number: u32, arguments: usize) -> Result<(), Reason> {
        let site = self.unit.sites.get(number as usize).ok_or(Reason::SiteNumber)?;
        (site.arguments as usize == arguments).then_some(()).ok_or(Reason::Arity)
    }

    fn cell(&self, frame: &Frame, register: usize, element: usize) -> Result<(), Reason> {
        let count = self.cells_in(register).filter(|_| register < frame.height);
        count.filter(|count| element < *count).map(|_| ()).ok_or(Reason::NotCells)
    }

    fn read(&self, frame: &Frame, register: usize) -> Result<(), Reason> {
        if register >= frame.height {
            return Err(Reason::Dead);
        }
        self.cells_in(register).map_or(Ok(()), |_| Err(Reason::Cells))
    }

    fn write(&mut self, frame: &Frame, register: usize) -> Result<(), Reason> {
        if register == 0 {
            return Err(Reason::Receiver);
        }
        if register > frame.height {
            return Err(Reason::Gap);
        }
        if register >= self.unit.registers as usize {
            return Err(Reason::Registers);
        }
        self.cells.retain(|cells| cells.register != register);
        Ok(())
    }

    fn fall(&self, next: usize, height: usize) -> Result<(), Reason> {
        let claimed = *self.unit.heights.get(next).ok_or(Reason::OffTheEnd)? as usize;
        (claimed <= height).then_some(()).ok_or(Reason::Height)
    }

    fn forward(&mut self, frame: &Frame, next: usize, distance: isize, height: usize) -> Result<(), Reason> {
        if distance < 0 {
            return Err(Reason::Direction);
        }
        let target = next + distance as usize;
        if !self.is_start(target) {
            return Err(Reason::Target);
        }
        self.fall(target, height)?;
        self.jumped(frame.word, target);
        Ok(())
    }

    /// The direction was checked when the head was found.
    fn back(&mut self, next: usize, distance: isize, height: usize) -> Result<(), Reason> {
        let head = next.checked_add_signed(distance).ok_or(Reason::Target)?;
        if !self.is_start(head) {
            return Err(Reason::Target);
        }
        self.fall(head, height)?;
        if let Ok(at) = self.at_heads.binary_search_by_key(&head, |(word, _)| *word) {
            let is_kept = |cells: &Cells| self.cells.contains(cells);
            self.at_heads[at].1.iter().all(is_kept).then_some(()).ok_or(Reason::CellsLost)?;
        }
        Ok(())
    }

    fn check_debug_information(&self) -> Checked {
        let registers = self.unit.registers;
        let words = self.unit.words.len();
        let mut previous = None;
        for (word, span) in &self.unit.source_map {
            let word = *word as usize;
            if previous >= Some(word) || !self.is_start(word) || span.start > span.end {
                return Err((word, Reason::DebugInformation));
            }
            previous = Some(word);
        }
        for name in &self.unit.names {
            let is_live = name.live.start <= name.live.end && name.live.end as usize <= words;
            if name.register >= registers || !is_live {
                return Err((name.live.start as usize, Reason::DebugInformation));
            }
        }
        Ok(())
    }
}

/// The instruction under consideration.
struct Frame {
    word: usize,
    height: usize,
}

fn unused(operand: u32) -> Result<(), Reason> {
    (operand == 0).then_some(()).ok_or(Reason::Unused)
}
