//! The Smalltalk expression that builds the engine's `DSUPatch`: it only describes, applying is for whoever evaluates it.

use std::fmt;

use instar_interp::source::Side;

use super::model::{Change, ClassChange, MethodChange, MethodEdit, Patch, Policy, Rule, SlotRule};

/// What a person must still decide before a patch can be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided(pub Vec<String>);

impl fmt::Display for Undecided {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "the patch cannot be applied before this is decided:")?;
        self.0.iter().try_for_each(|text| writeln!(formatter, "  {text}"))?;
        formatter.write_str("decide, and take the key #undecided away")
    }
}

impl std::error::Error for Undecided {}

impl Patch {
    /// The expression, whose value is a `DSUPatch`.
    ///
    /// # Errors
    /// If something is undecided.
    pub fn expression(&self) -> Result<String, Undecided> {
        let undecided = self.undecided();
        if !undecided.is_empty() {
            return Err(Undecided(undecided));
        }
        let mut out = format!("| patch |\npatch := DSUPatch named: {}.\n", string(&self.name));
        for (key, value) in [("base", &self.base), ("author", &self.author), ("time", &self.time)] {
            if let Some(value) = value {
                out.push_str(&format!("patch {key}: {}.\n", string(value)));
            }
        }
        self.classes.iter().for_each(|class| add_class(class, &mut out));
        self.methods.iter().for_each(|method| add_method(method, &mut out));
        for policy in &self.policies {
            let policy_source = source_of(policy);
            out.push_str(&format!("patch policy: ({policy_source}) for: {}.\n", symbol(&policy.class)));
        }
        for one in &self.validations {
            out.push_str(&format!("patch validate: [{}\n] named: {}.\n", one.code, string(&one.name)));
        }
        for (key, actions) in [("before", &self.before), ("after", &self.after)] {
            actions.iter().for_each(|one| out.push_str(&format!("patch {key}: [{}\n].\n", one.code)));
        }
        out.push_str("patch");
        Ok(out)
    }
}

fn add_class(class: &ClassChange, out: &mut String) {
    let kind = if class.is_trait { "Trait" } else { "Class" };
    if class.change == Change::Removed {
        return out.push_str(&format!("patch remove{kind}: {}.\n", symbol(&class.name)));
    }
    let definition = if class.is_trait { "trait" } else { "class" };
    let mut line = format!("(patch {definition}: {})", symbol(&class.name));
    let texts = [
        ("oldName", class.old_name.as_ref().map(|name| symbol(name))),
        ("superclassName", class.superclass.as_ref().map(|name| symbol(name))),
        ("kind", class.layout.map(|layout| symbol(layout.name()))),
        ("instanceVariables", class.instance_variables.as_ref().map(|names| array(names))),
        ("classVariables", class.class_variables.as_ref().map(|names| array(names))),
        ("sharedPools", class.pools.as_ref().map(|names| array(names))),
        ("classInstanceVariables", class.class_instance_variables.as_ref().map(|names| array(names))),
        ("traits", class.traits.as_ref().map(|traits| string(&traits.text))),
        ("classTraits", class.class_traits.as_ref().map(|traits| string(&traits.text))),
        ("packageName", class.package.as_ref().or(class.category.as_ref()).map(|name| string(name))),
        ("tag", class.tag.as_ref().map(|tag| string(tag))),
        ("comment", class.comment.as_ref().map(|text| string(text))),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            line.push_str(&format!(" {key}: {value};"));
        }
    }
    for (old, new) in &class.renamed_variables {
        line.push_str(&format!(" renameVariable: {} to: {};", symbol(old), symbol(new)));
    }
    out.push_str(&format!("{line} yourself.\n"));
}

fn add_method(change: &MethodChange, out: &mut String) {
    let owner = string(&change.side_name());
    match &change.edit {
        MethodEdit::Remove { selector, .. } => {
            out.push_str(&format!("patch removeMethod: {} from: {owner}.\n", symbol(selector)));
        }
        MethodEdit::Set(method) => {
            let protocol = method.category.as_deref().unwrap_or("as yet unclassified");
            let package = change.package.as_ref().map_or("nil".to_owned(), |name| string(name));
            let source = string(&method.source());
            let protocol = string(protocol);
            out.push_str(&format!(
                "patch compile: {source} in: {owner} protocol: {protocol} package: {package}.\n"
            ));
        }
    }
}

fn source_of(policy: &Policy) -> String {
    match &policy.rule {
        Rule::Slots(slots) => slot_policy(slots),
        Rule::Choice { variable, then, otherwise } => format!(
            "DSUPolicy ifNil: {} then: ({}) else: ({})",
            string(variable),
            slot_policy(then),
            slot_policy(otherwise)
        ),
        Rule::Split { moves, into, holder } => {
            format!("DSUPolicy split: {} into: {} as: {}", array(moves), symbol(into), string(holder))
        }
        Rule::Compute { variable, code } => {
            format!("DSUPolicy compute: [{code}\n] for: {}", string(variable))
        }
        Rule::Amend(code) => format!("DSUPolicy amend: [{code}\n]"),
        Rule::Replace(code) => format!("DSUPolicy replace: [{code}\n]"),
        Rule::Grow(code) => format!("DSUPolicy grow: [{code}\n]"),
        Rule::Custom(code) => format!("[{code}\n] value"),
    }
}

fn slot_policy(slots: &SlotRule) -> String {
    let mut line = "DSUPolicy byName".to_owned();
    if let Some(target) = &slots.becomes {
        line.push_str(&format!(" target: {};", symbol(target)));
    }
    for (old, new) in &slots.renames {
        line.push_str(&format!(" rename: {} to: {};", string(old), string(new)));
    }
    for (name, value) in &slots.defaults {
        line.push_str(&format!(" default: [{value}\n] value for: {};", string(name)));
    }
    if line.ends_with(';') {
        line.push_str(" yourself");
    }
    line
}

/// A string literal.
pub(super) fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn symbol(text: &str) -> String {
    format!("#{}", string(text))
}

fn array(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| symbol(name)).collect();
    format!("#({})", names.join(" "))
}

/// `Point` and its side of `Point class`.
pub(super) fn owner_and_side(text: &str) -> (&str, Side) {
    text.strip_suffix(" class").map_or((text, Side::Instance), |owner| (owner, Side::Class))
}
