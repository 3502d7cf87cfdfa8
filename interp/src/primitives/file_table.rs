//! The files that a space has open, by handle. Handles 0, 1 and 2 are the standard streams.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};

/// The open files of a space. Dropping it closes them.
#[derive(Debug, Default)]
pub struct FileTable {
    files: Vec<Option<File>>,
}

/// Handles below are the standard streams.
const FIRST: usize = 3;

/// An open file or standard stream.
pub(super) enum Open<'t> {
    Input,
    Output,
    Errors,
    File(&'t mut File),
}

impl FileTable {
    /// A handle for the file.
    pub(super) fn add(&mut self, file: File) -> usize {
        let free = self.files.iter().position(Option::is_none).unwrap_or_else(|| {
            self.files.push(None);
            self.files.len() - 1
        });
        self.files[free] = Some(file);
        FIRST + free
    }

    /// What the handle stands for.
    pub(super) fn get(&mut self, handle: usize) -> Option<Open<'_>> {
        match handle {
            0 => Some(Open::Input),
            1 => Some(Open::Output),
            2 => Some(Open::Errors),
            _ => self.files.get_mut(handle - FIRST)?.as_mut().map(Open::File),
        }
    }

    /// Closes a file. Standard streams stay open. False if there is no such file.
    pub(super) fn close(&mut self, handle: usize) -> bool {
        let Some(index) = handle.checked_sub(FIRST) else { return true };
        self.files.get_mut(index).and_then(Option::take).is_some()
    }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "a standard stream does not do this"))
}

/// Reads once, and nothing behind the end of a line: whatever else reads the same input, as a conversation does, has the rest.
fn read_line(input: &mut impl BufRead, bytes: &mut [u8]) -> io::Result<usize> {
    let there = input.fill_buf()?;
    let line = there.iter().position(|byte| *byte == b'\n').map_or(there.len(), |end| end + 1);
    let count = line.min(bytes.len());
    bytes[..count].copy_from_slice(&there[..count]);
    input.consume(count);
    Ok(count)
}

impl Open<'_> {
    /// Reads once, at most `count` bytes; none at the end.
    pub(super) fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let read = loop {
            let result = match self {
                Open::Input => read_line(&mut io::stdin().lock(), &mut bytes),
                Open::File(file) => file.read(&mut bytes),
                Open::Output | Open::Errors => return unsupported(),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        bytes.truncate(read);
        Ok(bytes)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Open::Output => io::stdout().lock().write_all(bytes),
            Open::Errors => io::stderr().lock().write_all(bytes),
            Open::File(file) => file.write_all(bytes),
            Open::Input => unsupported(),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Open::Output => io::stdout().lock().flush(),
            Open::Errors => io::stderr().lock().flush(),
            Open::File(file) => file.flush(),
            Open::Input => Ok(()),
        }
    }

    /// The file; the standard streams have no positions.
    pub(super) fn file(&mut self) -> io::Result<&mut File> {
        match self {
            Open::File(file) => Ok(file),
            _ => unsupported(),
        }
    }

    pub(super) fn position(&mut self) -> io::Result<u64> {
        self.file()?.stream_position()
    }

    pub(super) fn set_position(&mut self, position: u64) -> io::Result<()> {
        self.file()?.seek(SeekFrom::Start(position)).map(drop)
    }
}
