//! Variables move to an object of a new class, which a new variable of the old class holds: the standard policy `split:into:as:`.
//!
//! Methods that used a variable send messages to the holder instead. `self HOLDER` makes the object when it is first asked for, so that new instances
//! need none; copies get a copy of it, so that instances share nothing that they did not share before.

use instar_interp::source::Side;
use instar_interp::syntax::{
    Assignment, Expression, ExpressionKind, Method, SelectorKind, Span, Statement, TokenKind, tokens,
};

use super::draft::Draft;
use super::edit::Edits;
use super::program::{Class, Meaning, Placed, Program, title};
use super::refused::Refused;
use super::rename_class::check_is_not_named;
use super::rename_variable::{check_captures_nothing, check_declared, check_is_new};
use super::walk::{Seen, is_super, walk};
use super::{Outcome, VariableKind, names};
use crate::patch::Rule;

const KIND: VariableKind = VariableKind::Instance;
/// What a copy does once it is made.
const POST_COPY: &str = "postCopy";

pub(super) fn run(
    program: &Program<'_>,
    class: &str,
    variables: &[String],
    into: &str,
    holder: &str,
) -> Result<Outcome, Refused> {
    let class = program.class(class)?;
    check(program, &class, variables, into, holder)?;
    let mut draft = Draft::new(program, format!("{} of {} in {into}", variables.join(", "), class.name()));
    draft.add_class(into, "Object", &class).instance_variables = Some(variables.to_vec());
    let names = draft.variables(&class, KIND);
    names.retain(|name| !variables.contains(name));
    names.push(holder.to_owned());
    let mut valued = Vec::new();
    for user in program.seers(class.name(), KIND) {
        for method in program.methods_of(user.name()).iter().filter(|one| one.def.side == Side::Instance) {
            rewrite(&mut draft, method, &class, (variables, holder), &mut valued)?;
        }
    }
    for variable in variables {
        add_accessors(&mut draft, into, variable, valued.contains(variable))?;
    }
    let source = format!("{holder}\n\t^ {holder} ifNil: [ {holder} := {into} new ]");
    draft.add_method(class.name(), "accessing", &source)?;
    copy_holder(&mut draft, &class, holder)?;
    draft.policy(
        class.name(),
        Rule::Split { moves: variables.to_vec(), into: into.to_owned(), holder: holder.to_owned() },
    );
    draft.finish()
}

fn check(
    program: &Program<'_>,
    class: &Class<'_>,
    variables: &[String],
    into: &str,
    holder: &str,
) -> Result<(), Refused> {
    if variables.is_empty() {
        return Err(Refused::new("no variable is named that shall move"));
    }
    for (index, variable) in variables.iter().enumerate() {
        check_declared(program, class, KIND, variable)?;
        if variables[..index].contains(variable) {
            return Err(Refused::new(format!("{variable} is named twice")));
        }
        for selector in [variable.clone(), format!("{variable}:")] {
            if program.implements("Object", Side::Instance, &selector)
                || program.implemented_above("Object", Side::Instance, &selector).is_some()
            {
                let message =
                    format!("every object has a method {selector}, which {into} would need for {variable}");
                return Err(Refused::new(message).mend("rename the variable first"));
            }
        }
    }
    names::check_class(into)?;
    program.check_is_free(into)?;
    check_is_not_named(program, into)?;
    names::check_variable(holder)?;
    check_is_new(program, class, KIND, holder)?;
    check_captures_nothing(program, class, KIND, holder)?;
    for other in program.line(class.name()).into_iter().chain(program.below(class.name())) {
        if program.implements(other.name(), Side::Instance, holder) {
            let known = title(other.name(), Side::Instance, holder);
            let message = format!("there is {known} already, and {holder} would need a method of that name");
            return Err(Refused::new(message).mend("choose another name for the variable"));
        }
    }
    Ok(())
}

/// Reads become messages to the holder, and so do assignments.
fn rewrite<'p>(
    draft: &mut Draft<'p>,
    method: &Placed<'p>,
    class: &Class<'p>,
    (variables, holder): (&[String], &str),
    valued: &mut Vec<String>,
) -> Result<(), Refused> {
    if !method.is_own {
        return Ok(());
    }
    let tree = method.parse()?;
    let declared = Meaning::Variable { owner: class.name(), kind: KIND };
    let is_moved = |name: &str| {
        variables.iter().any(|one| one == name)
            && draft.program.meaning(method.owner, Side::Instance, name) == declared
    };
    let text = &method.def.file.text;
    let mut edits = Edits::default();
    walk(&tree, &mut |seen, locals| match seen {
        Seen::Read { name, span } if is_moved(name) && !locals.has(name) => {
            edits.replace(span, format!("self {holder} {name}"));
        }
        Seen::Assign { assignment, whole, is_value_used } => {
            let name = assignment.variable.text;
            if is_moved(name) && !locals.has(name) {
                assign(&mut edits, text, assignment, whole, holder);
                if is_value_used && !valued.iter().any(|known| known == name) {
                    valued.push(name.to_owned());
                }
            }
        }
        _ => {}
    });
    if method.owner == class.name() && method.selector() == POST_COPY {
        copy_holder_in(method, &tree, holder, &mut edits)?;
    }
    draft.edit(method, edits);
    Ok(())
}

/// `x := value` becomes `self holder x: value`, with parentheses where the value is no argument as it stands.
fn assign(edits: &mut Edits, text: &str, assignment: &Assignment<'_>, whole: Span, holder: &str) {
    let (variable, value) = (&assignment.variable, &assignment.value);
    let behind = Span::new(variable.span.end, whole.end);
    let mut rest = tokens(behind.of(text))
        .map(|token| (token.kind, Span::new(behind.start + token.span.start, behind.start + token.span.end)));
    let Some((TokenKind::Assign, operator)) = rest.next() else { return };
    edits.replace(variable.span, format!("self {holder}"));
    edits.replace(operator, format!("{}:", variable.text));
    let is_bare = rest.next().is_some_and(|(_, span)| span.start == value.span.start);
    let is_loose = match &value.kind {
        ExpressionKind::Assignment(_) | ExpressionKind::Cascade(_) => true,
        ExpressionKind::Send(send) => send.message.selector.kind == SelectorKind::Keyword,
        _ => false,
    };
    if is_bare && is_loose {
        edits.insert(value.span.start, "(");
        edits.insert(whole.end, ")");
    }
}

/// A setter answers the value where an assignment's value was used.
fn add_accessors(
    draft: &mut Draft<'_>,
    class: &str,
    variable: &str,
    answers_value: bool,
) -> Result<(), Refused> {
    draft.add_method(class, "accessing", &format!("{variable}\n\t^ {variable}"))?;
    let argument = if variable == "anObject" { "aValue" } else { "anObject" };
    let answer = if answers_value { "^ " } else { "" };
    draft.add_method(
        class,
        "accessing",
        &format!("{variable}: {argument}\n\t{answer}{variable} := {argument}"),
    )
}

/// What copies do, if the class says nothing about it yet.
fn copy_holder(draft: &mut Draft<'_>, class: &Class<'_>, holder: &str) -> Result<(), Refused> {
    if draft.program.method(class.name(), Side::Instance, POST_COPY).is_some() {
        return Ok(());
    }
    let source = format!("{POST_COPY}\n\tsuper {POST_COPY}.\n\t{holder} := {holder} copy");
    draft.add_method(class.name(), "copying", &source)
}

/// Where the class says what copies do, the holder is copied before anything is done to it.
fn copy_holder_in(
    method: &Placed<'_>,
    tree: &Method<'_>,
    holder: &str,
    edits: &mut Edits,
) -> Result<(), Refused> {
    let is_first = |expression: &Expression<'_>| match &expression.kind {
        ExpressionKind::Send(send) => is_super(&send.receiver) && send.message.selector.text == POST_COPY,
        _ => false,
    };
    match tree.body.statements.first() {
        Some(Statement::Expression(first)) if is_first(first) => {
            edits.insert(first.span.end, format!(".\n\t{holder} := {holder} copy"));
            Ok(())
        }
        _ => Err(Refused::new(format!("{} does not begin with super {POST_COPY}", method.title()))
            .at(method.def, method.def.pattern)
            .mend("let it, so that the new variable can be copied behind that")),
    }
}
