//! Sources that exceed a limit get an error that says so; those just below it compile.

mod support;

use instar_interp::code::verify;
use instar_interp::compiler::{Empty, compile_doit, compile_method};

fn message(source: &str) -> String {
    match compile_method(source, &Empty) {
        Ok(info) => {
            verify(&info.unit).unwrap();
            String::new()
        }
        Err(errors) => errors[0].message.clone(),
    }
}

fn repeated(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

#[test]
fn registers() {
    let variables = |count| {
        let names = repeated(count, |at| format!("v{at} "));
        let uses = repeated(count, |at| format!("v{at} foo. "));
        format!("foo | {names} | {uses}")
    };
    assert_eq!(message(&variables(240)), "");
    assert!(message(&variables(260)).contains("too many variables"));
    assert!(message(&variables(1500)).contains("more than 1000 variables"));
    let arguments = |count| format!("foo ^ self {}", repeated(count, |at| format!("with: {at} ")));
    assert_eq!(message(&arguments(127)), "");
    let deep = format!("foo ^ {} 1 {}", repeated(150, |_| "{3. ".to_owned()), "}".repeat(150));
    assert_eq!(message(&deep), "");
    let method = |count: usize| repeated(count, |at| format!("with: a{at} "));
    assert_eq!(message(&method(127)), "");
    assert!(message(&method(128)).contains("too many arguments"));
}

#[test]
fn cells() {
    let shared = |count| {
        let names = repeated(count, |at| format!("v{at} "));
        let uses = repeated(count, |at| format!("v{at} := {at}. "));
        format!("foo | {names} | ^ [ {uses} ]")
    };
    assert_eq!(message(&shared(255)), "");
    assert!(message(&shared(256)).contains("share too many variables"));
}

#[test]
fn literals_and_distances() {
    let literals = |count| format!("foo {}", repeated(count, |at| format!("self foo: {at}.5. ")));
    assert_eq!(message(&literals(65_000)), "");
    assert!(message(&literals(66_000)).contains("too many different literals"));
    let branch = |count: usize| format!("foo: x x ifTrue: [{}]", "self foo. ".repeat(count));
    assert_eq!(message(&branch(16_000)), "");
    assert!(message(&branch(17_000)).contains("too much code"));
    let body = |count: usize| format!("foo: x 1 to: x do: [:i | {}]", "self foo. ".repeat(count));
    assert_eq!(message(&body(16_000)), "");
    assert!(message(&body(17_000)).contains("too much code"));
    // No branch is too far for a jump.
    assert_eq!(message(&format!("foo [{}] repeat", "self foo. ".repeat(40_000))), "");
}

#[test]
fn long_brace_arrays() {
    let brace = format!("^ {{ {} }}", repeated(2000, |at| format!("{at}. ")));
    verify(&compile_doit(&brace, &Empty).unwrap().unit).unwrap();
}

#[test]
fn deep_sources_take_little_stack() {
    let source = |depth: usize, open: &str, inside: &str, close: &str| {
        format!("foo: x ^ {}{inside}{}", open.repeat(depth), close.repeat(depth))
    };
    let run = move || {
        let deep = [
            source(190, "[", "x", "]"),
            source(190, "[:y | ", "x", "] value"),
            source(190, "(x ifTrue: [", "x", "])"),
            source(95, "(x and: [x or: [", "x", "]])"),
            source(190, "(1 to: x do: [:i | ", "x", "])"),
            source(190, "(x foo: ", "x", ")"),
            source(190, "{", "x", "}"),
            format!("foo: x ^ x{}", " foo".repeat(900)),
            format!("foo: x ^ x{}", " + x".repeat(900)),
            format!("foo: x ^ {}x", "x := ".repeat(150)),
        ];
        for source in &deep {
            if let Ok(info) = compile_method(source, &Empty) {
                verify(&info.unit).unwrap();
            }
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn hostile_sources_take_linear_time() {
    let start = std::time::Instant::now();
    let names = repeated(900, |at| format!("w{at} "));
    let undeclared = repeated(20_000, |at| format!("x{at} foo. "));
    assert!(compile_method(&format!("foo | {names} | {undeclared}"), &Empty).is_ok());
    let blocks = repeated(20_000, |at| format!("[ :a | a + w{} ] foo. ", at % 200));
    let temporaries = repeated(200, |at| format!("w{at} "));
    assert!(compile_method(&format!("foo | {temporaries} | {blocks}"), &Empty).is_ok());
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}
