//! The classes that the runtime makes instances of, after some were replaced.
//!
//! \[known-shape\] Runtime code stores into named slots of objects that it has made of known classes, without looking at their shape. So the index of
//! a known class only changes to that of a shape which has these slots where they were. A class that the guest gives another shape goes on
//! with the old one as far as the runtime makes instances.

use instar_heap::{ClassIndex, Format};

use super::Space;
use crate::objects::layout::{LAYOUTS, behavior};
use crate::objects::{Known, Value};

/// The variables that the runtime relies on in instances of a class, with their slots.
pub(crate) fn runtime_variables(class: &str) -> &'static [(&'static str, usize)] {
    LAYOUTS.iter().find(|(name, _)| *name == class).map_or(&[], |(_, slots)| slots)
}

impl Space {
    /// Reads the indices of known classes again, after classes were replaced.
    pub(crate) fn refresh_indices(&mut self) {
        for &known in Known::ALL {
            let class = self.known_class(known);
            let index = class.slot(behavior::CLASS_INDEX).and_then(Value::as_index);
            let index = index.and_then(|index| u32::try_from(index).ok()).and_then(ClassIndex::new);
            if let Some(index) = index.filter(|&index| self.fits(known, index)) {
                self.indices[known as usize] = index;
            }
        }
    }

    /// [known-shape]
    fn fits(&self, known: Known, index: ClassIndex) -> bool {
        let classes = &self.mutator.heap().classes;
        let current = self.class_index(known);
        let is_built_in = [
            ClassIndex::UNDEFINED,
            ClassIndex::SMALL_INTEGER,
            ClassIndex::CHARACTER,
            ClassIndex::SMALL_FLOAT,
        ]
        .contains(&current);
        let stands_for_it = classes
            .class(index)
            .is_some_and(|class| self.value(class).oop() == self.known_class(known).oop());
        let (Some(old), Some(new)) = (classes.spec(current), classes.spec(index)) else { return false };
        let needed = runtime_variables(known.name()).iter().map(|(_, slot)| slot + 1).max().unwrap_or(0);
        let has_slots = if new.format == Format::FIXED {
            usize::from(new.fixed_slots) >= needed
        } else {
            new.fixed_slots == old.fixed_slots
        };
        !is_built_in && stands_for_it && new.format == old.format && has_slots
    }

    /// Whether the runtime makes instances with this index.
    pub(crate) fn is_known_index(&self, index: ClassIndex) -> bool {
        self.indices.contains(&index)
    }
}
