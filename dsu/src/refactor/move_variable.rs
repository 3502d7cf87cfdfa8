//! A variable moves to the superclass, or to subclasses. Values follow by name, which needs no policy, but for those that go.

use instar_interp::source::Layout;

use super::draft::Draft;
use super::program::{Class, Meaning, Program};
use super::refused::Refused;
use super::remove_variable::check_is_unused;
use super::rename_variable::{check_declared, first_use};
use super::{Outcome, VariableKind};

/// The superclass, which must be one of the packages.
pub(super) fn superclass<'p>(program: &Program<'p>, class: &Class<'p>) -> Result<Class<'p>, Refused> {
    match &class.def.superclass {
        Some(above) => program.class(above),
        None => Err(Refused::new(format!("{} has no superclass", class.name()))),
    }
}

/// A shared variable has one value, and only the class that declares it has it.
fn check_moves(kind: VariableKind, name: &str) -> Result<(), Refused> {
    if kind != VariableKind::Shared {
        return Ok(());
    }
    Err(Refused::new(format!("the class variable {name} cannot move, as its value would be lost"))
        .mend("add a variable of another name where it shall be, change the methods, and remove this one"))
}

pub(super) fn pull_up(
    program: &Program<'_>,
    class: &str,
    kind: VariableKind,
    name: &str,
) -> Result<Outcome, Refused> {
    let class = program.class(class)?;
    check_declared(program, &class, kind, name)?;
    check_moves(kind, name)?;
    let above = superclass(program, &class)?;
    if !matches!(above.def.layout, Layout::Normal | Layout::Variable | Layout::Weak | Layout::Ephemeron) {
        let layout = above.def.layout.name();
        return Err(Refused::new(format!("{} is of {layout} and has no named variables", above.name())));
    }
    let mut draft = Draft::new(program, format!("{name} moves up from {} to {}", class.name(), above.name()));
    draft.variables(&above, kind).push(name.to_owned());
    give_up_below(&mut draft, &above, kind, name)?;
    draft.finish()
}

/// Takes the variable away from all classes below the one that gets it, and checks that no other class names it and means something else.
fn give_up_below<'p>(
    draft: &mut Draft<'p>,
    above: &Class<'p>,
    kind: VariableKind,
    name: &str,
) -> Result<(), Refused> {
    let program = draft.program;
    let below = program.below(above.name());
    for class in &below {
        if class.has(kind, name) {
            draft.variables(class, kind).retain(|known| known != name);
        } else if class.has(VariableKind::Shared, name) {
            let message = format!("{} declares the class variable {name}", class.name());
            return Err(Refused::new(message).mend("rename that one first"));
        }
    }
    for class in [*above].iter().chain(&below) {
        for method in program.methods_of(class.name()) {
            if let Some(span) = first_use(program, method, kind.sides(), Meaning::Global, name)? {
                let message = format!("{} names {name}, which would mean the variable", method.title());
                return Err(Refused::new(message).at(method.def, span).mend("rename the variable first"));
            }
        }
    }
    Ok(())
}

pub(super) fn push_down(
    program: &Program<'_>,
    class: &str,
    kind: VariableKind,
    name: &str,
    into: &[String],
) -> Result<Outcome, Refused> {
    let class = program.class(class)?;
    check_declared(program, &class, kind, name)?;
    check_moves(kind, name)?;
    if program.subclasses(class.name()).is_empty() {
        return Err(Refused::new(format!("{} has no subclasses", class.name()))
            .mend("use remove-variable if the variable shall go"));
    }
    check_is_unused(program, &class, kind, name, &class)?;
    let targets = targets(program, &class, kind, name, into)?;
    for other in program.below(class.name()) {
        let has_it = targets
            .iter()
            .any(|one| one.name() == other.name() || program.is_below(other.name(), one.name()));
        if !has_it {
            check_is_unused(program, &class, kind, name, &other).map_err(|refused| {
                refused.mend(format!("move the variable to {} as well: --into {0}", other.name()))
            })?;
        }
    }
    let names: Vec<&str> = targets.iter().map(Class::name).collect();
    let title = format!("{name} moves down from {} to {}", class.name(), names.join(", "));
    let mut draft = Draft::new(program, title);
    draft.variables(&class, kind).retain(|known| known != name);
    targets.iter().for_each(|target| draft.variables(target, kind).push(name.to_owned()));
    if kind == VariableKind::Instance {
        draft.slots(class.name(), |slots| slots.drops.push(name.to_owned()));
    }
    draft.finish()
}

/// The subclasses that get the variable.
fn targets<'p>(
    program: &Program<'p>,
    class: &Class<'p>,
    kind: VariableKind,
    name: &str,
    into: &[String],
) -> Result<Vec<Class<'p>>, Refused> {
    let mut targets = Vec::new();
    if into.is_empty() {
        for subclass in program.subclasses(class.name()) {
            let family = [subclass].into_iter().chain(program.below(subclass.name()));
            let mut checks = family.map(|user| check_is_unused(program, class, kind, name, &user));
            if checks.any(|check| check.is_err()) {
                targets.push(subclass);
            }
        }
        if targets.is_empty() {
            return Err(Refused::new(format!("no subclass of {} uses {name}", class.name()))
                .mend("say which shall have it by --into, or use remove-variable"));
        }
        return Ok(targets);
    }
    for wanted in into {
        let target = program.class(wanted)?;
        if !program.is_below(wanted, class.name()) {
            return Err(Refused::new(format!("{wanted} is no subclass of {}", class.name())));
        }
        let is_twice = |known: &Class<'p>| {
            known.name() == wanted
                || program.is_below(wanted, known.name())
                || program.is_below(known.name(), wanted)
        };
        if let Some(known) = targets.iter().find(|known| is_twice(known)) {
            let message = format!("{wanted} and {} would have {name} twice", known.name());
            return Err(Refused::new(message).mend("name the upper one only"));
        }
        targets.push(target);
    }
    Ok(targets)
}
