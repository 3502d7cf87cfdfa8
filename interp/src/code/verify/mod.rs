//! The verifier: says of a [`CodeUnit`] that the dispatch loop can run it without looking. \[verified\]
//!
//! The unit claims for each instruction how many registers are live before it; the verifier checks the claims edge by
//! edge, which proves them by induction over execution. \[heights\] One pass finds the instructions, a second
//! checks them; both are linear in the unit's size.
//!
//! What is known of registers besides that is whether they hold cells objects: `cells`.

mod cells;
mod flow;
mod rejection;

pub use rejection::{Reason, Rejection};

use super::{CodeKind, CodeUnit, Literal};
use flow::Verifier;

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
