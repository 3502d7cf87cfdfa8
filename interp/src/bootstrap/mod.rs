//! From sources to a running space: the kernel into an empty one, packages into one that runs.

mod assigned;
mod classes;
mod definitions;
mod diagnostic;
mod evaluate;
mod kernel;
mod load;
mod methods;
mod plan;
mod update;
mod world;

pub(crate) use classes::unpacked_format;
pub use diagnostic::{Diagnostic, Severity, errors_of};
pub(crate) use evaluate::Rejected;
pub use evaluate::{Problem, Statements};
pub use kernel::sources;
pub use load::{Loaded, check_packages};
pub use methods::ClassScope;

use instar_heap::{HeapError, Oop};

use crate::objects::layout::scheduler;
use crate::objects::{Known, Special, Value};
use crate::source::{ClassDef, Package};
use crate::vm::space::Root;
use crate::vm::{Space, SpaceError, SpaceOptions};

/// Priorities that processes can have.
const PRIORITIES: usize = 82;

impl Space {
    /// A space with the kernel that is built into the program.
    ///
    /// # Errors
    /// [`SpaceError`].
    pub fn new(options: SpaceOptions) -> Result<Space, SpaceError> {
        let packages = kernel::packages()?;
        Space::with_kernel(options, &packages)
    }

    /// A space with this kernel.
    ///
    /// # Errors
    /// [`SpaceError::Load`] names what is wrong with the kernel.
    pub fn with_kernel(options: SpaceOptions, packages: &[Package]) -> Result<Space, SpaceError> {
        let mut space = Space::empty(options)?;
        let classes: Vec<&ClassDef> = packages.iter().flat_map(|package| &package.classes).collect();
        space.make_kernel_classes(&classes)?;
        space.make_well_known_objects()?;
        space.load_methods_of(packages)?;
        space.initialize_classes(packages)?;
        Ok(space)
    }

    /// true, false, selectors, the scheduler, `Smalltalk`.
    fn make_well_known_objects(&mut self) -> Result<(), SpaceError> {
        for (special, text) in Special::SELECTORS {
            let symbol = self.symbol(text)?;
            self.set_special(*special, symbol);
        }
        let lists = self.allocate_known(Known::Array, PRIORITIES)?.oop();
        let lists = self.root(lists);
        for index in 0..PRIORITIES {
            let list = self.allocate_known(Known::LinkedList, 0)?.oop();
            self.store_rooted(lists, index, list);
        }
        let processor = self.instance_of_named("ProcessorScheduler")?;
        self.store_rooted(processor, scheduler::LISTS, self.rooted(lists).oop());
        self.set_special(Special::Scheduler, self.rooted(processor).oop());
        self.define_global("Processor", processor)?;
        let image = self.instance_of_named("SmalltalkImage")?;
        let globals = self.special(Special::Globals);
        self.store_rooted(image, 0, globals);
        self.set_special(Special::Smalltalk, self.rooted(image).oop());
        self.define_global("Smalltalk", image)?;
        let undeclared = self.special(Special::Undeclared);
        let undeclared = self.root(undeclared);
        self.define_global("Undeclared", undeclared)?;
        self.release(lists);
        Ok(())
    }

    /// A new instance of a class of the kernel, by name.
    fn instance_of_named(&mut self, name: &str) -> Result<Root, SpaceError> {
        let missing = || SpaceError::Load(format!("the kernel has no class {name}"));
        let class = self.class_named(name).ok_or_else(missing)?;
        let index = class.slot(crate::objects::layout::behavior::CLASS_INDEX).and_then(Value::as_integer);
        let index = index.and_then(|index| instar_heap::ClassIndex::new(index as u32)).ok_or_else(missing)?;
        let instance = self.allocate(index, 0)?.oop();
        Ok(self.root(instance))
    }

    /// The class, or other global, of this name.
    pub fn class_named(&self, name: &str) -> Option<Value<'_>> {
        let symbol = self.existing_symbol(name)?;
        self.global(symbol)?.slot(crate::objects::layout::association::VALUE).filter(|value| !value.is_nil())
    }

    /// Binds a global.
    pub(crate) fn define_global(&mut self, name: &str, value: Root) -> Result<(), HeapError> {
        let name = self.symbol(name)?;
        let key = self.root(name);
        if let Some(object) = self.global(self.rooted(key).oop()).and_then(Value::object) {
            // A binding that code refers to already stays the same object.
            let value = self.rooted(value).oop();
            let binding = self.root(object.oop());
            self.store_rooted(binding, crate::objects::layout::association::VALUE, value);
            self.release(key);
            return Ok(());
        }
        let association = match self.take_undeclared(key)? {
            Some(waiting) => waiting,
            None => self.new_association(key, value)?,
        };
        let association = self.root(association);
        let value = self.rooted(value).oop();
        self.store_rooted(association, crate::objects::layout::association::VALUE, value);
        let globals: Oop = self.special(Special::Globals);
        let globals = self.root(globals);
        let result = self.insert_association(globals, association);
        self.release(key);
        result
    }

    /// Takes the binding of a name that code refers to and nothing defined so far out of `Undeclared`.
    fn take_undeclared(&mut self, key: Root) -> Result<Option<Oop>, HeapError> {
        let undeclared = self.special(Special::Undeclared);
        let undeclared = self.root(undeclared);
        let result = self.remove_association(undeclared, key);
        self.release(undeclared);
        result
    }

    /// Sends `initialize` to each class of the packages that defines it on its class side.
    pub(super) fn initialize_classes(&mut self, packages: &[Package]) -> Result<(), SpaceError> {
        for package in packages {
            for class in &package.classes {
                let defines = class.methods.iter().any(|method| {
                    method.side == crate::source::Side::Class && method.pattern().trim() == "initialize"
                });
                if defines {
                    self.evaluate(&format!("{} initialize", class.name)).map_err(|error| {
                        SpaceError::Load(format!("{} class>>initialize: {error}", class.name))
                    })?;
                }
            }
        }
        Ok(())
    }
}
