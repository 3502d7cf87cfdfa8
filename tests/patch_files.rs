//! Patch files from the command line: made from folders and from git, decided, checked, applied to a program that runs, taken back.

#[path = "support/program.rs"]
mod program;

use std::process::Command;

use program::{Folder, Program, instar, status, stderr, stdout};

const PACKAGE: &str = "Package { #name : 'Shop' }\n";

const OLD: &str = "\
Class {
\t#name : 'Order',
\t#superclass : 'Object',
\t#instVars : [
\t\t'item'
\t],
\t#category : 'Shop',
\t#package : 'Shop'
}

{ #category : 'accessing' }
Order >> item: aString [
\titem := aString
]

{ #category : 'printing' }
Order >> text [
\t^ item
]
";

/// Orders have an amount.
fn new() -> String {
    OLD.replace("\t\t'item'\n", "\t\t'amount',\n\t\t'item'\n")
        .replace("\t^ item\n", "\t^ amount printString , ' ' , item\n")
}

const MAIN: &str = "\
| order |
order := Order new item: 'tea'; yourself.
[ order text = 'stop' ] whileFalse: [
    Transcript show: order text; cr; flush.
    (Delay forMilliseconds: 5) wait ].
";

/// A folder with both versions.
fn versions(name: &str) -> Folder {
    Folder::new(
        name,
        &[
            ("old/Shop/package.st", PACKAGE),
            ("old/Shop/Order.class.st", OLD),
            ("new/Shop/package.st", PACKAGE),
            ("new/Shop/Order.class.st", &new()),
            ("main.st", MAIN),
        ],
    )
}

/// The patch between them, with what a person must decide decided.
fn decided(folder: &Folder) -> String {
    let made = instar(&["patch", "diff", &folder.path("old"), &folder.path("new"), "--name", "Amounts"]);
    assert_eq!(status(&made), 0, "{}", stderr(&made));
    let text = stdout(&made);
    let decided = text.replace("#amount : 'nil'", "#amount : '1'");
    let line = decided.lines().position(|line| line.contains("#undecided")).expect("something is undecided");
    let kept = decided.lines().enumerate().filter(|(index, _)| *index != line).map(|(_, line)| line);
    let text = kept.collect::<Vec<_>>().join("\n") + "\n";
    text.replace("'1' },\n}", "'1' }\n}")
}

fn until_line(program: &mut Program, line: &str) {
    while program.line() != line {}
}

#[test]
fn what_is_undecided_is_refused_with_its_place() {
    let folder = versions("patch-undecided");
    let file = folder.path("amounts.patch");
    let made = instar(&["patch", "diff", &folder.path("old"), &folder.path("new"), "-o", &file]);
    assert_eq!((status(&made), stdout(&made).as_str()), (0, ""));
    let checked = instar(&["patch", "check", &file]);
    assert_eq!(status(&checked), 1);
    assert!(
        stderr(&checked).contains("Order") && stderr(&checked).contains("amount is new"),
        "{}",
        stderr(&checked)
    );
    let expression = instar(&["patch", "expression", &file]);
    assert_ne!(status(&expression), 0);
}

#[test]
fn a_patch_for_another_version_is_refused_with_both_hashes() {
    let folder = versions("patch-base");
    folder.write("amounts.patch", &decided(&folder));
    let file = folder.path("amounts.patch");
    let right = instar(&["patch", "check", &file, "--base", &folder.path("old")]);
    assert_eq!(status(&right), 0, "{}", stderr(&right));
    let wrong = instar(&["patch", "check", &file, "--base", &folder.path("new")]);
    assert_eq!(status(&wrong), 1);
    for version in ["old", "new"] {
        let hash = stdout(&instar(&["patch", "version", &folder.path(version)]));
        assert!(stderr(&wrong).contains(hash.trim()), "{}: {}", hash, stderr(&wrong));
    }
}

#[test]
fn a_program_that_runs_goes_to_the_new_version_and_back() {
    let folder = versions("patch-live");
    folder.write("there.patch", &decided(&folder));
    let inverse = instar(&["patch", "invert", &folder.path("there.patch"), "--base", &folder.path("old")]);
    assert_eq!(status(&inverse), 0, "{}", stderr(&inverse));
    folder.write("back.patch", &stdout(&inverse));

    let socket = folder.path("socket");
    let mut program =
        Program::start(&["run", "--control", &socket, &folder.path("old"), &folder.path("main.st")]);
    until_line(&mut program, "tea");
    let there = instar(&["apply", "--to", &socket, &folder.path("there.patch")]);
    assert_eq!(status(&there), 0, "{}{}", stdout(&there), stderr(&there));
    until_line(&mut program, "1 tea");
    let back = instar(&["apply", "--to", &socket, &folder.path("back.patch")]);
    assert_eq!(status(&back), 0, "{}{}", stdout(&back), stderr(&back));
    until_line(&mut program, "tea");
}

#[test]
fn revisions_in_git_are_compared() {
    let folder = versions("patch-git");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments);
        let output = git.current_dir(folder.path(".")).output().expect("git is installed");
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    };
    git(&["init", "--quiet"]);
    folder.write("src/Shop/package.st", PACKAGE);
    folder.write("src/Shop/Order.class.st", OLD);
    git(&["add", "src"]);
    git(&["commit", "--quiet", "-m", "one"]);
    git(&["tag", "v1"]);
    folder.write("src/Shop/Order.class.st", &new());
    git(&["commit", "--quiet", "-a", "-m", "two"]);
    let mut command =
        program::command(&["patch", "diff", "v1", "HEAD", "--package", "Shop", "--name", "Amounts"]);
    let made = command.current_dir(folder.path(".")).output().unwrap();
    assert_eq!(status(&made), 0, "{}", stderr(&made));
    let folders = instar(&["patch", "diff", &folder.path("old"), &folder.path("new"), "--name", "Amounts"]);
    assert_eq!(stdout(&made), stdout(&folders));
    let mut command = program::command(&["patch", "diff", "v1", "nowhere", "--package", "Shop"]);
    let refused = command.current_dir(folder.path(".")).output().unwrap();
    assert_eq!(status(&refused), 1);
    assert!(stderr(&refused).contains("nowhere"), "{}", stderr(&refused));
}

const TRAIT: &str = "\
Trait {
\t#name : 'TPriced',
\t#package : 'Shop'
}

{ #category : 'printing' }
TPriced >> text [
\t^ self price printString
]
";

const PRICED: &str = "\
Class {
\t#name : 'Order',
\t#superclass : 'Object',
\t#traits : 'TPriced',
\t#category : 'Shop',
\t#package : 'Shop'
}

{ #category : 'accessing' }
Order >> price [
\t^ 7
]
";

/// From git, and from folders; applied, undone, applied, and taken back by the inverse.
#[test]
fn traits_of_a_program_that_runs_change_and_come_and_go() {
    let more = TRAIT.replace("TPriced", "TTaxed").replace("^ self price printString", "^ 'with taxes'");
    let changed = PRICED.replace("'TPriced'", "'TTaxed + (TPriced @ {#bare -> #text} - {#text})'");
    let main = "| order |\norder := Order new.\n[ Transcript show: order text; cr; flush. (Delay forMilliseconds: 5) wait ] repeat.\n";
    let folder = Folder::new("patch-traits", &[("main.st", main), ("src/Shop/package.st", PACKAGE)]);
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments);
        let output = git.current_dir(folder.path(".")).output().expect("git is installed");
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    };
    git(&["init", "--quiet"]);
    for version in ["old", "new"] {
        let is_new = version == "new";
        for root in ["src", version] {
            folder.write(&format!("{root}/Shop/package.st"), PACKAGE);
            folder.write(&format!("{root}/Shop/Order.class.st"), if is_new { &changed } else { PRICED });
            folder.write(&format!("{root}/Shop/TPriced.trait.st"), TRAIT);
            if is_new {
                folder.write(&format!("{root}/Shop/TTaxed.trait.st"), &more);
            }
        }
        git(&["add", "src"]);
        git(&["commit", "--quiet", "-m", version]);
        git(&["tag", version]);
    }
    let mut command =
        program::command(&["patch", "diff", "old", "new", "--package", "Shop", "--name", "Taxes"]);
    let made = command.current_dir(folder.path(".")).output().unwrap();
    assert_eq!(status(&made), 0, "{}", stderr(&made));
    let folders = instar(&["patch", "diff", &folder.path("old"), &folder.path("new"), "--name", "Taxes"]);
    assert_eq!(stdout(&made), stdout(&folders));
    assert!(stdout(&made).contains("#traits : 'TTaxed + (TPriced @ {#bare -> #text} - {#text})'"));
    folder.write("there.patch", &stdout(&made));
    let inverse = instar(&["patch", "invert", &folder.path("there.patch"), "--base", &folder.path("old")]);
    assert_eq!(status(&inverse), 0, "{}", stderr(&inverse));
    folder.write("back.patch", &stdout(&inverse));

    let socket = folder.path("socket");
    let mut program =
        Program::start(&["run", "--control", &socket, &folder.path("old"), &folder.path("main.st")]);
    until_line(&mut program, "7");
    let there: &[&str] = &["apply", "--to", &socket, &folder.path("there.patch")];
    let undo: &[&str] = &["undo", "--to", &socket];
    let back: &[&str] = &["apply", "--to", &socket, &folder.path("back.patch")];
    for (arguments, line) in
        [(there, "with taxes"), (undo, "7"), (there, "with taxes"), (back, "7"), (there, "with taxes")]
    {
        let done = instar(arguments);
        assert_eq!(status(&done), 0, "{arguments:?}: {}{}", stdout(&done), stderr(&done));
        until_line(&mut program, line);
    }
}

#[test]
fn a_patch_for_another_version_is_refused_unless_that_is_wanted() {
    let folder = versions("patch-other-base");
    folder.write("amounts.patch", &decided(&folder));
    let (socket, patch) = (folder.path("s"), folder.path("amounts.patch"));
    let arguments = ["run", "--control", &socket, &folder.path("old"), &folder.path("main.st")];
    let mut program = Program::start(&arguments);
    until_line(&mut program, "tea");
    let apply = |options: &[&str]| {
        let mut all = vec!["apply", "--to", &socket, &patch];
        all.extend(options);
        instar(&all)
    };
    let made = |name: &str| stdout(&instar(&["patch", "version", &folder.path(name)])).trim().to_owned();
    let tried = apply(&["--dry-run"]);
    assert_eq!(status(&tried), 0, "{}", stderr(&tried));
    let applied = apply(&[]);
    assert_eq!(status(&applied), 0, "{}", stderr(&applied));
    until_line(&mut program, "1 tea");
    // Again: both versions are named, and that it was applied.
    let again = apply(&[]);
    let said = stderr(&again);
    assert_eq!(status(&again), 1, "{said}");
    assert!(said.contains("was applied already, by update number"), "{said}");
    assert!(said.contains(&made("old")) && said.contains(&made("new")), "{said}");
    // Undone, it fits again.
    let undone = instar(&["undo", "--to", &socket]);
    assert_eq!(status(&undone), 0, "{}", stderr(&undone));
    until_line(&mut program, "tea");
    let applied = apply(&[]);
    assert_eq!(status(&applied), 0, "{}", stderr(&applied));
    until_line(&mut program, "1 tea");
    // Another one that was made for the old version.
    folder.write("amounts.patch", &decided(&folder).replace("Amounts", "Others"));
    let other = apply(&[]);
    let said = stderr(&other);
    assert_eq!(status(&other), 1, "{said}");
    assert!(said.contains("make it anew") && said.contains("--any-base"), "{said}");
    assert!(said.contains(&made("old")) && said.contains(&made("new")), "{said}");
    let forced = apply(&["--any-base"]);
    assert_eq!(status(&forced), 0, "{}", stderr(&forced));
    // Smalltalk may have changed anything.
    folder.write("any.st", "(DSUPatch named: 'Any') compile: 'text ^ ''any''' in: #Order; yourself");
    let any = instar(&["apply", "--to", &socket, &folder.path("any.st")]);
    assert_eq!(status(&any), 0, "{}", stderr(&any));
    until_line(&mut program, "any");
    let unknown = apply(&[]);
    assert_eq!(status(&unknown), 1);
    assert!(stderr(&unknown).contains("cannot be known"), "{}", stderr(&unknown));
}
