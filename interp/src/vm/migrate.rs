//! Instances of a class in their next shape, at memory speed: what a slot map says, the runtime does (gDSU 4.5).

#![allow(unsafe_code)]

use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use instar_gc::Pause;
use instar_gc::bulk::BulkBuffer;
use instar_heap::memory::resolve;
use instar_heap::{ClassIndex, ClassSpec, Format, HeapError, Obj, Oop};

use super::Space;
use crate::objects::Value;

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
    pub range: Range<usize>,
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
    /// Makes the new instances.
    ///
    /// # Errors
    /// [`HeapError::OutOfMemory`]; nothing has changed then. A collection may help.
    ///
    /// # Safety
    /// [migration-checked], since the last safepoint.
    pub(crate) unsafe fn migrate(&mut self, migration: &Migration) -> Result<(), HeapError> {
        // This mutator is the only one: nothing has moved when the world stands still.
        let pause = self.mutator.stop_world();
        // SAFETY: the caller's promise.
        let (bytes, largest) = unsafe { migration.room() }?;
        pause.bulk_room(bytes, largest)?;
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
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)?;
        pause.world().note_replaced(bytes);
        Ok(())
    }
}

impl Migration {
    /// Bytes of all new instances at most, and of the largest one.
    ///
    /// # Errors
    /// [`HeapError::TooLarge`].
    ///
    /// # Safety
    /// [migration-checked], in a stop.
    unsafe fn room(&self) -> Result<(usize, usize), HeapError> {
        let bytes_of = |elements: usize| {
            self.targets.iter().try_fold(0, |most: usize, target| {
                Ok::<_, HeapError>(most.max(target.spec.shape(target.class, elements)?.bytes))
            })
        };
        if !self.old_spec.format.is_indexable() {
            let bytes = bytes_of(0)?;
            return Ok((bytes.saturating_mul(self.range.len()), bytes));
        }
        let (mut sum, mut largest) = (0_usize, 0);
        for index in self.range.clone() {
            prefetch(self.old.slot((index + AHEAD).min(self.range.end - 1)));
            // SAFETY: the caller's promise.
            let old = unsafe { Obj::from_oop(self.old.slot(index)) };
            let bytes = bytes_of(elements_of(old, self.old_spec))?;
            sum = sum.saturating_add(bytes);
            largest = largest.max(bytes);
        }
        Ok((sum, largest))
    }
}

/// How many indexable elements an instance has; bytes for byte formats.
fn elements_of(old: Obj, spec: ClassSpec) -> usize {
    if spec.format.is_bytes() {
        old.byte_length()
    } else if spec.format.is_indexable() {
        old.slots() - spec.fixed_slots as usize
    } else {
        0
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
                let new = copy_into(&mut buffer, old, migration.old_spec, target)?;
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
    buffer: &mut BulkBuffer<'_>,
    old: Obj,
    old_spec: ClassSpec,
    target: &Target,
) -> Result<Obj, HeapError> {
    let named = old_spec.fixed_slots as usize;
    let elements = elements_of(old, old_spec);
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
            buffer.remember_store(new, slot, value);
        }
        for element in 0..elements {
            let value = old.slot(named + element);
            new.set_slot_raw(target.sources.len() + element, value);
            buffer.remember_store(new, target.sources.len() + element, value);
        }
        Ok(new)
    }
}

/// Whether all these elements of an Array are objects of one class. References to forwarders are replaced on the way: afterwards the Array
/// refers to the objects themselves.
pub(crate) fn are_all(array: Value<'_>, range: Range<usize>, class: ClassIndex) -> bool {
    let Some(object) = array.object().filter(|_| range.end <= array.slots()) else { return false };
    let is_instance = |index: usize| {
        let oop = object.slot(index);
        // SAFETY: the elements of a live Array are immediates or refer to live objects or forwarders.
        oop.is_pointer() && unsafe { Obj::from_oop(oop) }.header().is_instance_of(class)
    };
    range.clone().all(|index| {
        prefetch(object.slot((index + AHEAD).min(range.end - 1)));
        // Reading it as a value heals.
        is_instance(index) || (array.slot(index).is_some() && is_instance(index))
    })
}

/// Whether instances of such a class are migrated here: those with weak slots are not.
pub(crate) fn is_plain(spec: ClassSpec) -> bool {
    spec.format.is_strong() || !spec.format.has_pointers() || spec.format == Format::FIXED
}
