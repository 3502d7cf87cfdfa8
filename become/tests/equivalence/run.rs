//! A program run on the heap and on the model side by side.

use std::collections::HashMap;

use instar_become::{BecomeError, HashRule, Outcome, Side, Strategy};
use instar_gc::{Collection, GcConfig};
use instar_heap::{Format, HeaderFlags, Obj, Oop};

use crate::common::{Machine, Root};
use crate::model::{Body, Class, Id, Identity, Model, Value};
use crate::program::{Element, NAME_SLOT, Op, Operand, SPECS, VARIABLES};

pub struct Run<S> {
    machine: Machine<S>,
    model: Model,
    variables: Vec<Root>,
    /// All hashes in the order in which they were asked for, and all errors.
    trace: Vec<String>,
    names: i64,
}

impl<S: Strategy> Run<S> {
    pub fn new(config: GcConfig) -> Self {
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

    pub fn oop(&self, operand: Operand) -> Oop {
        match operand {
            Operand::Nil => self.machine.nil(),
            Operand::Integer(value) => self.machine.integer(value),
            Operand::Variable(variable) => self.machine.oop(self.variables[variable]),
        }
    }

    pub fn set_variable(&mut self, variable: usize, oop: Oop, value: Value) {
        self.machine.set(self.variables[variable], oop);
        self.model.variables[variable] = value;
    }

    pub fn identity(&self, variable: usize) -> Option<Id> {
        self.model.object(self.model.variables[variable])
    }

    /// A new identity with an empty body, and its object.
    pub fn allocate(&mut self, class: usize, size: usize) -> (Root, Id) {
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

    pub fn store(&mut self, root: Root, id: Id, slot: usize, oop: Oop, value: Value) {
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

    pub fn step(&mut self, op: &Op) {
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

    pub fn is_weak(&self, operand: Operand) -> bool {
        let id = self.model.object(self.model.operand(operand));
        id.is_some_and(|id| self.model.identities[id].body.format == Format::WEAK)
    }

    pub fn new_object(&mut self, class: usize, size: usize, variable: usize) {
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

    pub fn load(&mut self, object: usize, slot: usize, variable: usize, sends: bool) {
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
    pub fn become_(&mut self, op: &Op) -> (Result<Outcome, BecomeError>, Result<(), BecomeError>) {
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

    pub fn over(&mut self, swaps: bool, arrays: [Value; 2], rule: HashRule) -> Result<(), BecomeError> {
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
    pub fn compare(&mut self) {
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

    pub fn compare_object(&self, object: Obj, identity: &Identity) {
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
    pub fn finish(mut self) -> Vec<String> {
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
pub struct Comparison {
    bodies: HashMap<Id, Obj>,
    identities: HashMap<Obj, Id>,
    pending: Vec<(Obj, Id)>,
}

impl Comparison {
    pub fn reference<S: Strategy>(&mut self, machine: &Machine<S>, model: &Model, oop: Oop, value: Value) {
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

pub fn run<S: Strategy>(workers: usize, program: &[Op]) -> Vec<String> {
    let mut run = Run::<S>::new(GcConfig::checking().with_workers(workers));
    program.iter().for_each(|op| run.step(op));
    run.finish()
}
