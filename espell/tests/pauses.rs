//! How long a program stands still for updates of its core library: 100 threads of depth 100 and 10⁶ live objects. Measured by
//! `cargo test --release -p instar-espell --test pauses -- --ignored --nocapture`; without `--ignored` the same runs small, for its results.

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::host::Session;
use instar_interp::vm::{Space, SpaceOptions};

/// Statements for the program that is updated.
fn program(threads: usize, depth: usize, objects: usize) -> String {
    format!(
        "Object subclass: #Worker instanceVariableNames: 'count' classVariableNames: '' package: 'Pauses'.
        Worker compile: 'deep: n n = 0 ifTrue: [ ^ self loop ]. ^ (self deep: n - 1) + 1';
            compile: 'loop count := 0. [ Chester updatePoint. #(1 2 3) do: [ :each | count := count + each ]. Processor yield ] repeat';
            compile: 'count ^ count'.
        Smalltalk at: #Live put: ((1 to: {objects}) collect: [ :each | each @ each ]).
        Smalltalk at: #Workers put: ((1 to: {threads}) collect: [ :each | Worker new ]).
        (Smalltalk at: #Workers) do: [ :each | [ each deep: {depth} ] fork ].
        Smalltalk at: #Ready put: true"
    )
}

/// Each update: its name, what is prepared before it, and the script.
const UPDATES: [(&str, &str, &str); 5] = [
    (
        "do: pushed up",
        "{ updater compile: (SequenceableCollection >> #do:) sourceCode for: 'Object' }",
        "(it classNamed: 'SequenceableCollection') removeMethod: #do:. (it classNamed: 'Object') install: methods first",
    ),
    (
        "block memoization",
        "{ updater compile: 'memoized ^ self memoizedUsing: Dictionary new' for: 'BlockClosure'.
           updater compile: 'memoizedUsing: cache ^ [ :argument | cache at: argument ifAbsentPut: [ self value: argument ] ]' for: 'BlockClosure' }",
        "methods do: [ :each | (it classNamed: 'BlockClosure') install: each ]",
    ),
    (
        "float printing",
        "#( #printOn:base: #storeOn:base: #printPaddedWith:to: ) collect: [ :each | updater compile: (Float >> each) sourceCode for: 'Float' ]",
        "methods do: [ :each | (it classNamed: 'Float') install: each ]",
    ),
    (
        "thirteen methods of four classes",
        "| classes | classes := { Exception. Context. BlockClosure. Process }.
         classes collect: [ :class | class name -> (((class selectors asSortedCollection: [ :a :b | a <= b ]) asArray first: (class == Exception ifTrue: [ 4 ] ifFalse: [ 3 ])) collect: [ :each |
            updater compile: (class >> each) sourceCode for: class name ]) ]",
        "methods do: [ :pair | pair value do: [ :each | (it classNamed: pair key) install: each ] ]",
    ),
    (
        "SmallInteger replaced",
        "{ }",
        "| new | new := it createClassNamed: 'MySmallInteger'. new subclassOf: it smallIntegerClass.
         new compileAndInstall: 'asPoint ^ Point x: self y: self'. new install. it smallIntegerClass: new",
    ),
];

fn session() -> Session {
    let heap = HeapConfig { limit_bytes: 512 * MIB, huge_pages: false, ..HeapConfig::default() };
    let options = SpaceOptions { gc: GcConfig { heap, ..GcConfig::default() }, ..SpaceOptions::default() };
    let (space, _): (Space, _) = instar_espell::hypervisor_space(options).unwrap();
    Session::new(space).unwrap()
}

fn evaluate(session: &mut Session, source: &str) -> String {
    session.evaluate(source).unwrap_or_else(|problem| panic!("{source}\n{problem}")).0
}

fn measure(threads: usize, depth: usize, objects: usize) {
    let mut session = session();
    let source = program(threads, depth, objects).replace('\'', "''");
    evaluate(&mut session, "space := ObjectSpace named: 'program'. updater := ChesterUpdater on: space");
    evaluate(&mut session, &format!("space start: '{source}'. space resume. nil"));
    let count = "space whileSuspended: [ | workers | workers := space global: 'Workers'.
        ((1 to: workers size) collect: [ :each | ((workers at: each) slotAt: 'count') asInteger ifNil: [ 0 ] ]) ]";
    let goes_on = format!(
        "before := {count}. steps := 0.
        [ after := {count}. (before with: after collect: [ :one :other | other > one ]) allSatisfy: [ :each | each ] ] whileFalse: [
            (steps := steps + 1) > 1000 ifTrue: [ Error signal: 'a thread does not go on' ]. (Delay forMilliseconds: 5) wait ].
        after size"
    );
    let ready = "[ [ space whileSuspended: [ space global: 'Ready' ]. true ] on: MirrorNotFound do: [ :e | false ] ] whileFalse: [
        (Delay forMilliseconds: 20) wait ]";
    evaluate(&mut session, ready);
    assert_eq!(evaluate(&mut session, &goes_on), threads.to_string());
    for (name, preparation, script) in UPDATES {
        evaluate(&mut session, &format!("methods := [ {preparation} ] value. nil"));
        evaluate(&mut session, &format!("updater update: [ :it | {script} ] within: 5000. nil"));
        let figures = evaluate(
            &mut session,
            "updater pauseMicroseconds printString , ' µs, gathered in ' , updater gatheringMicroseconds printString , ' µs'",
        );
        println!("{name}: pause {figures}");
        assert_eq!(evaluate(&mut session, &goes_on), threads.to_string(), "{name}");
    }
    evaluate(&mut session, "space discard");
}

#[test]
fn all_threads_go_on_after_each_update() {
    measure(10, 20, 1_000);
}

#[test]
#[ignore = "measures pauses"]
fn pauses_with_a_hundred_deep_threads_and_a_million_objects() {
    measure(100, 100, 1_000_000);
}
