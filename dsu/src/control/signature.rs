//! Signed patches: Ed25519 (RFC 8032) over the text of a patch, byte for byte, behind a prefix that no other use of a key has.
//!
//! A key is written as 64 hexadecimal digits. A signature is one line: the public key and what it signed, apart by a space.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::secret;

/// What is signed begins with this, so that a signature of a patch is one of nothing else.
const DOMAIN: &[u8] = b"instar patch 1\n";
/// What a file with a private key begins with, so that it is not taken for a public one.
const PRIVATE: &str = "instar-private-key ";

/// Who may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// What signs.
pub struct PrivateKey(SigningKey);

/// As many bytes as are wanted, from hexadecimal digits.
fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let decoded = base16ct::mixed::decode(digits, &mut bytes).ok()?;
    (decoded.len() == N).then_some(bytes)
}

fn signed(text: &str) -> Vec<u8> {
    [DOMAIN, text.as_bytes()].concat()
}

impl PrivateKey {
    /// A new one.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn generate() -> Result<PrivateKey, String> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| format!("no random numbers: {error}"))?;
        Ok(PrivateKey(SigningKey::from_bytes(&seed)))
    }

    /// That in a file, which only its owner may read.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn read(path: &Path) -> Result<PrivateKey, String> {
        let text = secret::read(path)?;
        let seed = text.trim().strip_prefix(PRIVATE).and_then(bytes);
        let seed = seed.ok_or_else(|| {
            format!("{} holds no private key: instar keygen FILE makes one", path.display())
        })?;
        Ok(PrivateKey(SigningKey::from_bytes(&seed)))
    }

    /// Makes a file with it, which only its owner may read.
    ///
    /// # Errors
    /// The file cannot be made, or is there already.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        secret::write(path, &format!("{PRIVATE}{}\n", base16ct::lower::encode_string(self.0.as_bytes())))
    }

    /// The other half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature of a patch's text, without an end of line.
    pub fn sign(&self, text: &str) -> String {
        let signature = self.0.sign(&signed(text));
        format!("{} {}", self.public(), base16ct::lower::encode_string(&signature.to_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<PublicKey, String> {
        let key = bytes(text).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        key.filter(|key| !key.is_weak()).map(PublicKey).ok_or_else(|| "it is no public key".to_owned())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(self.0.as_bytes()))
    }
}

impl PublicKey {
    /// The keys that an argument names: one as digits, or those in a file, a line each. What stands behind a key in its line is a remark, and so
    /// is a line that begins with `#`.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn named(argument: &str) -> Result<Vec<PublicKey>, String> {
        if let Ok(key) = argument.parse() {
            return Ok(vec![key]);
        }
        let text = std::fs::read_to_string(argument).map_err(|error| {
            format!("{argument} is neither a public key nor a file that can be read: {error}")
        })?;
        let words = text.lines().enumerate().filter_map(|(index, line)| {
            line.split_whitespace().next().filter(|word| !word.starts_with('#')).map(|word| (index + 1, word))
        });
        let keys: Vec<PublicKey> = words
            .map(|(line, word)| word.parse().map_err(|reason| format!("{argument}:{line}: {reason}")))
            .collect::<Result<_, String>>()?;
        if keys.is_empty() {
            return Err(format!("{argument} names no key: instar keygen FILE prints one"));
        }
        Ok(keys)
    }
}

/// Who signed a patch, if anybody did; with `accepted` keys, one of them must have.
///
/// # Errors
/// Why the patch is not taken.
pub(super) fn signer(
    text: &str,
    line: Option<&str>,
    accepted: &[PublicKey],
) -> Result<Option<PublicKey>, String> {
    let Some(line) = line else {
        return if accepted.is_empty() {
            Ok(None)
        } else {
            Err("the patch is not signed, and the program takes patches of known keys only: instar sign --key FILE PATCH".to_owned())
        };
    };
    let read = line.trim().split_once(' ').and_then(|(key, signature)| {
        Some((key.parse::<PublicKey>().ok()?, Signature::from_bytes(&bytes(signature)?)))
    });
    let (key, signature) = read.ok_or("the signature is none: instar sign --key FILE PATCH writes one")?;
    if !accepted.is_empty() && !accepted.contains(&key) {
        return Err(format!("the patch is signed by {key}, and the program does not accept this key"));
    }
    key.0.verify_strict(&signed(text), &signature).map_err(|_| {
        format!("the patch is not what {key} signed: it was changed since, and must be signed again")
    })?;
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(seed: u8) -> PrivateKey {
        PrivateKey(SigningKey::from_bytes(&[seed; 32]))
    }

    #[test]
    fn only_what_an_accepted_key_signed_is_taken() {
        let (ann, bob) = (key(1), key(2));
        let (text, keys) = ("DSUPatch named: 'a'", [ann.public()]);
        let line = ann.sign(text);
        assert_eq!(signer(text, Some(&line), &keys), Ok(Some(ann.public())));
        assert_eq!(signer(text, Some(&format!("{line}\n")), &keys), Ok(Some(ann.public())));
        let refused = |text: &str, line: Option<&str>| signer(text, line, &keys).unwrap_err();
        assert!(refused(text, None).contains("not signed"));
        assert!(refused(text, Some(&bob.sign(text))).contains(&format!("{}, and", bob.public())));
        assert!(refused("DSUPatch named: 'b'", Some(&line)).contains("was changed since"));
        // What another key signed, under the name of this one.
        let forged = format!("{} {}", ann.public(), bob.sign(text).split(' ').next_back().unwrap());
        assert!(refused(text, Some(&forged)).contains("was changed since"));
        // The text alone, without the prefix.
        let bare = base16ct::lower::encode_string(&ann.0.sign(text.as_bytes()).to_bytes());
        assert!(refused(text, Some(&format!("{} {bare}", ann.public()))).contains("was changed since"));
        for damaged in ["", " ", "x y", &line[1..], &line[..line.len() - 1], &line.replace(' ', "  ")] {
            assert!(refused(text, Some(damaged)).contains("instar sign"), "{damaged}");
        }
    }

    #[test]
    fn without_accepted_keys_a_signature_may_be_missing_and_must_not_be_wrong() {
        let ann = key(1);
        assert_eq!(signer("a", None, &[]), Ok(None));
        assert_eq!(signer("a", Some(&ann.sign("a")), &[]), Ok(Some(ann.public())));
        assert!(signer("b", Some(&ann.sign("a")), &[]).is_err());
    }

    #[test]
    fn keys_are_made_written_and_read() {
        let path = std::env::temp_dir().join(format!("instar-key-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let made = PrivateKey::generate().unwrap();
        assert_ne!(made.public(), PrivateKey::generate().unwrap().public());
        made.write(&path).unwrap();
        assert!(made.write(&path).unwrap_err().contains("cannot be written"));
        assert_eq!(PrivateKey::read(&path).unwrap().public(), made.public());
        let shown = path.to_str().unwrap();
        assert!(PublicKey::named(shown).unwrap_err().contains(":1: it is no public key"));
        let one = made.public();
        std::fs::write(&path, format!("# ours\n\n{one} ann\n{} bob", key(2).public())).unwrap();
        assert_eq!(PublicKey::named(shown).unwrap(), [one.clone(), key(2).public()]);
        assert_eq!(PublicKey::named(&one.to_string()).unwrap(), [one]);
        assert!(PrivateKey::read(&path).err().unwrap().contains("holds no private key"));
        std::fs::write(&path, "# nobody\n").unwrap();
        assert!(PublicKey::named(shown).unwrap_err().contains("names no key"));
        assert!(PublicKey::named("/no/such/file").unwrap_err().contains("neither a public key"));
        assert!("0".repeat(64).parse::<PublicKey>().is_err(), "a key of small order signs anything");
        std::fs::remove_file(path).unwrap();
    }

    proptest! {
        #[test]
        fn any_text_can_be_signed_and_any_line_is_looked_at(text in ".*", line in ".{0,300}") {
            let ann = key(1);
            prop_assert_eq!(signer(&text, Some(&ann.sign(&text)), &[ann.public()]), Ok(Some(ann.public())));
            prop_assert!(signer(&text, Some(&line), &[ann.public()]).is_err());
        }
    }
}
