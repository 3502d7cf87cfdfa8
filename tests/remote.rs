//! Programs that are updated from elsewhere: over TCP with a token, by patches that are signed, and with others looking on.

#[path = "support/counters.rs"]
mod counters;
#[path = "support/program.rs"]
mod program;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Output, Stdio};

use counters::{NAMES, apply, folder, to};
use program::{Folder, PATIENCE, Program, command, instar, status, stderr, stdout, wait_until};
use serde_json::{Value, json};

const TOKEN: &str = "correct-horse-battery-staple-0123456789";
const WRONG: &str = "incorrect-horse-battery-staple-01234567";

/// A file with a secret in it.
fn secret(folder: &Folder, name: &str, text: &str) -> String {
    folder.write(name, text);
    let path = folder.path(name);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// A program that listens at a port, and where.
fn remote(folder: &Folder, options: &[&str]) -> (Program, String) {
    let token = secret(folder, "token", TOKEN);
    let (app, main) = (folder.path("app"), folder.path("main.st"));
    let mut arguments = vec!["run", "--control", "127.0.0.1:0", "--control-token-file", &token];
    arguments.extend(options);
    arguments.extend([app.as_str(), main.as_str()]);
    let mut command = command(&arguments);
    command.env("INSTAR_LOG", "info").stdin(Stdio::null());
    let mut program = Program::of(command);
    let said = program.complains("to be controlled at ").pop().unwrap();
    program.until("old 1 |");
    (program, said.rsplit(' ').next().unwrap().to_owned())
}

/// A command that goes to a port with a token.
fn ask(token: &str, arguments: &[&str]) -> Output {
    command(arguments).env("INSTAR_CONTROL_TOKEN", token).output().unwrap()
}

fn hello(token: &str) -> String {
    format!("{}\n", json!({ "do": "hello", "token": token }))
}

fn connect(port: &str) -> TcpStream {
    let stream = TcpStream::connect(port).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes and reads to the end, which must come.
fn raw(port: &str, bytes: &[u8]) -> Vec<Value> {
    let mut stream = connect(port);
    // The other side may have said what it has to say, and gone.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn over_tcp_a_program_is_updated_by_whoever_has_the_token() {
    let folder = folder("remote-apply");
    let (mut program, port) = remote(&folder, &["--log", &folder.path("log")]);
    let (patch, token) = (folder.path("names.st"), folder.path("token"));
    let listed = instar(&["list", "--to", &port, "--control-token-file", &token]);
    assert_eq!(status(&listed), 0, "{}", stderr(&listed));
    assert!(stdout(&listed).contains("Counters: 1 classes"), "{}", stdout(&listed));
    let dry = ask(TOKEN, &["apply", "--to", &port, "--dry-run", &patch]);
    assert_eq!(status(&dry), 0, "{}", stderr(&dry));
    let applied = ask(TOKEN, &["apply", "--to", &format!("tcp:{port}"), &patch]);
    assert_eq!(status(&applied), 0, "{}", stderr(&applied));
    program.until("new anna");
    let state = ask(TOKEN, &["status", "--to", &port, "--once"]);
    assert!(stdout(&state).contains("1 committed, 0 failed"), "{}", stdout(&state));
    assert!(stdout(&state).contains("no update is under way"), "{}", stdout(&state));
    assert_eq!(status(&ask(TOKEN, &["undo", "--to", &port])), 0);
    program.until("old ");
    let none = ask(TOKEN, &["abort", "--to", &port]);
    assert!(stderr(&none).contains("No update is under way"), "{}", stderr(&none));
    let log = stdout(&ask(TOKEN, &["log", "--to", &port]));
    assert!(log.lines().next().unwrap().contains("tester from 127.0.0.1:"), "{log}");
    let entry: Value = serde_json::from_str(folder.read("log").lines().next().unwrap()).unwrap();
    assert!(entry["from"].as_str().unwrap().starts_with("127.0.0.1:"), "{entry}");
    assert_eq!((&entry["who"], &entry["signer"]), (&"tester".into(), &Value::Null));
}

#[test]
fn strangers_hear_why_and_nothing_else() {
    let folder = folder("remote-strangers");
    let (mut program, port) = remote(&folder, &[]);
    let list = b"{\"do\":\"list\"}\n".as_slice();
    let long = [b"{\"do\":\"hello\",\"token\":\"", "x".repeat(100_000).as_bytes(), b"\"}\n"].concat();
    for (bytes, reason) in [
        (hello(WRONG).as_bytes(), "the token is wrong"),
        (hello("").as_bytes(), "the token is wrong"),
        (&[hello(WRONG).as_bytes(), hello(TOKEN).as_bytes(), list].concat(), "the token is wrong"),
        (list, "the token is missing"),
        (b"{\"do\":\"hello\"}\n", "the token is missing"),
        (b"{\"do\":\"hello\",\"token\":7}\n", "the token is missing"),
        (b"garbage\n", "the token is missing"),
        (b"\xff\x00\xfe\n", "the token is missing"),
        (b"no end of line", "at most 4096 bytes"),
        (&long, "at most 4096 bytes"),
    ] {
        let answer = raw(&port, bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(50)]).into_owned();
        assert_eq!(answer.len(), 1, "{shown}: {answer:?}");
        assert_eq!((&answer[0]["ok"], &answer[0]["kind"]), (&false.into(), &"token".into()), "{shown}");
        assert!(answer[0]["message"].as_str().unwrap().contains(reason), "{shown}: {answer:?}");
    }
    let refused = ask(WRONG, &["list", "--to", &port]);
    assert_eq!(status(&refused), 2);
    assert!(stderr(&refused).contains("the token is wrong"), "{}", stderr(&refused));
    // It is in the structured log, with the peer and without the token.
    let logged = program.complains("the token is wrong");
    assert!(logged.last().unwrap().contains("peer=\"127.0.0.1:"), "{logged:?}");
    assert!(!logged.iter().any(|line| line.contains("horse")), "{logged:?}");
    let answers = raw(&port, &[hello(TOKEN).as_bytes(), list].concat());
    let events: Vec<&str> = answers.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["result", "host", "program", "result"]);
}

#[test]
fn tcp_without_a_good_token_is_refused_with_the_mend() {
    let folder = folder("remote-token");
    let app = folder.path("app");
    let run = |options: &[&str]| {
        let mut arguments = vec!["run", "--control", "127.0.0.1:0"];
        arguments.extend(options);
        arguments.push(&app);
        instar(&arguments)
    };
    let none = run(&[]);
    assert_eq!(status(&none), 2);
    assert!(stderr(&none).contains("/dev/urandom"), "{}", stderr(&none));
    let short = secret(&folder, "short", "short");
    let too_short = run(&["--control-token-file", &short]);
    assert_eq!(status(&too_short), 2);
    assert!(stderr(&too_short).contains("has 5 bytes, and must have from 32"), "{}", stderr(&too_short));
    let open = secret(&folder, "open", TOKEN);
    fs::set_permissions(&open, Permissions::from_mode(0o644)).unwrap();
    let readable = run(&["--control-token-file", &open]);
    assert_eq!(status(&readable), 2);
    assert!(stderr(&readable).contains(&format!("chmod 600 {open}")), "{}", stderr(&readable));
    assert_eq!(status(&ask("short", &["run", "--control", "127.0.0.1:0", &app])), 2);
    let tokenless = instar(&["list", "--to", "127.0.0.1:1"]);
    assert_eq!(status(&tokenless), 2);
    assert!(stderr(&tokenless).contains("--control-token-file"), "{}", stderr(&tokenless));
    let nobody = ask(TOKEN, &["list", "--to", "127.0.0.1:1"]);
    assert_eq!(status(&nobody), 2);
    assert!(stderr(&nobody).contains("nobody listens there"), "{}", stderr(&nobody));
    // Where others may listen in, it says so.
    let wide = ask(TOKEN, &["run", "--control", "tcp:0.0.0.0:0", &app]);
    assert_eq!(status(&wide), 0, "{}", stderr(&wide));
    assert!(stderr(&wide).contains("not encrypted"), "{}", stderr(&wide));
    assert!(!stderr(&ask(TOKEN, &["run", "--control", "127.0.0.1:0", &app])).contains("not encrypted"));
}

#[test]
fn who_speaks_another_protocol_is_told_the_version() {
    let folder = folder("remote-version");
    let (_program, port) = remote(&folder, &[]);
    let other = format!("{}\n", json!({ "do": "hello", "token": TOKEN, "protocol": 99 }));
    let answer = raw(&port, other.as_bytes());
    assert_eq!((&answer[0]["ok"], &answer[0]["kind"]), (&false.into(), &"version".into()), "{answer:?}");
    let message = answer[0]["message"].as_str().unwrap();
    assert!(message.contains("99") && message.contains(env!("CARGO_PKG_VERSION")), "{message}");
    // Strangers learn no version.
    let stranger = raw(&port, other.replace(TOKEN, WRONG).as_bytes());
    assert_eq!(stranger[0]["kind"], "token");
}

#[test]
fn strangers_in_any_number_keep_nobody_out() {
    let folder = folder("remote-crowd");
    let (mut program, port) = remote(&folder, &[]);
    let mut inside = connect(&port);
    inside.write_all(hello(TOKEN).as_bytes()).unwrap();
    let mut answers = BufReader::new(inside.try_clone().unwrap()).lines();
    assert!(answers.next().unwrap().unwrap().contains("\"ok\":true"));
    // Half a greeting each, and nothing more.
    let crowd: Vec<TcpStream> = (0..1000)
        .map(|number| {
            let mut stream = connect(&port);
            if number % 2 == 0 {
                let _ = stream.write_all(b"{\"do\":\"hel");
            }
            stream
        })
        .collect();
    // Those without a place hear so at once.
    let mut last = String::new();
    BufReader::new(&crowd[999]).read_line(&mut last).unwrap();
    assert!(last.contains("too many connections"), "{last}");
    // Who was let in before works as ever.
    for _ in 0..10 {
        inside.write_all(b"{\"do\":\"log\"}\n").unwrap();
        assert!(answers.next().unwrap().unwrap().contains("\"ok\":true"));
    }
    program.so_far();
    assert!(program.line().starts_with("old "));
    drop(crowd);
    wait_until(|| status(&ask(TOKEN, &["list", "--to", &port])) == 0, "a place");
}

#[test]
fn more_connections_than_there_are_places_are_turned_away() {
    let folder = folder("remote-places");
    let (_program, port) = remote(&folder, &[]);
    let enter = || {
        let mut stream = connect(&port);
        stream.write_all(hello(TOKEN).as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        (stream, serde_json::from_str::<Value>(&line).unwrap())
    };
    let inside: Vec<_> = (0..32).map(|_| enter()).collect();
    assert!(inside.iter().all(|(_, answer)| answer["ok"] == true));
    let (mut stream, answer) = enter();
    assert_eq!(answer["kind"], "busy", "{answer}");
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the connection ends");
    drop(inside);
    wait_until(|| enter().1["ok"] == true, "a place");
}

/// Numbers that look like any (xorshift, Marsaglia 2003).
fn scramble(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn whatever_bytes_come_the_program_goes_on() {
    let folder = folder("remote-bytes");
    let (mut program, port) = remote(&folder, &[]);
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let requests = [
        hello(TOKEN),
        "{\"do\":\"list\"}\n".to_owned(),
        "{\"do\":\"status\"}\n".to_owned(),
        format!("{}\n", json!({ "do": "apply", "name": "n", "patch": "nil", "signature": "x y" })),
    ];
    for round in 0..60 {
        let mut bytes: Vec<u8> = match round % 3 {
            0 => (0..scramble(&mut state) % 5000).map(|_| scramble(&mut state) as u8).collect(),
            _ => requests.concat().into_bytes(),
        };
        // What is right but for some bits, behind the greeting or in it.
        let first = if round % 3 == 1 { requests[0].len() as u64 } else { 0 };
        for _ in 0..round % 3 * 2 {
            let at = first + scramble(&mut state) % (bytes.len() as u64 - first);
            bytes[at as usize] ^= 1 << (scramble(&mut state) % 8);
        }
        let mut stream = connect(&port);
        let _ = stream.write_all(&bytes);
        if round % 2 == 0 {
            drop(stream);
        } else {
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
    program.so_far();
    assert!(program.line().starts_with("old "));
    wait_until(|| status(&ask(TOKEN, &["list", "--to", &port])) == 0, "an answer");
}

/// A private key's file, and its public half.
fn key(folder: &Folder, name: &str) -> (String, String) {
    let path = folder.path(name);
    let made = instar(&["keygen", &path]);
    assert_eq!(status(&made), 0, "{}", stderr(&made));
    (path, stdout(&made).trim().to_owned())
}

#[test]
fn only_signed_patches_of_accepted_keys_are_applied() {
    let folder = folder("remote-signed");
    let ((ann, ann_public), (bob, bob_public), (eve, _)) =
        (key(&folder, "ann"), key(&folder, "bob"), key(&folder, "eve"));
    assert_eq!(fs::metadata(&ann).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(status(&instar(&["keygen", &ann])), 2, "a key is never written over");
    folder.write("keys", &format!("# who may\n{bob_public} bob\n"));
    let (socket, app, main) = (folder.path("s"), folder.path("app"), folder.path("main.st"));
    let (log, keys) = (folder.path("log"), folder.path("keys"));
    let mut started = command(&["run", "--control", &socket, "--log", &log, "--accept-key", &keys]);
    started.args(["--accept-key", &ann_public, &app, &main]).env("INSTAR_LOG", "warn").stdin(Stdio::null());
    let mut program = Program::of(started);
    program.until("old 1 |");
    let refused = |options: &[&str], reason: &str| {
        let refused = apply(&folder, "names.st", options);
        assert_eq!(status(&refused), 1, "{}", stdout(&refused));
        assert!(stderr(&refused).contains(reason), "{}", stderr(&refused));
        let json = apply(&folder, "names.st", &["--json"]);
        assert!(stdout(&json).contains("\"kind\":\"signature\""), "{}", stdout(&json));
    };
    let sign = |key: &str| {
        let signed = instar(&["sign", "--key", key, &folder.path("names.st")]);
        assert_eq!(status(&signed), 0, "{}", stderr(&signed));
    };
    refused(&[], "not signed");
    refused(&["--dry-run"], "not signed");
    sign(&eve);
    refused(&[], "does not accept this key");
    sign(&ann);
    folder.write("names.st", &NAMES.replace("anna", "emma"));
    refused(&[], "was changed since");
    folder.write("names.st.sig", "no signature");
    refused(&[], "instar sign");
    assert!(program.complains("a patch is refused").last().unwrap().contains("names.st"));
    assert_eq!(stdout(&to(&folder, "log")), "");
    folder.write("names.st", NAMES);
    for (key, public) in [(&ann, &ann_public), (&bob, &bob_public)] {
        sign(key);
        let applied = apply(&folder, "names.st", &[]);
        assert_eq!(status(&applied), 0, "{}", stderr(&applied));
        program.until("new anna");
        let entry: Value = serde_json::from_str(folder.read("log").lines().last().unwrap()).unwrap();
        assert_eq!((&entry["signer"], &entry["from"]), (&json!(public), &"socket".into()));
        let log = stdout(&to(&folder, "log"));
        assert!(log.lines().last().unwrap().contains(&format!("signed by {}", &public[..12])), "{log}");
        // What goes back needs no signature.
        assert_eq!(status(&to(&folder, "undo")), 0);
        program.until("old ");
    }
    for (arguments, reason) in [
        (vec!["sign", "--key", &keys, &main], "chmod 600"),
        (vec!["run", "--control", &socket, "--accept-key", "nobody", &app], "neither a public key"),
        (vec!["run", "--accept-key", &ann_public, &app], "--control"),
    ] {
        let wrong = instar(&arguments);
        assert_eq!(status(&wrong), 2, "{arguments:?}");
        assert!(stderr(&wrong).contains(reason), "{}", stderr(&wrong));
    }
}

/// Somebody who looks on: their process, whose lines are events.
fn look_on(folder: &Folder) -> Program {
    let mut watcher = Program::start(&["status", "--to", &folder.path("s"), "--json"]);
    watcher.until("\"state\"");
    watcher
}

fn events(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn saved_files_change_a_program_far_away_that_takes_signed_patches_only() {
    let folder = folder("remote-watch");
    let ((ann, public), (eve, _)) = (key(&folder, "ann"), key(&folder, "eve"));
    let (mut program, port) = remote(&folder, &["--accept-key", &public]);
    let (app, token) = (folder.path("app"), folder.path("token"));
    let save = |text: &str| folder.write("app/Counter.class.st", &counters::COUNTER.replace("'old '", text));
    let watch = |key: &str| {
        let mut watcher =
            Program::start(&["watch", &app, "--to", &port, "--control-token-file", &token, "--key", key]);
        watcher.complains("watching");
        watcher
    };
    let mut refused = watch(&eve);
    save("'hers '");
    refused.complains("does not accept this key");
    refused.kill();
    save("'old '");
    program.so_far();
    program.until("old ");
    let mut applied = watch(&ann);
    save("'mine '");
    applied.complains("applied: Edit of Counter>>text");
    program.until("mine ");
}

#[test]
fn all_who_look_on_see_each_step_as_it_happens() {
    let folder = folder("remote-status");
    let (socket, app, main) = (folder.path("s"), folder.path("app"), folder.path("main.st"));
    // The program also updates itself, when it is told to, and has somebody wait in a method that changes.
    folder.write("main.st", &counters::MAIN.replace(
        "(Delay forMilliseconds: 5) wait",
        "Smalltalk at: #Keeper put: keeper.
         (Smalltalk at: #Change ifAbsent: [ nil ]) ifNotNil: [ :it | Smalltalk removeKey: #Change. DSUUpdate apply: it ].
         (Delay forMilliseconds: 5) wait",
    ));
    let mut program = Program::start(&["run", "--control", &socket, &app, &main]);
    program.until("old 1 |");
    let mut watchers = [look_on(&folder), look_on(&folder)];
    // One that reads nothing holds nobody up.
    let mut deaf = UnixStream::connect(&socket).unwrap();
    deaf.write_all(b"{\"do\":\"status\"}\n").unwrap();
    assert_eq!(status(&apply(&folder, "names.st", &[])), 0);
    for watcher in &mut watchers {
        let mut seen = events(&watcher.until("\"event\":\"end\""));
        seen.retain(|event| event["event"] != "state");
        let (first, last) = (&seen[0], &seen[seen.len() - 1]);
        assert_eq!((&first["event"], &first["patch"]), (&"begin".into(), &"Counters have names".into()));
        assert_eq!((&first["who"], &first["from"]), (&"tester".into(), &"socket".into()));
        let steps: Vec<&str> = seen
            .iter()
            .filter(|event| event["state"] == "end")
            .map(|event| event["step"].as_str().unwrap())
            .collect();
        assert_eq!(
            steps,
            [
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
                "resume"
            ]
        );
        let migrated =
            seen.iter().find(|event| event["step"] == "migrate" && event["state"] == "end").unwrap();
        assert_eq!(migrated["instances"], 500);
        assert!(migrated["us"].is_u64());
        assert_eq!(
            (&last["committed"], &last["number"], &last["instances"]),
            (&true.into(), &1.into(), &500.into())
        );
        assert!(seen.iter().all(|event| event["began"] == first["began"]));
    }
    assert_eq!(status(&to(&folder, "undo")), 0);
    // An update that waits is seen waiting, and by whom it was given up.
    folder.write(
        "go.st",
        "(DSUPatch named: 'Go') after: [ (Smalltalk at: #Keeper) priority: 50; resume ]; yourself",
    );
    assert_eq!(status(&apply(&folder, "go.st", &[])), 0);
    let (patch, folder_socket) = (folder.path("keep.st"), folder.path("s"));
    let waiting = command(&["apply", "--to", &folder_socket, &patch, "--timeout", "50s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until(
        || {
            let state = instar(&["status", "--to", &socket, "--once", "--json"]);
            let state: Value = serde_json::from_str(stdout(&state).lines().next().unwrap()).unwrap();
            state["update"]["step"] == "safePoint"
                && state["update"]["patch"] == "Keep"
                && state["update"]["methods"].is_u64()
        },
        "the wait",
    );
    let shown = stdout(&instar(&["status", "--to", &socket, "--once"]));
    assert!(shown.contains("under way since") && shown.contains("Keep, in safePoint since"), "{shown}");
    assert_eq!(status(&to(&folder, "abort")), 0);
    assert_eq!(status(&waiting.wait_with_output().unwrap()), 1);
    for watcher in &mut watchers {
        let last = events(&watcher.until("\"aborted\"")).pop().unwrap();
        assert_eq!((&last["event"], &last["committed"]), (&"end".into(), &false.into()));
    }
    // What the program does by itself is seen as well.
    folder.write("inside.st", "(DSUPatch named: 'Outside') after: [ Smalltalk at: #Change put: ((DSUPatch named: 'Inside') compile: 'text ^ ''inside ''' in: #Counter; yourself) ]; yourself");
    assert_eq!(status(&apply(&folder, "inside.st", &[])), 0);
    program.until("inside");
    for watcher in &mut watchers {
        watcher.until("\"Outside\"");
        let inside = events(&watcher.until("\"Inside\"")).pop().unwrap();
        assert_eq!(
            (&inside["event"], &inside["who"], &inside["from"]),
            (&"begin".into(), &Value::Null, &Value::Null)
        );
    }
    assert_eq!(status(&apply(&folder, "stop.st", &[])), 0);
    for watcher in &mut watchers {
        assert_eq!(watcher.status(), 0, "looked at to its end");
    }
    drop(deaf);
}

#[test]
fn who_looks_on_leaves_by_saying_anything_and_goes_on_with_it() {
    let folder = folder("remote-leave");
    let (_program, port) = remote(&folder, &[]);
    let mut stream = connect(&port);
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut event = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    stream.write_all(hello(TOKEN).as_bytes()).unwrap();
    assert_eq!(event()["ok"], true);
    stream.write_all(b"{\"do\":\"status\"}\n").unwrap();
    assert_eq!(event()["event"], "state");
    stream.write_all(b"{\"do\":\"log\"}\n").unwrap();
    assert_eq!(event()["ok"], true, "the end of the status");
    assert_eq!(event()["ok"], true, "that of the log");
    // Places of those who look on are free again once they are gone.
    let status = format!("{}{{\"do\":\"status\"}}\n", hello(TOKEN));
    for _ in 0..3 {
        // Places become free when the server sees that a connection is closed, a little later.
        let mut watchers: Vec<TcpStream> = Vec::new();
        let mut one_looks_on = || {
            let mut stream = connect(&port);
            stream.write_all(status.as_bytes()).unwrap();
            let second = BufReader::new(&stream).lines().nth(1).unwrap().unwrap();
            let state = second.contains("\"state\"");
            watchers.extend(state.then_some(stream));
            state
        };
        (0..16).for_each(|_| wait_until(&mut one_looks_on, "a place"));
        let one_more = raw(&port, status.as_bytes());
        assert_eq!(one_more[1]["kind"], "busy", "{one_more:?}");
    }
}
