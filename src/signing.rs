//! The commands that make keys and sign patches.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use instar_dsu::control::PrivateKey;

use crate::control::signature_file;
use crate::smalltalk::say;
use crate::{Failure, REFUSED};

/// Where a new key goes.
#[derive(Args)]
pub struct KeygenArguments {
    /// The file with the private key, which is made for its owner only
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What is signed, and with which key.
#[derive(Args)]
pub struct SignArguments {
    /// The file with the private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The patch; its signature is written beside it, with `.sig` behind its name
    #[arg(value_name = "PATCH")]
    patch: PathBuf,
}

fn refused(reason: String) -> Failure {
    (REFUSED, reason)
}

/// Makes a key, and prints its public half.
pub fn keygen(arguments: &KeygenArguments) -> Result<ExitCode, Failure> {
    let key = PrivateKey::generate().map_err(refused)?;
    key.write(&arguments.file).map_err(refused)?;
    say(key.public());
    Ok(ExitCode::SUCCESS)
}

/// Signs a patch.
pub fn sign(arguments: &SignArguments) -> Result<ExitCode, Failure> {
    let key = PrivateKey::read(&arguments.key).map_err(refused)?;
    let patch = &arguments.patch;
    let text = std::fs::read_to_string(patch)
        .map_err(|error| refused(format!("{} cannot be read: {error}", patch.display())))?;
    let file = signature_file(patch);
    std::fs::write(&file, format!("{}\n", key.sign(&text)))
        .map_err(|error| refused(format!("{} cannot be written: {error}", file.display())))?;
    say(format_args!("{}: signed by {}", file.display(), key.public()));
    Ok(ExitCode::SUCCESS)
}
