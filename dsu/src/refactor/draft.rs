//! A patch that is being made by a refactoring, and the packages behind it.
//!
//! [drafts-fit] A draft that is finished fits the packages that it was made for, nothing in it is undecided, and all methods that it sets can be read.

use std::collections::BTreeMap;

use instar_interp::source::{MethodDef, Side};

use super::edit::Edits;
use super::order;
use super::program::{Class, Placed, Program};
use super::refused::{Refused, place};
use super::{Outcome, VariableKind};
use crate::patch::{
    Change, ClassChange, MethodChange, MethodEdit, Patch, Policy, Rule, SlotRule, version_hash,
};

/// Owner, side and selector of a method.
pub(super) type Key = (String, Side, String);

pub(super) struct Draft<'p> {
    pub(super) program: &'p Program<'p>,
    pub(super) warnings: Vec<String>,
    patch: Patch,
    /// Methods that have another owner or selector: before and after.
    moved: Vec<(Key, Key)>,
    /// Old and new names of classes.
    renamed: BTreeMap<String, String>,
}

impl<'p> Draft<'p> {
    pub(super) fn new(program: &'p Program<'p>, name: impl Into<String>) -> Draft<'p> {
        let mut patch = Patch::new(name);
        patch.base = Some(version_hash(program.packages));
        patch.packages = program.packages.iter().map(|package| package.name.clone()).collect();
        Draft { program, warnings: Vec::new(), patch, moved: Vec::new(), renamed: BTreeMap::new() }
    }

    /// What changes about a class that stays.
    pub(super) fn class(&mut self, name: &str) -> &mut ClassChange {
        let classes = &mut self.patch.classes;
        let index = classes.iter().position(|one| one.name == name).unwrap_or_else(|| {
            classes.push(ClassChange::new(Change::Changed, false, name));
            classes.len() - 1
        });
        &mut classes[index]
    }

    /// A class that comes, like another one in where it is filed.
    pub(super) fn add_class(&mut self, name: &str, superclass: &str, like: &Class<'p>) -> &mut ClassChange {
        let mut change = ClassChange::new(Change::Added, false, name);
        change.superclass = Some(superclass.to_owned());
        change.package = Some(like.package.to_owned());
        change.category.clone_from(&like.def.filing.category);
        change.tag.clone_from(&like.def.filing.tag);
        self.patch.classes.push(change);
        self.class(name)
    }

    /// A class has a new name: what else is said in the draft says its old one.
    pub(super) fn rename_class(&mut self, old: &str, new: &str) {
        self.class(old);
        self.renamed.insert(old.to_owned(), new.to_owned());
    }

    /// The names of a class's variables of a kind, as far as they are known to change.
    pub(super) fn variables(&mut self, class: &Class<'p>, kind: VariableKind) -> &mut Vec<String> {
        let change = self.class(class.name());
        let place = match kind {
            VariableKind::Instance => &mut change.instance_variables,
            VariableKind::ClassSide => &mut change.class_instance_variables,
            VariableKind::Shared => &mut change.class_variables,
        };
        place.get_or_insert_with(|| class.variables(kind).to_vec())
    }

    /// How instances of a class follow.
    pub(super) fn policy(&mut self, class: &str, rule: Rule) {
        self.patch.policies.push(Policy { class: class.to_owned(), rule, undecided: Vec::new() });
    }

    /// Variable by variable.
    pub(super) fn slots(&mut self, class: &str, change: impl FnOnce(&mut SlotRule)) {
        let mut slots = SlotRule::default();
        change(&mut slots);
        self.policy(class, Rule::Slots(slots));
    }

    /// Statements for the program behind the commit.
    pub(super) fn after(&mut self, code: String) {
        self.patch.after.push(crate::patch::Action { code, undecided: Vec::new() });
    }

    fn set(&mut self, owner: &str, method: MethodDef, package: Option<String>) {
        let edit = MethodEdit::Set(method);
        let change = MethodChange { owner: owner.to_owned(), edit, package, undecided: Vec::new() };
        self.patch.methods.push(change);
    }

    /// The package that is to be named with a method: where it is not that of its class.
    fn extended(&self, method: &Placed<'p>) -> Option<String> {
        let home = self.program.home(method.owner);
        (home != Some(method.package)).then(|| method.package.to_owned())
    }

    /// A method's text changes; nothing without edits.
    pub(super) fn edit(&mut self, method: &Placed<'p>, edits: Edits) {
        if !edits.is_empty() {
            self.set(method.owner, edits.applied_to(method.def), self.extended(method));
        }
    }

    /// A method gets another selector.
    pub(super) fn rename_method(&mut self, method: &Placed<'p>, edits: Edits) {
        let new = edits.applied_to(method.def);
        let selector = new.selector().map_or_else(|_| String::new(), |found| found.text.into_owned());
        let owner = method.owner.to_owned();
        self.moved
            .push(((owner.clone(), method.def.side, method.selector()), (owner, method.def.side, selector)));
        self.remove(method);
        self.set(method.owner, new, self.extended(method));
    }

    /// A method of the same text in another class.
    pub(super) fn copy_method(&mut self, method: &Placed<'p>, to: &str) {
        let package = self.extended(method);
        self.set(to, method.def.clone(), package);
    }

    /// A new method of a class's instances.
    pub(super) fn add_method(&mut self, owner: &str, protocol: &str, source: &str) -> Result<(), Refused> {
        let method = MethodDef::from_source(Side::Instance, Some(protocol.to_owned()), source.to_owned());
        let method = method.map_err(|errors| {
            let why = errors.first().map_or("", |error| &error.message);
            Refused::new(format!("{source} is no method: {why}"))
        })?;
        self.set(owner, method, None);
        Ok(())
    }

    pub(super) fn remove(&mut self, method: &Placed<'p>) {
        let edit = MethodEdit::Remove { side: method.def.side, selector: method.selector() };
        let owner = method.owner.to_owned();
        self.patch.methods.push(MethodChange { owner, edit, package: None, undecided: Vec::new() });
    }

    /// Takes the methods of another draft over.
    pub(super) fn take_methods(&mut self, other: Draft<'_>) {
        self.patch.methods.extend(other.patch.methods);
        self.warnings.extend(other.warnings);
    }

    /// What there is so far, for a look at the packages behind it.
    pub(super) fn patch(&self) -> &Patch {
        &self.patch
    }

    pub(super) fn finish(mut self) -> Result<Outcome, Refused> {
        for (old, new) in &self.renamed {
            if let Some(class) = self.patch.classes.iter_mut().find(|class| class.name == *old) {
                class.name.clone_from(new);
                class.old_name = Some(old.clone());
            }
            let methods = self.patch.methods.iter_mut();
            methods.filter(|method| method.owner == *old).for_each(|method| method.owner.clone_from(new));
        }
        self.patch.sort();
        let mut after = self
            .patch
            .apply_to(self.program.packages)
            .map_err(|misfits| Refused::new(misfits.to_string()))?;
        order::restore(self.program.packages, &mut after, &self.moved, &self.renamed);
        for method in &self.patch.methods {
            let MethodEdit::Set(def) = &method.edit else { continue };
            if let Err(errors) = def.parse() {
                let why = errors.first().map_or("", |error| &error.message);
                let message = format!("{} could not be read behind the change: {why}", method.title());
                return Err(Refused { place: Some(place(&def.file, def.pattern)), message, mend: None });
            }
        }
        Ok(Outcome { patch: self.patch, warnings: self.warnings, after, moved: self.moved })
    }
}
