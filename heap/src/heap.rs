//! The heap: its address range, its spaces, and what belongs to all of them.
//!
//! ```text
//! │ eden │ survivors 0 │ survivors 1 │ old ───────────▶ top      │ reserve │
//! └─────────────── young ────────────┴──────────────────────────────────────┘
//! ```
//!
//! One range is reserved for all of it, so that "is it young?" is one subtraction and one compare.
//!
//! The bounds of spaces and the counts of forwarders are relaxed atomics: \[MM-stopped\] in `docs/memory-model.md`. Memory is
//! handed out by the regions' own protocol, \[MM-buffer\].
//!
//! [tenure-room] Outside a collection `old` never grows into the reserve, which is as large as what a scavenge may
//! tenure: a scavenge never runs out of memory.

#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use crate::arena::Arena;
use crate::bump::BumpRegion;
use crate::object::{Obj, fill_free, object_bytes, write_header};
use crate::side::{LOG_REGION, RegionFlags, SideTables};
use crate::{ClassIndex, ClassTable, Format, Header, HeaderFlags, HeapConfig, HeapError, IdentityHash, Oop};

/// Memory for objects and the tables beside it. All methods take `&self`: mutators allocate concurrently, collectors
/// run while all mutators stand still.
pub struct Heap {
    config: HeapConfig,
    arena: Arena,
    /// Where new objects are allocated.
    pub eden: Space,
    /// Where old objects are; its end moves so that [tenure-room] holds.
    pub old: Space,
    /// Side metadata.
    pub side: SideTables,
    /// The class table.
    pub classes: ClassTable,
    /// How many forwarders are alive, young and old.
    pub forwarders: ForwarderCount,
    survivors: [Range<usize>; 2],
    active_half: AtomicUsize,
    survivor_top: AtomicUsize,
    old_high_water: AtomicUsize,
    next_hash: AtomicU32,
    nil: Oop,
    bounds: Bounds,
}

/// The memory of one space, handed out by bumping. To look at is safe; to cut is for who keeps the space walkable.
#[derive(Debug)]
pub struct Space(BumpRegion);

impl Space {
    /// The first address that was not handed out. A snapshot while mutators allocate; exact inside a stop.
    #[inline]
    pub fn top(&self) -> usize {
        self.0.top()
    }

    /// The end of the memory that can be handed out now.
    #[inline]
    pub fn end(&self) -> usize {
        self.0.end()
    }

    /// The region beneath, from which memory can be cut off and to which it can be given back.
    ///
    /// # Safety
    /// \[walkable\] Whoever cuts memory off fills it with objects or free chunks, before its next safepoint or before it
    /// ends the stop in which it runs; what is given back was cut off and holds no object. Crossings are noted for what
    /// is put into the old generation.
    #[inline]
    pub unsafe fn region(&self) -> &BumpRegion {
        &self.0
    }

    fn reset(&self, start: usize, end: usize) {
        self.0.reset(start, end);
    }
}

/// Forwarders that become installed and no collection has removed yet. An upper bound: those that nothing refers to
/// any more count until their space is collected.
#[derive(Debug, Default)]
pub struct ForwarderCount {
    young: AtomicUsize,
    old: AtomicUsize,
    /// The sum, which element loads test.
    total: AtomicUsize,
}

impl ForwarderCount {
    /// In the young generation.
    pub fn young(&self) -> usize {
        self.young.load(Relaxed)
    }

    /// In the old generation.
    pub fn old(&self) -> usize {
        self.old.load(Relaxed)
    }

    /// Counts forwarders that become installed.
    pub fn add(&self, young: usize, old: usize) {
        // [MM-stopped]: inside a stop; mutators read it between two.
        self.young.fetch_add(young, Relaxed);
        self.old.fetch_add(old, Relaxed);
        self.total.fetch_add(young + old, Relaxed);
    }

    /// Says that the young generation has none.
    ///
    /// # Safety
    /// So it is.
    pub unsafe fn forget_young(&self) {
        self.total.fetch_sub(self.young.swap(0, Relaxed), Relaxed);
    }

    /// Says that the old generation has none.
    ///
    /// # Safety
    /// So it is.
    pub unsafe fn forget_old(&self) {
        self.total.fetch_sub(self.old.swap(0, Relaxed), Relaxed);
    }

    /// Young and old together.
    #[inline]
    pub fn total(&self) -> usize {
        self.total.load(Relaxed)
    }

    /// Whether a reference may lead to a forwarder at all. One load.
    #[inline]
    pub fn any(&self) -> bool {
        self.total() != 0
    }
}

/// Eden shrinks as memory runs out, but not below this part of its full size.
const LEAST_EDEN: usize = 16;
const REGION: usize = 1 << LOG_REGION;

/// Where the generations are. A copy in a local variable spares the loads through a reference to the heap.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    start: usize,
    young_bytes: usize,
    limit_bytes: usize,
}

impl Bounds {
    /// Whether `address` lies in the young generation.
    #[inline]
    pub fn is_young(self, address: usize) -> bool {
        address.wrapping_sub(self.start) < self.young_bytes
    }

    /// Whether `oop` refers to a young object.
    #[inline]
    pub fn is_young_pointer(self, oop: Oop) -> bool {
        oop.is_pointer() && self.is_young(oop.address())
    }

    /// Whether `address` lies inside the heap.
    #[inline]
    pub fn contains(self, address: usize) -> bool {
        address.wrapping_sub(self.start) < self.limit_bytes
    }
}

impl Heap {
    /// Reserves a heap that holds nothing but nil.
    ///
    /// # Errors
    /// [`HeapError::BadConfig`] and [`HeapError::Reserve`].
    pub fn new(config: HeapConfig) -> Result<Heap, HeapError> {
        let config = config.checked()?;
        let arena = Arena::reserve(config.limit_bytes, config.huge_pages)?;
        let side = SideTables::reserve(arena.start()..arena.end())?;
        let eden = arena.start()..arena.start() + config.eden_bytes;
        let first = eden.end..eden.end + config.survivor_bytes;
        let second = first.end..first.end + config.survivor_bytes;
        let old_start = second.end;
        let nil_header = Header::new(ClassIndex::UNDEFINED, Format::FIXED, 0).with(HeaderFlags::PINNED);
        // SAFETY: the arena is fresh and the old space starts with enough room, by `HeapConfig::checked`.
        let nil = unsafe { write_header(old_start, nil_header, 0) };
        // Where an object-table entry has its body, nil has itself, so that accesses through entries need no test for it.
        nil.set_slot_raw(0, nil.oop());
        let nil = nil.oop();
        let heap = Heap {
            eden: Space(BumpRegion::new(eden.start, eden.end)),
            old: Space(BumpRegion::new(old_start + object_bytes(0), arena.end())),
            side,
            classes: ClassTable::default(),
            forwarders: ForwarderCount::default(),
            active_half: AtomicUsize::new(0),
            survivor_top: AtomicUsize::new(first.start),
            survivors: [first, second],
            old_high_water: AtomicUsize::new(old_start),
            next_hash: AtomicU32::new(config.hash_seed as u32 ^ (config.hash_seed >> 32) as u32),
            nil,
            bounds: Bounds {
                start: arena.start(),
                young_bytes: config.young_bytes(),
                limit_bytes: config.limit_bytes,
            },
            arena,
            config,
        };
        heap.note_special(nil.address());
        // The young generation is empty.
        // SAFETY: nobody else knows the heap yet.
        let _ = unsafe { heap.reserve_tenure_room(0) };
        Ok(heap)
    }

    /// The heap's configuration, sizes rounded to regions.
    pub fn config(&self) -> &HeapConfig {
        &self.config
    }

    /// The object that fresh slots refer to. It is pinned and never collected.
    #[inline]
    pub fn nil(&self) -> Oop {
        self.nil
    }

    /// Where the generations are, as a value.
    #[inline]
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Whether `address` lies in the young generation.
    #[inline]
    pub fn is_young(&self, address: usize) -> bool {
        self.bounds.is_young(address)
    }

    /// Whether `oop` refers to a young object.
    #[inline]
    pub fn is_young_pointer(&self, oop: Oop) -> bool {
        self.bounds.is_young_pointer(oop)
    }

    /// Whether `address` lies inside the heap.
    #[inline]
    pub fn contains(&self, address: usize) -> bool {
        self.bounds.contains(address)
    }

    /// The first address of the heap.
    #[inline]
    pub fn start(&self) -> usize {
        self.arena.start()
    }

    /// The young generation's address range.
    pub fn young_range(&self) -> Range<usize> {
        self.arena.start()..self.old_start()
    }

    /// The first address of the old generation, where nil stands.
    #[inline]
    pub fn old_start(&self) -> usize {
        self.survivors[1].end
    }

    /// The last address that old objects may ever reach.
    pub fn old_limit(&self) -> usize {
        self.arena.end()
    }

    /// The old generation's used range.
    pub fn old_range(&self) -> Range<usize> {
        self.old_start()..self.old.top()
    }

    /// The used part of the survivor half that holds objects.
    pub fn survivor_range(&self) -> Range<usize> {
        self.survivors[self.active_half.load(Relaxed)].start..self.survivor_top.load(Relaxed)
    }

    /// The survivor half that is empty between collections.
    pub fn empty_half(&self) -> Range<usize> {
        self.survivors[1 - self.active_half.load(Relaxed)].clone()
    }

    /// Makes the empty half, filled up to `top`, the one that holds objects. For the collector.
    ///
    /// # Safety
    /// All mutators stand still; the half is filled with objects up to `top`, and the other holds none that is live.
    pub unsafe fn flip_survivors(&self, top: usize) {
        let half = 1 - self.active_half.load(Relaxed);
        debug_assert!(self.survivors[half].start <= top && top <= self.survivors[half].end);
        self.active_half.store(half, Relaxed);
        self.survivor_top.store(top, Relaxed);
    }

    /// The used parts of all spaces, in address order.
    pub fn used_ranges(&self) -> [Range<usize>; 3] {
        [self.eden_range(), self.survivor_range(), self.old_range()]
    }

    /// The part of eden that was handed out to allocation buffers.
    pub fn eden_range(&self) -> Range<usize> {
        self.arena.start()..self.eden.top()
    }

    /// Bytes in use: eden, survivors and old.
    pub fn used_bytes(&self) -> usize {
        self.used_ranges().into_iter().map(|range| range.len()).sum()
    }

    /// Ends the old generation at `top`: nothing above is in use.
    ///
    /// # Safety
    /// All mutators stand still, and the space is walkable up to `top`.
    pub unsafe fn set_old_top(&self, top: usize) {
        self.old.reset(top, self.old_limit());
    }

    /// Opens the reserve to the collector's tenuring.
    ///
    /// # Safety
    /// All mutators stand still until [`reserve_tenure_room`](Self::reserve_tenure_room).
    pub unsafe fn open_tenure_room(&self) {
        self.old.reset(self.old.top(), self.old_limit());
    }

    /// Closes the reserve again and makes eden as large as what can still be tenured, so that [tenure-room] holds.
    /// Called with eden empty, at the end of a collection. False if there is not even room for the survivors: then the
    /// collection goes on until the young generation is empty.
    ///
    /// The reserve is what a scavenge may tenure (eden and a survivor half, see [`tenured_bytes`]), and twice
    /// `slack_bytes`, what parallel workers may leave unused at the end of one: a scavenge and the full collection that
    /// it may lead to each use it up once.
    ///
    /// # Safety
    /// All mutators stand still, and no live object is in eden.
    #[must_use = "[tenure-room] may not hold"]
    pub unsafe fn reserve_tenure_room(&self, slack_bytes: usize) -> bool {
        let top = self.old.top();
        let room = (self.old_limit() - top).saturating_sub(2 * slack_bytes);
        let half = self.config.survivor_bytes;
        let mut eden = self.config.eden_bytes.min((room / 8 * 7).saturating_sub(half) & !7);
        if eden < self.config.eden_bytes / LEAST_EDEN {
            // Out of memory a little earlier, rather than a collection for every few objects.
            eden = 0;
        }
        let reserve = tenured_bytes(eden + half) + 2 * slack_bytes;
        self.old.reset(top, top.max(self.old_limit().saturating_sub(reserve)));
        self.eden.reset(self.arena.start(), self.arena.start() + eden);
        self.note_old_top(top);
        let survivors = self.survivor_range().len();
        survivors == 0 || tenured_bytes(survivors) <= room
    }

    /// Gives back the memory of the old generation above its top. Called by a full collection.
    ///
    /// # Safety
    /// All mutators stand still, and no object lies above the top.
    pub unsafe fn release_above_top(&self) {
        let top = self.old.top();
        let high = self.old_high_water.swap(top, Relaxed).max(top);
        // SAFETY: the caller's promise.
        unsafe {
            self.arena.release(top..high.next_multiple_of(crate::arena::HUGE_PAGE).min(self.arena.end()))
        };
    }

    /// Covers unused old memory with free chunks, one for each region that it touches.
    ///
    /// # Safety
    /// As for [`fill_free`].
    pub unsafe fn fill_old(&self, start: usize, end: usize) {
        let mut from = start;
        while from < end {
            let to = end.min((from | (REGION - 1)) + 1);
            // SAFETY: the caller's promise. Regions and words divide evenly, so that no chunk is cut.
            unsafe { fill_free(from, to) };
            if to < end {
                // No object crosses here, whatever did before.
                // SAFETY: inside the heap; [crossings] of the chunks.
                unsafe { self.side.crossings.at(to) }.store(0, Relaxed);
            }
            from = to;
        }
    }

    /// Records that old memory was in use up to `top`, so that it is given back once it is free.
    pub fn note_old_top(&self, top: usize) {
        // [MM-stopped]: read inside stops only.
        self.old_high_water.fetch_max(top, Relaxed);
    }

    /// Commits memory for `bytes` of the old generation that begin `offset` above its top, before anything is put there: a page that is
    /// touched for the first time costs more than what is written into it. What stays unused is given back by the next full collection.
    pub fn commit_old(&self, offset: usize, bytes: usize) {
        let region = self.old.top()..self.old.end();
        let start = region.start.saturating_add(offset).min(region.end);
        let end = start.saturating_add(bytes).min(region.end);
        self.note_old_top(end);
        self.arena.commit(start..end);
    }

    /// Records that the object at `address` is pinned, immutable or a class ([`RegionFlags::SPECIAL`]).
    #[inline]
    pub fn note_special(&self, address: usize) {
        // SAFETY: the flag may be set where it need not.
        unsafe { self.side.flag_region(address, RegionFlags::SPECIAL) };
    }

    /// Where the sequence of identity hashes stands.
    pub(crate) fn hash_state(&self) -> u32 {
        self.next_hash.load(Relaxed)
    }

    /// Goes on with the sequence of identity hashes of another heap.
    pub(crate) fn set_hash_state(&self, state: u32) {
        self.next_hash.store(state, Relaxed);
    }

    /// The object's identity hash, assigned now if it has none. Mutators may race for it: one hash wins.
    ///
    /// # Safety
    /// `object` is a live object of this heap and no forwarder.
    pub unsafe fn identity_hash(&self, object: Obj) -> IdentityHash {
        let cell = object.header_cell();
        let mut seen = cell.load(Relaxed);
        loop {
            let header = Header::from_bits(seen);
            if header.hash() != IdentityHash::NONE {
                return header.hash();
            }
            // A Weyl sequence, multiplied so that neighbours differ in the high bits as well.
            let step = self.next_hash.fetch_add(0x9E37_79B9, Relaxed);
            let hash = IdentityHash::new((step ^ step >> 15).wrapping_mul(0x2C1B_3C6D) >> 10);
            match cell.compare_exchange_weak(seen, header.with_hash(hash).bits(), Relaxed, Relaxed) {
                // [MM-header]: the hash publishes nothing but itself, and no other field is lost.
                Ok(_) => return hash,
                // Another mutator changed the header (a hash or a flag): look again.
                Err(now) => seen = now,
            }
        }
    }
}

/// What tenuring `bytes` takes at most. A copy buffer is given up when an object of up to an eighth of it does not fit
/// into its rest, so that seven eighths are used.
pub const fn tenured_bytes(bytes: usize) -> usize {
    bytes.div_ceil(7) * 8
}

impl std::fmt::Debug for Heap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heap")
            .field("eden", &self.eden_range())
            .field("survivors", &self.survivor_range())
            .field("old", &self.old_range())
            .field("limit", &self.config.limit_bytes)
            .finish()
    }
}
