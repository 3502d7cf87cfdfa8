//! Several mutators of one world: some read, heal and store while others become and collect. No store is lost, no
//! value is read that was never there, and the heap's invariants hold after every stop.

#![allow(unsafe_code)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Machine, Root};
use instar_become::{AlwaysCheck, FullScan, HashRule, Lazy, ObjectTable, Strategy};
use instar_gc::{Collection, GcConfig, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Oop};

const CELLS: usize = 64;
const STORERS: usize = 2;
const RUN: Duration = Duration::from_millis(400);

/// What the threads share: a class of cells (slot 0: whose it is; slot 1: a counter of its owner) and the one array
/// through which they meet.
#[derive(Clone)]
struct Shared {
    world: Arc<World>,
    cells: ClassIndex,
    arrays: ClassIndex,
    /// A root of the first machine's.
    array: Arc<Mutex<Vec<Oop>>>,
    stop: Arc<AtomicBool>,
}

impl Shared {
    fn new<S: Strategy>(workers: usize) -> (Shared, Machine<S>) {
        let world = World::new(GcConfig::checking().with_workers(workers)).unwrap();
        let mut machine = Machine::<S>::on(&world);
        let cells = machine.class(ClassSpec::fixed(3));
        let arrays = machine.class(ClassSpec::of(Format::INDEXABLE));
        let array = machine.allocate(arrays, 300);
        for number in 0..CELLS {
            let roots = machine.roots();
            let cell = new_cell(&mut machine, cells, number as i64, 0);
            machine.store(array, number, machine.oop(cell));
            machine.forget_roots_from(roots);
        }
        let shared_array = Arc::new(Mutex::new(vec![machine.oop(array)]));
        // SAFETY: the cells hold immediates and references of this world.
        unsafe { machine.mutator.add_roots(Box::new(shared_array.clone())) };
        let stop = Arc::new(AtomicBool::new(false));
        (Shared { world, cells, arrays, array: shared_array, stop }, machine)
    }

    /// The array, as a root of `machine`'s own.
    fn array<S: Strategy>(&self, machine: &Machine<S>) -> Root {
        machine.root(self.array.lock().unwrap()[0])
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(SeqCst)
    }
}

fn new_cell<S: Strategy>(machine: &mut Machine<S>, cells: ClassIndex, number: i64, count: i64) -> Root {
    let slots = [machine.integer(number), machine.integer(count)];
    machine.object(cells, 0, &slots)
}

/// Reads cells through the array, both ways, and checks that each is whose it should be.
fn read<S: Strategy>(shared: &Shared) -> u64 {
    let mut machine = Machine::<S>::on(&shared.world);
    let array = shared.array(&machine);
    while shared.goes_on() {
        for slot in 0..CELLS {
            let body = machine.body(array);
            let (seen, origin) = if slot % 2 == 0 {
                (machine.load_element(array, slot), None)
            } else {
                (machine.load(array, slot), Some((body, slot)))
            };
            // SAFETY: no safepoint since the references were read.
            let cell = unsafe { machine.access().receiver(seen, shared.cells, origin) };
            let cell = cell.expect("a cell has the class of cells");
            assert_eq!(cell.slot(0).as_small_integer(), Some(slot as i64));
        }
        machine.mutator.safepoint();
    }
    machine.mutator.healed()
}

/// Owns every `STORERS`-th cell: counts in it, and puts a copy in its place now and then. Returns how far it counted.
fn store<S: Strategy>(shared: &Shared, owner: usize) -> Vec<i64> {
    let mut machine = Machine::<S>::on(&shared.world);
    let array = shared.array(&machine);
    let mut counts = vec![0; CELLS];
    let mut round = 0;
    while shared.goes_on() {
        for slot in (owner..CELLS).step_by(STORERS) {
            let roots = machine.roots();
            let cell = machine.root(machine.load_element(array, slot));
            assert_eq!(machine.value_of(machine.oop(cell), 1), counts[slot], "a store was lost");
            counts[slot] += 1;
            if (round + slot) % 7 == 0 {
                let copy = new_cell(&mut machine, shared.cells, slot as i64, counts[slot]);
                machine.store(array, slot, machine.oop(copy));
            } else {
                machine.store(cell, 1, machine.integer(counts[slot]));
            }
            machine.forget_roots_from(roots);
            machine.mutator.safepoint();
        }
        round += 1;
    }
    counts
}

/// Replaces cells by copies (one-way) and by each other and back (two-way), and collects.
fn become_and_collect<S: Strategy>(shared: &Shared, machine: &mut Machine<S>) -> usize {
    let until = Instant::now() + RUN;
    let array = shared.array(machine);
    let mut becomes = 0;
    while Instant::now() < until {
        let roots = machine.roots();
        let sources = machine.allocate(shared.arrays, CELLS / 2);
        let targets = machine.allocate(shared.arrays, CELLS / 2);
        for index in 0..CELLS / 2 {
            let cell = machine.allocate(shared.cells, 0);
            machine.store(targets, index, machine.oop(cell));
        }
        let first = becomes % 2;
        machine.in_one_stop(|pause, oop| {
            // SAFETY: the world is stopped and the references are read from roots inside the stop. Cells are copied
            // there as well, so that no owner counts between.
            unsafe {
                let body = |oop| body_of::<S>(oop);
                let [from, old, new] = [array, sources, targets].map(|root| body(oop(root)));
                for index in 0..CELLS / 2 {
                    let cell = from.slot(2 * index + first);
                    old.set_slot_raw(index, cell);
                    pause.remember_store(old, index, cell);
                    let copy = body(new.slot(index));
                    for slot in 0..3 {
                        let value = body(cell).slot(slot);
                        copy.set_slot_raw(slot, value);
                        pause.remember_store(copy, slot, value);
                    }
                }
                let [old, new] = [sources, targets].map(oop);
                instar_become::one_way::one_way_all::<S>(pause, old, new, HashRule::Keep).unwrap();
                if becomes % 3 == 0 {
                    // There and back again.
                    for _ in 0..2 {
                        let pair = [0, 1].map(|slot| from.slot(slot));
                        instar_become::two_way::two_way::<S>(pause, pair[0], pair[1]).unwrap();
                    }
                }
            }
        });
        becomes += 1;
        machine.forget_roots_from(roots);
        match becomes % 5 {
            0 => machine.collect(Collection::Full),
            2 => machine.collect(Collection::Young),
            _ => {}
        }
        // The others have their turn.
        machine.mutator.blocked(|| std::thread::sleep(Duration::from_micros(300)));
    }
    shared.stop.store(true, SeqCst);
    becomes
}

/// # Safety
/// `oop` is a live reference to an object, and the world is stopped.
unsafe fn body_of<S: Strategy>(oop: Oop) -> instar_heap::Obj {
    use instar_heap::{Obj, memory::resolve};
    // SAFETY: the caller's promise.
    let object = unsafe { Obj::from_oop(resolve(oop)) };
    if S::HAS_ENTRIES {
        // SAFETY: an entry's first slot is its body.
        return unsafe { Obj::from_oop(object.slot(0)) };
    }
    object
}

fn race<S: Strategy>() -> u64 {
    let mut healed = 0;
    for workers in [1, 2] {
        let (shared, mut machine) = Shared::new::<S>(workers);
        let shared = &shared;
        let counts = std::thread::scope(|threads| {
            let storers: Vec<_> =
                (0..STORERS).map(|owner| threads.spawn(move || store::<S>(shared, owner))).collect();
            let reader = threads.spawn(move || read::<S>(shared));
            let becomes = become_and_collect(shared, &mut machine);
            assert!(becomes > 3, "{becomes} becomes only");
            machine.mutator.blocked(|| {
                healed += reader.join().unwrap();
                storers.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            })
        });
        let array = shared.array(&machine);
        for kind in [None, Some(Collection::Young), Some(Collection::Full)] {
            if let Some(kind) = kind {
                machine.collect(kind);
            }
            for slot in 0..CELLS {
                let cell = machine.load_element(array, slot);
                assert_eq!(machine.value_of(cell, 0), slot as i64);
                assert_eq!(machine.value_of(cell, 1), counts[slot % STORERS][slot]);
            }
        }
        assert_eq!(machine.forwarders(), 0);
    }
    healed
}

#[test]
fn lazy() {
    assert!(race::<Lazy>() > 0, "the reader healed nothing");
}

#[test]
fn always_check() {
    assert!(race::<AlwaysCheck>() > 0, "the reader healed nothing");
}

#[test]
fn full_scan() {
    assert_eq!(race::<FullScan>(), 0);
}

#[test]
fn object_table() {
    assert_eq!(race::<ObjectTable>(), 0);
}
