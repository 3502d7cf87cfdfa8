//! Spaces that are small, for tests that make many: what they find comes soon.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, OnceLock};

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::spaces::Hypervisor;
use instar_interp::vm::{Space, SpaceImage, SpaceOptions};

/// A heap of so many MiB at most, with a small eden.
pub fn heap(mebibytes: usize) -> HeapConfig {
    HeapConfig {
        limit_bytes: mebibytes * MIB,
        eden_bytes: MIB,
        survivor_bytes: MIB,
        huge_pages: false,
        ..HeapConfig::default()
    }
}

/// Options of a space whose heap is verified after each collection.
pub fn verified(mebibytes: usize) -> SpaceOptions {
    SpaceOptions {
        gc: GcConfig { heap: heap(mebibytes), verify: true, ..GcConfig::default() },
        ..SpaceOptions::default()
    }
}

/// The kernel as an image, made once in a test's process.
pub fn kernel(options: SpaceOptions) -> Arc<SpaceImage> {
    static KERNEL: OnceLock<Arc<SpaceImage>> = OnceLock::new();
    KERNEL.get_or_init(|| Space::kernel_image(options).unwrap()).clone()
}

/// A hypervisor whose spaces have these options.
pub fn hypervisor(options: SpaceOptions) -> Hypervisor {
    Hypervisor::new(kernel(options.clone()), options)
}
