//! The inverse of each kind of policy: it brings everything back, or says in the file which policy is missing and why, and is refused until a
//! person has decided.

use instar_dsu::patch::{self, Patch, Rule, diff};
use instar_interp::host::Session;
use instar_interp::source::{self, Package, SourceFile};
use instar_interp::vm::{Space, SpaceOptions};

fn packages(classes: &[&str]) -> Vec<Package> {
    let mut files = vec![SourceFile::new("P/package.st", "Package { #name : 'P' }".to_owned())];
    for text in classes {
        let name = text.split('\'').nth(1).unwrap();
        let path = format!("P/{name}.class.st");
        files.push(SourceFile::new(path, text.replace("Class {", "Class { #package : 'P',")));
    }
    source::read_files(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The patch between the versions, but with these sections for its policies and actions, and what that leaves undecided decided.
fn patch_with(old: &[Package], new: &[Package], sections: &str) -> Patch {
    let mut made = diff("there", old, new);
    made.policies.clear();
    made.classes.iter_mut().for_each(|class| class.undecided.clear());
    let text = format!("{made}{sections}");
    patch::read("a.patch", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// The inverse, by way of its text, is refused for exactly this reason.
#[track_caller]
fn lost(old: &[Package], new: &[Package], sections: &str, reasons: &[&str]) -> Patch {
    let inverse = patch_with(old, new, sections).invert(old).unwrap();
    let text = inverse.to_string();
    let read = patch::read("back.patch", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(read, inverse);
    let undecided = read.expression().expect_err(&text).0;
    assert_eq!(undecided.len(), reasons.len(), "{undecided:#?}\n{text}");
    for (found, reason) in undecided.iter().zip(reasons) {
        assert!(found.contains(reason), "{found}");
    }
    assert!(text.contains("#undecided"), "{text}");
    inverse
}

/// Applies the patch and its inverse to a program, twice. The probe is true in the old version.
#[track_caller]
fn kept(old: &[Package], new: &[Package], sections: &str, prepare: &str, probe: &str) {
    let there = patch_with(old, new, sections);
    let mut back = there.invert(old).unwrap();
    assert_eq!(back.policies.iter().flat_map(|policy| &policy.undecided).count(), 0, "{back}");
    // Instances of classes that go again may be there: that is asked for apart.
    back.classes.iter_mut().for_each(|class| class.undecided.clear());
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    let engine = instar_dsu::packages(instar_dsu::ENGINE).unwrap_or_else(|errors| panic!("{errors}"));
    session.load(&engine).unwrap_or_else(|problem| panic!("{problem}"));
    session.load(old).unwrap_or_else(|problem| panic!("{problem}"));
    let mut evaluate =
        |source: &str| session.evaluate(source).unwrap_or_else(|problem| panic!("{problem}\n{source}")).0;
    evaluate(prepare);
    for patch in [&there, &back, &there, &back] {
        let expression = patch.expression().unwrap_or_else(|undecided| panic!("{undecided}\n{patch}"));
        assert_eq!(evaluate(&format!("(DSUUpdate apply: [ {expression} ] value) isCommitted")), "true");
    }
    assert_eq!(evaluate(probe), "true", "{back}");
}

const A: &str = "Class { #name : 'A', #superclass : 'Object', #instVars : [ 'x', 'y' ] }";
const B: &str = "Class { #name : 'B', #superclass : 'Object', #instVars : [ 'x', 'y' ] }";

fn changed(variables: &str) -> String {
    A.replace("'x', 'y'", variables)
}

const PREPARE: &str = "made := (1 to: 5) collect: [ :each | A new instVarNamed: 'x' put: each; instVarNamed: 'y' put: each * 2; yourself ]";
const PROBE: &str = "(made collect: [ :each | { each class. each instVarNamed: 'x'. each instVarNamed: 'y' } ]) = ((1 to: 5) collect: [ :each | { A. each. each * 2 } ])";

#[test]
fn renames_go_back() {
    let (old, new) = (packages(&[A]), packages(&[&changed("'left', 'y'")]));
    kept(&old, &new, "Policy { #class : #A, #renames : { #x : #left } }", PREPARE, PROBE);
}

#[test]
fn new_variables_with_a_default_or_a_computed_value_go_again() {
    let (old, new) = (packages(&[A]), packages(&[&changed("'x', 'y', 'z'")]));
    kept(&old, &new, "Policy { #class : #A, #defaults : { #z : '7' } }", PREPARE, PROBE);
    let compute = "Policy { #class : #A, #compute : #z } [ :old | (old instVarNamed: 'x') + 1 ]";
    kept(&old, &new, compute, PREPARE, PROBE);
}

#[test]
fn values_that_are_dropped_or_overwritten_are_missed() {
    let (old, new) = (packages(&[A]), packages(&[&changed("'x'")]));
    let inverse =
        lost(&old, &new, "Policy { #class : #A, #drops : [ 'y' ] }", &["the values that y had are lost"]);
    let Rule::Slots(slots) = &inverse.policies[0].rule else { panic!("{inverse}") };
    assert_eq!(slots.defaults, [("y".to_owned(), "nil".to_owned())]);
    let same = packages(&[A]);
    lost(
        &old,
        &same,
        "Policy { #class : #A, #defaults : { #x : '0' } }",
        &["policy for A: a policy is missing: x got a default, and the values that it had are lost"],
    );
    lost(
        &old,
        &same,
        "Policy { #class : #A, #compute : #x } [ :old | 3 ]",
        &["policy for A: a policy is missing: x was computed anew, and the values that it had are lost"],
    );
}

#[test]
fn both_reasons_for_one_class_are_said() {
    let (old, new) = (packages(&[A]), packages(&[&changed("'x'")]));
    lost(
        &old,
        &new,
        "Policy { #class : #A, #defaults : { #x : '0' }, #drops : [ 'y' ] }",
        &["x got a default", "the values that y had are lost"],
    );
}

#[test]
fn instances_go_back_to_their_class_unless_others_were_there() {
    let (old, new) = (packages(&[A]), packages(&[B]));
    kept(&old, &new, "Policy { #class : #A, #becomes : #B }", PREPARE, PROBE);
    let both = packages(&[A, B]);
    lost(
        &both,
        &new,
        "Policy { #class : #A, #becomes : #B }",
        &[
            "policy for B: a policy is missing: B has instances of its own, and it is lost which of them were instances of A",
        ],
    );
    let merged = packages(&["Class { #name : 'M', #superclass : 'Object', #instVars : [ 'x', 'p', 'q' ] }"]);
    lost(
        &both,
        &merged,
        "Policy { #class : #A, #becomes : #M }\nPolicy { #class : #B, #becomes : #M }",
        &[
            "policy for M: a policy is missing: the values that y had are lost",
            "it is lost which instances of M go back to A and which to B",
            "the values that y had are lost",
        ],
    );
}

#[test]
fn a_choice_goes_back() {
    let (old, new) = (
        packages(&[A]),
        packages(&[
            &changed("'x'"),
            "Class { #name : 'With', #superclass : 'A', #instVars : [ 'y' ] }",
            "Class { #name : 'Without', #superclass : 'A' }",
        ]),
    );
    let choice =
        "Policy { #class : #A, #ifNil : #y, #then : { #becomes : #Without }, #else : { #becomes : #With } }";
    kept(&old, &new, choice, PREPARE, PROBE);
}

#[test]
fn a_split_is_put_together_again() {
    let (old, new) = (
        packages(&[A]),
        packages(&[
            &changed("'x', 'part'"),
            "Class { #name : 'Part', #superclass : 'Object', #instVars : [ 'y' ] }",
        ]),
    );
    let split = "Policy { #class : #A, #moves : [ 'y' ], #into : #Part, #as : #part }";
    let there = patch_with(&old, &new, split);
    let back = there.invert(&old).unwrap();
    // Whether parts are there that belong to nobody only a person knows.
    assert_eq!(
        back.undecided(),
        ["Part: what becomes of its instances? Add a policy if there can be any"],
        "{back}"
    );
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    session
        .load(&instar_dsu::packages(instar_dsu::ENGINE).unwrap())
        .unwrap_or_else(|problem| panic!("{problem}"));
    session.load(&old).unwrap_or_else(|problem| panic!("{problem}"));
    let mut evaluate =
        |source: &str| session.evaluate(source).unwrap_or_else(|problem| panic!("{problem}\n{source}")).0;
    evaluate(PREPARE);
    let text = back.to_string().replace(
        "#name : #Part,\n\t#undecided : 'what becomes of its instances? Add a policy if there can be any'\n}",
        "#name : #Part\n}\n\nPolicy { #class : #Part, #becomes : #Object, #drops : [ 'y' ] }",
    );
    let decided = patch::read("back.patch", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    for patch in [&there, &decided] {
        let expression = patch.expression().unwrap_or_else(|undecided| panic!("{undecided}\n{patch}"));
        assert_eq!(evaluate(&format!("(DSUUpdate apply: [ {expression} ] value) isCommitted")), "true");
    }
    assert_eq!(evaluate(PROBE), "true", "{decided}");
}

#[test]
fn code_is_not_taken_back_by_itself() {
    let (old, new) = (packages(&[A]), packages(&[&changed("'x', 'y', 'z'")]));
    for (rule, code, why) in [
        ("amend", ":old :new | new z: 3", "instances of A were finished by code; what takes that back?"),
        ("replace", ":old :environment | old", "instances of A were replaced by what code answers"),
        (
            "grow",
            ":old | 3",
            "instances of A got another number of elements, and what they held beyond it is lost",
        ),
        ("custom", "DSUPolicy byName", "instances of A followed a policy that code made"),
    ] {
        let section = format!("Policy {{ #class : #A, #rule : #{rule} }} [ {code} ]");
        let inverse = lost(&old, &new, &section, &[&format!("policy for A: a policy is missing: {why}")]);
        assert_eq!(inverse.policies.len(), 1, "{inverse}");
        // Where the layout stays, too; and where the class has gone.
        lost(&old, &old, &section, &[why]);
        let gone = packages(&[]);
        lost(&old, &gone, &section, &[&format!("A: a policy is missing: {why}")]);
    }
}

#[test]
fn variables_of_classes_and_actions_are_missed() {
    let with = A.replace(" }", ", #classVars : [ 'Count' ], #classInstVars : [ 'one' ] }");
    lost(
        &packages(&[&with]),
        &packages(&[A]),
        "",
        &["A: a policy is missing: what Count, one of the class A held is lost, so give it a value in After"],
    );
    lost(&packages(&[&with]), &packages(&[]), "", &["what Count, one of the class A held is lost"]);
    let actions = "Before { } [ Transcript clear ]\nAfter { } [ Smalltalk at: #Done put: true ]";
    let (old, new) = (packages(&[A]), packages(&[&changed("'y', 'x'")]));
    lost(&old, &new, actions, &["what does the patch do in Before", "what does the patch do in After"]);
}

#[test]
fn elements_come_again_empty_and_go_again_without_a_question() {
    let (normal, variable) =
        (packages(&[A]), packages(&[&A.replace("#instVars", "#type : 'variable', #instVars")]));
    let why = "a policy is missing: the indexable elements that instances of A had are lost";
    lost(&variable, &normal, "", &[why]);
    kept(&normal, &variable, "", PREPARE, PROBE);
    let bare = |kind: &str| {
        packages(&[&format!("Class {{ #name : 'A', #superclass : 'Object', #type : '{kind}' }}")])
    };
    let replaced = "\nPolicy {\n\t#class : #A,\n\t#rule : #replace\n}\n[ :old :environment | (environment at: #A) basicNew: 2 ]\n";
    let reasons =
        ["between references and numbers: which policy replaces them?", "were replaced by what code answers"];
    lost(&bare("variable"), &bare("bytes"), replaced, &reasons);
}
