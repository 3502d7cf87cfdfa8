//! The standard input, as people meet it: a program waits for it in one process, and is updated meanwhile.

#[path = "support/program.rs"]
mod program;

use std::io::Write;
use std::process::{ChildStdin, Output, Stdio};
use std::time::Duration;

use program::{Folder, Program, command, instar, status, stderr, stdout};

/// Runs a program with this input to its end.
fn with_input(arguments: &[&str], input: impl Into<Stdio>, text: &[u8]) -> Output {
    let mut child = command(arguments)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text).unwrap();
    }
    child.wait_with_output().unwrap()
}

const GREETER: &str = "\
Class { #name : 'Greeter', #superclass : 'Object', #instVars : [ 'count' ], #category : 'Greeters', #package : 'Greeters' }

{ #category : 'a' }
Greeter >> initialize [ count := 0 ]

{ #category : 'a' }
Greeter >> answer: aLine [ count := count + 1. ^ 'old ' , count printString , ' ' , aLine ]
";

const MAIN: &str = "\
| greeter line ticks |
greeter := Greeter new.
ticks := 0.
[ [ ticks := ticks + 1. (Delay forMilliseconds: 1) wait ] repeat ] fork.
Transcript show: 'ready'; cr; flush.
[ (line := Stdio stdin nextLine) notNil ] whileTrue: [ Transcript show: (greeter answer: line); cr; flush ].
Transcript show: 'end '; show: (ticks > 10) printString; cr; flush.
";

const PATCH: &str = "\
| patch |
patch := DSUPatch named: 'Greeters have names'.
patch class: #Greeter instanceVariables: #( name count ).
patch compile: 'answer: aLine count := count + 1. ^ name , '' '' , count printString , '' '' , aLine' in: #Greeter.
patch policy: (DSUPolicy default: 'new' for: 'name') for: #Greeter.
patch
";

fn folder(name: &str) -> Folder {
    Folder::new(
        name,
        &[
            ("app/package.st", "Package { #name : 'Greeters' }"),
            ("app/Greeter.class.st", GREETER),
            ("main.st", MAIN),
            ("names.st", PATCH),
        ],
    )
}

fn start(folder: &Folder) -> (Program, ChildStdin) {
    let (socket, app, main) = (folder.path("s"), folder.path("app"), folder.path("main.st"));
    let mut program = Program::with_input(&["run", "--control", &socket, &app, &main]);
    program.until("ready");
    let input = program.input();
    (program, input)
}

#[test]
fn a_program_that_waits_for_a_line_is_updated_and_answers_it_with_the_new_code() {
    let folder = folder("input-update");
    let (mut program, mut input) = start(&folder);
    writeln!(input, "anna").unwrap();
    assert_eq!(program.line(), "old 1 anna");
    // Half a line has come: the process waits for the rest.
    write!(input, "be").unwrap();
    let (socket, patch) = (folder.path("s"), folder.path("names.st"));
    let applied = instar(&["apply", "--to", &socket, &patch]);
    assert_eq!(status(&applied), 0, "{}{}", stdout(&applied), stderr(&applied));
    writeln!(input, "rta").unwrap();
    assert_eq!(program.line(), "new 2 berta");
    let undone = instar(&["undo", "--to", &socket]);
    assert_eq!(status(&undone), 0, "{}{}", stdout(&undone), stderr(&undone));
    writeln!(input, "carl").unwrap();
    assert_eq!(program.line(), "old 3 carl");
    // The other process goes on while this one waits.
    std::thread::sleep(Duration::from_millis(300));
    drop(input);
    assert_eq!(program.line(), "end true");
    assert_eq!(program.status(), 0);
}

#[test]
fn a_process_that_waits_for_a_line_in_a_changed_method_is_named_and_then_waited_for() {
    let folder = folder("input-inside");
    folder.write(
        "inside.st",
        "(DSUPatch named: 'Inside') compile: 'ask ^ ''changed ''' in: #Greeter; yourself",
    );
    folder.write(
        "main.st",
        "Greeter compile: 'ask ^ ''asked '' , Stdio stdin nextLine'.
         Transcript show: 'ready'; cr; flush.
         2 timesRepeat: [ Transcript show: Greeter new ask; cr; flush. (Delay forMilliseconds: 300) wait ]",
    );
    let (mut program, mut input) = start(&folder);
    let (socket, patch) = (folder.path("s"), folder.path("inside.st"));
    let late = instar(&["apply", "--to", &socket, &patch, "--timeout", "200ms"]);
    assert_eq!(status(&late), 3, "{}{}", stdout(&late), stderr(&late));
    assert!(stderr(&late).contains("is in Greeter>>#ask"), "{}", stderr(&late));
    let waiting = std::thread::spawn(move || instar(&["apply", "--to", &socket, &patch]));
    std::thread::sleep(Duration::from_millis(100));
    writeln!(input, "anna").unwrap();
    let applied = waiting.join().unwrap();
    assert_eq!(status(&applied), 0, "{}{}", stdout(&applied), stderr(&applied));
    assert_eq!(program.line(), "asked anna");
    assert_eq!(program.line(), "changed ");
}

#[test]
fn a_program_ends_while_it_is_waited_for_input() {
    let folder = Folder::new(
        "input-end",
        &[(
            "main.st",
            "[ Stdio stdin nextLine ] fork. Processor yield. (Delay forMilliseconds: 20) wait. 3 foo",
        )],
    );
    let mut program = Program::with_input(&["run", &folder.path("main.st")]);
    let _open = program.input();
    assert_eq!(program.status(), 1);
    let mut program = Program::with_input(&["eval", "[ Stdio stdin nextLine ] fork. Processor yield. 7"]);
    let _open = program.input();
    assert_eq!(program.line(), "7");
    assert_eq!(program.status(), 0);
}

#[test]
fn inputs_of_every_kind_are_read() {
    let folder = Folder::new("input-kinds", &[("text", "from a file\nrest")]);
    let read = "{ Stdio stdin nextLine. Stdio stdin upToEnd. Stdio stdin next }";
    let file = std::fs::File::open(folder.path("text")).unwrap();
    assert_eq!(stdout(&with_input(&["eval", read], file, b"")), "#('from a file' 'rest' nil)\n");
    assert_eq!(stdout(&with_input(&["eval", read], Stdio::piped(), b"\n\xff")), "#('' '\u{fffd}' nil)\n");
    assert_eq!(stdout(&with_input(&["eval", read], Stdio::null(), b"")), "#(nil '' nil)\n");
    let directory = std::fs::File::open(folder.path(".")).unwrap();
    let failed = with_input(&["eval", read], directory, b"");
    assert_eq!(status(&failed), 1);
    assert!(stderr(&failed).contains("stdin: Is a directory"), "{}", stderr(&failed));
    // A large one, as bytes.
    let bytes: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    let sum = "Stdio stdin wrappedStream upToEnd inject: 0 into: [ :sum :each | sum + each ]";
    let wanted: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
    assert_eq!(stdout(&with_input(&["eval", sum], Stdio::piped(), &bytes)), format!("{wanted}\n"));
}

#[test]
fn a_closed_input_is_at_its_end() {
    let read = "{ Stdio stdin nextLine. Stdio stdin upToEnd }";
    let program = env!("CARGO_BIN_EXE_instar");
    let mut shell = std::process::Command::new("sh");
    let closed = shell.args(["-c", "exec \"$0\" eval \"$1\" <&-", program, read]).output().unwrap();
    assert_eq!(stdout(&closed), "#(nil '')\n", "{}", stderr(&closed));
}

#[test]
fn what_is_evaluated_in_a_conversation_reads_on_where_the_conversation_was() {
    let input = b"Stdio stdin nextLine\nhello there\n3 + 4\nStdio stdin upToEnd\nto\nthe end\n";
    let talk = with_input(&["repl"], Stdio::piped(), input);
    assert_eq!(stdout(&talk), "'hello there'\n7\n'to\nthe end\n'\n", "{}", stderr(&talk));
}
