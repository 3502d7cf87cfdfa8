//! The meta-object protocol's configuration of the runtime (Espell 4.4): the objects that the runtime knows by role.
//!
//! | name | role |
//! |---|---|
//! | a class's, `SmallInteger` | the class of which the runtime makes instances, or for which it tests; of immediates, the class that they have |
//! | `true`, `false`, `nil` | the values of conditions, and of empty slots |
//! | `Processor`, `Smalltalk`, `Globals`, `Undeclared` | what the runtime reads and writes there |
//! | a selector's, `doesNotUnderstand:` | what the runtime sends then |

#![allow(unsafe_code)]

use instar_heap::{ClassIndex, HeaderFlags, Oop};

use super::error::MirrorError;
use super::meta::{Meta, Mirror};
use crate::code::arity;
use crate::objects::layout::behavior;
use crate::objects::{Known, Special, Value};

/// What a name stands for.
enum Role {
    Class(Known),
    Object(Special),
    Nil,
}

fn role_of(name: &str) -> Option<Role> {
    if let Some(known) = Known::ALL.iter().find(|known| known.name() == name) {
        return Some(Role::Class(*known));
    }
    let special = match name {
        "nil" => return Some(Role::Nil),
        "true" => Special::True,
        "false" => Special::False,
        "Processor" => Special::Scheduler,
        "Smalltalk" => Special::Smalltalk,
        "Globals" => Special::Globals,
        "Undeclared" => Special::Undeclared,
        selector => Special::SELECTORS.iter().find(|(_, text)| *text == selector)?.0,
    };
    Some(Role::Object(special))
}

/// The index of the immediates of a class.
fn immediate(known: Known) -> Option<ClassIndex> {
    match known {
        Known::SmallInteger => Some(ClassIndex::SMALL_INTEGER),
        Known::Character => Some(ClassIndex::CHARACTER),
        Known::SmallFloat64 => Some(ClassIndex::SMALL_FLOAT),
        Known::UndefinedObject => Some(ClassIndex::UNDEFINED),
        _ => None,
    }
}

impl Meta<'_> {
    /// *get special object*.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`]: the runtime knows nothing by that name.
    pub fn special_object(&mut self, name: &str) -> Result<Mirror, MirrorError> {
        let role = role_of(name).ok_or_else(|| MirrorError::NotFound(format!("special object {name}")))?;
        let space = self.own();
        let oop = match role {
            Role::Class(known) => match immediate(known) {
                Some(index) => space.mutator.heap().classes.class(index).unwrap_or(space.nil()),
                None => space.known_class(known).oop(),
            },
            Role::Object(special) => space.special(special),
            Role::Nil => space.nil(),
        };
        let oop = self.own().value(oop).oop();
        Ok(self.mirror(oop))
    }

    /// *set special object*: the runtime uses the object in that role from now on.
    ///
    /// # Errors
    /// [`MirrorError::WrongShape`]: it cannot play the role. [`MirrorError::Refused`]: nothing else can, which goes for nil.
    pub fn set_special_object(&mut self, name: &str, object: Mirror) -> Result<(), MirrorError> {
        let role = role_of(name).ok_or_else(|| MirrorError::NotFound(format!("special object {name}")))?;
        self.value(object)?;
        match role {
            Role::Nil => return Err(MirrorError::Refused("nil is the heap's own".to_owned())),
            Role::Class(known) => self.set_known_class(known, object)?,
            Role::Object(Special::True | Special::False) => self.set_boolean(&role, object)?,
            Role::Object(special) => self.set_object(special, object)?,
        }
        self.forget_lookups();
        Ok(())
    }

    fn set_known_class(&mut self, known: Known, class: Mirror) -> Result<(), MirrorError> {
        let wrong =
            |reason: String| MirrorError::WrongShape(format!("{reason}, and so cannot be {}", known.name()));
        let value = self.class_value(class)?;
        if let Some(index) = immediate(known) {
            let variables = self.own().instance_variables(value).len();
            if variables > 0 {
                return Err(wrong(format!("its instances have {variables} variables")));
            }
            return self.set_immediate_class(known, index, class);
        }
        let class = value.oop();
        let old = self.own().roots.classes[known as usize];
        let space = self.own_mut();
        space.roots.classes[known as usize] = class;
        space.refresh_indices();
        let stands = space.mutator.heap().classes.class(space.class_index(known));
        let stands = stands.map(|stands| space.value(stands).oop());
        if stands == Some(class) {
            return Ok(());
        }
        space.roots.classes[known as usize] = old;
        space.refresh_indices();
        Err(wrong("its instances do not have the variables that the runtime relies on".to_owned()))
    }

    /// Lets immediates be instances of a class without variables.
    fn set_immediate_class(
        &mut self,
        known: Known,
        index: ClassIndex,
        class: Mirror,
    ) -> Result<(), MirrorError> {
        let value = self.class_value(class)?;
        let Some(object) = value.object() else { return Ok(()) };
        let old = self.index_of(value).filter(|old| !old.is_built_in());
        let oop = value.oop();
        let heap = self.own().mutator.heap();
        // SAFETY: a live object; this thread is the only mutator.
        unsafe { heap.set_class(index, object) }?;
        if let Some(old) = old {
            // No instance of it was ever anything but immediate, or those that are go on as they are.
            let _ = heap.retire_class(old);
        }
        let number = Oop::small_integer(i64::from(index.get())).unwrap_or(Oop::NULL);
        self.own().put(oop, behavior::CLASS_INDEX, number);
        self.own_mut().roots.classes[known as usize] = oop;
        Ok(())
    }

    fn set_boolean(&mut self, role: &Role, object: Mirror) -> Result<(), MirrorError> {
        let Role::Object(special) = *role else { return Ok(()) };
        let is_object = self.value(object)?.object().is_some() && !self.value(object)?.is_nil();
        let other = if special == Special::True { Special::False } else { Special::True };
        if !is_object || self.oop(object)? == self.own().special(other) {
            return Err(MirrorError::WrongShape("a truth value is an object of its own".to_owned()));
        }
        // It may not move: the dispatch loop compares addresses. After a full collection it is old.
        self.collect();
        let value = self.value(object)?;
        if let Some(found) = value.object() {
            self.own().mutator.heap().note_special(found.address());
            found.set_flags(HeaderFlags::PINNED);
        }
        let oop = self.oop(object)?;
        self.own_mut().set_special(special, oop);
        Ok(())
    }

    fn set_object(&mut self, special: Special, object: Mirror) -> Result<(), MirrorError> {
        let value = self.value(object)?;
        let wrong = |reason: &str| Err(MirrorError::WrongShape(reason.to_owned()));
        if let Some((_, text)) = Special::SELECTORS.iter().find(|(selector, _)| *selector == special) {
            let new = value.text().filter(|_| value.is_symbol());
            let takes = new.as_deref().and_then(arity);
            if new.is_none() || takes.is_none() && arity(text).is_some() || takes != arity(text) {
                return wrong("it is no Symbol that takes as many arguments");
            }
        } else {
            let old = self.own().value(self.own().special(special));
            let index = |value: Value<'_>| value.class_index();
            if index(old) != index(value) {
                return wrong("it is no instance of the same class as what it is to replace");
            }
        }
        let oop: Oop = value.oop();
        self.own_mut().set_special(special, oop);
        Ok(())
    }
}
