//! Making classes and their metaclasses.
//!
//! An object needs no more of its class than the index and the shape that the class table has under it. So the kernel's classes get
//! their indices first, then all class objects are made, then their variables are filled, which takes instances of some of them.

#![allow(unsafe_code)]

use std::collections::HashMap;

use instar_heap::{ClassIndex, ClassSpec, Format, HeapError, Oop};

use crate::objects::layout::{LAYOUTS, behavior, class, class_description, hashed, metaclass};
use crate::objects::{Known, Special, Value};
use crate::source::{ClassDef, Layout};
use crate::vm::space::Root;
use crate::vm::{Space, SpaceError};

/// A class and its metaclass, as made so far.
#[derive(Clone, Copy)]
struct Made {
    instances: ClassIndex,
    classes: ClassIndex,
    class: Root,
    metaclass: Root,
}

/// What the classes of the kernel look like, by name.
struct Plan<'d> {
    defs: HashMap<&'d str, &'d ClassDef>,
}

impl<'d> Plan<'d> {
    fn new(defs: &[&'d ClassDef]) -> Result<Plan<'d>, SpaceError> {
        let mut by_name = HashMap::new();
        for def in defs {
            if by_name.insert(def.name.as_str(), *def).is_some() {
                return Err(SpaceError::Load(format!(
                    "{:?}: the kernel has a class {} already",
                    def.place, def.name
                )));
            }
        }
        Ok(Plan { defs: by_name })
    }

    /// The class and its superclasses, itself first.
    fn chain(&self, name: &str) -> Vec<&'d ClassDef> {
        let mut chain = Vec::new();
        let mut at = self.defs.get(name);
        while let Some(def) = at.filter(|_| chain.len() <= self.defs.len()) {
            chain.push(*def);
            at = def.superclass.as_deref().and_then(|name| self.defs.get(name));
        }
        chain
    }

    /// Names of all instance variables, inherited ones first.
    fn variables(&self, name: &str) -> Vec<&'d str> {
        let chain = self.chain(name);
        chain.iter().rev().flat_map(|def| def.instance_variables.iter().map(String::as_str)).collect()
    }

    /// How many variables a class has as an object.
    fn class_variables(&self, name: &str) -> usize {
        let own: usize = self.chain(name).iter().map(|def| def.class_instance_variables.len()).sum();
        self.variables("Class").len() + own
    }

    /// The layout of instances: a class that says nothing of it has that of its superclass.
    fn layout(&self, name: &str) -> Layout {
        let layouts = self.chain(name).into_iter().map(|def| def.layout);
        layouts.into_iter().find(|layout| *layout != Layout::Normal).unwrap_or_default()
    }

    /// Superclasses before subclasses.
    fn in_order(&self, defs: &[&'d ClassDef]) -> Result<Vec<&'d ClassDef>, SpaceError> {
        let mut ordered: Vec<&ClassDef> = defs.to_vec();
        for def in defs {
            if let Some(superclass) = def.superclass.as_deref().filter(|name| !self.defs.contains_key(name)) {
                let message = format!(
                    "{:?}: there is no class {superclass}, the superclass of {}",
                    def.place, def.name
                );
                return Err(SpaceError::Load(message));
            }
            if self.chain(&def.name).len() > self.defs.len() {
                return Err(SpaceError::Load(format!("{:?}: {} inherits from itself", def.place, def.name)));
            }
        }
        ordered.sort_by_key(|def| self.chain(&def.name).len());
        Ok(ordered)
    }

    /// [layouts]
    fn check_layouts(&self) -> Result<(), SpaceError> {
        for (name, slots) in LAYOUTS {
            let variables = self.variables(name);
            for (variable, slot) in *slots {
                if variables.get(*slot) != Some(variable) {
                    let message = format!(
                        "the runtime expects {variable} as variable {} of {name}, whose variables are {variables:?}",
                        slot + 1
                    );
                    return Err(SpaceError::Load(message));
                }
            }
        }
        Ok(())
    }
}

/// The shape of instances of a layout with this many named variables.
pub(crate) fn spec_of(layout: Layout, variables: usize) -> ClassSpec {
    let format = match layout {
        Layout::Normal | Layout::Immediate => Format::FIXED,
        Layout::Variable | Layout::CompiledMethod => Format::INDEXABLE,
        Layout::Bytes => Format::BYTES,
        Layout::Words => Format::WORDS,
        Layout::Weak => Format::WEAK,
        Layout::Ephemeron => Format::EPHEMERON,
    };
    ClassSpec { format, fixed_slots: u16::try_from(variables).unwrap_or(u16::MAX) }
}

/// What the slot `format` of a class holds: named slots, and the format's number above 16 bits.
pub(crate) fn packed_format(spec: ClassSpec) -> Oop {
    let packed = i64::from(spec.fixed_slots) | i64::from(spec.format.bits()) << 16;
    Oop::small_integer(packed).unwrap_or(Oop::NULL)
}

/// What [`packed_format`] packed, if it is a shape that instances can have.
pub(crate) fn unpacked_format(packed: i64) -> Option<ClassSpec> {
    let fixed_slots = (packed & 0xFFFF) as u16;
    let formats =
        [Format::FIXED, Format::INDEXABLE, Format::WEAK, Format::EPHEMERON, Format::WORDS, Format::BYTES];
    let format = formats.into_iter().find(|format| i64::from(format.bits()) == packed >> 16)?;
    Some(ClassSpec { format, fixed_slots })
}

/// The index of the instances of a class that has no entry of its own in the class table.
fn built_in(name: &str) -> Option<ClassIndex> {
    match name {
        "UndefinedObject" => Some(ClassIndex::UNDEFINED),
        "SmallInteger" => Some(ClassIndex::SMALL_INTEGER),
        "Character" => Some(ClassIndex::CHARACTER),
        "SmallFloat64" => Some(ClassIndex::SMALL_FLOAT),
        _ => None,
    }
}

impl Space {
    /// Makes the kernel's classes, without methods.
    pub(super) fn make_kernel_classes(&mut self, defs: &[&ClassDef]) -> Result<(), SpaceError> {
        let plan = Plan::new(defs)?;
        plan.check_layouts()?;
        let ordered = plan.in_order(defs)?;
        let mut indices = HashMap::new();
        for def in &ordered {
            let spec = spec_of(plan.layout(&def.name), plan.variables(&def.name).len());
            let instances = match built_in(&def.name) {
                Some(index) => index,
                None => self.define_index(spec)?,
            };
            let classes = self.define_index(ClassSpec::fixed(plan.class_variables(&def.name) as u16))?;
            indices.insert(def.name.as_str(), (instances, classes));
        }
        for known in Known::ALL {
            let missing = || SpaceError::Load(format!("the kernel has no class {}", known.name()));
            self.indices[*known as usize] = indices.get(known.name()).ok_or_else(missing)?.0;
        }
        let first = self.mark_roots();
        let mut made: HashMap<&str, Made> = HashMap::new();
        for def in &ordered {
            let (instances, classes) = indices[def.name.as_str()];
            made.insert(&def.name, self.make_pair(instances, classes)?);
        }
        for known in Known::ALL {
            self.roots.classes[*known as usize] = self.rooted(made[known.name()].class).oop();
        }
        self.make_booleans(&made)?;
        let globals = self.new_dictionary(Known::SystemDictionary)?;
        self.set_special(Special::Globals, globals);
        let undeclared = self.new_dictionary(Known::SystemDictionary)?;
        self.set_special(Special::Undeclared, undeclared);
        for def in &ordered {
            let superclass = def.superclass.as_deref().map(|name| made[name]);
            let above = superclass.map_or(made["Class"].class, |superclass| superclass.metaclass);
            self.fill_class(
                made[def.name.as_str()],
                superclass.map(|made| made.class),
                above,
                def,
                spec_of(plan.layout(&def.name), plan.variables(&def.name).len()),
            )?;
            let class = made[def.name.as_str()].class;
            self.enroll_class(class)?;
            self.define_global(&def.name, class)?;
        }
        for def in ordered.iter().filter(|def| !def.pools.is_empty()) {
            self.set_pools(made[def.name.as_str()].class, &def.pools)?;
        }
        self.release(first);
        Ok(())
    }

    /// Makes a class whose superclass exists, without methods.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(super) fn make_class(&mut self, def: &ClassDef, package: &str) -> Result<(), HeapError> {
        let superclass = def.superclass.as_deref().and_then(|name| self.class_named(name)).map(Value::oop);
        let first = self.mark_roots();
        let superclass = superclass.map(|oop| self.root(oop));
        let result = self.make_class_under(superclass, def, package).and_then(|made| {
            self.enroll_class(made.class)?;
            self.define_global(&def.name, made.class)
        });
        self.release(first);
        result
    }

    /// Leaves roots behind.
    fn make_class_under(
        &mut self,
        superclass: Option<Root>,
        def: &ClassDef,
        package: &str,
    ) -> Result<Made, HeapError> {
        let inherited = |space: &Space, class: Option<Value<'_>>| {
            class.map_or(0, |class| space.instance_variables(class).len())
        };
        let above = match superclass {
            Some(superclass) => self.rooted(superclass).class(),
            None => self.known_class(Known::Class),
        };
        let variables =
            inherited(self, superclass.map(|root| self.rooted(root))) + def.instance_variables.len();
        let class_variables = inherited(self, Some(above)) + def.class_instance_variables.len();
        let above = above.oop();
        let above = self.root(above);
        let spec = spec_of(self.inherited_layout(def, superclass), variables);
        let instances = self.define_index(spec)?;
        let classes = self.define_index(ClassSpec::fixed(class_variables as u16))?;
        let made = self.make_pair(instances, classes)?;
        self.fill_class(made, superclass, above, def, spec)?;
        self.file_class(made.class, package)?;
        self.set_pools(made.class, &def.pools)?;
        Ok(made)
    }

    /// A class that says nothing of its layout has that of its superclass.
    fn inherited_layout(&self, def: &ClassDef, superclass: Option<Root>) -> Layout {
        let format =
            superclass.and_then(|root| self.rooted(root).slot(behavior::FORMAT)).and_then(Value::as_integer);
        let Some(format) = format.filter(|_| def.layout == Layout::Normal) else { return def.layout };
        let is = |format_of: Format| format >> 16 == i64::from(format_of.bits());
        if is(Format::INDEXABLE) {
            Layout::Variable
        } else if is(Format::BYTES) {
            Layout::Bytes
        } else if is(Format::WORDS) {
            Layout::Words
        } else if is(Format::WEAK) {
            Layout::Weak
        } else {
            Layout::Normal
        }
    }

    fn define_index(&mut self, spec: ClassSpec) -> Result<ClassIndex, HeapError> {
        // SAFETY: no class object; this thread is the mutator.
        unsafe { self.mutator.heap().define_class(None, spec) }
    }

    /// The two objects of a class, empty, standing for their indices.
    fn make_pair(&mut self, instances: ClassIndex, classes: ClassIndex) -> Result<Made, HeapError> {
        let metaclass = self.allocate_known(Known::Metaclass, 0)?.oop();
        let metaclass = self.root(metaclass);
        let class = self.allocate(classes, 0)?.oop();
        let class = self.root(class);
        for (index, root) in [(instances, class), (classes, metaclass)] {
            if let Some(object) = self.rooted(root).object() {
                // SAFETY: a live object, read from a root just now.
                unsafe { self.mutator.heap().set_class(index, object) }?;
            }
        }
        Ok(Made { instances, classes, class, metaclass })
    }

    /// true and false, pinned so that the dispatch loop can compare addresses.
    fn make_booleans(&mut self, made: &HashMap<&str, Made>) -> Result<(), SpaceError> {
        for (name, special) in [("True", Special::True), ("False", Special::False)] {
            let index = made[name].instances;
            let shape = ClassSpec::fixed(0).shape(index, 0)?;
            // SAFETY: the shape is that of the class; the object becomes a root at once.
            let object = unsafe { self.mutator.allocate_raw_old(shape) }?;
            self.mutator.heap().note_special(object.address());
            object.set_flags(instar_heap::HeaderFlags::PINNED);
            self.set_special(special, object.oop());
        }
        Ok(())
    }

    /// An empty dictionary of associations.
    pub(crate) fn new_dictionary(&mut self, class: Known) -> Result<Oop, HeapError> {
        let array = self.allocate_known(Known::Array, 32)?.oop();
        let array = self.root(array);
        let dictionary = self.allocate_known(class, 0)?.oop();
        let dictionary = self.root(dictionary);
        self.store_rooted(dictionary, hashed::TALLY, Oop::small_integer(0).unwrap_or(Oop::NULL));
        let elements = self.rooted(array).oop();
        self.store_rooted(dictionary, hashed::ARRAY, elements);
        let oop = self.rooted(dictionary).oop();
        self.release(array);
        Ok(oop)
    }

    fn new_method_dict(&mut self) -> Result<Oop, HeapError> {
        let values = self.allocate_known(Known::Array, 0)?.oop();
        let values = self.root(values);
        let dict = self.allocate_known(Known::MethodDictionary, 0)?.oop();
        let dict = self.root(dict);
        self.store_rooted(dict, hashed::TALLY, Oop::small_integer(0).unwrap_or(Oop::NULL));
        let array = self.rooted(values).oop();
        self.store_rooted(dict, hashed::ARRAY, array);
        let oop = self.rooted(dict).oop();
        self.release(values);
        Ok(oop)
    }

    /// An Array of Symbols.
    fn symbols(&mut self, names: &[String]) -> Result<Oop, HeapError> {
        let first = self.mark_roots();
        for name in names {
            let symbol = self.symbol(name)?;
            self.root(symbol);
        }
        let array = self.new_array_of_roots(first);
        self.release(first);
        array
    }

    fn fill_class(
        &mut self,
        made: Made,
        superclass: Option<Root>,
        above: Root,
        def: &ClassDef,
        spec: ClassSpec,
    ) -> Result<(), HeapError> {
        let index = |index: ClassIndex| Oop::small_integer(i64::from(index.get())).unwrap_or(Oop::NULL);
        let class_spec = self.mutator.heap().classes.spec(made.classes).unwrap_or(ClassSpec::fixed(0));
        let over = superclass.map_or(self.nil(), |superclass| self.rooted(superclass).oop());
        self.store_rooted(made.class, behavior::SUPERCLASS, over);
        let above = self.rooted(above).oop();
        self.store_rooted(made.metaclass, behavior::SUPERCLASS, above);
        self.store_rooted(made.class, behavior::FORMAT, packed_format(spec));
        self.store_rooted(made.metaclass, behavior::FORMAT, packed_format(class_spec));
        self.store_rooted(made.class, behavior::CLASS_INDEX, index(made.instances));
        self.store_rooted(made.metaclass, behavior::CLASS_INDEX, index(made.classes));
        for (root, names) in
            [(made.class, &def.instance_variables), (made.metaclass, &def.class_instance_variables)]
        {
            let dict = self.new_method_dict()?;
            self.store_rooted(root, behavior::METHOD_DICT, dict);
            let names = self.symbols(names)?;
            self.store_rooted(root, class_description::INSTANCE_VARIABLES, names);
        }
        let class = self.rooted(made.class).oop();
        self.store_rooted(made.metaclass, metaclass::THIS_CLASS, class);
        let name = self.symbol(&def.name)?;
        self.store_rooted(made.class, class::NAME, name);
        if let Some(comment) = &def.comment {
            let comment = self.new_string(comment)?;
            self.store_rooted(made.class, class_description::COMMENT, comment);
        }
        if let Some(package) = def.filing.package.as_deref().or(def.filing.category.as_deref()) {
            let package = self.symbol(package)?;
            self.store_rooted(made.class, class_description::PACKAGE_NAME, package);
        }
        if let Some(tag) = &def.filing.tag {
            let tag = self.symbol(tag)?;
            self.store_rooted(made.class, class::TAG, tag);
        }
        if !def.class_variables.is_empty() {
            self.make_class_pool(made.class, &def.class_variables)?;
        }
        let globals = self.special(Special::Globals);
        self.store_rooted(made.class, class::ENVIRONMENT, globals);
        Ok(())
    }

    /// A class, and its metaclass, that no name leads to: its superclass does not know of it either.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn make_hidden_class(
        &mut self,
        superclass: Root,
        def: &ClassDef,
        package: &str,
    ) -> Result<Oop, HeapError> {
        let made = self.make_class_under(Some(superclass), def, package)?;
        Ok(self.rooted(made.class).oop())
    }

    /// Lets the superclass of a class know of it.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn enroll_class(&mut self, class: Root) -> Result<(), HeapError> {
        self.change_subclasses(class, true)
    }

    /// Lets the superclass of a class forget it.
    ///
    /// # Errors
    /// [`HeapError`].
    pub(crate) fn strike_class(&mut self, class: Root) -> Result<(), HeapError> {
        self.change_subclasses(class, false)
    }

    /// A class that says nothing of its package belongs to the one that it was loaded with.
    fn file_class(&mut self, class: Root, package: &str) -> Result<(), HeapError> {
        let filed = self.rooted(class).slot(class_description::PACKAGE_NAME);
        if filed.is_some_and(Value::is_nil) {
            let package = self.symbol(package)?;
            self.store_rooted(class, class_description::PACKAGE_NAME, package);
        }
        Ok(())
    }

    /// Sets the pools that a class imports, by name; those that do not exist are left out.
    fn set_pools(&mut self, class: Root, names: &[String]) -> Result<(), HeapError> {
        if names.is_empty() {
            return Ok(());
        }
        let first = self.mark_roots();
        for name in names {
            if let Some(pool) = self.class_named(name).map(Value::oop) {
                self.root(pool);
            }
        }
        let pools = self.new_array_of_roots(first);
        self.release(first);
        let pools = pools?;
        self.store_rooted(class, class::SHARED_POOLS, pools);
        Ok(())
    }

    fn make_class_pool(&mut self, class: Root, names: &[String]) -> Result<(), HeapError> {
        let pool = self.new_dictionary(Known::IdentityDictionary)?;
        let pool = self.root(pool);
        for name in names {
            let name = self.symbol(name)?;
            let key = self.root(name);
            let nil = self.nil();
            let value = self.root(nil);
            let association = self.new_association(key, value)?;
            let association = self.root(association);
            self.insert_association(pool, association)?;
            self.release(key);
        }
        let oop = self.rooted(pool).oop();
        self.store_rooted(class, class::CLASS_POOL, oop);
        self.release(pool);
        Ok(())
    }

    fn change_subclasses(&mut self, class: Root, is_member: bool) -> Result<(), HeapError> {
        let superclass = self.rooted(class).slot(behavior::SUPERCLASS).filter(|above| !above.is_nil());
        let Some(superclass) = superclass.map(Value::oop) else { return Ok(()) };
        let superclass = self.root(superclass);
        let first = self.mark_roots();
        let own = self.rooted(class).oop();
        let known: Vec<Oop> = {
            let list = self.rooted(superclass).slot(class::SUBCLASSES);
            let elements =
                |list: Value<'_>| (0..list.slots()).filter_map(|at| list.slot(at)).map(Value::oop).collect();
            list.map_or(Vec::new(), elements)
        };
        for oop in known.into_iter().filter(|&oop| oop != own) {
            self.root(oop);
        }
        if is_member {
            self.root(own);
        }
        let subclasses = self.new_array_of_roots(first);
        self.release(first);
        if let Ok(subclasses) = subclasses {
            self.store_rooted(superclass, class::SUBCLASSES, subclasses);
        }
        self.release(superclass);
        subclasses.map(drop)
    }
}
