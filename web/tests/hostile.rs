//! Clients that are broken, slow, greedy or gone: a correct status or a closed connection, and nobody else notices.

mod support;

use std::time::{Duration, Instant};

use instar_web::Limits;
use support::{Client, PATIENCE, Running, SERVE};

fn short() -> Limits {
    Limits {
        header_time: Duration::from_millis(300),
        body_time: Duration::from_millis(300),
        idle_time: Duration::from_millis(600),
        write_time: Duration::from_millis(300),
        ..Limits::default()
    }
}

fn serves(server: &Running) {
    assert_eq!(server.get("/hello/x").text(), "Hello, x");
}

#[test]
fn what_is_no_request_is_answered_400_and_the_connection_closed() {
    let server = Running::start(Limits::default());
    let malformed = [
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nbad name: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nname: a\x01b\r\n\r\n",
        "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        "CONNECT host:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    for text in malformed {
        let mut client = server.connect();
        client.send(text);
        let answer = client.response();
        assert_eq!(answer.status, 400, "{text:?}");
        assert!(client.is_closed_within(PATIENCE), "{text:?}");
    }
    for target in ["*", "/nowhere?%", "/%00", "//"] {
        assert_eq!(server.get(target).status, 404, "{target}");
    }
    serves(&server);
}

#[test]
fn a_body_that_is_smuggled_is_no_request() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    client.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    // The length does not count, and so the connection cannot be trusted any further.
    let first = client.response();
    assert!(first.status == 400 || first.closes(), "{first:?}");
    serves(&server);
}

#[test]
fn noise_is_answered_or_closed() {
    let server = Running::start(short());
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..200 {
        let mut noise = Vec::new();
        for _ in 0..64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            noise.extend((state >> 24).to_le_bytes());
        }
        let mut client = server.connect();
        client.send(noise);
        client.send("\r\n\r\n");
        client.finish();
        if let Some(answer) = client.try_response() {
            assert!((400..500).contains(&answer.status), "{answer:?}");
        }
    }
    serves(&server);
}

#[test]
fn headers_that_are_too_large() {
    let server = Running::start(Limits::default());
    let lines = |count: usize| (0..count).map(|number| format!("x-{number}: y\r\n")).collect::<String>();
    let long = "y".repeat(20 << 10);
    for headers in [format!("x: {long}\r\n"), lines(101)] {
        let mut client = server.connect();
        client.send(format!("GET /hello/x HTTP/1.1\r\nHost: x\r\n{headers}\r\n"));
        assert_eq!(client.response().status, 431, "{} bytes", headers.len());
        assert!(client.is_closed_within(PATIENCE));
    }
    let mut client = server.connect();
    client.send(format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_eq!(client.response().status, 431);
    // One that never ends.
    let mut client = server.connect();
    client.send("GET /hello/x HTTP/1.1\r\nHost: x\r\n");
    while client.send(format!("x-{}: {}\r\n", "n".repeat(100), "y".repeat(1000))) {
        std::thread::sleep(Duration::from_millis(1));
        if client.has_something() {
            break;
        }
    }
    assert_eq!(client.response().status, 431);
    let mut client = server.connect();
    client.send(format!("GET /hello/x HTTP/1.1\r\nHost: x\r\n{}\r\n", lines(90)));
    assert_eq!(client.response().status, 200);
}

#[test]
fn bodies_that_are_too_large() {
    let server = Running::start(Limits { body_bytes: 100_000, ..Limits::default() });
    let body = vec![b'x'; 100_001];
    let mut client = server.connect();
    let fits = client.request("POST", "/text", "", &body[1..]);
    assert_eq!(fits.text(), "100000");
    // With its length: answered before the body is read, which is thrown away.
    let refused = client.request("POST", "/text", "", &body);
    assert_eq!((refused.status, refused.closes()), (413, true));
    assert!(client.is_closed_within(PATIENCE));
    let mut client = server.connect();
    client.send(
        "POST /text HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.response().status, 413);
    // Without.
    let mut client = server.connect();
    client.send("POST /text HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..11 {
        client.send(format!("{:x}\r\n", 10_000));
        client.send(&body[..10_000]);
        client.send("\r\n");
    }
    assert_eq!(client.response().status, 413);
    assert!(client.is_closed_within(PATIENCE));
    serves(&server);
}

#[test]
fn all_bodies_together_are_bounded() {
    let server = Running::start(Limits { all_body_bytes: 150_000, ..Limits::default() });
    let mut first = server.connect();
    first.send("POST /text HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n");
    first.send(vec![b'x'; 100_000]);
    std::thread::sleep(Duration::from_millis(50));
    let mut second = server.connect();
    let refused = second.request("POST", "/text", "", vec![b'y'; 100_000]);
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    first.send("x");
    assert_eq!(first.response().text(), "100001");
    let mut third = server.connect();
    assert_eq!(third.request("POST", "/text", "", vec![b'y'; 100_000]).text(), "100000");
}

#[test]
fn slow_headers_and_bodies_are_answered_408() {
    let server = Running::start(short());
    // A byte at a time, so that something always comes.
    let mut clients: Vec<Client> = (0..50).map(|_| server.connect()).collect();
    let begun = Instant::now();
    let head = "GET /hello/x HTTP/1.1\r\nHost: x\r\nx-slow: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
    for byte in head.bytes().take(20) {
        clients.iter_mut().for_each(|client| {
            client.send([byte]);
        });
        std::thread::sleep(Duration::from_millis(20));
        serves(&server);
    }
    for client in &mut clients {
        let answer = client.response();
        assert_eq!((answer.status, answer.closes()), (408, true));
        assert!(client.is_closed_within(PATIENCE));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let mut client = server.connect();
    client.send("POST /text HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    for _ in 0..20 {
        client.send("x");
        std::thread::sleep(Duration::from_millis(20));
    }
    let answer = client.response();
    assert_eq!((answer.status, answer.closes()), (408, true));
    serves(&server);
}

#[test]
fn silent_connections_are_closed_and_busy_ones_are_not() {
    let server = Running::start(short());
    let mut silent = server.connect();
    let mut used = server.connect();
    let mut waits = server.connect();
    let mut streams = server.connect();
    waits.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    streams.send("GET /stream/500 HTTP/1.1\r\nHost: x\r\n\r\n");
    for _ in 0..15 {
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(used.get("/hello/x").text(), "Hello, x");
    }
    assert!(silent.is_closed_within(Duration::from_millis(1)));
    server.get("/release");
    assert_eq!(waits.response().text(), "waited");
    assert!(streams.response().is_whole);
    assert!(used.is_closed_within(PATIENCE));
}

#[test]
fn peers_that_do_not_read_are_dropped() {
    let server = Running::start(Limits { body_bytes: 8 << 20, ..short() });
    let body = vec![b'x'; 6 << 20];
    let mut client = server.connect();
    client.send(format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len()));
    client.send(&body);
    std::thread::sleep(Duration::from_millis(1200));
    serves(&server);
    let answer = client.response();
    assert_eq!(answer.status, 200);
    assert!(!answer.is_whole, "the system's buffers held all of it");
}

#[test]
fn connections_that_are_half_closed_get_their_answers() {
    let server = Running::start(Limits::default());
    let mut client = server.connect();
    client.send("GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
    client.finish();
    assert_eq!(client.response().text(), "Hello, x");
    assert!(client.is_closed_within(PATIENCE));
    // In the middle of headers, and of a body.
    let mut client = server.connect();
    client.send("GET /hello/x HTTP/1.1\r\nHo");
    client.finish();
    assert!(client.try_response().is_none_or(|answer| answer.status == 400));
    let mut client = server.connect();
    client.send("POST /text HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    client.finish();
    let answer = client.response();
    assert_eq!((answer.status, answer.closes()), (400, true));
    serves(&server);
}

#[test]
fn clients_that_vanish_leave_nothing_behind() {
    let server = Running::start(Limits { connections: 60, ..Limits::default() });
    for _ in 0..4 {
        let clients: Vec<Client> = (0..50)
            .map(|number| {
                let mut client = server.connect();
                client.send(match number % 3 {
                    0 => "GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n",
                    1 => "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n",
                    _ => "POST /text HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
                });
                client
            })
            .collect();
        server.until_waiting(17);
        drop(clients);
        assert_eq!(server.get("/release").text(), "17");
        server.until_waiting(0);
        // The next round would find no room if these were still counted.
        std::thread::sleep(Duration::from_millis(100));
    }
    serves(&server);
}

#[test]
fn connections_beyond_the_limit_are_told_so() {
    let server = Running::start(Limits { connections: 10, ..Limits::default() });
    let mut clients: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.get("/hello/x").status, 200));
    for _ in 0..200 {
        let mut beyond = server.connect();
        // Those that are many at a time are closed without a word.
        if let Some(answer) = beyond.try_response() {
            assert_eq!((answer.status, answer.closes(), answer.header("retry-after")), (503, true, "1"));
        }
    }
    clients.iter_mut().for_each(|client| assert_eq!(client.get("/hello/x").status, 200));
    drop(clients);
    std::thread::sleep(Duration::from_millis(100));
    serves(&server);
}

/// Serves when a second has passed in which nothing else of the space ran.
const LATE: &str = "| end |
    end := Time millisecondClockValue + 1000.
    [ Time millisecondClockValue < end ] whileTrue.
    WebServer serve: WebTestApplication new";

#[test]
fn a_program_that_takes_no_requests_refuses_and_goes_on() {
    let limits = Limits { waiting: 5, answer_time: Duration::from_millis(300), ..Limits::default() };
    let server = Running::evaluating(LATE, limits);
    let mut clients: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
        std::thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    let answers: Vec<_> = clients.iter_mut().map(Client::response).collect();
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert!(answers.iter().all(|answer| answer.status == 503 && answer.header("retry-after") == "1"));
    let full = answers.iter().filter(|answer| answer.text().contains("are waiting")).count();
    assert_eq!(full, 3, "{answers:?}");
    std::thread::sleep(Duration::from_millis(1200));
    // Nobody waited for those any more, so they were not handled; and the connections go on.
    for (client, number) in clients.iter_mut().zip(1..) {
        assert_eq!(client.get("/next").text(), number.to_string());
    }
}

#[test]
fn a_program_that_ends_refuses() {
    let server = Running::evaluating("[ (Delay forMilliseconds: 500) wait ] value. 3", Limits::default());
    let mut client = server.connect();
    client.send("GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(server.result(), "3");
    // Taken by nobody.
    assert!(client.try_response().is_none_or(|answer| answer.status >= 500));
}

#[test]
fn shutting_down_waits_for_requests_under_way() {
    let server = Running::evaluating(SERVE, Limits { grace: Duration::from_secs(20), ..Limits::default() });
    let mut idle = server.connect();
    assert_eq!(idle.get("/hello/x").status, 200);
    let mut streams = server.connect();
    streams.send("GET /stream/300 HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut waits = server.connect();
    waits.send("GET /busy/400 HTTP/1.1\r\nHost: x\r\n\r\n");
    std::thread::sleep(Duration::from_millis(100));
    server.stop.begin();
    assert!(idle.is_closed_within(Duration::from_secs(5)));
    let answer = waits.response();
    assert_eq!((answer.text(), answer.closes()), ("done", true));
    let stream = streams.response();
    assert!(stream.is_whole && stream.text().ends_with("300 ü\n"));
    assert!(std::net::TcpStream::connect(server.address).is_err());
    assert_eq!(server.result(), "a WebServer");
}

#[test]
fn shutting_down_does_not_wait_for_ever() {
    let server =
        Running::evaluating(SERVE, Limits { grace: Duration::from_millis(300), ..Limits::default() });
    let mut waits = server.connect();
    waits.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    server.until_waiting(1);
    let begun = Instant::now();
    assert_eq!(server.result(), "a WebServer");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(waits.try_response().is_none());
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

/// How many files the system lets this process have.
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}

#[test]
fn thousands_of_idle_connections_cost_little() {
    let server = Running::start(Limits::default());
    serves(&server);
    let before = resident_bytes();
    let mut clients: Vec<Client> = Vec::new();
    // Both ends of each are in this process, and other tests' connections.
    for number in 0..4000.min((descriptors() - 500) / 2) {
        let mut client = server.connect();
        if number % 2 == 0 {
            assert_eq!(client.get("/hello/x").status, 200);
        }
        clients.push(client);
    }
    // The client's half, a buffer of 8 KiB, is in it.
    let each = (resident_bytes() - before) / clients.len();
    assert!(each < 48 << 10, "{each} bytes a connection");
    println!("{each} bytes a connection");
    let begun = Instant::now();
    for _ in 0..200 {
        serves(&server);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    clients.iter_mut().step_by(100).for_each(|client| assert_eq!(client.get("/hello/x").status, 200));
}
