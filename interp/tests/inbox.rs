//! Inboxes: what other threads hand to a space arrives once, wakes a space that is idle or busy, and outlives collections, become and the floor.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::bootstrap::Problem;
use instar_interp::vm::inbox::Refused;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{RandomBecomes, Space, SpaceOptions};

/// A reply that hands each piece to a test.
fn into(sender: &Sender<String>) -> impl FnMut(&[u8]) -> bool + Send + 'static {
    let sender = sender.clone();
    move |bytes| sender.send(String::from_utf8(bytes.to_vec()).unwrap()).is_ok()
}

fn all(receiver: &Receiver<String>) -> Vec<String> {
    receiver.try_iter().collect()
}

fn configurations() -> Vec<(&'static str, SpaceOptions)> {
    let heap = HeapConfig {
        limit_bytes: 64 * MIB,
        eden_bytes: 256 << 10,
        survivor_bytes: 256 << 10,
        ..HeapConfig::default()
    };
    let gc = GcConfig { heap, verify: true, ..GcConfig::default() }.with_workers(2).with_zeal(211);
    let with = |strategy| SpaceOptions { strategy, ..SpaceOptions::default() };
    vec![
        ("lazy", with(BecomeStrategy::Lazy)),
        ("always-check", with(BecomeStrategy::AlwaysCheck)),
        ("full-scan", with(BecomeStrategy::FullScan)),
        ("zeal", SpaceOptions { gc, ..SpaceOptions::default() }),
        (
            "becomes",
            SpaceOptions {
                random_becomes: Some(RandomBecomes { every: std::num::NonZero::new(50).unwrap(), seed: 7 }),
                ..SpaceOptions::default()
            },
        ),
    ]
}

#[test]
fn an_idle_space_wakes_for_each_message_and_answers_in_pieces() {
    for (name, options) in configurations() {
        let mut space = Space::new(options).unwrap();
        let inbox = space.make_inbox("work", 100);
        let (sender, receiver) = channel();
        let poster = thread::spawn(move || {
            for number in 0..20 {
                if number % 5 == 0 {
                    thread::sleep(Duration::from_millis(3));
                }
                inbox.post(format!("grüße {number}").into_bytes(), into(&sender)).unwrap();
            }
        });
        let program = "| inbox count |
            inbox := ExternalInbox named: 'work'.
            count := 0.
            20 timesRepeat: [ | message |
                message := inbox next.
                message reply: message contents , ' '.
                message reply: (message contents size) printString.
                message end.
                count := count + 1 ].
            count";
        assert_eq!(space.evaluate_to_string(program).unwrap(), "20", "{name}");
        poster.join().unwrap();
        let wanted: Vec<String> = (0..20)
            .flat_map(|number: usize| {
                let text = format!("grüße {number}");
                [format!("{text} "), text.chars().count().to_string()]
            })
            .collect();
        assert_eq!(all(&receiver), wanted, "{name}");
    }
}

#[test]
fn a_busy_space_attends_to_a_message_while_it_works() {
    let mut space = Space::new(SpaceOptions::default()).unwrap();
    let inbox = space.make_inbox("stop", 1);
    let poster = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        inbox.post(Vec::new(), |_: &[u8]| true).unwrap();
    });
    // The loop never yields, and has no calls that are not inlined.
    let program = "| isStopped inbox rounds |
        isStopped := false.
        rounds := 0.
        inbox := ExternalInbox named: 'stop'.
        [ inbox next end. isStopped := true ] forkAt: 50.
        [ isStopped ] whileFalse: [ rounds := rounds + 1 ].
        rounds > 1000";
    assert_eq!(space.evaluate_to_string(program).unwrap(), "true");
    poster.join().unwrap();
}

#[test]
fn messages_from_many_threads_arrive_once_while_everything_moves() {
    for (name, options) in configurations() {
        let mut space = Space::new(options).unwrap();
        let inbox = space.make_inbox("numbers", 10_000);
        let posters: Vec<_> = (0..4u32)
            .map(|thread| {
                let inbox = inbox.clone();
                thread::spawn(move || {
                    for number in 0..250u32 {
                        inbox
                            .post((thread * 250 + number).to_string().into_bytes(), |_: &[u8]| true)
                            .unwrap();
                    }
                })
            })
            .collect();
        let program = "| inbox sum seen semaphore |
            inbox := ExternalInbox named: 'numbers'.
            sum := 0.
            seen := Set new.
            1000 timesRepeat: [ | message |
                message := inbox next.
                seen add: message contents asInteger.
                message end.
                seen size \\\\ 100 = 0 ifTrue: [
                    \"The semaphore becomes another one; its signals go with it.\"
                    semaphore := inbox instVarAt: 3.
                    { semaphore } elementsForwardIdentityTo: { semaphore copy } ] ].
            { seen size. seen inject: 0 into: [ :a :b | a + b ]. (inbox instVarAt: 3) excessSignals }";
        assert_eq!(space.evaluate_to_string(program).unwrap(), "#(1000 499500 0)", "{name}");
        for poster in posters {
            poster.join().unwrap();
        }
    }
}

#[test]
fn what_comes_before_the_inbox_is_opened_waits_and_no_more_than_it_holds() {
    let mut space = Space::new(SpaceOptions::default()).unwrap();
    let inbox = space.make_inbox("few", 2);
    let (sender, receiver) = channel();
    assert_eq!(inbox.post(b"one".to_vec(), into(&sender)), Ok(()));
    assert_eq!(inbox.post(b"two".to_vec(), into(&sender)), Ok(()));
    assert_eq!(inbox.post(b"three".to_vec(), into(&sender)), Err(Refused::Full));
    let program = "| inbox texts |
        inbox := ExternalInbox named: 'few'.
        texts := (1 to: 2) collect: [ :each | inbox next in: [ :message | message reply: 'ok'; end. message contents ] ].
        texts";
    assert_eq!(space.evaluate_to_string(program).unwrap(), "#('one' 'two')");
    assert_eq!(all(&receiver), ["ok", "ok"]);
    assert_eq!(space.evaluate_to_string("(ExternalInbox named: 'few') close; close. 1").unwrap(), "1");
    assert_eq!(inbox.post(b"four".to_vec(), into(&sender)), Err(Refused::Closed));
}

#[test]
fn who_is_not_answered_any_more_learns_it() {
    let mut space = Space::new(SpaceOptions::default()).unwrap();
    let inbox = space.make_inbox("late", 10);
    let (sender, receiver) = channel();
    inbox.post(b"taken".to_vec(), into(&sender)).unwrap();
    inbox.post(b"not taken".to_vec(), into(&sender)).unwrap();
    drop(sender);
    // A message that nobody ends is ended with the space.
    space.evaluate("(ExternalInbox named: 'late') next reply: 'first'").unwrap();
    assert_eq!(receiver.recv().unwrap(), "first");
    drop(space);
    assert!(receiver.recv().is_err());
    assert_eq!(inbox.post(Vec::new(), |_: &[u8]| true), Err(Refused::Closed));
}

#[test]
fn a_reply_that_nobody_reads_says_so() {
    let mut space = Space::new(SpaceOptions::default()).unwrap();
    let inbox = space.make_inbox("gone", 10);
    inbox.post(Vec::new(), |_: &[u8]| false).unwrap();
    let program = "| message | message := (ExternalInbox named: 'gone') next.
        { message reply: 'x'. (message end; end; reply: 'y') }";
    assert_eq!(space.evaluate_to_string(program).unwrap(), "#(false false)");
    let missing =
        space.evaluate_to_string("[ ExternalInbox named: 'none' ] on: NotFound do: [ :e | e messageText ]");
    assert_eq!(missing.unwrap(), "'The host has no inbox named none'");
}

#[test]
fn a_space_that_waits_for_messages_is_deadlocked_once_nobody_can_post() {
    let mut space = Space::new(SpaceOptions::default()).unwrap();
    let inbox = space.make_inbox("last", 10);
    let poster = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        inbox.post(b"last".to_vec(), |_: &[u8]| true).unwrap();
    });
    let program = "| inbox | inbox := ExternalInbox named: 'last'. inbox next end. inbox next";
    let problem = space.evaluate(program).unwrap_err();
    assert!(matches!(&problem, Problem::Deadlock(trace) if trace.contains("ExternalInbox")), "{problem}");
    poster.join().unwrap();
}

#[test]
fn messages_wait_while_a_floor_is_above_their_process() {
    const FLOOR: &str = "
        Class { #name : #Raised, #superclass : #Object, #category : #Test }
        { #category : #a }
        Raised class >> floor: priority [ <primitive: #updateFloor> ^ self primitiveFailed ]";
    for (name, options) in configurations() {
        let mut space = Space::new(options).unwrap();
        let files = [
            instar_interp::source::SourceFile::new("Test/package.st", "Package { #name : #Test }"),
            instar_interp::source::SourceFile::new("Test/Raised.class.st", FLOOR),
        ];
        space.load(&instar_interp::source::read_files(&files).unwrap()).unwrap();
        let inbox = space.make_inbox("below", 10);
        let program = "| log inbox done |
            log := OrderedCollection new.
            done := Semaphore new.
            inbox := ExternalInbox named: 'below'.
            [ 2 timesRepeat: [ log add: inbox next contents asSymbol ]. done signal ] forkAt: 60.
            [ Raised floor: 81.
              (Delay forMilliseconds: 60) wait.
              log add: #floor.
              Raised floor: 0 ] newProcess setPriority: 82; resume.
            done wait.
            log asArray";
        let poster = thread::spawn(move || {
            thread::sleep(Duration::from_millis(15));
            inbox.post(b"one".to_vec(), |_: &[u8]| true).unwrap();
            inbox.post(b"two".to_vec(), |_: &[u8]| true).unwrap();
            inbox
        });
        assert_eq!(space.evaluate_to_string(program).unwrap(), "#(#floor #one #two)", "{name}");
        drop(poster.join().unwrap());
    }
}

#[test]
fn waiting_costs_no_processor_time() {
    let mut space = Space::new(SpaceOptions::default()).unwrap();
    let inbox = space.make_inbox("slow", 10);
    let poster = thread::spawn(move || {
        thread::sleep(Duration::from_millis(400));
        inbox.post(Vec::new(), |_: &[u8]| true).unwrap();
    });
    let begun = Instant::now();
    let before = thread_time();
    space.evaluate("(ExternalInbox named: 'slow') next end").unwrap();
    let used = thread_time() - before;
    assert!(begun.elapsed() >= Duration::from_millis(390));
    assert!(used < Duration::from_millis(100), "{used:?} of processor time");
    poster.join().unwrap();
}

/// Processor time of this thread, from the system's accounts; nothing where there are none.
fn thread_time() -> Duration {
    let Ok(text) = std::fs::read_to_string("/proc/thread-self/schedstat") else { return Duration::ZERO };
    let nanoseconds = text.split_whitespace().next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}
