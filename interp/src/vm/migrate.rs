//! Instances of a class in their next shape, at memory speed: what a slot map says, the runtime does (gDSU 4.5).

#![allow(unsafe_code)]

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use instar_gc::{Collection, Pause};
use instar_heap::memory::resolve;
use instar_heap::{ClassIndex, ClassSpec, Format, HeapError, Obj, Oop};

use super::Space;

/// Where one new slot comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// This slot of the old instance.
    Slot(usize),
    /// The same for all.
    Value(Oop),
}

/// What instances of one kind become.
#[derive(Debug)]
pub(crate) struct Target {
    pub class: ClassIndex,
    pub spec: ClassSpec,
    /// One for each named slot.
    pub sources: Vec<Source>,
}

/// A part of two Arrays: old instances of one class, and where the new ones go.
///
/// [migration-checked] The Arrays have these elements; the old ones are no forwarders and of one class, which has the slots that the sources
/// name; each target is in the class table, with as many sources as named slots, and is indexable if the old class is.
#[derive(Debug)]
pub(crate) struct Migration {
    pub old: Obj,
    pub new: Obj,
    pub range: std::ops::Range<usize>,
    pub old_spec: ClassSpec,
    /// One, or two: then the second is for instances in which slot `chooser` is nil.
    pub targets: Vec<Target>,
    pub chooser: Option<usize>,
}

/// Instances that a worker claims at once.
const CHUNK: usize = 4096;
/// How far ahead instances are fetched.
const AHEAD: usize = 16;

impl Space {
    /// Makes room in the old generation for so many more bytes, as far as a collection can.
    pub(crate) fn prepare_bulk(&mut self, bytes: usize) {
        let heap = self.mutator.heap();
        let left = heap.old_limit() - heap.old_range().end;
        if left < bytes {
            self.mutator.collect(Collection::Compacting);
        }
    }

    /// Makes the new instances.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`]; some elements of the new Array may be set then.
    ///
    /// # Safety
    /// [migration-checked], since the last safepoint.
    pub(crate) unsafe fn migrate(&mut self, migration: &Migration) -> Result<(), HeapError> {
        let pause = self.mutator.stop_world();
        let next = AtomicUsize::new(migration.range.start);
        let failure = Mutex::new(None);
        let work = |_: usize| {
            let claim = || next.fetch_add(CHUNK, Ordering::Relaxed);
            // SAFETY: the caller's promise; each index is claimed once.
            if let Err(error) = unsafe { migrate_chunks(&pause, migration, claim) } {
                next.store(migration.range.end, Ordering::Relaxed);
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        };
        if migration.range.len() <= CHUNK {
            work(0);
        } else {
            pause.world().workers().run(&work);
        }
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

/// One worker's share.
///
/// # Safety
/// As for [`Space::migrate`], inside its stop; `claim` gives each index out once.
unsafe fn migrate_chunks(
    pause: &Pause<'_>,
    migration: &Migration,
    claim: impl Fn() -> usize,
) -> Result<(), HeapError> {
    let mut buffer = pause.bulk_buffer();
    let end = migration.range.end;
    let nil = pause.world().heap().nil();
    loop {
        let first = claim();
        if first >= end {
            return Ok(());
        }
        for index in first..end.min(first + CHUNK) {
            prefetch(migration.old.slot((index + AHEAD).min(end - 1)));
            // SAFETY: [migration-checked]
            unsafe {
                let old = Obj::from_oop(migration.old.slot(index));
                let is_second = migration.chooser.is_some_and(|slot| resolve(old.slot(slot)) == nil);
                let target = &migration.targets[usize::from(is_second)];
                let new = copy_into(pause, &mut buffer, old, migration.old_spec, target)?;
                migration.new.set_slot_raw(index, new.oop());
            }
        }
    }
}

fn prefetch(oop: Oop) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address is harmless.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(oop.address() as *const i8);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = oop;
}

/// # Safety
/// As for [`migrate_chunks`]; `old` is an instance as the migration says.
#[inline(always)]
unsafe fn copy_into(
    pause: &Pause<'_>,
    buffer: &mut instar_gc::bulk::BulkBuffer<'_>,
    old: Obj,
    old_spec: ClassSpec,
    target: &Target,
) -> Result<Obj, HeapError> {
    let header = old.header();
    let named = old_spec.fixed_slots as usize;
    let elements = if old_spec.format.is_bytes() {
        old.byte_length()
    } else if old_spec.format.is_indexable() {
        old.slots_of(header) - named
    } else {
        0
    };
    let shape = target.spec.shape(target.class, elements)?;
    // SAFETY: the caller's promise; all slots are written below.
    unsafe {
        let new = buffer.allocate(shape)?;
        if !target.spec.format.has_pointers() {
            for slot in 0..shape.slots {
                new.set_slot_raw(slot, old.slot(slot));
            }
            return Ok(new);
        }
        for (slot, source) in target.sources.iter().enumerate() {
            let value = match *source {
                Source::Slot(from) => old.slot(from),
                Source::Value(value) => value,
            };
            new.set_slot_raw(slot, value);
            pause.remember_store(new, slot, value);
        }
        for element in 0..elements {
            let value = old.slot(named + element);
            new.set_slot_raw(target.sources.len() + element, value);
            pause.remember_store(new, target.sources.len() + element, value);
        }
        Ok(new)
    }
}

/// Whether all these elements are objects of one class, and none a forwarder.
pub(crate) fn are_all(array: Obj, range: std::ops::Range<usize>, class: ClassIndex) -> bool {
    range.into_iter().all(|index| {
        prefetch(array.slot((index + AHEAD).min(array.slots() - 1)));
        let oop = array.slot(index);
        // SAFETY: the elements of a live Array are immediates or refer to live objects or forwarders.
        oop.is_pointer() && unsafe { Obj::from_oop(oop) }.header().is_instance_of(class)
    })
}

/// Whether instances of such a class are migrated here: those with weak slots are not.
pub(crate) fn is_plain(spec: ClassSpec) -> bool {
    spec.format.is_strong() || !spec.format.has_pointers() || spec.format == Format::FIXED
}
