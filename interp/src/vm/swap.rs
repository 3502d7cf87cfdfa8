//! Become in a running space, and what must be put right after it.

#![allow(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use instar_become::{
    AlwaysCheck, BecomeError, FullScan, HashRule, Lazy, Outcome, Strategy, one_way, two_way,
};
use instar_heap::side::SideTables;
use instar_heap::{HeaderFlags, Heap, Oop};

use super::Space;
use super::contexts::FrameId;
use super::run::has_slots;
use super::space::BecomeStrategy;
use super::stack::Mark;
use crate::objects::{Known, Value};

/// Which become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// Every reference to the first becomes one to the second.
    OneWay(HashRule),
    /// The two change places.
    TwoWay,
}

/// Pairs up to which the sources are looked at to see whether caches must be flushed; with more, they are flushed in any case.
const FEW_PAIRS: usize = 64;

/// Elements up to which an Array is looked at to see whether a method dictionary may keep its methods in it.
const MOST_ELEMENTS: usize = 1024;

/// Whether replacing this may change what a lookup finds.
fn concerns_lookup(value: Value<'_>) -> bool {
    let is_class = value.object().is_some_and(|object| object.header().has_any(HeaderFlags::CLASS));
    is_class
        || value.is_symbol()
        || value.is(Known::MethodDictionary)
        || value.is(Known::Array) && may_hold_methods(value)
}

/// Whether an Array has a method among its elements. [caches] hold nothing of other objects that stand in a method dictionary.
fn may_hold_methods(array: Value<'_>) -> bool {
    let mut elements = (0..array.slots()).filter_map(|index| array.slot(index));
    array.slots() > MOST_ELEMENTS || elements.any(|element| array.space().code_of(element).is_some())
}

impl Space {
    /// Swaps the elements of two Arrays pairwise.
    ///
    /// # Errors
    /// [`BecomeError`]; nothing has changed then.
    pub(crate) fn swap_all(
        &mut self,
        sources: Oop,
        targets: Oop,
        swap: Swap,
    ) -> Result<Outcome, BecomeError> {
        let needs_flush = self.concern_lookup(sources) || self.concern_lookup(targets);
        let outcome = match self.options.strategy {
            BecomeStrategy::Lazy => self.swap_with::<Lazy>(sources, targets, swap),
            BecomeStrategy::AlwaysCheck => self.swap_with::<AlwaysCheck>(sources, targets, swap),
            BecomeStrategy::FullScan => self.swap_with::<FullScan>(sources, targets, swap),
        }?;
        self.changes_of_identity += 1;
        self.after_become(needs_flush);
        Ok(outcome)
    }

    /// Lets every reference to `source` become one to `target`.
    ///
    /// [fresh] for both, as for [`value`](Self::value).
    ///
    /// # Errors
    /// [`BecomeError`]; nothing has changed then.
    pub(crate) fn swap_one(
        &mut self,
        source: Oop,
        target: Oop,
        rule: HashRule,
    ) -> Result<Outcome, BecomeError> {
        let needs_flush = concerns_lookup(self.value(source)) || concerns_lookup(self.value(target));
        let strategy = self.options.strategy;
        let mut pause = self.mutator.stop_world();
        // SAFETY: the caller's promise, and this mutator is the only one: nothing has moved.
        let outcome = unsafe {
            match strategy {
                BecomeStrategy::Lazy => one_way::one_way::<Lazy>(&mut pause, source, target, rule),
                BecomeStrategy::AlwaysCheck => {
                    one_way::one_way::<AlwaysCheck>(&mut pause, source, target, rule)
                }
                BecomeStrategy::FullScan => one_way::one_way::<FullScan>(&mut pause, source, target, rule),
            }
        }?;
        drop(pause);
        self.changes_of_identity += 1;
        self.after_become(needs_flush);
        Ok(outcome)
    }

    fn swap_with<S: Strategy>(
        &mut self,
        sources: Oop,
        targets: Oop,
        swap: Swap,
    ) -> Result<Outcome, BecomeError> {
        let mut pause = self.mutator.stop_world();
        // SAFETY: the Arrays are live: nothing was allocated since they were read from registers, and this mutator is the only one.
        unsafe {
            match swap {
                Swap::OneWay(rule) => one_way::one_way_all::<S>(&mut pause, sources, targets, rule),
                Swap::TwoWay => two_way::two_way_all::<S>(&mut pause, sources, targets),
            }
        }
    }

    /// Whether replacing the elements of `array` may change what a lookup finds: true for many elements.
    fn concern_lookup(&self, array: Oop) -> bool {
        let array = self.value(array);
        array.slots() > FEW_PAIRS
            || (0..array.slots()).filter_map(|index| array.slot(index)).any(concerns_lookup)
    }

    /// [receiver-shape], indices of known classes, and caches after a become.
    pub(crate) fn after_become(&mut self, needs_flush: bool) {
        if needs_flush {
            self.refresh_indices();
            self.flush_caches();
        }
        self.set_active_top();
        let mut estranged = Vec::new();
        for number in 0..self.roots.stacks.len() {
            let top = self.roots.stacks[number].as_ref().map_or(0, |stack| stack.top + 1);
            for frame in 0..top {
                let id = FrameId { stack: number, frame };
                if !self.fit_frame(id) {
                    estranged.push(id);
                }
            }
        }
        if !estranged.is_empty() {
            self.marry_again(&estranged);
        }
    }

    /// If the frame's receiver became something with fewer slots, its code is exchanged for the same with checks. False if what became of the
    /// frame's Context does not answer for it any more.
    fn fit_frame(&mut self, id: FrameId) -> bool {
        let address = self.frame_address(id);
        if address.is_null() {
            return true;
        }
        // SAFETY: the frame is in use, [frame-code] its code lives, and its pc lies inside.
        unsafe {
            let frame = &mut *address;
            let code = &*frame.code;
            if code.slots_needed > 0 && !has_slots(*frame.base, code.slots_needed) {
                let checked = code.checked();
                let word = frame.pc.offset_from(code.words.as_ptr());
                frame.pc = checked.words.as_ptr().offset(word);
                frame.code = checked;
            }
            let is_married = frame.mark.has(Mark::CONTEXT);
            if is_married && self.spouse(self.value((*address).context)) != Some(id) {
                return false;
            }
            if is_married {
                self.update_spouse(&*address);
            }
        }
        true
    }
}

impl Space {
    /// How many instances of a class the heap holds, dead ones included that have not been collected.
    pub(crate) fn count_instances(&mut self, class: instar_heap::ClassIndex) -> usize {
        let mut count = 0;
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        // SAFETY: inside a pause, with retired buffers, all spaces can be walked.
        unsafe { pause.world().heap().for_each_instance(class, |_| count += 1) };
        count
    }

    /// Visits all objects of the heap, dead ones included that have not been collected.
    pub(crate) fn for_each_object(&mut self, mut visitor: impl FnMut(instar_heap::Obj)) {
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        // SAFETY: inside a pause, with retired buffers, all spaces can be walked.
        unsafe { pause.world().heap().for_each_object(|object, _| visitor(object)) };
    }

    /// The objects that refer to `target`, but for the lists that only the runtime sees.
    pub(crate) fn pointers_to(&mut self, target: Oop) -> Vec<Oop> {
        let mut found = Vec::new();
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        // SAFETY: inside a pause, with retired buffers, all spaces can be walked, and live objects' slots hold live references
        // [stale-slots].
        unsafe {
            pause.world().heap().for_each_object(|object, header| {
                let slots = object.pointer_slots_of(header);
                if (0..slots).any(|slot| instar_heap::memory::resolve(object.slot(slot)) == target) {
                    found.push(object.oop());
                }
            });
        }
        found
    }

    /// Puts up to `most` instances of a class, but for those among the elements of `except`, into `array` from slot `start` on; the array has
    /// these slots and is not among them. Returns how many.
    ///
    /// Elements that are left out are marked meanwhile, which needs no memory: mark bits are clear between stops.
    pub(crate) fn fill_with_instances(
        &mut self,
        class: instar_heap::ClassIndex,
        array: instar_heap::Obj,
        start: usize,
        most: usize,
        except: Option<instar_heap::Obj>,
    ) -> usize {
        let mut count = 0;
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        let heap = pause.world().heap();
        // What is overwritten is not left out, and must not be: its mark would stay.
        let kept = except.map(|except| (except, if except == array { start } else { except.slots() }));
        // SAFETY: as in `count_instances`; the arrays have these slots, whose objects the heap's side tables cover; nobody else runs.
        unsafe {
            kept.inspect(|(except, end)| {
                for_each_mark(heap, *except, *end, |cell, bit| cell.fetch_or(bit, Relaxed))
            });
            heap.for_each_instance(class, |instance| {
                if count < most && instance != array && !heap.side.is_marked(instance.oop().address()) {
                    array.set_slot_raw(start + count, instance.oop());
                    pause.remember_store(array, start + count, instance.oop());
                    count += 1;
                }
            });
            kept.inspect(|(except, end)| {
                for_each_mark(heap, *except, *end, |cell, bit| cell.fetch_and(!bit, Relaxed))
            });
        }
        count
    }
}

/// The mark word and bit of each object among the first elements of an array.
///
/// # Safety
/// The object's slots are references, in a stop.
unsafe fn for_each_mark(
    heap: &Heap,
    array: instar_heap::Obj,
    end: usize,
    change: impl Fn(&AtomicU64, u64) -> u64,
) {
    // SAFETY: the caller's promise.
    let elements = (0..end).map(|slot| unsafe { instar_heap::memory::resolve(array.slot(slot)) });
    for element in elements.filter(|element| element.is_pointer()) {
        // SAFETY: side tables cover all objects.
        let cell = unsafe { heap.side.marks.at(element.address()) };
        change(cell, SideTables::mark_bit(element.address()));
    }
}
