//! A patch applied to packages rather than to a running program: what the sources are behind the update.

use std::fmt;

use instar_interp::source::{ClassDef, ExtensionDef, MethodDef, Package, Place, Side, Style, TraitDef};

use super::model::{Change, ClassChange, MethodChange, MethodEdit, Patch, ROOT};

/// Why a patch does not fit packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfits(pub Vec<String>);

impl fmt::Display for Misfits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the patch does not fit these packages: {}", self.0.join("; "))
    }
}

impl std::error::Error for Misfits {}

impl Patch {
    /// The packages as they are behind the update. Policies, validations and actions have no say in it.
    ///
    /// # Errors
    /// All that is to be changed or removed and is not there, or is to be added and is there already.
    pub fn apply_to(&self, packages: &[Package]) -> Result<Vec<Package>, Misfits> {
        let mut program = Program { packages: packages.to_vec(), misfits: Vec::new() };
        // A name may become free by a removal or change before something else takes it.
        for kind in [Change::Removed, Change::Changed, Change::Added] {
            self.classes.iter().filter(|class| class.change == kind).for_each(|class| program.class(class));
        }
        self.methods.iter().for_each(|method| program.method(method));
        for package in &mut program.packages {
            package.extensions.retain(|extension| !extension.methods.is_empty());
        }
        if program.misfits.is_empty() { Ok(program.packages) } else { Err(Misfits(program.misfits)) }
    }
}

struct Program {
    packages: Vec<Package>,
    misfits: Vec<String>,
}

impl Program {
    fn has(&self, name: &str) -> bool {
        let names = |package: &Package| {
            package.classes.iter().any(|class| class.name == name)
                || package.traits.iter().any(|made| made.name == name)
        };
        self.packages.iter().any(names)
    }

    fn package(&mut self, name: &str) -> &mut Package {
        let index = self.packages.iter().position(|package| package.name == name).unwrap_or_else(|| {
            self.packages.push(Package::new(name));
            self.packages.len() - 1
        });
        &mut self.packages[index]
    }

    fn class(&mut self, change: &ClassChange) {
        let before = change.old_name.as_ref().unwrap_or(&change.name);
        if change.change == Change::Added {
            if self.has(&change.name) {
                self.misfits.push(format!("{} is there already", change.name));
                return;
            }
            let home = home_of(change).unwrap_or_else(|| "_UnpackagedPackage".to_owned());
            if change.is_trait {
                let mut made = TraitDef::new(&change.name, Place::none());
                change_trait(change, &mut made);
                self.package(&home).traits.push(made);
            } else {
                let mut class = ClassDef::new(&change.name, None, Place::none());
                change_class(change, &mut class);
                self.package(&home).classes.push(class);
            }
            return;
        }
        let mut found = false;
        for index in 0..self.packages.len() {
            let package = &mut self.packages[index];
            if let Some(at) = package.classes.iter().position(|one| !change.is_trait && one.name == *before) {
                found = true;
                let mut class = package.classes.remove(at);
                if change.change == Change::Changed {
                    change_class(change, &mut class);
                    let home = home_of(change).unwrap_or_else(|| package.name.clone());
                    self.package(&home).classes.push(class);
                }
                break;
            }
            if let Some(at) = package.traits.iter().position(|one| change.is_trait && one.name == *before) {
                found = true;
                let mut made = package.traits.remove(at);
                if change.change == Change::Changed {
                    change_trait(change, &mut made);
                    let home = home_of(change).unwrap_or_else(|| package.name.clone());
                    self.package(&home).traits.push(made);
                }
                break;
            }
        }
        if !found {
            self.misfits.push(format!("there is no {before}"));
            return;
        }
        let extensions = self.packages.iter_mut().flat_map(|package| &mut package.extensions);
        for extension in extensions.filter(|extension| extension.name == *before) {
            if change.change == Change::Removed {
                extension.methods.clear();
            }
            extension.name.clone_from(&change.name);
        }
    }

    fn method(&mut self, change: &MethodChange) {
        let (side, selector) = (change.side(), change.selector());
        let is_it = |method: &MethodDef| is_named(method, side, &selector);
        let was_there = self.lists_of(&change.owner).into_iter().fold(false, |found, list| {
            let before = list.len();
            list.retain(|method| !is_it(method));
            found || list.len() < before
        });
        match &change.edit {
            MethodEdit::Remove { .. } if !was_there => {
                self.misfits.push(format!("there is no method {}", change.title()));
            }
            MethodEdit::Remove { .. } => {}
            MethodEdit::Set(method) => self.set(change, method),
        }
    }

    fn set(&mut self, change: &MethodChange, method: &MethodDef) {
        if change.package.is_none() {
            let own = self.packages.iter_mut().find_map(|package| own_methods(package, &change.owner));
            match own {
                Some(methods) => methods.push(method.clone()),
                None => self.misfits.push(format!(
                    "there is no {}, and no #package for {}",
                    change.owner,
                    change.title()
                )),
            }
            return;
        }
        let home = change.package.clone().unwrap_or_default();
        let package = self.package(&home);
        if let Some(methods) = own_methods(package, &change.owner) {
            return methods.push(method.clone());
        }
        if let Some(extension) = package.extensions.iter_mut().find(|one| one.name == change.owner) {
            return extension.methods.push(method.clone());
        }
        package.extensions.push(ExtensionDef {
            name: change.owner.clone(),
            methods: vec![method.clone()],
            style: Style::default(),
            place: Place::none(),
        });
    }

    /// All lists of methods of a class or trait: its own, and those of extensions.
    fn lists_of(&mut self, owner: &str) -> Vec<&mut Vec<MethodDef>> {
        let mut lists = Vec::new();
        for package in &mut self.packages {
            let own = package.classes.iter_mut().map(|class| (&class.name, &mut class.methods));
            let own = own.chain(package.traits.iter_mut().map(|made| (&made.name, &mut made.methods)));
            let all = own.chain(package.extensions.iter_mut().map(|one| (&one.name, &mut one.methods)));
            lists.extend(all.filter(|(name, _)| *name == owner).map(|(_, methods)| methods));
        }
        lists
    }
}

fn own_methods<'p>(package: &'p mut Package, owner: &str) -> Option<&'p mut Vec<MethodDef>> {
    let classes = package.classes.iter_mut().map(|class| (&class.name, &mut class.methods));
    let mut all = classes.chain(package.traits.iter_mut().map(|made| (&made.name, &mut made.methods)));
    all.find(|(name, _)| *name == owner).map(|(_, methods)| methods)
}

fn is_named(method: &MethodDef, side: Side, selector: &str) -> bool {
    method.side == side && method.selector().is_ok_and(|found| found.text == selector)
}

/// The package that is said: older formats call it a category.
fn home_of(change: &ClassChange) -> Option<String> {
    change.package.as_ref().or(change.category.as_ref()).cloned()
}

/// Takes over what is said.
fn set<T: Clone>(place: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}

fn change_class(change: &ClassChange, class: &mut ClassDef) {
    class.name.clone_from(&change.name);
    if let Some(superclass) = &change.superclass {
        class.superclass = Some(superclass.clone()).filter(|name| name != ROOT);
    }
    set(&mut class.traits, change.traits.as_ref());
    set(&mut class.class_traits, change.class_traits.as_ref());
    set(&mut class.layout, change.layout.as_ref());
    set(&mut class.instance_variables, change.instance_variables.as_ref());
    set(&mut class.class_variables, change.class_variables.as_ref());
    set(&mut class.pools, change.pools.as_ref());
    set(&mut class.class_instance_variables, change.class_instance_variables.as_ref());
    file(change, &mut class.filing, &mut class.comment);
}

fn change_trait(change: &ClassChange, made: &mut TraitDef) {
    made.name.clone_from(&change.name);
    set(&mut made.traits, change.traits.as_ref());
    set(&mut made.class_traits, change.class_traits.as_ref());
    set(&mut made.instance_variables, change.instance_variables.as_ref());
    set(&mut made.class_instance_variables, change.class_instance_variables.as_ref());
    file(change, &mut made.filing, &mut made.comment);
}

/// An empty tag or comment is none.
fn file(change: &ClassChange, filing: &mut instar_interp::source::Filing, comment: &mut Option<String>) {
    let said = |place: &mut Option<String>, value: &Option<String>| {
        if let Some(value) = value {
            *place = Some(value.clone()).filter(|text| !text.is_empty());
        }
    };
    said(&mut filing.category, &change.category);
    said(&mut filing.package, &change.package);
    said(&mut filing.tag, &change.tag);
    let is_moved = change.package.is_some() || change.tag.is_some();
    if change.category.is_none() && is_moved && filing.category.is_some() {
        let tag = filing.tag.as_ref().map_or(String::new(), |tag| format!("-{tag}"));
        filing.category = filing.package.as_ref().map(|package| format!("{package}{tag}"));
    }
    said(comment, &change.comment);
}
