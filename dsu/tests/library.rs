//! The core library is changed while it is in use, and its whole test suite passes after each step (gDSU 5.5).

use std::path::Path;

use instar_interp::host::{Kind, Session, Suite};
use instar_interp::source;
use instar_interp::vm::{Space, SpaceOptions};

/// Looks for what other tests, when they run a second time in the same space, leave behind.
const LEFT_OUT: &str = "SmalltalkImageTest>>testNothingIsUndeclared";

const STEPS: [&str; 3] = ["orderedCollection", "hashing", "insertedSuperclass"];

fn kernel_tests() -> Vec<source::Package> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interp/kernel-tests");
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| source::read(path).unwrap_or_else(|errors| panic!("{errors}"))).collect()
}

/// Runs the kernel's tests; the number of them.
fn check(session: &mut Session, packages: &[source::Package], step: &str) -> usize {
    let suite =
        Suite::of_packages(session, packages, None).unwrap_or_else(|problem| panic!("{step}: {problem}"));
    for test in suite.tests.iter().filter(|test| test.to_string() != LEFT_OUT) {
        let outcome = Suite::run(session, test).unwrap_or_else(|problem| panic!("{step}: {test}: {problem}"));
        let is_bad = matches!(outcome.kind, Kind::Failed | Kind::Error);
        assert!(!is_bad, "{step}: {test}: {}\n{}", outcome.message, outcome.trace);
    }
    suite.tests.len()
}

#[test]
fn the_kernels_tests_pass_after_each_update_of_the_library() {
    let tests = kernel_tests();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("smalltalk/DSU-Tests");
    let mut packages =
        instar_dsu::packages(&[instar_dsu::ENGINE, instar_dsu::LIBRARY, instar_dsu::CHAT_MODEL].concat())
            .unwrap_or_else(|errors| panic!("{errors}"));
    packages.extend(source::read(folder).unwrap_or_else(|errors| panic!("{errors}")));
    packages.extend(tests.clone());
    let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
    session.load(&packages).unwrap_or_else(|problem| panic!("{problem}"));
    for step in STEPS {
        let make = format!("Smalltalk at: #Library put: DSULibraryPatches {step}");
        session.evaluate(&make).unwrap_or_else(|problem| panic!("{step}: {problem}"));
        for side in ["patch", "inverse"] {
            let apply = format!("DSUUpdate apply: (Smalltalk at: #Library) {side}");
            session.evaluate(&apply).unwrap_or_else(|problem| panic!("{step} {side}: {problem}"));
            let ran = check(&mut session, &tests, &format!("{step} {side}"));
            assert!(ran > 400, "only {ran} tests");
            let (undeclared, _) = session.evaluate("Undeclared includesKey: #tally").unwrap();
            assert_eq!(undeclared, "false", "{step} {side}");
        }
    }
}
