//! The patch that takes another one back (gDSU 4.1), of the patch and of the packages that it was made for.
//!
//! What a patch says of names it says backwards. Values that it drops are lost: for them a policy is missing, which the inverse marks as undecided.

use instar_interp::source::Package;

use super::apply::Misfits;
use super::diff::diff;
use super::model::{Change, Patch, Policy, Rule, SlotRule};

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
        for policy in &self.policies {
            self.invert_policy(policy, &mut inverse.policies);
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

    fn invert_policy(&self, policy: &Policy, out: &mut Vec<Policy>) {
        let class = &policy.class;
        let mut add = |name: &str, rule: SlotRule| {
            let undecided = Vec::new();
            out.push(Policy { class: name.to_owned(), rule: Rule::Slots(rule), undecided });
        };
        let mut back = |slots: &SlotRule| {
            let renames = slots.renames.iter().map(|(old, new)| (new.clone(), old.clone())).collect();
            let mut rule = SlotRule { renames, ..SlotRule::default() };
            match &slots.becomes {
                Some(target) => {
                    rule.becomes = Some(class.clone());
                    add(target, rule);
                }
                None if !rule.renames.is_empty() => add(self.new_name(class), rule),
                None => {}
            }
        };
        match &policy.rule {
            Rule::Slots(slots) => back(slots),
            Rule::Choice { then, otherwise, .. } => {
                back(then);
                back(otherwise);
            }
            Rule::Split { .. } | Rule::Compute { .. } => {}
            Rule::Amend(_) | Rule::Replace(_) | Rule::Grow(_) | Rule::Custom(_) => {}
        }
    }

    /// What the comparison found, without what the patch itself says backwards.
    fn completed(&self, mut guess: Policy, known: &[Policy]) -> Option<Policy> {
        let own = known.iter().find(|policy| policy.class == guess.class);
        let (Rule::Slots(slots), Some(Policy { rule: Rule::Slots(own), .. })) = (&mut guess.rule, own) else {
            return if own.is_some() { None } else { Some(self.without_news(guess)) };
        };
        let renamed = own.renames.clone();
        slots.renames.retain(|pair| renamed.contains(pair));
        slots.drops.retain(|name| !renamed.iter().any(|(old, _)| old == name));
        slots.defaults.retain(|(name, _)| !renamed.iter().any(|(_, new)| new == name));
        for pair in renamed {
            if !slots.renames.contains(&pair) {
                slots.renames.push(pair);
            }
        }
        slots.becomes.clone_from(&own.becomes);
        Some(self.without_news(guess))
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
}
