//! Refactorings: what each makes, what each refuses, that programs that run follow, and that there and back is nothing.

mod files;
mod live;
mod methods;
mod properties;
mod structure;
mod variables;

use std::sync::OnceLock;

use instar_dsu::patch::{self, Policy, Rule, SlotRule};
use instar_dsu::refactor::{MethodName, Outcome, Refactoring, VariableKind, kernel, refactor};
use instar_interp::source::{self, ClassDef, Package, Side, SourceFile, tonel};

fn library() -> &'static [Package] {
    static KERNEL: OnceLock<Vec<Package>> = OnceLock::new();
    KERNEL.get_or_init(|| kernel().unwrap_or_else(|errors| panic!("{errors}")))
}

fn packages(files: &[(&str, &str)]) -> Vec<Package> {
    let file = |(path, text): &(&str, &str)| SourceFile::new(*path, (*text).to_owned());
    let files: Vec<_> = files.iter().map(file).collect();
    source::read_files(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A package with these classes: name and superclass as in `A < Object`, entries of the definition, methods.
fn program(classes: &[(&str, &str, &str)]) -> Vec<Package> {
    let mut files = vec![("P/package.st".to_owned(), "Package { #name : 'P' }\n".to_owned())];
    for (heading, entries, methods) in classes {
        let (name, superclass) = heading.split_once(" < ").unwrap();
        let comma = if entries.is_empty() { "" } else { ", " };
        let text = format!(
            "Class {{ #name : #{name}, #superclass : #{superclass}{comma}{entries}, #package : 'P' }}\n\n{methods}\n"
        );
        files.push((format!("P/{name}.class.st"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    packages(&files)
}

/// What a refactoring makes: a patch that can be written, read, and applied.
fn made(what: &Refactoring, before: &[Package]) -> Outcome {
    let outcome = refactor(what, before, library()).unwrap_or_else(|refused| panic!("{what:?}: {refused}"));
    let text = outcome.patch.write().unwrap_or_else(|errors| panic!("{errors}"));
    let read = patch::read("made.patch", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(read, outcome.patch, "{text}");
    assert_eq!(read.to_string(), text);
    assert_eq!(read.undecided(), [""; 0]);
    read.check_base(before).unwrap_or_else(|other| panic!("{other}"));
    let applied = read.apply_to(before).unwrap_or_else(|misfits| panic!("{misfits}"));
    assert_eq!(patch::version_hash(&applied), patch::version_hash(&outcome.after));
    outcome
}

/// Why a refactoring is refused.
fn refused(what: &Refactoring, before: &[Package]) -> String {
    match refactor(what, before, library()) {
        Ok(outcome) => panic!("{what:?} is not refused: {}", outcome.patch),
        Err(refused) => refused.to_string(),
    }
}

/// That the refusal has all these parts.
fn assert_refused(what: &Refactoring, before: &[Package], parts: &[&str]) {
    let text = refused(what, before);
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

fn class<'p>(packages: &'p [Package], name: &str) -> &'p ClassDef {
    let mut classes = packages.iter().flat_map(|package| &package.classes);
    classes.find(|class| class.name == name).unwrap_or_else(|| panic!("no class {name}"))
}

/// The source of a method, as in `A>>x` or `A class>>x`.
fn source_of(packages: &[Package], method: &str) -> Option<String> {
    let name: MethodName = method.parse().unwrap();
    let all = packages.iter().flat_map(Package::methods);
    let mut found = all.filter(|(owner, def)| {
        *owner == name.class && def.side == name.side && def.selector().unwrap().text == name.selector
    });
    found.next().map(|(_, def)| def.source().into_owned())
}

#[track_caller]
fn assert_source(outcome: &Outcome, method: &str, source: &str) {
    assert_eq!(source_of(&outcome.after, method).as_deref(), Some(source), "{method}");
}

/// The texts of all files, in the writer's layout.
fn texts(packages: &[Package]) -> Vec<(String, String)> {
    let all =
        packages.iter().map(|package| tonel::write(package).unwrap_or_else(|errors| panic!("{errors}")));
    let mut all: Vec<(String, String)> = all.flatten().collect();
    all.sort();
    all
}

fn method(text: &str) -> MethodName {
    text.parse().unwrap()
}

fn rename_variable(class: &str, old: &str, new: &str) -> Refactoring {
    renamed(class, VariableKind::Instance, old, new)
}

fn renamed(class: &str, kind: VariableKind, old: &str, new: &str) -> Refactoring {
    let [class, old, new] = [class, old, new].map(str::to_owned);
    Refactoring::RenameVariable { class, kind, old, new }
}

fn rename_class(old: &str, new: &str) -> Refactoring {
    Refactoring::RenameClass { old: old.to_owned(), new: new.to_owned() }
}

fn rename_method(name: &str, new: &str, only_hierarchy: bool) -> Refactoring {
    Refactoring::RenameMethod { method: method(name), new: new.to_owned(), only_hierarchy }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The rule of the only policy, which is one of variables.
fn slots(outcome: &Outcome) -> (&str, &SlotRule) {
    match outcome.patch.policies.as_slice() {
        [Policy { class, rule: Rule::Slots(slots), .. }] => (class, slots),
        other => panic!("{other:?}"),
    }
}

#[test]
fn methods_are_named_by_class_side_and_selector() {
    let name = method("Point class>>x:y:");
    assert_eq!((name.class.as_str(), name.side, name.selector.as_str()), ("Point", Side::Class, "x:y:"));
    for wrong in ["Point", ">>x", "Point>>", "Point x"] {
        assert!(wrong.parse::<MethodName>().unwrap_err().contains("Point>>x"), "{wrong}");
    }
}

#[test]
fn packages_that_cannot_be_read_are_refused_with_the_place() {
    let before = program(&[("A < Object", "#instVars : [ 'x' ]", "A >> x [ ^ ( x ]")]);
    assert_refused(
        &rename_variable("A", "x", "y"),
        &before,
        &["P/A.class.st:3:", "A>>x cannot be read", "mend it first"],
    );
}

#[test]
fn classes_that_are_none_of_the_packages_are_refused() {
    let before = program(&[("A < Object", "#instVars : [ 'x' ]", "")]);
    assert_refused(&rename_variable("B", "x", "y"), &before, &["there is no class B", "the packages have A"]);
    assert_refused(&rename_variable("OrderedCollection", "array", "y"), &before, &["belongs to the library"]);
    let traits = packages(&[
        ("P/package.st", "Package { #name : 'P' }"),
        ("P/TA.trait.st", "Trait { #name : #TA, #package : 'P' }"),
    ]);
    assert_refused(&rename_class("TA", "TB"), &traits, &["TA is a trait"]);
}
