//! The commands that make and check patch files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use instar_dsu::patch::{self, Patch};
use instar_interp::source::{self, Package};

use crate::smalltalk::{complain, say};
use crate::{FAILED, Failure, REFUSED, failed};

#[derive(Subcommand)]
pub enum PatchCommand {
    /// Make the patch between two folders with packages, or two revisions in git
    ///
    /// Renames of classes and variables and variables that move are proposed; what is a guess is marked #undecided in the file, which is refused
    /// until a person has decided. Exit status: 0 if a patch was made, 1 if sources cannot be read.
    Diff {
        /// Packages as they were
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// Packages as they shall be
        #[arg(value_name = "NEW")]
        new: PathBuf,
        /// Only this package (may be given several times) [default: all in both folders]
        #[arg(long = "package", value_name = "NAME")]
        packages: Vec<String>,
        /// What the patch is called [default: from the folders' names]
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Who makes it
        #[arg(long, value_name = "NAME")]
        author: Option<String>,
        /// Write into this file [default: the output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Read a patch and say what is wrong with it, and what is undecided
    ///
    /// Exit status: 0 if it can be applied, 1 if it is wrong or undecided.
    Check {
        /// The patch
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Packages that it is to be applied to: is it made for them?
        #[arg(long, value_name = "FOLDER")]
        base: Option<PathBuf>,
    },
    /// Make the patch that takes another one back
    ///
    /// Where values were lost, the inverse says in #undecided which policy is missing.
    Invert {
        /// The patch
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The packages that it was made for
        #[arg(long, value_name = "FOLDER")]
        base: PathBuf,
    },
    /// Print the hash of the version that packages are
    Version {
        /// Folders with packages
        #[arg(required = true, value_name = "FOLDER")]
        paths: Vec<PathBuf>,
    },
    /// Print the Smalltalk expression whose value is the engine's patch
    Expression {
        /// The patch
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs one of them.
pub fn run(command: PatchCommand) -> Result<ExitCode, Failure> {
    match command {
        PatchCommand::Diff { old, new, packages, name, author, output } => {
            let (before, after) = (version(&old, &packages)?, version(&new, &packages)?);
            for wanted in &packages {
                if !before.iter().chain(&after).any(|package| package.name == *wanted) {
                    return Err((REFUSED, format!("neither folder has a package {wanted}")));
                }
            }
            let name = name.unwrap_or_else(|| format!("From {} to {}", old.display(), new.display()));
            let mut made = patch::diff(&name, &before, &after);
            made.author = author;
            let text = made.write().map_err(failed)?;
            match output {
                Some(file) => std::fs::write(&file, text)
                    .map_err(|error| (FAILED, format!("{} cannot be written: {error}", file.display())))?,
                None => say(text.trim_end()),
            }
            let count = made.undecided().len();
            if count > 0 {
                complain(format_args!("{count} to be decided: look for #undecided\n"));
            }
            Ok(ExitCode::SUCCESS)
        }
        PatchCommand::Check { file, base } => check(&file, base.as_deref()),
        PatchCommand::Invert { file, base } => {
            let read = read(&file)?;
            let packages = chosen(&base, &read.packages)?;
            read.check_base(&packages).map_err(failed)?;
            say(read.invert(&packages).map_err(failed)?.write().map_err(failed)?.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        PatchCommand::Version { paths } => {
            let packages: Result<Vec<Vec<Package>>, Failure> =
                paths.iter().map(|path| packages_in(path)).collect();
            say(patch::version_hash(&packages?.concat()));
            Ok(ExitCode::SUCCESS)
        }
        PatchCommand::Expression { file } => {
            say(read(&file)?.expression().map_err(failed)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(file: &Path, base: Option<&Path>) -> Result<ExitCode, Failure> {
    let read = read(file)?;
    if let Some(folder) = base {
        let packages = chosen(folder, &read.packages)?;
        read.check_base(&packages).map_err(failed)?;
    }
    read.expression().map_err(failed)?;
    say(format_args!(
        "{}: {} classes and traits, {} methods, {} policies, {} validations; nothing is undecided",
        read.name,
        read.classes.len(),
        read.methods.len(),
        read.policies.len(),
        read.validations.len()
    ));
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Patch, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| (REFUSED, format!("{} cannot be read: {error}", file.display())))?;
    patch::read(&file.to_string_lossy(), &text).map_err(|errors| {
        complain(&errors);
        (FAILED, format!("{} is no patch that can be read", file.display()))
    })
}

fn packages_in(path: &Path) -> Result<Vec<Package>, Failure> {
    if !path.exists() {
        return Err((REFUSED, format!("there is no file or folder {}", path.display())));
    }
    source::read(path).map_err(|errors| {
        complain(&errors);
        (FAILED, format!("the packages in {} cannot be read", path.display()))
    })
}

/// A folder's packages, or those of a revision if there is no such folder.
fn version(path: &Path, names: &[String]) -> Result<Vec<Package>, Failure> {
    if path.exists() {
        return chosen(path, names);
    }
    let revision = path.to_string_lossy();
    if names.is_empty() {
        let message =
            format!("there is no folder {revision}; if it is a revision of git, say --package NAME");
        return Err((REFUSED, message));
    }
    patch::packages_at(Path::new("."), &revision, names).map_err(failed)
}

/// Those of these names; all if none is named.
fn chosen(path: &Path, names: &[String]) -> Result<Vec<Package>, Failure> {
    let mut packages = packages_in(path)?;
    packages.retain(|package| names.is_empty() || names.contains(&package.name));
    Ok(packages)
}
