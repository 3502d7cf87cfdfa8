//! Memory runs out in the middle of a become (item 18 of the pitfalls): the process's own allocator fails at each
//! allocation in turn, for once or from then on, and the heap reaches its limit. A become that is refused has changed
//! nothing.
//!
//! Becomes are called inside a stop here, without the collection that [`swap`] falls back to: the collector's own
//! tables are not covered by this promise.

#![allow(unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use common::{Classes, Kind, Machine, Root};
use instar_become::one_way::{one_way, one_way_all};
use instar_become::two_way::{two_way, two_way_all};
use instar_become::{
    AlwaysCheck, BecomeError, FullScan, HashRule, Lazy, ObjectTable, Outcome, Strategy, swap, swap_all,
};
use instar_gc::{Collection, GcConfig, Pause, World};
use instar_heap::{ClassSpec, Format, HeapConfig, MIB, Oop};

/// Fails allocations of the threads that take part.
struct Failing;

/// Allocations left before one fails.
static LEFT: AtomicIsize = AtomicIsize::new(isize::MAX);
/// Whether all that follow fail too.
static STAYS: AtomicBool = AtomicBool::new(false);
/// How many failed.
static FAILED: AtomicUsize = AtomicUsize::new(0);
/// One test at a time, since the counters are the process's.
static ONE_TEST: Mutex<()> = Mutex::new(());

thread_local! {
    static TAKES_PART: Cell<bool> = const { Cell::new(false) };
}

fn fails() -> bool {
    if !TAKES_PART.try_with(Cell::get).unwrap_or(false) {
        return false;
    }
    let left = LEFT.fetch_sub(1, SeqCst);
    let fails = left == 0 || left < 0 && STAYS.load(SeqCst);
    FAILED.fetch_add(fails.into(), SeqCst);
    fails
}

// SAFETY: the system's allocator, or null, which says that there is no memory.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        if fails() { std::ptr::null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        if fails() { std::ptr::null_mut() } else { unsafe { System.realloc(memory, layout, bytes) } }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Runs `body` with the allocations of this thread and of the collector's failing from number `skipped` on.
fn with_failures<R>(
    pause: &mut Pause<'_>,
    skipped: usize,
    stays: bool,
    body: impl FnOnce(&mut Pause<'_>) -> R,
) -> R {
    pause.world().workers().run(&|_| TAKES_PART.set(true));
    STAYS.store(stays, SeqCst);
    FAILED.store(0, SeqCst);
    LEFT.store(skipped as isize, SeqCst);
    let result = body(pause);
    LEFT.store(isize::MAX, SeqCst);
    pause.world().workers().run(&|_| TAKES_PART.set(false));
    result
}

/// What is become what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Two objects.
    Single,
    /// Arrays without overlap.
    Bulk,
    /// Arrays in which objects stand on both sides, some of them forwarders already.
    Overlapping,
    /// Enough for several workers.
    Large,
}

struct Scene<S> {
    machine: Machine<S>,
    pair: [Root; 2],
}

/// Old holders refer to old sources; targets are young, and of another size than their source where `kind` minds.
fn scene<S: Strategy>(shape: Shape, kind: Kind, workers: usize) -> Scene<S> {
    let config = GcConfig { verify: false, ..GcConfig::checking().with_workers(workers) };
    let mut machine = Machine::<S>::new(config);
    let classes = Classes::new(&mut machine);
    let count = match shape {
        Shape::Single => 1,
        Shape::Bulk | Shape::Overlapping => 40,
        Shape::Large => 17_000,
    };
    let roots = machine.roots();
    let small: Vec<Root> =
        (0..count).map(|n| machine.object(classes.cells, 0, &[Oop::small_integer(n).unwrap()])).collect();
    let sources = machine.array(classes.arrays, &small);
    // Holders that nothing but the scan of a full-scan become will remember.
    let holders: Vec<Root> =
        small.iter().map(|&root| machine.object(classes.cells, 0, &[machine.oop(root)])).collect();
    let holders = machine.array(classes.arrays, &holders);
    let kept = [sources, holders].map(|root| machine.oop(root));
    machine.forget_roots_from(roots);
    let [sources, _holders] = kept.map(|oop| machine.root(oop));
    machine.collect(Collection::Full);
    let targets = machine.allocate(classes.arrays, count as usize);
    for n in 0..count {
        let roots = machine.roots();
        // Every third is of the same size.
        let size = if kind == Kind::TwoWay && n % 3 == 0 { 3 } else { 4 + n as usize % 5 };
        let target = machine.object(classes.arrays, size, &[Oop::small_integer(-n).unwrap()]);
        machine.store(targets, n as usize, machine.oop(target));
        machine.forget_roots_from(roots);
    }
    if shape == Shape::Single {
        let pair = [sources, targets].map(|array| machine.root(machine.load(array, 0)));
        return Scene { machine, pair };
    }
    if shape == Shape::Overlapping {
        // Some sources are targets as well, and some targets were replaced before.
        for n in 0..10 {
            machine.store(targets, n, machine.load(sources, n + 20));
        }
        let one = machine.root(machine.load(targets, 30));
        let other = machine.root(machine.load(targets, 31));
        let third = machine.object(classes.cells, 0, &[machine.integer(77)]);
        machine.forward(one, third, HashRule::Keep).unwrap();
        if S::HAS_ENTRIES {
            // A ring of aliases longer than the list of pairs.
            for _ in 0..60 {
                let alias = machine.allocate(classes.cells, 0);
                machine.forward(alias, other, HashRule::Keep).unwrap();
            }
            machine.collect(Collection::Full);
        }
    }
    Scene { machine, pair: [sources, targets] }
}

fn become_with_failures<S: Strategy>(
    scene: &mut Scene<S>,
    shape: Shape,
    kind: Kind,
    skipped: usize,
    stays: bool,
) -> Result<Outcome, BecomeError> {
    let pair = scene.pair;
    let mut result = None;
    scene.machine.in_one_stop(|pause, oop| {
        let [one, other] = pair.map(oop);
        // SAFETY: the references were read inside the stop.
        result = Some(with_failures(pause, skipped, stays, |pause| unsafe {
            match (shape == Shape::Single, kind) {
                (true, Kind::OneWay) => one_way::<S>(pause, one, other, HashRule::Take),
                (true, Kind::TwoWay) => two_way::<S>(pause, one, other),
                (false, Kind::OneWay) => one_way_all::<S>(pause, one, other, HashRule::Take),
                (false, Kind::TwoWay) => two_way_all::<S>(pause, one, other),
            }
        }));
    });
    result.unwrap()
}

fn fail_everywhere<S: Strategy>() {
    let _one = ONE_TEST.lock().unwrap_or_else(PoisonError::into_inner);
    for workers in [1, 2] {
        for (shape, kind) in [Shape::Single, Shape::Bulk, Shape::Overlapping, Shape::Large]
            .into_iter()
            .flat_map(|shape| common::KINDS.map(|kind| (shape, kind)))
        {
            let mut untroubled = scene::<S>(shape, kind, workers);
            become_with_failures(&mut untroubled, shape, kind, isize::MAX as usize, false).unwrap();
            let expected = untroubled.machine.digest();
            let (mut refused, mut done_all_the_same) = (0, 0);
            for stays in [false, true] {
                if shape == Shape::Large && (workers == 1 || stays) {
                    // Nothing differs from the smaller arrays but that several workers take part.
                    continue;
                }
                for skipped in 0.. {
                    assert!(skipped < 10_000, "an allocation for each pair");
                    let mut scene = scene::<S>(shape, kind, workers);
                    let before = scene.machine.digest();
                    let result = become_with_failures(&mut scene, shape, kind, skipped, stays);
                    let failed = FAILED.load(SeqCst);
                    let digest = scene.machine.digest();
                    match &result {
                        Ok(_) => {
                            done_all_the_same += usize::from(failed > 0);
                            assert!(digest == expected, "{shape:?} {kind:?} at {skipped}");
                        }
                        Err(BecomeError::Memory(_)) => {
                            refused += 1;
                            assert!(failed > 0 && digest == before, "{shape:?} {kind:?} at {skipped}")
                        }
                        Err(error) => panic!("{error}"),
                    }
                    scene.machine.verify();
                    for kind in [Collection::Young, Collection::Full] {
                        scene.machine.collect(kind);
                        assert!(scene.machine.digest() == digest, "after {kind:?}");
                        scene.machine.verify();
                    }
                    if failed == 0 {
                        break;
                    }
                }
            }
            assert!(
                refused > 0 || shape == Shape::Large && workers == 1,
                "{shape:?} {kind:?}: nothing failed"
            );
            if S::SCANS_HEAP && (shape, kind) == (Shape::Bulk, Kind::OneWay) {
                assert!(done_all_the_same > 0, "no holder was remembered without memory for the list");
            }
        }
    }
}

#[test]
fn lazy() {
    fail_everywhere::<Lazy>();
}

#[test]
fn always_check() {
    fail_everywhere::<AlwaysCheck>();
}

#[test]
fn full_scan() {
    fail_everywhere::<FullScan>();
}

#[test]
fn object_table() {
    fail_everywhere::<ObjectTable>();
}

/// A heap in which little is left.
fn small_heap() -> GcConfig {
    let heap = HeapConfig {
        limit_bytes: 8 * MIB,
        eden_bytes: MIB,
        survivor_bytes: MIB,
        huge_pages: false,
        ..HeapConfig::default()
    };
    GcConfig { heap, verify: true, ..GcConfig::default() }
}

fn at_the_limit<S: Strategy>() {
    let _one = ONE_TEST.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new(small_heap()).unwrap();
    world.attach().scope(|scope| {
        let arrays = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let large = |scope: &mut instar_gc::Scope<'_>| scope.allocate(arrays, 30_000).map(drop);
        let (a, b) = (scope.allocate(arrays, 2).unwrap(), scope.allocate(arrays, 60_000).unwrap());
        let (ones, others) = (scope.allocate(arrays, 2).unwrap(), scope.allocate(arrays, 2).unwrap());
        for (array, elements) in [(ones, [a, b]), (others, [b, a])] {
            for (index, element) in elements.into_iter().enumerate() {
                scope.get(array).set_slot(index, scope.get(element)).unwrap();
            }
        }
        let sizes = |scope: &instar_gc::Scope<'_>| [a, b].map(|handle| scope.get(handle).slots());
        // Live data leaves no room for a clone of b.
        scope.scope(|inner| {
            while large(inner).is_ok() {}
            for _ in 0..2 {
                assert!(matches!(swap::<S>(inner, a, b), Err(BecomeError::Memory(_))));
                assert!(matches!(swap_all::<S>(inner, ones, others), Err(BecomeError::Memory(_))));
                assert_eq!(sizes(inner), [2, 60_000]);
                inner.collect(Collection::Full);
            }
        });
        // The same memory is garbage now: the swap collects it.
        swap::<S>(scope, a, b).unwrap();
        assert_eq!(sizes(scope), [60_000, 2]);
        // There and back again.
        swap_all::<S>(scope, ones, others).unwrap();
        assert_eq!(sizes(scope), [60_000, 2]);
        scope.collect(Collection::Compacting);
        assert_eq!(sizes(scope), [60_000, 2]);
    });
}

#[test]
fn clones_at_the_heap_limit() {
    at_the_limit::<Lazy>();
    at_the_limit::<AlwaysCheck>();
    at_the_limit::<FullScan>();
}
