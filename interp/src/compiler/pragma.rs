//! Pragmas: all are kept as data, some mean something to the compiler.

use crate::code::{CodeKind, Literal};
use crate::syntax::{self, Pragma, PragmaArgument, SyntaxError};

use super::literal::convert;
use super::lower::Lowering;
use super::variables::{Role, ScopeId, VariableId};

/// A pragma as data.
#[derive(Clone, Debug, PartialEq)]
pub struct PragmaInfo {
    /// Its selector.
    pub selector: String,
    /// As many as the selector asks for. The name of a primitive's error is a symbol here.
    pub arguments: Vec<Literal>,
}

/// What the pragmas of a method say.
pub(super) struct Pragmas {
    pub list: Vec<PragmaInfo>,
    pub kind: CodeKind,
    pub primitive: Option<String>,
    pub primitive_error: Option<VariableId>,
}

/// Reads all pragmas of a method, and declares the variable of a primitive's error in the method's scope.
pub(super) fn read_pragmas<'a>(
    lowering: &mut Lowering<'a, '_>,
    pragmas: &'a [Pragma<'a>],
    scope: ScopeId,
) -> Pragmas {
    let mut read =
        Pragmas { list: Vec::new(), kind: CodeKind::Method, primitive: None, primitive_error: None };
    for pragma in pragmas {
        read.list.push(data(pragma));
        match &*pragma.selector.text {
            "unwind" => mark(lowering, &mut read, pragma, CodeKind::Unwind),
            "handler" => mark(lowering, &mut read, pragma, CodeKind::Handler),
            "primitive:" | "primitive:error:" => primitive(lowering, &mut read, pragma, scope),
            selector if selector.starts_with("primitive:") => {
                let message = "primitives of other modules are not known here";
                let help = "use `<primitive: #name>` or `<primitive: #name error: code>`";
                lowering.error(SyntaxError::new(pragma.span, message).with_help(help));
            }
            _ => {}
        }
    }
    read
}

fn data(pragma: &Pragma<'_>) -> PragmaInfo {
    let argument = |argument: &PragmaArgument<'_>| match argument {
        PragmaArgument::Literal(literal, _) => convert(literal),
        PragmaArgument::Variable(name) => Literal::Symbol(name.text.to_owned()),
    };
    PragmaInfo {
        selector: pragma.selector.text.to_string(),
        arguments: pragma.arguments.iter().map(argument).collect(),
    }
}

fn mark(lowering: &mut Lowering<'_, '_>, read: &mut Pragmas, pragma: &Pragma<'_>, kind: CodeKind) {
    if read.kind != CodeKind::Method && read.kind != kind {
        let message = "a method is either `<unwind>` or `<handler>`";
        lowering.error(SyntaxError::new(pragma.span, message).with_help("remove one of the two"));
    }
    read.kind = kind;
}

fn primitive<'a>(
    lowering: &mut Lowering<'a, '_>,
    read: &mut Pragmas,
    pragma: &'a Pragma<'a>,
    scope: ScopeId,
) {
    if read.primitive.is_some() {
        let error = SyntaxError::new(pragma.span, "a method has one primitive at most");
        lowering.error(error.with_help("remove all but one"));
        return;
    }
    match pragma.arguments.first() {
        Some(PragmaArgument::Literal(syntax::Literal::Symbol(name), _)) if !name.is_empty() => {
            read.primitive = Some(name.to_string());
        }
        Some(PragmaArgument::Literal(syntax::Literal::Integer(number), span)) => {
            let message = format!("primitives have names here, not numbers like {number}");
            lowering.error(SyntaxError::new(*span, message).with_help("write `<primitive: #name>`"));
        }
        _ => {
            let message = "the name of a primitive is a symbol";
            lowering.error(SyntaxError::new(pragma.span, message).with_help("write `<primitive: #name>`"));
        }
    }
    match pragma.arguments.get(1) {
        None => {}
        Some(PragmaArgument::Variable(name)) => {
            read.primitive_error = Some(lowering.declare(*name, scope, Role::PrimitiveError));
        }
        Some(PragmaArgument::Literal(_, span)) => {
            let message = "the error of a primitive goes to a variable";
            lowering.error(SyntaxError::new(*span, message).with_help("write `error: code`"));
        }
    }
}
