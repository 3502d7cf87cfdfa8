//! Spaces whose processes wait for input and output: others go on, and the space is gathered, suspended, copied and discarded meanwhile.

#[path = "support/small.rs"]
mod small;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use instar_interp::spaces::{Hypervisor, MirrorError, ObjectSpace, Phase};
use instar_interp::vm::{Space, SpaceOptions};

const SECONDS: Duration = Duration::from_secs(20);

/// A named pipe, removed at the end.
struct Pipe(PathBuf);

impl Pipe {
    fn new() -> Pipe {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("instar-waiting-{}-{number}", std::process::id()));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Pipe(path)
    }

    /// An expression for a stream on it.
    fn stream(&self, opened: &str) -> String {
        format!("(File named: '{}') {opened}", self.0.display())
    }

    /// The end that writes. It waits until somebody reads.
    fn writer(&self) -> File {
        OpenOptions::new().write(true).open(&self.0).unwrap()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn hypervisor() -> Hypervisor {
    small::hypervisor(SpaceOptions::default())
}

/// A space that runs the statements, and in another process sets `Ticks` to ever higher numbers at update points.
fn started(hypervisor: &Hypervisor, statements: &str) -> ObjectSpace {
    let space = hypervisor.create("program").unwrap();
    let globals = "Object class compile: 'updatePoint <primitive: #updatePoint>'.
        #( Ticks Count ) do: [ :each | Smalltalk at: each put: 0 ]. #( Read Reader In ) do: [ :each | Smalltalk at: each put: nil ]";
    space.meta().unwrap().space().evaluate_to_string(globals).unwrap();
    let ticking = "[ [ Object updatePoint. Smalltalk at: #Ticks put: (Smalltalk at: #Ticks) + 1. (Delay forMilliseconds: 1) wait ] repeat ] fork. ";
    space.meta().unwrap().start(&format!("{ticking}{statements}")).unwrap();
    space.resume().unwrap();
    space
}

fn print(space: &ObjectSpace, source: &str) -> String {
    space.suspend().unwrap();
    let text = space.meta().unwrap().space().evaluate_to_string(source);
    space.resume().unwrap();
    text.unwrap_or_else(|problem| panic!("{source}\n{problem}"))
}

fn until(space: &ObjectSpace, condition: &str) {
    let end = std::time::Instant::now() + SECONDS;
    while print(space, condition) != "true" {
        assert!(std::time::Instant::now() < end, "never: {condition}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The waiting process is no reason for the others, or the hypervisor, to wait.
fn is_at_large(space: &ObjectSpace) {
    let ticks: u64 = print(space, "Smalltalk at: #Ticks").parse().unwrap();
    until(space, &format!("(Smalltalk at: #Ticks) > {}", ticks + 3));
    space.gather(SECONDS).unwrap();
    assert_eq!(space.phase(), Phase::Gathered);
    assert!(space.meta().unwrap().threads().len() >= 2);
    space.scatter().unwrap();
    space.resume().unwrap();
    space.suspend().unwrap();
    space.meta().unwrap().collect();
    space.resume().unwrap();
}

const WAITS: &str =
    "(Smalltalk at: #Reader) notNil and: [ (Smalltalk at: #Reader) suspendingList class == Semaphore ]";

fn reader(pipe: &Pipe) -> String {
    format!(
        "Smalltalk at: #Reader put: [ Smalltalk at: #Read put: [ {}  upToEnd asString ] value ] fork",
        pipe.stream("readStream")
    )
}

#[test]
fn a_process_that_reads_a_pipe_waits_alone_until_something_comes() {
    let (hypervisor, pipe) = (hypervisor(), Pipe::new());
    let space = started(&hypervisor, &reader(&pipe));
    // Nobody has opened the other end yet.
    until(&space, WAITS);
    is_at_large(&space);
    let mut writer = pipe.writer();
    is_at_large(&space);
    writer.write_all(b"first ").unwrap();
    is_at_large(&space);
    writer.write_all(b"second").unwrap();
    drop(writer);
    until(&space, "(Smalltalk at: #Read) notNil");
    assert_eq!(print(&space, "Smalltalk at: #Read"), "'first second'");
    space.discard().unwrap();
}

#[test]
fn what_comes_while_the_space_is_suspended_is_read_afterwards() {
    let (hypervisor, pipe) = (hypervisor(), Pipe::new());
    let space = started(&hypervisor, &reader(&pipe));
    until(&space, WAITS);
    space.suspend().unwrap();
    pipe.writer().write_all(b"meanwhile").unwrap();
    space.resume().unwrap();
    until(&space, "(Smalltalk at: #Read) notNil");
    assert_eq!(print(&space, "Smalltalk at: #Read"), "'meanwhile'");
    space.discard().unwrap();
}

#[test]
fn a_space_is_discarded_while_it_waits() {
    let (hypervisor, pipe) = (hypervisor(), Pipe::new());
    let space = started(&hypervisor, &reader(&pipe));
    until(&space, WAITS);
    let _writer = pipe.writer();
    space.discard().unwrap();
    assert_eq!(space.phase(), Phase::Discarded);
}

#[test]
fn a_process_that_writes_to_a_full_pipe_waits_alone() {
    let (hypervisor, pipe) = (hypervisor(), Pipe::new());
    // Opened for both, so that it may be opened before anybody reads.
    let stream = pipe.stream("writeStream");
    let space = started(
        &hypervisor,
        &format!(
            "Smalltalk at: #Reader put: [ | out | out := {stream}.
                1 to: 300000 do: [ :each | out nextPut: (Character value: each \\\\ 90 + 33) ]. out flush. Smalltalk at: #Read put: #done ] fork"
        ),
    );
    until(&space, WAITS);
    is_at_large(&space);
    assert_eq!(print(&space, "Smalltalk at: #Read"), "nil");
    let mut written = vec![0; 300_000];
    File::open(&pipe.0).unwrap().read_exact(&mut written).unwrap();
    assert!(written.iter().enumerate().all(|(at, byte)| usize::from(*byte) == (at + 1) % 90 + 33));
    until(&space, "(Smalltalk at: #Read) == #done");
    space.discard().unwrap();
}

#[test]
fn who_waits_for_a_file_that_is_closed_is_told() {
    let (hypervisor, pipe) = (hypervisor(), Pipe::new());
    let space = started(
        &hypervisor,
        &format!(
            "| in | in := {}. Smalltalk at: #In put: in.
            Smalltalk at: #Reader put: [ [ in next ] on: Error do: [ :e | Smalltalk at: #Read put: e messageText ] ] fork",
            pipe.stream("readStream")
        ),
    );
    until(&space, WAITS);
    print(&space, "(Smalltalk at: #In) close. 3");
    until(&space, "(Smalltalk at: #Read) notNil");
    assert!(print(&space, "Smalltalk at: #Read").ends_with("the file is closed'"));
    space.discard().unwrap();
}

#[test]
fn a_copy_of_a_space_does_not_have_what_is_waited_for_and_says_so() {
    let (hypervisor, pipe) = (hypervisor(), Pipe::new());
    let program = format!(
        "Smalltalk at: #Reader put: [ Smalltalk at: #Read put: ([ {} upToEnd asString ] on: Error do: [ :e | #failed ]) ] fork",
        pipe.stream("readStream")
    );
    let space = started(&hypervisor, &program);
    until(&space, WAITS);
    let copy = hypervisor.duplicate(&space, "copy").unwrap();
    copy.resume().unwrap();
    until(&copy, "(Smalltalk at: #Read) == #failed");
    copy.discard().unwrap();
    pipe.writer().write_all(b"for the original").unwrap();
    until(&space, "(Smalltalk at: #Read) = 'for the original'");
    space.discard().unwrap();
}

#[test]
fn many_processes_wait_for_one_pipe_and_each_gets_on() {
    let (hypervisor, pipe) = (hypervisor(), Pipe::new());
    let program = format!(
        "| in | in := {}.
        1 to: 20 do: [ :each | [ in next. Smalltalk at: #Count put: (Smalltalk at: #Count) + 1 ] fork ]",
        pipe.stream("readStream")
    );
    let space = started(&hypervisor, &program);
    until(&space, "Process allInstances size > 20");
    let mut writer = pipe.writer();
    writer.write_all(b"1234567").unwrap();
    until(&space, "(Smalltalk at: #Count) = 7");
    is_at_large(&space);
    writer.write_all(b"1234567890123").unwrap();
    until(&space, "(Smalltalk at: #Count) = 20");
    space.discard().unwrap();
}

/// Messages from other threads of the host, as those of a web server.
#[test]
fn a_process_that_waits_for_messages_is_gathered_suspended_and_discarded() {
    let hypervisor = hypervisor();
    let mut made = Space::new(SpaceOptions::default()).unwrap();
    let inbox = made.make_inbox("requests", 10);
    let source = "Object compile: 'open: name signalling: semaphore <primitive: #inboxOpen>'.
        Object class compile: 'updatePoint <primitive: #updatePoint>'.
        Smalltalk at: #Ticks put: 0; at: #Taken put: 0.
        Smalltalk at: #Read put: nil.
        [ | semaphore | semaphore := Semaphore new. 3 open: 'requests' signalling: semaphore.
            [ semaphore wait. Smalltalk at: #Taken put: (Smalltalk at: #Taken) + 1 ] repeat ] fork.
        [ [ Object updatePoint. Smalltalk at: #Ticks put: (Smalltalk at: #Ticks) + 1. (Delay forMilliseconds: 1) wait ] repeat ] fork";
    made.evaluate_to_string(source).unwrap();
    let space = hypervisor.adopt("server", made).unwrap();
    space.resume().unwrap();
    is_at_large(&space);
    space.suspend().unwrap();
    inbox.post(b"one".to_vec(), |_: &[u8]| false).unwrap();
    space.resume().unwrap();
    until(&space, "(Smalltalk at: #Taken) = 1");
    is_at_large(&space);
    space.discard().unwrap();
    assert!(inbox.post(b"two".to_vec(), |_: &[u8]| false).is_err());
}

#[test]
fn without_a_process_that_can_go_on_a_space_that_waits_for_a_file_is_not_idle() {
    let (hypervisor, pipe) = (hypervisor(), Pipe::new());
    let space = hypervisor.create("reader").unwrap();
    space
        .meta()
        .unwrap()
        .start(&format!("Smalltalk at: #Read put: {} upToEnd asString", pipe.stream("readStream")))
        .unwrap();
    space.resume().unwrap();
    assert_eq!(space.wait(Duration::from_millis(30)), Phase::Running);
    space.suspend().unwrap();
    space.resume().unwrap();
    pipe.writer().write_all(b"text").unwrap();
    assert_eq!(space.wait(SECONDS), Phase::Idle);
    assert_eq!(space.meta().unwrap().space().evaluate_to_string("Smalltalk at: #Read").unwrap(), "'text'");
    space.discard().unwrap();
}

/// Run by [`the_standard_input_is_waited_for_by_the_process_alone`], with a standard input that it is given line by line.
#[test]
#[ignore = "needs a standard input of its own"]
fn with_a_standard_input() {
    let hypervisor = hypervisor();
    let program = "Smalltalk at: #Reader put: [ Smalltalk at: #Read put: Stdio stdin nextLine ] fork";
    let space = started(&hypervisor, program);
    until(&space, WAITS);
    is_at_large(&space);
    let copy = hypervisor.duplicate(&space, "copy").unwrap();
    println!("waiting");
    until(&space, "(Smalltalk at: #Read) = 'one'");
    copy.resume().unwrap();
    until(&copy, WAITS);
    println!("waiting");
    until(&copy, "(Smalltalk at: #Read) = 'two'");
    let raw = "[ (BinaryFileStream handle: 0 named: 'raw') next ] on: Error do: [ :e | e messageText ]";
    assert_eq!(print(&space, raw), "'raw: the host lends it: use Stdio stdin'");
    let third = started(&hypervisor, program);
    until(&third, WAITS);
    third.discard().unwrap();
    copy.discard().unwrap();
    space.discard().unwrap();
    assert_eq!(space.meta().err(), Some(MirrorError::Discarded));
}

#[test]
fn the_standard_input_is_waited_for_by_the_process_alone() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "with_a_standard_input", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(output)).map(Result::unwrap);
    for line in ["one\n", "two\n"] {
        assert!(lines.any(|said| said.contains("waiting")), "it does not wait");
        input.write_all(line.as_bytes()).unwrap();
    }
    // The end of the input is not needed for the end.
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    drop(input);
}
