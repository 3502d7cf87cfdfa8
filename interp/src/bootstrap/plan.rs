//! What loading packages will do: definitions in order, methods compiled. Making a plan changes nothing in the space, so that
//! packages with errors are not half loaded, and so that packages can be checked without being loaded.

use std::collections::{HashMap, HashSet};

use super::definitions::{check, differs};
use super::diagnostic::Diagnostic;
use super::world::{PlannedScope, World};
use crate::compiler::{CompiledMethodInfo, compile_method};
use crate::source::{ClassDef, MethodDef, Package, Place, Side, TraitDef};
use crate::syntax::{Span, SyntaxError};
use crate::vm::{Origin, Space};

/// What becomes of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is made.
    New,
    /// It exists as it shall be.
    None,
    /// It exists, and gets another superclass, layout, or other variables.
    Definition,
}

/// A class and its package.
pub(super) struct PlannedClass<'p> {
    pub def: &'p ClassDef,
    pub package: &'p str,
    pub change: Change,
}

/// A method, compiled.
pub(super) struct PlannedMethod<'p> {
    /// The class or trait that it is for.
    pub owner: &'p str,
    pub def: &'p MethodDef,
    pub package: &'p str,
    pub info: CompiledMethodInfo,
}

/// All that is to be done. Without errors among the findings it can be.
pub(super) struct Plan<'p> {
    /// Those that are used before their users.
    pub traits: Vec<(&'p TraitDef, &'p str)>,
    /// Superclasses before subclasses, pools before those that import them.
    pub classes: Vec<PlannedClass<'p>>,
    /// In the packages' order.
    pub methods: Vec<PlannedMethod<'p>>,
    /// In the order of packages, definitions first.
    pub found: Vec<Diagnostic>,
}

impl<'p> Plan<'p> {
    /// Plans to load these packages together.
    pub fn new(space: &Space, packages: &'p [Package]) -> Plan<'p> {
        let world = World::new(space, packages);
        let mut found = check(&world, packages);
        let classes = ordered_classes(&world, packages);
        let traits = ordered_traits(packages);
        let mut methods = Vec::new();
        let mut seen = HashMap::new();
        for package in packages {
            compile_package(&world, package, &mut seen, &mut methods, &mut found);
            check_doits(package, &mut found);
        }
        Plan { traits, classes, methods, found }
    }
}

/// Those that a class refers to come before it; otherwise the order of the files stays.
fn ordered_classes<'p>(world: &World<'_>, packages: &'p [Package]) -> Vec<PlannedClass<'p>> {
    let all: Vec<(&ClassDef, &str)> = packages
        .iter()
        .flat_map(|package| package.classes.iter().map(|def| (def, package.name.as_str())))
        .collect();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for (number, (def, _)) in all.iter().enumerate() {
        numbers.insert(&def.name, number);
    }
    let needs = |number: usize| -> Vec<usize> {
        let def = all[number].0;
        let names = def.superclass.iter().chain(&def.pools);
        names.filter_map(|name| numbers.get(name.as_str()).copied()).collect()
    };
    let planned = |number: usize| {
        let (def, package) = all[number];
        let change = match world.space.real_class(&def.name) {
            None => Change::New,
            Some(_) if differs(world, def) => Change::Definition,
            Some(_) => Change::None,
        };
        PlannedClass { def, package, change }
    };
    in_order(all.len(), needs).into_iter().map(planned).collect()
}

fn ordered_traits(packages: &[Package]) -> Vec<(&TraitDef, &str)> {
    let all: Vec<(&TraitDef, &str)> = packages
        .iter()
        .flat_map(|package| package.traits.iter().map(|def| (def, package.name.as_str())))
        .collect();
    let numbers: HashMap<&str, usize> =
        all.iter().enumerate().map(|(number, (def, _))| (def.name.as_str(), number)).collect();
    let needs = |number: usize| -> Vec<usize> {
        let def: &TraitDef = all[number].0;
        let used = def.traits.uses.iter().chain(&def.class_traits.uses);
        used.filter_map(|used| numbers.get(used.name.as_str()).copied()).collect()
    };
    in_order(all.len(), needs).into_iter().map(|number| all[number]).collect()
}

/// Numbers such that what one needs comes before it, as far as there are no circles. Without recursion: chains may be long.
fn in_order(count: usize, needs: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut order = Vec::with_capacity(count);
    let mut begun = vec![false; count];
    for start in 0..count {
        if std::mem::replace(&mut begun[start], true) {
            continue;
        }
        let mut open = vec![(start, needs(start))];
        while let Some((number, waiting)) = open.last_mut() {
            match waiting.pop() {
                Some(next) if !std::mem::replace(&mut begun[next], true) => open.push((next, needs(next))),
                Some(_) => {}
                None => {
                    order.push(*number);
                    open.pop();
                }
            }
        }
    }
    order
}

/// Where a method of this class and selector was seen first.
type Seen<'p> = HashMap<(&'p str, Side, String), Place>;

fn compile_package<'p>(
    world: &World<'_>,
    package: &'p Package,
    seen: &mut Seen<'p>,
    methods: &mut Vec<PlannedMethod<'p>>,
    found: &mut Vec<Diagnostic>,
) {
    let classes = package.classes.iter().map(|def| (def.name.as_str(), &def.methods));
    let traits = package.traits.iter().map(|def| (def.name.as_str(), &def.methods));
    let extensions = package.extensions.iter().map(|def| (def.name.as_str(), &def.methods));
    for (owner, defs) in classes.chain(traits).chain(extensions) {
        if !world.has_class(owner) && !world.has_trait(owner) {
            // Said already; syntax errors are worth to be known all the same.
            let errors = |def: &MethodDef| {
                let errors = def.parse().err().unwrap_or_default().into_iter();
                errors.map(|error| Diagnostic::error(&def.file, error)).collect::<Vec<_>>()
            };
            found.extend(defs.iter().flat_map(errors));
            continue;
        }
        for side in [Side::Instance, Side::Class] {
            let scope = PlannedScope::new(world, owner, side);
            for def in defs.iter().filter(|def| def.side == side) {
                let Some(info) = compile(&scope, def, found) else { continue };
                let place = def.place();
                if let Some(first) = seen.insert((owner, side, info.selector.clone()), place.clone()) {
                    let message = format!("{} is defined twice; first at {first:?}", info.selector);
                    found.push(Diagnostic::at(&place, message).with_help("remove one of the two"));
                }
                methods.push(PlannedMethod { owner, def, package: &package.name, info });
            }
        }
    }
}

fn compile(
    scope: &PlannedScope<'_>,
    def: &MethodDef,
    found: &mut Vec<Diagnostic>,
) -> Option<CompiledMethodInfo> {
    let source = def.source();
    let origin = Origin::of_method(def);
    match compile_method(&source, scope) {
        Err(errors) => {
            let errors =
                errors.into_iter().map(|error| Diagnostic::error(&def.file, origin.relocated(error)));
            found.extend(errors);
            None
        }
        Ok(mut info) => {
            let warnings = std::mem::take(&mut info.warnings).into_iter();
            found.extend(warnings.map(|warning| Diagnostic::warning(&def.file, origin.relocated(warning))));
            if let Some(error) = unknown_primitive(&info, &source) {
                found.push(Diagnostic::error(&def.file, origin.relocated(error)));
            }
            Some(info)
        }
    }
}

fn unknown_primitive(info: &CompiledMethodInfo, source: &str) -> Option<SyntaxError> {
    let name = info.unit.primitive.as_deref().filter(|name| crate::primitives::find(name).is_none())?;
    let written = format!("#{name}");
    let start = source.find(&written).unwrap_or(0) as u32;
    let error = SyntaxError::new(
        Span::new(start, start + written.len() as u32),
        format!("there is no primitive {name}"),
    );
    let mut nearest = crate::compiler::Nearest::new(name);
    crate::primitives::names().for_each(|known| nearest.consider(known));
    Some(match nearest.into_best() {
        Some(nearest) => error.with_help(format!("there is {nearest}, did you mean that?")),
        None => error,
    })
}

fn check_doits(package: &Package, found: &mut Vec<Diagnostic>) {
    for doit in &package.doits {
        let errors = doit.parse().err().unwrap_or_default().into_iter();
        found.extend(errors.map(|error| Diagnostic::error(&doit.place.file, error)));
    }
}

/// Class-side methods named `initialize`, of these classes.
pub(super) fn initializers<'a>(plan: &'a Plan<'_>, installed: &HashSet<(&str, Side, &str)>) -> Vec<&'a str> {
    let classes = plan.classes.iter().map(|class| class.def.name.as_str());
    classes.filter(|name| installed.contains(&(*name, Side::Class, "initialize"))).collect()
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn what_is_needed_comes_first_and_the_order_stays_otherwise() {
        let needs = |number: usize| match number {
            0 => vec![3],
            3 => vec![2],
            _ => Vec::new(),
        };
        assert_eq!(in_order(5, needs), [2, 3, 0, 1, 4]);
        // Circles end.
        assert_eq!(in_order(2, |number| vec![1 - number]).len(), 2);
        let deep = in_order(100_000, |number| if number + 1 < 100_000 { vec![number + 1] } else { vec![] });
        assert_eq!(deep.first(), Some(&99_999));
    }
}
