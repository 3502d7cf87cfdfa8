//! The patch between two versions of packages (gDSU 4.2).
//!
//! What can be known is filled in. What is a guess is filled in and marked as undecided: classes and variables that seem to be renamed,
//! variables that are new or go, classes that go with what instances they have. Variables that move within a hierarchy keep their values
//! by name, without a policy.
//!
//! [nearest-policy] The engine takes the policy of the nearest superclass alone, so a policy also has the rules of those above it.

use std::collections::{BTreeMap, BTreeSet};

use instar_interp::source::{MethodDef, Package, Side};
use instar_interp::syntax::{TokenKind, tokens};

use super::base::{normalised, version_hash};
use super::definitions::{Definition, changes_between};
use super::model::{Change, ClassChange, MethodChange, MethodEdit, Patch, Policy, Rule, SlotRule};
use super::questions::{about_gone, about_layout, about_new, about_removed};

/// A class side's or instance side's method.
type Key = (String, bool, String);

struct Version<'p> {
    definitions: BTreeMap<String, Definition<'p>>,
    methods: BTreeMap<Key, (&'p MethodDef, &'p str)>,
}

impl<'p> Version<'p> {
    fn of(packages: &'p [Package]) -> Version<'p> {
        let mut version = Version { definitions: BTreeMap::new(), methods: BTreeMap::new() };
        for package in packages {
            for definition in Definition::all(package) {
                version.definitions.insert(definition.name().to_owned(), definition);
            }
            for (owner, method) in package.methods() {
                let selector = method
                    .selector()
                    .map_or_else(|_| method.pattern().to_owned(), |selector| selector.text.into_owned());
                let key = (owner.to_owned(), method.side == Side::Class, selector);
                version.methods.insert(key, (method, &package.name));
            }
        }
        version
    }

    fn methods_of<'v>(
        &'v self,
        owner: &'v str,
    ) -> impl Iterator<Item = (&'v Key, &'v (&'p MethodDef, &'p str))> {
        let from = (owner.to_owned(), false, String::new());
        self.methods.range(from..).take_while(move |(key, _)| key.0 == owner)
    }

    /// The class and its superclasses, as far as they are among the packages.
    fn line_of(&self, name: &str) -> Vec<&Definition<'p>> {
        let mut line: Vec<&Definition<'p>> = Vec::new();
        let mut next = self.definitions.get(name);
        while let Some(definition) = next {
            if line.len() > self.definitions.len() {
                break;
            }
            line.push(definition);
            next = definition.superclass().and_then(|above| self.definitions.get(above));
        }
        line
    }

    fn has_above(&self, name: &str, variable: &str) -> bool {
        let above = self.line_of(name).into_iter().skip(1);
        above.flat_map(|one| one.instance_variables()).any(|known| known == variable)
    }

    /// Names of classes below this one that declare the variable.
    fn below_with(&self, name: &str, variable: &str) -> Vec<&str> {
        let declares = |one: &&Definition<'p>| one.instance_variables().iter().any(|known| known == variable);
        let is_below = |one: &&Definition<'p>| {
            one.name() != name && self.line_of(one.name()).iter().any(|above| above.name() == name)
        };
        self.definitions.values().filter(declares).filter(is_below).map(|one| one.name()).collect()
    }
}

/// The patch that makes the new version of the old one.
pub fn diff(name: &str, old: &[Package], new: &[Package]) -> Patch {
    let (before, after) = (Version::of(old), Version::of(new));
    let mut patch = Patch::new(name);
    patch.base = Some(version_hash(old));
    patch.packages = old.iter().map(|package| package.name.clone()).collect();
    let renamed = renamed_classes(&before, &after);
    let old_name = |name: &str| renamed.get(name).map_or(name.to_owned(), |old| (*old).to_owned());
    for (name, definition) in &after.definitions {
        let earlier = before.definitions.get(&old_name(name));
        let mut change = changes_between(earlier, definition);
        if let (Some(change), Some(old)) = (&mut change, renamed.get(name.as_str())) {
            change.undecided.push(format!(
                "is this {old} under a new name? Else write AddedClass, and RemovedClass for {old}"
            ));
            change.old_name = Some((*old).to_owned());
        }
        if let (Some(change), Some(earlier)) = (&mut change, earlier) {
            change.undecided.extend(about_layout(earlier.layout(), definition.layout()));
        }
        patch.classes.extend(change);
        if let Some(earlier) = earlier.filter(|_| !definition.is_trait()) {
            patch.policies.extend(policy_between(&before, &after, earlier, definition));
        }
    }
    for (name, definition) in &before.definitions {
        if !after.definitions.contains_key(name) && !renamed.values().any(|old| *old == name) {
            let mut change = ClassChange::new(Change::Removed, definition.is_trait(), name);
            if !definition.is_trait() {
                change.undecided.push(about_removed());
            }
            patch.classes.push(change);
        }
    }
    add_methods(&before, &after, &renamed, &mut patch);
    inherit_policies(&before, &mut patch);
    patch.sort();
    patch
}

fn add_methods(before: &Version<'_>, after: &Version<'_>, renamed: &BTreeMap<&str, &str>, patch: &mut Patch) {
    for (key, (method, package)) in &after.methods {
        let owner = renamed.get(key.0.as_str()).map_or(key.0.clone(), |old| (*old).to_owned());
        let earlier = before.methods.get(&(owner.clone(), key.1, key.2.clone()));
        // A method of its class's own package goes with the class into another one.
        let (old_home, home) = (home_of(before, &owner), home_of(after, &key.0));
        let is_same = |(known, place): &(&MethodDef, &str)| {
            let is_own = Some(*package) == home;
            known.category == method.category
                && is_own == (Some(*place) == old_home)
                && (is_own || place == package)
                && normalised(&known.source()) == normalised(&method.source())
        };
        if earlier.is_some_and(is_same) {
            continue;
        }
        let package = Some((*package).to_owned()).filter(|_| home != Some(*package));
        let edit = MethodEdit::Set((*method).clone());
        patch.methods.push(MethodChange { owner: key.0.clone(), edit, package, undecided: Vec::new() });
    }
    for key in before.methods.keys() {
        let owner = renamed.iter().find(|(_, old)| **old == key.0).map_or(key.0.as_str(), |(new, _)| *new);
        let is_gone = before.definitions.contains_key(&key.0) && !after.definitions.contains_key(owner);
        if is_gone || after.methods.contains_key(&(owner.to_owned(), key.1, key.2.clone())) {
            continue;
        }
        let side = if key.1 { Side::Class } else { Side::Instance };
        let edit = MethodEdit::Remove { side, selector: key.2.clone() };
        patch.methods.push(MethodChange {
            owner: owner.to_owned(),
            edit,
            package: None,
            undecided: Vec::new(),
        });
    }
}

/// The package that a class or trait stands in, if it is among the packages.
fn home_of<'v>(version: &Version<'v>, name: &str) -> Option<&'v str> {
    version.definitions.get(name).map(|one| one.package())
}

/// New and old names of classes that are alike: most of their methods and variables are the same.
fn renamed_classes<'v>(before: &'v Version<'_>, after: &'v Version<'_>) -> BTreeMap<&'v str, &'v str> {
    let gone = before.definitions.values().filter(|one| !after.definitions.contains_key(one.name()));
    let gone: Vec<&Definition<'_>> = gone.filter(|one| !one.is_trait()).collect();
    let mut found = Vec::new();
    for new in after.definitions.values().filter(|one| !one.is_trait()) {
        if before.definitions.contains_key(new.name()) {
            continue;
        }
        for old in &gone {
            let traits_of = |version: &Version<'_>, one: &Definition<'_>| -> BTreeSet<String> {
                let methods = version.methods_of(one.name()).map(|(key, _)| format!("{}>>{}", key.1, key.2));
                methods.chain(one.instance_variables().iter().cloned()).collect()
            };
            let (one, other) = (traits_of(before, old), traits_of(after, new));
            let (common, all) = (one.intersection(&other).count(), one.union(&other).count());
            if common * 2 > all && all > 0 {
                found.push((common * 1000 / all, new.name(), old.name()));
            }
        }
    }
    found.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(other.1)));
    let mut renamed: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, new, old) in found {
        if !renamed.contains_key(new) && !renamed.values().any(|known| *known == old) {
            renamed.insert(new, old);
        }
    }
    renamed
}

/// How instances follow, if variables come or go in more than their places.
fn policy_between(
    before: &Version<'_>,
    after: &Version<'_>,
    old: &Definition<'_>,
    new: &Definition<'_>,
) -> Option<Policy> {
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        from.iter().filter(|name| !of.contains(name)).cloned().collect()
    };
    let gone = missing(old.instance_variables(), new.instance_variables());
    let came = missing(new.instance_variables(), old.instance_variables());
    let gone: Vec<String> = gone.into_iter().filter(|name| !after.has_above(new.name(), name)).collect();
    let is_moved_here =
        |name: &String| before.has_above(old.name(), name) || !before.below_with(old.name(), name).is_empty();
    let mut came: Vec<String> = came.into_iter().filter(|name| !is_moved_here(name)).collect();
    let mut rule = SlotRule::default();
    let mut undecided = Vec::new();
    for name in gone {
        let below = after.below_with(new.name(), &name);
        if let Some(choice) = choice_between(before, after, new, &name, &below) {
            return Some(Policy { class: old.name().to_owned(), rule: choice.0, undecided: vec![choice.1] });
        }
        if !below.is_empty() {
            undecided
                .push(format!("{name} moves down to {}: do all other instances lose it?", below.join(", ")));
            rule.drops.push(name);
        } else if let Some(index) = likely_name(before, after, old, new, &name, &came) {
            let other = came.remove(index);
            undecided.push(format!(
                "is {other} the new name of {name}? Else #defaults for {other} and #drops for {name}"
            ));
            rule.renames.push((name, other));
        } else {
            undecided.push(about_gone(&name));
            rule.drops.push(name);
        }
    }
    for name in came {
        undecided.push(about_new(&name));
        rule.defaults.push((name, "nil".to_owned()));
    }
    let is_needed = rule != SlotRule::default();
    is_needed.then(|| Policy { class: old.name().to_owned(), rule: Rule::Slots(rule), undecided })
}

/// A variable that moves to one of two new subclasses: instances are divided by whether it is nil.
fn choice_between(
    before: &Version<'_>,
    after: &Version<'_>,
    new: &Definition<'_>,
    variable: &str,
    below: &[&str],
) -> Option<(Rule, String)> {
    let [with] = below else { return None };
    let is_new = |name: &str| !before.definitions.contains_key(name);
    let subclasses = after.definitions.values().filter(|one| one.superclass() == Some(new.name()));
    let others: Vec<&str> =
        subclasses.map(|one| one.name()).filter(|name| name != with && is_new(name)).collect();
    if !is_new(with) || others.len() > 1 {
        return None;
    }
    let other = others.first().copied().unwrap_or(new.name());
    let to = |name: &str| SlotRule { becomes: Some(name.to_owned()), ..SlotRule::default() };
    let rule = Rule::Choice { variable: variable.to_owned(), then: to(other), otherwise: to(with) };
    let question =
        format!("do instances become {other} where {variable} is nil, and {with} where it is not?");
    Some((rule, question))
}

/// Which of the new variables is used like the old one; the only one if there is but one.
fn likely_name(
    before: &Version<'_>,
    after: &Version<'_>,
    old: &Definition<'_>,
    new: &Definition<'_>,
    name: &str,
    came: &[String],
) -> Option<usize> {
    let score = |other: &str| {
        let methods = after.methods_of(new.name());
        methods
            .filter(|(key, (method, _))| {
                let earlier = before.methods.get(&(old.name().to_owned(), key.1, key.2.clone()));
                earlier.is_some_and(|(known, _)| {
                    let (one, two) = (words(&known.source()), words(&method.source()));
                    one.iter().any(|word| word == name)
                        && one.len() == two.len()
                        && one.iter().zip(&two).all(|(a, b)| a == b || (a == name && b == other))
                })
            })
            .count()
    };
    let scores: Vec<usize> = came.iter().map(|other| score(other)).collect();
    let best = (0..came.len()).max_by_key(|index| scores[*index])?;
    (scores[best] > 0 || came.len() == 1).then_some(best)
}

/// The tokens of a source.
fn words(source: &str) -> Vec<String> {
    let tokens = tokens(source).filter(|token| token.kind != TokenKind::End);
    tokens.map(|token| token.span.of(source).to_owned()).collect()
}

/// [nearest-policy]
fn inherit_policies(before: &Version<'_>, patch: &mut Patch) {
    let all = patch.policies.clone();
    for policy in &mut patch.policies {
        for above in before.line_of(&policy.class).into_iter().skip(1) {
            let Some(theirs) = all.iter().find(|one| one.class == above.name()) else { continue };
            if let (Rule::Slots(own), Rule::Slots(theirs)) = (&mut policy.rule, &theirs.rule) {
                own.renames.extend(theirs.renames.iter().cloned());
                own.defaults.extend(theirs.defaults.iter().cloned());
                own.drops.extend(theirs.drops.iter().cloned());
            } else {
                policy.undecided.push(format!("{} has a policy too: what of it holds here?", above.name()));
            }
        }
    }
}
