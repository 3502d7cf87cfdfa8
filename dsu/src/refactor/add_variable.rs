//! A class gets a variable. What exists already gets the value of an expression, and with `initialize` so do new instances.

use instar_interp::source::Side;
use instar_interp::syntax::{Statement, parse_doit};

use super::draft::Draft;
use super::edit::Edits;
use super::program::{Class, Program};
use super::refused::Refused;
use super::rename_variable::{check_captures_nothing, check_is_new};
use super::{Outcome, VariableKind, names};

/// The method that every new instance runs.
const INITIALIZE: &str = "initialize";

pub(super) fn run(
    program: &Program<'_>,
    class: &str,
    (kind, name): (VariableKind, &str),
    default: Option<&str>,
    initialize: bool,
) -> Result<Outcome, Refused> {
    let class = program.class(class)?;
    names::check_variable(name)?;
    check_is_new(program, &class, kind, name)?;
    check_captures_nothing(program, &class, kind, name)?;
    let default = default.map(str::trim).unwrap_or("nil");
    check_expression(default)?;
    let mut draft = Draft::new(program, format!("{} has {name}", class.name()));
    draft.variables(&class, kind).push(name.to_owned());
    match kind {
        VariableKind::Instance => {
            draft.slots(class.name(), |slots| slots.defaults.push((name.to_owned(), default.to_owned())));
        }
        // No method knows the variable before the commit, so nobody can see that the value comes behind it.
        VariableKind::Shared if default != "nil" => {
            draft.after(format!(" {} classVarNamed: '{name}' put: ({default}) ", class.name()));
        }
        VariableKind::ClassSide if default != "nil" => {
            draft.after(format!(
                " {} withAllSubclassesDo: [ :each | each instVarNamed: '{name}' put: ({default}) ] ",
                class.name()
            ));
        }
        VariableKind::Shared | VariableKind::ClassSide => {}
    }
    if initialize {
        if kind != VariableKind::Instance {
            return Err(Refused::new("only instances are initialized").mend("leave --initialize out"));
        }
        initialize_in(&mut draft, &class, name, default)?;
    }
    draft.finish()
}

/// One expression: it is evaluated in a program, and stands in parentheses or behind an assignment.
fn check_expression(source: &str) -> Result<(), Refused> {
    let wrong = |why: &str| Refused::new(format!("the default {source:?} is no expression: {why}"));
    let tree =
        parse_doit(source).map_err(|errors| wrong(errors.first().map_or("", |error| &error.message)))?;
    match tree.body.statements.as_slice() {
        [Statement::Expression(_)] if tree.body.temporaries.is_empty() && !source.ends_with('.') => Ok(()),
        [] => Err(wrong("it is empty")),
        _ => Err(wrong("it must be one expression, without ^, temporaries and full stop")),
    }
}

fn initialize_in<'p>(
    draft: &mut Draft<'p>,
    class: &Class<'p>,
    name: &str,
    default: &str,
) -> Result<(), Refused> {
    let program = draft.program;
    let Some(method) = program.method(class.name(), Side::Instance, INITIALIZE) else {
        let source = format!("{INITIALIZE}\n\tsuper {INITIALIZE}.\n\t{name} := {default}");
        return draft.add_method(class.name(), "initialization", &source);
    };
    let tree = method.parse()?;
    let mut edits = Edits::default();
    match tree.body.statements.last() {
        Some(Statement::Return { span, .. }) => {
            return Err(Refused::new(format!("{} ends with a return", method.title()))
                .at(method.def, *span)
                .mend("leave --initialize out, and give new instances their value by hand"));
        }
        Some(Statement::Expression(_)) => {
            let end = end_of_statements(&method);
            edits.insert(end, format!(".\n\t{name} := {default}"));
        }
        None => edits.insert(method.def.body.end, format!("\t{name} := {default}\n")),
    }
    draft.edit(&method, edits);
    Ok(())
}

/// Behind the last token that is no full stop: a parenthesis belongs to no expression.
fn end_of_statements(method: &super::program::Placed<'_>) -> u32 {
    let body = method.def.body();
    let last = instar_interp::syntax::tokens(body)
        .filter(|token| token.kind != instar_interp::syntax::TokenKind::Period)
        .last();
    method.def.body.start + last.map_or(0, |token| token.span.end)
}
