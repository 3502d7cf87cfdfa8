//! How large should eden be? What allocation and scavenges cost together, an object, for edens of several sizes.
//!
//! A window of the youngest objects lives: each object replaces the one that was allocated so many before it, which is
//! what survives a scavenge. Limit: writing 32 bytes to memory that is as warm.

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};

use crate::allocation::fill_limit;
use crate::support::heap::{config, with_heap};
use crate::support::{Question, timed};

/// Objects of one run: several edens full, whatever its size.
const ALLOCATED: usize = 4_000_000;
/// Objects that live: half a mebibyte, or 2.5.
const WINDOWS: [usize; 2] = [1 << 14, 80_000];

pub fn figures(question: &mut Question<'_>) {
    let fill = fill_limit();
    for window in WINDOWS {
        for eden in [1, 2, 4, 8, 16, 32, 64] {
            let base = config(ALLOCATED, 1);
            let heap = HeapConfig { eden_bytes: eden * MIB, ..base.heap };
            with_heap(GcConfig { heap, ..base }, |bed| {
                let array = bed.array(window);
                question.figure(&format!("{window} live, eden of {eden} MiB"), ALLOCATED, &fill, || {
                    timed(|| bed.replace_in_turn(array, ALLOCATED))
                })
            });
        }
    }
}
