//! The spaces of a process, as one that may change them knows them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::MirrorError;
use super::object_space::ObjectSpace;
use crate::host::input::{Lines, lend};
use crate::vm::inbox::STANDARD_INPUT;
use crate::vm::{Space, SpaceImage, SpaceOptions};

#[derive(Debug)]
struct Shared {
    kernel: Arc<SpaceImage>,
    options: SpaceOptions,
    spaces: Mutex<Vec<ObjectSpace>>,
    last_id: AtomicU64,
}

/// Makes spaces and knows those that it made. Copies are the same hypervisor. When the last one goes, its spaces are discarded.
#[derive(Clone, Debug)]
pub struct Hypervisor(Arc<Shared>);

impl Drop for Shared {
    fn drop(&mut self) {
        let spaces = std::mem::take(self.spaces.get_mut().unwrap_or_else(PoisonError::into_inner));
        spaces.iter().for_each(ObjectSpace::request_discard);
    }
}

impl Hypervisor {
    /// A hypervisor whose spaces have this kernel and, unless they are given others, these options.
    pub fn new(kernel: Arc<SpaceImage>, options: SpaceOptions) -> Hypervisor {
        let spaces = Mutex::new(Vec::new());
        Hypervisor(Arc::new(Shared { kernel, options, spaces, last_id: AtomicU64::new(0) }))
    }

    /// Lets the guest of a space use the hypervisor, by the library `Espell`.
    pub fn attach_to(&self, space: &mut Space) {
        space.hypervisor = Some(self.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ObjectSpace>> {
        self.0.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new space with the kernel, suspended.
    ///
    /// # Errors
    /// [`MirrorError::Memory`]
    pub fn create(&self, name: &str) -> Result<ObjectSpace, MirrorError> {
        self.create_with(name, self.0.options.clone())
    }

    /// As [`create`](Self::create), with options of its own: a limit of its heap above all.
    ///
    /// # Errors
    /// [`MirrorError::Memory`]
    pub fn create_with(&self, name: &str, options: SpaceOptions) -> Result<ObjectSpace, MirrorError> {
        self.add(name, Space::of_image(&self.0.kernel, options)?)
    }

    /// As [`create`](Self::create), with this much memory at most.
    ///
    /// # Errors
    /// [`MirrorError::Memory`]: among others if the limit is too small for the kernel.
    pub fn create_limited(&self, name: &str, limit_bytes: usize) -> Result<ObjectSpace, MirrorError> {
        let mut options = self.0.options.clone();
        options.gc.heap.limit_bytes = limit_bytes;
        self.create_with(name, options)
    }

    /// A space that goes on where another stands now, suspended. The other one is suspended meanwhile if it runs.
    ///
    /// # Errors
    /// [`MirrorError`]: the other one is gone or cannot be suspended in time, or there is no room.
    pub fn duplicate(&self, of: &ObjectSpace, name: &str) -> Result<ObjectSpace, MirrorError> {
        let (image, options) = of.image()?;
        self.add(name, Space::of_image(&image, options)?)
    }

    /// Takes in a space that was made elsewhere, in which no process is active. It is suspended.
    ///
    /// # Errors
    /// [`MirrorError::Running`]
    pub fn adopt(&self, name: &str, space: Space) -> Result<ObjectSpace, MirrorError> {
        if space.is_at_rest() { self.add(name, space) } else { Err(MirrorError::Running) }
    }

    /// Takes the space in. It does not stand still while a process of it waits for the standard input.
    fn add(&self, name: &str, mut space: Space) -> Result<ObjectSpace, MirrorError> {
        if !space.has_inbox_named(STANDARD_INPUT) {
            lend(&mut space, Lines);
        }
        let id = self.0.last_id.fetch_add(1, Relaxed) + 1;
        let made = ObjectSpace::new(id, name, space);
        self.lock().push(made.clone());
        Ok(made)
    }

    /// All spaces, but for those that were discarded.
    pub fn spaces(&self) -> Vec<ObjectSpace> {
        let mut spaces = self.lock();
        spaces.retain(|space| !space.is_discarded());
        spaces.clone()
    }

    /// The space with this number.
    ///
    /// # Errors
    /// [`MirrorError::Discarded`]
    pub fn space(&self, id: u64) -> Result<ObjectSpace, MirrorError> {
        let spaces = self.lock();
        let found = spaces.iter().find(|space| space.id() == id && !space.is_discarded());
        found.cloned().ok_or(MirrorError::Discarded)
    }
}
