//! Each operation of Espell's section 4 with each mirror that is none for it: of another space, dead, released, of an object of another shape. What is refused has
//! changed nothing. Then random operations with random mirrors, in whatever order: the space may be ruined by them, but not the runtime.

#[path = "support/small.rs"]
mod small;

use std::time::Duration;

use instar_interp::spaces::{ClassDefinition, Hypervisor, Meta, Mirror, MirrorError, ObjectSpace, Phase};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const SECONDS: Duration = Duration::from_secs(20);

fn hypervisor() -> Hypervisor {
    small::hypervisor(small::verified(32))
}

/// What an operation wants at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Class,
    Uninstalled,
    Installed,
    Method,
    Object,
    Point,
    Thread,
    NewThread,
    Frame,
    NewFrame,
}

const ROLES: [Role; 10] = [
    Role::Class,
    Role::Uninstalled,
    Role::Installed,
    Role::Method,
    Role::Object,
    Role::Point,
    Role::Thread,
    Role::NewThread,
    Role::Frame,
    Role::NewFrame,
];

type Perform = fn(&mut Meta<'_>, &[Mirror]) -> Result<(), MirrorError>;

/// The operations of 4.1 to 4.4 by the paper's names, what mirrors they take, and how they are asked for.
const OPERATIONS: [(&str, &[Role], Perform); 24] = [
    ("create class", &[Role::Class], |meta, of| {
        let definition = ClassDefinition { superclass: Some(of[0]), ..ClassDefinition::default() };
        meta.create_class("Made", &definition).map(drop)
    }),
    ("install class", &[Role::Uninstalled], |meta, of| meta.install_class(of[0])),
    ("remove class", &[Role::Installed], |meta, of| meta.remove_class(of[0])),
    ("get class by name", &[], |meta, _| meta.class_named("Program").map(drop)),
    ("compile method", &[Role::Class], |meta, of| meta.compile_method(of[0], "made ^ 3").map(drop)),
    ("install method", &[Role::Class, Role::Method], |meta, of| meta.install_method(of[0], of[1])),
    ("remove method", &[Role::Class], |meta, of| meta.remove_method(of[0], "spare")),
    ("create instance", &[Role::Class], |meta, of| meta.create_instance(of[0], 0).map(drop)),
    ("instances of", &[Role::Class], |meta, of| meta.instances_of(of[0]).map(drop)),
    ("get class of", &[Role::Object], |meta, of| meta.class_of(of[0]).map(drop)),
    ("set class", &[Role::Object, Role::Class], |meta, of| meta.set_class(of[0], of[1])),
    ("get slot", &[Role::Point], |meta, of| meta.slot(of[0], "x").map(drop)),
    ("set slot", &[Role::Point, Role::Object], |meta, of| meta.set_slot(of[0], "x", of[1])),
    ("swap identity", &[Role::Object, Role::Point], |meta, of| meta.swap_identity(of[0], of[1])),
    ("get threads", &[], |meta, _| {
        meta.threads();
        Ok(())
    }),
    ("create thread", &[Role::Object, Role::Object], |meta, of| {
        meta.create_thread(of[0], "note:", &of[1..2]).map(drop)
    }),
    ("install thread", &[Role::NewThread], |meta, of| meta.install_thread(of[0])),
    ("terminate thread", &[Role::Thread], |meta, of| meta.terminate_thread(of[0])),
    ("get stack frames", &[Role::Thread], |meta, of| meta.frames_of(of[0]).map(drop)),
    ("set current stack frame", &[Role::Thread, Role::Frame, Role::Object], |meta, of| {
        meta.set_current_frame(of[0], of[1], of[2])
    }),
    ("create stack frame", &[Role::Object, Role::Object], |meta, of| {
        meta.create_frame(of[0], "note:", &of[1..2]).map(drop)
    }),
    ("insert stack frame", &[Role::Frame, Role::NewFrame], |meta, of| meta.insert_frame(of[0], of[1])),
    ("get special object", &[], |meta, _| meta.special_object("SmallInteger").map(drop)),
    ("set special object", &[Role::Class], |meta, of| {
        let array = meta.special_object("Array")?;
        // A class without variables cannot be that of Arrays, and neither can what is no class.
        let of = if meta.description_of(of[0])? == "Program" { array } else { of[0] };
        meta.set_special_object("Array", of)
    }),
];

/// A program whose thread waits two calls deep, and mirrors of everything that the operations take.
struct Fixture {
    hypervisor: Hypervisor,
    space: ObjectSpace,
    mirrors: Vec<Mirror>,
    foreign: Mirror,
    dead: Mirror,
    released: Mirror,
    /// Integers are none of what operations want but for objects.
    integer: Mirror,
}

const PROGRAM: &str = "Object subclass: #Program instanceVariableNames: '' classVariableNames: '' package: 'Tests'.
    Object subclass: #Installed instanceVariableNames: '' classVariableNames: '' package: 'Tests'.
    Smalltalk at: #Gate put: Semaphore new; at: #Kept put: Program new; at: #Point1 put: 3 @ 4.
    Program compile: 'main ^ self step + 1'; compile: 'step (Smalltalk at: #Gate) wait. ^ 3'; compile: 'note: n ^ n'; compile: 'spare ^ 3'";

impl Fixture {
    fn new() -> Fixture {
        let hypervisor = hypervisor();
        let space = hypervisor.create("program").unwrap();
        space.meta().unwrap().space().evaluate_to_string(PROGRAM).unwrap();
        let thread = space.meta().unwrap().start("Program new main").unwrap();
        let dead = {
            let mut meta = space.meta().unwrap();
            let point = meta.class_named("Point").unwrap();
            let dead = meta.create_instance(point, 0).unwrap();
            meta.start("Smalltalk garbageCollect").unwrap();
            dead
        };
        space.resume().unwrap();
        assert_eq!(space.wait(SECONDS), Phase::Idle);
        let other = hypervisor.create("other").unwrap();
        let foreign = other.meta().unwrap().integer(3).unwrap();
        let mut meta = space.meta().unwrap();
        let integer = meta.integer(3).unwrap();
        let released = meta.nil();
        meta.release(released);
        let mirrors = ROLES.iter().map(|role| Fixture::made(&mut meta, *role, thread)).collect();
        drop(meta);
        Fixture { hypervisor, space, mirrors, foreign, dead, released, integer }
    }

    fn made(meta: &mut Meta<'_>, role: Role, thread: Mirror) -> Mirror {
        let program = meta.class_named("Program").unwrap();
        let kept = meta.global("Kept").unwrap();
        let made = match role {
            Role::Class => Ok(program),
            Role::Uninstalled => meta.create_class("Counter", &ClassDefinition::default()),
            Role::Installed => meta.class_named("Installed"),
            Role::Method => meta.compile_method(program, "compiled ^ 3"),
            Role::Object => Ok(kept),
            Role::Point => meta.global("Point1"),
            Role::Thread => Ok(thread),
            Role::NewThread => meta.create_thread(kept, "spare", &[]),
            Role::Frame => meta.frames_of(thread).map(|frames| frames[1]),
            Role::NewFrame => meta.create_frame(kept, "spare", &[]),
        };
        made.unwrap()
    }

    fn mirror(&self, role: Role) -> Mirror {
        self.mirrors[role as usize]
    }

    fn arguments(&self, roles: &[Role]) -> Vec<Mirror> {
        roles.iter().map(|role| self.mirror(*role)).collect()
    }
}

#[test]
fn each_operation_does_what_it_should_with_what_it_wants() {
    for (name, roles, perform) in OPERATIONS {
        let fixture = Fixture::new();
        let arguments = fixture.arguments(roles);
        let result = perform(&mut fixture.space.meta().unwrap(), &arguments);
        assert_eq!(result, Ok(()), "{name}");
    }
}

#[test]
fn each_operation_refuses_each_mirror_that_is_none_for_it_and_changes_nothing() {
    let fixture = Fixture::new();
    let wrong_space =
        MirrorError::WrongSpace { expected: fixture.space.id(), found: fixture.foreign.space() };
    let mut meta = fixture.space.meta().unwrap();
    let before = meta.digest().unwrap();
    for (name, roles, perform) in OPERATIONS {
        for (place, role) in roles.iter().enumerate() {
            let mut try_with = |mirror: Mirror| {
                let mut arguments = fixture.arguments(roles);
                arguments[place] = mirror;
                let result = perform(&mut meta, &arguments);
                assert_eq!(meta.digest().unwrap(), before, "{name}, {role:?} at {place}: {result:?}");
                result
            };
            assert_eq!(try_with(fixture.foreign), Err(wrong_space.clone()), "{name} {place}");
            assert_eq!(try_with(fixture.dead), Err(MirrorError::Dead), "{name} {place}");
            assert_eq!(try_with(fixture.released), Err(MirrorError::Released), "{name} {place}");
            // Any object will do as receiver, argument and value; an Integer has no slots and no identity to swap.
            let takes_any = *role == Role::Object && !["set class", "swap identity"].contains(&name)
                || name == "swap identity" && place == 1;
            if takes_any {
                continue;
            }
            let result = try_with(fixture.integer);
            let is_right = match (name, place) {
                ("get slot" | "set slot", 0) => matches!(result, Err(MirrorError::NotFound(_))),
                ("set class" | "swap identity", 0) => matches!(result, Err(MirrorError::Refused(_))),
                _ => matches!(result, Err(MirrorError::WrongShape(_))),
            };
            assert!(is_right, "{name}, {role:?} at {place}: {result:?}");
        }
    }
}

/// What an operation is asked besides mirrors.
#[test]
fn names_shapes_and_sources_that_do_not_fit_are_refused_and_change_nothing() {
    let fixture = Fixture::new();
    let of = |role| fixture.mirror(role);
    type Case<'f> = (&'static str, &'static str, Box<dyn Fn(&mut Meta<'_>) -> Result<(), MirrorError> + 'f>);
    let definition = |variables: &[&str]| ClassDefinition {
        variables: variables.iter().map(|name| (*name).to_owned()).collect(),
        ..ClassDefinition::default()
    };
    let cases: Vec<Case<'_>> = vec![
        ("create class", "WrongShape", Box::new(|meta| meta.create_class("3x", &definition(&[])).map(drop))),
        (
            "create class",
            "WrongShape",
            Box::new(|meta| meta.create_class("X", &definition(&["a", "a"])).map(drop)),
        ),
        (
            "install class",
            "WrongShape",
            Box::new(|meta| {
                let metaclass = meta.class_of(of(Role::Class))?;
                meta.install_class(metaclass)
            }),
        ),
        ("remove class", "NotFound", Box::new(|meta| meta.remove_class(of(Role::Uninstalled)))),
        ("get class by name", "NotFound", Box::new(|meta| meta.class_named("NoSuchClass").map(drop))),
        ("get class by name", "NotFound", Box::new(|meta| meta.class_named("Smalltalk").map(drop))),
        (
            "compile method",
            "Source",
            Box::new(|meta| meta.compile_method(of(Role::Class), "x ^ (").map(drop)),
        ),
        (
            "install method",
            "WrongShape",
            Box::new(|meta| {
                let point = meta.class_named("Point")?;
                let method = meta.compile_method(point, "sum ^ x + y")?;
                meta.install_method(of(Role::Class), method)
            }),
        ),
        ("remove method", "NotFound", Box::new(|meta| meta.remove_method(of(Role::Class), "noSuchSelector"))),
        (
            "create instance",
            "WrongShape",
            Box::new(|meta| meta.create_instance(of(Role::Class), 1).map(drop)),
        ),
        (
            "create instance",
            "Memory",
            Box::new(|meta| {
                let array = meta.class_named("Array")?;
                meta.create_instance(array, usize::MAX / 2).map(drop)
            }),
        ),
        (
            "set class",
            "WrongShape",
            Box::new(|meta| {
                let array = meta.class_named("Array")?;
                meta.set_class(of(Role::Object), array)
            }),
        ),
        ("get slot", "NotFound", Box::new(|meta| meta.slot(of(Role::Point), "z").map(drop))),
        ("set slot", "NotFound", Box::new(|meta| meta.set_slot(of(Role::Point), "z", of(Role::Object)))),
        (
            "swap identity",
            "Refused",
            Box::new(|meta| {
                let nil = meta.nil();
                meta.swap_identity(nil, of(Role::Object))
            }),
        ),
        (
            "create thread",
            "WrongShape",
            Box::new(|meta| meta.create_thread(of(Role::Object), "note:", &[]).map(drop)),
        ),
        ("install thread", "Refused", Box::new(|meta| meta.install_thread(of(Role::Thread)))),
        (
            "set current stack frame",
            "WrongShape",
            Box::new(|meta| meta.set_current_frame(of(Role::Thread), of(Role::NewFrame), of(Role::Object))),
        ),
        (
            "create stack frame",
            "WrongShape",
            Box::new(|meta| meta.create_frame(of(Role::Object), "note:", &[]).map(drop)),
        ),
        (
            "insert stack frame",
            "WrongShape",
            Box::new(|meta| meta.insert_frame(of(Role::NewFrame), of(Role::NewFrame))),
        ),
        (
            "insert stack frame",
            "WrongShape",
            Box::new(|meta| meta.insert_frame(of(Role::Frame), of(Role::Frame))),
        ),
        ("get special object", "NotFound", Box::new(|meta| meta.special_object("Nothing").map(drop))),
        (
            "set special object",
            "NotFound",
            Box::new(|meta| meta.set_special_object("Nothing", of(Role::Object))),
        ),
        ("set special object", "Refused", Box::new(|meta| meta.set_special_object("nil", of(Role::Object)))),
        (
            "set special object",
            "WrongShape",
            Box::new(|meta| {
                let point = meta.class_named("Point")?;
                meta.set_special_object("SmallInteger", point)
            }),
        ),
    ];
    let mut meta = fixture.space.meta().unwrap();
    let before = meta.digest().unwrap();
    for (name, expected, case) in cases {
        let Err(error) = case(&mut meta) else { panic!("{name}: not refused") };
        assert!(format!("{error:?}").starts_with(expected), "{name}: {error:?}, not {expected}");
        assert_eq!(meta.digest().unwrap(), before, "{name}: {error:?}");
    }
}

#[test]
fn threads_that_have_ended_are_refused() {
    let fixture = Fixture::new();
    let thread = fixture.mirror(Role::Thread);
    let mut meta = fixture.space.meta().unwrap();
    meta.terminate_thread(thread).unwrap();
    for (name, roles, perform) in OPERATIONS {
        if roles.first().is_some_and(|role| *role == Role::Thread) {
            let result = perform(&mut meta, &fixture.arguments(roles));
            assert!(matches!(result, Err(MirrorError::Refused(_))), "{name}: {result:?}");
        }
    }
    let ended = meta.install_thread(thread);
    assert!(matches!(ended, Err(MirrorError::Refused(_))), "{ended:?}");
}

#[test]
fn all_operations_want_a_space_that_is_suspended_and_there() {
    let fixture = Fixture::new();
    fixture.space.meta().unwrap().start("[ true ] whileTrue").unwrap();
    fixture.space.resume().unwrap();
    // They are operations of what this answers.
    assert_eq!(fixture.space.meta().err(), Some(MirrorError::Running));
    fixture.space.discard().unwrap();
    assert_eq!(fixture.space.meta().err(), Some(MirrorError::Discarded));
}

/// One random operation: which, and what it is given.
#[derive(Clone, Debug)]
struct Step {
    operation: Index,
    arguments: Vec<Index>,
}

fn step() -> impl Strategy<Value = Step> {
    (any::<Index>(), vec(any::<Index>(), 3)).prop_map(|(operation, arguments)| Step { operation, arguments })
}

/// Operations beside those of the table, with whatever comes.
const OTHERS: [(&str, usize, Perform); 12] = [
    ("set slot of class", 2, |meta, of| {
        let names = [
            "superclass",
            "methodDict",
            "format",
            "layout",
            "classIndex",
            "name",
            "subclasses",
            "instanceVariables",
        ];
        names.iter().try_for_each(|name| meta.set_slot(of[0], name, of[1]))
    }),
    ("set slot of thread", 2, |meta, of| {
        ["suspendedContext", "stack", "myList", "priority", "nextLink"]
            .iter()
            .try_for_each(|name| meta.set_slot(of[0], name, of[1]))
    }),
    ("set slot of frame", 2, |meta, of| {
        ["method", "receiver", "frame", "sender", "closure"]
            .iter()
            .try_for_each(|name| meta.set_slot(of[0], name, of[1]))
    }),
    ("set element", 2, |meta, of| meta.set_element(of[0], 1, of[1])),
    ("restart", 2, |meta, of| meta.restart_frame(of[0], of[1])),
    ("temporaries", 2, |meta, of| meta.set_temporary(of[0], "answer", of[1])),
    ("frames running", 1, |meta, of| meta.frames_running(of).map(drop)),
    ("special", 1, |meta, of| {
        [
            "SmallInteger",
            "Process",
            "Context",
            "Semaphore",
            "Processor",
            "Smalltalk",
            "true",
            "doesNotUnderstand:",
        ]
        .iter()
        .try_for_each(|name| meta.set_special_object(name, of[0]))
    }),
    ("swap three", 3, |meta, of| meta.swap_identities(&[(of[0], of[1]), (of[1], of[2])], true)),
    ("release", 1, |meta, of| {
        meta.release(of[0]);
        Ok(())
    }),
    ("collect", 0, |meta, _| {
        meta.collect();
        Ok(())
    }),
    ("create with elements", 1, |meta, of| meta.create_instance(of[0], 3).map(drop)),
];

/// The classes that the runtime itself relies on, beside the fixture's mirrors.
const CLASSES: [&str; 10] = [
    "Object",
    "Process",
    "Context",
    "Semaphore",
    "BlockClosure",
    "Array",
    "SmallInteger",
    "ByteString",
    "Metaclass",
    "CompiledMethod",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn whatever_mirrors_it_is_given_no_operation_breaks_the_runtime(steps in vec(step(), 1..25)) {
        let fixture = Fixture::new();
        let mut meta = fixture.space.meta().unwrap();
        let mut mirrors = fixture.mirrors.clone();
        mirrors.extend([fixture.foreign, fixture.dead, fixture.released, fixture.integer]);
        mirrors.extend(CLASSES.map(|name| meta.class_named(name).unwrap()));
        let nil = meta.nil();
        mirrors.push(nil);
        for step in &steps {
            let number = step.operation.index(OPERATIONS.len() + OTHERS.len());
            let given = |count: usize| -> Vec<Mirror> {
                step.arguments[..count].iter().map(|index| mirrors[index.index(mirrors.len())]).collect()
            };
            // Refused or not: either is right.
            let _ = match OPERATIONS.get(number) {
                Some((_, roles, perform)) => perform(&mut meta, &given(roles.len())),
                None => {
                    let (_, count, perform) = OTHERS[number - OPERATIONS.len()];
                    perform(&mut meta, &given(count))
                }
            };
        }
        meta.collect();
        let _ = meta.start("(1 to: 100) inject: 0 into: [ :a :b | a + b ]. (Smalltalk at: #Gate) signal");
        drop(meta);
        fixture.space.resume().unwrap();
        let phase = fixture.space.wait(Duration::from_millis(20));
        prop_assert_ne!(phase, Phase::Broken);
        fixture.space.suspend().unwrap();
        prop_assert_ne!(fixture.space.phase(), Phase::Broken);
        fixture.space.meta().unwrap().collect();
        fixture.space.discard().unwrap();
        let other = fixture.hypervisor.create("sibling").unwrap();
        prop_assert_eq!(other.meta().unwrap().space().evaluate_to_string("3 + 4").unwrap(), "7");
    }
}
