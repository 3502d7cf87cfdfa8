//! What `diff` asks, and which of it needs no person while a program is developed and edits are applied as they are saved.
//!
//! Deleting a variable or a class in its file says what is meant, and a variable that is new is nil where nobody says otherwise. Whether
//! something has a new name, or moves somewhere that not all instances go to, only a person knows.

use instar_interp::source::Layout;

use super::model::{Change, Patch, Rule};

/// About a variable that is new.
pub(super) fn about_new(name: &str) -> String {
    format!("{name} is new: which value has it in instances that exist?")
}

/// About a variable that goes.
pub(super) fn about_gone(name: &str) -> String {
    format!("the values of {name} go: is nothing to be made of them?")
}

/// About a class that goes.
pub(super) fn about_removed() -> String {
    "what becomes of its instances? Add a policy if there can be any".to_owned()
}

/// About the elements of instances that will have none.
pub(super) fn about_elements() -> String {
    "the indexable elements of its instances go: is nothing to be made of them?".to_owned()
}

/// About instances whose layout changes, if there is something to be asked.
pub(super) fn about_layout(old: Layout, new: Layout) -> Option<String> {
    if old.holds_numbers() != new.holds_numbers() {
        return Some(
            "its instances change between references and numbers: which policy replaces them?".to_owned(),
        );
    }
    (old.is_indexable() && !new.is_indexable()).then(about_elements)
}

impl Patch {
    /// Decides what goes without saying of edits that are applied as they are saved: variables that are new are nil, and what goes goes, unless
    /// something else comes that it could have become. The result says what was decided.
    pub fn accept_defaults(&mut self) -> Vec<String> {
        let mut decided = Vec::new();
        for policy in &mut self.policies {
            let Rule::Slots(rule) = &policy.rule else { continue };
            let may_have_become = !rule.defaults.is_empty();
            for (name, value) in &rule.defaults {
                if answer(&mut policy.undecided, &about_new(name)) {
                    decided.push(format!("{name} is {value} in instances of {} that exist", policy.class));
                }
            }
            for name in rule.drops.iter().filter(|_| !may_have_become) {
                answer(&mut policy.undecided, &about_gone(name));
            }
        }
        for class in &mut self.classes {
            answer(&mut class.undecided, &about_elements());
        }
        for class in self.classes.iter_mut().filter(|class| class.change == Change::Removed) {
            if answer(&mut class.undecided, &about_removed()) {
                decided.push(format!("instances of {} that exist stay what they are", class.name));
            }
        }
        decided
    }

    /// What is different, in short: `Point`, `Point>>x`.
    pub fn changed(&self) -> Vec<String> {
        let classes = self.classes.iter().map(|class| class.name.clone());
        classes.chain(self.methods.iter().map(super::model::MethodChange::title)).collect()
    }
}

/// Takes a question away; whether it was there.
fn answer(questions: &mut Vec<String>, question: &str) -> bool {
    let before = questions.len();
    questions.retain(|one| one != question);
    questions.len() < before
}

#[cfg(test)]
mod tests {
    use instar_interp::source::{Layout, Package, SourceFile, read_files};

    use crate::patch::diff;

    fn class(name: &str, variables: &str) -> Vec<Package> {
        let text = format!(
            "Class {{ #name : '{name}', #superclass : 'Object', #instVars : [ {variables} ], #category : 'P', #package : 'P' }}"
        );
        let package = SourceFile::new("P/package.st", "Package { #name : 'P' }");
        read_files(&[package, SourceFile::new(format!("P/{name}.class.st"), text)]).unwrap()
    }

    /// What is decided, and what is left, when instance variables change.
    fn accepted(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
        let mut patch = diff("Edit", &class("A", old), &class("A", new));
        assert!(!patch.undecided().is_empty());
        let decided = patch.accept_defaults();
        assert_eq!(patch.expression().is_ok(), patch.undecided().is_empty());
        (decided, patch.undecided())
    }

    #[test]
    fn what_goes_without_saying_is_decided_and_nothing_else() {
        let (decided, left) = accepted("'x'", "'x', 'y', 'z'");
        assert_eq!(
            decided,
            ["y is nil in instances of A that exist", "z is nil in instances of A that exist"]
        );
        assert!(left.is_empty(), "{left:?}");
        let (decided, left) = accepted("'x', 'y'", "'x'");
        assert!(decided.is_empty() && left.is_empty(), "{decided:?} {left:?}");
        // It may have a new name.
        let (_, left) = accepted("'x'", "'y'");
        assert_eq!(left.len(), 1);
        assert!(left[0].contains("is y the new name of x?"), "{left:?}");
        // It may have become one of two.
        let (_, left) = accepted("'x'", "'y', 'z'");
        assert_eq!(left, ["policy for A: the values of x go: is nothing to be made of them?"]);
        let indexed = |layout| {
            let mut packages = class("A", "");
            packages[0].classes[0].layout = layout;
            packages
        };
        let mut patch = diff("Edit", &indexed(Layout::Variable), &class("A", ""));
        assert_eq!(patch.undecided().len(), 1);
        assert!(patch.accept_defaults().is_empty() && patch.undecided().is_empty());
        let mut patch = diff("Edit", &indexed(Layout::Variable), &indexed(Layout::Bytes));
        patch.accept_defaults();
        assert!(patch.undecided()[0].contains("which policy replaces them?"), "{:?}", patch.undecided());
        let patch = diff("Edit", &class("A", ""), &indexed(Layout::Weak));
        assert!(patch.undecided().is_empty());
        let mut patch = diff("Edit", &class("A", "'x'"), &[Package::new("P")]);
        assert_eq!(patch.accept_defaults(), ["instances of A that exist stay what they are"]);
        assert!(patch.expression().is_ok());
        let mut patch = diff("Edit", &class("A", "'x'"), &class("B", "'x'"));
        assert!(patch.accept_defaults().is_empty());
        assert!(patch.undecided()[0].contains("is this A under a new name?"), "{:?}", patch.undecided());
        assert_eq!(patch.changed(), ["B"]);
    }
}
