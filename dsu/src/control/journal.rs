//! The durable log: a file of JSON lines that only grows.
//!
//! [written-before] An entry is written and synchronised before anybody is told of it. [whole-lines] What a crash left of the last line is cut
//! when the file is opened again; any other damage is an error, and the file is left alone. [one-writer] The file is locked while it is open.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::Value;

/// The log of all updates, in a file if there is one.
#[derive(Debug, Default)]
pub(super) struct Journal {
    file: Option<File>,
    entries: Vec<Value>,
}

impl Journal {
    /// Opens the log, which is made if it is not there.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn open(path: &Path) -> Result<Journal, String> {
        let is_new = !path.exists();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| error.to_string())?;
        if !file.metadata().is_ok_and(|data| data.is_file()) {
            return Err("it is no plain file".to_owned());
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err("another program writes to it".to_owned()),
            Err(TryLockError::Error(error)) => return Err(error.to_string()),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|error| error.to_string())?;
        let end = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let entries = read_entries(&text[..end])?;
        // [whole-lines]
        let mut cut = || -> io::Result<()> {
            if end < text.len() {
                file.set_len(end as u64)?;
            }
            file.seek(SeekFrom::Start(end as u64))?;
            file.sync_all()?;
            if is_new { sync_folder(path) } else { Ok(()) }
        };
        cut().map_err(|error| error.to_string())?;
        Ok(Journal { file: Some(file), entries })
    }

    /// For tests: a log that cannot be written.
    #[cfg(test)]
    pub fn unwritable() -> Journal {
        Journal { file: File::open("/dev/null").ok(), entries: Vec::new() }
    }

    /// All entries, the oldest first.
    pub fn entries(&self) -> &[Value] {
        &self.entries
    }

    /// The number of the last entry; 0 if there is none.
    pub fn last_number(&self) -> u64 {
        self.entries.last().and_then(number_of).unwrap_or(0)
    }

    /// Adds an entry [written-before].
    ///
    /// # Errors
    /// It could not be written; it is not in the file then, not even in part, unless the file cannot be cut any more.
    pub fn append(&mut self, entry: Value) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            let start = file.stream_position()?;
            let mut line = entry.to_string();
            line.push('\n');
            if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.sync_data()) {
                let _ = file.set_len(start);
                let _ = file.seek(SeekFrom::Start(start));
                return Err(error);
            }
        }
        self.entries.push(entry);
        Ok(())
    }
}

fn number_of(entry: &Value) -> Option<u64> {
    entry["number"].as_u64()
}

fn read_entries(text: &[u8]) -> Result<Vec<Value>, String> {
    let mut entries: Vec<Value> = Vec::new();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let bad = |why: &str| format!("line {} {why}; move the file away to begin a new one", index + 1);
        let entry: Value = serde_json::from_slice(line).map_err(|_| bad("is no entry of a log"))?;
        let number = number_of(&entry).ok_or_else(|| bad("has no number"))?;
        if entries.last().and_then(number_of).is_some_and(|last| last >= number) {
            return Err(bad("is out of order"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// A new file lasts once its folder is written.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn file(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("instar-journal-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn entries_last_and_half_a_line_is_cut() {
        let path = file("cut");
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.last_number(), 0);
        journal.append(json!({ "number": 1, "patch": "a" })).unwrap();
        journal.append(json!({ "number": 2, "patch": "ü" })).unwrap();
        assert!(Journal::open(&path).unwrap_err().contains("another program"));
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut journal = Journal::open(&path).unwrap();
            let lines = whole[..cut].iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(journal.last_number(), lines as u64, "of {cut} bytes");
            journal.append(json!({ "number": lines + 1 })).unwrap();
            drop(journal);
            let journal = Journal::open(&path).unwrap();
            assert_eq!(journal.entries().len(), lines + 1);
        }
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_no_file_is_refused() {
        assert_eq!(Journal::open(Path::new("/dev/full")).unwrap_err(), "it is no plain file");
        assert!(Journal::open(&std::env::temp_dir()).is_err());
    }

    #[test]
    fn a_damaged_file_is_left_alone() {
        let path = file("damaged");
        for (text, complaint) in [
            ("{\"number\":1}\nnonsense\n{\"number\":2}\n", "line 2 is no entry"),
            ("{\"number\":1}\n{\"patch\":\"a\"}\n", "line 2 has no number"),
            ("{\"number\":2}\n{\"number\":2}\n", "line 2 is out of order"),
        ] {
            fs::write(&path, text).unwrap();
            assert!(Journal::open(&path).unwrap_err().starts_with(complaint));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::remove_file(path).unwrap();
    }
}
