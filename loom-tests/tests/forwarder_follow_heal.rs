//! Forwarders: installing against following and healing readers. Code under test: `instar_heap::forwarding`.
//!
//! Allowed outcomes for a reader that follows a reference to `a` while `a` becomes a forwarder to `t`:
//! - it gets `a`, or it gets `t` and finds the contents of `t` that the installer saw; nothing else;
//! - it gets the end of a longer chain, never a forwarder in the middle that it saw to be one.
//!
//! Allowed outcomes for a slot that held `a` and is healed: it holds `a`, or `t`, or what a mutator stored last. The
//! mutator's store is never lost. Of several healers exactly one is told that it healed.
//!
//! REMEMBERED is never lost by an installation inside a stop.

#![cfg(instar_loom)]

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use instar_gc::remembered::remember;
use instar_gc::safepoint::Safepoint;
use instar_heap::forwarding::heal;
use instar_heap::sync::atomic::AtomicU64;
use instar_heap::sync::{Arc, Orders, Sound, Word, thread};
use instar_heap::{Header, HeaderFlags, Oop, slot};
use instar_loom_tests::{Arena, Torn, Weakened, attach_all, explore};

const CONTENTS: u64 = 7;

/// One thread fills the target and installs; another follows and looks at what it got.
fn follow_while_installing<Install: Orders, Follow: Orders>() {
    let heap = Arc::new(Arena::<AtomicU64>::new(2));
    let (a, t) = (heap.object(0), heap.object(1));
    let installer = thread::spawn({
        let heap = heap.clone();
        move || {
            heap.initialise(t, CONTENTS);
            heap.install::<Install>(a, t);
        }
    });
    let end = heap.follow::<Follow>(a);
    assert!(end == a || end == t, "{end:?} is neither the object nor its target");
    assert!(end == a || heap.contents(end) == CONTENTS, "the target is incomplete");
    installer.join().unwrap();
    assert_eq!(heap.follow::<Sound>(a), t);
}

#[test]
fn a_reader_gets_the_object_or_its_complete_target() {
    explore(None, follow_while_installing::<Sound, Sound>);
}

#[test]
#[should_panic = "is no object"]
fn caught_a_header_that_is_not_published() {
    explore(None, follow_while_installing::<Weakened, Sound>);
}

#[test]
#[should_panic = "is no object"]
fn caught_a_header_that_is_not_observed() {
    explore(None, follow_while_installing::<Sound, Weakened>);
}

#[test]
fn a_target_may_be_immediate() {
    explore(None, || {
        let heap = Arc::new(Arena::<AtomicU64>::new(1));
        let (a, answer) = (heap.object(0), Oop::small_integer(42).unwrap());
        let installer = thread::spawn({
            let heap = heap.clone();
            move || heap.install::<Sound>(a, answer)
        });
        let end = heap.follow::<Sound>(a);
        assert!(end == a || end == answer);
        installer.join().unwrap();
        assert_eq!(heap.follow::<Sound>(a), answer);
        assert_eq!(heap.follow::<Sound>(answer), answer);
    });
}

/// The heap, and a slot in it that refers to object 0.
struct Scene<W> {
    heap: Arena<W>,
    slot: W,
}

impl<W: Word + From<u64>> Scene<W> {
    fn new(objects: usize) -> Arc<Self> {
        let heap = Arena::new(objects);
        let slot = W::from(heap.object(0).bits());
        Arc::new(Scene { heap, slot })
    }

    /// What a mutator does that meets a reference: follow, and heal if it led elsewhere.
    fn use_and_heal<Heal: Orders>(&self) -> (Oop, bool) {
        let seen = slot::load::<Sound, W>(&self.slot);
        let end = self.heap.follow::<Sound>(seen);
        (end, end != seen && heal::<Heal, W>(&self.slot, seen, end))
    }
}

/// Installer, healer, and a third thread that reads the slot without following.
fn read_a_slot_being_healed<Heal: Orders>() {
    let scene = Scene::<AtomicU64>::new(2);
    let (a, t) = (scene.heap.object(0), scene.heap.object(1));
    let installer = thread::spawn({
        let scene = scene.clone();
        move || {
            scene.heap.initialise(t, CONTENTS);
            scene.heap.install::<Sound>(a, t);
        }
    });
    let healer = thread::spawn({
        let scene = scene.clone();
        move || scene.use_and_heal::<Heal>()
    });
    let seen = slot::load::<Sound, _>(&scene.slot);
    assert!(seen == a || seen == t);
    assert!(seen == a || scene.heap.contents(seen) == CONTENTS, "the target is incomplete");
    installer.join().unwrap();
    healer.join().unwrap();
}

#[test]
fn a_healed_slot_publishes_the_target() {
    explore(None, read_a_slot_being_healed::<Sound>);
}

#[test]
#[should_panic = "the target is incomplete"]
fn caught_a_healed_slot_that_does_not_publish() {
    explore(None, read_a_slot_being_healed::<Weakened>);
}

/// The slot refers to a forwarder; one thread heals it, another stores something else.
fn store_while_healing<W: Word + From<u64> + Send + Sync + 'static>() {
    let scene = Scene::<W>::new(3);
    let (t, stored) = (scene.heap.object(1), scene.heap.object(2));
    scene.heap.install::<Sound>(scene.heap.object(0), t);
    let healer = thread::spawn({
        let scene = scene.clone();
        move || scene.use_and_heal::<Sound>().0
    });
    slot::store::<Sound, W>(&scene.slot, stored);
    let end = healer.join().unwrap();
    assert!(end == t || end == stored);
    assert_eq!(slot::load::<Sound, W>(&scene.slot), stored, "the mutator's store is lost");
}

#[test]
fn healing_never_overwrites_a_store() {
    explore(None, store_while_healing::<AtomicU64>);
}

#[test]
#[should_panic = "the mutator's store is lost"]
fn caught_healing_by_load_and_store() {
    explore(None, store_while_healing::<Torn>);
}

/// Two threads heal the slot, whose write barrier exactly one of them then owes.
fn heal_twice<W: Word + From<u64> + Send + Sync + 'static>() {
    let scene = Scene::<W>::new(2);
    let t = scene.heap.object(1);
    scene.heap.install::<Sound>(scene.heap.object(0), t);
    let other = thread::spawn({
        let scene = scene.clone();
        move || scene.use_and_heal::<Sound>()
    });
    let (own_end, own) = scene.use_and_heal::<Sound>();
    let (other_end, other) = other.join().unwrap();
    assert_eq!((own_end, other_end), (t, t));
    assert!(own != other, "{} healers were told that they healed", u8::from(own) + u8::from(other));
    assert_eq!(slot::load::<Sound, W>(&scene.slot), t);
}

#[test]
fn one_healer_is_told_so() {
    explore(None, heal_twice::<AtomicU64>);
}

#[test]
#[should_panic = "2 healers were told"]
fn caught_two_healers() {
    explore(None, heal_twice::<Torn>);
}

/// The chain a → b → c: b becomes a forwarder to the new object c while one thread shortens a's link and another follows.
fn follow_a_chain_being_shortened<Heal: Orders, Follow: Orders>() {
    let heap = Arc::new(Arena::<AtomicU64>::new(3));
    let (a, b, c) = (heap.object(0), heap.object(1), heap.object(2));
    heap.install::<Sound>(a, b);
    let installer = thread::spawn({
        let heap = heap.clone();
        move || {
            heap.initialise(c, CONTENTS);
            heap.install::<Sound>(b, c);
        }
    });
    let shortener = thread::spawn({
        let heap = heap.clone();
        move || {
            let end = heap.follow::<Sound>(b);
            if end != b {
                heal::<Heal, _>(heap.slot(a, 0), b, end);
            }
        }
    });
    let end = heap.follow::<Follow>(a);
    assert!(end == b || end == c, "{end:?} is not on the chain");
    assert!(end == b || heap.contents(end) == CONTENTS, "the target is incomplete");
    installer.join().unwrap();
    shortener.join().unwrap();
    assert_eq!(heap.follow::<Sound>(a), c);
    assert!(matches!(Oop::from_bits(heap.slot(a, 0).load(Acquire)), end if end == b || end == c));
}

#[test]
fn a_chain_may_be_shortened_while_it_is_followed() {
    explore(None, follow_a_chain_being_shortened::<Sound, Sound>);
}

#[test]
#[should_panic = "the target is incomplete"]
fn caught_a_shortened_chain_that_does_not_publish() {
    explore(None, follow_a_chain_being_shortened::<Weakened, Sound>);
}

/// A mutator remembers the object, then leaves; a become forwards it, inside a stop or (wrongly) without.
fn remember_and_install(stops: bool) {
    let scene = Arc::new((Arena::<AtomicU64>::new(2), Safepoint::new()));
    let a = scene.0.object(0);
    attach_all(&scene.1, 2);
    let mutator = thread::spawn({
        let scene = scene.clone();
        move || {
            assert!(remember::<Sound, _>(scene.0.header(a)));
            scene.1.detach();
        }
    });
    {
        let _stopped = stops.then(|| scene.1.stop());
        scene.0.install::<Sound>(a, scene.0.object(1));
    }
    mutator.join().unwrap();
    let header = Header::from_bits(scene.0.header(a).load(Relaxed));
    assert!(header.is_forwarder());
    assert!(header.has_any(HeaderFlags::REMEMBERED), "REMEMBERED is lost");
}

#[test]
fn installing_inside_a_stop_keeps_the_remembered_flag() {
    explore(None, || remember_and_install(true));
}

#[test]
#[should_panic = "REMEMBERED is lost"]
fn caught_installing_without_a_stop() {
    explore(None, || remember_and_install(false));
}
