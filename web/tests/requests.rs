//! What a server answers to requests, over real sockets.

mod support;

use std::io::BufRead;
use std::time::{Duration, Instant};

use instar_web::Limits;
use serde_json::{Value, json};
use support::{PATIENCE, Running};

#[test]
fn the_tests_in_smalltalk_pass() {
    use instar_interp::host::Suite;
    let mut session = support::session();
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("smalltalk/Web-Tests");
    let suite = Suite::of_packages(&mut session, &instar_interp::source::read(tests).unwrap(), None).unwrap();
    assert!(suite.tests.len() >= 16, "only {} tests", suite.tests.len());
    for test in &suite.tests {
        let outcome = Suite::run(&mut session, test).unwrap();
        assert!(!outcome.is_defect(), "{test}: {}\n{}", outcome.message, outcome.trace);
    }
}

#[test]
fn many_requests_on_one_connection() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    let first = client.get("/hello/world");
    assert_eq!((first.status, first.text()), (200, "Hello, world"));
    assert_eq!(first.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(client.get("/hello/gr%C3%BC%C3%9Fe").text(), "Hello, grüße");
    assert_eq!(client.get("/hello/gr%FC").status, 400);
    assert_eq!(client.get("/query?a=1&b=x%20y").text(), r#"{"a":"1","b":"x y"}"#);
    assert_eq!(client.get("/nowhere").status, 404);
    let other = client.request("DELETE", "/hello/x", "", "");
    assert_eq!((other.status, other.header("allow")), (405, "GET, HEAD"));
    assert_eq!(client.get("/empty").status, 204);
    client.send("HEAD /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
    // Its length is that of the body that is not sent.
    let head: Vec<String> =
        client.reader().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    assert_eq!(head[0], "HTTP/1.1 200 OK");
    assert!(head.contains(&"content-length: 8".to_owned()), "{head:?}");
    assert_eq!(client.get("/hello/x").text(), "Hello, x");
}

#[test]
fn bodies_in_and_out() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    let bytes: Vec<u8> = (0..100_000u32).map(|number| (number * 7 % 256) as u8).collect();
    let echo = client.request("POST", "/echo", "", &bytes);
    assert_eq!((echo.status, echo.body == bytes), (200, true));
    assert_eq!(client.request("POST", "/text", "", "grüße").text(), "5");
    assert_eq!(client.request("POST", "/text", "", b"\xFF\xFE").status, 400);
    let got = client.request("POST", "/json", "", r#"{"a":[1,null,"ü\n"]}"#);
    assert_eq!((got.status, got.header("content-type")), (201, "application/json"));
    let got: Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(got, json!({ "got": { "a": [1, null, "ü\n"] } }));
    let wrong = client.request("POST", "/json", "", "{");
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().starts_with("The body is not JSON: "), "{}", wrong.text());
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(client.request("POST", "/form", form, "a=1+2&b=%C3%BC").text(), r#"{"a":"1 2","b":"ü"}"#);
    assert_eq!(client.request("POST", "/form", "", "a=1").status, 415);
    let latin = "GET /header/x-name HTTP/1.1\r\nHost: x\r\nX-Name: gr\u{0}e\r\n\r\n".as_bytes();
    let latin: Vec<u8> = latin.iter().map(|&byte| if byte == 0 { 0xFC } else { byte }).collect();
    client.send(latin);
    assert_eq!(client.response().text(), "grüe");
}

#[test]
fn chunked_bodies_and_pipelined_requests() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send(format!("{head}3\r\nabc\r\n"));
    std::thread::sleep(Duration::from_millis(20));
    client.send("5;x=y\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n");
    assert_eq!(client.response().text(), "abcdefgh");
    let many: String =
        (0..50).map(|number| format!("GET /hello/{number} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    client.send(many);
    for number in 0..50 {
        assert_eq!(client.response().text(), format!("Hello, {number}"));
    }
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(client.response().status, 100);
    client.send("ok");
    assert_eq!(client.response().text(), "ok");
    client.send(format!("{head}zz\r\nabc\r\n"));
    let broken = client.response();
    assert_eq!((broken.status, broken.closes()), (400, true));
    assert!(client.is_closed_within(PATIENCE));
}

#[test]
fn older_clients_and_those_that_close() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    client.send("GET /hello/old HTTP/1.0\r\n\r\n");
    assert_eq!(client.response().text(), "Hello, old");
    assert!(client.is_closed_within(PATIENCE));
    let mut client = server.connect();
    client.send("GET /hello/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response().text(), "Hello, x");
    assert!(client.is_closed_within(PATIENCE));
}

#[test]
fn responses_that_come_in_pieces() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    let stream = client.get("/stream/20");
    let wanted: String = (1..=20).map(|number| format!("{number} ü\n")).collect();
    assert!(stream.is_whole);
    assert_eq!(stream.text(), wanted);
    assert_eq!(client.get("/stream/0").text(), "");
    // The connection goes on.
    assert_eq!(client.get("/hello/x").text(), "Hello, x");
    // What was sent before the end may not have left yet.
    client.send("GET /fail/stream HTTP/1.1\r\nHost: x\r\n\r\n");
    let broken = client.try_response();
    assert!(
        broken.is_none_or(|answer| answer.status == 200
            && "begin".starts_with(answer.text())
            && !answer.is_whole)
    );
    assert_eq!(server.get("/hello/x").text(), "Hello, x");
}

#[test]
fn a_stream_that_nobody_reads_ends_and_stalls_nobody() {
    let server = Running::start(Limits { stream_bytes: 1 << 20, ..Limits::default() });
    let mut reader = server.connect();
    reader.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
    for number in 0..20 {
        assert_eq!(server.get(&format!("/hello/{number}")).text(), format!("Hello, {number}"));
    }
    let flood = reader.response();
    assert!(!flood.is_whole);
    assert!(flood.body.len() >= 1 << 20, "{}", flood.body.len());
}

#[test]
fn what_fails_in_a_handler_is_answered_500_and_stops_nobody() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    for kind in ["zero", "halt", "stack", "memory", "terminate", "status", "body", "type", "json"] {
        let answer = client.get(&format!("/fail/{kind}"));
        assert_eq!(answer.status, 500, "{kind}");
        assert!(!answer.text().contains("Divide"), "what failed is nobody's affair: {}", answer.text());
        assert_eq!(client.get("/hello/x").text(), "Hello, x", "after {kind}");
    }
    let conflict = client.get("/fail/web");
    assert_eq!((conflict.status, conflict.text()), (409, "a conflict"));
    // More of them than there are workers in waiting.
    for _ in 0..50 {
        assert_eq!(client.get("/fail/terminate").status, 500);
    }
    assert_eq!(client.get("/hello/x").text(), "Hello, x");
    assert_eq!(server.result(), "a WebServer");
}

#[test]
fn handlers_that_wait_block_nobody_and_can_be_terminated() {
    let server = Running::start(Limits::default());
    let mut waiters: Vec<_> = (0..100).map(|_| server.connect()).collect();
    waiters.iter_mut().for_each(|client| {
        client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    });
    server.until_waiting(100);
    assert_eq!(server.get("/hello/x").text(), "Hello, x");
    assert_eq!(server.get("/release").text(), "100");
    for client in &mut waiters {
        assert_eq!(client.response().text(), "waited");
        client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    server.until_waiting(100);
    assert_eq!(server.get("/kill").text(), "100");
    for client in &mut waiters {
        assert_eq!(client.response().status, 500);
        assert_eq!(client.get("/hello/again").text(), "Hello, again");
    }
}

#[test]
fn a_handler_that_computes_lets_others_go_on() {
    let server = Running::start(Limits::default());
    let mut busy = server.connect();
    busy.send("GET /busy/1500 HTTP/1.1\r\nHost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(server.get("/hello/x").text(), "Hello, x");
    }
    assert!(begun.elapsed() < Duration::from_millis(1200), "{:?}", begun.elapsed());
    assert_eq!(busy.response().text(), "done");
}

#[test]
fn a_handler_that_computes_lets_those_go_on_that_came_with_it() {
    let late = "(Delay forMilliseconds: 300) wait. WebServer serve: WebTestApplication new";
    let server = Running::evaluating(late, Limits::default());
    let mut busy: Vec<_> = (0..3).map(|_| server.connect()).collect();
    busy.iter_mut().for_each(|client| {
        client.send("GET /busy/3000 HTTP/1.1\r\nHost: x\r\n\r\n");
    });
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    // All wait in the inbox, and are announced at once.
    assert_eq!(server.get("/hello/x").text(), "Hello, x");
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    assert!(busy.iter_mut().all(|client| client.response().text() == "done"));
}
