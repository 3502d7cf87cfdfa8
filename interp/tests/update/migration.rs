//! Instances counted, found, and made anew in bulk.

use super::{check, configurations, space, with_strategy};
use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::vm::SpaceOptions;
use instar_interp::vm::space::BecomeStrategy;

const OLD: &str = "
Class { #name : #OldItem, #superclass : #Object, #instVars : [ 'a', 'b', 'c' ], #category : #Update }
";
const NEW: &str = "
Class { #name : #NewItem, #superclass : #Object, #instVars : [ 'w', 'x', 'y', 'z' ], #category : #Update }
";
const SMALL: &str = "
Class { #name : #SmallItem, #superclass : #Object, #category : #Update }
";
const OLD_LIST: &str = "
Class { #name : #OldList, #superclass : #Object, #type : #variable, #instVars : [ 'a', 'b' ], #category : #Update }
";
const NEW_LIST: &str = "
Class { #name : #NewList, #superclass : #Object, #type : #variable, #instVars : [ 'x' ], #category : #Update }
";
const OLD_BYTES: &str = "
Class { #name : #OldBytes, #superclass : #Object, #type : #bytes, #category : #Update }
";
const NEW_BYTES: &str = "
Class { #name : #NewBytes, #superclass : #Object, #type : #bytes, #category : #Update }
";
const WEAK: &str = "
Class { #name : #WeakItem, #superclass : #Object, #type : #weak, #category : #Update }
";

/// Short words for the arguments of migrations.
const CASE: &str = "
Class { #name : #Case, #superclass : #Object, #category : #Update }

{ #category : #a }
Case class >> items: count [
	^ ((1 to: count) collect: [ :index | | item |
		item := OldItem new.
		item instVarAt: 1 put: (index even ifTrue: [ index ]); instVarAt: 2 put: index printString; instVarAt: 3 put: item.
		item ]) asArray
]

{ #category : #a }
Case class >> slotsOf: anObject [ ^ (1 to: anObject class instSize) collect: [ :index | anObject instVarAt: index ] ]

{ #category : #a }
Case class >> one: old to: class map: map defaults: defaults [
	| new answer |
	new := Array new: old size.
	answer := Probe migrate: old to: new from: 1 to: old size classes: { class } maps: { map } defaults: { defaults } chooser: 0.
	^ answer == Probe ifTrue: [ new ] ifFalse: [ answer ]
]

{ #category : #a }
Case class >> choose: old slot: slot [
	| new answer |
	new := Array new: old size.
	answer := Probe migrate: old to: new from: 1 to: old size classes: { NewItem. SmallItem } maps: { #( 1 2 3 0 ). #() }
		defaults: { #( nil nil nil 0 ). #() } chooser: slot.
	^ answer == Probe ifTrue: [ new ] ifFalse: [ answer ]
]
";

const CLASSES: &[(&str, &str)] = &[
    ("OldItem", OLD),
    ("NewItem", NEW),
    ("SmallItem", SMALL),
    ("OldList", OLD_LIST),
    ("NewList", NEW_LIST),
    ("OldBytes", OLD_BYTES),
    ("NewBytes", NEW_BYTES),
    ("WeakItem", WEAK),
    ("Case", CASE),
];

const REFUSED: &str = "#'bad argument'";

#[test]
fn instances_are_counted_and_found() {
    let found = "| items array |
        Smalltalk garbageCollect.
        items := Case items: 5.
        array := Array new: 7.
        { Probe count: OldItem. Probe fill: array with: OldItem from: 2.
            (items allSatisfy: [ :each | array identityIncludes: each ]). array first. array last }";
    let room = "| items array |
        Smalltalk garbageCollect.
        items := Case items: 5.
        array := Array new: 3.
        { Probe fill: array with: OldItem from: 2. array first. array last class. items size.
            Probe fill: array with: OldItem from: 4 }";
    // An Array among the instances is not put into itself, forwarders are none.
    let arrays = "| array count |
        count := Probe count: Array.
        array := Array new: count + 100.
        Probe fill: array with: Array from: 1.
        array identityIncludes: array";
    let forwarded = "| items array |
        Smalltalk garbageCollect.
        items := Case items: 4.
        (items copyFrom: 1 to: 2) elementsForwardIdentityTo: (items copyFrom: 3 to: 4).
        Smalltalk garbageCollect.
        array := Array new: 9.
        { Probe fill: array with: OldItem from: 1. items asIdentitySet size }";
    let wrong = |arguments: &str| format!("Probe fill: {arguments}");
    let index = "(SmallItem class allInstVarNames indexOf: 'classIndex')";
    let forged = |index_value: &str| {
        format!(
            "| was answer |
            was := SmallItem instVarAt: {index}.
            SmallItem instVarAt: {index} put: {index_value}.
            answer := {{ Probe count: SmallItem. Probe fill: (Array new: 3) with: SmallItem from: 1 }}.
            SmallItem instVarAt: {index} put: was.
            answer"
        )
    };
    let both = format!("#({REFUSED} {REFUSED})");
    check(
        CLASSES,
        &[
            (found, "#(5 5 true nil nil)"),
            (room, "{2. nil. OldItem. 5. 0}"),
            (arrays, "false"),
            (forwarded, "#(2 2)"),
            (&wrong("nil with: OldItem from: 1"), REFUSED),
            (&wrong("(OrderedCollection new) with: OldItem from: 1"), REFUSED),
            (&wrong("(Array new: 3) with: OldItem from: 0"), REFUSED),
            (&wrong("(Array new: 3) with: OldItem from: 5"), REFUSED),
            (&wrong("(Array new: 3) with: OldItem new from: 1"), REFUSED),
            (&wrong("(Array new: 3) beReadOnlyObject with: OldItem from: 1"), REFUSED),
            ("Probe count: 3", REFUSED),
            (&forged("8"), &both),
            (&forged("9"), &both),
            (&forged("0"), &both),
            (&forged("-1"), &both),
            (&forged("4194303"), &both),
            (&forged("nil"), &both),
        ],
    );
}

#[test]
fn slots_come_from_their_sources() {
    let one = "| old new |
        old := Case items: 3.
        new := Case one: old to: NewItem map: #( 3 0 2 0 ) defaults: { 0. 'late' copy. 0. #sym }.
        Smalltalk garbageCollectMost. Smalltalk garbageCollect.
        { new allSatisfy: [ :each | each class == NewItem ]. (new at: 2) == (old at: 2).
            ((new at: 2) instVarAt: 1) == (old at: 2). (new first instVarAt: 2) == (new last instVarAt: 2).
            (new first instVarAt: 2). (new at: 3) instVarAt: 3. (new at: 3) instVarAt: 4 }";
    let fewer =
        "((Case one: (Case items: 2) to: SmallItem map: #() defaults: #()) collect: [ :each | each class ])";
    let chosen = "| new |
        new := Case choose: (Case items: 4) slot: 1.
        (Case slotsOf: (new at: 2)) = { 2. '2'. (new at: 2) instVarAt: 3. 0 }
            ifTrue: [ new collect: [ :each | each class ] ]";
    let forwarded = "| old new |
        old := Case items: 3.
        (old at: 1) instVarAt: 1 put: OldItem new.
        Smalltalk garbageCollect.
        ((old at: 1) instVarAt: 1) becomeForward: nil.
        new := Case choose: old slot: 1.
        new collect: [ :each | each class ]";
    let part = "| old new |
        old := Case items: 4. new := Array new: 6.
        Probe migrate: old to: new from: 2 to: 3 classes: { SmallItem } maps: #( #() ) defaults: #( #() ) chooser: 0.
        new collect: [ :each | each class name ]";
    check(
        CLASSES,
        &[
            (one, "#(true false true true 'late' '3' #sym)"),
            (fewer, "{SmallItem. SmallItem}"),
            (chosen, "{SmallItem. NewItem. SmallItem. NewItem}"),
            (forwarded, "{SmallItem. NewItem. SmallItem}"),
            (
                part,
                "#(#UndefinedObject #SmallItem #SmallItem #UndefinedObject #UndefinedObject #UndefinedObject)",
            ),
        ],
    );
}

#[test]
fn elements_are_copied() {
    let lists = "| old new |
        old := { OldList new: 3. OldList new: 0. OldList new: 300 }.
        old do: [ :each | each instVarAt: 1 put: each; instVarAt: 2 put: 'b'.
            1 to: each size do: [ :index | each at: index put: index printString ] ].
        new := Case one: old to: NewList map: #( 2 ) defaults: #( nil ).
        Smalltalk garbageCollect.
        { new collect: [ :each | each size ]. new first at: 3. new last at: 300. new last instVarAt: 1.
            (new last at: 7) == (old last at: 7) }";
    let grown = "| new |
        new := Case one: (Case items: 2) to: OldList map: #( 2 0 ) defaults: #( nil 5 ).
        { new first size. new first instVarAt: 1. new first instVarAt: 2 }";
    let bytes = "| old new |
        old := (0 to: 20) collect: [ :size | | each |
            each := OldBytes new: size.
            1 to: size do: [ :index | each at: index put: index + size ].
            each ].
        new := Case one: old asArray to: NewBytes map: #() defaults: #().
        { (1 to: 21) allSatisfy: [ :index | (new at: index) size = (index - 1) ].
            (new at: 10) at: 9. new last at: 20. new last class }";
    let large = "| old new |
        old := { OldList new: 40000. OldList new: 9000. OldList new: 3 }.
        1 to: 40000 do: [ :index | old first at: index put: index printString ].
        new := Case one: old to: NewList map: #( 1 ) defaults: #( nil ).
        Smalltalk garbageCollectMost. Smalltalk garbageCollect.
        { new first at: 40000. (new at: 2) size. new last size }";
    check(
        CLASSES,
        &[
            (lists, "#(#(3 0 300) '3' '300' 'b' true)"),
            (grown, "#(0 '1' 5)"),
            (bytes, "{true. 18. 40. NewBytes}"),
            (large, "#('40000' 9000 3)"),
        ],
    );
}

#[test]
fn what_was_read_only_or_hashed_is_neither_afterwards() {
    let program = "| old hashes new |
        old := Case items: 2.
        hashes := old collect: [ :each | each identityHash ].
        old do: [ :each | each beReadOnlyObject ].
        new := Case one: old to: NewItem map: #( 1 2 3 0 ) defaults: #( nil nil nil nil ).
        { new anySatisfy: [ :each | each isReadOnlyObject ]. new first identityHash = hashes first. old first isReadOnlyObject }";
    check(CLASSES, &[(program, "#(false false true)")]);
}

#[test]
fn arrays_may_refer_to_forwarders() {
    let program = "| old new |
        old := (Case items: 3) , { Object new }.
        Smalltalk garbageCollect.
        old last becomeForward: OldItem new.
        new := Case one: old to: NewItem map: #( 1 2 3 0 ) defaults: #( nil nil nil nil ).
        new collect: [ :each | each class ]";
    check(CLASSES, &[(program, "{NewItem. NewItem. NewItem. NewItem}")]);
}

#[test]
fn many_are_made_by_all_workers() {
    let program = "| old new |
        old := Case items: 20000.
        new := Case one: old to: NewItem map: #( 1 2 3 0 ) defaults: { nil. nil. nil. Object new }.
        Smalltalk garbageCollectMost. Smalltalk garbageCollect. Smalltalk garbageCollect.
        { (1 to: 20000) allSatisfy: [ :index |
            ((new at: index) instVarAt: 2) = index printString
                and: [ ((new at: index) instVarAt: 3) == (old at: index) ] ].
            (new collect: [ :each | each instVarAt: 4 ]) asIdentitySet size }";
    for workers in [1, 2, 3] {
        let gc = GcConfig { verify: true, ..GcConfig::default() }.with_workers(workers);
        let mut space = space(SpaceOptions { gc, ..SpaceOptions::default() }, CLASSES);
        assert_eq!(space.evaluate_to_string(program).unwrap(), "#(true 1)", "{workers} workers");
    }
}

/// All arguments of a migration that works, to be made wrong one by one.
#[derive(Clone)]
struct Arguments {
    old: &'static str,
    new: &'static str,
    range: [&'static str; 2],
    classes: &'static str,
    maps: &'static str,
    defaults: &'static str,
    chooser: &'static str,
}

const RIGHT: Arguments = Arguments {
    old: "Case items: 3",
    new: "Array new: 3",
    range: ["1", "3"],
    classes: "{ NewItem }",
    maps: "#( #( 1 2 3 0 ) )",
    defaults: "#( #( nil nil nil 1 ) )",
    chooser: "0",
};

impl Arguments {
    fn program(&self) -> String {
        let Arguments { old, new, range: [start, end], classes, maps, defaults, chooser } = self;
        format!(
            "| old new |
            old := {old}. new := {new}.
            {{ (Probe migrate: old to: new from: {start} to: {end} classes: {classes} maps: {maps} defaults: {defaults} chooser: {chooser}) == Probe.
                new class == Array and: [ (new == old) not and: [ new anySatisfy: [ :each | each notNil ] ] ] }}"
        )
    }
}

#[test]
fn wrong_arguments_are_refused_and_change_nothing() {
    let two = Arguments {
        classes: "{ NewItem. SmallItem }",
        maps: "#( #( 1 2 3 0 ) #() )",
        defaults: "#( #( nil nil nil 1 ) #() )",
        chooser: "1",
        ..RIGHT
    };
    let wrong = [
        Arguments { old: "OrderedCollection new", ..RIGHT },
        Arguments { old: "nil", ..RIGHT },
        Arguments { old: "Array new: 3", ..RIGHT },
        Arguments { old: "{ 1. 2. 3 }", ..RIGHT },
        Arguments { old: "(Case items: 2) , { Object new }", ..RIGHT },
        Arguments { old: "(Case items: 2) , { 5 }", ..RIGHT },
        Arguments { old: "(Case items: 2) , { nil }", ..RIGHT },
        Arguments { old: "{ WeakItem new: 1. WeakItem new: 1. WeakItem new: 1 }", ..RIGHT },
        Arguments { old: "{ OldList new: 1. OldList new: 1. OldList new: 1 }", ..RIGHT },
        Arguments { old: "{ OldBytes new: 1. OldBytes new: 1. OldBytes new: 1 }", ..RIGHT },
        Arguments { new: "nil", ..RIGHT },
        Arguments { new: "Array new: 2", ..RIGHT },
        Arguments { new: "OrderedCollection new: 3", ..RIGHT },
        Arguments { new: "(Array new: 3) beReadOnlyObject; yourself", ..RIGHT },
        Arguments { new: "old", ..RIGHT },
        Arguments { range: ["0", "3"], ..RIGHT },
        Arguments { range: ["1", "4"], ..RIGHT },
        Arguments { range: ["-1", "3"], ..RIGHT },
        Arguments { range: ["nil", "3"], ..RIGHT },
        Arguments { range: ["1", "2 ** 80"], ..RIGHT },
        Arguments { classes: "{ NewItem new }", ..RIGHT },
        Arguments { classes: "{ 3 }", ..RIGHT },
        Arguments { classes: "#()", maps: "#()", defaults: "#()", ..RIGHT },
        Arguments { classes: "NewItem", ..RIGHT },
        Arguments { classes: "{ NewItem. NewItem }", ..RIGHT },
        Arguments { maps: "#( #( 1 2 3 ) )", ..RIGHT },
        Arguments { maps: "#( #( 1 2 3 0 0 ) )", defaults: "#( #( 1 1 1 1 1 ) )", ..RIGHT },
        Arguments { maps: "#( #( 1 2 4 0 ) )", ..RIGHT },
        Arguments { maps: "#( #( 1 2 -1 0 ) )", ..RIGHT },
        Arguments { maps: "#( #( 1 2 nil 0 ) )", ..RIGHT },
        Arguments { maps: "{ { 1. 2. 2 ** 70. 0 } }", ..RIGHT },
        Arguments { maps: "#( 3 )", ..RIGHT },
        Arguments { maps: "nil", ..RIGHT },
        Arguments { maps: "#( #( 1 2 3 0 ) #( 1 2 3 0 ) )", ..RIGHT },
        Arguments { defaults: "#( #( nil nil nil ) )", ..RIGHT },
        Arguments { defaults: "#( 5 )", ..RIGHT },
        Arguments { defaults: "nil", ..RIGHT },
        Arguments { chooser: "1", ..RIGHT },
        Arguments { chooser: "nil", ..RIGHT },
        Arguments { chooser: "-1", ..RIGHT },
        Arguments { chooser: "0", ..two.clone() },
        Arguments { chooser: "4", ..two.clone() },
        // No instances of these are made, or none that look so.
        Arguments { classes: "{ WeakItem }", maps: "#( #() )", defaults: "#( #() )", ..RIGHT },
        Arguments { classes: "{ NewBytes }", maps: "#( #() )", defaults: "#( #() )", ..RIGHT },
        Arguments { classes: "{ SmallInteger }", maps: "#( #() )", defaults: "#( #() )", ..RIGHT },
        Arguments { classes: "{ UndefinedObject }", maps: "#( #() )", defaults: "#( #() )", ..RIGHT },
        Arguments {
            classes: "{ CompiledMethod }",
            maps: "{ Array new: CompiledMethod instSize withAll: 0 }",
            defaults: "{ Array new: CompiledMethod instSize withAll: 1 }",
            ..RIGHT
        },
    ];
    let mut programs = vec![(RIGHT.program(), "#(true true)"), (two.program(), "#(true true)")];
    programs.extend(wrong.iter().map(|arguments| (arguments.program(), "#(false false)")));
    let empty = Arguments { range: ["3", "2"], ..RIGHT };
    programs.push((empty.program(), "#(true false)"));
    let programs: Vec<_> = programs.iter().map(|(program, wanted)| (&**program, *wanted)).collect();
    check(CLASSES, &programs);
}

/// What the guest writes into a class decides nothing that the class table does not agree with.
#[test]
fn forged_classes_are_refused_or_harmless() {
    let index = "(SmallItem class allInstVarNames indexOf: 'classIndex')";
    for (name, options) in configurations() {
        let mut space = space(options, CLASSES);
        for forged in [
            "1",
            "8",
            "9",
            "10",
            "11",
            "0",
            "-5",
            "4194303",
            "2 ** 62",
            "CompiledMethod classIndex",
            "CompiledBlock classIndex",
            "nil",
        ] {
            let program = format!(
                "| was answers |
                was := SmallItem instVarAt: {index}.
                SmallItem instVarAt: {index} put: {forged}.
                answers := ({{ #(). #( 0 ). #( 1 2 3 ). Array new: CompiledMethod instSize withAll: 0. Array new: CompiledBlock instSize withAll: 0 }} collect: [ :map |
                    Case one: (Case items: 3) to: SmallItem map: map defaults: map ]).
                SmallItem instVarAt: {index} put: was.
                Smalltalk garbageCollect.
                answers asSet asArray"
            );
            assert_eq!(
                space.evaluate_to_string(&program).unwrap(),
                format!("#({REFUSED})"),
                "{name}: {forged}"
            );
        }
        // Another class's instances are made, in that class's shape.
        let other = format!(
            "| was answers |
            was := SmallItem instVarAt: {index}.
            SmallItem instVarAt: {index} put: NewItem classIndex.
            answers := {{ Case one: (Case items: 3) to: SmallItem map: #() defaults: #().
                (Case one: (Case items: 3) to: SmallItem map: #( 1 2 3 0 ) defaults: #( 1 1 1 1 )) first class }}.
            SmallItem instVarAt: {index} put: was.
            answers"
        );
        assert_eq!(space.evaluate_to_string(&other).unwrap(), format!("{{{REFUSED}. NewItem}}"), "{name}");
    }
}

#[test]
fn without_memory_nothing_changes() {
    let heap = HeapConfig {
        limit_bytes: 48 * MIB,
        eden_bytes: MIB,
        survivor_bytes: MIB / 2,
        ..HeapConfig::default()
    };
    for workers in [1, 2] {
        let gc = GcConfig { heap: heap.clone(), verify: true, ..GcConfig::default() }.with_workers(workers);
        let mut space = space(SpaceOptions { gc, ..with_strategy(BecomeStrategy::Lazy) }, CLASSES);
        let program = "| old new answer |
            old := (1 to: 4000) collect: [ :index | OldList new: 800 ].
            new := Array new: old size withAll: #before.
            answer := Probe migrate: old asArray to: new from: 1 to: old size classes: { NewList } maps: #( #( 1 ) )
                defaults: #( #( nil ) ) chooser: 0.
            { answer. new allSatisfy: [ :each | each == #before ]. old allSatisfy: [ :each | each class == OldList ].
                Probe count: NewList }";
        let wanted = "#(#'no memory' true true 0)";
        assert_eq!(space.evaluate_to_string(program).unwrap(), wanted, "{workers} workers");
        // Half as many fit once the others are gone: the migration itself asks for the collection that makes the room.
        let again = "| old new before |
            old := ((1 to: 4500) collect: [ :index | OldList new: 800 ]) asArray.
            Smalltalk garbageCollect.
            old := old copyFrom: 1 to: 2250.
            new := Array new: old size.
            before := Smalltalk vm statistic: 'fullCollections'.
            Probe migrate: old to: new from: 1 to: old size classes: { NewList } maps: #( #( 1 ) ) defaults: #( #( nil ) ) chooser: 0.
            (Smalltalk vm statistic: 'fullCollections') > before
                and: [ new allSatisfy: [ :each | each class == NewList and: [ each size = 800 ] ] ]";
        assert_eq!(space.evaluate_to_string(again).unwrap(), "true", "{workers} workers");
    }
}
