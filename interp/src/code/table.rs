//! The table that owns all code of a space.
//!
//! A space that is made of an image has the image's code at first, and makes its own of it, with caches, when that is first asked for: most of a
//! kernel's code never runs, and its caches would take more memory than all else.

use std::cell::OnceCell;
use std::sync::Arc;

use instar_heap::Oop;
use instar_heap::heap::Bounds;
use instar_heap::image::Relocation;

use super::executable::{Code, CodeImage};

/// One method's or block's code.
#[derive(Debug)]
struct Slot {
    /// The CompiledMethod or CompiledBlock, not kept alive by this. The code's own `method` is the same.
    method: Oop,
    /// What the code is made of when it is asked for; `None` if it was made here.
    image: Option<Arc<CodeImage>>,
    code: OnceCell<Box<Code>>,
}

impl Slot {
    #[inline]
    fn code(&self) -> Option<&Code> {
        match self.code.get() {
            Some(code) => Some(code),
            None => self.made(),
        }
    }

    #[cold]
    fn made(&self) -> Option<&Code> {
        let image = self.image.as_ref()?;
        Some(self.code.get_or_init(|| Box::new(image.code(self.method))))
    }

    fn visit_method(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        visitor(&mut self.method);
        if let Some(code) = self.code.get_mut() {
            code.set_method(self.method);
        }
    }
}

/// All code of a space, by number. The address of code does not change while its method lives.
#[derive(Default, Debug)]
pub struct CodeTable {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
}

/// The code of an image, by number.
#[derive(Debug)]
pub(crate) struct CodeTableImage {
    codes: Vec<Option<(Oop, Arc<CodeImage>)>>,
}

impl CodeTable {
    /// Takes in verified code. The method's oop must be set.
    pub(crate) fn add(&mut self, mut code: Code) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        code.number = number;
        let slot = Slot { method: code.method, image: None, code: OnceCell::from(Box::new(code)) };
        self.slots[number as usize] = Some(slot);
        number
    }

    /// The code of a number, if there is one.
    #[inline]
    pub fn get(&self, number: usize) -> Option<&Code> {
        self.slots.get(number)?.as_ref()?.code()
    }

    /// As [`get`](Self::get), to be changed.
    pub(crate) fn get_mut(&mut self, number: usize) -> Option<&mut Code> {
        let slot = self.slots.get_mut(number)?.as_mut()?;
        slot.code()?;
        slot.image = None;
        slot.code.get_mut().map(|code| &mut **code)
    }

    /// The methods and blocks that have code.
    pub fn methods(&self) -> impl Iterator<Item = Oop> + '_ {
        self.slots.iter().flatten().map(|slot| slot.method)
    }

    /// Forgets what all sends learned.
    pub(crate) fn flush(&mut self) {
        self.slots.iter_mut().flatten().filter_map(|slot| slot.code.get_mut()).for_each(|code| code.flush());
    }

    /// Frees the code of methods that died. Caches must have been flushed, and frames keep their methods alive.
    pub(crate) fn purge(&mut self) {
        for (number, slot) in self.slots.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|slot| slot.method == Oop::NULL) {
                *slot = None;
                self.free.push(number as u32);
            }
        }
    }

    /// Shows the references to methods, which do not keep them alive.
    pub fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.slots.iter_mut().flatten().for_each(|slot| slot.visit_method(visitor));
    }

    /// Shows the references to young methods.
    pub fn visit_weak_young(&mut self, young: Bounds, visitor: &mut dyn FnMut(&mut Oop)) {
        for slot in self.slots.iter_mut().flatten().filter(|slot| young.is_young_pointer(slot.method)) {
            slot.visit_method(visitor);
        }
    }

    /// Number of codes.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All code as it is, for other spaces. What this space had of an image already is shared.
    pub(crate) fn image(&self) -> CodeTableImage {
        let image_of = |slot: &Slot| match (&slot.image, slot.code.get()) {
            (Some(image), _) => Some(image.clone()),
            (None, Some(code)) => Some(Arc::new(code.image())),
            (None, None) => None,
        };
        let entry = |slot: &Slot| {
            (slot.method != Oop::NULL).then(|| image_of(slot).map(|image| (slot.method, image)))
        };
        CodeTableImage {
            codes: self.slots.iter().map(|slot| slot.as_ref().and_then(entry).flatten()).collect(),
        }
    }

    /// The table of a space made of an image.
    pub(crate) fn of_image(image: &CodeTableImage, relocation: Relocation) -> CodeTable {
        let mut table = CodeTable::default();
        for (number, entry) in image.codes.iter().enumerate() {
            if entry.is_none() {
                table.free.push(number as u32);
            }
            table.slots.push(entry.as_ref().map(|(method, code)| Slot {
                method: relocation.apply(*method),
                image: Some(code.clone()),
                code: OnceCell::new(),
            }));
        }
        table
    }
}
