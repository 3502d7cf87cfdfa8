//! Scavenging: the young generation's collection (Cheney 1970; ageing after Ungar 1984; parallel by copy buffers after
//! Imai & Tick 1993).
//!
//! Survivors are copied into the empty survivor half, or into the old generation once they are old enough or the half
//! is full. Each worker copies into its own buffers and scans what it copied there; buffers that fill up before they
//! are scanned go to a deque from which idle workers steal, and so do large remembered objects, in pieces. References to
//! young forwarders are replaced by the target, so that young forwarders die here.
//!
//! Barriers needed: the remembered set (old objects that may refer to young ones) is complete, with cards marked in
//! large objects. Order: roots and remembered set, transitive closure, ephemerons, weak slots, weak roots.

#![allow(unsafe_code)]

mod buffer;
mod weak;
mod worker;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crossbeam::deque::{Steal, Stealer, Worker as Deque};
use instar_heap::bump::BumpRegion;
use instar_heap::side::RegionFlags;
use instar_heap::{Heap, Obj, Oop};

use crate::copy_locks::CopyLocks;
use crate::pause::Pause;
use crate::termination::Termination;
pub(crate) use buffer::SHARED_BUFFER_BYTES;
use worker::Worker;

/// Addresses that are still to be scanned.
type ScanRange = std::ops::Range<usize>;

/// Work that any worker may take.
enum Piece {
    /// A part of a copy buffer.
    Copies(ScanRange),
    /// Slots of a large remembered object: whole cards, but for the first and the last.
    Cards(Obj, ScanRange),
}

/// Remembered objects claimed at once.
const REMEMBERED_CHUNK: usize = 256;

/// What the workers of one scavenge share.
struct Scavenge<'h> {
    heap: &'h Heap,
    /// The survivor half that is being filled.
    survivors: BumpRegion,
    /// Objects of this age are tenured; 0 tenures all.
    tenure_age: u32,
    remembered: Vec<Obj>,
    next_remembered: AtomicUsize,
    stealers: Vec<Stealer<Piece>>,
    termination: Termination,
    /// For objects that are too large for a copy buffer.
    copy_locks: CopyLocks,
}

impl Scavenge<'_> {
    /// Whether `address` is in the part of the young generation that is being emptied.
    #[inline]
    fn is_from_space(&self, address: usize) -> bool {
        self.heap.is_young(address)
            && address.wrapping_sub(self.to_start()) >= self.heap.config().survivor_bytes
    }

    #[inline]
    fn to_start(&self) -> usize {
        self.survivors.end() - self.heap.config().survivor_bytes
    }

    fn claim_remembered(&self) -> Option<&[Obj]> {
        if self.next_remembered.load(Relaxed) >= self.remembered.len() {
            return None;
        }
        let first = self.next_remembered.fetch_add(REMEMBERED_CHUNK, Relaxed);
        let rest = self.remembered.get(first..)?;
        (!rest.is_empty()).then(|| &rest[..rest.len().min(REMEMBERED_CHUNK)])
    }

    fn has_work(&self) -> bool {
        self.next_remembered.load(Relaxed) < self.remembered.len()
            || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    fn steal(&self) -> Option<Piece> {
        self.stealers.iter().find_map(|stealer| {
            loop {
                match stealer.steal() {
                    Steal::Success(piece) => return Some(piece),
                    Steal::Empty => return None,
                    Steal::Retry => {}
                }
            }
        })
    }
}

/// What a scavenge did.
pub(crate) struct Outcome {
    pub survived_bytes: usize,
    pub tenured_bytes: usize,
    pub healed: u64,
    /// Whether there is room for another scavenge of what survived.
    pub has_tenure_room: bool,
}

/// Empties eden and the survivor half. With `tenure_all` the young generation is empty afterwards.
///
/// [tenure-room] makes sure that there is room. Allocation buffers of all mutators are void afterwards.
pub(crate) fn scavenge(pause: &mut Pause<'_>, tenure_all: bool) -> Outcome {
    let world = pause.world();
    let heap = &world.heap;
    let workers = world.workers.count();
    let half = heap.empty_half();
    let deques: Vec<Deque<Piece>> = (0..workers).map(|_| Deque::new_fifo()).collect();
    let shared = Scavenge {
        heap,
        survivors: BumpRegion::new(half.start, half.end),
        tenure_age: if tenure_all { 0 } else { world.config.tenure_age },
        remembered: pause.take_remembered(),
        next_remembered: AtomicUsize::new(0),
        stealers: deques.iter().map(Deque::stealer).collect(),
        termination: Termination::new(workers),
        copy_locks: CopyLocks::default(),
    };
    // SAFETY: [stopped]
    unsafe { heap.open_tenure_room() };
    let old_before = heap.old.top();
    let healed =
        if workers == 1 { run::<false>(pause, &shared, deques) } else { run::<true>(pause, &shared, deques) };

    let from = heap.survivor_range();
    for range in [heap.eden_range(), from.start..from.start + heap.config().survivor_bytes] {
        // SAFETY: [stopped]; all that was live there was copied away.
        unsafe { heap.side.unflag_regions(range.clone(), RegionFlags::all()) };
        pause.poison(range);
    }
    // SAFETY: [stopped]; the workers filled the half up to its top, and copied all that was live in the other.
    unsafe { heap.flip_survivors(shared.survivors.top()) };
    // SAFETY: references to young forwarders were replaced, and no forwarder was copied.
    unsafe { heap.forwarders.forget_young() };
    Outcome {
        survived_bytes: shared.survivors.top() - half.start,
        tenured_bytes: heap.old.top() - old_before,
        healed,
        has_tenure_room: pause.reserve_tenure_room(),
    }
}

fn run<const PARALLEL: bool>(pause: &mut Pause<'_>, shared: &Scavenge<'_>, deques: Vec<Deque<Piece>>) -> u64 {
    let mut states: Vec<_> = deques.into_iter().map(|deque| Worker::<PARALLEL>::new(shared, deque)).collect();
    visit_roots(pause, &mut states[0]);
    let slots: Vec<_> = states.into_iter().map(|state| Mutex::new(Some(state))).collect();
    pause.world().workers.run_indivisible(&|index| {
        let mut slot = slots[index].lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(worker) = slot.as_mut() {
            worker.run();
        }
    });
    let mut states = slots
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()));
    let Some(mut leader) = states.next() else { unreachable!("there is at least one worker") };
    for worker in states {
        leader.absorb(worker);
    }
    weak::process(&mut leader, &mut pause.world().lock_state().finalizable);
    // SAFETY: a weak cell refers to the copy of what it referred to, or to nothing.
    unsafe { pause.visit_young_weak_roots(|root| weak::update_root(&leader, root)) };
    let (healed, remembered) = leader.finish();
    pause.world().lock_state().remembered = remembered;
    healed
}

fn visit_roots<const PARALLEL: bool>(pause: &mut Pause<'_>, worker: &mut Worker<'_, PARALLEL>) {
    // SAFETY: a root refers to the copy of what it referred to.
    unsafe { pause.visit_roots(|root| *root = worker.forward_root(*root)) };
    // Classes are kept alive here; only a full collection looks for dead ones.
    // SAFETY: [stopped]; copies keep the flag.
    unsafe { pause.world().heap.classes.visit(|_, class| *class = worker.forward_root(*class)) };
}

/// Whether a root cell refers to an object at all.
pub(crate) fn is_reference(root: Oop) -> bool {
    root.is_pointer() && root != Oop::NULL
}
