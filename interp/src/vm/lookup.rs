//! From class and selector to what a send does: method dictionaries and the caches before them.
//!
//! \[caches\] An entry is right as long as no method dictionary on its class's chain, no superclass and no class index changed.
//! Whoever changes one of these flushes all caches; so does the first poll after a full collection, which may have freed class indices
//! and code.

#![allow(unsafe_code)]

use instar_heap::memory::resolve;
use instar_heap::{ClassIndex, Format, HeaderFlags, Obj, Oop};

use super::Space;
use crate::code::{Action, Code, CodeKind, Constant, Entry, Shortcut};
use crate::objects::layout::{behavior, compiled, hashed};
use crate::objects::value::MOST_SUPERCLASSES;
use crate::objects::{Known, Value};
use crate::primitives::Primitive;

const LOG_LINES: u32 = 11;

/// The space's cache, keyed by class index and selector. Selectors in it are old, so that scavenges do not move them.
pub(crate) struct LookupCache {
    lines: Box<[Line]>,
}

#[derive(Clone, Copy)]
struct Line {
    selector: Oop,
    entry: Entry,
}

impl Default for LookupCache {
    fn default() -> Self {
        LookupCache { lines: vec![Line { selector: Oop::NULL, entry: Entry::NONE }; 1 << LOG_LINES].into() }
    }
}

impl LookupCache {
    fn line(&mut self, class: u32, selector: Oop) -> &mut Line {
        let mixed = (selector.bits() >> 4) ^ u64::from(class).wrapping_mul(0x9E37_79B9);
        &mut self.lines[(mixed ^ mixed >> LOG_LINES) as usize & ((1 << LOG_LINES) - 1)]
    }

    /// Forgets all.
    pub fn flush(&mut self) {
        self.lines.fill(Line { selector: Oop::NULL, entry: Entry::NONE });
    }
}

/// A method that a lookup found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// Executable code.
    Code(*const Code),
    /// Another object in a method dictionary: it is sent `run:with:in:`.
    Object(Oop),
}

impl Space {
    /// Forgets what all sends learned.
    pub(crate) fn flush_caches(&mut self) {
        if std::mem::take(&mut self.caches_used) {
            self.roots.codes.flush();
            self.cache.flush();
        }
    }

    /// What a send of `selector` to instances of `class` does. `arguments` is the send's number of them.
    pub(crate) fn entry_for(&mut self, class: ClassIndex, selector: Oop, arguments: usize) -> Entry {
        let line = self.cache.line(class.get(), selector);
        if line.selector == selector && line.entry.class == class.get() {
            return line.entry;
        }
        self.caches_used = true;
        let start = self.mutator.heap().classes.class(class).unwrap_or(self.nil());
        let entry = self.entry_from(start, class, selector, arguments);
        if selector.is_pointer() && !self.mutator.heap().is_young_pointer(selector) {
            *self.cache.line(class.get(), selector) = Line { selector, entry };
        }
        entry
    }

    /// As [`entry_for`](Self::entry_for), with the lookup beginning at `start`, a class.
    pub(crate) fn entry_from(&self, start: Oop, class: ClassIndex, selector: Oop, arguments: usize) -> Entry {
        match self.lookup(start, selector) {
            Some(Found::Code(code)) => {
                // SAFETY: [entry-code]: the method that was just found is alive.
                let code = unsafe { &*code };
                self.entry_of(code, class, arguments)
            }
            Some(Found::Object(_)) | None => {
                Entry { class: class.get(), action: Action::NotUnderstood, code: std::ptr::null() }
            }
        }
    }

    /// What calling `code` does to receivers of `class`.
    pub(crate) fn entry_of(&self, code: &Code, class: ClassIndex, arguments: usize) -> Entry {
        let spec = self.mutator.heap().classes.spec(class);
        let named =
            spec.filter(|spec| spec.format.has_pointers()).map_or(0, |spec| u32::from(spec.fixed_slots));
        let plain_array = spec.is_some_and(|spec| spec.fixed_slots == 0 && spec.format == Format::INDEXABLE);
        let fits = code.arguments as usize == arguments && code.kind != CodeKind::Block;
        let action = match (code.primitive, code.shortcut) {
            _ if !fits => Action::NotUnderstood,
            (Some(Primitive::Plain(function)), _) => Action::Plain(function),
            (Some(Primitive::Control(function)), _) => Action::Control(function),
            (Some(Primitive::BlockValue), _) if class == self.class_index(Known::BlockClosure) => {
                Action::BlockValue
            }
            (Some(Primitive::BlockValue), _) => Action::Activate,
            (Some(Primitive::At(_)), _) if plain_array && arguments == 1 => Action::ArrayAt,
            (Some(Primitive::AtPut(_)), _) if plain_array && arguments == 2 => Action::ArrayAtPut,
            (Some(Primitive::At(function) | Primitive::AtPut(function)), _) => Action::Plain(function),
            (None, Some(Shortcut::Getter(slot))) if slot < named => Action::Getter(slot),
            (None, Some(Shortcut::Setter(slot))) if slot < named => Action::Setter(slot),
            (None, Some(Shortcut::Receiver)) => Action::Receiver,
            (None, Some(Shortcut::Constant(constant))) => Action::Constant(self.constant(constant)),
            (None, _) => Action::Activate,
        };
        // A method of a class with more variables, put into this one by reflection: its slots are checked one by one.
        let code: *const Code = if code.slots_needed > named { code.checked() } else { code };
        Entry { class: class.get(), action, code }
    }

    fn constant(&self, constant: Constant) -> Oop {
        match constant {
            Constant::Nil => self.nil(),
            Constant::Boolean(value) => self.boolean(value),
            Constant::Integer(value) => Oop::small_integer(i64::from(value)).unwrap_or(self.nil()),
        }
    }

    /// Whether `class` is `ancestor` or inherits from it.
    pub(crate) fn inherits(&self, class: Value<'_>, ancestor: Value<'_>) -> bool {
        let mut at = class;
        for _ in 0..MOST_SUPERCLASSES {
            if at.oop() == ancestor.oop() {
                return true;
            }
            match at.slot(behavior::SUPERCLASS) {
                Some(superclass) if !superclass.is_nil() => at = superclass,
                _ => return false,
            }
        }
        false
    }

    /// Whether an object has the slots and the ancestry of a class.
    pub(crate) fn is_behavior(&self, value: Value<'_>) -> bool {
        // Every class's class is a metaclass, or the class of one.
        let class = value.class();
        [class, value].into_iter().any(|it| it.is(Known::Metaclass) || it.is(Known::ClassTrait))
    }

    /// The method for `selector` in `class` or above.
    pub(crate) fn lookup(&self, class: Oop, selector: Oop) -> Option<Found> {
        let mut class = self.value(class);
        for _ in 0..MOST_SUPERCLASSES {
            if class.is_nil() {
                return None;
            }
            if let Some(method) = class.slot(behavior::METHOD_DICT).and_then(|dict| method_at(dict, selector))
            {
                return Some(
                    self.code_of(method).map_or(Found::Object(method.oop()), |code| Found::Code(code)),
                );
            }
            class = class.slot(behavior::SUPERCLASS)?;
        }
        None
    }

    /// The code of a CompiledMethod or CompiledBlock; `None` for anything else.
    #[inline]
    pub(crate) fn code_of(&self, method: Value<'_>) -> Option<&Code> {
        let number = method.slot(compiled::CODE)?.as_index()?;
        self.roots.codes.get(number).filter(|code| code.method == method.oop())
    }

    /// What a send to instances of `class` does, by what the site has seen (all of it: the class may be that of a receiver which the
    /// compare took for a forwarder), or else by lookup, which the site then remembers if it has room.
    ///
    /// # Safety
    /// `site` is a cache of the top frame's code, and `method` its CompiledMethod or CompiledBlock.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn miss(&mut self, site: *mut crate::code::Site, method: Oop, class: u32) -> Entry {
        // SAFETY: the caller's promise.
        let site = unsafe { &mut *site };
        let first = [site.entry, site.second];
        if let Some(known) = first.iter().chain(&site.others).find(|entry| entry.class == class) {
            return *known;
        }
        let selector = self.selector_of(site.selector, method);
        let index = ClassIndex::new(class).unwrap_or(ClassIndex::FREE);
        let entry = self.entry_for(index, selector, usize::from(site.arguments));
        // SAFETY: [synced]
        unsafe { self.note_learning() };
        if site.entry.class == 0 {
            site.entry = entry;
        } else if site.second.class == 0 {
            site.second = entry;
        } else if site.others.len() < crate::code::executable::MOST_ENTRIES {
            site.others.push(entry);
        }
        entry
    }

    /// A cache of the top frame's code is about to be filled.
    ///
    /// # Safety
    /// [synced]
    pub(super) unsafe fn note_learning(&mut self) {
        // SAFETY: [frame-code] the code of a frame lives.
        let code = unsafe { &*(*self.roots.frame).code };
        let number = code.number;
        debug_assert!(self.roots.codes.get(number as usize).is_some_and(|known| known.method == code.method));
        self.roots.codes.note_learning(number);
    }

    /// The selector in literal `number` of `method`.
    pub(crate) fn selector_of(&self, number: u16, method: Oop) -> Oop {
        let literal = crate::objects::layout::COMPILED_NAMED + usize::from(number);
        self.value(method).slot(literal).map_or(self.nil(), Value::oop)
    }
}

/// The method that a method dictionary has for `selector`.
pub(crate) fn method_at<'s>(dict: Value<'s>, selector: Oop) -> Option<Value<'s>> {
    let named = dict.named_slots();
    let size = dict.slots().checked_sub(named).filter(|&size| size > 0)?;
    let space = dict.space();
    let start = space.value(selector).identity_hash() as usize % size;
    for step in 0..size {
        let at = (start + step) % size;
        let key = dict.slot(named + at)?;
        if key.oop() == selector {
            return dict.slot(hashed::ARRAY)?.slot(at);
        }
        if key.is_nil() {
            return None;
        }
    }
    None
}

/// The class index of a word; that of a forwarder is [`ClassIndex::FORWARDER`].
///
/// # Safety
/// `oop` is an immediate or refers to a live object or forwarder.
#[inline(always)]
pub(crate) unsafe fn class_of(oop: Oop) -> u32 {
    if oop.is_pointer() {
        // SAFETY: the caller's promise.
        unsafe { Obj::from_oop(oop) }.header().class_index().get()
    } else {
        oop.tag_bits() as u32
    }
}

/// Whether stores into `object` are refused.
#[inline(always)]
pub(crate) fn is_immutable(object: Obj) -> bool {
    object.header().has_any(HeaderFlags::IMMUTABLE)
}

/// The end of the chain that begins at `oop`.
///
/// # Safety
/// As for [`class_of`].
#[inline]
pub(crate) unsafe fn followed(oop: Oop) -> Oop {
    // SAFETY: the caller's promise.
    unsafe { resolve(oop) }
}
