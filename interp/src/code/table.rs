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

/// What the table knows of one method's or block's code besides it.
#[derive(Debug)]
struct Slot {
    /// The CompiledMethod or CompiledBlock, not kept alive by this. The code's own `method` is the same.
    method: Oop,
    /// What the code is made of when it is asked for; `None` if it was made here.
    image: Option<Arc<CodeImage>>,
    /// Whether `learned` has its number.
    has_learned: bool,
}

/// All code of a space, by number. The address of code does not change while its method lives.
#[derive(Default, Debug)]
pub struct CodeTable {
    /// Empty where no code is, and where there is none yet: a load and a test find what runs.
    codes: Vec<OnceCell<Box<Code>>>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// Numbers of the code whose caches are not empty: a flush touches no other, and most of a kernel's code never runs.
    learned: Vec<u32>,
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
            self.codes.push(OnceCell::new());
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        code.number = number;
        self.slots[number as usize] = Some(Slot { method: code.method, image: None, has_learned: false });
        self.codes[number as usize] = OnceCell::from(Box::new(code));
        number
    }

    /// The code of a number, if there is one.
    #[inline]
    pub fn get(&self, number: usize) -> Option<&Code> {
        match self.codes.get(number)?.get() {
            Some(code) => Some(code),
            None => self.made(number),
        }
    }

    /// Code is asked for the first time.
    #[cold]
    #[inline(never)]
    fn made(&self, number: usize) -> Option<&Code> {
        let slot = self.slots.get(number)?.as_ref()?;
        let image = slot.image.as_ref()?;
        Some(self.codes[number].get_or_init(|| Box::new(image.code(slot.method))))
    }

    /// As [`get`](Self::get), to be changed.
    pub(crate) fn get_mut(&mut self, number: usize) -> Option<&mut Code> {
        self.get(number)?;
        if let Some(slot) = self.slots[number].as_mut() {
            slot.image = None;
        }
        self.codes[number].get_mut().map(|code| &mut **code)
    }

    /// The methods and blocks that have code.
    pub fn methods(&self) -> impl Iterator<Item = Oop> + '_ {
        self.slots.iter().flatten().map(|slot| slot.method)
    }

    /// A cache of the code with this number is about to be filled.
    pub(crate) fn note_learning(&mut self, number: u32) {
        if let Some(Some(slot)) = self.slots.get_mut(number as usize)
            && !std::mem::replace(&mut slot.has_learned, true)
        {
            self.learned.push(number);
        }
    }

    /// Forgets what all sends learned.
    pub(crate) fn flush(&mut self) {
        for number in self.learned.drain(..).map(|number| number as usize) {
            if let Some(slot) = &mut self.slots[number] {
                slot.has_learned = false;
            }
            if let Some(code) = self.codes[number].get_mut() {
                code.flush();
            }
        }
    }

    /// Frees the code of methods that died. Caches must have been flushed, and frames keep their methods alive.
    pub(crate) fn purge(&mut self) {
        for (number, slot) in self.slots.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|slot| slot.method == Oop::NULL) {
                *slot = None;
                self.codes[number] = OnceCell::new();
                self.free.push(number as u32);
            }
        }
    }

    fn visit_if(&mut self, is_visited: impl Fn(Oop) -> bool, visitor: &mut dyn FnMut(&mut Oop)) {
        for (slot, code) in self.slots.iter_mut().zip(&mut self.codes) {
            let Some(slot) = slot.as_mut().filter(|slot| is_visited(slot.method)) else { continue };
            visitor(&mut slot.method);
            if let Some(code) = code.get_mut() {
                code.set_method(slot.method);
            }
        }
    }

    /// Shows the references to methods, which do not keep them alive.
    pub fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.visit_if(|_| true, visitor);
    }

    /// Shows the references to young methods.
    pub fn visit_weak_young(&mut self, young: Bounds, visitor: &mut dyn FnMut(&mut Oop)) {
        self.visit_if(|method| young.is_young_pointer(method), visitor);
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
        let entry = |(slot, code): (&Option<Slot>, &OnceCell<Box<Code>>)| {
            let slot = slot.as_ref().filter(|slot| slot.method != Oop::NULL)?;
            let image = match &slot.image {
                Some(image) => image.clone(),
                None => Arc::new(code.get()?.image()),
            };
            Some((slot.method, image))
        };
        CodeTableImage { codes: self.slots.iter().zip(&self.codes).map(entry).collect() }
    }

    /// The table of a space made of an image.
    pub(crate) fn of_image(image: &CodeTableImage, relocation: Relocation) -> CodeTable {
        let mut table = CodeTable::default();
        for (number, entry) in image.codes.iter().enumerate() {
            if entry.is_none() {
                table.free.push(number as u32);
            }
            table.codes.push(OnceCell::new());
            table.slots.push(entry.as_ref().map(|(method, code)| Slot {
                method: relocation.apply(*method),
                image: Some(code.clone()),
                has_learned: false,
            }));
        }
        table
    }
}
