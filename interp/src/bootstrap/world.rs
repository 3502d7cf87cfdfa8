//! The classes as they will be once packages are loaded: definitions that are to come before the classes that exist.
//!
//! Everything here goes by name, so that a package can be checked and compiled whole before the space changes at all.

use std::collections::{HashMap, HashSet};

use instar_heap::Format;

use crate::compiler::{Environment, Resolved};
use crate::objects::layout::{association, behavior, class, class_description, hashed};
use crate::objects::value::MOST_SUPERCLASSES;
use crate::objects::{Known, Special, Value};
use crate::source::{ClassDef, Layout, Package, Side, TraitDef};
use crate::vm::Space;
use crate::vm::install::association_at;

/// A space and the definitions that are to come.
pub(super) struct World<'p> {
    pub space: &'p Space,
    pub classes: HashMap<&'p str, &'p ClassDef>,
    pub traits: HashMap<&'p str, &'p TraitDef>,
}

/// The elements of an Array of Symbols.
pub(super) fn names_in(array: Value<'_>) -> Vec<String> {
    (0..array.slots()).filter_map(|at| array.slot(at)?.text()).collect()
}

/// The keys of a dictionary of associations.
fn keys_of(dictionary: Value<'_>) -> Vec<String> {
    let Some(array) = dictionary.slot(hashed::ARRAY) else { return Vec::new() };
    let keys = (0..array.slots()).filter_map(|at| array.slot(at)?.slot(association::KEY)?.text());
    keys.collect()
}

/// The layout that a class's packed format stands for.
pub(super) fn layout_of(class: Value<'_>) -> Layout {
    let format = class.slot(behavior::FORMAT).and_then(Value::as_integer).unwrap_or(0) >> 16;
    let formats = [
        (Format::INDEXABLE, Layout::Variable),
        (Format::BYTES, Layout::Bytes),
        (Format::WORDS, Layout::Words),
        (Format::WEAK, Layout::Weak),
        (Format::EPHEMERON, Layout::Ephemeron),
    ];
    let found = formats.into_iter().find(|(known, _)| i64::from(known.bits()) == format);
    found.map_or(Layout::Normal, |(_, layout)| layout)
}

impl Space {
    /// The class of this name.
    pub(super) fn real_class(&self, name: &str) -> Option<Value<'_>> {
        let found = self.class_named(name)?;
        (found.is_kind_of(Known::Class) && !found.is_kind_of(Known::Trait)).then_some(found)
    }

    /// The trait of this name.
    pub(super) fn real_trait(&self, name: &str) -> Option<Value<'_>> {
        self.class_named(name).filter(|found| found.is_kind_of(Known::Trait))
    }
}

impl<'p> World<'p> {
    pub fn new(space: &'p Space, packages: &'p [Package]) -> World<'p> {
        let classes = packages.iter().flat_map(|package| &package.classes);
        let traits = packages.iter().flat_map(|package| &package.traits);
        World {
            space,
            classes: classes.map(|def| (def.name.as_str(), def)).collect(),
            traits: traits.map(|def| (def.name.as_str(), def)).collect(),
        }
    }

    pub fn has_class(&self, name: &str) -> bool {
        self.classes.contains_key(name) || self.space.real_class(name).is_some()
    }

    pub fn has_trait(&self, name: &str) -> bool {
        self.traits.contains_key(name) || self.space.real_trait(name).is_some()
    }

    /// Whether a name will stand for something: a class, a trait, any other global.
    fn has_global(&self, name: &str) -> bool {
        let known =
            || self.space.existing_symbol(name).and_then(|symbol| self.space.global(symbol)).is_some();
        self.classes.contains_key(name) || self.traits.contains_key(name) || known()
    }

    pub fn superclass(&self, name: &str) -> Option<String> {
        if let Some(def) = self.classes.get(name) {
            return def.superclass.clone();
        }
        self.space.real_class(name)?.slot(behavior::SUPERCLASS)?.slot(class::NAME)?.text()
    }

    /// The class and its superclasses, itself first; ends where one is met again.
    pub fn chain(&self, name: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        let mut chain = Vec::new();
        let mut at = Some(name.to_owned());
        while let Some(name) = at.filter(|name| chain.len() < MOST_SUPERCLASSES && seen.insert(name.clone()))
        {
            at = self.superclass(&name);
            chain.push(name);
        }
        chain
    }

    /// Whether following superclasses comes back to the class.
    pub fn is_circular(&self, name: &str) -> bool {
        let chain = self.chain(name);
        chain.last().and_then(|last| self.superclass(last)).is_some_and(|next| next == name)
    }

    pub fn own_variables(&self, name: &str, side: Side) -> Vec<String> {
        if let Some(def) = self.classes.get(name) {
            let names =
                if side == Side::Class { &def.class_instance_variables } else { &def.instance_variables };
            return names.clone();
        }
        let Some(class) = self.space.real_class(name) else { return Vec::new() };
        let class = if side == Side::Class { class.class() } else { class };
        class.slot(class_description::INSTANCE_VARIABLES).map_or_else(Vec::new, names_in)
    }

    /// All variables, inherited ones first.
    pub fn variables(&self, name: &str, side: Side) -> Vec<String> {
        if self.has_trait(name) {
            return if side == Side::Class { self.variables("Trait", Side::Instance) } else { Vec::new() };
        }
        let chain = self.chain(name);
        let own = chain.iter().rev().flat_map(|name| self.own_variables(name, side));
        match side {
            Side::Instance => own.collect(),
            Side::Class => self.variables("Class", Side::Instance).into_iter().chain(own).collect(),
        }
    }

    /// What a class that says nothing of its layout inherits counts.
    pub fn layout(&self, name: &str) -> Layout {
        for name in self.chain(name) {
            match self.classes.get(name.as_str()) {
                Some(def) if def.layout != Layout::Normal => return def.layout,
                Some(_) => {}
                None => return self.space.real_class(&name).map_or(Layout::Normal, layout_of),
            }
        }
        Layout::Normal
    }

    /// Variables that the class shares with its instances.
    pub fn class_variables(&self, name: &str) -> Vec<String> {
        if let Some(def) = self.classes.get(name) {
            return def.class_variables.clone();
        }
        let class = self.space.real_class(name).or_else(|| self.space.real_trait(name));
        class.and_then(|class| class.slot(class::CLASS_POOL)).map_or_else(Vec::new, keys_of)
    }

    fn sees_class_variable(&self, name: &str, variable: &str) -> bool {
        self.chain(name).iter().any(|name| match self.classes.get(name.as_str()) {
            Some(def) => {
                let has = |names: &[String]| names.iter().any(|known| known == variable);
                has(&def.class_variables) || def.pools.iter().any(|pool| has(&self.class_variables(pool)))
            }
            None => self.has_pool_variable(name, variable),
        })
    }

    /// Whether an existing class has the variable in its own pool, or in one that it imports.
    fn has_pool_variable(&self, name: &str, variable: &str) -> bool {
        let Some(class) = self.space.real_class(name) else { return false };
        let Some(symbol) = self.space.existing_symbol(variable) else { return false };
        let own = class.slot(class::CLASS_POOL).and_then(|pool| association_at(pool, symbol));
        own.is_some() || {
            let Some(pools) = class.slot(class::SHARED_POOLS) else { return false };
            (0..pools.slots()).filter_map(|at| pools.slot(at)).any(|pool| {
                let name = pool.slot(class::NAME).and_then(Value::text);
                let planned = name
                    .is_some_and(|name| self.class_variables(&name).iter().any(|known| known == variable));
                planned || association_at(pool.slot(class::CLASS_POOL).unwrap_or(pool), symbol).is_some()
            })
        }
    }

    /// Names of all globals that will be there.
    pub fn visit_globals(&self, visit: &mut dyn FnMut(&str)) {
        self.classes.keys().chain(self.traits.keys()).for_each(|name| visit(name));
        let globals = self.space.value(self.space.special(Special::Globals));
        keys_of(globals).iter().for_each(|name| visit(name));
    }
}

/// What names will mean to code of a class or trait.
pub(super) struct PlannedScope<'w> {
    world: &'w World<'w>,
    name: &'w str,
    variables: HashMap<String, u16>,
}

impl<'w> PlannedScope<'w> {
    pub fn new(world: &'w World<'w>, name: &'w str, side: Side) -> PlannedScope<'w> {
        let variables = world.variables(name, side).into_iter().enumerate();
        let variables = variables.map(|(slot, name)| (name, slot as u16)).collect();
        PlannedScope { world, name, variables }
    }
}

impl Environment for PlannedScope<'_> {
    fn resolve(&self, name: &str) -> Option<Resolved> {
        if let Some(slot) = self.variables.get(name) {
            return Some(Resolved::InstanceVariable(*slot));
        }
        if self.world.sees_class_variable(self.name, name) {
            return Some(Resolved::ClassVariable);
        }
        if !self.world.has_global(name) {
            return None;
        }
        let is_class = self.world.has_class(name) || self.world.has_trait(name);
        Some(Resolved::Global { is_assignable: !is_class })
    }

    fn visit_names(&self, visit: &mut dyn FnMut(&str)) {
        self.variables.keys().for_each(|name| visit(name));
        for name in self.world.chain(self.name) {
            self.world.class_variables(&name).iter().for_each(|name| visit(name));
        }
        self.world.visit_globals(visit);
    }
}
