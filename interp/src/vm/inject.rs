//! Becomes that a program must not notice, for tests: at every n-th poll some object becomes a copy of itself.
//!
//! **Algorithm.** A walk begins at a random live register of the active process and follows a few random slots. Where it ends, the object
//! is copied, with its class, contents and identity hash, and becomes the copy. So the program goes on with forwarders in its registers,
//! variables, collections, classes, methods' literals and the runtime's own roots. What may not be replaced (code, nil, true, false, read-only
//! objects) and large objects are left out.
//!
//! While this is on, a poll is always requested, so that every call and every jump back is a place where it may happen.

use std::num::NonZeroU32;

use instar_become::HashRule;
use instar_heap::HeaderFlags;

use super::Space;
use super::space::BecomeStrategy;
use crate::objects::Value;

/// How often objects become copies of themselves, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomBecomes {
    /// At every how many polls.
    pub every: NonZeroU32,
    /// What the choice of objects begins with.
    pub seed: u64,
}

/// The state of the choice.
#[derive(Debug, Default)]
pub(crate) struct Injection {
    state: u64,
    until_next: u32,
    done: u64,
}

/// Larger objects are left out: copying them would take most of the time.
const MOST_BYTES: usize = 16 << 10;
/// How many slots a walk follows at most.
const MOST_STEPS: u64 = 8;
/// The interval grows with what each become visits, so that the share of time that they take does not.
const FRAMES_A_UNIT: usize = 1000;
const BYTES_A_UNIT: usize = 512 << 10;

impl Injection {
    pub fn new(options: Option<RandomBecomes>) -> Injection {
        let (state, until_next) = options.map_or((0, 0), |options| (options.seed, options.every.get()));
        Injection { state, until_next, done: 0 }
    }

    /// A number below `limit`, by the SplitMix generator.
    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % limit.max(1)
    }
}

impl Space {
    /// How many objects became copies of themselves for [`SpaceOptions::random_becomes`](super::SpaceOptions).
    pub fn injected_becomes(&self) -> u64 {
        self.injection.done
    }

    /// Whether a poll that was requested is to be counted and nothing else. Collections are attended to at once; timers and requests from
    /// outside have to wait for the next become.
    #[inline]
    pub(super) fn is_only_counted(&mut self) -> bool {
        let left = self.injection.until_next;
        let is_counted =
            left > 1 && self.mutator.world().full_epoch() == self.full_collections && !self.shortage.get();
        self.injection.until_next -= u32::from(is_counted);
        is_counted
    }

    /// At a poll: lets an object become its copy if it is time, and requests the next poll.
    pub(super) fn inject_become(&mut self) {
        let Some(options) = self.options.random_becomes else { return };
        self.interrupt.request();
        if self.injection.until_next > 1 {
            return;
        }
        self.injection.until_next = options.every.get().saturating_mul(self.cost_of_become());
        let mut injection = std::mem::take(&mut self.injection);
        let chosen = self.random_object(&mut injection).map(Value::oop);
        self.injection = injection;
        let Some(original) = chosen else { return };
        let original = self.root(original);
        if let Ok(copy) = self.duplicate(|space| space.rooted(original)) {
            let source = self.rooted(original).oop();
            if self.swap_one(source, copy.oop(), HashRule::Take).is_ok() {
                self.injection.done += 1;
            }
        }
        self.release(original);
    }

    /// What a become has to visit, in units that take little time: stacks, and with full scans the heap.
    fn cost_of_become(&mut self) -> u32 {
        self.set_active_top();
        let frames: usize = self.roots.stacks.iter().flatten().map(|stack| stack.top).sum();
        let scanned = match self.options.strategy {
            BecomeStrategy::FullScan => self.mutator.heap().used_bytes(),
            BecomeStrategy::Lazy | BecomeStrategy::AlwaysCheck => 0,
        };
        u32::try_from(1 + frames / FRAMES_A_UNIT + scanned / BYTES_A_UNIT).unwrap_or(u32::MAX)
    }

    /// Where a random walk from a random register of the active stack ends.
    fn random_object(&mut self, random: &mut Injection) -> Option<Value<'_>> {
        self.set_active_top();
        let stack = self.roots.stacks.get(self.roots.active)?.as_ref()?;
        let frame = random.below(stack.top as u64 + 1) as usize;
        let registers = stack.registers_of(frame);
        let start = *registers.get(random.below(registers.len() as u64) as usize)?;
        let mut at = self.value(start);
        for _ in 0..random.below(MOST_STEPS) {
            // The class is a way on as well, like a slot.
            let choice = random.below(at.slots() as u64 + 1) as usize;
            at = if choice == at.slots() { at.class() } else { at.slot(choice)? };
        }
        let may_go = at.object().is_some_and(|object| {
            let header = object.header();
            !header.has_any(HeaderFlags::IMMUTABLE | HeaderFlags::PINNED)
                && object.byte_length() <= MOST_BYTES
        });
        (may_go && !at.is_nil() && at.as_boolean().is_none()).then_some(at)
    }
}
