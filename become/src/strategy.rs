//! The four ways to swap identities, as types: mutator code that is generic over one is compiled once for each.

/// How references come to see a swapped object. All members are constants, so that each strategy's code contains only
/// its own checks.
pub trait Strategy: Copy + Default + Send + Sync + 'static {
    /// The name in options and CSVs.
    const NAME: &'static str;
    /// Each load of a slot checks for a forwarder.
    const CHECKS_LOADS: bool = false;
    /// Forwarders are found by the miss of a send, and by a check at loads of elements while there are forwarders.
    const CHECKS_MISSES: bool = false;
    /// A become replaces all references in the heap at once, so that the mutator never meets a forwarder.
    const SCANS_HEAP: bool = false;
    /// References lead to an object-table entry, which holds the body.
    const HAS_ENTRIES: bool = false;
}

/// Forwarders, a partial read barrier (Miranda & Béra, ISMM 2015): no check where a send protects.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lazy;

impl Strategy for Lazy {
    const NAME: &'static str = "lazy";
    const CHECKS_MISSES: bool = true;
}

/// Forwarders, a full read barrier (Brooks 1984): a check at each load.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysCheck;

impl Strategy for AlwaysCheck {
    const NAME: &'static str = "always-check";
    const CHECKS_LOADS: bool = true;
}

/// No forwarders outside the pause: a become scans the whole heap, with as many workers as the world has.
#[derive(Clone, Copy, Debug, Default)]
pub struct FullScan;

impl Strategy for FullScan {
    const NAME: &'static str = "full-scan";
    const SCANS_HEAP: bool = true;
}

/// An indirection at each access: a become swaps what two entries hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectTable;

impl Strategy for ObjectTable {
    const NAME: &'static str = "object-table";
    const HAS_ENTRIES: bool = true;
}
