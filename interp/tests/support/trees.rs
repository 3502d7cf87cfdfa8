//! Trees as short texts, so that tests can say what they expect.

use instar_interp::syntax::{
    Block, Body, DoIt, Expression, ExpressionKind, Fraction, Integer, LargeInteger, Literal, Message, Method,
    PragmaArgument, Pseudo, Statement, parse_doit, parse_method,
};
use num_bigint::BigUint;

/// A do-it's statements, each message in parentheses with its receiver.
pub fn doit(source: &str) -> String {
    match parse_doit(source) {
        Ok(DoIt { body, .. }) => show_body(&body),
        Err(errors) => panic!("{source}: {errors:#?}"),
    }
}

/// A method: pattern, pragmas, body.
pub fn method(source: &str) -> String {
    match parse_method(source) {
        Ok(method) => show_method(&method),
        Err(errors) => panic!("{source}: {errors:#?}"),
    }
}

/// The errors of a do-it, as `line:column: message`.
pub fn doit_errors(source: &str) -> Vec<String> {
    parse_doit(source).unwrap_err().iter().map(|error| error.brief(source)).collect()
}

/// The errors of a method, as `line:column: message`.
pub fn method_errors(source: &str) -> Vec<String> {
    parse_method(source).unwrap_err().iter().map(|error| error.brief(source)).collect()
}

pub fn show_method(method: &Method<'_>) -> String {
    let arguments: Vec<&str> = method.arguments.iter().map(|name| name.text).collect();
    let mut text = format!("{}({})", method.selector.text, arguments.join(" "));
    for pragma in &method.pragmas {
        let arguments: Vec<String> = pragma.arguments.iter().map(show_pragma_argument).collect();
        text.push_str(&format!(" <{} {}>", pragma.selector.text, arguments.join(" ")));
    }
    format!("{text} {}", show_body(&method.body)).trim_end().to_owned()
}

fn show_pragma_argument(argument: &PragmaArgument<'_>) -> String {
    match argument {
        PragmaArgument::Literal(literal, _) => show_literal(literal),
        PragmaArgument::Variable(name) => format!("var {}", name.text),
    }
}

fn show_body(body: &Body<'_>) -> String {
    let temporaries: Vec<&str> = body.temporaries.iter().map(|name| name.text).collect();
    let statements: Vec<String> = body.statements.iter().map(show_statement).collect();
    let declared =
        if temporaries.is_empty() { String::new() } else { format!("|{}| ", temporaries.join(" ")) };
    format!("{declared}{}", statements.join(". "))
}

fn show_statement(statement: &Statement<'_>) -> String {
    match statement {
        Statement::Expression(expression) => show(expression),
        Statement::Return { value, .. } => format!("^{}", show(value)),
    }
}

pub fn show(expression: &Expression<'_>) -> String {
    match &expression.kind {
        ExpressionKind::Variable(name) => (*name).to_owned(),
        ExpressionKind::Pseudo(Pseudo::SelfVariable) => "SELF".to_owned(),
        ExpressionKind::Pseudo(Pseudo::Super) => "SUPER".to_owned(),
        ExpressionKind::Pseudo(Pseudo::ThisContext) => "CONTEXT".to_owned(),
        ExpressionKind::Literal(literal) => show_literal(literal),
        ExpressionKind::Brace(elements) => {
            format!("{{{}}}", elements.iter().map(show).collect::<Vec<_>>().join(". "))
        }
        ExpressionKind::Block(block) => show_block(block),
        ExpressionKind::Assignment(assignment) => {
            format!("{} := {}", assignment.variable.text, show(&assignment.value))
        }
        ExpressionKind::Send(send) => format!("({} {})", show(&send.receiver), show_message(&send.message)),
        ExpressionKind::Cascade(cascade) => {
            let messages: Vec<String> = cascade.messages.iter().map(show_message).collect();
            format!("({} {})", show(&cascade.receiver), messages.join("; "))
        }
    }
}

fn show_block(block: &Block<'_>) -> String {
    let parameters: Vec<&str> = block.parameters.iter().map(|name| name.text).collect();
    format!("[{}: {}]", parameters.join(" "), show_body(&block.body)).replace(": ]", "]")
}

fn show_message(message: &Message<'_>) -> String {
    let arguments: Vec<String> = message.arguments.iter().map(show).collect();
    let separator = if arguments.is_empty() { "" } else { " " };
    format!("{}{separator}{}", message.selector.text, arguments.join(" "))
}

fn show_literal(literal: &Literal<'_>) -> String {
    match literal {
        Literal::Nil => "nil".to_owned(),
        Literal::True => "true".to_owned(),
        Literal::False => "false".to_owned(),
        Literal::Integer(value) => value.to_string(),
        Literal::LargeInteger(large) => show_large(large),
        Literal::Fraction(fraction) => show_fraction(fraction),
        Literal::ScaledDecimal(scaled) => format!("{}s{}", show_fraction(&scaled.value), scaled.scale),
        Literal::Float(value) => format!("{value:?}"),
        Literal::Character(letter) => format!("${letter}"),
        Literal::String(text) => format!("'{text}'"),
        Literal::Symbol(text) => format!("#{text}"),
        Literal::Array(elements) => {
            format!("#({})", elements.iter().map(show_literal).collect::<Vec<_>>().join(" "))
        }
        Literal::ByteArray(bytes) => format!("#{bytes:?}"),
    }
}

fn show_fraction(fraction: &Fraction) -> String {
    format!("{}/{}", show_integer(&fraction.numerator), show_integer(&fraction.denominator))
}

fn show_integer(integer: &Integer) -> String {
    match integer {
        Integer::Small(value) => value.to_string(),
        Integer::Large(large) => show_large(large),
    }
}

fn show_large(large: &LargeInteger) -> String {
    format!("{}{}", if large.is_negative { "-" } else { "" }, BigUint::from_bytes_le(&large.bytes))
}
