//! `instar load` against the chat application.

#[path = "support/program.rs"]
mod program;

use std::path::Path;

use program::{Folder, Program, instar, status, stderr, stdout};

/// The chat application, and where it listens.
fn serve(arguments: &[&str]) -> (Program, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/chat/v1");
    let mut all = vec!["serve", "--port", "0", path.to_str().unwrap(), "--"];
    all.extend(arguments);
    let mut program = Program::start(&all);
    let line = program.until("listening on http://").pop().unwrap();
    let address = line.rsplit('/').next().unwrap().to_owned();
    (program, address)
}

#[test]
fn a_closed_and_an_open_loop_find_all_messages_once() {
    let (_program, address) = serve(&["pending=100000"]);
    let folder = Folder::new("load", &[]);
    let (csv, log) = (folder.path("course.csv"), folder.path("course.hlog"));
    for pace in [&["--rate", "200"][..], &["--think", "1ms"]] {
        let mut arguments =
            vec!["load", &address, "--clients", "4", "--duration", "2s", "--csv", &csv, "--log", &log];
        arguments.extend(pace);
        let done = instar(&arguments);
        assert_eq!(status(&done), 0, "{}{}", stdout(&done), stderr(&done));
        let said = stdout(&done);
        assert!(said.contains(": 0 lost, 0 doubled"), "{said}");
        let all = said.lines().find(|line| line.starts_with("all ")).unwrap();
        let requests: u64 = all.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(if pace[0] == "--rate" { requests == 400 } else { requests > 100 }, "{said}");
        let mut rows = csv::Reader::from_path(&csv).unwrap();
        let counted: u64 = rows.records().map(|row| row.unwrap()[1].parse::<u64>().unwrap()).sum();
        assert_eq!(counted, requests);
        let written = std::fs::read_to_string(&log).unwrap();
        let intervals = written.lines().filter(|line| line.contains(",HIST")).count();
        assert_eq!(intervals, 4, "{written}");
    }
}

#[test]
fn clients_are_spread_over_rooms() {
    let (_program, address) = serve(&["pending=100000", "rooms=3"]);
    let done =
        instar(&["load", &address, "--clients", "6", "--rooms", "3", "--rate", "300", "--duration", "1s"]);
    let said = stdout(&done);
    assert_eq!(status(&done), 0, "{said}{}", stderr(&done));
    // Each room has two members.
    let numbers = said
        .lines()
        .next_back()
        .unwrap()
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|it| it.parse().ok());
    let numbers: Vec<u64> = numbers.collect();
    assert!(numbers[0] > 200 && numbers[..] == [numbers[0], 2 * numbers[0], 0, 0], "{said}");
    let refused = instar(&["load", &address, "--rooms", "4", "--duration", "1s"]);
    assert_eq!(status(&refused), 1, "more rooms than the application may have");
}

#[test]
fn what_an_application_drops_is_counted_as_lost() {
    // A user keeps ten messages; the others fall away before he fetches them.
    let (_program, address) = serve(&["pending=10"]);
    let done = instar(&["load", &address, "--clients", "2", "--duration", "1s"]);
    let said = stdout(&done);
    let lost = said.rsplit_once(" deliveries: ").unwrap().1.split(' ').next().unwrap().to_owned();
    assert!(lost.parse::<u64>().unwrap() > 10, "{said}");
    assert_eq!(status(&done), 1);
}

#[test]
fn wrong_options_and_servers_are_named() {
    for (arguments, said) in [
        (&["load", "nowhere"][..], "HOST:PORT"),
        (&["load", "127.0.0.1:1", "--clients", "0"], "clients"),
        (&["load", "127.0.0.1:1", "--rooms", "0"], "rooms"),
        (&["load", "127.0.0.1:1", "--rate", "0"], "requests a second"),
        (&["load", "127.0.0.1:1", "--rate", "1", "--think", "1ms"], "cannot be used with"),
    ] {
        let refused = instar(arguments);
        assert_eq!(status(&refused), 2, "{arguments:?}");
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
    let nobody = instar(&["load", "127.0.0.1:1", "--duration", "1s"]);
    assert_eq!(status(&nobody), 1);
    assert!(stderr(&nobody).contains("127.0.0.1:1"), "{}", stderr(&nobody));
}
