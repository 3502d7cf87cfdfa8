//! A selector gets another name: all methods of that name in the packages, and all messages; or those of one hierarchy.
//!
//! The number of arguments and their order stay. Literal symbols that `perform:` and its kind get are renamed with the messages; other symbols may be
//! anything, and are warned of.

use std::collections::BTreeSet;

use instar_interp::source::Side;
use instar_interp::syntax::{
    Expression, ExpressionKind, Literal, Message, SelectorKind, Span, TokenKind, tokens,
};

use super::draft::Draft;
use super::edit::Edits;
use super::names::{Parts, symbol};
use super::program::{Placed, Program, title};
use super::refused::{Refused, place};
use super::walk::{Seen, has_symbol, is_own, walk};
use super::{MethodName, Outcome};

/// Messages whose first argument is a selector.
const PERFORMERS: [&str; 8] = [
    "perform:",
    "perform:with:",
    "perform:with:with:",
    "perform:with:with:with:",
    "perform:withArguments:",
    "perform:withArguments:inSuperclass:",
    "respondsTo:",
    "canUnderstand:",
];

pub(super) fn run(
    program: &Program<'_>,
    method: &MethodName,
    new: &str,
    only_hierarchy: bool,
) -> Result<Outcome, Refused> {
    let (old_parts, new_parts) = (Parts::of(&method.selector)?, Parts::of(new)?);
    check_alike(method, new, &old_parts, &new_parts)?;
    let renaming = Renaming::of(program, method, new, only_hierarchy)?;
    renaming.check_library(method)?;
    renaming.check_new()?;
    let mut draft = Draft::new(program, format!("{} is now {new}", method.selector));
    for placed in program.own_methods() {
        renaming.rename_in(&mut draft, &placed, &new_parts)?;
    }
    draft.finish()
}

fn check_alike(method: &MethodName, new: &str, old_parts: &Parts, new_parts: &Parts) -> Result<(), Refused> {
    let old = &method.selector;
    if old == new {
        return Err(Refused::new(format!("{old} has that name already")));
    }
    if (old_parts.kind, old_parts.parts.len()) == (new_parts.kind, new_parts.parts.len()) {
        return Ok(());
    }
    let kind = match old_parts.kind {
        SelectorKind::Unary => "a word without colons".to_owned(),
        SelectorKind::Binary => "operator characters".to_owned(),
        SelectorKind::Keyword => format!("{} words with colons", old_parts.parts.len()),
    };
    Err(Refused::new(format!(
        "{old} and {new} are written differently, so messages would mean something else"
    ))
    .mend(format!("choose a name of {kind}, as arguments keep their number and order")))
}

/// Which methods are renamed, and what else answers to the name.
struct Renaming<'p, 'a> {
    program: &'a Program<'p>,
    old: &'a str,
    new: &'a str,
    /// Owners and sides of the methods that get the new name.
    implementors: BTreeSet<(&'p str, bool)>,
    /// Titles of methods that keep the old one.
    others: Vec<Placed<'p>>,
    /// The classes of the hierarchy, if it is limited to one, and the side.
    hierarchy: Option<(BTreeSet<&'p str>, Side)>,
}

impl<'p, 'a> Renaming<'p, 'a> {
    fn of(
        program: &'a Program<'p>,
        method: &'a MethodName,
        new: &'a str,
        only_hierarchy: bool,
    ) -> Result<Renaming<'p, 'a>, Refused> {
        let (class, side, old) = (&method.class, method.side, method.selector.as_str());
        if !program.is_trait(class) || only_hierarchy {
            program.class(class)?;
        }
        if program.method(class, side, old).is_none() {
            let refused = Refused::new(format!("there is no method {}", title(class, side, old)));
            let above = program.implemented_above(class, side, old);
            return Err(match above {
                Some(above) => refused.mend(format!("it is inherited: name {above}")),
                None => refused,
            });
        }
        let mut hierarchy = None;
        if only_hierarchy {
            if let Some(above) = program.implemented_above(class, side, old) {
                let message =
                    format!("{} overrides {above}, and would not any more", title(class, side, old));
                return Err(Refused::new(message).mend("name the class at the top of the hierarchy"));
            }
            let all = program.find(class).into_iter().chain(program.below(class));
            hierarchy = Some((all.map(|one| one.name()).collect::<BTreeSet<_>>(), side));
        }
        let (mut implementors, mut others) = (BTreeSet::new(), Vec::new());
        for placed in program.methods().filter(|placed| placed.selector() == old) {
            let is_inside = hierarchy
                .as_ref()
                .is_none_or(|(classes, side)| classes.contains(placed.owner) && placed.def.side == *side);
            if placed.is_own && is_inside {
                implementors.insert((placed.owner, placed.def.side == Side::Class));
            } else {
                others.push(placed);
            }
        }
        Ok(Renaming { program, old, new, implementors, others, hierarchy })
    }

    /// A method of the library has the name: messages might go there.
    fn check_library(&self, method: &MethodName) -> Result<(), Refused> {
        let Some(other) = self.others.iter().find(|one| !one.is_own).filter(|_| self.hierarchy.is_none())
        else {
            return Ok(());
        };
        let message =
            format!("the library has {} too, which keeps its name, and messages may go there", other.title());
        Err(Refused::new(message).mend(format!(
            "limit it by --only-hierarchy to {}: messages to self are renamed then, and others are shown",
            method.class
        )))
    }

    /// Nothing in the hierarchies has the new name, or a trait that is composed with it.
    fn check_new(&self) -> Result<(), Refused> {
        let clash = |known: String| {
            let message = format!("there is {known} already");
            Err(Refused::new(message).mend("choose another name, or rename that one first"))
        };
        for (owner, is_class_side) in &self.implementors {
            let side = if *is_class_side { Side::Class } else { Side::Instance };
            self.check_compositions(owner)?;
            let users = if self.program.is_trait(owner) {
                if self.program.method(owner, side, self.new).is_some() {
                    return clash(title(owner, side, self.new));
                }
                self.program.classes().filter(|class| uses(class.def, owner)).collect()
            } else {
                self.program.find(owner).into_iter().collect::<Vec<_>>()
            };
            for user in users {
                if let Some(above) = self.program.implemented_above(user.name(), side, self.new) {
                    return clash(above);
                }
                let line = [user].into_iter().chain(self.program.below(user.name()));
                for class in line {
                    if self.program.implements(class.name(), side, self.new) {
                        return clash(title(class.name(), side, self.new));
                    }
                }
            }
        }
        Ok(())
    }

    /// Trait compositions name selectors, and a patch for a name in them is not made here.
    fn check_compositions(&self, owner: &str) -> Result<(), Refused> {
        let named = |composition: &instar_interp::source::Composition| {
            composition.uses.iter().any(|used| {
                used.exclusions.iter().any(|one| one == self.old)
                    || used.aliases.iter().any(|(new, old)| new == self.old || old == self.old)
            })
        };
        let classes = self.program.classes().filter(|class| class.is_own);
        let of_classes = classes.map(|class| (class.name(), &class.def.traits, &class.def.class_traits));
        let of_traits =
            self.program.own_traits().map(|made| (made.name.as_str(), &made.traits, &made.class_traits));
        let mut all = of_classes.chain(of_traits);
        match all.find(|(_, traits, class_traits)| named(traits) || named(class_traits)) {
            Some((name, ..)) => {
                let message = format!("the trait composition of {name} excludes or aliases {}", self.old);
                let mend = format!("write it without, for the sake of {owner}, and then rename");
                Err(Refused::new(message).mend(mend))
            }
            None => Ok(()),
        }
    }

    fn rename_in(&self, draft: &mut Draft<'p>, method: &Placed<'p>, new: &Parts) -> Result<(), Refused> {
        let tree = method.parse()?;
        let text = &method.def.file.text;
        let mut edits = Edits::default();
        let mut unsure = Vec::new();
        walk(&tree, &mut |seen, _| match seen {
            Seen::Send { receiver, message } if message.selector.text == self.old => {
                if self.is_sent_here(method, receiver) {
                    let parts = message_parts(text, message);
                    parts.into_iter().zip(&new.parts).for_each(|(span, part)| edits.replace(span, part));
                } else {
                    unsure.push((message.selector.span, "a message of this name may go to either"));
                }
            }
            Seen::Send { receiver, message } if PERFORMERS.contains(&&*message.selector.text) => {
                let Some(span) = symbol_argument(message, self.old) else { return };
                if self.is_sent_here(method, receiver) {
                    edits.replace(span, symbol(self.new));
                }
            }
            Seen::Literal { literal, span } if has_symbol(literal, self.old) => {
                unsure.push((span, "a symbol of this name may be a selector"));
            }
            Seen::Pragma { selector, literals, span } => {
                let is_named = selector.text == self.old;
                if is_named || literals.iter().any(|one| has_symbol(one, self.old)) {
                    unsure.push((span, "a pragma has this name"));
                }
            }
            _ => {}
        });
        // A symbol that is renamed with its message is no question.
        unsure.retain(|(span, _)| !edits.covers(*span));
        if self.implementors.contains(&(method.owner, method.def.side == Side::Class))
            && method.selector() == self.old
        {
            let parts = pattern_parts(text, method.def.pattern, new.kind);
            parts.into_iter().zip(&new.parts).for_each(|(span, part)| edits.replace(span, part));
            draft.rename_method(method, edits);
        } else {
            draft.edit(method, edits);
        }
        for (span, why) in unsure {
            let others: Vec<String> = self.others.iter().take(3).map(Placed::title).collect();
            let others =
                if others.is_empty() { String::new() } else { format!(" (also {})", others.join(", ")) };
            let place = place(&method.def.file, span);
            draft.warnings.push(format!(
                "{place}: {}: {why}{others}, and stays {}",
                method.title(),
                self.old
            ));
        }
        Ok(())
    }

    /// Does the message go to one of the renamed methods, as far as can be known?
    fn is_sent_here(&self, method: &Placed<'_>, receiver: &Expression<'_>) -> bool {
        let Some((classes, side)) = &self.hierarchy else { return true };
        if is_own(receiver) {
            return classes.contains(method.owner) && method.def.side == *side || self.others.is_empty();
        }
        self.others.is_empty()
    }
}

fn uses(class: &instar_interp::source::ClassDef, name: &str) -> bool {
    class.traits.uses.iter().chain(&class.class_traits.uses).any(|used| used.name == name)
}

/// Where the parts of a message's selector stand: each keyword right before its argument, parentheses and comments aside.
fn message_parts(text: &str, message: &Message<'_>) -> Vec<Span> {
    if message.selector.kind != SelectorKind::Keyword {
        return vec![message.selector.span];
    }
    let mut from = message.selector.span.start;
    let mut parts = Vec::new();
    for argument in &message.arguments {
        parts.extend(next_keyword(text, from, message.span.end));
        from = argument.span.end;
    }
    parts
}

fn next_keyword(text: &str, from: u32, end: u32) -> Option<Span> {
    let rest = Span::new(from, end).of(text);
    let token = tokens(rest).find(|token| token.kind == TokenKind::Keyword)?;
    Some(Span::new(from + token.span.start, from + token.span.end))
}

/// Where the parts of a method's pattern stand.
fn pattern_parts(text: &str, pattern: Span, kind: SelectorKind) -> Vec<Span> {
    let is_part = |token_kind: TokenKind| match kind {
        SelectorKind::Unary => token_kind == TokenKind::Identifier,
        SelectorKind::Binary => token_kind == TokenKind::Binary,
        SelectorKind::Keyword => token_kind == TokenKind::Keyword,
    };
    let found = tokens(pattern.of(text)).filter(|token| is_part(token.kind));
    found.map(|token| Span::new(pattern.start + token.span.start, pattern.start + token.span.end)).collect()
}

/// The first argument, if it is the selector as a symbol.
fn symbol_argument(message: &Message<'_>, selector: &str) -> Option<Span> {
    let argument = message.arguments.first()?;
    match &argument.kind {
        ExpressionKind::Literal(Literal::Symbol(name)) if *name == selector => Some(argument.span),
        _ => None,
    }
}
