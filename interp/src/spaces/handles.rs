//! What hypervisors hold on to in a space: cells outside its heap.
//!
//! \[mirror-cells\] While the space is suspended, its cells are roots, so that a script's new objects live until it has put them somewhere. When
//! the space runs, they are weak but for those that are held: a cell whose object died is empty, and says so, for ever.

use instar_heap::Oop;
use instar_heap::heap::Bounds;

/// A cell of a space's [`Mirrors`]. One that was let go of is not mistaken for the cell's next use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle {
    pub(super) number: u32,
    pub(super) generation: u32,
}

#[derive(Debug)]
struct Cell {
    oop: Oop,
    generation: u32,
    is_used: bool,
    /// Strong also while the space runs.
    is_held: bool,
}

/// All handles of a space.
#[derive(Debug, Default)]
pub struct Mirrors {
    cells: Vec<Cell>,
    free: Vec<u32>,
    is_weak: bool,
}

/// What a handle leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An immediate, or an object or forwarder that lives.
    Live(Oop),
    /// The object died.
    Dead,
    /// Somebody let go of the handle.
    Released,
}

impl Mirrors {
    pub(super) fn add(&mut self, oop: Oop) -> Handle {
        let number = self.free.pop().unwrap_or_else(|| {
            self.cells.push(Cell { oop: Oop::NULL, generation: 0, is_used: false, is_held: false });
            (self.cells.len() - 1) as u32
        });
        let cell = &mut self.cells[number as usize];
        (cell.oop, cell.is_used) = (oop, true);
        Handle { number, generation: cell.generation }
    }

    pub(super) fn get(&self, handle: Handle) -> Target {
        let cell = self.cells.get(handle.number as usize);
        match cell.filter(|cell| cell.is_used && cell.generation == handle.generation) {
            None => Target::Released,
            Some(cell) if cell.oop == Oop::NULL => Target::Dead,
            Some(cell) => Target::Live(cell.oop),
        }
    }

    /// Lets go of a handle; nothing happens if that was done before.
    pub(super) fn release(&mut self, handle: Handle) {
        if self.get(handle) == Target::Released {
            return;
        }
        let cell = &mut self.cells[handle.number as usize];
        (cell.oop, cell.is_used, cell.is_held) = (Oop::NULL, false, false);
        cell.generation = cell.generation.wrapping_add(1);
        self.free.push(handle.number);
    }

    /// Lets go of all.
    pub(super) fn release_all(&mut self) {
        for number in 0..self.cells.len() as u32 {
            let generation = self.cells[number as usize].generation;
            self.release(Handle { number, generation });
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.cells.len() - self.free.len()
    }

    pub(super) fn set_weak(&mut self, is_weak: bool) {
        self.is_weak = is_weak;
    }

    /// Lets the object live until the handle is released, or no longer than others.
    pub(super) fn hold(&mut self, handle: Handle, is_held: bool) {
        if matches!(self.get(handle), Target::Live(_)) {
            self.cells[handle.number as usize].is_held = is_held;
        }
    }

    fn references(&mut self, are_weak: bool) -> impl Iterator<Item = &mut Oop> {
        let runs = self.is_weak;
        let cells = self.cells.iter_mut().filter(move |cell| (runs && !cell.is_held) == are_weak);
        cells.map(|cell| &mut cell.oop).filter(|oop| oop.is_pointer() && **oop != Oop::NULL)
    }

    pub(crate) fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.references(false).for_each(visitor);
    }

    pub(crate) fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.references(true).for_each(visitor);
    }

    pub(crate) fn visit_weak_young(&mut self, young: Bounds, visitor: &mut dyn FnMut(&mut Oop)) {
        self.references(true).filter(|oop| young.is_young_pointer(**oop)).for_each(visitor);
    }
}
