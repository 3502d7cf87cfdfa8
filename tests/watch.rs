//! `instar watch`, as people meet it: a file is saved, and the program that runs is another one.

#[path = "support/program.rs"]
mod program;

use std::fs;

use program::{Folder, Program, instar, status, stderr, stdout, wait_for, wait_until};

const PACKAGE: &str = "Package { #name : 'Ticker' }";

fn clock(variables: &str, methods: &[&str]) -> String {
    let mut text = format!(
        "Class {{ #name : 'Clock', #superclass : 'Object', #instVars : [ {variables} ], #category : 'Ticker', #package : 'Ticker' }}\n"
    );
    for method in methods {
        text += &format!("\n{{ #category : 'time' }}\nClock >> {method}\n");
    }
    text
}

const INITIALIZE: &str = "initialize [ ticks := 0 ]";
const TICK: &str = "tick [ ticks := ticks + 1. ^ self text ]";
const TEXT: &str = "text [ ^ 'ticks ' , ticks printString ]";

const MAIN: &str = "| clock | clock := Clock new.
    [ true ] whileTrue: [ Transcript show: clock tick; cr; flush. (Delay forMilliseconds: 5) wait ]";

fn folder(name: &str) -> Folder {
    let class = clock("'ticks'", &[INITIALIZE, TICK, TEXT]);
    Folder::new(
        name,
        &[("src/Ticker/package.st", PACKAGE), ("src/Ticker/Clock.class.st", &class), ("main.st", MAIN)],
    )
}

/// The patch as it is proposed, with no question left.
fn decided(patch: &str) -> String {
    let lines: Vec<&str> = patch.lines().filter(|line| !line.contains("#undecided")).collect();
    lines.join("\n").replace(",\n}", "\n}") + "\n"
}

/// The edits one after the other; `watcher` says what came of each, `program` shows it.
fn edit(folder: &Folder, mut watcher: Option<Program>, mut program: Program) {
    let file = "src/Ticker/Clock.class.st";
    macro_rules! said {
        ($text:expr) => {
            watcher.as_mut().unwrap_or(&mut program).complains($text)
        };
    }
    // A method.
    folder.write(file, &clock("'ticks'", &[INITIALIZE, TICK, "text [ ^ 'count ' , ticks printString ]"]));
    said!("applied: Edit of Clock>>text");
    program.until("count ");
    // An error in a file has its place, and the program goes on.
    folder.write(file, &clock("'ticks'", &[INITIALIZE, TICK, "text [\n\t^ 'broken ' , ( ticks ]"]));
    said!("Clock.class.st:11:24");
    program.so_far();
    program.until("count ");
    folder.write(file, "Class { #name : ");
    said!("Clock.class.st");
    // One that only the compiler finds.
    folder.write(file, &clock("'ticks'", &[INITIALIZE, TICK, "text [\n\tself := 3 ]"]));
    said!("Clock.class.st:");
    program.so_far();
    program.until("count ");
    // Another shape.
    let named = "text [ ^ (name ifNil: [ 'none ' ]) , ticks printString ]";
    folder.write(file, &clock("'name', 'ticks'", &[INITIALIZE, TICK, named]));
    said!("applied: Edit of Clock, Clock>>text");
    said!("name is nil in instances of Clock that exist");
    let lines = program.until("none ");
    let count = |line: &str| -> u64 { line.rsplit(' ').next().unwrap().parse().unwrap() };
    let last = lines.len() - 1;
    assert_eq!(count(&lines[last - 1]) + 1, count(&lines[last]), "{lines:?}");
    // A new class, in a file of its own, and a method that uses it.
    folder.write(
        "src/Ticker/Bell.class.st",
        "Class { #name : 'Bell', #superclass : 'Object', #category : 'Ticker', #package : 'Ticker' }\n\n\
         { #category : 'a' }\nBell class >> sound [ ^ 'ding ' ]\n",
    );
    said!("applied: Edit of Bell, Bell class>>sound");
    let rings = "text [ ^ Bell sound , ticks printString ]";
    folder.write(file, &clock("'name', 'ticks'", &[INITIALIZE, TICK, rings]));
    said!("applied: Edit of Clock>>text");
    program.until("ding ");
    // What may be a new name is asked.
    let (initialize, tick) = ("initialize [ beats := 0 ]", "tick [ beats := beats + 1. ^ self text ]");
    let beats = "text [ ^ 'beats ' , beats printString ]";
    folder.write(file, &clock("'name', 'beats'", &[initialize, tick, beats]));
    said!("undecided: policy for Clock: is beats the new name of ticks?");
    said!("undecided.patch");
    let undecided = "src/undecided.patch";
    let patch = folder.read(undecided);
    assert!(program.so_far().iter().all(|line| line.starts_with("ding ")));
    // As it is, it is refused.
    folder.write(undecided, &(patch.clone() + "\n"));
    said!("is beats the new name of ticks?");
    program.so_far();
    program.until("ding ");
    folder.write(undecided, &decided(&patch));
    said!("applied: Edit of Clock, Clock>>initialize");
    let lines = program.until("beats ");
    let last = lines.len() - 1;
    assert_eq!(count(&lines[last - 1]) + 1, count(&lines[last]), "{lines:?}");
    wait_until(|| !fs::exists(folder.path(undecided)).unwrap(), "the file to be gone, as all is decided");
    // A question goes with what it was about.
    folder.write(file, &clock("'name', 'rounds'", &[initialize, tick, beats]).replace("beats", "rounds"));
    said!("is rounds the new name of beats?");
    wait_for(folder.path(undecided));
    folder.write(file, &clock("'name', 'beats'", &[initialize, tick, beats]));
    wait_until(|| !fs::exists(folder.path(undecided)).unwrap(), "the question to be gone");
    // A file that gets another name with its class, and one that goes.
    let bell = folder.read("src/Ticker/Bell.class.st");
    fs::remove_file(folder.path("src/Ticker/Bell.class.st")).unwrap();
    folder.write("src/Ticker/Gong.class.st", &bell.replace("Bell", "Gong"));
    said!("undecided: Gong: is this Bell under a new name?");
    folder.write(undecided, &decided(&folder.read(undecided)));
    said!("applied: Edit of Gong");
    folder.write(
        file,
        &clock("'name', 'beats'", &[initialize, tick, "text [ ^ Gong sound , beats printString ]"]),
    );
    said!("applied: Edit of Clock>>text");
    program.until("ding ");
    folder.write(file, &clock("'name', 'beats'", &[initialize, tick, beats]));
    said!("applied: Edit of Clock>>text");
    fs::remove_file(folder.path("src/Ticker/Gong.class.st")).unwrap();
    said!("applied: Edit of Gong");
    said!("instances of Gong that exist stay what they are");
    program.so_far();
    program.until("beats ");
}

#[test]
fn saved_files_change_the_program_that_watch_runs() {
    let folder = folder("watch-here");
    let mut program = Program::start(&["watch", &folder.path("src"), &folder.path("main.st")]);
    program.until("ticks ");
    edit(&folder, None, program);
}

#[test]
fn saved_files_change_a_program_that_runs_elsewhere() {
    let folder = folder("watch-there");
    let (socket, source) = (folder.path("s"), folder.path("src"));
    let mut program = Program::start(&["run", "--control", &socket, &source, &folder.path("main.st")]);
    program.until("ticks ");
    let mut watcher = Program::start(&["watch", &source, "--to", &socket]);
    watcher.complains("watching");
    edit(&folder, Some(watcher), program);
}

/// A clock whose ticks a trait may show.
fn clock_using(traits: &str, methods: &[&str]) -> String {
    clock("'ticks'", methods).replace("#instVars", &format!("#traits : '{traits}', #instVars"))
}

#[test]
fn traits_that_are_saved_change_their_users() {
    let folder = folder("watch-traits");
    let shows = |name: &str, word: &str, more: &str| {
        format!(
            "Trait {{ #name : '{name}', #category : 'Ticker', #package : 'Ticker' }}\n\n{{ #category : 'a' }}\n\
             {name} >> text [ ^ '{word} ' , ticks printString ]\n{more}"
        )
        .replace("ticks", "self ticks")
    };
    let ticks = "\n{ #category : 'a' }\nClock >> ticks [ ^ ticks ]\n";
    let (class, words) = ("src/Ticker/Clock.class.st", "src/Ticker/TWords.trait.st");
    folder.write(class, &(clock("'ticks'", &[INITIALIZE, TICK, TEXT]) + ticks));
    folder.write(words, &shows("TWords", "first", ""));
    let mut program = Program::start(&["watch", &folder.path("src"), &folder.path("main.st")]);
    program.until("ticks ");
    // The class begins to use it, and its own method goes.
    folder.write(class, &(clock_using("TWords", &[INITIALIZE, TICK]) + ticks));
    program.complains("applied: Edit of Clock, Clock>>text");
    program.until("first ");
    // A method of the trait.
    folder.write(words, &shows("TWords", "second", ""));
    program.complains("applied: Edit of TWords>>text");
    program.until("second ");
    // A new trait that is used instead, with an alias; the old one goes, in the same edit.
    fs::remove_file(folder.path(words)).unwrap();
    let other = "\n{ #category : 'a' }\nTNumbers >> other [ ^ 'third ' , ticks printString ]\n";
    folder.write("src/Ticker/TNumbers.trait.st", &shows("TNumbers", "no", other));
    folder
        .write(class, &(clock_using("TNumbers - {#text} @ {#text -> #other}", &[INITIALIZE, TICK]) + ticks));
    program.complains("applied: Edit of Clock, TNumbers, TWords");
    let lines = program.until("third ");
    let count = |line: &str| -> u64 { line.rsplit(' ').next().unwrap().parse().unwrap() };
    let last = lines.len() - 1;
    assert_eq!(count(&lines[last - 1]) + 1, count(&lines[last]), "the clock is the same: {lines:?}");
    // What the trait cannot do is said, and the program goes on.
    folder.write(class, &(clock_using("TNumbers - {#text} @ {#text -> #none}", &[INITIALIZE, TICK]) + ticks));
    program.complains("not applied: Clock uses TNumbers with an alias of #none");
    program.so_far();
    program.until("third ");
    // Without it the class has its own method again.
    folder.write(class, &(clock("'ticks'", &[INITIALIZE, TICK, TEXT]) + ticks));
    program.complains("applied: Edit of Clock, Clock>>text");
    program.until("ticks ");
}

#[test]
fn a_package_without_a_program_waits_for_edits() {
    let folder = folder("watch-idle");
    let mut program = Program::start(&["watch", &folder.path("src")]);
    program.complains("watching");
    let class = clock("'ticks'", &[INITIALIZE, TICK, TEXT]);
    // What is saved before the packages have been loaded is not lost either.
    folder.write("src/Ticker/Clock.class.st", &(class + "\n{ #category : 'time' }\nClock >> more [ ^ 1 ]\n"));
    program.complains("applied: Edit of Clock>>more");
}

#[test]
fn what_cannot_be_watched_is_said() {
    let folder = folder("watch-wrong");
    let missing = instar(&["watch", &folder.path("missing")]);
    assert_eq!(status(&missing), 2);
    let file = instar(&["watch", &folder.path("main.st")]);
    assert_eq!(status(&file), 2);
    assert!(stderr(&file).contains("is no folder"), "{}", stderr(&file));
    let nobody = instar(&["watch", &folder.path("src"), "--to", &folder.path("s")]);
    assert_eq!(status(&nobody), 2, "{}", stdout(&nobody));
    assert!(stderr(&nobody).contains("there is no such socket"), "{}", stderr(&nobody));
    folder.write("src/Ticker/Clock.class.st", "Class {");
    let broken = instar(&["watch", &folder.path("src")]);
    assert_eq!(status(&broken), 1);
    assert!(stderr(&broken).contains("Clock.class.st"), "{}", stderr(&broken));
    wait_for(folder.path("main.st"));
}
