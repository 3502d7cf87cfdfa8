//! A world: one heap, the mutators that work on it, and the collector that they share.

#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use instar_heap::image::{HeapImage, Relocation};
use instar_heap::object::fill_free;
use instar_heap::sync::{Mutex, MutexGuard};
use instar_heap::{ClassIndex, HandleStack, Heap, HeapError, Obj, Oop};

use crate::config::GcConfig;
use crate::mutator::Mutator;
use crate::refusal::Refusal;
use crate::roots::RootSet;
use crate::safepoint::Safepoint;
use crate::scavenge;
use crate::stats::{Collection, GcStats};
use crate::workers::Workers;

/// Everything that the mutators of one heap share. Nothing is global to the process: make as many worlds as you like.
pub struct World {
    pub(crate) heap: Heap,
    pub(crate) config: GcConfig,
    pub(crate) safepoint: Safepoint,
    pub(crate) workers: Workers,
    pub(crate) locals: Mutex<Vec<Arc<Local>>>,
    pub(crate) state: Mutex<CollectorState>,
    /// How many full collections have ended.
    pub(crate) full_epoch: AtomicU64,
    /// Allocations until one is refused, for tests.
    pub(crate) refusal: Refusal,
}

/// What the collector keeps between collections.
#[derive(Default)]
pub(crate) struct CollectorState {
    /// Old objects that may refer to young ones, each once, each with the REMEMBERED flag.
    pub remembered: Vec<Obj>,
    /// The list above lacks objects that have the flag, because there was no memory for it.
    pub remembered_lost: bool,
    /// Ephemerons whose key died, in the order in which that was found.
    pub finalizable: VecDeque<Oop>,
    /// Old bytes at which a full collection is due.
    pub next_full_bytes: usize,
    /// Old bytes that were replaced since the last one.
    pub replaced_bytes: usize,
    pub stats: GcStats,
}

/// A mutator's part of the world's state.
///
/// [local-owner] Only the owning thread touches it, except that whoever stopped the world may while the owner is
/// parked; the safepoint's handshake orders the two.
#[derive(Default)]
pub(crate) struct Local {
    /// Next free address of the allocation buffer.
    pub top: Cell<usize>,
    /// The buffer's end; 0 and 0 for "no buffer".
    pub end: Cell<usize>,
    pub handles: HandleStack,
    /// Old objects that this mutator was the first to remember since the last collection.
    pub remembered: UnsafeCell<Vec<Obj>>,
    pub roots: UnsafeCell<Vec<Box<dyn RootSet>>>,
    /// References to forwarders that this mutator's accesses replaced.
    pub healed: Cell<u64>,
    /// \[class-kept\] The class of the object that this mutator is allocating, while that may pass a safepoint: a
    /// collection that found neither instance nor reference would give its index to another class.
    pub allocating: Cell<Option<ClassIndex>>,
    /// Allocations left until zeal collects.
    pub until_zeal: Cell<u32>,
}

// SAFETY: [local-owner] never lets two threads touch the cells at once.
unsafe impl Sync for Local {}

impl Local {
    /// Covers the unused rest of the allocation buffer, so that eden can be walked.
    ///
    /// # Safety
    /// The caller is the owner or has stopped it.
    pub unsafe fn retire_buffer(&self) {
        // SAFETY: the rest of the buffer belongs to this mutator and holds no object.
        unsafe { fill_free(self.top.get(), self.end.get()) };
        self.top.set(0);
        self.end.set(0);
    }
}

impl World {
    /// Makes a heap and starts the collector's threads.
    ///
    /// # Errors
    /// [`HeapError::BadConfig`] and [`HeapError::Reserve`].
    pub fn new(config: GcConfig) -> Result<Arc<World>, HeapError> {
        let bad = |option, reason: &str| Err(HeapError::BadConfig { option, reason: reason.to_owned() });
        if !(1..=GcConfig::MAX_WORKERS).contains(&config.workers) {
            return bad("workers", "must be 1 to 64");
        }
        if config.tenure_age > 3 {
            return bad("tenure_age", "must be 0 to 3");
        }
        if config.growth_percent <= 100 {
            return bad("growth_percent", "must be more than 100");
        }
        let heap = Heap::new(config.heap.clone())?;
        let state = CollectorState { next_full_bytes: config.first_full_bytes, ..CollectorState::default() };
        let world = World {
            heap,
            safepoint: Safepoint::new(),
            workers: Workers::new(config.workers),
            locals: Mutex::new(Vec::new()),
            state: Mutex::new(state),
            full_epoch: AtomicU64::new(0),
            refusal: Refusal::default(),
            config,
        };
        // The young generation is empty.
        // SAFETY: nobody else knows the heap yet.
        let _ = unsafe { world.heap.reserve_tenure_room(world.tenure_slack_bytes()) };
        if world.heap.eden.end() == world.heap.eden.top() {
            return bad("limit_bytes", "is too little for the buffers of that many workers");
        }
        Ok(Arc::new(world))
    }

    /// Copies what the world holds, so that others can be made of it. The finalisation queue must be empty or is left out: what waits in it is
    /// dead to the copy.
    ///
    /// # Safety
    /// The caller is the only mutator, and all its references are roots.
    pub unsafe fn image(&self, mutator: &mut Mutator) -> HeapImage {
        let mut pause = mutator.stop_world();
        // [image-old]: a full collection leaves the young generation empty and no forwarder that anything refers to; the second
        // one finds none at all.
        pause.collect(Collection::Compacting);
        // SAFETY: [stopped], and as above.
        unsafe { HeapImage::take(&pause.world().heap) }
    }

    /// Makes a world that holds what the image does, and says where its objects are.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and [`HeapError::OutOfMemory`] if the heap is too small for the image.
    pub fn from_image(config: GcConfig, image: &HeapImage) -> Result<(Arc<World>, Relocation), HeapError> {
        let world = World::new(config)?;
        // SAFETY: nobody else knows the world.
        let (relocation, fits) = unsafe {
            let relocation = image.restore(&world.heap)?;
            (relocation, world.heap.reserve_tenure_room(world.tenure_slack_bytes()))
        };
        let has_eden = world.heap.eden.end() > world.heap.eden.top();
        if !fits || !has_eden {
            return Err(HeapError::OutOfMemory {
                requested: image.bytes(),
                used: world.heap.used_bytes(),
                limit: world.heap.config().limit_bytes,
            });
        }
        Ok((world, relocation))
    }

    /// What parallel tenuring may waste in the buffers that its workers leave behind.
    pub(crate) fn tenure_slack_bytes(&self) -> usize {
        if self.workers.count() == 1 { 0 } else { self.workers.count() * scavenge::SHARED_BUFFER_BYTES }
    }

    /// Whether the old generation, with `more` bytes, has grown enough for a full collection.
    pub(crate) fn is_full_due(&self, more: usize) -> bool {
        self.heap.old_range().len() + more > self.lock_state().next_full_bytes
    }

    /// Notes that so many bytes of old objects now stand for others, as the instances do that an update migrates: that is no growth, and no
    /// reason to stop the program a second time. The next full collection is put off until the old generation grows by half as much again as it usually may, but not
    /// beyond what it may usually grow by and all that is alive, however many updates follow each other.
    pub fn note_replaced(&self, bytes: usize) {
        let used = self.heap.old_range().len();
        let mut state = self.lock_state();
        state.replaced_bytes += bytes;
        let live = used.saturating_sub(state.replaced_bytes);
        let growth = live / 100 * (self.config.growth_percent - 100);
        let later = (used + growth / 2).min(live * 2 + growth);
        state.next_full_bytes = state.next_full_bytes.max(later);
    }

    /// Registers the calling thread as a mutator. Blocks while the world is stopped.
    ///
    /// # Panics
    /// If the thread has a mutator in this world already that is not inside [`Mutator::blocked`], which goes for threads
    /// that hold a `Pause` as well: one would wait for the other for ever.
    pub fn attach(self: &Arc<World>) -> Mutator {
        Mutator::new(self.clone())
    }

    /// The heap.
    #[inline]
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// The options that the world was made with.
    pub fn config(&self) -> &GcConfig {
        &self.config
    }

    /// A number that grows with each full collection, those among them that a scavenge led to. One load.
    ///
    /// Full collections take the indices of dead classes out of the class table, to be given out again: whoever keeps
    /// anything by class index (a method cache) compares this number after its safepoints, and forgets what it keeps when
    /// it has changed. What a mutator reads between two of its safepoints is the number at both.
    #[inline]
    pub fn full_epoch(&self) -> u64 {
        // [MM-stopped]: written inside stops only.
        self.full_epoch.load(Relaxed)
    }

    /// The collector's threads, for work that is done while the world is stopped.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// A copy of the statistics, with histograms of as many words as the longest pause asks for.
    pub fn stats(&self) -> GcStats {
        self.read_stats(GcStats::clone)
    }

    /// What `read` takes from the statistics, without a copy of them.
    pub fn read_stats<T>(&self, read: impl FnOnce(&GcStats) -> T) -> T {
        read(&self.lock_state().stats)
    }

    pub(crate) fn lock_state(&self) -> MutexGuard<'_, CollectorState> {
        self.state.lock()
    }

    pub(crate) fn lock_locals(&self) -> MutexGuard<'_, Vec<Arc<Local>>> {
        self.locals.lock()
    }
}
