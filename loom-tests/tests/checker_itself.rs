//! The model checker: that it runs what it should. Code under test: the facade's atomics under the cfg.
//!
//! Each check collects the outcomes of all executions and compares them with those that the memory model allows. The
//! first two are cases in which loom's own atomics miss an outcome, the third one in which they invent one.

#![cfg(instar_loom)]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use instar_heap::sync::atomic::AtomicU64;
use instar_heap::sync::{Arc, thread};
use instar_loom_tests::explore;

/// All outcomes of `run`, which gets two words that are 0.
fn outcomes<T: Ord + Send + 'static>(run: fn(Arc<[AtomicU64; 2]>) -> T) -> BTreeSet<T> {
    let seen = std::sync::Arc::new(Mutex::new(BTreeSet::new()));
    let all = seen.clone();
    explore(None, move || {
        let outcome = run(Arc::new([AtomicU64::new(0), AtomicU64::new(0)]));
        seen.lock().unwrap().insert(outcome);
    });
    std::mem::take(&mut *all.lock().unwrap())
}

#[test]
fn a_load_before_a_store_hides_nothing() {
    let seen = outcomes(|words| {
        let writer = thread::spawn({
            let words = words.clone();
            move || {
                words[0].load(Relaxed);
                words[0].store(1, Relaxed);
            }
        });
        let read = words[0].load(Relaxed);
        writer.join().unwrap();
        read
    });
    assert_eq!(seen, BTreeSet::from([0, 1]));
}

fn pass_a_message(publish: Ordering, redundant_load: bool) -> (u64, u64) {
    let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let writer = thread::spawn({
        let words = words.clone();
        move || {
            words[0].store(1, Relaxed);
            words[1].store(1, publish);
            if redundant_load {
                words[1].load(Relaxed);
            }
            words[1].store(2, publish);
        }
    });
    let flag = words[1].load(Acquire);
    let message = words[0].load(Relaxed);
    writer.join().unwrap();
    (flag, message)
}

#[test]
fn messages_arrive_with_their_flag() {
    let published = BTreeSet::from([(0, 0), (0, 1), (1, 1), (2, 1)]);
    assert_eq!(outcomes(|_| pass_a_message(Release, false)), published);
    assert_eq!(outcomes(|_| pass_a_message(Release, true)), published);
    let unpublished = BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    assert_eq!(outcomes(|_| pass_a_message(Relaxed, true)), unpublished);
}

#[test]
fn stores_and_exchanges_have_one_order() {
    let seen = outcomes(|words| {
        let writer = thread::spawn({
            let words = words.clone();
            move || words[0].store(1, Relaxed)
        });
        let exchanged = words[0].compare_exchange(0, 2, Relaxed, Relaxed).is_ok();
        writer.join().unwrap();
        (exchanged, words[0].load(Relaxed))
    });
    // Exchanged, then overwritten; or the store was first. Never exchanged without being overwritten.
    assert_eq!(seen, BTreeSet::from([(false, 1), (true, 1)]));
}

#[test]
fn store_buffering_is_explored() {
    let seen = outcomes(|words| {
        let other = thread::spawn({
            let words = words.clone();
            move || {
                words[0].store(1, Release);
                words[1].load(Acquire)
            }
        });
        words[1].store(1, Release);
        let own = words[0].load(Acquire);
        (own, other.join().unwrap())
    });
    assert_eq!(seen, BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)]));
}
