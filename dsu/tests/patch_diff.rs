//! Patches between two versions of packages.

use instar_dsu::patch::{self, Patch, Rule, diff, version_hash};
use instar_interp::host::Session;
use instar_interp::source::{self, Package, SourceFile};
use instar_interp::vm::{Space, SpaceOptions};

fn packages(files: &[(&str, &str)]) -> Vec<Package> {
    let file = |(path, text): &(&str, &str)| SourceFile::new(*path, (*text).to_owned());
    let files: Vec<_> = files.iter().map(file).collect();
    source::read_files(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A package with these classes: name, superclass, variables, methods.
fn program(classes: &[(&str, &str, &[&str], &str)]) -> Vec<Package> {
    let mut files = vec![("P/package.st".to_owned(), "Package { #name : 'P' }".to_owned())];
    for (name, superclass, variables, methods) in classes {
        let list: Vec<String> = variables.iter().map(|name| format!("'{name}'")).collect();
        let list = list.join(", ");
        let text = format!(
            "Class {{ #name : #{name}, #superclass : #{superclass}, #instVars : [ {list} ], #package : 'P' }}\n\n{methods}"
        );
        files.push((format!("P/{name}.class.st"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    packages(&files)
}

fn between(old: &[Package], new: &[Package]) -> Patch {
    let made = diff("test", old, new);
    let text = made.write().unwrap_or_else(|errors| panic!("{errors}"));
    let read = patch::read("made.patch", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(read.to_string(), text);
    assert_eq!(read, made);
    read
}

#[test]
fn equal_versions_need_no_patch_and_have_one_hash() {
    let one =
        program(&[("A", "Object", &["x"], "A >> x [\n\t^ x  \n\n]\nA >> y [ ^ 1 ]"), ("B", "A", &[], "")]);
    let two =
        program(&[("B", "A", &[], ""), ("A", "Object", &["x"], "A >> y [ ^ 1\n]\n\nA >> x [\n\t^ x\n]")]);
    assert_eq!(version_hash(&one), version_hash(&two));
    assert!(between(&one, &two).is_empty());
    let three =
        program(&[("A", "Object", &["x"], "A >> x [\n\t^ x\n]\nA >> y [ ^ 2 ]"), ("B", "A", &[], "")]);
    assert_ne!(version_hash(&one), version_hash(&three));
    let made = between(&one, &three);
    assert_eq!((made.classes.len(), made.methods.len(), made.policies.len()), (0, 1, 0));
    assert!(made.check_base(&two).is_ok());
    let refused = made.check_base(&three).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains(&version_hash(&one)) && text.contains(&version_hash(&three)), "{text}");
}

#[test]
fn a_renamed_variable_is_proposed_and_asked_for() {
    let old = program(&[("A", "Object", &["x", "y"], "A >> x [ ^ x ]\nA >> sum [ ^ x + y ]")]);
    let new = program(&[("A", "Object", &["left", "z", "y"], "A >> x [ ^ left ]\nA >> sum [ ^ left + y ]")]);
    let made = between(&old, &new);
    let Rule::Slots(slots) = &made.policies[0].rule else { panic!("{made}") };
    assert_eq!(slots.renames, [("x".to_owned(), "left".to_owned())]);
    assert_eq!(slots.defaults, [("z".to_owned(), "nil".to_owned())]);
    assert_eq!(made.undecided().len(), 2, "{made}");
    assert!(made.expression().is_err());
}

#[test]
fn variables_that_move_need_no_policy_but_where_values_go() {
    let old = program(&[("A", "Object", &[], ""), ("B", "A", &["x"], ""), ("C", "A", &["y"], "")]);
    let new = program(&[("A", "Object", &["x"], ""), ("B", "A", &[], ""), ("C", "A", &["y"], "")]);
    let up = between(&old, &new);
    assert!(up.policies.is_empty() && up.expression().is_ok(), "{up}");
    let down = between(&new, &old);
    assert_eq!(down.undecided().len(), 1, "{down}");
    assert!(down.undecided()[0].contains("x moves down to B"), "{down}");
}

#[test]
fn a_renamed_class_keeps_its_methods() {
    let methods = |name: &str| format!("{name} >> x [ ^ x ]\n{name} >> y [ ^ 1 ]\n{name} class >> z [ ^ 2 ]");
    let old = program(&[("Old", "Object", &["x"], &methods("Old"))]);
    let new = program(&[("New", "Object", &["x"], &methods("New"))]);
    let made = between(&old, &new);
    assert_eq!((made.classes.len(), made.methods.len()), (1, 0), "{made}");
    assert_eq!(made.classes[0].old_name.as_deref(), Some("Old"));
    assert_eq!(made.undecided().len(), 1);
}

#[test]
fn policies_of_subclasses_have_the_rules_of_those_above() {
    let old = program(&[("A", "Object", &[], ""), ("B", "A", &[], "")]);
    let new = program(&[("A", "Object", &["x"], ""), ("B", "A", &["y"], "")]);
    let made = between(&old, &new);
    let Rule::Slots(slots) = &made.policies[1].rule else { panic!("{made}") };
    let names: Vec<&str> = slots.defaults.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["y", "x"]);
}

/// The chat model's second version, as an editor would make it of the first.
fn chat() -> (Vec<Package>, Vec<Package>) {
    let old = instar_dsu::packages(instar_dsu::CHAT_MODEL).unwrap_or_else(|errors| panic!("{errors}"));
    let mut new = old.clone();
    let second = packages(&[
        ("DSU-Chat-Model/package.st", "Package { #name : 'DSU-Chat-Model' }"),
        (
            "DSU-Chat-Model/ChMessage.class.st",
            "Class { #name : 'ChMessage', #superclass : 'Object', #instVars : [ 'room', 'text' ], #package : 'DSU-Chat-Model' }

{ #category : 'instance creation' }
ChMessage class >> from: aUser room: aRoom text: aString [
	^ aUser
		ifNil: [ ChInfoMessage new setRoom: aRoom text: aString ]
		ifNotNil: [ ChUserMessage new setFrom: aUser; setRoom: aRoom text: aString ]
]

{ #category : 'testing' }
ChMessage >> isInfo [
	^ self subclassResponsibility
]

{ #category : 'accessing' }
ChMessage >> room [
	^ room
]

{ #category : 'private' }
ChMessage >> setRoom: aRoom text: aString [
	room := aRoom.
	text := aString
]

{ #category : 'accessing' }
ChMessage >> text [
	^ text
]",
        ),
        (
            "DSU-Chat-Model/ChInfoMessage.class.st",
            "Class { #name : 'ChInfoMessage', #superclass : 'ChMessage', #package : 'DSU-Chat-Model' }\nChInfoMessage >> isInfo [ ^ true ]",
        ),
        (
            "DSU-Chat-Model/ChUserMessage.class.st",
            "Class { #name : 'ChUserMessage', #superclass : 'ChMessage', #instVars : [ 'from' ], #package : 'DSU-Chat-Model' }
ChUserMessage >> from [ ^ from ]
ChUserMessage >> isInfo [ ^ false ]
ChUserMessage >> setFrom: aUser [ from := aUser ]",
        ),
    ]);
    new[0].classes.retain(|class| class.name != "ChMessage");
    new[0].classes.extend(second[0].classes.iter().cloned());
    (old, new)
}

#[test]
fn the_chat_model_goes_to_its_second_version_by_a_patch_that_was_made() {
    let (old, new) = chat();
    let mut made = between(&old, &new);
    assert_eq!(made.undecided().len(), 1, "{made}");
    assert!(matches!(made.policies[0].rule, Rule::Choice { .. }), "{made}");
    made.policies[0].undecided.clear();
    let mut loaded = instar_dsu::packages(instar_dsu::ENGINE).unwrap_or_else(|errors| panic!("{errors}"));
    loaded.extend(old);
    made.check_base(&loaded).unwrap();
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    session.load(&loaded).unwrap_or_else(|problem| panic!("{problem}"));
    let mut evaluate =
        |source: &str| session.evaluate(source).unwrap_or_else(|problem| panic!("{problem}")).0;
    assert_eq!(evaluate("model := ChModelUpdate new. model prepare: 1000. model check"), "true");
    let expression = made.expression().unwrap();
    let apply = format!("(DSUUpdate apply: [ {expression} ] value) isCommitted");
    assert_eq!(evaluate(&apply), "true");
    assert_eq!(evaluate("model check and: [ ChMessage allSubclasses size = 2 ]"), "true");
    assert_eq!(evaluate("DSUUpdate undo. model check and: [ ChMessage allSubclasses isEmpty ]"), "true");
}

#[test]
fn applying_to_packages_gives_the_new_version() {
    let (old, new) = chat();
    let made = between(&old, &new);
    let applied = made.apply_to(&old).unwrap();
    assert_eq!(version_hash(&applied), version_hash(&new));
    let misfits = made.apply_to(&new).unwrap_err();
    assert!(misfits.0.iter().any(|text| text.contains("ChUserMessage is there already")), "{misfits}");
    assert!(misfits.0.iter().any(|text| text.contains("no method ChMessage>>from")), "{misfits}");
}

#[test]
fn the_inverse_takes_the_chat_model_back() {
    let (old, new) = chat();
    let mut made = between(&old, &new);
    made.policies[0].undecided.clear();
    let inverse = made.invert(&old).unwrap();
    assert_eq!(inverse.undecided(), [""; 0], "{inverse}");
    assert_eq!(version_hash(&inverse.apply_to(&new).unwrap()), version_hash(&old));
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    session
        .load(&instar_dsu::packages(instar_dsu::ENGINE).unwrap_or_else(|errors| panic!("{errors}")))
        .unwrap();
    session.load(&old).unwrap_or_else(|problem| panic!("{problem}"));
    let mut evaluate =
        |source: &str| session.evaluate(source).unwrap_or_else(|problem| panic!("{problem}")).0;
    evaluate("model := ChModelUpdate new. model prepare: 1000");
    for patch in [&made, &inverse, &made, &inverse] {
        let apply = format!("(DSUUpdate apply: [ {} ] value) isCommitted", patch.expression().unwrap());
        assert_eq!(evaluate(&apply), "true");
        assert_eq!(evaluate("model check"), "true");
    }
    assert_eq!(evaluate("ChMessage allSubclasses isEmpty"), "true");
}

#[test]
fn an_inverse_says_which_policy_is_missing() {
    let old = program(&[("A", "Object", &["x", "y"], "A >> x [ ^ x ]")]);
    let new = program(&[("A", "Object", &["z"], "A >> x [ ^ z ]")]);
    let mut made = between(&old, &new);
    made.policies[0].undecided.clear();
    let inverse = made.invert(&old).unwrap();
    let Rule::Slots(slots) = &inverse.policies[0].rule else { panic!("{inverse}") };
    assert_eq!(slots.renames, [("z".to_owned(), "x".to_owned())]);
    assert_eq!(inverse.undecided().len(), 1, "{inverse}");
    assert!(inverse.undecided()[0].contains("the values that y had are lost"), "{inverse}");
}
