//! Code as text, for people.
//!
//! A line an instruction: its word number (with `>` if something leads there), the height before it, the operation,
//! its operands, and behind a semicolon what they stand for: names of variables, literals, selectors. Blocks follow the code that makes
//! them, indented. Where the source map says so, the line ends with the piece of source.

use std::fmt::{self, Write};

use super::{Binding, CodeKind, CodeUnit, Instruction, Literal, Op, Operands};

/// The listing of a unit and the blocks in it. `source` is the text that the unit's source map refers to.
///
/// Takes units that the verifier would reject, and shows what is wrong with them as `?`.
pub fn disassemble(unit: &CodeUnit, source: Option<&str>) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = Listing { unit, source, indent: 0 }.write(&mut text);
    text
}

struct Listing<'u> {
    unit: &'u CodeUnit,
    source: Option<&'u str>,
    indent: usize,
}

/// Longest piece of source or literal in a listing, in characters.
const EXCERPT: usize = 40;

impl Listing<'_> {
    fn write(&self, text: &mut String) -> fmt::Result {
        self.write_head(text)?;
        let targets = self.targets();
        let mut word = 0;
        while word < self.unit.words.len() {
            word = self.write_instruction(text, word, &targets)?;
        }
        self.write_tests(text)?;
        for (number, literal) in self.unit.literals.iter().enumerate() {
            if let Literal::Block(block) = literal {
                self.indent(text)?;
                writeln!(text, "  literal {number}:")?;
                Listing { unit: block, source: self.source, indent: self.indent + 4 }.write(text)?;
            }
        }
        Ok(())
    }

    fn indent(&self, text: &mut String) -> fmt::Result {
        write!(text, "{:1$}", "", self.indent)
    }

    fn write_head(&self, text: &mut String) -> fmt::Result {
        let unit = self.unit;
        self.indent(text)?;
        let kind = match unit.kind {
            CodeKind::Method => "method",
            CodeKind::Block => "block",
            CodeKind::Unwind => "unwind method",
            CodeKind::Handler => "handler method",
        };
        write!(text, "{kind}: {} arguments", unit.arguments)?;
        if unit.kind == CodeKind::Block {
            write!(text, ", {} copied", unit.copied)?;
        }
        write!(text, ", {} temporaries, {} registers", unit.temporaries, unit.registers)?;
        if unit.needs_home {
            write!(text, ", needs home")?;
        }
        if let Some(primitive) = &unit.primitive {
            write!(text, ", primitive {primitive}")?;
        }
        if let Some(register) = unit.primitive_error {
            write!(text, " error r{register}")?;
        }
        for cells in &unit.cells {
            write!(text, ", {} cells in r{}", cells.count, cells.register)?;
        }
        writeln!(text)
    }

    /// Which words something leads to.
    fn targets(&self) -> Vec<bool> {
        let mut targets = vec![false; self.unit.words.len()];
        let mut mark = |target: Option<usize>| {
            if let Some(flag) = target.and_then(|target| targets.get_mut(target)) {
                *flag = true;
            }
        };
        let mut word = 0;
        while let Some(encoded) = self.unit.words.get(word) {
            let instruction = Instruction(*encoded);
            let Some(op) = instruction.op() else {
                word += 1;
                continue;
            };
            let next = word + op.words();
            match op.operands() {
                Operands::Jump => mark(next.checked_add_signed(instruction.signed_x())),
                Operands::Branch => mark(next.checked_add_signed(instruction.signed_bx())),
                Operands::Loop => {
                    mark(next.checked_add_signed(instruction.signed_bx()));
                    mark(next.checked_add_signed(self.second(word) as i32 as isize));
                }
                _ => {}
            }
            word = next;
        }
        self.unit.tests.iter().for_each(|test| mark(Some(test.join as usize)));
        targets
    }

    fn second(&self, word: usize) -> u32 {
        self.unit.words.get(word + 1).copied().unwrap_or(0)
    }

    fn write_instruction(
        &self,
        text: &mut String,
        word: usize,
        targets: &[bool],
    ) -> Result<usize, fmt::Error> {
        let instruction = Instruction(self.unit.words[word]);
        let height = self.unit.heights.get(word).copied().unwrap_or(0);
        let arrow = if targets[word] { '>' } else { ' ' };
        self.indent(text)?;
        write!(text, "{arrow}{word:4} [{height:2}] ")?;
        let Some(op) = instruction.op() else {
            writeln!(text, "? {:#010x}", instruction.0)?;
            return Ok(word + 1);
        };
        let mut line = String::new();
        self.write_operands(&mut line, word, op, instruction)?;
        let line = format!("{:<22} {line}", op.name());
        let excerpt = self.excerpt(word);
        match excerpt {
            Some(excerpt) => writeln!(text, "{line:<64} | {excerpt}")?,
            None => writeln!(text, "{}", line.trim_end())?,
        }
        Ok(word + op.words())
    }

    fn write_operands(
        &self,
        text: &mut String,
        word: usize,
        op: Op,
        instruction: Instruction,
    ) -> fmt::Result {
        let next = word + op.words();
        let second = self.second(word);
        let (a, b, c, bx) = (instruction.a(), instruction.b(), instruction.c(), instruction.bx());
        let target = |distance: isize| match next.checked_add_signed(distance) {
            Some(target) => format!("-> {target}"),
            None => "-> ?".to_owned(),
        };
        match op.operands() {
            Operands::None => Ok(()),
            Operands::Write | Operands::Read => write!(text, "{}", self.register(word, a)),
            Operands::WriteLiteral => write!(text, "r{a} ; {}", self.literal(bx)),
            Operands::WriteNumber => write!(text, "r{a} {}", instruction.signed_bx()),
            Operands::Move => write!(text, "r{a} {}", self.register(word, b)),
            Operands::WriteSlot => write!(text, "r{a} slot {bx}"),
            Operands::ReadSlot => write!(text, "{} slot {second}", self.register(word, a)),
            Operands::WriteCell | Operands::ReadCell => {
                write!(text, "r{a} r{b} cell {c}{}", self.cell_name(word, b, c))
            }
            Operands::ReadLiteral => {
                write!(text, "{} ; {}", self.register(word, a), self.literal(second as usize))
            }
            Operands::WriteCount => write!(text, "r{a} {b} cells"),
            Operands::Gather => write!(text, "r{a} {b} elements"),
            Operands::Closure => write!(text, "r{a} literal {bx}{}", self.copies(a, bx)),
            Operands::Jump => write!(text, "{}", target(instruction.signed_x())),
            Operands::Branch => {
                write!(text, "{} {}", self.register(word, a), target(instruction.signed_bx()))
            }
            Operands::Send => {
                write!(text, "r{a} {} {c} ; {}", self.register(word, b), self.selector(second))
            }
            Operands::Binary | Operands::BinaryBranch => {
                let (left, right) = (self.register(word, b), self.register(word, c));
                write!(text, "r{a} {left} {right} ; {}", self.selector(second))
            }
            Operands::BinaryNumber | Operands::BinaryNumberBranch => {
                let left = self.register(word, b);
                write!(text, "r{a} {left} {} ; {}", instruction.signed_c(), self.selector(second))
            }
            Operands::Compare | Operands::CompareBranch => {
                write!(text, "r{a} {} {}", self.register(word, b), self.register(word, c))
            }
            Operands::Loop => {
                let exit = target(second as i32 as isize);
                write!(text, "r{a} body {} exit {exit}", target(instruction.signed_bx()))
            }
        }
    }

    /// A register that is read, with the variable that lives there.
    fn register(&self, word: usize, register: usize) -> String {
        if register == 0 {
            return "self".to_owned();
        }
        let is_it = |name: &&super::TemporaryName| {
            name.register as usize == register && name.cell.is_none() && name.live.contains(&(word as u32))
        };
        match self.unit.names.iter().rev().find(is_it) {
            Some(name) => format!("r{register}:{}", name.name),
            None => format!("r{register}"),
        }
    }

    fn cell_name(&self, word: usize, register: usize, cell: usize) -> String {
        let is_it = |name: &&super::TemporaryName| {
            name.register as usize == register
                && name.cell == Some(cell as u8)
                && name.live.contains(&(word as u32))
        };
        self.unit.names.iter().rev().find(is_it).map_or(String::new(), |name| format!(":{}", name.name))
    }

    fn copies(&self, a: usize, literal: usize) -> String {
        match self.unit.literals.get(literal) {
            Some(Literal::Block(block)) if block.copied > 0 => {
                format!(", copies r{a} to r{}", a + block.copied as usize - 1)
            }
            Some(Literal::Block(_)) => String::new(),
            _ => "?".to_owned(),
        }
    }

    fn selector(&self, site: u32) -> String {
        match self.unit.sites.get(site as usize) {
            Some(site) => self.literal(site.selector as usize),
            None => "?".to_owned(),
        }
    }

    fn literal(&self, number: usize) -> String {
        let Some(literal) = self.unit.literals.get(number) else { return "?".to_owned() };
        shorten(&print(literal))
    }

    fn excerpt(&self, word: usize) -> Option<String> {
        let at = self.unit.source_map.binary_search_by_key(&(word as u32), |(word, _)| *word).ok()?;
        let span = &self.unit.source_map[at].1;
        let source = self.source?.get(span.start as usize..span.end as usize)?;
        Some(shorten(&source.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    fn write_tests(&self, text: &mut String) -> fmt::Result {
        for test in &self.unit.tests {
            self.indent(text)?;
            write!(text, "  unless Boolean at {}: r{} -> {}", test.branch, test.result, test.join)?;
            let range = test.message.start as usize..test.message.end as usize;
            if let Some(message) = self.source.and_then(|source| source.get(range)) {
                let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
                write!(text, " | {}", shorten(&message))?;
            }
            writeln!(text)?;
        }
        Ok(())
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A literal, about as it is written in source.
fn print(literal: &Literal) -> String {
    match literal {
        Literal::Nil => "nil".to_owned(),
        Literal::Boolean(value) => value.to_string(),
        Literal::Integer(value) => value.to_string(),
        Literal::LargeInteger { negative, magnitude } => {
            let digits: String = magnitude.iter().rev().map(|byte| format!("{byte:02X}")).collect();
            format!("{}16r{digits}", if *negative { "-" } else { "" })
        }
        Literal::Float(value) => format!("{value:?}"),
        Literal::Fraction { numerator, denominator } => {
            format!("({} / {})", print(numerator), print(denominator))
        }
        Literal::ScaledDecimal { numerator, denominator, scale } => {
            format!("({} / {})s{scale}", print(numerator), print(denominator))
        }
        Literal::Character(character) if character.is_control() => {
            format!("Character value: {}", *character as u32)
        }
        Literal::Character(character) => format!("${character}"),
        Literal::String(text) => format!("'{}'", text.replace('\'', "''")),
        Literal::Symbol(text) => format!("#{text}"),
        Literal::Array(elements) => {
            let elements: Vec<String> = elements.iter().take(EXCERPT).map(print).collect();
            format!("#({})", elements.join(" "))
        }
        Literal::Bytes(bytes) => {
            let bytes: Vec<String> = bytes.iter().take(EXCERPT).map(u8::to_string).collect();
            format!("#[{}]", bytes.join(" "))
        }
        Literal::Binding(Binding::ClassVariable(name)) => format!("class variable {name}"),
        Literal::Binding(Binding::Global(name)) => format!("global {name}"),
        Literal::Binding(Binding::Undeclared(name)) => format!("undeclared {name}"),
        Literal::Block(_) => "a block".to_owned(),
    }
}
