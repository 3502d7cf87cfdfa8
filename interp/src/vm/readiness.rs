//! Waiting until a file can be read or written: a thread of the host waits in the space's place, so that of the program only the process that
//! asked stands still, and the space can be gathered, suspended and discarded meanwhile.
//!
//! | step | thread | what |
//! |---|---|---|
//! | try | the space's, in a primitive | an operation that would wait fails, with `#'would block'` |
//! | await | the space's, in a primitive | the process's semaphore is noted, and a thread waits for the file, unless one does already |
//! | announce | the space's, at a poll or when it wakes | the file is ready: all semaphores that were noted for it are signalled, and each process tries again |
//!
//! The thread has descriptors of its own, of the file and of a pipe whose other end the space holds: it ends when the file is ready, is closed,
//! or when the space is gone. It never reads or writes. Regular files and directories are always ready, as POSIX has it: nobody waits for them.

use std::io::{self, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use instar_heap::Oop;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::Space;
use crate::objects::Known;

/// What is to be done with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Read,
    Write,
}

impl Interest {
    fn flags(self) -> PollFlags {
        match self {
            Interest::Read => PollFlags::IN,
            Interest::Write => PollFlags::OUT,
        }
    }
}

/// Waits for one of the events; false if none came in time. An error is an event: the operation will tell it.
fn wait_for(files: &mut [PollFd<'_>], most: Option<&Timespec>) -> bool {
    loop {
        match poll(files, most) {
            Err(Errno::INTR) => {}
            Ok(0) => return false,
            _ => return true,
        }
    }
}

/// Whether the operation would not wait now: there is something to read, the end included, or room for as many
/// bytes as a pipe takes at once.
pub(crate) fn is_ready(file: BorrowedFd<'_>, interest: Interest) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    wait_for(&mut [PollFd::from_borrowed_fd(file, interest.flags())], Some(&now))
}

/// Most processes that wait for one file at a time.
const MOST_AWAITING: usize = 10_000;

struct Wait {
    handle: usize,
    interest: Interest,
    semaphores: Vec<Oop>,
    is_over: Arc<AtomicBool>,
    /// Dropping it ends the thread.
    _cancel: PipeWriter,
}

/// The waits of a space, one for each file and [`Interest`].
#[derive(Default)]
pub struct Waits(Vec<Wait>);

impl Waits {
    pub(crate) fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.0.iter_mut().flat_map(|wait| &mut wait.semaphores).for_each(visitor);
    }

    /// All that are waited at.
    pub(super) fn semaphores(&self) -> impl Iterator<Item = Oop> {
        self.0.iter().flat_map(|wait| &wait.semaphores).copied()
    }
}

impl Space {
    /// Has `semaphore` signalled when the file of this handle, of which `file` is a copy, is ready.
    ///
    /// # Errors
    /// There is no descriptor or thread for it, or too many wait.
    pub(crate) fn await_file(
        &mut self,
        handle: usize,
        interest: Interest,
        file: OwnedFd,
        semaphore: Oop,
    ) -> io::Result<()> {
        let is_it = |wait: &&mut Wait| wait.handle == handle && wait.interest == interest;
        if let Some(wait) = self.roots.waits.0.iter_mut().find(is_it) {
            if wait.semaphores.len() == MOST_AWAITING {
                return Err(io::Error::other("too many processes wait for the file"));
            }
            wait.semaphores.push(semaphore);
            return Ok(());
        }
        let (cancelled, cancel) = io::pipe()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (told, interrupt) = (is_over.clone(), self.interrupt.clone());
        thread::Builder::new().name("file".to_owned()).spawn(move || {
            let cancelled = PollFd::new(&cancelled, PollFlags::IN);
            wait_for(&mut [PollFd::from_borrowed_fd(file.as_fd(), interest.flags()), cancelled], None);
            told.store(true, Ordering::Release);
            interrupt.request();
        })?;
        let semaphores = vec![semaphore];
        self.roots.waits.0.push(Wait { handle, interest, semaphores, is_over, _cancel: cancel });
        Ok(())
    }

    /// The file was closed: who waits for it learns that when it tries again.
    pub(crate) fn end_waits_for(&mut self, handle: usize) {
        let waits = self.roots.waits.0.iter().filter(|wait| wait.handle == handle);
        waits.for_each(|wait| wait.is_over.store(true, Ordering::Release));
        self.interrupt.request();
    }

    /// Signals the semaphores of files that are ready. The result says whether there were any.
    pub(super) fn announce_files(&mut self) -> bool {
        let is_over = |wait: &mut Wait| wait.is_over.load(Ordering::Acquire);
        // What is not yet signalled is rooted elsewhere: signalling allocates nothing, and nothing moves meanwhile.
        let ready: Vec<Wait> = self.roots.waits.0.extract_if(.., is_over).collect();
        let semaphores = ready.iter().flat_map(|wait| &wait.semaphores).copied();
        let mut is_any = false;
        for semaphore in semaphores {
            is_any = true;
            self.signal_if_semaphore(semaphore);
        }
        is_any
    }

    /// A signal from outside. The guest may have made the object anything else meanwhile.
    pub(super) fn signal_if_semaphore(&mut self, object: Oop) {
        let semaphore = self.value(object);
        if semaphore.is_kind_of(Known::Semaphore) {
            let semaphore = semaphore.oop();
            self.signal(semaphore);
        }
    }
}
