//! Random programs.

use instar_become::HashRule;
use instar_gc::Collection;
use instar_heap::{ClassSpec, Format};
use proptest::prelude::*;

pub const VARIABLES: usize = 10;
/// The slot of an ephemeron that names it; programs do not store there.
pub const NAME_SLOT: usize = 2;
pub const EPHEMERON: ClassSpec = ClassSpec { format: Format::EPHEMERON, fixed_slots: 3 };
pub const SPECS: [ClassSpec; 9] = [
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
pub enum Op {
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
pub enum Operand {
    Nil,
    Integer(i64),
    Variable(usize),
}

#[derive(Clone, Copy, Debug)]
pub enum Element {
    Operand(Operand),
    Sources,
    Targets,
}

pub fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        1 => Just(Operand::Nil),
        1 => (0..3_i64).prop_map(Operand::Integer),
        12 => (0..VARIABLES).prop_map(Operand::Variable),
    ]
}

pub fn variable() -> impl Strategy<Value = Operand> {
    prop_oneof![30 => (0..VARIABLES).prop_map(Operand::Variable), 1 => operand()]
}

pub fn element() -> impl Strategy<Value = Element> {
    prop_oneof![
        60 => variable().prop_map(Element::Operand),
        1 => Just(Element::Sources),
        1 => Just(Element::Targets),
    ]
}

/// Pairs whose sides are mostly distinct: permutations of the variables, cut off, with a few elements replaced.
pub fn pairs() -> impl Strategy<Value = Vec<(Element, Element)>> {
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

pub fn size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0..6_usize, 2 => Just(24_usize), 2 => 253..258_usize, 1 => Just(700_usize)]
}

pub fn rule() -> impl Strategy<Value = HashRule> {
    prop_oneof![Just(HashRule::Keep), Just(HashRule::Take)]
}

pub fn op() -> impl Strategy<Value = Op> {
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
pub fn program() -> impl Strategy<Value = Vec<Op>> {
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
