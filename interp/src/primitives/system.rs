//! The space as a whole: become, instances, collections, memory.

use instar_become::{BecomeError, HashRule};
use instar_gc::{Collection, GcStats};
use instar_heap::Oop;

use super::block::sent;
use super::object::index_of_instances;
use super::{Answer, Call, Failure, Flow, Primitive, Table};
use crate::objects::{Special, Value};
use crate::vm::Space;
use crate::vm::swap::Swap;

pub(super) const TABLE: Table = &[
    ("arrayBecomeForward", Primitive::Control(forward)),
    ("arrayBecomeForwardTakingHash", Primitive::Control(forward_taking_hash)),
    ("arrayBecome", Primitive::Control(two_way)),
    ("behaviorAllInstances", Primitive::Plain(all_instances)),
    ("behaviorFlushCaches", Primitive::Plain(flush_caches)),
    ("systemCollect", Primitive::Plain(collect)),
    ("systemScavenge", Primitive::Plain(scavenge)),
    ("systemUsedBytes", Primitive::Plain(used_bytes)),
    ("systemForwarders", Primitive::Plain(forwarders)),
    ("systemStatistic", Primitive::Plain(statistic)),
];

/// Swaps the receiver's elements with the argument's. The reason of a failure is a String that names the pair and the mend.
fn swap(space: &mut Space, call: Call, swap: Swap) -> Result<Flow, Failure> {
    space.mutator.world().may_allocate(0).map_err(|error| space.memory_failure(error))?;
    let (sources, targets) = (space.receiver(call).oop(), space.argument(call, 0).oop());
    let mut result = space.swap_all(sources, targets, swap);
    if matches!(result, Err(BecomeError::Memory(_))) {
        // Clones of a two-way become did not fit.
        space.mutator.collect(Collection::Compacting);
        let (sources, targets) = (space.receiver(call).oop(), space.argument(call, 0).oop());
        result = space.swap_all(sources, targets, swap);
    }
    match result {
        Ok(_) => {
            let receiver = space.receiver(call).oop();
            space.roots.above = std::ptr::null_mut();
            space.complete(receiver);
            sent(space, None)
        }
        Err(BecomeError::Memory(error)) => Err(space.memory_failure(error)),
        Err(error) => {
            let text = space.new_string(&error.to_string());
            Err(text.map_or_else(|error| space.memory_failure(error), Failure))
        }
    }
}

fn forward(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    swap(space, call, Swap::OneWay(HashRule::Keep))
}

fn forward_taking_hash(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    swap(space, call, Swap::OneWay(HashRule::Take))
}

fn two_way(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    swap(space, call, Swap::TwoWay)
}

/// An Array of all instances of the receiver, a class, that have not been collected yet; subclasses' instances are not among them. Fails for
/// want of memory.
fn all_instances(space: &mut Space, call: Call) -> Answer {
    let index = index_of_instances(space, space.receiver(call)).ok_or(space.failure(Special::BadReceiver))?;
    let count = space.count_instances(index);
    let array = space
        .allocate_known(crate::objects::Known::Array, count)
        .map_err(|error| space.memory_failure(error))?;
    // A collection while allocating can only have removed some.
    let filled = space.fill_with_instances(index, array, 0, count, None);
    if filled == count {
        return Ok(array.oop());
    }
    let all = space.root(array.oop());
    let shorter = space
        .allocate_known(crate::objects::Known::Array, filled)
        .map_err(|error| space.memory_failure(error));
    let result = shorter.map(|shorter| {
        for slot in 0..filled {
            let value = space.rooted(all).slot(slot).map_or(space.nil(), Value::oop);
            space.put(shorter.oop(), slot, value);
        }
        shorter.oop()
    });
    space.release(all);
    result
}

fn flush_caches(space: &mut Space, call: Call) -> Answer {
    space.flush_caches();
    Ok(space.receiver(call).oop())
}

fn collect(space: &mut Space, call: Call) -> Answer {
    space.mutator.collect(Collection::Full);
    Ok(space.receiver(call).oop())
}

fn scavenge(space: &mut Space, call: Call) -> Answer {
    space.mutator.collect(Collection::Young);
    Ok(space.receiver(call).oop())
}

fn used_bytes(space: &mut Space, _call: Call) -> Answer {
    let used = space.mutator.heap().used_bytes();
    Ok(Oop::small_integer(used as i64).unwrap_or(space.nil()))
}

/// How many forwarders there are.
fn forwarders(space: &mut Space, _call: Call) -> Answer {
    let count = space.mutator.heap().forwarders.total();
    Ok(Oop::small_integer(count as i64).unwrap_or(space.nil()))
}

/// A number by name: scavenges, fullCollections, healedByAccess, healedByCollection, classes, methods, symbols.
fn statistic(space: &mut Space, call: Call) -> Answer {
    let name = space.argument(call, 0).text().ok_or(space.failure(Special::BadArgument))?;
    let of_world = |read: fn(&GcStats) -> u64| space.world().read_stats(read);
    let value = match name.as_str() {
        "scavenges" => of_world(|stats| stats.scavenges),
        "fullCollections" => of_world(|stats| stats.full_collections),
        "healedByAccess" => space.mutator.healed(),
        "healedByCollection" => of_world(|stats| stats.healed_references),
        "classes" => space.mutator.heap().classes.len() as u64,
        "methods" => space.roots.codes.len() as u64,
        "symbols" => space.roots.symbols.len() as u64,
        _ => return Err(space.failure(Special::NotFound)),
    };
    Ok(Oop::small_integer(value as i64).unwrap_or(space.nil()))
}
