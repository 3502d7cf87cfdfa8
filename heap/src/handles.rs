//! Handles: references that survive collections because they are counted in as roots.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::marker::PhantomData;

use crate::Oop;

/// A rooted reference, valid inside the scope `'s` that made it. It names a cell that collections and becomes update.
///
/// The lifetime is invariant, so that a handle cannot leave its scope for an outer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle<'s> {
    index: u32,
    scope: PhantomData<*mut &'s ()>,
}

/// The stack of cells that one mutator's handles name.
///
/// Access goes through `&self`, so that a handle can be made while raw references borrow the mutator.
/// [handle-owner] Only the owning thread calls the methods, except [`visit`](Self::visit), which a collection calls
/// while the owner is parked. No reference to the vector outlives a method.
#[derive(Debug, Default)]
pub struct HandleStack {
    cells: UnsafeCell<Vec<Oop>>,
}

impl HandleStack {
    /// Adds a cell that holds `oop` and returns its index.
    pub fn push(&self, oop: Oop) -> u32 {
        // SAFETY: [handle-owner]
        let cells = unsafe { &mut *self.cells.get() };
        cells.push(oop);
        (cells.len() - 1) as u32
    }

    /// Makes the handle that names cell `index`.
    pub fn handle<'s>(&self, index: u32) -> Handle<'s> {
        debug_assert!((index as usize) < self.len());
        Handle { index, scope: PhantomData }
    }

    /// What the handle refers to now.
    #[inline]
    pub fn get(&self, handle: Handle<'_>) -> Oop {
        // SAFETY: [handle-owner]
        (unsafe { &*self.cells.get() })[handle.index as usize]
    }

    /// Lets the handle refer to `oop`.
    pub fn set(&self, handle: Handle<'_>, oop: Oop) {
        // SAFETY: [handle-owner]
        (unsafe { &mut *self.cells.get() })[handle.index as usize] = oop;
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        // SAFETY: [handle-owner]
        unsafe { &*self.cells.get() }.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops the cells from `len` on: the end of a scope.
    pub fn truncate(&self, len: usize) {
        // SAFETY: [handle-owner]
        unsafe { &mut *self.cells.get() }.truncate(len);
    }

    /// Visits every cell.
    ///
    /// # Safety
    /// The owner is parked at a safepoint or is the caller.
    pub unsafe fn visit(&self, mut visitor: impl FnMut(&mut Oop)) {
        // SAFETY: the caller's promise.
        for cell in unsafe { &mut *self.cells.get() } {
            visitor(cell);
        }
    }
}
