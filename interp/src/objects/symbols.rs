//! The symbol table: one Symbol for each text. It refers to its symbols weakly.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use instar_heap::Oop;
use instar_heap::heap::Bounds;
use instar_heap::image::Relocation;

/// Symbols by their text. Texts are compared in the encoding that symbols have in the heap.
#[derive(Clone, Default)]
pub struct SymbolTable {
    numbers: HashTable<(u64, u32)>,
    cells: Vec<Oop>,
    free: Vec<u32>,
}

/// The hash of a symbol's bytes.
pub fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

impl SymbolTable {
    /// The symbol for which `is_it` holds among those of this hash.
    pub fn find(&self, hash: u64, is_it: impl Fn(Oop) -> bool) -> Option<Oop> {
        let is_equal = |&(other, number): &(u64, u32)| {
            let oop = self.cells[number as usize];
            other == hash && oop != Oop::NULL && is_it(oop)
        };
        self.numbers.find(hash, is_equal).map(|&(_, number)| self.cells[number as usize])
    }

    /// Adds a symbol that is not in the table.
    pub fn add(&mut self, hash: u64, symbol: Oop) {
        let number = self.free.pop().unwrap_or_else(|| {
            self.cells.push(Oop::NULL);
            (self.cells.len() - 1) as u32
        });
        self.cells[number as usize] = symbol;
        self.numbers.insert_unique(hash, (hash, number), |&(hash, _)| hash);
    }

    /// Drops the entries of symbols that died. After a full collection.
    pub fn purge(&mut self) {
        let (cells, free) = (&self.cells, &mut self.free);
        self.numbers.retain(|&mut (_, number)| {
            let lives = cells[number as usize] != Oop::NULL;
            if !lives {
                free.push(number);
            }
            lives
        });
    }

    /// Shows the cells, which do not keep the symbols alive.
    pub fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.cells.iter_mut().for_each(visitor);
    }

    /// Shows the cells that refer to young symbols.
    pub fn visit_weak_young(&mut self, young: Bounds, visitor: &mut dyn FnMut(&mut Oop)) {
        self.cells.iter_mut().filter(|cell| young.is_young_pointer(**cell)).for_each(visitor);
    }

    /// All symbols, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = Oop> + '_ {
        self.cells.iter().copied().filter(|&oop| oop != Oop::NULL)
    }

    /// The table of a space made of an image.
    pub(crate) fn relocated(&self, relocation: Relocation) -> SymbolTable {
        let mut table = self.clone();
        table.cells.iter_mut().for_each(|cell| *cell = relocation.apply(*cell));
        table
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}
