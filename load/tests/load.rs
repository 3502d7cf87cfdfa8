//! Clients against a server that does what it should, and against some that do not.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use instar_load::chat::{Audit, Chat};
use instar_load::run::{Outcome, Pace, Plan, Progress, run};
use instar_load::samples::Summary;
use instar_load::script::Fault;

/// What is wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Nothing,
    /// One message does not come to one member.
    Loses,
    /// One message comes twice to one member.
    Doubles,
    /// One message of another room comes to the first member of all.
    Strays,
    /// One post is answered with 500.
    Fails,
    /// One post closes the connection without an answer.
    Closes,
    /// One post is answered after half a second, and others wait meanwhile.
    Stalls,
}

#[derive(Default)]
struct State {
    /// Rooms and users.
    members: Vec<(String, String)>,
    pending: BTreeMap<String, Vec<String>>,
    posts: u64,
    has_strayed: bool,
}

/// The flaw shows with this post.
const FLAWED: u64 = 30;
const STALL: Duration = Duration::from_millis(500);

/// A chat application as small as can be.
fn serve(flaw: Flaw) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(Mutex::new(State::default()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let state = state.clone();
            thread::spawn(move || answer_all(stream.unwrap(), &state, flaw));
        }
    });
    address
}

fn answer_all(mut stream: TcpStream, state: &Mutex<State>, flaw: Flaw) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&length| length > 0)?;
        let (mut header, mut length) = (String::new(), 0);
        while reader.read_line(&mut header).ok()? > 2 {
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            header.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        let words: Vec<&str> = line.split([' ', '/']).filter(|word| !word.is_empty()).collect();
        let (status, answer) = answer(&words, &body, &mut state.lock().unwrap(), flaw)?;
        let length = answer.len();
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{answer}");
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

fn answer(words: &[&str], body: &str, state: &mut State, flaw: Flaw) -> Option<(u16, String)> {
    match words {
        ["PUT", "room", room, user, "HTTP", ..] => {
            state.members.push(((*room).to_owned(), (*user).to_owned()));
            let news = format!(r#"{{"from":null,"room":"{room}","text":"{user} is here"}}"#);
            state.pending.entry((*user).to_owned()).or_default().push(news);
            Some((201, String::new()))
        }
        ["PUT", ..] => Some((201, String::new())),
        ["GET", "user", user, ..] => {
            Some((200, format!(r#"{{"username":"{user}","fullName":"First {user}","pendingMessages":3}}"#)))
        }
        ["POST", "room", room, user, ..] => {
            state.posts += 1;
            let is_flawed = match flaw {
                Flaw::Strays => {
                    let strays = state.posts >= FLAWED && !state.has_strayed && state.members[0].0 != *room;
                    state.has_strayed |= strays;
                    strays
                }
                _ => state.posts == FLAWED,
            };
            let message = format!(r#"{{"from":"{user}","room":"{room}","text":"{body}"}}"#);
            for (index, (of_room, member)) in state.members.iter().enumerate() {
                let times = match (flaw, is_flawed && index == 0) {
                    (Flaw::Loses, true) => 0,
                    (Flaw::Doubles, true) => 2,
                    (Flaw::Strays, true) => 1,
                    _ => usize::from(of_room == room),
                };
                let pending = state.pending.entry(member.clone()).or_default();
                pending.extend(std::iter::repeat_n(message.clone(), times));
            }
            match flaw {
                Flaw::Fails if is_flawed => return Some((500, "no".to_owned())),
                Flaw::Closes if is_flawed => return None,
                Flaw::Stalls if is_flawed => thread::sleep(STALL),
                _ => {}
            }
            Some((201, message))
        }
        ["POST", "user", user, ..] => {
            Some((200, format!("[{}]", state.pending.remove(*user).unwrap_or_default().join(","))))
        }
        _ => Some((404, String::new())),
    }
}

fn load(flaw: Flaw, pace: Pace, milliseconds: u64) -> (Outcome<Chat>, Audit) {
    load_in_rooms(1, flaw, pace, milliseconds)
}

fn load_in_rooms(rooms: usize, flaw: Flaw, pace: Pace, milliseconds: u64) -> (Outcome<Chat>, Audit) {
    let address = serve(flaw);
    let clients = Chat::begin(address, "x", 3, rooms).unwrap();
    let duration = Duration::from_millis(milliseconds);
    let plan = Plan { address, pace, duration, patience: Duration::from_secs(20) };
    let mut outcome = run(&plan, clients, Instant::now(), &Progress::default());
    let audit = Chat::end(address, &mut outcome.scripts).unwrap();
    (outcome, audit)
}

const CLOSED: Pace = Pace::Closed { think: Duration::ZERO };
const OPEN: Pace = Pace::Open { per_second: 200.0 };

#[test]
fn what_was_posted_came_to_every_member_once() {
    let (outcome, audit) = load(Flaw::Nothing, CLOSED, 1000);
    assert_eq!(outcome.faults, []);
    assert!(audit.posted > FLAWED, "{audit:?}");
    assert_eq!(audit, Audit { expected: 3 * audit.posted, lost: 0, doubled: 0, ..audit });
    let kinds = ["look", "post", "fetch"]
        .map(|kind| outcome.samples.iter().filter(|sample| sample.kind == kind).count());
    assert!(kinds[1] > 20 * kinds[0] && kinds[0] >= kinds[2], "1 : 50 : 1 of {kinds:?}");
}

#[test]
fn members_keep_books_of_their_rooms() {
    let (outcome, audit) = load_in_rooms(2, Flaw::Nothing, OPEN, 1000);
    assert_eq!((outcome.faults.len(), audit.lost, audit.doubled), (0, 0, 0));
    // Two of three clients share a room, the third is alone.
    let ratio = audit.expected as f64 / audit.posted as f64;
    assert!(audit.posted > FLAWED && 1.0 < ratio && ratio < 2.0, "{audit:?}");
    let (outcome, _) = load_in_rooms(3, Flaw::Strays, CLOSED, 1000);
    let [("fetch", Fault::Content(text))] = &outcome.faults[..] else { panic!("{:?}", outcome.faults) };
    assert!(text.contains("is from another room"), "{text}");
}

#[test]
fn lost_and_doubled_messages_are_counted() {
    let (outcome, audit) = load(Flaw::Loses, CLOSED, 1000);
    assert_eq!((outcome.faults.len(), audit.lost, audit.doubled), (0, 1, 0));
    let (outcome, audit) = load(Flaw::Doubles, CLOSED, 1000);
    assert_eq!((outcome.faults.len(), audit.lost, audit.doubled), (0, 0, 1));
}

#[test]
fn failed_requests_are_counted_and_their_messages_are_not_expected() {
    for flaw in [Flaw::Fails, Flaw::Closes] {
        let (outcome, audit) = load(flaw, CLOSED, 1000);
        let failed: Vec<_> = outcome.samples.iter().filter(|sample| sample.is_failed).collect();
        assert_eq!((failed.len(), outcome.faults.len()), (1, 1), "{flaw:?}: {:?}", outcome.faults);
        assert_eq!(failed[0].kind, "post");
        let is_right = match &outcome.faults[0].1 {
            Fault::Status { status, body } => flaw == Flaw::Fails && *status == 500 && body == "no",
            Fault::Connection(_) => flaw == Flaw::Closes,
            Fault::Protocol(_) | Fault::Content(_) => false,
        };
        assert!(is_right, "{:?}", outcome.faults);
        assert_eq!((audit.lost, audit.doubled), (0, 0));
    }
}

#[test]
fn a_server_that_stalls_delays_all_that_is_due_meanwhile() {
    let (outcome, _) = load(Flaw::Stalls, OPEN, 2000);
    assert_eq!(outcome.samples.len(), 400);
    let delayed = |time: fn(&instar_load::samples::Sample) -> u64| {
        outcome.samples.iter().filter(|sample| time(sample) > 100_000_000).count()
    };
    // 80 requests are due in the first four fifths of the stall; each client only sends one of them before it waits.
    assert!(delayed(|sample| sample.service) <= 3);
    assert!(delayed(|sample| sample.latency) >= 60, "{}", delayed(|sample| sample.latency));
    assert!(Summary::of(&outcome.samples, 0..u64::MAX).max_ns >= STALL.as_nanos() as u64);
}
