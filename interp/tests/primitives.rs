//! Every primitive with receivers and arguments that it was not made for: it fails or answers, and the heap stays sound. A guest that goes
//! behind the kernel's back this way may break what it can reach, itself included, but nothing else.

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::bootstrap::Problem;
use instar_interp::primitives;
use instar_interp::vm::{Space, SpaceOptions};

/// Expressions for what primitives are called with.
const VALUES: &[&str] = &[
    "nil",
    "true",
    "0",
    "1",
    "-1",
    "SmallInteger maxVal",
    "SmallInteger minVal",
    "1 << 100",
    "3.75",
    "Float nan",
    "$a",
    "#symbol",
    "'text'",
    "String new",
    "Object new",
    "Array new: 3",
    "{ Object new. 2. 'x' }",
    "#[ 1 2 3 ]",
    "WeakArray new: 2",
    "Dictionary new",
    "IdentityDictionary new",
    "MethodDictionary new",
    "Semaphore new",
    "Semaphore basicNew",
    "Process basicNew",
    "Processor activeProcess",
    "Processor",
    "BlockClosure basicNew",
    "Context basicNew",
    "thisContext",
    "[ 3 ]",
    "[ :x | x ]",
    "Class basicNew",
    "Metaclass basicNew",
    "Object",
    "Object class",
    "Array",
    "Object >> #printString",
    "1 / 3",
    "Date",
    "ReadStream on: #( 1 2 )",
];

/// Ends the program, or changes files: with paths that do not exist there is nothing to see.
const LEFT_OUT: &[&str] = &["systemQuit"];

/// Calls of one primitive.
const CALLS: usize = 400;

/// Statements that define a method with the primitive for each number of arguments, and call them.
fn statements(primitive: &str, seed: u64) -> String {
    let mut random = seed;
    let mut next = |limit: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    let mut text = String::from("| class values calls |\nclass := Object newAnonymousSubclass.\n");
    for arguments in 0..=4 {
        let names: Vec<String> = (0..arguments).map(|index| format!("a{index}")).collect();
        let keywords: Vec<String> = names.iter().map(|name| format!("x: {name}")).collect();
        let pattern = if arguments == 0 { "x".to_owned() } else { keywords.join(" ") };
        let method = format!("{pattern} <primitive: #{primitive} error: reason> ^ #failed");
        text += &format!("class compile: '{}'.\n", method.replace('\'', "''"));
    }
    let values: Vec<String> = VALUES.iter().map(|value| format!("[ {value} ]")).collect();
    text += &format!("values := {{ {} }}.\n", values.join(". "));
    text += "calls := #(";
    for _ in 0..CALLS {
        let arguments = next(5);
        let row: Vec<String> = (0..=arguments).map(|_| (next(VALUES.len()) + 1).to_string()).collect();
        text += &format!("( {} ) ", row.join(" "));
    }
    text += ").\n";
    text += "calls do: [ :each | | operands process |
        operands := each collect: [ :index | (values at: index) value ].
        process := [ [ ((class compiledMethodAt: (#(x x: x:x: x:x:x: x:x:x:x:) at: each size))
            valueWithReceiver: operands first arguments: operands allButFirst) ]
                on: Exception do: [ :exception | exception return: nil ] ] newProcess.
        process priority: Processor activePriority + 1; resume ].
    Smalltalk garbageCollect.
    3 + 4";
    text
}

fn space() -> Space {
    let heap = HeapConfig { limit_bytes: 64 * MIB, ..HeapConfig::default() };
    let gc = GcConfig { heap, verify: true, ..GcConfig::default() };
    Space::new(SpaceOptions { gc, ..SpaceOptions::default() }).unwrap()
}

#[test]
fn every_primitive_survives_receivers_and_arguments_that_it_was_not_made_for() {
    let seed: u64 =
        std::env::var("INSTAR_SEED").map_or(0, |text| text.parse().expect("INSTAR_SEED is a number"));
    let mut ended = 0;
    for (number, primitive) in primitives::names().enumerate() {
        if LEFT_OUT.contains(&primitive) {
            continue;
        }
        let mut space = space();
        match space.evaluate_to_string(&statements(primitive, seed + number as u64)) {
            Ok(answer) => {
                ended += 1;
                assert_eq!(answer, "7", "{primitive}");
            }
            // The guest broke itself, or ended itself: an error is all that may come of it.
            Err(Problem::Source(text)) => panic!("{primitive}: {text}"),
            Err(problem) => {
                println!("{primitive}: {}", problem.to_string().lines().next().unwrap_or_default())
            }
        }
    }
    assert!(ended > 150, "only {ended} primitives let the guest go on");
}

/// What the runtime itself holds on to.
const PILLARS: &[&str] = &[
    "false",
    "Smalltalk",
    "Smalltalk globals",
    "Processor instVarAt: 1",
    "UndefinedObject",
    "SmallInteger",
    "BlockClosure",
    "Process",
    "Symbol",
    "MethodDictionary",
    "Array methodDict",
    "Object methodDict",
    "#doesNotUnderstand:",
    "thisContext method",
    "thisContext sender",
    "Object class class",
];

#[test]
fn anything_becomes_anything_or_is_refused() {
    let all: Vec<&str> = VALUES.iter().chain(PILLARS).copied().collect();
    let mut random = 7usize;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % all.len()
    };
    let mut went_on = 0;
    for number in 0..160 {
        // Every pillar has its turn with both messages; the other side is chosen at random.
        let source = if number < 4 * PILLARS.len() { PILLARS[number % PILLARS.len()] } else { all[next()] };
        let target = all[next()];
        let message = if (number / PILLARS.len()).is_multiple_of(2) { "become:" } else { "becomeForward:" };
        let mut space = space();
        let statement =
            format!("[ ({source}) {message} ({target}) ] on: Error do: [ :error | error return: nil ]");
        let _ = space.evaluate(&statement);
        let _ = space.evaluate("Smalltalk garbageCollect");
        went_on += usize::from(space.evaluate_to_string("3 + 4").is_ok_and(|answer| answer == "7"));
    }
    assert!(went_on > 100, "after {went_on} of 160 the program went on");
}
