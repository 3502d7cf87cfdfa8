//! An object space: an independent program with its own heap, classes, symbols, processes and caches.

#![allow(unsafe_code)]

use std::sync::Arc;

use instar_gc::{GcConfig, Mutator, World};
use instar_heap::{ClassIndex, HeapError, Oop};

use super::alarms::Alarms;
use super::census::Census;
use super::frames::trampoline;
use super::inbox::Inboxes;
use super::inject::{Injection, RandomBecomes};
use super::interrupt::Interrupt;
use super::lookup::LookupCache;
use super::readiness::Waits;
use super::roots::{Roots, RootsHandle};
use super::run::Exit;
use super::stack::StackLimits;
use crate::code::{Code, CodeTable};
use crate::objects::symbols::SymbolTable;
use crate::objects::{Known, Special, Value};
use crate::primitives::Call;
use crate::primitives::file_table::FileTable;
use crate::spaces::Hypervisor;
use crate::spaces::handles::Mirrors;

/// How become works in a space, and so what its dispatch loop checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BecomeStrategy {
    /// Forwarders behind the partial read barrier.
    #[default]
    Lazy,
    /// Forwarders, and a check at every load.
    AlwaysCheck,
    /// No forwarders and no checks: become scans the heap.
    FullScan,
}

/// Options of a space.
#[derive(Clone, Debug, Default)]
pub struct SpaceOptions {
    /// The heap and its collector.
    pub gc: GcConfig,
    /// How become works.
    pub strategy: BecomeStrategy,
    /// How deep processes may recurse.
    pub stacks: StackLimits,
    /// For tests: objects become copies of themselves while programs run, which must not notice.
    pub random_becomes: Option<RandomBecomes>,
}

/// Why a space could not be made or a request to it failed.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// The heap's limit was reached, or its options are wrong.
    #[error(transparent)]
    Heap(#[from] HeapError),
    /// The kernel does not fit the runtime, or a package does not load.
    #[error("{0}")]
    Load(String),
}

/// An object space.
///
/// One thread runs it. `register_limit` and the interrupt's frame limit are the ends of the active stack.
pub struct Space {
    pub(crate) mutator: Mutator,
    pub(crate) roots: RootsHandle,
    pub(crate) register_limit: *mut Oop,
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) indices: [ClassIndex; Known::ALL.len()],
    pub(crate) cache: LookupCache,
    pub(crate) last_serial: u64,
    pub(crate) full_collections: u64,
    /// Becomes and changes of class so far: [census].
    pub(crate) changes_of_identity: u64,
    pub(crate) census: Option<Census>,
    pub(crate) options: SpaceOptions,
    pub(crate) started: std::time::Instant,
    /// The code of frames that the runtime pushes to get a result back; see [`frames`](super::frames).
    pub(crate) trampoline: Box<Code>,
    /// What ends the loop at the next poll.
    pub(crate) exit: Option<Exit>,
    /// A small allocation failed and no poll came yet.
    pub(crate) shortage: std::cell::Cell<bool>,
    /// Whether an entry was made since the caches were flushed.
    pub(crate) caches_used: bool,
    /// Why the last process was terminated by the runtime.
    pub(crate) last_failure: Option<String>,
    /// A dictionary of variables for the statements that are being compiled.
    pub(crate) workspace: Option<Root>,
    /// Where names go that nothing declares, if not to the guest's `Undeclared`.
    pub(crate) undeclared: Option<Root>,
    /// Where [`SpaceOptions::random_becomes`] stand.
    pub(crate) injection: Injection,
    /// A process is being ended by one that asks it to.
    pub(crate) is_stopping: bool,
    /// Processes of lower priority do not run; 0 if all may.
    pub(crate) floor: usize,
    /// Open files, by handle.
    pub(crate) files: FileTable,
    /// What stood on the command line for the guest.
    pub arguments: Vec<String>,
    /// The spaces that the guest may look at and change; none for most.
    pub(crate) hypervisor: Option<Hypervisor>,
    /// Whether the space is suspended when an activation with a return barrier goes, and the process that it was of waits at the gate.
    pub(crate) stops_at_barriers: bool,
    /// Whether such an activation of the active process has gone.
    pub(crate) has_left: bool,
    /// The stack whose end ends the loop.
    pub(crate) awaited: Option<usize>,
}

impl Space {
    /// A heap without classes: what bootstrap fills.
    pub(crate) fn empty(options: SpaceOptions) -> Result<Space, SpaceError> {
        let world = World::new(options.gc.clone())?;
        Ok(Space::of_world(&world, options))
    }

    /// A space in a world to which no mutator is attached, without anything that it knows of the heap.
    pub(super) fn of_world(world: &Arc<World>, options: SpaceOptions) -> Space {
        let nil = world.heap().nil();
        let interrupt = Arc::new(Interrupt::default());
        let (roots, view) = RootsHandle::new(Roots {
            classes: [nil; Known::ALL.len()],
            special: [nil; Special::COUNT],
            stacks: Vec::new(),
            active: 0,
            frame: std::ptr::null_mut(),
            above: std::ptr::null_mut(),
            temporary: Vec::new(),
            symbols: SymbolTable::default(),
            codes: CodeTable::default(),
            update_events: Oop::NULL,
            gate: Oop::NULL,
            mirrors: Mirrors::default(),
            alarms: Alarms::default(),
            inboxes: Inboxes::default(),
            waits: Waits::default(),
            interrupt: interrupt.clone(),
        });
        if options.random_becomes.is_some() {
            interrupt.request();
        }
        let mut mutator = world.attach();
        // SAFETY: the cells hold immediates and references of this world.
        unsafe { mutator.add_roots(Box::new(view)) };
        Space {
            mutator,
            roots,
            injection: Injection::new(options.random_becomes),
            register_limit: std::ptr::null_mut(),
            interrupt,
            indices: [ClassIndex::UNDEFINED; Known::ALL.len()],
            cache: LookupCache::default(),
            last_serial: 0,
            full_collections: 0,
            changes_of_identity: 0,
            census: None,
            options,
            started: std::time::Instant::now(),
            trampoline: Box::new(trampoline()),
            exit: None,
            awaited: None,
            workspace: None,
            undeclared: None,
            is_stopping: false,
            floor: 0,
            arguments: Vec::new(),
            shortage: std::cell::Cell::new(false),
            caches_used: false,
            last_failure: None,
            files: FileTable::default(),
            hypervisor: None,
            stops_at_barriers: false,
            has_left: false,
        }
    }

    /// How become works here.
    pub fn strategy(&self) -> BecomeStrategy {
        self.options.strategy
    }

    /// What requests the attention of a space that runs, from any thread.
    pub fn interrupt(&self) -> Arc<Interrupt> {
        self.interrupt.clone()
    }

    /// Sets what `Smalltalk arguments` answers.
    pub fn set_arguments(&mut self, arguments: Vec<String>) {
        self.arguments = arguments;
    }

    /// The collector's view of the space.
    pub fn world(&self) -> &Arc<World> {
        self.mutator.world()
    }

    /// nil.
    #[inline(always)]
    pub fn nil(&self) -> Oop {
        self.mutator.heap().nil()
    }

    /// nil, as a value.
    pub fn nil_value(&self) -> Value<'_> {
        self.value(self.nil())
    }

    /// true or false.
    #[inline(always)]
    pub fn boolean(&self, value: bool) -> Oop {
        self.special(if value { Special::True } else { Special::False })
    }

    /// An object by role.
    #[inline(always)]
    pub fn special(&self, special: Special) -> Oop {
        self.roots.special[special as usize]
    }

    /// The index of instances of a class that the runtime knows.
    #[inline(always)]
    pub fn class_index(&self, class: Known) -> ClassIndex {
        self.indices[class as usize]
    }

    /// A class that the runtime knows.
    pub fn known_class(&self, class: Known) -> Value<'_> {
        self.value(self.roots.classes[class as usize])
    }

    /// A root or a word that was just read from a live object, as a value.
    ///
    /// [fresh] Inside this crate: `oop` is an immediate, or nothing that can collect came between reading it from a root, register or slot
    /// and this call.
    #[inline]
    pub(crate) fn value(&self, oop: Oop) -> Value<'_> {
        // SAFETY: [fresh]
        unsafe { Value::new(self, oop) }
    }

    /// Register `index` of a call. A forwarder there is replaced by what it leads to.
    #[inline]
    pub(crate) fn operand(&self, call: Call, index: usize) -> Value<'_> {
        debug_assert!(index <= call.arguments);
        // SAFETY: [call-window]
        let register = unsafe { call.window.add(index) };
        // SAFETY: [call-window]: registers hold live references.
        let value = self.value(unsafe { *register });
        // SAFETY: [call-window]
        unsafe { *register = value.oop() };
        value
    }

    /// Holds on to `oop` until [`release`](Self::release).
    pub(crate) fn root(&mut self, oop: Oop) -> Root {
        self.roots.temporary.push(oop);
        Root(self.roots.temporary.len() - 1)
    }

    /// What a root holds now.
    pub(crate) fn rooted(&self, root: Root) -> Value<'_> {
        self.value(self.roots.temporary[root.0])
    }

    /// Lets go of this root and of all that were made after it.
    pub(crate) fn release(&mut self, root: Root) {
        self.roots.temporary.truncate(root.0);
    }

    /// Where the temporary roots end, to release all that come.
    pub(crate) fn mark_roots(&self) -> Root {
        Root(self.roots.temporary.len())
    }
}

/// A reference that runtime code holds on to over collections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root(usize);

impl Root {
    /// Its place among the temporary roots.
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// The root that was made after it.
    pub(crate) fn next(self) -> Root {
        Root(self.0 + 1)
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Space").field("strategy", &self.options.strategy).finish_non_exhaustive()
    }
}
