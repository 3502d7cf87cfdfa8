//! Random programs run against the heap and against a plain model of it; after each collection the two graphs must be
//! the same.
//!
//! The model knows what is reachable, not what is young. So a scavenge, or a collection that an allocation led to, may
//! only do what is allowed (clear a weak slot, fire an ephemeron, if the model finds the referent unreachable); after a
//! full collection that the program asked for, it must have done all of it, and nothing else may be left in memory.
//!
//! Several threads each run a program against a model of its own in one world: collections of any of them happen inside
//! the others' operations.

#![allow(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;

use instar_gc::{AccessError, Collection, GcConfig, Ref, Scope, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, HeapConfig, HeapError, MIB};
use proptest::prelude::*;

/// Slots of the array that holds the program's variables.
const VARIABLES: usize = 16;
/// The slot of an ephemeron that names its node; programs do not store into it.
const NAME_SLOT: usize = 2;

#[derive(Clone, Debug)]
enum Op {
    /// A class, perhaps with an object that stands for it.
    Define {
        spec: usize,
        object: Option<u8>,
    },
    Allocate {
        class: u8,
        size: usize,
    },
    /// Puts an object (or nil) into a variable.
    Keep {
        variable: usize,
        object: Option<u8>,
    },
    Store {
        object: u8,
        slot: Position,
        value: Operand,
    },
    /// Stores into every `step`-th slot.
    Fill {
        object: u8,
        step: usize,
        value: Operand,
    },
    /// Makes a local of what a slot holds.
    Load {
        object: u8,
        slot: Position,
    },
    SetByte {
        object: u8,
        at: Position,
        value: u8,
    },
    Hash {
        object: u8,
    },
    Pin {
        object: u8,
    },
    Unpin {
        object: u8,
    },
    SetImmutable {
        object: u8,
        immutable: bool,
    },
    Garbage {
        class: u8,
        count: usize,
    },
    List {
        count: usize,
    },
    /// A list of the largest objects that are born young: a dozen and a half fill eden or a survivor half.
    Blocks {
        count: usize,
    },
    Collect(Collection),
    /// Locals made inside end with it.
    Scope(Vec<Op>),
}

/// A slot by its place in the object: both ends are as likely as all that is between.
#[derive(Clone, Copy, Debug)]
enum Position {
    FromStart(usize),
    FromEnd(usize),
    Anywhere(u32),
}

impl Position {
    fn of(self, length: usize) -> Option<usize> {
        if length == 0 {
            return None;
        }
        Some(match self {
            Position::FromStart(index) => index.min(length - 1),
            Position::FromEnd(index) => length - 1 - index.min(length - 1),
            Position::Anywhere(index) => index as usize % length,
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Operand {
    Nil,
    Integer(i64),
    Object(u8),
}

const SPECS: [ClassSpec; 9] = [
    ClassSpec::fixed(2),
    ClassSpec::fixed(0),
    ClassSpec::fixed(300),
    ClassSpec::of(Format::INDEXABLE),
    ClassSpec { format: Format::INDEXABLE, fixed_slots: 3 },
    ClassSpec::of(Format::BYTES),
    ClassSpec::of(Format::WORDS),
    ClassSpec { format: Format::WEAK, fixed_slots: 1 },
    ClassSpec { format: Format::EPHEMERON, fixed_slots: 3 },
];

/// Around every limit: no elements, the overflow word at 255 slots, a card, a copy buffer's eighth, a large object.
const SIZES: [usize; 15] = [0, 1, 2, 5, 30, 64, 253, 254, 255, 256, 300, 1100, 8191, 8200, 70_000];

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![
        (0..4usize).prop_map(Position::FromStart),
        (0..4usize).prop_map(Position::FromEnd),
        any::<u32>().prop_map(Position::Anywhere),
    ]
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        1 => Just(Operand::Nil),
        1 => (-100i64..100).prop_map(Operand::Integer),
        6 => any::<u8>().prop_map(Operand::Object),
    ]
}

fn collection() -> impl Strategy<Value = Collection> {
    prop_oneof![
        3 => Just(Collection::Young),
        1 => Just(Collection::Full),
        1 => Just(Collection::Compacting),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let leaf = prop_oneof![
        2 => (0..SPECS.len(), proptest::option::of(any::<u8>()))
            .prop_map(|(spec, object)| Op::Define { spec, object }),
        16 => (any::<u8>(), 0..SIZES.len()).prop_map(|(class, size)| Op::Allocate { class, size }),
        8 => (0..VARIABLES, proptest::option::weighted(0.8, any::<u8>()))
            .prop_map(|(variable, object)| Op::Keep { variable, object }),
        20 => (any::<u8>(), position(), operand())
            .prop_map(|(object, slot, value)| Op::Store { object, slot, value }),
        3 => (any::<u8>(), 1..90usize, operand())
            .prop_map(|(object, step, value)| Op::Fill { object, step, value }),
        4 => (any::<u8>(), position()).prop_map(|(object, slot)| Op::Load { object, slot }),
        4 => (any::<u8>(), position(), any::<u8>())
            .prop_map(|(object, at, value)| Op::SetByte { object, at, value }),
        2 => any::<u8>().prop_map(|object| Op::Hash { object }),
        2 => any::<u8>().prop_map(|object| Op::Pin { object }),
        1 => any::<u8>().prop_map(|object| Op::Unpin { object }),
        1 => (any::<u8>(), any::<bool>())
            .prop_map(|(object, immutable)| Op::SetImmutable { object, immutable }),
        2 => (any::<u8>(), 0..400usize).prop_map(|(class, count)| Op::Garbage { class, count }),
        1 => (0..300usize).prop_map(|count| Op::List { count }),
        1 => (1..20usize).prop_map(|count| Op::Blocks { count }),
        5 => collection().prop_map(Op::Collect),
    ];
    leaf.prop_recursive(2, 40, 12, |inner| proptest::collection::vec(inner, 1..12).prop_map(Op::Scope))
}

fn config() -> impl Strategy<Value = GcConfig> {
    (1..=2usize, proptest::option::of(1..60u32), 0..=3u32, any::<bool>(), any::<bool>()).prop_map(
        |(workers, zeal, tenure_age, is_tiny, is_eager)| {
            let checking = GcConfig::checking();
            let limit_bytes = if is_tiny { 8 * MIB } else { checking.heap.limit_bytes };
            let config = GcConfig {
                heap: HeapConfig { limit_bytes, ..checking.heap.clone() },
                workers,
                tenure_age,
                growth_percent: 130,
                first_full_bytes: if is_eager { 1 << 18 } else { checking.first_full_bytes },
                ..checking
            };
            match zeal {
                Some(n) => config.with_zeal(n),
                None => config,
            }
        },
    )
}

/// An object of the model.
type Id = usize;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    Nil,
    Integer(i64),
    Node(Id),
}

struct Node {
    class: usize,
    /// As in the class, but an ephemeron that fired is an ordinary object.
    format: Format,
    slots: Vec<Value>,
    bytes: Vec<u8>,
    hash: Option<u32>,
    pinned_at: Option<usize>,
    immutable: bool,
}

struct Class {
    index: ClassIndex,
    spec: ClassSpec,
    object: Option<Id>,
    is_in_table: bool,
}

/// What the model finds reachable.
struct Reached {
    live: Vec<bool>,
    /// Ephemerons that are reachable, but their key is not.
    undecided: Vec<Id>,
}

/// Where an operand comes from.
#[derive(Clone, Copy)]
enum Place {
    Local(usize),
    Variable(usize),
}

type Locals<'s> = Vec<(Handle<'s>, Id)>;

#[derive(Default)]
struct Model {
    nodes: Vec<Node>,
    classes: Vec<Class>,
    /// The variables' array, then the locals of all open scopes.
    roots: Vec<Id>,
    collections: u64,
    /// Other threads run programs of their own in the same world: what is in memory is not this model's alone.
    is_shared: bool,
}

const VARIABLES_ARRAY: Id = 0;
const ARRAY_CLASS: usize = 0;
const LIST_CLASS: usize = 1;

impl Model {
    fn new_node(&mut self, class: usize, elements: usize) -> Id {
        let ClassSpec { format, fixed_slots } = self.classes[class].spec;
        let length = fixed_slots as usize + elements;
        let bytes = if format == Format::WORDS { 8 * length } else { elements };
        let has_slots = format.has_pointers();
        self.nodes.push(Node {
            class,
            format,
            slots: vec![Value::Nil; if has_slots { length } else { 0 }],
            bytes: vec![0; if has_slots { 0 } else { bytes }],
            hash: None,
            pinned_at: None,
            immutable: false,
        });
        self.nodes.len() - 1
    }

    fn reach(&self) -> Reached {
        let mut live = vec![false; self.nodes.len()];
        let mut stack = Vec::new();
        let mut undecided: Vec<Id> = Vec::new();
        for &root in &self.roots {
            visit(root, &mut live, &mut stack);
        }
        loop {
            while let Some(id) = stack.pop() {
                let node = &self.nodes[id];
                if let Some(class) = self.classes[node.class].object {
                    visit(class, &mut live, &mut stack);
                }
                match node.format {
                    Format::WEAK => {}
                    Format::EPHEMERON => undecided.push(id),
                    _ => visit_slots(node, &mut live, &mut stack),
                }
            }
            let before = undecided.len();
            undecided.retain(|&id| {
                let is_decided = match self.nodes[id].slots[0] {
                    Value::Node(key) => live[key],
                    _ => true,
                };
                if is_decided {
                    visit_slots(&self.nodes[id], &mut live, &mut stack);
                }
                !is_decided
            });
            if undecided.len() == before {
                return Reached { live, undecided };
            }
        }
    }

    /// The operand that `choice` selects among the locals and the variables that refer to an object.
    fn place(&self, locals: &Locals<'_>, choice: u8) -> Option<(Place, Id)> {
        let variables = &self.nodes[VARIABLES_ARRAY].slots;
        let variables = variables.iter().enumerate().filter_map(|(index, value)| match value {
            Value::Node(id) => Some((Place::Variable(index), *id)),
            _ => None,
        });
        let locals = locals.iter().enumerate().map(|(index, &(_, id))| (Place::Local(index), id));
        let all: Vec<_> = locals.chain(variables).collect();
        (!all.is_empty()).then(|| all[choice as usize % all.len()])
    }

    fn class(&self, choice: u8) -> usize {
        let usable: Vec<_> =
            self.classes.iter().enumerate().filter(|(_, class)| class.is_in_table).map(|(n, _)| n).collect();
        usable[choice as usize % usable.len()]
    }
}

fn visit(id: Id, live: &mut [bool], stack: &mut Vec<Id>) {
    if !std::mem::replace(&mut live[id], true) {
        stack.push(id);
    }
}

fn visit_slots(node: &Node, live: &mut [bool], stack: &mut Vec<Id>) {
    for &slot in &node.slots {
        if let Value::Node(target) = slot {
            visit(target, live, stack);
        }
    }
}

fn reference<'r>(scope: &'r Scope<'_>, variables: Handle<'_>, locals: &Locals<'_>, place: Place) -> Ref<'r> {
    match place {
        Place::Local(index) => scope.get(locals[index].0),
        Place::Variable(index) => scope.get(variables).slot(index).unwrap(),
    }
}

/// How the model runs beside the heap.
impl Model {
    fn run<'s>(
        &mut self,
        scope: &mut Scope<'s>,
        variables: Handle<'_>,
        locals: &mut Locals<'s>,
        program: &[Op],
    ) {
        for op in program {
            self.step(scope, variables, locals, op);
            let stats = scope.mutator().world().stats();
            let collections = stats.scavenges + stats.full_collections;
            let is_exact = matches!(op, Op::Collect(Collection::Full | Collection::Compacting));
            // Pinning tenures, which is a scavenge that is not counted.
            if collections != self.collections || matches!(op, Op::Pin { .. }) {
                self.collections = collections;
                self.follow_collection(scope, variables, locals, is_exact);
            }
        }
    }

    fn step<'s>(&mut self, scope: &mut Scope<'s>, variables: Handle<'_>, locals: &mut Locals<'s>, op: &Op) {
        match *op {
            Op::Define { spec, object } => {
                let object = object.and_then(|choice| self.place(locals, choice));
                let index = scope.scope(|inner| {
                    let class =
                        object.map(|(place, _)| inner.handle(reference(inner, variables, locals, place)));
                    inner.define_class(SPECS[spec], class).unwrap()
                });
                let object = object.map(|(_, id)| id);
                self.classes.push(Class { index, spec: SPECS[spec], object, is_in_table: true });
            }
            Op::Allocate { class, size } => {
                let class = self.class(class);
                if let Some((handle, id)) = self.allocate(scope, class, SIZES[size]) {
                    self.add_local(locals, handle, id);
                }
            }
            Op::Garbage { class, count } => {
                let index = self.classes[self.class(class)].index;
                scope.scope(|inner| {
                    for _ in 0..count {
                        match inner.scope(|scope| scope.allocate(index, 0).map(drop)) {
                            Ok(()) | Err(HeapError::OutOfMemory { .. }) => {}
                            // Nothing keeps the class alive between these allocations.
                            Err(HeapError::UnknownClass(_)) => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            Op::List { count } => self.list(scope, locals, (LIST_CLASS, 0), count),
            Op::Blocks { count } => self.list(scope, locals, (ARRAY_CLASS, 8000), count),
            Op::Keep { variable, object } => {
                let value = object.map_or(Operand::Nil, Operand::Object);
                self.store(scope, variables, locals, None, variable, value);
            }
            Op::Store { object, slot, value } => {
                let Some(object) = self.place(locals, object) else { return };
                if let Some(slot) = slot.of(self.nodes[object.1].slots.len()) {
                    self.store(scope, variables, locals, Some(object), slot, value);
                }
            }
            Op::Fill { object, step, value } => {
                let Some(object) = self.place(locals, object) else { return };
                for slot in (0..self.nodes[object.1].slots.len()).step_by(step) {
                    self.store(scope, variables, locals, Some(object), slot, value);
                }
            }
            Op::Load { object, slot } => {
                let Some((place, id)) = self.place(locals, object) else { return };
                let Some(slot) = slot.of(self.nodes[id].slots.len()) else { return };
                let Value::Node(value) = self.nodes[id].slots[slot] else { return };
                let found = reference(scope, variables, locals, place).slot(slot).unwrap();
                // A weak slot that was cleared while another scope was open is only found out later.
                if !found.is_nil() {
                    let handle = scope.handle(found);
                    self.add_local(locals, handle, value);
                }
            }
            Op::Collect(kind) => scope.collect(kind),
            Op::Scope(ref program) => {
                let outer_roots = self.roots.len();
                scope.scope(|inner| self.run(inner, variables, &mut Vec::new(), program));
                self.roots.truncate(outer_roots);
            }
            _ => self.step_on_object(scope, variables, locals, op),
        }
    }

    /// What changes one object, but not what it refers to.
    fn step_on_object(&mut self, scope: &mut Scope<'_>, variables: Handle<'_>, locals: &Locals<'_>, op: &Op) {
        let (Op::SetByte { object, .. }
        | Op::Hash { object }
        | Op::Pin { object }
        | Op::Unpin { object }
        | Op::SetImmutable { object, .. }) = *op
        else {
            unreachable!("{op:?} is for `step`")
        };
        let Some((place, id)) = self.place(locals, object) else { return };
        let node = &mut self.nodes[id];
        // The handle ends with the inner scope, so that it keeps nothing alive.
        scope.scope(|inner| {
            let object = reference(inner, variables, locals, place);
            let handle = inner.handle(object);
            match *op {
                Op::SetByte { at, value, .. } => match at.of(node.bytes.len()) {
                    None => assert!(object.set_byte(0, value).is_err()),
                    Some(at) if node.immutable => {
                        assert_eq!(object.set_byte(at, value), Err(AccessError::Immutable));
                    }
                    Some(at) => {
                        assert_eq!(object.set_byte(at, value), Ok(()));
                        node.bytes[at] = value;
                    }
                },
                Op::Hash { .. } => {
                    let hash = object.identity_hash().unwrap().get();
                    assert_eq!(*node.hash.get_or_insert(hash), hash);
                }
                Op::Pin { .. } => {
                    let address = inner.pin(handle).unwrap();
                    assert_eq!(*node.pinned_at.get_or_insert(address), address);
                }
                Op::Unpin { .. } => {
                    inner.unpin(handle).unwrap();
                    node.pinned_at = None;
                }
                Op::SetImmutable { immutable, .. } => {
                    inner.set_immutable(handle, immutable).unwrap();
                    node.immutable = immutable;
                }
                _ => {}
            }
        });
    }

    fn add_local<'s>(&mut self, locals: &mut Locals<'s>, handle: Handle<'s>, id: Id) {
        locals.push((handle, id));
        self.roots.push(id);
    }

    fn allocate<'s>(&mut self, scope: &mut Scope<'s>, class: usize, size: usize) -> Option<(Handle<'s>, Id)> {
        let Class { index, spec, .. } = self.classes[class];
        let elements = if spec.format.is_indexable() { size } else { 0 };
        let handle = match scope.allocate(index, elements) {
            Ok(handle) => handle,
            Err(error) => {
                assert!(matches!(error, HeapError::OutOfMemory { .. }), "{error}");
                return None;
            }
        };
        let id = self.new_node(class, elements);
        if spec.format == Format::EPHEMERON {
            self.nodes[id].slots[NAME_SLOT] = Value::Integer(id as i64);
            let name = scope.integer(id as i64).unwrap();
            scope.get(handle).set_slot(NAME_SLOT, scope.get(name)).unwrap();
        }
        Some((handle, id))
    }

    /// Objects that each refer to the one before; all stay locals.
    fn list<'s>(
        &mut self,
        scope: &mut Scope<'s>,
        locals: &mut Locals<'s>,
        (class, size): (usize, usize),
        count: usize,
    ) {
        for number in 0..count as i64 {
            let Some((cell, id)) = self.allocate(scope, class, size) else { return };
            let integer = scope.integer(number).unwrap();
            scope.get(cell).set_slot(1, scope.get(integer)).unwrap();
            self.nodes[id].slots[1] = Value::Integer(number);
            if number > 0 {
                let &(rest, rest_id) = locals.last().unwrap();
                scope.get(cell).set_slot(0, scope.get(rest)).unwrap();
                self.nodes[id].slots[0] = Value::Node(rest_id);
            }
            self.add_local(locals, cell, id);
        }
    }

    /// Stores into an object's slot, or into a variable if no object is given.
    fn store(
        &mut self,
        scope: &mut Scope<'_>,
        variables: Handle<'_>,
        locals: &Locals<'_>,
        object: Option<(Place, Id)>,
        slot: usize,
        value: Operand,
    ) {
        let id = object.map_or(VARIABLES_ARRAY, |(_, id)| id);
        if slot == NAME_SLOT && self.classes[self.nodes[id].class].spec.format == Format::EPHEMERON {
            return;
        }
        let (place, value) = match value {
            Operand::Nil => (None, Value::Nil),
            Operand::Integer(value) => (None, Value::Integer(value)),
            Operand::Object(choice) => match self.place(locals, choice) {
                Some((place, id)) => (Some(place), Value::Node(id)),
                None => return,
            },
        };
        let result = scope.scope(|inner| {
            let integer = if let Value::Integer(value) = value { inner.integer(value) } else { None };
            let object = match object {
                Some((place, _)) => reference(inner, variables, locals, place),
                None => inner.get(variables),
            };
            let value = match (place, integer) {
                (Some(place), _) => reference(inner, variables, locals, place),
                (None, Some(integer)) => inner.get(integer),
                (None, None) => inner.nil(),
            };
            object.set_slot(slot, value)
        });
        let node = &mut self.nodes[id];
        if node.immutable {
            assert_eq!(result, Err(AccessError::Immutable));
        } else {
            assert_eq!(result, Ok(()));
            node.slots[slot] = value;
        }
    }
}

/// What a collection may and must have done.
impl Model {
    fn follow_collection<'s>(
        &mut self,
        scope: &mut Scope<'s>,
        variables: Handle<'_>,
        locals: &mut Locals<'s>,
        is_exact: bool,
    ) {
        let before = self.reach();
        while let Some(fired) = scope.next_finalizable() {
            let name = scope.get(fired).slot(NAME_SLOT).unwrap().as_integer().unwrap();
            let id = usize::try_from(name).unwrap();
            let node = &mut self.nodes[id];
            assert_eq!(node.format, Format::EPHEMERON, "ephemeron {id} fired twice");
            node.format = Format::FIXED;
            let Value::Node(key) = node.slots[0] else { panic!("ephemeron {id} fired without a key") };
            assert!(!before.live[key], "ephemeron {id} fired, but its key {key} is reachable");
            self.add_local(locals, fired, id);
        }
        // What fired, and what it refers to, is reachable again.
        let after = self.reach();
        self.check_same(scope, variables, locals, &after, is_exact);
        self.check_classes(scope, &after, is_exact);
        if is_exact {
            assert_eq!(after.undecided, [] as [Id; 0], "ephemerons did not fire");
        }
        if is_exact && !self.is_shared {
            self.check_nothing_else(scope, &after);
        }
    }

    /// Compares everything that can be reached from here.
    fn check_same(
        &mut self,
        scope: &Scope<'_>,
        variables: Handle<'_>,
        locals: &Locals<'_>,
        reached: &Reached,
        is_exact: bool,
    ) {
        let mut pending = vec![(scope.get(variables), VARIABLES_ARRAY)];
        pending.extend(locals.iter().map(|&(handle, id)| (scope.get(handle), id)));
        let mut place_of: HashMap<Id, u64> = HashMap::new();
        let mut node_at: HashMap<u64, Id> = HashMap::new();
        while let Some((object, id)) = pending.pop() {
            let address = object.oop().bits();
            assert_eq!(*node_at.entry(address).or_insert(id), id, "two nodes in one place");
            if let Some(place) = place_of.insert(id, address) {
                assert_eq!(place, address, "node {id} is in two places");
                continue;
            }
            self.check_object(object, id);
            for slot in 0..self.nodes[id].slots.len() {
                let found = object.slot(slot).unwrap();
                match self.nodes[id].slots[slot] {
                    Value::Nil => assert!(found.is_nil(), "slot {slot} of {id} is {found:?} instead of nil"),
                    Value::Integer(value) => assert_eq!(found.as_integer(), Some(value)),
                    Value::Node(target) => {
                        let is_weak = self.nodes[id].format == Format::WEAK;
                        let is_live = reached.live[target];
                        if is_weak && found.is_nil() {
                            assert!(
                                !is_live,
                                "weak slot {slot} of {id} was cleared, but {target} is reachable"
                            );
                            self.nodes[id].slots[slot] = Value::Nil;
                        } else {
                            let must_be_clear = is_weak && is_exact && !is_live;
                            assert!(!must_be_clear, "weak slot {slot} of {id} was not cleared");
                            pending.push((found, target));
                        }
                    }
                }
            }
        }
    }

    fn check_object(&self, object: Ref<'_>, id: Id) {
        let node = &self.nodes[id];
        assert_eq!(object.class_index(), self.classes[node.class].index, "class of {id}");
        assert_eq!(object.slots(), node.slots.len(), "slots of {id}");
        assert_eq!(object.bytes(), node.bytes.len(), "bytes of {id}");
        for (index, &byte) in node.bytes.iter().enumerate() {
            assert_eq!(object.byte(index), Ok(byte), "byte {index} of {id}");
        }
        if let Some(hash) = node.hash {
            assert_eq!(object.identity_hash().unwrap().get(), hash, "hash of {id}");
        }
        if let Some(address) = node.pinned_at {
            assert_eq!(object.oop().address(), address, "{id} is pinned");
        }
        if !node.slots.is_empty() {
            let same = object.set_slot(0, object.slot(0).unwrap());
            assert_eq!(same, if node.immutable { Err(AccessError::Immutable) } else { Ok(()) });
        }
    }

    /// Classes of live instances and live class objects are kept, the others' indices are free.
    fn check_classes(&mut self, scope: &mut Scope<'_>, reached: &Reached, is_exact: bool) {
        let mut has_instances = vec![false; self.classes.len()];
        for (id, node) in self.nodes.iter().enumerate() {
            has_instances[node.class] |= reached.live[id];
        }
        let table = &scope.mutator().heap().classes;
        for (class, has_instances) in self.classes.iter_mut().zip(has_instances) {
            // The index of one that left may have been given out again.
            if class.is_in_table {
                let is_live = has_instances || class.object.is_none_or(|object| reached.live[object]);
                class.is_in_table = table.spec(class.index).is_some();
                assert!(class.is_in_table || !is_live, "{:?} is in use, but was freed", class.index);
                assert!(!class.is_in_table || is_live || !is_exact, "{:?} was not freed", class.index);
            }
        }
        if !self.is_shared {
            assert_eq!(table.len(), self.classes.iter().filter(|class| class.is_in_table).count());
        }
    }

    /// A full collection leaves the reachable objects, and nil.
    fn check_nothing_else(&self, scope: &mut Scope<'_>, reached: &Reached) {
        let mut pause = scope.stop_world();
        pause.retire_buffers();
        let mut objects = 0;
        // SAFETY: the world is stopped and the buffers were retired.
        unsafe { pause.world().heap().for_each_object(|_, _| objects += 1) };
        assert_eq!(objects, reached.live.iter().filter(|is_live| **is_live).count() + 1);
    }
}

fn run(world: &Arc<World>, program: &[Op], is_shared: bool) {
    world.attach().scope(|scope| {
        let mut model = Model { is_shared, ..Model::default() };
        // Two classes without an object, which are never removed.
        for spec in [ClassSpec::of(Format::INDEXABLE), ClassSpec::fixed(2)] {
            let index = scope.define_class(spec, None).unwrap();
            model.classes.push(Class { index, spec, object: None, is_in_table: true });
        }
        let variables = scope.allocate(model.classes[0].index, VARIABLES).unwrap();
        assert_eq!(model.new_node(0, VARIABLES), VARIABLES_ARRAY);
        model.roots.push(VARIABLES_ARRAY);
        scope.scope(|inner| {
            let mut locals = Vec::new();
            model.run(inner, variables, &mut locals, program);
            for kind in [Collection::Young, Collection::Full, Collection::Compacting] {
                model.run(inner, variables, &mut locals, &[Op::Collect(kind)]);
            }
        });
        model.roots.truncate(1);
        model.run(scope, variables, &mut Vec::new(), &[Op::Collect(Collection::Full)]);
    });
}

/// The same program without what a world has once: the finalisation queue, and class indices that are given out again.
fn among_others(mut program: Vec<Op>) -> Vec<Op> {
    for op in &mut program {
        match op {
            Op::Define { spec, object } => {
                *object = None;
                let has_queue = SPECS[*spec].format == Format::EPHEMERON;
                *spec = if has_queue { 0 } else { *spec };
            }
            Op::Scope(inner) => *inner = among_others(std::mem::take(inner)),
            _ => {}
        }
    }
    program
}

/// A few dozen programs in an ordinary run; `PROPTEST_CASES` asks for more.
fn cases() -> ProptestConfig {
    let default = ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::default() };
    let is_asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if is_asked { default.cases } else { 32 }, ..default }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn random_programs_see_the_graph_that_they_built(
        config in config(),
        program in proptest::collection::vec(op(), 1..120),
    ) {
        run(&World::new(config).unwrap(), &program, false);
    }

    #[test]
    fn random_programs_of_several_threads_see_their_own_graphs(
        config in config(),
        programs in proptest::collection::vec(proptest::collection::vec(op(), 1..60), 2..4),
    ) {
        let world = World::new(config).unwrap();
        std::thread::scope(|threads| {
            for program in programs {
                let world = &world;
                threads.spawn(move || run(world, &among_others(program), true));
            }
        });
    }
}
