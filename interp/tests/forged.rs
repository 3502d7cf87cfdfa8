//! Guests that tamper with what the runtime stands on. Code cannot be forged, by whatever way it might get to run; and anything becomes anything else
//! or is refused, but never takes the process with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::bootstrap::Problem;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

/// A small space whose collections verify the heap.
fn space(strategy: BecomeStrategy) -> Space {
    let heap =
        HeapConfig { limit_bytes: 64 * MIB, eden_bytes: MIB, survivor_bytes: MIB, ..HeapConfig::default() };
    let gc = GcConfig { heap, workers: 1, ..GcConfig::default() }.with_zeal(20_011);
    Space::new(SpaceOptions { gc, strategy, ..SpaceOptions::default() }).unwrap()
}

/// What statements answer, or the text of the error that they signal.
fn outcome(statements: &str) -> String {
    let guarded = format!(
        "[ {statements} ] on: Error do: [ :error | error return: error class name -> error messageText ]"
    );
    space(BecomeStrategy::Lazy)
        .evaluate_to_string(&guarded)
        .unwrap_or_else(|problem| panic!("{statements}: {problem}"))
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (statements, wanted) in cases {
        let found = outcome(statements);
        assert!(found.contains(wanted), "{statements}: {found}");
    }
}

#[test]
fn methods_are_made_by_the_compiler_only() {
    check(&[
        ("CompiledMethod basicNew", "PrimitiveFailed"),
        ("CompiledMethod basicNew: 3", "PrimitiveFailed"),
        ("CompiledBlock basicNew: 3", "PrimitiveFailed"),
        ("| method | method := Object >> #printString. method copy == method", "true"),
        // A class that claims the index of another's instances.
        (
            "(Object subclass: #Fake) instVarAt: 4 put: (CompiledMethod instVarAt: 4); basicNew: 3",
            "no indexable elements",
        ),
        (
            "(Object variableSubclass: #Fake instanceVariableNames: '' classVariableNames: '' package: 'P')
            instVarAt: 4 put: (CompiledMethod instVarAt: 4); basicNew: 3",
            "PrimitiveFailed",
        ),
        ("Object compile: 'zork <primitive: #nothing> ^ 3'", "there is no primitive nothing"),
    ]);
}

#[test]
fn methods_cannot_be_written_to() {
    check(&[
        ("(Object >> #printString) instVarAt: 1 put: 3", "ModificationForbidden"),
        ("(Object >> #printString) at: 1 put: 3", "ModificationForbidden"),
        ("(Object >> #printString) beWritableObject", "PrimitiveFailed"),
        ("(Object >> #printString) setSlot: 1 to: 3", "PrimitiveFailed"),
        // Other methods' primitives, applied to a method.
        (
            "(Array lookupSelector: #replaceFrom:to:with:startingAt:) valueWithReceiver: Object >> #printString arguments: #(1 1 #(1) 1)",
            "ModificationForbidden",
        ),
        ("([ 1 ] instVarAt: 2) instVarAt: 1 put: 3", "ModificationForbidden"),
        ("(Object >> #printString) become: Object new", "immutable"),
        ("Object new become: (Object >> #printString)", "immutable"),
        ("(Object >> #printString) becomeForward: (Object >> #hash)", "immutable"),
        ("([ 1 ] instVarAt: 2) becomeForward: ([ :x | x ] instVarAt: 2)", "immutable"),
        // Being a target changes nothing about the method.
        ("Object new becomeForward: (Object >> #printString). 3 printString", "'3'"),
    ]);
}

#[test]
fn what_stands_in_a_method_dictionary_is_code_or_is_sent_a_message() {
    let put = |selector: &str, object: &str, call: &str| {
        format!("Object methodDict at: {selector} put: {object}. Object flushCaches. {call}")
    };
    let cases = [
        (put("#zork", "3", "Object new zork"), "SmallInteger >> #run:with:in:"),
        (put("#zork", "nil", "Object new zork"), r#"receiver of "run:with:in:" is nil"#),
        // As many slots as a method, and a number of code in the first.
        (
            put("#zork", "((Array new: 12) at: 1 put: ((Object >> #hash) instVarAt: 1); yourself)", "3 zork"),
            "#run:with:in:",
        ),
        // A method of another class: its variables are looked for, and not found.
        (put("#zork:", "(OrderedCollection >> #add:)", "Object new zork: 3"), r#"receiver of "+" is nil"#),
        (put("#zork:", "(OrderedCollection >> #add:)", "3 zork: 3"), r#"receiver of "+" is nil"#),
        (put("#zork", "(OrderedCollection >> #add:)", "3 zork"), "SmallInteger >> #zork"),
        // A block's code is none of a method.
        (put("#zork", "([ 1 ] instVarAt: 2)", "3 zork"), "SmallInteger >> #zork"),
    ];
    for (statements, wanted) in &cases {
        check(&[(statements, wanted)]);
    }
    check(&[
        ("(OrderedCollection >> #add:) valueWithReceiver: 3 arguments: #(1)", r#"receiver of "+" is nil"#),
        ("(OrderedCollection >> #add:) valueWithReceiver: nil arguments: #(1 2)", "ArgumentsCountMismatch"),
        ("(Object >> #printString) valueWithReceiver: 3 arguments: 7", "ArgumentsCountMismatch"),
        (
            "| call | call := CompiledMethod >> #valueWithReceiver:arguments:.
            call valueWithReceiver: (Array with: ((Object >> #hash) instVarAt: 1)) arguments: { 3. #() }",
            "#numArgs",
        ),
    ]);
}

#[test]
fn closures_run_only_code_that_fits_them() {
    check(&[
        ("([ :x | x ] copy instVarAt: 2 put: ([ :x :y | x ] instVarAt: 2); yourself) value: 3", "2 arguments"),
        ("([ 1 ] copy instVarAt: 2 put: (Object >> #printString); yourself) value", "ArgumentsCountMismatch"),
        ("([ 1 ] copy instVarAt: 2 put: #(1 2 3 4 5 6 7 8 9); yourself) value", "PrimitiveFailed"),
        ("(([ :k | [ :x | x + k ] ] value: 5) copy instVarAt: 2 put: ([ :x | x ] instVarAt: 2); yourself) value: 3", "ArgumentsCountMismatch"),
        ("(BlockClosure basicNew: 3) instVarAt: 2 put: ([ 1 ] instVarAt: 2); value", "ArgumentsCountMismatch"),
        ("([ ^ 3 ] copy instVarAt: 3 put: 1 << 40; yourself) value", "BlockCannotReturn"),
        // Cells, through which blocks share a variable, replaced by other things.
        ("| b | b := [ :k | | n | n := k. [ n := n + k. n ] ] value: 1.
            (1 to: b size) do: [ :at | b at: at put: Object new ]. [ b value ] on: Error do: [ :error | error return: #failed ]", "#failed"),
        ("| b | b := [ :k | | n | n := k. [ n := n + k. n ] ] value: 1.
            (1 to: b size) do: [ :at | b at: at put: 3 ]. [ b value ] on: Error do: [ :error | error return: #failed ]", "#failed"),
        // Blocks of methods that touch variables, with a receiver that has none.
        ("Object subclass: #Holder instanceVariableNames: 'a b' classVariableNames: '' package: 'P'.
            (Smalltalk at: #Holder) compile: 'block ^ [ b := 3. b ]'.
            ((Smalltalk at: #Holder) new block instVarAt: 1 put: Object new; yourself) value", "ModificationForbidden"),
    ]);
}

#[test]
fn contexts_that_are_forged_answer_for_nothing_else() {
    check(&[
        ("(Context basicNew: 3) sender", "nil"),
        ("(Context basicNew: 3) tempAt: 1", "nil"),
        ("(Context basicNew) instVarAt: 1 put: 0; instVarAt: 2 put: 0; instVarAt: 3 put: 1; sender", "nil"),
        (
            "(Context basicNew) instVarAt: 1 put: 0; instVarAt: 2 put: 1 << 50; instVarAt: 3 put: 1 << 50; return: 3",
            "BlockCannotReturn",
        ),
        ("thisContext copy instVarAt: 4 put: 3; instVarAt: 6 put: nil; yourself. 3", "3"),
        ("thisContext copy instVarAt: 4 put: 3; description; printString. 3", "#methodClass"),
    ]);
}

#[test]
fn a_process_that_will_not_end_is_ended() {
    let stop = |statements: &str, wanted: fn(&Problem) -> bool| {
        let mut space = space(BecomeStrategy::Lazy);
        let watch = Watch::on(&space);
        let problem = space.evaluate(statements).unwrap_err();
        assert!(wanted(&problem), "{statements}: {problem}");
        drop(watch);
        assert_eq!(space.evaluate_to_string("3 + 4").unwrap(), "7");
    };
    let is_deadlock = |problem: &Problem| matches!(problem, Problem::Deadlock(_));
    let is_interrupt = |problem: &Problem| matches!(problem, Problem::Interrupted(_));
    stop("[ Semaphore new wait ] ensure: [ Semaphore new wait ]", is_deadlock);
    stop("Process compile: 'terminate Semaphore new wait'. Semaphore new wait", is_deadlock);
    stop("[ [ true ] whileTrue ] ensure: [ [ true ] whileTrue ]", is_interrupt);
    stop("Process compile: 'terminate [ true ] whileTrue'. [ true ] whileTrue", is_interrupt);
    stop("Process compile: 'terminate Semaphore new wait'. [ true ] whileTrue", is_interrupt);
}

/// What the runtime looks at, and things that it does not.
const THINGS: &[&str] = &[
    "nil",
    "true",
    "false",
    "3",
    "$a",
    "1.5",
    "1.0e300",
    "#foo",
    "#value",
    "#printString",
    "#at:put:",
    "#doesNotUnderstand:",
    "'abc' copy",
    "Object",
    "Object class",
    "Metaclass",
    "Metaclass class",
    "Class",
    "Behavior",
    "ProtoObject",
    "Array",
    "ByteString",
    "ByteSymbol",
    "SmallInteger",
    "UndefinedObject",
    "True",
    "Character",
    "Association",
    "CompiledMethod",
    "CompiledBlock",
    "BlockClosure",
    "Context",
    "Process",
    "Semaphore",
    "Message",
    "MethodDictionary",
    "LargePositiveInteger",
    "BoxedFloat64",
    "StackOverflow",
    "OutOfMemory",
    "Stdio",
    "Object methodDict",
    "SmallInteger methodDict",
    "(Object methodDict instVarAt: 2)",
    "(Object >> #printString)",
    "thisContext method",
    "thisContext",
    "[ :x | thisContext ]",
    "([ 1 ] instVarAt: 2)",
    "Processor",
    "Processor activeProcess",
    "(Processor instVarAt: 1)",
    "((Processor instVarAt: 1) at: 40)",
    "Smalltalk",
    "Smalltalk globals",
    "(Smalltalk globals instVarAt: 2)",
    "(Smalltalk globals associationAt: #Object)",
    "(Smalltalk globals associationAt: #Transcript)",
    "Transcript",
    "Semaphore new",
    "(Array new: 3)",
    "Object new",
    "(Array with: nil with: true)",
    "waits",
    "lock",
    "waiter",
];

/// What each of them is exchanged with, in turn.
const PARTNERS: &[&str] = &[
    "Object new",
    "'xyz' copy",
    "(Array new: 3)",
    "Object",
    "thisContext",
    "Processor activeProcess",
    "#foo",
    "[ 3 ]",
    "Semaphore new",
    "nil",
    "3",
];

/// Uses of what may just have been taken away.
const USES: &[&str] = &[
    "1 to: 50 do: [ :i | i printString. i asFloat * 1.0e300. { i. [ i ] } ]. (OrderedCollection with: 3) printString",
    "[ 1 / 0 ] on: ZeroDivide do: [ :e | e return: 3 ]. [ :x | ^ x ] value: 3",
    "(Dictionary new) at: #a put: 3; at: #a. #foo printString asSymbol. 3 zork",
    "[ Processor yield ] fork. Processor yield. (Delay forMilliseconds: 1) wait. Semaphore new signal; wait",
    "Object subclass: #NewOne. Object compile: 'zork ^ 3'. Smalltalk garbageCollect. 3 zork. Error signal",
];

/// Stops what the guest has made endless.
struct Watch(Arc<AtomicBool>, Option<thread::JoinHandle<()>>);

impl Watch {
    fn on(space: &Space) -> Watch {
        let (interrupt, is_over) = (space.interrupt(), Arc::new(AtomicBool::new(false)));
        let seen = is_over.clone();
        let thread = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                thread::park_timeout(Duration::from_millis(300));
                if !seen.load(Ordering::Relaxed) {
                    interrupt.request_stop();
                }
            }
        });
        Watch(is_over, Some(thread))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(thread) = self.1.take() {
            thread.thread().unpark();
            thread.join().unwrap();
        }
    }
}

/// One becomes the other while processes wait, and everything is used afterwards. What was said of the become: `'done'`, `'refused'`, or nothing
/// if it made the guest endless.
fn exchange(strategy: BecomeStrategy, one: &str, message: &str, other: &str) -> Option<String> {
    let mut space = space(strategy);
    let statements = format!(
        "| waits lock waiter result |
        waits := Semaphore new. lock := Mutex new.
        waiter := [ lock critical: [ waits wait ] ] fork. Processor yield.
        result := [ ({one}) {message} ({other}). 'done' ] on: Error do: [ :error | error return: 'refused' ].
        waits signal. Processor yield.
        result"
    );
    let watch = Watch::on(&space);
    let result = space.evaluate_to_string(&statements);
    for statements in USES {
        // Whatever a guest answers or fails with that has no `true` or no Object any more. Some are made endless.
        let result = space.evaluate_to_string(statements);
        if let Err(Problem::Quit(_) | Problem::Interrupted(_)) = result {
            break;
        }
    }
    drop(watch);
    if matches!(&result, Ok(result) if result == "'refused'") {
        assert_eq!(space.evaluate_to_string("3 + 4").unwrap(), "7", "{one} {message} {other}");
    }
    result.ok()
}

fn everything_becomes_something(strategy: BecomeStrategy, turn: usize) {
    let mut refused = 0;
    for (number, thing) in THINGS.iter().enumerate() {
        for (step, message) in ["becomeForward:", "become:"].into_iter().enumerate() {
            let partner = PARTNERS[(number + turn + 5 * step) % PARTNERS.len()];
            let is_value = |thing: &str| ["nil", "true", "false", "3", "$a", "1.5"].contains(&thing);
            let result = exchange(strategy, thing, message, partner);
            let is_done = result.as_deref() == Some("'done'");
            assert!(!is_done || !is_value(thing) || thing == &partner, "{thing} {message} {partner}");
            for result in [result, exchange(strategy, partner, message, thing)] {
                refused += usize::from(result.as_deref() == Some("'refused'"));
            }
        }
    }
    assert!(refused > THINGS.len() / 4 && refused < THINGS.len() * 3, "{refused} were refused");
}

#[test]
fn anything_becomes_anything_or_is_refused_with_lazy_forwarders() {
    everything_becomes_something(BecomeStrategy::Lazy, 0);
}

#[test]
fn anything_becomes_anything_or_is_refused_with_a_check_at_every_load() {
    everything_becomes_something(BecomeStrategy::AlwaysCheck, 3);
}

#[test]
fn anything_becomes_anything_or_is_refused_with_full_scans() {
    everything_becomes_something(BecomeStrategy::FullScan, 7);
}
