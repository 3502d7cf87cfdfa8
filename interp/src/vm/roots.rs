//! What the collector sees of a space from outside the heap.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use instar_gc::RootSet;
use instar_heap::Oop;
use instar_heap::heap::Bounds;

use super::alarms::Alarms;
use super::inbox::Inboxes;
use super::interrupt::Interrupt;
use super::readiness::Waits;
use super::stack::{Frame, Stack};
use crate::code::CodeTable;
use crate::objects::symbols::SymbolTable;
use crate::objects::{Known, Special};
use crate::spaces::handles::Mirrors;

/// All references of a space that stand outside its heap.
pub(crate) struct Roots {
    /// Classes that the runtime knows, by [`Known`].
    pub classes: [Oop; Known::ALL.len()],
    /// Other objects that it knows, by [`Special`].
    pub special: [Oop; Special::COUNT],
    /// Stacks of all processes that have not ended.
    pub stacks: Vec<Option<Box<Stack>>>,
    /// The stack that runs.
    pub active: usize,
    /// Its top frame; null before the first process.
    pub frame: *mut Frame,
    /// The end of the live registers above the active stack's top frame, for operands of a send that are not yet a frame's.
    pub above: *mut Oop,
    /// What runtime code holds on to.
    pub temporary: Vec<Oop>,
    /// The symbols.
    pub symbols: SymbolTable,
    /// The code of all methods.
    pub codes: CodeTable,
    /// The semaphore that return barriers signal; nil, or null before the first was given, if there is none.
    pub update_events: Oop,
    /// The list of the processes that stand at update points; null before the first.
    pub gate: Oop,
    /// What hypervisors hold on to.
    pub mirrors: Mirrors,
    /// Semaphores to be signalled at a time.
    pub alarms: Alarms,
    /// Semaphores to be signalled when other threads hand something in.
    pub inboxes: Inboxes,
    /// Semaphores to be signalled when files are ready.
    pub waits: Waits,
    /// Told of each collection, so that caches are looked after at the next poll.
    pub interrupt: Arc<Interrupt>,
}

/// [roots-owner] The owner of the space uses the roots, and the collector while the owner stands inside a call that stops
/// the world; the owner holds no reference into them over such a call.
struct Shared(UnsafeCell<Roots>);

// SAFETY: [roots-owner]
unsafe impl Send for Shared {}
// SAFETY: [roots-owner]
unsafe impl Sync for Shared {}

/// The owner's access to the roots.
pub(crate) struct RootsHandle(Arc<Shared>);

/// The collector's.
pub(crate) struct CollectorView(Arc<Shared>);

impl RootsHandle {
    pub fn new(roots: Roots) -> (RootsHandle, CollectorView) {
        let shared = Arc::new(Shared(UnsafeCell::new(roots)));
        (RootsHandle(shared.clone()), CollectorView(shared))
    }
}

impl Deref for RootsHandle {
    type Target = Roots;

    #[inline(always)]
    fn deref(&self) -> &Roots {
        // SAFETY: [roots-owner]
        unsafe { &*self.0.0.get() }
    }
}

impl DerefMut for RootsHandle {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Roots {
        // SAFETY: [roots-owner]
        unsafe { &mut *self.0.0.get() }
    }
}

impl RootSet for CollectorView {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        // SAFETY: [roots-owner]
        let roots = unsafe { &mut *self.0.0.get() };
        let fixed = roots.classes.iter_mut().chain(&mut roots.special).chain(&mut roots.temporary);
        fixed.for_each(&mut *visitor);
        visitor(&mut roots.update_events);
        visitor(&mut roots.gate);
        roots.mirrors.visit(visitor);
        let (active, above, frame) = (roots.active, roots.above, roots.frame);
        for (number, stack) in roots.stacks.iter_mut().enumerate() {
            if let Some(stack) = stack {
                let is_active = number == active && !frame.is_null();
                if is_active {
                    stack.top = stack.number_of(frame);
                }
                stack.visit(if is_active { above } else { std::ptr::null_mut() }, visitor);
            }
        }
        roots.alarms.visit(visitor);
        roots.inboxes.visit(visitor);
        roots.waits.visit(visitor);
    }

    fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        // SAFETY: [roots-owner]
        let roots = unsafe { &mut *self.0.0.get() };
        roots.symbols.visit_weak(visitor);
        roots.mirrors.visit_weak(visitor);
        roots.codes.visit_weak(visitor);
        roots.interrupt.request();
    }

    fn visit_weak_young(&mut self, young: Bounds, visitor: &mut dyn FnMut(&mut Oop)) {
        // SAFETY: [roots-owner]
        let roots = unsafe { &mut *self.0.0.get() };
        roots.symbols.visit_weak_young(young, visitor);
        roots.mirrors.visit_weak_young(young, visitor);
        roots.codes.visit_weak_young(young, visitor);
        roots.interrupt.request();
    }
}
