//! A variable gets a new name.
//!
//! Refused: a name that is none; a name that a class above or below uses; and capture, where the new name would mean a local of the method, or
//! what means something else today would mean the variable.

use instar_interp::source::Side;
use instar_interp::syntax::Span;

use super::draft::Draft;
use super::edit::Edits;
use super::program::{Class, Meaning, Placed, Program};
use super::refused::Refused;
use super::walk::{Seen, mentions, walk};
use super::{Outcome, VariableKind, names};

pub(super) fn run(
    program: &Program<'_>,
    class: &str,
    kind: VariableKind,
    old: &str,
    new: &str,
) -> Result<Outcome, Refused> {
    let class = program.class(class)?;
    check_declared(program, &class, kind, old)?;
    names::check_variable(new)?;
    check_is_new(program, &class, kind, new)?;
    let mut draft = Draft::new(program, format!("{} of {} is now {new}", old, class.name()));
    let names = draft.variables(&class, kind);
    names.iter_mut().filter(|name| *name == old).for_each(|name| new.clone_into(name));
    let declared = Meaning::Variable { owner: class.name(), kind };
    for seer in program.seers(class.name(), kind) {
        for method in program.methods_of(seer.name()) {
            if !kind.sides().contains(&method.def.side) {
                continue;
            }
            rename_in(&mut draft, method, declared, old, new)?;
        }
    }
    match kind {
        VariableKind::Instance => {
            draft.slots(class.name(), |slots| slots.renames.push((old.to_owned(), new.to_owned())));
        }
        VariableKind::ClassSide | VariableKind::Shared => {
            draft.class(class.name()).renamed_variables.push((old.to_owned(), new.to_owned()));
        }
    }
    draft.finish()
}

fn rename_in<'p>(
    draft: &mut Draft<'p>,
    method: &Placed<'p>,
    declared: Meaning<'_>,
    old: &str,
    new: &str,
) -> Result<(), Refused> {
    if !method.is_own {
        return Ok(());
    }
    let tree = method.parse()?;
    let means_it = draft.program.meaning(method.owner, method.def.side, old) == declared;
    let mut edits = Edits::default();
    let mut refused = None;
    let mut reflected = Vec::new();
    walk(&tree, &mut |seen, locals| {
        let (name, span) = match seen {
            Seen::Read { name, span } => (name, span),
            Seen::Assign { assignment, .. } => (assignment.variable.text, assignment.variable.span),
            Seen::Literal { literal, span } if mentions(literal, old) => return reflected.push(span),
            _ => return,
        };
        if name == old && means_it && !locals.has(old) {
            if locals.has(new) {
                refused.get_or_insert_with(|| captured_by_local(method, span, new));
            }
            edits.replace(span, new);
        } else if name == new && !locals.has(new) {
            refused.get_or_insert_with(|| captures(method, span, new));
        }
    });
    if let Some(refused) = refused {
        return Err(refused);
    }
    draft.edit(method, edits);
    for span in reflected {
        let place = Refused::new("").at(method.def, span).place.unwrap_or_default();
        draft.warnings.push(format!("{place}: {} names {old} in a literal, which stays", method.title()));
    }
    Ok(())
}

fn captured_by_local(method: &Placed<'_>, span: Span, new: &str) -> Refused {
    Refused::new(format!("{} has an argument or temporary {new} here, which would be meant", method.title()))
        .at(method.def, span)
        .mend(format!("rename that {new} first, or choose another name"))
}

fn captures(method: &Placed<'_>, span: Span, new: &str) -> Refused {
    let message =
        format!("{} names {new}, which means something else and would mean the variable", method.title());
    Refused::new(message).at(method.def, span).mend("choose another name")
}

/// That the class itself declares the variable.
pub(super) fn check_declared(
    program: &Program<'_>,
    class: &Class<'_>,
    kind: VariableKind,
    name: &str,
) -> Result<(), Refused> {
    if class.has(kind, name) {
        return Ok(());
    }
    let (what, named) = (kind.name(), class.name());
    let refused = Refused::new(format!("{named} declares no {what} {name}"));
    if let Some(above) = program.above(named).iter().find(|one| one.has(kind, name)) {
        return Err(refused.mend(format!("it is declared by {}: name that class", above.name())));
    }
    let other = [VariableKind::Instance, VariableKind::ClassSide, VariableKind::Shared]
        .into_iter()
        .find(|other| class.has(*other, name));
    if let Some(other) = other {
        return Err(refused
            .mend(format!("it declares an {} of that name", other.name()).replace("an class", "a class")));
    }
    let known = class.variables(kind);
    Err(refused.mend(if known.is_empty() {
        format!("it has no {what} of its own")
    } else {
        format!("it declares {}", known.join(", "))
    }))
}

/// That no variable of the name is seen by the class, or declared where the new one would be seen.
pub(super) fn check_is_new(
    program: &Program<'_>,
    class: &Class<'_>,
    kind: VariableKind,
    name: &str,
) -> Result<(), Refused> {
    let clash = |owner: &str, known: VariableKind| {
        let message = format!("{owner} declares the {} {name} already", known.name());
        Err(Refused::new(message).mend("choose another name, or rename that one first"))
    };
    for side in kind.sides() {
        if let Meaning::Variable { owner, kind } = program.meaning(class.name(), *side, name) {
            return clash(owner, kind);
        }
    }
    let is_visible =
        |other: VariableKind| other == VariableKind::Shared || kind == VariableKind::Shared || other == kind;
    for seer in program.seers(class.name(), kind) {
        for other in [VariableKind::Instance, VariableKind::ClassSide, VariableKind::Shared] {
            if is_visible(other) && seer.has(other, name) {
                return clash(seer.name(), other);
            }
        }
    }
    Ok(())
}

/// That nothing names what a new variable would be, as that would mean the variable from now on.
pub(super) fn check_captures_nothing(
    program: &Program<'_>,
    class: &Class<'_>,
    kind: VariableKind,
    name: &str,
) -> Result<(), Refused> {
    for seer in program.seers(class.name(), kind) {
        for method in program.methods_of(seer.name()) {
            if let Some(span) = first_use(program, method, kind.sides(), Meaning::Global, name)? {
                return Err(captures(method, span, name));
            }
        }
    }
    Ok(())
}

/// The first place where a method of these sides uses the variable.
pub(super) fn first_use(
    program: &Program<'_>,
    method: &Placed<'_>,
    sides: &[Side],
    declared: Meaning<'_>,
    name: &str,
) -> Result<Option<Span>, Refused> {
    if !method.is_own
        || !sides.contains(&method.def.side)
        || program.meaning(method.owner, method.def.side, name) != declared
    {
        return Ok(None);
    }
    let tree = method.parse()?;
    let mut found = None;
    walk(&tree, &mut |seen, locals| {
        let (used, span) = match seen {
            Seen::Read { name, span } => (name, span),
            Seen::Assign { assignment, .. } => (assignment.variable.text, assignment.variable.span),
            _ => return,
        };
        if used == name && !locals.has(name) {
            found.get_or_insert(span);
        }
    });
    Ok(found)
}
