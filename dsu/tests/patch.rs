//! Patch files: read, written, refused, and applied to a running program.

use std::path::Path;

use instar_dsu::patch::{self, Patch};
use instar_interp::host::Session;
use instar_interp::vm::{Space, SpaceOptions};
use proptest::prelude::*;

/// The example of `docs/patch-format.md`.
fn example() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/patch-format.md");
    let page = std::fs::read_to_string(page).unwrap();
    let begin = page.find("```smalltalk\n").unwrap() + "```smalltalk\n".len();
    page[begin..begin + page[begin..].find("```").unwrap()].to_owned()
}

fn read(text: &str) -> Patch {
    patch::read("a.patch", text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(text: &str) -> Vec<String> {
    let errors = patch::read("a.patch", text).expect_err("the patch is wrong");
    errors.0.iter().map(|error| error.brief()).collect()
}

fn session() -> Session {
    let names = [instar_dsu::ENGINE, instar_dsu::CHAT_MODEL].concat();
    let packages = instar_dsu::packages(&names).unwrap_or_else(|errors| panic!("{errors}"));
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    session.load(&packages).unwrap_or_else(|problem| panic!("{problem}"));
    session
}

fn evaluate(session: &mut Session, source: &str) -> String {
    session.evaluate(source).unwrap_or_else(|problem| panic!("{problem}\n{source}")).0
}

#[test]
fn the_example_comes_back_byte_for_byte() {
    let text = example();
    let patch = read(&text);
    assert_eq!(patch.to_string(), text);
    assert_eq!((patch.classes.len(), patch.methods.len()), (3, 9));
}

#[test]
fn every_form_comes_back() {
    let text = r#"Patch {
	#name : 'It''s all',
	#base : 'sha256:00',
	#packages : [
		'A',
		'B'
	],
	#undecided : 'all of it'
}

"
A ""comment"".
"
ChangedClass {
	#name : #A,
	#oldName : #Z,
	#superclass : #B,
	#traits : 'TA + TB - {#x}',
	#classTraits : '{}',
	#type : #variable,
	#instVars : [ ],
	#classVars : [
		'Count'
	],
	#pools : [ ],
	#classInstVars : [ ],
	#category : 'P-t',
	#package : 'P',
	#tag : 't',
	#undecided : [
		'one',
		'two'
	]
}

Policy {
	#class : #A,
	#becomes : #B,
	#renames : { #a : #b },
	#defaults : { #c : '3 + 4', #d : '\'text\'' },
	#drops : [ 'e' ],
	#undecided : 'is it so?'
}

RemovedMethod {
	#method : 'A class>>at:put:'
}

{ #category : 'x', #package : 'P', #undecided : 'name' }
A >> + other [
	^ other
]

RemovedClass {
	#name : #B
}

Policy {
	#class : #C,
	#moves : [
		'street',
		'city'
	],
	#into : #Address,
	#as : #address
}

Policy {
	#class : #D,
	#compute : #time
} [ :old | old size ]

Policy {
	#class : #E,
	#rule : #amend
} [ :old :new | new x: old x ]

AddedTrait {
	#name : #TA,
	#traits : 'TB'
}

RemovedTrait {
	#name : #TB
}

Validation {
	#name : 'v'
} [ true ]

Before { } [ Transcript clear ]

After {
	#undecided : 'when?'
} [ Transcript show: 'done' ]
"#
    .replace("It''s", "It\\'s");
    let patch = read(&text);
    assert_eq!(patch.to_string(), text);
    let undecided = patch.expression().expect_err("much is undecided").0;
    assert_eq!(undecided.len(), 6, "{undecided:?}");
    assert!(undecided.contains(&"A: one".to_owned()) && undecided.contains(&"A>>+: name".to_owned()));
}

#[test]
fn order_and_space_are_normalised() {
    let loose = "Patch { #name : #p }\nB >> b [ ^ 1 ]\nA class >> z [\n ^ 1\n]\nA >> a [ ^ 2 ] RemovedMethod { #method : 'A>>q' }";
    let once = read(loose).to_string();
    assert_eq!(read(&once).to_string(), once);
    let at = |text: &str| once.find(text).unwrap();
    assert!(
        at("A>>q") < at("A class >> z") && at("A class >> z") < at("A >> a") && at("A >> a") < at("B >> b")
    );
}

#[test]
fn errors_name_their_places() {
    assert_eq!(errors(""), ["a.patch:1:1: the header of the patch is missing"]);
    let text = "Patch {\n\t#name : 'p',\n\t#bas : 'x'\n}\n\nAddedClass { #name : #A }\n\nA >> x [ ^ ]\n\nRemovedMethod { #method : 'A' }\n\nPolicy { #class : #A, #rule : #amen } [ 3 ]\n\nBefore { }\n\nValidation { #name : 'v' } [ 3 + ]\n";
    assert_eq!(
        errors(text),
        [
            "a.patch:3:2: the key bas is not known here",
            "a.patch:6:1: the superclass of A is missing",
            "a.patch:8:12: expected an expression, found the end",
            "a.patch:10:15: this names no method",
            "a.patch:12:1: there is no rule amen",
            "a.patch:14:1: the code is missing",
            "a.patch:16:34: expected an argument for +, found ]",
        ]
    );
    let text = "Patch { #name : 'p' }\nWhat { #a : 1 }\nA >> x [ ^ 1 ]\nA >> x [ ^ 2 ]\nPolicy { #class : #A, #defaults : { #x : '1. 2' }, #ifNil : #y }";
    let found = errors(text);
    assert!(found[0].starts_with("a.patch:2:1: expected a section or a method"), "{found:?}");
    assert!(found.iter().any(|error| error.contains("two sections for A>>x")), "{found:?}");
    assert!(found.iter().any(|error| error.contains("it must be one expression")), "{found:?}");
    assert!(found.iter().any(|error| error.contains("says two things")), "{found:?}");
    assert!(found.iter().any(|error| error.contains("a choice needs two maps")), "{found:?}");
}

#[test]
fn the_example_updates_a_running_program() {
    let mut session = session();
    evaluate(&mut session, "model := ChModelUpdate new. model prepare: 1000. model check");
    let expression = read(&example()).expression().unwrap();
    let apply = format!("update := DSUUpdate apply: [ {expression} ] value. update isCommitted");
    assert_eq!(evaluate(&mut session, &apply), "true");
    assert_eq!(evaluate(&mut session, "model check and: [ ChMessage allSubclasses size = 2 ]"), "true");
    assert_eq!(evaluate(&mut session, "update patch author"), "'ann'");
    assert_eq!(
        evaluate(&mut session, "model revert. model check and: [ ChMessage allSubclasses isEmpty ]"),
        "true"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = patch::read("a.patch", &text);
    }

    #[test]
    fn damaged_patches_are_read_or_refused(at in 0..4000_usize, length in 0..40_usize, with in "[\\[\\]{}#:,'\"a-cé>| \n]{0,6}") {
        let mut text = example();
        let near = |text: &str, at: usize| (at.min(text.len())..).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let (begin, end) = (near(&text, at), near(&text, at + length));
        text.replace_range(begin..end, &with);
        if let Ok(patch) = patch::read("a.patch", &text) {
            let once = patch.to_string();
            let again = patch::read("a.patch", &once);
            prop_assert!(again.is_ok(), "{}\n{once}", again.unwrap_err());
            prop_assert_eq!(again.unwrap().to_string(), once);
            let _ = patch.expression();
        }
    }
}
