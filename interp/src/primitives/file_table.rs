//! The files that a space has open, by handle. Handles 0, 1 and 2 are the standard streams.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::FileType;

use crate::host::input::read_line;

/// The open files of a space. Dropping it closes them.
#[derive(Debug, Default)]
pub struct FileTable {
    files: Vec<Option<Entry>>,
}

#[derive(Debug)]
struct Entry {
    file: File,
    may_wait: bool,
}

/// Handles below are the standard streams.
const FIRST: usize = 3;

/// An open file or standard stream.
pub(super) enum Open<'t> {
    Input,
    Output,
    Errors,
    /// And whether an operation on it may have to wait.
    File(&'t mut File, bool),
}

/// Bytes that can be written at once when there is room: `PIPE_BUF` of Linux.
pub(crate) const PIPE_BUF: usize = 4096;

/// Whether reading or writing may have to wait for somebody: pipes, sockets and terminals are not always ready.
fn may_wait(file: BorrowedFd<'_>) -> bool {
    let kind = rustix::fs::fstat(file).map(|status| FileType::from_raw_mode(status.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket | FileType::CharacterDevice))
}

impl FileTable {
    /// A handle for the file.
    pub(super) fn add(&mut self, file: File) -> usize {
        let free = self.files.iter().position(Option::is_none).unwrap_or_else(|| {
            self.files.push(None);
            self.files.len() - 1
        });
        let may_wait = may_wait(file.as_fd());
        self.files[free] = Some(Entry { file, may_wait });
        FIRST + free
    }

    /// What the handle stands for.
    pub(super) fn get(&mut self, handle: usize) -> Option<Open<'_>> {
        match handle {
            0 => Some(Open::Input),
            1 => Some(Open::Output),
            2 => Some(Open::Errors),
            _ => {
                let entry = self.files.get_mut(handle - FIRST)?.as_mut()?;
                Some(Open::File(&mut entry.file, entry.may_wait))
            }
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

impl Open<'_> {
    /// Whether an operation may have to wait until the file is ready.
    pub(super) fn may_wait(&self) -> bool {
        match self {
            Open::File(_, may_wait) => *may_wait,
            _ => self.with_descriptor(may_wait),
        }
    }

    /// Calls `body` with the descriptor.
    pub(super) fn with_descriptor<R>(&self, body: impl FnOnce(BorrowedFd<'_>) -> R) -> R {
        match self {
            Open::Input => body(io::stdin().as_fd()),
            Open::Output => body(io::stdout().as_fd()),
            Open::Errors => body(io::stderr().as_fd()),
            Open::File(file, _) => body(file.as_fd()),
        }
    }

    /// Reads once, at most `count` bytes; none at the end.
    pub(super) fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let read = loop {
            let result = match self {
                Open::Input => read_line(&mut io::stdin().lock(), &mut bytes),
                Open::File(file, _) => file.read(&mut bytes),
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

    /// Writes all, or what there is room for if it [may have to wait](Self::may_wait). The result says how many bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.may_wait() {
            self.write_all(bytes)?;
            return Ok(bytes.len());
        }
        let part = &bytes[..bytes.len().min(PIPE_BUF)];
        match self {
            Open::File(file, _) => file.write(part),
            _ => {
                self.write_all(part)?;
                // What the host's buffer holds back would come on top of the next part, for which there may be no room.
                self.flush()?;
                Ok(part.len())
            }
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Open::Output => io::stdout().lock().write_all(bytes),
            Open::Errors => io::stderr().lock().write_all(bytes),
            Open::File(file, _) => file.write_all(bytes),
            Open::Input => unsupported(),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Open::Output => io::stdout().lock().flush(),
            Open::Errors => io::stderr().lock().flush(),
            Open::File(file, _) => file.flush(),
            Open::Input => Ok(()),
        }
    }

    /// The file; the standard streams have no positions.
    pub(super) fn file(&mut self) -> io::Result<&mut File> {
        match self {
            Open::File(file, _) => Ok(file),
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
