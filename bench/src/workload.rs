//! The measured system: the one place where the laboratory meets the heap.

use crate::measure::{Measure, Observation, Trial};
use crate::point::Point;

/// The measurement of one become on the real heap.
#[must_use]
pub fn become_measure() -> Box<dyn Measure> {
    Box::new(NotLinked)
}

/// Stands here until the heap does: it can say what a point needs, and measures nothing.
struct NotLinked;

/// Bytes of a 3-slot object with its header.
const OBJECT_BYTES: u64 = 32;

impl Measure for NotLinked {
    fn measure(&mut self, _: &Trial) -> Result<Observation, String> {
        Err("heap not linked".to_owned())
    }

    fn estimate_bytes(&self, point: &Point) -> u64 {
        // Twice the live objects, as if a collection copied them.
        point.objects().saturating_mul(2 * OBJECT_BYTES)
    }
}
