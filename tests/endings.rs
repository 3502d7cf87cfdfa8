//! How the program ends when something around it or in it gives way: readers that leave, full disks, memory, the stack.

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// No ending takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn instar(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_instar"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The exit status. A program that goes on and on is ended, and a failure.
fn status(child: &mut Child) -> i32 {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().expect("no signal ended it");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("the program does not end");
}

fn output(arguments: &[&str]) -> (String, String) {
    let Output { stdout, stderr, status } = instar(arguments).output().unwrap();
    assert!(status.code().is_some_and(|status| status < 2), "{arguments:?}: {status}");
    (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn a_reader_of_the_output_that_leaves_ends_the_program_without_a_word() {
    for loop_that_writes in [
        "[ Transcript show: 'line'; cr ] repeat",
        "[ Stdio stdout nextPutAll: 'line'; lf ] repeat",
        "[ [ Stdio stdout nextPutAll: 'line'; lf ] on: Error do: [ :error | error return ] ] repeat",
    ] {
        let mut child = instar(&["eval", loop_that_writes]).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(status(&mut child), 141, "{loop_that_writes}");
        let said = child.wait_with_output().unwrap().stderr;
        assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn a_reader_of_the_errors_that_leaves_ends_the_program() {
    // The trace of an error that nothing handled finds no reader.
    let mut child = instar(&["eval", "(Delay forMilliseconds: 100) wait. 1/0"]).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(status(&mut child), 141);
    let mut child = instar(&["repl"]).stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let _ = child.stdin.take().unwrap().write_all(b"1/0\n3 + 4\n");
    assert_eq!(status(&mut child), 141);
    // What the runtime itself has to say about a process.
    let loss = "[ | all | all := nil. [ [ all := { all. all } ] repeat ] on: Error do: [ :e | [ all := { all. all } ] repeat ] ] fork. \
                Processor yield. 3";
    let mut child = instar(&["eval", "--heap", "64", loss]).spawn().unwrap();
    drop(child.stderr.take());
    assert_ne!(status(&mut child), 101);
}

#[test]
#[cfg(target_os = "linux")]
fn outputs_that_take_nothing_are_errors_and_no_endless_ones() {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(status(&mut instar(&["eval", "1/0"]).stderr(full()).spawn().unwrap()), 1);
    assert_eq!(status(&mut instar(&["eval", "1 foo: ["]).stderr(full()).spawn().unwrap()), 1);
    assert_eq!(status(&mut instar(&["run", "no such file"]).stderr(full()).spawn().unwrap()), 2);
    let mut child = instar(&["eval", "Transcript show: 3; flush. 4"]).stdout(full()).spawn().unwrap();
    assert_eq!(status(&mut child), 1);
    let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(said.contains("No space left on device"), "{said}");
}

#[test]
fn an_input_that_is_at_its_end_is_empty() {
    let (text, _) = output(&[
        "eval",
        "{ Stdio stdin upToEnd. Stdio stdin next. Stdio stdin nextLine. Stdio stdin atEnd }",
    ]);
    assert_eq!(text, "#('' nil nil true)\n");
    assert_eq!(status(&mut instar(&["repl"]).spawn().unwrap()), 0);
}

#[test]
fn memory_that_runs_out_is_an_error_that_can_be_handled() {
    // Each handler lets go of what took the memory; three times over, so that what is kept back for handlers is kept back again.
    for fill in [
        "all := { all. Array new: 3 }",
        "all := { all. String new: 5000 }",
        "all := { all. [ all ] }",
        "all := { all. 1.0e300 + all size }",
        "all := { all. thisContext }",
        "(all ifNil: [ all := OrderedCollection new ]) add: Object new",
        "(all ifNil: [ all := Set new ]) add: Object new",
        "all := (all ifNil: [ 'abc' ]) , (all ifNil: [ 'abc' ])",
        "all := (all ifNil: [ 3 ]) bitShift: 10000000",
        "all := { all. Process new. Semaphore new. all size printString asSymbol }",
        "Array new: 1 << 40",
    ] {
        let source = format!(
            "| all count | count := 0.
            3 timesRepeat: [
                [ [ {fill} ] repeat ] on: OutOfMemory do: [ :error | all := nil. count := count + 1 ] ].
            count"
        );
        for heap in ["32", "64"] {
            let (text, said) = output(&["eval", "--heap", heap, &source]);
            assert_eq!((text.as_str(), said.as_str()), ("3\n", ""), "{heap} MiB: {fill}");
        }
    }
}

#[test]
fn memory_that_runs_out_unhandled_ends_the_evaluation_with_a_trace() {
    let all = "| all | all := nil. [ all := { all. all } ] repeat";
    let (_, said) = output(&["eval", "--heap", "64", all, "3"]);
    assert!(said.starts_with("OutOfMemory: The heap is full\n"), "{said}");
    assert!(said.contains("DoIt (line 1)"), "{said}");
    assert_eq!(said.matches("OutOfMemory:").count(), 1, "{said}");
    // A handler that goes on taking is ended, and says why.
    let greedy = "| all | all := nil. [ [ all := { all. all } ] repeat ] on: Error do: [ :e | [ all := { all. all } ] repeat ]";
    let (_, said) = output(&["eval", "--heap", "64", greedy, "3"]);
    assert!(said.contains("out of memory while an OutOfMemory was handled"), "{said}");
}

#[test]
fn an_error_is_reported_once() {
    for (source, first) in
        [("1/0", "ZeroDivide"), ("3 foo", "Instance of SmallInteger did not understand #foo")]
    {
        let (text, said) = output(&["eval", source]);
        assert_eq!((text.as_str(), said.matches(&format!("{first}\n")).count()), ("", 1), "{said}");
        assert!(said.starts_with(&format!("{first}\n\t")), "{said}");
    }
}

#[test]
fn recursion_without_end_is_an_error_wherever_it_is() {
    let class = "(Object << #Endless) install.
        Endless compile: 'printOn: aStream self printString'.
        Endless compile: 'foo ^ self foo'.
        Endless compile: 'doesNotUnderstand: aMessage ^ self perform: aMessage selector'.
        Endless compile: '= other ^ other = self'.
        Endless compile: 'hash ^ self hash'.
        Endless class compile: 'name ^ self new bar'.";
    for (source, wanted) in [
        ("[ Endless new foo ] on: StackOverflow do: [ :e | 1 ]", "1\n"),
        ("[ Endless new printString ] on: StackOverflow do: [ :e | 2 ]", "2\n"),
        ("[ Endless new bar ] on: StackOverflow do: [ :e | 3 ]", "3\n"),
        ("[ Set with: Endless new ] on: StackOverflow do: [ :e | 4 ]", "4\n"),
        (
            "| x | x := Array new: 1. x at: 1 put: x. [ x printString size > 5 ] on: StackOverflow do: [ :e | true ]",
            "true\n",
        ),
        ("| x | x := Array new: 1. x at: 1 put: x. [ x hash. 5 ] on: StackOverflow do: [ :e | 5 ]", "5\n"),
        // While memory is short: contexts for every frame.
        (
            "| f | f := nil. f := [ :x | thisContext sender. f value: thisContext ]. [ f value: 1 ] on: Error do: [ :e | 6 ]",
            "6\n",
        ),
    ] {
        let (text, said) = output(&["eval", "--heap", "64", class, source]);
        assert!(text.ends_with(&format!("\n{wanted}")), "{source}: {text}{said}");
    }
    for source in [
        "Endless new foo",
        "Endless new",
        "Endless new bar",
        "Endless",
        "Endless foo",
        "Error signal: Endless new",
        "Error new signal: (Array with: Endless new)",
        "(Error << #Worse) install compile: 'description ^ self class new signal'. Worse signal",
        "(Error << #Worst) install compile: 'messageText ^ Exception signal'. Worst signal",
        "[ Endless new foo ] ensure: [ Endless new foo ]",
        "[ Endless new foo ] on: Error do: [ :e | Endless new foo ]",
        "(ProtoObject << #Proxy) install compile: 'doesNotUnderstand: aMessage Error signal'. Proxy new foo",
        "(ProtoObject << #Proxy) install. Proxy new",
        "Error subclass: #E1. E1 compile: 'signalerStackOn: aStream E1 signal'. E1 signal",
    ] {
        let (_, said) = output(&["eval", "--heap", "128", class, source]);
        assert!(!said.is_empty() && !said.contains("panicked"), "{source}: {said}");
    }
}
