//! What is around the program: arguments, environment variables, platform; and who refers to an object.

use instar_gc::Collection;
use instar_heap::HeaderFlags;

use super::method::new_strings;
use super::{Answer, Call, Primitive, Table};
use crate::objects::Special;
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("systemArguments", Primitive::Plain(arguments)),
    ("systemEnvironmentAt", Primitive::Plain(environment_at)),
    ("systemEnvironmentNames", Primitive::Plain(environment_names)),
    ("systemPlatform", Primitive::Plain(platform)),
    ("systemVersion", Primitive::Plain(version)),
    ("objectSetPinned", Primitive::Plain(set_pinned)),
    ("systemPointersTo", Primitive::Plain(pointers_to)),
];

fn arguments(space: &mut Space, _call: Call) -> Answer {
    let arguments = space.arguments.clone();
    new_strings(space, arguments.iter().map(String::as_str))
}

fn string(space: &mut Space, text: &str) -> Answer {
    space.new_string(text).map_err(|error| space.memory_failure(error))
}

/// nil if there is no such variable, or its value is no text.
fn environment_at(space: &mut Space, call: Call) -> Answer {
    let name = space.argument(call, 0).text().ok_or(space.failure(Special::BadArgument))?;
    let is_possible = !name.is_empty() && !name.contains(['=', '\0']);
    match std::env::var(&name).ok().filter(|_| is_possible) {
        Some(value) => string(space, &value),
        None => Ok(space.nil()),
    }
}

fn environment_names(space: &mut Space, _call: Call) -> Answer {
    let mut names: Vec<String> =
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    names.sort();
    new_strings(space, names.iter().map(String::as_str))
}

fn platform(space: &mut Space, _call: Call) -> Answer {
    string(space, std::env::consts::OS)
}

fn version(space: &mut Space, _call: Call) -> Answer {
    string(space, env!("CARGO_PKG_VERSION"))
}

/// Fixes the receiver's address, or lets it move again. Answers whether it was fixed.
fn set_pinned(space: &mut Space, call: Call) -> Answer {
    let pinned = space.argument(call, 0).as_boolean().ok_or(space.failure(Special::BadArgument))?;
    let receiver = space.receiver(call);
    if receiver.is_nil() || receiver.as_boolean().is_some() {
        return Err(space.failure(Special::BadReceiver));
    }
    let object = receiver.object().ok_or(space.failure(Special::BadReceiver))?;
    let was = object.header().has_any(HeaderFlags::PINNED);
    if !pinned {
        object.clear_flags(HeaderFlags::PINNED);
        return Ok(space.boolean(was));
    }
    if space.mutator.heap().is_young_pointer(object.oop()) {
        // Only old objects can be pinned: a full collection leaves no young ones.
        space.mutator.collect(Collection::Full);
    }
    let object = space.receiver(call).object().ok_or(space.failure(Special::BadReceiver))?;
    if space.mutator.heap().is_young_pointer(object.oop()) {
        return Err(space.failure(Special::NoMemory));
    }
    space.mutator.heap().note_special(object.address());
    object.set_flags(HeaderFlags::PINNED);
    Ok(space.boolean(was))
}

/// An Array of the objects that refer to the argument.
fn pointers_to(space: &mut Space, call: Call) -> Answer {
    let first = space.mark_roots();
    for holder in space.pointers_to(space.argument(call, 0).oop()) {
        space.root(holder);
    }
    let array = space.new_array_of_roots(first);
    space.release(first);
    array.map_err(|error| space.memory_failure(error))
}
