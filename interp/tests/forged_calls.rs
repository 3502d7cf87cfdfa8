//! Every primitive of the tables, with every number of arguments and with receivers and arguments that no kernel method would give it: it
//! fails or answers, and the process goes on.
//!
//! A child process does the work, so that even the end of a process is a finding: it notes what it is at before each primitive. Receivers are
//! forged where the guest can forge them, with slots that hold what their class never puts there. `PROPTEST_CASES` says how many
//! calls of each primitive are made.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::primitives;
use instar_interp::vm::{Space, SpaceOptions};

/// The folder in which the child works, and proof that it is one.
const FOLDER: &str = "INSTAR_PRIMITIVES_FOLDER";
/// No primitive has more arguments.
const MOST_ARGUMENTS: usize = 5;
/// What a call may take before it is stopped; one that waits for ever takes this long.
const PATIENCE: Duration = Duration::from_millis(400);

/// The objects, as a brace array's elements. Each evaluation makes them anew, and some are broken by the calls.
const OBJECTS: &[&str] = &[
    "nil. true. false. 1. -1. 2. 7. 255. 256. 65536. SmallInteger maxVal. SmallInteger minVal",
    "2 raisedTo: 62. (2 raisedTo: 64) negated. 2 raisedTo: 300. 1 << 32. (1 << 32) - 1",
    "1.5. -0.0. Float nan. Float infinity. 1.0e300. 5.0e-324. 3 / 4. 1.25s2",
    "$a. Character value: 0. Character value: 16r10FFFF",
    "''. 'abc' copy. '0123456789' copy. String new: 40. 'a', (String with: (Character value: 955))",
    "#foo. #+. #at:put:. #value. #doesNotUnderstand:. (String with: (Character value: 955)) asSymbol. #usedBytes. #read",
    "#[]. #[1 2 3 255] copy. ByteArray new: 100. (Smalltalk at: #ForgedWords) basicNew: 3. (Smalltalk at: #ForgedWords) basicNew: 0",
    "Array new. { 1. 2. 3 }. { #foo. 'bar'. nil }. Array new: 200. [ | a | a := Array new: 2. a at: 1 put: a. a ] value",
    "WeakArray new: 2. OrderedCollection new. Dictionary new. IdentityDictionary basicNew. Set with: 3. Interval from: 1 to: 3",
    "Object new. Object new beReadOnlyObject. [ | o | o := Object new. o setPinned: true. o ] value. 1 -> 2. Association basicNew",
    "Object. Array. ByteString. ByteSymbol. WideString. SmallInteger. Metaclass. Object class. Metaclass class. UndefinedObject. Boolean",
    "CompiledMethod. CompiledBlock. Context. BlockClosure. BoxedFloat64. Float. Character. Process. Semaphore. MethodDictionary",
    "Class basicNew. Metaclass basicNew. Behavior basicNew. (Class basicNew) instVarAt: 4 put: 3; yourself",
    "(Class basicNew) instVarAt: 3 put: SmallInteger maxVal; instVarAt: 4 put: 70; instVarAt: 2 put: MethodDictionary new; yourself",
    "(Class basicNew) instVarAt: 1 put: 5; instVarAt: 2 put: #(1 2); instVarAt: 3 put: -1; instVarAt: 4 put: SmallInteger maxVal; yourself",
    "[ | a b | a := Class basicNew. b := Class basicNew. a instVarAt: 1 put: b. b instVarAt: 1 put: a. a ] value",
    "Object >> #printString. Object >> #at:. (Object >> #printString) literalAt: 1. ([ 1 ] instVarAt: 2). [ :x | x ] instVarAt: 2",
    "[ 1 ]. [ :x | x ]. [ :x :y | thisContext ]. [ ^ 3 ]. [ :x | ^ x ]. BlockClosure basicNew. BlockClosure basicNew: 5",
    "(BlockClosure basicNew: 2) instVarAt: 2 put: ([ :x | x ] instVarAt: 2); yourself",
    "(BlockClosure basicNew) instVarAt: 2 put: ([ 1 ] instVarAt: 2); instVarAt: 3 put: SmallInteger maxVal; yourself",
    "(BlockClosure basicNew) instVarAt: 2 put: Object >> #yourself; instVarAt: 3 put: -1; yourself",
    "[ | b | b := [ self ]. b instVarAt: 1 put: 3; yourself ] value. [ | b | b := [ ^ 1 ]. b instVarAt: 3 put: 70000; yourself ] value",
    "thisContext. [ thisContext sender ] value. [ [ thisContext sender sender ] value ] value. [ thisContext ] value. Context basicNew. Context basicNew: 9",
    "(Context basicNew) instVarAt: 1 put: 1; instVarAt: 2 put: 1; instVarAt: 3 put: 1; yourself",
    "thisContext copy. thisContext copy instVarAt: 1 put: -1; yourself. thisContext copy instVarAt: 2 put: 1 << 50; yourself",
    "thisContext copy instVarAt: 4 put: 3; instVarAt: 5 put: 4; instVarAt: 6 put: nil; yourself",
    "Process new. Process basicNew. [ 3 ] newProcess. [ 3 ] fork. Processor activeProcess. [ Semaphore new wait ] fork",
    "(Process basicNew) instVarAt: 4 put: 1; yourself. (Process basicNew) instVarAt: 2 put: -5; instVarAt: 3 put: 7; yourself",
    "[ 3 ] newProcess instVarAt: 2 put: SmallInteger maxVal; yourself. [ 3 ] newProcess instVarAt: 4 put: SmallInteger maxVal; yourself",
    "[ | p | p := [ 3 ] newProcess. p instVarAt: 1 put: p; yourself ] value. Processor activeProcess copy",
    "Semaphore new. (Semaphore new) signal; yourself. Semaphore forMutualExclusion. Mutex new. Delay forMilliseconds: 1",
    "(Semaphore new) instVarAt: 1 put: 3; yourself. (Semaphore new) instVarAt: 1 put: Processor activeProcess; yourself",
    "(Semaphore new) instVarAt: 3 put: SmallInteger maxVal; yourself. (Semaphore new) instVarAt: 3 put: nil; instVarAt: 2 put: 4; yourself",
    "[ | s p | s := Semaphore new. p := Process new. p instVarAt: 1 put: p. s instVarAt: 1 put: p; instVarAt: 2 put: p; yourself ] value",
    "Processor. Smalltalk. Processor copy. (Processor copy) instVarAt: 1 put: #(); yourself. Transcript",
    "MethodDictionary new. MethodDictionary basicNew. MethodDictionary basicNew: 3. (MethodDictionary basicNew: 4) instVarAt: 2 put: #(1); yourself",
    "(MethodDictionary basicNew: 2) instVarAt: 1 put: -3; instVarAt: 2 put: (Array new: 2); yourself. Object methodDict copy",
    "LargePositiveInteger basicNew: 0. LargePositiveInteger basicNew: 20. LargeNegativeInteger basicNew: 0. (LargePositiveInteger basicNew: 3) at: 1 put: 7; yourself",
    "Fraction basicNew. ScaledDecimal basicNew. Message basicNew. Pragma basicNew",
    "(Smalltalk classNamed: #BinaryFileStream) basicNew. (Smalltalk classNamed: #BinaryFileStream) handle: 99 named: 'x'",
    "(Smalltalk classNamed: #BinaryFileStream) handle: SmallInteger maxVal named: 'x'. (Smalltalk classNamed: #BinaryFileStream) handle: -1 named: 'x'",
    "ByteSymbol basicNew: 3. WideString basicNew: 2. (Smalltalk classNamed: #WideSymbol) basicNew: 2. Symbol. Error new. Exception basicNew",
    "(Dictionary new) instVarAt: 1 put: -1; instVarAt: 2 put: nil; yourself. (Set new) instVarAt: 2 put: #(3 4); yourself",
    "(Dictionary new) instVarAt: 2 put: 'abc'; yourself. (IdentityDictionary new) instVarAt: 2 put: (Array new: 3 withAll: 5); yourself",
    "[ | a b | a := Object new. b := Array with: a. a becomeForward: 'other' copy. b ] value. (ProtoObject class) basicNew",
];

/// What stays for a space's life.
const SETUP: &str = "
    Object variableWordSubclass: #ForgedWords instanceVariableNames: '' classVariableNames: '' package: 'Forged'.
    Object subclass: #Forged.
    Smalltalk at: #ForgedAt put: 0";

/// Calls in a row, each with operands that its number says. What ends the process or the statements ends one call.
fn calls(limit: usize, arguments: usize) -> String {
    format!(
        "| objects size at next count |
        objects := Array new writeStream.
        {}
        objects := objects contents. size := objects size.
        [ (at := Smalltalk at: #ForgedAt) < {limit} ] whileTrue: [
            Smalltalk at: #ForgedAt put: at + 1.
            next := at * 7919 + 13 * 31337 + at.
            [ | receiver operands method |
                receiver := objects at: at \\\\ size + 1.
                operands := (1 to: {arguments}) collect: [ :each |
                    next := next * 1103515245 + 12345 bitAnd: 16r7FFFFFFF.
                    objects at: (next bitShift: -8) \\\\ size + 1 ].
                method := Smalltalk at: #ForgedMethod.
                method valueWithReceiver: receiver arguments: operands asArray ]
                    on: Exception do: [ :error | error return: nil ] ].
        objects := nil. Smalltalk garbageCollect",
        OBJECTS.iter().map(|objects| format!("objects nextPutAll: {{ {objects} }}.\n")).collect::<String>(),
    )
}

/// As many calls as the environment says, or this many.
fn cases(usual: usize) -> usize {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

fn new_space() -> Space {
    let heap =
        HeapConfig { limit_bytes: 96 * MIB, eden_bytes: MIB, survivor_bytes: MIB, ..HeapConfig::default() };
    // Each collection verifies the heap and poisons what it freed.
    let gc = GcConfig { heap, workers: 1, ..GcConfig::default() }.with_zeal(50_021);
    let mut space = Space::new(SpaceOptions { gc, ..SpaceOptions::default() }).unwrap();
    space.evaluate(SETUP).unwrap();
    space
}

/// Stops what runs for long, until dropped.
struct Watch(Arc<AtomicBool>, Option<thread::JoinHandle<()>>);

impl Watch {
    fn on(space: &Space) -> Watch {
        let (interrupt, is_over) = (space.interrupt(), Arc::new(AtomicBool::new(false)));
        let seen = is_over.clone();
        let thread = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                thread::park_timeout(PATIENCE);
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

/// What the child does.
fn torture(log: &mut std::fs::File) {
    let limit = cases(250);
    for name in primitives::names() {
        let mut space = new_space();
        for arguments in 0..=MOST_ARGUMENTS {
            writeln!(log, "{name} with {arguments} arguments").unwrap();
            if !call_all(&mut space, name, arguments, limit, log) {
                space = new_space();
            }
        }
    }
}

/// False if the guest broke itself beyond use, as it may: with `true` an Array, say.
fn call_all(space: &mut Space, name: &str, arguments: usize, limit: usize, log: &mut std::fs::File) -> bool {
    let pattern = match arguments {
        0 => "m".to_owned(),
        _ => (1..=arguments).map(|number| format!("m{number}: a{number} ")).collect(),
    };
    let method = format!(
        "Smalltalk at: #ForgedAt put: 0.
        Smalltalk at: #ForgedMethod put: (Forged compiledMethodFor: '{pattern} <primitive: #{name} error: reason> ^ reason'
            protocol: nil package: nil)"
    );
    if space.evaluate(&method).is_err() {
        writeln!(log, "  does not compile").unwrap();
        return false;
    }
    let calls = calls(limit, arguments);
    // A call that takes the statements' own frames away, or waits, brings the next evaluation on.
    let mut before = 0;
    loop {
        let watch = Watch::on(space);
        let outcome = space.evaluate(&calls).map(|_| ());
        drop(watch);
        let at = space.evaluate_to_string("Smalltalk at: #ForgedAt").ok();
        let at = at.and_then(|at| at.parse::<usize>().ok());
        let outcome = match outcome {
            Ok(()) => "done".to_owned(),
            Err(problem) => format!("{:?}", problem.to_string().lines().next()),
        };
        writeln!(log, "  {at:?} {outcome}").unwrap();
        match at {
            Some(at) if at < limit && at > before => before = at,
            at => return at.is_some_and(|at| at >= limit),
        }
    }
}

#[test]
fn no_primitive_ends_the_process_whatever_it_is_given() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let log = PathBuf::from(folder).join("log");
        return torture(&mut std::fs::File::create(log).unwrap());
    }
    let folder = std::env::temp_dir().join(format!("instar-primitives-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_primitive_ends_the_process_whatever_it_is_given", "--nocapture"])
        .env(FOLDER, &folder)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    let _ = std::fs::remove_dir_all(&folder);
    let last: Vec<&str> = log.lines().rev().take(3).collect();
    let said = String::from_utf8_lossy(&output.stderr);
    let end: String = said.lines().rev().take(40).map(|line| format!("{line}\n")).collect();
    assert!(output.status.success(), "{}: {last:?}\n{end}", output.status);
    let seen = log.lines().filter(|line| !line.starts_with(' ')).count();
    assert_eq!(seen, primitives::names().count() * (MOST_ARGUMENTS + 1));
    let done = log.lines().filter(|line| line.ends_with("done")).count();
    assert!(done * 10 > seen * 8, "only {done} of {seen} came to their end");
}
