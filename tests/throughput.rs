//! What the chat application answers in a second, and how late, measured from outside on the same machine:
//! `cargo test --release --test throughput -- --ignored --nocapture`. Each client has a room of its own, unlike those of `instar bench server`.

#[path = "../web/tests/support/client.rs"]
mod client;
#[path = "support/program.rs"]
mod program;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use client::Client;
use program::Program;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const CLIENTS: usize = 10;
/// Messages that a client posts before it takes those that wait for it.
const POSTS: usize = 50;

fn start() -> (Program, SocketAddr) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/chat/v1");
    let arguments =
        ["serve", "--port", "0", path.to_str().unwrap(), "--", "populate=28500", "messages=200000"];
    let mut program = Program::start(&arguments);
    let line = program.until("listening on http://").pop().unwrap();
    (program, line.rsplit('/').next().unwrap().parse().unwrap())
}

/// Runs a client's requests until the time is over, the next one at the time that `pace` says. The result is how long each took.
fn requests(
    address: SocketAddr,
    number: usize,
    end: Instant,
    pace: impl Fn(usize) -> Instant,
) -> Vec<Duration> {
    let mut client = Client::connect(address);
    let mut times = Vec::new();
    let (user, room) = (format!("user{number}"), format!("room{number}"));
    assert!(client.request("PUT", &format!("/user/{user}"), FORM, "firstName=A&lastName=B").status < 300);
    assert!(client.request("PUT", &format!("/room/{room}"), "", "").status < 300);
    assert!(client.request("PUT", &format!("/room/{room}/{user}"), "", "").status < 300);
    for count in 0.. {
        let planned = pace(count);
        std::thread::sleep(planned.saturating_duration_since(Instant::now()));
        if Instant::now() >= end {
            break;
        }
        let begun = planned.max(end - Duration::from_secs(3600));
        let response = match count % (POSTS + 2) {
            0 => client.get(&format!("/user/{user}")),
            1 => client.request("POST", &format!("/user/{user}/pendingMessages"), "", ""),
            _ => client.request(
                "POST",
                &format!("/room/{room}/{user}"),
                "",
                format!("message {count} of {user}"),
            ),
        };
        assert!(response.status < 300, "{response:?}");
        times.push(begun.elapsed());
    }
    times
}

fn all(
    address: SocketAddr,
    time: Duration,
    pace: impl Fn(usize, usize) -> Instant + Send + Sync,
) -> Vec<Duration> {
    let end = Instant::now() + time;
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let pace = &pace;
        let threads: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || requests(address, number, end, |count| pace(number, count))))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    times.sort_unstable();
    times
}

fn percentile(times: &[Duration], part: f64) -> Duration {
    times[((times.len() - 1) as f64 * part) as usize]
}

fn show(what: &str, times: &[Duration], time: Duration) -> f64 {
    let rate = times.len() as f64 / time.as_secs_f64();
    let of = |part| percentile(times, part);
    println!(
        "{what}: {rate:.0} requests/s, p50 {:?}, p99 {:?}, p99.9 {:?}, most {:?}",
        of(0.5),
        of(0.99),
        of(0.999),
        of(1.0)
    );
    rate
}

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn requests_in_a_second() {
    let (_program, address) = start();
    let time = Duration::from_secs(5);
    for _ in 0..2 {
        let times = all(address, time, |_, _| Instant::now());
        let rate = show("closed loop", &times, time);
        assert!(rate >= 5000.0, "{rate:.0}");
    }
    let begun = Instant::now();
    let between = Duration::from_secs(CLIENTS as u64) / 700;
    let pace =
        |number: usize, count: usize| begun + between.mul_f64(count as f64 + number as f64 / CLIENTS as f64);
    let times = all(address, time, pace);
    show("700 requests/s", &times, time);
    assert!(percentile(&times, 0.99) < Duration::from_millis(5), "{:?}", percentile(&times, 0.99));
}
