//! Other spaces, for the guest of a hypervisor, and the update points of any guest.
//!
//! What goes over is data: a mirror as `#(mirror space handle)`, integers, Booleans and texts as such, several as an Array. The library `Espell` makes
//! mirrors of that. A space without a [`Hypervisor`](crate::spaces::Hypervisor) has no other spaces.

use std::time::Duration;

use instar_heap::{HeapError, Oop};

use super::block::sent;
use super::{Answer, Call, Failure, Flow, Primitive, Table};
use crate::objects::{Known, Special, Value};
use crate::source::Layout;
use crate::spaces::{ClassDefinition, Hypervisor, Meta, Mirror, MirrorError, ObjectSpace, Phase};
use crate::vm::Space;

pub(super) const TABLE: Table =
    &[("spaceOperate", Primitive::Plain(operate)), ("updatePoint", Primitive::Control(update_point))];

/// Nesting of Arrays that go over.
const MOST_NESTING: usize = 4;

/// What goes over.
#[derive(Clone, Debug, PartialEq)]
enum Datum {
    Nothing,
    Boolean(bool),
    Integer(i64),
    Text(String),
    Symbol(String),
    Mirror(Mirror),
    List(Vec<Datum>),
}

type Result<T> = std::result::Result<T, MirrorError>;

fn wrong(what: &str) -> MirrorError {
    MirrorError::WrongShape(format!("an argument is no {what}"))
}

impl Datum {
    fn of(value: Value<'_>, nesting: usize) -> Result<Datum> {
        if value.is_nil() {
            return Ok(Datum::Nothing);
        }
        if let Some(boolean) = value.as_boolean() {
            return Ok(Datum::Boolean(boolean));
        }
        if let Some(integer) = value.as_integer() {
            return Ok(Datum::Integer(integer));
        }
        if let Some(text) = value.text() {
            return Ok(if value.is_symbol() { Datum::Symbol(text) } else { Datum::Text(text) });
        }
        if !value.is(Known::Array) || nesting == 0 {
            return Err(wrong("mirror, number, text or Array"));
        }
        let elements =
            (0..value.slots()).filter_map(|at| value.slot(at)).map(|each| Datum::of(each, nesting - 1));
        let elements = elements.collect::<Result<Vec<_>>>()?;
        Ok(match &elements[..] {
            [Datum::Symbol(tag), Datum::Integer(space), Datum::Integer(handle)] if tag == "mirror" => {
                Datum::Mirror(Mirror::of_numbers(*space as u64, *handle as u64))
            }
            _ => Datum::List(elements),
        })
    }

    /// As an object of the space. It is no root.
    fn made(&self, space: &mut Space) -> std::result::Result<Oop, HeapError> {
        let elements = match self {
            Datum::Nothing => return Ok(space.nil()),
            Datum::Boolean(value) => return Ok(space.boolean(*value)),
            Datum::Integer(value) => return space.new_integer(*value),
            Datum::Text(text) => return space.new_string(text),
            Datum::Symbol(text) => return space.symbol(text),
            Datum::Mirror(mirror) => {
                let (space, handle) = mirror.to_numbers();
                let numbers = [space, handle].map(|number| Datum::Integer(number as i64));
                &[&[Datum::Symbol("mirror".to_owned())], &numbers[..]].concat()
            }
            Datum::List(elements) => elements,
        };
        let first = space.mark_roots();
        for element in elements {
            let made = element.made(space);
            match made {
                Ok(oop) => space.root(oop),
                Err(error) => {
                    space.release(first);
                    return Err(error);
                }
            };
        }
        let array = space.new_array_of_roots(first);
        space.release(first);
        array
    }
}

impl From<Mirror> for Datum {
    fn from(mirror: Mirror) -> Datum {
        Datum::Mirror(mirror)
    }
}

/// The arguments of an operation.
struct Arguments(Vec<Datum>);

impl Arguments {
    fn at(&self, index: usize) -> &Datum {
        self.0.get(index).unwrap_or(&Datum::Nothing)
    }

    fn mirror(&self, index: usize) -> Result<Mirror> {
        match self.at(index) {
            Datum::Mirror(mirror) => Ok(*mirror),
            _ => Err(wrong("mirror")),
        }
    }

    fn text(&self, index: usize) -> Result<&str> {
        match self.at(index) {
            Datum::Text(text) | Datum::Symbol(text) => Ok(text),
            _ => Err(wrong("text")),
        }
    }

    fn index(&self, index: usize) -> Result<usize> {
        match self.at(index) {
            Datum::Integer(value) => usize::try_from(*value).map_err(|_| wrong("number from 0")),
            _ => Err(wrong("number")),
        }
    }

    fn list(&self, index: usize) -> Result<&[Datum]> {
        match self.at(index) {
            Datum::List(elements) => Ok(elements),
            _ => Err(wrong("Array")),
        }
    }

    fn mirrors(&self, index: usize) -> Result<Vec<Mirror>> {
        let mirror = |datum: &Datum| match datum {
            Datum::Mirror(mirror) => Ok(*mirror),
            _ => Err(wrong("mirror")),
        };
        self.list(index)?.iter().map(mirror).collect()
    }

    fn texts(&self, index: usize) -> Result<Vec<String>> {
        let text = |datum: &Datum| match datum {
            Datum::Text(text) | Datum::Symbol(text) => Ok(text.clone()),
            _ => Err(wrong("text")),
        };
        self.list(index)?.iter().map(text).collect()
    }

    fn milliseconds(&self, index: usize) -> Result<Duration> {
        Ok(Duration::from_millis(self.index(index)? as u64))
    }
}

/// `spaceOperate: operation on: id with: arguments`: does to a space what the Symbol says; `id` is its number, 0 for what concerns none.
fn operate(space: &mut Space, call: Call) -> Answer {
    let Some(hypervisor) = space.hypervisor.clone() else {
        return Err(space.failure(Special::Unsupported));
    };
    let operation = space.argument(call, 0).text().ok_or(space.failure(Special::BadArgument))?;
    let id = space.argument(call, 1).as_index().ok_or(space.failure(Special::BadArgument))? as u64;
    let arguments = match Datum::of(space.argument(call, 2), MOST_NESTING) {
        Ok(Datum::List(elements)) => Ok(Arguments(elements)),
        Ok(_) => Err(wrong("Array")),
        Err(error) => Err(error),
    };
    let reply = arguments.and_then(|arguments| perform(&hypervisor, &operation, id, &arguments));
    match reply {
        Ok(datum) => datum.made(space).map_err(|error| space.memory_failure(error)),
        Err(error) => Err(failure(space, &error)),
    }
}

/// The kind of an error and its text.
fn failure(space: &mut Space, error: &MirrorError) -> Failure {
    let kind = match error {
        MirrorError::WrongSpace { .. } => "WrongSpace",
        MirrorError::WrongShape(_) => "WrongShape",
        MirrorError::Dead => "DeadMirror",
        MirrorError::Released => "ReleasedMirror",
        MirrorError::Running => "SpaceRunning",
        MirrorError::Discarded => "SpaceDiscarded",
        MirrorError::TimedOut(_) => "SpaceTimedOut",
        MirrorError::NotFound(_) => "MirrorNotFound",
        MirrorError::Source(_) => "MirrorSourceRejected",
        MirrorError::Refused(_) => "MirrorRefused",
        MirrorError::Memory(_) => "SpaceOutOfMemory",
    };
    let reason = Datum::List(vec![Datum::Symbol(kind.to_owned()), Datum::Text(error.to_string())]);
    match reason.made(space) {
        Ok(oop) => Failure(oop),
        Err(error) => space.memory_failure(error),
    }
}

fn perform(hypervisor: &Hypervisor, operation: &str, id: u64, arguments: &Arguments) -> Result<Datum> {
    let number = |space: ObjectSpace| Datum::Integer(space.id() as i64);
    match operation {
        "createSpace" => return hypervisor.create(arguments.text(0)?).map(number),
        "createSpaceWithLimit" => {
            return hypervisor.create_limited(arguments.text(0)?, arguments.index(1)?).map(number);
        }
        "spaces" => return Ok(Datum::List(hypervisor.spaces().into_iter().map(number).collect())),
        _ => {}
    }
    let space = hypervisor.space(id)?;
    let done = |result: Result<()>| result.map(|()| Datum::Nothing);
    match operation {
        "duplicate" => hypervisor.duplicate(&space, arguments.text(0)?).map(number),
        "name" => Ok(Datum::Text(space.name().to_owned())),
        "phase" => Ok(phase(space.phase())),
        "resume" => done(space.resume()),
        "suspend" => done(space.suspend()),
        "discard" => done(space.discard()),
        "requestGathering" => done(space.request_gathering()),
        "cancelGathering" => done(space.cancel_gathering()),
        "scatter" => done(space.scatter()),
        "wait" => Ok(phase(space.wait(arguments.milliseconds(0)?))),
        "measure" => {
            let measure = space.measure()?;
            let numbers = [measure.bytes, measure.objects, measure.processes, measure.mirrors];
            Ok(Datum::List(numbers.into_iter().map(|number| Datum::Integer(number as i64)).collect()))
        }
        _ => operations::perform(&mut space.meta()?, operation, arguments),
    }
}

fn phase(phase: Phase) -> Datum {
    let name = match phase {
        Phase::Running => "running",
        Phase::Suspended => "suspended",
        Phase::Gathered => "gathered",
        Phase::Idle => "idle",
        Phase::Quit(_) => "quit",
        Phase::Broken => "broken",
        Phase::Discarded => "discarded",
    };
    Datum::Symbol(name.to_owned())
}

/// An update point: one load and one branch unless an update is pending; then the process waits until it is over.
fn update_point(space: &mut Space, call: Call) -> std::result::Result<Flow, Failure> {
    if !space.interrupt.is_gathering() {
        return Ok(Flow::Answer(space.receiver(call).oop()));
    }
    space.make_gate().map_err(|error| space.memory_failure(error))?;
    let receiver = space.receiver(call).oop();
    space.roots.above = std::ptr::null_mut();
    space.complete(receiver);
    space.stand_at_gate();
    sent(space, None)
}

mod operations {
    //! The operations of the meta-object protocol, by name.

    use super::{Arguments, ClassDefinition, Datum, Layout, Meta, Mirror, Result, wrong};

    fn mirrors(mirrors: Vec<Mirror>) -> Datum {
        Datum::List(mirrors.into_iter().map(Datum::Mirror).collect())
    }

    fn layout(name: &str) -> Result<Layout> {
        let layouts = [
            ("normal", Layout::Normal),
            ("variable", Layout::Variable),
            ("bytes", Layout::Bytes),
            ("words", Layout::Words),
            ("weak", Layout::Weak),
        ];
        let found = layouts.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, layout)| *layout)
            .ok_or_else(|| wrong("layout: normal, variable, bytes, words or weak"))
    }

    pub(super) fn perform(meta: &mut Meta<'_>, operation: &str, of: &Arguments) -> Result<Datum> {
        if let Some(reply) = load(meta, operation, of).transpose() {
            return reply;
        }
        if let Some(reply) = migrate(meta, operation, of).transpose() {
            return reply;
        }
        if let Some(reply) = execute(meta, operation, of).transpose() {
            return reply;
        }
        convert(meta, operation, of)?.ok_or_else(|| wrong("operation that there is"))
    }

    /// Code loading, and configuration.
    fn load(meta: &mut Meta<'_>, operation: &str, of: &Arguments) -> Result<Option<Datum>> {
        Ok(Some(match operation {
            "createClass" => {
                let superclass = if *of.at(1) == Datum::Nothing { None } else { Some(of.mirror(1)?) };
                let definition = ClassDefinition {
                    superclass,
                    variables: of.texts(2)?,
                    class_variables: of.texts(3)?,
                    layout: layout(of.text(4)?)?,
                    package: of.text(5)?.to_owned(),
                };
                meta.create_class(of.text(0)?, &definition)?.into()
            }
            "installClass" => {
                meta.install_class(of.mirror(0)?)?;
                Datum::Nothing
            }
            "removeClass" => {
                meta.remove_class(of.mirror(0)?)?;
                Datum::Nothing
            }
            "classNamed" => meta.class_named(of.text(0)?)?.into(),
            "compileMethod" => meta.compile_method(of.mirror(0)?, of.text(1)?)?.into(),
            "installMethod" => {
                meta.install_method(of.mirror(0)?, of.mirror(1)?)?;
                Datum::Nothing
            }
            "removeMethod" => {
                meta.remove_method(of.mirror(0)?, of.text(1)?)?;
                Datum::Nothing
            }
            "methodOf" => meta.method_of(of.mirror(0)?, of.text(1)?)?.into(),
            "specialObject" => meta.special_object(of.text(0)?)?.into(),
            "setSpecialObject" => {
                meta.set_special_object(of.text(0)?, of.mirror(1)?)?;
                Datum::Nothing
            }
            "superclassOf" => meta.superclass_of(of.mirror(0)?)?.into(),
            _ => return Ok(None),
        }))
    }

    /// Instance migration.
    fn migrate(meta: &mut Meta<'_>, operation: &str, of: &Arguments) -> Result<Option<Datum>> {
        Ok(Some(match operation {
            "createInstance" => meta.create_instance(of.mirror(0)?, of.index(1)?)?.into(),
            "instancesOf" => mirrors(meta.instances_of(of.mirror(0)?)?),
            "classOf" => meta.class_of(of.mirror(0)?)?.into(),
            "setClass" => {
                meta.set_class(of.mirror(0)?, of.mirror(1)?)?;
                Datum::Nothing
            }
            "slot" => meta.slot(of.mirror(0)?, of.text(1)?)?.into(),
            "setSlot" => {
                meta.set_slot(of.mirror(0)?, of.text(1)?, of.mirror(2)?)?;
                Datum::Nothing
            }
            "size" => Datum::Integer(meta.size(of.mirror(0)?)? as i64),
            "element" => meta.element(of.mirror(0)?, of.index(1)?)?.into(),
            "setElement" => {
                meta.set_element(of.mirror(0)?, of.index(1)?, of.mirror(2)?)?;
                Datum::Nothing
            }
            "swapIdentities" => {
                let (old, new) = (of.mirrors(0)?, of.mirrors(1)?);
                if old.len() != new.len() {
                    return Err(wrong("Array of as many mirrors as the other"));
                }
                let pairs: Vec<_> = old.into_iter().zip(new).collect();
                meta.swap_identities(&pairs, *of.at(2) == Datum::Boolean(true))?;
                Datum::Nothing
            }
            "global" => meta.global(of.text(0)?)?.into(),
            _ => return Ok(None),
        }))
    }

    /// Execution.
    fn execute(meta: &mut Meta<'_>, operation: &str, of: &Arguments) -> Result<Option<Datum>> {
        Ok(Some(match operation {
            "threads" => mirrors(meta.threads()),
            "createThread" => meta.create_thread(of.mirror(0)?, of.text(1)?, &of.mirrors(2)?)?.into(),
            "installThread" => {
                meta.install_thread(of.mirror(0)?)?;
                Datum::Nothing
            }
            "terminateThread" => {
                meta.terminate_thread(of.mirror(0)?)?;
                Datum::Nothing
            }
            "threadsInside" => {
                let inside = meta.threads_inside(&of.mirrors(0)?)?;
                mirrors(inside.into_iter().flat_map(|(thread, method)| [thread, method]).collect())
            }
            "framesOf" => mirrors(meta.frames_of(of.mirror(0)?)?),
            "releaseMany" => {
                of.mirrors(0)?.into_iter().for_each(|mirror| meta.release(mirror));
                Datum::Nothing
            }
            "framesRunning" => mirrors(meta.frames_running(&of.mirrors(0)?)?),
            "temporary" => meta.temporary(of.mirror(0)?, of.text(1)?)?.into(),
            "setTemporary" => {
                meta.set_temporary(of.mirror(0)?, of.text(1)?, of.mirror(2)?)?;
                Datum::Nothing
            }
            "setCurrentFrame" => {
                meta.set_current_frame(of.mirror(0)?, of.mirror(1)?, of.mirror(2)?)?;
                Datum::Nothing
            }
            "restartFrame" => {
                meta.restart_frame(of.mirror(0)?, of.mirror(1)?)?;
                Datum::Nothing
            }
            "createFrame" => meta.create_frame(of.mirror(0)?, of.text(1)?, &of.mirrors(2)?)?.into(),
            "insertFrame" => {
                meta.insert_frame(of.mirror(0)?, of.mirror(1)?)?;
                Datum::Nothing
            }
            "frameSelector" => Datum::Symbol(meta.frame_selector(of.mirror(0)?)?),
            "frameDescription" => Datum::Text(meta.frame_description(of.mirror(0)?)?),
            "frameReceiver" => meta.frame_receiver(of.mirror(0)?)?.into(),
            "start" => meta.start(of.text(0)?)?.into(),
            _ => return Ok(None),
        }))
    }

    /// Data that goes over, and mirrors as such.
    fn convert(meta: &mut Meta<'_>, operation: &str, of: &Arguments) -> Result<Option<Datum>> {
        Ok(Some(match operation {
            "nil" => meta.nil().into(),
            "mirrorOf" => match of.at(0) {
                Datum::Nothing => meta.nil().into(),
                Datum::Boolean(value) => meta.boolean(*value).into(),
                Datum::Integer(value) => meta.integer(*value)?.into(),
                Datum::Text(text) => meta.string(text)?.into(),
                Datum::Symbol(text) => meta.symbol(text)?.into(),
                Datum::List(_) => meta.array(&of.mirrors(0)?)?.into(),
                Datum::Mirror(mirror) => (*mirror).into(),
            },
            "textOf" => meta.text_of(of.mirror(0)?)?.map_or(Datum::Nothing, Datum::Text),
            "integerOf" => meta.integer_of(of.mirror(0)?)?.map_or(Datum::Nothing, Datum::Integer),
            "isNil" => Datum::Boolean(meta.is_nil(of.mirror(0)?)?),
            "isSame" => Datum::Boolean(meta.is_same(of.mirror(0)?, of.mirror(1)?)?),
            "descriptionOf" => Datum::Text(meta.description_of(of.mirror(0)?)?),
            "hold" => {
                meta.hold(of.mirror(0)?)?;
                Datum::Nothing
            }
            "release" => {
                meta.release(of.mirror(0)?);
                Datum::Nothing
            }
            "releaseAll" => {
                meta.release_all();
                Datum::Nothing
            }
            "collect" => {
                meta.collect();
                Datum::Nothing
            }
            _ => return Ok(None),
        }))
    }
}
