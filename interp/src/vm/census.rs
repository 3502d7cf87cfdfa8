//! How many instances of some classes there are, counted beforehand while the program runs, so that the stop of an update looks only at what
//! came since, and finds instances without looking where none are.
//!
//! The old generation is counted from its start in parts, of which the guest may ask for one after the other; young objects are counted when
//! the answer is wanted.
//!
//! [census] What was counted of the old generation holds as long as there is no full collection, which moves objects, and no become or change
//! of a class, which changes what they are: after one it is counted anew. The class of an old object changes in no other way, and what is
//! new is behind what was counted. So it is with young objects, but that any collection moves them.

#![allow(unsafe_code)]

use std::ops::Range;

use instar_gc::Pause;
use instar_heap::walk::{walk, walk_until};
use instar_heap::{ClassIndex, Obj};

use super::Space;

/// What is known.
#[derive(Debug)]
pub(crate) struct Census {
    /// By class index, the place in counts, or [`NOT_COUNTED`].
    places: Vec<u32>,
    old: Counted,
    young: Counted,
    stamp: Stamp,
    /// Scavenges before the young objects were counted.
    scavenges: u64,
}

/// What was found in one generation.
#[derive(Debug)]
struct Counted {
    counts: Vec<usize>,
    /// What holds all instances that were found.
    ranges: Vec<Range<usize>>,
    /// The first object that was not looked at.
    end: usize,
}

/// Full collections and changes of identity so far.
type Stamp = (u64, u64);

const NOT_COUNTED: u32 = u32::MAX;
/// Instances with less between them are in one range.
const GAP: usize = 64 << 10;

/// Where in counts the class stands.
#[inline]
fn place_of(places: &[u32], class: ClassIndex) -> Option<usize> {
    let place = *places.get(class.get() as usize)?;
    (place != NOT_COUNTED).then_some(place as usize)
}

impl Counted {
    fn new(classes: usize, start: usize) -> Counted {
        Counted { counts: vec![0; classes], ranges: Vec::new(), end: start }
    }

    /// Looks at the objects of `range` up to the first that starts at `limit` or behind it.
    ///
    /// # Safety
    /// [walkable] holds there, and nobody allocates or moves objects there meanwhile.
    unsafe fn advance(&mut self, places: &[u32], range: Range<usize>, limit: usize) {
        // SAFETY: the caller's promise.
        self.end = unsafe {
            walk_until(range, limit, |object, header| {
                if let Some(place) = place_of(places, header.class_index()) {
                    self.counts[place] += 1;
                    let (start, end) = (object.start(), object.end_of(header));
                    match self.ranges.last_mut() {
                        Some(last) if start >= last.end && start - last.end < GAP => last.end = end,
                        _ => self.ranges.push(start..end),
                    }
                }
            })
        };
    }
}

impl Census {
    fn new(classes: &[ClassIndex], start: usize, stamp: Stamp) -> Census {
        let most = classes.iter().map(|class| class.get()).max().map_or(0, |most| most as usize + 1);
        let mut places = vec![NOT_COUNTED; most];
        for (place, class) in classes.iter().enumerate() {
            places[class.get() as usize] = place as u32;
        }
        let counted = |start| Counted::new(classes.len(), start);
        Census { places, old: counted(start), young: counted(0), stamp, scavenges: u64::MAX }
    }

    /// Where in counts the class stands.
    #[inline]
    fn place(&self, class: ClassIndex) -> Option<usize> {
        place_of(&self.places, class)
    }

    /// Looks at the objects that came since.
    fn complete(&mut self, pause: &mut Pause<'_>) {
        pause.retire_buffers();
        let world = pause.world();
        let (heap, scavenges) = (world.heap(), world.read_stats(|stats| stats.scavenges));
        let (old, eden) = (heap.old_range(), heap.eden_range());
        // SAFETY: inside a pause, with retired buffers, all spaces can be walked; [census].
        unsafe {
            self.old.advance(&self.places, self.old.end..old.end, old.end);
            if self.scavenges != scavenges {
                let survivors = heap.survivor_range();
                self.young = Counted::new(self.old.counts.len(), survivors.start);
                self.young.advance(&self.places, survivors.clone(), survivors.end);
                (self.young.end, self.scavenges) = (eden.start, scavenges);
            }
            self.young.advance(&self.places, self.young.end..eden.end, eden.end);
        }
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
        let stamp = (self.world().full_epoch(), self.changes_of_identity);
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
        let range = census.old.end..top;
        // SAFETY: inside a pause, with retired buffers, all spaces can be walked; [census].
        unsafe { census.old.advance(&census.places, range.clone(), range.start.saturating_add(bytes)) };
        drop(pause);
        let is_complete = census.old.end == top;
        self.census = Some(census);
        is_complete
    }

    /// How many instances of each of these different classes there are, dead ones included that no collection has removed.
    pub(crate) fn counts(&mut self, classes: &[ClassIndex]) -> Vec<usize> {
        let mut census = self.take_census(classes);
        census.complete(&mut self.mutator.stop_world());
        let places = classes.iter().filter_map(|&class| census.place(class));
        let counts = places.map(|place| census.old.counts[place] + census.young.counts[place]).collect();
        self.census = Some(census);
        counts
    }

    /// Puts instances of each of these different classes into `array`, in the slots that its place says and as far as they go; the array is
    /// not among them, has these slots and may be written to.
    pub(crate) fn fill_with_all(&mut self, classes: &[ClassIndex], array: Obj, places: &mut [Places]) {
        let mut census = self.take_census(classes);
        let mut wanted = vec![None; census.old.counts.len()];
        for (index, &class) in classes.iter().enumerate() {
            if let Some(place) = census.place(class) {
                wanted[place] = Some(index);
            }
        }
        let mut pause = self.mutator.stop_world();
        census.complete(&mut pause);
        for range in census.old.ranges.iter().chain(&census.young.ranges).cloned() {
            // SAFETY: as in `complete`; the array has these slots.
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
        drop(pause);
        self.census = Some(census);
    }
}
