//! A mutator under one strategy, as an interpreter sees the heap: raw references in root cells, access through
//! [`Access`].

#![allow(unsafe_code, dead_code)]

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use instar_become::one_way::{one_way, one_way_all};
use instar_become::two_way::{two_way, two_way_all};
use instar_become::{Access, BecomeError, HashRule, Outcome, Strategy, allocate};
use instar_gc::{Collection, GcConfig, Mutator, Pause, Ref, RootSet, World};
use instar_heap::memory::resolve;
use instar_heap::verify::{Remembered, Roots, verify};
use instar_heap::{ClassIndex, ClassSpec, Format, HeaderFlags, Heap, HeapError, Obj, Oop};

/// A root cell that collections and becomes update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root(pub usize);

/// A mutator whose references all stand in root cells.
///
/// [machine-valid] Every safe method reads the references that it needs from cells and passes no safepoint before it
/// has used them; an [`Oop`] that a method returns is used before the next one that takes `&mut self`.
pub struct Machine<S> {
    pub mutator: Mutator,
    cells: Arc<Mutex<Vec<Oop>>>,
    weak: Arc<Mutex<WeakCells>>,
    strategy: PhantomData<S>,
}

/// Cells that follow their referents without keeping them alive.
struct WeakCells(Vec<Oop>);

impl RootSet for WeakCells {
    fn visit(&mut self, _: &mut dyn FnMut(&mut Oop)) {}

    fn visit_weak(&mut self, visitor: &mut dyn FnMut(&mut Oop)) {
        self.0.iter_mut().for_each(visitor);
    }
}

/// The two kinds of become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    OneWay,
    TwoWay,
}

pub const KINDS: [Kind; 2] = [Kind::OneWay, Kind::TwoWay];

impl<S: Strategy> Machine<S> {
    pub fn new(config: GcConfig) -> Self {
        Machine::on(&World::new(config).unwrap())
    }

    pub fn on(world: &Arc<World>) -> Self {
        let mut mutator = world.attach();
        let cells = Arc::new(Mutex::new(Vec::new()));
        let weak = Arc::new(Mutex::new(WeakCells(Vec::new())));
        // SAFETY: the cells hold immediates and references of this world.
        unsafe { mutator.add_roots(Box::new(cells.clone())) };
        // SAFETY: the cells hold immediates and references of this world.
        unsafe { mutator.add_roots(Box::new(weak.clone())) };
        Machine { mutator, cells, weak, strategy: PhantomData }
    }

    pub fn heap(&self) -> &Heap {
        self.mutator.heap()
    }

    pub fn access(&self) -> Access<'_, S> {
        Access::new(&self.mutator)
    }

    // Roots.

    pub fn root(&self, oop: Oop) -> Root {
        let mut cells = self.cells.lock().unwrap();
        cells.push(oop);
        Root(cells.len() - 1)
    }

    pub fn oop(&self, root: Root) -> Oop {
        self.cells.lock().unwrap()[root.0]
    }

    pub fn set(&self, root: Root, oop: Oop) {
        self.cells.lock().unwrap()[root.0] = oop;
    }

    pub fn roots(&self) -> usize {
        self.cells.lock().unwrap().len()
    }

    pub fn forget_roots_from(&self, len: usize) {
        self.cells.lock().unwrap().truncate(len);
    }

    /// Adds a weak root cell and returns its number.
    pub fn weak_root(&self, root: Root) -> usize {
        let mut cells = self.weak.lock().unwrap();
        cells.0.push(self.oop(root));
        cells.0.len() - 1
    }

    /// What a weak root cell holds.
    pub fn weak_oop(&self, number: usize) -> Oop {
        self.weak.lock().unwrap().0[number]
    }

    pub fn nil(&self) -> Oop {
        self.heap().nil()
    }

    // Classes and objects.

    pub fn class(&mut self, spec: ClassSpec) -> ClassIndex {
        // SAFETY: no class object.
        unsafe { self.heap().define_class(None, spec) }.unwrap()
    }

    /// A class whose object is what `root` refers to.
    pub fn class_with_object(&mut self, spec: ClassSpec, root: Root) -> ClassIndex {
        let oop = self.oop(root);
        // SAFETY: [machine-valid]
        unsafe { self.heap().define_class(Some(Obj::from_oop(resolve(oop))), spec) }.unwrap()
    }

    /// Lets what `root` refers to stand for a class that exists.
    pub fn set_class(&mut self, index: ClassIndex, root: Root) {
        let oop = self.oop(root);
        // SAFETY: [machine-valid]
        unsafe { self.heap().set_class(index, Obj::from_oop(resolve(oop))) }.unwrap();
    }

    pub fn try_allocate(&mut self, class: ClassIndex, elements: usize) -> Result<Root, HeapError> {
        let shape = self.heap().classes.spec(class).unwrap().shape(class, elements)?;
        // SAFETY: the shape is that of a class in the table; the object becomes a root at once.
        let oop = unsafe { allocate::<S>(&mut self.mutator, shape) }?;
        Ok(self.root(oop))
    }

    pub fn allocate(&mut self, class: ClassIndex, elements: usize) -> Root {
        self.try_allocate(class, elements).unwrap()
    }

    /// An instance with these slots.
    pub fn object(&mut self, class: ClassIndex, elements: usize, slots: &[Oop]) -> Root {
        let roots = self.roots();
        let kept: Vec<Root> = slots.iter().map(|&oop| self.root(oop)).collect();
        let object = self.allocate(class, elements);
        for (index, root) in kept.into_iter().enumerate() {
            self.store(object, index, self.oop(root));
        }
        let object = self.oop(object);
        self.forget_roots_from(roots);
        self.root(object)
    }

    /// An array of what the roots refer to.
    pub fn array(&mut self, class: ClassIndex, elements: &[Root]) -> Root {
        let array = self.allocate(class, elements.len());
        for (index, &root) in elements.iter().enumerate() {
            self.store(array, index, self.oop(root));
        }
        array
    }

    // Reading and writing.

    /// The body behind a reference; `None` for immediates.
    pub fn body_of(&self, oop: Oop) -> Option<Obj> {
        // SAFETY: [machine-valid]
        unsafe { self.access().body(oop) }
    }

    pub fn body(&self, root: Root) -> Obj {
        self.body_of(self.oop(root)).unwrap()
    }

    pub fn load(&self, root: Root, index: usize) -> Oop {
        let body = self.body(root);
        assert!(index < body.slots());
        // SAFETY: [machine-valid]
        unsafe { self.access().load(body, index) }
    }

    pub fn load_element(&self, root: Root, index: usize) -> Oop {
        let body = self.body(root);
        assert!(index < body.slots());
        // SAFETY: [machine-valid]
        unsafe { self.access().load_element(body, index) }
    }

    pub fn store(&self, root: Root, index: usize, value: Oop) {
        let body = self.body(root);
        assert!(index < body.slots());
        // SAFETY: [machine-valid]
        unsafe { self.access().store(body, index, value) }
    }

    pub fn integer(&self, value: i64) -> Oop {
        Oop::small_integer(value).unwrap()
    }

    /// The integer in slot `index` of the object that `oop` denotes.
    pub fn value_of(&self, oop: Oop, index: usize) -> i64 {
        let body = self.body_of(oop).unwrap();
        assert!(index < body.pointer_slots_of(body.header()), "{body:?} {:?}", body.header());
        // SAFETY: [machine-valid]
        let value = unsafe { resolve(body.slot(index)) };
        value.as_small_integer().unwrap_or_else(|| panic!("{value:?} is no integer"))
    }

    pub fn value(&self, root: Root) -> i64 {
        self.value_of(self.oop(root), 0)
    }

    pub fn identical(&self, one: Oop, other: Oop) -> bool {
        // SAFETY: [machine-valid]
        unsafe { self.access().identical(one, other) }
    }

    pub fn same(&self, one: Root, other: Root) -> bool {
        self.identical(self.oop(one), self.oop(other))
    }

    pub fn hash_of(&self, oop: Oop) -> u32 {
        // SAFETY: [machine-valid]; a body is no forwarder.
        unsafe { self.heap().identity_hash(self.body_of(oop).unwrap()) }.get()
    }

    pub fn hash(&self, root: Root) -> u32 {
        self.hash_of(self.oop(root))
    }

    pub fn bytes(&self, root: Root) -> Vec<u8> {
        // SAFETY: [machine-valid]; nobody writes meanwhile.
        unsafe { self.body(root).bytes() }.to_vec()
    }

    pub fn set_bytes(&self, root: Root, bytes: &[u8]) {
        // SAFETY: [machine-valid]; nobody else uses the object.
        unsafe { self.body(root).bytes_mut() }.copy_from_slice(bytes);
    }

    pub fn set_flags(&self, root: Root, flags: HeaderFlags, on: bool) {
        let body = self.body(root);
        if on {
            self.heap().note_special(body.address());
            body.set_flags(flags);
        } else {
            body.clear_flags(flags);
        }
    }

    pub fn pin(&mut self, root: Root) {
        self.mutator.stop_world().tenure_all();
        self.set_flags(root, HeaderFlags::PINNED, true);
    }

    // Becomes and collections.

    pub fn forward(&mut self, source: Root, target: Root, rule: HashRule) -> Result<Outcome, BecomeError> {
        let oops = [source, target].map(|root| self.oop(root));
        // SAFETY: roots hold live references; stopping a world with one mutator moves nothing.
        unsafe { one_way::<S>(&mut self.mutator.stop_world(), oops[0], oops[1], rule) }
    }

    pub fn forward_all(
        &mut self,
        sources: Root,
        targets: Root,
        rule: HashRule,
    ) -> Result<Outcome, BecomeError> {
        let oops = [sources, targets].map(|root| self.oop(root));
        // SAFETY: as above.
        unsafe { one_way_all::<S>(&mut self.mutator.stop_world(), oops[0], oops[1], rule) }
    }

    pub fn swap(&mut self, one: Root, other: Root) -> Result<Outcome, BecomeError> {
        let oops = [one, other].map(|root| self.oop(root));
        // SAFETY: as above.
        unsafe { two_way::<S>(&mut self.mutator.stop_world(), oops[0], oops[1]) }
    }

    pub fn swap_all(&mut self, ones: Root, others: Root) -> Result<Outcome, BecomeError> {
        let oops = [ones, others].map(|root| self.oop(root));
        // SAFETY: as above.
        unsafe { two_way_all::<S>(&mut self.mutator.stop_world(), oops[0], oops[1]) }
    }

    /// One-way keeping the target's hash, or two-way.
    pub fn become_(&mut self, kind: Kind, one: Root, other: Root) -> Result<Outcome, BecomeError> {
        match kind {
            Kind::OneWay => self.forward(one, other, HashRule::Keep),
            Kind::TwoWay => self.swap(one, other),
        }
    }

    pub fn become_all(&mut self, kind: Kind, ones: Root, others: Root) -> Result<Outcome, BecomeError> {
        match kind {
            Kind::OneWay => self.forward_all(ones, others, HashRule::Keep),
            Kind::TwoWay => self.swap_all(ones, others),
        }
    }

    pub fn collect(&mut self, kind: Collection) {
        self.mutator.collect(kind);
    }

    /// Calls `look` with a safe reference to what `root` refers to.
    pub fn with_ref<R>(&mut self, root: Root, look: impl FnOnce(Ref<'_>) -> R) -> R {
        let cells = self.cells.clone();
        self.mutator.scope(|scope| {
            let class = scope.define_class(ClassSpec::fixed(1), None).unwrap();
            let holder = scope.allocate(class, 0).unwrap();
            let oop = cells.lock().unwrap()[root.0];
            // SAFETY: both references were read after the last safepoint.
            unsafe {
                let holder = Obj::from_oop(scope.get(holder).oop());
                scope.accessor().store(holder, 0, oop);
            }
            look(scope.get(holder).slot(0).unwrap())
        })
    }

    /// Runs `body` in one stop; its second argument reads root cells.
    pub fn in_one_stop(&mut self, body: impl FnOnce(&mut Pause<'_>, &dyn Fn(Root) -> Oop)) {
        let cells = self.cells.clone();
        let mut pause = self.mutator.stop_world();
        body(&mut pause, &|root| cells.lock().unwrap()[root.0]);
    }

    /// The body of the next ephemeron in the finalisation queue, which holds bodies under every strategy.
    pub fn next_finalizable(&mut self) -> Option<Obj> {
        self.mutator.scope(|scope| {
            let handle = scope.next_finalizable()?;
            // SAFETY: the object was a root until now, and no safepoint follows.
            Some(unsafe { Obj::from_oop(resolve(scope.get(handle).oop())) })
        })
    }

    /// The graph that is reachable from the roots, as numbers that do not depend on addresses: equal for equal graphs.
    pub fn digest(&self) -> Vec<u64> {
        let mut numbers = HashMap::new();
        let mut objects = Vec::new();
        let mut digest = Vec::new();
        let roots = self.cells.lock().unwrap().clone();
        let mut note = |oop: Oop, digest: &mut Vec<u64>, objects: &mut Vec<Obj>| match self.body_of(oop) {
            Some(body) => {
                let number = *numbers.entry(body).or_insert_with(|| {
                    objects.push(body);
                    objects.len() as u64
                });
                digest.push(number << 3);
            }
            // SAFETY: [machine-valid]
            None => digest.push(unsafe { resolve(oop) }.bits()),
        };
        for root in roots {
            note(root, &mut digest, &mut objects);
        }
        let mut next = 0;
        while let Some(&object) = objects.get(next) {
            next += 1;
            let header = object.header();
            assert!(!header.is_forwarder());
            digest.extend(
                [header.class_index().get(), header.format().bits().into(), header.hash().get()]
                    .map(u64::from),
            );
            digest.push(object.slots() as u64);
            if header.format().has_pointers() {
                for slot in 0..object.slots() {
                    note(object.slot(slot), &mut digest, &mut objects);
                }
            } else {
                // SAFETY: [machine-valid]; nobody writes meanwhile.
                digest.extend(unsafe { object.bytes() }.iter().map(|&byte| u64::from(byte)));
            }
        }
        digest
    }

    /// Checks all of the heap's invariants but those of the remembered set's list.
    pub fn verify(&mut self) {
        let (strong, weak) = (self.cells.lock().unwrap().clone(), self.weak.lock().unwrap().0.clone());
        let roots = Roots { strong: &strong, weak: &weak };
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        // SAFETY: the world is stopped and the buffers are retired.
        let broken = unsafe { verify(pause.world().heap(), roots, Remembered::Unknown) };
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }

    /// How many instances of `class` a heap walk finds, dead ones included.
    pub fn instances(&mut self, class: ClassIndex) -> usize {
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        let mut count = 0;
        // SAFETY: the world is stopped and the buffers are retired.
        unsafe { pause.world().heap().for_each_instance(class, |_| count += 1) };
        count
    }

    /// How many forwarders a heap walk finds, dead ones included.
    pub fn forwarders(&mut self) -> usize {
        self.instances(ClassIndex::FORWARDER)
    }
}

/// A class of cells (three named slots), one of arrays, and one of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Classes {
    pub cells: ClassIndex,
    pub arrays: ClassIndex,
    pub bytes: ClassIndex,
}

impl Classes {
    pub fn new<S: Strategy>(machine: &mut Machine<S>) -> Classes {
        Classes {
            cells: machine.class(ClassSpec::fixed(3)),
            arrays: machine.class(ClassSpec::of(Format::INDEXABLE)),
            bytes: machine.class(ClassSpec::of(Format::BYTES)),
        }
    }
}
