//! Which version the running program is: the packages that were loaded, and what updates have made of them since.
//!
//! [one-turn] Of the updates that come through the socket one is under way at a time, from the look at its base until its result was noted
//! here, so that no patch is compared with a version that is about to change.
//!
//! The version is not known any more after an update that came as Smalltalk, or that the program made itself; it is again once that is undone.

use std::sync::{Mutex, MutexGuard, PoisonError};

use instar_interp::source::Package;

use crate::patch::Patch;

#[derive(Debug, Default)]
struct State {
    /// `None` while it cannot be known.
    now: Option<Vec<Package>>,
    /// As it was before the last update, which undoing brings back.
    before: Option<Vec<Package>>,
    /// Committed updates that came through the socket.
    noted: usize,
    /// Hashes of the texts of patches that were applied, with the numbers of their updates.
    applied: Vec<(String, u64)>,
    under_way: Option<String>,
}

/// The program's version. Shared by all connections.
#[derive(Debug)]
pub(super) struct Running(Mutex<State>);

/// What an update that has its turn will do.
#[derive(Debug)]
pub(super) enum Change {
    /// Apply a patch, if it can be known which; its text has this hash.
    Apply(Option<Box<Patch>>, String),
    Undo,
}

/// The turn of an update, which ends when this is dropped.
pub(super) struct Turn<'r> {
    running: &'r Running,
    change: Change,
}

impl Running {
    pub fn new() -> Running {
        Running(Mutex::new(State { now: Some(Vec::new()), ..State::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The program has loaded these as well.
    pub fn load(&self, packages: &[Package]) {
        if let Some(now) = &mut self.lock().now {
            now.retain(|known| !packages.iter().any(|package| package.name == known.name));
            now.extend_from_slice(packages);
        }
    }

    /// Begins an update, if none is under way [one-turn].
    pub fn begin(&self, name: &str, change: Change) -> Result<Turn<'_>, String> {
        let mut state = self.lock();
        if let Some(other) = &state.under_way {
            return Err(format!("Another update is under way: {other}"));
        }
        state.under_way = Some(name.to_owned());
        Ok(Turn { running: self, change })
    }
}

impl Turn<'_> {
    /// Is the patch made for what runs? `committed` is how many updates were committed, those of the program itself included.
    ///
    /// # Errors
    /// Why it is not, with both versions and what to do.
    pub fn check_base(&self, committed: usize) -> Result<(), String> {
        const MEND: &str =
            "make it anew for the version that runs (instar patch diff), or apply it with --any-base";
        let Change::Apply(Some(patch), hash) = &self.change else { return Ok(()) };
        let Some(base) = &patch.base else { return Ok(()) };
        let state = self.running.lock();
        let Some(now) = state.now.as_ref().filter(|_| committed == state.noted) else {
            return Err(format!(
                "the patch was made for the version {base}, but which version the program is cannot be known, as it was changed by \
                 Smalltalk or by itself: {MEND}"
            ));
        };
        let Err(other) = patch.check_base(now) else { return Ok(()) };
        if let Some((_, number)) = state.applied.iter().rev().find(|(applied, _)| applied == hash) {
            return Err(format!("the patch was applied already, by update number {number}; {other}"));
        }
        Err(format!("{other}: {MEND}"))
    }

    /// The update was committed under this number.
    pub fn committed(&self, number: u64) {
        let mut state = self.running.lock();
        state.noted += 1;
        match &self.change {
            Change::Undo => {
                let State { now, before, .. } = &mut *state;
                std::mem::swap(now, before);
            }
            Change::Apply(patch, hash) => {
                let after = patch.as_ref().zip(state.now.as_ref());
                let after = after.and_then(|(patch, now)| patch.apply_to(now).ok());
                state.before = std::mem::replace(&mut state.now, after);
                state.applied.push((hash.clone(), number));
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.running.lock().under_way = None;
    }
}
