//! Which registers hold cells objects.
//!
//! Cells objects are the one thing besides that must be known of a register's content: `LoadCell` reads an element
//! without a check, and no other instruction may read such a register, so that guest code never sees a cells object.
//! [cells] Which registers hold them is inferred in the order of the code: a register does from the instruction that
//! puts a cells object there, until it is written again or the height falls to it. What is inferred for an
//! instruction must hold for every jump to it, and nothing else below its height may be a cells object.

use std::collections::BTreeMap;

use super::Reason;
use crate::code::CopiedCells;

/// Cells objects at jumps, all together, that are kept in mind. Only code that is made to be slow has so many.
const MAX_DUES: usize = 1 << 20;

/// A register that holds a cells object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cells {
    register: usize,
    count: usize,
    /// The word whose instruction put it there, plus 1; 0 if it was there on entry.
    birth: usize,
}

/// What is known at the instruction under consideration, and what must be at others.
pub(super) struct Inference {
    live: Vec<Cells>,
    /// What was live at the heads of loops that were passed, ascending. Those without cells are left out.
    at_heads: Vec<(usize, Vec<Cells>)>,
    /// What must be live at words ahead, because it is at a jump to them.
    due: BTreeMap<usize, Vec<Cells>>,
    /// How much was ever in `due`.
    dues: usize,
}

impl Inference {
    pub fn new(copied: &[CopiedCells]) -> Self {
        let cells = |cells: &CopiedCells| Cells {
            register: usize::from(cells.register),
            count: usize::from(cells.count),
            birth: 0,
        };
        let live = copied.iter().map(cells).collect();
        Inference { live, at_heads: Vec::new(), due: BTreeMap::new(), dues: 0 }
    }

    /// Whether there is nothing to do.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.live.is_empty() && self.due.is_empty()
    }

    /// Compares what is inferred for a word with what jumps to it bring. `earliest`: the word, plus 1, of the first jump
    /// to it from before it; `falls`: whether execution may come from the instruction before.
    pub fn arrive(&mut self, word: usize, height: usize, earliest: usize, falls: bool) -> Result<(), Reason> {
        self.live.retain(|cells| cells.register < height);
        // A cells object that was made after a jump to here left cannot have come by that jump.
        if falls && self.live.iter().any(|cells| cells.birth >= earliest) {
            return Err(Reason::Cells);
        }
        self.live.retain(|cells| cells.birth < earliest);
        while let Some(entry) = self.due.first_entry().filter(|entry| *entry.key() <= word) {
            if !entry.remove().iter().all(|cells| self.live.contains(cells)) {
                return Err(Reason::Cells);
            }
        }
        Ok(())
    }

    /// The word is the head of a loop.
    pub fn pass_head(&mut self, word: usize) {
        if !self.live.is_empty() {
            self.at_heads.push((word, self.live.clone()));
        }
    }

    /// There is a jump from here to a word ahead, with the height there.
    pub fn jump(&mut self, word: usize, height: usize) -> Result<(), Reason> {
        if self.live.is_empty() {
            return Ok(());
        }
        let live = self.live.iter().filter(|cells| cells.register < height).copied();
        let due = self.due.entry(word).or_default();
        let before = due.len();
        due.extend(live);
        self.dues += due.len() - before;
        (self.dues <= MAX_DUES).then_some(()).ok_or(Reason::TooLarge)
    }

    /// There is a jump from here back to the head of a loop.
    pub fn jump_back(&self, head: usize, height: usize) -> Result<(), Reason> {
        let at_head = match self.at_heads.binary_search_by_key(&head, |(word, _)| *word) {
            Ok(at) => &self.at_heads[at].1[..],
            Err(_) => &[],
        };
        if !at_head.iter().all(|cells| self.live.contains(cells)) {
            return Err(Reason::CellsLost);
        }
        let mut carried = self.live.iter().filter(|cells| cells.register < height);
        carried.all(|cells| at_head.contains(cells)).then_some(()).ok_or(Reason::Cells)
    }

    /// The number of elements of the cells object in the register, if there is one.
    #[inline]
    pub fn count(&self, register: usize) -> Option<usize> {
        self.live.iter().find(|cells| cells.register == register).map(|cells| cells.count)
    }

    /// The instruction at `word` puts a cells object into the register, which was forgotten before.
    pub fn put(&mut self, register: usize, count: usize, word: usize) {
        self.live.push(Cells { register, count, birth: word + 1 });
    }

    /// The register is written.
    #[inline]
    pub fn forget(&mut self, register: usize) {
        self.live.retain(|cells| cells.register != register);
    }

    /// All registers from this one on are lost.
    #[inline]
    pub fn forget_from(&mut self, register: usize) {
        self.live.retain(|cells| cells.register < register);
    }
}
