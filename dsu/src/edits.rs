//! What was edited: the difference between two states of packages, as Smalltalk that makes a `DSUPatch`.
//!
//! Classes and methods are told apart by name. What only a person can know – whether a variable or class that goes is one that comes, under
//! another name – is *undecided*: the text then proposes the policy and refuses to be applied until the line that says so is deleted.

use std::collections::BTreeMap;
use std::fmt::Write;

use instar_interp::source::{ClassDef, MethodDef, Package, Side, TraitDef};

/// The difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Smalltalk whose value is the patch.
    pub patch: String,
    /// What was changed, in short: `Point`, `Point>>x`.
    pub changed: Vec<String>,
    /// What a person must decide.
    pub undecided: Vec<String>,
    /// What was changed and no patch can do.
    pub impossible: Vec<String>,
}

/// A class or method by name, with what is in it and the package that it is in.
type Classes<'p> = BTreeMap<&'p str, (&'p ClassDef, &'p str)>;
type Methods<'p> = BTreeMap<(String, String), (&'p MethodDef, &'p str)>;

/// What turns `old` into `new`.
pub fn difference(old: &[Package], new: &[Package]) -> Edits {
    let mut edits = Edits::default();
    let mut body = String::new();
    let (before, after) = (classes(old), classes(new));
    let gone: Vec<&str> = before.keys().filter(|name| !after.contains_key(*name)).copied().collect();
    let come: Vec<&str> = after.keys().filter(|name| !before.contains_key(*name)).copied().collect();
    for (name, (class, package)) in &after {
        let known = before.get(name).copied();
        define(class, package, known, &mut body, &mut edits);
    }
    for (left, right) in gone.iter().zip(&come) {
        decide_class(left, right, &mut body, &mut edits);
    }
    for name in &gone {
        let _ = writeln!(body, "patch removeClass: {}.", symbol(name));
        edits.changed.push((*name).to_owned());
    }
    let (before, after) = (methods(old), methods(new));
    for ((class, selector), (method, package)) in &after {
        let known = before.get(&(class.clone(), selector.clone()));
        if known.is_none_or(|(known, other)| known != method || other != package) {
            let protocol = method.category.as_deref().unwrap_or("as yet unclassified");
            let (source, class_name) = (string(&method.source()), symbol(class));
            let (protocol, package) = (string(protocol), symbol(package));
            let _ = writeln!(
                body,
                "patch compile: {source}\n\tin: {class_name} protocol: {protocol} package: {package}."
            );
            edits.changed.push(format!("{class}>>{selector}"));
        }
    }
    let is_gone = |class: &str| gone.contains(&class.strip_suffix(" class").unwrap_or(class));
    for (class, selector) in before.keys().filter(|key| !after.contains_key(*key)) {
        if !is_gone(class) {
            let _ = writeln!(body, "patch removeMethod: {} from: {}.", symbol(selector), symbol(class));
            edits.changed.push(format!("{class}>>{selector}"));
        }
    }
    note_impossible(old, new, &mut edits);
    let name = string(&name_of(&edits.changed));
    edits.patch = format!("| patch |\npatch := DSUPatch named: {name}.\n{body}patch\n");
    edits
}

impl Edits {
    /// Whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }
}

/// At most so many changes stand in a patch's name.
const MOST_NAMED: usize = 3;

fn name_of(changed: &[String]) -> String {
    let named = changed[..changed.len().min(MOST_NAMED)].join(", ");
    match changed.len().saturating_sub(MOST_NAMED) {
        0 => format!("Edit of {named}"),
        more => format!("Edit of {named} and {more} more"),
    }
}

fn classes(packages: &[Package]) -> Classes<'_> {
    let mut all: Classes<'_> = BTreeMap::new();
    for package in packages {
        all.extend(package.classes.iter().map(|class| (class.name.as_str(), (class, package.name.as_str()))));
    }
    all
}

/// Methods whose pattern makes no sense are left out: they are errors of their file.
fn methods(packages: &[Package]) -> Methods<'_> {
    let mut all = BTreeMap::new();
    for package in packages {
        for (class, method) in package.methods() {
            let Ok(selector) = method.selector() else { continue };
            let class = if method.side == Side::Class { format!("{class} class") } else { class.to_owned() };
            all.insert((class, selector.text.into_owned()), (method, package.name.as_str()));
        }
    }
    all
}

/// Says of a class what is new about it.
fn define(
    class: &ClassDef,
    package: &str,
    old: Option<(&ClassDef, &str)>,
    body: &mut String,
    edits: &mut Edits,
) {
    let fresh;
    let (before, old_package) = match old {
        Some((before, package)) => (before, Some(package)),
        None => {
            fresh = ClassDef::new(class.name.clone(), None, class.place.clone());
            (&fresh, None)
        }
    };
    let mut parts = Vec::new();
    if let Some(above) = class.superclass.as_ref().filter(|_| before.superclass != class.superclass) {
        parts.push(format!("superclassName: {}", symbol(above)));
    }
    if old.is_none() || before.layout != class.layout {
        parts.push(format!("kind: #{}", class.layout.name()));
    }
    for (keyword, now, then) in [
        ("instanceVariables", &class.instance_variables, &before.instance_variables),
        ("classVariables", &class.class_variables, &before.class_variables),
        ("classInstanceVariables", &class.class_instance_variables, &before.class_instance_variables),
        ("sharedPools", &class.pools, &before.pools),
    ] {
        if old.is_none() || now != then {
            parts.push(format!("{keyword}: {}", strings(now)));
        }
    }
    if old_package != Some(package) {
        parts.push(format!("packageName: {}", symbol(package)));
    }
    if class.filing.tag != before.filing.tag {
        parts.push(format!("tag: {}", class.filing.tag.as_deref().map_or("''".to_owned(), string)));
    }
    if class.comment != before.comment {
        parts.push(format!("comment: {}", string(class.comment.as_deref().unwrap_or_default())));
    }
    if before.traits != class.traits || before.class_traits != class.class_traits {
        edits.impossible.push(format!("the traits of {}", class.name));
    }
    if parts.is_empty() {
        return;
    }
    let _ = writeln!(body, "(patch class: {})\n\t{}.", symbol(&class.name), parts.join(";\n\t"));
    edits.changed.push(class.name.clone());
    if old.is_some() {
        decide_variables(before, class, body, edits);
    }
}

/// Variables that go while others come may have been renamed.
fn decide_variables(before: &ClassDef, class: &ClassDef, body: &mut String, edits: &mut Edits) {
    let without = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|name| !others.contains(name)).cloned().collect()
    };
    let gone = without(&before.instance_variables, &class.instance_variables);
    let come = without(&class.instance_variables, &before.instance_variables);
    if gone.is_empty() || come.is_empty() {
        return;
    }
    let (left, right, name) = (gone.join(", "), come.join(", "), &class.name);
    let question = format!("in {name} {left} goes and {right} comes");
    let cascade =
        gone.iter().zip(&come).map(|(left, right)| format!("rename: {} to: {}", string(left), string(right)));
    let policy = format!("DSUPolicy byName {}; yourself", cascade.collect::<Vec<_>>().join("; "));
    ask(
        &question,
        &format!("patch policy: ({policy}) for: {}.", symbol(name)),
        "If that is a new name",
        body,
        edits,
    );
}

/// A class that goes while another comes may have been renamed.
fn decide_class(left: &str, right: &str, body: &mut String, edits: &mut Edits) {
    let question = format!("the class {left} goes and {right} comes");
    let line = format!("patch renameClass: {} to: {}.", symbol(left), symbol(right));
    let how = format!("If that is a new name, delete `patch removeClass: {}` below, and", symbol(left));
    ask(&question, &line, &how, body, edits);
}

fn ask(question: &str, line: &str, how: &str, body: &mut String, edits: &mut Edits) {
    edits.undecided.push(question.to_owned());
    let number = edits.undecided.len();
    let refusal = string(&format!("Undecided: {question}"));
    let _ = writeln!(
        body,
        "\n\"DECIDE {number}: {question}. {how} take the quotes away from this line:\"\n\"{line}\"\n\
         \"Then, or if the values shall go, delete this line:\"\nDSUPatchRefused signal: {refusal}.\n"
    );
}

/// Where the method stands that an error of the engine names first: file and line.
pub fn place_of(packages: &[Package], message: &str) -> Option<String> {
    let methods = methods(packages);
    let ((_, _), (method, _)) = methods.iter().find(|((class, _), (method, _))| {
        let source = method.source();
        let first: String = source.lines().next().unwrap_or_default().chars().take(MOST_SHOWN).collect();
        message
            .strip_prefix(class.as_str())
            .and_then(|rest| rest.strip_prefix(">>"))
            .is_some_and(|rest| rest.starts_with(&first))
    })?;
    let start = method.pattern.start as usize;
    let line = method.file.text.get(..start)?.matches('\n').count() + 1;
    Some(format!("{}:{line}", method.file.path))
}

/// So much of a method's first line stands in an error of the engine.
const MOST_SHOWN: usize = 60;

fn note_impossible(old: &[Package], new: &[Package], edits: &mut Edits) {
    for package in new {
        let before = old.iter().find(|known| known.name == package.name);
        if !same_traits(before.map_or(&[], |before| &before.traits), &package.traits) {
            edits.impossible.push(format!("traits of package {}", package.name));
        }
        if before.map_or(!package.doits.is_empty(), |before| before.doits != package.doits) {
            edits.impossible.push(format!("statements outside of methods in package {}", package.name));
        }
    }
}

/// Whether they say the same, wherever they stand.
fn same_traits(some: &[TraitDef], others: &[TraitDef]) -> bool {
    let said = |one: &TraitDef| {
        (
            one.name.clone(),
            one.traits.clone(),
            one.class_traits.clone(),
            one.instance_variables.clone(),
            one.methods.clone(),
        )
    };
    some.iter().map(said).eq(others.iter().map(said))
}

/// A String literal.
fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn symbol(text: &str) -> String {
    format!("#{}", string(text))
}

fn strings(texts: &[String]) -> String {
    format!("#( {})", texts.iter().map(|text| string(text) + " ").collect::<String>())
}

#[cfg(test)]
mod tests {
    use instar_interp::source::{SourceFile, read_files};

    use super::*;

    fn packages(class: &str) -> Vec<Package> {
        let name = class.split('\'').nth(1).unwrap();
        read_files(&[
            SourceFile::new("P/package.st", "Package { #name : 'P' }"),
            SourceFile::new(format!("P/{name}.class.st"), class.to_owned()),
        ])
        .unwrap()
    }

    fn class(variables: &str, methods: &str) -> Vec<Package> {
        packages(&format!(
            "Class {{ #name : 'A', #superclass : 'Object', #instVars : [ {variables} ], #category : 'P', #package : 'P' }}\n\n{methods}"
        ))
    }

    fn method(source: &str) -> String {
        format!("{{ #category : 'p' }}\nA >> {source}\n\n")
    }

    #[test]
    fn what_was_edited_and_nothing_else_is_in_the_patch() {
        let old = class("'x'", &(method("one [ ^ 'it''s' ]") + &method("two [ ^ 2 ]")));
        assert!(difference(&old, &old).is_empty());
        assert!(
            difference(&old, &class("'x'", &(method("one [ ^ 'it''s' ]") + &method("two [ ^ 2 ]"))))
                .is_empty()
        );
        let new = class("'x', 'y'", &(method("one [ ^ 'it''s 1' ]") + &method("three [ ^ 3 ]")));
        let edits = difference(&old, &new);
        assert_eq!(edits.changed, ["A", "A>>one", "A>>three", "A>>two"]);
        assert!(edits.undecided.is_empty() && edits.impossible.is_empty(), "{edits:?}");
        for part in [
            "patch := DSUPatch named: 'Edit of A, A>>one, A>>three and 1 more'.",
            "(patch class: #'A')\n\tinstanceVariables: #( 'x' 'y' ).",
            "in: #'A' protocol: 'p' package: #'P'.",
            "patch removeMethod: #'two' from: #'A'.",
            "''it''''s 1''",
        ] {
            assert!(edits.patch.contains(part), "{part}: {}", edits.patch);
        }
        assert!(!edits.patch.contains("superclassName"), "{}", edits.patch);
    }

    #[test]
    fn what_may_be_a_new_name_is_undecided() {
        let edits = difference(&class("'x'", ""), &class("'y'", ""));
        assert_eq!(edits.undecided, ["in A x goes and y comes"]);
        assert!(edits.patch.contains("DSUPatchRefused signal: 'Undecided: in A x goes and y comes'."));
        assert!(
            edits
                .patch
                .contains("\"patch policy: (DSUPolicy byName rename: 'x' to: 'y'; yourself) for: #'A'.\""),
            "{}",
            edits.patch
        );
        let renamed =
            packages("Class { #name : 'B', #superclass : 'Object', #category : 'P', #package : 'P' }");
        let edits = difference(&class("", ""), &renamed);
        assert_eq!(edits.undecided, ["the class A goes and B comes"]);
        assert!(edits.patch.contains("patch removeClass: #'A'."), "{}", edits.patch);
    }

    #[test]
    fn what_no_patch_can_do_is_named() {
        let with = packages(
            "Class { #name : 'A', #superclass : 'Object', #traits : 'TEmpty', #category : 'P', #package : 'P' }",
        );
        assert_eq!(difference(&class("", ""), &with).impossible, ["the traits of A"]);
    }
}
