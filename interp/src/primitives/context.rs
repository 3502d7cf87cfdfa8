//! Contexts: walking, reading and cutting stacks.
//!
//! A Context whose frame lives answers for the frame; one whose frame is gone for what was left of it.

use instar_heap::Oop;

use super::block::sent;
use super::{Answer, Call, Failure, Flow, Primitive, Table};
use crate::code::CodeKind;
use crate::objects::layout::{CONTEXT_NAMED, compiled, context};
use crate::objects::{Known, Special, Value};
use crate::vm::Space;
use crate::vm::contexts::FrameId;

pub(super) const TABLE: Table = &[
    ("contextSender", Primitive::Plain(sender)),
    ("contextPc", Primitive::Plain(pc)),
    ("contextIsLive", Primitive::Plain(is_live)),
    ("contextTempAt", Primitive::Plain(temp_at)),
    ("contextTempAtPut", Primitive::Plain(temp_at_put)),
    ("contextTempNames", Primitive::Plain(temp_names)),
    ("contextTempNamed", Primitive::Plain(temp_named)),
    ("contextTempNamedPut", Primitive::Plain(temp_named_put)),
    ("contextDescription", Primitive::Plain(description)),
    ("contextNextHandler", Primitive::Plain(next_handler)),
    ("contextNextUnwind", Primitive::Plain(next_unwind)),
    ("contextReturn", Primitive::Control(return_from)),
    ("contextResume", Primitive::Control(resume)),
    ("contextRestart", Primitive::Control(restart)),
];

/// The frame of the receiver.
fn frame(space: &mut Space, call: Call) -> Result<FrameId, Failure> {
    space.set_active_top();
    space.spouse(space.receiver(call)).ok_or(space.failure(Special::BadReceiver))
}

/// The frame of the receiver, if it is on the stack that runs.
fn own_frame(space: &mut Space, call: Call) -> Result<usize, Failure> {
    let id = frame(space, call)?;
    if id.stack == space.roots.active {
        Ok(id.frame)
    } else {
        Err(space.failure(Special::InappropriateOperation))
    }
}

/// The next frame below, those of the runtime's own left out.
fn below(space: &Space, id: FrameId) -> Option<FrameId> {
    let mut at = id.frame;
    while let Some(next) = at.checked_sub(1) {
        let id = FrameId { stack: id.stack, frame: next };
        if space.frame(id).is_some_and(|frame| frame.method != space.nil()) {
            return Some(id);
        }
        at = next;
    }
    None
}

fn context_or_nil(space: &mut Space, id: Option<FrameId>) -> Answer {
    let Some(id) = id else { return Ok(space.nil()) };
    space.context_of_frame(id).map_err(|error| space.memory_failure(error))
}

fn sender(space: &mut Space, call: Call) -> Answer {
    if frame(space, call).is_err() {
        return Ok(space.receiver(call).slot(context::SENDER).map_or(space.nil(), Value::oop));
    }
    let id = frame(space, call)?;
    let next = below(space, id);
    context_or_nil(space, next)
}

/// The word number of the instruction under way, nil if the frame is gone.
fn pc(space: &mut Space, call: Call) -> Answer {
    let Ok(id) = frame(space, call) else { return Ok(space.nil()) };
    let Some(frame) = space.frame(id) else { return Ok(space.nil()) };
    Ok(Oop::small_integer(frame.word() as i64).unwrap_or(space.nil()))
}

fn is_live(space: &mut Space, call: Call) -> Answer {
    let lives = frame(space, call).is_ok();
    Ok(space.boolean(lives))
}

/// Register `index` (from 1: arguments first) of a context.
fn register(space: &mut Space, call: Call, index: usize) -> Result<Oop, Failure> {
    match frame(space, call) {
        Ok(id) => {
            let registers =
                space.roots.stacks[id.stack].as_ref().map_or(&[][..], |stack| stack.registers_of(id.frame));
            registers.get(index).copied().ok_or(space.failure(Special::BadIndex))
        }
        Err(_) => {
            let context = space.receiver(call);
            if !context.is(Known::Context) {
                return Err(space.failure(Special::BadReceiver));
            }
            context.slot(CONTEXT_NAMED + index).map(Value::oop).ok_or(space.failure(Special::BadIndex))
        }
    }
}

fn set_register(space: &mut Space, call: Call, index: usize, value: Oop) -> Result<(), Failure> {
    if index == 0 {
        return Err(space.failure(Special::BadIndex));
    }
    match frame(space, call) {
        Ok(id) => {
            let failure = space.failure(Special::BadIndex);
            let stack = space.roots.stacks[id.stack].as_mut().ok_or(failure)?;
            *stack.registers_of_mut(id.frame).get_mut(index).ok_or(failure)? = value;
        }
        Err(_) => {
            let context = space.receiver(call);
            let object = context
                .object()
                .filter(|_| context.is(Known::Context) && CONTEXT_NAMED + index < context.slots());
            let object = object.ok_or(space.failure(Special::BadIndex))?;
            space.put(object.oop(), CONTEXT_NAMED + index, value);
        }
    }
    Ok(())
}

fn temp_at(space: &mut Space, call: Call) -> Answer {
    let index = space.argument(call, 0).as_index().filter(|&index| index > 0);
    let index = index.ok_or(space.failure(Special::BadIndex))?;
    register(space, call, index)
}

fn temp_at_put(space: &mut Space, call: Call) -> Answer {
    let index = space.argument(call, 0).as_index().ok_or(space.failure(Special::BadIndex))?;
    let value = space.argument(call, 1).oop();
    set_register(space, call, index, value)?;
    Ok(value)
}

/// The names of a context's arguments and temporaries with their places.
fn names(space: &Space, call: Call) -> Result<Vec<(String, usize, Option<usize>)>, Failure> {
    let method =
        space.receiver(call).slot(context::METHOD).filter(|_| space.receiver(call).is(Known::Context));
    let code = method.and_then(|method| space.code_of(method)).ok_or(space.failure(Special::BadReceiver))?;
    let place = |name: &crate::code::TemporaryName| {
        (name.name.clone(), usize::from(name.register), name.cell.map(usize::from))
    };
    Ok(code.names.iter().map(place).collect())
}

fn temp_names(space: &mut Space, call: Call) -> Answer {
    let first = space.mark_roots();
    for (name, ..) in names(space, call)? {
        let name = space.new_string(&name).map_err(|error| space.memory_failure(error))?;
        space.root(name);
    }
    let array = space.new_array_of_roots(first);
    space.release(first);
    array.map_err(|error| space.memory_failure(error))
}

fn place_named(space: &Space, call: Call) -> Result<(usize, Option<usize>), Failure> {
    let wanted = space.argument(call, 0).text().ok_or(space.failure(Special::BadArgument))?;
    let found = names(space, call)?.into_iter().rev().find(|(name, ..)| *name == wanted);
    found.map(|(_, register, cell)| (register, cell)).ok_or(space.failure(Special::NotFound))
}

fn temp_named(space: &mut Space, call: Call) -> Answer {
    let (index, cell) = place_named(space, call)?;
    let value = register(space, call, index)?;
    match cell {
        None => Ok(value),
        Some(cell) => space.value(value).slot(cell).map(Value::oop).ok_or(space.failure(Special::NotFound)),
    }
}

fn temp_named_put(space: &mut Space, call: Call) -> Answer {
    let (index, cell) = place_named(space, call)?;
    let value = space.argument(call, 1).oop();
    let Some(cell) = cell else {
        set_register(space, call, index, value)?;
        return Ok(value);
    };
    let cells = register(space, call, index)?;
    let cells = space.value(cells);
    let object = cells.object().filter(|_| cell < cells.slots()).ok_or(space.failure(Special::NotFound))?;
    space.put(object.oop(), cell, value);
    Ok(value)
}

/// What a stack trace says of the frame, nil if it is gone.
fn description(space: &mut Space, call: Call) -> Answer {
    let Ok(id) = frame(space, call) else { return Ok(space.nil()) };
    match space.describe_frame(id) {
        Some(text) => space.new_string(&text).map_err(|error| space.memory_failure(error)),
        None => Ok(space.nil()),
    }
}

/// The context of the next frame of this kind below the receiver's, above `limit` if that is a context.
fn next_of_kind(space: &mut Space, call: Call, kind: CodeKind) -> Answer {
    let mut at = frame(space, call)?;
    let limit = if call.arguments() > 0 { space.spouse(space.argument(call, 0)) } else { None };
    while let Some(id) = below(space, at) {
        if limit.is_some_and(|limit| limit.stack == id.stack && id.frame <= limit.frame) {
            break;
        }
        if space.frame(id).is_some_and(|frame| frame.code().kind == kind) {
            return context_or_nil(space, Some(id));
        }
        at = id;
    }
    Ok(space.nil())
}

fn next_handler(space: &mut Space, call: Call) -> Answer {
    next_of_kind(space, call, CodeKind::Handler)
}

fn next_unwind(space: &mut Space, call: Call) -> Answer {
    next_of_kind(space, call, CodeKind::Unwind)
}

/// `aContext contextReturn: value`: drops the receiver's frame and all above, without running `<unwind>` frames, and hands the value to the frame
/// below. Fails if the receiver's frame is gone or is another process's.
fn return_from(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let number = own_frame(space, call)?;
    let value = space.argument(call, 0).oop();
    space.roots.above = std::ptr::null_mut();
    let exit = space.cut_to_caller_of(number, value);
    sent(space, exit)
}

/// `aContext contextResume: value`: drops all frames above the receiver's, which goes on with the value as result of the call under way.
fn resume(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let number = own_frame(space, call)?;
    if number >= space.top() {
        return Err(space.failure(Special::InappropriateOperation));
    }
    let value = space.argument(call, 0).oop();
    space.roots.above = std::ptr::null_mut();
    let exit = space.cut_to_caller_of(number + 1, value);
    sent(space, exit)
}

/// Drops all frames above the receiver's and begins its code anew, with the arguments it has now.
fn restart(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let number = own_frame(space, call)?;
    let method = space.receiver(call).slot(context::METHOD);
    if method.is_none_or(|method| method.slot(compiled::CODE).is_none()) {
        return Err(space.failure(Special::BadReceiver));
    }
    space.roots.above = std::ptr::null_mut();
    space.restart_frame(number);
    sent(space, None)
}
