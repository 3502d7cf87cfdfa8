//! The patch of what was changed in a program while it was recorded: `DSURecording` says what it was like and what it is like, the rest is
//! [`diff`].
//!
//! Each line is `old`, `new` or `both`, a space, and a definition or method as JSON. Definitions are those of the whole program, since what
//! a variable has become depends on superclasses; methods are those of classes and traits where anything is different.

use std::collections::BTreeMap;

use instar_interp::source::{
    ClassDef, Composition, ExtensionDef, Filing, Layout, MethodDef, Package, Place, Side, SourceFile, Style,
    TraitDef,
};
use instar_interp::syntax::{Span, SyntaxError};
use serde::Deserialize;

use super::diff::diff;
use super::model::{Patch, ROOT};

/// What a line says.
#[derive(Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
enum Recorded {
    Class(Definition),
    Trait(Definition),
    Method(Method),
}

#[derive(Deserialize)]
struct Definition {
    name: String,
    superclass: String,
    layout: String,
    instance_variables: Vec<String>,
    class_variables: Vec<String>,
    class_instance_variables: Vec<String>,
    pools: Vec<String>,
    traits: String,
    class_traits: String,
    package: String,
    tag: String,
    comment: String,
}

#[derive(Deserialize)]
struct Method {
    owner: String,
    class_side: bool,
    protocol: String,
    package: String,
    source: String,
}

/// One of the two versions. Methods wait until all definitions are known: only then is it known which of them extend.
#[derive(Default)]
struct Version {
    packages: BTreeMap<String, Package>,
    methods: Vec<(String, String, MethodDef)>,
}

/// The patch that makes what was recorded: of a program as it was the one that it is. It fits any base, since what a program knows of itself
/// lacks comments of packages and statements outside of methods.
///
/// # Errors
/// What is wrong with the text, which says what a program knows of itself.
pub fn recorded(name: &str, text: &str) -> Result<Patch, String> {
    let (mut old, mut new) = (Version::default(), Version::default());
    for line in text.lines() {
        let (version, json) = line.split_once(' ').unwrap_or((line, ""));
        let said = || serde_json::from_str(json).map_err(|error| format!("{error} in {line}"));
        match version {
            "old" => old.add(said()?)?,
            "new" => new.add(said()?)?,
            "both" => {
                old.add(said()?)?;
                new.add(said()?)?;
            }
            _ => return Err(format!("expected old, new or both: {line}")),
        }
    }
    let mut patch = diff(name, &old.finish(), &new.finish());
    patch.base = None;
    patch.packages.clear();
    Ok(patch)
}

impl Version {
    fn package(&mut self, name: &str) -> &mut Package {
        self.packages.entry(name.to_owned()).or_insert_with(|| Package::new(name))
    }

    fn add(&mut self, recorded: Recorded) -> Result<(), String> {
        match recorded {
            Recorded::Class(definition) => {
                let class = definition.class()?;
                self.package(&definition.package).classes.push(class);
            }
            Recorded::Trait(definition) => {
                let made = definition.made_trait()?;
                self.package(&definition.package).traits.push(made);
            }
            Recorded::Method(method) => {
                let side = if method.class_side { Side::Class } else { Side::Instance };
                let made = MethodDef::from_source(side, Some(method.protocol), method.source);
                let made = made.map_err(|errors| wrong(&format!("a method of {}", method.owner), &errors))?;
                self.methods.push((method.package, method.owner, made));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<Package> {
        for (package, owner, method) in std::mem::take(&mut self.methods) {
            add_method(self.package(&package), &owner, method);
        }
        self.packages.into_values().collect()
    }
}

/// Puts a method to its owner if that is in the package, and to what extends it if not.
fn add_method(package: &mut Package, owner: &str, method: MethodDef) {
    if let Some(class) = package.classes.iter_mut().find(|class| class.name == owner) {
        return class.methods.push(method);
    }
    if let Some(made) = package.traits.iter_mut().find(|made| made.name == owner) {
        return made.methods.push(method);
    }
    if let Some(extension) = package.extensions.iter_mut().find(|extension| extension.name == owner) {
        return extension.methods.push(method);
    }
    let (name, methods) = (owner.to_owned(), vec![method]);
    package.extensions.push(ExtensionDef { name, methods, style: Style::default(), place: nowhere() });
}

impl Definition {
    fn class(&self) -> Result<ClassDef, String> {
        let superclass = (self.superclass != ROOT).then(|| self.superclass.clone());
        let mut class = ClassDef::new(&self.name, superclass, nowhere());
        class.layout = Layout::named(&self.layout)
            .ok_or_else(|| format!("{} has the layout {}, which is none", self.name, self.layout))?;
        class.instance_variables.clone_from(&self.instance_variables);
        class.class_variables.clone_from(&self.class_variables);
        class.class_instance_variables.clone_from(&self.class_instance_variables);
        class.pools.clone_from(&self.pools);
        (class.traits, class.class_traits) = self.compositions()?;
        class.filing = self.filing();
        class.comment = self.comment();
        Ok(class)
    }

    fn made_trait(&self) -> Result<TraitDef, String> {
        let mut made = TraitDef::new(&self.name, nowhere());
        (made.traits, made.class_traits) = self.compositions()?;
        made.filing = self.filing();
        made.comment = self.comment();
        Ok(made)
    }

    fn compositions(&self) -> Result<(Composition, Composition), String> {
        let parse = |text: &str| {
            Composition::parse(text).map_err(|errors| wrong(&format!("what {} uses", self.name), &errors))
        };
        Ok((parse(&self.traits)?, parse(&self.class_traits)?))
    }

    fn filing(&self) -> Filing {
        let tag = Some(self.tag.clone()).filter(|tag| !tag.is_empty());
        Filing { category: None, package: Some(self.package.clone()), tag }
    }

    fn comment(&self) -> Option<String> {
        Some(self.comment.clone()).filter(|text| !text.is_empty())
    }
}

fn nowhere() -> Place {
    Place { file: SourceFile::new("", ""), span: Span::new(0, 0) }
}

fn wrong(what: &str, errors: &[SyntaxError]) -> String {
    let texts: Vec<String> = errors.iter().map(|error| error.message.to_string()).collect();
    format!("{what}: {}", texts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::recorded;

    fn class(name: &str, layout: &str, variables: &str) -> String {
        format!(
            r#"{{"is":"class","name":"{name}","superclass":"Object","layout":"{layout}","instance_variables":[{variables}],"class_variables":[],"class_instance_variables":[],"pools":[],"traits":"","class_traits":"","package":"P","tag":"","comment":""}}"#
        )
    }

    fn method(source: &str, package: &str) -> String {
        format!(
            r#"{{"is":"method","owner":"A","class_side":false,"protocol":"p","package":"{package}","source":"{source}"}}"#
        )
    }

    #[test]
    fn the_difference_of_the_two_versions_is_the_patch() {
        let (a, b) = (class("A", "normal", r#""x""#), class("B", "normal", ""));
        let moved = class("B", "variable", "");
        let (same, other) = (method("x ^ x", "P"), method("x ^ x + 1", "P"));
        let text = format!("both {a}\nold {same}\nold {b}\nnew {moved}\nnew {other}\n");
        let patch = recorded("n", &text).unwrap();
        assert_eq!(patch.changed(), ["B", "A>>x"]);
        assert!(patch.base.is_none() && patch.packages.is_empty());
        // A method that stands before its class is no extension.
        let text = format!("old {same}\nboth {a}\nnew {same}\n");
        assert!(recorded("n", &text).unwrap().is_empty());
        let moved = method("x ^ x", "Q");
        let patch = recorded("n", &format!("both {a}\nold {same}\nnew {moved}\n")).unwrap();
        assert_eq!(patch.methods[0].package.as_deref(), Some("Q"));
        assert!(recorded("n", "").unwrap().is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let error = |text: &str| recorded("n", text).unwrap_err();
        assert!(error("sometimes {}").contains("expected old, new or both"));
        assert!(error("new {").contains("EOF"));
        assert!(error(&format!("new {}", class("A", "round", ""))).contains("A has the layout round"));
        assert!(error(&format!("new {}", method(": x", "P"))).contains("a method of A: "));
    }
}
