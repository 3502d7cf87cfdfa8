//! The engine's own tests, in Smalltalk, under each become strategy and with collections at every n-th allocation.

use std::path::Path;

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::host::{Kind, Session, Suite};
use instar_interp::source;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

fn run(options: SpaceOptions) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("smalltalk");
    let tests = source::read(folder.join("DSU-Tests")).unwrap_or_else(|errors| panic!("{errors}"));
    let mut packages = instar_dsu::packages(instar_dsu::ENGINE).unwrap_or_else(|errors| panic!("{errors}"));
    packages.extend(instar_dsu::packages(instar_dsu::LIBRARY).unwrap_or_else(|errors| panic!("{errors}")));
    packages.extend(instar_dsu::packages(instar_dsu::CHAT_MODEL).unwrap_or_else(|errors| panic!("{errors}")));
    packages.extend(tests.clone());
    let mut session = Session::new(Space::new(options).unwrap()).unwrap();
    session.load(&packages).unwrap_or_else(|problem| panic!("{problem}"));
    let suite = Suite::of_packages(&mut session, &tests, None).unwrap_or_else(|problem| panic!("{problem}"));
    let mut defects = Vec::new();
    for test in &suite.tests {
        let outcome = Suite::run(&mut session, test).unwrap_or_else(|problem| panic!("{test}: {problem}"));
        if matches!(outcome.kind, Kind::Failed | Kind::Error) {
            defects.push(format!("{test}: {}\n{}", outcome.message, outcome.trace));
        }
    }
    assert!(suite.tests.len() >= 30, "only {} tests", suite.tests.len());
    assert!(defects.is_empty(), "{} of {} failed:\n{}", defects.len(), suite.tests.len(), defects.join("\n"));
}

fn options(strategy: BecomeStrategy) -> SpaceOptions {
    SpaceOptions { strategy, ..SpaceOptions::default() }
}

#[test]
fn updates_with_lazy_forwarders() {
    run(options(BecomeStrategy::Lazy));
}

#[test]
fn updates_with_a_check_at_every_load() {
    run(options(BecomeStrategy::AlwaysCheck));
}

#[test]
fn updates_with_full_scans() {
    run(options(BecomeStrategy::FullScan));
}

#[test]
fn updates_with_frequent_collections() {
    let heap = HeapConfig {
        limit_bytes: 96 * MIB,
        eden_bytes: 256 << 10,
        survivor_bytes: 256 << 10,
        ..HeapConfig::default()
    };
    let gc = GcConfig { heap, verify: true, ..GcConfig::default() }.with_zeal(20_011);
    run(SpaceOptions { gc, ..options(BecomeStrategy::Lazy) });
}
