//! Every primitive with operands that are forwarders, alone and in chains of two: it answers what it answers for the objects that they became,
//! and does the same to them. Each operand position meets forwarders, each kind of object stands behind them.
//!
//! The operands are loaded from variables, which under lazy forwarders nothing checks, so that the primitive itself meets what it is given.

#[path = "support/operands.rs"]
mod operands;

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::bootstrap::Problem;
use instar_interp::primitives;
use instar_interp::source::{self, SourceFile};
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};
use operands::{LEFT_OUT, VALUES};

/// Holds what a primitive is called with, and calls it.
const CALLER: &str = "
Class {
	#name : #OperandCaller,
	#superclass : #Object,
	#instVars : [ 'r', 'a', 'b', 'c', 'd', 'answer' ],
	#category : #Operands
}

{ #category : #a }
OperandCaller >> call: count [
	count = 0 ifTrue: [ ^ r operands ].
	count = 1 ifTrue: [ ^ r operands: a ].
	count = 2 ifTrue: [ ^ r operands: a operands: b ].
	count = 3 ifTrue: [ ^ r operands: a operands: b operands: c ].
	^ r operands: a operands: b operands: c operands: d
]

{ #category : #a }
OperandCaller >> run: count [
	| process |
	answer := #none.
	process := [
		answer := [ self call: count ] on: Exception do: [ :exception | exception return: exception class name ] ] newProcess.
	process priority: Processor activePriority + 1; resume.
	^ { self describe: answer depth: 3 } , ({ r. a. b. c. d } collect: [ :each | self describe: each depth: 2 ])
]

{ #category : #a }
OperandCaller >> describe: anObject depth: depth [
	\"What does not differ between objects that were made alike.\"

	(anObject isNil or: [ anObject isNumber or: [ anObject isString or: [ anObject isCharacter or: [
		anObject == true or: [ anObject == false ] ] ] ] ]) ifTrue: [ ^ anObject printString ].
	depth = 0 ifTrue: [ ^ anObject class name ].
	anObject class == Array ifFalse: [ ^ { anObject class name. anObject basicSize } ].
	^ (1 to: (anObject size min: 10)) asArray collect: [ :each | self describe: (anObject at: each) depth: depth - 1 ]
]
";

/// Primitives that answer what time it is or how the heap stands, or what depends on identity hashes, which differ between objects that were made
/// alike.
const DIFFERS: &[&str] = &[
    "timeUtcMicroseconds",
    "timeMonotonicMicroseconds",
    "systemForwarders",
    "systemUsedBytes",
    "systemPointersTo",
    "setScanIdentity",
    "dictionaryScanIdentity",
];

/// Calls of one primitive, each with plain operands twice, and with forwarders.
const CALLS: usize = 150;

/// Statements that answer how often both calls with plain operands did the same, and what a call with forwarders did else then.
fn statements(primitive: &str, seed: u64, least_forwarders: usize) -> String {
    let mut random = seed;
    let mut next = |limit: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    let mut text =
        String::from("| values rows proxies inners targets plain again forwarded alike others |\n");
    for (arguments, pattern) in [
        "operands",
        "operands: a",
        "operands: a operands: b",
        "operands: a operands: b operands: c",
        "operands: a operands: b operands: c operands: d",
    ]
    .into_iter()
    .enumerate()
    {
        let method =
            format!("{pattern} <primitive: #{primitive} error: reason> ^ {{ #failed. reason. {arguments} }}");
        text += &format!("Object compile: '{}'.\n", method.replace('\'', "''"));
    }
    let values: Vec<String> = VALUES.iter().map(|value| format!("[ {value} ]")).collect();
    text += &format!("values := {{ {} }}.\nrows := #(", values.join(". "));
    for _ in 0..CALLS {
        let arguments = next(5);
        let row: Vec<String> = (0..=arguments).map(|_| (next(VALUES.len()) + 1).to_string()).collect();
        text += &format!("( {} ) ", row.join(" "));
    }
    text += ").
    plain := rows collect: [ :row | OperandCaller new ].
    again := rows collect: [ :row | OperandCaller new ].
    forwarded := rows collect: [ :row | OperandCaller new ].
    proxies := OrderedCollection new.
    inners := OrderedCollection new.
    targets := OrderedCollection new.
    rows withIndexDo: [ :row :number |
        row withIndexDo: [ :value :position |
            | proxy inner |
            (plain at: number) instVarAt: position put: (values at: value) value.
            (again at: number) instVarAt: position put: (values at: value) value.
            (forwarded at: number) instVarAt: position put: (proxy := Object new).
            inner := Object new.
            (number + position) odd ifTrue: [ proxies add: proxy -> inner ] ifFalse: [ inner := proxy ].
            inners add: inner.
            targets add: (values at: value) value ] ].
    (proxies collect: [ :each | each key ]) asArray
        elementsForwardIdentityKeepingHashTo: (proxies collect: [ :each | each value ]) asArray.
    inners asArray elementsForwardIdentityKeepingHashTo: targets asArray.
    Smalltalk vm forwarders < LEAST ifTrue: [ self error: 'no forwarders are left' ].
    alike := 0.
    others := OrderedCollection new.
    rows withIndexDo: [ :row :number |
        | one two three |
        one := (plain at: number) run: row size - 1.
        two := (again at: number) run: row size - 1.
        three := (forwarded at: number) run: row size - 1.
        one = two ifTrue: [
            alike := alike + 1.
            two = three ifFalse: [ others add: row -> (two -> three) ] ] ].
    others isEmpty ifTrue: [ alike ] ifFalse: [ others asArray ]";
    text.replace("LEAST", &least_forwarders.to_string())
}

fn space(strategy: BecomeStrategy) -> Space {
    let heap = HeapConfig { limit_bytes: 64 * MIB, ..HeapConfig::default() };
    let gc = GcConfig { heap, ..GcConfig::default() };
    let mut space = Space::new(SpaceOptions { gc, strategy, ..SpaceOptions::default() }).unwrap();
    let files = [
        SourceFile::new("Operands/package.st", "Package { #name : #Operands }"),
        SourceFile::new("Operands/OperandCaller.class.st", CALLER),
    ];
    space.load(&source::read_files(&files).unwrap()).unwrap();
    space
}

fn check(strategy: BecomeStrategy) {
    let seed: u64 =
        std::env::var("INSTAR_SEED").map_or(0, |text| text.parse().expect("INSTAR_SEED is a number"));
    let (mut compared, mut differ) = (0, Vec::new());
    let least_forwarders = if strategy == BecomeStrategy::FullScan { 0 } else { CALLS };
    for (number, primitive) in primitives::names().enumerate() {
        if LEFT_OUT.contains(&primitive) || DIFFERS.contains(&primitive) {
            continue;
        }
        match space(strategy).evaluate_to_string(&statements(
            primitive,
            seed + number as u64,
            least_forwarders,
        )) {
            Ok(answer) => match answer.parse::<usize>() {
                Ok(alike) => compared += alike,
                Err(_) => differ.push(format!("{primitive}: {answer}")),
            },
            Err(Problem::Source(text)) => panic!("{primitive}: {text}"),
            // The guest broke or ended itself.
            Err(problem) => {
                println!("{primitive}: {}", problem.to_string().lines().next().unwrap_or_default())
            }
        }
    }
    assert!(differ.is_empty(), "{} primitives differ:\n{}", differ.len(), differ.join("\n"));
    println!("{strategy:?}: {compared} calls compared");
    assert!(compared > 20_000, "only {compared} calls could be compared");
}

#[test]
fn primitives_do_with_lazy_forwarders_what_they_do_with_their_targets() {
    check(BecomeStrategy::Lazy);
}

#[test]
fn primitives_do_with_checked_forwarders_what_they_do_with_their_targets() {
    check(BecomeStrategy::AlwaysCheck);
}

#[test]
fn primitives_do_after_a_full_scan_what_they_do_without() {
    check(BecomeStrategy::FullScan);
}
