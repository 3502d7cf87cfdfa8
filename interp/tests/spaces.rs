//! Object spaces: made from the kernel's image and from running spaces, run on their own threads, measured, suspended, discarded.

#[path = "support/small.rs"]
mod small;

use std::sync::Arc;
use std::time::{Duration, Instant};

use instar_gc::GcConfig;
use instar_heap::MIB;
use instar_interp::spaces::{Hypervisor, MirrorError, ObjectSpace, Phase};
use instar_interp::vm::{SpaceImage, SpaceOptions};

fn options() -> SpaceOptions {
    small::verified(64)
}

fn kernel() -> Arc<SpaceImage> {
    small::kernel(options())
}

fn hypervisor() -> Hypervisor {
    Hypervisor::new(kernel(), options())
}

fn print(space: &ObjectSpace, source: &str) -> String {
    space.meta().unwrap().space().evaluate_to_string(source).unwrap_or_else(|problem| panic!("{problem}"))
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_space_made_of_the_kernels_image_is_a_whole_one() {
    let hypervisor = hypervisor();
    let space = hypervisor.create("one").unwrap();
    assert_eq!(print(&space, "(1 to: 10) inject: 0 into: [ :a :b | a + b ]"), "55");
    assert_eq!(print(&space, "[ nil foo ] on: MessageNotUnderstood do: [ :e | e message selector ]"), "#foo");
    assert_eq!(
        print(
            &space,
            "| s | s := Semaphore new. [ s signal ] fork. s wait. Object subclass: #Foo. (Smalltalk at: #Foo) name"
        ),
        "#Foo"
    );
    assert_eq!(print(&space, "Smalltalk at: #Foo put: 'changed'. (Set withAll: #(3 1 2)) size"), "3");
}

#[test]
fn a_space_does_not_see_what_another_defines() {
    let hypervisor = hypervisor();
    let (one, other) = (hypervisor.create("one").unwrap(), hypervisor.create("other").unwrap());
    print(&one, "Object subclass: #OnlyHere. Object compile: 'ping ^ 7'. 3 ping");
    assert_eq!(print(&one, "3 ping"), "7");
    assert_eq!(print(&other, "3 respondsTo: #ping"), "false");
    assert_eq!(print(&other, "Smalltalk includesKey: #OnlyHere"), "false");
    assert_eq!(hypervisor.spaces().len(), 2);
}

/// Waits until the guest's counter has moved; false if it does not.
fn counts(space: &ObjectSpace) -> bool {
    let read = || {
        space.suspend().unwrap();
        let mut meta = space.meta().unwrap();
        let counter = meta.global("Counter").unwrap();
        let value = meta.integer_of(counter).unwrap().unwrap();
        drop(meta);
        space.resume().unwrap();
        value
    };
    let before = read();
    let end = Instant::now() + 10 * SECOND;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
        if read() > before {
            return true;
        }
    }
    false
}

const COUNT: &str =
    "[ [ true ] whileTrue: [ Smalltalk at: #Counter put: (Smalltalk at: #Counter) + 1 ] ] value";

fn counting(hypervisor: &Hypervisor, name: &str) -> ObjectSpace {
    let space = hypervisor.create(name).unwrap();
    print(&space, "Smalltalk at: #Counter put: 0");
    space.meta().unwrap().start(COUNT).unwrap();
    space.resume().unwrap();
    space
}

#[test]
fn a_space_runs_is_suspended_and_goes_on() {
    let hypervisor = hypervisor();
    let space = counting(&hypervisor, "counter");
    assert!(counts(&space));
    assert_eq!(space.meta().err(), Some(MirrorError::Running));
    space.suspend().unwrap();
    assert_eq!(space.phase(), Phase::Suspended);
    let mut meta = space.meta().unwrap();
    let counter = meta.global("Counter").unwrap();
    let value = meta.integer_of(counter).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    let counter = meta.global("Counter").unwrap();
    assert_eq!(meta.integer_of(counter).unwrap(), value);
    drop(meta);
    space.resume().unwrap();
    assert!(counts(&space));
    space.discard().unwrap();
    assert_eq!(space.meta().err(), Some(MirrorError::Discarded));
    assert_eq!(space.resume(), Err(MirrorError::Discarded));
    assert!(hypervisor.spaces().is_empty());
}

#[test]
fn a_running_space_is_cloned_with_its_processes() {
    let hypervisor = hypervisor();
    let space = counting(&hypervisor, "counter");
    assert!(counts(&space));
    let copy = hypervisor.duplicate(&space, "copy").unwrap();
    assert_eq!((copy.phase(), space.phase()), (Phase::Suspended, Phase::Running));
    let measure = copy.measure().unwrap();
    assert_eq!(measure.processes, 1);
    copy.resume().unwrap();
    assert!(counts(&copy) && counts(&space));
    // The copy goes its own way.
    copy.suspend().unwrap();
    print(&copy, "Smalltalk at: #Counter put: -1000000000");
    copy.discard().unwrap();
    assert!(counts(&space));
}

#[test]
fn frames_blocks_contexts_and_waits_go_over_to_a_clone() {
    let hypervisor = hypervisor();
    let space = hypervisor.create("frames").unwrap();
    print(&space, "Smalltalk at: #Log put: OrderedCollection new; at: #Gate put: Semaphore new");
    let source = "| sum context | sum := 0. context := thisContext.
        #(1 2 3) do: [ :each | (Smalltalk at: #Gate) wait. sum := sum + each ].
        [ (Smalltalk at: #Log) add: sum; add: context method selector ] ensure: [
            (Smalltalk at: #Log) add: #ensured ]";
    space.meta().unwrap().start(source).unwrap();
    space.resume().unwrap();
    assert_eq!(space.wait(10 * SECOND), Phase::Idle);
    let copy = hypervisor.duplicate(&space, "copy").unwrap();
    for each in [&copy, &space] {
        assert_eq!(
            print(
                each,
                "(Smalltalk at: #Gate) signal; signal; signal. Processor yield. Processor yield. Processor yield. Processor yield. (Smalltalk at: #Log) asArray"
            ),
            "#(6 #DoIt #ensured)"
        );
    }
}

#[test]
fn delays_go_on_in_a_clone() {
    let hypervisor = hypervisor();
    let space = hypervisor.create("delay").unwrap();
    print(&space, "Smalltalk at: #Done put: false");
    space.meta().unwrap().start("(Delay forMilliseconds: 50) wait. Smalltalk at: #Done put: true").unwrap();
    space.resume().unwrap();
    let copy = hypervisor.duplicate(&space, "copy").unwrap();
    copy.resume().unwrap();
    for each in [&space, &copy] {
        assert_eq!(each.wait(10 * SECOND), Phase::Idle);
        assert_eq!(print(each, "Smalltalk at: #Done"), "true");
    }
}

#[test]
fn a_limit_is_the_spaces_own() {
    let hypervisor = hypervisor();
    let space = hypervisor.create("greedy").unwrap();
    let sibling = counting(&hypervisor, "sibling");
    let source = "| all | all := OrderedCollection new.
        [ [ true ] whileTrue: [ all add: (Array new: 10000) ] ] on: OutOfMemory do: [ :e | all := nil. 'caught' ]";
    assert_eq!(print(&space, source), "'caught'");
    assert!(counts(&sibling));
    let mut small = options();
    small.gc.heap.limit_bytes = 5 * MIB;
    small.gc.heap.eden_bytes = MIB;
    assert!(matches!(hypervisor.create_with("small", small), Err(MirrorError::Memory(_))));
}

/// Resident bytes of the process.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// `--ignored`: how long a space takes to be made, and how much memory it has; alone in its process, in a release build.
#[test]
#[ignore = "measures time and memory"]
fn what_a_space_costs() {
    let options = SpaceOptions { gc: GcConfig { verify: false, ..options().gc }, ..options() };
    let hypervisor = Hypervisor::new(kernel(), options);
    let warm = hypervisor.create("warm").unwrap();
    let before = resident();
    let started = Instant::now();
    let spaces: Vec<ObjectSpace> = (0..10).map(|_| hypervisor.create("next").unwrap()).collect();
    let took = started.elapsed() / 10;
    let each = (resident() - before) / 10;
    spaces.iter().for_each(|space| assert_eq!(print(space, "3 + 4"), "7"));
    let used = (resident() - before) / 10;
    println!(
        "image {} bytes, {took:?} a space, {each} resident bytes at rest, {used} after an evaluation",
        kernel().bytes()
    );
    println!("{:?}", warm.measure().unwrap());
    drop(spaces);
    hypervisor.spaces().iter().for_each(|space| space.discard().unwrap());
    println!("left behind: {} bytes", resident() as i64 - before as i64);
}

#[test]
fn discarding_gives_all_memory_back() {
    let hypervisor = hypervisor();
    let count = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let world = {
        let space = hypervisor.create("gone").unwrap();
        let world = Arc::downgrade(space.meta().unwrap().space().world());
        space.resume().unwrap();
        space.discard().unwrap();
        world
    };
    assert!(world.upgrade().is_none(), "the heap is still there");
    assert!(count() > 0);
}
