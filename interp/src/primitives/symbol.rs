//! Symbols: from characters to the one Symbol that has them.

use instar_heap::Oop;

use super::string::{argument_text, receiver_text};
use super::{Answer, Call, Primitive, Table};
use crate::objects::{Known, Special};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("symbolIntern", Primitive::Plain(intern)),
    ("symbolFind", Primitive::Plain(find)),
    ("symbolAll", Primitive::Plain(all)),
];

fn intern(space: &mut Space, call: Call) -> Answer {
    let text: String = receiver_text(space, call)?.characters().collect();
    space.symbol(&text).map_err(|error| space.memory_failure(error))
}

fn find(space: &mut Space, call: Call) -> Answer {
    let text: String = argument_text(space, call, 0)?.characters().collect();
    Ok(space.existing_symbol(&text).unwrap_or(space.nil()))
}

/// How often `all` tries: an allocation may collect, and Symbols may die in that.
const ATTEMPTS: usize = 3;

fn all(space: &mut Space, _call: Call) -> Answer {
    for _ in 0..ATTEMPTS {
        let count = space.roots.symbols.iter().count();
        let array = space.allocate_known(Known::Array, count).map_err(|error| space.memory_failure(error))?;
        let symbols: Vec<Oop> = space.roots.symbols.iter().map(|symbol| space.value(symbol).oop()).collect();
        if symbols.len() == count {
            for (index, &symbol) in symbols.iter().enumerate() {
                space.put(array.oop(), index, symbol);
            }
            return Ok(array.oop());
        }
    }
    Err(space.failure(Special::NoMemory))
}
