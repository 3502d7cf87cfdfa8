//! From the compiler's tree to code: registers, scopes, variables, returns.
//!
//! An expression is generated into a *target* register: the first free one, or one that holds a variable. [last-write] A
//! target that is in use is written by the last instruction that the expression executes and by none before, because the
//! expression may read the variable. Intermediate values go to the registers from the first free one on, which is the
//! assembler's height. The result of a send arrives above all that is in use, so it takes one more move to a variable,
//! unless that is born there: a variable whose first use is an assignment gets its register by that (see
//! [`Variable::is_late`](super::variables::Variable::is_late)).

use crate::code::assemble::Limit;
use crate::code::{Assembler, CodeKind, CodeUnit, Literal, Op};
use crate::syntax::Span;

use super::literal::convert;
use super::tree::{Block, Body, Kind, Node};
use super::variables::{FunctionId, Role, ScopeId, VariableId, Variables};

/// What of the method's variables is known while code is generated.
pub(super) struct Registers {
    /// By variable: its register in the frames of its function.
    pub variables: Vec<Option<u8>>,
    /// By scope: the register of its cells object.
    pub cells: Vec<u8>,
}

/// What a block copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// A variable's value.
    Value(VariableId),
    /// A scope's cells object.
    Cells(ScopeId),
}

/// How a function is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// By a return to the caller.
    Own,
    /// By a return from the home method.
    Home,
}

/// Generates the code of one function.
pub(super) struct Generator<'a, 't> {
    pub variables: &'t Variables<'a>,
    pub registers: &'t mut Registers,
    pub assembler: Assembler<'a>,
    pub function: FunctionId,
    pub copied: Vec<Copied>,
    /// The register of the first copied value.
    pub copied_start: u8,
    returns_home: bool,
}

/// Where the variables of a scope begin, to be given back at its end.
pub(super) struct Mark {
    height: u8,
    names: usize,
}

/// What is special about the method.
pub(super) struct Head {
    pub kind: CodeKind,
    pub primitive: Option<String>,
    pub primitive_error: Option<VariableId>,
    /// The value of the last statement is the method's: it is a do-it.
    pub is_doit: bool,
}

/// The code of a method.
pub(super) fn generate<'a>(
    variables: &Variables<'a>,
    body: &Body<'a>,
    head: Head,
) -> Result<CodeUnit, Limit> {
    let mut registers = Registers {
        variables: vec![None; variables.variables.len()],
        cells: vec![0; variables.scopes.len()],
    };
    let mut generator = Generator::new(variables, &mut registers, FunctionId(0), head.kind, body.scope);
    let unit = generator.assembler.unit();
    unit.primitive = head.primitive;
    let mark = generator.enter_function(body.scope);
    let error = head.primitive_error.and_then(|id| generator.registers.variables[id.0 as usize]);
    generator.assembler.unit().primitive_error = error;
    if head.is_doit {
        generator.exit_with_body(body, Exit::Own);
    } else {
        generator.statements(&body.statements);
        generator.assembler.emit_return(Op::ReturnSelf, 0);
    }
    generator.leave(mark);
    generator.finish()
}

impl<'a, 't> Generator<'a, 't> {
    fn new(
        variables: &'t Variables<'a>,
        registers: &'t mut Registers,
        function: FunctionId,
        kind: CodeKind,
        scope: ScopeId,
    ) -> Self {
        let mut copied: Vec<Copied> = Vec::new();
        for id in &variables.function(function).free {
            let variable = variables.get(*id);
            let what = match variable.cell {
                Some(_) => Copied::Cells(variable.scope),
                None => Copied::Value(*id),
            };
            if !copied.contains(&what) {
                copied.push(what);
            }
        }
        let declared = &variables.scope(scope).variables;
        let arguments = declared.iter().filter(|id| variables.get(**id).role == Role::Argument).count();
        let temporaries = declared.iter().filter(|id| is_frame_temporary(variables, **id)).count();
        let assembler = Assembler::new(kind, arguments, copied.len(), temporaries);
        let copied_start = (1 + arguments).min(u8::MAX as usize) as u8;
        Generator { variables, registers, assembler, function, copied, copied_start, returns_home: false }
    }

    fn finish(mut self) -> Result<CodeUnit, Limit> {
        let unit = self.assembler.unit();
        let makes_home = |literal: &Literal| matches!(literal, Literal::Block(block) if block.needs_home);
        unit.needs_home = self.returns_home || unit.literals.iter().any(makes_home);
        self.assembler.finish()
    }

    // Scopes.

    /// Gives arguments, copied values and temporaries their registers.
    fn enter_function(&mut self, scope: ScopeId) -> Mark {
        let mark = Mark { height: self.assembler.height(), names: self.assembler.unit().names.len() };
        let mut next = 1_u8;
        let declared = self.variables.scope(scope).variables.iter();
        let (arguments, others): (Vec<VariableId>, Vec<VariableId>) =
            declared.partition(|id| self.variables.get(**id).role == Role::Argument);
        for id in arguments {
            self.place(id, next);
            next = next.saturating_add(1);
        }
        for copied in self.copied.clone() {
            match copied {
                Copied::Value(id) => {
                    self.assembler.name(self.variables.get(id).name, next, None);
                }
                Copied::Cells(shared) => {
                    self.assembler.copied_cells(next, self.variables.scope(shared).cells as u8);
                    self.name_cells(shared, next);
                }
            }
            next = next.saturating_add(1);
        }
        for id in others {
            if is_frame_temporary(self.variables, id) {
                self.place(id, next);
                next = next.saturating_add(1);
            }
        }
        self.make_cells(scope);
        mark
    }

    /// Makes the variables of an inlined block, unless they are born later. A parameter has its register already.
    pub fn enter(&mut self, scope: ScopeId) -> Mark {
        let mark = Mark { height: self.assembler.height(), names: self.assembler.unit().names.len() };
        let variables = self.variables;
        for id in &variables.scope(scope).variables {
            if is_frame_temporary(variables, *id) {
                let register = self.assembler.height();
                self.assembler.emit(Op::LoadNil, register, 0, 0);
                self.place(*id, register);
            }
        }
        self.make_cells(scope);
        mark
    }

    fn make_cells(&mut self, scope: ScopeId) {
        let count = self.variables.scope(scope).cells;
        if count > 0 {
            let register = self.assembler.height();
            self.assembler.emit(Op::NewCells, register, count as u8, 0);
            self.registers.cells[scope.0 as usize] = register;
            self.name_cells(scope, register);
        }
    }

    fn name_cells(&mut self, scope: ScopeId, register: u8) {
        let variables = self.variables;
        for id in &variables.scope(scope).variables {
            let variable = variables.get(*id);
            if variable.cell.is_some() {
                self.assembler.name(variable.name, register, variable.cell);
            }
        }
    }

    /// Ends a scope's variables and frees its registers.
    pub fn leave(&mut self, mark: Mark) {
        self.assembler.end_names(mark.names);
        self.assembler.set_height(mark.height);
    }

    /// The variable is in this register from here on.
    pub fn place(&mut self, id: VariableId, register: u8) {
        self.registers.variables[id.0 as usize] = Some(register);
        self.assembler.name(self.variables.get(id).name, register, None);
    }

    /// Whether the scope declares nothing that needs a register.
    pub fn is_bare(&self, scope: ScopeId) -> bool {
        self.variables.scope(scope).variables.is_empty()
    }

    // Nodes.

    /// What is emitted next belongs to this piece of source.
    pub fn source(&mut self, span: Span) {
        self.assembler.source(span.start..span.end);
    }

    /// Generates the node for its value, into the target. [last-write]
    pub fn value(&mut self, node: &Node<'a>, target: u8) {
        match &node.kind {
            Kind::Nil => self.assembler.emit(Op::LoadNil, target, 0, 0),
            Kind::Boolean(true) => self.assembler.emit(Op::LoadTrue, target, 0, 0),
            Kind::Boolean(false) => self.assembler.emit(Op::LoadFalse, target, 0, 0),
            Kind::Integer(value) => self.integer(*value, target),
            Kind::Literal(literal) => self.literal(literal, target),
            Kind::SelfValue => self.copy(0, target),
            Kind::ThisContext => self.assembler.emit(Op::ThisContext, target, 0, 0),
            Kind::Variable(place) => self.load(*place, target),
            Kind::Assignment(place, value) => self.assignment(*place, value, node.span, Some(target)),
            Kind::Send(send) => self.send(send, target),
            Kind::Cascade(cascade) => self.cascade(cascade, target),
            Kind::Brace(elements) => self.brace(elements, node.span, target),
            Kind::Block(block) => self.closure(block, target),
            Kind::Return(value) => {
                self.exit_home(value);
                self.claim(target);
            }
            Kind::If(it) => self.conditional(it, node.span, Some(target)),
            Kind::Connective(it) => self.connective(it, node.span, target),
            Kind::IfNil(it) => self.nil_test(it, Some(target)),
            Kind::While(it) => self.while_loop(it, node.span, Some(target)),
            Kind::Count(it) => self.counting_loop(it, node.span, Some(target)),
            Kind::Repeat(body) => {
                self.endless_loop(body);
                self.claim(target);
            }
        }
    }

    /// Generates the node for what it does.
    pub fn effect(&mut self, node: &Node<'a>) {
        match &node.kind {
            Kind::Nil | Kind::Boolean(_) | Kind::Integer(_) | Kind::Literal(_) => {}
            Kind::SelfValue | Kind::Block(_) => {}
            Kind::Variable(_) => {}
            Kind::Assignment(place, value) => self.assignment(*place, value, node.span, None),
            Kind::Return(value) => self.exit_home(value),
            Kind::If(it) => self.conditional(it, node.span, None),
            Kind::IfNil(it) => self.nil_test(it, None),
            Kind::While(it) => self.while_loop(it, node.span, None),
            Kind::Count(it) => self.counting_loop(it, node.span, None),
            Kind::Repeat(body) => self.endless_loop(body),
            _ => {
                let height = self.assembler.height();
                self.value(node, height);
                self.assembler.set_height(height);
            }
        }
    }

    /// Makes the heights what they would be if code that is not reached had written the target.
    pub fn claim(&mut self, target: u8) {
        let height = self.assembler.height();
        self.assembler.set_height(height.max(target.saturating_add(1)));
    }

    pub fn statements(&mut self, statements: &[Node<'a>]) {
        statements.iter().for_each(|statement| self.effect(statement));
    }

    fn integer(&mut self, value: i64, target: u8) {
        match i16::try_from(value) {
            Ok(small) => self.assembler.emit_wide(Op::LoadInteger, target, small as u16),
            Err(_) if !self.assembler.is_reachable() => self.claim(target),
            Err(_) => {
                let number = self.assembler.literal(Literal::Integer(value));
                self.assembler.emit_wide(Op::LoadLiteral, target, number);
            }
        }
    }

    pub fn literal(&mut self, literal: &'a crate::syntax::Literal<'a>, target: u8) {
        if !self.assembler.is_reachable() {
            return self.claim(target);
        }
        let number = match literal {
            crate::syntax::Literal::Symbol(text) => self.assembler.symbol(text),
            crate::syntax::Literal::String(text) => self.assembler.string(text),
            other => self.assembler.literal(convert(other)),
        };
        self.assembler.emit_wide(Op::LoadLiteral, target, number);
    }

    // Bodies and blocks.

    /// The value of an inlined block's body.
    pub fn body_value(&mut self, body: &Body<'a>, target: u8) {
        let height = self.assembler.height();
        if target == height && self.variables.scope(body.scope).cells > 0 {
            // One branch may write the value while another still needs the cells object: it must not stand there.
            self.assembler.emit(Op::LoadNil, target, 0, 0);
        }
        let mark = self.enter(body.scope);
        match body.statements.split_last() {
            None => self.assembler.emit(Op::LoadNil, target, 0, 0),
            Some((last, before)) => {
                self.statements(before);
                self.value(last, target);
            }
        }
        self.leave(mark);
        self.assembler.set_height(height);
        self.claim(target);
    }

    /// An inlined block's body, for what it does.
    pub fn body_effect(&mut self, body: &Body<'a>) {
        let mark = self.enter(body.scope);
        self.statements(&body.statements);
        self.leave(mark);
    }

    fn closure(&mut self, block: &Block<'a>, target: u8) {
        if !self.assembler.is_reachable() {
            return self.claim(target);
        }
        let mut generator =
            Generator::new(self.variables, self.registers, block.function, CodeKind::Block, block.body.scope);
        let copied = generator.copied.clone();
        let mark = generator.enter_function(block.body.scope);
        generator.exit_with_body(&block.body, Exit::Own);
        generator.leave(mark);
        let unit = match generator.finish() {
            Ok(unit) => unit,
            Err(limit) => {
                self.assembler.exceed(limit);
                CodeUnit::default()
            }
        };
        let height = self.assembler.height();
        let base = if copied.is_empty() { target } else { height };
        for what in copied {
            let register = self.register_to_copy(what);
            let next = self.assembler.height();
            self.assembler.emit(Op::Move, next, register, 0);
        }
        let number = self.assembler.literal(Literal::Block(Box::new(unit)));
        self.assembler.emit_wide(Op::MakeClosure, base, number);
        self.deliver(base, target, height);
    }

    /// Moves the result from scratch to the target, and frees all scratch registers from `height` on.
    pub fn deliver(&mut self, scratch: u8, target: u8, height: u8) {
        self.copy(scratch, target);
        self.assembler.set_height(height);
        self.claim(target);
    }

    // Returns.

    fn exit_home(&mut self, value: &Node<'a>) {
        let is_method = self.function == FunctionId(0);
        self.exit_with(value, if is_method { Exit::Own } else { Exit::Home });
    }

    /// Returns the node's value; the branches of a conditional return each on their own.
    fn exit_with(&mut self, node: &Node<'a>, exit: Exit) {
        let height = self.assembler.height();
        match &node.kind {
            Kind::SelfValue if exit == Exit::Own => self.assembler.emit_return(Op::ReturnSelf, 0),
            Kind::If(it) => self.conditional_exit(it, node.span, exit),
            Kind::Return(value) => self.exit_home(value),
            _ => {
                let register = self.operand(node);
                self.exit_from(register, node.span, exit);
            }
        }
        self.assembler.set_height(height);
    }

    pub fn exit_from(&mut self, register: u8, span: Span, exit: Exit) {
        self.source(span);
        match exit {
            Exit::Own => self.assembler.emit_return(Op::Return, register),
            Exit::Home => {
                self.returns_home |= self.assembler.is_reachable();
                self.assembler.emit_return(Op::ReturnHome, register);
            }
        }
    }

    /// Returns the value of the statements, whose scope is entered already.
    pub fn exit_with_body(&mut self, body: &Body<'a>, exit: Exit) {
        match body.statements.split_last() {
            None => self.exit_with_nil(Span::default(), exit),
            Some((last, before)) => {
                self.statements(before);
                self.exit_with(last, exit);
            }
        }
    }

    pub fn exit_with_nil(&mut self, span: Span, exit: Exit) {
        let height = self.assembler.height();
        self.assembler.emit(Op::LoadNil, height, 0, 0);
        self.exit_from(height, span, exit);
        self.assembler.set_height(height);
    }
}

/// A temporary that has a register from its scope's beginning on.
fn is_frame_temporary(variables: &Variables<'_>, id: VariableId) -> bool {
    let variable = variables.get(id);
    let is_needed = variable.is_used && !variable.is_late && variable.cell.is_none();
    match variable.role {
        Role::Argument => false,
        Role::Temporary => is_needed,
        Role::PrimitiveError => true,
    }
}
