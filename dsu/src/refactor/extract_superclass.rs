//! A new class comes between classes and the superclass that they have in common, and takes variables and methods of theirs.
//!
//! First the class comes with the variables; methods move in the packages behind that, so that they are checked as any that moves up.

use std::collections::BTreeSet;

use instar_interp::source::{Layout, Package, Side};

use super::draft::Draft;
use super::move_method::pull_up_into;
use super::program::{Class, Meaning, Program};
use super::refused::Refused;
use super::rename_class::check_is_not_named;
use super::rename_variable::first_use;
use super::{Outcome, VariableKind, names};

pub(super) fn run(
    program: &Program<'_>,
    library: &[Package],
    classes: &[String],
    name: &str,
    variables: &[String],
    methods: &[String],
) -> Result<Outcome, Refused> {
    names::check_class(name)?;
    program.check_is_free(name)?;
    check_is_not_named(program, name)?;
    let classes = siblings(program, classes)?;
    let mut draft = Draft::new(program, format!("{name} above {}", listed(&classes)));
    add_class(&mut draft, &classes, name)?;
    for variable in variables {
        move_variable(&mut draft, &classes, name, variable)?;
    }
    let packages =
        draft.patch().apply_to(program.packages).map_err(|misfits| Refused::new(misfits.to_string()))?;
    let behind = Program::new(&packages, library);
    let mut moves = Draft::new(&behind, "");
    let above = behind.class(name)?;
    let selectors: BTreeSet<&str> = methods.iter().map(String::as_str).collect();
    for selector in &selectors {
        let found = classes.iter().find_map(|one| behind.method(one.name(), Side::Instance, selector));
        let Some(method) = found else {
            let message = format!("{} have no method {selector}", listed(&classes));
            return Err(Refused::new(message).mend("name a method that one of them has"));
        };
        pull_up_into(&mut moves, &method, &above, &selectors)?;
        check_others(&behind, &classes, selector, &above)?;
    }
    draft.take_methods(moves);
    draft.finish()
}

fn listed(classes: &[Class<'_>]) -> String {
    classes.iter().map(Class::name).collect::<Vec<_>>().join(", ")
}

fn siblings<'p>(program: &Program<'p>, names: &[String]) -> Result<Vec<Class<'p>>, Refused> {
    let mut classes: Vec<Class<'p>> = Vec::new();
    for name in names {
        let class = program.class(name)?;
        if let Some(first) = classes.first().filter(|first| first.def.superclass != class.def.superclass) {
            let message = format!("{name} and {} have different superclasses", first.name());
            return Err(Refused::new(message).mend("name classes with one direct superclass"));
        }
        if !classes.iter().any(|known| known.name() == name) {
            classes.push(class);
        }
    }
    if classes.is_empty() {
        return Err(Refused::new("no class is named to extract from"));
    }
    Ok(classes)
}

fn add_class<'p>(draft: &mut Draft<'p>, classes: &[Class<'p>], name: &str) -> Result<(), Refused> {
    let first = classes[0];
    let Some(superclass) = &first.def.superclass else {
        return Err(Refused::new(format!("{} has no superclass", first.name())));
    };
    let layout = draft.program.find(superclass).map_or(Layout::Normal, |class| class.def.layout);
    let added = draft.add_class(name, superclass, &first);
    if layout != Layout::Normal {
        added.layout = Some(layout);
    }
    for class in classes {
        draft.class(class.name()).superclass = Some(name.to_owned());
    }
    Ok(())
}

fn move_variable<'p>(
    draft: &mut Draft<'p>,
    classes: &[Class<'p>],
    name: &str,
    variable: &str,
) -> Result<(), Refused> {
    let program = draft.program;
    let kind = VariableKind::Instance;
    if !classes.iter().any(|class| class.has(kind, variable)) {
        let message = format!("none of {} declares the instance variable {variable}", listed(classes));
        return Err(Refused::new(message));
    }
    for class in classes {
        if class.has(kind, variable) {
            draft.variables(class, kind).retain(|known| known != variable);
        }
        for user in program.seers(class.name(), kind) {
            if user.name() != class.name() && user.has(kind, variable) {
                let message = format!("{} declares {variable} itself", user.name());
                return Err(Refused::new(message).mend("pull it up, or rename it, first"));
            }
            for method in program.methods_of(user.name()) {
                if let Some(span) = first_use(program, method, kind.sides(), Meaning::Global, variable)? {
                    let message =
                        format!("{} names {variable}, which would mean the variable", method.title());
                    return Err(Refused::new(message).at(method.def, span).mend("rename the variable first"));
                }
            }
        }
    }
    let own = draft.class(name).instance_variables.get_or_insert_with(Vec::new);
    if own.iter().any(|known| known == variable) {
        return Err(Refused::new(format!("{variable} is named twice")));
    }
    own.push(variable.to_owned());
    Ok(())
}

/// A class without a method of that name would get this one in the place of what it inherits.
fn check_others(
    program: &Program<'_>,
    classes: &[Class<'_>],
    selector: &str,
    above: &Class<'_>,
) -> Result<(), Refused> {
    let Some(inherited) = program.implemented_above(above.name(), Side::Instance, selector) else {
        return Ok(());
    };
    match classes.iter().find(|class| !program.implements(class.name(), Side::Instance, selector)) {
        Some(class) => {
            let message = format!("{} uses {inherited}, and would get another {selector}", class.name());
            Err(Refused::new(message).mend("leave the method, or that class, out"))
        }
        None => Ok(()),
    }
}
