//! One pass over the instructions: operands and edges.

use super::cells::Inference;
use super::{Reason, entry_height};
use crate::code::{CodeKind, CodeUnit, Instruction, Literal, Op, Operands};

/// What is known of a word: 0 if no instruction starts there; else the least word, plus 1, from which a jump leads
/// forward to it, or `NO_JUMP`.
type Mark = u32;

const NO_INSTRUCTION: Mark = 0;
const NO_JUMP: Mark = u32::MAX;

type Checked = Result<(), (usize, Reason)>;

pub(super) struct Verifier<'u> {
    unit: &'u CodeUnit,
    entry: usize,
    marks: Vec<Mark>,
    /// Words that jumps back lead to.
    heads: Vec<usize>,
    cells: Inference,
    /// Whether execution may come from the instruction before.
    falls: bool,
    pub named_slots: usize,
    pub returns_home: bool,
}

impl<'u> Verifier<'u> {
    pub fn new(unit: &'u CodeUnit) -> Self {
        Verifier {
            unit,
            entry: entry_height(unit),
            marks: vec![NO_INSTRUCTION; unit.words.len()],
            heads: Vec::new(),
            cells: Inference::new(&unit.cells),
            falls: true,
            named_slots: 0,
            returns_home: false,
        }
    }

    /// Marks where instructions start, and checks what concerns each alone.
    pub fn find_instructions(&mut self) -> Checked {
        let unit = self.unit;
        let mut word = 0;
        while word < unit.words.len() {
            let instruction = Instruction(unit.words[word]);
            let op = instruction.op().filter(|op| is_for_guests(*op)).ok_or((word, Reason::Operation))?;
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
    pub fn check_tests(&mut self) -> Checked {
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

    pub fn check_instructions(&mut self) -> Checked {
        let mut word = 0;
        let mut tests = self.unit.tests.iter().peekable();
        let mut heads = std::mem::take(&mut self.heads).into_iter().peekable();
        while word < self.unit.words.len() {
            if !self.cells.is_idle() {
                let (height, earliest) = (self.height(word), self.marks[word] as usize);
                self.cells.arrive(word, height, earliest, self.falls).map_err(|reason| (word, reason))?;
                while heads.next_if(|head| *head < word).is_some() {}
                if heads.peek() == Some(&word) {
                    self.cells.pass_head(word);
                }
            }
            if let Some(test) = tests.next_if(|test| test.branch as usize == word) {
                let join = test.join as usize;
                if self.cells.count(test.result as usize).is_some() {
                    return Err((word, Reason::Test));
                }
                self.cells.jump(join, self.height(join)).map_err(|reason| (word, reason))?;
            }
            word = self.check_instruction(word).map_err(|reason| (word, reason))?;
        }
        Ok(())
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
                self.cells.put(a, b, word);
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
        self.falls = !is_end(op);
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
            _ if is_end(op) => {}
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
        self.cells.forget_from(a);
        self.falls = true;
        self.fall(frame.word + 2, a + 1)?;
        Ok(frame.word + 2)
    }

    fn check_move(&mut self, frame: &Frame, a: usize, b: usize) -> Result<(), Reason> {
        (b < frame.height).then_some(()).ok_or(Reason::Dead)?;
        let moved = self.cells.count(b);
        self.write(frame, a)?;
        if let Some(count) = moved {
            self.cells.put(a, count, frame.word);
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
                Some(wanted) if self.cells.count(register) == Some(wanted.count as usize) => {}
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
        let count = self.cells.count(register).filter(|_| register < frame.height);
        count.filter(|count| element < *count).map(|_| ()).ok_or(Reason::NotCells)
    }

    fn read(&self, frame: &Frame, register: usize) -> Result<(), Reason> {
        if register >= frame.height {
            return Err(Reason::Dead);
        }
        self.cells.count(register).map_or(Ok(()), |_| Err(Reason::Cells))
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
        self.cells.forget(register);
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
        self.cells.jump(target, self.height(target))
    }

    /// The direction was checked when the head was found.
    fn back(&mut self, next: usize, distance: isize, height: usize) -> Result<(), Reason> {
        let head = next.checked_add_signed(distance).ok_or(Reason::Target)?;
        if !self.is_start(head) {
            return Err(Reason::Target);
        }
        self.fall(head, height)?;
        self.cells.jump_back(head, self.height(head))
    }

    pub fn check_debug_information(&self) -> Checked {
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

/// Not one of those that only the runtime puts into code.
fn is_for_guests(op: Op) -> bool {
    !matches!(op, Op::Resume | Op::LoadSlotChecked | Op::StoreSlotChecked)
}

/// Whether the instruction behind it is not the next to be executed.
fn is_end(op: Op) -> bool {
    matches!(op, Op::Return | Op::ReturnSelf | Op::ReturnHome | Op::Jump | Op::JumpBack)
}
