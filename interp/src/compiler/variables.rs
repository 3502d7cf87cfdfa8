//! Variables, the scopes that declare them, and the functions whose frames hold them.
//!
//! A *function* is what has frames of its own: the method, and each block that is not inlined. A *scope* is a place of
//! declaration: a function or an inlined block. A block that uses a variable of a function around it *captures* it:
//!
//! - If nothing is assigned to the variable any more once the block exists, the block gets a copy of its value.
//! - Otherwise the scope keeps the variable, with others like it, in a *cells object* that it makes on entry, and that
//!   blocks copy instead. An inlined block in a loop makes a new one in each iteration.
//!
//! The order of the source decides which it is [capture-order]: code that stands before other code runs before it,
//! unless a loop is around both. So the last assignment must stand before the first capture, and no loop inside the variable's
//! scope may hold both.

use crate::syntax::Span;

/// Numbers a [`Variable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariableId(pub u32);

/// Numbers a [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeId(pub u32);

/// Numbers a [`Function`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionId(pub u32);

/// How a variable gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// From the caller, or from the inlined construct whose block declares it. Never assigned.
    Argument,
    /// By assignments.
    Temporary,
    /// From the primitive that failed. Never assigned.
    PrimitiveError,
}

/// A moment in the order of the source, and the outermost loop around it that is inside the variable's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Grows with the order of the source.
    pub time: u32,
    /// The loop's number.
    pub outer_loop: Option<u32>,
}

/// A variable of the method.
#[derive(Debug)]
pub struct Variable<'a> {
    /// As written.
    pub name: &'a str,
    /// Its declaration.
    pub span: Span,
    /// Where it is declared.
    pub scope: ScopeId,
    /// How it gets its value.
    pub role: Role,
    /// Whether anything refers to it.
    pub is_used: bool,
    /// Its first use is an assignment that is a statement of its own scope: until then it needs no register.
    pub is_late: bool,
    first_capture: Option<Moment>,
    last_assignment: Option<Moment>,
    is_assigned_inside: bool,
    /// Its cell, if it lives in its scope's cells object. Known when the whole method was seen.
    pub cell: Option<u8>,
}

/// A scope.
#[derive(Debug)]
pub struct Scope {
    /// Whose frames its variables live in.
    pub function: FunctionId,
    /// How many loops of the function are around it.
    pub loop_depth: usize,
    /// In order of declaration; arguments first.
    pub variables: Vec<VariableId>,
    /// How many cells it has.
    pub cells: usize,
}

/// A method or a block that is not inlined.
#[derive(Debug, Default)]
pub struct Function {
    /// The function that it stands in.
    pub parent: Option<FunctionId>,
    /// What it, or a function inside it, uses of functions around it.
    pub free: Vec<VariableId>,
    /// Loops that are open, from the outside.
    pub loops: Vec<u32>,
}

/// All variables of a method.
#[derive(Debug, Default)]
pub struct Variables<'a> {
    /// By number.
    pub variables: Vec<Variable<'a>>,
    /// By number.
    pub scopes: Vec<Scope>,
    /// By number; the first is the method's.
    pub functions: Vec<Function>,
    time: u32,
}

impl<'a> Variables<'a> {
    /// The variable of this number.
    pub fn get(&self, id: VariableId) -> &Variable<'a> {
        &self.variables[id.0 as usize]
    }

    /// The scope of this number.
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    /// The function of this number.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// Whose frames hold the variable, or its cells object.
    pub fn owner(&self, id: VariableId) -> FunctionId {
        self.scope(self.get(id).scope).function
    }

    /// A new function.
    pub fn add_function(&mut self, parent: Option<FunctionId>) -> FunctionId {
        self.functions.push(Function { parent, ..Function::default() });
        FunctionId(self.functions.len() as u32 - 1)
    }

    /// A new scope.
    pub fn add_scope(&mut self, function: FunctionId) -> ScopeId {
        let loop_depth = self.function(function).loops.len();
        self.scopes.push(Scope { function, loop_depth, variables: Vec::new(), cells: 0 });
        ScopeId(self.scopes.len() as u32 - 1)
    }

    /// A new variable of the scope.
    pub fn add(&mut self, name: &'a str, span: Span, scope: ScopeId, role: Role) -> VariableId {
        let id = VariableId(self.variables.len() as u32);
        self.variables.push(Variable {
            name,
            span,
            scope,
            role,
            is_used: false,
            is_late: false,
            first_capture: None,
            last_assignment: None,
            is_assigned_inside: false,
            cell: None,
        });
        self.scopes[scope.0 as usize].variables.push(id);
        id
    }

    /// Code of `function` uses the variable.
    pub fn used(&mut self, id: VariableId, function: FunctionId) {
        let owner = self.owner(id);
        self.variables[id.0 as usize].is_used = true;
        if owner == function {
            return;
        }
        let moment = self.moment(id);
        self.variables[id.0 as usize].first_capture.get_or_insert(moment);
        let mut inner = function;
        while inner != owner {
            let function = &mut self.functions[inner.0 as usize];
            if function.free.contains(&id) {
                break;
            }
            function.free.push(id);
            match function.parent {
                Some(parent) => inner = parent,
                None => break,
            }
        }
    }

    /// Code of `function` assigns to the variable; after its value was seen.
    pub fn assigned(&mut self, id: VariableId, function: FunctionId, is_statement_of: Option<ScopeId>) {
        let variable = &mut self.variables[id.0 as usize];
        if !variable.is_used && is_statement_of == Some(variable.scope) {
            variable.is_late = true;
        }
        self.used(id, function);
        let moment = self.moment(id);
        let is_inside = self.owner(id) != function;
        let variable = &mut self.variables[id.0 as usize];
        variable.is_assigned_inside |= is_inside;
        variable.last_assignment = Some(moment);
    }

    fn moment(&mut self, id: VariableId) -> Moment {
        self.time += 1;
        let scope = self.scope(self.get(id).scope);
        let outer_loop = self.function(scope.function).loops.get(scope.loop_depth).copied();
        Moment { time: self.time, outer_loop }
    }

    /// Once all was seen: decides which variables live in cells. `false` if a scope has too many.
    pub fn assign_cells(&mut self) -> bool {
        let mut is_fitting = true;
        for variable in &mut self.variables {
            if !variable.needs_cell() {
                continue;
            }
            let scope = &mut self.scopes[variable.scope.0 as usize];
            match u8::try_from(scope.cells) {
                Ok(cell) if cell < u8::MAX => {
                    variable.cell = Some(cell);
                    scope.cells += 1;
                }
                _ => is_fitting = false,
            }
        }
        is_fitting
    }
}

impl Variable<'_> {
    fn needs_cell(&self) -> bool {
        let (Some(capture), Some(assignment)) = (self.first_capture, self.last_assignment) else {
            return false;
        };
        let shares_loop = capture.outer_loop.is_some() && capture.outer_loop == assignment.outer_loop;
        self.is_assigned_inside || assignment.time > capture.time || shares_loop
    }
}
