//! Bulk become by several workers: pairs that overlap. Code under test: `claim`, `install`, `follow` and `heal` of
//! `instar_heap::forwarding`.
//!
//! Each worker claims the sources of its pairs; when all have, and none lost a claim, each installs its pairs while
//! another worker heals roots.
//!
//! Allowed outcomes:
//! - two pairs with the same source: exactly one claim is lost, nothing is installed, no claim is left;
//! - pairs without a common source: both claims are won, both are installed;
//! - a → b and b → c: a leads to c, and so does every root that referred to a or b; a root that is read meanwhile leads
//!   to a, b or c, complete.
//!
//! Claims do not notice a → b and b → a. Validation has to refuse cycles; the last check shows what happens otherwise.

#![cfg(instar_loom)]

use std::sync::atomic::Ordering::Relaxed;

use instar_heap::forwarding::{claim, heal};
use instar_heap::sync::atomic::AtomicU64;
use instar_heap::sync::{Arc, Orders, Sound, Word, thread};
use instar_heap::{Oop, slot};
use instar_loom_tests::{Arena, Torn, Weakened, explore};

const CONTENTS: u64 = 7;

struct Scene<W> {
    heap: Arena<W>,
    claims: W,
    root: W,
}

impl<W: Word + From<u64>> Scene<W> {
    fn new(objects: usize) -> Arc<Self> {
        let heap = Arena::new(objects);
        let root = W::from(heap.object(0).bits());
        Arc::new(Scene { heap, claims: W::from(0), root })
    }

    fn claim(&self, source: usize) -> bool {
        claim::<Sound, W>(&self.claims, 1 << source)
    }

    fn release(&self, source: usize) {
        self.claims.fetch_and(!(1 << source), Relaxed);
    }
}

/// Two workers validate a pair each; says which claims were won. The claims are held afterwards.
fn validate<W: Word + From<u64> + Send + Sync + 'static>(
    scene: &Arc<Scene<W>>,
    sources: [usize; 2],
) -> [bool; 2] {
    let other = thread::spawn({
        let scene = scene.clone();
        move || scene.claim(sources[1])
    });
    let own = scene.claim(sources[0]);
    [own, other.join().unwrap()]
}

fn become_with_one_source<W: Word + From<u64> + Send + Sync + 'static>() {
    let scene = Scene::<W>::new(3);
    let won = validate(&scene, [0, 0]);
    assert!(won[0] != won[1], "the overlap went unnoticed");
    scene.release(0);
    assert_eq!(scene.claims.load(Relaxed), 0);
    assert!(!scene.heap.is_forwarder(scene.heap.object(0)));
}

#[test]
fn a_source_in_two_pairs_is_noticed_once() {
    explore(None, become_with_one_source::<AtomicU64>);
}

#[test]
#[should_panic = "the overlap went unnoticed"]
fn caught_claims_by_load_and_store() {
    explore(None, become_with_one_source::<Torn>);
}

fn claim_neighbours<W: Word + From<u64> + Send + Sync + 'static>() {
    let scene = Scene::<W>::new(4);
    assert_eq!(validate(&scene, [0, 2]), [true, true]);
    assert_eq!(scene.claims.load(Relaxed), 0b101, "a claim is lost");
}

#[test]
fn neighbours_in_the_bitmap_do_not_disturb_each_other() {
    explore(None, claim_neighbours::<AtomicU64>);
}

#[test]
#[should_panic = "a claim is lost"]
fn caught_claims_that_overwrite_their_neighbours() {
    explore(None, claim_neighbours::<Torn>);
}

/// a → b and b → c, where c is made inside the become. A third worker heals the root, which refers to a.
fn become_in_a_chain<Install: Orders>() {
    let scene = Scene::<AtomicU64>::new(3);
    let [a, b, c] = [0, 1, 2].map(|number| scene.heap.object(number));
    scene.heap.initialise(a, CONTENTS);
    scene.heap.initialise(b, CONTENTS);
    let installer = thread::spawn({
        let scene = scene.clone();
        move || {
            scene.heap.initialise(c, CONTENTS);
            scene.heap.install::<Install>(b, c);
        }
    });
    let healer = thread::spawn({
        let scene = scene.clone();
        move || {
            let seen = slot::load::<Sound, _>(&scene.root);
            let end = scene.heap.follow::<Sound>(seen);
            assert!([a, b, c].contains(&end));
            assert_eq!(scene.heap.contents(end), CONTENTS, "the target is incomplete");
            assert!(end == seen || heal::<Sound, _>(&scene.root, seen, end));
        }
    });
    scene.heap.install::<Install>(a, b);
    installer.join().unwrap();
    healer.join().unwrap();
    assert_eq!(scene.heap.follow::<Sound>(a), c);
    assert_eq!(scene.heap.follow::<Sound>(slot::load::<Sound, _>(&scene.root)), c);
}

#[test]
fn a_chain_installed_in_any_order_leads_to_its_end() {
    explore(None, become_in_a_chain::<Sound>);
}

#[test]
#[should_panic = "is no object"]
fn caught_a_chain_that_is_not_published() {
    explore(None, become_in_a_chain::<Weakened>);
}

/// Workers that follow their targets before installing do not exclude a cycle either.
#[test]
#[should_panic = "a cycle"]
fn caught_opposite_pairs_that_validation_let_pass() {
    explore(None, || {
        let scene = Scene::<AtomicU64>::new(2);
        let (a, b) = (scene.heap.object(0), scene.heap.object(1));
        assert_eq!(validate(&scene, [0, 1]), [true, true], "claims do not notice opposite pairs");
        let install = |scene: &Scene<AtomicU64>, source: Oop, target| {
            let end = scene.heap.follow::<Sound>(target);
            if end != source {
                scene.heap.install::<Sound>(source, end);
            }
        };
        let other = thread::spawn({
            let scene = scene.clone();
            move || install(&scene, b, a)
        });
        install(&scene, a, b);
        other.join().unwrap();
        assert!(!scene.heap.is_forwarder(a) || !scene.heap.is_forwarder(b), "a cycle");
    });
}
