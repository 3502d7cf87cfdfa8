//! Random programs under each strategy against one model of what become means: identities that are united by one-way
//! becomes and that exchange bodies by two-way ones. After each become and each collection the reachable graph must be
//! the model's: classes, formats, sizes, values, flags and identity hashes; and each refusal must be the model's.
//!
//! What is inherent to the object table and therefore modelled apart: nil and immediates are no entries, so that a
//! one-way become to one is refused with [`BecomeError::NotAnEntry`].
//!
//! The model says what is reachable, not when what is unreachable goes: weak slots that hold the only way to an object
//! are compared after full collections only, and keys of ephemerons are kept until the program's end.

#![allow(unsafe_code)]

mod common;

use std::collections::{HashMap, HashSet};

use common::{Machine, Root};
use instar_become::{
    AlwaysCheck, BecomeError, FullScan, HashRule, Lazy, ObjectTable, Outcome, Side, Strategy as Barrier,
};
use instar_gc::{Collection, GcConfig};
use instar_heap::{ClassIndex, ClassSpec, Format, HeaderFlags, Obj, Oop};
use proptest::prelude::*;

const VARIABLES: usize = 10;
/// The slot of an ephemeron that names it; programs do not store there.
const NAME_SLOT: usize = 2;
const EPHEMERON: ClassSpec = ClassSpec { format: Format::EPHEMERON, fixed_slots: 3 };
const SPECS: [ClassSpec; 9] = [
    ClassSpec::fixed(0),
    ClassSpec::fixed(1),
    ClassSpec::fixed(3),
    ClassSpec::fixed(5),
    ClassSpec::of(Format::INDEXABLE),
    ClassSpec::of(Format::WEAK),
    EPHEMERON,
    ClassSpec::of(Format::BYTES),
    ClassSpec::of(Format::WORDS),
];

#[derive(Clone, Debug)]
enum Op {
    /// An instance, its first slot filled, goes to a variable.
    New {
        class: usize,
        size: usize,
        variable: usize,
    },
    /// The variable's object stands for a new class.
    Define {
        spec: usize,
        object: usize,
    },
    Set {
        variable: usize,
        value: Operand,
    },
    Store {
        object: usize,
        slot: usize,
        value: Operand,
    },
    Load {
        object: usize,
        slot: usize,
        variable: usize,
        sends: bool,
    },
    Fill {
        object: usize,
        byte: u8,
    },
    Hash {
        object: usize,
    },
    Flag {
        object: usize,
        pins: bool,
        on: bool,
    },
    One {
        swaps: bool,
        pair: (Operand, Operand),
        rule: HashRule,
    },
    Bulk {
        swaps: bool,
        pairs: Vec<(Element, Element)>,
        more: bool,
        rule: HashRule,
    },
    /// A bulk become over whatever two variables hold.
    Over {
        swaps: bool,
        arrays: (Operand, Operand),
        rule: HashRule,
    },
    Identical {
        operands: (Operand, Operand),
    },
    Collect(Collection),
}

#[derive(Clone, Copy, Debug)]
enum Operand {
    Nil,
    Integer(i64),
    Variable(usize),
}

#[derive(Clone, Copy, Debug)]
enum Element {
    Operand(Operand),
    Sources,
    Targets,
}

// The model.

type Id = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Value {
    Nil,
    Integer(i64),
    Object(Id),
}

#[derive(Clone, Debug)]
struct Body {
    class: usize,
    format: Format,
    slots: Vec<Value>,
    raw: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Identity {
    /// What a one-way become replaced it by.
    replaced_by: Option<Value>,
    body: Body,
    hash: u32,
    flags: HeaderFlags,
    is_class: bool,
}

struct Class {
    index: ClassIndex,
    spec: ClassSpec,
    object: Value,
    is_alive: bool,
}

struct Model {
    identities: Vec<Identity>,
    variables: [Value; VARIABLES],
    /// Keys of ephemerons.
    anchors: Vec<Value>,
    classes: Vec<Class>,
    /// Nothing but entries can be a target.
    has_entries: bool,
}

impl Model {
    fn end(&self, mut value: Value) -> Value {
        while let Value::Object(id) = value {
            match self.identities[id].replaced_by {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    fn object(&self, value: Value) -> Option<Id> {
        match self.end(value) {
            Value::Object(id) => Some(id),
            _ => None,
        }
    }

    fn operand(&self, operand: Operand) -> Value {
        match operand {
            Operand::Nil => Value::Nil,
            Operand::Integer(value) => Value::Integer(value),
            Operand::Variable(variable) => self.end(self.variables[variable]),
        }
    }

    /// Everything that is strongly reachable; a class is, through its instances.
    fn reachable(&self) -> HashSet<Id> {
        let mut seen = HashSet::new();
        let mut pending: Vec<Value> = self.variables.iter().chain(&self.anchors).copied().collect();
        let mut ephemerons = Vec::new();
        loop {
            while let Some(value) = pending.pop() {
                let Some(id) = self.object(value) else { continue };
                if !seen.insert(id) {
                    continue;
                }
                let body = &self.identities[id].body;
                pending.push(self.classes[body.class].object);
                match body.format {
                    Format::WEAK => {}
                    Format::EPHEMERON => ephemerons.push(id),
                    _ => pending.extend(&body.slots),
                }
            }
            ephemerons.retain(|&id| {
                let slots = &self.identities[id].body.slots;
                let is_undecided = self.object(slots[0]).is_some_and(|key| !seen.contains(&key));
                if !is_undecided {
                    pending.extend(slots);
                }
                is_undecided
            });
            if pending.is_empty() {
                return seen;
            }
        }
    }

    /// What a full collection does. Returns the names of the ephemerons that it queues.
    fn collect(&mut self) -> Vec<i64> {
        let mut queued = Vec::new();
        let reachable = loop {
            let reachable = self.reachable();
            let dead_keys: Vec<Id> = reachable
                .iter()
                .copied()
                .filter(|&id| {
                    let body = &self.identities[id].body;
                    let key = body.slots.first().and_then(|&key| self.object(key));
                    body.format == Format::EPHEMERON && key.is_some_and(|key| !reachable.contains(&key))
                })
                .collect();
            if dead_keys.is_empty() {
                break reachable;
            }
            for id in dead_keys {
                let body = &mut self.identities[id].body;
                body.format = Format::FIXED;
                let Value::Integer(name) = body.slots[NAME_SLOT] else { unreachable!() };
                queued.push(name);
                // The queue keeps it, as far as weak slots are concerned.
                self.anchors.push(Value::Object(id));
            }
        };
        for &id in &reachable {
            if self.identities[id].body.format == Format::WEAK {
                for slot in 0..self.identities[id].body.slots.len() {
                    let value = self.identities[id].body.slots[slot];
                    if self.object(value).is_some_and(|referent| !reachable.contains(&referent)) {
                        self.identities[id].body.slots[slot] = Value::Nil;
                    }
                }
            }
        }
        let with_instances: HashSet<usize> =
            reachable.iter().map(|&id| self.identities[id].body.class).collect();
        for number in SPECS.len()..self.classes.len() {
            // One that became nil is as immortal as nil.
            let object = self.object(self.classes[number].object);
            let is_kept = object.is_none_or(|id| reachable.contains(&id)) || with_instances.contains(&number);
            self.classes[number].is_alive &= is_kept;
        }
        queued.sort_unstable();
        queued
    }

    fn check_one(&self, value: Value, index: usize, side: Side) -> Result<Id, BecomeError> {
        match self.end(value) {
            Value::Nil => Err(BecomeError::Pinned { index, side }),
            Value::Integer(_) => Err(BecomeError::Immediate { index, side }),
            Value::Object(id) if self.identities[id].flags.contains(HeaderFlags::PINNED) => {
                Err(BecomeError::Pinned { index, side })
            }
            Value::Object(id) if self.identities[id].flags.contains(HeaderFlags::IMMUTABLE) => {
                Err(BecomeError::Immutable { index, side })
            }
            Value::Object(id) => Ok(id),
        }
    }

    fn check_target(&self, value: Value, index: usize) -> Result<(), BecomeError> {
        if self.has_entries && self.object(value).is_none() {
            return Err(BecomeError::NotAnEntry { index, side: Side::Target });
        }
        Ok(())
    }

    fn forward(&mut self, pair: (Value, Value), rule: HashRule) {
        let Some(source) = self.object(pair.0) else { return };
        let target = self.end(pair.1);
        if target == Value::Object(source) {
            return;
        }
        let (hash, is_class) = (self.identities[source].hash, self.identities[source].is_class);
        if let Value::Object(target) = target {
            let target = &mut self.identities[target];
            target.is_class |= is_class;
            if rule == HashRule::Take && hash != 0 {
                target.hash = hash;
            }
        }
        self.identities[source].replaced_by = Some(target);
    }

    fn swap(&mut self, pair: (Value, Value)) {
        let (Some(one), Some(other)) = (self.object(pair.0), self.object(pair.1)) else { unreachable!() };
        if one != other {
            let body = self.identities[one].body.clone();
            self.identities[one].body = std::mem::replace(&mut self.identities[other].body, body);
        }
    }

    fn one(&mut self, swaps: bool, pair: (Value, Value), rule: HashRule) -> Result<(), BecomeError> {
        let source = self.check_one(pair.0, 0, Side::Source)?;
        if swaps {
            self.check_one(pair.1, 0, Side::Target)?;
            self.swap(pair);
            return Ok(());
        }
        self.check_target(pair.1, 0)?;
        if self.identities[source].is_class && matches!(self.end(pair.1), Value::Integer(_)) {
            return Err(BecomeError::Immediate { index: 0, side: Side::Target });
        }
        self.forward(pair, rule);
        Ok(())
    }

    /// `arrays` are the identities of the arrays that hold the pairs.
    fn bulk(
        &mut self,
        swaps: bool,
        arrays: [Option<Id>; 2],
        pairs: &[(Value, Value)],
        rule: HashRule,
    ) -> Result<(), BecomeError> {
        let check = |model: &Model, seen: &mut HashSet<Id>, value, index, side| {
            if model.object(value).is_some_and(|id| arrays.contains(&Some(id))) {
                return Err(BecomeError::PairArray { index, side });
            }
            let id = model.check_one(value, index, side)?;
            if seen.insert(id) { Ok(()) } else { Err(BecomeError::Duplicate { index, side }) }
        };
        let mut sources = HashSet::new();
        for (index, pair) in pairs.iter().enumerate() {
            check(self, &mut sources, pair.0, index, Side::Source)?;
            if !swaps {
                self.check_target(pair.1, index)?;
            }
        }
        if swaps {
            let mut targets = HashSet::new();
            for (index, pair) in pairs.iter().enumerate() {
                check(self, &mut targets, pair.1, index, Side::Target)?;
            }
            pairs.iter().for_each(|&pair| self.swap(pair));
            return Ok(());
        }
        let ways: HashMap<Value, Value> =
            pairs.iter().map(|pair| (self.end(pair.0), self.end(pair.1))).collect();
        for (index, pair) in pairs.iter().enumerate() {
            let mut at = self.end(pair.0);
            let Value::Object(source) = at else { unreachable!() };
            for _ in 0..=pairs.len() {
                at = ways.get(&at).copied().unwrap_or(at);
            }
            if self.identities[source].is_class && matches!(at, Value::Integer(_)) {
                return Err(BecomeError::Immediate { index, side: Side::Target });
            }
        }
        pairs.iter().for_each(|&pair| self.forward(pair, rule));
        Ok(())
    }
}

// Running a program.

struct Run<S> {
    machine: Machine<S>,
    model: Model,
    variables: Vec<Root>,
    /// All hashes in the order in which they were asked for, and all errors.
    trace: Vec<String>,
    names: i64,
}

impl<S: Barrier> Run<S> {
    fn new(config: GcConfig) -> Self {
        let mut machine = Machine::<S>::new(config);
        let variables = (0..VARIABLES).map(|_| machine.root(machine.nil())).collect();
        let classes = SPECS
            .iter()
            .map(|&spec| Class { index: machine.class(spec), spec, object: Value::Nil, is_alive: true })
            .collect();
        let model = Model {
            identities: Vec::new(),
            variables: [Value::Nil; VARIABLES],
            anchors: Vec::new(),
            classes,
            has_entries: S::HAS_ENTRIES,
        };
        Run { machine, model, variables, trace: Vec::new(), names: 0 }
    }

    fn oop(&self, operand: Operand) -> Oop {
        match operand {
            Operand::Nil => self.machine.nil(),
            Operand::Integer(value) => self.machine.integer(value),
            Operand::Variable(variable) => self.machine.oop(self.variables[variable]),
        }
    }

    fn set_variable(&mut self, variable: usize, oop: Oop, value: Value) {
        self.machine.set(self.variables[variable], oop);
        self.model.variables[variable] = value;
    }

    fn identity(&self, variable: usize) -> Option<Id> {
        self.model.object(self.model.variables[variable])
    }

    /// A new identity with an empty body, and its object.
    fn allocate(&mut self, class: usize, size: usize) -> (Root, Id) {
        let spec = self.model.classes[class].spec;
        let size = if spec.format.is_indexable() { size } else { 0 };
        let root = self.machine.allocate(self.model.classes[class].index, size);
        let body = self.machine.body(root);
        let slots = vec![Value::Nil; body.pointer_slots_of(body.header())];
        let raw = if spec.format.has_pointers() { 0 } else { body.byte_length() };
        let body = Body { class, format: body.header().format(), slots, raw: vec![0; raw] };
        let identity =
            Identity { replaced_by: None, body, hash: 0, flags: HeaderFlags::empty(), is_class: false };
        self.model.identities.push(identity);
        (root, self.model.identities.len() - 1)
    }

    fn store(&mut self, root: Root, id: Id, slot: usize, oop: Oop, value: Value) {
        let body = &mut self.model.identities[id].body;
        if body.slots.is_empty() || body.format == Format::EPHEMERON && slot % body.slots.len() == NAME_SLOT {
            return;
        }
        let slot = slot % body.slots.len();
        body.slots[slot] = value;
        if body.format == Format::EPHEMERON && slot == 0 {
            self.model.anchors.push(value);
            self.machine.root(oop);
        }
        self.machine.store(root, slot, oop);
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::New { class, size, variable } => self.new_object(class, size, variable),
            Op::Define { spec, object } => {
                if self.identity(object).is_none() {
                    return;
                }
                let index = self.machine.class_with_object(SPECS[spec], self.variables[object]);
                let value = self.model.end(self.model.variables[object]);
                let Value::Object(id) = value else { unreachable!() };
                self.model.identities[id].is_class = true;
                let class = Class { index, spec: SPECS[spec], object: value, is_alive: true };
                self.model.classes.push(class);
            }
            Op::Set { variable, value } => {
                let (oop, value) = (self.oop(value), self.model.operand(value));
                self.set_variable(variable, oop, value);
            }
            Op::Store { object, slot, value } => {
                let Some(id) = self.identity(object) else { return };
                let (oop, value) = (self.oop(value), self.model.operand(value));
                self.store(self.variables[object], id, slot, oop, value);
            }
            Op::Load { object, slot, variable, sends } => self.load(object, slot, variable, sends),
            Op::Fill { object, byte } => {
                let Some(id) = self.identity(object) else { return };
                let raw = &mut self.model.identities[id].body.raw;
                raw.fill(byte);
                if !raw.is_empty() {
                    self.machine.set_bytes(self.variables[object], raw);
                }
            }
            Op::Hash { object } => {
                let Some(id) = self.identity(object) else { return };
                let hash = self.machine.hash(self.variables[object]);
                let known = &mut self.model.identities[id].hash;
                assert!(*known == 0 || *known == hash);
                *known = hash;
                self.trace.push(format!("hash {hash}"));
            }
            Op::Flag { object, pins, on } => {
                let Some(id) = self.identity(object) else { return };
                let flag = if pins { HeaderFlags::PINNED } else { HeaderFlags::IMMUTABLE };
                self.model.identities[id].flags.set(flag, on);
                if pins && on {
                    self.machine.pin(self.variables[object]);
                } else {
                    self.machine.set_flags(self.variables[object], flag, on);
                }
            }
            Op::Identical { operands } => {
                let found = self.machine.identical(self.oop(operands.0), self.oop(operands.1));
                assert_eq!(found, self.model.operand(operands.0) == self.model.operand(operands.1));
            }
            Op::Collect(kind) => {
                self.machine.collect(kind);
                if kind != Collection::Young {
                    assert_eq!(self.model.collect(), [0_i64; 0], "keys are kept until the end");
                    assert_eq!(self.machine.heap().forwarders.total(), 0);
                    assert_eq!(self.machine.forwarders(), 0);
                }
                self.compare();
            }
            Op::Over { arrays: (one, other), .. } if self.is_weak(one) || self.is_weak(other) => {}
            Op::One { .. } | Op::Bulk { .. } | Op::Over { .. } => {
                let roots = self.machine.roots();
                let (found, expected) = self.become_(op);
                assert_eq!(found.as_ref().err(), expected.as_ref().err(), "{op:?}");
                self.trace.push(format!("{expected:?}"));
                self.machine.forget_roots_from(roots);
                self.compare();
            }
        }
    }

    fn is_weak(&self, operand: Operand) -> bool {
        let id = self.model.object(self.model.operand(operand));
        id.is_some_and(|id| self.model.identities[id].body.format == Format::WEAK)
    }

    fn new_object(&mut self, class: usize, size: usize, variable: usize) {
        let class = class % self.model.classes.len();
        if !self.model.classes[class].is_alive {
            return;
        }
        let roots = self.machine.roots();
        let (root, id) = self.allocate(class, size);
        let oop = self.machine.oop(root);
        self.set_variable(variable, oop, Value::Object(id));
        self.machine.forget_roots_from(roots);
        if self.model.identities[id].body.format == Format::EPHEMERON {
            self.names += 1;
            self.model.identities[id].body.slots[NAME_SLOT] = Value::Integer(self.names);
            self.machine.store(self.variables[variable], NAME_SLOT, self.machine.integer(self.names));
        }
    }

    fn load(&mut self, object: usize, slot: usize, variable: usize, sends: bool) {
        let Some(id) = self.identity(object) else { return };
        let body = &self.model.identities[id].body;
        if body.slots.is_empty() {
            return;
        }
        let slot = slot % body.slots.len();
        let value = self.model.end(body.slots[slot]);
        if let Value::Object(referent) = value
            && body.format == Format::WEAK
            && !self.model.reachable().contains(&referent)
        {
            return;
        }
        let root = self.variables[object];
        let oop = if sends { self.machine.load(root, slot) } else { self.machine.load_element(root, slot) };
        if let (Value::Object(referent), true) = (value, sends) {
            let class = self.model.classes[self.model.identities[referent].body.class].index;
            let origin = Some((self.machine.body(root), slot));
            // SAFETY: no safepoint since the references were read.
            let found = unsafe { self.machine.access().receiver(oop, class, origin) };
            assert!(found.is_some(), "a send to {oop:?} did not find class {class:?}");
        }
        self.set_variable(variable, oop, value);
    }

    #[allow(clippy::type_complexity)]
    fn become_(&mut self, op: &Op) -> (Result<Outcome, BecomeError>, Result<(), BecomeError>) {
        match op {
            &Op::One { swaps, pair, rule } => {
                let [one, other] = [pair.0, pair.1].map(|operand| self.oop(operand));
                let machine = &mut self.machine;
                let (one, other) = (machine.root(one), machine.root(other));
                let values = (self.model.operand(pair.0), self.model.operand(pair.1));
                let found = if swaps { machine.swap(one, other) } else { machine.forward(one, other, rule) };
                (found, self.model.one(swaps, values, rule))
            }
            Op::Bulk { swaps, pairs, more, rule } => {
                let (sources, source_id) = self.allocate(4, pairs.len());
                let (targets, target_id) = self.allocate(4, pairs.len() + usize::from(*more));
                let mut values = Vec::new();
                for (index, &(one, other)) in pairs.iter().enumerate() {
                    let mut both = [Value::Nil; 2];
                    for (side, element) in [one, other].into_iter().enumerate() {
                        let (oop, value) = match element {
                            Element::Operand(operand) => (self.oop(operand), self.model.operand(operand)),
                            Element::Sources => (self.machine.oop(sources), Value::Object(source_id)),
                            Element::Targets => (self.machine.oop(targets), Value::Object(target_id)),
                        };
                        self.machine.store([sources, targets][side], index, oop);
                        both[side] = value;
                    }
                    values.push((both[0], both[1]));
                }
                let machine = &mut self.machine;
                let found = if *swaps {
                    machine.swap_all(sources, targets)
                } else {
                    machine.forward_all(sources, targets, *rule)
                };
                let arrays = [Some(source_id), Some(target_id)];
                let expected = if *more {
                    Err(BecomeError::Lengths { sources: pairs.len(), targets: pairs.len() + 1 })
                } else {
                    self.model.bulk(*swaps, arrays, &values, *rule)
                };
                // A target may be one of the arrays: then it is part of the graph.
                for (id, side) in [(source_id, 0), (target_id, 1)] {
                    for (slot, pair) in values.iter().enumerate() {
                        self.model.identities[id].body.slots[slot] = [pair.0, pair.1][side];
                    }
                }
                (found, expected)
            }
            &Op::Over { swaps, arrays, rule } => {
                let values = [arrays.0, arrays.1].map(|operand| self.model.operand(operand));
                let [one, other] = [arrays.0, arrays.1].map(|operand| self.oop(operand));
                let machine = &mut self.machine;
                let (one, other) = (machine.root(one), machine.root(other));
                let found =
                    if swaps { machine.swap_all(one, other) } else { machine.forward_all(one, other, rule) };
                (found, self.over(swaps, values, rule))
            }
            _ => unreachable!("no become"),
        }
    }

    fn over(&mut self, swaps: bool, arrays: [Value; 2], rule: HashRule) -> Result<(), BecomeError> {
        let mut slots = [Vec::new(), Vec::new()];
        for (number, side) in [Side::Source, Side::Target].into_iter().enumerate() {
            match self.model.end(arrays[number]) {
                Value::Nil => {}
                Value::Integer(_) => return Err(BecomeError::NotAnArray(side)),
                Value::Object(id) => {
                    let body = &self.model.identities[id].body;
                    if !body.format.has_pointers() {
                        return Err(BecomeError::NotAnArray(side));
                    }
                    slots[number] = body.slots.clone();
                }
            }
        }
        if slots[0].len() != slots[1].len() {
            return Err(BecomeError::Lengths { sources: slots[0].len(), targets: slots[1].len() });
        }
        let pairs: Vec<_> = slots[0].iter().copied().zip(slots[1].iter().copied()).collect();
        self.model.bulk(swaps, arrays.map(|array| self.model.object(array)), &pairs, rule)
    }

    /// Compares everything that is reachable.
    fn compare(&mut self) {
        let reachable = self.model.reachable();
        let mut compared = Comparison::default();
        for (root, &value) in self.variables.iter().zip(&self.model.variables) {
            compared.reference(&self.machine, &self.model, self.machine.oop(*root), value);
        }
        while let Some((object, id)) = compared.pending.pop() {
            let identity = &self.model.identities[id];
            self.compare_object(object, identity);
            for (slot, &value) in identity.body.slots.iter().enumerate() {
                let is_unsure = identity.body.format == Format::WEAK
                    && self.model.object(value).is_some_and(|referent| !reachable.contains(&referent));
                if !is_unsure {
                    compared.reference(&self.machine, &self.model, object.slot(slot), value);
                }
            }
        }
        for class in self.model.classes.iter().filter(|class| class.is_alive) {
            let object = self.machine.heap().classes.class(class.index).unwrap();
            if self.model.object(class.object).is_some_and(|id| reachable.contains(&id)) {
                compared.reference(&self.machine, &self.model, object, class.object);
            }
        }
    }

    fn compare_object(&self, object: Obj, identity: &Identity) {
        let header = object.header();
        let body = &identity.body;
        assert_eq!(header.class_index(), self.model.classes[body.class].index);
        assert_eq!(header.format(), body.format);
        assert_eq!(object.pointer_slots_of(header), body.slots.len());
        if !body.format.has_pointers() {
            // SAFETY: nobody writes meanwhile.
            assert_eq!(unsafe { object.bytes() }, body.raw);
        }
        let flags = HeaderFlags::PINNED | HeaderFlags::IMMUTABLE;
        assert_eq!(header.flags().intersection(flags), identity.flags);
        assert_eq!(header.hash().get(), identity.hash, "identity hash");
        assert!(S::HAS_ENTRIES || header.has_any(HeaderFlags::CLASS) == identity.is_class);
    }

    /// Lets go of the ephemerons' keys and compares what is queued.
    fn finish(mut self) -> Vec<String> {
        // First what is garbage already goes: a scavenge may find it reachable from what is dead.
        self.step(&Op::Collect(Collection::Full));
        self.machine.forget_roots_from(VARIABLES);
        self.model.anchors.clear();
        self.machine.collect(Collection::Compacting);
        let expected = self.model.collect();
        let mut queued = Vec::new();
        while let Some(body) = self.machine.next_finalizable() {
            queued.push(body.slot(NAME_SLOT).as_small_integer().unwrap());
        }
        queued.sort_unstable();
        assert_eq!(queued, expected, "queued ephemerons");
        self.compare();
        self.trace
    }
}

/// A pairwise walk over the heap's graph and the model's.
#[derive(Default)]
struct Comparison {
    bodies: HashMap<Id, Obj>,
    identities: HashMap<Obj, Id>,
    pending: Vec<(Obj, Id)>,
}

impl Comparison {
    fn reference<S: Barrier>(&mut self, machine: &Machine<S>, model: &Model, oop: Oop, value: Value) {
        let body = machine.body_of(oop);
        assert!(body.is_none_or(|body| !body.header().is_forwarder()), "{oop:?} leads to a forwarder");
        match model.end(value) {
            Value::Nil => assert!(machine.identical(oop, machine.nil()), "{oop:?} should be nil"),
            Value::Integer(value) => assert!(machine.identical(oop, machine.integer(value)), "{oop:?}"),
            Value::Object(id) => {
                let body = body.unwrap_or_else(|| panic!("{oop:?} should be object {id}"));
                assert!(body.oop() != machine.nil(), "nil should be object {id}");
                assert_eq!(*self.identities.entry(body).or_insert(id), id, "two objects have one body");
                match self.bodies.insert(id, body) {
                    Some(before) => assert_eq!(before, body, "object {id} has two bodies"),
                    None => self.pending.push((body, id)),
                }
            }
        }
    }
}

fn run<S: Barrier>(workers: usize, program: &[Op]) -> Vec<String> {
    let mut run = Run::<S>::new(GcConfig::checking().with_workers(workers));
    program.iter().for_each(|op| run.step(op));
    run.finish()
}

// Random programs.

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        1 => Just(Operand::Nil),
        1 => (0..3_i64).prop_map(Operand::Integer),
        12 => (0..VARIABLES).prop_map(Operand::Variable),
    ]
}

fn variable() -> impl Strategy<Value = Operand> {
    prop_oneof![30 => (0..VARIABLES).prop_map(Operand::Variable), 1 => operand()]
}

fn element() -> impl Strategy<Value = Element> {
    prop_oneof![
        60 => variable().prop_map(Element::Operand),
        1 => Just(Element::Sources),
        1 => Just(Element::Targets),
    ]
}

/// Pairs whose sides are mostly distinct: permutations of the variables, cut off, with a few elements replaced.
fn pairs() -> impl Strategy<Value = Vec<(Element, Element)>> {
    let side = || {
        Just((0..VARIABLES).collect::<Vec<_>>()).prop_shuffle().prop_map(|variables| {
            variables.into_iter().map(|variable| Element::Operand(Operand::Variable(variable)))
        })
    };
    let replaced = prop::collection::vec((0..VARIABLES, any::<bool>(), element()), 0..2);
    (side(), side(), 0..=VARIABLES, replaced).prop_map(|(sources, targets, length, replaced)| {
        let mut pairs: Vec<_> = sources.zip(targets).take(length).collect();
        for (index, is_source, element) in replaced {
            if let Some(pair) = pairs.get_mut(index) {
                *(if is_source { &mut pair.0 } else { &mut pair.1 }) = element;
            }
        }
        pairs
    })
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0..6_usize, 2 => Just(24_usize), 2 => 253..258_usize, 1 => Just(700_usize)]
}

fn rule() -> impl Strategy<Value = HashRule> {
    prop_oneof![Just(HashRule::Keep), Just(HashRule::Take)]
}

fn op() -> impl Strategy<Value = Op> {
    let any_variable = || 0..VARIABLES;
    let slot = || prop_oneof![0..6_usize, 250..300_usize];
    let collection = prop_oneof![
        4 => Just(Collection::Young),
        2 => Just(Collection::Full),
        1 => Just(Collection::Compacting),
    ];
    prop_oneof![
        8 => (0..12_usize, size(), any_variable())
            .prop_map(|(class, size, variable)| Op::New { class, size, variable }),
        1 => (0..SPECS.len(), any_variable()).prop_map(|(spec, object)| Op::Define { spec, object }),
        1 => (any_variable(), operand()).prop_map(|(variable, value)| Op::Set { variable, value }),
        8 => (any_variable(), slot(), operand())
            .prop_map(|(object, slot, value)| Op::Store { object, slot, value }),
        6 => (any_variable(), slot(), any_variable(), any::<bool>())
            .prop_map(|(object, slot, variable, sends)| Op::Load { object, slot, variable, sends }),
        2 => (any_variable(), any::<u8>()).prop_map(|(object, byte)| Op::Fill { object, byte }),
        3 => any_variable().prop_map(|object| Op::Hash { object }),
        1 => (any_variable(), any::<bool>(), prop::bool::weighted(0.3))
            .prop_map(|(object, pins, on)| Op::Flag { object, pins, on }),
        5 => (any::<bool>(), (variable(), operand()), rule())
            .prop_map(|(swaps, pair, rule)| Op::One { swaps, pair, rule }),
        6 => (any::<bool>(), pairs(), prop::bool::weighted(0.02), rule())
            .prop_map(|(swaps, pairs, more, rule)| Op::Bulk { swaps, pairs, more, rule }),
        1 => (any::<bool>(), (operand(), operand()), rule())
            .prop_map(|(swaps, arrays, rule)| Op::Over { swaps, arrays, rule }),
        2 => (operand(), operand()).prop_map(|operands| Op::Identical { operands }),
        5 => collection.prop_map(Op::Collect),
    ]
}

/// Programs that begin with an object of some kind in each variable, of both ages.
fn program() -> impl Strategy<Value = Vec<Op>> {
    let first = prop::collection::vec((0..SPECS.len(), size()), VARIABLES);
    (first, 0..VARIABLES, prop::collection::vec(op(), 1..60)).prop_map(|(first, old, ops)| {
        let mut program = Vec::new();
        for (variable, (class, size)) in first.into_iter().enumerate() {
            if variable == old {
                program.push(Op::Collect(Collection::Full));
            }
            program.push(Op::New { class, size, variable });
        }
        program.extend(ops);
        program
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn every_strategy_means_the_same(program in program()) {
        let lazy = run::<Lazy>(1, &program);
        prop_assert_eq!(&lazy, &run::<Lazy>(2, &program));
        prop_assert_eq!(&lazy, &run::<AlwaysCheck>(1, &program));
        prop_assert_eq!(&lazy, &run::<FullScan>(1, &program));
        prop_assert_eq!(&lazy, &run::<FullScan>(2, &program));
        run::<ObjectTable>(1, &program);
    }
}
