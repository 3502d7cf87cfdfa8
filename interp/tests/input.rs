//! The standard input that a host lends: it arrives whole and in order, and of the program's processes only the one that reads waits for it.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};

use instar_interp::host::Session;
use instar_interp::vm::{Space, SpaceOptions};

/// What reads give, one after the other, as a test hands them over. No more of them is the end.
struct Pieces {
    coming: Receiver<io::Result<Vec<u8>>>,
    read: Sender<()>,
    rest: Vec<u8>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            // A test that looks for it learns that somebody reads.
            let _ = self.read.send(());
            match self.coming.recv() {
                Ok(piece) => self.rest = piece?,
                Err(_) => return Ok(0),
            }
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

struct Lent {
    session: Session,
    pieces: Option<Sender<io::Result<Vec<u8>>>>,
    reads: Receiver<()>,
}

impl Lent {
    fn new() -> Lent {
        let (pieces, coming) = channel();
        let (read, reads) = channel();
        let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
        session.lend_input(Pieces { coming, read, rest: Vec::new() });
        Lent { session, pieces: Some(pieces), reads }
    }

    fn with(pieces: &[&[u8]]) -> Lent {
        let mut lent = Lent::new();
        for piece in pieces {
            lent.pieces.as_ref().unwrap().send(Ok(piece.to_vec())).unwrap();
        }
        lent.pieces = None;
        lent
    }

    fn says(&mut self, source: &str) -> String {
        match self.session.evaluate(source) {
            Ok((text, _)) => text,
            Err(problem) => problem.to_string(),
        }
    }
}

#[test]
fn what_is_read_arrives_whole_whatever_pieces_it_comes_in() {
    let mut lent =
        Lent::with(&[b"one\ntw", b"o\r", b"\nthree \xc3", b"\xa4\n\xe2\x82", b"x\n", b"fo", b"ur\xf0\x9f"]);
    let lines = lent.says("(1 to: 6) collect: [ :each | Stdio stdin nextLine ]");
    // What is no UTF-8, or not all of a character, is the replacement character.
    assert_eq!(lines, "#('one' 'two' 'three ä' '\u{fffd}x' 'four\u{fffd}' nil)");
    assert_eq!(
        lent.says("{ Stdio stdin next. Stdio stdin atEnd. Stdio stdin upToEnd. Stdio stdin peek }"),
        "#(nil true '' nil)"
    );
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let pieces: Vec<&[u8]> = all.chunks(30_011).collect();
    let mut lent = Lent::with(&pieces);
    let same = "| bytes | bytes := Stdio stdin wrappedStream upToEnd.
        { bytes class. bytes size. (1 to: bytes size) allSatisfy: [ :each | (bytes at: each) = (each - 1 \\\\ 256) ] }";
    assert_eq!(lent.says(same), "{ByteArray. 100000. true}");
}

#[test]
fn nothing_is_read_that_nobody_asked_for() {
    let mut lent = Lent::with(&[b"a", b"b"]);
    assert_eq!(lent.says("3 + 4"), "7");
    assert!(lent.reads.try_recv().is_err());
    assert_eq!(lent.says("Stdio stdin next"), "$a");
    assert_eq!(lent.reads.try_iter().count(), 1);
}

#[test]
fn others_run_while_one_process_waits_for_input() {
    let mut lent = Lent::new();
    let pieces = lent.pieces.take().unwrap();
    let reads = std::mem::replace(&mut lent.reads, channel().1);
    let writer = std::thread::spawn(move || {
        reads.recv().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        pieces.send(Ok(b"line\n".to_vec())).unwrap();
    });
    let program = "| count ticker line |
        count := 0.
        ticker := [ [ count := count + 1. (Delay forMilliseconds: 1) wait ] repeat ] fork.
        line := Stdio stdin nextLine.
        ticker terminate.
        { line. count > 5 }";
    assert_eq!(lent.says(program), "#('line' true)");
    writer.join().unwrap();
}

#[test]
fn lines_go_to_one_process_each_and_none_is_lost() {
    let text: String = (0..300).map(|number| format!("line {number}\n")).collect();
    // Pieces end in the middle of lines.
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(7).collect();
    let mut lent = Lent::with(&pieces);
    let program = "| lines done |
        lines := OrderedCollection new.
        done := Semaphore new.
        1 to: 5 do: [ :each |
            [ | line |
                [ (line := Stdio stdin nextLine) notNil ] whileTrue: [ lines add: line. Processor yield ].
                done signal ] forkAt: 38 + (each \\\\ 3) ].
        5 timesRepeat: [ done wait ].
        { lines size. lines asSet size. lines allSatisfy: [ :each | each beginsWith: 'line ' ] }";
    assert_eq!(lent.says(program), "#(300 300 true)");
}

#[test]
fn a_process_that_is_terminated_while_it_waits_takes_nothing_along() {
    let mut lent = Lent::new();
    let pieces = lent.pieces.take().unwrap();
    let program = "| reader | reader := [ Stdio stdin nextLine. Error signal ] fork.
        (Delay forMilliseconds: 20) wait.
        reader terminate.
        reader isTerminated";
    assert_eq!(lent.says(program), "true");
    pieces.send(Ok(b"first\nsecond\n".to_vec())).unwrap();
    assert_eq!(lent.says("Stdio stdin nextLine"), "'first'");
    assert_eq!(lent.says("Stdio stdin nextLine"), "'second'");
    assert_eq!(lent.reads.try_iter().count(), 1);
}

#[test]
fn errors_are_signalled_and_the_end_is_not_for_ever() {
    let mut lent = Lent::new();
    let pieces = lent.pieces.take().unwrap();
    pieces.send(Err(io::Error::other("the disk is on fire"))).unwrap();
    pieces.send(Ok(Vec::new())).unwrap();
    pieces.send(Ok(b"more".to_vec())).unwrap();
    let failed = lent.says("[ Stdio stdin next ] on: Error do: [ :error | error messageText ]");
    assert_eq!(failed, "'stdin: the disk is on fire'");
    // As on a terminal, where the end was typed and then something else.
    assert_eq!(lent.says("{ Stdio stdin next. Stdio stdin next }"), "#(nil $m)");
    assert_eq!(lent.says("Stdio stdin close. [ Stdio stdin upToEnd. Stdio stdin next ] on: Error do: [ :error | error messageText ]"), "'stdin: the file is closed'");
}

#[test]
fn a_copy_of_the_space_reads_what_its_own_host_lends() {
    let mut lent = Lent::with(&[b"ab"]);
    assert_eq!(lent.says("{ Stdio stdin next. Stdio stdin next. Stdio stdin next }"), "#($a $b nil)");
    let image = lent.session.space_mut().image().expect("no process is active");
    for names in [&["stdin"][..], &["other", "another", "more"]] {
        let mut copy = Space::of_image(&image, SpaceOptions::default()).unwrap();
        // Others have come where its own was.
        let others: Vec<_> = names.iter().map(|name| copy.make_inbox(name, 1)).collect();
        others.iter().for_each(|inbox| inbox.post(Vec::new(), |_: &[u8]| false).unwrap());
        let (pieces, coming) = channel();
        pieces.send(Ok(b"copy".to_vec())).unwrap();
        drop(pieces);
        let mut session = Session::new(copy).unwrap();
        session.lend_input(Pieces { coming, read: channel().0, rest: Vec::new() });
        assert_eq!(session.evaluate("Stdio stdin upToEnd").unwrap().0, "'copy'");
    }
}
