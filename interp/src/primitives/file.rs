//! Files, directories and standard streams.
//!
//! Paths are Strings. A failure's reason is one of a few Symbols, which `File class>>exceptionFor:` knows, or the operating system's text.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use super::file_table::Open;
use super::method::new_strings;
use super::{Answer, Call, Failure, Primitive, Table};
use crate::objects::{Known, Special, Value};
use crate::vm::Space;
use crate::vm::inbox::STANDARD_INPUT;
use crate::vm::readiness::{Interest, is_ready};
use crate::vm::run::Exit;

pub(super) const TABLE: Table = &[
    ("fileOpen", Primitive::Plain(open)),
    ("fileClose", Primitive::Plain(close)),
    ("fileRead", Primitive::Plain(read)),
    ("fileWrite", Primitive::Plain(write)),
    ("fileAwait", Primitive::Plain(await_ready)),
    ("fileFlush", Primitive::Plain(flush)),
    ("filePosition", Primitive::Plain(position)),
    ("fileSetPosition", Primitive::Plain(set_position)),
    ("fileSize", Primitive::Plain(size)),
    ("fileTruncate", Primitive::Plain(truncate)),
    ("fileExists", Primitive::Plain(exists)),
    ("fileIsDirectory", Primitive::Plain(is_directory)),
    ("fileSizeOf", Primitive::Plain(size_of)),
    ("fileModificationTime", Primitive::Plain(modification_time)),
    ("fileNamesIn", Primitive::Plain(names_in)),
    ("fileCreateDirectory", Primitive::Plain(create_directory)),
    ("fileDelete", Primitive::Plain(delete)),
    ("fileRename", Primitive::Plain(rename)),
    ("fileWorkingDirectory", Primitive::Plain(working_directory)),
    ("fileTemporaryDirectory", Primitive::Plain(temporary_directory)),
];

/// Most bytes that one read asks for, whatever the guest wants.
const MOST_READ: usize = 16 << 20;

/// The reason that an error of the operating system is.
fn failure(space: &mut Space, error: &io::Error) -> Failure {
    let known = match error.kind() {
        io::ErrorKind::NotFound => return space.failure(Special::NotFound),
        io::ErrorKind::AlreadyExists => Some("already exists"),
        io::ErrorKind::PermissionDenied => Some("permission denied"),
        io::ErrorKind::DirectoryNotEmpty => Some("directory not empty"),
        io::ErrorKind::WouldBlock => Some("would block"),
        _ => None,
    };
    let reason = match known {
        Some(name) => space.symbol(name),
        None => space.new_string(&error.to_string()),
    };
    match reason {
        Ok(reason) => Failure(reason),
        Err(error) => space.memory_failure(error),
    }
}

fn number(space: &mut Space, value: u64) -> Answer {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    space.new_integer(value).map_err(|error| space.memory_failure(error))
}

fn result_number(space: &mut Space, result: io::Result<u64>) -> Answer {
    match result {
        Ok(value) => number(space, value),
        Err(error) => Err(failure(space, &error)),
    }
}

fn result_receiver(space: &mut Space, call: Call, result: io::Result<()>) -> Answer {
    match result {
        Ok(()) => Ok(space.receiver(call).oop()),
        Err(error) => Err(failure(space, &error)),
    }
}

fn path(space: &Space, call: Call, index: usize) -> Result<PathBuf, Failure> {
    let text = space.argument(call, index).text().ok_or(space.failure(Special::BadArgument))?;
    Ok(PathBuf::from(text))
}

/// Slot of `handle` in a BinaryFileStream.
const HANDLE: usize = 0;

/// What the receiver, a BinaryFileStream, has open.
fn opened(space: &mut Space, call: Call) -> Result<Open<'_>, Failure> {
    let handle = space.receiver(call).slot(HANDLE).and_then(Value::as_index);
    let bad = space.failure(Special::BadReceiver);
    handle.and_then(|handle| space.files.get(handle)).ok_or(bad)
}

/// The status of a program whose reader went away: what shells show of one that SIGPIPE ended.
const READER_IS_GONE: i32 = 141;

/// Nobody reads a standard stream any more, which ends the program as it ends others, without a word.
fn end_without_reader<T>(space: &mut Space, call: Call, result: &io::Result<T>) {
    let is_broken = matches!(result, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
    if is_broken && matches!(opened(space, call), Ok(Open::Output | Open::Errors)) {
        space.exit = Some(Exit::Quit(READER_IS_GONE));
        space.interrupt.request();
    }
}

/// A path, and `#read`, `#write`, `#append` or `#truncate`. Answers a handle.
fn open(space: &mut Space, call: Call) -> Answer {
    let path = path(space, call, 0)?;
    let mode = space.argument(call, 1).text().ok_or(space.failure(Special::BadArgument))?;
    let mut options = OpenOptions::new();
    // Neither opening nor reading what is no regular file stops the space: see `vm/readiness.rs`.
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    match mode.as_str() {
        "read" => options.read(true),
        "write" => options.read(true).write(true).create(true).truncate(false),
        "append" => options.read(true).append(true).create(true),
        "truncate" => options.read(true).write(true).create(true).truncate(true),
        _ => return Err(space.failure(Special::BadArgument)),
    };
    if path.is_dir() {
        let error = io::Error::new(io::ErrorKind::IsADirectory, "it is a directory");
        return Err(failure(space, &error));
    }
    match options.open(&path) {
        Ok(file) => {
            let handle = space.files.add(file);
            number(space, handle as u64)
        }
        Err(error) => Err(failure(space, &error)),
    }
}

fn close(space: &mut Space, call: Call) -> Answer {
    let handle = space.receiver(call).slot(HANDLE).and_then(Value::as_index);
    match handle {
        Some(handle) if space.files.close(handle) => {
            space.end_waits_for(handle);
            Ok(space.receiver(call).oop())
        }
        _ => Err(space.failure(Special::BadReceiver)),
    }
}

/// Fails with `#'would block'` if this would have to wait.
fn must_be_ready(opened: &Open<'_>, interest: Interest) -> io::Result<()> {
    if opened.may_wait() && !opened.with_descriptor(|file| is_ready(file, interest)) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    Ok(())
}

/// At most so many bytes, a ByteArray; empty at the end. The standard input is waited for, if no host lends it: others collect meanwhile, but no
/// other process of the space runs.
fn read(space: &mut Space, call: Call) -> Answer {
    let count = space.argument(call, 0).as_index().ok_or(space.failure(Special::BadArgument))?;
    let handle = space.receiver(call).slot(HANDLE).and_then(Value::as_index);
    let bad = space.failure(Special::BadReceiver);
    let is_lent = space.has_inbox_named(STANDARD_INPUT);
    let Space { files, mutator, .. } = space;
    let mut opened = handle.and_then(|handle| files.get(handle)).ok_or(bad)?;
    let result = match opened {
        Open::Input if is_lent => Err(io::Error::other("the host lends it: use Stdio stdin")),
        Open::Input => mutator.blocked(|| opened.read(count.min(MOST_READ))),
        _ => must_be_ready(&opened, Interest::Read)
            .and_then(|()| mutator.blocked(|| opened.read(count.min(MOST_READ)))),
    };
    match result {
        Ok(bytes) => space.new_bytes(Known::ByteArray, &bytes).map_err(|error| space.memory_failure(error)),
        Err(error) => Err(failure(space, &error)),
    }
}

/// The bytes of the first argument behind so many and up to so many. Answers how many were written: of a file that may have to wait not always
/// all, and one at least.
fn write(space: &mut Space, call: Call) -> Answer {
    let bad = space.failure(Special::BadArgument);
    let [start, end] = [1, 2].map(|index| space.argument(call, index).as_index());
    let bytes = space.argument(call, 0).bytes().ok_or(bad)?;
    let bytes = start.zip(end).and_then(|(start, end)| bytes.get(start..end)).ok_or(bad)?.to_vec();
    let mut opened = opened(space, call)?;
    let result = must_be_ready(&opened, Interest::Write).and_then(|()| opened.write(&bytes));
    end_without_reader(space, call, &result);
    result_number(space, result.map(|count| count as u64))
}

/// Has the Semaphore signalled when the receiver can be read, or written if the second argument is true.
fn await_ready(space: &mut Space, call: Call) -> Answer {
    let semaphore = space.argument(call, 0);
    let bad = space.failure(Special::BadArgument);
    let is_to_write = space.argument(call, 1).as_boolean().ok_or(bad)?;
    if !semaphore.is_kind_of(Known::Semaphore) {
        return Err(bad);
    }
    let semaphore = semaphore.oop();
    let handle = space.receiver(call).slot(HANDLE).and_then(Value::as_index).unwrap_or_default();
    let interest = if is_to_write { Interest::Write } else { Interest::Read };
    let copy = opened(space, call)?.with_descriptor(|file| file.try_clone_to_owned());
    let result = copy.and_then(|file| space.await_file(handle, interest, file, semaphore));
    result_receiver(space, call, result)
}

fn flush(space: &mut Space, call: Call) -> Answer {
    let result = opened(space, call)?.flush();
    end_without_reader(space, call, &result);
    result_receiver(space, call, result)
}

fn position(space: &mut Space, call: Call) -> Answer {
    let result = opened(space, call)?.position();
    result_number(space, result)
}

fn set_position(space: &mut Space, call: Call) -> Answer {
    let position = space.argument(call, 0).as_index().ok_or(space.failure(Special::BadArgument))?;
    let result = opened(space, call)?.set_position(position as u64);
    result_receiver(space, call, result)
}

fn size(space: &mut Space, call: Call) -> Answer {
    let result = opened(space, call)?.file().and_then(|file| file.metadata()).map(|data| data.len());
    result_number(space, result)
}

fn truncate(space: &mut Space, call: Call) -> Answer {
    let size = space.argument(call, 0).as_index().ok_or(space.failure(Special::BadArgument))?;
    let result = opened(space, call)?.file().and_then(|file| file.set_len(size as u64));
    result_receiver(space, call, result)
}

fn exists(space: &mut Space, call: Call) -> Answer {
    let exists = path(space, call, 0)?.exists();
    Ok(space.boolean(exists))
}

fn is_directory(space: &mut Space, call: Call) -> Answer {
    let is_directory = path(space, call, 0)?.is_dir();
    Ok(space.boolean(is_directory))
}

fn size_of(space: &mut Space, call: Call) -> Answer {
    let result = fs::metadata(path(space, call, 0)?).map(|data| data.len());
    result_number(space, result)
}

/// Microseconds since 1970.
fn modification_time(space: &mut Space, call: Call) -> Answer {
    let modified = fs::metadata(path(space, call, 0)?).and_then(|data| data.modified());
    let micros = modified.map(|time| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64);
    result_number(space, micros)
}

/// The names in a directory, sorted.
fn names_in(space: &mut Space, call: Call) -> Answer {
    let path = path(space, call, 0)?;
    let names = fs::read_dir(path).and_then(|entries| {
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
        entries.map(name).collect::<io::Result<Vec<String>>>()
    });
    match names {
        Ok(mut names) => {
            names.sort();
            new_strings(space, names.iter().map(String::as_str))
        }
        Err(error) => Err(failure(space, &error)),
    }
}

fn create_directory(space: &mut Space, call: Call) -> Answer {
    let result = fs::create_dir(path(space, call, 0)?);
    result_receiver(space, call, result)
}

/// A file, or an empty directory.
fn delete(space: &mut Space, call: Call) -> Answer {
    let path = path(space, call, 0)?;
    let is_directory = fs::symlink_metadata(&path).map(|data| data.is_dir());
    let result = is_directory.and_then(|is| if is { fs::remove_dir(&path) } else { fs::remove_file(&path) });
    result_receiver(space, call, result)
}

fn rename(space: &mut Space, call: Call) -> Answer {
    let result = fs::rename(path(space, call, 0)?, path(space, call, 1)?);
    result_receiver(space, call, result)
}

fn working_directory(space: &mut Space, _call: Call) -> Answer {
    match std::env::current_dir() {
        Ok(path) => space.new_string(&path.to_string_lossy()).map_err(|error| space.memory_failure(error)),
        Err(error) => Err(failure(space, &error)),
    }
}

fn temporary_directory(space: &mut Space, _call: Call) -> Answer {
    let path = std::env::temp_dir();
    space.new_string(&path.to_string_lossy()).map_err(|error| space.memory_failure(error))
}
