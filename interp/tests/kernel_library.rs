//! Runs the kernel library's own tests, which are SUnit tests in `kernel-tests/`, under each become strategy.

use std::path::Path;

use instar_interp::source;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

/// Runs the tests of one package; what the guest reports about those that fail is in the panic's message.
fn run(package: &str, strategy: BecomeStrategy) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel-tests").join(package);
    let packages = source::read(&folder).expect("the package reads");
    let mut space =
        Space::new(SpaceOptions { strategy, ..SpaceOptions::default() }).expect("the kernel loads");
    space.load(&packages).expect("the package loads");
    let script = format!(
        "| suite stream |
        suite := TestSuite named: '{package}'.
        ((Package named: '{package}') classes select: [ :each | each isTestCase and: [ each isAbstract not ] ])
            do: [ :each | suite addTest: each buildSuite ].
        suite isEmpty ifTrue: [ Error signal: 'there are no tests' ].
        stream := WriteStream on: String new.
        (TestReporter run: suite on: stream) hasPassed ifTrue: [ #passed ] ifFalse: [ stream contents ]"
    );
    let result = space.evaluate_to_string(&script).unwrap_or_else(|problem| panic!("{package}: {problem}"));
    assert_eq!(result, "#passed", "{package} under {strategy:?}:\n{}", result.replace('\r', "\n"));
}

macro_rules! packages {
    ($($name:ident $package:literal)+) => {
        $(
            #[test]
            fn $name() {
                for strategy in [BecomeStrategy::Lazy, BecomeStrategy::AlwaysCheck, BecomeStrategy::FullScan] {
                    run($package, strategy);
                }
            }
        )+
    };
}

packages! {
    objects "Kernel-Objects-Tests"
    classes "Kernel-Classes-Tests"
    methods "Kernel-Methods-Tests"
    exceptions "Kernel-Exceptions-Tests"
    processes "Kernel-Processes-Tests"
    sunit "SUnit-Tests"
    system "System-Tests"
}
