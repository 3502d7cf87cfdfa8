//! Guests that do their worst: neither the hypervisor nor a sibling space notices.

#[path = "support/small.rs"]
mod small;

use std::time::{Duration, Instant};

use instar_gc::GcConfig;
use instar_interp::spaces::{Hypervisor, MirrorError, ObjectSpace, Phase};
use instar_interp::vm::SpaceOptions;
use instar_interp::vm::stack::StackLimits;

const SECONDS: Duration = Duration::from_secs(20);

fn options() -> SpaceOptions {
    SpaceOptions {
        gc: GcConfig { heap: small::heap(32), ..GcConfig::default() },
        stacks: StackLimits { most_frames: 20_000, ..StackLimits::default() },
        ..SpaceOptions::default()
    }
}

/// A sibling that counts, and the space that attacks.
struct Attack {
    hypervisor: Hypervisor,
    sibling: ObjectSpace,
    guest: ObjectSpace,
}

impl Attack {
    fn begin(statements: &str) -> Attack {
        let hypervisor = small::hypervisor(options());
        let sibling = hypervisor.create("sibling").unwrap();
        let counting = "Smalltalk at: #Counter put: 0.
            [ Smalltalk at: #Counter put: (Smalltalk at: #Counter) + (#(1) inject: 0 into: [ :a :b | a + b ]) ] repeat";
        sibling.meta().unwrap().start(counting).unwrap();
        sibling.resume().unwrap();
        let guest = hypervisor.create("guest").unwrap();
        guest.meta().unwrap().start(statements).unwrap();
        guest.resume().unwrap();
        Attack { hypervisor, sibling, guest }
    }

    fn count(&self) -> i64 {
        self.sibling.suspend().unwrap();
        let mut meta = self.sibling.meta().unwrap();
        let counter = meta.global("Counter").and_then(|counter| meta.integer_of(counter));
        drop(meta);
        self.sibling.resume().unwrap();
        counter.ok().flatten().unwrap_or(0)
    }

    /// The sibling still works, new spaces can be made, and the guest can be stopped, looked at and discarded.
    fn is_survived(&self) {
        let before = self.count();
        let end = Instant::now() + SECONDS;
        while self.count() <= before {
            assert!(Instant::now() < end, "the sibling does not go on");
            std::thread::sleep(Duration::from_millis(2));
        }
        let other = self.hypervisor.create("other").unwrap();
        assert_eq!(other.meta().unwrap().space().evaluate_to_string("3 + 4").unwrap(), "7");
        self.guest.suspend().unwrap();
        let mut meta = self.guest.meta().unwrap();
        for thread in meta.threads() {
            let _ = meta.frames_of(thread).map(|frames| frames.len());
        }
        meta.measure();
        drop(meta);
        self.guest.discard().unwrap();
        assert_eq!(self.guest.phase(), Phase::Discarded);
    }

    fn for_a_while(&self) {
        let _ = self.guest.wait(Duration::from_millis(300));
    }
}

#[test]
fn a_guest_that_loops() {
    let attack = Attack::begin("[ true ] whileTrue");
    attack.for_a_while();
    attack.is_survived();
}

#[test]
fn a_guest_that_forks_without_end() {
    let attack =
        Attack::begin("[ [ [ true ] whileTrue: [ Processor yield ] ] fork. Processor yield ] repeat");
    attack.for_a_while();
    attack.is_survived();
}

#[test]
fn a_guest_that_exhausts_memory() {
    let attack = Attack::begin("| all | all := OrderedCollection new. [ all add: (Array new: 1000) ] repeat");
    assert_eq!(attack.guest.wait(SECONDS), Phase::Idle);
    attack.is_survived();
}

#[test]
fn a_guest_that_exhausts_memory_again_and_again() {
    let attack = Attack::begin(
        "| all | all := OrderedCollection new.
        [ [ [ all add: (Array new: 1000) ] repeat ] on: OutOfMemory do: [ :e | e return: 3 ] ] repeat",
    );
    attack.for_a_while();
    attack.is_survived();
}

#[test]
fn a_guest_that_overflows_its_stack() {
    let attack = Attack::begin("Object compile: 'deeper: n ^ (self deeper: n + 1) + 1'. 3 deeper: 0");
    assert_eq!(attack.guest.wait(SECONDS), Phase::Idle);
    attack.is_survived();
}

#[test]
fn a_guest_that_overflows_its_stack_while_that_is_handled() {
    let attack = Attack::begin(
        "Object compile: 'deeper ^ [ self deeper ] on: Error do: [ :e | self deeper ]'. 3 deeper",
    );
    attack.for_a_while();
    attack.is_survived();
}

#[test]
fn a_guest_whose_classes_become_others() {
    for statements in [
        "Object becomeForward: Array. #(1 2 3) do: [ :each | each printString ]",
        "Array become: OrderedCollection. (OrderedCollection new) add: 3; add: 4",
        "Process becomeForward: Object. [ 3 ] fork. Processor yield",
        "Semaphore become: Process. Semaphore new wait",
        "Processor become: Object new. [ 3 ] fork. Processor yield",
        "Processor activeProcess become: Object new. [ Processor yield ] repeat",
        "Smalltalk globals become: Array new. 3 + 4",
        "Processor instVarNamed: 'quiescentProcessLists' put: #(). [ 3 ] fork. Processor yield",
        "Object methodDict become: MethodDictionary new. 3 printString",
    ] {
        let attack = Attack::begin(statements);
        attack.for_a_while();
        attack.is_survived();
    }
}

#[test]
fn a_guest_that_kills_all_its_processes() {
    let attack = Attack::begin(
        "| own | own := Processor activeProcess. [ [ true ] whileTrue: [ Processor yield ] ] fork. Processor yield.
        Process allInstances do: [ :each | each == own ifFalse: [ each terminate ] ]. own terminate",
    );
    assert_eq!(attack.guest.wait(SECONDS), Phase::Idle);
    attack.is_survived();
}

#[test]
fn a_guest_that_suspends_all_its_processes() {
    let attack = Attack::begin("Process allInstances do: [ :each | each suspend ]");
    assert_eq!(attack.guest.wait(SECONDS), Phase::Idle);
    attack.is_survived();
}

#[test]
fn a_guest_that_quits_ends_itself_only() {
    let attack = Attack::begin("Smalltalk exit: 3");
    assert_eq!(attack.guest.wait(SECONDS), Phase::Quit(3));
    assert!(matches!(attack.guest.resume(), Err(MirrorError::Refused(_))));
    attack.is_survived();
}

#[test]
fn a_guest_that_sleeps_for_ever_is_stopped_at_once() {
    let attack = Attack::begin("(Delay forSeconds: 100000) wait");
    attack.for_a_while();
    let started = Instant::now();
    attack.is_survived();
    assert!(started.elapsed() < SECONDS);
}

#[test]
fn a_guest_that_stops_all_others_by_an_update_of_its_own() {
    let attack = Attack::begin(
        "Object compile: 'floor: n <primitive: #updateFloor>'. 3 floor: 80. [ true ] whileTrue: [ Processor yield ]",
    );
    attack.for_a_while();
    attack.is_survived();
}
