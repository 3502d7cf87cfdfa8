//! A class gets a new name: in its definition, in those of subclasses and users of a pool, and in all methods that name it.

use instar_interp::source::Side;

use super::draft::Draft;
use super::edit::Edits;
use super::program::{Meaning, Placed, Program};
use super::refused::{Refused, place};
use super::walk::{Seen, has_symbol, walk};
use super::{Outcome, names};

pub(super) fn run(program: &Program<'_>, old: &str, new: &str) -> Result<Outcome, Refused> {
    program.class(old)?;
    names::check_class(new)?;
    program.check_is_free(new)?;
    let mut draft = Draft::new(program, format!("{old} is now {new}"));
    draft.rename_class(old, new);
    for class in program.classes() {
        let is_below = class.def.superclass.as_deref() == Some(old);
        let uses = class.def.pools.iter().any(|pool| pool == old);
        if class.is_own && is_below {
            draft.class(class.name()).superclass = Some(new.to_owned());
        }
        if class.is_own && uses {
            let renamed = |pool: &String| if pool == old { new.to_owned() } else { pool.clone() };
            draft.class(class.name()).pools = Some(class.def.pools.iter().map(renamed).collect());
        }
    }
    for method in program.own_methods() {
        rename_in(&mut draft, &method, old, new)?;
    }
    for doit in program.packages.iter().flat_map(|package| &package.doits) {
        if doit.source().contains(old) {
            let place = place(&doit.place.file, doit.place.span);
            draft.warnings.push(format!("{place}: statements outside of methods may name {old}, and stay"));
        }
    }
    draft.finish()
}

fn rename_in<'p>(draft: &mut Draft<'p>, method: &Placed<'p>, old: &str, new: &str) -> Result<(), Refused> {
    let tree = method.parse()?;
    let meaning = |name: &str| draft.program.meaning(method.owner, method.def.side, name);
    let (is_global, is_new_free) = (meaning(old) == Meaning::Global, meaning(new) == Meaning::Global);
    let mut edits = Edits::default();
    let mut refused = None;
    let mut symbols = Vec::new();
    walk(&tree, &mut |seen, locals| {
        let (name, span) = match seen {
            Seen::Read { name, span } => (name, span),
            Seen::Assign { assignment, .. } => (assignment.variable.text, assignment.variable.span),
            Seen::Literal { literal, span } if has_symbol(literal, old) => return symbols.push(span),
            _ => return,
        };
        if name == old && is_global && !locals.has(old) {
            if locals.has(new) || !is_new_free {
                let message =
                    format!("{} has another variable {new} here, which would be meant", method.title());
                let mend = format!("rename that {new} first, or choose another name");
                refused.get_or_insert_with(|| Refused::new(message).at(method.def, span).mend(mend));
            }
            edits.replace(span, new);
        } else if name == new && is_new_free && !locals.has(new) {
            let message = format!("{} names {new} already, which would mean the class", method.title());
            refused.get_or_insert_with(|| {
                Refused::new(message).at(method.def, span).mend("choose another name")
            });
        }
    });
    if let Some(refused) = refused {
        return Err(refused);
    }
    draft.edit(method, edits);
    for span in symbols {
        let place = place(&method.def.file, span);
        draft.warnings.push(format!("{place}: {} has the symbol #{old}, which stays", method.title()));
    }
    Ok(())
}

/// That no method names a class that is to come, as it would mean something else from now on.
pub(super) fn check_is_not_named(program: &Program<'_>, name: &str) -> Result<(), Refused> {
    for method in program.own_methods() {
        let sides = [Side::Instance, Side::Class];
        let found = super::rename_variable::first_use(program, &method, &sides, Meaning::Global, name)?;
        if let Some(span) = found {
            let message = format!("{} names {name} already, which would mean the new class", method.title());
            return Err(Refused::new(message).at(method.def, span).mend("choose another name"));
        }
    }
    Ok(())
}
