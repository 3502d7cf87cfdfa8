//! Every kind of site that may meet a forwarder, under each strategy: what it answers, and how often it heals. The list of the sites is in
//! `docs/read-barrier.md`, which names these tests.
//!
//! A site that heals does it in the first pass and never again; one that only follows heals nothing; under `full-scan` nobody meets a
//! forwarder.

use instar_interp::source::{self, SourceFile};
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

const ITEM: &str = "
Class { #name : #SiteItem, #superclass : #Object, #instVars : [ 'value' ], #category : #Sites }

{ #category : #a }
SiteItem >> value [ ^ value ]

{ #category : #a }
SiteItem >> value: anObject [ value := anObject ]

{ #category : #a }
SiteItem >> mustBeBoolean [ ^ false ]
";

const RUNNER: &str = "
Class { #name : #SiteRunner, #superclass : #Object, #category : #Sites }

{ #category : #a }
SiteRunner >> run: aSelector with: anArray in: anObject [ ^ 2 ]

{ #category : #a }
SiteRunner >> doesNotUnderstand: aMessage [ ^ aMessage selector size ]
";

/// Has a variable more than a holder, so that a holder in its place makes the frames below check each variable.
const WIDE: &str = "
Class { #name : #SiteWide, #superclass : #Object, #instVars : [ 'item', 'more' ], #category : #Sites }

{ #category : #a }
SiteWide >> readAfterBecoming: anObject [ more := 1. self becomeForward: anObject. ^ { item value. more } ]
";

const HOLDER: &str = "
Class { #name : #SiteHolder, #superclass : #Object, #instVars : [ 'item' ], #category : #Sites }

{ #category : #a }
SiteHolder >> item [ ^ item ]

{ #category : #a }
SiteHolder >> item: anObject [ item := anObject ]

{ #category : #a }
SiteHolder >> sendToVariable [ ^ item value ]

{ #category : #a }
SiteHolder >> isSame: anObject [ ^ item == anObject ]

{ #category : #a }
SiteHolder >> isOther: anObject [ item ~~ anObject ifTrue: [ ^ 1 ]. ^ 0 ]

{ #category : #a }
SiteHolder >> nilOrNot [ ^ item ifNil: [ 1 ] ifNotNil: [ 2 ] ]

{ #category : #a }
SiteHolder >> trueOrNot [ ^ item ifTrue: [ 1 ] ifFalse: [ 2 ] ]

{ #category : #a }
SiteHolder >> increment [ ^ item + 1 ]

{ #category : #a }
SiteHolder >> addTo [ ^ 1 + item ]

{ #category : #a }
SiteHolder >> concatenate [ ^ 'a' , item ]

{ #category : #a }
SiteHolder >> first [ ^ item at: 1 ]

{ #category : #a }
SiteHolder >> valueOfBlock [ ^ item value ]

{ #category : #a }
SiteHolder >> sendUnknown [ ^ item siteUnknown ]

{ #category : #a }
SiteHolder >> useAccessors [ item value: 7. ^ item value ]

{ #category : #a }
SiteHolder >> useElements [ item at: 1 put: 7. ^ item at: 1 ]

{ #category : #a }
SiteHolder >> literal [ ^ #( 1 2 ) ]

{ #category : #a }
SiteHolder >> storeAfterBecoming: anObject [ self becomeForward: anObject. item := 9. ^ item ]

{ #category : #a }
SiteHolder >> whileItem [ | count | count := 0. [ item ] whileTrue: [ count := count + 1 ]. ^ count ]

{ #category : #a }
SiteHolder >> exchange [ | was | was := item. item := was. ^ was value ]
";

const STRATEGIES: [BecomeStrategy; 3] =
    [BecomeStrategy::Lazy, BecomeStrategy::AlwaysCheck, BecomeStrategy::FullScan];

fn space(strategy: BecomeStrategy) -> Space {
    let mut space = Space::new(SpaceOptions { strategy, ..SpaceOptions::default() }).unwrap();
    let files = [
        SourceFile::new("Sites/package.st", "Package { #name : #Sites }"),
        SourceFile::new("Sites/SiteItem.class.st", ITEM),
        SourceFile::new("Sites/SiteHolder.class.st", HOLDER),
        SourceFile::new("Sites/SiteRunner.class.st", RUNNER),
        SourceFile::new("Sites/SiteWide.class.st", WIDE),
    ];
    space.load(&source::read_files(&files).unwrap()).unwrap();
    space.evaluate("Smalltalk at: #SiteGlobal put: nil").unwrap();
    space
}

/// A way to read: how the objects are made, who holds the old one, and the read.
struct Site {
    old: &'static str,
    new: &'static str,
    holder: &'static str,
    read: &'static str,
}

impl Site {
    /// An item with the value 1 becomes one with the value 2.
    const fn of_item(holder: &'static str, read: &'static str) -> Site {
        Site { old: "SiteItem new value: 1; yourself", new: "SiteItem new value: 2; yourself", holder, read }
    }

    const fn in_variable(old: &'static str, new: &'static str, read: &'static str) -> Site {
        Site { old, new, holder: "SiteHolder new item: old; yourself", read }
    }

    /// What reading answers, how many references the first read healed, and how many the second.
    fn outcome(&self, strategy: BecomeStrategy) -> String {
        let Site { old, new, holder, read } = self;
        let program = format!(
            "| old new holder before first second result again |
            old := {old}.
            new := {new}.
            holder := {holder}.
            Smalltalk garbageCollect.
            (Array with: old) elementsForwardIdentityTo: (Array with: new).
            before := Smalltalk vm statistic: 'healedByAccess'.
            result := {read}.
            first := Smalltalk vm statistic: 'healedByAccess'.
            again := {read}.
            second := Smalltalk vm statistic: 'healedByAccess'.
            {{ result. again. first - before. second - first }}"
        );
        space(strategy).evaluate_to_string(&program).unwrap()
    }

    /// Checks the answer of both reads, and how often the first heals under `lazy` and `always-check`; the second never does.
    fn check(&self, answer: &str, healed: [u32; 2]) {
        for (strategy, healed) in STRATEGIES.into_iter().zip([healed[0], healed[1], 0]) {
            let wanted = format!("#({answer} {answer} {healed} 0)");
            assert_eq!(self.outcome(strategy), wanted, "{strategy:?}: {}", self.read);
        }
    }
}

#[test]
fn element_loads_heal() {
    Site::of_item("Array with: old", "(holder at: 1) value").check("2", [1, 1]);
    Site::of_item("OrderedCollection with: old", "(holder at: 1) value").check("2", [1, 1]);
    Site::of_item("WeakArray with: old", "(holder at: 1) value").check("2", [1, 1]);
}

#[test]
fn getters_heal() {
    Site::of_item("SiteHolder new item: old; yourself", "holder item value").check("2", [1, 1]);
    Site::of_item("Dictionary new at: 1 put: old; yourself", "(holder at: 1) value").check("2", [1, 1]);
}

#[test]
fn sends_to_variables_heal_by_the_miss() {
    Site::of_item("SiteHolder new item: old; yourself", "holder sendToVariable").check("2", [1, 1]);
}

#[test]
fn sends_to_values_that_blocks_copied_heal_by_the_miss() {
    // Copied values are not checked by any strategy where the block is entered.
    Site::of_item("[ old value ]", "holder value").check("2", [1, 1]);
}

#[test]
fn sends_to_shared_temporaries_heal() {
    let shared = "[ :first | | x | x := first. { [ x value ]. [ :new | x := new ] } ] value: old";
    Site::of_item(shared, "(holder at: 1) value").check("2", [1, 1]);
}

#[test]
fn globals_heal() {
    Site::of_item("SiteGlobal := old", "SiteGlobal value").check("2", [1, 1]);
}

#[test]
fn reading_by_reflection_heals() {
    Site::of_item("SiteHolder new item: old; yourself", "(holder instVarAt: 1) value").check("2", [1, 1]);
}

#[test]
fn copying_heals_the_original() {
    Site::of_item("Array with: old", "(holder copy at: 1) value").check("2", [1, 1]);
    let replace = "((Array new: 1) replaceFrom: 1 to: 1 with: holder startingAt: 1; at: 1) value";
    Site::of_item("Array with: old", replace).check("2", [1, 1]);
}

#[test]
fn identity_follows() {
    let (old, new) = ("SiteItem new", "SiteItem new");
    Site::in_variable(old, new, "holder isSame: new").check("true", [0, 1]);
    Site::in_variable(old, new, "holder isOther: new").check("0", [0, 1]);
}

#[test]
fn tests_for_nil_follow() {
    Site::in_variable("SiteItem new", "nil", "holder nilOrNot").check("1", [0, 1]);
    Site::in_variable("SiteItem new", "SiteItem new", "holder nilOrNot").check("2", [0, 1]);
}

#[test]
fn conditions_follow() {
    Site::in_variable("SiteItem new", "true", "holder trueOrNot").check("1", [0, 1]);
    Site::in_variable("SiteItem new", "false", "holder trueOrNot").check("2", [0, 1]);
}

#[test]
fn operands_of_arithmetic_are_followed() {
    let large = "2 raisedTo: 100";
    Site::in_variable("SiteItem new", large, "holder increment - (2 raisedTo: 100)").check("1", [1, 1]);
    // An argument of a primitive is followed in its register, the variable stays.
    Site::in_variable("SiteItem new", large, "holder addTo - (2 raisedTo: 100)").check("1", [0, 1]);
}

#[test]
fn arguments_of_primitives_are_followed() {
    Site::in_variable("SiteItem new", "'bc' copy", "holder concatenate size").check("3", [0, 1]);
}

#[test]
fn receivers_of_the_array_instruction_heal_by_the_miss() {
    Site::in_variable("Array with: 1", "Array with: 7", "holder first").check("7", [1, 1]);
}

#[test]
fn receivers_of_value_heal_by_the_miss() {
    Site::in_variable("[ 1 ]", "[ 5 ]", "holder valueOfBlock").check("5", [1, 1]);
}

#[test]
fn moves_and_stores_do_not_check() {
    // Both registers and the slot hold the forwarder until the send, whose miss heals all three; the slot counts.
    Site::of_item("SiteHolder new item: old; yourself", "holder exchange").check("2", [1, 1]);
}

#[test]
fn variables_of_receivers_that_shrank_heal() {
    let read = "(SiteWide new readAfterBecoming: holder) first";
    Site::of_item("SiteHolder new item: old; yourself", read).check("2", [1, 1]);
    let missing = "(SiteWide new readAfterBecoming: holder) last";
    Site::of_item("SiteHolder new item: old; yourself", missing).check("nil", [1, 1]);
}

#[test]
fn code_of_blocks_is_followed() {
    let (old, new) = ("SiteItem new", "[ 5 ] instVarAt: 2");
    let holder = "[ 1 ] instVarAt: 2 put: old; yourself";
    // The send of `value` follows past the slot, the primitive heals it.
    Site { old, new, holder, read: "holder value" }.check("5", [0, 0]);
    Site { old, new, holder, read: "holder valueWithArguments: #()" }.check("5", [1, 1]);
}

#[test]
fn selectors_in_method_dictionaries_heal() {
    let site = Site {
        old: "SiteItem compile: 'siteOld ^ 2'. #siteOld",
        new: "#siteNew",
        holder: "SiteItem new",
        read: "holder siteNew",
    };
    site.check("2", [1, 1]);
}

#[test]
fn superclasses_in_a_lookup_heal() {
    let class = |name: &str, answer: u32| {
        let make = format!(
            "Object subclass: #{name} instanceVariableNames: '' classVariableNames: '' package: 'Sites'"
        );
        let source = format!("({make}) compile: 'siteInherited ^ {answer}'; yourself");
        source.leak()
    };
    let site = Site {
        old: class("SiteUpper", 1),
        new: class("SiteOther", 2),
        holder: "(old subclass: #SiteLower instanceVariableNames: '' classVariableNames: '' package: 'Sites') new",
        read: "holder siteInherited",
    };
    site.check("2", [1, 1]);
}

#[test]
fn receivers_of_the_sends_of_the_runtime_are_followed() {
    // `doesNotUnderstand:`: the send that was not understood had healed.
    Site::in_variable("SiteItem new", "SiteRunner new", "holder sendUnknown").check("11", [1, 1]);
    // `mustBeBoolean`, of a loop's condition.
    Site::in_variable("SiteRunner new", "SiteItem new", "holder whileItem").check("0", [0, 1]);
    // `run:with:in:`, to what a method dictionary has in place of a method.
    let holder = "[ SiteItem methodDict at: #siteOdd put: old. SiteItem new ] value";
    Site { old: "SiteItem new", new: "SiteRunner new", holder, read: "holder siteOdd" }.check("2", [1, 1]);
}

#[test]
fn holders_of_accessors_and_elements_heal_by_the_miss() {
    // The sites have seen the class before.
    let accessors = "SiteHolder new item: SiteItem new; useAccessors; item: old; yourself";
    let (old, new) = ("SiteItem new", "SiteItem new");
    Site { old, new, holder: accessors, read: "holder useAccessors" }.check("7", [1, 1]);
    let elements = "SiteHolder new item: (Array new: 1); useElements; item: old; yourself";
    let (old, new) = ("Array new: 1", "Array new: 1");
    Site { old, new, holder: elements, read: "holder useElements" }.check("7", [1, 1]);
}

#[test]
fn literals_are_followed_by_who_uses_them() {
    let (old, new) = ("SiteHolder new literal", "{ 3. 4 }");
    Site { old, new, holder: "SiteHolder new", read: "holder literal first" }.check("3", [0, 0]);
    Site { old, new, holder: "SiteHolder new", read: "(holder literal == new)" }.check("true", [0, 0]);
}

#[test]
fn receivers_of_frames_are_never_forwarders() {
    let target = "SiteHolder new item: old; yourself";
    Site::of_item(target, "(SiteHolder new storeAfterBecoming: holder) + holder item").check("18", [0, 0]);
}
