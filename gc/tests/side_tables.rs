//! What a full collection takes on top of live data: the side tables, and those only while it runs.
#![cfg(target_os = "linux")]

use instar_gc::{Collection, GcConfig, World};
use instar_heap::{ClassSpec, Format, HeapConfig, MIB};

const OBJECTS: usize = 6_000_000;
/// Stacks of the markers, vectors of flags for each region, what the system's allocator keeps.
const SLACK: usize = MIB;

/// A line of `/proc/self/status`, in bytes.
fn status(name: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
}

#[test]
fn tables_take_less_than_two_percent_while_a_collection_runs_and_nothing_afterwards() {
    let heap = HeapConfig { huge_pages: false, ..HeapConfig::with_limit(1024 * MIB) };
    let config = GcConfig { heap, first_full_bytes: 1024 * MIB, ..GcConfig::default() };
    World::new(config).unwrap().attach().scope(|scope| {
        let items = scope.define_class(ClassSpec::fixed(3), None).unwrap();
        let arrays = scope.define_class(ClassSpec::of(Format::INDEXABLE), None).unwrap();
        let array = scope.allocate(arrays, OBJECTS).unwrap();
        for index in 0..OBJECTS {
            scope.scope(|scope| {
                let item = scope.allocate(items, 0).unwrap();
                scope.get(array).set_slot(index, scope.get(item)).unwrap();
            });
        }
        for _ in 0..4 {
            scope.collect(Collection::Young);
        }
        let live = scope.accessor().heap().old_range().len();
        assert!(live > OBJECTS * 40, "everything is old");
        let (resident, peak) = (status("VmRSS:"), status("VmHWM:"));
        assert!(
            peak - resident < SLACK,
            "nothing was given back yet, so that the peak shows what is added now"
        );
        scope.collect(Collection::Full);
        let added = status("VmHWM:") - peak;
        println!("{added} bytes on top of {live}: {:.2} %", added as f64 * 100.0 / live as f64);
        assert!(added <= live / 50 + SLACK, "{added} bytes on top of {live}");
        assert!(added >= live / 100, "the tables are seen at all");
        let kept = status("VmRSS:").saturating_sub(resident);
        assert!(kept <= SLACK, "{kept} bytes are kept");
    });
}
