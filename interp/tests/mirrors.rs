//! The meta-object protocol: each operation of Espell's section 4, and what each refuses.

#[path = "support/small.rs"]
mod small;

use std::time::Duration;

use instar_interp::source::Layout;
use instar_interp::spaces::{ClassDefinition, Hypervisor, Meta, Mirror, MirrorError, ObjectSpace, Phase};

const SECONDS: Duration = Duration::from_secs(10);

struct Fixture {
    hypervisor: Hypervisor,
    space: ObjectSpace,
}

impl Fixture {
    fn new() -> Fixture {
        let hypervisor = small::hypervisor(small::verified(64));
        let space = hypervisor.create("application").unwrap();
        Fixture { hypervisor, space }
    }

    fn meta(&self) -> Meta<'_> {
        self.space.meta().unwrap()
    }

    fn print(&self, source: &str) -> String {
        self.meta().space().evaluate_to_string(source).unwrap_or_else(|problem| panic!("{source}\n{problem}"))
    }

    /// Runs the space until nothing can go on.
    fn run(&self) {
        self.space.resume().unwrap();
        assert_eq!(self.space.wait(SECONDS), Phase::Idle);
    }

    /// Starts statements and lets them run until they wait for good.
    fn start(&self, source: &str) -> Mirror {
        let process = self.meta().start(source).unwrap();
        self.run();
        process
    }
}

fn is_wrong_shape<T: std::fmt::Debug>(result: Result<T, MirrorError>) -> bool {
    matches!(result, Err(MirrorError::WrongShape(_)))
}

fn is_missing<T: std::fmt::Debug>(result: Result<T, MirrorError>) -> bool {
    matches!(result, Err(MirrorError::NotFound(_)))
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, MirrorError>) -> bool {
    matches!(result, Err(MirrorError::Refused(_)))
}

fn named(variables: &[&str]) -> ClassDefinition {
    let variables = variables.iter().map(|&name| name.to_owned()).collect();
    ClassDefinition { variables, package: "Tests".to_owned(), ..ClassDefinition::default() }
}

#[test]
fn classes_are_created_installed_found_and_removed() {
    let fixture = Fixture::new();
    let mut meta = fixture.meta();
    let class = meta.create_class("Counter", &named(&["count", "step"])).unwrap();
    assert!(is_missing(meta.class_named("Counter")));
    meta.compile_and_install(class, "count ^ count").unwrap();
    meta.compile_and_install(class, "next ^ count := (count ifNil: [ 0 ]) + 1").unwrap();
    meta.install_class(class).unwrap();
    let found = meta.class_named("Counter").unwrap();
    assert!(meta.is_same(class, found).unwrap());
    drop(meta);
    assert_eq!(fixture.print("Counter new next; next; yourself; count"), "2");
    assert_eq!(fixture.print("Object subclasses includes: Counter"), "true");
    assert_eq!(fixture.print("Counter instanceVariables"), "#(#count #step)");
    assert_eq!(fixture.print("Counter class name"), "'Counter class'");
    fixture.print("Object compile: 'makeCounter ^ Counter new'");
    let mut meta = fixture.meta();
    meta.remove_class(class).unwrap();
    assert!(is_missing(meta.class_named("Counter")));
    assert!(is_missing(meta.remove_class(class)));
    drop(meta);
    assert_eq!(
        fixture.print("Object subclasses includes: (Smalltalk at: #Counter ifAbsent: [ 3 ])"),
        "false"
    );
    assert_eq!(fixture.print("[ 3 makeCounter ] on: MessageNotUnderstood do: [ :e | e receiver ]"), "nil");
}

#[test]
fn classes_that_cannot_be_are_not_created() {
    let fixture = Fixture::new();
    let mut meta = fixture.meta();
    for name in ["", "3x", "a b", "Counter;"] {
        assert!(is_wrong_shape(meta.create_class(name, &named(&[]))), "{name}");
    }
    assert!(is_wrong_shape(meta.create_class("Twice", &named(&["one", "one"]))));
    let point = meta.class_named("Point").unwrap();
    let under = ClassDefinition { superclass: Some(point), ..named(&["x"]) };
    assert!(is_wrong_shape(meta.create_class("Under", &under)));
    let three = meta.integer(3).unwrap();
    let under = ClassDefinition { superclass: Some(three), ..named(&["z"]) };
    assert!(is_wrong_shape(meta.create_class("Under", &under)));
    assert!(is_wrong_shape(meta.install_class(three)));
    let bytes = ClassDefinition { layout: Layout::Bytes, ..named(&["z"]) };
    assert!(is_wrong_shape(meta.create_class("Bytes", &bytes)));
}

#[test]
fn methods_are_compiled_installed_and_removed() {
    let fixture = Fixture::new();
    let mut meta = fixture.meta();
    let class = meta.class_named("Point").unwrap();
    let method = meta.compile_method(class, "manhattan ^ x abs + y abs").unwrap();
    drop(meta);
    assert_eq!(fixture.print("(3 @ -4) respondsTo: #manhattan"), "false");
    fixture.meta().install_method(class, method).unwrap();
    assert_eq!(fixture.print("(3 @ -4) manhattan"), "7");
    let mut meta = fixture.meta();
    let array = meta.class_named("Array").unwrap();
    assert!(is_wrong_shape(meta.install_method(array, method)));
    assert!(is_wrong_shape(meta.install_method(class, array)));
    assert!(
        matches!(meta.compile_method(class, "foo ^ ("), Err(MirrorError::Source(text)) if text.contains("error"))
    );
    assert!(is_missing(meta.remove_method(class, "noSuchThing")));
    meta.remove_method(class, "manhattan").unwrap();
    assert!(is_missing(meta.method_of(class, "manhattan")));
    drop(meta);
    assert_eq!(
        fixture.print("[ (3 @ -4) manhattan ] on: MessageNotUnderstood do: [ :e | 'gone' ]"),
        "'gone'"
    );
    assert_eq!(fixture.print("(3 @ 4) + 1"), "(4@5)");
}

#[test]
fn names_in_methods_are_those_of_the_application() {
    let fixture = Fixture::new();
    fixture.print("Smalltalk at: #OnlyThere put: 42. Object subclass: #Mine");
    let mut meta = fixture.meta();
    let class = meta.class_named("Object").unwrap();
    meta.compile_and_install(class, "answerIt ^ { OnlyThere. Mine name }").unwrap();
    drop(meta);
    assert_eq!(fixture.print("3 answerIt"), "#(42 #Mine)");
}

#[test]
fn instances_are_created_found_and_changed() {
    let fixture = Fixture::new();
    fixture.print("Smalltalk at: #Kept put: 3 @ 4");
    let mut meta = fixture.meta();
    let point = meta.class_named("Point").unwrap();
    let kept = meta.global("Kept").unwrap();
    let instances = meta.instances_of(point).unwrap();
    assert!(instances.iter().any(|&each| meta.is_same(each, kept).unwrap()));
    let made = meta.create_instance(point, 0).unwrap();
    assert_eq!(meta.instances_of(point).unwrap().len(), instances.len() + 1);
    let x = meta.slot(kept, "x").unwrap();
    meta.set_slot(made, "x", x).unwrap();
    let nine = meta.integer(9).unwrap();
    meta.set_slot(made, "y", nine).unwrap();
    assert!(is_missing(meta.slot(made, "z")) && is_missing(meta.set_slot(made, "z", nine)));
    assert!(is_wrong_shape(meta.create_instance(point, 3)));
    let integers = meta.class_named("SmallInteger").unwrap();
    assert!(is_wrong_shape(meta.create_instance(integers, 0)));
    let methods = meta.class_named("CompiledMethod").unwrap();
    assert!(is_wrong_shape(meta.create_instance(methods, 0)));
    let array = meta.class_named("Array").unwrap();
    let array = meta.create_instance(array, 3).unwrap();
    meta.set_element(array, 2, made).unwrap();
    assert!(is_missing(meta.set_element(array, 4, made)) && is_missing(meta.element(array, 0)));
    let element = meta.element(array, 2).unwrap();
    assert!(meta.is_same(element, made).unwrap());
    assert_eq!(meta.size(array).unwrap(), 3);
    meta.swap_identity(kept, made).unwrap();
    drop(meta);
    assert_eq!(fixture.print("Smalltalk at: #Kept"), "(3@9)");
}

#[test]
fn code_and_read_only_objects_and_immediates_are_not_changed() {
    let fixture = Fixture::new();
    fixture.print("Smalltalk at: #Fixed put: 3 @ 4. (Smalltalk at: #Fixed) beReadOnlyObject");
    let mut meta = fixture.meta();
    let fixed = meta.global("Fixed").unwrap();
    let three = meta.integer(3).unwrap();
    assert!(is_refused(meta.set_slot(fixed, "x", three)));
    let object = meta.class_named("Object").unwrap();
    let method = meta.compile_method(object, "foo ^ 3").unwrap();
    assert!(is_refused(meta.set_slot(method, "code", three)));
    let nil = meta.nil();
    assert!(is_refused(meta.swap_identity(nil, fixed)));
    assert!(is_refused(meta.swap_identity(three, fixed)));
    let point = meta.class_named("Point").unwrap();
    assert!(is_refused(meta.set_class(three, point)) && is_refused(meta.set_class(nil, point)));
}

#[test]
fn the_class_of_an_object_is_set_to_one_of_the_same_shape() {
    let fixture = Fixture::new();
    fixture.print("Smalltalk at: #Kept put: 3 @ 4. Object subclass: #Pair instanceVariableNames: 'one two' classVariableNames: '' package: 'Tests'. Pair compile: 'sum ^ one + two'");
    let mut meta = fixture.meta();
    let (pair, kept) = (meta.class_named("Pair").unwrap(), meta.global("Kept").unwrap());
    let class = meta.class_of(kept).unwrap();
    assert_eq!(meta.description_of(class).unwrap(), "Point");
    meta.set_class(kept, pair).unwrap();
    let array = meta.class_named("Array").unwrap();
    assert!(is_wrong_shape(meta.set_class(kept, array)));
    assert!(is_wrong_shape(meta.set_class(kept, kept)));
    drop(meta);
    assert_eq!(fixture.print("(Smalltalk at: #Kept) sum"), "7");
}

#[test]
fn all_pairs_swap_identity_or_none() {
    let fixture = Fixture::new();
    fixture.print("Smalltalk at: #A put: 1 @ 1; at: #B put: 2 @ 2");
    let mut meta = fixture.meta();
    let (a, b, nil) = (meta.global("A").unwrap(), meta.global("B").unwrap(), meta.nil());
    assert!(is_refused(meta.swap_identities(&[(a, b), (nil, b)], false)));
    assert!(!meta.is_same(a, b).unwrap());
    meta.swap_identities(&[(a, b)], true).unwrap();
    assert!(meta.is_same(a, b).unwrap());
}

#[test]
fn threads_are_created_installed_listed_and_terminated() {
    let fixture = Fixture::new();
    fixture.print("Smalltalk at: #Log put: OrderedCollection new");
    let mut meta = fixture.meta();
    let log = meta.global("Log").unwrap();
    let (seven, eight) = (meta.integer(7).unwrap(), meta.integer(8).unwrap());
    let thread = meta.create_thread(log, "add:", &[seven]).unwrap();
    let other = meta.create_thread(log, "add:", &[eight]).unwrap();
    assert_eq!(meta.threads().len(), 2);
    assert!(is_wrong_shape(meta.create_thread(log, "add:", &[])));
    meta.install_thread(thread).unwrap();
    assert!(is_refused(meta.install_thread(thread)));
    meta.install_thread(other).unwrap();
    meta.terminate_thread(other).unwrap();
    assert!(is_refused(meta.terminate_thread(other)) && is_refused(meta.install_thread(other)));
    assert!(is_wrong_shape(meta.install_thread(log)));
    drop(meta);
    fixture.run();
    assert_eq!(fixture.print("(Smalltalk at: #Log) asArray"), "#(7)");
    assert!(fixture.meta().threads().is_empty());
}

/// A program whose main method calls `step`, which calls `pause`, which waits.
const NESTED: &str =
    "Object subclass: #Program instanceVariableNames: '' classVariableNames: '' package: 'Tests'.
    Smalltalk at: #Log put: OrderedCollection new; at: #Gate put: Semaphore new.
    Program compile: 'main | answer | answer := self step: 1. (Smalltalk at: #Log) add: #main -> answer';
        compile: 'step: n | answer | answer := self pause. (Smalltalk at: #Log) add: #step. ^ answer + n';
        compile: 'pause [ (Smalltalk at: #Gate) wait ] ensure: [ (Smalltalk at: #Log) add: #ensured ]. ^ 10';
        compile: 'note: n (Smalltalk at: #Log) add: #note -> n. ^ 500';
        compile: 'note (Smalltalk at: #Log) add: #note. ^ 600'";

fn nested() -> (Fixture, Mirror, Vec<Mirror>) {
    let fixture = Fixture::new();
    fixture.print(NESTED);
    let thread = fixture.start("Program new main");
    let frames = fixture.meta().frames_of(thread).unwrap();
    (fixture, thread, frames)
}

fn frame(fixture: &Fixture, frames: &[Mirror], selector: &str) -> Mirror {
    let meta = fixture.meta();
    let is_it = |each: &&Mirror| {
        meta.frame_selector(**each).unwrap() == selector
            && !meta.frame_description(**each).unwrap().starts_with('[')
    };
    *frames.iter().find(is_it).unwrap()
}

fn finish(fixture: &Fixture) -> String {
    fixture
        .print("(Smalltalk at: #Gate) signal. Processor yield. Processor yield. (Smalltalk at: #Log) asArray")
}

#[test]
fn stack_frames_say_what_a_thread_does() {
    let (fixture, _, frames) = nested();
    let selectors: Vec<String> = {
        let meta = fixture.meta();
        frames.iter().map(|&frame| meta.frame_selector(frame).unwrap()).collect()
    };
    assert_eq!(selectors.last().unwrap(), "DoIt");
    for selector in ["pause", "step:", "main"] {
        let frame = frame(&fixture, &frames, selector);
        let mut meta = fixture.meta();
        let receiver = meta.frame_receiver(frame).unwrap();
        assert_eq!(meta.description_of(receiver).unwrap(), "an instance of Program");
    }
    assert_eq!(finish(&fixture), "{#ensured. #step. #main->11}");
    let meta = fixture.meta();
    assert_eq!(meta.frame_description(frames[0]).unwrap(), "a frame on no stack");
}

#[test]
fn a_thread_goes_on_in_a_frame_below() {
    let (fixture, thread, frames) = nested();
    let main = frame(&fixture, &frames, "main");
    let mut meta = fixture.meta();
    let value = meta.integer(99).unwrap();
    meta.set_current_frame(thread, main, value).unwrap();
    assert!(is_wrong_shape(meta.set_current_frame(thread, frames[0], value)));
    drop(meta);
    // It stands in the semaphore's list as before: let it out.
    assert_eq!(finish(&fixture), "{#main->99}");
}

#[test]
fn a_frame_begins_anew_with_the_method_that_it_had() {
    let (fixture, thread, frames) = nested();
    let step = frame(&fixture, &frames, "step:");
    fixture.meta().restart_frame(thread, step).unwrap();
    assert_eq!(fixture.print("(Smalltalk at: #Gate) signal; signal. Processor yield. Processor yield. (Smalltalk at: #Log) asArray"), "{#ensured. #step. #main->11}");
}

#[test]
fn a_created_frame_is_inserted_between_two() {
    let (fixture, _, frames) = nested();
    let main = frame(&fixture, &frames, "main");
    let mut meta = fixture.meta();
    let program = meta.frame_receiver(main).unwrap();
    let five = meta.integer(5).unwrap();
    let created = meta.create_frame(program, "note:", &[five]).unwrap();
    meta.insert_frame(main, created).unwrap();
    assert!(is_wrong_shape(meta.insert_frame(created, created)));
    assert!(is_wrong_shape(meta.insert_frame(main, program)));
    assert!(is_wrong_shape(meta.insert_frame(main, frames[0])));
    assert!(is_wrong_shape(meta.create_frame(program, "note:", &[])));
    drop(meta);
    assert_eq!(finish(&fixture), "{#ensured. #step. #note->5. #main->500}");
}

#[test]
fn a_created_frame_runs_before_the_current_one_goes_on() {
    let (fixture, _, frames) = nested();
    let mut meta = fixture.meta();
    let main = frames[frames.len() - 2];
    let program = meta.frame_receiver(main).unwrap();
    let created = meta.create_frame(program, "note", &[]).unwrap();
    meta.insert_frame(frames[0], created).unwrap();
    drop(meta);
    assert_eq!(finish(&fixture), "{#note. #ensured. #step. #main->11}");
}

#[test]
fn a_frame_is_replaced_by_cutting_and_inserting() {
    let (fixture, thread, frames) = nested();
    let main = frame(&fixture, &frames, "main");
    let step = frame(&fixture, &frames, "step:");
    let mut meta = fixture.meta();
    let program = meta.frame_receiver(main).unwrap();
    let five = meta.integer(5).unwrap();
    // `step:` is called by `main`: another message takes its place.
    let created = meta.create_frame(program, "note:", &[five]).unwrap();
    meta.insert_frame(main, created).unwrap();
    let frames = meta.frames_of(thread).unwrap();
    let nil = meta.nil();
    let at = frames.iter().position(|&frame| meta.is_same(frame, step).unwrap()).unwrap();
    meta.set_current_frame(thread, frames[at + 1], nil).unwrap();
    drop(meta);
    assert_eq!(finish(&fixture), "{#note->5. #main->500}");
}

#[test]
fn blocks_return_from_homes_that_were_moved() {
    let fixture = Fixture::new();
    fixture.print(NESTED);
    fixture.print(
        "Program compile: 'outer ^ self inner: [ :x | ^ x + 1 ]';
            compile: 'inner: aBlock self pause. aBlock value: 41. ^ 0';
            compile: 'run | answer | answer := self outer. (Smalltalk at: #Log) add: answer'",
    );
    let thread = fixture.start("Program new run");
    let frames = fixture.meta().frames_of(thread).unwrap();
    let run = frame(&fixture, &frames, "run");
    let mut meta = fixture.meta();
    let program = meta.frame_receiver(run).unwrap();
    let created = meta.create_frame(program, "note", &[]).unwrap();
    meta.insert_frame(run, created).unwrap();
    meta.collect();
    drop(meta);
    assert_eq!(finish(&fixture), "#(#ensured #note 600)");
}

#[test]
fn small_integers_get_another_class() {
    let fixture = Fixture::new();
    let mut meta = fixture.meta();
    let old = meta.special_object("SmallInteger").unwrap();
    let new = meta
        .create_class("MySmallInteger", &ClassDefinition { superclass: Some(old), ..named(&[]) })
        .unwrap();
    meta.compile_and_install(new, "asPoint ^ Point x: self y: self").unwrap();
    meta.compile_and_install(new, "isMine ^ true").unwrap();
    meta.install_class(new).unwrap();
    meta.set_special_object("SmallInteger", new).unwrap();
    drop(meta);
    assert_eq!(fixture.print("3 class name"), "#MySmallInteger");
    assert_eq!(fixture.print("3 isMine & (3 asPoint = (3 @ 3))"), "true");
    assert_eq!(fixture.print("(1 to: 1000) inject: 0 into: [ :a :b | a + b ]"), "500500");
    assert_eq!(fixture.print("SmallInteger maxVal + 1 - 1 = SmallInteger maxVal"), "true");
    assert_eq!(fixture.print("100 factorial printString size"), "158");
    fixture.meta().collect();
    assert_eq!(fixture.print("(3 + 4) class == MySmallInteger"), "true");
}

#[test]
fn special_objects_are_told_and_what_cannot_play_the_role_is_refused() {
    let fixture = Fixture::new();
    let mut meta = fixture.meta();
    let yes = meta.special_object("true").unwrap();
    let same = meta.boolean(true);
    assert!(meta.is_same(yes, same).unwrap());
    assert!(is_missing(meta.special_object("NoSuchThing")));
    let point = meta.class_named("Point").unwrap();
    assert!(is_wrong_shape(meta.set_special_object("SmallInteger", point)));
    assert!(is_wrong_shape(meta.set_special_object("Array", point)));
    assert!(is_wrong_shape(meta.set_special_object("Process", point)));
    assert!(is_wrong_shape(meta.set_special_object("Array", yes)));
    assert!(is_wrong_shape(meta.set_special_object("doesNotUnderstand:", point)));
    let nil = meta.nil();
    assert!(is_refused(meta.set_special_object("nil", point)));
    assert!(is_wrong_shape(meta.set_special_object("true", nil)));
    let no = meta.boolean(false);
    assert!(is_wrong_shape(meta.set_special_object("true", no)));
    let selector = meta.symbol("notKnown:").unwrap();
    meta.set_special_object("doesNotUnderstand:", selector).unwrap();
    let object = meta.class_named("Object").unwrap();
    meta.compile_and_install(object, "notKnown: aMessage ^ aMessage selector").unwrap();
    drop(meta);
    assert_eq!(fixture.print("nil foo: 3 bar: 4"), "#foo:bar:");
}

#[test]
fn the_class_of_arrays_is_replaced() {
    let fixture = Fixture::new();
    let mut meta = fixture.meta();
    let array = meta.special_object("Array").unwrap();
    let new =
        meta.create_class("MyArray", &ClassDefinition { superclass: Some(array), ..named(&[]) }).unwrap();
    meta.install_class(new).unwrap();
    meta.set_special_object("Array", new).unwrap();
    drop(meta);
    assert_eq!(fixture.print("{ 1. 2 } class name"), "#MyArray");
    assert_eq!(fixture.print("(Array new: 3) class name"), "#Array");
}

#[test]
fn true_is_replaced_by_another_object() {
    let fixture = Fixture::new();
    let mut meta = fixture.meta();
    let yes = meta.class_named("True").unwrap();
    let new = meta.create_instance(yes, 0).unwrap();
    let old = meta.special_object("true").unwrap();
    meta.set_special_object("true", new).unwrap();
    // What the program holds of the old one has to follow.
    assert!(is_refused(meta.swap_identity(old, new)));
    drop(meta);
    assert_eq!(fixture.print("3 < 4 ifTrue: [ 'yes' ] ifFalse: [ 'no' ]"), "'yes'");
    fixture.meta().collect();
    assert_eq!(fixture.print("(3 < 4) == true"), "true");
}

#[test]
fn mirrors_of_other_spaces_of_the_dead_and_of_what_was_released_say_so() {
    let fixture = Fixture::new();
    let other = fixture.hypervisor.create("other").unwrap();
    let foreign = other.meta().unwrap().nil();
    let mut meta = fixture.meta();
    let wrong = MirrorError::WrongSpace { expected: fixture.space.id(), found: other.id() };
    let own = meta.class_named("Point").unwrap();
    assert_eq!(meta.class_of(foreign), Err(wrong.clone()));
    assert_eq!(meta.swap_identity(own, foreign), Err(wrong.clone()));
    let made = meta.create_instance(own, 0).unwrap();
    assert_eq!(meta.set_slot(made, "x", foreign), Err(wrong.clone()));
    assert_eq!(meta.create_thread(own, "foo:", &[foreign]), Err(wrong.clone()));
    assert_eq!(meta.set_special_object("Array", foreign), Err(wrong));
    // It lives as long as the space stands still.
    meta.collect();
    assert!(meta.class_of(made).is_ok());
    meta.start("Smalltalk garbageCollect").unwrap();
    drop(meta);
    fixture.run();
    let mut meta = fixture.meta();
    assert_eq!(meta.class_of(made), Err(MirrorError::Dead));
    assert!(meta.class_of(own).is_ok());
    meta.release(own);
    assert_eq!(meta.class_of(own), Err(MirrorError::Released));
    let again = meta.nil();
    assert_ne!(again, own);
    assert_eq!(meta.class_of(own), Err(MirrorError::Released));
}

#[test]
fn every_operation_wants_a_suspended_space() {
    let fixture = Fixture::new();
    fixture.meta().start("[ true ] whileTrue").unwrap();
    fixture.space.resume().unwrap();
    assert_eq!(fixture.space.meta().err(), Some(MirrorError::Running));
    fixture.space.suspend().unwrap();
    assert!(fixture.space.meta().is_ok());
}
