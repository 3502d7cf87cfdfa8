//! The connection against servers that split, break, drop and bloat their answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use instar_load::connection::Connection;
use instar_load::script::{Answer, Fault, Request};

/// What a server does on a connection.
enum Act {
    /// Reads a whole request.
    Hear,
    Say(Vec<u8>),
    /// Byte by byte, each on its own.
    Drip(Vec<u8>),
    /// Closes the half that it sends on, and waits until the client has closed the connection.
    Linger,
}
use Act::{Drip, Hear, Linger, Say};

fn say(text: impl Into<String>) -> Act {
    Say(text.into().into_bytes())
}

fn hear(reader: &mut BufReader<TcpStream>) -> String {
    let (mut message, mut length) = (String::new(), 0);
    loop {
        let begin = message.len();
        reader.read_line(&mut message).unwrap();
        let line = message[begin..].trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    message + &String::from_utf8(body).unwrap()
}

/// A server that takes one connection after the other. What it heard comes when it has done all.
fn serve(connections: Vec<Vec<Act>>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut heard = Vec::new();
        for acts in connections {
            let mut stream = listener.accept().unwrap().0;
            stream.set_nodelay(true).unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            for act in acts {
                match act {
                    Hear => heard.push(hear(&mut reader)),
                    // The client may have enough of it before the end.
                    Say(bytes) => drop(stream.write_all(&bytes)),
                    Drip(bytes) => bytes.chunks(1).for_each(|byte| stream.write_all(byte).unwrap()),
                    Linger => {
                        stream.shutdown(std::net::Shutdown::Write).unwrap();
                        drop(reader.read_to_end(&mut Vec::new()));
                    }
                }
            }
        }
        heard
    });
    (address, server)
}

fn get() -> Request {
    Request { kind: "x", method: "GET", path: "/a?b=c".to_owned(), content_type: "", body: String::new() }
}

const PATIENCE: Duration = Duration::from_secs(20);

/// What a client gets that asks so often.
fn asked(connections: Vec<Vec<Act>>, times: usize) -> Vec<Result<Answer, Fault>> {
    let (address, server) = serve(connections);
    let mut connection = Connection::new(address, PATIENCE);
    let answers = (0..times).map(|_| connection.ask(&get())).collect();
    drop(connection);
    server.join().unwrap();
    answers
}

fn answer(status: u16, body: &str) -> Result<Answer, Fault> {
    Ok(Answer { status, body: body.as_bytes().to_vec() })
}

#[test]
fn requests_are_whole_and_follow_each_other_on_one_connection() {
    let good = || say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    let (address, server) = serve(vec![vec![Hear, good(), Hear, good(), Hear, good()]]);
    let mut connection = Connection::new(address, PATIENCE);
    let post = Request { method: "POST", content_type: "text/plain", body: "grüße".to_owned(), ..get() };
    let empty = Request { body: String::new(), ..post.clone() };
    for request in [get(), post, empty] {
        assert_eq!(connection.ask(&request), answer(200, "hi"));
    }
    let common = format!("host: {address}\r\nuser-agent: instar-load\r\n");
    assert_eq!(
        server.join().unwrap(),
        [
            format!("GET /a?b=c HTTP/1.1\r\n{common}\r\n"),
            format!(
                "POST /a?b=c HTTP/1.1\r\n{common}content-type: text/plain\r\ncontent-length: 7\r\n\r\ngrüße"
            ),
            format!("POST /a?b=c HTTP/1.1\r\n{common}content-length: 0\r\n\r\n"),
        ]
    );
}

#[test]
fn answers_are_taken_as_they_come() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n\
                   3\r\nabc\r\n1A;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nlate: yes\r\n\r\n";
    let whole = "HTTP/1.1 201 Created\r\ncontent-length: 5\r\nContent-Length: 5\r\n\r\nhello";
    let long = "x".repeat(300_000);
    let acts = vec![
        Hear,
        Drip(chunked.into()),
        Hear,
        Drip(whole.into()),
        Hear,
        say(format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{long}",
            long.len()
        )),
        Hear,
        say("HTTP/1.1 204 No Content\r\n\r\n"),
        Hear,
        say(format!(
            "HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
            long.len()
        )),
        // Without a length the body ends with the connection.
        Hear,
        say("HTTP/1.1 200 OK\r\n\r\nthe rest"),
    ];
    let alphabet = "abcabcdefghijklmnopqrstuvwxyz";
    let expected = [
        answer(200, alphabet),
        answer(201, "hello"),
        answer(200, &long),
        answer(204, ""),
        answer(500, &long),
        answer(200, "the rest"),
    ];
    assert_eq!(asked(vec![acts], 6), expected);
}

#[test]
fn a_connection_that_was_closed_is_opened_again() {
    let good = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    let goodbye = "HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 2\r\n\r\nhi";
    let old = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    let surplus = format!("{good}HTTP/1.1 408 Too late\r\n\r\n");
    let connections = vec![
        vec![Hear, say(good), Hear, say(goodbye), Linger],
        vec![Hear, say(old), Linger],
        vec![Hear, say(surplus), Linger],
        vec![Hear, say(good)],
    ];
    assert_eq!(asked(connections, 5), vec![answer(200, "hi"); 5]);
    // The server says nothing and closes: by the time of the next request that is known.
    let (address, server) = serve(vec![vec![Hear, say(good)], vec![Hear, say(good)]]);
    let mut connection = Connection::new(address, PATIENCE);
    assert_eq!(connection.ask(&get()), answer(200, "hi"));
    thread::sleep(Duration::from_millis(300));
    assert_eq!(connection.ask(&get()), answer(200, "hi"));
    server.join().unwrap();
}

#[test]
fn what_is_no_answer_is_a_fault_that_says_so_and_the_next_request_is_not_hurt() {
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n");
    let many = |count: usize| (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    let closed = |place: &str| Fault::Connection(format!("the server closed the connection {place}"));
    let protocol = |text: &str| Fault::Protocol(text.to_owned());
    let cases = [
        (String::new(), closed("before the answer")),
        ("HTTP/1.1 200 O".to_owned(), closed("before the answer")),
        (head("content-length: 5") + "hell", closed("in the middle of the answer's body")),
        (head("transfer-encoding: chunked") + "5\r\nhello\r\n", closed("in the middle of the answer's body")),
        (head("transfer-encoding: chunked") + "\r\n", protocol("a chunk of size")),
        (head("transfer-encoding: chunked") + "11111111111111111\r\n", protocol("a chunk of size")),
        (head("transfer-encoding: chunked") + "fffffffffffffff\r\n", protocol("a body of more than")),
        (head("transfer-encoding: chunked") + "2\r\nhello\r\n", protocol("a chunk that is followed by \"ll")),
        (
            head("transfer-encoding: chunked") + "0\r\nno header\r\n\r\n",
            protocol("invalid header name behind"),
        ),
        (head("content-length: -1"), protocol("a content-length of \"-1\"")),
        (head("content-length: 2\r\ncontent-length: 3") + "hi", protocol("a content-length of \"3\"")),
        (head("content-length: 99999999999"), protocol("a body of more than")),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), protocol("invalid HTTP version in \"SSH-2.0")),
        ("HTTP/1.1 200 OK\r\nx: \u{1}\r\n\r\n".to_owned(), protocol("invalid header value")),
        (head(&many(200)), protocol("too many headers")),
        (head(&format!("x: {}", "y".repeat(200_000))), protocol("headers of more than")),
    ];
    for (text, expected) in cases {
        let begin: String = text.chars().take(60).collect();
        let good = vec![Hear, say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")];
        let answers = asked(vec![vec![Hear, say(text), Linger], good], 2);
        let found = answers[0].clone().unwrap_err();
        let is_alike = match (&found, &expected) {
            (Fault::Connection(found), Fault::Connection(expected)) => found == expected,
            (Fault::Protocol(found), Fault::Protocol(expected)) => found.starts_with(expected),
            _ => false,
        };
        assert!(is_alike, "{begin:?}: {found:?} instead of {expected:?}");
        assert_eq!(answers[1], answer(200, "hi"), "{begin:?}");
    }
}

#[test]
fn patience_is_for_the_whole_request() {
    let patience = Duration::from_millis(300);
    let over = |place: &str| Err(Fault::Connection(format!("the time was over {place}")));
    // Nobody answers: the backlog takes the connection.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut connection = Connection::new(silent.local_addr().unwrap(), patience);
    assert_eq!(connection.ask(&get()), over("before the answer"));
    // A server that always sends a little more, so that no single read waits for long.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let mut connection = Connection::new(address, patience);
    assert_eq!(connection.ask(&get()), over("in the middle of the answer's body"));
    // Nor does it read.
    let mut connection = Connection::new(silent.local_addr().unwrap(), patience);
    let huge = Request { method: "PUT", body: "x".repeat(64 << 20), ..get() };
    assert_eq!(connection.ask(&huge), over("while the request was sent"));
}

#[test]
fn nobody_there_is_a_fault() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = Connection::new(nobody, PATIENCE).ask(&get()).unwrap_err();
    assert!(fault.to_string().starts_with("no answer: cannot connect: "), "{fault}");
}
