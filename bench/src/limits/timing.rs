//! Timing of work that several threads share.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Runs `work` on each part in a thread of its own; the time from the first start to the last end, without the
/// starting of threads. A single part runs in the calling thread.
pub(super) fn in_parallel<T: Send>(parts: Vec<T>, work: impl Fn(T) + Sync) -> Duration {
    if parts.len() <= 1 {
        let start = Instant::now();
        parts.into_iter().for_each(&work);
        return start.elapsed();
    }
    let barrier = Barrier::new(parts.len());
    let timed = |part| {
        barrier.wait();
        let start = Instant::now();
        work(part);
        (start, Instant::now())
    };
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| timed(part))).collect();
        threads.into_iter().map(|thread| thread.join().expect("the kernels do not panic")).collect()
    });
    let first = spans.iter().map(|span| span.0).min();
    let last = spans.iter().map(|span| span.1).max();
    first.zip(last).map_or(Duration::ZERO, |(first, last)| last - first)
}

/// `items` cut into `parts` slices of nearly equal length.
pub(super) fn shares<T>(items: &[T], parts: usize) -> Vec<&[T]> {
    items.chunks(items.len().div_ceil(parts).max(1)).collect()
}

/// As [`shares`], to be written.
pub(super) fn shares_mut<T>(items: &mut [T], parts: usize) -> Vec<&mut [T]> {
    items.chunks_mut(items.len().div_ceil(parts).max(1)).collect()
}
