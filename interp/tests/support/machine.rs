//! Executes code, checking what the verifier promises: registers above the height are poisoned before each instruction.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use instar_interp::code::{Binding, CodeUnit, Instruction, Literal, Op, Operands};

use super::world::{Stop, Value, World, closure_arguments, is_same};

/// What a register holds.
#[derive(Clone)]
pub enum Register<'p> {
    Poison,
    Value(Value<'p>),
    Cells(Rc<RefCell<Vec<Value<'p>>>>),
}

/// A block with what it copied.
pub struct Closure<'p> {
    unit: &'p CodeUnit,
    copied: Vec<Register<'p>>,
    home: u64,
}

/// Executes.
pub struct Machine<'p> {
    pub world: World<'p>,
    slots: &'p [&'p str],
    homes: Vec<u64>,
    next_home: u64,
}

type Result<'p, T = Value<'p>> = std::result::Result<T, Stop<'p>>;

impl<'p> Machine<'p> {
    /// `slots`: the names of instance variables.
    pub fn new(world: World<'p>, slots: &'p [&'p str]) -> Self {
        Machine { world, slots, homes: Vec::new(), next_home: 0 }
    }

    pub fn run(&mut self, unit: &'p CodeUnit, arguments: &[Value<'p>]) -> Result<'p> {
        self.next_home += 1;
        let home = self.next_home;
        self.homes.push(home);
        let result = self.execute(unit, arguments, &[], home);
        self.homes.pop();
        match result {
            Err(Stop::Home(at, value)) if at == home => Ok(value),
            other => other,
        }
    }

    pub fn call(&mut self, closure: &Rc<Closure<'p>>, arguments: &[Value<'p>]) -> Result<'p> {
        self.world.burn()?;
        self.execute(closure.unit, arguments, &closure.copied, closure.home)
    }

    fn execute(
        &mut self,
        unit: &'p CodeUnit,
        arguments: &[Value<'p>],
        copied: &[Register<'p>],
        home: u64,
    ) -> Result<'p> {
        let mut registers = vec![Register::Value(Value::Itself)];
        registers.extend(arguments.iter().cloned().map(Register::Value));
        registers.extend(copied.iter().cloned());
        registers.resize(registers.len() + unit.temporaries as usize, Register::Value(Value::Nil));
        assert_eq!(registers.len(), unit.heights[0] as usize);
        registers.resize(unit.registers as usize, Register::Poison);
        Activation { unit, registers, home, pc: 0 }.run(self)
    }

    fn send(
        &mut self,
        selector: &str,
        is_super: bool,
        receiver: &Value<'p>,
        arguments: &[Value<'p>],
    ) -> Result<'p> {
        if is_super {
            return Ok(self.world.answer(true, selector, receiver, arguments));
        }
        match (selector, receiver) {
            ("keep:", _) => self.world.kept.push(arguments[0].clone()),
            (_, Value::Code(closure))
                if closure_arguments(selector) == Some(closure.unit.arguments as usize) =>
            {
                return self.call(closure, arguments);
            }
            _ => {}
        }
        if let [argument] = arguments
            && let Some(value) = self.world.operate(selector, receiver, argument)
        {
            return Ok(value);
        }
        // Long brace arrays are the only ones that make arrays by sends.
        Ok(self.world.answer(false, selector, receiver, arguments))
    }
}

struct Activation<'p> {
    unit: &'p CodeUnit,
    registers: Vec<Register<'p>>,
    home: u64,
    pc: usize,
}

impl<'p> Activation<'p> {
    fn read(&self, register: usize) -> Value<'p> {
        match &self.registers[register] {
            Register::Value(value) => value.clone(),
            Register::Poison => panic!("r{register} is read at {} and is not live", self.pc),
            Register::Cells(_) => panic!("r{register} is read at {} and is a cells object", self.pc),
        }
    }

    fn cells(&self, register: usize) -> Rc<RefCell<Vec<Value<'p>>>> {
        match &self.registers[register] {
            Register::Cells(cells) => cells.clone(),
            _ => panic!("r{register} is no cells object at {}", self.pc),
        }
    }

    fn selector(&self, site: u32) -> &'p str {
        match &self.unit.literals[self.unit.sites[site as usize].selector as usize] {
            Literal::Symbol(selector) => selector,
            other => panic!("{other:?} is no selector"),
        }
    }

    fn binding(&self, number: usize) -> &'p str {
        match &self.unit.literals[number] {
            Literal::Binding(
                Binding::ClassVariable(name) | Binding::Global(name) | Binding::Undeclared(name),
            ) => name,
            other => panic!("{other:?} is no binding"),
        }
    }

    fn jump(&mut self, distance: isize) {
        self.pc = self.pc.checked_add_signed(distance).unwrap();
    }

    fn run(&mut self, machine: &mut Machine<'p>) -> Result<'p> {
        let unit = self.unit;
        loop {
            let word = self.pc;
            let at = Instruction(unit.words[word]);
            let op = at.op().unwrap();
            self.pc += op.words();
            self.registers[unit.heights[word] as usize..].fill(Register::Poison);
            let second = if op.words() == 2 { unit.words[word + 1] } else { 0 };
            let (a, b, c) = (at.a(), at.b(), at.c());
            let value = match op {
                Op::Move => {
                    self.registers[a] = self.registers[b].clone();
                    assert!(!matches!(self.registers[a], Register::Poison), "poison is moved at {word}");
                    continue;
                }
                Op::LoadLiteral => constant(&unit.literals[at.bx()]),
                Op::LoadInteger => Value::Integer(at.signed_bx() as i64),
                Op::LoadNil => Value::Nil,
                Op::LoadTrue => Value::Boolean(true),
                Op::LoadFalse => Value::Boolean(false),
                Op::LoadSlot => machine.world.load(machine.slots[at.bx()]),
                Op::StoreSlot => {
                    machine.world.store(machine.slots[second as usize], self.read(a));
                    continue;
                }
                Op::LoadCell => self.cells(b).borrow()[c].clone(),
                Op::StoreCell => {
                    self.cells(b).borrow_mut()[c] = self.read(a);
                    continue;
                }
                Op::LoadGlobal => machine.world.load(self.binding(at.bx())),
                Op::StoreGlobal => {
                    machine.world.store(self.binding(second as usize), self.read(a));
                    continue;
                }
                Op::NewCells => {
                    self.registers[a] = Register::Cells(Rc::new(RefCell::new(vec![Value::Nil; b])));
                    continue;
                }
                Op::MakeClosure => {
                    let Literal::Block(block) = &unit.literals[at.bx()] else { panic!("no block at {word}") };
                    let copied = self.registers[a..a + block.copied as usize].to_vec();
                    assert!(
                        !copied.iter().any(|it| matches!(it, Register::Poison)),
                        "poison is copied at {word}"
                    );
                    Value::Code(Rc::new(Closure { unit: block, copied, home: self.home }))
                }
                Op::MakeArray => {
                    Value::Array(Rc::new((a..a + b).map(|register| self.read(register)).collect()))
                }
                Op::Jump => {
                    self.jump(at.signed_x());
                    continue;
                }
                Op::JumpBack => {
                    machine.world.burn()?;
                    self.jump(at.signed_x());
                    continue;
                }
                Op::JumpTrue | Op::JumpFalse => {
                    match self.read(a) {
                        Value::Boolean(value) if value == (op == Op::JumpTrue) => self.jump(at.signed_bx()),
                        Value::Boolean(_) => {}
                        other => {
                            let test = unit.tests.iter().find(|test| test.branch as usize == word).unwrap();
                            let answer = machine.world.answer_non_boolean(&other, test.message.clone());
                            self.registers[test.result as usize] = Register::Value(answer);
                            self.pc = test.join as usize;
                        }
                    }
                    continue;
                }
                Op::JumpNil | Op::JumpNotNil => {
                    if matches!(self.read(a), Value::Nil) == (op == Op::JumpNil) {
                        self.jump(at.signed_bx());
                    }
                    continue;
                }
                Op::Return => return Ok(self.read(a)),
                Op::ReturnSelf => return Ok(self.read(0)),
                Op::ReturnHome => {
                    let value = self.read(a);
                    assert!(unit.needs_home);
                    return Err(if machine.homes.contains(&self.home) {
                        Stop::Home(self.home, value)
                    } else {
                        Stop::CannotReturn
                    });
                }
                Op::Send | Op::SendSuper => {
                    let receiver = self.read(b);
                    let arguments: Vec<_> = (a + 1..=a + c).map(|register| self.read(register)).collect();
                    self.registers[a..].fill(Register::Poison);
                    machine.send(self.selector(second), op == Op::SendSuper, &receiver, &arguments)?
                }
                Op::Loop => {
                    if let (Value::Integer(counter), Value::Integer(limit)) = (self.read(a), self.read(a + 1))
                    {
                        if counter < limit {
                            machine.world.burn()?;
                            self.registers[a] = Register::Value(Value::Integer(counter + 1));
                            self.jump(at.signed_bx());
                        } else {
                            self.jump(second as i32 as isize);
                        }
                    }
                    continue;
                }
                _ => {
                    let right = match op.operands() {
                        Operands::BinaryNumber | Operands::BinaryNumberBranch => {
                            Value::Integer(at.signed_c())
                        }
                        _ => self.read(c),
                    };
                    let left = self.read(b);
                    let (value, is_immediate) = match op {
                        Op::Identical | Op::IdenticalBranch => (Value::Boolean(is_same(&left, &right)), true),
                        Op::NotIdentical | Op::NotIdenticalBranch => {
                            (Value::Boolean(!is_same(&left, &right)), true)
                        }
                        _ => match machine.world.operate(self.selector(second), &left, &right) {
                            Some(value) => (value, true),
                            None => (machine.send(self.selector(second), false, &left, &[right])?, false),
                        },
                    };
                    let is_fused = matches!(
                        op.operands(),
                        Operands::BinaryBranch | Operands::BinaryNumberBranch | Operands::CompareBranch
                    );
                    if let (true, true, Value::Boolean(value)) = (is_fused, is_immediate, &value) {
                        // As the dispatch loop does it: the register is not written.
                        let branch = Instruction(unit.words[self.pc]);
                        self.pc += 1;
                        if *value == (branch.op() == Some(Op::JumpTrue)) {
                            self.jump(branch.signed_bx());
                        }
                        continue;
                    }
                    value
                }
            };
            self.registers[a] = Register::Value(value);
        }
    }
}

fn constant<'p>(literal: &Literal) -> Value<'p> {
    match literal {
        Literal::Integer(value) => Value::Integer(*value),
        Literal::String(text) => Value::Text(format!("'{text}'")),
        Literal::Symbol(text) => Value::Text(format!("#{text}")),
        other => panic!("{other:?} is not written by the author"),
    }
}

/// So that a world can be made without naming its parts.
pub fn variables<'p>(list: &[(&str, i64)]) -> HashMap<String, Value<'p>> {
    list.iter().map(|(name, value)| ((*name).to_owned(), Value::Integer(*value))).collect()
}
