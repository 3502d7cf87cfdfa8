//! The end of work stealing. Code under test: `instar_gc::termination`.
//!
//! The queues are locked vectors, in place of production's lock-free deques. An item is a number; doing it makes an item
//! of each smaller number.
//!
//! Allowed outcome: every worker is told to stop, after all items were done, with all results visible to all.

#![cfg(instar_loom)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use instar_gc::termination::Termination;
use instar_heap::sync::{Arc, Mutex, Orders, Sound, thread};
use instar_loom_tests::{Plain, Weakened, explore};

/// Two idle workers can look for work in turns for ever while loom keeps the third one from running. After this many
/// looks an execution is finished in one way instead of all.
const MAX_LOOKS: usize = 6;

struct Phase<O> {
    /// Not one of loom's atomics: it is no part of the model.
    looks: AtomicUsize,
    queues: Vec<Mutex<Vec<u32>>>,
    done: Vec<Plain<u32>>,
    termination: Termination<O>,
}

impl<O: Orders> Phase<O> {
    fn new(workers: usize, first: u32) -> Arc<Self> {
        Arc::new(Phase {
            looks: AtomicUsize::new(0),
            queues: (0..workers)
                .map(|worker| Mutex::new(if worker == 0 { vec![first] } else { vec![] }))
                .collect(),
            done: (0..workers).map(|_| Plain::new(0)).collect(),
            termination: Termination::with_orders(workers),
        })
    }

    /// From the worker's own queue, or else from another one.
    fn take(&self, worker: usize) -> Option<u32> {
        let own = self.queues[worker].lock().pop();
        own.or_else(|| self.queues.iter().find_map(|queue| queue.lock().pop()))
    }

    fn has_work(&self) -> bool {
        if self.looks.fetch_add(1, Relaxed) == MAX_LOOKS {
            loom::skip_branch();
        }
        self.queues.iter().any(|queue| !queue.lock().is_empty())
    }

    fn work(&self, worker: usize) {
        loop {
            while let Some(item) = self.take(worker) {
                self.queues[worker].lock().extend(0..item);
                self.done[worker].set(self.done[worker].get() + 1);
            }
            if self.termination.offer(|| self.has_work()) {
                return;
            }
        }
    }

    fn total(&self) -> u32 {
        self.done.iter().map(Plain::get).sum()
    }
}

/// All workers do all items and look at all results.
fn run<O: Orders + Send + Sync + 'static>(workers: usize, first: u32) {
    let phase = Phase::<O>::new(workers, first);
    let others: Vec<_> = (1..workers)
        .map(|worker| {
            let phase = phase.clone();
            thread::spawn(move || {
                phase.work(worker);
                phase.total()
            })
        })
        .collect();
    phase.work(0);
    assert_eq!(phase.total(), 1 << first, "work is left");
    for other in others {
        assert_eq!(other.join().unwrap(), 1 << first, "work is left");
    }
}

#[test]
fn two_workers_stop_when_all_is_done() {
    explore(None, || run::<Sound>(2, 1));
}

#[test]
fn three_workers_stop_when_all_is_done() {
    explore(Some(2), || run::<Sound>(3, 1));
}

#[test]
#[should_panic = "Causality violation"]
fn caught_results_that_are_not_published() {
    explore(Some(2), || run::<Weakened>(2, 1));
}

/// A worker that offers while it still holds an item.
#[test]
#[should_panic = "work is left"]
fn caught_an_offer_with_an_item_in_hand() {
    explore(Some(2), || {
        let phase = Phase::<Sound>::new(2, 1);
        let other = thread::spawn({
            let phase = phase.clone();
            move || {
                let in_hand = phase.take(1);
                phase.work(1);
                phase.queues[1].lock().extend(in_hand);
            }
        });
        phase.work(0);
        assert_eq!(phase.done[0].get() + phase.done[1].get(), 2, "work is left");
        other.join().unwrap();
    });
}
