//! Programs that are updated while they run, as people meet it: `instar run --control`, `apply`, `undo`, `log`, `list`.

#[path = "support/counters.rs"]
mod counters;
#[path = "support/program.rs"]
mod program;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use counters::{MAIN, NAMES, apply, folder, to};
use program::{Folder, Program, command, instar, status, stderr, stdout, wait_for, wait_until};
use serde_json::Value;

fn start(folder: &Folder, arguments: &[&str]) -> Program {
    let (socket, app, main) = (folder.path("s"), folder.path("app"), folder.path("main.st"));
    let mut all = vec!["run", "--control", &socket, &app, &main];
    all.extend(arguments);
    let mut program = Program::start(&all);
    program.until("old 1 |");
    program
}

fn with_log(folder: &Folder) -> Program {
    let (socket, app, main) = (folder.path("s"), folder.path("app"), folder.path("main.st"));
    let log = folder.path("log");
    let mut program = Program::start(&["run", "--control", &socket, "--log", &log, &app, &main]);
    program.until("old 1 |");
    program
}

/// What a line says: the counter's number.
fn number(line: &str) -> u64 {
    let said = line.split(" | ").next().unwrap();
    said.rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"))
}

#[test]
fn a_patch_is_applied_while_the_program_works_and_taken_back() {
    let folder = folder("control-apply");
    let mut program = start(&folder, &[]);
    let applied = apply(&folder, "names.st", &[]);
    assert_eq!(status(&applied), 0, "{}", stderr(&applied));
    let shown = stdout(&applied);
    let steps: Vec<&str> = shown.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let wanted = [
        "analyse",
        "partialCopy",
        "apply",
        "check",
        "updateProcess",
        "safePoint",
        "suspend",
        "migrate",
        "validate",
        "commit",
        "resume",
        "Applied:",
    ];
    assert_eq!(steps, wanted, "{shown}");
    assert!(shown.contains("500 instances"), "{shown}");
    assert!(shown.contains("Applied: Counters have names, number 1 (stop "), "{shown}");
    let mut lines = program.until("new anna");
    let undone = to(&folder, "undo");
    assert_eq!(status(&undone), 0, "{}", stderr(&undone));
    assert!(
        stdout(&undone).contains("Applied: Undo of Counters have names, number 2"),
        "{}",
        stdout(&undone)
    );
    assert!(stderr(&undone).contains("values are lost: Counter>>name"), "{}", stderr(&undone));
    lines.extend(program.until("old "));
    // No round was lost, all counters always had the same count, and the objects kept their hashes.
    for pair in lines.windows(2) {
        assert_eq!(number(&pair[0]) + 1, number(&pair[1]), "{pair:?}");
    }
    for line in &lines {
        let variables = if line.starts_with("old") { "#('count')" } else { "#('name' 'count')" };
        assert!(line.ends_with(&format!(" | {variables} | 1 | true")), "{line}");
    }
    let log = stdout(&to(&folder, "log"));
    let log: Vec<&str> = log.lines().collect();
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(log[0].contains("tester Counters have names ["), "{log:?}");
    assert!(log[1].contains("Undo of Counters have names: committed"), "{log:?}");
    assert_eq!(status(&apply(&folder, "stop.st", &[])), 0);
    program.until("stopped");
    assert_eq!(program.status(), 0);
    assert!(!fs::exists(folder.path("s")).unwrap(), "the socket goes with the program");
}

#[test]
fn updates_arrive_whatever_become_does_and_however_often_it_is_collected() {
    for options in [["--become", "full-scan"], ["--become", "always-check"], ["--gc-zeal", "1009"]] {
        let folder = folder(&format!("control-{}", options[1]));
        let (socket, app, main) = (folder.path("s"), folder.path("app"), folder.path("main.st"));
        let mut program = Program::start(&["run", options[0], options[1], "--control", &socket, &app, &main]);
        program.until("old 1 |");
        for _ in 0..5 {
            let applied = apply(&folder, "names.st", &[]);
            assert_eq!(status(&applied), 0, "{options:?}: {}", stderr(&applied));
            let line = program.until("new anna").pop().unwrap();
            assert!(line.ends_with(" | #('name' 'count') | 1 | true"), "{options:?}: {line}");
            let undone = to(&folder, "undo");
            assert_eq!(status(&undone), 0, "{options:?}: {}", stderr(&undone));
            let line = program.until("old ").pop().unwrap();
            assert!(line.ends_with(" | #('count') | 1 | true"), "{options:?}: {line}");
        }
    }
}

#[test]
fn a_dry_run_leaves_everything_as_it_was() {
    let folder = folder("control-dry");
    let mut program = start(&folder, &[]);
    let dry = apply(&folder, "names.st", &["--dry-run"]);
    assert_eq!(status(&dry), 0, "{}", stderr(&dry));
    assert!(stdout(&dry).contains("validate"), "{}", stdout(&dry));
    assert!(!stdout(&dry).contains("commit"), "{}", stdout(&dry));
    assert!(stdout(&dry).contains("Could be applied: Counters have names (stop "), "{}", stdout(&dry));
    let seen = program.so_far().len();
    for _ in 0..seen + 10 {
        let line = program.line();
        assert!(line.starts_with("old ") && line.ends_with(" | #('count') | 1 | true"), "{line}");
    }
    assert_eq!(stdout(&to(&folder, "log")), "");
    let list = stdout(&to(&folder, "list"));
    assert!(list.contains("Counters: 1 classes, 5 methods"), "{list}");
    assert!(list.contains("updates since the start: 0"), "{list}");
    let undo = to(&folder, "undo");
    assert_eq!(status(&undo), 1);
    assert!(stderr(&undo).contains("There is no update to be undone"), "{}", stderr(&undo));
}

#[test]
fn patches_that_cannot_be_applied_say_why_and_change_nothing() {
    let folder = folder("control-refused");
    let mut program = start(&folder, &[]);
    let patch = |text: &str| format!("| p | p := DSUPatch named: 'Bad'. {text}. p");
    let shape = "p class: #Counter instanceVariables: #( name count )";
    for (text, wanted, code) in [
        ("( 3 + ".to_owned(), "expected", 1),
        ("3 + 4".to_owned(), "The text describes no patch", 1),
        ("[ true ] whileTrue".to_owned(), "The text of the patch did not end in time", 3),
        (patch("p before: [ [ true ] whileTrue ]"), "before the update did not end in time", 3),
        ("nil foo".to_owned(), "receiver of \"foo\" is nil", 1),
        (patch("p compile: 'text ^ ( ' in: #Counter"), "Counter>>", 1),
        (patch("p compile: 'text ^ 1' in: #NoSuchClass"), "NoSuchClass", 1),
        (
            patch(&format!("{shape}. p validate: [ :u | false ] named: 'never'")),
            "Validation failed: never",
            1,
        ),
        (
            patch(&format!(
                "{shape}. p policy: (DSUPolicy compute: [ :each | 1 / 0 ] for: 'name') for: #Counter"
            )),
            "ivi",
            1,
        ),
        (
            patch(&format!(
                "{shape}. p policy: (DSUPolicy compute: [ :each | [ true ] whileTrue ] for: 'name') for: #Counter"
            )),
            "",
            3,
        ),
    ] {
        folder.write("bad.st", &text);
        let refused = apply(&folder, "bad.st", &["--timeout", "600ms"]);
        assert_eq!(status(&refused), code, "{text}: {}", stderr(&refused));
        assert!(stderr(&refused).starts_with("error: not applied: "), "{text}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(wanted), "{text}: {}", stderr(&refused));
        program.so_far();
        let line = program.line();
        assert!(line.starts_with("old ") && line.ends_with(" | #('count') | 1 | true"), "{text}: {line}");
    }
    assert_eq!(status(&apply(&folder, "names.st", &[])), 0);
    program.until("new anna");
}

/// An update that waits for the process in `keep:`.
fn waits_for_safe_point(folder: &Folder) -> std::process::Child {
    let (socket, patch) = (folder.path("s"), folder.path("keep.st"));
    let waiting = command(&["apply", "--to", &socket, &patch, "--timeout", "50s"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(|| stdout(&to(folder, "list")).contains("under way: Keep"), "the update to wait");
    waiting
}

#[test]
fn a_safe_point_that_does_not_come_in_time_names_process_and_method() {
    let folder = folder("control-timeout");
    let mut program = start(&folder, &["--", "keep"]);
    let begun = Instant::now();
    let late = apply(&folder, "keep.st", &["--timeout", "400ms"]);
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert_eq!(status(&late), 3, "{}", stderr(&late));
    assert!(stderr(&late).contains("\n    process keeper is in Counter>>#keep:\n"), "{}", stderr(&late));
    assert!(stdout(&late).contains("safePoint"), "{}", stdout(&late));
    program.so_far();
    program.until("old ");
    let log = stdout(&to(&folder, "log"));
    assert!(log.contains("Keep") && log.contains("No safe point"), "{log}");
    folder.write("open.st", "(DSUPatch named: 'Open') after: [ (Smalltalk at: #Gate) signal ]; yourself");
    let waiting = waits_for_safe_point(&folder);
    // Two at once: the second is refused, and told why.
    let second = apply(&folder, "open.st", &[]);
    assert_eq!(status(&second), 1);
    assert!(stderr(&second).contains("Another update is under way: Keep"), "{}", stderr(&second));
    // Somebody may lose patience.
    let aborted = to(&folder, "abort");
    assert_eq!(status(&aborted), 0, "{}", stderr(&aborted));
    assert!(stdout(&aborted).contains("Keep"), "{}", stdout(&aborted));
    let done = waiting.wait_with_output().unwrap();
    assert_eq!(status(&done), 1, "{}", stdout(&done));
    let nothing = to(&folder, "abort");
    assert_eq!(status(&nothing), 1);
    assert!(stderr(&nothing).contains("No update is under way"), "{}", stderr(&nothing));
    // And it comes once the process has left the method.
    let waiting = waits_for_safe_point(&folder);
    folder.write("signal.st", "(Smalltalk at: #Gate) signal. DSUPatch named: 'Signal'");
    assert_eq!(status(&apply(&folder, "signal.st", &[])), 1);
    let done = waiting.wait_with_output().unwrap();
    assert_eq!(status(&done), 0, "{}", stdout(&done));
}

#[test]
fn the_log_outlives_a_program_that_is_killed() {
    let folder = folder("control-log");
    let log = folder.path("log");
    {
        let mut program = with_log(&folder);
        assert_eq!(status(&apply(&folder, "names.st", &[])), 0);
        program.until("new anna");
        folder.write("bad.st", "(DSUPatch named: 'Bad') compile: 'x' in: #NoSuchClass; yourself");
        assert_eq!(status(&apply(&folder, "bad.st", &[])), 1);
        assert_eq!(status(&to(&folder, "undo")), 0);
        // Each entry was there before its answer.
        program.kill();
    }
    assert!(fs::exists(folder.path("s")).unwrap(), "nobody took the socket away");
    let entries = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    };
    let written = entries(&folder.read("log"));
    let numbers: Vec<u64> = written.iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(written[0]["patch"], "Counters have names");
    assert_eq!(written[0]["who"], "tester");
    assert_eq!(written[0]["hash"].as_str().unwrap().len(), 64);
    assert_eq!(written[0]["committed"], true);
    assert_eq!(written[1]["kind"], "refused");
    assert_eq!(written[1]["committed"], false);
    // Half a line, as a crash leaves it.
    let whole = folder.read("log");
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(br#"{"number":4,"patch":"ha"#).unwrap();
    drop(file);
    let mut program = with_log(&folder);
    assert_eq!(folder.read("log"), whole);
    assert_eq!(stdout(&to(&folder, "log")).lines().count(), 3);
    assert_eq!(status(&apply(&folder, "names.st", &[])), 0);
    program.until("new anna");
    let written = entries(&folder.read("log"));
    assert_eq!(written.len(), 4);
    assert_eq!(written[3]["number"], 4);
    // One program at a time writes to it.
    let (app, other) = (folder.path("app"), folder.path("other"));
    let second = instar(&["run", "--control", &other, "--log", &log, &app]);
    assert_eq!(status(&second), 2);
    assert!(stderr(&second).contains("another program writes to it"), "{}", stderr(&second));
}

#[test]
fn what_a_program_logs_last_is_in_the_log_when_it_ends() {
    let folder = folder("control-last");
    folder.write("stop.st", "(DSUPatch named: 'Last') after: [ Smalltalk exit: 7 ]; yourself");
    let mut program = with_log(&folder);
    // The program ends before it answers.
    let ended = apply(&folder, "stop.st", &[]);
    assert_eq!(status(&ended), 4, "{} {}", stdout(&ended), stderr(&ended));
    assert_eq!(program.status(), 7);
    assert!(folder.read("log").contains(r#""patch":"Last""#), "{}", folder.read("log"));
}

/// Sends bytes and reads lines up to a result or the end.
fn raw(folder: &Folder, bytes: &[u8]) -> Vec<Value> {
    let mut stream = UnixStream::connect(folder.path("s")).unwrap();
    stream.set_read_timeout(Some(program::PATIENCE)).unwrap();
    // The other side may have said what it has to say, and gone.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let lines = BufReader::new(stream).lines();
    lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap()).collect()
}

#[test]
fn damaged_requests_get_an_error_and_nothing_else_happens() {
    let folder = folder("control-damaged");
    let mut program = start(&folder, &[]);
    let long = vec![b'['; (16 << 20) + 10];
    let deep = format!("{}\n", "[".repeat(100_000));
    for bytes in [
        b"garbage\n".as_slice(),
        b"\n",
        b"\xff\xfe\x00\n",
        b"{\"do\":\"list\"",
        b"{\"do\":\"nothing\"}\n",
        b"{\"do\":\"attach\",\"number\":0}\n",
        b"{\"do\":\"apply\"}\n",
        b"{\"do\":\"apply\",\"name\":\"x\",\"patch\":3}\n",
        b"{\"do\":\"list\",\"more\":1}\n",
        b"{\"do\":\"undo\",\"timeout_ms\":0}\n",
        b"{\"do\":\"undo\",\"timeout_ms\":-1}\n",
        b"{\"do\":\"undo\",\"timeout_ms\":99999999}\n",
        b"[1,2]\n",
        b"null\n",
        deep.as_bytes(),
        &long,
    ] {
        let answer = raw(&folder, bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(50)]);
        assert_eq!(answer.len(), 1, "{shown}: {answer:?}");
        assert_eq!(answer[0]["event"], "result", "{shown}");
        assert_eq!(answer[0]["kind"], "request", "{shown}: {answer:?}");
        assert!(!answer[0]["message"].as_str().unwrap().is_empty());
    }
    assert!(raw(&folder, b"").is_empty());
    // Several requests on one connection; an error does not end it.
    let answers = raw(&folder, b"oops\n{\"do\":\"log\"}\n{\"do\":\"list\"}\n");
    let events: Vec<&str> = answers.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["result", "result", "host", "program", "result"]);
    program.so_far();
    assert!(program.line().starts_with("old "));
}

#[test]
fn an_update_goes_on_when_its_requester_goes() {
    let folder = folder("control-gone");
    let mut program = start(&folder, &[]);
    let patch = serde_json::json!({ "do": "apply", "name": "names.st", "patch": NAMES }).to_string();
    let mut stream = UnixStream::connect(folder.path("s")).unwrap();
    stream.write_all(format!("{patch}\n").as_bytes()).unwrap();
    drop(stream);
    program.until("new anna");
    wait_until(|| stdout(&to(&folder, "log")).contains("committed"), "the entry");
}

#[test]
fn a_program_that_never_waits_is_updated() {
    let folder = folder("control-busy");
    folder.write(
        "main.st",
        "| counter shown | counter := Counter new. shown := nil.
         Transcript show: 'old 1 |'; cr; flush.
         [ (Smalltalk at: #Stop ifAbsent: [ nil ]) isNil ] whileTrue: [
            counter step.
            (counter text first: 3) = shown ifFalse: [
                shown := counter text first: 3.
                Transcript show: shown; cr; flush ] ]",
    );
    let mut program = start(&folder, &[]);
    let applied = apply(&folder, "names.st", &[]);
    assert_eq!(status(&applied), 0, "{}", stderr(&applied));
    program.until("new");
    assert_eq!(status(&to(&folder, "undo")), 0);
    program.until("old");
    assert_eq!(status(&apply(&folder, "stop.st", &[])), 0);
    assert_eq!(program.status(), 0);
}

#[test]
fn the_engine_updates_itself_through_the_socket() {
    let folder = folder("control-self");
    let mut program = start(&folder, &[]);
    // The classes whose methods are active while the request is answered, with a new variable in front of the others.
    for (class, number) in
        ["DSURequest", "DSUControl", "ExternalInbox", "ExternalMessage", "DSUUpdate"].iter().zip(1..)
    {
        folder.write(
            "self.st",
            &format!(
                "(DSUPatch named: '{class}') class: #{class} instanceVariables: #( note ) , {class} instanceVariables; yourself"
            ),
        );
        for what in [apply(&folder, "self.st", &[]), to(&folder, "undo"), apply(&folder, "self.st", &[])] {
            assert_eq!(status(&what), 0, "{class}: {} {}", stdout(&what), stderr(&what));
        }
        assert!(
            stdout(&to(&folder, "list")).contains(&format!("updates since the start: {}", 3 * number)),
            "{class}"
        );
    }
    folder.write(
        "self.st",
        "(DSUPatch named: 'Kind') compile: 'kindOf: anError ^ ''changed''' in: #DSURequest; yourself",
    );
    assert_eq!(status(&apply(&folder, "self.st", &[])), 0);
    folder.write("bad.st", "3");
    let refused = apply(&folder, "bad.st", &["--json"]);
    assert!(stdout(&refused).contains(r#""kind":"changed""#), "{}", stdout(&refused));
    program.so_far();
    assert!(program.line().starts_with("old "));
}

#[test]
fn sockets_are_their_owners_and_errors_are_clear() {
    let folder = folder("control-socket");
    let socket = folder.path("s");
    let none = apply(&folder, "names.st", &[]);
    assert_eq!(status(&none), 2);
    assert!(stderr(&none).contains("there is no such socket"), "{}", stderr(&none));
    let mut program = start(&folder, &[]);
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let app = folder.path("app");
    let second = instar(&["run", "--control", &socket, &app]);
    assert_eq!(status(&second), 2);
    assert!(stderr(&second).contains("another program listens there"), "{}", stderr(&second));
    program.kill();
    let dead = apply(&folder, "names.st", &[]);
    assert_eq!(status(&dead), 2);
    assert!(stderr(&dead).contains("nobody listens there"), "{}", stderr(&dead));
    // The stale socket is replaced, a file is not.
    drop(start(&folder, &[]));
    let file = folder.path("main.st");
    let taken = instar(&["run", "--control", &file, &app]);
    assert_eq!(status(&taken), 2);
    assert!(stderr(&taken).contains("something else than a socket"), "{}", stderr(&taken));
    assert_eq!(folder.read("main.st"), MAIN);
    let nowhere = instar(&["run", "--control", &folder.path("no/such/s"), &app]);
    assert_eq!(status(&nowhere), 2);
    let missing = apply(&folder, "missing.st", &[]);
    assert_eq!(status(&missing), 2);
    let wrong = apply(&folder, "names.st", &["--timeout", "soon"]);
    assert_eq!(status(&wrong), 2);
    wait_for(folder.path("names.st"));
}

#[test]
fn updates_that_the_program_makes_itself_are_logged_as_well() {
    let folder = folder("control-inside");
    folder.write(
        "main.st",
        "DSUUpdate apply: ((DSUPatch named: 'Inside') compile: 'text ^ ''inside''' in: #Counter; yourself).
         [ DSUUpdate apply: ((DSUPatch named: 'Wrong') compile: 'text' in: #NoSuchClass; yourself) ] on: DSUPatchRefused do: [ :error | nil ].
         Transcript show: 'old 1 |'; cr; flush. (Delay forSeconds: 1000) wait",
    );
    let _program = with_log(&folder);
    assert_eq!(status(&apply(&folder, "keep.st", &[])), 0);
    let log = folder.read("log");
    let entries: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |entry: &Value| {
        (entry["number"].as_u64(), entry["patch"].clone(), entry["who"].clone(), entry["committed"].clone())
    };
    let all: Vec<_> = entries.iter().map(said).collect();
    assert_eq!(
        all,
        [
            (Some(1), "Inside".into(), Value::Null, true.into()),
            (Some(2), "Wrong".into(), Value::Null, false.into()),
            (Some(3), "Keep".into(), "tester".into(), true.into()),
        ]
    );
    assert_eq!(stdout(&to(&folder, "log")).lines().count(), 3);
}

/// The same as `NAMES`, as a patch file.
const NAMES_FILE: &str = "\"
Counters get names.
\"
Patch {
	#name : 'Counters have names',
	#author : 'ann'
}

ChangedClass {
	#name : #Counter,
	#instVars : [
		'name',
		'count'
	]
}

{ #category : 'counting' }
Counter >> text [
	^ 'new ' , name , ' ' , count printString
]

Policy {
	#class : #Counter,
	#defaults : { #name : '\\'anna\\'' }
}
";

#[test]
fn patch_files_are_applied() {
    let folder = folder("control-file");
    folder.write("names.patch", NAMES_FILE);
    let mut program = start(&folder, &[]);
    let applied = apply(&folder, "names.patch", &[]);
    assert_eq!(status(&applied), 0, "{}", stderr(&applied));
    assert!(stdout(&applied).contains("Applied: Counters have names, number 1"), "{}", stdout(&applied));
    let line = program.until("new anna").pop().unwrap();
    assert!(line.ends_with(" | #('name' 'count') | 1 | true"), "{line}");
    // What is wrong with a file is said with its place, and what is undecided is refused, before the program hears of it.
    folder.write("bad.patch", &NAMES_FILE.replace("printString", "( printString"));
    let bad = apply(&folder, "bad.patch", &[]);
    assert_eq!(status(&bad), 1);
    assert!(stderr(&bad).contains("bad.patch:19:"), "{}", stderr(&bad));
    folder.write("open.patch", &NAMES_FILE.replace("#defaults", "#undecided : 'Which name?',\n\t#defaults"));
    let open = apply(&folder, "open.patch", &[]);
    assert_eq!(status(&open), 1);
    assert!(stderr(&open).contains("Which name?"), "{}", stderr(&open));
    assert_eq!(stdout(&to(&folder, "log")).lines().count(), 1);
    program.so_far();
    program.until("new anna");
}
