//! The version of a program as a hash: what a patch was made for, and what it is applied to, must be the same.
//!
//! [version-hash] SHA-256 over all definitions and methods of the packages as text, sorted, each with its length before it. Not part of it: the
//! order of classes and methods, which files they stand in, metadata's layout and style, kinds of line ends, space at the end of lines and methods.

use instar_interp::source::{Composition, MethodDef, Package, Side};
use sha2::{Digest, Sha256};

/// The hash of these packages together, `sha256:…`.
pub fn version_hash(packages: &[Package]) -> String {
    let mut lines = Vec::new();
    packages.iter().for_each(|package| add_package(package, &mut lines));
    lines.sort();
    let mut hash = Sha256::new();
    for line in &lines {
        hash.update((line.len() as u64).to_le_bytes());
        hash.update(line.as_bytes());
    }
    let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// Parts of an entry do not run into each other: each has its length before it.
fn entry(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("{}:{part}", part.len())).collect()
}

fn list(names: &[String]) -> String {
    entry(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn composition(traits: &Composition) -> String {
    let uses = traits.uses.iter().map(|one| {
        let aliases: Vec<String> = one.aliases.iter().map(|(new, old)| entry(&[new, old])).collect();
        entry(&[
            &one.name,
            if one.is_class_side { "class" } else { "" },
            &list(&one.exclusions),
            &list(&aliases),
        ])
    });
    list(&uses.collect::<Vec<_>>())
}

fn add_package(package: &Package, lines: &mut Vec<String>) {
    let of = &package.name;
    lines.push(entry(&["package", of, &normalised(package.comment.as_deref().unwrap_or_default())]));
    for class in &package.classes {
        lines.push(entry(&[
            "class",
            of,
            &class.name,
            class.superclass.as_deref().unwrap_or_default(),
            &composition(&class.traits),
            &composition(&class.class_traits),
            class.layout.name(),
            &list(&class.instance_variables),
            &list(&class.class_variables),
            &list(&class.pools),
            &list(&class.class_instance_variables),
            class.filing.tag.as_deref().unwrap_or_default(),
            &normalised(class.comment.as_deref().unwrap_or_default()),
        ]));
    }
    for made in &package.traits {
        lines.push(entry(&[
            "trait",
            of,
            &made.name,
            &composition(&made.traits),
            &composition(&made.class_traits),
            &list(&made.instance_variables),
            &list(&made.class_instance_variables),
            made.filing.tag.as_deref().unwrap_or_default(),
            &normalised(made.comment.as_deref().unwrap_or_default()),
        ]));
    }
    lines.extend(package.methods().map(|(owner, method)| method_entry(of, owner, method)));
    lines.extend(package.doits.iter().map(|doit| entry(&["doit", of, &normalised(doit.source())])));
}

fn method_entry(package: &str, owner: &str, method: &MethodDef) -> String {
    let side = if method.side == Side::Class { "class" } else { "instance" };
    let category = method.category.as_deref().unwrap_or_default();
    entry(&["method", package, owner, side, category, &normalised(&method.source())])
}

/// Without what editors and version control change: line ends, and space before them.
pub(super) fn normalised(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// A patch is applied to another version than it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherBase {
    /// What it was made for.
    pub expected: String,
    /// What it was to be applied to.
    pub found: String,
    /// Names of the packages that are missing.
    pub missing: Vec<String>,
}

impl std::fmt::Display for OtherBase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (expected, found) = (&self.expected, &self.found);
        write!(formatter, "the patch was made for the version {expected}, but the program is {found}")?;
        if !self.missing.is_empty() {
            write!(formatter, "; it lacks the packages {}", self.missing.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for OtherBase {}

impl super::Patch {
    /// Is it made for this program? Of the packages those are looked at that the patch names; a patch without a base fits any.
    ///
    /// # Errors
    /// If it is made for another one.
    pub fn check_base(&self, program: &[Package]) -> Result<(), OtherBase> {
        let Some(expected) = &self.base else { return Ok(()) };
        let is_named = |package: &&Package| self.packages.is_empty() || self.packages.contains(&package.name);
        let named: Vec<Package> = program.iter().filter(is_named).cloned().collect();
        let found = version_hash(&named);
        if found == *expected {
            return Ok(());
        }
        let is_missing = |name: &&String| !named.iter().any(|package| package.name == **name);
        let missing = self.packages.iter().filter(is_missing).cloned().collect();
        Err(OtherBase { expected: expected.clone(), found, missing })
    }
}
