//! What a program lets others see while it runs: figures for Prometheus, and a page in a real browser.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ChildStdin;

use browser::Browser;
use program::{Folder, Program};
use serde_json::Value;

/// Does what it is told, and says so.
const OBEDIENT: &str = "\
| kept line |
kept := (1 to: 200000) collect: [ :index | Object new ].
Smalltalk garbageCollect.
[ (line := Stdio stdin nextLine) notNil ] whileTrue: [
	line = 'become' ifTrue: [ kept elementsForwardIdentityTo: (kept collect: [ :each | Array new: 2 ]) ].
	line = 'collect' ifTrue: [ Smalltalk garbageCollect ].
	Transcript show: 'done: '; show: line; cr; flush ].
";

struct Observed {
    program: Program,
    input: ChildStdin,
    url: String,
    _folder: Folder,
}

impl Observed {
    fn start(name: &str) -> Observed {
        let folder = Folder::new(name, &[("main.st", OBEDIENT)]);
        let main = folder.path("main.st");
        let mut program = Program::with_input(&["run", "--observe", "127.0.0.1:0", &main]);
        let line = program.complains("to be observed at ").pop().unwrap();
        let url = line.rsplit(' ').next().unwrap().to_owned();
        let input = program.input();
        Observed { program, input, url, _folder: folder }
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.input, "{what}").unwrap();
        self.program.until(&format!("done: {what}"));
    }

    fn metrics(&self) -> BTreeMap<String, f64> {
        metrics(&self.url)
    }
}

/// All values that are there, by name and labels.
fn metrics(url: &str) -> BTreeMap<String, f64> {
    let mut answer = ureq::get(format!("{url}/metrics")).call().unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = answer.body_mut().read_to_string().unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let values = text.lines().filter(|line| !line.starts_with('#'));
    values
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(key, value)| (key.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn collections_and_forwarders_are_counted() {
    let mut observed = Observed::start("observe-metrics");
    observed.tell("nothing");
    let before = observed.metrics();
    assert_eq!(before["instar_forwarders{generation=\"old\"}"], 0.0);
    let full = "instar_collection_pause_seconds_count{kind=\"full\"}";
    let healed = "instar_healed_references_total{by=\"collection\"}";
    observed.tell("become");
    let forwarded = observed.metrics();
    assert_eq!(forwarded["instar_forwarders{generation=\"old\"}"], 200_000.0);
    assert!(
        forwarded["instar_heap_used_bytes{space=\"old\"}"] > before["instar_heap_used_bytes{space=\"old\"}"]
    );
    observed.tell("collect");
    let after = observed.metrics();
    assert_eq!(after["instar_forwarders{generation=\"old\"}"], 0.0);
    assert!(after[healed] - before[healed] >= 200_000.0, "{after:?}");
    assert_eq!(after[full], forwarded[full] + 1.0);
    let buckets = "instar_collection_pause_seconds_bucket{le=\"+Inf\",kind=\"full\"}";
    assert_eq!(after[buckets], after[full]);
    assert!(after["instar_collection_pause_seconds_sum{kind=\"full\"}"] > 0.0);
}

#[test]
fn requests_and_updates_of_a_server_are_counted() {
    let mut chat = Program::start(&["serve", "--port", "0", "--observe", "127.0.0.1:0", "examples/chat/v1"]);
    let watched = chat.complains("to be observed at ").pop().unwrap();
    let watched = watched.rsplit(' ').next().unwrap();
    let served = chat.until("listening on ").pop().unwrap();
    let served = served.rsplit(' ').next().unwrap();
    let status = |path: &str| match ureq::get(format!("{served}{path}")).call() {
        Ok(answer) => answer.status().as_u16(),
        Err(ureq::Error::StatusCode(status)) => status,
        Err(other) => panic!("{path}: {other}"),
    };
    assert_eq!(metrics(watched).get("instar_http_requests_total{method=\"GET\",status=\"200\"}"), None);
    assert_eq!([status("/rooms"), status("/nothing")], [200, 404]);
    assert_eq!([status("/updateV1ToV2"), status("/updateV1ToV2"), status("/updateV2ToV1")], [200, 409, 200]);
    // Updates are noted by a thread of their own, a moment later.
    let committed = "instar_updates_total{result=\"committed\"}";
    program::wait_until(|| metrics(watched).get(committed) == Some(&2.0), "the second update");
    let after = metrics(watched);
    assert_eq!(after["instar_http_requests_total{method=\"GET\",status=\"200\"}"], 3.0, "{after:?}");
    assert_eq!(after["instar_http_requests_total{method=\"GET\",status=\"404\"}"], 1.0);
    assert_eq!(after["instar_http_requests_total{method=\"GET\",status=\"409\"}"], 1.0);
    assert_eq!(after["instar_http_request_seconds_count"], 5.0);
    assert_eq!(after["instar_update_stop_seconds_count"], 2.0);
    assert!(after["instar_update_stop_seconds_sum"] <= after["instar_update_total_seconds_sum"]);
}

#[test]
fn logs_are_objects_if_that_is_wanted() {
    let folder = Folder::new("observe-logs", &[("main.st", "Smalltalk garbageCollect")]);
    let run = |filter: &str, format: &str| {
        let mut command = program::command(&["run", &folder.path("main.st")]);
        command.env("INSTAR_LOG", filter).env("INSTAR_LOG_FORMAT", format).output().unwrap()
    };
    let output = run("instar_gc=debug", "json");
    let logged = program::stderr(&output);
    let lines: Vec<Value> = logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_full = |line: &Value| line["message"] == "collection" && line["kind"] == "Full";
    assert!(lines.iter().any(|line| is_full(line) && line["pause_us"].as_u64() > Some(0)), "{logged}");
    assert!(program::stderr(&run("instar_gc=info", "text")).is_empty());
    for (filter, format, named) in [("=,=", "text", "INSTAR_LOG"), ("info", "xml", "INSTAR_LOG_FORMAT")] {
        let refused = run(filter, format);
        assert_eq!(program::status(&refused), 2);
        assert!(program::stderr(&refused).contains(named), "{}", program::stderr(&refused));
    }
}

#[test]
fn what_nobody_knows_is_not_found_and_a_taken_port_is_said() {
    let mut observed = Observed::start("observe-paths");
    let status = |path: &str| match ureq::get(format!("{}{path}", observed.url)).call() {
        Err(ureq::Error::StatusCode(status)) => status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status("/nothing"), 404);
    assert_eq!(status("/metrics/"), 404);
    let address: SocketAddr = observed.url.trim_start_matches("http://").parse().unwrap();
    let second = program::instar(&["run", "--observe", &address.to_string(), "examples/tour.st"]);
    assert_eq!(program::status(&second), 2);
    assert!(program::stderr(&second).contains("cannot be listened at"), "{}", program::stderr(&second));
    observed.tell("nothing");
}

#[test]
#[ignore = "needs Chromium and ChromeDriver; .ci/run installs them and runs this"]
fn the_page_shows_forwarders_appear_and_heal_away() {
    let mut observed = Observed::start("observe-page");
    observed.tell("nothing");
    let browser = Browser::start();
    browser.open(&observed.url);
    let forwarders = "document.getElementById('forwarders').textContent";
    browser.wait_for(&format!("{forwarders} === '0'"));
    // The colour of a cell that no forwarder is in, and how many cells have another than the ground's.
    let cells = |name: &str| {
        let count = format!(
            "const canvas = document.getElementById('regions'), drawing = canvas.getContext('2d');
             const wanted = resolved('{name}').match(/\\d+/g).map(Number);
             const data = drawing.getImageData(0, 0, canvas.width, canvas.height).data;
             let found = 0;
             for (let at = 0; at < data.length; at += 4)
                 if (wanted.every((part, index) => Math.abs(data[at + index] - part) < 2)) found++;
             return found;"
        );
        browser.evaluate(&count).as_u64().unwrap()
    };
    assert!(cells("old") > 0, "old objects are drawn");
    assert_eq!(cells("forwarders"), 0);
    observed.tell("become");
    browser.wait_for(&format!("{forwarders} === '200,000'"));
    assert!(cells("forwarders") > 0, "the forwarders' regions are drawn");
    observed.tell("collect");
    browser.wait_for(&format!("{forwarders} === '0'"));
    assert_eq!(cells("forwarders"), 0);
    assert!(browser.evaluate("return marks.filter(mark => mark.kind === 'full').length").as_u64() >= Some(1));
    assert_eq!(browser.evaluate("return performance.getEntriesByType('resource').filter(it => !it.name.startsWith(location.origin)).length"), 0);
    drop(observed);
    browser.wait_for("document.getElementById('state').textContent.includes('no answer')");
}
