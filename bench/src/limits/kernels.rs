//! The inner loops. Each returns the time of one run; what it needs beforehand is done outside that time.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use super::memory_map::Words;
use super::timing::{in_parallel, shares, shares_mut};
use crate::rng::SplitMix64;

const OBJECT: usize = 4;
const MIGRATED: usize = 5;
/// Objects read ahead of their being written in random order. Stores retire in order, so that a store that waits for
/// its line holds up all later ones; loads of a block overlap instead. From 64 on the figure stays the same
/// (51 ns an object without, 28 with 16, 22 with 64, 21 with 128 and 256).
const AHEAD: usize = 128;
const PAGE_BYTES: usize = 4096;
/// Enough hops for a steady mean, few enough for a quarter of a second where each misses all caches.
const MAX_HOPS: usize = 1_000_000;

/// One run: how long, for how much.
pub(super) struct Sample {
    time: Duration,
    items: usize,
    bytes: usize,
}

impl Sample {
    pub(super) fn ns_per_item(&self) -> f64 {
        self.time.as_secs_f64() * 1e9 / self.items as f64
    }

    pub(super) fn gigabytes_per_s(&self) -> f64 {
        self.bytes as f64 / self.time.as_secs_f64() / 1e9
    }
}

/// Which order `Machine::order` is in.
#[derive(PartialEq)]
enum Order {
    Address,
    Random,
}

/// The memory that the loops work on.
pub(super) struct Machine {
    from: Words,
    to: Words,
    references: Words,
    order: Order,
    rng: SplitMix64,
    objects: usize,
}

impl Machine {
    /// Maps and touches memory for so many objects.
    pub(super) fn new(objects: usize, rng: SplitMix64) -> io::Result<Self> {
        let mut references = Words::fresh(objects)?;
        for (index, reference) in references.words_mut().iter_mut().enumerate() {
            *reference = index as u64;
        }
        let from = Words::touched(objects * OBJECT)?;
        let to = Words::touched(objects * MIGRATED)?;
        Ok(Self { from, to, references, order: Order::Address, rng, objects })
    }

    fn per_object(&self, time: Duration) -> Option<Sample> {
        Some(Sample { time, items: self.objects, bytes: self.objects * OBJECT * 8 })
    }

    fn random_order(&mut self) {
        if self.order != Order::Random {
            self.rng.shuffle(&mut self.references.words_mut()[..self.objects]);
            self.order = Order::Random;
        }
    }

    fn address_order(&mut self) {
        if self.order != Order::Address {
            self.references.words_mut().sort_unstable();
            self.order = Order::Address;
        }
    }

    pub(super) fn read(&mut self, threads: usize) -> Option<Sample> {
        let time = in_parallel(shares(self.from.words(), threads), |words| {
            black_box(words.iter().fold(0_u64, |sum, &word| sum.wrapping_add(word)));
        });
        self.per_object(time)
    }

    pub(super) fn copy(&mut self, threads: usize) -> Option<Sample> {
        let from = self.from.words();
        let to = &mut self.to.words_mut()[..from.len()];
        let parts = shares(from, threads).into_iter().zip(shares_mut(to, threads)).collect();
        let time = in_parallel(parts, |(from, to)| black_box(to).copy_from_slice(black_box(from)));
        Some(Sample { time, items: self.objects, bytes: self.objects * OBJECT * 8 * 2 })
    }

    pub(super) fn update_word(&mut self, threads: usize) -> Option<Sample> {
        let time = in_parallel(shares_mut(self.from.objects_mut::<OBJECT>(), threads), |objects| {
            for object in black_box(objects) {
                object[1] = object[1].wrapping_add(1);
            }
        });
        self.per_object(time)
    }

    pub(super) fn sum_contiguous(&mut self, _threads: usize) -> Option<Sample> {
        let start = Instant::now();
        let objects = black_box(self.from.objects::<OBJECT>());
        black_box(objects.iter().fold(0_u64, |sum, object| sum.wrapping_add(object[2])));
        self.per_object(start.elapsed())
    }

    pub(super) fn sum_address_order(&mut self, _threads: usize) -> Option<Sample> {
        self.address_order();
        self.sum_through_references()
    }

    pub(super) fn sum_random_order(&mut self, _threads: usize) -> Option<Sample> {
        self.random_order();
        self.sum_through_references()
    }

    fn sum_through_references(&self) -> Option<Sample> {
        let references = &self.references.words()[..self.objects];
        let objects = self.from.objects::<OBJECT>();
        let start = Instant::now();
        let add = |sum: u64, &reference: &u64| sum.wrapping_add(objects[reference as usize][2]);
        black_box(black_box(references).iter().fold(0_u64, add));
        self.per_object(start.elapsed())
    }

    pub(super) fn evacuate_touched(&mut self, threads: usize) -> Option<Sample> {
        let time = evacuate::<OBJECT>(&mut self.from, &mut self.to, self.objects, threads);
        self.per_object(time)
    }

    pub(super) fn evacuate_fresh(&mut self, threads: usize) -> Option<Sample> {
        let mut to = Words::fresh(self.objects * OBJECT).ok()?;
        let time = evacuate::<OBJECT>(&mut self.from, &mut to, self.objects, threads);
        self.per_object(time)
    }

    pub(super) fn migrate_touched(&mut self, threads: usize) -> Option<Sample> {
        let time = evacuate::<MIGRATED>(&mut self.from, &mut self.to, self.objects, threads);
        self.per_object(time)
    }

    pub(super) fn migrate_fresh(&mut self, threads: usize) -> Option<Sample> {
        let mut to = Words::fresh(self.objects * MIGRATED).ok()?;
        let time = evacuate::<MIGRATED>(&mut self.from, &mut to, self.objects, threads);
        self.per_object(time)
    }

    pub(super) fn evacuate_random(&mut self, _threads: usize) -> Option<Sample> {
        self.random_order();
        let references = &self.references.words()[..self.objects];
        let from = self.from.objects_mut::<OBJECT>();
        let to = &mut self.to.objects_mut::<OBJECT>()[..self.objects];
        let start = Instant::now();
        for (references, targets) in black_box(references).chunks(AHEAD).zip(to.chunks_mut(AHEAD)) {
            fetch(from, references);
            for (target, &reference) in targets.iter_mut().zip(references) {
                let object = &mut from[reference as usize];
                *target = *object;
                object[0] = reference;
            }
        }
        self.per_object(start.elapsed())
    }

    pub(super) fn random_write(&mut self, _threads: usize) -> Option<Sample> {
        self.random_order();
        let references = &self.references.words()[..self.objects];
        let objects = self.from.objects_mut::<OBJECT>();
        let start = Instant::now();
        for references in black_box(references).chunks(AHEAD) {
            fetch(objects, references);
            for &reference in references {
                objects[reference as usize][3] = reference;
            }
        }
        self.per_object(start.elapsed())
    }

    pub(super) fn chase(&mut self, _threads: usize) -> Option<Sample> {
        self.random_order();
        // The random order, closed to a ring, is a random chain through every object.
        let references = &self.references.words()[..self.objects];
        let objects = self.from.objects_mut::<OBJECT>();
        let mut previous = references[references.len() - 1] as usize;
        for &reference in references {
            objects[previous][0] = reference;
            previous = reference as usize;
        }
        let hops = self.objects.clamp(1000, MAX_HOPS);
        let objects = black_box(&*objects);
        let start = Instant::now();
        let mut at = 0;
        for _ in 0..hops {
            at = objects[at][0] as usize;
        }
        black_box(at);
        Some(Sample { time: start.elapsed(), items: hops, bytes: hops * 8 })
    }

    fn pages(&self) -> usize {
        (self.objects * OBJECT * 8).div_ceil(PAGE_BYTES)
    }

    pub(super) fn page_touch(&mut self, _threads: usize) -> Option<Sample> {
        let pages = self.pages();
        let mut map = Words::small_pages(pages * PAGE_BYTES).ok()?;
        let start = Instant::now();
        for page in black_box(map.words_mut()).chunks_exact_mut(PAGE_BYTES / 8) {
            page[0] = 1;
        }
        Some(Sample { time: start.elapsed(), items: pages, bytes: pages * PAGE_BYTES })
    }

    pub(super) fn page_populate(&mut self, _threads: usize) -> Option<Sample> {
        let pages = self.pages();
        let map = Words::small_pages(pages * PAGE_BYTES).ok()?;
        let start = Instant::now();
        let done = map.populate();
        let time = start.elapsed();
        done.then_some(Sample { time, items: pages, bytes: pages * PAGE_BYTES })
    }
}

/// Brings the objects of a block into the cache, in safe Rust.
fn fetch(objects: &[[u64; OBJECT]], references: &[u64]) {
    let add = |sum: u64, &reference: &u64| sum.wrapping_add(objects[reference as usize][0]);
    black_box(references.iter().fold(0, add));
}

/// Copies each object into `SIZE` words of `to` and leaves its new index in its first word.
fn evacuate<const SIZE: usize>(from: &mut Words, to: &mut Words, objects: usize, threads: usize) -> Duration {
    let from = shares_mut(&mut from.objects_mut::<OBJECT>()[..objects], threads);
    let to = shares_mut(&mut to.objects_mut::<SIZE>()[..objects], threads);
    in_parallel(from.into_iter().zip(to).collect(), |(from, to)| {
        for (index, (object, target)) in black_box(from).iter_mut().zip(black_box(to)).enumerate() {
            *target = std::array::from_fn(|slot| if slot < OBJECT { object[slot] } else { 0 });
            object[0] = index as u64;
        }
    })
}
