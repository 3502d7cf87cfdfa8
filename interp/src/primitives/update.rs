//! What the update engine asks of the runtime: safe points, and instances in bulk.

#![allow(unsafe_code)]

use instar_gc::Collection;
use instar_heap::{ClassIndex, ClassSpec, HeaderFlags, Obj, Oop};

use super::block::sent;
use super::object::{index_of_instances, index_of_new_instances};
use super::{Answer, Call, Failure, Flow, Primitive, Table};
use crate::objects::{Known, Special, Value};
use crate::vm::Space;
use crate::vm::census::Places;
use crate::vm::migrate::{Migration, Source, Target, are_all, is_plain};

pub(super) const TABLE: Table = &[
    ("updateGuard", Primitive::Plain(guard)),
    ("updateSemaphore", Primitive::Plain(set_semaphore)),
    ("updateFloor", Primitive::Control(set_floor)),
    ("updateCount", Primitive::Plain(count)),
    ("updateFill", Primitive::Plain(fill)),
    ("updateTenure", Primitive::Plain(tenure)),
    ("updateIndex", Primitive::Plain(index_of)),
    ("updateDigest", Primitive::Plain(digest)),
    ("updateVerify", Primitive::Plain(verify)),
    ("updateCensus", Primitive::Plain(advance_census)),
    ("updateCounts", Primitive::Plain(counts)),
    ("updateFillAll", Primitive::Plain(fill_all)),
    ("updateCommit", Primitive::Plain(commit)),
    ("updateMigrate", Primitive::Plain(migrate)),
];

fn array(space: &Space, call: Call, index: usize) -> Result<Value<'_>, Failure> {
    let value = space.argument(call, index);
    if value.is(Known::Array) { Ok(value) } else { Err(space.failure(Special::BadArgument)) }
}

/// Arguments: Arrays of methods, of exempt processes and of exempt contexts. Answers an Array of processes, each followed by a method.
fn guard(space: &mut Space, call: Call) -> Answer {
    let methods = array(space, call, 0)?.oop();
    let processes = array(space, call, 1)?.oop();
    let contexts = array(space, call, 2)?.oop();
    let blocked = space.guard(methods, processes, contexts);
    let first = space.mark_roots();
    for each in &blocked {
        space.root(each.process);
        space.root(each.method);
    }
    let answer = space.new_array_of_roots(first);
    space.release(first);
    answer.map_err(|error| space.memory_failure(error))
}

/// Argument: the semaphore that barriers signal, or nil.
fn set_semaphore(space: &mut Space, call: Call) -> Answer {
    let semaphore = space.argument(call, 0);
    if !semaphore.is_nil() && !semaphore.is_kind_of(Known::Semaphore) {
        return Err(space.failure(Special::BadArgument));
    }
    let semaphore = semaphore.oop();
    space.set_update_events(semaphore);
    Ok(space.receiver(call).oop())
}

/// Argument: the least priority of processes that run.
fn set_floor(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let floor = space.argument(call, 0).as_index().ok_or(space.failure(Special::BadArgument))?;
    space.floor = floor;
    let receiver = space.receiver(call).oop();
    space.roots.above = std::ptr::null_mut();
    space.complete(receiver);
    space.preempt();
    sent(space, None)
}

/// The index that instances of a class have now.
fn class_index(space: &Space, class: Value<'_>) -> Result<ClassIndex, Failure> {
    let index = if space.is_behavior(class) { index_of_instances(space, class) } else { None };
    index.ok_or(space.failure(Special::BadArgument))
}

/// Argument: a class. Answers how many instances there are.
fn count(space: &mut Space, call: Call) -> Answer {
    let index = class_index(space, space.argument(call, 0))?;
    let count = space.count_instances(index);
    Ok(Oop::small_integer(count as i64).unwrap_or(space.nil()))
}

/// The indices of the classes in an Array, which are different.
fn class_indices(space: &Space, classes: Value<'_>) -> Result<Vec<ClassIndex>, Failure> {
    let classes = (0..classes.slots()).filter_map(|slot| classes.slot(slot));
    let indices: Vec<ClassIndex> =
        classes.map(|class| class_index(space, class)).collect::<Result<_, Failure>>()?;
    let mut sorted: Vec<u32> = indices.iter().map(|index| index.get()).collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|two| two[0] == two[1]) {
        return Err(space.failure(Special::BadArgument));
    }
    Ok(indices)
}

/// Arguments: an Array of classes, and bytes. Answers whether all of the old generation is counted.
fn advance_census(space: &mut Space, call: Call) -> Answer {
    let classes = class_indices(space, array(space, call, 0)?)?;
    let bytes = space.argument(call, 1).as_index().ok_or(space.failure(Special::BadArgument))?;
    let is_complete = space.advance_census(&classes, bytes);
    Ok(space.boolean(is_complete))
}

/// An Array of these numbers.
fn new_array_of(space: &mut Space, numbers: impl IntoIterator<Item = usize>) -> Answer {
    let first = space.mark_roots();
    for number in numbers {
        let number = Oop::small_integer(number as i64).unwrap_or(space.nil());
        space.root(number);
    }
    let answer = space.new_array_of_roots(first);
    space.release(first);
    answer.map_err(|error| space.memory_failure(error))
}

/// Argument: an Array of classes. Answers an Array of how many instances each has.
fn counts(space: &mut Space, call: Call) -> Answer {
    let classes = class_indices(space, array(space, call, 0)?)?;
    let counts = space.counts(&classes);
    new_array_of(space, counts)
}

/// Arguments: Array, Array of classes, Array of how many instances of each are wanted at most. Answers an Array of how many were put into the first, one class
/// behind the other, in parts of the wanted sizes.
fn fill_all(space: &mut Space, call: Call) -> Answer {
    let bad = || space.failure(Special::BadArgument);
    let array = array(space, call, 0)?;
    let classes = class_indices(space, self::array(space, call, 1)?)?;
    let wanted = self::array(space, call, 2)?;
    if wanted.slots() != classes.len() {
        return Err(bad());
    }
    let mut places = Vec::with_capacity(classes.len());
    let mut next = 0_usize;
    for slot in 0..classes.len() {
        let wanted = wanted.slot(slot).and_then(|wanted| wanted.as_index()).ok_or_else(bad)?;
        let end = next.checked_add(wanted).filter(|&end| end <= array.slots()).ok_or_else(bad)?;
        places.push(Places { next, end });
        next = end;
    }
    let starts: Vec<usize> = places.iter().map(|place| place.next).collect();
    let object = writable(array).ok_or_else(bad)?;
    space.fill_with_all(&classes, object, &mut places);
    new_array_of(space, places.iter().zip(starts).map(|(place, start)| place.next - start))
}

/// Arguments: bytes above the old generation's top, and bytes from there on for which memory is committed now.
fn commit(space: &mut Space, call: Call) -> Answer {
    let bytes = |index| space.argument(call, index).as_index().ok_or(space.failure(Special::BadArgument));
    let (offset, bytes) = (bytes(0)?, bytes(1)?);
    space.mutator.heap().commit_old(offset, bytes);
    Ok(space.receiver(call).oop())
}

/// An object that may be written to.
fn writable(value: Value<'_>) -> Option<Obj> {
    value.object().filter(|object| !object.header().has_any(HeaderFlags::IMMUTABLE))
}

/// Arguments: Array, class, first index, and if wanted an Array of instances that are left out. Answers how many instances were put into the Array.
fn fill(space: &mut Space, call: Call) -> Answer {
    let array = array(space, call, 0)?;
    let start = space.argument(call, 2).as_index().and_then(|start| start.checked_sub(1));
    let start = start.filter(|&start| start <= array.slots()).ok_or(space.failure(Special::BadArgument))?;
    let index = class_index(space, space.argument(call, 1))?;
    let object = writable(array).ok_or(space.failure(Special::BadArgument))?;
    let room = array.slots() - start;
    let except = if call.arguments() > 3 { self::array(space, call, 3)?.object() } else { None };
    let filled = space.fill_with_instances(index, object, start, room, except);
    Ok(Oop::small_integer(filled as i64).unwrap_or(space.nil()))
}

/// Makes all objects old.
fn tenure(space: &mut Space, call: Call) -> Answer {
    space.mutator.stop_world().tenure_all();
    Ok(space.receiver(call).oop())
}

/// Arguments: an object, an Array, and the first and last index of a part in which old objects stand by address. Answers the object's
/// index, 0 if it is not there.
fn index_of(space: &mut Space, call: Call) -> Answer {
    let bad = || space.failure(Special::BadArgument);
    let array = array(space, call, 1)?;
    let bound = |index| space.argument(call, index).as_index().ok_or_else(bad);
    let (first, last) = (bound(2)?, bound(3)?);
    if first == 0 || last > array.slots() {
        return Err(bad());
    }
    let address = |oop: Oop| if oop.is_pointer() { oop.address() } else { 0 };
    let wanted = address(space.argument(call, 0).oop());
    let at = |index: usize| array.slot(index - 1).map_or(0, |element| address(element.oop()));
    // Where the first element stands that is not before the object.
    let (mut low, mut high) = (first, last + 1);
    while low < high {
        let middle = low.midpoint(high);
        if at(middle) < wanted { low = middle + 1 } else { high = middle }
    }
    let index = if low <= last && wanted != 0 && at(low) == wanted { low } else { 0 };
    debug_assert!(
        index != 0 || (first..=last).all(|index| at(index) != wanted || wanted == 0),
        "not by address"
    );
    Ok(Oop::small_integer(index as i64).unwrap_or(space.nil()))
}

/// Arguments: Arrays of objects to begin with and of objects to leave out. Answers the digest.
fn digest(space: &mut Space, call: Call) -> Answer {
    let (roots, left_out) = (array(space, call, 0)?.oop(), array(space, call, 1)?.oop());
    let digest = space.digest(roots, left_out).map_err(|error| space.memory_failure(error))?;
    Ok(Oop::small_integer(digest as i64).unwrap_or(space.nil()))
}

/// Answers nil if the heap is sound, or a String that says what is not.
fn verify(space: &mut Space, _call: Call) -> Answer {
    let broken = space.mutator.stop_world().verify();
    if broken.is_empty() {
        return Ok(space.nil());
    }
    space.new_string(&broken.join("\n")).map_err(|error| space.memory_failure(error))
}

/// Arguments: Arrays of old instances and for new ones, first and last index, Array of one or two classes, Arrays with for each of them an
/// Array of slot numbers and one of values, number of the slot that decides or 0.
fn migrate(space: &mut Space, call: Call) -> Answer {
    space.mutator.world().may_allocate(0).map_err(|error| space.memory_failure(error))?;
    for is_last in [false, true] {
        // Read anew after a collection, which may have moved everything.
        let Some(migration) = checked_migration(space, call)? else { break };
        // SAFETY: [migration-checked] just now.
        match unsafe { space.migrate(&migration) } {
            Ok(()) => break,
            Err(error) if is_last => return Err(space.memory_failure(error)),
            Err(_) => space.mutator.collect(Collection::Compacting),
        }
    }
    Ok(space.receiver(call).oop())
}

/// The migration that the arguments describe, [migration-checked]; `None` for an empty one.
fn checked_migration(space: &Space, call: Call) -> Result<Option<Migration>, Failure> {
    let bad = || space.failure(Special::BadArgument);
    let (old, new) = (array(space, call, 0)?, array(space, call, 1)?);
    let start = space.argument(call, 2).as_index().and_then(|start| start.checked_sub(1)).ok_or_else(bad)?;
    let end = space.argument(call, 3).as_index().ok_or_else(bad)?;
    if start >= end {
        return Ok(None);
    }
    if end > old.slots() || end > new.slots() || old.oop() == new.oop() {
        return Err(bad());
    }
    let spec_of = |index: ClassIndex| space.mutator.heap().classes.spec(index).ok_or_else(bad);
    let first = old.slot(start).filter(|first| first.object().is_some()).ok_or_else(bad)?;
    let old_class = first.class_index();
    let old_spec = spec_of(old_class)?;
    let targets = targets(space, call, old_spec)?;
    let chooser = space.argument(call, 7).as_index().ok_or_else(bad)?;
    let is_choice = chooser > 0;
    if targets.len() != 1 + usize::from(is_choice) || (is_choice && chooser > old_spec.fixed_slots as usize) {
        return Err(bad());
    }
    let new = writable(new).ok_or_else(bad)?;
    if !is_plain(old_spec) || !are_all(old, start..end, old_class) {
        return Err(bad());
    }
    let old = old.object().ok_or_else(bad)?;
    Ok(Some(Migration { old, new, range: start..end, old_spec, targets, chooser: chooser.checked_sub(1) }))
}

fn targets(space: &Space, call: Call, old: ClassSpec) -> Result<Vec<Target>, Failure> {
    let bad = || space.failure(Special::BadArgument);
    let [classes, maps, defaults] = [array(space, call, 4)?, array(space, call, 5)?, array(space, call, 6)?];
    if maps.slots() != classes.slots() || defaults.slots() != classes.slots() {
        return Err(bad());
    }
    let target = |number: usize| {
        let class = classes.slot(number).filter(|&class| space.is_behavior(class)).ok_or_else(bad)?;
        let class = index_of_new_instances(space, class).ok_or_else(bad)?;
        let spec = space.mutator.heap().classes.spec(class).ok_or_else(bad)?;
        let keeps_elements = !old.format.is_indexable() || spec.format.is_indexable();
        let is_same_kind = spec.format.has_pointers() == old.format.has_pointers()
            && spec.format.is_bytes() == old.format.is_bytes();
        if !is_plain(spec) || !keeps_elements || !is_same_kind {
            return Err(bad());
        }
        let sources = sources(space, [maps.slot(number), defaults.slot(number)], old).ok_or_else(bad)?;
        if sources.len() != spec.fixed_slots as usize {
            return Err(bad());
        }
        Ok(Target { class, spec, sources })
    };
    (0..classes.slots()).map(target).collect()
}

fn sources(space: &Space, [map, defaults]: [Option<Value<'_>>; 2], old: ClassSpec) -> Option<Vec<Source>> {
    let map = map.filter(|map| map.is(Known::Array))?;
    let defaults =
        defaults.filter(|defaults| defaults.is(Known::Array) && defaults.slots() == map.slots())?;
    let source = |index: usize| match map.slot(index)?.as_index()? {
        0 => Some(Source::Value(defaults.slot(index).map_or(space.nil(), Value::oop))),
        slot => (slot <= old.fixed_slots as usize).then(|| Source::Slot(slot - 1)),
    };
    (0..map.slots()).map(source).collect()
}
