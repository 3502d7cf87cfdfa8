//! Several threads on one world: what they race for, and what they must find whole afterwards.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use instar_gc::{Collection, GcConfig, Scope, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, HeapConfig, HeapError, MIB, Oop};

const THREADS: u64 = 3;
/// How often each thread attaches.
const LIVES: u64 = 6;
const STEPS: u64 = 3000;
/// Slots of the table that all threads share: it has several cards and shares one with its neighbour.
const SHARED_SLOTS: usize = 400;
/// The first slots hold objects that stay, whose hashes are raced for.
const HASHED: usize = 24;
const PRIVATE_CELLS: u64 = 60;

struct Shared {
    world: Arc<World>,
    /// The shared table and the one behind it: a root set of the main thread's mutator.
    tables: Arc<Mutex<Vec<Oop>>>,
    hashes: [AtomicU32; HASHED],
    cell: ClassIndex,
    weak: ClassIndex,
}

/// Xorshift: repeatable, and enough to spread the threads over the table.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn configs() -> [GcConfig; 4] {
    let small = GcConfig {
        heap: HeapConfig { limit_bytes: 24 * MIB, ..GcConfig::checking().heap },
        ..GcConfig::checking()
    };
    [
        small.clone(),
        GcConfig { tenure_age: 0, ..small.clone() }.with_workers(2),
        GcConfig { first_full_bytes: 1 << 17, growth_percent: 110, ..small.clone() }.with_workers(2),
        small.with_workers(2).with_zeal(150),
    ]
}

#[test]
fn threads_that_share_a_graph_find_it_whole() {
    for config in configs() {
        let world = World::new(config).unwrap();
        let mut main = world.attach();
        let tables = Arc::new(Mutex::new(Vec::new()));
        // SAFETY: the cells hold immediates and references of this world.
        unsafe { main.add_roots(Box::new(tables.clone())) };
        let shared = main.scope(|scope| {
            let cell = scope.define_class(ClassSpec::fixed(2), None).unwrap();
            let array = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
            let weak = scope.define_class(ClassSpec::of(Format::WEAK), None).unwrap();
            let made = [0, 1].map(|_| scope.allocate(array, SHARED_SLOTS).unwrap());
            for index in 0..HASHED {
                let element = number_cell(scope, cell, 0);
                scope.get(made[0]).set_slot(index, scope.get(element)).unwrap();
            }
            scope.collect(Collection::Full);
            tables.lock().unwrap().extend(made.map(|table| scope.get(table).oop()));
            let hashes = [const { AtomicU32::new(0) }; HASHED];
            Shared { world: world.clone(), tables: tables.clone(), hashes, cell, weak }
        });
        main.blocked(|| {
            thread::scope(|threads| {
                for number in 1..=THREADS {
                    let shared = &shared;
                    threads.spawn(move || {
                        let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ number << 40);
                        for _ in 0..LIVES {
                            shared.world.attach().scope(|scope| live(scope, shared, number, &mut random));
                        }
                    });
                }
            });
        });
        main.scope(|scope| {
            for kind in [Collection::Young, Collection::Full, Collection::Compacting] {
                scope.collect(kind);
                for table in shared_tables(scope, &shared) {
                    for index in 0..SHARED_SLOTS {
                        check_shared(scope, &shared, table, index);
                    }
                }
            }
        });
    }
}

fn shared_tables<'s>(scope: &Scope<'s>, shared: &Shared) -> [Handle<'s>; 2] {
    let tables = shared.tables.lock().unwrap();
    // SAFETY: the vector is a root set of the main mutator; no safepoint lies between reading it and making the handle.
    [0, 1].map(|index| unsafe { scope.handle_to(tables[index]) })
}

fn number_cell<'s>(scope: &mut Scope<'s>, class: ClassIndex, number: u64) -> Handle<'s> {
    let cell = scope.allocate(class, 0).unwrap();
    let number = scope.integer(number as i64).unwrap();
    scope.get(cell).set_slot(0, scope.get(number)).unwrap();
    cell
}

/// One attachment: a private list beside work on the shared tables.
fn live(scope: &mut Scope<'_>, shared: &Shared, thread: u64, random: &mut Random) {
    let tables = shared_tables(scope, shared);
    let list = scope.allocate(shared.cell, 0).unwrap();
    let observer = scope.allocate(shared.weak, 1).unwrap();
    let mut length = 0;
    for step in 0..STEPS {
        let index = random.below(SHARED_SLOTS as u64) as usize;
        let table = tables[random.below(2) as usize];
        scope.scope(|inner| {
            let cell = number_cell(inner, shared.cell, thread);
            if step % (STEPS / PRIVATE_CELLS) == 0 {
                inner.get(cell).set_slot(1, inner.get(list).slot(1).unwrap()).unwrap();
                inner.get(list).set_slot(1, inner.get(cell)).unwrap();
                inner.get(observer).set_slot(0, inner.get(cell)).unwrap();
                length += 1;
            } else {
                // A chain through the tables, two long.
                let seen = inner.get(table).slot(index).unwrap();
                if random.below(2) == 0 && !seen.is_nil() && seen.slot(1).unwrap().is_nil() {
                    inner.get(cell).set_slot(1, seen).unwrap();
                }
                let index = index.max(HASHED);
                inner.get(table).set_slot(index, inner.get(cell)).unwrap();
            }
            check_shared(inner, shared, table, index);
        });
        match random.below(160) {
            0 => scope.collect(Collection::Young),
            1 => scope.collect([Collection::Full, Collection::Compacting][random.below(2) as usize]),
            2..8 => scope.mutator().blocked(thread::yield_now),
            8..20 => scope.safepoint(),
            20..24 => check_private(scope, list, observer, thread, length),
            _ => {}
        }
    }
    check_private(scope, list, observer, thread, length);
}

fn check_shared(scope: &Scope<'_>, shared: &Shared, table: Handle<'_>, index: usize) {
    let mut element = scope.get(table).slot(index).unwrap();
    // The first slots of the second table are nil.
    let is_hashed = index < HASHED && !element.is_nil();
    if is_hashed {
        let hash = element.identity_hash().unwrap().get();
        let before = shared.hashes[index].compare_exchange(0, hash, Ordering::Relaxed, Ordering::Relaxed);
        assert!(before.is_ok() || before == Err(hash), "two hashes of one object: {before:?} and {hash}");
    }
    while !element.is_nil() {
        assert_eq!(element.class_index(), shared.cell);
        let owner = element.slot(0).unwrap().as_integer().unwrap();
        assert!((0..=THREADS as i64).contains(&owner), "{owner}");
        element = element.slot(1).unwrap();
    }
}

fn check_private(scope: &mut Scope<'_>, list: Handle<'_>, observer: Handle<'_>, thread: u64, length: u64) {
    let mut cell = scope.get(list).slot(1).unwrap();
    assert!(cell.is_same(scope.get(observer).slot(0).unwrap()), "the weak slot refers to the first cell");
    let mut found = 0;
    while !cell.is_nil() {
        assert_eq!(cell.slot(0).unwrap().as_integer(), Some(thread as i64));
        cell = cell.slot(1).unwrap();
        found += 1;
    }
    assert_eq!(found, length);
}

#[test]
fn garbage_of_many_threads_near_the_limit_is_no_reason_for_out_of_memory() {
    let heap = HeapConfig { limit_bytes: 8 * MIB, ..GcConfig::checking().heap };
    for workers in [1, 2] {
        let world =
            World::new(GcConfig { heap: heap.clone(), ..GcConfig::default() }.with_workers(workers)).unwrap();
        let mut main = world.attach();
        main.scope(|scope| {
            let array = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
            let holder = scope.allocate(array, 100).unwrap();
            let mut held = 0;
            let error = loop {
                let result = scope.scope(|inner| {
                    let block = inner.allocate(array, 10_000)?;
                    inner.get(holder).set_slot(held, inner.get(block)).unwrap();
                    Ok(())
                });
                match result {
                    Ok(()) => held += 1,
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, HeapError::OutOfMemory { .. }), "{error}");
            let world = &world;
            scope.mutator().blocked(|| {
                thread::scope(|threads| {
                    for _ in 0..4 {
                        threads.spawn(move || {
                            world.attach().scope(|scope| {
                                for step in 0..3000 {
                                    scope.scope(|inner| inner.allocate(array, step % 500).map(drop)).unwrap();
                                }
                            });
                        });
                    }
                });
            });
        });
    }
}
