//! The forge as people meet it: `instar serve examples/forge`, its routes, and fixes of the core library while clients use it, by patches from inside and, at its update points,
//! by a hypervisor from outside.

#[path = "../web/tests/support/client.rs"]
mod client;
#[path = "support/program.rs"]
mod program;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::{Client, Response};
use instar_load::forge::Forge;
use instar_load::run::{Outcome, Pace, Plan, Progress, run};
use program::{Folder, Program, instar, status, stderr, stdout};
use serde_json::{Value, json};

/// The updates of Espell's figure 4: whether each is a fix, so that what it mends is wrong before, and how many expressions tell.
const UPDATES: [(&str, bool, usize); 4] = [
    ("exception-handling", true, 6),
    ("block-memoization", true, 2),
    ("float-printing", true, 4),
    ("do-push-up", false, 3),
];

fn example() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/forge").to_str().unwrap().to_owned()
}

/// A server that runs, and where.
struct Served {
    program: Program,
    address: SocketAddr,
    desk: Option<ChildStdin>,
}

impl Served {
    fn start(options: &[&str], arguments: &[&str]) -> Served {
        let path = example();
        let all = [&["serve", "--port", "0"], options, &[&path, "--"], arguments].concat();
        let mut program = Program::with_input(&all);
        let line = program.until("listening on http://").pop().unwrap();
        let address = line.rsplit('/').next().unwrap().parse().unwrap();
        let desk = Some(program.input());
        Served { program, address, desk }
    }

    /// The value of statements in the hypervisor.
    fn tell(&mut self, statements: &str) -> String {
        writeln!(self.desk.as_mut().unwrap(), "{statements}").unwrap();
        self.program.line()
    }
}

fn json(response: &Response) -> Value {
    assert_eq!(response.header("content-type"), "application/json", "{response:?}");
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn all_routes_of_the_forge() {
    for options in [&[][..], &["--hypervisor"]] {
        let forge = Served::start(options, &["populate=40"]);
        let mut client = Client::connect(forge.address);
        let mut ask = |method: &str, path: &str, body: &str| client.request(method, path, "", body);
        let ann = json!({ "username": "ann", "fullName": "Ann Lee", "repositories": [], "commits": 0 });
        let put = ask("PUT", "/user/ann", r#"{"fullName":"Ann Lee"}"#);
        assert_eq!((put.status, json(&put)), (201, ann.clone()));
        assert_eq!(json(&ask("GET", "/user/ann", "")), ann);
        let kernel = json!({ "owner": "ann", "name": "Kernel", "description": "Objects", "versions": 0 });
        let put = ask("PUT", "/repository/ann/Kernel", r#"{"description":"Objects"}"#);
        assert_eq!((put.status, json(&put)), (201, kernel.clone()));
        assert_eq!(json(&ask("GET", "/repository/ann/Kernel", "")), kernel);
        let commit = json!({ "author": "ann", "message": "First", "content": "grüße \"x\"\n\u{1F600}" });
        let committed = ask("POST", "/repository/ann/Kernel/versions", &commit.to_string());
        let version = json(&committed);
        assert_eq!((committed.status, &version["name"]), (201, &json!("Kernel-ann.1")));
        assert_eq!((&version["message"], &version["size"]), (&json!("First"), &json!(11)));
        assert_eq!(json(&ask("GET", "/repository/ann/Kernel/versions", "")), json!([version]));
        assert_eq!(json(&ask("GET", "/newest?count=1", "")), json!([version]));
        let whole = json(&ask("GET", "/repository/ann/Kernel/version/1", ""));
        assert_eq!((&whole["content"], &whole["time"]), (&commit["content"], &version["time"]));
        let found = json(&ask("GET", "/search?for=OBJ", ""));
        assert_eq!((&found[0]["name"], &found[0]["versions"]), (&json!("Kernel"), &json!(1)));
        let statistics = json(&ask("GET", "/statistics", ""));
        let users = (&statistics["users"], &statistics["repositories"], &statistics["versions"]);
        assert_eq!(users, (&json!(3), &json!(3), &json!(41)));
        for (method, path, body, status) in [
            ("GET", "/nothing", "", 404),
            ("GET", "/user/bob", "", 404),
            ("DELETE", "/newest", "", 405),
            ("PUT", "/user/ann", "{", 400),
            ("PUT", "/user/a%20b", r#"{"fullName":"x"}"#, 400),
            ("GET", "/newest?count=x", "", 400),
            ("GET", "/search", "", 400),
        ] {
            assert_eq!(ask(method, path, body).status, status, "{method} {path} {body}");
        }
    }
}

/// Clients that use the forge, and check all that they get.
struct Load {
    progress: Arc<Progress>,
    address: SocketAddr,
    clients: JoinHandle<Outcome<Forge>>,
}

impl Load {
    fn start(address: SocketAddr) -> Load {
        let clients = Forge::begin(address, "test", 4).unwrap();
        let progress = Arc::new(Progress::default());
        let plan = Plan {
            address,
            pace: Pace::Closed { think: Duration::from_millis(1) },
            duration: Duration::from_secs(600),
            patience: program::PATIENCE,
        };
        let watched = progress.clone();
        let clients = std::thread::spawn(move || run(&plan, clients, Instant::now(), &watched));
        let load = Load { progress, address, clients };
        load.go_on();
        load
    }

    /// Waits until clients have had some more answers.
    fn go_on(&self) {
        let wanted = self.progress.answered.load(Relaxed) + 100;
        program::wait_until(|| self.progress.answered.load(Relaxed) >= wanted, "clients");
    }

    /// Ends: no answer was wrong, and all that was committed is there once.
    fn end(self) {
        self.progress.stop.store(true, Relaxed);
        let outcome = self.clients.join().unwrap();
        assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
        let audit = Forge::end(self.address, &outcome.scripts).unwrap();
        assert!(audit.committed > 20 && audit.lost + audit.doubled == 0, "{audit:?}");
    }
}

/// The patches of an update: what makes the library as it was before, if it is not so already, and the update itself.
fn patches(folder: &Folder, id: &str) -> Vec<String> {
    let print = |options: &[&str]| {
        let printed = instar(&[&["bench", "fix-patch", id], options].concat());
        assert_eq!(status(&printed), 0, "{}", stderr(&printed));
        stdout(&printed)
    };
    let texts = [("before", print(&["--before"])), ("fix", print(&[]))];
    let written = texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| {
        let file = format!("{id}-{name}.patch");
        folder.write(&file, &text);
        folder.path(&file)
    });
    written.collect()
}

#[test]
fn fixes_are_applied_as_patches_and_undone_while_clients_commit() {
    let folder = Folder::new("forge-apply", &[]);
    let socket = folder.path("s");
    let update = |arguments: &[&str]| {
        let done = instar(&[&arguments[..1], &["--to", &socket], &arguments[1..]].concat());
        assert_eq!(status(&done), 0, "{arguments:?}: {}", stderr(&done));
        assert!(stdout(&done).contains("Applied: "), "{}", stdout(&done));
    };
    let patches = UPDATES.map(|(id, _, _)| patches(&folder, id));
    assert_eq!(patches.each_ref().map(Vec::len), [2, 1, 2, 1]);
    for options in [&[][..], &["--hypervisor"]] {
        let mut forge = Served::start(&[options, &["--control", &socket]].concat(), &[]);
        let load = Load::start(forge.address);
        for ((id, is_fix, probes), patches) in UPDATES.into_iter().zip(&patches) {
            let mut check = |right: usize| {
                load.go_on();
                if !options.is_empty() {
                    let asked = format!("((CoreUpdate named: '{id}') with: updater) rightProbes");
                    assert_eq!(forge.tell(&asked), right.to_string(), "{id}");
                }
            };
            let before = if is_fix { 0 } else { probes };
            let (fix, preparation) = patches.split_last().unwrap();
            preparation.iter().for_each(|patch| update(&["apply", patch]));
            check(before);
            update(&["apply", fix]);
            check(probes);
            update(&["undo"]);
            check(before);
            // What was prepared is mended by the fix.
            preparation.iter().for_each(|_| update(&["apply", "--any-base", fix]));
        }
        load.end();
    }
}

#[test]
fn fixes_are_applied_from_outside_at_update_points_while_clients_commit() {
    for (id, is_fix, probes) in UPDATES {
        let mut forge = Served::start(&["--hypervisor"], &[]);
        let load = Load::start(forge.address);
        forge
            .tell(&format!("case := (CoreUpdate named: '{id}') with: updater. case makeBeforeWithin: 20000"));
        load.go_on();
        let before = forge.tell("case rightProbes");
        assert!(
            if is_fix { before == "0" } else { before == probes.to_string() },
            "{id}: {before} of {probes} right"
        );
        forge.tell("case prepare");
        let pause = forge.tell("case applyWithin: 20000. updater pauseMicroseconds");
        assert!(pause.parse::<u64>().is_ok_and(|pause| pause > 0), "{id}: {pause}");
        load.go_on();
        assert_eq!(forge.tell("case rightProbes"), probes.to_string(), "{id}");
        load.end();
    }
}

#[test]
fn a_script_that_fails_is_said_and_the_forge_serves_on() {
    let mut forge = Served::start(&["--hypervisor"], &[]);
    let load = Load::start(forge.address);
    assert_eq!(forge.tell("updater update: [ :it | it classNamed: 'Nowhere' ] within: 20000"), "error");
    load.go_on();
    assert_eq!(forge.tell("3 +"), "error");
    assert_eq!(forge.tell("application phase"), "#running");
    load.end();
    drop(forge.desk.take());
    let mut client = Client::connect(forge.address);
    assert_eq!(client.get("/statistics").status, 200);
    let killed = std::process::Command::new("kill").args(["-TERM", &forge.program.id().to_string()]).status();
    assert!(killed.unwrap().success());
    assert_eq!(forge.program.status(), 0);
}

#[test]
fn the_applications_own_tests_pass() {
    let root = env!("CARGO_MANIFEST_DIR");
    let loads = ["espell/smalltalk/Chester-UpdatePoints", "web/smalltalk/Web"];
    let mut arguments = vec!["test".to_owned()];
    for load in loads {
        arguments.extend(["--load".to_owned(), format!("{root}/{load}")]);
    }
    arguments.push(example());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let tested = instar(&arguments);
    assert_eq!(status(&tested), 0, "{}{}", stdout(&tested), stderr(&tested));
    assert!(stdout(&tested).contains("12 tests: 12 passed"), "{}", stdout(&tested));
}
