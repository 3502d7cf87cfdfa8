//! Code that runs: verified instructions with their inline caches.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use instar_heap::Oop;

use super::unit::{BooleanTest, CodeKind, CodeUnit, SiteUnit, TemporaryName};
use super::{Instruction, Op};
use crate::primitives::Primitive;
use crate::vm::Origin;

/// Verified code of one method or block. Its address does not change while it lives.
///
/// \[verified\] Only `CodeTable::add` makes one, from a unit that the verifier accepted.
#[derive(Debug)]
pub struct Code {
    /// The CompiledMethod or CompiledBlock, not kept alive by this.
    pub method: Oop,
    /// Instruction words.
    pub words: Box<[u32]>,
    /// Inline caches.
    pub sites: Box<[Site]>,
    /// Registers of a frame.
    pub registers: u32,
    /// Temporaries to be cleared: registers from here …
    pub first_temporary: u32,
    /// … to here.
    pub end_temporaries: u32,
    /// Number of arguments.
    pub arguments: u32,
    /// Copied values, in closures.
    pub copied: u32,
    /// One more than the largest named slot of `r0` that the code touches.
    pub slots_needed: u32,
    /// What is special about frames.
    pub kind: CodeKind,
    /// Closures of this block, or of one in it, return from its home.
    pub needs_home: bool,
    /// What runs before the instructions.
    pub primitive: Option<Primitive>,
    /// The register that gets the primitive's reason for failing.
    pub primitive_error: Option<u8>,
    /// What a call does that needs no frame.
    pub shortcut: Option<Shortcut>,
    /// Its number in the table.
    pub number: u32,
    /// Live registers before each word.
    pub heights: Box<[u8]>,
    /// From word number to source span. What code has by `Arc` it shares with that of the same method in spaces made of one image.
    pub source_map: Arc<[(u32, Range<u32>)]>,
    /// Names of temporaries.
    pub names: Arc<[TemporaryName]>,
    /// Where Booleans are tested.
    pub tests: Arc<[BooleanTest]>,
    /// Where the source stands; blocks have their method's.
    pub origin: Option<Origin>,
    /// The same code with a check at each slot of `r0`, for receivers that became something of another shape.
    checked: OnceCell<Box<Code>>,
}

/// A method so short that calling it takes no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// `^ variable`.
    Getter(u32),
    /// `variable := argument`, answering the receiver.
    Setter(u32),
    /// `^ self`.
    Receiver,
    /// `^ true`, `^ nil`, `^ 3`.
    Constant(Constant),
}

/// A value that no collection moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// nil.
    Nil,
    /// true or false.
    Boolean(bool),
    /// A small integer.
    Integer(i16),
}

/// What a send does to receivers of one class: the result of a lookup.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Entry {
    /// The class index; 0 for an entry that is not in use.
    pub class: u32,
    /// What to do.
    pub action: Action,
    /// The code to run, or to fall back to when the primitive fails. Null in unused entries.
    ///
    /// [entry-code] The code lives as long as the entry: caches are flushed before code is freed.
    pub code: *const Code,
}

/// How a send that hit a cache goes on.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Pushes a frame.
    Activate,
    /// Calls a function that leaves the frames alone.
    Plain(crate::primitives::PlainFunction),
    /// Calls a function that may push, drop or exchange frames.
    Control(crate::primitives::ControlFunction),
    /// Reads a slot.
    Getter(u32),
    /// Writes a slot.
    Setter(u32),
    /// Answers the receiver.
    Receiver,
    /// Answers a value that no collection moves.
    Constant(Oop),
    /// Runs a block.
    BlockValue,
    /// Reads an element of an object with pointer slots only indexable ones.
    ArrayAt,
    /// Writes an element of such an object.
    ArrayAtPut,
    /// There is no method: `doesNotUnderstand:`, whose code it is.
    NotUnderstood,
}

impl Entry {
    /// The entry that nothing hits.
    pub const NONE: Entry = Entry { class: 0, action: Action::Activate, code: std::ptr::null() };
}

/// The inline cache of one send.
#[derive(Debug)]
pub struct Site {
    /// The receiver class seen last.
    pub entry: Entry,
    /// The one seen before.
    pub second: Entry,
    /// Others, up to [`MOST_ENTRIES`].
    pub others: Vec<Entry>,
    /// The literal with the selector.
    pub selector: u16,
    /// Number of arguments.
    pub arguments: u8,
}

/// Receiver classes that a site remembers besides the first two.
pub const MOST_ENTRIES: usize = 6;

impl Site {
    fn of(unit: &SiteUnit) -> Site {
        Site {
            entry: Entry::NONE,
            second: Entry::NONE,
            others: Vec::new(),
            selector: unit.selector,
            arguments: unit.arguments,
        }
    }

    /// Forgets all.
    pub fn flush(&mut self) {
        self.entry = Entry::NONE;
        self.second = Entry::NONE;
        self.others.clear();
    }
}

impl Code {
    /// Code of a unit that the verifier accepted, as yet without a method.
    pub(crate) fn new(unit: &CodeUnit, primitive: Option<Primitive>) -> Code {
        let first_temporary = 1 + u32::from(unit.arguments) + u32::from(unit.copied);
        Code {
            method: Oop::NULL,
            words: unit.words.clone().into(),
            sites: unit.sites.iter().map(Site::of).collect(),
            registers: u32::from(unit.registers),
            first_temporary,
            end_temporaries: first_temporary + u32::from(unit.temporaries),
            arguments: u32::from(unit.arguments),
            copied: u32::from(unit.copied),
            slots_needed: slots_needed(&unit.words),
            kind: unit.kind,
            needs_home: unit.needs_home,
            primitive,
            primitive_error: unit.primitive_error,
            shortcut: shortcut(unit, primitive.is_some()),
            number: 0,
            heights: unit.heights.clone().into(),
            source_map: unit.source_map.clone().into(),
            names: unit.names.clone().into(),
            tests: unit.tests.clone().into(),
            origin: None,
            checked: OnceCell::new(),
        }
    }

    /// The method object has moved.
    pub(super) fn set_method(&mut self, method: Oop) {
        self.method = method;
        if let Some(checked) = self.checked.get_mut() {
            checked.method = method;
        }
    }

    /// Forgets what its sends learned.
    pub(super) fn flush(&mut self) {
        self.sites.iter_mut().for_each(Site::flush);
        if let Some(checked) = self.checked.get_mut() {
            checked.sites.iter_mut().for_each(Site::flush);
        }
    }

    /// What the code has besides its method and caches.
    pub(crate) fn image(&self) -> CodeImage {
        let sites = self.sites.iter();
        CodeImage {
            words: (&*self.words).into(),
            sites: sites
                .map(|site| SiteUnit { selector: site.selector, arguments: site.arguments })
                .collect(),
            registers: self.registers,
            first_temporary: self.first_temporary,
            end_temporaries: self.end_temporaries,
            arguments: self.arguments,
            copied: self.copied,
            slots_needed: self.slots_needed,
            kind: self.kind,
            needs_home: self.needs_home,
            primitive: self.primitive,
            primitive_error: self.primitive_error,
            shortcut: self.shortcut,
            number: self.number,
            heights: (&*self.heights).into(),
            source_map: self.source_map.clone(),
            names: self.names.clone(),
            tests: self.tests.clone(),
            origin: self.origin.clone(),
        }
    }

    /// The same code with a check at each slot of `r0`. Words correspond one to one.
    pub fn checked(&self) -> &Code {
        self.checked.get_or_init(|| {
            let mut words = self.words.to_vec();
            let replaced: Vec<(usize, Op)> = instructions(&words)
                .filter_map(|(at, op, _)| match op {
                    Op::LoadSlot => Some((at, Op::LoadSlotChecked)),
                    Op::StoreSlot => Some((at, Op::StoreSlotChecked)),
                    _ => None,
                })
                .collect();
            for (at, op) in replaced {
                words[at] = words[at] & !0xFF | op as u32;
            }
            let image = CodeImage { words: words.into(), slots_needed: 0, shortcut: None, ..self.image() };
            Box::new(image.code(self.method))
        })
    }

    /// The source span of the instruction at word `word`: the last entry at or before it.
    pub fn span_at(&self, word: usize) -> Option<Range<u32>> {
        let at = self.source_map.partition_point(|(start, _)| *start as usize <= word);
        at.checked_sub(1).map(|at| self.source_map[at].1.clone())
    }
}

/// What code in an image has: all but a method and caches. It is not run; spaces make their own [`Code`] of it.
#[derive(Debug)]
pub(crate) struct CodeImage {
    words: Arc<[u32]>,
    sites: Arc<[SiteUnit]>,
    registers: u32,
    first_temporary: u32,
    end_temporaries: u32,
    arguments: u32,
    copied: u32,
    slots_needed: u32,
    kind: CodeKind,
    needs_home: bool,
    primitive: Option<Primitive>,
    primitive_error: Option<u8>,
    shortcut: Option<Shortcut>,
    number: u32,
    heights: Arc<[u8]>,
    source_map: Arc<[(u32, Range<u32>)]>,
    names: Arc<[TemporaryName]>,
    tests: Arc<[BooleanTest]>,
    origin: Option<Origin>,
}

impl CodeImage {
    /// Code of this with empty caches, for a method.
    pub(crate) fn code(&self, method: Oop) -> Code {
        Code {
            method,
            words: (&*self.words).into(),
            sites: self.sites.iter().map(Site::of).collect(),
            registers: self.registers,
            first_temporary: self.first_temporary,
            end_temporaries: self.end_temporaries,
            arguments: self.arguments,
            copied: self.copied,
            slots_needed: self.slots_needed,
            kind: self.kind,
            needs_home: self.needs_home,
            primitive: self.primitive,
            primitive_error: self.primitive_error,
            shortcut: self.shortcut,
            number: self.number,
            heights: (&*self.heights).into(),
            source_map: self.source_map.clone(),
            names: self.names.clone(),
            tests: self.tests.clone(),
            origin: self.origin.clone(),
            checked: OnceCell::new(),
        }
    }
}

/// Visits each instruction with its word number.
pub fn instructions(words: &[u32]) -> impl Iterator<Item = (usize, Op, Instruction)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let instruction = Instruction(*words.get(at)?);
        let op = instruction.op()?;
        let this = at;
        at += op.words();
        Some((this, op, instruction))
    })
}

fn slots_needed(words: &[u32]) -> u32 {
    let needed = |(at, op, instruction): (usize, Op, Instruction)| match op {
        Op::LoadSlot => instruction.bx() as u32 + 1,
        Op::StoreSlot => words[at + 1] + 1,
        _ => 0,
    };
    instructions(words).map(needed).max().unwrap_or(0)
}

fn shortcut(unit: &CodeUnit, has_primitive: bool) -> Option<Shortcut> {
    if has_primitive || unit.kind != CodeKind::Method {
        return None;
    }
    let first = Instruction(*unit.words.first()?);
    let answers = |constant| {
        let next = Instruction(*unit.words.get(1)?);
        (next == Instruction::abc(Op::Return, first.a() as u8, 0, 0)).then_some(Shortcut::Constant(constant))
    };
    match (first.op()?, unit.words.get(1..)?) {
        (Op::ReturnSelf, _) => Some(Shortcut::Receiver),
        (Op::LoadNil, _) => answers(Constant::Nil),
        (Op::LoadTrue, _) => answers(Constant::Boolean(true)),
        (Op::LoadFalse, _) => answers(Constant::Boolean(false)),
        (Op::LoadInteger, _) => answers(Constant::Integer(first.signed_bx() as i16)),
        (Op::LoadSlot, &[next, ..])
            if Instruction(next) == Instruction::abc(Op::Return, first.a() as u8, 0, 0) =>
        {
            Some(Shortcut::Getter(first.bx() as u32))
        }
        (Op::StoreSlot, &[slot, next, ..]) if unit.arguments == 1 && first.a() == 1 => {
            (Instruction(next).op() == Some(Op::ReturnSelf)).then_some(Shortcut::Setter(slot))
        }
        _ => None,
    }
}
