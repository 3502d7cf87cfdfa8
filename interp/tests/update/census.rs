//! Instances that are counted beforehand, while the program goes on.

use super::{check, configurations, space};

const ONE: &str = "
Class { #name : #CensusOne, #superclass : #Object, #instVars : [ 'a' ], #category : #Update }
";
const TWO: &str = "
Class { #name : #CensusTwo, #superclass : #Object, #type : #variable, #category : #Update }
";
/// Does something to the heap, by number, and answers whether the census knows what two other primitives find.
const CASE: &str = "
Class { #name : #CensusCase, #superclass : #Object, #instVars : [ 'kept', 'random' ], #category : #Update }

{ #category : #a }
CensusCase class >> seed: seed [ ^ self basicNew setSeed: seed ]

{ #category : #a }
CensusCase >> setSeed: seed [
	kept := OrderedCollection new.
	random := Random seed: seed
]

{ #category : #a }
CensusCase >> classes [ ^ { CensusOne. CensusTwo } ]

{ #category : #a }
CensusCase >> collections [ ^ (Smalltalk vm statistic: 'scavenges') + (Smalltalk vm statistic: 'fullCollections') ]

{ #category : #a }
CensusCase >> some [ ^ kept at: (random nextInteger: kept size) ]

{ #category : #a }
CensusCase >> act [
	| choice |
	choice := random nextInteger: 12.
	choice <= 4 ifTrue: [
		100 timesRepeat: [ kept add: CensusOne new; add: (CensusTwo new: (random nextInteger: 50)); add: Object new ] ].
	choice = 5 ifTrue: [ kept size // 3 timesRepeat: [ kept removeAt: (random nextInteger: kept size) ] ].
	choice = 6 ifTrue: [ Smalltalk garbageCollect ].
	choice = 7 ifTrue: [ 4 timesRepeat: [ Smalltalk garbageCollectMost ] ].
	choice = 8 ifTrue: [ kept isEmpty ifFalse: [ self some becomeForward: CensusOne new ] ].
	choice = 9 ifTrue: [ kept size > 1 ifTrue: [ | one other |
		one := self some.
		other := self some.
		one == other ifFalse: [ one become: other ] ] ].
	choice = 10 ifTrue: [ kept add: (CensusTwo new: 20000) ].
	choice = 11 ifTrue: [ Probe advanceCensusOf: { CensusTwo } by: 3000 ].
	Probe advanceCensusOf: self classes by: (random nextInteger: 60000)
]

{ #category : #a }
CensusCase >> isRight [
	| counts walked before array filled parts |
	\"Dead instances are counted until a collection removes them: both must count between two collections.\"
	[ before := self collections.
	counts := Probe countsOf: self classes.
	walked := self classes collect: [ :each | Probe count: each ].
	before = self collections ] whileFalse.
	counts = walked ifFalse: [ ^ false ].
	array := Array new: counts sum + 3.
	counts := Probe countsOf: self classes.
	counts sum <= array size ifFalse: [ ^ true ].
	filled := Probe fill: array withAll: self classes counts: counts.
	parts := { array copyFrom: 1 to: filled first. array copyFrom: counts first + 1 to: counts first + filled last }.
	^ (self classes with: parts collect: [ :class :part |
		(part allSatisfy: [ :each | each class == class ]) and: [
			part asIdentitySet size = part size and: [
				(kept select: [ :each | each class == class ]) allSatisfy: [ :each | part identityIncludes: each ] ] ] ])
		allSatisfy: [ :each | each ]
]

{ #category : #a }
CensusCase >> run: times [
	1 to: times do: [ :each |
		self act.
		(each \\\\ 3 ~= 0 or: [ self isRight ]) ifFalse: [ ^ each ] ].
	^ 0
]
";
const CLASSES: &[(&str, &str)] = &[("CensusOne", ONE), ("CensusTwo", TWO), ("CensusCase", CASE)];

#[test]
fn a_census_agrees_with_a_walk_whatever_happens_meanwhile() {
    for (name, options) in configurations() {
        let mut space = space(options, CLASSES);
        for seed in [1, 2, 3] {
            let answer = space.evaluate_to_string(&format!("(CensusCase seed: {seed}) run: 60"));
            assert_eq!(
                answer.as_deref().unwrap(),
                "0",
                "{name}, seed {seed}: the first step after which it did not agree"
            );
        }
    }
}

#[test]
fn a_census_is_complete_after_as_many_parts_as_there_are() {
    let parts = "| parts |
        Smalltalk garbageCollect.
        parts := 1.
        [ Probe advanceCensusOf: { CensusOne } by: 100000 ] whileFalse: [ parts := parts + 1 ].
        Smalltalk garbageCollect.
        [ Probe advanceCensusOf: { CensusOne. CensusTwo } by: 100000 ] whileFalse.
        { parts > 3. Probe advanceCensusOf: { CensusTwo } by: 0. Probe advanceCensusOf: { CensusOne } by: 0.
            Probe advanceCensusOf: { CensusOne. Object } by: 0 }";
    check(CLASSES, &[(parts, "#(true true true false)")]);
}

#[test]
fn wrong_arguments_are_refused() {
    const REFUSED: &str = "#'bad argument'";
    check(
        CLASSES,
        &[
            ("Probe advanceCensusOf: nil by: 1", REFUSED),
            ("Probe advanceCensusOf: { 3 } by: 1", REFUSED),
            ("Probe advanceCensusOf: { CensusOne. CensusOne } by: 1", REFUSED),
            ("Probe advanceCensusOf: { CensusOne } by: -1", REFUSED),
            ("Probe commitAbove: -1 bytes: 1", REFUSED),
            ("Probe commitAbove: 0 bytes: nil", REFUSED),
            ("(Probe commitAbove: 100 bytes: 3000000) == Probe", "true"),
            ("(Probe commitAbove: SmallInteger maxVal bytes: SmallInteger maxVal) == Probe", "true"),
            ("Probe countsOf: { nil }", REFUSED),
            ("Probe countsOf: { }", "#()"),
            ("Probe fill: nil withAll: { CensusOne } counts: #(1)", REFUSED),
            ("Probe fill: (Array new: 1) withAll: { CensusOne } counts: #(2)", REFUSED),
            ("Probe fill: (Array new: 1) withAll: { CensusOne } counts: #()", REFUSED),
            ("Probe fill: (Array new: 1) withAll: { CensusOne } counts: #(nil)", REFUSED),
            ("Probe fill: (Array new: 1) beReadOnlyObject withAll: { CensusOne } counts: #(1)", REFUSED),
            (
                "Probe fill: (Array new: 1) withAll: { CensusOne. CensusTwo } counts: { 1. SmallInteger maxVal }",
                REFUSED,
            ),
        ],
    );
}
