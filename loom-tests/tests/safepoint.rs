//! The safepoint handshake. Code under test: `instar_gc::safepoint`.
//!
//! The heap is plain memory: an access by a mutator that is not ordered with an access inside a stop fails the check.
//!
//! Allowed outcomes:
//! - inside a stop no other mutator is between two polls, running or about to run;
//! - what mutators did before is visible inside, what is done inside is visible to them afterwards;
//! - two stops follow each other in either order; nobody waits for ever.
//!
//! All of this rests on the lock, so that weaker orderings of the request flag change nothing (\[MM-poll\] says why it is
//! relaxed). The mutations here are mutators that break the rules.

#![cfg(instar_loom)]

use instar_gc::safepoint::Safepoint;
use instar_heap::sync::{Arc, thread};
use instar_loom_tests::{Plain, explore};

struct World {
    safepoint: Safepoint,
    heap: Plain<u32>,
}

impl World {
    /// A world with this many running mutators.
    fn new(mutators: usize) -> Arc<Self> {
        let world = World { safepoint: Safepoint::new(), heap: Plain::new(0) };
        (0..mutators).for_each(|_| world.safepoint.attach());
        Arc::new(world)
    }

    fn add(&self, value: u32) {
        self.heap.set(self.heap.get() + value);
    }

    fn stop_and_add(&self, value: u32) {
        let _stopped = self.safepoint.stop();
        self.add(value);
    }
}

fn spawn(world: &Arc<World>, body: impl FnOnce(&World) + 'static) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || body(&world))
}

#[test]
fn a_stop_falls_between_two_polls() {
    explore(None, || {
        let world = World::new(2);
        let mutator = spawn(&world, |world| {
            world.heap.set(1);
            world.safepoint.poll();
            // Nobody else comes in between.
            world.heap.set(world.heap.get() + 1);
            world.safepoint.detach();
        });
        let seen = {
            let _stopped = world.safepoint.stop();
            let seen = world.heap.get();
            world.heap.set(seen * 10);
            seen
        };
        mutator.join().unwrap();
        // Stopped at the poll, or after the end.
        assert!(matches!((seen, world.heap.get()), (1, 11) | (2, 20)));
    });
}

#[test]
fn a_parked_mutator_knows_it() {
    explore(None, || {
        let world = World::new(2);
        let mutator = spawn(&world, |world| {
            let polled = world.safepoint.poll();
            assert!(polled || world.heap.get() == 0, "a stop went by unnoticed");
            world.safepoint.detach();
        });
        world.stop_and_add(1);
        mutator.join().unwrap();
    });
}

#[test]
fn two_stops_follow_each_other() {
    explore(None, || {
        let world = World::new(2);
        let other = spawn(&world, |world| {
            world.stop_and_add(1);
            world.stop_and_add(10);
            world.safepoint.detach();
        });
        world.stop_and_add(100);
        world.safepoint.detach();
        other.join().unwrap();
        assert_eq!((world.heap.get(), world.safepoint.mutators()), (111, 0));
    });
}

#[test]
fn three_mutators_two_of_which_stop() {
    explore(Some(4), || {
        let world = World::new(3);
        let others = [true, false].map(|stops| {
            spawn(&world, move |world| {
                if stops {
                    world.stop_and_add(1);
                } else {
                    world.safepoint.poll();
                }
                world.safepoint.detach();
            })
        });
        world.stop_and_add(10);
        world.safepoint.detach();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(world.heap.get(), 11);
    });
}

#[test]
fn a_blocked_mutator_is_not_waited_for_and_comes_back_after_the_stop() {
    explore(None, || {
        let world = World::new(2);
        let mutator = spawn(&world, |world| {
            world.add(1);
            world.safepoint.enter_blocked();
            world.safepoint.leave_blocked();
            world.add(1);
            world.safepoint.detach();
        });
        world.stop_and_add(10);
        mutator.join().unwrap();
        assert_eq!(world.heap.get(), 12);
    });
}

/// The stop does not need the blocked mutator to come back: here it comes back only when the stop is over.
#[test]
fn a_stop_ends_while_a_mutator_stays_blocked() {
    explore(None, || {
        let world = World::new(2);
        world.safepoint.enter_blocked();
        world.stop_and_add(1);
        world.safepoint.leave_blocked();
        world.safepoint.detach();
        let other = spawn(&world, |world| {
            world.safepoint.attach();
            world.add(10);
            world.safepoint.detach();
        });
        world.stop_and_add(100);
        other.join().unwrap();
        assert_eq!((world.heap.get(), world.safepoint.mutators()), (111, 1));
    });
}

#[test]
#[should_panic = "Causality violation"]
fn caught_a_blocked_mutator_that_touches_the_heap() {
    explore(None, || {
        let world = World::new(2);
        let mutator = spawn(&world, |world| {
            world.safepoint.enter_blocked();
            world.add(1);
            world.safepoint.leave_blocked();
            world.safepoint.detach();
        });
        world.stop_and_add(10);
        mutator.join().unwrap();
    });
}

#[test]
#[should_panic = "Causality violation"]
fn caught_a_mutator_that_did_not_attach() {
    explore(None, || {
        let world = World::new(1);
        let mutator = spawn(&world, |world| world.add(1));
        world.stop_and_add(10);
        mutator.join().unwrap();
    });
}

#[test]
#[should_panic = "deadlock"]
fn caught_a_mutator_that_never_polls() {
    explore(None, || {
        let world = World::new(2);
        let mutator = spawn(&world, |world| world.add(1));
        world.stop_and_add(10);
        mutator.join().unwrap();
    });
}
