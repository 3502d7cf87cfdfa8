//! From the syntax tree to the compiler's: resolves names, finds out what blocks capture, and collects errors.

use crate::syntax::{self, Expression, ExpressionKind, Literal, Name, Pseudo, Span, Statement, SyntaxError};

use super::environment::{Environment, Resolved};
use super::suggest::Nearest;
use super::tree::{Block, Body, Cascade, Kind, Message, Node, Place, Send};
use super::variables::{FunctionId, Role, ScopeId, VariableId, Variables};

/// More variables than this in scope at one place are rejected before they cost time.
const MAX_VISIBLE: usize = 1000;

/// Suggestions are looked for this often in a method.
const MAX_SUGGESTIONS: usize = 10;

/// At most so many errors, and warnings, are kept.
const MAX_REPORTS: usize = syntax::MAX_ERRORS;

/// The state of lowering one method.
pub(super) struct Lowering<'a, 'e> {
    pub environment: &'e dyn Environment,
    pub variables: Variables<'a>,
    /// Variables in scope, innermost last.
    visible: Vec<VariableId>,
    pub function: FunctionId,
    /// Assignments to local variables so far.
    assignments: usize,
    loops: u32,
    suggestions: usize,
    pub errors: Vec<SyntaxError>,
    pub warnings: Vec<SyntaxError>,
}

impl<'a, 'e> Lowering<'a, 'e> {
    pub fn new(environment: &'e dyn Environment) -> Self {
        let mut variables = Variables::default();
        let function = variables.add_function(None);
        Lowering {
            environment,
            variables,
            visible: Vec::new(),
            function,
            assignments: 0,
            loops: 0,
            suggestions: 0,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub fn error(&mut self, error: SyntaxError) {
        if self.errors.len() < MAX_REPORTS {
            self.errors.push(error);
        }
    }

    fn warn(&mut self, warning: SyntaxError) {
        if self.warnings.len() < MAX_REPORTS {
            self.warnings.push(warning);
        }
    }

    // Scopes.

    /// Opens a scope in the current function.
    pub fn open_scope(&mut self) -> ScopeId {
        self.variables.add_scope(self.function)
    }

    /// Declares a variable in the scope, which must be the innermost.
    pub fn declare(&mut self, name: Name<'a>, scope: ScopeId, role: Role) -> VariableId {
        let same = |id: &&VariableId| {
            let known = self.variables.get(**id);
            known.scope == scope && known.name == name.text
        };
        if let Some(known) = self.visible.iter().rev().find(same) {
            let first = self.variables.get(*known).span;
            let error = SyntaxError::new(name.span, format!("`{}` is declared twice", name.text))
                .with_related(first, "first here")
                .with_help("remove or rename one of the two");
            self.error(error);
        }
        if self.visible.len() == MAX_VISIBLE {
            let message = format!("more than {MAX_VISIBLE} variables are in scope here");
            self.error(SyntaxError::new(name.span, message).with_help("split the method"));
        }
        let id = self.variables.add(name.text, name.span, scope, role);
        if self.visible.len() < MAX_VISIBLE {
            self.visible.push(id);
        }
        id
    }

    pub fn visible(&self) -> usize {
        self.visible.len()
    }

    /// Ends all scopes that were opened when so many variables were visible.
    pub fn close_scope(&mut self, visible: usize) {
        self.visible.truncate(visible);
    }

    /// Lowers what is executed repeatedly.
    pub fn in_loop<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        self.loops += 1;
        let number = self.loops;
        let function = self.function.0 as usize;
        self.variables.functions[function].loops.push(number);
        let result = lower(self);
        self.variables.functions[function].loops.pop();
        result
    }

    /// Temporaries and statements.
    pub fn body(&mut self, body: &'a syntax::Body<'a>, scope: ScopeId) -> Body<'a> {
        for name in &body.temporaries {
            self.declare(*name, scope, Role::Temporary);
        }
        let statements = body.statements.iter().map(|statement| self.statement(statement, scope)).collect();
        Body { scope, statements }
    }

    fn statement(&mut self, statement: &'a Statement<'a>, scope: ScopeId) -> Node<'a> {
        match statement {
            Statement::Return { value, span } => {
                let value = self.expression(value);
                Node { assigns: value.assigns, kind: Kind::Return(Box::new(value)), span: *span }
            }
            Statement::Expression(expression) => match &expression.kind {
                ExpressionKind::Assignment(assignment) => {
                    self.assignment(assignment, expression.span, Some(scope))
                }
                _ => self.expression(expression),
            },
        }
    }

    // Expressions.

    pub fn expression(&mut self, expression: &'a Expression<'a>) -> Node<'a> {
        let before = self.assignments;
        let kind = match &expression.kind {
            ExpressionKind::Variable(name) => Kind::Variable(self.variable(name, expression.span)),
            // As a value, super is self.
            ExpressionKind::Pseudo(Pseudo::SelfVariable | Pseudo::Super) => Kind::SelfValue,
            ExpressionKind::Pseudo(Pseudo::ThisContext) => Kind::ThisContext,
            ExpressionKind::Literal(Literal::Nil) => Kind::Nil,
            ExpressionKind::Literal(Literal::True) => Kind::Boolean(true),
            ExpressionKind::Literal(Literal::False) => Kind::Boolean(false),
            ExpressionKind::Literal(Literal::Integer(value)) => Kind::Integer(*value),
            ExpressionKind::Literal(literal) => Kind::Literal(literal),
            ExpressionKind::Brace(elements) => {
                Kind::Brace(elements.iter().map(|element| self.expression(element)).collect())
            }
            ExpressionKind::Block(block) => Kind::Block(Box::new(self.block(block))),
            ExpressionKind::Assignment(assignment) => {
                return self.assignment(assignment, expression.span, None);
            }
            ExpressionKind::Send(send) => self.send(send),
            ExpressionKind::Cascade(cascade) => self.cascade(cascade),
        };
        Node { kind, span: expression.span, assigns: self.assignments != before }
    }

    fn block(&mut self, block: &'a syntax::Block<'a>) -> Block<'a> {
        let outer = self.function;
        let visible = self.visible();
        let function = self.variables.add_function(Some(outer));
        self.function = function;
        let scope = self.open_scope();
        for name in &block.parameters {
            self.declare(*name, scope, Role::Argument);
        }
        let body = self.body(&block.body, scope);
        self.close_scope(visible);
        self.function = outer;
        Block { function, body }
    }

    fn send(&mut self, send: &'a syntax::Send<'a>) -> Kind<'a> {
        let is_super = send.receiver.kind == ExpressionKind::Pseudo(Pseudo::Super);
        if !is_super && let Some(inlined) = self.inline(send) {
            return inlined;
        }
        let receiver = self.expression(&send.receiver);
        let message = self.message(&send.message);
        Kind::Send(Box::new(Send { receiver, is_super, message }))
    }

    fn message(&mut self, message: &'a syntax::Message<'a>) -> Message<'a> {
        let arguments = message.arguments.iter().map(|argument| self.expression(argument)).collect();
        Message { selector: &message.selector.text, arguments, span: message.span }
    }

    /// Pharo inlines nothing in cascades.
    fn cascade(&mut self, cascade: &'a syntax::Cascade<'a>) -> Kind<'a> {
        let is_super = cascade.receiver.kind == ExpressionKind::Pseudo(Pseudo::Super);
        let receiver = self.expression(&cascade.receiver);
        let messages = cascade.messages.iter().map(|message| self.message(message)).collect();
        Kind::Cascade(Box::new(Cascade { receiver, is_super, messages }))
    }

    fn assignment(
        &mut self,
        assignment: &'a syntax::Assignment<'a>,
        span: Span,
        is_statement_of: Option<ScopeId>,
    ) -> Node<'a> {
        let before = self.assignments;
        let value = self.expression(&assignment.value);
        let Name { text, span: name_span } = assignment.variable;
        let place = match self.local(text) {
            Some(id) => {
                self.check_assignable(id, name_span);
                self.variables.assigned(id, self.function, is_statement_of);
                self.assignments += 1;
                Place::Local(id)
            }
            None => self.outer(text, name_span, true),
        };
        let assigns = self.assignments != before;
        Node { kind: Kind::Assignment(place, Box::new(value)), span, assigns }
    }

    // Names.

    fn local(&self, name: &str) -> Option<VariableId> {
        self.visible.iter().rev().copied().find(|id| self.variables.get(*id).name == name)
    }

    fn variable(&mut self, name: &'a str, span: Span) -> Place<'a> {
        match self.local(name) {
            Some(id) => {
                self.variables.used(id, self.function);
                Place::Local(id)
            }
            None => self.outer(name, span, false),
        }
    }

    fn check_assignable(&mut self, id: VariableId, span: Span) {
        let variable = self.variables.get(id);
        let what = match variable.role {
            Role::Temporary => return,
            Role::Argument => "an argument",
            Role::PrimitiveError => "the primitive's error",
        };
        let error =
            SyntaxError::new(span, format!("`{}` is {what} and cannot be assigned to", variable.name))
                .with_related(variable.span, "declared here")
                .with_help("declare a temporary variable, and assign to that");
        self.error(error);
    }

    fn outer(&mut self, name: &'a str, span: Span, is_assigned: bool) -> Place<'a> {
        match self.environment.resolve(name) {
            Some(Resolved::InstanceVariable(slot)) => Place::Slot(slot),
            Some(Resolved::ClassVariable) => Place::ClassVariable(name),
            Some(Resolved::Global { is_assignable }) => {
                if is_assigned && !is_assignable {
                    let message = format!("`{name}` is a class or constant and cannot be assigned to");
                    self.error(SyntaxError::new(span, message).with_help("assign to a variable of your own"));
                }
                Place::Global(name)
            }
            None => {
                let mut warning = SyntaxError::new(span, format!("`{name}` is not declared"));
                if let Some(nearest) = self.suggest(name) {
                    warning = warning.with_help(format!("`{nearest}` is, did you mean that?"));
                }
                self.warn(warning);
                Place::Undeclared(name)
            }
        }
    }

    fn suggest(&mut self, name: &str) -> Option<String> {
        self.suggestions += 1;
        if self.suggestions > MAX_SUGGESTIONS {
            return None;
        }
        let mut nearest = Nearest::new(name);
        for id in &self.visible {
            nearest.consider(self.variables.get(*id).name);
        }
        self.environment.visit_names(&mut |known| nearest.consider(known));
        nearest.into_best()
    }
}
