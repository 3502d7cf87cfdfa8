//! The tree between syntax and code: names are resolved, and inlined control flow is told from messages.

use crate::syntax::{Literal, Span};

use super::variables::{FunctionId, ScopeId, VariableId};

/// An expression or statement.
#[derive(Debug)]
pub struct Node<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// The whole of it in the source.
    pub span: Span,
    /// Whether its evaluation may assign to a variable of the method.
    pub assigns: bool,
}

/// What a variable's name stands for.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// A variable of the method.
    Local(VariableId),
    /// An instance variable.
    Slot(u16),
    /// A class variable.
    ClassVariable(&'a str),
    /// A global.
    Global(&'a str),
    /// What nothing defines.
    Undeclared(&'a str),
}

/// The kinds of nodes.
#[derive(Debug)]
pub enum Kind<'a> {
    /// `nil`
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// Any other literal.
    Literal(&'a Literal<'a>),
    /// `self`
    SelfValue,
    /// `thisContext`
    ThisContext,
    /// A variable.
    Variable(Place<'a>),
    /// An assignment.
    Assignment(Place<'a>, Box<Node<'a>>),
    /// A message that is sent.
    Send(Box<Send<'a>>),
    /// Messages to one receiver.
    Cascade(Box<Cascade<'a>>),
    /// `{ … }`
    Brace(Vec<Node<'a>>),
    /// A block that is an object.
    Block(Box<Block<'a>>),
    /// `^`
    Return(Box<Node<'a>>),
    /// `ifTrue:ifFalse:` and the like
    If(Box<If<'a>>),
    /// `and:`, `or:`
    Connective(Box<Connective<'a>>),
    /// `ifNil:ifNotNil:` and the like
    IfNil(Box<IfNil<'a>>),
    /// `whileTrue:` and the like
    While(Box<While<'a>>),
    /// `to:do:`, `to:by:do:`, `timesRepeat:`
    Count(Box<Count<'a>>),
    /// `repeat`
    Repeat(Box<Body<'a>>),
}

/// Statements with their scope. The value is the last one's, or nil.
#[derive(Debug)]
pub struct Body<'a> {
    /// What they declare.
    pub scope: ScopeId,
    /// In order.
    pub statements: Vec<Node<'a>>,
}

/// A selector with arguments.
#[derive(Debug)]
pub struct Message<'a> {
    /// The selector.
    pub selector: &'a str,
    /// As many as the selector asks for.
    pub arguments: Vec<Node<'a>>,
    /// Selector and arguments.
    pub span: Span,
}

/// A message that is sent.
#[derive(Debug)]
pub struct Send<'a> {
    /// Who gets it.
    pub receiver: Node<'a>,
    /// Whether lookup begins above the class of the method.
    pub is_super: bool,
    /// What is sent.
    pub message: Message<'a>,
}

/// Messages to one receiver.
#[derive(Debug)]
pub struct Cascade<'a> {
    /// Who gets them.
    pub receiver: Node<'a>,
    /// Whether lookup begins above the class of the method.
    pub is_super: bool,
    /// In order.
    pub messages: Vec<Message<'a>>,
}

/// A block that is an object.
#[derive(Debug)]
pub struct Block<'a> {
    /// Its code's frames.
    pub function: FunctionId,
    /// What it does; its scope begins with the arguments.
    pub body: Body<'a>,
}

/// `ifTrue:ifFalse:` and the like.
#[derive(Debug)]
pub struct If<'a> {
    /// What is tested.
    pub condition: Node<'a>,
    /// What is done if it is true; `None` means nil.
    pub if_true: Option<Body<'a>>,
    /// What is done if it is false.
    pub if_false: Option<Body<'a>>,
}

/// `and:` or `or:`.
#[derive(Debug)]
pub struct Connective<'a> {
    /// Which of them.
    pub is_and: bool,
    /// Evaluated always.
    pub left: Node<'a>,
    /// Evaluated if the left one does not decide.
    pub right: Body<'a>,
}

/// `ifNil:ifNotNil:` and the like.
#[derive(Debug)]
pub struct IfNil<'a> {
    /// What is tested.
    pub value: Node<'a>,
    /// What is done if it is nil; without it, the value is nil.
    pub if_nil: Option<Body<'a>>,
    /// What is done if it is not, and the variable that gets the value; without it, the value is that value.
    pub if_not_nil: Option<(Option<VariableId>, Body<'a>)>,
}

/// `whileTrue:` and the like.
#[derive(Debug)]
pub struct While<'a> {
    /// Evaluated before each iteration.
    pub condition: Body<'a>,
    /// It goes on while the condition is this.
    pub sense: bool,
    /// What is done.
    pub body: Option<Body<'a>>,
}

/// The step of a counting loop.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// An integer, not 0.
    Integer(i64),
    /// Another number, and whether it is below 0.
    Other(&'a Literal<'a>, bool),
}

/// `to:do:`, `to:by:do:`, `timesRepeat:`.
#[derive(Debug)]
pub struct Count<'a> {
    /// The first value; `None` if the loop only counts from 1.
    pub start: Option<Node<'a>>,
    /// The last value.
    pub limit: Node<'a>,
    /// From value to value.
    pub step: Step<'a>,
    /// The variable that has the value.
    pub variable: Option<VariableId>,
    /// What is done.
    pub body: Body<'a>,
}
