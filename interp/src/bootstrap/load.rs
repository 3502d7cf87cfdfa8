//! Loading packages into a space that runs.
//!
//! \[checked-first\] All that can be checked by name is checked, and all methods are compiled, before anything changes: see
//! [`plan`](super::plan). Then come, in this order: traits, classes (superclasses and pools first), methods, the compositions of traits,
//! class-side `initialize`, do-its. What needs the guest's own protocol (traits, changed shapes of classes with
//! instances) is asked of the guest.

use std::collections::HashSet;

use instar_heap::HeapError;

use super::definitions::is_composed;
use super::diagnostic::{Diagnostic, errors_of};
use super::evaluate::{Problem, Statements};
use super::plan::{Change, Plan, PlannedClass, PlannedMethod, initializers};
use super::update::composition_source;
use crate::objects::Value;
use crate::objects::layout::{behavior, class_description, compiled};
use crate::source::{MethodDef, Package, Side, TraitDef};
use crate::vm::install::MethodFacts;
use crate::vm::lookup::method_at;
use crate::vm::space::Root;
use crate::vm::{Origin, Space};

/// The protocol of methods that name none.
const UNCLASSIFIED: &str = "as yet unclassified";

/// What loading has to say.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// What is suspicious in the packages.
    pub warnings: Vec<Diagnostic>,
}

/// Finds all that can be found wrong, or suspicious, with packages that are to be loaded together, without running or changing
/// anything. They can be loaded if no finding is an error.
pub fn check_packages(space: &Space, packages: &[Package]) -> Vec<Diagnostic> {
    Plan::new(space, packages).found
}

impl Space {
    /// Loads packages together.
    ///
    /// # Errors
    /// [`Problem::Source`] with all that is wrong: nothing has changed then. The other problems come from code of the guest that runs
    /// at the end, class-side `initialize` and do-its; or from want of memory.
    pub fn load(&mut self, packages: &[Package]) -> Result<Loaded, Problem> {
        let plan = Plan::new(self, packages);
        if let Some(text) = errors_of(&plan.found) {
            return Err(Problem::Source(text));
        }
        for (def, package) in &plan.traits {
            self.load_trait(def, package)?;
        }
        for class in &plan.classes {
            self.load_class(class)?;
        }
        let mut installed = HashSet::new();
        let mut changed = HashSet::new();
        for method in &plan.methods {
            if self.load_planned(method)? {
                installed.insert((method.owner, method.def.side, method.info.selector.as_str()));
                changed.insert(method.owner);
            }
        }
        self.remove_obsolete(&plan)?;
        self.load_compositions(&plan, &changed)?;
        for name in initializers(&plan, &installed) {
            self.evaluate(&format!("{name} initialize"))?;
        }
        self.run_doits(packages)?;
        Ok(Loaded { warnings: plan.found })
    }

    fn run_doits(&mut self, packages: &[Package]) -> Result<(), Problem> {
        for doit in packages.iter().flat_map(|package| &package.doits) {
            let statements = Statements { source: doit.source(), origin: Some(Origin::of_doit(doit)) };
            let nil = self.nil();
            self.evaluate_statements(&statements, nil, None)?;
        }
        Ok(())
    }

    fn load_trait(&mut self, def: &TraitDef, package: &str) -> Result<(), Problem> {
        if self.real_trait(&def.name).is_none() {
            self.make_trait(def, package)?;
        }
        let Some(made) = self.real_trait(&def.name) else {
            let message = format!("{:?}: the kernel did not make the trait {}\n", def.place, def.name);
            return Err(Problem::Source(message));
        };
        let made = made.oop();
        let made = self.root(made);
        let result = self.set_comment(made, def.comment.as_deref());
        self.release(made);
        Ok(result?)
    }

    fn load_class(&mut self, planned: &PlannedClass<'_>) -> Result<(), Problem> {
        match planned.change {
            Change::New => self.make_class(planned.def, planned.package)?,
            Change::Definition => self.change_class(planned.def, planned.package)?,
            Change::None => {}
        }
        let Some(class) = self.real_class(&planned.def.name).map(Value::oop) else { return Ok(()) };
        let class = self.root(class);
        let result = self.set_comment(class, planned.def.comment.as_deref());
        self.release(class);
        Ok(result?)
    }

    fn set_comment(&mut self, class: Root, comment: Option<&str>) -> Result<(), HeapError> {
        let slot = class_description::COMMENT;
        let current = self.rooted(class).slot(slot).and_then(Value::text);
        if let Some(comment) = comment.filter(|comment| current.as_deref() != Some(*comment)) {
            let comment = self.new_string(comment)?;
            self.store_rooted(class, slot, comment);
        }
        Ok(())
    }

    /// The class or trait, or its class side, that a method is for.
    fn holder_named(&self, name: &str, side: Side) -> Option<Value<'_>> {
        let class = self.class_named(name)?;
        Some(if side == Side::Class { class.class() } else { class })
    }

    /// Installs a method unless the same is there already; whether it did.
    fn load_planned(&mut self, method: &PlannedMethod<'_>) -> Result<bool, Problem> {
        let def = method.def;
        let Some(class) = self.holder_named(method.owner, def.side) else { return Ok(false) };
        if self.is_installed(class, method) {
            return Ok(false);
        }
        let class = class.oop();
        let class = self.root(class);
        let facts = MethodFacts {
            source: &def.source(),
            protocol: def.category.as_deref().unwrap_or(UNCLASSIFIED),
            package: Some(method.package),
            origin: Some(Origin::of_method(def)),
        };
        let result = self.install(class, &method.info, &facts);
        self.release(class);
        result?;
        Ok(true)
    }

    fn is_installed(&self, class: Value<'_>, method: &PlannedMethod<'_>) -> bool {
        let installed = self
            .existing_symbol(&method.info.selector)
            .and_then(|selector| method_at(class.slot(behavior::METHOD_DICT)?, selector));
        installed.is_some_and(|installed| self.is_same(installed, method.def, method.package))
    }

    fn is_same(&self, installed: Value<'_>, def: &MethodDef, package: &str) -> bool {
        let is = |slot: usize, text: &str| {
            installed.slot(slot).and_then(Value::text).is_some_and(|known| known == text)
        };
        is(compiled::SOURCE, &def.source())
            && is(compiled::PROTOCOL, def.category.as_deref().unwrap_or(UNCLASSIFIED))
            && is(compiled::PACKAGE_NAME, package)
    }

    /// Methods that were loaded from an earlier version of the package and are no longer in it go.
    fn remove_obsolete(&mut self, plan: &Plan<'_>) -> Result<(), Problem> {
        let kept: HashSet<(&str, Side, &str)> = plan
            .methods
            .iter()
            .map(|method| (method.owner, method.def.side, method.info.selector.as_str()))
            .collect();
        for planned in plan.classes.iter().filter(|planned| planned.change != Change::New) {
            let name = planned.def.name.as_str();
            for side in [Side::Instance, Side::Class] {
                let there = self.selectors_from(name, side, planned.package);
                for selector in there.iter().filter(|known| !kept.contains(&(name, side, known.as_str()))) {
                    self.remove_method(name, side, selector)?;
                }
            }
        }
        Ok(())
    }

    /// Selectors of the methods that a class has from files of a package.
    fn selectors_from(&self, name: &str, side: Side, package: &str) -> Vec<String> {
        let dict = self.holder_named(name, side).and_then(|class| class.slot(behavior::METHOD_DICT));
        let Some(dict) = dict else { return Vec::new() };
        let selectors = (dict.named_slots()..dict.slots()).filter_map(|at| dict.slot(at));
        let is_from = |selector: &Value<'_>| {
            method_at(dict, selector.oop()).is_some_and(|method| {
                let from = method.slot(compiled::PACKAGE_NAME).and_then(Value::text);
                from.as_deref() == Some(package) && self.origin_of(method).is_some()
            })
        };
        selectors.filter(|selector| !selector.is_nil()).filter(is_from).filter_map(Value::text).collect()
    }

    /// Traits that are used, where that changes, or where a used trait has.
    fn load_compositions(&mut self, plan: &Plan<'_>, changed: &HashSet<&str>) -> Result<(), Problem> {
        for (def, _) in &plan.traits {
            self.compose(
                &def.name,
                &composition_source(&def.traits),
                &composition_source(&def.class_traits),
            )?;
            if changed.contains(def.name.as_str()) {
                self.evaluate(&format!("{0} notifyTraitUsers. {0} class notifyTraitUsers", def.name))?;
            }
        }
        for planned in &plan.classes {
            let def = planned.def;
            let traits = composition_source(&def.traits);
            self.compose(&def.name, &traits, &composition_source(&def.class_traits))?;
        }
        Ok(())
    }

    fn compose(&mut self, name: &str, traits: &str, class_traits: &str) -> Result<(), Problem> {
        for (side, wanted) in [(Side::Instance, traits), (Side::Class, class_traits)] {
            let is_plain =
                |space: &Space| space.holder_named(name, side).is_none_or(|class| !is_composed(class));
            if wanted.is_empty() && is_plain(self) {
                continue;
            }
            let side = if side == Side::Class { " class" } else { "" };
            let wanted = if wanted.is_empty() { "TraitComposition empty" } else { wanted };
            self.evaluate(&format!(
                "| wanted | wanted := ({wanted}) asTraitComposition.
                 wanted = {name}{side} traitComposition
                     ifFalse: [ {name}{side} setTraitComposition: wanted ]"
            ))?;
        }
        Ok(())
    }
}
