//! Replacing references to forwarders everywhere at once: what become costs without lazy forwarders, and what an
//! incremental healer does in pieces.
//!
//! The work is cut into regions, which workers claim. A region is first read as plain words, at memory speed, for
//! anything that may be a reference into the address window of the forwarders; only where there is such a word are the
//! objects visited.

#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use instar_gc::Pause;
use instar_heap::memory::resolve;
use instar_heap::object::WORD;
use instar_heap::side::{LOG_REGION, RegionFlags};
use instar_heap::walk::walk;
use instar_heap::{Heap, Obj, Oop};

const REGION: usize = 1 << LOG_REGION;
/// Words that are looked at between two decisions whether to go on reading: a multiple of the vector width.
const STRIDE_WORDS: usize = 512;

/// Replaces every reference to a forwarder in the heap and the class table by its target. Returns how many there were.
///
/// `window` encloses the addresses of all forwarders that may be referred to. Roots are not visited.
pub(crate) fn heal_heap(pause: &mut Pause<'_>, window: Range<usize>) -> u64 {
    let heap = pause.world().heap();
    let healed = heal_pieces(pause, window, |index| piece(heap, index));
    // SAFETY: the world is stopped; what replaces a class was given the flag.
    unsafe { heap.classes.visit(|_, class| *class = healed_root(*class)) };
    healed
}

/// Replaces references to forwarders in the objects that start in these old regions.
pub(crate) fn heal_old(pause: &mut Pause<'_>, regions: Range<usize>) -> u64 {
    let heap = pause.world().heap();
    let window = heap.start()..heap.old.top();
    heal_pieces(pause, window, |index| {
        let region = regions.start + index * REGION;
        if region < regions.end { old_piece(heap, region) } else { None }
    })
}

fn heal_pieces(
    pause: &mut Pause<'_>,
    window: Range<usize>,
    piece: impl Fn(usize) -> Option<Range<usize>> + Sync,
) -> u64 {
    pause.retire_buffers();
    let heap = pause.world().heap();
    let next = AtomicUsize::new(0);
    let healed = AtomicU64::new(0);
    let pause: &Pause<'_> = pause;
    pause.world().workers().run(&|_| {
        let mut scan = Scan { heap, pause, window: window.clone(), healed: 0 };
        while let Some(piece) = piece(next.fetch_add(1, Relaxed)) {
            // SAFETY: the world is stopped, and a piece begins and ends where objects do.
            unsafe { scan.piece(piece) };
        }
        healed.fetch_add(scan.healed, Relaxed);
    });
    healed.into_inner()
}

/// A root cell's reference with forwarders followed.
#[inline]
pub(crate) fn healed_root(root: Oop) -> Oop {
    if !root.is_pointer() || root == Oop::NULL {
        return root;
    }
    // SAFETY: a root refers to a live object.
    unsafe { resolve(root) }
}

/// Piece `index` of the used parts of the heap: the young spaces whole, then the old regions.
fn piece(heap: &Heap, index: usize) -> Option<Range<usize>> {
    let [eden, survivors, old] = heap.used_ranges();
    match index {
        0 => Some(eden),
        1 => Some(survivors),
        _ => old_piece(heap, old.start + (index - 2) * REGION),
    }
}

/// The objects that start in the old region at `region`; `None` behind the last. An object that crosses whole regions
/// belongs to the one where it starts: the piece of such a region is empty.
fn old_piece(heap: &Heap, region: usize) -> Option<Range<usize>> {
    let top = heap.old.top();
    if region >= top {
        return None;
    }
    let next = if region + REGION < top { heap.side.first_object_in(region + REGION) } else { top };
    let next = next.min(top);
    Some(heap.side.first_object_in(region).min(next)..next)
}

struct Scan<'p, 'w> {
    heap: &'w Heap,
    pause: &'p Pause<'w>,
    window: Range<usize>,
    healed: u64,
}

impl Scan<'_, '_> {
    /// # Safety
    /// The world is stopped; `piece` is walkable.
    unsafe fn piece(&mut self, piece: Range<usize>) {
        // SAFETY: the piece is heap memory that nobody writes during the stop but this worker.
        if unsafe { may_refer_to(&piece, &self.window) } {
            // SAFETY: the caller's promise.
            unsafe {
                walk(piece, |object, header| {
                    for index in 0..object.pointer_slots_of(header) {
                        self.slot(object, index);
                    }
                });
            }
        }
    }

    #[inline]
    fn slot(&mut self, holder: Obj, index: usize) {
        let value = holder.slot(index);
        let address = value.address();
        if address.wrapping_sub(self.window.start) >= self.window.len() || !value.is_pointer() {
            return;
        }
        if self.heap.side.region(address).contains(RegionFlags::FORWARDERS) {
            self.heal(holder, index, value);
        }
    }

    #[inline]
    fn heal(&mut self, holder: Obj, index: usize, value: Oop) {
        // SAFETY: dead objects' slots may be stale, but then refer to what was an object when they were live and is
        // still walkable memory: [stale-slots] nothing is freed between two full collections, and a young object's
        // memory is reused only after a scavenge that updated or dropped everything that referred to it.
        let end = unsafe { resolve(value) };
        if end != value {
            holder.set_slot_raw(index, end);
            self.healed += 1;
            self.pause.remember_store(holder, index, end);
        }
    }
}

/// Whether any word in `piece` has the bits of a reference into `window`.
///
/// # Safety
/// `piece` is initialised memory that nobody writes meanwhile.
unsafe fn may_refer_to(piece: &Range<usize>, window: &Range<usize>) -> bool {
    let (start, span) = (window.start as u64, window.len() as u64);
    // SAFETY: the caller's promise.
    let words = unsafe { std::slice::from_raw_parts(piece.start as *const u64, piece.len() / WORD) };
    words
        .chunks(STRIDE_WORDS)
        .any(|stride| stride.iter().fold(false, |found, &word| found | (word.wrapping_sub(start) < span)))
}
