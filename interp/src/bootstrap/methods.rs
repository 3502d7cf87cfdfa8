//! Compiling methods for classes that exist.

use std::collections::HashMap;

use instar_heap::{HeapError, Oop};

use super::evaluate::BoundScope;
use crate::compiler::{CompiledMethodInfo, Environment, Resolved, compile_method};
use crate::objects::layout::{association, behavior, class_description};
use crate::objects::value::MOST_SUPERCLASSES;
use crate::objects::{Special, Value};
use crate::source::{MethodDef, Package, Side};
use crate::syntax::{SyntaxError, render};
use crate::vm::install::MethodFacts;
use crate::vm::space::Root;
use crate::vm::{Origin, Space, SpaceError};

/// What names mean to code of a class.
pub struct ClassScope<'s> {
    space: &'s Space,
    class: Value<'s>,
    variables: &'s HashMap<String, u16>,
}

impl<'s> ClassScope<'s> {
    /// Names as code of `class` sees them; `variables` are its instance variables.
    pub(crate) fn new(
        space: &'s Space,
        class: Value<'s>,
        variables: &'s HashMap<String, u16>,
    ) -> ClassScope<'s> {
        ClassScope { space, class, variables }
    }
}

impl Environment for ClassScope<'_> {
    fn resolve(&self, name: &str) -> Option<Resolved> {
        if let Some(slot) = self.variables.get(name) {
            return Some(Resolved::InstanceVariable(*slot));
        }
        let symbol = self.space.existing_symbol(name)?;
        if self.space.class_variable(self.class, symbol).is_some() {
            return Some(Resolved::ClassVariable);
        }
        let binding = self.space.global(symbol)?;
        let value = binding.slot(association::VALUE)?;
        let is_class =
            value.object().is_some_and(|object| object.header().has_any(instar_heap::HeaderFlags::CLASS));
        Some(Resolved::Global { is_assignable: !is_class })
    }

    fn visit_names(&self, visit: &mut dyn FnMut(&str)) {
        self.variables.keys().for_each(|name| visit(name));
        let globals = self.space.value(self.space.special(Special::Globals));
        let Some(array) = globals.slot(crate::objects::layout::hashed::ARRAY) else { return };
        for index in 0..array.slots() {
            let key = array.slot(index).and_then(|binding| binding.slot(association::KEY));
            if let Some(name) = key.and_then(Value::text) {
                visit(&name);
            }
        }
    }
}

impl Space {
    /// The slots of a class's instance variables, by name.
    pub(crate) fn instance_variables(&self, class: Value<'_>) -> HashMap<String, u16> {
        let mut chain = Vec::new();
        let mut at = Some(class);
        while let Some(class) = at.filter(|class| !class.is_nil() && chain.len() < MOST_SUPERCLASSES) {
            chain.push(class);
            at = class.slot(behavior::SUPERCLASS);
        }
        let mut variables = HashMap::new();
        for class in chain.into_iter().rev() {
            let Some(names) = class.slot(class_description::INSTANCE_VARIABLES) else { continue };
            for name in (0..names.slots()).filter_map(|at| names.slot(at)?.text()) {
                let slot = variables.len() as u16;
                variables.insert(name, slot);
            }
        }
        variables
    }

    /// Compiles a method for a class. Names of global variables are looked up in the workspace first, if there is one.
    pub(crate) fn compile_for(
        &self,
        class: Value<'_>,
        variables: &HashMap<String, u16>,
        source: &str,
    ) -> Result<CompiledMethodInfo, Vec<SyntaxError>> {
        let inner = ClassScope::new(self, class, variables);
        compile_method(source, &BoundScope { inner, space: self, bindings: self.workspace, variables })
    }

    /// Compiles the methods of packages and puts them into their classes.
    pub(super) fn load_methods_of(&mut self, packages: &[Package]) -> Result<(), SpaceError> {
        let mut errors = String::new();
        for package in packages {
            let classes = package.classes.iter().map(|def| (&def.name, &def.methods));
            let extensions = package.extensions.iter().map(|def| (&def.name, &def.methods));
            for (name, methods) in classes.chain(extensions) {
                self.load_methods(name, methods, &package.name, &mut errors)?;
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(SpaceError::Load(errors)) }
    }

    fn load_methods(
        &mut self,
        name: &str,
        methods: &[MethodDef],
        package: &str,
        errors: &mut String,
    ) -> Result<(), SpaceError> {
        for side in [Side::Instance, Side::Class] {
            let Some(class) = self.class_named(name) else {
                errors.push_str(&format!("error: there is no class {name} to be extended by {package}\n"));
                return Ok(());
            };
            let class = if side == Side::Class { class.class() } else { class };
            let variables = self.instance_variables(class);
            let class = class.oop();
            let class = self.root(class);
            for method in methods.iter().filter(|method| method.side == side) {
                if let Err(text) = self.load_method(class, &variables, method, package)? {
                    errors.push_str(&text);
                }
            }
            self.release(class);
        }
        Ok(())
    }

    fn load_method(
        &mut self,
        class: Root,
        variables: &HashMap<String, u16>,
        method: &MethodDef,
        package: &str,
    ) -> Result<Result<(), String>, HeapError> {
        let source = method.source();
        let compiled = self.compile_for(self.rooted(class), variables, &source);
        let info = match compiled {
            Ok(info) => info,
            Err(errors) => return Ok(Err(render(&method.file.path, &source, &errors))),
        };
        if std::env::var("LENIENT").is_err()
            && let Some(name) =
                info.unit.primitive.as_deref().filter(|name| crate::primitives::find(name).is_none())
        {
            return Ok(Err(format!(
                "error: {}: {} names the primitive {name}, which there is not\n",
                method.file.path, info.selector
            )));
        }
        let facts = MethodFacts {
            source: &source,
            protocol: method.category.as_deref().unwrap_or("as yet unclassified"),
            package: Some(package),
            origin: Some(Origin::of_method(method)),
        };
        self.install(class, &info, &facts)?;
        Ok(Ok(()))
    }

    /// Puts a compiled method into a class.
    pub(crate) fn install(
        &mut self,
        class: Root,
        info: &CompiledMethodInfo,
        facts: &MethodFacts<'_>,
    ) -> Result<Oop, HeapError> {
        let selector = self.symbol(&info.selector)?;
        let selector = self.root(selector);
        let method = self.new_method(info, selector, class, facts)?;
        let method = self.root(method);
        let result = self.add_method(class, selector, method);
        let oop = self.rooted(method).oop();
        self.release(selector);
        result.map(|()| oop)
    }
}
