//! The conversation records what is changed, and applies patches: `:record`, `:save`, `:apply`.

#[path = "support/program.rs"]
mod program;

use std::io::Write;
use std::process::{Output, Stdio};

use program::{Folder, Program, command, instar, status, stderr, stdout};

fn talk(text: &str) -> Output {
    let mut child = command(&["repl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

const ANIMAL: &str = "\
Object subclass: #Animal instanceVariableNames: 'name' classVariableNames: '' package: 'Zoo'.
Animal compile: 'name ^ name'.
Animal compile: 'name: x name := x'.
Animal compile: 'gone ^ 1'.
a := Animal new name: 'Rex'; yourself.
";

#[test]
fn what_was_changed_between_record_and_save_does_the_same_elsewhere() {
    let folder = Folder::new("record", &[]);
    let file = folder.path("older.patch");
    let changes = format!(
        "{ANIMAL}:record
Object subclass: #Animal instanceVariableNames: 'age name' classVariableNames: '' package: 'Zoo'.
Animal compile: 'age ^ age'.
Animal compile: 'describe ^ ''I am '' , name'.
Animal class compile: 'make ^ self new'.
Animal removeSelector: #gone.
Object subclass: #Cage instanceVariableNames: 'inmates' classVariableNames: 'Count' package: 'Zoo'.
:save {file}
"
    );
    let recorded = talk(&changes);
    assert!(
        stdout(&recorded).contains(&format!("saved in {file}")),
        "{}{}",
        stdout(&recorded),
        stderr(&recorded)
    );
    let patch = folder.read("older.patch");
    // What was only compiled again is no change.
    assert!(!patch.contains("Animal >> name [") && patch.contains("Animal >> describe ["), "{patch}");
    assert!(patch.starts_with("Patch {\n\t#name : 'older'"), "{patch}");
    assert!(
        stdout(&recorded).contains("age is nil in instances of Animal that exist\n"),
        "{}",
        stdout(&recorded)
    );
    let applied = talk(&format!(
        "{ANIMAL}:apply {file}\na describe\na class make class\nAnimal instVarNames\nCage classVarNames\nAnimal includesSelector: #gone\n:quit\n"
    ));
    let shown = stdout(&applied);
    assert!(
        shown.contains("commit ") && shown.contains("Applied: older, number 1"),
        "{shown}{}",
        stderr(&applied)
    );
    assert!(shown.ends_with("'I am Rex'\nAnimal\n#('age' 'name')\n#(#Count)\nfalse\n"), "{shown}");
}

#[test]
fn what_may_be_a_new_name_is_asked() {
    let folder = Folder::new("record-asked", &[]);
    let file = folder.path("renamed.patch");
    let recorded = talk(&format!(
        "{ANIMAL}:record
Object subclass: #Animal instanceVariableNames: 'title' classVariableNames: '' package: 'Zoo'.
Animal compile: 'name ^ title'.
Animal compile: 'name: x title := x'.
:save {file}
"
    ));
    let said = stdout(&recorded);
    assert!(
        said.contains("undecided: policy for Animal: is title the new name of name?"),
        "{said}{}",
        stderr(&recorded)
    );
    let patch = folder.read("renamed.patch");
    assert!(patch.contains("#renames : { #name : #title }") && patch.contains("#undecided : "), "{patch}");
    let apply = format!("{ANIMAL}:apply {file}\na name\n:quit\n");
    let refused = talk(&apply);
    assert!(stderr(&refused).contains("before this is decided"), "{}", stderr(&refused));
    assert!(stdout(&refused).ends_with("'Rex'\n"), "{}", stdout(&refused));
    let lines: Vec<&str> = patch.lines().filter(|line| !line.contains("#undecided")).collect();
    folder.write("renamed.patch", &(lines.join("\n").replace(",\n}", "\n}") + "\n"));
    let applied = talk(&apply.replace("a name\n", "a name\nAnimal instVarNames\n"));
    let shown = stdout(&applied);
    assert!(shown.ends_with("'Rex'\n#('title')\n"), "{shown}{}", stderr(&applied));
}

#[test]
fn traits_and_methods_of_other_packages_are_recorded() {
    let zoo = "Trait { #name : 'TLoud', #category : 'Zoo', #package : 'Zoo' }\n\n\
        { #category : 'a' }\nTLoud >> call [ ^ 'loud' ]\n\n{ #category : 'a' }\nTLoud >> echo [ ^ self call , self call ]\n";
    let class = "Class { #name : 'Animal', #superclass : 'Object', #category : 'Zoo', #package : 'Zoo' }\n\n\
        { #category : 'a' }\nAnimal >> call [ ^ 'call' ]\n";
    let folder = Folder::new(
        "record-traits",
        &[
            ("zoo/package.st", "Package { #name : 'Zoo' }"),
            ("zoo/TLoud.trait.st", zoo),
            ("zoo/Animal.class.st", class),
        ],
    );
    let (zoo, file) = (folder.path("zoo"), folder.path("traits.patch"));
    let recorded = talk(&format!(
        ":load {zoo}
:record
Animal uses: (TLoud - {{#call}} @ {{#shout -> #call}}).
TLoud compile: 'call ^ ''LOUD'''.
Object compile: 'isTame ^ false' classified: 'testing' package: 'Zoo'.
:save {file}
"
    ));
    assert!(stdout(&recorded).contains("saved in "), "{}{}", stdout(&recorded), stderr(&recorded));
    let patch = folder.read("traits.patch");
    assert!(patch.contains("#traits : '(TLoud - {#call} @ {#shout -> #call})'"), "{patch}");
    assert!(patch.contains("TLoud >> call [") && !patch.contains("echo"), "{patch}");
    assert!(!patch.contains("Animal >> "), "what comes from a trait is none of the class: {patch}");
    let applied = talk(&format!(
        ":load {zoo}\n:apply {file}\nAnimal new shout\nAnimal new echo\n3 isTame\n(Object >> #isTame) package\n"
    ));
    let shown = stdout(&applied);
    assert!(shown.ends_with("'LOUD'\n'callcall'\nfalse\n#Zoo\n"), "{shown}{}", stderr(&applied));
}

#[test]
fn what_was_recorded_is_applied_to_a_program_that_runs() {
    let class = "Class { #name : 'Animal', #superclass : 'Object', #instVars : [ 'name' ], #category : 'Zoo', #package : 'Zoo' }\n\n\
        { #category : 'a' }\nAnimal >> text [ ^ 'old' ]\n\n{ #category : 'a' }\nAnimal >> gone [ ^ 1 ]\n";
    let main = "| a | a := Animal new. [ true ] whileTrue: [ Transcript show: a text; cr; flush. (Delay forMilliseconds: 5) wait ]";
    let folder = Folder::new(
        "record-live",
        &[("zoo/package.st", "Package { #name : 'Zoo' }"), ("zoo/Animal.class.st", class), ("main.st", main)],
    );
    let (zoo, patch, socket) = (folder.path("zoo"), folder.path("new.patch"), folder.path("s"));
    talk(&format!(
        ":load {zoo}\n:record\nAnimal compile: 'text ^ ''new'''.\nAnimal removeSelector: #gone.\n:save {patch}\n"
    ));
    let mut program = Program::start(&["run", "--control", &socket, &zoo, &folder.path("main.st")]);
    program.until("old");
    let applied = instar(&["apply", "--to", &socket, &patch]);
    assert_eq!(status(&applied), 0, "{}", stderr(&applied));
    program.until("new");
}

#[test]
fn what_does_not_go_is_said_and_the_conversation_goes_on() {
    let folder = Folder::new("record-wrong", &[("bad.patch", "3 + 4"), ("worse.patch", "3 + ")]);
    let (bad, worse, none) =
        (folder.path("bad.patch"), folder.path("worse.patch"), folder.path("none.patch"));
    let said = talk(&format!(
        ":save {none}\n:record\n:save {none}\n:apply {bad}\n:apply {worse}\n:apply {none}\n:save {none}/x\n3 + 4\n"
    ));
    let (out, errors) = (stdout(&said), stderr(&said));
    assert!(errors.contains("Nothing is being recorded"), "{errors}");
    assert!(errors.contains("nothing was changed since :record"), "{errors}");
    assert!(out.contains("Not applied: The text describes no patch"), "{out}");
    assert!(out.contains("Not applied: "), "{out}");
    assert!(errors.contains("none.patch: No such file"), "{errors}");
    assert!(out.ends_with("7\n"), "{out}");
    assert!(!std::fs::exists(&none).unwrap());
}
