//! Blocks, and sends whose selector or method is computed.

#![allow(unsafe_code)]

use instar_heap::Oop;

use super::{Answer, Call, Failure, Flow, Primitive, Table};
use crate::code::arity;
use crate::objects::layout::closure;
use crate::objects::{Known, Special, Value};
use crate::vm::Space;
use crate::vm::run::Exit;

pub(super) const TABLE: Table = &[
    ("blockValue", Primitive::BlockValue),
    ("blockValueWithArguments", Primitive::Control(value_with_arguments)),
    ("blockNumArgs", Primitive::Plain(num_args)),
    ("objectPerform", Primitive::Control(perform)),
    ("objectPerformWithArguments", Primitive::Control(perform_with_arguments)),
    ("objectPerformInSuperclass", Primitive::Control(perform_in_superclass)),
    ("methodValueWithReceiver", Primitive::Control(value_with_receiver)),
];

/// More arguments than any method has.
const MOST_ARGUMENTS: usize = 127;

/// What a primitive answers that sent a message in its own place.
pub(super) fn sent(space: &mut Space, exit: Option<Exit>) -> Result<Flow, Failure> {
    if exit.is_some() {
        space.exit = exit;
    }
    Ok(Flow::Resume)
}

fn num_args(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    let block = receiver.slot(closure::BLOCK).filter(|_| receiver.is(Known::BlockClosure));
    let code = block.and_then(|block| space.code_of(block)).ok_or(space.failure(Special::BadReceiver))?;
    Ok(Oop::small_integer(i64::from(code.arguments)).unwrap_or(space.nil()))
}

/// The elements of an Array argument, if they can be arguments.
fn elements(space: &Space, array: Value<'_>) -> Result<Vec<Oop>, Failure> {
    if !array.is(Known::Array) {
        return Err(space.failure(Special::BadArgument));
    }
    if array.slots() > MOST_ARGUMENTS {
        return Err(space.failure(Special::BadNumberOfArguments));
    }
    Ok((0..array.slots()).filter_map(|index| array.slot(index)).map(Value::oop).collect())
}

fn value_with_arguments(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let arguments = elements(space, space.argument(call, 0))?;
    let saved = space.argument(call, 0).oop();
    // SAFETY: [call-window]; behind the window is room for the arguments of any call.
    unsafe {
        for (index, argument) in arguments.iter().enumerate() {
            *call.window.add(1 + index) = *argument;
        }
        match space.push_block(call.window, arguments.len()) {
            Some(exit) => sent(space, exit),
            None => {
                *call.window.add(1) = saved;
                Err(space.failure(Special::BadNumberOfArguments))
            }
        }
    }
}

/// Whether `selector` is a Symbol that takes that many arguments.
fn check_selector(space: &Space, selector: Value<'_>, arguments: usize) -> Result<(), Failure> {
    let text = selector.text().filter(|_| selector.is_symbol()).ok_or(space.failure(Special::BadArgument))?;
    if arity(&text).is_some_and(|arity| arity != arguments) {
        return Err(space.failure(Special::BadNumberOfArguments));
    }
    Ok(())
}

fn perform(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let selector = space.argument(call, 0);
    let arguments = call.arguments.checked_sub(1).ok_or(space.failure(Special::BadNumberOfArguments))?;
    check_selector(space, selector, arguments)?;
    let selector = selector.oop();
    // SAFETY: [call-window]
    let exit = unsafe {
        call.window.add(2).copy_to(call.window.add(1), arguments);
        space.roots.above = std::ptr::null_mut();
        space.send_selector(call.window, arguments, selector)
    };
    sent(space, exit)
}

fn perform_with_arguments(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let selector = space.argument(call, 0);
    let arguments = elements(space, space.argument(call, 1))?;
    check_selector(space, selector, arguments.len())?;
    let selector = selector.oop();
    // SAFETY: [call-window]; behind the window is room for the arguments of any call.
    let exit = unsafe {
        for (index, argument) in arguments.iter().enumerate() {
            *call.window.add(1 + index) = *argument;
        }
        space.roots.above = std::ptr::null_mut();
        space.send_selector(call.window, arguments.len(), selector)
    };
    sent(space, exit)
}

fn perform_in_superclass(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let (selector, start) = (space.argument(call, 0), space.argument(call, 2));
    let arguments = elements(space, space.argument(call, 1))?;
    check_selector(space, selector, arguments.len())?;
    if !space.inherits(space.receiver(call).class(), start) {
        return Err(space.failure(Special::BadArgument));
    }
    let class = space.receiver(call).class_index();
    let entry = space.entry_from(start.oop(), class, selector.oop(), arguments.len());
    let selector = selector.oop();
    // SAFETY: [call-window]; the entry is right for the receiver, whose class inherits from `start`.
    let exit = unsafe {
        for (index, argument) in arguments.iter().enumerate() {
            *call.window.add(1 + index) = *argument;
        }
        space.roots.above = std::ptr::null_mut();
        space.follow_entry(entry, call.window, arguments.len(), selector)
    };
    sent(space, exit)
}

/// `aMethod valueWithReceiver: anObject arguments: anArray`.
fn value_with_receiver(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let arguments = elements(space, space.argument(call, 1))?;
    let method = space.receiver(call);
    let code = space.code_of(method).ok_or(space.failure(Special::BadReceiver))?;
    let receiver = space.argument(call, 0);
    let class = receiver.class_index();
    let entry = space.entry_of(code, class, arguments.len());
    let selector = method.slot(crate::objects::layout::compiled::SELECTOR).map_or(space.nil(), Value::oop);
    if matches!(entry.action, crate::code::Action::NotUnderstood) {
        return Err(space.failure(Special::BadNumberOfArguments));
    }
    let receiver = receiver.oop();
    // SAFETY: [call-window]; the entry was made for the receiver's class.
    let exit = unsafe {
        *call.window = receiver;
        for (index, argument) in arguments.iter().enumerate() {
            *call.window.add(1 + index) = *argument;
        }
        space.roots.above = std::ptr::null_mut();
        space.follow_entry(entry, call.window, arguments.len(), selector)
    };
    sent(space, exit)
}
