//! Traits, packages and roots in patches: found between two versions, applied to packages and to a running program, and taken back.

use instar_dsu::patch::{self, Patch, diff, version_hash};
use instar_interp::host::Session;
use instar_interp::source::{self, Package, SourceFile};
use instar_interp::vm::{Space, SpaceOptions};

fn packages(files: &[(&str, &str)]) -> Vec<Package> {
    let file = |(path, text): &(&str, &str)| SourceFile::new(*path, (*text).to_owned());
    let files: Vec<_> = files.iter().map(file).collect();
    source::read_files(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// By way of its text.
fn between(old: &[Package], new: &[Package]) -> Patch {
    let made = diff("test", old, new);
    let text = made.write().unwrap_or_else(|errors| panic!("{errors}"));
    let read = patch::read("made.patch", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(read.to_string(), text);
    assert_eq!(read, made);
    read
}

fn session(program: &[Package]) -> Session {
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    let engine = instar_dsu::packages(instar_dsu::ENGINE).unwrap_or_else(|errors| panic!("{errors}"));
    session.load(&engine).unwrap_or_else(|problem| panic!("{problem}"));
    session.load(program).unwrap_or_else(|problem| panic!("{problem}"));
    session
}

fn evaluate(session: &mut Session, source: &str) -> String {
    session.evaluate(source).unwrap_or_else(|problem| panic!("{problem}\n{source}")).0
}

fn apply(session: &mut Session, patch: &Patch) {
    let expression = patch.expression().unwrap_or_else(|undecided| panic!("{undecided}\n{patch}"));
    let source = format!("(DSUUpdate apply: [ {expression} ] value) isCommitted");
    assert_eq!(evaluate(session, &source), "true");
}

/// Both ways, of the packages and of a program that runs, by the inverse and by the engine's own undo. `probe` answers `old`
/// in the one version and `new` in the other.
fn there_and_back(old: &[Package], new: &[Package], probe: &str) -> Patch {
    let made = between(old, new);
    assert_eq!(made.undecided(), [""; 0], "{made}");
    assert_eq!(version_hash(&made.apply_to(old).unwrap()), version_hash(new), "{made}");
    let mut inverse = made.invert(old).unwrap();
    assert_eq!(version_hash(&inverse.apply_to(new).unwrap()), version_hash(old), "{inverse}");
    inverse.classes.iter_mut().for_each(|class| class.undecided.clear());
    let mut session = session(old);
    assert_eq!(evaluate(&mut session, probe), "#old");
    for (patch, expected) in [(&made, "#new"), (&inverse, "#old"), (&made, "#new"), (&inverse, "#old")] {
        apply(&mut session, patch);
        assert_eq!(evaluate(&mut session, probe), expected, "{patch}");
    }
    for expected in ["#new", "#old", "#new"] {
        evaluate(&mut session, "DSUUpdate undo");
        assert_eq!(evaluate(&mut session, probe), expected);
    }
    made
}

const P: (&str, &str) = ("P/package.st", "Package { #name : 'P' }");
const Q: (&str, &str) = ("Q/package.st", "Package { #name : 'Q' }");

#[test]
fn compositions_and_methods_of_traits() {
    let old = packages(&[
        P,
        (
            "P/TA.trait.st",
            "Trait { #name : 'TA', #package : 'P' }\nTA >> x [ ^ 1 ]\nTA >> y [ ^ 2 ]\nTA class >> make [ ^ self new ]",
        ),
        ("P/TGone.trait.st", "Trait { #name : 'TGone', #package : 'P' }\nTGone >> gone [ ^ 0 ]"),
        (
            "P/A.class.st",
            "Class { #name : 'A', #superclass : 'Object', #traits : 'TA + TGone', #package : 'P' }",
        ),
        ("P/B.class.st", "Class { #name : 'B', #superclass : 'Object', #traits : 'TA', #package : 'P' }"),
    ]);
    let new = packages(&[
        P,
        (
            "P/TA.trait.st",
            "Trait { #name : 'TA', #package : 'P' }\nTA >> x [ ^ 10 ]\nTA >> z [ ^ self x ]\nTA class >> make [ ^ self basicNew ]",
        ),
        (
            "P/TNew.trait.st",
            "\"\nNew.\n\"\nTrait { #name : 'TNew', #traits : 'TA - {#z}', #package : 'P' }\nTNew >> added [ ^ self x + 1 ]\nTNew class >> kind [ ^ #kind ]",
        ),
        (
            "P/A.class.st",
            "Class { #name : 'A', #superclass : 'Object', #traits : 'TNew @ {#ten -> #x}', #package : 'P' }",
        ),
        ("P/B.class.st", "Class { #name : 'B', #superclass : 'Object', #traits : 'TA', #package : 'P' }"),
    ]);
    let made = there_and_back(
        &old,
        &new,
        "| a b | a := A new. b := B make.
        (a x = 1 and: [ b y = 2 and: [ a gone = 0 and: [ (Smalltalk includesKey: #TNew) not and: [ TA users size = 2 and: [ A make class == A ] ] ] ] ])
            ifTrue: [ #old ]
            ifFalse: [ (a ten = 10 and: [ a added = 11 and: [ b z = 10 and: [ (b respondsTo: #y) not and: [ (a respondsTo: #z) not
                and: [ (A perform: #kind) = #kind and: [ (Smalltalk includesKey: #TGone) not and: [ TA users size = 2 ] ] ] ] ] ] ])
                ifTrue: [ #new ] ]",
    );
    let text = made.to_string();
    for part in [
        "#traits : 'TNew @ {#ten -> #x}'",
        "AddedTrait {\n\t#name : #TNew",
        "RemovedTrait {\n\t#name : #TGone",
        "TA >> x [",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn class_sides_have_traits_of_their_own() {
    let traits = "Trait { #name : 'TA', #package : 'P' }\nTA >> x [ ^ 1 ]\nTA class >> make [ ^ self new ]";
    let program = |class_traits: &str| {
        let class = format!(
            "Class {{ #name : 'A', #superclass : 'Object', #traits : 'TA', {class_traits} #package : 'P' }}"
        );
        packages(&[P, ("P/TA.trait.st", traits), ("P/A.class.st", &class)])
    };
    let (old, new) = (program(""), program("#classTraits : 'TA classTrait @ {#build -> #make}',"));
    let made = there_and_back(
        &old,
        &new,
        "(A respondsTo: #build) ifTrue: [ A build x = 1 ifTrue: [ #new ] ] ifFalse: [ A make x = 1 ifTrue: [ #old ] ]",
    );
    assert!(made.to_string().contains("#classTraits : 'TA classTrait @ {#build -> #make}'"), "{made}");
    // Said once more for the instance side alone, it is what the class side has anyway.
    let said = program("#classTraits : 'TA classTrait',");
    let mut session = session(&old);
    apply(&mut session, &between(&old, &said));
    assert_eq!(evaluate(&mut session, "A make x = 1 and: [ A class isUsingTraits not ]"), "true");
}

#[test]
fn a_class_goes_into_another_package_with_its_methods() {
    let class = |package: &str, tag: &str| {
        format!(
            "Class {{ #name : 'A', #superclass : 'Object', #category : '{package}{tag}', #package : '{package}' {} }}\n\n\
             {{ #category : 'one' }}\nA >> x [ ^ 1 ]\n\n{{ #category : 'one' }}\nA class >> y [ ^ 2 ]",
            if tag.is_empty() { String::new() } else { format!(", #tag : '{}'", &tag[1..]) }
        )
    };
    let extension = "Extension { #name : 'A' }\n\n{ #category : '*Q' }\nA >> z [ ^ 3 ]";
    let old = packages(&[P, Q, ("P/A.class.st", &class("P", "-Tag")), ("Q/A.extension.st", extension)]);
    let new = packages(&[P, Q, ("Q/A.class.st", &class("Q", "")), ("P/A.extension.st", extension)]);
    let made = there_and_back(
        &old,
        &new,
        "| what | what := { A packageName. A tag. (A >> #x) package. (A class >> #y) package. (A >> #z) package }.
        what = #(P Tag P P Q) ifTrue: [ #old ] ifFalse: [ what = #(Q nil Q Q P) ifTrue: [ #new ] ifFalse: [ what ] ]",
    );
    assert_eq!((made.classes.len(), made.methods.len()), (1, 1), "{made}");
    assert_eq!(made.methods[0].title(), "A>>z");
}

#[test]
fn extensions_become_own_methods_and_stay_so_on_the_way_back() {
    let class = |package: &str, methods: &str| {
        format!(
            "Class {{ #name : 'A', #superclass : 'Object', #package : '{package}' }}\nA >> x [ ^ 1 ]\n{methods}"
        )
    };
    let old = packages(&[
        P,
        Q,
        ("P/A.class.st", &class("P", "")),
        ("Q/A.extension.st", "Extension { #name : 'A' }\nA >> z [ ^ 3 ]"),
    ]);
    let new = packages(&[P, Q, ("Q/A.class.st", &class("Q", "A >> z [ ^ 3 ]"))]);
    there_and_back(
        &old,
        &new,
        "| what | what := { A packageName. (A >> #x) package. (A >> #z) package }.
        what = #(P P Q) ifTrue: [ #old ] ifFalse: [ what = #(Q Q Q) ifTrue: [ #new ] ifFalse: [ what ] ]",
    );
}

#[test]
fn methods_go_under_another_protocol_and_into_another_package_without_a_safe_point() {
    let program = |of_class: &str, of_extension: &str| {
        let class = format!("Class {{ #name : 'A', #superclass : 'Object', #package : 'P' }}\n{of_class}");
        let extension = format!("Extension {{ #name : 'A' }}\n{of_extension}");
        packages(&[P, Q, ("P/A.class.st", &class), ("Q/A.extension.st", &extension)])
    };
    let wait = "A >> wait: aSemaphore [ aSemaphore wait. ^ 1 ]";
    let old = program(&format!("{{ #category : 'one' }}\n{wait}\n{{ #category : 'a' }}\nA >> x [ ^ 1 ]"), "");
    let new = program("{ #category : 'b' }\nA >> x [ ^ 1 ]", &format!("{{ #category : '*Q' }}\n{wait}"));
    let probe = "| what | what := { (A >> #x) protocol. (A >> #wait:) protocol. (A >> #wait:) package }.
        what = #(a one P) ifTrue: [ #old ] ifFalse: [ what = #(b #'*Q' Q) ifTrue: [ #new ] ifFalse: [ what ] ]";
    let made = there_and_back(&old, &new, probe);
    assert_eq!((made.classes.len(), made.methods.len()), (0, 2), "{made}");
    // A process that waits inside such a method is no obstacle, and the method stays the same one.
    let mut session = session(&old);
    evaluate(
        &mut session,
        "method := A >> #wait:. semaphore := Semaphore new. process := [ A new wait: semaphore ] fork. Processor yield",
    );
    apply(&mut session, &made);
    assert_eq!(evaluate(&mut session, probe), "#new");
    assert_eq!(evaluate(&mut session, "process isTerminated not and: [ (A >> #wait:) == method ]"), "true");
}

#[test]
fn a_trait_goes_into_another_package_and_its_users_methods_with_it() {
    let program = |package: &str| {
        let of = |text: &str| text.replace('_', package);
        packages(&[
            P,
            Q,
            (&of("_/TA.trait.st"), &of("Trait { #name : 'TA', #package : '_' }\nTA >> x [ ^ 1 ]")),
            ("P/A.class.st", "Class { #name : 'A', #superclass : 'Object', #traits : 'TA', #package : 'P' }"),
        ])
    };
    there_and_back(
        &program("P"),
        &program("Q"),
        "| what | what := { TA packageName. (TA >> #x) package. (A >> #x) package }.
        what = #(P P P) ifTrue: [ #old ] ifFalse: [ what = #(Q Q Q) ifTrue: [ #new ] ifFalse: [ what ] ]",
    );
}

#[test]
fn roots_come_and_classes_become_roots() {
    let program = |superclass: &str, more: &str| {
        let class = format!(
            "Class {{ #name : 'A', #superclass : {superclass}, #instVars : [ 'x' ], #package : 'P' }}
            A class >> of: anObject [ ^ self basicNew setX: anObject ]\nA >> setX: anObject [ x := anObject ]\nA >> x [ ^ x ]"
        );
        let files = [P, ("P/A.class.st", class.as_str()), ("P/B.class.st", more)];
        packages(if more.is_empty() { &files[..2] } else { &files })
    };
    let root =
        "Class { #name : 'B', #superclass : #nil, #instVars : [ 'y' ], #package : 'P' }\nB >> y [ ^ 7 ]";
    let (old, new) = (program("#Object", ""), program("#nil", root));
    let probe = "| a | a := Smalltalk at: #OneA ifAbsent: [ Smalltalk at: #OneA put: (A of: 5) ].
        a x = 5 ifFalse: [ #lost ] ifTrue: [
            (A superclass == Object and: [ (Smalltalk includesKey: #B) not and: [ Object subclasses includes: A ] ]) ifTrue: [ #old ] ifFalse: [
                (A superclass isNil and: [ A class superclass == Class and: [ (Smalltalk at: #B) superclass isNil
                    and: [ (Smalltalk at: #B) basicNew y = 7 and: [ (Object subclasses includes: A) not ] ] ] ]) ifTrue: [ #new ] ] ]";
    let made = there_and_back(&old, &new, probe);
    assert_eq!(made.to_string().matches("#superclass : #nil").count(), 2, "{made}");
}

#[test]
fn a_root_is_said_so() {
    let text = "Patch { #name : 'p' }\nAddedClass { #name : #B, #superclass : nil, #package : 'P' }";
    let patch = patch::read("a.patch", text).unwrap();
    assert!(patch.to_string().contains("#superclass : #nil"), "{patch}");
    let mut session = session(&[]);
    apply(&mut session, &patch);
    assert_eq!(
        evaluate(&mut session, "B superclass isNil and: [ DSUUpdate undo. (Smalltalk includesKey: #B) not ]"),
        "true"
    );
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let text = |section: &str| format!("Patch {{ #name : 'p' }}\n{section}");
    let program = packages(&[
        P,
        ("P/TA.trait.st", "Trait { #name : 'TA', #package : 'P' }\nTA >> x [ ^ 1 ]"),
        ("P/A.class.st", "Class { #name : 'A', #superclass : 'Object', #traits : 'TA', #package : 'P' }"),
    ]);
    let mut session = session(&program);
    let mut refusal = |section: &str| {
        let patch = patch::read("a.patch", &text(section)).unwrap_or_else(|errors| panic!("{errors}"));
        let source = format!(
            "[ DSUUpdate apply: [ {} ] value ] on: DSUError do: [ :error | error messageText ]",
            patch.expression().unwrap()
        );
        evaluate(&mut session, &source)
    };
    for (section, expected) in [
        ("RemovedTrait { #name : #TA }", "TA is removed, but A uses it"),
        ("ChangedTrait { #name : #TA, #traits : 'TA' }", "TA would use itself"),
        ("ChangedClass { #name : #A, #traits : 'TMissing' }", "A uses TMissing, which is not a trait"),
        (
            "ChangedClass { #name : #A, #traits : 'TA @ {#a -> #b}' }",
            "an alias of #b, which it does not have",
        ),
        ("RemovedMethod { #method : 'A>>x' }", "A has no method #x to be removed"),
        (
            "ChangedTrait { #name : #TA, #instVars : [ 'x' ] }",
            "The trait TA has variables, and traits have none",
        ),
        (
            "AddedTrait { #name : #TB, #classInstVars : [ 'x' ] }",
            "The trait TB has variables, and traits have none",
        ),
    ] {
        let found = refusal(section);
        assert!(found.contains(expected), "{section}: {found}");
    }
}
