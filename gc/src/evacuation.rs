//! How parallel workers agree on the one copy of an object that they evacuate.
//!
//! **Algorithm.** A worker reads the from-space header ([`not_yet_copied`]), copies the object into its private buffer,
//! and only then publishes the copy ([`publish_copy`]) by exchanging the header for the copy's address. Several
//! workers may copy the same object; one exchange succeeds, the others discard their copies.
//!
//! **Invariants.**
//! 1. A from-space object's header changes at most once in a scavenge: from its header to an evacuated word.
//! 2. Nobody writes to the rest of a from-space object, so that every copy is complete and equal.
//! 3. Whoever learns the new address finds the whole object there.
//! 4. Forwarders of become are followed and never copied, so that a forwarder's slot 0 stays readable.
//!
//! The copy's header is made from the header that `not_yet_copied` answered, never read again from from-space: by
//! then another worker may have put an address there.
//!
//! **Orderings.** \[MM-evacuate\] in `docs/memory-model.md`.

use instar_heap::sync::{Orders, Word};
use instar_heap::{Header, Oop};

/// The header of an object that nobody has evacuated yet, or else where its copy is.
#[inline]
pub fn not_yet_copied<O: Orders, W: Word>(header: &W) -> Result<Header, Oop> {
    // [MM-evacuate]: pairs with the exchange in `publish_copy`.
    let word = Header::from_bits(header.load(O::OBSERVE));
    if word.is_evacuated() { Err(word.new_location()) } else { Ok(word) }
}

/// Makes `new` the one copy of the object whose from-space header was `expected`.
///
/// `Err` has the address of another worker's copy, which came first: the caller uses that one, and takes back the
/// memory of its own.
#[inline]
pub fn publish_copy<O: Orders, W: Word>(header: &W, expected: Header, new: Oop) -> Result<(), Oop> {
    let evacuated = Header::evacuated_to(new);
    debug_assert!(evacuated.is_evacuated() && !expected.is_evacuated());
    match header.compare_exchange(expected.bits(), evacuated.bits(), O::PUBLISH, O::OBSERVE) {
        // Ours is the copy. [MM-evacuate]: whoever observes the address finds the object complete.
        Ok(_) => Ok(()),
        // Another worker was first. [MM-evacuate]: its copy is complete for us too.
        Err(word) => {
            let word = Header::from_bits(word);
            // Invariant 1. Off the fast path, so it is checked in every build: an address made from a header
            // would corrupt the heap silently.
            assert!(word.is_evacuated(), "header {expected:?} became {word:?} inside a scavenge");
            Err(word.new_location())
        }
    }
}

#[cfg(all(test, not(instar_loom)))]
mod tests {
    use super::*;
    use instar_heap::sync::Sound;
    use instar_heap::{ClassIndex, Format};
    use std::sync::atomic::AtomicU64;
    use std::thread;

    #[test]
    fn each_object_gets_one_copy() {
        const OBJECTS: usize = 5000;
        let header = Header::new(ClassIndex::FIRST_USER, Format::FIXED, 1);
        let from: Vec<_> = (0..OBJECTS).map(|_| AtomicU64::new(header.bits())).collect();
        let evacuate_all = |worker: usize| {
            let copies = from.iter().enumerate().map(|(number, word)| {
                let own = Oop::from_address(8 * (1 + worker * OBJECTS + number));
                match not_yet_copied::<Sound, _>(word) {
                    Ok(seen) => publish_copy::<Sound, _>(word, seen, own).map_or_else(|copy| copy, |()| own),
                    Err(copy) => copy,
                }
            });
            copies.collect::<Vec<_>>()
        };
        let [first, second] = thread::scope(|scope| {
            [0, 1]
                .map(|worker| scope.spawn(move || evacuate_all(worker)))
                .map(|thread| thread.join().unwrap())
        });
        assert_eq!(first, second);
    }
}
