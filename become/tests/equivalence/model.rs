//! What become means: identities that are united by one-way becomes and exchange bodies by two-way ones.

use std::collections::{HashMap, HashSet};

use instar_become::{BecomeError, HashRule, Side};
use instar_heap::{ClassIndex, ClassSpec, Format, HeaderFlags};

use crate::program::{NAME_SLOT, Operand, SPECS, VARIABLES};

pub type Id = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    Nil,
    Integer(i64),
    Object(Id),
}

#[derive(Clone, Debug)]
pub struct Body {
    pub class: usize,
    pub format: Format,
    pub slots: Vec<Value>,
    pub raw: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Identity {
    /// What a one-way become replaced it by.
    pub replaced_by: Option<Value>,
    pub body: Body,
    pub hash: u32,
    pub flags: HeaderFlags,
    pub is_class: bool,
}

pub struct Class {
    pub index: ClassIndex,
    pub spec: ClassSpec,
    pub object: Value,
    pub is_alive: bool,
}

pub struct Model {
    pub identities: Vec<Identity>,
    pub variables: [Value; VARIABLES],
    /// Keys of ephemerons.
    pub anchors: Vec<Value>,
    pub classes: Vec<Class>,
    /// Nothing but entries can be a target.
    pub has_entries: bool,
}

impl Model {
    pub fn end(&self, mut value: Value) -> Value {
        while let Value::Object(id) = value {
            match self.identities[id].replaced_by {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    pub fn object(&self, value: Value) -> Option<Id> {
        match self.end(value) {
            Value::Object(id) => Some(id),
            _ => None,
        }
    }

    pub fn operand(&self, operand: Operand) -> Value {
        match operand {
            Operand::Nil => Value::Nil,
            Operand::Integer(value) => Value::Integer(value),
            Operand::Variable(variable) => self.end(self.variables[variable]),
        }
    }

    /// Everything that is strongly reachable; a class is, through its instances.
    pub fn reachable(&self) -> HashSet<Id> {
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
    pub fn collect(&mut self) -> Vec<i64> {
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

    pub fn check_one(&self, value: Value, index: usize, side: Side) -> Result<Id, BecomeError> {
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

    pub fn check_target(&self, value: Value, index: usize) -> Result<(), BecomeError> {
        if self.has_entries && self.object(value).is_none() {
            return Err(BecomeError::NotAnEntry { index, side: Side::Target });
        }
        Ok(())
    }

    pub fn forward(&mut self, pair: (Value, Value), rule: HashRule) {
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

    pub fn swap(&mut self, pair: (Value, Value)) {
        let (Some(one), Some(other)) = (self.object(pair.0), self.object(pair.1)) else { unreachable!() };
        if one != other {
            let body = self.identities[one].body.clone();
            self.identities[one].body = std::mem::replace(&mut self.identities[other].body, body);
        }
    }

    pub fn one(&mut self, swaps: bool, pair: (Value, Value), rule: HashRule) -> Result<(), BecomeError> {
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
    pub fn bulk(
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
