//! Messages from other threads of the host: see `vm/inbox.rs`.

use instar_heap::{HeapError, Oop};

use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::{Known, Special};
use crate::vm::Space;

pub(super) const TABLE: Table = &[
    ("inboxOpen", Primitive::Plain(open)),
    ("inboxClose", Primitive::Plain(close)),
    ("inboxTake", Primitive::Plain(take)),
    ("messageReply", Primitive::Plain(reply)),
    ("messageEnd", Primitive::Plain(end)),
];

fn index(space: &Space, call: Call) -> Result<usize, Failure> {
    space.argument(call, 0).as_index().ok_or(space.failure(Special::BadArgument))
}

/// Arguments: a name and the Semaphore to be signalled for each message. Answers the inbox's number.
fn open(space: &mut Space, call: Call) -> Answer {
    let name = space.argument(call, 0).text().ok_or(space.failure(Special::BadArgument))?;
    let semaphore = space.argument(call, 1);
    if !semaphore.is_kind_of(Known::Semaphore) {
        return Err(space.failure(Special::BadArgument));
    }
    let semaphore = semaphore.oop();
    let number = space.open_inbox(&name, semaphore).ok_or(space.failure(Special::NotFound))?;
    space.new_integer(number as i64).map_err(|error| space.memory_failure(error))
}

/// Argument: an inbox's number.
fn close(space: &mut Space, call: Call) -> Answer {
    let number = index(space, call)?;
    if !space.close_inbox(number) {
        return Err(space.failure(Special::BadArgument));
    }
    Ok(space.receiver(call).oop())
}

/// Argument: an inbox's number. Answers an Array of the oldest message's number and its bytes; nil if none waits. Fails with `#'not found'` in a
/// copy of the space, which has none of its inboxes.
fn take(space: &mut Space, call: Call) -> Answer {
    let number = index(space, call)?;
    if !space.has_inbox(number) {
        return Err(space.failure(Special::NotFound));
    }
    let Some(bytes) = space.next_message(number) else { return Ok(space.nil()) };
    let first = space.mark_roots();
    let answer = answer_message(space, &bytes);
    space.release(first);
    // All that can fail comes before: a message that there is no room for stays.
    let (message, answer) = answer.map_err(|error| space.memory_failure(error))?;
    space.take_message(number, message);
    Ok(answer)
}

fn answer_message(space: &mut Space, bytes: &[u8]) -> Result<(u64, Oop), HeapError> {
    let message = space.next_message_number();
    let first = space.mark_roots();
    let boxed = space.new_integer(message as i64)?;
    space.root(boxed);
    let bytes = space.new_bytes(Known::ByteArray, bytes)?;
    space.root(bytes);
    Ok((message, space.new_array_of_roots(first)?))
}

/// The number of a message that was taken.
fn message(space: &Space, call: Call) -> Result<u64, Failure> {
    index(space, call).map(|number| number as u64)
}

/// Arguments: a message's number, a ByteArray or a ByteString, whose bytes are sent. Answers whether somebody wants more.
fn reply(space: &mut Space, call: Call) -> Answer {
    let number = message(space, call)?;
    let bytes = space.argument(call, 1).bytes().ok_or(space.failure(Special::BadArgument))?.to_vec();
    let is_wanted = space.reply(number, &bytes);
    Ok(space.boolean(is_wanted))
}

/// Argument: a message's number. Answers whether there was such a message.
fn end(space: &mut Space, call: Call) -> Answer {
    let number = message(space, call)?;
    let was_there = space.end_reply(number);
    Ok(space.boolean(was_there))
}
