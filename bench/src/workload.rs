//! The measured system: experiment E1 on the real heap. The one place where the laboratory meets it.
//!
//! A world is built as the point says: sources, targets, bystanders, and what holds the references to the sources.
//! Then the references are read (plain pass), the become is timed, and they are read again: twice, and once more after
//! a scavenge and a full collection. Every pass checks that it saw the right objects.

#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use instar_become::{
    Access, AlwaysCheck, BecomeError, FullScan, HashRule, Lazy, ObjectTable, Outcome, Strategy, allocate,
    become_forward, become_forward_all, swap, swap_all,
};
use instar_gc::{Collection, GcConfig, Mutator, Scope, World};
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, HeapConfig, HeapError, MIB, Obj, Oop, Shape};

use crate::measure::{Measure, Observation, Trial};
use crate::point::{self, Age, Holder, Kind, Point};

/// Slots of each swapped object and of each bystander: 32 bytes with the header.
const SLOTS: u16 = 3;
const OBJECT_BYTES: u64 = 32;
/// What an object-table entry adds.
const ENTRY_BYTES: u64 = 24;
/// Eden where the swapped objects are to be old.
const EDEN_BYTES: u64 = 16 * MIB as u64;
/// Small becomes are repeated on fresh pairs, and the median counts: this often at most, and about this long.
const MOST_REPETITIONS: u64 = 101;
const REPETITION_TIME: Duration = Duration::from_millis(200);
/// Pairs up to which a become is repeated.
const REPEATED_PAIRS: u64 = 1000;

/// The measurement of one become on the real heap.
#[must_use]
pub fn become_measure() -> Box<dyn Measure> {
    Box::new(BecomeMeasure)
}

struct BecomeMeasure;

impl Measure for BecomeMeasure {
    fn measure(&mut self, trial: &Trial) -> Result<Observation, String> {
        match trial.point.strategy {
            point::Strategy::Lazy => run::<Lazy>(trial),
            point::Strategy::AlwaysCheck => run::<AlwaysCheck>(trial),
            point::Strategy::FullScan => run::<FullScan>(trial),
            point::Strategy::ObjectTable => run::<ObjectTable>(trial),
        }
        .map_err(|error| error.to_string())
    }

    fn estimate_bytes(&self, point: &Point) -> u64 {
        // Side tables and the program itself on top; nothing is copied aside.
        heap_limit(point).saturating_add(heap_limit(point) / 50).saturating_add(32 * MIB as u64)
    }
}

/// Pairs that are made: those that are measured last, and those for the repetitions before.
fn repetitions(point: &Point) -> u64 {
    if point.pairs <= REPEATED_PAIRS { MOST_REPETITIONS } else { 1 }
}

fn live_bytes(point: &Point) -> u64 {
    let entry = if point.strategy == point::Strategy::ObjectTable { ENTRY_BYTES } else { 0 };
    let spare = point.pairs.saturating_mul(2 * (repetitions(point) - 1));
    let objects = point.objects().saturating_add(spare);
    // Each object also stands in an array of eight bytes an element.
    objects.saturating_mul(OBJECT_BYTES + entry + 8).saturating_add(point.pairs.saturating_mul(16))
}

fn eden_bytes(point: &Point) -> u64 {
    match point.age {
        Age::Old => EDEN_BYTES,
        Age::Young => live_bytes(point).saturating_add(EDEN_BYTES),
    }
}

fn heap_limit(point: &Point) -> u64 {
    let young = eden_bytes(point).saturating_mul(9) / 4;
    live_bytes(point)
        .saturating_mul(9)
        .saturating_div(8)
        .saturating_add(young)
        .saturating_add(64 * MIB as u64)
}

/// What can stop an observation.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Heap(#[from] HeapError),
    #[error("the become was refused: {0}")]
    Become(#[from] BecomeError),
    #[error("{pass} saw {seen} instead of {expected}: references lead to the wrong objects")]
    WrongSum { pass: &'static str, seen: i64, expected: i64 },
    #[error("this machine cannot address so many objects")]
    TooLarge,
}

fn run<S: Strategy>(trial: &Trial) -> Result<Observation, Failure> {
    let point = trial.point;
    let size = |bytes: u64| usize::try_from(bytes).map_err(|_| Failure::TooLarge);
    let heap = HeapConfig {
        limit_bytes: size(heap_limit(&point))?,
        eden_bytes: size(eden_bytes(&point))?,
        hash_seed: trial.heap_seed(),
        ..HeapConfig::default()
    };
    // No collection for growth: the heap is collected when the experiment says so.
    let config = GcConfig { first_full_bytes: heap.limit_bytes, heap, ..GcConfig::default() };
    let world = World::new(config.with_workers(point.workers as usize))?;
    world.attach().scope(|scope| {
        let mut laboratory = Laboratory::build::<S>(scope, &point)?;
        laboratory.observe::<S>(scope, &point)
    })
}

/// The objects of one observation.
struct Laboratory<'s> {
    cell: ClassIndex,
    holder_class: ClassIndex,
    /// An array of arrays: for each repetition the sources, then the targets. References lead to the last sources.
    /// One root for all: roots cost every become a little, and programs have few.
    batches: Handle<'s>,
    batch_count: usize,
    /// Array of the references themselves, or of the objects that hold one each.
    references: Handle<'s>,
    reference_count: usize,
    /// The slot of a holder in which the reference stands.
    holder_slot: Option<usize>,
}

impl<'s> Laboratory<'s> {
    fn build<S: Strategy>(scope: &mut Scope<'s>, point: &Point) -> Result<Self, Failure> {
        let size = |count: u64| usize::try_from(count).map_err(|_| Failure::TooLarge);
        let pairs = size(point.pairs)?;
        let cell = scope.define_class(ClassSpec::fixed(SLOTS), None)?;
        let arrays = scope.define_class(ClassSpec::of(Format::INDEXABLE), None)?;
        // A closure has its outer context, its method, and its copied values, of which the reference is the first.
        let closure = ClassSpec { format: Format::INDEXABLE, fixed_slots: 2 };
        let (spec, elements, holder_slot) = match point.holder {
            Holder::Array => (ClassSpec::fixed(1), 0, None),
            Holder::Field => (ClassSpec::fixed(1), 0, Some(0)),
            Holder::Closure => (closure, 1, Some(2)),
        };
        let holder_class = scope.define_class(spec, None)?;
        let cell_shape = ClassSpec::fixed(SLOTS).shape(cell, 0)?;

        let bystanders = scope.allocate(arrays, size(point.bystanders)?)?;
        fill(scope, bystanders, |mutator, index, previous| {
            // SAFETY: the object goes into the array at once.
            unsafe { numbered::<S>(mutator, cell_shape, index as i64, previous) }
        })?;
        let batch_count = size(repetitions(point))?;
        let batches = scope.allocate(arrays, 2 * batch_count)?;
        let mut next_number = 0;
        for side in 0..2 * batch_count {
            scope.scope(|scope| {
                let array = scope.allocate(arrays, pairs)?;
                let first = next_number;
                next_number += pairs as i64;
                fill(scope, array, |mutator, index, _| {
                    // SAFETY: the object goes into the array at once.
                    unsafe { numbered::<S>(mutator, cell_shape, first + index as i64, None) }
                })?;
                let mutator = scope.accessor();
                // SAFETY: both arrays are live, and the outer one is long enough.
                unsafe { mutator.store(array_of(mutator, batches), side, mutator.oop(array)) };
                Ok::<_, HeapError>(())
            })?;
        }
        let sources = element(scope, batches, 2 * batch_count - 2);
        let reference_count = pairs * size(u64::from(point.references_per_object))?;
        let references = scope.allocate(arrays, reference_count)?;
        let holder_shape = spec.shape(holder_class, elements)?;
        for index in 0..reference_count {
            let source = |mutator: &Mutator| array_of(mutator, sources).slot(index % pairs);
            let value = if let Some(slot) = holder_slot {
                // SAFETY: the holder goes into the array before the next allocation.
                let holder = unsafe { allocate::<S>(scope.mutator(), holder_shape) }?;
                let mutator = scope.accessor();
                // SAFETY: both are live, and the holder has that slot.
                unsafe {
                    let access = Access::<S>::new(mutator);
                    let body = access.body(holder).unwrap_or_else(|| unreachable!("holders are objects"));
                    access.store(body, slot, source(mutator));
                }
                holder
            } else {
                source(scope.accessor())
            };
            let mutator = scope.accessor();
            // SAFETY: the array is live and long enough.
            unsafe { mutator.store(array_of(mutator, references), index, value) };
        }
        if point.kind == Kind::OneWayHash {
            for batch in 0..batch_count {
                scope.scope(|scope| {
                    let sources = element(scope, batches, 2 * batch);
                    take_hashes::<S>(scope.accessor(), sources);
                });
            }
        }
        if point.age == Age::Old {
            scope.collect(Collection::Compacting);
        }
        Ok(Laboratory { cell, holder_class, batches, batch_count, references, reference_count, holder_slot })
    }

    fn observe<S: Strategy>(&mut self, scope: &mut Scope<'s>, point: &Point) -> Result<Observation, Failure> {
        let pairs = point.pairs as usize;
        let measured = self.batch(scope, self.batch_count - 1);
        let sums = [0, 1].map(|side| {
            self.sum_of_batch::<S>(scope, measured[side]) * i64::from(point.references_per_object)
        });
        self.pass::<S>(scope, "the warm-up", sums[0])?;
        let plain = self.pass::<S>(scope, "the plain pass", sums[0])?;
        let heap_bytes = scope.accessor().heap().used_bytes() as u64;

        let (healed_before, stats_before) = (scope.accessor().healed(), scope.accessor().world().stats());
        let mut pauses = self.repeat::<S>(scope, point)?;
        let (pause, outcome) = timed_become::<S>(scope, point, measured)?;
        pauses.push(pause);
        let first = self.pass::<S>(scope, "the first pass", sums[1])?;
        let second = self.pass::<S>(scope, "the second pass", sums[1])?;
        let healed_by_access = scope.accessor().healed() - healed_before;
        let scavenge = timed(|| scope.collect(Collection::Young));
        let full_gc = timed(|| scope.collect(Collection::Full));
        let after_gc = self.pass::<S>(scope, "the pass after the collection", sums[1])?;
        let stats = scope.accessor().world().stats();

        pauses.sort_unstable();
        Ok(Observation {
            pause_ns: pauses[pauses.len() / 2],
            bytes_touched: Some(bytes_touched::<S>(pairs as u64, &outcome)),
            plain_pass_ns: Some(plain),
            first_pass_ns: Some(first),
            second_pass_ns: Some(second),
            after_gc_pass_ns: Some(after_gc),
            healed_by_access: Some(healed_by_access),
            healed_by_gc: Some(stats.healed_references - stats_before.healed_references),
            scavenge_ns: Some(scavenge),
            full_gc_ns: Some(full_gc),
            heap_bytes,
            peak_rss_bytes: None,
        })
    }

    /// Becomes of the same kind on other pairs, before the measured one.
    fn repeat<S: Strategy>(&mut self, scope: &mut Scope<'s>, point: &Point) -> Result<Vec<u64>, Failure> {
        let started = Instant::now();
        let mut pauses = Vec::new();
        for index in 0..self.batch_count - 1 {
            if started.elapsed() > REPETITION_TIME {
                break;
            }
            let pause = scope.scope(|scope| {
                let batch = self.batch(scope, index);
                timed_become::<S>(scope, point, batch)
            })?;
            pauses.push(pause.0);
        }
        Ok(pauses)
    }

    /// The arrays of sources and targets of one repetition.
    fn batch<'t>(&self, scope: &mut Scope<'t>, index: usize) -> [Handle<'t>; 2] {
        [element(scope, self.batches, 2 * index), element(scope, self.batches, 2 * index + 1)]
    }

    fn sum_of_batch<S: Strategy>(&self, scope: &Scope<'_>, batch: Handle<'_>) -> i64 {
        let mutator = scope.accessor();
        let access = Access::<S>::new(mutator);
        let array = array_of(mutator, batch);
        // SAFETY: [pass-live] nothing is allocated during a pass, so that raw references stay valid; indices are below
        // the array's length; the objects have class `cell`.
        unsafe {
            (0..array.slots()).map(|index| self.number(access, access.load_element(array, index), None)).sum()
        }
    }

    /// # Safety
    /// [pass-live]
    #[inline]
    unsafe fn number<S: Strategy>(
        &self,
        access: Access<'_, S>,
        value: Oop,
        origin: Option<(Obj, usize)>,
    ) -> i64 {
        // SAFETY: the caller's promise.
        unsafe {
            let Some(object) = access.receiver(value, self.cell, origin) else { return i64::MIN / 4 };
            access.load(object, 0).as_small_integer().unwrap_or(i64::MIN / 4)
        }
    }

    /// Reads a slot of each object through each reference. Returns the time in nanoseconds.
    fn pass<S: Strategy>(
        &self,
        scope: &Scope<'_>,
        pass: &'static str,
        expected: i64,
    ) -> Result<u64, Failure> {
        let access = Access::<S>::new(scope.accessor());
        let references = array_of(scope.accessor(), self.references);
        let mut seen = 0_i64;
        let started = Instant::now();
        if let Some(slot) = self.holder_slot {
            for index in 0..self.reference_count {
                // SAFETY: [pass-live]
                unsafe {
                    let holder = access.load_element(references, index);
                    let Some(holder) = access.receiver(holder, self.holder_class, None) else { continue };
                    seen = seen.wrapping_add(self.number(
                        access,
                        access.load(holder, slot),
                        Some((holder, slot)),
                    ));
                }
            }
        } else {
            for index in 0..self.reference_count {
                // SAFETY: [pass-live]
                seen = seen.wrapping_add(unsafe {
                    self.number(access, access.load_element(references, index), None)
                });
            }
        }
        let nanoseconds = nanos(started.elapsed());
        if seen == expected { Ok(nanoseconds) } else { Err(Failure::WrongSum { pass, seen, expected }) }
    }
}

/// The array that a handle refers to, as a raw object. Arrays of the laboratory are never swapped.
fn array_of(mutator: &Mutator, handle: Handle<'_>) -> Obj {
    let oop = mutator.oop(handle);
    // SAFETY: the handle roots the array; callers use it only until the next allocation.
    unsafe { Obj::from_oop(oop) }
}

/// Fills the array with new objects. `make` gets the index and the element before.
fn fill(
    scope: &mut Scope<'_>,
    array: Handle<'_>,
    mut make: impl FnMut(&mut Mutator, usize, Option<Oop>) -> Result<Oop, HeapError>,
) -> Result<(), HeapError> {
    let length = array_of(scope.accessor(), array).slots();
    for index in 0..length {
        let previous = index.checked_sub(1).map(|before| array_of(scope.accessor(), array).slot(before));
        let object = make(scope.mutator(), index, previous)?;
        let mutator = scope.accessor();
        // SAFETY: the array is live and long enough, the object was just made.
        unsafe { mutator.store(array_of(mutator, array), index, object) };
    }
    Ok(())
}

/// An object with a number in its first slot and a reference in its second.
///
/// # Safety
/// As for [`allocate`].
unsafe fn numbered<S: Strategy>(
    mutator: &mut Mutator,
    shape: Shape,
    number: i64,
    other: Option<Oop>,
) -> Result<Oop, HeapError> {
    let other = other.unwrap_or(mutator.heap().nil());
    // SAFETY: the caller's promise.
    let (object, other) = unsafe { mutator.with_root(other, |mutator| allocate::<S>(mutator, shape)) };
    let object = object?;
    let access = Access::<S>::new(mutator);
    // SAFETY: the object is new and has three slots; the number is a small one.
    unsafe {
        let Some(body) = access.body(object) else { unreachable!("an object was allocated") };
        access.store(body, 0, Oop::small_integer(number).unwrap_or(Oop::NULL));
        access.store(body, 1, other);
    }
    Ok(object)
}

/// Gives each element an identity hash, without which there is none to hand over.
fn take_hashes<S: Strategy>(mutator: &Mutator, array: Handle<'_>) {
    let array = array_of(mutator, array);
    for index in 0..array.slots() {
        // SAFETY: [pass-live]; bodies are objects and no forwarders.
        unsafe {
            if let Some(body) = Access::<S>::new(mutator).body(array.slot(index)) {
                mutator.heap().identity_hash(body);
            }
        }
    }
}

fn timed_become<S: Strategy>(
    scope: &mut Scope<'_>,
    point: &Point,
    [sources, targets]: [Handle<'_>; 2],
) -> Result<(u64, Outcome), Failure> {
    let rule = if point.kind == Kind::OneWayHash { HashRule::Take } else { HashRule::Keep };
    if point.pairs != 1 {
        let started = Instant::now();
        let outcome = match point.kind {
            Kind::TwoWay => swap_all::<S>(scope, sources, targets),
            Kind::OneWay | Kind::OneWayHash => become_forward_all::<S>(scope, sources, targets, rule),
        };
        return Ok((nanos(started.elapsed()), outcome?));
    }
    // One pair is a `become:` of two objects, not of two arrays.
    scope.scope(|scope| {
        let [source, target] = [sources, targets].map(|array| element(scope, array, 0));
        let started = Instant::now();
        let outcome = match point.kind {
            Kind::TwoWay => swap::<S>(scope, source, target),
            Kind::OneWay | Kind::OneWayHash => become_forward::<S>(scope, source, target, rule),
        };
        Ok((nanos(started.elapsed()), outcome?))
    })
}

/// A handle on an element of an array that has it.
fn element<'s>(scope: &mut Scope<'s>, array: Handle<'_>, index: usize) -> Handle<'s> {
    let element = scope
        .get(array)
        .slot(index)
        .unwrap_or_else(|error| unreachable!("arrays of pairs are not empty: {error}"));
    scope.handle(element)
}

/// What the algorithm reads or writes: the arrays of pairs (twice), two words of each source, a scan, or two entries.
fn bytes_touched<S: Strategy>(pairs: u64, outcome: &Outcome) -> u64 {
    let per_pair = if S::HAS_ENTRIES { 16 + 2 * ENTRY_BYTES } else { 2 * 16 + 16 };
    pairs * per_pair + outcome.bytes_scanned as u64
}

fn timed(action: impl FnOnce()) -> u64 {
    let started = Instant::now();
    action();
    nanos(started.elapsed())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
