//! How many instances of some classes there are, counted beforehand while the program runs, so that the stop of an update looks only at what
//! came since, and finds instances without looking where none are.
//!
//! The old generation is counted from its start in parts, of which the guest may ask for one after the other; young objects are counted when
//! the answer is wanted.
//!
//! [census] What was counted of the old generation holds as long as there is no full collection, which moves objects, and no become, which
//! changes what they are: after one it is counted anew. The class of an old object changes in no other way, and what is new is
//! behind what was counted.

#![allow(unsafe_code)]

use std::ops::Range;

use instar_heap::walk::{walk, walk_until};
use instar_heap::{ClassIndex, Obj};

use super::Space;

/// What is known of the old generation.
#[derive(Debug)]
pub(crate) struct Census {
    /// By class index, the place in `counts`, or [`NOT_COUNTED`].
    places: Vec<u32>,
    counts: Vec<usize>,
    /// What holds all instances that were found, in order of addresses.
    ranges: Vec<Range<usize>>,
    /// The first object that was not looked at.
    end: usize,
    stamp: Stamp,
}

/// Full collections and becomes so far.
type Stamp = (u64, u64);

const NOT_COUNTED: u32 = u32::MAX;
/// Instances with less between them are in one range.
const GAP: usize = 64 << 10;

impl Census {
    fn new(classes: &[ClassIndex], start: usize, stamp: Stamp) -> Census {
        let most = classes.iter().map(|class| class.get()).max().map_or(0, |most| most as usize + 1);
        let mut places = vec![NOT_COUNTED; most];
        for (place, class) in classes.iter().enumerate() {
            places[class.get() as usize] = place as u32;
        }
        Census { places, counts: vec![0; classes.len()], ranges: Vec::new(), end: start, stamp }
    }

    /// Where in `counts` the class stands.
    #[inline]
    fn place(&self, class: ClassIndex) -> Option<usize> {
        let place = *self.places.get(class.get() as usize)?;
        (place != NOT_COUNTED).then_some(place as usize)
    }

    /// Looks at old objects up to the first that starts at `limit` or behind it.
    ///
    /// # Safety
    /// [walkable] holds up to `top`, which is not before the census's end, and nobody allocates or moves objects there meanwhile.
    unsafe fn advance(&mut self, limit: usize, top: usize) {
        let range = self.end..top;
        // SAFETY: the caller's promise.
        self.end = unsafe {
            walk_until(range, limit, |object, header| {
                if let Some(place) = self.place(header.class_index()) {
                    self.counts[place] += 1;
                    let (start, end) = (object.start(), object.end_of(header));
                    match self.ranges.last_mut() {
                        Some(last) if start - last.end < GAP => last.end = end,
                        _ => self.ranges.push(start..end),
                    }
                }
            })
        };
    }
}

/// Where instances of one class go.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The next slot.
    pub next: usize,
    /// Slots from here on are not written.
    pub end: usize,
}

impl Space {
    /// The one that was begun, if it still holds and has all of these classes.
    fn take_census(&mut self, classes: &[ClassIndex]) -> Census {
        let stamp = (self.world().stats().full_collections, self.becomes);
        let has_all = |census: &Census| classes.iter().all(|&class| census.place(class).is_some());
        let kept = self.census.take().filter(|census| census.stamp == stamp && has_all(census));
        kept.unwrap_or_else(|| Census::new(classes, self.mutator.heap().old_range().start, stamp))
    }

    /// Counts in about so many bytes more of the old generation. True if it is counted up to its end.
    pub(crate) fn advance_census(&mut self, classes: &[ClassIndex], bytes: usize) -> bool {
        let mut census = self.take_census(classes);
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        let top = pause.world().heap().old_range().end;
        // SAFETY: inside a pause, with retired buffers, all spaces can be walked; [census].
        unsafe { census.advance(census.end.saturating_add(bytes).min(top), top) };
        drop(pause);
        let is_complete = census.end == top;
        self.census = Some(census);
        is_complete
    }

    /// How many instances of each of these different classes there are, dead ones included that no collection has removed.
    pub(crate) fn counts(&mut self, classes: &[ClassIndex]) -> Vec<usize> {
        self.advance_census(classes, usize::MAX);
        let Some(census) = &self.census else { return vec![0; classes.len()] };
        let mut young = vec![0; census.counts.len()];
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        let heap = pause.world().heap();
        for range in [heap.eden_range(), heap.survivor_range()] {
            // SAFETY: as in `advance_census`.
            unsafe {
                walk(range, |_, header| {
                    if let Some(place) = census.place(header.class_index()) {
                        young[place] += 1;
                    }
                });
            }
        }
        let places = classes.iter().filter_map(|&class| census.place(class));
        places.map(|place| census.counts[place] + young[place]).collect()
    }

    /// Puts instances of each of these different classes into `array`, in the slots that its place says and as far as they go; the array is
    /// not among them, has these slots and may be written to.
    pub(crate) fn fill_with_all(&mut self, classes: &[ClassIndex], array: Obj, places: &mut [Places]) {
        self.advance_census(classes, usize::MAX);
        let Some(census) = &self.census else { return };
        let mut wanted = vec![None; census.counts.len()];
        for (index, &class) in classes.iter().enumerate() {
            if let Some(place) = census.place(class) {
                wanted[place] = Some(index);
            }
        }
        let mut pause = self.mutator.stop_world();
        pause.retire_buffers();
        let heap = pause.world().heap();
        let young = [heap.eden_range(), heap.survivor_range()];
        for range in census.ranges.iter().cloned().chain(young) {
            // SAFETY: as in `advance_census`; the array has these slots.
            unsafe {
                walk(range, |instance, header| {
                    let place = census.place(header.class_index()).and_then(|place| wanted[place]);
                    let Some(place) = place.map(|index| &mut places[index]) else { return };
                    if place.next < place.end && instance != array {
                        array.set_slot_raw(place.next, instance.oop());
                        pause.remember_store(array, place.next, instance.oop());
                        place.next += 1;
                    }
                });
            }
        }
    }
}
