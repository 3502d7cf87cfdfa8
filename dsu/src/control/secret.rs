//! Files that nobody but their owner may read, and the token that one of them may hold.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of a token: what cannot be guessed, and what a greeting has room for.
const TOKEN_BYTES: std::ops::RangeInclusive<usize> = 32..=1024;
/// Bytes of a file with a secret.
const MOST_BYTES: u64 = 4096;

/// How a token is made.
pub const TOKEN_MEND: &str = "make one by (umask 077; head -c 32 /dev/urandom | base64 > FILE) and say --control-token-file FILE, or put it into INSTAR_CONTROL_TOKEN";

/// What whoever comes over TCP must know. It is never shown.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// That in a file which its owner alone may read.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn read(path: &Path) -> Result<Token, String> {
        Token::new(&read(path)?).map_err(|reason| format!("{}: {reason}", path.display()))
    }

    /// This one; space around it does not count.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn new(text: &str) -> Result<Token, String> {
        let token = text.trim();
        if !TOKEN_BYTES.contains(&token.len()) {
            let (least, most) = (TOKEN_BYTES.start(), TOKEN_BYTES.end());
            return Err(format!(
                "the token has {} bytes, and must have from {least} to {most}: {TOKEN_MEND}",
                token.len()
            ));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("the token is not one line of visible ASCII characters: {TOKEN_MEND}"));
        }
        Ok(Token(token.to_owned()))
    }

    /// Whether both are the same, in a time that tells neither where they differ nor how long they are.
    pub(super) fn is(&self, other: &Token) -> bool {
        let digest = |token: &Token| Sha256::digest(token.0.as_bytes());
        digest(self).as_slice().ct_eq(digest(other).as_slice()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The text of a file that its owner alone may read.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let failed = |error: io::Error| format!("{shown} cannot be read: {error}");
    let file = File::open(path).map_err(failed)?;
    let data = file.metadata().map_err(failed)?;
    if !data.is_file() {
        return Err(format!("{shown} is no plain file"));
    }
    if data.mode() & 0o077 != 0 {
        return Err(format!("{shown} may be read or written by others than its owner: chmod 600 {shown}"));
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Makes a file that its owner alone may read. One that is there is left alone.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })
    .map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const TEXT: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn tokens_are_long_visible_and_never_shown() {
        let token = Token::new(&format!("  {TEXT}\n")).unwrap();
        assert_eq!(format!("{token:?}"), "Token");
        assert!(token.is(&Token(TEXT.to_owned())));
        for other in ["", &TEXT[1..], &TEXT.to_uppercase(), &format!("{TEXT}0")] {
            assert!(!token.is(&Token(other.to_owned())), "{other}");
        }
        for (wrong, reason) in [
            (String::new(), "has 0 bytes"),
            (TEXT[1..].to_owned(), "has 31 bytes"),
            ("x".repeat(1025), "has 1025 bytes"),
            (format!("{TEXT} {TEXT}"), "visible ASCII"),
            (format!("{TEXT}\u{e4}"), "visible ASCII"),
        ] {
            let said = Token::new(&wrong).unwrap_err();
            assert!(said.contains(reason) && said.contains("/dev/urandom"), "{said}");
        }
    }

    #[test]
    fn files_with_secrets_are_their_owners() {
        let path = std::env::temp_dir().join(format!("instar-secret-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        assert!(Token::read(&path).unwrap_err().contains("cannot be read"));
        write(&path, TEXT).unwrap();
        assert!(write(&path, "other").unwrap_err().contains("cannot be written"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Token::read(&path).unwrap().is(&Token(TEXT.to_owned())));
        for mode in [0o640, 0o604, 0o620, 0o644] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let said = Token::read(&path).unwrap_err();
            assert!(said.contains(&format!("chmod 600 {}", path.display())), "{said}");
        }
        fs::remove_file(&path).unwrap();
        assert!(read(&std::env::temp_dir()).unwrap_err().contains("no plain file"));
    }
}
