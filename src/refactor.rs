//! The commands that refactor packages: each writes a patch, and on demand the sources behind it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use instar_dsu::refactor::{self, MethodName, Refactoring, VariableKind};
use instar_interp::source;

use crate::smalltalk::{complain, say};
use crate::{FAILED, Failure, REFUSED, failed};

/// What is refactored and where the patch goes.
#[derive(Args)]
pub struct Place {
    /// The folder with the packages
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Only this package (may be given several times) [default: all in the folder]
    #[arg(long = "package", value_name = "NAME")]
    packages: Vec<String>,
    /// Write the patch into this file [default: the output]
    #[arg(short, long, visible_alias = "out", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Change the sources in the folder, too
    #[arg(long)]
    write: bool,
    /// What the patch is called [default: what it does]
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Who makes it
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
}

/// Which sort of variable.
#[derive(Args)]
pub struct Kind {
    /// A variable of the class as an object, not of its instances
    #[arg(long, conflicts_with = "shared")]
    class_side: bool,
    /// A class variable, which the class and its instances share
    #[arg(long)]
    shared: bool,
}

impl Kind {
    fn kind(&self) -> VariableKind {
        match (self.class_side, self.shared) {
            (true, _) => VariableKind::ClassSide,
            (_, true) => VariableKind::Shared,
            _ => VariableKind::Instance,
        }
    }
}

#[derive(Subcommand)]
pub enum RefactorCommand {
    /// Rename a variable
    RenameVariable {
        #[command(flatten)]
        place: Place,
        /// The class that declares it
        class: String,
        /// Its name
        old: String,
        /// Its new name
        new: String,
        #[command(flatten)]
        kind: Kind,
    },
    /// Rename a class
    RenameClass {
        #[command(flatten)]
        place: Place,
        /// Its name
        old: String,
        /// Its new name
        new: String,
    },
    /// Rename a selector: all methods and messages of that name
    RenameMethod {
        #[command(flatten)]
        place: Place,
        /// A method of that name, as Point>>x or 'Point class>>x:y:'
        method: MethodName,
        /// The new selector
        new: String,
        /// Only the methods of this class and its subclasses; messages where it is known that they go there, others are shown
        #[arg(long)]
        only_hierarchy: bool,
    },
    /// Add a variable
    AddVariable {
        #[command(flatten)]
        place: Place,
        /// The class
        class: String,
        /// The variable
        variable: String,
        /// Its value in what exists: an expression [default: nil]
        #[arg(long, value_name = "SOURCE")]
        default: Option<String>,
        /// New instances get the value as well, by the method initialize
        #[arg(long)]
        initialize: bool,
        #[command(flatten)]
        kind: Kind,
    },
    /// Remove a variable that nothing uses
    RemoveVariable {
        #[command(flatten)]
        place: Place,
        /// The class that declares it
        class: String,
        /// The variable
        variable: String,
        #[command(flatten)]
        kind: Kind,
    },
    /// Move a variable to the superclass
    PullUpVariable {
        #[command(flatten)]
        place: Place,
        /// The class that declares it
        class: String,
        /// The variable
        variable: String,
        /// A variable of the class as an object, not of its instances
        #[arg(long)]
        class_side: bool,
    },
    /// Move a variable to subclasses
    PushDownVariable {
        #[command(flatten)]
        place: Place,
        /// The class that declares it
        class: String,
        /// The variable
        variable: String,
        /// A subclass that gets it (may be given several times) [default: those that use it]
        #[arg(long, value_name = "CLASS")]
        into: Vec<String>,
        /// A variable of the class as an object, not of its instances
        #[arg(long)]
        class_side: bool,
    },
    /// Move a method to the superclass; equal ones of other subclasses go
    PullUpMethod {
        #[command(flatten)]
        place: Place,
        /// As Point>>x or 'Point class>>x:y:'
        method: MethodName,
    },
    /// Move a method to the subclasses
    PushDownMethod {
        #[command(flatten)]
        place: Place,
        /// As Point>>x or 'Point class>>x:y:'
        method: MethodName,
        /// A subclass that gets it (may be given several times) [default: all that have none of their own]
        #[arg(long, value_name = "CLASS")]
        into: Vec<String>,
    },
    /// Put a new superclass above classes, with some of their variables and methods
    ExtractSuperclass {
        #[command(flatten)]
        place: Place,
        /// The new class
        superclass: String,
        /// A class that it is extracted from (may be given several times)
        #[arg(long = "from", required = true, value_name = "CLASS")]
        classes: Vec<String>,
        /// An instance variable that moves (may be given several times)
        #[arg(long = "variable", value_name = "NAME")]
        variables: Vec<String>,
        /// The selector of a method that moves (may be given several times)
        #[arg(long = "method", value_name = "SELECTOR")]
        methods: Vec<String>,
    },
    /// Move variables to objects of a new class, which a new variable holds
    SplitClass {
        #[command(flatten)]
        place: Place,
        /// The class
        class: String,
        /// The variables that move
        #[arg(required = true, value_name = "VARIABLE")]
        variables: Vec<String>,
        /// The new class
        #[arg(long, value_name = "CLASS")]
        into: String,
        /// The variable that holds its object
        #[arg(long = "as", value_name = "NAME")]
        holder: String,
    },
}

/// What is asked for, and where.
fn taken_apart(command: RefactorCommand) -> (Place, Refactoring) {
    use RefactorCommand as C;
    match command {
        C::RenameVariable { place, class, old, new, kind } => {
            (place, Refactoring::RenameVariable { class, kind: kind.kind(), old, new })
        }
        C::RenameClass { place, old, new } => (place, Refactoring::RenameClass { old, new }),
        C::RenameMethod { place, method, new, only_hierarchy } => {
            (place, Refactoring::RenameMethod { method, new, only_hierarchy })
        }
        C::AddVariable { place, class, variable, default, initialize, kind } => (
            place,
            Refactoring::AddVariable { class, kind: kind.kind(), name: variable, default, initialize },
        ),
        C::RemoveVariable { place, class, variable, kind } => {
            (place, Refactoring::RemoveVariable { class, kind: kind.kind(), name: variable })
        }
        C::PullUpVariable { place, class, variable, class_side } => {
            let kind = Kind { class_side, shared: false }.kind();
            (place, Refactoring::PullUpVariable { class, kind, name: variable })
        }
        C::PushDownVariable { place, class, variable, into, class_side } => {
            let kind = Kind { class_side, shared: false }.kind();
            (place, Refactoring::PushDownVariable { class, kind, name: variable, into })
        }
        C::PullUpMethod { place, method } => (place, Refactoring::PullUpMethod { method }),
        C::PushDownMethod { place, method, into } => (place, Refactoring::PushDownMethod { method, into }),
        C::ExtractSuperclass { place, superclass, classes, variables, methods } => {
            (place, Refactoring::ExtractSuperclass { classes, name: superclass, variables, methods })
        }
        C::SplitClass { place, class, variables, into, holder } => {
            (place, Refactoring::SplitClass { class, variables, into, holder })
        }
    }
}

/// Runs one of them.
pub fn run(command: RefactorCommand) -> Result<ExitCode, Failure> {
    let (place, what) = taken_apart(command);
    let folder = &place.folder;
    if !folder.exists() {
        return Err((REFUSED, format!("there is no folder {}", folder.display())));
    }
    let mut packages = source::read(folder).map_err(|errors| {
        complain(&errors);
        (FAILED, format!("the packages in {} cannot be read", folder.display()))
    })?;
    packages.retain(|package| place.packages.is_empty() || place.packages.contains(&package.name));
    for wanted in &place.packages {
        if !packages.iter().any(|package| package.name == *wanted) {
            return Err((REFUSED, format!("{} has no package {wanted}", folder.display())));
        }
    }
    let library = refactor::kernel().map_err(failed)?;
    let mut outcome = refactor::refactor(&what, &packages, &library).map_err(failed)?;
    outcome.patch.author = place.author;
    if let Some(name) = place.name {
        outcome.patch.name = name;
    }
    outcome.warnings.iter().for_each(|warning| complain(format_args!("warning: {warning}\n")));
    let text = outcome.patch.write().map_err(failed)?;
    match &place.output {
        Some(file) => std::fs::write(file, text)
            .map_err(|error| (FAILED, format!("{} cannot be written: {error}", file.display())))?,
        None => say(text.trim_end()),
    }
    if place.write {
        let touched = refactor::write_into(&outcome, &packages).map_err(failed)?;
        complain(format_args!("{} files changed in {}\n", touched.len(), folder.display()));
    }
    Ok(ExitCode::SUCCESS)
}
