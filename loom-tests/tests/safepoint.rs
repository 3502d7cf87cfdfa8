//! The safepoint handshake. Code under test: `instar_gc::safepoint`.
//!
//! The heap is plain memory: an access by a mutator that is not ordered with an access inside a stop fails the check.
//!
//! Allowed outcomes:
//! - inside a stop no other mutator is between two polls, running or about to run;
//! - what mutators did before is visible inside, what is done inside is visible to them afterwards;
//! - two stops follow each other in either order; nobody waits for ever;
//! - a mutator that is told that it is alone may use the heap as if the others were stopped, until its next poll.
//!
//! All of this rests on the lock, so that weaker orderings of the request flag change nothing (\[MM-poll\] says why it is
//! relaxed). The mutations here are mutators that break the rules.

#![cfg(instar_loom)]

use instar_gc::safepoint::Safepoint;
use instar_heap::sync::{Arc, thread};
use instar_loom_tests::{Plain, attach_all, explore};

struct World {
    safepoint: Safepoint,
    heap: Plain<u32>,
}

impl World {
    /// A world with this many running mutators.
    fn new(mutators: usize) -> Arc<Self> {
        let world = World { safepoint: Safepoint::new(), heap: Plain::new(0) };
        attach_all(&world.safepoint, mutators);
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

#[test]
fn a_stop_does_not_wait_for_a_mutator_that_stays_blocked() {
    explore(None, || {
        let world = World::new(2);
        let mutator = spawn(&world, |world| {
            world.add(1);
            world.safepoint.enter_blocked();
        });
        world.stop_and_add(10);
        mutator.join().unwrap();
        assert_eq!((world.heap.get(), world.safepoint.mutators()), (11, 2));
    });
}

#[test]
fn a_mutator_attaches_before_or_after_a_stop() {
    explore(None, || {
        let world = World::new(1);
        let other = spawn(&world, |world| {
            world.safepoint.attach();
            world.add(10);
            world.safepoint.detach();
        });
        world.stop_and_add(100);
        // Waiting for one that attaches is a native wait.
        world.safepoint.enter_blocked();
        other.join().unwrap();
        world.safepoint.leave_blocked();
        assert_eq!((world.heap.get(), world.safepoint.mutators()), (110, 1));
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

/// A mutator uses the heap without a stop where `is_alone` says that it may, while another one comes and goes or, if
/// `is_there`, only goes.
fn use_the_heap_alone(is_alone: fn(&Safepoint) -> bool, is_there: bool) {
    let world = World::new(1 + usize::from(is_there));
    let other = spawn(&world, move |world| {
        if !is_there {
            world.safepoint.attach();
        }
        world.add(1);
        world.safepoint.detach();
    });
    let step = |value| {
        if is_alone(&world.safepoint) {
            world.add(value);
        }
    };
    step(10);
    world.safepoint.poll();
    step(10);
    world.stop_and_add(100);
    step(1000);
    world.safepoint.detach();
    other.join().unwrap();
    assert_eq!(world.heap.get() % 10, 1);
}

#[test]
fn a_lone_mutator_stays_alone_until_its_next_poll() {
    explore(None, || use_the_heap_alone(Safepoint::is_alone, false));
}

#[test]
fn a_mutator_left_alone_does_not_know_it_before_its_next_stop() {
    explore(None, || use_the_heap_alone(Safepoint::is_alone, true));
}

#[test]
#[should_panic = "Causality violation"]
fn caught_counting_mutators_while_one_comes() {
    explore(None, || use_the_heap_alone(|safepoint| safepoint.mutators() == 1, false));
}

#[test]
#[should_panic = "Causality violation"]
fn caught_counting_mutators_while_one_goes() {
    explore(None, || use_the_heap_alone(|safepoint| safepoint.mutators() == 1, true));
}
