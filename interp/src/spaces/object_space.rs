//! One space under a hypervisor: the thread that runs it, and who has it otherwise.
//!
//! **Protocol.** The space lies in [`State`] unless its thread runs it. The thread waits until it is wanted to run, takes the space out, runs its
//! processes, puts it back and says why they stopped. Whoever wants it suspended sets what is wanted, requests a poll of the
//! dispatch loop and waits until the space is back. Whoever works on the suspended space holds the lock, so that it cannot run meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::MirrorError;
use super::meta::Meta;
use super::parked::Parked;
use crate::vm::interrupt::Interrupt;
use crate::vm::run::Exit;
use crate::vm::{Space, SpaceImage, SpaceOptions};

/// What a space does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its processes run.
    Running,
    /// They stand still until it is resumed.
    Suspended,
    /// They stand still for an update: every process is at an update point or waits.
    Gathered,
    /// No process can go on, until one is added.
    Idle,
    /// The guest asked for its end with this status.
    Quit(i32),
    /// The runtime gave it up: a defect that is reported on standard error.
    Broken,
    /// It is gone.
    Discarded,
}

/// How large a space is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Bytes of its heap in use, garbage included.
    pub bytes: usize,
    /// Objects, garbage included.
    pub objects: usize,
    /// Processes that have not ended.
    pub processes: usize,
    /// Mirrors that hypervisors hold.
    pub mirrors: usize,
}

/// How long a space that runs is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

struct State {
    phase: Phase,
    space: Option<Parked>,
    runs: bool,
    is_wanted: bool,
    is_doomed: bool,
    has_thread: bool,
}

struct Shared {
    id: u64,
    name: String,
    interrupt: Arc<Interrupt>,
    options: SpaceOptions,
    state: Mutex<State>,
    changed: Condvar,
}

/// A space under a hypervisor. Copies are the same space.
#[derive(Clone)]
pub struct ObjectSpace(Arc<Shared>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
        deadline: Instant,
        is_done: impl Fn(&State) -> bool,
    ) -> MutexGuard<'s, State> {
        while !is_done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// Frees a space that nobody runs. Who waits for its end may count on the memory.
    fn free(&self, mut state: MutexGuard<'_, State>) {
        let space = state.space.take();
        drop(state);
        drop(space);
        self.lock().phase = Phase::Discarded;
        self.changed.notify_all();
    }

    /// The body of the space's thread.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if state.is_doomed {
                return self.free(state);
            }
            let is_wanted = state.is_wanted;
            let Some(parked) = state.space.take_if(|_| is_wanted) else {
                state = self.wait(state);
                continue;
            };
            (state.runs, state.phase) = (true, Phase::Running);
            drop(state);
            self.changed.notify_all();
            let outcome = run(parked);
            state = self.lock();
            state.runs = false;
            state.is_wanted = false;
            match outcome {
                Some((parked, phase)) => (state.space, state.phase) = (Some(parked), phase),
                None => state.phase = Phase::Broken,
            }
            self.changed.notify_all();
        }
    }
}

/// Runs a space until something stops it. `None` if the runtime panicked: then the space is in no state to be used, or freed.
fn run(parked: Parked) -> Option<(Parked, Phase)> {
    let mut space = parked.enter();
    space.roots.mirrors.set_weak(true);
    let exit = catch_unwind(AssertUnwindSafe(|| space.run_processes()));
    let Ok(exit) = exit else {
        std::mem::forget(space);
        return None;
    };
    space.roots.mirrors.set_weak(false);
    let phase = match exit {
        Exit::Suspended | Exit::Interrupted => Phase::Suspended,
        Exit::Gathered => Phase::Gathered,
        Exit::Finished(_) | Exit::Terminated | Exit::Deadlock => Phase::Idle,
        Exit::Quit(status) => Phase::Quit(status),
    };
    Some((space.leave(), phase))
}

impl ObjectSpace {
    pub(super) fn new(id: u64, name: &str, space: Space) -> ObjectSpace {
        let interrupt = space.interrupt();
        let options = space.options.clone();
        let state = State {
            phase: Phase::Suspended,
            space: Some(Parked::new(Box::new(space))),
            runs: false,
            is_wanted: false,
            is_doomed: false,
            has_thread: false,
        };
        ObjectSpace(Arc::new(Shared {
            id,
            name: name.to_owned(),
            interrupt,
            options,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    /// The number by which its hypervisor knows it.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// What it was named.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it does.
    pub fn phase(&self) -> Phase {
        self.0.lock().phase
    }

    pub(super) fn is_discarded(&self) -> bool {
        let state = self.0.lock();
        state.is_doomed || state.phase == Phase::Discarded
    }

    /// Lets its processes run, on its own thread. Nothing happens if they do.
    ///
    /// # Errors
    /// [`MirrorError::Discarded`]; [`MirrorError::Refused`]: its guest has ended it, or the runtime has.
    pub fn resume(&self) -> Result<(), MirrorError> {
        let mut state = self.0.lock();
        match state.phase {
            Phase::Discarded => return Err(MirrorError::Discarded),
            _ if state.is_doomed => return Err(MirrorError::Discarded),
            Phase::Quit(_) | Phase::Broken => {
                return Err(MirrorError::Refused("the space has ended".to_owned()));
            }
            Phase::Running => return Ok(()),
            Phase::Suspended | Phase::Gathered | Phase::Idle => {}
        }
        if !state.has_thread {
            let shared = self.0.clone();
            let named = std::thread::Builder::new().name(self.0.name.clone());
            named.spawn(move || shared.serve()).map_err(|error| MirrorError::Memory(error.to_string()))?;
            state.has_thread = true;
        }
        self.0.interrupt.forget_suspend();
        state.is_wanted = true;
        state.phase = Phase::Running;
        self.0.changed.notify_all();
        Ok(())
    }

    /// Suspends it, waiting until its processes stand still. Nothing happens if they do.
    ///
    /// # Errors
    /// [`MirrorError::TimedOut`]: it does not come to a safe point, being inside a system call; it is suspended when it does.
    /// [`MirrorError::Discarded`]
    pub fn suspend(&self) -> Result<(), MirrorError> {
        let mut state = self.0.lock();
        if state.phase == Phase::Running {
            if state.space.is_some() {
                // Its thread has not begun yet.
                (state.is_wanted, state.phase) = (false, Phase::Suspended);
                return Ok(());
            }
            self.0.interrupt.request_suspend();
            let deadline = Instant::now() + PATIENCE;
            state = self.0.wait_until(state, deadline, |state| state.phase != Phase::Running);
        }
        match state.phase {
            Phase::Running => {
                Err(MirrorError::TimedOut("the space does not come to a safe point".to_owned()))
            }
            Phase::Discarded => Err(MirrorError::Discarded),
            _ => Ok(()),
        }
    }

    /// Waits until it stops running by itself; what it does then, or when the time is over.
    pub fn wait(&self, most: Duration) -> Phase {
        let state = self.0.lock();
        let deadline = Instant::now() + most;
        self.0.wait_until(state, deadline, |state| state.phase != Phase::Running).phase
    }

    /// Asks its processes to wait at their update points. When each stands at one, or waits for something else, the space stops as
    /// [`Phase::Gathered`].
    ///
    /// # Errors
    /// [`MirrorError::Refused`]: it does not run.
    pub fn request_gathering(&self) -> Result<(), MirrorError> {
        match self.phase() {
            Phase::Running => {}
            // Nothing can go on: all wait.
            Phase::Idle => return Ok(()),
            Phase::Discarded => return Err(MirrorError::Discarded),
            _ => {
                return Err(MirrorError::Refused(
                    "the space has to run to come to its update points".to_owned(),
                ));
            }
        }
        self.0.interrupt.set_gathering(true);
        Ok(())
    }

    /// Takes a [request](Self::request_gathering) back: all processes go on, as though nothing had been asked.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn cancel_gathering(&self) -> Result<(), MirrorError> {
        self.0.interrupt.set_gathering(false);
        self.suspend()?;
        self.scatter()?;
        self.resume()
    }

    /// [Requests](Self::request_gathering) and waits.
    ///
    /// # Errors
    /// [`MirrorError::TimedOut`]: one does not come to an update point in time. All go on then.
    pub fn gather(&self, most: Duration) -> Result<(), MirrorError> {
        self.request_gathering()?;
        match self.wait(most) {
            Phase::Running => {
                self.cancel_gathering()?;
                let text = format!("a process came to no update point within {most:?}; all go on");
                Err(MirrorError::TimedOut(text))
            }
            Phase::Discarded => Err(MirrorError::Discarded),
            _ => Ok(()),
        }
    }

    /// The update that processes were [gathered](Self::gather) for is over: when it is resumed, they go on.
    ///
    /// # Errors
    /// [`MirrorError`]: it is not suspended.
    pub fn scatter(&self) -> Result<(), MirrorError> {
        self.0.interrupt.set_gathering(false);
        self.meta()?.leave_update_points();
        Ok(())
    }

    /// The meta-object protocol on the suspended space. It cannot be resumed until the result is dropped.
    ///
    /// # Errors
    /// [`MirrorError::Running`] and [`MirrorError::Discarded`]
    pub fn meta(&self) -> Result<Meta<'_>, MirrorError> {
        let mut state = self.0.lock();
        if state.is_doomed || matches!(state.phase, Phase::Discarded | Phase::Broken) {
            return Err(MirrorError::Discarded);
        }
        if state.phase == Phase::Running {
            return Err(MirrorError::Running);
        }
        let parked = state.space.take().ok_or(MirrorError::Running)?;
        let put_back = move |parked| state.space = Some(parked);
        Ok(Meta::new(self.0.id, parked.enter(), Box::new(put_back)))
    }

    /// As [`meta`](Self::meta), suspending the space meanwhile if it runs.
    fn with_suspended<R>(&self, body: impl FnOnce(&mut Meta<'_>) -> R) -> Result<R, MirrorError> {
        let ran = self.phase() == Phase::Running;
        self.suspend()?;
        let result = self.meta().map(|mut meta| body(&mut meta));
        if ran && self.phase() == Phase::Suspended {
            self.resume()?;
        }
        result
    }

    /// How large it is. It is suspended meanwhile if it runs.
    ///
    /// # Errors
    /// As for [`suspend`](Self::suspend).
    pub fn measure(&self) -> Result<Measure, MirrorError> {
        self.with_suspended(|meta| meta.measure())
    }

    pub(super) fn image(&self) -> Result<(SpaceImage, SpaceOptions), MirrorError> {
        let image = self.with_suspended(|meta| meta.space().image())?;
        image.map(|image| (image, self.0.options.clone())).ok_or(MirrorError::Running)
    }

    /// Ends it, whatever it does, and gives all its memory back.
    ///
    /// # Errors
    /// [`MirrorError::TimedOut`]: it is inside a system call; it ends when that does.
    pub fn discard(&self) -> Result<(), MirrorError> {
        self.request_discard();
        let state = self.0.lock();
        let deadline = Instant::now() + PATIENCE;
        let state = self.0.wait_until(state, deadline, |state| state.phase == Phase::Discarded);
        if state.phase == Phase::Discarded {
            return Ok(());
        }
        Err(MirrorError::TimedOut("the space is inside a system call and ends after it".to_owned()))
    }

    pub(super) fn request_discard(&self) {
        let mut state = self.0.lock();
        state.is_doomed = true;
        if state.has_thread {
            self.0.interrupt.request_suspend();
            self.0.changed.notify_all();
        } else {
            self.0.free(state);
        }
    }
}

impl std::fmt::Debug for ObjectSpace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectSpace")
            .field("id", &self.0.id)
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}
