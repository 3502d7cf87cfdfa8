//! One scavenging thread: copies what it reaches, scans what it copied, steals when it has nothing left.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam::deque::Worker as Deque;
use instar_heap::heap::Bounds;
use instar_heap::memory::resolve;
use instar_heap::object::WORD;
use instar_heap::sync::Sound;
use instar_heap::walk::walk;
use instar_heap::{Format, Header, HeaderFlags, Obj, Oop, slot};

use super::buffer::{CopyBuffer, Room, SMALL_BYTES, is_separate};
use super::{Piece, ScanRange, Scavenge, is_reference};
use crate::evacuation::{not_yet_copied, publish_copy};
use crate::remembered::remember;

/// `PARALLEL` is whether other workers race for the same objects.
pub(super) struct Worker<'s, const PARALLEL: bool> {
    pub(super) shared: &'s Scavenge<'s>,
    bounds: Bounds,
    /// Start and length of the survivor half that is being filled.
    to_start: usize,
    to_bytes: usize,
    /// Objects of this age are tenured; falls to 0 when the survivor half is full.
    tenure_age: u32,
    deque: Deque<Piece>,
    survivors: CopyBuffer<'s>,
    tenured: CopyBuffer<'s>,
    remembered: Vec<Obj>,
    pub(super) weak: Vec<Obj>,
    pub(super) ephemerons: Vec<Obj>,
    healed: u64,
}

impl<'s, const PARALLEL: bool> Worker<'s, PARALLEL> {
    pub(super) fn new(shared: &'s Scavenge<'s>, deque: Deque<Piece>) -> Self {
        Worker {
            shared,
            bounds: shared.heap.bounds(),
            to_start: shared.to_start(),
            to_bytes: shared.heap.config().survivor_bytes,
            tenure_age: shared.tenure_age,
            deque,
            survivors: CopyBuffer::new(shared.heap, &shared.survivors),
            // SAFETY: the buffer is filled with copies, and its rest with a free chunk.
            tenured: CopyBuffer::new(shared.heap, unsafe { shared.heap.old.region() }),
            remembered: Vec::new(),
            weak: Vec::new(),
            ephemerons: Vec::new(),
            healed: 0,
        }
    }

    /// Works until all workers have nothing left.
    pub(super) fn run(&mut self) {
        let _end = self.shared.termination.end_on_panic();
        loop {
            self.scan_copies();
            if let Some(chunk) = self.shared.claim_remembered() {
                chunk.iter().for_each(|&object| self.scan_remembered(object));
            } else if let Some(piece) = self.shared.steal() {
                self.scan_piece(piece);
            } else if self.shared.termination.offer(|| self.shared.has_work()) {
                return;
            }
        }
    }

    /// Scans all that this worker copied and that nobody stole.
    pub(super) fn scan_copies(&mut self) {
        loop {
            if let Some(range) = self.survivors.take_unscanned() {
                self.scan_range::<true>(range);
            } else if let Some(range) = self.tenured.take_unscanned() {
                self.scan_range::<false>(range);
            } else if let Some(piece) = self.deque.pop() {
                self.scan_piece(piece);
            } else {
                return;
            }
        }
    }

    fn scan_piece(&mut self, piece: Piece) {
        match piece {
            Piece::Copies(range) if self.bounds.is_young(range.start) => self.scan_range::<true>(range),
            Piece::Copies(range) => self.scan_range::<false>(range),
            Piece::Cards(object, range) => self.scan_cards(object, range),
        }
    }

    fn scan_range<const YOUNG: bool>(&mut self, range: ScanRange) {
        // SAFETY: copies stand without gaps in a range to be scanned, and stay as they are but for their slots.
        unsafe { walk(range, |object, header| self.scan::<YOUNG>(object, header)) };
    }

    /// Updates the slots of a copied object. An old one that still refers to young ones is remembered.
    #[inline]
    fn scan<const YOUNG: bool>(&mut self, object: Obj, header: Header) {
        let format = header.format();
        if format.is_strong() && !header.has_overflow() {
            let mut any_young = false;
            for index in 0..header.slot_field() as usize {
                any_young |= self.update(object.slot_cell(index));
            }
            if !YOUNG && any_young {
                self.remember(object);
            }
        } else if format.is_strong() {
            self.scan_strong::<YOUNG>(object, header);
        } else if format == Format::WEAK {
            self.weak.push(object);
        } else if format == Format::EPHEMERON {
            self.ephemerons.push(object);
        }
    }

    /// As [`scan`](Self::scan), whatever the format.
    pub(super) fn scan_strong<const YOUNG: bool>(&mut self, object: Obj, header: Header) {
        let mut any_young = false;
        for index in 0..object.pointer_slots_of(header) {
            let cell = object.slot_cell(index);
            let is_young = self.update(cell);
            if !YOUNG && is_young {
                any_young = true;
                if header.has_overflow() {
                    // SAFETY: a slot of an object in the heap, which is remembered below.
                    unsafe { self.shared.heap.side.cards.at(cell.as_ptr() as usize) }.store(1, Relaxed);
                }
            }
        }
        if any_young {
            self.remember(object);
        }
    }

    fn scan_remembered(&mut self, object: Obj) {
        object.clear_flags(HeaderFlags::REMEMBERED);
        let header = object.header();
        if header.has_overflow() && header.format().is_strong() {
            self.share_cards(object, header);
        } else if header.is_forwarder() {
            self.scan_strong::<false>(object, header);
        } else {
            self.scan::<false>(object, header);
        }
    }

    /// Cuts a large remembered object into pieces, for all workers.
    fn share_cards(&mut self, object: Obj, header: Header) {
        let end = object.end_of(header);
        let mut start = object.address() + WORD;
        while start < end {
            let next = ((start | (PIECE_BYTES - 1)) + 1).min(end);
            self.deque.push(Piece::Cards(object, start..next));
            start = next;
        }
    }

    /// Scans the marked cards of a piece of a large remembered object.
    ///
    /// The object's first and last card may belong to a neighbour too, which another worker may be scanning. They are
    /// scanned whether they are marked or not, and never cleared: the mark may be the neighbour's.
    fn scan_cards(&mut self, object: Obj, piece: ScanRange) {
        let header = object.header();
        let (object_start, object_end) = (object.start_of(header), object.end_of(header));
        let cards = &self.shared.heap.side.cards;
        let mut any_young = false;
        let mut start = piece.start;
        while start < piece.end {
            // SAFETY: a slot of an object in the heap; the card is kept in step with the slots under it.
            let card = unsafe { cards.at(start) };
            let card_start = start & !(CARD_BYTES - 1);
            let next = (card_start + CARD_BYTES).min(piece.end);
            let is_shared = card_start < object_start || card_start + CARD_BYTES > object_end;
            if is_shared || card.load(Relaxed) != 0 {
                let mut young_card = false;
                let first = (start - object.address()) / WORD - 1;
                for index in first..first + (next - start) / WORD {
                    young_card |= self.update(object.slot_cell(index));
                }
                if young_card {
                    card.store(1, Relaxed);
                    any_young = true;
                } else if !is_shared {
                    card.store(0, Relaxed);
                }
                self.scan_fresh_copies();
            }
            start = next;
        }
        if any_young {
            self.remember(object);
        }
    }

    /// Scans what was just copied, while it is in the cache.
    fn scan_fresh_copies(&mut self) {
        if let Some(range) = self.survivors.take_unscanned() {
            self.scan_range::<true>(range);
        }
        if let Some(range) = self.tenured.take_unscanned() {
            self.scan_range::<false>(range);
        }
    }

    pub(super) fn remember(&mut self, object: Obj) {
        if remember::<Sound, _>(object.header_cell()) {
            self.remembered.push(object);
        }
    }

    #[inline]
    pub(super) fn is_young_pointer(&self, oop: Oop) -> bool {
        self.bounds.is_young_pointer(oop)
    }

    /// Replaces a reference to a from-space object by one to its copy. Whether the slot then refers to a young object.
    #[inline(always)]
    pub(super) fn update(&mut self, cell: &AtomicU64) -> bool {
        let oop = Oop::from_bits(cell.load(Relaxed));
        if !self.bounds.is_young_pointer(oop) {
            return false;
        }
        let Some(copy) = self.copy_ordinary(oop) else { return self.update_any(cell, oop) };
        // [MM-evacuate]: as in `update_any`.
        slot::store::<Sound, _>(cell, copy);
        true
    }

    /// As [`update`](Self::update), whatever `oop` in the cell refers to.
    #[inline(never)]
    fn update_any(&mut self, cell: &AtomicU64, oop: Oop) -> bool {
        let new = self.evacuate(oop);
        // [MM-evacuate]: if this is a remembered forwarder's slot, another worker may follow it at once.
        slot::store::<Sound, _>(cell, new);
        self.bounds.is_young_pointer(new)
    }

    pub(super) fn forward_root(&mut self, root: Oop) -> Oop {
        let is_young = is_reference(root) && self.shared.heap.is_young(root.address());
        if is_young { self.evacuate(root) } else { root }
    }

    #[inline]
    fn is_copy(&self, oop: Oop) -> bool {
        oop.address().wrapping_sub(self.to_start) < self.to_bytes
    }

    /// Copies an ordinary small object that stays young: what a scavenge mostly does, in as few instructions as it takes.
    /// `None` for everything else, and for an object that was copied already.
    #[inline(always)]
    fn copy_ordinary(&mut self, oop: Oop) -> Option<Oop> {
        if self.is_copy(oop) {
            return None;
        }
        // SAFETY: as in `evacuate`.
        let object = unsafe { Obj::from_oop(oop) };
        let header = not_yet_copied::<Sound, _>(object.header_cell()).ok()?;
        if header.ordinary_age() >= u64::from(self.tenure_age) {
            return None;
        }
        // Constant sizes: no loop, and the next copy's place does not wait for this header.
        match header.slot_field() {
            1 => self.copy_slots::<1>(object, header),
            2 => self.copy_slots::<2>(object, header),
            3 => self.copy_slots::<3>(object, header),
            4 => self.copy_slots::<4>(object, header),
            _ => None,
        }
    }

    #[inline(always)]
    fn copy_slots<const SLOTS: usize>(&mut self, object: Obj, header: Header) -> Option<Oop> {
        let room = self.survivors.take_small(SLOTS)?;
        // SAFETY: the room is this worker's, and as large as the object. Bodies do not change during a scavenge.
        let may_refer_to_young = unsafe { copy_body(object.address(), room, SLOTS, self.bounds) };
        // SAFETY: the copy is complete but for its header.
        let copied = unsafe { Obj::from_address(room) };
        copied.set_header(header.older());
        if self.publish(object, header, copied).is_err() {
            self.survivors.take_back_to(room);
            return None;
        }
        if !may_refer_to_young {
            self.survivors.skip_scan(room);
        }
        Some(copied.oop())
    }

    /// The copy of a young object, made now if there is none. An object that was copied already is its own copy.
    #[inline]
    fn evacuate(&mut self, oop: Oop) -> Oop {
        debug_assert!(self.bounds.is_young_pointer(oop));
        if self.is_copy(oop) {
            return oop;
        }
        // SAFETY: `oop` was read from a live slot or root and refers to an object in from-space, where only headers
        // change during a scavenge.
        let object = unsafe { Obj::from_oop(oop) };
        match not_yet_copied::<Sound, _>(object.header_cell()) {
            Ok(header) if header.is_forwarder() => self.evacuate_target(oop),
            Ok(header) => self.copy(object, header),
            Err(new) => new,
        }
    }

    #[cold]
    fn evacuate_target(&mut self, forwarder: Oop) -> Oop {
        self.healed += 1;
        // SAFETY: a live reference leads to a live chain.
        let target = unsafe { resolve(forwarder) };
        let is_young = self.shared.heap.is_young_pointer(target);
        if is_young { self.evacuate(target) } else { target }
    }

    /// Copies an object: most are small and find room in the buffer at hand.
    ///
    /// A branch chooses the buffer: a conditional move would make each copy's place depend on the load of the header.
    #[inline]
    fn copy(&mut self, object: Obj, header: Header) -> Oop {
        if header.age() < self.tenure_age {
            self.copy_small::<true>(object, header)
        } else {
            self.copy_small::<false>(object, header)
        }
    }

    #[inline]
    fn copy_small<const SURVIVES: bool>(&mut self, object: Obj, header: Header) -> Oop {
        let slots = header.slot_field() as usize;
        let buffer = if SURVIVES { &mut self.survivors } else { &mut self.tenured };
        let Some(room) = buffer.take_small(slots) else { return self.copy_any(object, header) };
        // SAFETY: the room is this worker's, and as large as the object. Bodies do not change during a scavenge.
        let may_refer_to_young = unsafe { copy_body(object.address(), room, slots, self.bounds) };
        // SAFETY: the copy is complete but for its header.
        let copied = unsafe { Obj::from_address(room) };
        copied.set_header(header.with_age(if SURVIVES { header.age() + 1 } else { 0 }));
        if let Err(winner) = self.publish(object, header, copied) {
            let buffer = if SURVIVES { &mut self.survivors } else { &mut self.tenured };
            buffer.take_back_to(room);
            return winner;
        }
        if !may_refer_to_young && header.format().is_strong() {
            let buffer = if SURVIVES { &mut self.survivors } else { &mut self.tenured };
            buffer.skip_scan(room);
        }
        self.note_copy(header, copied, room, SURVIVES, WORD + slots * WORD);
        copied.oop()
    }

    /// Copies an object of any size.
    ///
    /// [one-room] One too large for a buffer is copied under a lock: a race that was lost would waste up to 64 KiB that
    /// [tenure-room] does not reckon with. Room in a buffer is taken back instead.
    #[cold]
    #[inline(never)]
    fn copy_any(&mut self, object: Obj, header: Header) -> Oop {
        if !PARALLEL || !is_separate::<PARALLEL>(object.end_of(header) - object.start_of(header)) {
            return self.copy_wherever(object, header);
        }
        let locks = &self.shared.copy_locks;
        locks.copy_once::<Sound, _>(object.oop(), object.header_cell(), |header| {
            self.copy_wherever(object, header)
        })
    }

    /// Copies an object to wherever there is room.
    fn copy_wherever(&mut self, object: Obj, header: Header) -> Oop {
        let (start, end) = (object.start_of(header), object.end_of(header));
        let bytes = end - start;
        let deque = &self.deque;
        let mut survives = header.age() < self.tenure_age;
        let mut room = None;
        if survives {
            room = self.survivors.allocate::<PARALLEL>(bytes, |range| deque.push(Piece::Copies(range)));
            survives = room.is_some();
            if !survives && bytes <= SMALL_BYTES {
                // The half is full: the rest is tenured without asking again.
                self.tenure_age = 0;
            }
        }
        let room = room
            .or_else(|| self.tenured.allocate::<PARALLEL>(bytes, |range| deque.push(Piece::Copies(range))));
        let Some(room) = room else { unreachable!("[tenure-room]: no room to tenure {bytes} bytes") };
        let copy = room.start() + (object.address() - start);
        // SAFETY: source and room are both `bytes` long and distinct. The header's cell is skipped: other workers may
        // be exchanging it.
        unsafe {
            if start != object.address() {
                (room.start() as *mut u64).write((start as *const u64).read());
            }
            let body_words = (end - object.address()) / WORD - 1;
            std::ptr::copy_nonoverlapping(
                (object.address() as *const u64).add(1),
                (copy as *mut u64).add(1),
                body_words,
            );
        }
        // SAFETY: the copy is complete but for its header.
        let copied = unsafe { Obj::from_address(copy) };
        copied.set_header(header.with_age(if survives { header.age() + 1 } else { 0 }));
        if let Err(winner) = self.publish(object, header, copied) {
            let buffer = if survives { &mut self.survivors } else { &mut self.tenured };
            buffer.take_back(&room);
            return winner;
        }
        self.note_copy(header, copied, room.start(), survives, bytes);
        if let Room::Separate(first) = room {
            self.deque.push(Piece::Copies(first..first + bytes));
        }
        copied.oop()
    }

    /// Leaves the new address behind, unless another worker's copy came first.
    #[inline]
    fn publish(&self, object: Obj, header: Header, copied: Obj) -> Result<(), Oop> {
        if PARALLEL {
            return publish_copy::<Sound, _>(object.header_cell(), header, copied.oop());
        }
        object.set_header(Header::evacuated_to(copied.oop()));
        Ok(())
    }

    #[inline]
    fn note_copy(&self, header: Header, copied: Obj, start: usize, survives: bool, bytes: usize) {
        if !survives {
            // SAFETY: the copy is there to stay.
            unsafe { self.shared.heap.side.note_crossing(start, start + bytes) };
        }
        if header.has_any(HeaderFlags::SPECIAL) {
            self.shared.heap.note_special(copied.address());
        }
    }

    /// Takes over the results of a worker that has ended.
    pub(super) fn absorb(&mut self, mut other: Self) {
        other.survivors.close();
        other.tenured.close();
        self.remembered.append(&mut other.remembered);
        self.weak.append(&mut other.weak);
        self.ephemerons.append(&mut other.ephemerons);
        self.healed += other.healed;
    }

    /// How many references to forwarders were replaced, and the new remembered set.
    pub(super) fn finish(mut self) -> (u64, Vec<Obj>) {
        self.survivors.close();
        self.tenured.close();
        (self.healed, self.remembered)
    }
}

const CARD_BYTES: usize = 1 << instar_heap::side::LOG_CARD;
/// Bytes of a large remembered object that are scanned in one go: whole cards.
const PIECE_BYTES: usize = 128 * CARD_BYTES;

/// Copies the slots of a small object. Whether any of them may refer to a young one: the words are at hand, and an
/// object without such a slot need not be scanned. Raw data may look as if it did.
///
/// # Safety
/// Both have so many slots and do not overlap; `to` is the caller's.
#[inline(always)]
unsafe fn copy_body(from: usize, to: usize, slots: usize, bounds: Bounds) -> bool {
    let mut may_refer_to_young = false;
    for index in 1..=slots {
        // SAFETY: the caller's promise.
        let word = unsafe { (from as *const u64).add(index).read() };
        may_refer_to_young |= bounds.is_young(word as usize);
        // SAFETY: as above.
        unsafe { (to as *mut u64).add(index).write(word) };
    }
    may_refer_to_young
}
