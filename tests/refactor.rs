//! Refactorings from the command line: patches that are applied to a program that runs, folders that follow, and what the page shows.

#[path = "support/program.rs"]
mod program;
mod support;

use std::process::Output;

use program::{Folder, Program, instar, status, stderr, stdout};
use support::{root, text};

const MAIN: &str = "\
| customer order |
customer := Customer new.
customer label: 'ann'; moveTo: 'Elm' in: 'Ulm'.
order := Order item: 'tea' for: customer.
[ customer label = 'stop' ] whileFalse: [
    Transcript show: order text , ' at ' , customer place; show: ' | '; show: Order instVarNames size printString; show: customer class instVarNames size printString; cr; flush.
    (Delay forMilliseconds: 5) wait ].
";

const CLASSES: [&str; 5] = ["Customer", "Document", "Invoice", "Order", "Supplier"];

/// The example, and a program that uses it.
fn shop(name: &str) -> Folder {
    let read = |file: &str| text(format!("examples/shop/Shop/{file}"));
    let folder = Folder::new(name, &[("main.st", MAIN), ("app/Shop/package.st", &read("package.st"))]);
    for class in CLASSES {
        let file = format!("{class}.class.st");
        folder.write(&format!("app/Shop/{file}"), &read(&file));
    }
    folder
}

fn ok(output: &Output) -> String {
    assert_eq!(status(output), 0, "{}{}", stdout(output), stderr(output));
    stdout(output)
}

/// Refactors the folder; its patch goes into a file.
fn refactor(folder: &Folder, kind: &str, arguments: &[&str], file: &str) {
    let (app, file) = (folder.path("app"), folder.path(file));
    let mut all = vec!["refactor", kind, &app];
    all.extend(arguments);
    all.extend(["-o", &file, "--write"]);
    ok(&instar(&all));
}

fn until_line(program: &mut Program, line: &str) {
    while program.line() != line {}
}

fn apply(folder: &Folder, file: &str) {
    ok(&instar(&["apply", "--to", &folder.path("socket"), &folder.path(file)]));
}

fn start(folder: &Folder) -> Program {
    let (socket, app, main) = (folder.path("socket"), folder.path("app"), folder.path("main.st"));
    let mut program = Program::start(&["run", "--control", &socket, &app, &main]);
    until_line(&mut program, "tea for ann at Elm, Ulm | 23");
    program
}

#[test]
fn a_program_that_runs_is_refactored_step_by_step_and_taken_back() {
    let folder = shop("refactor-live");
    let mut program = start(&folder);
    let before = ok(&instar(&["patch", "version", &folder.path("app")]));
    // The base of each patch is the folder behind the one before.
    refactor(&folder, "rename-variable", &["Order", "item", "article"], "1.patch");
    apply(&folder, "1.patch");
    until_line(&mut program, "tea for ann at Elm, Ulm | 23");
    refactor(
        &folder,
        "split-class",
        &["Customer", "street", "town", "--into", "Address", "--as", "address"],
        "2.patch",
    );
    apply(&folder, "2.patch");
    until_line(&mut program, "tea for ann at Elm, Ulm | 22");
    refactor(&folder, "pull-up-variable", &["Order", "customer"], "3.patch");
    apply(&folder, "3.patch");
    until_line(&mut program, "tea for ann at Elm, Ulm | 12");
    let undone = ok(&instar(&["undo", "--to", &folder.path("socket")]));
    assert!(!undone.contains("lost"), "{undone}");
    until_line(&mut program, "tea for ann at Elm, Ulm | 22");
    assert_ne!(ok(&instar(&["patch", "version", &folder.path("app")])), before);
    // The folder as it is behind all three runs, and does the same.
    let checked = instar(&["check", &folder.path("app")]);
    assert_eq!((status(&checked), stderr(&checked).as_str()), (0, ""));
}

#[test]
fn values_come_back_by_undo() {
    for (name, kind, arguments, line) in [
        ("variable", "rename-variable", &["Customer", "street", "road"][..], "tea for ann at Elm, Ulm | 23"),
        (
            "split",
            "split-class",
            &["Customer", "street", "town", "--into", "Address", "--as", "address"],
            "tea for ann at Elm, Ulm | 22",
        ),
        ("class", "rename-class", &["Document", "Paper"], "tea for ann at Elm, Ulm | 23"),
        (
            "extract",
            "extract-superclass",
            &[
                "Partner",
                "--from",
                "Customer",
                "--from",
                "Supplier",
                "--variable",
                "label",
                "--method",
                "label",
            ],
            "tea for ann at Elm, Ulm | 22",
        ),
    ] {
        let folder = shop(&format!("refactor-undo-{name}"));
        let mut program = start(&folder);
        refactor(&folder, kind, arguments, "there.patch");
        let checked = instar(&["patch", "check", &folder.path("there.patch")]);
        assert!(ok(&checked).contains("nothing is undecided"));
        apply(&folder, "there.patch");
        until_line(&mut program, line);
        ok(&instar(&["undo", "--to", &folder.path("socket")]));
        until_line(&mut program, "tea for ann at Elm, Ulm | 23");
    }
}

#[test]
fn what_is_refused_writes_nothing_and_says_where() {
    let folder = shop("refactor-refused");
    let app = folder.path("app");
    let file = folder.path("no.patch");
    let output =
        instar(&["refactor", "rename-variable", &app, "Order", "item", "aString", "-o", &file, "--write"]);
    assert_eq!((status(&output), stdout(&output).as_str()), (1, ""));
    let said = stderr(&output);
    assert!(
        said.contains(
            "app/Shop/Order.class.st:39:2: Order>>setItem:customer: has an argument or temporary aString"
        ),
        "{said}"
    );
    assert!(said.contains("rename that aString first"), "{said}");
    assert!(!std::path::Path::new(&file).exists());
    assert_eq!(folder.read("app/Shop/Order.class.st"), text("examples/shop/Shop/Order.class.st"));
    for (arguments, expected) in [
        (&["refactor", "rename-class", "nowhere", "A", "B"][..], "there is no folder nowhere"),
        (&["refactor", "rename-class", &app, "Order", "Bill", "--package", "Q"], "has no package Q"),
        (&["refactor", "pull-up-method", &app, "Order"], "names no method"),
    ] {
        let output = instar(arguments);
        assert_eq!(status(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn the_patch_is_printed_and_warnings_stand_beside_it() {
    let folder = shop("refactor-printed");
    let symbols = "Extension { #name : 'Order' }\n\n{ #category : '*More' }\nOrder >> selectors [\n\t^ #(item text)\n]\n";
    folder.write("app/More/package.st", "Package { #name : 'More' }\n");
    folder.write("app/More/Order.extension.st", symbols);
    let output = instar(&[
        "refactor",
        "rename-method",
        &folder.path("app"),
        "Order>>item",
        "article",
        "--name",
        "Articles",
        "--author",
        "ann",
    ]);
    let patch = ok(&output);
    assert!(patch.starts_with("Patch {\n\t#name : 'Articles',"), "{patch}");
    assert!(patch.contains("#author : 'ann'") && patch.contains("Order >> article ["), "{patch}");
    assert!(
        stderr(&output).contains("warning: ") && stderr(&output).contains("Order>>selectors: a symbol"),
        "{}",
        stderr(&output)
    );
    assert_eq!(folder.read("app/Shop/Order.class.st"), text("examples/shop/Shop/Order.class.st"));
}

/// The commands that the page shows.
fn commands() -> Vec<Vec<String>> {
    let page = text("docs/refactoring.md");
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands = blocks.flat_map(str::lines).map(|line| {
        let words =
            line.strip_prefix("cargo run --release -- ").expect("the page's commands run the program");
        words.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect::<Vec<String>>()
    });
    // Two kinds of methods are written with a space.
    commands.map(|words| joined(&words)).collect()
}

/// `Order class>>x` is one word.
fn joined(words: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in words {
        match out.last_mut() {
            Some(last) if word.starts_with("class>>") => *last = format!("{last} {word}"),
            _ => out.push(word.clone()),
        }
    }
    out
}

#[test]
fn the_commands_of_the_page_make_patches_that_fit_and_cover_all_kinds() {
    let folder = Folder::new("refactor-page", &[]);
    let help = ok(&instar(&["refactor", "--help"]));
    let kinds =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut kinds: Vec<&str> = kinds.filter_map(|line| line.split_whitespace().next()).collect();
    kinds.retain(|kind| *kind != "help" && kind.contains('-'));
    assert_eq!(kinds.len(), 11, "{help}");
    let commands = commands();
    for kind in &kinds {
        assert!(commands.iter().any(|command| command[1] == *kind), "the page does not show {kind}");
    }
    for (index, mut command) in commands.into_iter().enumerate() {
        let at = command.iter().position(|word| word == "--out").expect("a file for the patch") + 1;
        command[at] = folder.path(&format!("{index}.patch"));
        command[2] = root().join(&command[2]).to_str().unwrap().to_owned();
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        ok(&instar(&words));
        ok(&instar(&["patch", "check", &command[at], "--base", &command[2]]));
        if command[1] == "split-class" {
            let page = text("docs/refactoring.md");
            let shown = page.split("```smalltalk\n").nth(1).unwrap().split("```").next().unwrap();
            assert!(folder.read(&format!("{index}.patch")).contains(shown), "the page shows another policy");
        }
    }
}
