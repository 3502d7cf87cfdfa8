//! The kernel's own tests, under each become strategy and with a collection at every n-th allocation: the results must be the same.

use std::path::{Path, PathBuf};

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::host::{Kind, Session, Suite};
use instar_interp::source;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

/// The folders of the kernel's test packages.
fn packages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel-tests");
    let mut paths: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "the kernel's tests are in {}", folder.display());
    paths
}

/// Runs all tests of a package in a space of its own. What went wrong, and how many ran.
fn run(path: &Path, options: &SpaceOptions) -> (Vec<String>, usize) {
    let packages = source::read(path).unwrap_or_else(|errors| panic!("{errors}"));
    let space = Space::new(options.clone()).unwrap_or_else(|error| panic!("{error}"));
    let mut session = Session::new(space).unwrap_or_else(|error| panic!("{error}"));
    session.load(&packages).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
    let suite =
        Suite::of_packages(&mut session, &packages, None).unwrap_or_else(|problem| panic!("{problem}"));
    let mut defects = Vec::new();
    for test in &suite.tests {
        let outcome = Suite::run(&mut session, test).unwrap_or_else(|problem| panic!("{test}: {problem}"));
        if matches!(outcome.kind, Kind::Failed | Kind::Error) {
            defects.push(format!("{test}: {}\n{}", outcome.message, outcome.trace));
        }
    }
    (defects, suite.tests.len())
}

fn run_all(options: &SpaceOptions) {
    let (mut defects, mut count) = (Vec::new(), 0);
    for path in packages() {
        let (more, ran) = run(&path, options);
        defects.extend(more);
        count += ran;
    }
    assert!(count >= 300, "only {count} tests ran");
    assert!(defects.is_empty(), "{} of {count} tests failed:\n{}", defects.len(), defects.join("\n"));
}

fn options(strategy: BecomeStrategy) -> SpaceOptions {
    SpaceOptions { strategy, ..SpaceOptions::default() }
}

#[test]
fn kernel_tests_pass_with_lazy_forwarders() {
    run_all(&options(BecomeStrategy::Lazy));
}

#[test]
fn kernel_tests_pass_with_a_check_at_every_load() {
    run_all(&options(BecomeStrategy::AlwaysCheck));
}

#[test]
fn kernel_tests_pass_with_full_scans() {
    run_all(&options(BecomeStrategy::FullScan));
}

#[test]
fn kernel_tests_pass_with_a_collection_every_hundred_thousand_allocations() {
    let heap = HeapConfig {
        limit_bytes: 256 * MIB,
        eden_bytes: MIB,
        survivor_bytes: MIB,
        huge_pages: false,
        ..HeapConfig::default()
    };
    // Each collection poisons what it freed and verifies the heap.
    let gc = GcConfig { heap, ..GcConfig::default() }.with_zeal(100_003);
    run_all(&SpaceOptions { gc, ..options(BecomeStrategy::Lazy) });
}
