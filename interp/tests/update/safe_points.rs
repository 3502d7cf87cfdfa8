//! Return barriers: where they stand, and that they fire once however an activation goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use instar_interp::bootstrap::Problem;
use instar_interp::vm::space::BecomeStrategy;

use super::{check, configurations, space, with_strategy};

/// Processes that stop inside of methods and leave them in many ways.
const VICTIM: &str = "
Class { #name : #Victim, #superclass : #Object, #instVars : [ 'go', 'events', 'result', 'again', 'context' ], #category : #Update }

{ #category : #driving }
Victim class >> leave: aSelector affected: selectors [
	^ self leave: aSelector affected: selectors with: [ :process :victim | victim go ]
]

{ #category : #driving }
Victim class >> leave: aSelector affected: selectors with: aBlock [
	| victim events process blocked before after |
	victim := self new setUp.
	events := victim events.
	Probe semaphore: events.
	process := victim run: aSelector.
	blocked := Probe guard: (selectors collect: [ :each | self >> each ]).
	before := victim eventCount.
	aBlock value: process value: victim.
	after := victim eventCount.
	Probe semaphore: nil.
	^ { blocked size. blocked first == process. blocked second selector. before. after. victim result. process isTerminated }
]

{ #category : #driving }
Victim >> setUp [ go := Semaphore new. events := Semaphore new. again := false ]

{ #category : #driving }
Victim >> run: aSelector [
	| process |
	process := [ result := self perform: aSelector ] newProcess.
	process priority: 50; resume.
	^ process
]

{ #category : #driving }
Victim >> go [ go signal ]

{ #category : #driving }
Victim >> events [ ^ events ]

{ #category : #driving }
Victim >> eventCount [ ^ events instVarAt: 3 ]

{ #category : #driving }
Victim >> result [ ^ result ]

{ #category : #driving }
Victim >> context [ ^ context ]

{ #category : #affected }
Victim >> plain [ go wait. ^ 1 ]

{ #category : #affected }
Victim >> call: aBlock [ go wait. ^ aBlock value ]

{ #category : #affected }
Victim >> callEnsured: aBlock [ ^ [ go wait. aBlock value ] ensure: [ again := true ] ]

{ #category : #affected }
Victim >> callEndlessly: aBlock [ ^ aBlock ensure: [ [ true ] whileTrue ] ]

{ #category : #affected }
Victim >> makeBlock [ ^ [ go wait. 3 ] ]

{ #category : #affected }
Victim >> makeNestedBlock [ ^ [ [ :each | go wait. each ] value: 4 ] ]

{ #category : #affected }
Victim >> recurse: count [
	count = 0 ifTrue: [ go wait. ^ #() ].
	^ (self recurse: count - 1) , { self eventCount }
]

{ #category : #affected }
Victim >> plainThenWait [ self plain. go wait. ^ 2 ]

{ #category : #affected }
Victim >> restartItself [
	again ifTrue: [ go wait. ^ 12 ].
	again := true.
	go wait.
	thisContext restart
]

{ #category : #affected }
Victim >> guardItself [ ^ Probe guard: { thisContext method } ]

{ #category : #leaving }
Victim >> byReturn [ ^ self plain ]

{ #category : #leaving }
Victim >> byNonLocalReturn [ self call: [ ^ 5 ]. ^ 6 ]

{ #category : #leaving }
Victim >> byNonLocalReturnThroughUnwindBlock [ self callEnsured: [ ^ again ]. ^ 6 ]

{ #category : #leaving }
Victim >> byException [ ^ [ self call: [ Error signal ] ] on: Error do: [ :error | error return: 7 ] ]

{ #category : #leaving }
Victim >> byExceptionThroughUnwindBlock [
	^ [ self callEnsured: [ Error signal ] ] on: Error do: [ :error | error return: 7 ]
]

{ #category : #leaving }
Victim >> byRetry [
	^ [ self call: [ again ifFalse: [ again := true. go signal. Error signal ]. 11 ] ] on: Error do: [ :error | error retry ]
]

{ #category : #leaving }
Victim >> byRestart [
	| here |
	again ifTrue: [ ^ 8 ].
	again := true.
	here := thisContext.
	self call: [ here restart ]
]

{ #category : #leaving }
Victim >> byReturnOfAContext [ | here | here := thisContext. self call: [ here return: 9 ]. ^ 1 ]

{ #category : #leaving }
Victim >> byResumption [ | here | here := thisContext. ^ self call: [ here resume: 10 ] ]

{ #category : #leaving }
Victim >> byEnd [ self call: [ Processor activeProcess primitiveEnd: nil ] ]

{ #category : #leaving }
Victim >> byTerminationOfItself [ self call: [ Processor activeProcess terminate ] ]

{ #category : #leaving }
Victim >> byBlock [ ^ self makeBlock value ]

{ #category : #leaving }
Victim >> byNestedBlock [ ^ self makeNestedBlock value ]

{ #category : #leaving }
Victim >> byRecursion [ ^ self recurse: 3 ]

{ #category : #leaving }
Victim >> throughContext [ context := thisContext. ^ self plain ]

{ #category : #affected }
Victim >> aboveContext [ self throughContext. ^ 1 ]
";

const CLASSES: &[(&str, &str)] = &[("Victim", VICTIM)];

fn outcome(method: &str, result: &str) -> String {
    format!("#(2 true #{method} 0 1 {result} true)")
}

#[test]
fn barriers_fire_once_however_an_activation_goes() {
    let ways = [
        ("byReturn", "plain", "1"),
        ("byNonLocalReturn", "call:", "5"),
        ("byNonLocalReturnThroughUnwindBlock", "callEnsured:", "false"),
        ("byException", "call:", "7"),
        ("byExceptionThroughUnwindBlock", "callEnsured:", "7"),
        ("byRetry", "call:", "11"),
        ("byRestart", "call:", "8"),
        ("byReturnOfAContext", "call:", "9"),
        ("byResumption", "call:", "10"),
        ("byEnd", "call:", "nil"),
        ("byTerminationOfItself", "call:", "nil"),
        ("byBlock", "makeBlock", "3"),
        ("byNestedBlock", "makeNestedBlock", "4"),
    ];
    let programs: Vec<(String, String)> = ways
        .iter()
        .map(|(way, method, result)| {
            (format!("Victim leave: #{way} affected: #( #{method} )"), outcome(method, result))
        })
        .collect();
    let programs: Vec<_> = programs.iter().map(|(program, wanted)| (&**program, &**wanted)).collect();
    check(CLASSES, &programs);
}

#[test]
fn barriers_fire_when_somebody_else_ends_the_process() {
    let end = |way: &str, method: &str, how: &str| {
        let program = format!(
            "Victim leave: #{way} affected: #( #{method} ) with: [ :process :victim | process {how} ]"
        );
        (program, outcome(method, "nil"))
    };
    let programs = [
        end("byReturn", "plain", "terminate"),
        end("byNonLocalReturnThroughUnwindBlock", "callEnsured:", "terminate"),
        end("byReturn", "plain", "suspend; terminate"),
        end("byBlock", "makeBlock", "terminate"),
    ];
    let programs: Vec<_> = programs.iter().map(|(program, wanted)| (&**program, &**wanted)).collect();
    check(CLASSES, &programs);
}

#[test]
fn barriers_stay_with_their_activation_over_collections_and_becomes() {
    let after = |what: &str| {
        format!(
            "Victim leave: #byReturn affected: #( plain ) with: [ :process :victim | {what}. victim go. victim go ]"
        )
    };
    let (collected, moved) = (after("Smalltalk garbageCollect. Smalltalk garbageCollectMost"), after("nil"));
    let receiver = "| victim events process blocked copy |
        victim := Victim new setUp. events := victim events. Probe semaphore: events.
        process := victim run: #byReturn.
        blocked := Probe guard: { Victim >> #plain }.
        copy := victim copy. victim becomeForward: copy.
        Smalltalk garbageCollect. copy go.
        { blocked size. copy eventCount. copy result }";
    let semaphore = "| victim other |
        victim := Victim new setUp. Probe semaphore: victim events.
        victim run: #byReturn.
        Probe guard: { Victim >> #plain }.
        other := Semaphore new. victim events becomeForward: other.
        victim go. other instVarAt: 3";
    check(
        CLASSES,
        &[
            (&collected, &outcome("plain", "1")),
            (&moved, &outcome("plain", "1")),
            (receiver, "#(2 1 1)"),
            (semaphore, "1"),
        ],
    );
}

#[test]
fn the_oldest_activation_has_the_barrier_and_the_youngest_is_reported() {
    let recursion = "Victim leave: #byRecursion affected: #( #recurse: )";
    // While younger activations of the method return, nothing fires.
    let wanted = "#(2 true #recurse: 0 1 #(0 0 0) true)";
    let stages = "| victim process counts |
        victim := Victim new setUp. Probe semaphore: victim events.
        process := victim run: #plainThenWait.
        counts := OrderedCollection new.
        2 timesRepeat: [ | blocked |
            blocked := Probe guard: { Victim >> #plainThenWait. Victim >> #plain }.
            counts add: blocked second selector; add: victim eventCount.
            victim go ].
        counts add: victim eventCount; add: (Probe guard: { Victim >> #plainThenWait }).
        counts asArray";
    check(CLASSES, &[(recursion, wanted), (stages, "#(#plain 0 #plainThenWait 0 1 #())")]);
}

#[test]
fn an_activation_that_begins_anew_keeps_its_barrier() {
    let program = "| victim counts |
        victim := Victim new setUp. Probe semaphore: victim events.
        victim run: #restartItself.
        counts := { (Probe guard: { Victim >> #restartItself }) size }.
        2 timesRepeat: [ victim go. counts := counts , { victim eventCount } ].
        counts , { victim result }";
    check(CLASSES, &[(program, "#(2 0 1 12)")]);
}

#[test]
fn exempt_processes_and_activations_do_not_count() {
    let process = "| victim process blocked |
        victim := Victim new setUp. Probe semaphore: victim events.
        process := victim run: #byReturn.
        blocked := Probe guard: { Victim >> #plain } exempt: { process } contexts: #().
        victim go.
        { blocked. victim eventCount. victim result }";
    let context = "[ :selectors | | victim blocked |
        victim := Victim new setUp. Probe semaphore: victim events.
        victim run: #aboveContext.
        blocked := Probe guard: (selectors collect: [ :each | Victim >> each ]) exempt: #() contexts: { victim context }.
        victim go.
        { blocked size. blocked isEmpty or: [ blocked second selector == #aboveContext ]. victim eventCount. victim result } ]";
    let with = |selectors: &str| format!("({context}) value: #( {selectors} )");
    let dead = "| victim blocked |
        victim := Victim new setUp. Probe semaphore: victim events.
        victim run: #aboveContext. victim go.
        blocked := Probe guard: { Victim >> #plain } exempt: #() contexts: { victim context. nil. 3 }.
        blocked size";
    check(
        CLASSES,
        &[
            (process, "#(#() 0 1)"),
            (&with("plain"), "#(0 true 0 1)"),
            (&with("throughContext"), "#(0 true 0 1)"),
            (&with("aboveContext plain"), "#(2 true 1 1)"),
            (dead, "0"),
        ],
    );
}

#[test]
fn every_process_that_has_not_ended_counts() {
    let active = "| victim blocked |
        victim := Victim new setUp. Probe semaphore: victim events.
        blocked := victim guardItself.
        { blocked first == Processor activeProcess. blocked second selector. victim eventCount }";
    let later = "| victim first second |
        victim := Victim new setUp. Probe semaphore: victim events.
        victim run: #byReturn.
        first := Probe guard: { Victim >> #plain }.
        victim run: #byReturn.
        second := Probe guard: { Victim >> #plain }.
        victim go; go.
        { first size. second size. victim eventCount. (Probe guard: { Victim >> #plain }) size }";
    let suspended = "| victim process blocked |
        victim := Victim new setUp. Probe semaphore: victim events.
        process := Process forBlock: victim makeBlock.
        blocked := Probe guard: { Victim >> #makeBlock }.
        process terminate.
        { blocked size. blocked first == process. victim eventCount. (Probe guard: { Victim >> #makeBlock }) size }";
    check(
        CLASSES,
        &[(active, "#(true #guardItself 1)"), (later, "#(2 4 2 0)"), (suspended, "#(2 true 1 0)")],
    );
}

#[test]
fn barriers_can_be_moved_taken_away_and_silenced() {
    let program = |guards: &str, semaphore: &str| {
        format!(
            "| victim |
            victim := Victim new setUp. Probe semaphore: victim events.
            victim run: #byReturn.
            Probe guard: {{ Victim >> #plain }}. {guards}. {semaphore}.
            victim go.
            {{ victim eventCount. victim result }}"
        )
    };
    check(
        CLASSES,
        &[
            (&program("Probe guard: #()", "nil"), "#(0 1)"),
            (&program("Probe guard: { Victim >> #byNonLocalReturn }", "nil"), "#(0 1)"),
            (&program("Probe guard: { Victim >> #byReturn. Victim >> #plain }", "nil"), "#(1 1)"),
            (&program("nil", "Probe semaphore: nil"), "#(0 1)"),
            (&program("nil", "Probe semaphore: Semaphore new"), "#(0 1)"),
        ],
    );
}

#[test]
fn who_waits_above_runs_before_the_process_goes_on() {
    let program = "| victim log updater process |
        victim := Victim new setUp. log := OrderedCollection new.
        Probe semaphore: victim events.
        process := [ victim plain. log add: #after ] newProcess.
        process priority: 50; resume.
        updater := [ victim events wait. log add: #event ] newProcess.
        updater setPriority: 82; resume.
        Probe guard: { Victim >> #plain }.
        victim go.
        log asArray";
    check(CLASSES, &[(program, "#(#event #after)")]);
}

#[test]
fn wrong_arguments_change_nothing() {
    let refused = "#'bad argument'";
    let guard = |arguments: &str| {
        format!(
            "| victim answer |
            victim := Victim new setUp. Probe semaphore: victim events.
            victim run: #byReturn.
            Probe guard: {{ Victim >> #plain }}.
            answer := Probe guard: {arguments}.
            victim go.
            {{ answer. victim eventCount }}"
        )
    };
    let wanted = format!("#({refused} 1)");
    let semaphore = |argument: &str| format!("Probe semaphore: {argument}");
    let empty = guard("{ nil. 3. #a. Object new } exempt: { nil } contexts: { 4. Object new }");
    check(
        CLASSES,
        &[
            (&guard("nil exempt: #() contexts: #()"), &wanted),
            (&guard("#() exempt: 3 contexts: #()"), &wanted),
            (&guard("#() exempt: #() contexts: OrderedCollection new"), &wanted),
            (&empty, "#(#() 0)"),
            (&semaphore("3"), refused),
            (&semaphore("Object new"), refused),
            (&semaphore("#()"), refused),
        ],
    );
}

/// Deep recursion: looking for barriers must not be quadratic, and they survive stacks that grow.
#[test]
fn barriers_survive_stacks_that_grow() {
    let program = "| victim process blocked deep |
        victim := Victim new setUp. Probe semaphore: victim events.
        deep := nil.
        deep := [ :count | count = 0 ifTrue: [ 0 ] ifFalse: [ 1 + (deep value: count - 1) ] ].
        process := [ victim call: [ (deep value: 20000) = 20000 ] ] newProcess.
        process priority: 50; resume.
        blocked := Probe guard: { Victim >> #call: }.
        victim go.
        { blocked size. victim eventCount. process isTerminated }";
    for (name, options) in configurations() {
        let mut space = space(options, CLASSES);
        assert_eq!(space.evaluate_to_string(program).unwrap(), "#(2 1 true)", "{name}");
    }
}

/// The host drops a process that does not even end its unwind blocks: no activation of it returns.
#[test]
fn barriers_fire_when_the_host_drops_the_process() {
    let program = "| victim |
        victim := Victim new setUp.
        Smalltalk at: #DroppedVictim put: victim.
        Probe semaphore: victim events.
        victim callEndlessly: [
            Smalltalk at: #GuardSize put: (Probe guard: { Victim >> #callEndlessly: }) size.
            [ true ] whileTrue ]";
    let mut space = space(with_strategy(BecomeStrategy::Lazy), CLASSES);
    let interrupt = space.interrupt();
    let is_over = Arc::new(AtomicBool::new(false));
    let until = is_over.clone();
    let stopper = std::thread::spawn(move || {
        while !until.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(300));
            interrupt.request_stop();
        }
    });
    let result = space.evaluate(program);
    is_over.store(true, Ordering::Relaxed);
    stopper.join().unwrap();
    assert!(matches!(result, Err(Problem::Interrupted(_))), "{result:?}");
    // The last request may have come too late for the process.
    let _ = space.evaluate("1 to: 1000000 do: [ :each | each ]");
    let after = "{ Smalltalk at: #GuardSize. (Smalltalk at: #DroppedVictim) eventCount.
        (Probe guard: { Victim >> #callEndlessly: }) size }";
    assert_eq!(space.evaluate_to_string(after).unwrap(), "#(2 1 0)");
}
