//! The patch that takes another one back (gDSU 4.1), of the patch and of the packages that it was made for.
//!
//! What a patch says of names it says backwards. Where something is lost on the way there, the inverse says which policy is missing and why,
//! and is undecided: values that are dropped or overwritten, what only code knows, which instances were of a class before others joined them,
//! variables of classes, and what is done beside the update.

use instar_interp::source::{ClassDef, Package};

use super::apply::Misfits;
use super::diff::diff;
use super::model::{Change, Patch, Policy, Rule, SlotRule};
use super::questions::about_elements;

impl Patch {
    /// The inverse. Where information is lost it is undecided, and says which policy is missing.
    ///
    /// # Errors
    /// If the patch does not fit the packages.
    pub fn invert(&self, base: &[Package]) -> Result<Patch, Misfits> {
        let after = self.apply_to(base)?;
        let mut inverse = diff(&format!("Undo of {}", self.name), &after, base);
        self.know_renames(&mut inverse);
        let guesses = std::mem::take(&mut inverse.policies);
        self.know_renamed_variables(&mut inverse);
        let versions = Versions { base, after: &after };
        for policy in self.policies.iter().flat_map(|policy| self.backwards(policy, &versions)) {
            add(policy, &mut inverse.policies);
        }
        for guess in guesses {
            if let Some(policy) = self.completed(guess, &inverse.policies) {
                inverse.policies.retain(|one| one.class != policy.class);
                inverse.policies.push(policy);
            }
        }
        for class in inverse.classes.iter_mut().filter(|class| class.change == Change::Removed) {
            // Instances that came by the patch itself have a way back; others do not.
            if inverse.policies.iter().any(|policy| policy.class == class.name) {
                class.undecided.clear();
            }
        }
        self.mark_code(&mut inverse);
        mark_class_state(&mut inverse, &after);
        mark_elements(&mut inverse, &after);
        for (word, actions) in [("Before", &self.before), ("After", &self.after)] {
            if !actions.is_empty() {
                inverse.undecided.push(format!("what does the patch do in {word}, and what takes it back?"));
            }
        }
        inverse.sort();
        Ok(inverse)
    }

    /// What was renamed on purpose is no guess on the way back.
    fn know_renames(&self, inverse: &mut Patch) {
        let renames = self.classes.iter().filter_map(|class| Some((class.old_name.as_ref()?, &class.name)));
        for (old, new) in renames {
            let Some(back) = inverse.classes.iter_mut().find(|class| class.name == *old) else { continue };
            if back.old_name.as_ref() == Some(new) {
                back.undecided.clear();
                continue;
            }
            // The two are too unlike to be recognised.
            back.undecided =
                vec![format!("{new} had the name {old}: write ChangedClass with #oldName : #{new}")];
        }
    }

    /// Shared variables and those of the class as an object get their names back, and keep their values.
    fn know_renamed_variables(&self, inverse: &mut Patch) {
        for class in self.classes.iter().filter(|class| !class.renamed_variables.is_empty()) {
            let name = class.old_name.as_ref().unwrap_or(&class.name);
            let Some(back) = inverse.classes.iter_mut().find(|one| one.name == *name) else { continue };
            back.renamed_variables =
                class.renamed_variables.iter().map(|(old, new)| (new.clone(), old.clone())).collect();
        }
    }

    /// The name that a class has behind the update.
    fn new_name<'n>(&'n self, old: &'n str) -> &'n str {
        let renamed = self.classes.iter().find(|class| class.old_name.as_deref() == Some(old));
        renamed.map_or(old, |class| &class.name)
    }

    /// Is it a class that comes with the patch?
    fn adds(&self, name: &str) -> bool {
        self.classes.iter().any(|class| class.change == Change::Added && class.name == name)
    }

    fn removes(&self, name: &str) -> bool {
        self.classes.iter().any(|class| class.change == Change::Removed && class.name == name)
    }

    /// The policies that a policy is backwards, as far as it is known.
    fn backwards(&self, policy: &Policy, versions: &Versions<'_>) -> Vec<Policy> {
        let class = policy.class.as_str();
        match &policy.rule {
            Rule::Slots(slots) => self.slots_backwards(class, slots, versions, None).into_iter().collect(),
            Rule::Choice { variable, then, otherwise } => {
                let both = [(then, Some(variable.as_str())), (otherwise, None)].into_iter();
                both.filter_map(|(slots, known)| self.slots_backwards(class, slots, versions, known))
                    .collect()
            }
            Rule::Split { moves, holder, .. } => {
                let names: Vec<String> = moves.iter().map(|name| format!("'{name}'")).collect();
                let code = format!(
                    " :old :new |\n\t(old instVarNamed: '{holder}') ifNotNil: [ :part |\n\t\t#( {} ) do: [ :each | new instVarNamed: each put: (part instVarNamed: each) ] ]\n",
                    names.join(" ")
                );
                vec![Policy {
                    class: self.new_name(class).to_owned(),
                    rule: Rule::Amend(code),
                    undecided: Vec::new(),
                }]
            }
            Rule::Compute { variable, .. } if variables(versions.base, class).contains(variable) => {
                let why = format!(
                    "a policy is missing: {variable} was computed anew, and the values that it had are lost"
                );
                vec![Policy {
                    class: self.new_name(class).to_owned(),
                    rule: Rule::Slots(nil_for(variable)),
                    undecided: vec![why],
                }]
            }
            Rule::Compute { .. } => Vec::new(),
            Rule::Amend(_) | Rule::Replace(_) | Rule::Grow(_) | Rule::Custom(_) => Vec::new(),
        }
    }

    /// Of one variable the value may be known: then it is nil.
    fn slots_backwards(
        &self,
        class: &str,
        slots: &SlotRule,
        versions: &Versions<'_>,
        is_nil: Option<&str>,
    ) -> Option<Policy> {
        let had = variables(versions.base, class);
        let renames = slots.renames.iter().map(|(old, new)| (new.clone(), old.clone())).collect();
        let mut rule = SlotRule { renames, ..SlotRule::default() };
        let mut undecided = Vec::new();
        for (name, _) in slots.defaults.iter().filter(|(name, _)| had.contains(name)) {
            rule.defaults.push((name.clone(), "nil".to_owned()));
            undecided.push(format!(
                "a policy is missing: {name} got a default, and the values that it had are lost"
            ));
        }
        let after = self.new_name(class);
        let target = slots.becomes.as_deref().filter(|target| *target != after);
        if let Some(target) = target {
            rule.becomes = Some(class.to_owned());
            let has = variables(versions.after, target);
            let is_kept = |name: &String| {
                has.contains(name) || slots.renames.iter().any(|(old, _)| old == name) || is_nil == Some(name)
            };
            for name in had.iter().filter(|name| !is_kept(name)) {
                rule.defaults.push((name.clone(), "nil".to_owned()));
                undecided.push(format!(
                    "a policy is missing: the values that {name} had are lost, so give it a default"
                ));
            }
            if !self.adds(target) {
                undecided.push(format!(
                    "a policy is missing: {target} has instances of its own, and it is lost which of them were instances of {class}"
                ));
            }
        }
        let is_needed = rule != SlotRule::default();
        let class = target.unwrap_or(after).to_owned();
        is_needed.then_some(Policy { class, rule: Rule::Slots(rule), undecided })
    }

    /// What the comparison found, without what the patch itself says backwards.
    fn completed(&self, mut guess: Policy, known: &[Policy]) -> Option<Policy> {
        let Some(own) = known.iter().find(|policy| policy.class == guess.class) else {
            return Some(self.without_news(guess));
        };
        let (Rule::Slots(slots), Rule::Slots(own_slots)) = (&mut guess.rule, &own.rule) else { return None };
        let renamed = own_slots.renames.clone();
        slots.renames.retain(|pair| renamed.contains(pair));
        slots.drops.retain(|name| !renamed.iter().any(|(old, _)| old == name));
        slots.defaults.retain(|(name, _)| !renamed.iter().any(|(_, new)| new == name));
        for pair in renamed {
            if !slots.renames.contains(&pair) {
                slots.renames.push(pair);
            }
        }
        slots.becomes.clone_from(&own_slots.becomes);
        let mut guess = self.without_news(guess);
        if let Rule::Slots(slots) = &mut guess.rule {
            let is_new = |pair: &&(String, String)| !slots.defaults.iter().any(|(name, _)| *name == pair.0);
            let more: Vec<_> = own_slots.defaults.iter().filter(is_new).cloned().collect();
            slots.defaults.extend(more);
        }
        guess.undecided.splice(0..0, own.undecided.iter().cloned());
        Some(guess)
    }

    /// Variables that the patch brought go again without a question; those that it dropped need a policy.
    fn without_news(&self, mut guess: Policy) -> Policy {
        guess.undecided.clear();
        if let Rule::Slots(slots) = &guess.rule {
            let lost = slots.defaults.iter().map(|(name, _)| {
                format!("a policy is missing: the values that {name} had are lost, so give it a default")
            });
            guess.undecided.extend(lost);
        }
        guess
    }

    /// What code did only a person can take back.
    fn mark_code(&self, inverse: &mut Patch) {
        for policy in &self.policies {
            let what = match &policy.rule {
                Rule::Amend(_) => "were finished by code",
                Rule::Replace(_) => "were replaced by what code answers",
                Rule::Grow(_) => "got another number of elements, and what they held beyond it is lost",
                Rule::Custom(_) => "followed a policy that code made",
                Rule::Slots(_) | Rule::Choice { .. } | Rule::Split { .. } | Rule::Compute { .. } => continue,
            };
            let class = &policy.class;
            let why = format!("a policy is missing: instances of {class} {what}; what takes that back?");
            if self.removes(class) {
                let back = inverse.classes.iter_mut().find(|one| one.name == *class);
                back.map_or(&mut inverse.undecided, |back| &mut back.undecided).push(why);
                continue;
            }
            let class = self.new_name(class);
            if let Some(back) = inverse.policies.iter_mut().find(|one| one.class == class) {
                back.undecided.push(why);
                continue;
            }
            let rule = Rule::Slots(SlotRule::default());
            inverse.policies.push(Policy { class: class.to_owned(), rule, undecided: vec![why] });
        }
    }
}

/// One policy a class: two ways back of one class are one too many.
fn add(policy: Policy, policies: &mut Vec<Policy>) {
    let Some(known) = policies.iter_mut().find(|one| one.class == policy.class) else {
        return policies.push(policy);
    };
    if known.rule == policy.rule {
        return known.undecided.extend(policy.undecided);
    }
    let of = |rule: &Rule| match rule {
        Rule::Slots(SlotRule { becomes: Some(class), .. }) => class.clone(),
        _ => "another rule".to_owned(),
    };
    known.undecided.push(format!(
        "a policy is missing: it is lost which instances of {} go back to {} and which to {}",
        policy.class,
        of(&known.rule),
        of(&policy.rule)
    ));
    known.undecided.extend(policy.undecided);
}

/// Variables of a class that come back are nil: what they held went with them.
fn mark_class_state(inverse: &mut Patch, after: &[Package]) {
    for class in &mut inverse.classes {
        let before = class.old_name.as_ref().unwrap_or(&class.name);
        let known = after.iter().flat_map(|package| &package.classes).find(|one| one.name == *before);
        let none: &[String] = &[];
        let (shared, own) =
            known.map_or((none, none), |one| (&one.class_variables, &one.class_instance_variables));
        let renamed = &class.renamed_variables;
        let is_kept = |name: &String| renamed.iter().any(|(_, new)| new == name);
        let names = |come: &Option<Vec<String>>, known: &[String]| -> Vec<String> {
            let come = come.iter().flatten().filter(|name| !known.contains(name) && !is_kept(name));
            come.cloned().collect()
        };
        let mut lost = names(&class.class_variables, shared);
        lost.extend(names(&class.class_instance_variables, own));
        if !lost.is_empty() {
            let lost = lost.join(", ");
            let name = &class.name;
            class.undecided.push(format!(
                "a policy is missing: what {lost} of the class {name} held is lost, so give it a value in After"
            ));
        }
    }
}

/// Elements that instances got by the patch go again without a question; those that they lost come back as nil or 0.
fn mark_elements(inverse: &mut Patch, after: &[Package]) {
    for class in &mut inverse.classes {
        class.undecided.retain(|question| *question != about_elements());
        let before = class.old_name.as_ref().unwrap_or(&class.name);
        let known = after.iter().flat_map(|package| &package.classes).find(|one| one.name == *before);
        let has_lost = |one: &ClassDef| {
            class.layout.is_some_and(|layout| layout.is_indexable()) && !one.layout.is_indexable()
        };
        if known.is_some_and(has_lost) {
            let name = &class.name;
            class.undecided.push(format!(
                "a policy is missing: the indexable elements that instances of {name} had are lost"
            ));
        }
    }
}

/// The packages before and behind the update.
struct Versions<'p> {
    base: &'p [Package],
    after: &'p [Package],
}

/// The variables of instances, as far as superclasses are among the packages.
fn variables(packages: &[Package], class: &str) -> Vec<String> {
    let classes: Vec<_> = packages.iter().flat_map(|package| &package.classes).collect();
    let mut all = Vec::new();
    let mut next = Some(class);
    // A chain that is longer than there are classes is a ring.
    for _ in 0..=classes.len() {
        let Some(found) = next.and_then(|name| classes.iter().find(|one| one.name == name)) else { break };
        all.extend(found.instance_variables.iter().cloned());
        next = found.superclass.as_deref();
    }
    all
}

fn nil_for(variable: &str) -> SlotRule {
    SlotRule { defaults: vec![(variable.to_owned(), "nil".to_owned())], ..SlotRule::default() }
}
