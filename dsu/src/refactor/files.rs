//! The packages behind a refactoring, written into the folder that they were read from.
//!
//! [exact-ranges] In a file only what changes is written anew: the ranges of methods, and a definition that is another. A definition is
//! written in the layout of Tonel's writer.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use instar_interp::source::tonel::{self, TonelFile};
use instar_interp::source::{ClassDef, ExtensionDef, MethodDef, Package, Place, SourceFile, TraitDef};

use super::Outcome;

/// What is written and what goes.
#[derive(Debug, Default)]
struct Plan {
    texts: Vec<(String, String)>,
    gone: Vec<String>,
}

/// Writes what an outcome changes of the packages that it was made for. Answers the files that were written or removed.
///
/// # Errors
/// If a package does not stand in Tonel files, or a file cannot be written. All texts are made and read back before the first is written.
pub fn write_into(outcome: &Outcome, before: &[Package]) -> Result<Vec<PathBuf>, String> {
    let mut plan = Plan::default();
    for package in &outcome.after {
        let old = before.iter().find(|old| old.name == package.name);
        let old =
            old.ok_or_else(|| format!("the package {} has no folder yet: make one first", package.name))?;
        plan_package(outcome, old, package, &mut plan)?;
    }
    let mut touched = Vec::new();
    for (path, text) in &plan.texts {
        fs::write(path, text).map_err(|error| format!("{path} cannot be written: {error}"))?;
        touched.push(PathBuf::from(path));
    }
    for path in &plan.gone {
        fs::remove_file(path).map_err(|error| format!("{path} cannot be removed: {error}"))?;
        touched.push(PathBuf::from(path));
    }
    Ok(touched)
}

fn plan_package(outcome: &Outcome, old: &Package, new: &Package, plan: &mut Plan) -> Result<(), String> {
    let old_name = |name: &str| {
        let classes = outcome.patch.classes.iter();
        let renamed = classes.filter(|class| class.name == name).find_map(|class| class.old_name.clone());
        renamed.unwrap_or_else(|| name.to_owned())
    };
    let mut kept = Vec::new();
    for class in &new.classes {
        let name = old_name(&class.name);
        let earlier = old.classes.iter().find(|one| one.name == name).map(Piece::Class);
        kept.extend(earlier.map(|one| one.path().to_owned()));
        plan_file(outcome, old, earlier, Piece::Class(class), plan)?;
    }
    for made in &new.traits {
        let earlier = old.traits.iter().find(|one| one.name == made.name).map(Piece::Trait);
        kept.extend(earlier.map(|one| one.path().to_owned()));
        plan_file(outcome, old, earlier, Piece::Trait(made), plan)?;
    }
    for one in &new.extensions {
        let name = old_name(&one.name);
        let earlier = old.extensions.iter().find(|one| one.name == name).map(Piece::Extension);
        kept.extend(earlier.map(|one| one.path().to_owned()));
        plan_file(outcome, old, earlier, Piece::Extension(one), plan)?;
    }
    let gone = old.extensions.iter().map(|one| &one.place.file.path).filter(|path| !kept.contains(path));
    plan.gone.extend(gone.cloned());
    Ok(())
}

/// What a Tonel file defines.
#[derive(Clone, Copy)]
enum Piece<'p> {
    Class(&'p ClassDef),
    Trait(&'p TraitDef),
    Extension(&'p ExtensionDef),
}

impl<'p> Piece<'p> {
    fn name(&self) -> &'p str {
        match self {
            Piece::Class(one) => &one.name,
            Piece::Trait(one) => &one.name,
            Piece::Extension(one) => &one.name,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Piece::Class(_) => "class",
            Piece::Trait(_) => "trait",
            Piece::Extension(_) => "extension",
        }
    }

    fn place(&self) -> &'p Place {
        match self {
            Piece::Class(one) => &one.place,
            Piece::Trait(one) => &one.place,
            Piece::Extension(one) => &one.place,
        }
    }

    fn path(&self) -> &'p str {
        &self.place().file.path
    }

    fn methods(&self) -> &'p [MethodDef] {
        match self {
            Piece::Class(one) => &one.methods,
            Piece::Trait(one) => &one.methods,
            Piece::Extension(one) => &one.methods,
        }
    }

    /// The file as the writer makes it, with these methods.
    fn canonical(&self, methods: &[MethodDef]) -> Result<String, String> {
        let mut package = Package::new("P");
        let methods = methods.to_vec();
        match self {
            Piece::Class(one) => package.classes.push(ClassDef { methods, ..(*one).clone() }),
            Piece::Trait(one) => package.traits.push(TraitDef { methods, ..(*one).clone() }),
            Piece::Extension(one) => package.extensions.push(ExtensionDef { methods, ..(*one).clone() }),
        }
        let files = tonel::write(&package).map_err(|errors| errors.to_string())?;
        Ok(files.into_iter().nth(1).map(|(_, text)| text).unwrap_or_default())
    }

    fn is_said_by(&self, read: &TonelFile) -> bool {
        match (self, read) {
            (Piece::Class(one), TonelFile::Class(read)) => *one == read,
            (Piece::Trait(one), TonelFile::Trait(read)) => *one == read,
            (Piece::Extension(one), TonelFile::Extension(read)) => *one == read,
            _ => false,
        }
    }
}

fn plan_file(
    outcome: &Outcome,
    package: &Package,
    old: Option<Piece<'_>>,
    new: Piece<'_>,
    plan: &mut Plan,
) -> Result<(), String> {
    let folder = match old {
        Some(old) => old.place().file.folder().to_owned(),
        None => folder_of(package)?,
    };
    let is_known = |old: &Piece<'_>| old.path().ends_with(&format!("{}.{}.st", old.name(), old.kind()));
    if old.is_some_and(|old| old.name() == new.name() && untouched(&old, &new)) {
        return Ok(());
    }
    if let Some(old) = old.filter(|old| !is_known(old)) {
        return Err(format!(
            "{} is no Tonel file of {}: only Tonel is written, so apply the patch by hand",
            old.path(),
            old.name()
        ));
    }
    let text = match old {
        Some(old) => spliced(outcome, &old, &new)?,
        None => new.canonical(new.methods())?,
    };
    let slash = if folder.is_empty() { "" } else { "/" };
    let path = format!("{folder}{slash}{}.{}.st", new.name(), new.kind());
    let read =
        tonel::parse(&SourceFile::new(path.clone(), text.clone())).map_err(|errors| errors.to_string())?;
    if !new.is_said_by(&read) {
        return Err(format!("{path} would not say what the patch makes of it: apply the patch by hand"));
    }
    if let Some(old) = old.filter(|old| old.path() != path) {
        plan.gone.push(old.path().to_owned());
    }
    plan.texts.push((path, text));
    Ok(())
}

/// The folder that a Tonel package stands in.
fn folder_of(package: &Package) -> Result<String, String> {
    let classes = package.classes.iter().map(|class| &class.place);
    let others = package.extensions.iter().map(|one| &one.place);
    let found = classes.chain(others).find(|place| place.file.path.ends_with(".st"));
    let folder = found.map(|place| place.file.folder().to_owned());
    folder.ok_or_else(|| format!("the package {} stands in no folder", package.name))
}

fn is_same(one: &MethodDef, other: &MethodDef) -> bool {
    Arc::ptr_eq(&one.file, &other.file) && one.pattern == other.pattern
}

/// Does all stay as it was?
fn untouched(old: &Piece<'_>, new: &Piece<'_>) -> bool {
    let (before, after) = (old.methods(), new.methods());
    before.len() == after.len()
        && before.iter().zip(after).all(|(one, other)| is_same(one, other))
        && old.canonical(&[]).ok() == new.canonical(&[]).ok()
}

/// The old file with what changes put into its place.
fn spliced(outcome: &Outcome, old: &Piece<'_>, new: &Piece<'_>) -> Result<String, String> {
    let file = &*old.place().file.text;
    let (old_header, header) = (old.canonical(&[])?, new.canonical(&[])?);
    let definition_end = old.place().span.end as usize;
    let mut out =
        if old_header == header { file[..definition_end].to_owned() } else { header.trim_end().to_owned() };
    let line_end = if file.contains("\r\n") { "\r\n" } else { "\n" };
    for method in new.methods() {
        match old.methods().iter().position(|known| is_origin(outcome, old, new, known, method)) {
            Some(index) => {
                let known = &old.methods()[index];
                let start =
                    index.checked_sub(1).map_or(definition_end, |before| end_of(&old.methods()[before]));
                let head = &file[start..known.pattern.start as usize];
                out.push_str(&renamed(head, old.name(), new.name()));
                out.push_str(method.pattern());
                out.push_str(&file[known.pattern.end as usize..known.body.start as usize]);
                out.push_str(method.body());
                out.push(']');
            }
            None => {
                let alone = new.canonical(std::slice::from_ref(method))?;
                out.push_str(line_end);
                out.push_str(alone[header.len()..].trim_end());
            }
        }
    }
    let last = old.methods().last().map_or(definition_end, end_of);
    out.push_str(&file[last..]);
    Ok(out)
}

/// Behind the bracket that closes a method.
fn end_of(method: &MethodDef) -> usize {
    method.body.end as usize + 1
}

/// Is this the method that the other one was?
fn is_origin(
    outcome: &Outcome,
    old: &Piece<'_>,
    new: &Piece<'_>,
    known: &MethodDef,
    method: &MethodDef,
) -> bool {
    if is_same(known, method) {
        return true;
    }
    let selector = |method: &MethodDef| {
        method.selector().map_or_else(|_| String::new(), |selector| selector.text.into_owned())
    };
    let before = (old.name().to_owned(), known.side, selector(known));
    let after = (new.name().to_owned(), method.side, selector(method));
    let moved = outcome.moved.iter().find(|(from, _)| *from == before).map(|(_, to)| to);
    let expected = moved.map_or((before.1, &before.2), |(_, side, selector)| (*side, selector));
    expected == (after.1, &after.2) && known.category == method.category
}

/// What stands before a method's pattern, with the owner's new name.
fn renamed(head: &str, old: &str, new: &str) -> String {
    match head.rfind(old) {
        Some(at) if old != new => format!("{}{new}{}", &head[..at], &head[at + old.len()..]),
        _ => head.to_owned(),
    }
}
