//! The packages that are refactored, with the library that they are used with: classes, hierarchies, methods and what names mean.
//!
//! Classes of the library are known and never changed.

use std::collections::{BTreeMap, BTreeSet};

use instar_interp::source::{ClassDef, Composition, MethodDef, Package, Side, TraitDef};
use instar_interp::syntax::Method;

use super::VariableKind;
use super::refused::Refused;

/// The class whose variables and methods every class has as an object.
const CLASS: &str = "Class";

#[derive(Clone, Copy)]
pub(super) struct Class<'p> {
    pub(super) def: &'p ClassDef,
    pub(super) package: &'p str,
    pub(super) is_own: bool,
}

impl<'p> Class<'p> {
    pub(super) fn name(&self) -> &'p str {
        &self.def.name
    }

    pub(super) fn variables(&self, kind: VariableKind) -> &'p [String] {
        match kind {
            VariableKind::Instance => &self.def.instance_variables,
            VariableKind::ClassSide => &self.def.class_instance_variables,
            VariableKind::Shared => &self.def.class_variables,
        }
    }

    pub(super) fn has(&self, kind: VariableKind, name: &str) -> bool {
        self.variables(kind).iter().any(|known| known == name)
    }
}

/// A method and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Placed<'p> {
    pub(super) owner: &'p str,
    pub(super) package: &'p str,
    pub(super) def: &'p MethodDef,
    pub(super) is_own: bool,
}

impl<'p> Placed<'p> {
    pub(super) fn selector(&self) -> String {
        self.def
            .selector()
            .map_or_else(|_| self.def.pattern().to_owned(), |selector| selector.text.into_owned())
    }

    /// `Point class>>x:y:`
    pub(super) fn title(&self) -> String {
        title(self.owner, self.def.side, &self.selector())
    }

    pub(super) fn parse(&self) -> Result<Method<'p>, Refused> {
        self.def.parse().map_err(|errors| {
            let span = errors.first().map_or(self.def.pattern, |error| error.span);
            let why = errors.first().map_or("its syntax is wrong", |error| &error.message);
            Refused::new(format!("{} cannot be read: {why}", self.title()))
                .at(self.def, span)
                .mend("mend it first")
        })
    }
}

pub(super) fn title(owner: &str, side: Side, selector: &str) -> String {
    let class = if side == Side::Class { " class" } else { "" };
    format!("{owner}{class}>>{selector}")
}

/// What a name means where it is no local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning<'p> {
    Variable { owner: &'p str, kind: VariableKind },
    Global,
}

pub(super) struct Program<'p> {
    pub(super) packages: &'p [Package],
    classes: BTreeMap<&'p str, Class<'p>>,
    traits: BTreeMap<&'p str, (&'p TraitDef, bool)>,
    methods: BTreeMap<&'p str, Vec<Placed<'p>>>,
}

impl<'p> Program<'p> {
    pub(super) fn new(packages: &'p [Package], library: &'p [Package]) -> Program<'p> {
        let mut program =
            Program { packages, classes: BTreeMap::new(), traits: BTreeMap::new(), methods: BTreeMap::new() };
        let is_other = |one: &&Package| !packages.iter().any(|own| own.name == one.name);
        library.iter().filter(is_other).for_each(|package| program.add(package, false));
        packages.iter().for_each(|package| program.add(package, true));
        program
    }

    fn add(&mut self, package: &'p Package, is_own: bool) {
        for def in &package.classes {
            self.classes.insert(&def.name, Class { def, package: &package.name, is_own });
        }
        for def in &package.traits {
            self.traits.insert(&def.name, (def, is_own));
        }
        for (owner, def) in package.methods() {
            let placed = Placed { owner, package: &package.name, def, is_own };
            self.methods.entry(owner).or_default().push(placed);
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Class<'p>> {
        self.classes.get(name).copied()
    }

    /// A class of the packages.
    pub(super) fn class(&self, name: &str) -> Result<Class<'p>, Refused> {
        match self.find(name) {
            Some(class) if class.is_own => Ok(class),
            Some(class) => Err(Refused::new(format!(
                "{name} belongs to the library ({}), and a refactoring changes only what is in the packages",
                class.package
            ))),
            None if self.traits.contains_key(name) => {
                Err(Refused::new(format!("{name} is a trait")).mend("name a class"))
            }
            None => {
                let own: Vec<&str> =
                    self.classes.values().filter(|one| one.is_own).map(Class::name).collect();
                Err(Refused::new(format!("there is no class {name}"))
                    .mend(format!("the packages have {}", own.join(", "))))
            }
        }
    }

    /// That nothing has this name.
    pub(super) fn check_is_free(&self, name: &str) -> Result<(), Refused> {
        let what = match (self.find(name), self.traits.contains_key(name)) {
            (Some(class), _) => format!("a class in {}", class.package),
            (None, true) => "a trait".to_owned(),
            (None, false) => return Ok(()),
        };
        Err(Refused::new(format!("there is {name} already, {what}")).mend("choose another name"))
    }

    pub(super) fn classes(&self) -> impl Iterator<Item = Class<'p>> + '_ {
        self.classes.values().copied()
    }

    pub(super) fn own_traits(&self) -> impl Iterator<Item = &'p TraitDef> + '_ {
        self.traits.values().filter(|(_, is_own)| *is_own).map(|(def, _)| *def)
    }

    /// The package of a class or trait.
    pub(super) fn home(&self, name: &str) -> Option<&'p str> {
        if let Some(class) = self.find(name) {
            return Some(class.package);
        }
        let has = |package: &&'p Package| package.traits.iter().any(|made| made.name == name);
        self.packages.iter().find(has).map(|package| package.name.as_str())
    }

    pub(super) fn is_trait(&self, name: &str) -> bool {
        self.traits.contains_key(name)
    }

    /// The class and its superclasses, as far as they are known.
    pub(super) fn line(&self, name: &str) -> Vec<Class<'p>> {
        let mut line: Vec<Class<'p>> = Vec::new();
        let mut next = self.find(name);
        while let Some(class) = next.filter(|_| line.len() <= self.classes.len()) {
            line.push(class);
            next = class.def.superclass.as_deref().and_then(|above| self.find(above));
        }
        line
    }

    /// All superclasses, the nearest first.
    pub(super) fn above(&self, name: &str) -> Vec<Class<'p>> {
        self.line(name).split_off(1.min(self.line(name).len()))
    }

    pub(super) fn subclasses(&self, name: &str) -> Vec<Class<'p>> {
        self.classes().filter(|class| class.def.superclass.as_deref() == Some(name)).collect()
    }

    /// All subclasses, their subclasses included.
    pub(super) fn below(&self, name: &str) -> Vec<Class<'p>> {
        let mut all = Vec::new();
        let mut next = self.subclasses(name);
        while let Some(class) = next.pop() {
            if class.name() != name && !all.iter().any(|known: &Class<'p>| known.name() == class.name()) {
                next.extend(self.subclasses(class.name()));
                all.push(class);
            }
        }
        all.sort_by_key(Class::name);
        all
    }

    pub(super) fn is_below(&self, name: &str, above: &str) -> bool {
        self.above(name).iter().any(|class| class.name() == above)
    }

    /// The methods of a class or trait, extensions included.
    pub(super) fn methods_of(&self, owner: &str) -> &[Placed<'p>] {
        self.methods.get(owner).map_or(&[], Vec::as_slice)
    }

    /// All methods.
    pub(super) fn methods(&self) -> impl Iterator<Item = Placed<'p>> + '_ {
        self.methods.values().flatten().copied()
    }

    /// All methods of the packages.
    pub(super) fn own_methods(&self) -> impl Iterator<Item = Placed<'p>> + '_ {
        self.methods().filter(|method| method.is_own)
    }

    pub(super) fn method(&self, owner: &str, side: Side, selector: &str) -> Option<Placed<'p>> {
        let all = self.methods_of(owner).iter();
        all.copied().find(|one| one.def.side == side && one.selector() == selector)
    }

    /// Does the class have a method of this selector itself, or from a trait?
    pub(super) fn implements(&self, name: &str, side: Side, selector: &str) -> bool {
        if self.method(name, side, selector).is_some() {
            return true;
        }
        let composed = |composition: &Composition, side: Side| {
            composition.uses.iter().any(|used| {
                let side = if used.is_class_side { Side::Class } else { side };
                let is_left_out = used.exclusions.iter().any(|one| one == selector);
                let is_alias = used.aliases.iter().any(|(new, _)| new == selector);
                is_alias || (!is_left_out && self.trait_has(&used.name, side, selector, 0))
            })
        };
        let Some(class) = self.find(name) else { return false };
        match side {
            Side::Instance => composed(&class.def.traits, Side::Instance),
            Side::Class => {
                composed(&class.def.traits, Side::Class) || composed(&class.def.class_traits, Side::Instance)
            }
        }
    }

    fn trait_has(&self, name: &str, side: Side, selector: &str, depth: usize) -> bool {
        let Some((def, _)) = self.traits.get(name).filter(|_| depth <= self.traits.len()) else {
            return false;
        };
        self.method(name, side, selector).is_some()
            || def.traits.uses.iter().any(|used| self.trait_has(&used.name, side, selector, depth + 1))
    }

    /// Whose method a message to instances of the superclass would find, `Class` included for the class side.
    pub(super) fn implemented_above(&self, name: &str, side: Side, selector: &str) -> Option<String> {
        let mut above = self.above(name);
        let found = above.iter().find(|class| self.implements(class.name(), side, selector));
        if let Some(class) = found {
            return Some(title(class.name(), side, selector));
        }
        if side == Side::Instance {
            return None;
        }
        above = self.line(CLASS);
        let found = above.iter().find(|class| self.implements(class.name(), Side::Instance, selector));
        found.map(|class| title(class.name(), Side::Instance, selector))
    }

    /// What a name that is no local means to methods of this side of a class.
    pub(super) fn meaning(&self, class: &str, side: Side, name: &str) -> Meaning<'p> {
        let line = self.line(class);
        let find = |line: &[Class<'p>], kind| {
            let owner = line.iter().find(|one| one.has(kind, name));
            owner.map(|one| Meaning::Variable { owner: one.name(), kind })
        };
        let of_instance = match side {
            Side::Instance => find(&line, VariableKind::Instance),
            Side::Class => find(&line, VariableKind::ClassSide)
                .or_else(|| find(&self.line(CLASS), VariableKind::Instance)),
        };
        let of_pools = || {
            let pools = line.iter().flat_map(|class| &class.def.pools);
            let mut found = pools.filter_map(|pool| find(&self.line(pool), VariableKind::Shared));
            found.next()
        };
        of_instance.or_else(|| find(&line, VariableKind::Shared)).or_else(of_pools).unwrap_or(Meaning::Global)
    }

    /// The classes whose methods see the variables of a kind that a class declares: the class, all below, and for shared ones the users of the
    /// class as a pool.
    pub(super) fn seers(&self, name: &str, kind: VariableKind) -> Vec<Class<'p>> {
        let mut all: Vec<Class<'p>> = self.find(name).into_iter().chain(self.below(name)).collect();
        if kind == VariableKind::Shared {
            let pools: BTreeSet<&str> = all.iter().map(Class::name).collect();
            let users: Vec<Class<'p>> = self
                .classes()
                .filter(|class| class.def.pools.iter().any(|pool| pools.contains(pool.as_str())))
                .collect();
            for user in users {
                all.extend([user].into_iter().chain(self.below(user.name())));
            }
            all.sort_by_key(Class::name);
            all.dedup_by_key(|class| class.name());
        }
        all
    }
}
