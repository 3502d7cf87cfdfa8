//! A variable goes that no method uses; its values go on purpose.

use super::draft::Draft;
use super::program::{Class, Meaning, Program};
use super::refused::Refused;
use super::rename_variable::{check_declared, first_use};
use super::{Outcome, VariableKind};

pub(super) fn run(
    program: &Program<'_>,
    class: &str,
    kind: VariableKind,
    name: &str,
) -> Result<Outcome, Refused> {
    let class = program.class(class)?;
    check_declared(program, &class, kind, name)?;
    for seer in program.seers(class.name(), kind) {
        check_is_unused(program, &class, kind, name, &seer)?;
    }
    let mut draft = Draft::new(program, format!("{} has no {name} any more", class.name()));
    draft.variables(&class, kind).retain(|known| known != name);
    if kind == VariableKind::Instance {
        draft.slots(class.name(), |slots| slots.drops.push(name.to_owned()));
    }
    draft.finish()
}

/// That no method of this class, which may be below the one that declares it, uses the variable.
pub(super) fn check_is_unused(
    program: &Program<'_>,
    class: &Class<'_>,
    kind: VariableKind,
    name: &str,
    user: &Class<'_>,
) -> Result<(), Refused> {
    let declared = Meaning::Variable { owner: class.name(), kind };
    for method in program.methods_of(user.name()) {
        if let Some(span) = first_use(program, method, kind.sides(), declared, name)? {
            return Err(Refused::new(format!("{} uses {name}", method.title()))
                .at(method.def, span)
                .mend("change or remove that method first"));
        }
    }
    Ok(())
}
