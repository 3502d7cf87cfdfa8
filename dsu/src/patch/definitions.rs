//! Classes and traits seen alike, and what is different between two versions of one.

use instar_interp::source::{ClassDef, Composition, Filing, Layout, Package, TraitDef};

use super::model::{Change, ClassChange, ROOT};

/// A class or trait, and the package that it stands in.
pub(super) enum Definition<'p> {
    Class(&'p ClassDef, &'p str),
    Trait(&'p TraitDef, &'p str),
}

impl<'p> Definition<'p> {
    pub(super) fn all(package: &'p Package) -> Vec<Definition<'p>> {
        let classes = package.classes.iter().map(|class| Definition::Class(class, &package.name));
        classes.chain(package.traits.iter().map(|made| Definition::Trait(made, &package.name))).collect()
    }

    pub(super) fn is_trait(&self) -> bool {
        matches!(self, Definition::Trait(..))
    }

    pub(super) fn name(&self) -> &'p str {
        match self {
            Definition::Class(class, _) => &class.name,
            Definition::Trait(made, _) => &made.name,
        }
    }

    pub(super) fn package(&self) -> &'p str {
        match self {
            Definition::Class(_, package) | Definition::Trait(_, package) => package,
        }
    }

    pub(super) fn superclass(&self) -> Option<&'p str> {
        match self {
            Definition::Class(class, _) => class.superclass.as_deref(),
            Definition::Trait(..) => None,
        }
    }

    pub(super) fn instance_variables(&self) -> &'p [String] {
        match self {
            Definition::Class(class, _) => &class.instance_variables,
            Definition::Trait(made, _) => &made.instance_variables,
        }
    }

    pub fn layout(&self) -> Layout {
        match self {
            Definition::Class(class, _) => class.layout,
            Definition::Trait(..) => Layout::Normal,
        }
    }

    fn traits(&self) -> (&'p Composition, &'p Composition) {
        match self {
            Definition::Class(class, _) => (&class.traits, &class.class_traits),
            Definition::Trait(made, _) => (&made.traits, &made.class_traits),
        }
    }

    /// Shared variables, pools and variables of the class.
    fn other_variables(&self) -> (&'p [String], &'p [String], &'p [String]) {
        match self {
            Definition::Class(class, _) => {
                (&class.class_variables, &class.pools, &class.class_instance_variables)
            }
            Definition::Trait(made, _) => (&[], &[], &made.class_instance_variables),
        }
    }

    fn filing(&self) -> &'p Filing {
        match self {
            Definition::Class(class, _) => &class.filing,
            Definition::Trait(made, _) => &made.filing,
        }
    }

    fn comment(&self) -> Option<&'p str> {
        match self {
            Definition::Class(class, _) => class.comment.as_deref(),
            Definition::Trait(made, _) => made.comment.as_deref(),
        }
    }
}

/// What changes; nothing if nothing does. Without an old version it is added.
pub(super) fn changes_between(old: Option<&Definition<'_>>, new: &Definition<'_>) -> Option<ClassChange> {
    let kind = if old.is_some() { Change::Changed } else { Change::Added };
    let mut change = ClassChange::new(kind, new.is_trait(), new.name());
    let untouched = change.clone();
    let is_new_class = old.is_none() && !new.is_trait();
    if is_new_class || old.and_then(Definition::superclass) != new.superclass() {
        change.superclass = Some(new.superclass().unwrap_or(ROOT).to_owned());
    }
    let none = (&Composition::default(), &Composition::default());
    let (was, is) = (old.map_or(none, Definition::traits), new.traits());
    change.traits = (was.0.uses != is.0.uses).then(|| is.0.clone());
    change.class_traits = (was.1.uses != is.1.uses).then(|| is.1.clone());
    change.layout =
        Some(new.layout()).filter(|layout| old.map_or(Layout::Normal, Definition::layout) != *layout);
    let names = |was: &[String], is: &[String]| (was != is).then(|| is.to_vec());
    let was = old.map_or(&[][..], Definition::instance_variables);
    change.instance_variables = names(was, new.instance_variables());
    let none: (&[String], &[String], &[String]) = (&[], &[], &[]);
    let (was, is) = (old.map_or(none, Definition::other_variables), new.other_variables());
    change.class_variables = names(was.0, is.0);
    change.pools = names(was.1, is.1);
    change.class_instance_variables = names(was.2, is.2);
    let is_moved = old.map(Definition::package) != Some(new.package());
    change.package = is_moved.then(|| new.package().to_owned());
    let tag = old.and_then(|one| one.filing().tag.as_deref());
    if tag != new.filing().tag.as_deref() {
        change.tag = Some(new.filing().tag.clone().unwrap_or_default());
    }
    if old.and_then(Definition::comment).unwrap_or_default() != new.comment().unwrap_or_default() {
        change.comment = Some(new.comment().unwrap_or_default().to_owned());
    }
    // A class whose name alone is new has a change as well.
    let is_renamed = old.is_some_and(|old| old.name() != new.name());
    (change != untouched || old.is_none() || is_renamed).then_some(change)
}
