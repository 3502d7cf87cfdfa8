//! The library's own tests, in Smalltalk, run in a hypervisor space.

use std::path::Path;

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::host::{Kind, Session, Suite};
use instar_interp::source;
use instar_interp::vm::SpaceOptions;
use instar_interp::vm::space::BecomeStrategy;

fn run(strategy: BecomeStrategy, zeal: Option<u32>) {
    let heap = HeapConfig {
        limit_bytes: 64 * MIB,
        eden_bytes: MIB,
        survivor_bytes: MIB,
        huge_pages: false,
        ..HeapConfig::default()
    };
    let mut gc = GcConfig { heap, verify: true, ..GcConfig::default() };
    if let Some(every) = zeal {
        gc = gc.with_zeal(every);
    }
    let options = SpaceOptions { gc, strategy, ..SpaceOptions::default() };
    let (space, hypervisor) = instar_espell::hypervisor_space(options).unwrap();
    let mut session = Session::new(space).unwrap();
    session
        .load(&instar_espell::packages(instar_espell::CASES).unwrap())
        .unwrap_or_else(|problem| panic!("{problem}"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("smalltalk/Espell-Tests");
    let tests = source::read(folder).unwrap_or_else(|errors| panic!("{errors}"));
    session.load(&tests).unwrap_or_else(|problem| panic!("{problem}"));
    let suite = Suite::of_packages(&mut session, &tests, None).unwrap_or_else(|problem| panic!("{problem}"));
    let mut defects = Vec::new();
    for test in &suite.tests {
        let outcome = Suite::run(&mut session, test).unwrap_or_else(|problem| panic!("{test}: {problem}"));
        if matches!(outcome.kind, Kind::Failed | Kind::Error) {
            defects.push(format!("{test}: {}\n{}", outcome.message, outcome.trace));
        }
    }
    assert!(suite.tests.len() >= 55, "only {} tests", suite.tests.len());
    assert!(defects.is_empty(), "{} of {} failed:\n{}", defects.len(), suite.tests.len(), defects.join("\n"));
    assert!(hypervisor.spaces().is_empty(), "a test left a space behind");
}

#[test]
fn the_library_with_lazy_forwarders() {
    run(BecomeStrategy::Lazy, None);
}

#[test]
fn the_library_with_a_check_at_every_load() {
    run(BecomeStrategy::AlwaysCheck, None);
}

#[test]
fn the_library_with_full_scans() {
    run(BecomeStrategy::FullScan, None);
}

#[test]
fn the_library_with_frequent_collections() {
    run(BecomeStrategy::Lazy, Some(20_011));
}
