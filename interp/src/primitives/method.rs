//! Code as an object: what compiled methods and blocks say of themselves.

use instar_heap::Oop;

use super::{Answer, Call, Failure, Primitive, TABLES, Table};
use crate::code::executable::instructions;
use crate::code::{Code, Op, disassemble};
use crate::compiler::CompiledMethodInfo;
use crate::objects::layout::{closure, compiled};
use crate::objects::{Known, Special, Value};
use crate::vm::Space;
use crate::vm::contexts::FrameId;
use crate::vm::frames::split_home;

pub(super) const TABLE: Table = &[
    ("methodNumArgs", Primitive::Plain(num_args)),
    ("methodNumTemps", Primitive::Plain(num_temps)),
    ("methodTempNames", Primitive::Plain(temp_names)),
    ("methodSelectors", Primitive::Plain(selectors)),
    ("methodPrimitiveName", Primitive::Plain(primitive_name)),
    ("methodReadsField", Primitive::Plain(reads_field)),
    ("methodWritesField", Primitive::Plain(writes_field)),
    ("methodDisassembly", Primitive::Plain(disassembly)),
    ("methodSetSlot", Primitive::Plain(set_slot)),
    ("blockHome", Primitive::Plain(block_home)),
];

/// The code of the receiver.
fn code(space: &Space, call: Call) -> Result<&Code, Failure> {
    space.code_of(space.receiver(call)).ok_or(space.failure(Special::BadReceiver))
}

fn small(space: &Space, number: usize) -> Oop {
    Oop::small_integer(number as i64).unwrap_or(space.nil())
}

fn num_args(space: &mut Space, call: Call) -> Answer {
    Ok(small(space, code(space, call)?.arguments as usize))
}

fn num_temps(space: &mut Space, call: Call) -> Answer {
    Ok(small(space, code(space, call)?.end_temporaries.saturating_sub(1) as usize))
}

/// An Array of Strings.
pub(super) fn new_strings<'t>(space: &mut Space, texts: impl Iterator<Item = &'t str>) -> Answer {
    let first = space.mark_roots();
    for text in texts {
        let string = space.new_string(text).map_err(|error| space.memory_failure(error));
        match string {
            Ok(string) => drop(space.root(string)),
            Err(failure) => {
                space.release(first);
                return Err(failure);
            }
        }
    }
    let array = space.new_array_of_roots(first);
    space.release(first);
    array.map_err(|error| space.memory_failure(error))
}

fn temp_names(space: &mut Space, call: Call) -> Answer {
    let names: Vec<String> = code(space, call)?.names.iter().map(|name| name.name.clone()).collect();
    new_strings(space, names.iter().map(String::as_str))
}

/// The selectors of the caches of sends, each once.
fn selectors(space: &mut Space, call: Call) -> Answer {
    let method = space.receiver(call).oop();
    let mut numbers: Vec<u16> = code(space, call)?.sites.iter().map(|site| site.selector).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let first = space.mark_roots();
    for number in numbers {
        let selector = space.selector_of(number, method);
        space.root(selector);
    }
    let array = space.new_array_of_roots(first);
    space.release(first);
    array.map_err(|error| space.memory_failure(error))
}

/// Whether two entries of the tables do the same.
fn is_same(one: Primitive, other: Primitive) -> bool {
    use std::ptr::fn_addr_eq;
    match (one, other) {
        (Primitive::Plain(one), Primitive::Plain(other))
        | (Primitive::At(one), Primitive::At(other))
        | (Primitive::AtPut(one), Primitive::AtPut(other)) => fn_addr_eq(one, other),
        (Primitive::Control(one), Primitive::Control(other)) => fn_addr_eq(one, other),
        (Primitive::BlockValue, Primitive::BlockValue) => true,
        _ => false,
    }
}

/// A Symbol, nil for a method without primitive.
fn primitive_name(space: &mut Space, call: Call) -> Answer {
    let Some(primitive) = code(space, call)?.primitive else { return Ok(space.nil()) };
    let mut all = TABLES.iter().flat_map(|table| table.iter());
    let name = all.find(|&&(_, other)| is_same(primitive, other)).map(|&(name, _)| name);
    match name {
        Some(name) => space.symbol(name).map_err(|error| space.memory_failure(error)),
        None => Ok(space.nil()),
    }
}

/// Whether an instruction for which `touches` holds names the slot that the argument numbers from 1.
fn field(
    space: &Space,
    call: Call,
    touches: impl Fn(&Code, usize, Op, crate::code::Instruction) -> Option<usize>,
) -> Answer {
    let index = space.argument(call, 0).as_index().filter(|&index| index > 0);
    let slot = index.ok_or(space.failure(Special::BadArgument))? - 1;
    let code = code(space, call)?;
    let found = instructions(&code.words)
        .any(|(at, op, instruction)| touches(code, at, op, instruction) == Some(slot));
    Ok(space.boolean(found))
}

fn reads_field(space: &mut Space, call: Call) -> Answer {
    field(space, call, |_, _, op, instruction| {
        matches!(op, Op::LoadSlot | Op::LoadSlotChecked).then(|| instruction.bx())
    })
}

fn writes_field(space: &mut Space, call: Call) -> Answer {
    field(space, call, |code, at, op, _| {
        matches!(op, Op::StoreSlot | Op::StoreSlotChecked).then(|| code.words[at + 1] as usize)
    })
}

/// The receiver's source, compiled again: instructions with names need more than the running code keeps.
fn recompiled(space: &Space, method: Value<'_>) -> Option<(CompiledMethodInfo, String)> {
    let source = method.slot(compiled::SOURCE)?.text()?;
    let class = method.slot(compiled::METHOD_CLASS)?;
    let variables = space.instance_variables(class);
    let info = space.compile_for(class, &variables, &source).ok()?;
    Some((info, source))
}

fn disassembly(space: &mut Space, call: Call) -> Answer {
    let mut method = space.receiver(call);
    while method.is(Known::CompiledBlock) {
        method = method.slot(compiled::OUTER).ok_or(space.failure(Special::BadReceiver))?;
    }
    let (info, source) = recompiled(space, method).ok_or(space.failure(Special::Unsupported))?;
    let text = disassemble::disassemble(&info.unit, Some(&source));
    space.new_string(&text).map_err(|error| space.memory_failure(error))
}

/// What describes a method may change; what it does may not [code-immutable].
fn set_slot(space: &mut Space, call: Call) -> Answer {
    let free = [compiled::PROTOCOL, compiled::PACKAGE_NAME, compiled::PRAGMAS, compiled::PROPERTIES];
    let slot = space.argument(call, 0).as_index().and_then(|index| index.checked_sub(1));
    let slot = slot.filter(|slot| free.contains(slot)).ok_or(space.failure(Special::BadIndex))?;
    let method = space.receiver(call);
    let object = method.object().filter(|_| method.is(Known::CompiledMethod));
    let object = object.ok_or(space.failure(Special::BadReceiver))?;
    let value = space.argument(call, 1).oop();
    space.put(object.oop(), slot, value);
    Ok(value)
}

/// The Context of the method activation that made the block; nil if it is gone or the block does not name it.
fn block_home(space: &mut Space, call: Call) -> Answer {
    let receiver = space.receiver(call);
    if !receiver.is(Known::BlockClosure) {
        return Err(space.failure(Special::BadReceiver));
    }
    let home = receiver.slot(closure::HOME).and_then(Value::as_integer);
    let Some((serial, frame)) = home.map(split_home).filter(|&(serial, _)| serial != 0) else {
        return Ok(space.nil());
    };
    space.set_active_top();
    let is_home = |stack: &usize| {
        space.frame(FrameId { stack: *stack, frame }).is_some_and(|frame| frame.mark.serial() == serial)
    };
    let Some(stack) = (0..space.roots.stacks.len()).find(is_home) else { return Ok(space.nil()) };
    space.context_of_frame(FrameId { stack, frame }).map_err(|error| space.memory_failure(error))
}
