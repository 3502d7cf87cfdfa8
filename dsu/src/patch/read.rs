//! Reads the text form: sections and methods are taken apart by the reader of Tonel, code in them is parsed, and what contradicts itself is
//! reported. Several errors are found in one run.

use std::collections::HashSet;
use std::sync::Arc;

use instar_interp::source::fields::Fields;
use instar_interp::source::ston::{Item, Value};
use instar_interp::source::tonel::sections::{self, OwnedMethod, Part, Section};
use instar_interp::source::{SourceError, SourceErrors, SourceFile};
use instar_interp::syntax::{Span, Statement, SyntaxError, parse_doit, parse_pattern};

use super::expression::owner_and_side;
use super::model::{
    Action, Change, ClassChange, MethodChange, MethodEdit, Patch, Policy, Rule, SlotRule, Validation,
};

/// Words that begin a section.
const WORDS: [&str; 12] = [
    "Patch",
    "AddedClass",
    "ChangedClass",
    "RemovedClass",
    "AddedTrait",
    "ChangedTrait",
    "RemovedTrait",
    "RemovedMethod",
    "Policy",
    "Validation",
    "Before",
    "After",
];

const CLASS_KEYS: [&str; 15] = [
    "name",
    "oldName",
    "superclass",
    "traits",
    "classTraits",
    "type",
    "instVars",
    "classVars",
    "pools",
    "classInstVars",
    "renamedVars",
    "category",
    "package",
    "tag",
    "undecided",
];

const TRAIT_KEYS: [&str; 9] =
    ["name", "traits", "classTraits", "instVars", "classInstVars", "category", "package", "tag", "undecided"];

const SLOT_KEYS: [&str; 4] = ["becomes", "renames", "defaults", "drops"];

const POLICY_KEYS: [&str; 14] = [
    "class",
    "becomes",
    "renames",
    "defaults",
    "drops",
    "ifNil",
    "then",
    "else",
    "moves",
    "into",
    "as",
    "compute",
    "rule",
    "undecided",
];

/// Reads a patch. `name` is the file's, for errors.
///
/// # Errors
/// All that are found.
pub fn read(name: &str, text: &str) -> Result<Patch, SourceErrors> {
    let file = SourceFile::new(name, text.to_owned());
    let (parts, errors) = sections::read(&file, &WORDS);
    let mut run =
        Run { file: &file, errors, patch: Patch::default(), has_header: false, seen: HashSet::new() };
    for part in parts {
        match part {
            Part::Section(section) => run.section(section),
            Part::Method(method) => run.method(method),
        }
    }
    if !run.has_header && run.errors.is_empty() {
        let error = SyntaxError::new(Span::default(), "the header of the patch is missing");
        run.errors
            .push(file.error(error.with_help("begin the file with Patch { #name : 'What it is for' }")));
    }
    run.errors.sort_by_key(|error| match error {
        SourceError::Text { error, .. } => error.span.start,
        SourceError::Io { .. } | SourceError::Layout { .. } => 0,
    });
    SourceErrors::check(run.errors)?;
    let mut patch = run.patch;
    patch.sort();
    Ok(patch)
}

struct Run<'f> {
    file: &'f Arc<SourceFile>,
    errors: Vec<SourceError>,
    patch: Patch,
    has_header: bool,
    /// What was said already: classes, methods, policies and validations by name.
    seen: HashSet<String>,
}

impl Run<'_> {
    fn report(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.errors.push(self.file.error(SyntaxError::new(span, message).with_help(help)));
    }

    /// Reports what is said a second time.
    fn once(&mut self, what: String, span: Span) {
        if !self.seen.insert(what.clone()) {
            self.report(span, format!("there are two sections for {what}"), "remove one of them");
        }
    }

    fn section(&mut self, section: Section) {
        let takes_code = ["Policy", "Validation", "Before", "After"].contains(&section.word.as_str());
        if let (false, Some(code)) = (takes_code, section.code) {
            self.report(
                code,
                format!("{} has no code", section.word),
                "remove the brackets and what is in them",
            );
        }
        let is_about_class = section.word.ends_with("Class") || section.word.ends_with("Trait");
        if section.comment.is_some() && section.word != "Patch" && !is_about_class {
            let help = "move it into the code, or to the patch";
            self.report(section.place.span, format!("{} has no comment", section.word), help);
        }
        match section.word.as_str() {
            "Patch" => self.header(section),
            "RemovedMethod" => self.removed_method(section),
            "Policy" => self.policy(section),
            "Validation" => self.validation(section),
            "Before" | "After" => self.action(section),
            _ => self.class(section),
        }
    }

    fn header(&mut self, section: Section) {
        let span = section.place.span;
        if std::mem::replace(&mut self.has_header, true) {
            self.report(span, "there are two headers", "remove one of them");
            return;
        }
        let keys = ["name", "base", "author", "time", "packages", "undecided"];
        let mut fields = Fields::new(self.file, &mut self.errors, section.map, &keys);
        let name = fields.text("name");
        let patch = &mut self.patch;
        (patch.base, patch.author, patch.time) =
            (fields.text("base"), fields.text("author"), fields.text("time"));
        patch.packages = fields.texts("packages");
        patch.undecided = fields.texts("undecided");
        patch.comment = section.comment;
        match name {
            Some(name) => patch.name = name,
            None => self.report(span, "the name of the patch is missing", "add #name : 'What it is for'"),
        }
    }

    fn class(&mut self, section: Section) {
        let is_trait = section.word.ends_with("Trait");
        let change = match &section.word[..section.word.len() - 5] {
            "Added" => Change::Added,
            "Changed" => Change::Changed,
            _ => Change::Removed,
        };
        let keys: &[&str] = match (change, is_trait) {
            (Change::Removed, _) => &["name", "undecided"],
            (_, true) => &TRAIT_KEYS,
            (_, false) => &CLASS_KEYS,
        };
        let mut fields = Fields::new(self.file, &mut self.errors, section.map, keys);
        let Some(name) = fields.name("name") else { return };
        let mut class = ClassChange::new(change, is_trait, name.clone());
        class.comment = section.comment;
        class.old_name = fields.has("oldName").then(|| fields.name("oldName")).flatten();
        class.superclass = fields.has("superclass").then(|| fields.name("superclass")).flatten();
        class.traits = fields.has("traits").then(|| fields.composition("traits"));
        class.class_traits = fields.has("classTraits").then(|| fields.composition("classTraits"));
        class.layout = fields.has("type").then(|| fields.layout("type"));
        class.instance_variables = fields.has("instVars").then(|| fields.names("instVars"));
        class.class_variables = fields.has("classVars").then(|| fields.names("classVars"));
        class.pools = fields.has("pools").then(|| fields.names("pools"));
        class.class_instance_variables = fields.has("classInstVars").then(|| fields.names("classInstVars"));
        class.renamed_variables = fields.pairs("renamedVars");
        let filing = fields.filing();
        (class.category, class.package, class.tag) = (filing.category, filing.package, filing.tag);
        class.undecided = fields.texts("undecided");
        if change == Change::Added && class.old_name.is_some() {
            let help = "write ChangedClass, or remove #oldName";
            self.report(section.place.span, format!("{name} is added, and so has no name before"), help);
        }
        if change == Change::Added && !class.renamed_variables.is_empty() {
            let help = "write ChangedClass, or remove #renamedVars";
            self.report(section.place.span, format!("{name} is added, and has no variables before"), help);
        }
        if change == Change::Added && !is_trait && class.superclass.is_none() {
            let help = "add #superclass : #Object";
            self.report(section.place.span, format!("the superclass of {name} is missing"), help);
        }
        self.once(name, section.place.span);
        self.patch.classes.push(class);
    }

    fn removed_method(&mut self, section: Section) {
        let span = section.map.span;
        let mut fields = Fields::new(self.file, &mut self.errors, section.map, &["method", "undecided"]);
        let title = fields.text("method").unwrap_or_default();
        let undecided = fields.texts("undecided");
        let parts = title.split_once(">>").map(|(side, selector)| (side.trim(), selector.trim()));
        let wrong = |(side, selector): &(&str, &str)| side.is_empty() || !is_selector(selector);
        let Some((side, selector)) = parts.filter(|parts| !wrong(parts)) else {
            let help = "write #method : 'Point>>x' or #method : 'Point class>>x:y:'";
            self.report(span, "this names no method", help);
            return;
        };
        let (owner, side) = owner_and_side(side);
        let (owner, selector) = (owner.to_owned(), selector.to_owned());
        let change =
            MethodChange { owner, edit: MethodEdit::Remove { side, selector }, package: None, undecided };
        self.once(change.title(), span);
        self.patch.methods.push(change);
    }

    fn method(&mut self, read: OwnedMethod) {
        if let Err(errors) = read.method.parse() {
            self.errors.extend(errors.into_iter().map(|error| self.file.error(error)));
        }
        let span = read.method.pattern;
        let OwnedMethod { owner, method, package, undecided } = read;
        let change = MethodChange { owner, edit: MethodEdit::Set(method), package, undecided };
        self.once(change.title(), span);
        self.patch.methods.push(change);
    }

    fn validation(&mut self, section: Section) {
        let span = section.place.span;
        let mut fields = Fields::new(self.file, &mut self.errors, section.map, &["name", "undecided"]);
        let (name, undecided) = (fields.text("name"), fields.texts("undecided"));
        let code = self.code(section.code, span);
        let Some(name) = name else {
            let help = "add #name : 'What must hold'";
            self.report(span, "the name of the validation is missing", help);
            return;
        };
        self.once(format!("the validation '{name}'"), span);
        self.patch.validations.push(Validation { name, code, undecided });
    }

    fn action(&mut self, section: Section) {
        let undecided =
            Fields::new(self.file, &mut self.errors, section.map, &["undecided"]).texts("undecided");
        let code = self.code(section.code, section.place.span);
        let list = if section.word == "Before" { &mut self.patch.before } else { &mut self.patch.after };
        list.push(Action { code, undecided });
    }

    /// The inside of a block, which must be right.
    fn code(&mut self, code: Option<Span>, section: Span) -> String {
        let Some(span) = code else {
            self.report(
                section,
                "the code is missing",
                "write it in brackets behind the braces: { … } [ … ]",
            );
            return String::new();
        };
        let text = span.of(&self.file.text).to_owned();
        // Brackets around it: parameters can stand in a block only. They are one byte each, as in the file.
        if let Err(errors) = parse_doit(&format!("[{text}]")) {
            for mut error in errors {
                let shift = |at: u32| (at + span.start).saturating_sub(1).clamp(span.start, span.end);
                error.span = Span::new(shift(error.span.start), shift(error.span.end));
                error.related = None;
                if self.file.text.get(error.span.range()).is_none() {
                    error.span = span;
                }
                self.errors.push(self.file.error(error));
            }
        }
        text
    }

    fn policy(&mut self, section: Section) {
        let span = section.place.span;
        let mut fields = Fields::new(self.file, &mut self.errors, section.map, &POLICY_KEYS);
        let class = fields.name("class");
        let undecided = fields.texts("undecided");
        let optional =
            |fields: &mut Fields<'_>, key: &str| fields.has(key).then(|| fields.name(key)).flatten();
        let choice = optional(&mut fields, "ifNil");
        let split = optional(&mut fields, "into");
        let compute = optional(&mut fields, "compute");
        let rule = fields.text("rule");
        let slots = slots_of(&mut fields);
        let (then, otherwise) = (fields.take("then"), fields.take("else"));
        let (moves, holder) = (fields.names("moves"), optional(&mut fields, "as"));
        let kinds = [choice.is_some(), split.is_some(), compute.is_some(), rule.is_some()];
        if kinds.iter().filter(|kind| **kind).count() + usize::from(slots != SlotRule::default()) > 1 {
            let help = "a policy has one of: #becomes, #renames, #defaults and #drops together; #ifNil; #moves; #compute; #rule";
            self.report(span, "the policy says two things", help);
        }
        self.check_defaults(&slots, span);
        let strays = [
            (
                split.is_none() && (!moves.is_empty() || holder.is_some()),
                "add #into : #ClassName, or remove #moves and #as",
            ),
            (
                choice.is_none() && (then.is_some() || otherwise.is_some()),
                "add #ifNil : #variable, or remove #then and #else",
            ),
        ];
        for (_, help) in strays.iter().filter(|(is_stray, _)| *is_stray) {
            self.report(span, "the policy is not complete", help);
        }
        let rule = if let Some(variable) = choice {
            let (then, otherwise) = (self.part(then, span), self.part(otherwise, span));
            Rule::Choice { variable, then, otherwise }
        } else if let Some(into) = split {
            let holder = holder.unwrap_or_else(|| {
                self.report(span, "the variable that refers to the new object is missing", "add #as : #name");
                String::new()
            });
            Rule::Split { moves, into, holder }
        } else if let Some(variable) = compute {
            Rule::Compute { variable, code: self.code(section.code, span) }
        } else if let Some(name) = rule {
            let code = self.code(section.code, span);
            match name.as_str() {
                "amend" => Rule::Amend(code),
                "replace" => Rule::Replace(code),
                "grow" => Rule::Grow(code),
                "custom" => Rule::Custom(code),
                _ => {
                    let help = "write #amend, #replace, #grow or #custom";
                    self.report(span, format!("there is no rule {name}"), help);
                    return;
                }
            }
        } else {
            Rule::Slots(slots)
        };
        let has_code = !matches!(rule, Rule::Slots(_) | Rule::Choice { .. } | Rule::Split { .. });
        if let (false, Some(code)) = (has_code, section.code) {
            self.report(code, "this policy has no code", "add #rule : #amend, or remove the code");
        }
        let Some(class) = class else { return };
        self.once(format!("the policy for {class}"), span);
        self.patch.policies.push(Policy { class, rule, undecided });
    }

    /// One side of a choice.
    fn part(&mut self, item: Option<Item>, span: Span) -> SlotRule {
        let Some(item) = item.filter(|item| matches!(item.value, Value::Map(_))) else {
            let help = "add #then : { #becomes : #One } and #else : { #becomes : #Other }";
            self.report(span, "a choice needs two maps, for nil and for everything else", help);
            return SlotRule::default();
        };
        let slots = slots_of(&mut Fields::new(self.file, &mut self.errors, item, &SLOT_KEYS));
        self.check_defaults(&slots, span);
        slots
    }

    fn check_defaults(&mut self, slots: &SlotRule, span: Span) {
        for (name, source) in &slots.defaults {
            let error = match parse_doit(source) {
                Ok(tree) => match (tree.body.statements.as_slice(), tree.body.temporaries.as_slice()) {
                    ([Statement::Expression(_)], []) => continue,
                    _ => "it must be one expression".to_owned(),
                },
                Err(errors) => errors.first().map_or(String::new(), |error| error.message.clone()),
            };
            let message = format!("the default of {name} is wrong: {error}");
            self.report(span, message, "write an expression as text, as in #defaults : { #count : '0' }");
        }
    }
}

fn slots_of(fields: &mut Fields<'_>) -> SlotRule {
    SlotRule {
        becomes: fields.has("becomes").then(|| fields.name("becomes")).flatten(),
        renames: fields.pairs("renames"),
        defaults: fields.pairs("defaults"),
        drops: fields.names("drops"),
    }
}

/// Can a method be named so?
fn is_selector(text: &str) -> bool {
    let pattern = match text.strip_suffix(':') {
        Some(_) => text.split_inclusive(':').map(|part| format!("{part} x ")).collect(),
        None if text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') => {
            text.to_owned()
        }
        None => format!("{text} x"),
    };
    parse_pattern(&pattern, Span::whole(&pattern)).is_ok_and(|selector| selector.text == text)
}
