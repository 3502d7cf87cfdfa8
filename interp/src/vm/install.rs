//! From compiled units to methods in classes.

#![allow(unsafe_code)]

use instar_heap::{HeaderFlags, HeapError, Oop};

use super::Space;
use super::bindings::association_at;
use super::origin::Origin;
use super::space::Root;
use crate::code::{Binding, Code, CodeUnit, Literal};
use crate::compiler::CompiledMethodInfo;
use crate::objects::layout::{COMPILED_NAMED, behavior, class, compiled, hashed, scaled_decimal};
use crate::objects::value::MOST_SUPERCLASSES;
use crate::objects::{Known, Special, Value};

/// What a method is besides its code. Texts become Strings and Symbols.
#[derive(Clone, Debug, Default)]
pub struct MethodFacts<'a> {
    /// The source text.
    pub source: &'a str,
    /// The protocol.
    pub protocol: &'a str,
    /// The package that the method belongs to.
    pub package: Option<&'a str>,
    /// Where the source stands, if in a file.
    pub origin: Option<Origin>,
}

impl Space {
    /// Makes the CompiledMethod of verified code for `class`, not yet in its method dictionary.
    ///
    /// # Errors
    /// [`HeapError`]; nothing has changed then.
    pub(crate) fn new_method(
        &mut self,
        info: &CompiledMethodInfo,
        selector: Root,
        class: Root,
        facts: &MethodFacts<'_>,
    ) -> Result<Oop, HeapError> {
        let origin = facts.origin.clone().or_else(|| self.inherited_origin(class, selector, facts.source));
        let method = self.new_code(&info.unit, class, None)?;
        let method = self.root(method);
        self.set_origin(method, origin);
        let result = self.fill_method(method, selector, class, facts);
        let result = result.and_then(|()| self.add_pragmas(method, class, &info.pragmas));
        let oop = self.rooted(method).oop();
        self.release(method);
        result.map(|()| oop)
    }

    /// A CompiledMethod of a unit that the verifier accepted, without a source.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn new_plain_method(&mut self, unit: &CodeUnit, class: Root) -> Result<Oop, HeapError> {
        self.new_code(unit, class, None)
    }

    fn set_origin(&mut self, method: Root, origin: Option<Origin>) {
        let number = self.rooted(method).slot(compiled::CODE).and_then(Value::as_index);
        if let Some(code) = number.and_then(|number| self.roots.codes.get_mut(number)) {
            code.origin = origin;
        }
    }

    fn fill_method(
        &mut self,
        method: Root,
        selector: Root,
        class: Root,
        facts: &MethodFacts<'_>,
    ) -> Result<(), HeapError> {
        let selector = self.rooted(selector).oop();
        self.store_rooted(method, compiled::SELECTOR, selector);
        let class = self.rooted(class).oop();
        self.store_rooted(method, compiled::METHOD_CLASS, class);
        let source = self.new_string(facts.source)?;
        self.store_rooted(method, compiled::SOURCE, source);
        let protocol = self.symbol(facts.protocol)?;
        self.store_rooted(method, compiled::PROTOCOL, protocol);
        if let Some(package) = facts.package {
            let package = self.symbol(package)?;
            self.store_rooted(method, compiled::PACKAGE_NAME, package);
        }
        Ok(())
    }

    /// The CompiledMethod, or inside `outer` the CompiledBlock, of a unit, with its literals.
    fn new_code(&mut self, unit: &CodeUnit, class: Root, outer: Option<Root>) -> Result<Oop, HeapError> {
        let known = if outer.is_some() { Known::CompiledBlock } else { Known::CompiledMethod };
        let object = self.allocate_known(known, unit.literals.len())?;
        let code = self.root(object.oop());
        let result = self.fill_code(unit, code, class, outer);
        let object = self.rooted(code);
        let oop = object.oop();
        if let (Ok(()), Some(object)) = (&result, object.object()) {
            // [code-immutable] Code is never written by the guest and never becomes something else: instructions and literals stay
            // together.
            self.mutator.heap().note_special(object.address());
            object.set_flags(HeaderFlags::IMMUTABLE);
        }
        self.release(code);
        result.map(|()| oop)
    }

    fn fill_code(
        &mut self,
        unit: &CodeUnit,
        code: Root,
        class: Root,
        outer: Option<Root>,
    ) -> Result<(), HeapError> {
        for (number, literal) in unit.literals.iter().enumerate() {
            let value = match literal {
                Literal::Block(block) => self.new_code(block, class, Some(code))?,
                literal => self.new_literal(literal, class)?,
            };
            self.store_rooted(code, COMPILED_NAMED + number, value);
        }
        if let Some(outer) = outer {
            let outer = self.rooted(outer).oop();
            self.store_rooted(code, compiled::OUTER, outer);
        }
        let primitive = unit.primitive.as_deref().and_then(crate::primitives::find);
        let mut executable = Code::new(unit, primitive);
        executable.method = self.rooted(code).oop();
        let number = self.roots.codes.add(executable);
        let number = Oop::small_integer(i64::from(number)).unwrap_or(self.nil());
        self.store_rooted(code, compiled::CODE, number);
        Ok(())
    }

    /// The object that a literal describes.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn new_literal(&mut self, literal: &Literal, class: Root) -> Result<Oop, HeapError> {
        match literal {
            Literal::Nil | Literal::Block(_) => Ok(self.nil()),
            Literal::Boolean(value) => Ok(self.boolean(*value)),
            Literal::Integer(value) => self.new_integer(*value),
            Literal::LargeInteger { negative, magnitude } => self.new_large_integer(*negative, magnitude),
            Literal::Float(value) => self.new_float(*value),
            Literal::Character(value) => Ok(Oop::character(*value)),
            Literal::String(text) => self.new_string(text),
            Literal::Symbol(text) => self.symbol(text),
            Literal::Bytes(bytes) => self.new_bytes(Known::ByteArray, bytes),
            Literal::Array(elements) => {
                let first = self.mark_roots();
                for element in elements {
                    let element = self.new_literal(element, class)?;
                    self.root(element);
                }
                let array = self.new_array_of_roots(first);
                self.release(first);
                array
            }
            Literal::Fraction { numerator, denominator } => {
                self.new_fraction(Known::Fraction, [numerator, denominator], class)
            }
            Literal::ScaledDecimal { numerator, denominator, scale } => {
                let decimal = self.new_fraction(Known::ScaledDecimal, [numerator, denominator], class)?;
                let scale = Oop::small_integer(i64::from(*scale)).unwrap_or(self.nil());
                let decimal = self.root(decimal);
                self.store_rooted(decimal, scaled_decimal::SCALE, scale);
                let oop = self.rooted(decimal).oop();
                self.release(decimal);
                Ok(oop)
            }
            Literal::Binding(binding) => self.binding_of(binding, class),
        }
    }

    fn new_fraction(&mut self, known: Known, parts: [&Literal; 2], class: Root) -> Result<Oop, HeapError> {
        let first = self.mark_roots();
        for part in parts {
            let part = self.new_literal(part, class)?;
            self.root(part);
        }
        let fraction = self.allocate_known(known, 0)?.oop();
        let fraction = self.root(fraction);
        for (slot, part) in [(scaled_decimal::NUMERATOR, first), (scaled_decimal::DENOMINATOR, first.next())]
        {
            let part = self.rooted(part).oop();
            self.store_rooted(fraction, slot, part);
        }
        let oop = self.rooted(fraction).oop();
        self.release(first);
        Ok(oop)
    }

    fn binding_of(&mut self, binding: &Binding, class: Root) -> Result<Oop, HeapError> {
        let (Binding::ClassVariable(name) | Binding::Global(name) | Binding::Undeclared(name)) = binding;
        let name = self.symbol(name)?;
        let in_own = |dictionary: Option<Root>| association_at(self.rooted(dictionary?), name);
        let found = match binding {
            Binding::ClassVariable(_) => self.class_variable(self.rooted(class), name),
            Binding::Global(_) => in_own(self.workspace).or_else(|| self.global(name)),
            Binding::Undeclared(_) => in_own(self.undeclared)
                .or_else(|| association_at(self.value(self.special(Special::Undeclared)), name)),
        };
        if let Some(association) = found {
            return Ok(association.oop());
        }
        let own = match binding {
            Binding::Global(_) => self.workspace,
            Binding::Undeclared(_) => self.undeclared,
            Binding::ClassVariable(_) => None,
        };
        let undeclared = own.map_or_else(|| self.special(Special::Undeclared), |own| self.rooted(own).oop());
        let key = self.root(name);
        let nil = self.nil();
        let value = self.root(nil);
        let association = self.new_association(key, value)?;
        let association = self.root(association);
        let dictionary = self.root(undeclared);
        self.insert_association(dictionary, association)?;
        let oop = self.rooted(association).oop();
        self.release(key);
        Ok(oop)
    }

    /// The binding of a global.
    pub(crate) fn global(&self, name: Oop) -> Option<Value<'_>> {
        association_at(self.value(self.special(Special::Globals)), name)
    }

    /// The binding of a class variable, or a variable of a shared pool, that is visible in `class`.
    pub(crate) fn class_variable<'s>(&'s self, class: Value<'s>, name: Oop) -> Option<Value<'s>> {
        let mut at = self.instance_side(class);
        for _ in 0..MOST_SUPERCLASSES {
            if at.is_nil() {
                return None;
            }
            let own = at.slot(class::CLASS_POOL).and_then(|pool| association_at(pool, name));
            if let Some(found) = own.or_else(|| self.pool_variable(at, name)) {
                return Some(found);
            }
            at = at.slot(behavior::SUPERCLASS)?;
        }
        None
    }

    fn pool_variable<'s>(&'s self, class: Value<'s>, name: Oop) -> Option<Value<'s>> {
        let pools = class.slot(class::SHARED_POOLS)?;
        (0..pools.slots()).find_map(|index| {
            let pool = pools.slot(index)?;
            let dictionary = pool.slot(class::CLASS_POOL).unwrap_or(pool);
            association_at(dictionary, name)
        })
    }

    /// The class that a metaclass is for; any other class itself.
    pub(crate) fn instance_side<'s>(&self, class: Value<'s>) -> Value<'s> {
        use crate::objects::layout::metaclass;
        let is_meta = class.is(Known::Metaclass) || class.is(Known::ClassTrait);
        if is_meta { class.slot(metaclass::THIS_CLASS).unwrap_or(class) } else { class }
    }

    /// Puts a method into the method dictionary of a class, in place of one with the same selector, and flushes the caches.
    ///
    /// # Errors
    /// [`HeapError`]; nothing has changed then.
    pub(crate) fn add_method(&mut self, class: Root, selector: Root, method: Root) -> Result<(), HeapError> {
        let dict = self.rooted(class).slot(behavior::METHOD_DICT).map_or(self.nil(), Value::oop);
        let dict = self.root(dict);
        let size = self.rooted(dict).slots().saturating_sub(self.rooted(dict).named_slots());
        let tally = self.rooted(dict).slot(hashed::TALLY).and_then(Value::as_index).unwrap_or(0);
        let result = if (tally + 1) * 4 > size * 3 { self.grow_method_dict(dict, size) } else { Ok(()) };
        if result.is_ok() {
            self.insert_method(dict, selector, method);
            let dict = self.rooted(dict).oop();
            self.store_rooted(class, behavior::METHOD_DICT, dict);
            self.flush_caches();
        }
        self.release(dict);
        result
    }

    /// Takes the method for `selector`, a Symbol, out of a class's method dictionary, and flushes the caches.
    ///
    /// # Errors
    /// [`HeapError`]; nothing has changed then.
    pub(crate) fn take_out_method(&mut self, class: Root, selector: Oop) -> Result<(), HeapError> {
        let selector = self.root(selector);
        let dict = self.rooted(class).slot(behavior::METHOD_DICT).map_or(self.nil(), Value::oop);
        let dict = self.root(dict);
        let size = self.rooted(dict).slots().saturating_sub(self.rooted(dict).named_slots());
        // All others are put in anew: with open addressing a gap would hide some.
        let result = self.copy_method_dict(dict, size, size, Some(selector));
        if result.is_ok() {
            let dict = self.rooted(dict).oop();
            self.store_rooted(class, behavior::METHOD_DICT, dict);
            self.flush_caches();
        }
        self.release(selector);
        result
    }

    /// Lets `dict` be a copy with twice the room.
    fn grow_method_dict(&mut self, dict: Root, size: usize) -> Result<(), HeapError> {
        self.copy_method_dict(dict, size, (size * 2).max(8), None)
    }

    /// Lets `dict`, which has `size` places, be a copy with `room` of them, without the method for a selector.
    fn copy_method_dict(
        &mut self,
        dict: Root,
        size: usize,
        room: usize,
        except: Option<Root>,
    ) -> Result<(), HeapError> {
        let values = self.allocate_known(Known::Array, room)?.oop();
        let values = self.root(values);
        let larger = self.allocate_known(Known::MethodDictionary, room)?.oop();
        let larger = self.root(larger);
        let array = self.rooted(values).oop();
        self.store_rooted(larger, hashed::ARRAY, array);
        self.store_rooted(larger, hashed::TALLY, Oop::small_integer(0).unwrap_or(Oop::NULL));
        let named = self.rooted(larger).named_slots();
        for index in 0..size {
            let old = self.rooted(dict);
            let is_kept = |selector: &Value<'_>| {
                let excepted = except.map(|root| self.rooted(root).oop());
                !selector.is_nil() && Some(selector.oop()) != excepted
            };
            let selector = old.slot(named + index).filter(is_kept).map(Value::oop);
            let method = old.slot(hashed::ARRAY).and_then(|array| array.slot(index)).map(Value::oop);
            if let (Some(selector), Some(method)) = (selector, method) {
                let selector = self.root(selector);
                let method = self.root(method);
                self.insert_method(larger, selector, method);
                self.release(selector);
            }
        }
        let larger = self.rooted(larger).oop();
        self.roots.temporary[dict.number()] = larger;
        self.release(values);
        Ok(())
    }

    /// The dictionary has room.
    fn insert_method(&mut self, dict: Root, selector: Root, method: Root) {
        let (value, selector) = (self.rooted(dict), self.rooted(selector));
        let named = value.named_slots();
        let size = value.slots() - named;
        let start = selector.identity_hash() as usize % size.max(1);
        for step in 0..size {
            let at = (start + step) % size;
            let Some(key) = value.slot(named + at) else { return };
            if key.oop() != selector.oop() && !key.is_nil() {
                continue;
            }
            let is_new = key.is_nil();
            let (selector, method) = (selector.oop(), self.rooted(method).oop());
            if let Some(values) = value.slot(hashed::ARRAY).and_then(Value::object) {
                self.put(values.oop(), at, method);
            }
            self.store_rooted(dict, named + at, selector);
            if is_new {
                self.count_one_more(dict);
            }
            return;
        }
    }
}
