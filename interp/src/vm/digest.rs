//! A digest of a program's state, by which a test knows whether anything has changed.
//!
//! **Algorithm.** Objects are numbered in the order in which they are first met, breadth first from the roots, and each is mixed into the
//! digest with the number of its class, its size, identity hash, flags and contents, references as numbers. So the digest is the same wherever
//! objects lie, and whether references lead over forwarders or not. Weak slots say at the end which of the numbered objects they hold:
//! what only they hold is no state.
//!
//! **Roots** are the classes and objects that the runtime knows, what the caller names, and the activations of all processes but the active
//! one: their code, place in it, registers and barriers. The active process asks, and is left out, as are the objects that the caller names: they have a
//! number and nothing else.
//!
//! Takes some 100 ns and 30 bytes of the process's memory for each object; the guest stands still meanwhile.

use std::collections::{HashMap, TryReserveError};

use instar_heap::{ClassIndex, Format, Header, HeaderFlags, HeapError, Obj, Oop};

use super::Space;
use super::stack::Mark;
use crate::objects::{Special, Value};

/// Bits of the result: it is a small integer for the guest.
const BITS: u32 = 60;

struct Digest<'s> {
    space: &'s Space,
    numbers: HashMap<u64, u32>,
    /// Numbered objects whose contents are still to be mixed in.
    pending: std::collections::VecDeque<Oop>,
    weak: Vec<Oop>,
    state: u64,
}

impl Space {
    /// The digest of what is reachable from the space's own roots and the elements of `roots`, without the contents of `left_out`; both are Arrays.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`] of the process's own memory.
    pub(crate) fn digest(&mut self, roots: Oop, left_out: Oop) -> Result<u64, HeapError> {
        self.set_active_top();
        let bytes = self.mutator.heap().used_bytes();
        let limit = self.mutator.heap().config().limit_bytes;
        self.digest_of(roots, left_out).map_err(|_| HeapError::OutOfMemory {
            requested: bytes / 2,
            used: bytes,
            limit,
        })
    }

    fn digest_of(&self, roots: Oop, left_out: Oop) -> Result<u64, TryReserveError> {
        let mut digest = Digest {
            space: self,
            numbers: HashMap::new(),
            pending: std::collections::VecDeque::new(),
            weak: Vec::new(),
            state: 0,
        };
        let left_out = self.value(left_out);
        for object in (0..left_out.slots()).filter_map(|index| left_out.slot(index)) {
            digest.number(object)?;
        }
        digest.number(self.active_process())?;
        // Their contents are nobody's business.
        digest.pending.clear();
        let reserve = Special::Reserve as usize;
        let special = self.roots.special.iter().enumerate().filter(|&(role, _)| role != reserve);
        for &root in self.roots.classes.iter().chain(special.map(|(_, root)| root)) {
            digest.reference(self.value(root))?;
        }
        let roots = self.value(roots);
        for root in (0..roots.slots()).filter_map(|index| roots.slot(index)) {
            digest.reference(root)?;
        }
        for number in (0..self.roots.stacks.len()).filter(|&number| number != self.roots.active) {
            digest.stack(number)?;
        }
        while let Some(object) = digest.pending.pop_front() {
            digest.contents(object)?;
        }
        for index in 0..digest.weak.len() {
            digest.weak_slots(digest.weak[index]);
        }
        digest.mix(digest.numbers.len() as u64);
        digest.mix(self.floor as u64);
        Ok(digest.state >> (u64::BITS - BITS))
    }
}

impl Digest<'_> {
    /// A step of a multiply-xorshift hash.
    fn mix(&mut self, word: u64) {
        let mixed = (self.state ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.state = mixed ^ (mixed >> 29);
    }

    /// The number of an object, a new one if it was not met before; of an immediate its bits.
    fn number(&mut self, value: Value<'_>) -> Result<u64, TryReserveError> {
        let bits = value.oop().bits();
        if value.object().is_none() {
            return Ok(bits);
        }
        if let Some(&number) = self.numbers.get(&bits) {
            return Ok(u64::from(number));
        }
        self.numbers.try_reserve(1)?;
        self.pending.try_reserve(1)?;
        let number = self.numbers.len() as u32;
        self.numbers.insert(bits, number);
        self.pending.push_back(value.oop());
        Ok(u64::from(number))
    }

    fn reference(&mut self, value: Value<'_>) -> Result<(), TryReserveError> {
        let number = self.number(value)?;
        self.mix(u64::from(value.object().is_some()));
        self.mix(number);
        Ok(())
    }

    /// An object that was numbered: all of it.
    fn contents(&mut self, oop: Oop) -> Result<(), TryReserveError> {
        let value = self.space.value(oop);
        let Some(object) = value.object() else { return Ok(()) };
        let header = object.header();
        self.reference(value.class())?;
        self.shape(object, header);
        if !header.format().has_pointers() {
            for &byte in value.bytes().unwrap_or(&[]) {
                self.mix(u64::from(byte));
            }
            return Ok(());
        }
        let strong = if header.format().is_strong() { value.slots() } else { strong_slots(value, header) };
        for slot in (0..strong).filter_map(|index| value.slot(index)) {
            self.reference(slot)?;
        }
        if strong < value.slots() {
            self.weak.try_reserve(1)?;
            self.weak.push(oop);
        }
        Ok(())
    }

    fn shape(&mut self, object: Obj, header: Header) {
        self.mix(object.slots_of(header) as u64);
        self.mix(u64::from(header.hash().get()));
        self.mix(u64::from(header.format().bits()));
        let kept = HeaderFlags::PINNED | HeaderFlags::IMMUTABLE | HeaderFlags::CLASS;
        self.mix((header.flags() & kept).bits());
    }

    /// Which numbered objects a weak object holds.
    fn weak_slots(&mut self, oop: Oop) {
        let value = self.space.value(oop);
        let Some(object) = value.object() else { return };
        for slot in
            (strong_slots(value, object.header())..value.slots()).filter_map(|index| value.slot(index))
        {
            // What nothing else holds may be gone already.
            let number = self.numbers.get(&slot.oop().bits()).map_or(0, |&number| u64::from(number) + 1);
            self.mix(if slot.is_nil() { 0 } else { number });
        }
    }

    /// The activations of a process that does not run.
    fn stack(&mut self, number: usize) -> Result<(), TryReserveError> {
        let space = self.space;
        let Some(stack) = space.roots.stacks[number].as_ref() else { return Ok(()) };
        self.mix(number as u64);
        self.reference(space.value(stack.process))?;
        for (level, frame) in (0..=stack.top).filter_map(|level| Some((level, stack.frame(level)?))) {
            self.reference(space.value(frame.method))?;
            self.mix(frame.word() as u64);
            self.mix(u64::from(frame.mark.has(Mark::BARRIER)));
            for &register in stack.registers_of(level) {
                self.reference(space.value(register))?;
            }
        }
        Ok(())
    }
}

/// How many slots of an object with weak ones are strong: the named ones, and of an ephemeron all but the key.
fn strong_slots(value: Value<'_>, header: Header) -> usize {
    if header.format() == Format::EPHEMERON || header.has_class(ClassIndex::FREE) {
        0
    } else {
        value.named_slots()
    }
}
