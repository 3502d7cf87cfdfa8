//! An independent, slow check of code: a fixpoint over all paths of what each register holds.
//!
//! It shares nothing with the verifier but the instruction's fields: it follows execution from the entry, keeps a state for each word, and
//! joins states until nothing changes.

use std::collections::VecDeque;

use instar_interp::code::{CodeKind, CodeUnit, Instruction, Literal, Op};

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// Nothing that may be read.
    Garbage,
    /// Some word.
    Word,
    /// A cells object with so many elements.
    Cells(u8),
    /// A cells object on some paths. The collector may visit it, nothing may read it.
    Mixed,
}

type State = Vec<Content>;

fn join(one: Content, other: Content) -> Content {
    match (one, other) {
        _ if one == other => one,
        (Content::Garbage, _) | (_, Content::Garbage) => Content::Garbage,
        _ => Content::Mixed,
    }
}

/// Whether no path through the unit, or a block in it, does what the dispatch loop must not do.
pub fn check(unit: &CodeUnit) -> Result<(), String> {
    for literal in &unit.literals {
        if let Literal::Block(block) = literal {
            if block.kind != CodeKind::Block {
                return Err("a block of another kind".to_owned());
            }
            check(block)?;
        }
    }
    let entry = 1 + unit.arguments as usize + unit.copied as usize + unit.temporaries as usize;
    if entry > unit.registers as usize {
        return Err("too few registers".to_owned());
    }
    let mut start = vec![Content::Garbage; unit.registers as usize];
    start[..entry].fill(Content::Word);
    for cells in &unit.cells {
        start[cells.register as usize] = Content::Cells(cells.count);
    }
    let mut checker = Checker { unit, states: vec![None; unit.words.len()], queue: VecDeque::new() };
    checker.arrive(0, &start)?;
    while let Some(word) = checker.queue.pop_front() {
        let state = checker.states[word].clone().ok_or("no state")?;
        checker.step(word, state).map_err(|error| format!("word {word}: {error}"))?;
    }
    checker.check_decoding()
}

struct Checker<'u> {
    unit: &'u CodeUnit,
    states: Vec<Option<State>>,
    queue: VecDeque<usize>,
}

impl Checker<'_> {
    fn arrive(&mut self, word: usize, state: &State) -> Result<(), String> {
        let known = self.states.get_mut(word).ok_or_else(|| format!("runs to word {word}"))?;
        let joined = match known {
            None => state.clone(),
            Some(known) => known.iter().zip(state).map(|(one, other)| join(*one, *other)).collect(),
        };
        if known.as_ref() != Some(&joined) {
            *known = Some(joined);
            self.queue.push_back(word);
        }
        Ok(())
    }

    /// No path may execute the second word of another path's instruction.
    fn check_decoding(&self) -> Result<(), String> {
        for (word, state) in self.states.iter().enumerate() {
            let two = Instruction(self.unit.words[word]).op().is_some_and(|op| op.words() == 2);
            if state.is_some() && two && self.states.get(word + 1).is_some_and(Option::is_some) {
                return Err(format!("word {} is executed and is an operand", word + 1));
            }
        }
        Ok(())
    }

    fn step(&mut self, word: usize, mut state: State) -> Result<(), String> {
        let unit = self.unit;
        let at = Instruction(unit.words[word]);
        let op = at.op().ok_or("no operation")?;
        let (a, b, c) = (at.a(), at.b(), at.c());
        let height = unit.heights[word] as usize;
        if state[..height].contains(&Content::Garbage) {
            return Err(format!("the collector would visit garbage below {height}: {state:?}"));
        }
        if height + 4 > 250 || unit.registers as usize + 4 > 250 {
            return Err("no room for the callee".to_owned());
        }
        let second = || unit.words.get(word + 1).copied().ok_or("no second word");
        let next = word + op.words();
        let value = |state: &State, register: usize| match state.get(register) {
            Some(Content::Word) => Ok(()),
            Some(Content::Cells(_) | Content::Mixed) => Err(format!("r{register} is a cells object")),
            _ => Err(format!("r{register} is garbage")),
        };
        let cell = |state: &State| match state.get(b) {
            Some(Content::Cells(count)) if c < *count as usize => Ok(()),
            _ => Err(format!("r{b} has no cell {c}")),
        };
        let literal = |number: usize| unit.literals.get(number).ok_or("no literal");
        let binding = |number: usize| match unit.literals.get(number) {
            Some(Literal::Binding(_)) => Ok(()),
            _ => Err("no binding"),
        };
        let site = |number: u32, arguments: usize| match unit.sites.get(number as usize) {
            Some(site) if site.arguments as usize == arguments => match literal(site.selector as usize)? {
                Literal::Symbol(_) => Ok(()),
                _ => Err("no selector"),
            },
            _ => Err("no site"),
        };
        let put = |state: &mut State, content: Content| {
            if a == 0 || a >= state.len() {
                return Err(format!("r{a} cannot be written"));
            }
            state[a] = content;
            Ok(())
        };
        match op {
            Op::Move => {
                let moved = *state.get(b).ok_or("no register")?;
                if matches!(moved, Content::Garbage | Content::Mixed) {
                    return Err("garbage is moved".to_owned());
                }
                put(&mut state, moved)?;
            }
            Op::LoadLiteral => {
                if matches!(literal(at.bx())?, Literal::Block(_) | Literal::Binding(_)) {
                    return Err("no value".to_owned());
                }
                put(&mut state, Content::Word)?;
            }
            Op::LoadInteger | Op::LoadNil | Op::LoadTrue | Op::LoadFalse | Op::LoadSlot | Op::ThisContext => {
                put(&mut state, Content::Word)?;
            }
            Op::StoreSlot => {
                value(&state, a)?;
                if second()? > u32::from(u16::MAX) {
                    return Err("no such slot".to_owned());
                }
            }
            Op::LoadCell => {
                cell(&state)?;
                put(&mut state, Content::Word)?;
            }
            Op::StoreCell => {
                cell(&state)?;
                value(&state, a)?;
            }
            Op::LoadGlobal => {
                binding(at.bx())?;
                put(&mut state, Content::Word)?;
            }
            Op::StoreGlobal => {
                binding(second()? as usize)?;
                value(&state, a)?;
            }
            Op::NewCells => put(&mut state, Content::Cells(b as u8))?,
            Op::MakeClosure => {
                let Literal::Block(block) = literal(at.bx())? else { return Err("no block".to_owned()) };
                for copied in 0..block.copied as usize {
                    let inside = 1 + block.arguments as usize + copied;
                    let wanted = block.cells.iter().find(|cells| cells.register as usize == inside);
                    match (wanted, state.get(a + copied)) {
                        (None, Some(Content::Word)) => {}
                        (Some(wanted), Some(Content::Cells(count))) if wanted.count == *count => {}
                        _ => return Err(format!("r{} cannot be copied", a + copied)),
                    }
                }
                put(&mut state, Content::Word)?;
            }
            Op::MakeArray => {
                (a..a + b).try_for_each(|register| value(&state, register))?;
                put(&mut state, Content::Word)?;
            }
            Op::Jump | Op::JumpBack => {
                let target = next.checked_add_signed(at.signed_x()).ok_or("no target")?;
                if (op == Op::JumpBack) != (target <= word) {
                    return Err("the wrong direction".to_owned());
                }
                return self.arrive(target, &state);
            }
            Op::JumpTrue | Op::JumpFalse | Op::JumpNil | Op::JumpNotNil => {
                value(&state, a)?;
                return self.branch(word, &state, true);
            }
            Op::Return => return value(&state, a),
            Op::ReturnSelf => return Ok(()),
            Op::ReturnHome => {
                let is_block = unit.kind == CodeKind::Block && unit.needs_home;
                return if is_block { value(&state, a) } else { Err("no home".to_owned()) };
            }
            Op::Send | Op::SendSuper => {
                site(second()?, c)?;
                value(&state, b)?;
                (a + 1..=a + c).try_for_each(|register| value(&state, register))?;
                put(&mut state, Content::Word)?;
                state[a + 1..].fill(Content::Garbage);
            }
            Op::AddNumber | Op::SubtractNumber | Op::BitAndNumber | Op::BitShiftNumber => {
                site(second()?, 1)?;
                value(&state, b)?;
                state[height..].fill(Content::Garbage);
                put(&mut state, Content::Word)?;
            }
            Op::LessBranch
            | Op::LessEqualBranch
            | Op::GreaterBranch
            | Op::GreaterEqualBranch
            | Op::EqualBranch
            | Op::NotEqualBranch
            | Op::LessNumberBranch
            | Op::LessEqualNumberBranch
            | Op::GreaterNumberBranch
            | Op::GreaterEqualNumberBranch
            | Op::EqualNumberBranch
            | Op::IdenticalBranch
            | Op::NotIdenticalBranch => {
                value(&state, b)?;
                let has_number = matches!(
                    op,
                    Op::LessNumberBranch
                        | Op::LessEqualNumberBranch
                        | Op::GreaterNumberBranch
                        | Op::GreaterEqualNumberBranch
                        | Op::EqualNumberBranch
                );
                if !has_number {
                    value(&state, c)?;
                }
                let branch = Instruction(*unit.words.get(next).ok_or("no branch")?);
                if branch.a() != a || !matches!(branch.op(), Some(Op::JumpTrue | Op::JumpFalse)) {
                    return Err("no branch on the comparison".to_owned());
                }
                // Taken at once, without writing the register: then there was a Boolean.
                self.branch(next, &state, false)?;
                if op.words() == 2 {
                    site(second()?, 1)?;
                    state[height..].fill(Content::Garbage);
                }
                put(&mut state, Content::Word)?;
            }
            Op::Identical | Op::NotIdentical => {
                value(&state, b)?;
                value(&state, c)?;
                put(&mut state, Content::Word)?;
            }
            Op::Loop => {
                value(&state, a)?;
                value(&state, a + 1)?;
                let exit = next.checked_add_signed(second()? as i32 as isize).ok_or("no exit")?;
                let body = next.checked_add_signed(at.signed_bx()).ok_or("no body")?;
                if exit < next || body > word {
                    return Err("the wrong direction".to_owned());
                }
                put(&mut state, Content::Word)?;
                self.arrive(exit, &state)?;
                self.arrive(body, &state)?;
            }
            Op::Resume | Op::LoadSlotChecked | Op::StoreSlotChecked => {
                return Err("not for guests".to_owned());
            }
            _ => {
                site(second()?, 1)?;
                value(&state, b)?;
                value(&state, c)?;
                state[height..].fill(Content::Garbage);
                put(&mut state, Content::Word)?;
            }
        }
        self.arrive(next, &state)
    }

    fn branch(&mut self, word: usize, state: &State, may_be_other: bool) -> Result<(), String> {
        let at = Instruction(self.unit.words[word]);
        let target = (word + 1).checked_add_signed(at.signed_bx()).ok_or("no target")?;
        if target <= word {
            return Err("a branch goes back".to_owned());
        }
        self.arrive(word + 1, state)?;
        self.arrive(target, state)?;
        for test in self.unit.tests.iter().filter(|test| may_be_other && test.branch as usize == word) {
            let mut state = state.clone();
            let height = self.unit.heights[word] as usize;
            state[height..].fill(Content::Garbage);
            let result = state.get_mut(test.result as usize).filter(|_| test.result > 0);
            *result.ok_or("no result")? = Content::Word;
            self.arrive(test.join as usize, &state)?;
        }
        Ok(())
    }
}
