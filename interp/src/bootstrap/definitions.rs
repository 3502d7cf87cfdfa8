//! Whether the definitions of classes and traits can be: checked by name, before anything is made.

use std::collections::{HashMap, HashSet};

use super::diagnostic::Diagnostic;
use super::world::{World, layout_of};
use crate::compiler::Nearest;
use crate::objects::layout::class_description;
use crate::source::{ClassDef, Composition, ExtensionDef, Layout, Package, Place, Side, TraitDef};

/// The most named variables of an instance.
const MOST_VARIABLES: usize = 65_535;

/// Names that mean something else.
const RESERVED: [&str; 6] = ["self", "super", "nil", "true", "false", "thisContext"];

/// All that is wrong with definitions.
pub(super) fn check(world: &World<'_>, packages: &[Package]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    check_names(world, packages, &mut found);
    for package in packages {
        for def in &package.classes {
            check_class(world, def, &mut found);
        }
        for def in &package.traits {
            check_trait(world, def, &mut found);
        }
        for def in &package.extensions {
            check_extension(world, def, &mut found);
        }
    }
    found
}

/// One name, one definition; and no class takes the name of something that is none.
fn check_names(world: &World<'_>, packages: &[Package], found: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, &Place> = HashMap::new();
    for package in packages {
        let classes = package.classes.iter().map(|def| (&def.name, &def.place, false));
        let traits = package.traits.iter().map(|def| (&def.name, &def.place, true));
        for (name, place, is_trait) in classes.chain(traits) {
            if let Some(first) = seen.insert(name, place) {
                found.push(Diagnostic::at(place, format!("{name} is defined twice; first at {first:?}")));
            }
            if !name.chars().next().is_some_and(char::is_uppercase) {
                found.push(Diagnostic::at(place, format!("{name} does not begin with a capital letter")));
            }
            let (class, known) = (world.space.real_class(name), world.space.real_trait(name));
            let other = if is_trait { class.is_some() } else { known.is_some() };
            if other || class.is_none() && known.is_none() && world.space.class_named(name).is_some() {
                let message = format!("{name} already names something else");
                found.push(Diagnostic::at(place, message).with_help("choose another name"));
            }
        }
    }
}

fn nearest(world: &World<'_>, name: &str) -> Option<String> {
    let mut nearest = Nearest::new(name);
    world.visit_globals(&mut |known| nearest.consider(known));
    nearest.into_best()
}

/// Something that is named and is not there.
fn missing(world: &World<'_>, place: &Place, what: &str, name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::at(place, format!("there is no {what} {name}"));
    // Of a name of one or two letters everything is near.
    match nearest(world, name).filter(|_| name.len() > 2) {
        Some(nearest) => diagnostic.with_help(format!("there is {nearest}, did you mean that?")),
        None => diagnostic.with_help(format!("load what defines {name} as well")),
    }
}

fn check_class(world: &World<'_>, def: &ClassDef, found: &mut Vec<Diagnostic>) {
    if let Some(name) = def.superclass.as_deref() {
        if !world.has_class(name) {
            let mut diagnostic = missing(world, &def.place, "class", name);
            diagnostic.error.message.push_str(&format!(", the superclass of {}", def.name));
            found.push(diagnostic);
        } else if world.is_circular(&def.name) {
            found.push(Diagnostic::at(&def.place, format!("{} inherits from itself", def.name)));
        }
    }
    for pool in
        def.pools.iter().filter(|pool| !world.has_class(pool) && world.space.class_named(pool).is_none())
    {
        found.push(missing(world, &def.place, "shared pool", pool));
    }
    check_composition(world, &def.place, &def.traits, found);
    check_composition(world, &def.place, &def.class_traits, found);
    check_variables(world, def, Side::Instance, found);
    check_variables(world, def, Side::Class, found);
    let mut seen = HashSet::new();
    for name in def.class_variables.iter().filter(|name| !seen.insert(name.as_str())) {
        found.push(Diagnostic::at(&def.place, format!("the class variable {name} is declared twice")));
    }
    check_layout(world, def, found);
}

fn check_variables(world: &World<'_>, def: &ClassDef, side: Side, found: &mut Vec<Diagnostic>) {
    let all = world.variables(&def.name, side);
    let own = world.own_variables(&def.name, side);
    let mut seen: HashSet<&str> = all[..all.len() - own.len()].iter().map(String::as_str).collect();
    for name in &own {
        if RESERVED.contains(&name.as_str()) {
            found.push(Diagnostic::at(&def.place, format!("{name} is no name for a variable")));
        }
        if !seen.insert(name) {
            let message =
                format!("the variable {name} of {} is declared twice, or inherited already", def.name);
            found.push(Diagnostic::at(&def.place, message).with_help("remove it here, or rename it"));
        }
    }
    if all.len() > MOST_VARIABLES {
        found.push(Diagnostic::at(&def.place, format!("more than {MOST_VARIABLES} variables")));
    }
}

fn check_layout(world: &World<'_>, def: &ClassDef, found: &mut Vec<Diagnostic>) {
    let layout = world.layout(&def.name);
    let inherited = def.superclass.as_deref().map_or(Layout::Normal, |name| world.layout(name));
    let variables = world.variables(&def.name, Side::Instance).len();
    let mut wrong = |message: String| found.push(Diagnostic::at(&def.place, message));
    match layout {
        Layout::Immediate | Layout::CompiledMethod => {
            // The kernel's own may be loaded again.
            if world.space.real_class(&def.name).is_none() {
                wrong(format!("only classes of the kernel have the layout {}", layout.name()));
            }
            return;
        }
        Layout::Bytes | Layout::Words if variables > 0 => {
            wrong(format!("instances that hold {} have no named variables", layout.name()));
        }
        Layout::Ephemeron if variables == 0 => {
            wrong("an ephemeron needs a variable for its key".to_owned());
        }
        _ => {}
    }
    let is_weaker = inherited == Layout::Variable && layout == Layout::Weak;
    if inherited != Layout::Normal && inherited != layout && !is_weaker {
        let (own, above) = (layout.name(), inherited.name());
        wrong(format!("{} cannot have the layout {own}: instances of its superclass are {above}", def.name));
    }
}

fn check_trait(world: &World<'_>, def: &TraitDef, found: &mut Vec<Diagnostic>) {
    if !def.instance_variables.is_empty() || !def.class_instance_variables.is_empty() {
        let message = format!("the trait {} has variables, and traits have none here", def.name);
        let help = "declare them in the classes that use it, and give the trait accessors to send";
        found.push(Diagnostic::at(&def.place, message).with_help(help));
    }
    check_composition(world, &def.place, &def.traits, found);
    check_composition(world, &def.place, &def.class_traits, found);
    if uses(world, &def.name, &def.name, 0) {
        found.push(Diagnostic::at(&def.place, format!("the trait {} uses itself", def.name)));
    }
}

/// Whether the trait `name` uses `sought`, itself or through others that are to come.
fn uses(world: &World<'_>, name: &str, sought: &str, depth: usize) -> bool {
    let Some(def) = world.traits.get(name).filter(|_| depth <= world.traits.len()) else { return false };
    def.traits.uses.iter().any(|used| used.name == sought || uses(world, &used.name, sought, depth + 1))
}

fn check_composition(
    world: &World<'_>,
    place: &Place,
    composition: &Composition,
    found: &mut Vec<Diagnostic>,
) {
    if !composition.is_empty() && world.space.class_named("Trait").is_none() {
        found.push(Diagnostic::at(place, "this kernel has no traits".to_owned()));
    }
    for used in composition.uses.iter().filter(|used| !world.has_trait(&used.name)) {
        found.push(missing(world, place, "trait", &used.name));
    }
}

fn check_extension(world: &World<'_>, def: &ExtensionDef, found: &mut Vec<Diagnostic>) {
    if !world.has_class(&def.name) && !world.has_trait(&def.name) {
        let mut diagnostic = missing(world, &def.place, "class or trait", &def.name);
        diagnostic.error.message.push_str(", which is to be extended");
        found.push(diagnostic);
    }
}

/// How an existing class differs from its definition, as far as it matters for instances and compiled code.
pub(super) fn differs(world: &World<'_>, def: &ClassDef) -> bool {
    let Some(class) = world.space.real_class(&def.name) else { return false };
    let existing = World { space: world.space, classes: HashMap::new(), traits: HashMap::new() };
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let pools = class.slot(crate::objects::layout::class::SHARED_POOLS);
    let pools = pools.map_or_else(Vec::new, |pools| {
        let name = |at| pools.slot(at)?.slot(crate::objects::layout::class::NAME)?.text();
        (0..pools.slots()).filter_map(name).collect()
    });
    let is_own_layout = matches!(def.layout, Layout::Immediate | Layout::CompiledMethod);
    def.superclass != existing.superclass(&def.name)
        || def.instance_variables != existing.own_variables(&def.name, Side::Instance)
        || def.class_instance_variables != existing.own_variables(&def.name, Side::Class)
        || !is_own_layout && world.layout(&def.name) != layout_of(class)
        || sorted(def.class_variables.clone()) != sorted(existing.class_variables(&def.name))
        || def.pools != pools
}

/// Whether a class uses traits.
pub(super) fn is_composed(class: crate::objects::Value<'_>) -> bool {
    class.slot(class_description::TRAIT_COMPOSITION).is_some_and(|composition| !composition.is_nil())
}
