//! The chat application as people meet it: `instar serve examples/chat/v1`, its routes, and its updates while clients use it.

#[path = "../web/tests/support/client.rs"]
mod client;
#[path = "support/program.rs"]
mod program;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use client::{Client, Response};
use instar_interp::host::Session;
use instar_interp::source;
use instar_interp::vm::{Space, SpaceOptions};
use program::{Folder, Program, instar, status, stderr, stdout};
use serde_json::{Value, json};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/chat").join(name).to_str().unwrap().to_owned()
}

/// A server that runs, and where.
struct Chat {
    program: Program,
    address: SocketAddr,
}

impl Chat {
    fn start(version: &str, options: &[&str], arguments: &[&str]) -> Chat {
        let path = example(version);
        let mut all = vec!["serve", "--port", "0"];
        all.extend(options);
        all.push(&path);
        if !arguments.is_empty() {
            all.push("--");
            all.extend(arguments);
        }
        let mut program = Program::start(&all);
        let line = program.until("listening on http://").pop().unwrap();
        let address = line.rsplit('/').next().unwrap().parse().unwrap();
        Chat { program, address }
    }

    fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    fn get(&self, path: &str) -> Response {
        self.connect().get(path)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.program.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

fn json(response: &Response) -> Value {
    assert_eq!(response.header("content-type"), "application/json", "{response:?}");
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn all_routes_of_the_chat() {
    for version in ["v1", "v2"] {
        let chat = Chat::start(version, &[], &[]);
        let mut client = chat.connect();
        let ann = client.request("PUT", "/user/ann", FORM, "firstName=Ann&lastName=Lee");
        let described = json!({ "username": "ann", "fullName": "Ann Lee", "pendingMessages": 0 });
        assert_eq!((ann.status, json(&ann)), (201, described.clone()));
        assert_eq!(json(&client.get("/user/ann")), described);
        assert_eq!(client.get("/user/bob").status, 404);
        assert_eq!(client.request("PUT", "/room/lobby", "", "").status, 201);
        assert_eq!(json(&client.get("/rooms")), json!(["lobby"]));
        assert_eq!(client.request("PUT", "/room/lobby/ann", "", "").status, 201);
        let posted = client.request("POST", "/room/lobby/ann", "", "grüße \"x\"\n\u{1F600}");
        let message = json!({ "from": "ann", "room": "lobby", "text": "grüße \"x\"\n\u{1F600}" });
        assert_eq!((posted.status, json(&posted)), (201, message.clone()));
        let pending = client.request("POST", "/user/ann/pendingMessages", "", "");
        let joined = json!({ "from": null, "room": "lobby", "text": "ann has joined" });
        assert_eq!(json(&pending), json!([joined, message]));
        assert_eq!(json(&client.request("POST", "/user/ann/pendingMessages", "", "")), json!([]));
        let left = client.request("DELETE", "/room/lobby/ann", "", "");
        assert_eq!(json(&left), json!({ "name": "lobby", "messages": 3, "registeredUsers": 0 }));
        assert_eq!(client.request("DELETE", "/rooms", "", "").status, 405);
        assert_eq!(client.get("/nothing").status, 404);
    }
}

/// Clients that post, and take and check what waits for them, each in a room of its own with another user.
struct Load {
    is_over: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<usize>>,
}

impl Load {
    fn start(chat: &Chat, clients: usize) -> Load {
        let (is_over, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..clients)
            .map(|number| {
                let (address, is_over, rounds) = (chat.address, is_over.clone(), rounds.clone());
                std::thread::spawn(move || converse(address, number, &is_over, &rounds))
            })
            .collect();
        let load = Load { is_over, rounds, threads };
        load.go_on();
        load
    }

    /// Waits until clients have had some more answers.
    fn go_on(&self) {
        let wanted = self.rounds.load(Ordering::Acquire) + 60;
        program::wait_until(|| self.rounds.load(Ordering::Acquire) >= wanted || self.has_failed(), "clients");
    }

    fn has_failed(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Ends; the result is how many messages were posted and seen.
    fn end(self) -> usize {
        self.is_over.store(true, Ordering::Release);
        self.threads.into_iter().map(|thread| thread.join().expect("no answer was wrong")).sum()
    }
}

fn converse(address: SocketAddr, number: usize, is_over: &AtomicBool, rounds: &AtomicUsize) -> usize {
    let mut client = Client::connect(address);
    let (room, ann, bob) = (format!("room{number}"), format!("ann{number}"), format!("bob{number}"));
    assert_eq!(client.request("PUT", &format!("/room/{room}"), "", "").status, 201);
    for user in [&ann, &bob] {
        let form = "firstName=A&lastName=B";
        assert_eq!(client.request("PUT", &format!("/user/{user}"), FORM, form).status, 201);
        assert_eq!(client.request("PUT", &format!("/room/{room}/{user}"), "", "").status, 201);
    }
    let take = |client: &mut Client, user: &str| {
        json(&client.request("POST", &format!("/user/{user}/pendingMessages"), "", ""))
    };
    let info = |text: String| json!({ "from": null, "room": room, "text": text });
    let both = json!([info(format!("{ann} has joined")), info(format!("{bob} has joined"))]);
    assert_eq!(take(&mut client, &ann), both);
    assert_eq!(take(&mut client, &bob), both);
    let mut count = 0;
    while !is_over.load(Ordering::Acquire) {
        let from = if count % 2 == 0 { &ann } else { &bob };
        let message = json!({ "from": from, "room": room, "text": format!("message {count}") });
        let posted = client.request("POST", &format!("/room/{room}/{from}"), "", format!("message {count}"));
        assert_eq!((posted.status, json(&posted)), (201, message.clone()));
        let waiting = json!({ "username": ann, "fullName": "A B", "pendingMessages": 1 });
        assert_eq!(json(&client.get(&format!("/user/{ann}"))), waiting);
        // Exactly this message, once, for each.
        assert_eq!(take(&mut client, &ann), json!([message]));
        assert_eq!(take(&mut client, &bob), json!([message]));
        count += 1;
        rounds.fetch_add(1, Ordering::AcqRel);
    }
    let kept = json(&client.request("PUT", &format!("/room/{room}"), "", ""));
    assert_eq!(kept, json!({ "name": room, "messages": count + 2, "registeredUsers": 2 }));
    count
}

/// What clients see of old messages: those that the archive was made with, and who came, which a newcomer is told.
fn check_archive(chat: &Chat, users: &[&str]) {
    let mut client = chat.connect();
    let user = users[users.len() - 1];
    client.request("PUT", &format!("/user/{user}"), FORM, "firstName=A&lastName=B");
    assert_eq!(client.request("PUT", &format!("/room/archive/{user}"), "", "").status, 201);
    let told = json(&client.request("POST", &format!("/user/{user}/pendingMessages"), "", ""));
    let made = (1..=500).map(|number| match number % 2 {
        0 => (json!("archivist"), format!("Message {number}")),
        _ => (Value::Null, format!("Notice {number}")),
    });
    let joined = users.iter().map(|user| (Value::Null, format!("{user} has joined")));
    let wanted: Vec<Value> = made
        .chain(joined)
        .map(|(from, text)| json!({ "from": from, "room": "archive", "text": text }))
        .collect();
    assert_eq!(told, Value::Array(wanted));
}

#[test]
fn each_route_runs_its_update_while_clients_use_the_chat() {
    let chat = Chat::start("v1", &[], &["populate=500"]);
    check_archive(&chat, &["first"]);
    let load = Load::start(&chat, 4);
    for round in 0..2 {
        for (route, back) in [
            ("updateV1ToV2", "updateV2ToV1"),
            ("updateKernel", "revertUpdateKernel"),
            ("updateAtomicProcess", "revertUpdateAtomicProcess"),
        ] {
            // What makes no sense now is refused and changes nothing.
            let refused = chat.get(&format!("/{back}"));
            assert_eq!(refused.status, 409, "{back}: {}", refused.text());
            for step in [route, back] {
                let updated = chat.get(&format!("/{step}"));
                assert_eq!(updated.status, 200, "{step}: {}", updated.text());
                let result = json(&updated);
                assert!(
                    result["total_us"].as_u64().unwrap() >= result["stop_us"].as_u64().unwrap(),
                    "{result}"
                );
                if step.contains('V') {
                    assert!(result["instances"].as_u64().unwrap() >= 500, "{result}");
                }
                assert_eq!(chat.get(&format!("/{step}")).status, 409, "{step} twice");
                load.go_on();
                assert!(!load.has_failed(), "{step} in round {round}");
            }
        }
    }
    // All of them at once: each is an update of its own.
    for step in ["updateKernel", "updateAtomicProcess", "updateV1ToV2"] {
        assert_eq!(chat.get(&format!("/{step}")).status, 200, "{step}");
    }
    load.go_on();
    check_archive(&chat, &["first", "second"]);
    assert!(load.end() > 100);
}

#[test]
fn patches_are_applied_while_clients_use_the_chat() {
    let folder = Folder::new("serve-apply", &[]);
    let socket = folder.path("s");
    let chat = Chat::start("v1", &["--control", &socket], &["populate=500"]);
    let load = Load::start(&chat, 4);
    for _ in 0..2 {
        for patch in ["v1-to-v2.patch", "v2-to-v1.patch"] {
            let applied = instar(&["apply", "--to", &socket, &example(patch)]);
            assert_eq!(status(&applied), 0, "{}", stderr(&applied));
            assert!(stdout(&applied).contains("Applied: "), "{}", stdout(&applied));
            load.go_on();
            assert!(!load.has_failed(), "{patch}");
        }
    }
    // A route and a patch lead to the same program, but who applies the patch must know that.
    assert_eq!(chat.get("/updateV1ToV2").status, 200);
    let refused = instar(&["apply", "--to", &socket, &example("v2-to-v1.patch")]);
    assert!(status(&refused) == 1 && stderr(&refused).contains("--any-base"), "{}", stderr(&refused));
    let applied = instar(&["apply", "--to", &socket, "--any-base", &example("v2-to-v1.patch")]);
    assert_eq!(status(&applied), 0, "{}", stderr(&applied));
    load.go_on();
    let log = stdout(&instar(&["log", "--to", &socket]));
    assert_eq!(log.lines().count(), 6, "{log}");
    assert!(load.end() > 50);
}

/// A session that has loaded what `instar serve` loads.
fn session(version: &str) -> Session {
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    let mut packages = instar_web::packages().unwrap();
    packages.extend(instar_dsu::packages(&[instar_dsu::ENGINE, instar_dsu::LIBRARY].concat()).unwrap());
    packages.extend(source::read(example(version)).unwrap());
    session.load(&packages).unwrap_or_else(|problem| panic!("{problem}"));
    session
}

/// Definitions, comments and sources of the package, as they are in the space.
fn described(session: &mut Session) -> String {
    let statements = "String streamContents: [ :stream |
        (((Package named: 'Chat') definedClasses) asSortedCollection: [ :a :b | a name <= b name ]) do: [ :class |
            { class. class class } do: [ :side |
                stream print: side; space; print: side superclass; space; print: side instanceVariables; space;
                    nextPutAll: (class comment ifNil: [ '-' ]); cr.
                ((side methods) asSortedCollection: [ :a :b | a selector <= b selector ]) do: [ :method |
                    stream nextPutAll: method protocol; cr; nextPutAll: method sourceCode; cr ] ] ] ]";
    session.evaluate(statements).unwrap_or_else(|problem| panic!("{problem}")).0
}

#[test]
fn both_ways_of_updating_lead_to_the_other_version() {
    let (first, second) = (described(&mut session("v1")), described(&mut session("v2")));
    assert!(first.len() > 5000 && first != second);
    let mut updated = session("v1");
    updated.evaluate("ChUpdate new updateV1ToV2").unwrap();
    assert_eq!(described(&mut updated), second);
    updated.evaluate("ChUpdate new updateV2ToV1").unwrap();
    assert_eq!(described(&mut updated), first);
    for (patch, base, wanted) in [("v1-to-v2.patch", "v1", &second), ("v2-to-v1.patch", "v2", &first)] {
        let checked = instar(&["patch", "check", &example(patch), "--base", &example(base)]);
        assert_eq!(status(&checked), 0, "{}{}", stdout(&checked), stderr(&checked));
        let text = std::fs::read_to_string(example(patch)).unwrap();
        let expression = instar_dsu::expression_of(patch, &text).unwrap();
        let mut updated = session(base);
        updated.evaluate(&format!("DSUUpdate apply: [ {expression} ] value")).unwrap();
        assert_eq!(&described(&mut updated), wanted, "{patch}");
    }
}

#[test]
fn the_applications_own_tests_pass() {
    let root = env!("CARGO_MANIFEST_DIR");
    let loads = ["web/smalltalk/Web", "dsu/smalltalk/DSU-Core", "dsu/smalltalk/DSU-Library"];
    for version in ["v1", "v2"] {
        let mut arguments = vec!["test".to_owned()];
        for load in loads {
            arguments.extend(["--load".to_owned(), format!("{root}/{load}")]);
        }
        arguments.push(example(version));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let tested = instar(&arguments);
        assert_eq!(status(&tested), 0, "{}{}", stdout(&tested), stderr(&tested));
        assert!(stdout(&tested).contains("10 tests: 10 passed"), "{}", stdout(&tested));
    }
}

#[test]
fn a_signal_ends_the_server_when_requests_are_answered() {
    for name in ["-INT", "-TERM"] {
        let mut chat = Chat::start("v1", &[], &[]);
        let mut idle = chat.connect();
        assert_eq!(idle.get("/rooms").status, 200);
        chat.signal(name);
        assert_eq!(chat.program.status(), 0, "{name}");
        assert!(idle.is_closed_within(Duration::from_secs(1)));
    }
}

const STUBBORN: &str = "\
Class { #name : 'Stubborn', #superclass : 'WebApplication', #category : 'App', #package : 'App' }

{ #category : 'routing' }
Stubborn >> routesOn: aRouter [
    aRouter
        get: '/' do: [ :request | 'here' ];
        get: '/loop' do: [ :request | [ true ] whileTrue: [ ] ];
        get: '/stop' do: [ :request | Smalltalk exit: 3 ]
]

{ #category : 'starting' }
Stubborn >> stop [
    [ true ] whileTrue: [ ]
]
";

fn application(name: &str) -> Folder {
    Folder::new(name, &[("app/package.st", "Package { #name : 'App' }"), ("app/Stubborn.class.st", STUBBORN)])
}

#[test]
fn a_program_that_will_not_end_is_interrupted_by_the_second_signal() {
    let folder = application("serve-stubborn");
    let path = folder.path("app");
    let mut chat = Chat {
        program: Program::start(&["serve", "--port", "0", &path]),
        address: ([127, 0, 0, 1], 1).into(),
    };
    let line = chat.program.until("listening on http://").pop().unwrap();
    chat.address = line.rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(chat.get("/").text(), "here");
    chat.connect().send("GET /loop HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(chat.get("/").text(), "here");
    chat.signal("-INT");
    sleep(Duration::from_millis(300));
    chat.signal("-INT");
    assert_eq!(chat.program.status(), 1);
}

#[test]
fn a_program_ends_itself_with_a_status() {
    let folder = application("serve-exit");
    let mut program =
        Program::start(&["serve", "--port", "0", "--application", "Stubborn", &folder.path("app")]);
    let line = program.until("listening on http://").pop().unwrap();
    let mut client = Client::connect(line.rsplit('/').next().unwrap().parse().unwrap());
    client.send("GET /stop HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(program.status(), 3);
}

#[test]
fn what_cannot_be_served_is_said() {
    let chat = Chat::start("v1", &[], &[]);
    let port = chat.address.port().to_string();
    let used = instar(&["serve", "--port", &port, &example("v1")]);
    assert_eq!(status(&used), 2);
    assert!(stderr(&used).contains("cannot be listened at"), "{}", stderr(&used));
    let missing = instar(&["serve", "--port", "0", &example("v3")]);
    assert_eq!(status(&missing), 2);
    let folder = Folder::new("serve-none", &[("app/package.st", "Package { #name : 'App' }")]);
    let none = instar(&["serve", "--port", "0", &folder.path("app")]);
    assert_eq!(status(&none), 1);
    assert!(stderr(&none).contains("no subclass of WebApplication"), "{}", stderr(&none));
    let wrong = instar(&["serve", "--port", "0", "--application", "Nobody", &example("v1")]);
    assert_eq!(status(&wrong), 1);
    assert!(stderr(&wrong).contains("WebApplication has no subclass Nobody"), "{}", stderr(&wrong));
    let injected = instar(&["serve", "--application", "X'. Smalltalk exit: 0. 'Y", &example("v1")]);
    assert_eq!(status(&injected), 2);
    let setting = instar(&["serve", "--port", "0", &example("v1"), "--", "romms=3"]);
    assert_eq!(status(&setting), 1);
    assert!(stderr(&setting).contains("A setting is one of messages, pending"), "{}", stderr(&setting));
}
