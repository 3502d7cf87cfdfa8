//! The heap that figures are measured on: arrays of 3-slot items, read and filled the way an interpreter would.
//!
//! [item-array] Arrays made here hold items (or, under an object table, their entries) in all slots, and items hold an
//! integer in slot [`VALUE`]. Everything is reached through handles, and no raw reference outlives the call that
//! obtained it or is held over an allocation.

#![allow(unsafe_code)]

use std::time::Duration;

use instar_become::{Access, Strategy, allocate};
use instar_bench::rng::SplitMix64;
use instar_gc::{Collection, GcConfig, Mutator, Scope, World};
use instar_heap::forwarding::install;
use instar_heap::memory::resolve;
use instar_heap::sync::Sound;
use instar_heap::{ClassIndex, ClassSpec, Format, Handle, Header, HeapConfig, MIB, Obj, Oop, Shape};

use super::timed;

/// Slot of an item in which its number stands.
pub const VALUE: usize = 1;
/// Slot of a holder in which the reference to its item stands.
pub const HELD: usize = 0;
/// Slot of a closure in which the reference to its item stands.
pub const COPIED: usize = 2;
/// Bytes of an item.
pub const ITEM_BYTES: usize = 32;

/// A world of one mutator, with the classes that the benches use.
pub struct Bed<'a, 's> {
    /// Handles of the benches live here.
    pub scope: &'a mut Scope<'s>,
    /// Three named slots.
    pub items: ClassIndex,
    /// Indexable slots.
    pub arrays: ClassIndex,
}

/// Options for a heap on which `objects` items are made, several times over, without a collection that nobody asked
/// for in the old generation.
pub fn config(objects: usize, workers: usize) -> GcConfig {
    let limit_bytes = (objects * ITEM_BYTES * 16 + 512 * MIB).min(HeapConfig::MAX_LIMIT_BYTES);
    GcConfig {
        heap: HeapConfig::with_limit(limit_bytes),
        first_full_bytes: limit_bytes,
        ..GcConfig::default()
    }
    .with_workers(workers)
}

/// Runs `body` on a fresh heap.
pub fn with_heap<R>(config: GcConfig, body: impl for<'a, 's> FnOnce(&mut Bed<'a, 's>) -> R) -> R {
    let world = World::new(config).expect("address space for the heap");
    world.attach().scope(|scope| {
        let items = scope.define_class(ClassSpec::fixed(3), None).expect("an empty class table");
        let arrays =
            scope.define_class(ClassSpec::of(Format::INDEXABLE), None).expect("an empty class table");
        body(&mut Bed { scope, items, arrays })
    })
}

impl<'s> Bed<'_, 's> {
    /// The shape of an item.
    pub fn item_shape(&self) -> Shape {
        ClassSpec::fixed(3).shape(self.items, 0).expect("named slots only")
    }

    /// An array of nils.
    pub fn array(&mut self, length: usize) -> Handle<'s> {
        self.scope.allocate(self.arrays, length).expect("room for an array")
    }

    /// An array of fresh items, all of them old.
    pub fn old_items<S: Strategy>(&mut self, count: usize) -> Handle<'s> {
        let array = self.array(count);
        self.fill::<S>(array);
        self.tenure();
        array
    }

    /// Collects everything: what lives is old and refers to no forwarder afterwards.
    pub fn tenure(&mut self) {
        self.scope.collect(Collection::Full);
    }

    /// Puts a fresh item into each slot of the array; item `i` holds `i`.
    pub fn fill<S: Strategy>(&mut self, array: Handle<'_>) {
        let shape = self.item_shape();
        for index in 0..self.scope.get(array).slots() {
            // SAFETY: the shape is that of a class of this world; the item is stored in a live array at once.
            unsafe {
                let item = allocate::<S>(self.scope.mutator(), shape).expect("room for an item");
                let access = Access::<S>::new(self.scope.accessor());
                let number = Oop::small_integer(index as i64).expect("an index is small");
                let Some(body) = access.body(item) else { unreachable!("an item is no immediate") };
                access.store(body, VALUE, number);
                access.store(raw(self.scope, array), index, item);
            }
        }
    }

    /// Allocates so many items, each of which takes the place of the oldest in the array.
    pub fn replace_in_turn(&mut self, array: Handle<'_>, count: usize) {
        let shape = self.item_shape();
        let length = self.scope.get(array).slots();
        let mut next = 0;
        for _ in 0..count {
            // SAFETY: as in `fill`.
            unsafe {
                let item = self.scope.mutator().allocate_raw(shape).expect("room for an item");
                self.scope.accessor().store(raw(self.scope, array), next, item.oop());
            }
            next = if next + 1 == length { 0 } else { next + 1 };
        }
    }

    /// An array of holders, all of them old; holder `i` refers to item `i` of `array` by its slot [`HELD`].
    pub fn old_holders(&mut self, array: Handle<'_>) -> Handle<'s> {
        let shape = self.item_shape();
        self.old_holders_of(array, shape, HELD)
    }

    /// As [`old_holders`](Self::old_holders), by objects with an outer context, a method and one copied value: slot
    /// [`COPIED`].
    pub fn old_closures(&mut self, array: Handle<'_>) -> Handle<'s> {
        let closure = ClassSpec { format: Format::INDEXABLE, fixed_slots: 2 };
        let class = self.scope.define_class(closure, None).expect("a nearly empty class table");
        self.old_holders_of(array, closure.shape(class, 1).expect("one copied value"), COPIED)
    }

    fn old_holders_of(&mut self, array: Handle<'_>, shape: Shape, slot: usize) -> Handle<'s> {
        let count = self.scope.get(array).slots();
        let holders = self.array(count);
        for index in 0..count {
            // SAFETY: as in `fill`; both arrays are live and have the slot.
            unsafe {
                let holder = self.scope.mutator().allocate_raw(shape).expect("room for a holder");
                let accessor = self.scope.accessor();
                accessor.store(holder, slot, raw(self.scope, array).slot(index));
                accessor.store(raw(self.scope, holders), index, holder.oop());
            }
        }
        self.tenure();
        holders
    }

    /// Puts the elements of an array into random order.
    pub fn shuffle(&mut self, array: Handle<'_>, seed: u64) {
        let array = raw(self.scope, array);
        let length = array.slots();
        let mut order: Vec<Oop> = (0..length).map(|index| array.slot(index)).collect();
        SplitMix64::new(seed).shuffle(&mut order);
        for (index, element) in order.into_iter().enumerate() {
            // SAFETY: a live array and what it held.
            unsafe { self.scope.accessor().store(array, index, element) };
        }
    }

    /// Lets every `step`-th slot keep its element and the others refer to nil.
    pub fn thin_out(&mut self, array: Handle<'_>, step: usize) {
        let nil = self.scope.nil().oop();
        let array = raw(self.scope, array);
        for index in (0..array.slots()).filter(|index| index % step != 0) {
            array.set_slot_raw(index, nil);
        }
    }

    /// The time of one pass: each element is read, sent to, and gives its number. With `heals` the send knows which
    /// slot its receiver came from.
    pub fn element_pass<S: Strategy>(&mut self, array: Handle<'_>, heals: bool) -> Duration {
        let class = self.items;
        let array = raw(self.scope, array);
        let access = Access::<S>::new(self.scope.accessor());
        timed(|| {
            let mut sum = 0_i64;
            for index in 0..array.slots() {
                // SAFETY: [item-array], and no safepoint is passed.
                sum += unsafe {
                    let value = access.load_element(array, index);
                    number(access, value, class, heals.then_some((array, index)))
                };
            }
            sum
        })
    }

    /// As [`element_pass`](Self::element_pass), but the read of the element itself never checks: what a virtual machine
    /// does that heals in the miss of a send alone.
    pub fn unchecked_element_pass<S: Strategy>(&mut self, array: Handle<'_>, heals: bool) -> Duration {
        let class = self.items;
        let array = raw(self.scope, array);
        let access = Access::<S>::new(self.scope.accessor());
        timed(|| {
            let mut sum = 0_i64;
            for index in 0..array.slots() {
                let value = array.slot(index);
                // SAFETY: [item-array], and no safepoint is passed.
                sum += unsafe { number(access, value, class, heals.then_some((array, index))) };
            }
            sum
        })
    }

    /// The time of one pass over holders: the field of each is read, sent to, and gives its item's number.
    pub fn field_pass<S: Strategy>(&mut self, holders: Handle<'_>) -> Duration {
        self.slot_pass::<S>(holders, HELD)
    }

    /// As [`field_pass`](Self::field_pass), for references in another slot.
    pub fn slot_pass<S: Strategy>(&mut self, holders: Handle<'_>, slot: usize) -> Duration {
        let class = self.items;
        let holders = raw(self.scope, holders);
        let access = Access::<S>::new(self.scope.accessor());
        timed(|| {
            let mut sum = 0_i64;
            for index in 0..holders.slots() {
                // SAFETY: [item-array] for both, and no safepoint is passed. Holders are bodies under each strategy.
                sum += unsafe {
                    let holder = Obj::from_oop(holders.slot(index));
                    let value = access.load(holder, slot);
                    number(access, value, class, Some((holder, slot)))
                };
            }
            sum
        })
    }

    /// The time of turning each element of `sources` into a forwarder. Undone afterwards, before a safepoint could see it.
    pub fn install_and_undo(&mut self, sources: Handle<'_>, targets: Handle<'_>) -> Duration {
        let (sources, targets) = (raw(self.scope, sources), raw(self.scope, targets));
        let count = sources.slots();
        // SAFETY: [item-array]
        let item = |index| unsafe { Obj::from_oop(sources.slot(index)) };
        let kept: Vec<(Header, Oop)> =
            (0..count).map(|index| (item(index).header(), item(index).slot(0))).collect();
        let time = timed(|| {
            for index in 0..count {
                let source = item(index);
                install::<Sound, _>(source.header_cell(), source.slot_cell(0), targets.slot(index));
            }
        });
        for (index, (header, first)) in kept.into_iter().enumerate() {
            item(index).set_header(header);
            item(index).set_slot_raw(0, first);
        }
        time
    }

    /// The time of following each element to the end of its chain of forwarders and reading a number there.
    pub fn follow_pass(&mut self, array: Handle<'_>) -> Duration {
        let array = raw(self.scope, array);
        timed(|| {
            let number = |index| {
                // SAFETY: [item-array], and no safepoint is passed.
                let item = unsafe { Obj::from_oop(resolve(array.slot(index))) };
                item.slot(VALUE).as_small_integer().unwrap_or(0)
            };
            (0..array.slots()).map(number).sum::<i64>()
        })
    }

    /// How many instances of `class` a walk of the heap finds, and how long it takes.
    pub fn instances(&mut self, class: ClassIndex) -> (usize, Duration) {
        let mut pause = self.scope.stop_world();
        pause.retire_buffers();
        let mut found = 0;
        // SAFETY: the world is stopped and all spaces are walkable.
        let time = timed(|| unsafe { pause.world().heap().for_each_instance(class, |_| found += 1) });
        (found, time)
    }

    /// An array of old objects with 1 to 6 slots, sizes in random order; those with 3 are items.
    pub fn old_objects_of_mixed_sizes(&mut self, count: usize) -> Handle<'s> {
        let array = self.array(count);
        let mut classes = [1, 2, 3, 4, 5, 6].map(|slots| {
            self.scope.define_class(ClassSpec::fixed(slots), None).expect("a nearly empty class table")
        });
        classes[2] = self.items;
        let mut rng = SplitMix64::new(1);
        for index in 0..count {
            let class = classes[rng.below(classes.len())];
            self.scope.scope(|scope| {
                let object = scope.allocate(class, 0).expect("room for an object");
                scope.get(array).set_slot(index, scope.get(object)).expect("an index in bounds");
            });
        }
        self.tenure();
        array
    }

    /// Allocates `count` items that nobody keeps, and returns how long that took.
    pub fn allocate_garbage<S: Strategy>(&mut self, count: usize) -> Duration {
        let shape = self.item_shape();
        let mutator: &mut Mutator = self.scope.mutator();
        timed(|| {
            for _ in 0..count {
                // SAFETY: the shape is that of a class of this world; the item is not used.
                std::hint::black_box(unsafe { allocate::<S>(mutator, shape) }.is_ok());
            }
        })
    }
}

/// The array behind a handle, until the next safepoint.
pub fn raw(scope: &Scope<'_>, handle: Handle<'_>) -> Obj {
    // SAFETY: handles made by the benches refer to live arrays, which no become replaces.
    unsafe { Obj::from_oop(scope.get(handle).oop()) }
}

/// A send of "number" to `value`.
///
/// # Safety
/// [item-array], and no safepoint was passed since `value` was read from `origin`.
#[inline(always)]
unsafe fn number<S: Strategy>(
    access: Access<'_, S>,
    value: Oop,
    class: ClassIndex,
    origin: Option<(Obj, usize)>,
) -> i64 {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(item) = access.receiver(value, class, origin) else { return 0 };
        access.load(item, VALUE).as_small_integer().unwrap_or(0)
    }
}
