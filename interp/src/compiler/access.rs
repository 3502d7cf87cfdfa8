//! Reading and assigning variables, wherever they live.

use crate::code::Op;
use crate::syntax::Span;

use super::generate::{Copied, Generator};
use super::tree::{Kind, Node, Place};
use super::variables::VariableId;

impl<'a> Generator<'a, '_> {
    /// The register that holds the variable's value, or else its cells object and its cell.
    fn find(&self, id: VariableId) -> (u8, Option<u8>) {
        let variable = self.variables.get(id);
        let wanted = match variable.cell {
            Some(_) => Copied::Cells(variable.scope),
            None => Copied::Value(id),
        };
        let register = if self.variables.owner(id) == self.function {
            match wanted {
                Copied::Cells(scope) => self.registers.cells[scope.0 as usize],
                // A variable without a register is in code that cannot be reached.
                Copied::Value(_) => self.registers.variables[id.0 as usize].unwrap_or(0),
            }
        } else {
            let at = self.copied.iter().position(|copied| *copied == wanted).unwrap_or(0);
            (self.copied_start as usize + at).min(u8::MAX as usize) as u8
        };
        (register, variable.cell)
    }

    /// The register that the node's value is in already, if it is.
    pub(super) fn register_of(&self, node: &Node<'a>) -> Option<u8> {
        match node.kind {
            Kind::SelfValue => Some(0),
            Kind::Variable(Place::Local(id)) => match self.find(id) {
                (register, None) => Some(register),
                _ => None,
            },
            _ => None,
        }
    }

    /// A register with the node's value: the one where it is, or the first free one.
    pub(super) fn operand(&mut self, node: &Node<'a>) -> u8 {
        if let Some(register) = self.register_of(node) {
            return register;
        }
        let register = self.assembler.height();
        self.value(node, register);
        register
    }

    /// As [`operand`](Self::operand), but of what must keep its value while `later` is evaluated.
    pub(super) fn kept_operand(&mut self, node: &Node<'a>, later: bool) -> u8 {
        if later && matches!(node.kind, Kind::Variable(Place::Local(_))) {
            let register = self.assembler.height();
            self.value(node, register);
            return register;
        }
        self.operand(node)
    }

    pub(super) fn load(&mut self, place: Place<'a>, target: u8) {
        match place {
            Place::Local(id) => match self.find(id) {
                (register, None) => self.copy(register, target),
                (cells, Some(cell)) => self.assembler.emit(Op::LoadCell, target, cells, cell),
            },
            Place::Slot(slot) => self.assembler.emit_wide(Op::LoadSlot, target, slot),
            _ => {
                let binding = self.binding(place);
                self.assembler.emit_wide(Op::LoadGlobal, target, binding);
            }
        }
    }

    fn binding(&mut self, place: Place<'a>) -> u16 {
        if !self.assembler.is_reachable() {
            return 0;
        }
        match place {
            Place::ClassVariable(name) => self.assembler.class_variable(name),
            Place::Undeclared(name) => self.assembler.undeclared(name),
            Place::Global(name) => self.assembler.global(name),
            Place::Local(_) | Place::Slot(_) => 0,
        }
    }

    /// `target := register`.
    pub(super) fn copy(&mut self, register: u8, target: u8) {
        if register != target {
            self.assembler.emit(Op::Move, target, register, 0);
        }
    }

    /// Stores what is in `register` into a variable that is not in a register itself.
    fn store(&mut self, place: Place<'a>, register: u8, span: Span) {
        match place {
            Place::Local(id) => {
                if let (cells, Some(cell)) = self.find(id) {
                    self.assembler.emit(Op::StoreCell, register, cells, cell);
                }
            }
            Place::Slot(slot) => {
                self.source(span);
                self.assembler.emit_long(Op::StoreSlot, register, slot as u32);
            }
            _ => {
                let binding = self.binding(place);
                self.source(span);
                self.assembler.emit_long(Op::StoreGlobal, register, binding as u32);
            }
        }
    }

    /// The register of a variable that lives in one, for an assignment. A late variable is born in the first free one.
    fn register_to_assign(&mut self, place: Place<'a>) -> Option<(u8, Option<VariableId>)> {
        let Place::Local(id) = place else { return None };
        let variable = self.variables.get(id);
        if variable.cell.is_some() || self.variables.owner(id) != self.function {
            return None;
        }
        match self.registers.variables[id.0 as usize] {
            Some(register) => Some((register, None)),
            None => Some((self.assembler.height(), Some(id))),
        }
    }

    pub(super) fn assignment(&mut self, place: Place<'a>, value: &Node<'a>, span: Span, target: Option<u8>) {
        if let Some((register, newborn)) = self.register_to_assign(place) {
            self.value(value, register);
            if let Some(id) = newborn {
                self.place(id, register);
            }
            if let Some(target) = target {
                self.copy(register, target);
            }
            return;
        }
        let height = self.assembler.height();
        match target {
            None => {
                let register = self.operand(value);
                self.store(place, register, span);
                self.assembler.set_height(height);
            }
            Some(target) => {
                self.value(value, target);
                self.store(place, target, span);
            }
        }
    }

    pub(super) fn register_to_copy(&self, what: Copied) -> u8 {
        match what {
            Copied::Value(id) => self.find(id).0,
            Copied::Cells(scope) if self.variables.scope(scope).function == self.function => {
                self.registers.cells[scope.0 as usize]
            }
            Copied::Cells(_) => {
                let at = self.copied.iter().position(|copied| *copied == what).unwrap_or(0);
                (self.copied_start as usize + at).min(u8::MAX as usize) as u8
            }
        }
    }
}
