//! The meta-object protocol's instance migration (Espell 4.2).

#![allow(unsafe_code)]

use std::collections::HashMap;

use instar_become::HashRule;
use instar_heap::{HeaderFlags, Oop};

use super::error::MirrorError;
use super::meta::{Meta, Mirror};
use crate::objects::layout::behavior;
use crate::objects::{Known, Value};
use crate::vm::swap::Swap;

/// Elements of Strings whose characters take four bytes each.
const WIDE: usize = 4;

impl Meta<'_> {
    /// *create instance*: a new instance of the class, with so many indexable elements (0 for classes without).
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: instances have no indexable elements, or only the runtime makes them.
    pub fn create_instance(&mut self, class: Mirror, elements: usize) -> Result<Mirror, MirrorError> {
        let value = self.class_value(class)?;
        let is_code =
            [Known::CompiledMethod, Known::CompiledBlock].map(|class| self.own().class_index(class));
        let index = self.index_of(value).filter(|index| !index.is_built_in() && !is_code.contains(index));
        let refused = || format!("only the runtime makes instances of {}", self.own().describe_class(value));
        let index = index.ok_or_else(|| MirrorError::WrongShape(refused()))?;
        let is_wide = [Known::WideString, Known::WideSymbol]
            .into_iter()
            .any(|wide| self.own().known_class(wide).oop() == value.oop());
        let elements = elements.saturating_mul(if is_wide { WIDE } else { 1 });
        let object = self.own_mut().allocate(index, elements)?;
        Ok(self.mirror(object.oop()))
    }

    /// *instances of*: those that live. A full collection comes first, so that none is dead.
    ///
    /// # Errors
    /// [`MirrorError`]: it is no class.
    pub fn instances_of(&mut self, class: Mirror) -> Result<Vec<Mirror>, MirrorError> {
        self.class_value(class)?;
        self.collect();
        let value = self.class_value(class)?;
        let index = self.index_of(value);
        let Some(index) = index.filter(|index| !index.is_built_in()) else { return Ok(Vec::new()) };
        let space = self.own_mut();
        let mut found = Vec::new();
        space.for_each_object(|object| {
            if object.header().class_index() == index {
                found.push(object.oop());
            }
        });
        Ok(found.into_iter().map(|oop| self.mirror(oop)).collect())
    }

    /// *get class of*.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn class_of(&mut self, object: Mirror) -> Result<Mirror, MirrorError> {
        let class = self.value(object)?.class().oop();
        Ok(self.mirror(class))
    }

    /// *set class of*: the object is an instance of another class from now on, whose instances look the same.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: they look otherwise. [`MirrorError::Refused`]: the object is immediate, code, true, false or nil.
    pub fn set_class(&mut self, object: Mirror, class: Mirror) -> Result<(), MirrorError> {
        let class_value = self.class_value(class)?;
        let index = self.index_of(class_value).filter(|index| !index.is_built_in());
        let index = index.ok_or_else(|| MirrorError::WrongShape("its instances are immediate".to_owned()))?;
        let value = self.value(object)?;
        let object = self.changeable(value)?;
        let is_code =
            [Known::CompiledMethod, Known::CompiledBlock].map(|class| self.own().class_index(class));
        if is_code.contains(&index) {
            return Err(MirrorError::Refused("only the runtime makes code".to_owned()));
        }
        // SAFETY: a live object; this thread is the only mutator.
        unsafe { self.own().mutator.heap().change_class(object, index) }?;
        self.own_mut().changes_of_identity += 1;
        self.forget_lookups();
        Ok(())
    }

    /// The object, if the protocol may change it.
    fn changeable(&self, value: Value<'_>) -> Result<instar_heap::Obj, MirrorError> {
        let refuse = |what: &str| Err(MirrorError::Refused(format!("{} {what}", self.describe(value))));
        let Some(object) = value.object() else { return refuse("is immediate: it has no slots") };
        if value.is_nil() || value.as_boolean().is_some() {
            return refuse("is not to be changed");
        }
        if object.header().has_any(HeaderFlags::IMMUTABLE) {
            return refuse("is read-only, or code");
        }
        Ok(object)
    }

    /// What sends learned may be wrong now.
    pub(super) fn forget_lookups(&mut self) {
        self.own_mut().flush_caches();
    }

    fn slot_named(&self, object: Value<'_>, name: &str) -> Result<usize, MirrorError> {
        let variables: HashMap<String, u16> = self.own().instance_variables(object.class());
        let slot = variables.get(name).map(|&slot| usize::from(slot)).filter(|&slot| slot < object.slots());
        slot.ok_or_else(|| MirrorError::NotFound(format!("slot {name} in {}", self.describe(object))))
    }

    /// *get slot*, by the variable's name.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]
    pub fn slot(&mut self, object: Mirror, name: &str) -> Result<Mirror, MirrorError> {
        let value = self.value(object)?;
        let slot = self.slot_named(value, name)?;
        let found = value.slot(slot).map_or(self.own().nil(), Value::oop);
        Ok(self.mirror(found))
    }

    /// *set slot*, by the variable's name.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]; [`MirrorError::Refused`]: the object is read-only.
    pub fn set_slot(&mut self, object: Mirror, name: &str, new: Mirror) -> Result<(), MirrorError> {
        let value = self.value(object)?;
        let slot = self.slot_named(value, name)?;
        self.store(object, slot, new)
    }

    fn store(&mut self, holder: Mirror, slot: usize, new: Mirror) -> Result<(), MirrorError> {
        let holder = self.value(holder)?;
        self.changeable(holder)?;
        let new = self.oop(new)?;
        self.own().put(holder.oop(), slot, new);
        // The slot may be one by which methods are found. Costs nothing but the first time.
        self.forget_lookups();
        Ok(())
    }

    /// How many indexable elements an object has: slots, or bytes.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn size(&self, object: Mirror) -> Result<usize, MirrorError> {
        let value = self.value(object)?;
        Ok(value.bytes().map_or(value.slots() - value.named_slots(), <[u8]>::len))
    }

    /// Indexable element `index`, from 1, of an object whose elements are objects.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]
    pub fn element(&mut self, object: Mirror, index: usize) -> Result<Mirror, MirrorError> {
        let value = self.value(object)?;
        let slot = self.element_slot(value, index)?;
        let found = value.slot(slot).map_or(self.own().nil(), Value::oop);
        Ok(self.mirror(found))
    }

    /// Sets indexable element `index`, from 1, of an object whose elements are objects.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]; [`MirrorError::Refused`]
    pub fn set_element(&mut self, object: Mirror, index: usize, new: Mirror) -> Result<(), MirrorError> {
        let value = self.value(object)?;
        let slot = self.element_slot(value, index)?;
        self.store(object, slot, new)
    }

    fn element_slot(&self, value: Value<'_>, index: usize) -> Result<usize, MirrorError> {
        let slot = index.checked_sub(1).and_then(|index| index.checked_add(value.named_slots()));
        let slot = slot.filter(|&slot| slot < value.slots());
        slot.ok_or_else(|| MirrorError::NotFound(format!("element {index} in {}", self.describe(value))))
    }

    /// *swap identity*: every reference to the first object of each pair leads to the second from now on, all at once or none. With
    /// `takes_hash` the second keeps the place of the first in hashed collections.
    ///
    /// # Errors
    /// [`MirrorError::Refused`] with the pair that cannot be swapped.
    pub fn swap_identities(
        &mut self,
        pairs: &[(Mirror, Mirror)],
        takes_hash: bool,
    ) -> Result<(), MirrorError> {
        let mut sides = [Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len())];
        for &(old, new) in pairs {
            sides[0].push(old);
            sides[1].push(new);
        }
        for mirror in sides.iter().flatten() {
            self.value(*mirror)?;
        }
        let first = self.own_mut().mark_roots();
        let mut arrays = [first; 2];
        for (side, array) in sides.iter().zip(&mut arrays) {
            match self.array_of(side) {
                Ok(oop) => *array = self.own_mut().root(oop),
                Err(error) => {
                    self.own_mut().release(first);
                    return Err(error);
                }
            }
        }
        let space = self.own_mut();
        let [old, new] = arrays.map(|array| space.rooted(array).oop());
        let rule = if takes_hash { HashRule::Take } else { HashRule::Keep };
        let outcome = space.swap_all(old, new, Swap::OneWay(rule));
        space.release(first);
        outcome.map(drop).map_err(|error| MirrorError::Refused(error.to_string()))
    }

    /// [`swap_identities`](Self::swap_identities) of one pair.
    ///
    /// # Errors
    /// As there.
    pub fn swap_identity(&mut self, old: Mirror, new: Mirror) -> Result<(), MirrorError> {
        self.swap_identities(&[(old, new)], false)
    }

    /// A new Array of what mirrors answer for. It is no root.
    pub(super) fn array_of(&mut self, mirrors: &[Mirror]) -> Result<Oop, MirrorError> {
        let array = self.own_mut().allocate_known(Known::Array, mirrors.len())?.oop();
        for (index, mirror) in mirrors.iter().enumerate() {
            let value = self.oop(*mirror)?;
            self.own().put(array, index, value);
        }
        Ok(array)
    }

    /// A mirror of a new Array of the space.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn array(&mut self, elements: &[Mirror]) -> Result<Mirror, MirrorError> {
        let array = self.array_of(elements)?;
        Ok(self.mirror(array))
    }

    /// The value of a global variable.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]
    pub fn global(&mut self, name: &str) -> Result<Mirror, MirrorError> {
        let symbol = self.own().existing_symbol(name);
        let binding = symbol.and_then(|symbol| self.own().global(symbol));
        let value = binding.and_then(|binding| binding.slot(crate::objects::layout::association::VALUE));
        let value = value.map(Value::oop).ok_or_else(|| MirrorError::NotFound(format!("global {name}")))?;
        Ok(self.mirror(value))
    }

    /// The superclass of a class; a mirror of nil for a root.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn superclass_of(&mut self, class: Mirror) -> Result<Mirror, MirrorError> {
        let above = self.class_value(class)?.slot(behavior::SUPERCLASS).map_or(self.own().nil(), Value::oop);
        Ok(self.mirror(above))
    }
}
