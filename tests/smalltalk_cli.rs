//! The commands that run Smalltalk, as people meet them: outputs, exit statuses, places in messages.

mod support;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_instar"));
    command.args(arguments);
    command
}

fn instar(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn status(output: &Output) -> i32 {
    output.status.code().expect("no signal ended it")
}

/// A folder with files, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("instar-smalltalk-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let folder = Folder(path);
        for (file, text) in files {
            let file = folder.0.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const ANIMAL: &str = "\
Class {
	#name : 'Animal',
	#superclass : 'Object',
	#traits : 'TNamed - {#excluded} @ {#hello -> #greeting}',
	#classTraits : 'TNamed classTrait',
	#instVars : [ 'name', 'legs' ],
	#classVars : [ 'Most' ],
	#pools : [ 'ZooPool' ],
	#category : 'Zoo',
	#package : 'Zoo'
}

{ #category : 'class initialization' }
Animal class >> initialize [
	Most := MostAnimals - 1
]

{ #category : 'accessing' }
Animal class >> most [
	^ Most
]

{ #category : 'accessing' }
Animal >> keeper [
	^ KeeperToCome
]

{ #category : 'accessing' }
Animal >> name [
	^ name
]

{ #category : 'accessing' }
Animal >> name: aString [
	name := aString
]

{ #category : 'accessing' }
Animal >> stumble [

	^ self
		fall: 3
		over: [ self missing ] value
]
";

const TRAIT: &str = "\
Trait { #name : 'TNamed', #category : 'Zoo', #package : 'Zoo' }

{ #category : 'x' }
TNamed class >> named: aString [
	^ self new name: aString; yourself
]

{ #category : 'x' }
TNamed >> excluded [
	^ 1
]

{ #category : 'x' }
TNamed >> greeting [
	^ 'I am ' , self name
]
";

const DOG: &str = "\
Class { #name : 'ADog', #superclass : 'Animal', #instVars : [ 'bark' ], #category : 'Zoo', #package : 'Zoo' }

{ #category : 'class initialization' }
ADog class >> initialize [
	Smalltalk at: #MostWhenDogCame put: Animal most
]
";

const POOL: &str = "\
Class { #name : 'ZooPool', #superclass : 'SharedPool', #classVars : [ 'MostAnimals' ], #category : 'Zoo', #package : 'Zoo' }

{ #category : 'class initialization' }
ZooPool class >> initialize [
	MostAnimals := 100
]
";

const EXTENSION: &str = "\
Extension { #name : 'Integer' }

{ #category : '*Zoo' }
Integer >> animals [
	^ (1 to: self) collect: [ :each | Animal named: each printString ]
]
";

/// `ADog` sorts before its superclass, users before their trait and pool.
fn zoo(folder: &str) -> Vec<(String, &'static str)> {
    let file = |name: &str, text| (format!("{folder}/{name}"), text);
    vec![
        file("package.st", "Package { #name : 'Zoo' }\n"),
        file("ADog.class.st", DOG),
        file("Animal.class.st", ANIMAL),
        file("Integer.extension.st", EXTENSION),
        file("TNamed.trait.st", TRAIT),
        file("ZooPool.class.st", POOL),
    ]
}

fn folder_of(name: &str, files: &[(String, &str)]) -> Folder {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    Folder::new(name, &files)
}

#[test]
fn eval_prints_each_value_and_keeps_variables() {
    let output = instar(&["eval", "x := 6. y := 7", "x * y", "| z | z := 'it''s'. z"]);
    assert_eq!((status(&output), stdout(&output).as_str()), (0, "7\n42\n'it''s'\n"), "{}", stderr(&output));
    for strategy in ["lazy", "always-check", "full-scan"] {
        let output = instar(&[
            "eval",
            "--become",
            strategy,
            "--heap",
            "64",
            "--workers",
            "1",
            "100 factorial \\\\ 97 + 5",
        ]);
        assert_eq!(stdout(&output), "5\n", "{}", stderr(&output));
    }
}

#[test]
fn statuses_tell_success_errors_wrong_use_and_the_programs_own() {
    let status_of = |arguments: &[&str]| status(&instar(arguments));
    assert_eq!(status_of(&["eval", "3"]), 0);
    assert_eq!(status_of(&["eval", "nil foo"]), 1);
    assert_eq!(status_of(&["eval", "3 +"]), 1);
    assert_eq!(status_of(&["eval", "Semaphore new wait"]), 1);
    assert_eq!(status_of(&["eval", "Smalltalk exit: 5", "nil foo"]), 5);
    assert_eq!(status_of(&["eval", "[ Smalltalk exit: 6 ] ensure: [ nil foo ]"]), 6);
    assert_eq!(status_of(&["eval"]), 2);
    assert_eq!(status_of(&["eval", "--become", "maybe", "3"]), 2);
    assert_eq!(status_of(&["eval", "--heap", "1", "3"]), 2);
    assert_eq!(status_of(&["eval", "--gc-zeal", "0", "3"]), 2);
    assert_eq!(status_of(&["run"]), 2);
    assert_eq!(status_of(&["run", "no/such/file.st"]), 2);
    assert_eq!(status_of(&["eval", "--load", "no/such/folder", "3"]), 2);
    assert_eq!(status_of(&["test", "no/such/folder"]), 2);
    assert_eq!(status_of(&["disassemble", "Object>>noSuchMethod"]), 1);
    assert_eq!(status_of(&["run", "--help"]), 0);
}

#[test]
fn scripts_get_arguments_and_name_their_lines_in_traces() {
    let script = "\"A script, to be sure!\"\n| args |\nargs := Smalltalk arguments.\n\
                  Transcript show: 'hi! '; show: args last; cr.\nf := [ :k |\n\tk missing ].\nf value: 3\n";
    let folder = Folder::new("script", &[("a.st", script)]);
    let path = folder.path("a.st");
    let output = instar(&["run", &path, "--", "--one", "two"]);
    assert_eq!(stdout(&output).replace('\r', "\n"), "hi! two\n", "{}", stderr(&output));
    assert_eq!(status(&output), 1);
    let text = stderr(&output);
    assert!(text.contains("#missing"), "{text}");
    assert!(text.contains(&format!("[] in UndefinedObject>>DoIt ({path}:6): k missing ].")), "{text}");
    assert!(text.contains(&format!("UndefinedObject>>DoIt ({path}:7): f value: 3")), "{text}");
    assert!(!text.contains("error:"), "what the guest said is not said again: {text}");
}

#[test]
fn errors_in_scripts_show_the_place() {
    let folder = Folder::new("broken-script", &[("a.st", "3 + 4.\n(5 foo.\n")]);
    let output = instar(&["run", &folder.path("a.st")]);
    assert_eq!(status(&output), 1);
    assert!(stderr(&output).contains("a.st:2:"), "{}", stderr(&output));
}

#[test]
fn packages_are_loaded_whatever_the_order_of_their_files() {
    let folder = folder_of("zoo", &zoo("Zoo"));
    let path = folder.path("Zoo");
    let output = instar(&[
        "eval",
        "--load",
        &path,
        "Animal most",
        "MostWhenDogCame",
        "(ADog named: 'Rex') greeting",
        "(ADog named: 'Rex') hello",
        "Animal includesSelector: #excluded",
        "3 animals size",
        "Animal new keeper",
        "Object subclass: #KeeperToCome. Animal new keeper name",
    ]);
    let expected = "99\n99\n'I am Rex'\n'I am Rex'\nfalse\n3\nnil\n#KeeperToCome\n";
    assert_eq!(stdout(&output), expected, "{}", stderr(&output));
    let warning = format!("{path}/Animal.class.st:25:4: warning: `KeeperToCome` is not declared");
    assert!(stderr(&output).contains(&warning), "{}", stderr(&output));
}

#[test]
fn traces_name_the_lines_of_package_files() {
    let folder = folder_of("trace", &zoo("Zoo"));
    let path = folder.path("Zoo");
    let output = instar(&["eval", "--load", &path, "ADog new stumble"]);
    assert_eq!(status(&output), 1);
    let expected =
        format!("[] in ADog(Animal)>>stumble ({path}/Animal.class.st:43): over: [ self missing ] value");
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
}

/// Loads the zoo, makes a dog, loads another version of the zoo, and looks at the dog.
fn update(strategy: &str) -> Output {
    let changed = ANIMAL
        .replace("'name', 'legs'", "'colour', 'name'")
        .replace("MostAnimals - 1", "MostAnimals + 1")
        .replace("Animal >> keeper [\n\t^ KeeperToCome", "Animal >> colour [\n\t^ colour ifNil: [ #grey ]")
        .replace("Animal >> stumble [\n", "Animal >> stumble [\n\n\n");
    let mut files: Vec<(String, String)> =
        zoo("Zoo").into_iter().map(|(path, text)| (path, text.to_owned())).collect();
    for (path, text) in zoo("Next/Zoo") {
        let text =
            if path.ends_with("Animal.class.st") { changed.clone() } else { text.replace("I am", "I'm") };
        files.push((path, text.replace("'I'm ", "'My name is ")));
    }
    files.push(("before.st".into(), "Smalltalk at: #Rex put: (ADog named: 'Rex')".into()));
    let after = "| show |\nshow := [ :it | Transcript show: it printString; cr ].\nshow value: Rex greeting.\n\
                 show value: Rex colour; value: Animal instVarNames; value: Animal most.\n\
                 show value: (Animal includesSelector: #keeper); value: ADog superclass == Animal.\nRex stumble\n";
    files.push(("after.st".into(), after.into()));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = Folder::new(&format!("update-{strategy}"), &files);
    let paths = ["Zoo", "before.st", "Next", "after.st"].map(|file| folder.path(file));
    let [zoo, before, next, after] = paths.each_ref().map(String::as_str);
    instar(&["run", "--become", strategy, zoo, before, next, after])
}

#[test]
fn loading_another_version_changes_classes_while_instances_live() {
    for strategy in ["lazy", "always-check", "full-scan"] {
        let output = update(strategy);
        let expected = "'My name is Rex'\n#grey\n#('colour' 'name')\n101\nfalse\ntrue\n";
        assert_eq!(stdout(&output).replace('\r', "\n"), expected, "{}", stderr(&output));
        assert_eq!(status(&output), 1);
        let text = stderr(&output);
        assert!(text.contains("Next/Zoo/Animal.class.st:45): over: [ self missing ] value"), "{text}");
    }
}

#[test]
fn packages_with_errors_change_nothing() {
    let mut files = zoo("Zoo");
    let broken = "Extension { #name : 'Object' }\n\n{ #category : '*Zoo' }\nObject >> ok [\n\t^ 1\n]\n\n\
                  { #category : '*Zoo' }\nObject >> bad [\n\t^ (1 + \n]\n";
    files.push(("Zoo/Object.extension.st".to_owned(), broken));
    let folder = folder_of("atomic", &files);
    let path = folder.path("Zoo");
    let input = format!(":load {path}\nSmalltalk includesKey: #Animal\nObject includesSelector: #ok\n");
    let output = talk(&[], &input);
    assert_eq!(stdout(&output), "false\nfalse\n");
    assert!(stderr(&output).contains("Object.extension.st:"), "{}", stderr(&output));
}

#[test]
fn chunk_files_define_run_and_exit() {
    let chunks = "Object subclass: #Keeper instanceVariableNames: 'keys' classVariableNames: '' package: 'X'!\n\n\
                  !Keeper class methodsFor: 'x'!\nisHere\n\t^ 'it''s here!!'! !\n\n\
                  Transcript show: Keeper isHere; cr!\nSmalltalk exit: Keeper isHere size!\n";
    let folder = Folder::new("chunks", &[("keeper.st", chunks)]);
    let output = instar(&["run", &folder.path("keeper.st")]);
    assert_eq!(stdout(&output).replace('\r', "\n"), "it's here!\n", "{}", stderr(&output));
    assert_eq!(status(&output), 10);
}

#[test]
fn check_names_every_place_and_runs_nothing() {
    let files = [
        ("P/package.st", "Package { #name : 'P' }\n"),
        (
            "P/A.class.st",
            "Class { #name : 'A', #superclass : 'Objekt', #instVars : [ 'x' ], #category : 'P' }\n\n\
             { #category : 'x' }\nA class >> initialize [\n\tSmalltalk exit: 77\n]\n\n\
             { #category : 'x' }\nA >> b [\n\t^ (3\n]\n\n{ #category : 'x' }\nA >> c [\n\t^ Transcrpt\n]\n",
        ),
        (
            "P/B.class.st",
            "Class { #name : 'B', #superclass : 'Object', #type : 'bytes', #instVars : [ 'y' ], #category : 'P' }\n\n\
             { #category : 'x' }\nB >> d [\n\t<primitive: #objectClss>\n]\n\n\
             { #category : 'x' }\nB >> e [\n]\n\n{ #category : 'x' }\nB >> e [\n\t^ 1\n]\n",
        ),
        (
            "P/D.class.st",
            "Class { #name : 'D', #superclass : 'Association', #instVars : [ 'key' ], #category : 'P' }\n",
        ),
        ("P/C.extension.st", "Extension { #name : 'C' }\n\n{ #category : '*P' }\nC >> f [\n]\n"),
    ];
    let folder = Folder::new("check", &files);
    let output = instar(&["check", &folder.path("P")]);
    assert_eq!(status(&output), 1);
    let text = stdout(&output);
    for (message, place) in [
        ("there is no class Objekt, the superclass of A", "A.class.st:1:1"),
        ("there is Object, did you mean that?", ""),
        ("the variable key of D is declared twice, or inherited already", "D.class.st:1:1"),
        ("expected )", "A.class.st:10:"),
        ("`Transcrpt` is not declared", "A.class.st:15:4"),
        ("instances that hold bytes have no named variables", "B.class.st:1:1"),
        ("there is no primitive objectClss", "B.class.st:5:14"),
        ("e is defined twice", "B.class.st:13:6"),
        ("there is no class or trait C, which is to be extended", "C.extension.st:1:1"),
    ] {
        assert!(text.contains(message), "{message}: {text}");
        assert!(text.contains(place), "{place}: {text}");
    }
    assert!(text.trim_end().ends_with("1 warning"), "{text}");
    let folder = folder_of("check-good", &zoo("Zoo"));
    let output = instar(&["check", &folder.path("Zoo")]);
    assert_eq!(status(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).contains("0 errors, 1 warning"), "{}", stdout(&output));
}

#[test]
fn the_kernel_has_no_errors() {
    let kernel = support::root().join("interp/kernel");
    let output = instar(&["check", kernel.to_str().unwrap()]);
    assert_eq!(status(&output), 0, "{}", stdout(&output));
}

const TESTS: &str = "\
Class { #name : 'SomeTest', #superclass : 'TestCase', #category : 'T', #package : 'T' }

{ #category : 'tests' }
SomeTest >> testEnds [
	Processor activeProcess terminate
]

{ #category : 'tests' }
SomeTest >> testErrs [
	nil foo
]

{ #category : 'tests' }
SomeTest >> testFails [
	self assert: 1 + 1 equals: 3
]

{ #category : 'tests' }
SomeTest >> testPasses [
	self assert: 1 + 1 equals: 2
]

{ #category : 'tests' }
SomeTest >> testSkips [
	self skip: 'not <now> & \"here\"'
]
";

#[test]
fn tests_are_run_counted_and_reported() {
    let folder = Folder::new(
        "tests",
        &[("T/package.st", "Package { #name : 'T' }\n"), ("T/SomeTest.class.st", TESTS)],
    );
    let (path, junit) = (folder.path("T"), folder.path("junit.xml"));
    let output = instar(&["test", &path, "--junit", &junit]);
    let text = stdout(&output);
    assert_eq!(status(&output), 1, "{text}{}", stderr(&output));
    assert!(text.contains("FAILED SomeTest>>testFails\n"), "{text}");
    assert!(text.contains("Got 2 instead of 3"), "{text}");
    assert!(text.contains("ERROR SomeTest>>testErrs\n"), "{text}");
    assert!(text.contains(&format!("SomeTest>>testErrs ({path}/SomeTest.class.st:10): nil foo")), "{text}");
    assert!(!text.contains("performTest"), "{text}");
    assert!(text.contains("5 tests: "), "{text}");
    let xml = fs::read_to_string(&junit).unwrap();
    assert_eq!(
        elements(&xml),
        "testsuites testsuite testcase testcase error testcase failure testcase testcase skipped"
    );
    assert!(xml.contains("not &lt;now&gt; &amp; &quot;here&quot;"), "{xml}");
    let output = instar(&["test", &path, "--filter", "testPass"]);
    assert_eq!(
        (status(&output), stdout(&output).as_str()),
        (0, "1 test: 1 passed, 0 failed, 0 errors, 0 skipped\n")
    );
    let output = instar(&["test", &path, "--filter", "Nothing"]);
    assert_eq!(status(&output), 1);
    assert!(stderr(&output).contains("contains Nothing"), "{}", stderr(&output));
}

/// The elements of an XML document in the order in which they begin, once it is clear that they are properly nested and that nothing
/// stands unescaped between them. Those of tests that ended their process count as the guest says.
fn elements(xml: &str) -> String {
    let mut open: Vec<&str> = Vec::new();
    let mut names = Vec::new();
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>') && is_escaped(&rest[..at]), "{}", &rest[..at]);
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        assert!(tag.split('"').skip(1).step_by(2).all(is_escaped), "{tag}");
        names.push(name);
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty());
    names.join(" ")
}

fn is_escaped(text: &str) -> bool {
    let known = ["amp;", "lt;", "gt;", "quot;", "#10;", "#13;", "#9;"];
    text.split('&').skip(1).all(|part| known.iter().any(|known| part.starts_with(known)))
}

/// The program with this standard input.
fn talk(arguments: &[&str], input: &str) -> Output {
    let mut all = vec!["repl"];
    all.extend(arguments);
    let mut child = command(&all)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_conversation_keeps_variables_and_goes_on_after_errors() {
    let input = "x := 3\n#(1 2\n 3) collect: [ :each |\n\teach + x ]\nnil foo\n4 +\n) oops\n| y | y := x * x\ny\n:variables\n:nonsense\nSmalltalk exit: 9\n1\n";
    let output = talk(&[], input);
    assert_eq!(stdout(&output), "3\n#(4 5 6)\n9\n9\nx\ny\n", "{}", stderr(&output));
    assert_eq!(status(&output), 9);
    let text = stderr(&output);
    assert!(text.contains("#foo") && text.contains(":nonsense") && text.contains("do-it:"), "{text}");
    assert_eq!(status(&talk(&[], "3\n:quit\n4\n")), 0);
    assert_eq!(stdout(&talk(&[], "3 + 4")), "7\n");
    assert!(stdout(&talk(&[], ":help\n")).contains(":load PATH"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_an_evaluation_and_not_the_conversation() {
    use std::io::{BufRead, BufReader};
    let mut child = command(&["repl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for statements in [
        "[ Transcript show: 'go'; cr; flush. [ true ] whileTrue: [ ] ] ensure: [ Transcript show: 'end'; cr ]",
        "[ Transcript show: 'go'; cr; flush. (Delay forSeconds: 1000) wait ] ensure: [ Transcript show: 'end'; cr ]",
    ] {
        writeln!(input, "{statements}").unwrap();
        let mut line = Vec::new();
        while !line.ends_with(b"go") {
            let byte = output.fill_buf().unwrap()[0];
            output.consume(1);
            line.push(byte);
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }
    writeln!(input, "3 + 4").unwrap();
    drop(input);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
    let result = child.wait_with_output().unwrap();
    assert!(rest.replace('\r', "\n").contains("end\n"), "{rest:?}");
    assert!(rest.ends_with("7\n"), "{rest:?}");
    assert_eq!(status(&result), 0);
    assert_eq!(stderr(&result).matches("interrupted").count(), 2, "{}", stderr(&result));
}

#[test]
fn code_is_listed() {
    let output = instar(&["disassemble", "Object>>#yourself", "Object class>>no"]);
    assert_eq!(status(&output), 1);
    let output = instar(&["disassemble", "Object>>#->"]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("Association"), "{}", stdout(&output));
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let mut child =
        command(&["eval", "1", "2", "3"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
}

#[test]
fn collections_at_every_few_allocations_change_nothing() {
    let folder = folder_of("zeal", &zoo("Zoo"));
    let path = folder.path("Zoo");
    let output =
        instar(&["eval", "--gc-zeal", "500", "--load", &path, "3 animals size", "(ADog named: 'Rex') hello"]);
    assert_eq!(stdout(&output), "3\n'I am Rex'\n", "{}", stderr(&output));
}

#[test]
fn what_the_runtime_relies_on_cannot_be_taken_away() {
    for (change, reason) in [
        ("Association instanceVariableNames: ''", "The runtime relies on value as variable 2 of Association"),
        ("Link addInstVarNamed: 'more'", "The runtime relies on priority as variable 2 of Process"),
        ("Array addInstVarNamed: 'more'", "The runtime relies on the number of variables of Array"),
        ("SmallInteger addInstVarNamed: 'more'", "Instances of SmallInteger are values"),
        (
            "ArrayedCollection addInstVarNamed: 'more'",
            "The runtime relies on the number of variables of Array",
        ),
        ("ByteString addInstVarNamed: 'more'", "Instances that hold numbers cannot have named variables"),
    ] {
        let source = format!("[ {change} ] on: Error do: [ :error | error messageText ]");
        let output = instar(&["eval", &source, "(1 -> 2) key + (3 -> 4) value + #(5) size"]);
        assert!(stdout(&output).contains(reason), "{change}: {}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).ends_with("\n6\n"), "{change}: {}", stdout(&output));
    }
    // A class may get further variables; and a guest that goes behind the class builder's back breaks itself only.
    let output = instar(&["eval", "Association addInstVarNamed: 'more'. (1 -> 2) value"]);
    assert_eq!(stdout(&output), "2\n", "{}", stderr(&output));
    let forged = "Association instVarAt: 4 put: (ByteString instVarAt: 4). Object subclass: #New. #(1) -> 2. [ :x | x ] value: 3";
    let output = instar(&["eval", forged, "Object copy becomeForward: Object copy"]);
    assert!(output.status.code().is_some_and(|status| status < 2), "{}", stderr(&output));
    let folder = Folder::new(
        "layout",
        &[(
            "K/Process.class.st",
            "Class { #name : 'Process', #superclass : 'Link', #instVars : [ 'mine' ], #category : 'K' }\n",
        )],
    );
    let output = instar(&["check", &folder.path("K")]);
    assert_eq!(status(&output), 1);
    assert!(stdout(&output).contains("the runtime relies on priority as variable 2 of Process"));
}
