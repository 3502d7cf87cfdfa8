//! The tree of a method or do-it, purely syntactic: no variable is resolved, no message is inlined, names are slices of
//! the source. A tree is only made of a source without errors.
//!
//! [bounded-height] No path from the root of a tree to a leaf is longer than [`MAX_HEIGHT`](super::MAX_HEIGHT)
//! expressions: code that walks a tree, and the drop of one, may recurse. The parser keeps it.

use std::borrow::Cow;

use super::Span;

/// A name in the source: of a variable, argument or temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'s> {
    /// The name.
    pub text: &'s str,
    /// Where it stands.
    pub span: Span,
}

/// A method.
#[derive(Clone, Debug, PartialEq)]
pub struct Method<'s> {
    /// The selector; its span is that of the whole pattern, arguments included.
    pub selector: Selector<'s>,
    /// As many as the selector asks for.
    pub arguments: Vec<Name<'s>>,
    /// In source order.
    pub pragmas: Vec<Pragma<'s>>,
    /// Temporaries and statements.
    pub body: Body<'s>,
    /// Pattern and body.
    pub span: Span,
}

/// Statements that are to be evaluated outside of any method.
#[derive(Clone, Debug, PartialEq)]
pub struct DoIt<'s> {
    /// Temporaries and statements.
    pub body: Body<'s>,
    /// The whole text.
    pub span: Span,
}

/// What methods, blocks and do-its have inside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body<'s> {
    /// Of all declarations, in source order. A name may stand here twice: that is for the compiler to reject.
    pub temporaries: Vec<Name<'s>>,
    /// Without empty ones.
    pub statements: Vec<Statement<'s>>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement<'s> {
    /// Evaluated; its value is that of the block or do-it if it is the last one.
    Expression(Expression<'s>),
    /// `^ value`
    Return {
        /// What is returned.
        value: Expression<'s>,
        /// From the caret to the end of the value.
        span: Span,
    },
}

impl<'s> Statement<'s> {
    /// The expression that is evaluated.
    pub fn expression(&self) -> &Expression<'s> {
        match self {
            Statement::Expression(expression) | Statement::Return { value: expression, .. } => expression,
        }
    }

    /// From its first to its last byte.
    pub fn span(&self) -> Span {
        match self {
            Statement::Expression(expression) => expression.span,
            Statement::Return { span, .. } => *span,
        }
    }
}

/// An expression and its place. Parentheses belong to no expression's span.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression<'s> {
    /// What it is.
    pub kind: ExpressionKind<'s>,
    /// From its first to its last byte.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind<'s> {
    /// A variable of any sort: argument, temporary, of the instance, of the class, global.
    Variable(&'s str),
    /// `self`, `super`, `thisContext`
    Pseudo(Pseudo),
    /// Known when compiling.
    Literal(Literal<'s>),
    /// `{ a. b. c }`
    Brace(Vec<Expression<'s>>),
    /// `[ :x | … ]`
    Block(Box<Block<'s>>),
    /// `name := value`
    Assignment(Box<Assignment<'s>>),
    /// A message to a receiver.
    Send(Box<Send<'s>>),
    /// Several messages to one receiver.
    Cascade(Box<Cascade<'s>>),
}

/// Names with a meaning of their own that are no literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pseudo {
    /// `self`
    SelfVariable,
    /// `super`; anywhere but as a receiver it means what `self` means.
    Super,
    /// `thisContext`
    ThisContext,
}

/// `name := value`
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment<'s> {
    /// Never a reserved word.
    pub variable: Name<'s>,
    /// What it becomes.
    pub value: Expression<'s>,
}

/// `receiver message`
#[derive(Clone, Debug, PartialEq)]
pub struct Send<'s> {
    /// Evaluated first.
    pub receiver: Expression<'s>,
    /// Selector and arguments.
    pub message: Message<'s>,
}

/// `receiver message; message; …`
#[derive(Clone, Debug, PartialEq)]
pub struct Cascade<'s> {
    /// Evaluated once.
    pub receiver: Expression<'s>,
    /// Two or more.
    pub messages: Vec<Message<'s>>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'s> {
    /// Its span goes from its first to its last part; arguments may lie between.
    pub selector: Selector<'s>,
    /// As many as the selector asks for.
    pub arguments: Vec<Expression<'s>>,
    /// Selector and arguments.
    pub span: Span,
}

/// The sorts of selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SelectorKind {
    /// `size`
    Unary,
    /// `+`
    Binary,
    /// `at:put:`
    Keyword,
}

/// A selector in the source.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector<'s> {
    /// All parts joined. A slice of the source unless there are several parts.
    pub text: Cow<'s, str>,
    /// How many arguments it takes, and how it is written.
    pub kind: SelectorKind,
    /// Where it stands.
    pub span: Span,
}

/// `[ :x | … ]`
#[derive(Clone, Debug, PartialEq)]
pub struct Block<'s> {
    /// Names of the arguments.
    pub parameters: Vec<Name<'s>>,
    /// Temporaries and statements.
    pub body: Body<'s>,
}

/// `<key: 1 with: #x>`
#[derive(Clone, Debug, PartialEq)]
pub struct Pragma<'s> {
    /// Its span goes from its first to its last part.
    pub selector: Selector<'s>,
    /// As many as the selector asks for.
    pub arguments: Vec<PragmaArgument<'s>>,
    /// From `<` to `>`.
    pub span: Span,
}

/// An argument of a pragma.
#[derive(Clone, Debug, PartialEq)]
pub enum PragmaArgument<'s> {
    /// A literal, and its place.
    Literal(Literal<'s>, Span),
    /// The `code` of `<primitive: 60 error: code>`: a temporary that the pragma declares. Only in primitive pragmas.
    Variable(Name<'s>),
}

/// What is known when compiling.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal<'s> {
    /// `nil`
    Nil,
    /// `true`
    True,
    /// `false`
    False,
    /// An integer that fits into 64 bits.
    Integer(i64),
    /// Any other integer.
    LargeInteger(Box<LargeInteger>),
    /// What an integer with a negative exponent is, if no integer: `1e-3`.
    Fraction(Box<Fraction>),
    /// `1.5s2`
    ScaledDecimal(Box<ScaledDecimal>),
    /// `1.5e-3`
    Float(f64),
    /// `$a`
    Character(char),
    /// `'text'`, doubled quotes made single.
    String(Cow<'s, str>),
    /// `#name`, `#'any text'`, without the hash mark.
    Symbol(Cow<'s, str>),
    /// `#(1 $a foo)`
    Array(Vec<Literal<'s>>),
    /// `#[1 2 3]`
    ByteArray(Box<[u8]>),
}

/// A large integer, normalised: not 0, no leading zero bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeInteger {
    /// Less than 0?
    pub is_negative: bool,
    /// Magnitude, least significant byte first.
    pub bytes: Box<[u8]>,
}

/// An integer of any size; small ones are never `Large`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integer {
    /// Fits into 64 bits.
    Small(i64),
    /// Does not.
    Large(LargeInteger),
}

/// A reduced fraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// Carries the sign.
    pub numerator: Integer,
    /// Positive.
    pub denominator: Integer,
}

/// A scaled decimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaledDecimal {
    /// The exact value; the denominator may be 1.
    pub value: Fraction,
    /// Digits behind the point when printed. Where none is written, the number of those in the literal.
    pub scale: u32,
}

// Trees are walked and moved much: these sizes are part of the parser's speed.
const _: () = assert!(size_of::<Literal>() <= 32);
const _: () = assert!(size_of::<Expression>() <= 40);
