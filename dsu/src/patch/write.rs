//! A patch as text: the header, then all that is about one class or trait together, by name, then validations and actions.

use std::collections::BTreeSet;
use std::fmt;

use instar_interp::source::ston::{write_string, write_symbol};
use instar_interp::source::tonel::write_method;
use instar_interp::source::{Layout, SourceErrors};

use super::model::{Change, ClassChange, MethodChange, MethodEdit, Patch, Policy, Rule, SlotRule};

impl fmt::Display for Patch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = Vec::new();
        formatter.write_str(&text_of(self, &mut errors))
    }
}

impl Patch {
    /// Its text.
    ///
    /// # Errors
    /// Methods whose brackets or quotes do not match, which only a patch that was not read from its text can have.
    pub fn write(&self) -> Result<String, SourceErrors> {
        let mut errors = Vec::new();
        let text = text_of(self, &mut errors);
        SourceErrors::check(errors)?;
        Ok(text)
    }
}

fn text_of(patch: &Patch, errors: &mut Vec<instar_interp::source::SourceError>) -> String {
    let mut sorted = patch.clone();
    sorted.sort();
    let mut out = header(&sorted);
    let owners = sorted.classes.iter().map(|class| &class.name);
    let owners = owners.chain(sorted.methods.iter().map(|method| &method.owner));
    let owners: BTreeSet<&String> = owners.chain(sorted.policies.iter().map(|one| &one.class)).collect();
    for owner in owners {
        sorted
            .classes
            .iter()
            .filter(|class| class.name == *owner)
            .for_each(|class| out.push_str(&class_text(class)));
        sorted
            .policies
            .iter()
            .filter(|one| one.class == *owner)
            .for_each(|one| out.push_str(&policy_text(one)));
        for method in sorted.methods.iter().filter(|method| method.owner == *owner) {
            out.push_str(&method_text(method, errors));
        }
    }
    for one in &sorted.validations {
        let mut section = Section::new("Validation", None);
        section.text("name", &one.name);
        section.texts("undecided", &one.undecided);
        out.push_str(&section.end(Some(&one.code)));
    }
    for (word, actions) in [("Before", &sorted.before), ("After", &sorted.after)] {
        for one in actions {
            let mut section = Section::new(word, None);
            section.texts("undecided", &one.undecided);
            out.push_str(&section.end(Some(&one.code)));
        }
    }
    out
}

fn header(patch: &Patch) -> String {
    let mut section = Section::new("Patch", patch.comment.as_deref());
    section.text("name", &patch.name);
    for (key, value) in [("base", &patch.base), ("author", &patch.author), ("time", &patch.time)] {
        if let Some(value) = value {
            section.text(key, value);
        }
    }
    section.texts("packages", &patch.packages);
    section.texts("undecided", &patch.undecided);
    section.end(None).trim_start_matches('\n').to_owned()
}

fn class_text(class: &ClassChange) -> String {
    let word = match (class.change, class.is_trait) {
        (Change::Added, false) => "AddedClass",
        (Change::Changed, false) => "ChangedClass",
        (Change::Removed, false) => "RemovedClass",
        (Change::Added, true) => "AddedTrait",
        (Change::Changed, true) => "ChangedTrait",
        (Change::Removed, true) => "RemovedTrait",
    };
    let mut section = Section::new(word, class.comment.as_deref());
    section.symbol("name", &class.name);
    for (key, name) in [("oldName", &class.old_name), ("superclass", &class.superclass)] {
        if let Some(name) = name {
            section.symbol(key, name);
        }
    }
    for (key, traits) in [("traits", &class.traits), ("classTraits", &class.class_traits)] {
        if let Some(traits) = traits {
            section.text(key, if traits.is_empty() { "{}" } else { &traits.text });
        }
    }
    if let Some(layout) = class.layout.filter(|kept| class.change != Change::Added || *kept != Layout::Normal)
    {
        section.symbol("type", layout.name());
    }
    for (key, names) in [
        ("instVars", &class.instance_variables),
        ("classVars", &class.class_variables),
        ("pools", &class.pools),
        ("classInstVars", &class.class_instance_variables),
    ] {
        if let Some(names) = names {
            section.list(key, names);
        }
    }
    if !class.renamed_variables.is_empty() {
        section.entry("renamedVars", &name_map(&class.renamed_variables, symbol));
    }
    for (key, text) in [("category", &class.category), ("package", &class.package), ("tag", &class.tag)] {
        if let Some(text) = text {
            section.text(key, text);
        }
    }
    section.texts("undecided", &class.undecided);
    section.end(None)
}

fn method_text(change: &MethodChange, errors: &mut Vec<instar_interp::source::SourceError>) -> String {
    match &change.edit {
        MethodEdit::Remove { selector, .. } => {
            let mut section = Section::new("RemovedMethod", None);
            section.text("method", &format!("{}>>{selector}", change.side_name()));
            section.texts("undecided", &change.undecided);
            section.end(None)
        }
        MethodEdit::Set(method) => {
            let mut entries = Vec::new();
            for (key, text) in [("category", &method.category), ("package", &change.package)] {
                entries.extend(text.as_ref().map(|text| format!("#{key} : {}", quoted(text))));
            }
            if !change.undecided.is_empty() {
                entries.push(format!("#undecided : {}", quoted_texts(&change.undecided)));
            }
            let head =
                if entries.is_empty() { String::new() } else { format!("{{ {} }}\n", entries.join(", ")) };
            let (text, found) = write_method(&change.owner, method);
            errors.extend(found);
            format!("\n{head}{text}")
        }
    }
}

fn policy_text(policy: &Policy) -> String {
    let mut section = Section::new("Policy", None);
    section.symbol("class", &policy.class);
    let mut code = None;
    match &policy.rule {
        Rule::Slots(slots) => {
            slot_entries(slots).into_iter().for_each(|(key, text)| section.entry(key, &text))
        }
        Rule::Choice { variable, then, otherwise } => {
            section.symbol("ifNil", variable);
            for (key, slots) in [("then", then), ("else", otherwise)] {
                let entries: Vec<String> =
                    slot_entries(slots).iter().map(|(key, text)| format!("#{key} : {text}")).collect();
                let text = if entries.is_empty() {
                    "{ }".to_owned()
                } else {
                    format!("{{ {} }}", entries.join(", "))
                };
                section.entry(key, &text);
            }
        }
        Rule::Split { moves, into, holder } => {
            section.list("moves", moves);
            section.symbol("into", into);
            section.symbol("as", holder);
        }
        Rule::Compute { variable, code: text } => {
            section.symbol("compute", variable);
            code = Some(text);
        }
        Rule::Amend(text) | Rule::Replace(text) | Rule::Grow(text) | Rule::Custom(text) => {
            section.symbol("rule", policy.rule.name());
            code = Some(text);
        }
    }
    section.texts("undecided", &policy.undecided);
    section.end(code.map(String::as_str))
}

impl Rule {
    /// What `#rule` calls one that is only code.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Rule::Amend(_) => "amend",
            Rule::Replace(_) => "replace",
            Rule::Grow(_) => "grow",
            Rule::Custom(_) => "custom",
            Rule::Slots(_) | Rule::Choice { .. } | Rule::Split { .. } | Rule::Compute { .. } => "standard",
        }
    }
}

fn name_map(pairs: &[(String, String)], value: fn(&str) -> String) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, text)| format!("{} : {}", symbol(name), value(text))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn slot_entries(slots: &SlotRule) -> Vec<(&'static str, String)> {
    let mut entries = Vec::new();
    if let Some(target) = &slots.becomes {
        entries.push(("becomes", symbol(target)));
    }
    if !slots.renames.is_empty() {
        entries.push(("renames", name_map(&slots.renames, symbol)));
    }
    if !slots.defaults.is_empty() {
        entries.push(("defaults", name_map(&slots.defaults, quoted)));
    }
    if !slots.drops.is_empty() {
        let names: Vec<String> = slots.drops.iter().map(|name| quoted(name)).collect();
        entries.push(("drops", format!("[ {} ]", names.join(", "))));
    }
    entries
}

struct Section {
    out: String,
    is_begun: bool,
}

impl Section {
    fn new(word: &str, comment: Option<&str>) -> Section {
        let comment =
            comment.map_or(String::new(), |text| format!("\"\n{}\n\"\n", text.replace('"', "\"\"")));
        Section { out: format!("\n{comment}{word} {{"), is_begun: false }
    }

    fn entry(&mut self, key: &str, value: &str) {
        let comma = if self.is_begun { "," } else { "" };
        self.is_begun = true;
        self.out.push_str(&format!("{comma}\n\t#{key} : {value}"));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.entry(key, &quoted(text));
    }

    fn symbol(&mut self, key: &str, text: &str) {
        self.entry(key, &symbol(text));
    }

    /// One text, or a list; nothing for none.
    fn texts(&mut self, key: &str, texts: &[String]) {
        match texts {
            [] => {}
            [text] => self.text(key, text),
            texts => self.list(key, texts),
        }
    }

    fn list(&mut self, key: &str, texts: &[String]) {
        if texts.is_empty() {
            return self.entry(key, "[ ]");
        }
        let lines: Vec<String> = texts.iter().map(|text| format!("\n\t\t{}", quoted(text))).collect();
        self.entry(key, &format!("[{}\n\t]", lines.join(",")));
    }

    fn end(mut self, code: Option<&str>) -> String {
        self.out.push_str(if self.is_begun { "\n}" } else { " }" });
        if let Some(code) = code {
            self.out.push_str(&format!(" [{code}]"));
        }
        self.out.push('\n');
        self.out
    }
}

fn quoted_texts(texts: &[String]) -> String {
    match texts {
        [text] => quoted(text),
        texts => {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            format!("[ {} ]", texts.join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(text, &mut out);
    out
}

fn symbol(text: &str) -> String {
    let mut out = String::new();
    write_symbol(text, &mut out);
    out
}
