//! Classes: making them known to the runtime, their methods, compiling for them.

#![allow(unsafe_code)]

use instar_heap::{ClassIndex, ClassSpec, Oop};

use super::{Answer, Call, Failure, Primitive, Table};
use crate::bootstrap::{Rejected, unpacked_format};
use crate::compiler::CompiledMethodInfo;
use crate::objects::layout::{behavior, hashed};
use crate::objects::{Known, Special, Value};
use crate::syntax::SyntaxError;
use crate::vm::Space;
use crate::vm::install::MethodFacts;
use crate::vm::refresh::runtime_variables;

pub(super) const TABLE: Table = &[
    ("behaviorRegister", Primitive::Plain(register)),
    ("behaviorRetireIndex", Primitive::Plain(retire_index)),
    ("behaviorAddMethod", Primitive::Plain(add_method)),
    ("behaviorRuntimeVariables", Primitive::Plain(runtime_variables_of)),
    ("behaviorCompile", Primitive::Plain(compile)),
    ("behaviorCompileDoIt", Primitive::Plain(compile_doit_for)),
];

/// The receiver, if it has what the runtime needs of a class.
fn class(space: &Space, call: Call) -> Result<Value<'_>, Failure> {
    let receiver = space.receiver(call);
    let has_slots = receiver.slots() > behavior::CLASS_INDEX && receiver.slot(behavior::FORMAT).is_some();
    let is_class = has_slots && space.is_behavior(receiver);
    if is_class { Ok(receiver) } else { Err(space.failure(Special::BadReceiver)) }
}

/// Gives a class whose `format` is set an index for its instances.
fn register(space: &mut Space, call: Call) -> Answer {
    let receiver = class(space, call)?;
    let format = receiver.slot(behavior::FORMAT).and_then(Value::as_integer);
    let spec: Option<ClassSpec> = format.and_then(unpacked_format);
    let spec = spec.ok_or(space.failure(Special::BadReceiver))?;
    let object = receiver.object().ok_or(space.failure(Special::BadReceiver))?;
    // SAFETY: a live object, no forwarder; this thread is the mutator.
    let index = unsafe { space.mutator.heap().define_class(Some(object), spec) };
    let index = index.map_err(|error| space.memory_failure(error))?;
    let index = Oop::small_integer(i64::from(index.get())).unwrap_or(space.nil());
    space.put(object.oop(), behavior::CLASS_INDEX, index);
    Ok(object.oop())
}

/// The index that a class had before it got another one can be given out again once it has no instances.
fn retire_index(space: &mut Space, call: Call) -> Answer {
    let index = space.argument(call, 0).as_integer().and_then(|index| u32::try_from(index).ok());
    let index = index.and_then(ClassIndex::new).ok_or(space.failure(Special::BadArgument))?;
    if space.is_known_index(index) {
        // The runtime goes on making instances of this shape.
        return Ok(space.receiver(call).oop());
    }
    match space.mutator.heap().retire_class(index) {
        Ok(()) => Ok(space.receiver(call).oop()),
        Err(_) => Err(space.failure(Special::BadArgument)),
    }
}

/// For a class that the runtime knows, an Array with the names of the variables that it relies on at their places, nil at others; else nil.
fn runtime_variables_of(space: &mut Space, call: Call) -> Answer {
    let name = class(space, call)?.slot(crate::objects::layout::class::NAME).and_then(Value::text);
    let variables = name.as_deref().map_or(&[][..], runtime_variables);
    if variables.is_empty() && !Known::ALL.iter().any(|known| Some(known.name()) == name.as_deref()) {
        return Ok(space.nil());
    }
    let count = variables.iter().map(|(_, slot)| slot + 1).max().unwrap_or(0);
    let first = space.mark_roots();
    for place in 0..count {
        let name = variables.iter().find(|(_, slot)| *slot == place);
        let name = match name.map(|(name, _)| space.symbol(name)) {
            Some(Err(error)) => {
                space.release(first);
                return Err(space.memory_failure(error));
            }
            Some(Ok(name)) => name,
            None => space.nil(),
        };
        space.root(name);
    }
    let array = space.new_array_of_roots(first);
    space.release(first);
    array.map_err(|error| space.memory_failure(error))
}

/// Whether a class's method dictionary is one that the runtime can write to.
fn has_method_dict(class: Value<'_>) -> bool {
    let dict = class.slot(behavior::METHOD_DICT).filter(|dict| dict.is(Known::MethodDictionary));
    dict.is_some_and(|dict| {
        let room = dict.slots() - dict.named_slots();
        dict.slot(hashed::ARRAY).is_some_and(|array| array.slots() == room)
    })
}

fn add_method(space: &mut Space, call: Call) -> Answer {
    let receiver = class(space, call)?;
    if !has_method_dict(receiver) {
        return Err(space.failure(Special::BadReceiver));
    }
    let (selector, method) = (space.argument(call, 0), space.argument(call, 1));
    if !selector.is_symbol() {
        return Err(space.failure(Special::BadArgument));
    }
    let (receiver, selector, method) = (receiver.oop(), selector.oop(), method.oop());
    let class = space.root(receiver);
    let selector = space.root(selector);
    let method = space.root(method);
    let result = space.add_method(class, selector, method);
    let method = space.rooted(method).oop();
    space.release(class);
    result.map(|()| method).map_err(|error| space.memory_failure(error))
}

/// The reason for which source does not compile: an Array of Arrays, each with the message and where the place begins and ends.
fn source_failure(space: &mut Space, errors: &[SyntaxError]) -> Failure {
    let first = space.mark_roots();
    let made = errors.iter().try_for_each(|error| {
        let message = match &error.help {
            Some(help) => format!("{} ({help})", error.message),
            None => error.message.clone(),
        };
        let parts = space.mark_roots();
        let message = space.new_string(&message)?;
        space.root(message);
        for place in [error.span.start as i64 + 1, error.span.end as i64] {
            let place = Oop::small_integer(place).unwrap_or(space.nil());
            space.root(place);
        }
        let entry = space.new_array_of_roots(parts)?;
        space.release(parts);
        space.root(entry);
        Ok(())
    });
    let array = made.and_then(|()| space.new_array_of_roots(first));
    space.release(first);
    match array {
        Ok(array) => Failure(array),
        Err(error) => space.memory_failure(error),
    }
}

/// The method that a text is, for the receiver. Arguments: text, protocol or nil, package or nil, dictionary of further variables if any.
fn compile(space: &mut Space, call: Call) -> Answer {
    let bindings = further_bindings(space, call, 3)?;
    let Some(bindings) = bindings else { return compile_method(space, call) };
    let workspace = space.root(bindings);
    // Unlike statements, a method adds the names that nothing declares to the dictionary: who compiles it may yet give it up.
    let outer = (space.workspace.replace(workspace), space.undeclared.replace(workspace));
    let method = compile_method(space, call);
    (space.workspace, space.undeclared) = outer;
    space.release(workspace);
    method
}

/// The argument, a dictionary of variables or nil.
fn further_bindings(space: &Space, call: Call, argument: usize) -> Result<Option<Oop>, Failure> {
    let bindings = Some(space.argument(call, argument)).filter(|bindings| !bindings.is_nil());
    if bindings.is_some_and(|bindings| !bindings.is_kind_of(Known::IdentityDictionary)) {
        return Err(space.failure(Special::BadArgument));
    }
    Ok(bindings.map(Value::oop))
}

fn compile_method(space: &mut Space, call: Call) -> Answer {
    let receiver = class(space, call)?;
    let source = space.argument(call, 0).text().ok_or(space.failure(Special::BadArgument))?;
    let variables = space.instance_variables(receiver);
    let info = match space.compile_for(receiver, &variables, &source) {
        Ok(info) => info,
        Err(errors) => return Err(source_failure(space, &errors)),
    };
    if let Some(name) = info.unit.primitive.as_deref().filter(|name| super::find(name).is_none()) {
        let error = SyntaxError::new(crate::syntax::Span::default(), format!("there is no primitive {name}"));
        return Err(source_failure(space, &[error]));
    }
    let protocol = space.argument(call, 1).text();
    let package = space.argument(call, 2).text();
    let facts = MethodFacts {
        source: &source,
        protocol: protocol.as_deref().unwrap_or("as yet unclassified"),
        package: package.as_deref(),
        origin: None,
    };
    new_method(space, call, &info, &facts)
}

/// The CompiledMethod for the receiver, not installed.
fn new_method(space: &mut Space, call: Call, info: &CompiledMethodInfo, facts: &MethodFacts<'_>) -> Answer {
    let class = space.receiver(call).oop();
    let class = space.root(class);
    let selector = space.symbol(&info.selector);
    let method = selector.and_then(|selector| {
        let selector = space.root(selector);
        space.new_method(info, selector, class, facts)
    });
    space.release(class);
    method.map_err(|error| space.memory_failure(error))
}

/// Statements as a method for instances of the receiver. Arguments: text, dictionary of further variables or nil.
fn compile_doit_for(space: &mut Space, call: Call) -> Answer {
    let receiver = class(space, call)?;
    let source = space.argument(call, 0).text().ok_or(space.failure(Special::BadArgument))?;
    let bindings = further_bindings(space, call, 1)?;
    let receiver = receiver.oop();
    let class = space.root(receiver);
    let workspace = bindings.map(|bindings| space.root(bindings));
    let info = match space.compile_bound(&source, class, workspace, false) {
        Ok(info) => info,
        Err(rejected) => {
            space.release(class);
            return Err(match rejected {
                Rejected::Source(errors) => source_failure(space, &errors),
                Rejected::Memory(error) => space.memory_failure(error),
            });
        }
    };
    let outer = std::mem::replace(&mut space.workspace, workspace);
    let facts = MethodFacts { source: &source, protocol: "do-its", ..MethodFacts::default() };
    let method = new_method(space, call, &info, &facts);
    space.workspace = outer;
    space.release(class);
    method
}
