//! Processes, semaphores, and time that passes for them.

use std::time::{Duration, Instant};

use instar_heap::Oop;

use super::block::sent;
use super::{Answer, Call, Failure, Flow, Primitive, Table};
use crate::objects::layout::process;
use crate::objects::{Known, Special, Value};
use crate::vm::Space;
use crate::vm::contexts::FrameId;
use crate::vm::run::Exit;

pub(super) const TABLE: Table = &[
    ("processGiveBlock", Primitive::Plain(give_block)),
    ("processInject", Primitive::Plain(inject)),
    ("processResume", Primitive::Control(resume)),
    ("processSuspend", Primitive::Control(suspend)),
    ("processYield", Primitive::Control(yield_active)),
    ("processEnd", Primitive::Control(end)),
    ("processContext", Primitive::Plain(context)),
    ("processIsLive", Primitive::Plain(is_live)),
    ("processTrace", Primitive::Plain(trace)),
    ("semaphoreSignal", Primitive::Control(signal)),
    ("semaphoreWait", Primitive::Control(wait)),
    ("semaphoreSignalAt", Primitive::Plain(signal_at)),
    ("semaphoreWaitUntil", Primitive::Control(wait_until)),
    ("semaphoreEnqueue", Primitive::Control(enqueue)),
    ("systemQuit", Primitive::Control(quit)),
];

/// The receiver, if it is a Process that has not ended.
fn live_process(space: &Space, call: Call) -> Result<Oop, Failure> {
    let receiver = space.receiver(call);
    let has_stack = receiver.is_kind_of(Known::Process) && space.stack_of(receiver).is_some();
    if has_stack { Ok(receiver.oop()) } else { Err(space.failure(Special::BadReceiver)) }
}

/// The send under way ends with its receiver, so that the process can be put aside.
fn complete_with_receiver(space: &mut Space, call: Call) {
    let receiver = space.receiver(call).oop();
    space.roots.above = std::ptr::null_mut();
    space.complete(receiver);
}

/// Gives a new Process its stack: it will run the argument, a block without arguments.
fn give_block(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    if !receiver.is_kind_of(Known::Process)
        || receiver.slot(process::STACK).is_none_or(|stack| !stack.is_nil())
    {
        return Err(space.failure(Special::BadReceiver));
    }
    let (receiver, block) = (receiver.oop(), space.argument(call, 0).oop());
    if space.give_stack(receiver, block) { Ok(receiver) } else { Err(space.failure(Special::BadArgument)) }
}

/// Lets a process that does not run begin with a block when it goes on.
fn inject(space: &mut Space, call: Call) -> Answer {
    let receiver = live_process(space, call)?;
    let block = space.argument(call, 0).oop();
    if space.inject(receiver, block) { Ok(receiver) } else { Err(space.failure(Special::BadArgument)) }
}

fn resume(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let receiver = live_process(space, call)?;
    if !space.resume(receiver) {
        return Err(space.failure(Special::InappropriateOperation));
    }
    complete_with_receiver(space, call);
    space.preempt();
    sent(space, None)
}

/// Answers the list that the process stood in; the active process stops and answers nil when it is resumed.
fn suspend(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let receiver = live_process(space, call)?;
    if receiver != space.active_process().oop() {
        return Ok(Flow::Answer(space.suspend(receiver)));
    }
    space.roots.above = std::ptr::null_mut();
    space.complete(space.nil());
    space.switch_to_next();
    sent(space, None)
}

fn yield_active(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    complete_with_receiver(space, call);
    space.yield_active();
    sent(space, None)
}

/// Ends the process that runs: all its frames are dropped, none is run. `Process>>terminate` unwinds before. If the scheduler has something
/// else than a Process for it, anybody may end what runs.
fn end(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    if !space.active_process().is_kind_of(Known::Process) {
        space.roots.above = std::ptr::null_mut();
        let exit = space.terminate_active("the active process is no Process any more");
        return sent(space, exit);
    }
    let receiver = live_process(space, call)?;
    if receiver != space.active_process().oop() {
        return Err(space.failure(Special::InappropriateOperation));
    }
    let value = space.argument(call, 0).oop();
    space.roots.above = std::ptr::null_mut();
    let exit = space.cut_to_caller_of(0, value);
    sent(space, exit)
}

/// The Context of the top frame; of the process that runs the frame that asks.
fn context(space: &mut Space, call: Call) -> Answer {
    let Some(stack) = space.stack_of(space.receiver(call)) else { return Ok(space.nil()) };
    space.set_active_top();
    let frame = space.roots.stacks[stack].as_ref().map_or(0, |stack| stack.top);
    space.context_of_frame(FrameId { stack, frame }).map_err(|error| space.memory_failure(error))
}

fn is_live(space: &mut Space, call: Call) -> Answer {
    let lives = live_process(space, call).is_ok();
    Ok(space.boolean(lives))
}

/// The stack trace as a String.
fn trace(space: &mut Space, call: Call) -> Answer {
    let stack = space.stack_of(space.receiver(call)).ok_or(space.failure(Special::BadReceiver))?;
    let text = space.trace(stack);
    space.new_string(&text).map_err(|error| space.memory_failure(error))
}

fn semaphore(space: &Space, value: Value<'_>) -> Result<Oop, Failure> {
    if value.is_kind_of(Known::Semaphore) {
        Ok(value.oop())
    } else {
        Err(space.failure(Special::BadReceiver))
    }
}

fn signal(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let receiver = semaphore(space, space.receiver(call))?;
    space.signal(receiver);
    complete_with_receiver(space, call);
    space.preempt();
    sent(space, None)
}

fn wait(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let receiver = semaphore(space, space.receiver(call))?;
    if space.wait(receiver) {
        return Ok(Flow::Answer(receiver));
    }
    complete_with_receiver(space, call);
    space.switch_to_next();
    sent(space, None)
}

/// As `wait`, until the clock shows the microseconds of the argument at most. True if there was a signal.
fn wait_until(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let receiver = semaphore(space, space.receiver(call))?;
    let when = time(space, call)?;
    let yes = space.boolean(true);
    if space.wait(receiver) {
        return Ok(Flow::Answer(yes));
    }
    space.roots.above = std::ptr::null_mut();
    space.complete(yes);
    space.limit_wait(receiver, when);
    space.switch_to_next();
    sent(space, None)
}

/// Lets the argument, a process that does not run, wait for the receiver.
fn enqueue(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let receiver = semaphore(space, space.receiver(call))?;
    let process = space.argument(call, 0);
    if !process.is_kind_of(Known::Process) || !space.enqueue(receiver, process.oop()) {
        return Err(space.failure(Special::BadArgument));
    }
    complete_with_receiver(space, call);
    space.preempt();
    sent(space, None)
}

/// The time that the first argument names, in microseconds of the clock that starts with the space.
fn time(space: &Space, call: Call) -> Result<Instant, Failure> {
    let at = space.argument(call, 0).as_integer().ok_or(space.failure(Special::BadArgument))?;
    let when = space.started.checked_add(Duration::from_micros(u64::try_from(at).unwrap_or(0)));
    when.ok_or(space.failure(Special::BadArgument))
}

/// `aSemaphore signalAt: microseconds` of the monotonic clock that `timeMicroseconds` reads.
fn signal_at(space: &mut Space, call: Call) -> Answer {
    let receiver = semaphore(space, space.receiver(call))?;
    let when = time(space, call)?;
    // What is due already is signalled at the next poll all the same.
    space.set_alarm(receiver, when.max(Instant::now()));
    Ok(receiver)
}

/// Ends the program with an exit status.
fn quit(space: &mut Space, call: Call) -> Result<Flow, Failure> {
    let status = space.argument(call, 0).as_integer().and_then(|status| i32::try_from(status).ok());
    let status = status.ok_or(space.failure(Special::BadArgument))?;
    complete_with_receiver(space, call);
    sent(space, Some(Exit::Quit(status)))
}
