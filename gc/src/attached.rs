//! Which mutators run on which thread.
//!
//! \[one-running\] A thread has at most one running mutator in a world. A second one would wait for the first at its first
//! stop, and the first is on the same thread: for ever. So would an attachment inside a stop. Mutators stay on their
//! thread (they are not `Send`), so that a list for each thread tells.

use std::cell::RefCell;

use crate::world::World;

thread_local! {
    /// The worlds in which this thread has a running mutator, by address. Their mutators keep them alive.
    static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

fn key(world: &World) -> usize {
    std::ptr::from_ref(world).addr()
}

/// What a thread is told that breaks [one-running].
pub(crate) const SECOND: &str = "this thread has a running mutator in this world already, and one of the two would wait \
     for the other for ever: attach once a thread, or from inside Mutator::blocked; end a Pause before attaching";

/// Notes that a mutator of this thread starts or goes on running. False if another one of the same world is running.
#[must_use]
pub(crate) fn begin(world: &World) -> bool {
    let noted = RUNNING.try_with(|running| {
        let mut running = running.borrow_mut();
        let is_only = !running.contains(&key(world));
        if is_only {
            running.push(key(world));
        }
        is_only
    });
    // A thread that ends may have dropped the list before its last mutator.
    noted.unwrap_or(true)
}

/// After a mutator of this thread has detached or is about to block.
pub(crate) fn end(world: &World) {
    // As above.
    let _ = RUNNING.try_with(|running| running.borrow_mut().retain(|&other| other != key(world)));
}
