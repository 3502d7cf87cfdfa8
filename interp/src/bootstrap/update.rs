//! What loading asks of the guest: its protocols for traits, and for classes that change while instances live.

use super::evaluate::Problem;
use crate::source::{ClassDef, Composition, Side, TraitDef};
use crate::vm::Space;

/// A Symbol as a literal.
fn symbol(text: &str) -> String {
    format!("#'{}'", text.replace('\'', "''"))
}

/// A String as a literal.
fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An expression for an Array of Symbols.
fn symbols(names: &[String]) -> String {
    let all: Vec<String> = names.iter().map(|name| symbol(name)).collect();
    format!("{{ {} }}", all.join(". "))
}

/// An expression for a composition; empty for none.
pub(super) fn composition_source(composition: &Composition) -> String {
    let one = |used: &crate::source::TraitUse| {
        let mut text = used.name.clone();
        if used.is_class_side {
            text.push_str(" classTrait");
        }
        if !used.exclusions.is_empty() {
            text.push_str(&format!(" - {}", symbols(&used.exclusions)));
        }
        if !used.aliases.is_empty() {
            let alias = |(new, old): &(String, String)| format!("{} -> {}", symbol(new), symbol(old));
            let aliases: Vec<String> = used.aliases.iter().map(alias).collect();
            text.push_str(&format!(" @ {{ {} }}", aliases.join(". ")));
        }
        format!("({text})")
    };
    composition.uses.iter().map(one).collect::<Vec<_>>().join(" + ")
}

impl Space {
    /// Makes a trait without methods.
    pub(super) fn make_trait(&mut self, def: &TraitDef, package: &str) -> Result<(), Problem> {
        let package = def.filing.package.as_deref().unwrap_or(package);
        let source = format!("Trait named: {} uses: {{ }} package: {}", symbol(&def.name), string(package));
        self.evaluate(&source).map(drop)
    }

    /// Lets the guest bring an existing class into line with its definition: instances and subclasses follow.
    pub(super) fn change_class(&mut self, def: &ClassDef, package: &str) -> Result<(), Problem> {
        if self.class_named("ClassBuilder").is_none() {
            let message =
                format!("error: {:?}: this kernel cannot change {}, which exists\n", def.place, def.name);
            return Err(Problem::Source(message));
        }
        let package = def.filing.package.as_deref().or(def.filing.category.as_deref()).unwrap_or(package);
        let pools: Vec<&str> = def.pools.iter().map(String::as_str).collect();
        let tag = def.filing.tag.as_deref().map_or("nil".to_owned(), symbol);
        let source = format!(
            "(ClassBuilder forClass: {name})
                superclass: {superclass};
                kind: {kind};
                instanceVariables: {instance};
                classInstanceVariables: {class};
                classVariables: {shared};
                sharedPools: {{ {pools} }};
                package: {package};
                tag: {tag};
                build",
            name = def.name,
            superclass = def.superclass.as_deref().unwrap_or("nil"),
            kind = symbol(def.layout.name()),
            instance = symbols(&def.instance_variables),
            class = symbols(&def.class_instance_variables),
            shared = symbols(&def.class_variables),
            pools = pools.join(". "),
            package = string(package),
        );
        self.evaluate(&source).map(drop)
    }

    /// Removes a method that a class has itself.
    pub(super) fn remove_method(&mut self, class: &str, side: Side, selector: &str) -> Result<(), Problem> {
        let side = if side == Side::Class { " class" } else { "" };
        self.evaluate(&format!("{class}{side} removeSelector: {}", symbol(selector))).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compositions_are_written_as_expressions_that_mean_them() {
        let text = |source: &str| composition_source(&Composition::parse(source).unwrap());
        assert_eq!(text("TA"), "(TA)");
        assert_eq!(text("TA + TB classTrait - {#a. #b:}"), "(TA) + (TB classTrait - { #'a'. #'b:' })");
        assert_eq!(text("TA @ {#new -> #old}"), "(TA @ { #'new' -> #'old' })");
        assert_eq!(text("{}"), "");
    }
}
