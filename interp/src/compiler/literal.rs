//! Literals of the syntax as literals of code.

use crate::code;
use crate::syntax::{Fraction, Integer, LargeInteger, Literal};

/// The same literal, owned.
pub fn convert(literal: &Literal<'_>) -> code::Literal {
    match literal {
        Literal::Nil => code::Literal::Nil,
        Literal::True => code::Literal::Boolean(true),
        Literal::False => code::Literal::Boolean(false),
        Literal::Integer(value) => code::Literal::Integer(*value),
        Literal::LargeInteger(value) => large(value),
        Literal::Fraction(value) => {
            let (numerator, denominator) = parts(value);
            code::Literal::Fraction { numerator, denominator }
        }
        Literal::ScaledDecimal(decimal) => {
            let (numerator, denominator) = parts(&decimal.value);
            code::Literal::ScaledDecimal { numerator, denominator, scale: decimal.scale }
        }
        Literal::Float(value) => code::Literal::Float(*value),
        Literal::Character(value) => code::Literal::Character(*value),
        Literal::String(text) => code::Literal::String(text.to_string()),
        Literal::Symbol(text) => code::Literal::Symbol(text.to_string()),
        Literal::Array(elements) => code::Literal::Array(elements.iter().map(convert).collect()),
        Literal::ByteArray(bytes) => code::Literal::Bytes(bytes.to_vec()),
    }
}

fn parts(fraction: &Fraction) -> (Box<code::Literal>, Box<code::Literal>) {
    (Box::new(integer(&fraction.numerator)), Box::new(integer(&fraction.denominator)))
}

fn integer(value: &Integer) -> code::Literal {
    match value {
        Integer::Small(value) => code::Literal::Integer(*value),
        Integer::Large(value) => large(value),
    }
}

fn large(value: &LargeInteger) -> code::Literal {
    code::Literal::LargeInteger { negative: value.is_negative, magnitude: value.bytes.to_vec() }
}
