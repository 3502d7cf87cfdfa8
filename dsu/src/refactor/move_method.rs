//! A method moves to the superclass, or to subclasses.
//!
//! [same-meaning] Where a method moves all its names mean what they meant, and messages to `super` find what they found.

use std::collections::BTreeSet;

use instar_interp::source::Side;

use super::draft::Draft;
use super::move_variable::superclass;
use super::program::{Class, Placed, Program, title};
use super::refused::Refused;
use super::walk::{Seen, is_own, is_super, walk};
use super::{MethodName, Outcome};

/// A method of a class of the packages.
fn method_named<'p>(program: &Program<'p>, name: &MethodName) -> Result<(Class<'p>, Placed<'p>), Refused> {
    let class = program.class(&name.class)?;
    let found = program.method(&name.class, name.side, &name.selector);
    match found {
        Some(method) => Ok((class, method)),
        None => {
            let title = title(&name.class, name.side, &name.selector);
            Err(Refused::new(format!("there is no method {title}")))
        }
    }
}

pub(super) fn pull_up(program: &Program<'_>, name: &MethodName) -> Result<Outcome, Refused> {
    let (class, method) = method_named(program, name)?;
    let above = superclass(program, &class)?;
    let title = format!("{} moves up to {}", method.title(), above.name());
    let mut draft = Draft::new(program, title);
    if let Some(other) = program.implemented_above(above.name(), name.side, &name.selector) {
        let message =
            format!("{} inherits {other}, and would have another method with this one", above.name());
        return Err(Refused::new(message).mend("only methods that nothing above has can move up"));
    }
    pull_up_into(&mut draft, &method, &above, &BTreeSet::new())?;
    draft.finish()
}

/// Moves a method to the superclass, and takes equal ones of other subclasses away. `others` are selectors that move there as well.
pub(super) fn pull_up_into<'p>(
    draft: &mut Draft<'p>,
    method: &Placed<'p>,
    above: &Class<'p>,
    others: &BTreeSet<&str>,
) -> Result<(), Refused> {
    let program = draft.program;
    let (side, selector) = (method.def.side, method.selector());
    if program.implements(above.name(), side, &selector) {
        let message = format!("{} exists already", title(above.name(), side, &selector));
        return Err(Refused::new(message).mend("rename or remove one of the two first"));
    }
    check_names(program, method, above, "pull the variable up first")?;
    let found_above = |sent: &str| {
        program.implements(above.name(), side, sent) || (others.contains(sent) && sent != selector)
    };
    check_super(method, &found_above, above)?;
    draft.copy_method(method, above.name());
    for class in program.subclasses(above.name()) {
        let Some(own) = program.method(class.name(), side, &selector) else { continue };
        if own.owner == method.owner || own.def == method.def {
            draft.remove(&own);
        }
    }
    Ok(())
}

/// [same-meaning] of names.
fn check_names(
    program: &Program<'_>,
    method: &Placed<'_>,
    target: &Class<'_>,
    mend: &str,
) -> Result<(), Refused> {
    let tree = method.parse()?;
    let mut refused = None;
    walk(&tree, &mut |seen, locals| {
        let (name, span) = match seen {
            Seen::Read { name, span } => (name, span),
            Seen::Assign { assignment, .. } => (assignment.variable.text, assignment.variable.span),
            _ => return,
        };
        let meaning = |class: &str| program.meaning(class, method.def.side, name);
        if !locals.has(name) && meaning(method.owner) != meaning(target.name()) {
            let message = format!(
                "{} uses {name}, which is not the same variable in {}",
                method.title(),
                target.name()
            );
            refused.get_or_insert_with(|| Refused::new(message).at(method.def, span).mend(mend));
        }
    });
    refused.map_or(Ok(()), Err)
}

/// [same-meaning] of messages to `super`: the class between, which `is_found` knows, must have no method of that name.
fn check_super(
    method: &Placed<'_>,
    is_found: &dyn Fn(&str) -> bool,
    between: &Class<'_>,
) -> Result<(), Refused> {
    let tree = method.parse()?;
    let mut refused = None;
    walk(&tree, &mut |seen, _| {
        let Seen::Send { receiver, message } = seen else { return };
        if is_super(receiver) && is_found(&message.selector.text) {
            let sent = &message.selector.text;
            let message_text =
                format!("{} sends super {sent}, which would find another method", method.title());
            refused.get_or_insert_with(|| {
                Refused::new(message_text)
                    .at(method.def, message.selector.span)
                    .mend(format!("give {sent} of {} another name first", between.name()))
            });
        }
    });
    refused.map_or(Ok(()), Err)
}

pub(super) fn push_down(
    program: &Program<'_>,
    name: &MethodName,
    into: &[String],
) -> Result<Outcome, Refused> {
    let (class, method) = method_named(program, name)?;
    let (side, selector) = (name.side, name.selector.as_str());
    let subclasses = program.subclasses(class.name());
    if subclasses.is_empty() {
        return Err(Refused::new(format!("{} has no subclasses", class.name()))
            .mend("remove the method if it shall go"));
    }
    check_not_needed(program, &class, side, selector)?;
    let targets = method_targets(program, &class, &method, into)?;
    let mut draft = Draft::new(program, format!("{} moves down", method.title()));
    let found = |sent: &str| sent != selector && program.implements(class.name(), side, sent);
    check_super(&method, &found, &class)?;
    for target in &targets {
        check_names(program, &method, target, "rename that variable of the subclass first")?;
        draft.copy_method(&method, target.name());
    }
    draft.remove(&method);
    let losers: Vec<&str> = subclasses
        .iter()
        .filter(|one| !program.implements(one.name(), side, selector))
        .filter(|one| !targets.iter().any(|target| target.name() == one.name()))
        .map(Class::name)
        .chain([class.name()])
        .collect();
    let losers = losers.join(", ");
    draft.warnings.push(format!("{selector} is no message to direct instances of {losers} any more"));
    draft.finish()
}

fn method_targets<'p>(
    program: &Program<'p>,
    class: &Class<'p>,
    method: &Placed<'p>,
    into: &[String],
) -> Result<Vec<Class<'p>>, Refused> {
    let (side, selector) = (method.def.side, method.selector());
    let subclasses = program.subclasses(class.name());
    let has_own = |one: &Class<'p>| program.implements(one.name(), side, &selector);
    if into.is_empty() {
        let targets: Vec<Class<'p>> = subclasses.into_iter().filter(|one| !has_own(one)).collect();
        if targets.is_empty() {
            return Err(Refused::new(format!(
                "every subclass of {} has its own method {selector}",
                class.name()
            ))
            .mend("remove the method instead"));
        }
        return Ok(targets);
    }
    let mut targets: Vec<Class<'p>> = Vec::new();
    for wanted in into {
        let target = program.class(wanted)?;
        if target.def.superclass.as_deref() != Some(class.name()) {
            return Err(Refused::new(format!("{wanted} is no direct subclass of {}", class.name())));
        }
        if has_own(&target) {
            return Err(Refused::new(format!("{} exists already", title(wanted, side, &selector)))
                .mend("leave that class out: it overrides the method"));
        }
        if !targets.iter().any(|known| known.name() == wanted) {
            targets.push(target);
        }
    }
    Ok(targets)
}

/// That nothing which stays needs the method: its class sends it to itself, or a subclass to `super`.
fn check_not_needed(
    program: &Program<'_>,
    class: &Class<'_>,
    side: Side,
    selector: &str,
) -> Result<(), Refused> {
    for user in [*class].iter().chain(&program.below(class.name())) {
        let is_class = user.name() == class.name();
        let reaches = |above: &Class<'_>| above.name() == class.name();
        let overridden = program
            .above(user.name())
            .into_iter()
            .find(|above| program.implements(above.name(), side, selector));
        for method in program.methods_of(user.name()).iter().filter(|one| one.is_own && one.def.side == side)
        {
            let tree = method.parse()?;
            let mut found = None;
            walk(&tree, &mut |seen, _| {
                let Seen::Send { receiver, message } = seen else { return };
                let is_needed = if is_class {
                    is_own(receiver) && !is_super(receiver) && method.selector() != selector
                } else {
                    is_super(receiver) && overridden.as_ref().is_some_and(reaches)
                };
                if message.selector.text == selector && is_needed {
                    found.get_or_insert(message.selector.span);
                }
            });
            if let Some(span) = found {
                let message =
                    format!("{} needs {} where it is", method.title(), title(class.name(), side, selector));
                return Err(Refused::new(message)
                    .at(method.def, span)
                    .mend("move or change that method first"));
            }
        }
    }
    Ok(())
}
