//! The compiler: from the syntax tree of a method to its code.
//!
//! Two passes. `lower` resolves names, tells inlined control flow from messages, and finds out which variables blocks
//! capture; `generate` emits code, whose form [`code`](crate::code) describes. Both walk a tree of bounded height.
//! Whatever the source, the compiler answers code that the verifier accepts, or errors.

mod access;
mod condition;
mod control;
mod environment;
mod generate;
mod inline;
mod literal;
mod lower;
mod operations;
mod pragma;
mod suggest;
mod tree;
mod variables;

pub use environment::{Empty, Environment, Resolved};
pub use literal::convert;
pub use pragma::PragmaInfo;
pub use suggest::Nearest;

use crate::code::assemble::Limit;
use crate::code::{CodeKind, CodeUnit};
use crate::syntax::{self, Span, SyntaxError, parse_doit, parse_method};

use generate::{Head, generate};
use lower::Lowering;
use pragma::read_pragmas;
use tree::Body;
use variables::Role;

/// The selector of a do-it.
pub const DO_IT: &str = "DoIt";

/// A method as compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct CompiledMethodInfo {
    /// Its selector.
    pub selector: String,
    /// The names of its arguments.
    pub arguments: Vec<String>,
    /// All its pragmas, in source order.
    pub pragmas: Vec<PragmaInfo>,
    /// Its code.
    pub unit: CodeUnit,
    /// What is suspicious, in source order: names that nothing defines.
    pub warnings: Vec<SyntaxError>,
}

/// Compiles the source of a method.
///
/// # Errors
/// All that are found, in source order.
pub fn compile_method(
    source: &str,
    environment: &dyn Environment,
) -> Result<CompiledMethodInfo, Vec<SyntaxError>> {
    compile_parsed_method(&parse_method(source)?, environment)
}

/// Compiles a method that was parsed already.
///
/// # Errors
/// All that are found, in source order.
pub fn compile_parsed_method(
    method: &syntax::Method<'_>,
    environment: &dyn Environment,
) -> Result<CompiledMethodInfo, Vec<SyntaxError>> {
    let mut lowering = Lowering::new(environment);
    let scope = lowering.open_scope();
    for name in &method.arguments {
        lowering.declare(*name, scope, Role::Argument);
    }
    let pragmas = read_pragmas(&mut lowering, &method.pragmas, scope);
    let body = lowering.body(&method.body, scope);
    let head = Head {
        kind: pragmas.kind,
        primitive: pragmas.primitive,
        primitive_error: pragmas.primitive_error,
        is_doit: false,
    };
    let (unit, warnings) = finish(lowering, &body, head, method.selector.span)?;
    Ok(CompiledMethodInfo {
        selector: method.selector.text.to_string(),
        arguments: method.arguments.iter().map(|name| name.text.to_owned()).collect(),
        pragmas: pragmas.list,
        unit,
        warnings,
    })
}

/// Compiles statements to a method without arguments, named [`DO_IT`], that answers the value of the last one.
///
/// # Errors
/// All that are found, in source order.
pub fn compile_doit(
    source: &str,
    environment: &dyn Environment,
) -> Result<CompiledMethodInfo, Vec<SyntaxError>> {
    compile_parsed_doit(&parse_doit(source)?, environment)
}

/// Compiles a do-it that was parsed already.
///
/// # Errors
/// All that are found, in source order.
pub fn compile_parsed_doit(
    doit: &syntax::DoIt<'_>,
    environment: &dyn Environment,
) -> Result<CompiledMethodInfo, Vec<SyntaxError>> {
    let mut lowering = Lowering::new(environment);
    let scope = lowering.open_scope();
    let body = lowering.body(&doit.body, scope);
    let head = Head { kind: CodeKind::Method, primitive: None, primitive_error: None, is_doit: true };
    let (unit, warnings) = finish(lowering, &body, head, doit.span)?;
    Ok(CompiledMethodInfo {
        selector: DO_IT.to_owned(),
        arguments: Vec::new(),
        pragmas: Vec::new(),
        unit,
        warnings,
    })
}

fn finish<'a>(
    mut lowering: Lowering<'a, '_>,
    body: &Body<'a>,
    head: Head,
    span: Span,
) -> Result<(CodeUnit, Vec<SyntaxError>), Vec<SyntaxError>> {
    let mut errors = std::mem::take(&mut lowering.errors);
    if !lowering.variables.assign_cells() {
        errors.push(SyntaxError::new(span, Limit::Cells.to_string()));
    }
    if !errors.is_empty() {
        errors.sort_by_key(|error| error.span.start);
        return Err(errors);
    }
    let mut warnings = std::mem::take(&mut lowering.warnings);
    warnings.sort_by_key(|warning| warning.span.start);
    let unit = generate(&lowering.variables, body, head)
        .map_err(|limit| vec![SyntaxError::new(span, limit.to_string())])?;
    Ok((unit, warnings))
}
