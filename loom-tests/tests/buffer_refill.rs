//! Cutting buffers from a region, and giving back their tails. Code under test: `instar_heap::bump`.
//!
//! The memory is plain: two owners of a word whose accesses are not ordered fail the check.
//!
//! Allowed outcomes:
//! - buffers that are owned at the same time do not overlap and lie in the region;
//! - a refill fails only if less than its minimum was left, and leaves nothing that it could have taken;
//! - a tail is given back, and then may be cut again, or it stays its owner's for ever.

#![cfg(instar_loom)]

use std::ops::Range;

use instar_heap::bump::BumpRegion;
use instar_heap::sync::{Arc, Orders, Sound, thread};
use instar_loom_tests::{Plain, Weakened, explore};

const WORD: usize = 8;
/// Addresses begin here, as a region does not begin at 0.
const START: usize = 64;

struct Memory<O> {
    region: BumpRegion<O>,
    words: Vec<Plain<u64>>,
}

impl<O: Orders> Memory<O> {
    fn new(words: usize) -> Arc<Self> {
        let region = BumpRegion::with_orders(START, START + words * WORD);
        Arc::new(Memory { region, words: (0..words).map(|_| Plain::new(0)).collect() })
    }

    fn words(&self, range: &Range<usize>) -> &[Plain<u64>] {
        &self.words[(range.start - START) / WORD..(range.end - START) / WORD]
    }

    /// Takes a buffer and writes the owner into all of it.
    fn cut(&self, owner: u64, min_words: usize, preferred_words: usize) -> Option<Range<usize>> {
        let range = self.region.refill(min_words * WORD, preferred_words * WORD)?;
        assert!(range.len() >= min_words * WORD && range.end <= self.region.end());
        self.words(&range).iter().for_each(|word| word.set(owner));
        Some(range)
    }

    fn belongs_to(&self, owner: u64, range: &Range<usize>) -> bool {
        self.words(range).iter().all(|word| word.get() == owner)
    }
}

#[test]
fn buffers_do_not_overlap_and_nothing_is_left() {
    explore(Some(3), || {
        let memory = Memory::<Sound>::new(5);
        let others = [1, 2].map(|owner| {
            let memory = memory.clone();
            (owner, thread::spawn(move || memory.cut(owner, 1, 2).unwrap()))
        });
        let own = memory.cut(3, 1, 2).unwrap();
        let mut lengths = vec![own.len() / WORD];
        for (owner, other) in others {
            let range = other.join().unwrap();
            assert!(memory.belongs_to(owner, &range));
            lengths.push(range.len() / WORD);
        }
        assert!(memory.belongs_to(3, &own));
        lengths.sort_unstable();
        assert_eq!(lengths, [1, 2, 2]);
        assert_eq!(memory.region.top(), memory.region.end());
    });
}

#[test]
fn the_last_buffer_goes_to_one() {
    explore(None, || {
        let memory = Memory::<Sound>::new(3);
        let other = thread::spawn({
            let memory = memory.clone();
            move || memory.cut(1, 2, 2)
        });
        let own = memory.cut(2, 2, 2);
        assert!(own.is_some() != other.join().unwrap().is_some());
    });
}

/// One thread gives back the second half of its buffer, the other one cuts whatever it gets.
fn give_back_while_refilling<O: Orders + Send + Sync + 'static>() {
    let memory = Memory::<O>::new(3);
    let other = thread::spawn({
        let memory = memory.clone();
        move || {
            let range = memory.cut(1, 1, 1).unwrap();
            assert!(memory.belongs_to(1, &range));
            range
        }
    });
    let own = memory.cut(2, 2, 2).unwrap();
    let (kept, tail) = (own.start..own.start + WORD, own.start + WORD..own.end);
    let is_given_back = memory.region.give_back(tail.clone());
    let other = other.join().unwrap();
    assert!(memory.belongs_to(1, &other));
    assert!(memory.belongs_to(2, &kept));
    if is_given_back {
        // Cut again, if the other one came after.
        assert!(other == tail || memory.belongs_to(2, &tail));
        assert_eq!(memory.region.top(), other.end.max(kept.end));
    } else {
        assert_eq!(other.start, tail.end);
        assert!(memory.belongs_to(2, &tail));
    }
}

#[test]
fn a_tail_given_back_is_cut_again_or_kept() {
    explore(None, give_back_while_refilling::<Sound>);
}

#[test]
#[should_panic = "Causality violation"]
fn caught_a_tail_whose_owners_are_not_ordered() {
    explore(None, give_back_while_refilling::<Weakened>);
}

/// The top goes up and comes back down between another thread's load and its exchange.
#[test]
fn a_top_that_came_back_is_as_good_as_one_that_stayed() {
    explore(None, || {
        let memory = Memory::<Sound>::new(2);
        let other = thread::spawn({
            let memory = memory.clone();
            move || {
                let range = memory.cut(1, 1, 1).unwrap();
                memory.region.give_back(range)
            }
        });
        let own = memory.cut(2, 1, 1).unwrap();
        let is_given_back = other.join().unwrap();
        assert!(memory.belongs_to(2, &own));
        let used = if is_given_back { own.end } else { START + 2 * WORD };
        assert_eq!(memory.region.top(), used);
    });
}
