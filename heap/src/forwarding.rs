//! Become's forwarders: how one is installed, followed, and healed away.
//!
//! **Algorithm.** [`install`] turns an object into a forwarder in place: the target goes to slot 0 and then the header
//! changes its class to [`ClassIndex::FORWARDER`](crate::ClassIndex::FORWARDER). [`follow`] walks from a reference to the end of its chain of
//! forwarders. [`heal`] replaces a reference to a forwarder by the end of its chain, in the slot where it was found.
//! [`claim`] decides between workers that want the same object.
//!
//! **Invariants.**
//! 1. Whoever sees a forwarder's header sees its target in slot 0, and the target's contents.
//! 2. A forwarder stays a forwarder to the same end until the next stop. Healing may shorten a chain; it never
//!    changes where it leads.
//! 3. Chains end. Installing must not close a cycle: the caller follows targets first and refuses cyclic pairs.
//! 4. Healing never overwrites a mutator's store.
//!
//! **Who runs when.** Mutators follow and heal concurrently with each other. `install` runs only with all mutators
//! stopped, by several workers at once on objects that each claimed; workers may follow and heal meanwhile.
//!
//! **Orderings.** \[MM-forward\] header after slot 0; \[MM-heal\] a healed slot publishes the target; \[MM-claim\] a
//! claim passes nothing along. See `docs/memory-model.md`.

#![allow(unsafe_code)]

use std::sync::atomic::Ordering;

use crate::header::{Header, HeaderFlags};
use crate::oop::Oop;
use crate::sync::{Orders, Word};

/// Objects as words: how a protocol over headers and slots reaches them.
///
/// Production's implementation views mapped memory; the model checks have an arena of loom atomics.
pub trait ObjectWords {
    /// A header or a slot.
    type Word: Word;

    /// The header of the object `oop`.
    ///
    /// # Safety
    /// `oop` refers to an object or forwarder of this heap that stays in place while the answer is used.
    unsafe fn header(&self, oop: Oop) -> &Self::Word;

    /// The pointer slot `index` of the object `oop`.
    ///
    /// # Safety
    /// As for [`header`](Self::header), and the object's body has more than `index` words.
    unsafe fn slot(&self, oop: Oop, index: usize) -> &Self::Word;
}

/// Turns the object with this `header` and `slot0` into a forwarder to `target`.
///
/// The caller holds the exclusive claim on the object, inside a stop, and has checked that it may be forwarded
/// (neither pinned nor immutable, not yet a forwarder) and that `target` does not lead back to it. `target` may be
/// immediate. If the object is old and `target` is young, the caller also remembers the object, before or after.
///
/// The new header is written, not exchanged, although a header can gain [`HeaderFlags::REMEMBERED`] at any time
/// while mutators run. Inside a stop it cannot: only a store into the object remembers it, mutators are stopped, and
/// a worker stores only into objects that it claimed. A flag set before the stop is seen here, because the stop
/// orders it before, and [`Header::to_forwarder`] keeps it.
#[inline]
pub fn install<O: Orders, W: Word>(header: &W, slot0: &W, target: Oop) {
    let old = Header::from_bits(header.load(Ordering::Relaxed));
    debug_assert!(!old.is_evacuated() && !old.is_forwarder(), "{old:?} cannot be forwarded");
    debug_assert!(!old.has_any(HeaderFlags::PINNED | HeaderFlags::IMMUTABLE), "{old:?} must stay");
    slot0.store(target.bits(), Ordering::Relaxed);
    // [MM-forward]: whoever observes the new header finds the target in slot 0, and the target's contents.
    header.store(old.to_forwarder().bits(), O::PUBLISH);
}

/// The object (or immediate) at the end of the chain of forwarders that begins at `oop`: `oop` itself if that is
/// immediate or no forwarder.
///
/// An object that is being installed by another worker counts as either; both answers lead to the same end. Evacuated
/// words are not forwarders: during a scavenge the answer may have been copied, which the caller looks up.
///
/// # Safety
/// `oop` is immediate, or refers to an object of `memory` that no collection moves or frees before the answer is
/// used; it is not [`Oop::NULL`].
#[inline]
pub unsafe fn follow<O: Orders, M: ObjectWords>(memory: &M, oop: Oop) -> Oop {
    let mut end = oop;
    while end.is_pointer() {
        // SAFETY: `end` is the caller's `oop`, or the target of a forwarder, which is kept alive by it (invariant 1).
        // [MM-forward]: pairs with the store of the header in `install`.
        let header = Header::from_bits(unsafe { memory.header(end) }.load(O::OBSERVE));
        if !header.is_forwarder() {
            break;
        }
        // SAFETY: as above; every object has room for one slot (the 16-byte minimum).
        // [MM-heal]: slot 0 of a forwarder may have been healed, and then publishes the nearer target.
        end = Oop::from_bits(unsafe { memory.slot(end, 0) }.load(O::OBSERVE));
    }
    end
}

/// Replaces `seen`, a reference to a forwarder found in `slot`, by `target`, the end of its chain. True if this call
/// replaced it; the caller then owes the write barrier for a store of `target`.
///
/// Between reading `seen` and this call the thread must not have passed a safepoint.
#[inline]
#[expect(clippy::redundant_pattern_matching, reason = "each outcome has its comment")]
pub fn heal<O: Orders, W: Word>(slot: &W, seen: Oop, target: Oop) -> bool {
    match slot.compare_exchange(seen.bits(), target.bits(), O::PUBLISH, Ordering::Relaxed) {
        // Replaced. If the slot was overwritten and then given `seen` again meanwhile, that is as right: `seen` still
        // is a forwarder to `target` (invariant 2).
        // [MM-heal]: whoever reads the slot finds the target's contents, as this thread did.
        Ok(_) => true,
        // A mutator stored something else: its store is the younger one and stays. Or another thread healed the slot,
        // to the same end, or (while a become installs) to a forwarder in the middle of the chain, which the next
        // reader heals. Nothing of the slot is used, so nothing need be observed.
        Err(_) => false,
    }
}

/// Sets the bits `mask` in `word`: true for exactly one of all callers with this mask, until somebody clears it.
///
/// The masks of rival claims on one word are equal or disjoint: one bit an object, or the bits of all its words.
/// Claims that overlap in part would lose against each other.
///
/// Bulk become claims each source in the mark bitmap to find pairs that overlap, and parallel marking claims each
/// object before scanning it.
#[inline]
pub fn claim<O: Orders, W: Word>(word: &W, mask: u64) -> bool {
    debug_assert!(mask != 0);
    // Most claims of marking are for objects marked long ago; a plain load keeps their cache line shared.
    if word.load(Ordering::Relaxed) & mask != 0 {
        return false;
    }
    // [MM-claim]: one of several claimants finds the bits clear, whatever the ordering.
    word.fetch_or(mask, O::CLAIM) & mask == 0
}

#[cfg(all(test, not(instar_loom)))]
mod tests {
    use super::*;
    use crate::sync::Sound;
    use crate::{ClassIndex, Format};
    use std::sync::atomic::AtomicU64;
    use std::thread;

    /// Objects of a header and one slot.
    struct Objects(Vec<[AtomicU64; 2]>);

    impl Objects {
        fn new(count: usize) -> Self {
            let header = Header::new(ClassIndex::FIRST_USER, Format::FIXED, 1).bits();
            Objects((0..count).map(|_| [AtomicU64::new(header), AtomicU64::new(0)]).collect())
        }

        fn oop(number: usize) -> Oop {
            Oop::from_address((number + 1) * 16)
        }

        fn words(&self, oop: Oop) -> &[AtomicU64; 2] {
            &self.0[oop.address() / 16 - 1]
        }

        fn install(&self, oop: Oop, target: Oop) {
            let [header, slot0] = self.words(oop);
            install::<Sound, _>(header, slot0, target);
        }

        fn follow(&self, oop: Oop) -> Oop {
            // SAFETY: what is no object panics in `words`.
            unsafe { follow::<Sound, _>(self, oop) }
        }
    }

    impl ObjectWords for Objects {
        type Word = AtomicU64;

        unsafe fn header(&self, oop: Oop) -> &AtomicU64 {
            &self.words(oop)[0]
        }

        unsafe fn slot(&self, oop: Oop, index: usize) -> &AtomicU64 {
            &self.words(oop)[1 + index]
        }
    }

    #[test]
    fn a_chain_is_followed_to_its_end_while_it_grows() {
        const LENGTH: usize = 1000;
        let objects = Objects::new(LENGTH);
        let slot = AtomicU64::new(Objects::oop(0).bits());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < LENGTH - 1 {
                        let seen = Oop::from_bits(slot.load(Ordering::Acquire));
                        let end = objects.follow(seen);
                        heal::<Sound, _>(&slot, seen, end);
                        let number = end.address() / 16 - 1;
                        assert!(number >= last, "the end of the chain came back");
                        last = number;
                    }
                });
            }
            for number in 0..LENGTH - 1 {
                objects.install(Objects::oop(number), Objects::oop(number + 1));
            }
        });
        assert_eq!(objects.follow(Objects::oop(0)), Objects::oop(LENGTH - 1));
    }

    #[test]
    fn a_chain_may_end_at_an_immediate() {
        let objects = Objects::new(2);
        let answer = Oop::character('x');
        objects.install(Objects::oop(1), answer);
        objects.install(Objects::oop(0), Objects::oop(1));
        assert_eq!(objects.follow(Objects::oop(0)), answer);
        assert_eq!(objects.follow(answer), answer);
    }

    #[test]
    fn forwarders_keep_the_remembered_flag_and_no_other() {
        let objects = Objects::new(1);
        let [header, _] = objects.words(Objects::oop(0));
        header.fetch_or((HeaderFlags::REMEMBERED | HeaderFlags::CLASS).bits(), Ordering::Relaxed);
        objects.install(Objects::oop(0), Oop::character('x'));
        assert_eq!(Header::from_bits(header.load(Ordering::Relaxed)).flags(), HeaderFlags::REMEMBERED);
    }

    #[test]
    fn every_bit_is_claimed_once() {
        let words: Vec<_> = (0..100).map(|_| AtomicU64::new(0)).collect();
        let claim_all = || {
            let bits = words.iter().flat_map(|word| (0..64).map(move |bit| (word, 1 << bit)));
            bits.filter(|&(word, mask)| claim::<Sound, _>(word, mask)).count()
        };
        let won: usize = thread::scope(|scope| {
            let others: Vec<_> = (0..2).map(|_| scope.spawn(claim_all)).collect();
            others.into_iter().map(|other| other.join().unwrap()).sum()
        });
        assert_eq!(won, 6400);
    }
}
