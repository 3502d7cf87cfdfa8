//! Refactorings that make patches (gDSU 4.2): what a program does stays, how it is written changes, and its objects follow by a standard policy.
//!
//! | file | idea |
//! |---|---|
//! | `program.rs` | classes, hierarchies, what names mean; the library is known and never changed |
//! | `walk.rs` | what a method's tree says, place by place, and which names are local there |
//! | `edit.rs` | exact ranges of text replaced |
//! | `draft.rs`, `order.rs` | the patch that is made, and the packages behind it |
//! | `files.rs` | packages behind a refactoring written into their folder |
//! | `names.rs`, `refused.rs` | what may be a name; why a refactoring is not done |
//! | the others | one refactoring each, with its preconditions |
//!
//! A refactoring whose preconditions do not hold is refused and changes nothing. What it cannot know, as whether a symbol is a selector, it warns of.

mod add_variable;
mod draft;
mod edit;
mod extract_superclass;
mod files;
mod move_method;
mod move_variable;
mod names;
mod order;
mod program;
mod refused;
mod remove_variable;
mod rename_class;
mod rename_method;
mod rename_variable;
mod split_class;
mod walk;

use instar_interp::source::{self, Package, Side, SourceErrors, SourceFile};

use crate::patch::Patch;
use program::Program;

pub use files::write_into;
pub use refused::Refused;

/// The sorts of variables that a class declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VariableKind {
    /// Each instance has its own.
    #[default]
    Instance,
    /// The class as an object has it, and each subclass its own.
    ClassSide,
    /// The class, its subclasses and all their instances share it.
    Shared,
}

impl VariableKind {
    fn name(self) -> &'static str {
        match self {
            VariableKind::Instance => "instance variable",
            VariableKind::ClassSide => "class-side instance variable",
            VariableKind::Shared => "class variable",
        }
    }

    /// The sides of a class whose methods see it.
    fn sides(self) -> &'static [Side] {
        match self {
            VariableKind::Instance => &[Side::Instance],
            VariableKind::ClassSide => &[Side::Class],
            VariableKind::Shared => &[Side::Instance, Side::Class],
        }
    }
}

/// A method as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodName {
    /// The class.
    pub class: String,
    /// Its side.
    pub side: Side,
    /// The selector.
    pub selector: String,
}

impl std::str::FromStr for MethodName {
    type Err = String;

    /// `Point>>x` or `Point class>>x:y:`
    fn from_str(text: &str) -> Result<MethodName, String> {
        let wrong = || format!("{text:?} names no method: write it as in Point>>x or 'Point class>>x:y:'");
        let (owner, selector) = text.split_once(">>").ok_or_else(wrong)?;
        let (owner, selector) = (owner.trim(), selector.trim());
        let (class, side) = match owner.strip_suffix(" class") {
            Some(class) => (class.trim_end(), Side::Class),
            None => (owner, Side::Instance),
        };
        if class.is_empty() || selector.is_empty() {
            return Err(wrong());
        }
        Ok(MethodName { class: class.to_owned(), side, selector: selector.to_owned() })
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "each field is what its name says, of the refactoring that its variant documents"
)]
pub enum Refactoring {
    /// A variable gets a new name, in its declaration and in all methods.
    RenameVariable { class: String, kind: VariableKind, old: String, new: String },
    /// A class gets a new name, in its definition and wherever it is named.
    RenameClass { old: String, new: String },
    /// A selector gets a new name, in all methods and messages, or in those of one hierarchy.
    RenameMethod { method: MethodName, new: String, only_hierarchy: bool },
    /// A class gets a variable, whose value in what exists is that of an expression.
    AddVariable { class: String, kind: VariableKind, name: String, default: Option<String>, initialize: bool },
    /// A variable that no method uses goes.
    RemoveVariable { class: String, kind: VariableKind, name: String },
    /// A variable moves to the superclass; other subclasses that declare it share that one.
    PullUpVariable { class: String, kind: VariableKind, name: String },
    /// A variable moves to subclasses: those that are named, or that use it.
    PushDownVariable { class: String, kind: VariableKind, name: String, into: Vec<String> },
    /// A method moves to the superclass; equal ones in other subclasses go.
    PullUpMethod { method: MethodName },
    /// A method moves to all direct subclasses that have none of their own, or to those that are named.
    PushDownMethod { method: MethodName, into: Vec<String> },
    /// A new superclass between classes and the one that they have in common, with some of their variables and methods.
    ExtractSuperclass { classes: Vec<String>, name: String, variables: Vec<String>, methods: Vec<String> },
    /// Variables move to an object of a new class, which a new variable holds.
    SplitClass { class: String, variables: Vec<String>, into: String, holder: String },
}

/// What a refactoring comes to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What makes the new version of the old one, in sources and in a program that runs.
    pub patch: Patch,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// The packages as they are then, in the order that they had.
    pub after: Vec<Package>,
    /// Methods whose owner or selector is another.
    moved: Vec<(draft::Key, draft::Key)>,
}

/// Does a refactoring of packages, which are used with a library that stays as it is.
///
/// # Errors
/// If a precondition does not hold: nothing is done then.
pub fn refactor(what: &Refactoring, packages: &[Package], library: &[Package]) -> Result<Outcome, Refused> {
    let program = Program::new(packages, library);
    for method in program.own_methods() {
        method.parse()?;
    }
    let mut outcome = match what {
        Refactoring::RenameVariable { class, kind, old, new } => {
            rename_variable::run(&program, class, *kind, old, new)
        }
        Refactoring::RenameClass { old, new } => rename_class::run(&program, old, new),
        Refactoring::RenameMethod { method, new, only_hierarchy } => {
            rename_method::run(&program, method, new, *only_hierarchy)
        }
        Refactoring::AddVariable { class, kind, name, default, initialize } => {
            add_variable::run(&program, class, (*kind, name), default.as_deref(), *initialize)
        }
        Refactoring::RemoveVariable { class, kind, name } => {
            remove_variable::run(&program, class, *kind, name)
        }
        Refactoring::PullUpVariable { class, kind, name } => {
            move_variable::pull_up(&program, class, *kind, name)
        }
        Refactoring::PushDownVariable { class, kind, name, into } => {
            move_variable::push_down(&program, class, *kind, name, into)
        }
        Refactoring::PullUpMethod { method } => move_method::pull_up(&program, method),
        Refactoring::PushDownMethod { method, into } => move_method::push_down(&program, method, into),
        Refactoring::ExtractSuperclass { classes, name, variables, methods } => {
            extract_superclass::run(&program, library, classes, name, variables, methods)
        }
        Refactoring::SplitClass { class, variables, into, holder } => {
            split_class::run(&program, class, variables, into, holder)
        }
    }?;
    outcome.warnings.dedup();
    Ok(outcome)
}

/// The library that packages are used with: the kernel that is built in.
///
/// # Errors
/// If it cannot be read, which the tests exclude.
pub fn kernel() -> Result<Vec<Package>, SourceErrors> {
    let files = instar_interp::bootstrap::sources();
    let files: Vec<_> = files.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
    source::read_files(&files)
}
