//! The kernel's own tests, under each become strategy, with a collection at every n-th allocation, and while random objects become copies of
//! themselves: the results must be the same.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::host::{Kind, Session, Suite};
use instar_interp::source;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{RandomBecomes, Space, SpaceOptions};

/// The folders of the kernel's test packages.
fn packages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel-tests");
    let mut paths: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "the kernel's tests are in {}", folder.display());
    paths
}

/// What running tests showed.
#[derive(Default)]
struct Results {
    /// How each test ended.
    kinds: Vec<(String, Kind)>,
    /// What went wrong.
    defects: Vec<String>,
    /// How many objects became copies of themselves meanwhile.
    becomes: u64,
}

/// Runs all tests of a package in a space of its own.
fn run(path: &Path, options: &SpaceOptions, results: &mut Results) {
    let packages = source::read(path).unwrap_or_else(|errors| panic!("{errors}"));
    let space = Space::new(options.clone()).unwrap_or_else(|error| panic!("{error}"));
    let mut session = Session::new(space).unwrap_or_else(|error| panic!("{error}"));
    session.load(&packages).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
    let suite =
        Suite::of_packages(&mut session, &packages, None).unwrap_or_else(|problem| panic!("{problem}"));
    for test in &suite.tests {
        let outcome = Suite::run(&mut session, test).unwrap_or_else(|problem| panic!("{test}: {problem}"));
        if matches!(outcome.kind, Kind::Failed | Kind::Error) {
            results.defects.push(format!("{test}: {}\n{}", outcome.message, outcome.trace));
        }
        results.kinds.push((test.to_string(), outcome.kind));
    }
    results.becomes += session.space().injected_becomes();
}

fn run_all(options: &SpaceOptions) -> Results {
    let mut results = Results::default();
    for path in packages() {
        run(&path, options, &mut results);
    }
    let (defects, count) = (&results.defects, results.kinds.len());
    assert!(count >= 300, "only {count} tests ran");
    assert!(defects.is_empty(), "{} of {count} tests failed:\n{}", defects.len(), defects.join("\n"));
    results
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

/// Runs the tests while random objects become copies of themselves: each ends as it does without.
fn check_with_random_becomes(strategy: BecomeStrategy, least: u64) {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().expect(name));
    let every =
        NonZeroU32::new(number("INSTAR_BECOME_EVERY", 997) as u32).expect("INSTAR_BECOME_EVERY is from 1");
    let random = RandomBecomes { every, seed: number("INSTAR_BECOME_SEED", 1) };
    let with = run_all(&SpaceOptions { random_becomes: Some(random), ..options(strategy) });
    println!("{strategy:?}: {} objects became copies of themselves", with.becomes);
    assert!(with.becomes >= least, "only {} objects became others", with.becomes);
    let without = run_all(&options(strategy));
    assert_eq!(without.becomes, 0);
    assert_eq!(with.kinds, without.kinds);
}

#[test]
fn random_becomes_go_unnoticed_with_lazy_forwarders() {
    check_with_random_becomes(BecomeStrategy::Lazy, 1000);
}

#[test]
fn random_becomes_go_unnoticed_with_a_check_at_every_load() {
    check_with_random_becomes(BecomeStrategy::AlwaysCheck, 1000);
}

#[test]
fn random_becomes_go_unnoticed_with_full_scans() {
    check_with_random_becomes(BecomeStrategy::FullScan, 200);
}
