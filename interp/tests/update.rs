//! What the runtime does for updates: safe points, the floor under priorities, instances in bulk, names of an environment to come. Under each
//! become strategy, with several collecting threads, and with collections all the time.

#[path = "update/census.rs"]
mod census;
#[path = "update/indices.rs"]
mod indices;
#[path = "update/migration.rs"]
mod migration;
#[path = "update/names.rs"]
mod names;
#[path = "update/safe_points.rs"]
mod safe_points;
#[path = "update/scheduling.rs"]
mod scheduling;

use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::source::{self, SourceFile};
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

/// The primitives. One that fails answers its reason.
const PROBE: &str = "
Class { #name : #Probe, #superclass : #Object, #category : #Update }

{ #category : #a }
Probe class >> guard: methods [ ^ self guard: methods exempt: #() contexts: #() ]

{ #category : #a }
Probe class >> guard: methods exempt: processes contexts: contexts [
	<primitive: #updateGuard error: reason>
	^ reason
]

{ #category : #a }
Probe class >> semaphore: aSemaphore [
	<primitive: #updateSemaphore error: reason>
	^ reason
]

{ #category : #a }
Probe class >> floor: priority [
	<primitive: #updateFloor error: reason>
	^ reason
]

{ #category : #a }
Probe class >> count: aClass [
	<primitive: #updateCount error: reason>
	^ reason
]

{ #category : #a }
Probe class >> fill: anArray with: aClass from: start [
	<primitive: #updateFill error: reason>
	^ reason
]

{ #category : #a }
Probe class >> advanceCensusOf: classes by: bytes [
	<primitive: #updateCensus error: reason>
	^ reason
]

{ #category : #a }
Probe class >> commitAbove: start bytes: count [
	<primitive: #updateCommit error: reason>
	^ reason
]

{ #category : #a }
Probe class >> countsOf: classes [
	<primitive: #updateCounts error: reason>
	^ reason
]

{ #category : #a }
Probe class >> fill: anArray withAll: classes counts: counts [
	<primitive: #updateFillAll error: reason>
	^ reason
]

{ #category : #a }
Probe class >> migrate: old to: new from: start to: stop classes: classes maps: maps defaults: defaults chooser: slot [
	<primitive: #updateMigrate error: reason>
	^ reason
]
";

fn with_strategy(strategy: BecomeStrategy) -> SpaceOptions {
    SpaceOptions { strategy, ..SpaceOptions::default() }
}

/// A small heap that is verified after each collection, of which there is one every so many allocations.
fn zealous(interval: u32) -> SpaceOptions {
    let heap = HeapConfig {
        limit_bytes: 64 * MIB,
        eden_bytes: 256 << 10,
        survivor_bytes: 256 << 10,
        ..HeapConfig::default()
    };
    let gc = GcConfig { heap, ..GcConfig::default() }.with_workers(2).with_zeal(interval);
    SpaceOptions { gc, ..SpaceOptions::default() }
}

fn configurations() -> Vec<(&'static str, SpaceOptions)> {
    vec![
        ("lazy", with_strategy(BecomeStrategy::Lazy)),
        ("always-check", with_strategy(BecomeStrategy::AlwaysCheck)),
        ("full-scan", with_strategy(BecomeStrategy::FullScan)),
        ("zeal", zealous(503)),
    ]
}

fn space(options: SpaceOptions, classes: &[(&str, &'static str)]) -> Space {
    let mut space = Space::new(options).unwrap();
    let mut files = vec![
        SourceFile::new("Update/package.st", "Package { #name : #Update }"),
        SourceFile::new("Update/Probe.class.st", PROBE),
    ];
    files.extend(
        classes.iter().map(|(name, source)| SourceFile::new(format!("Update/{name}.class.st"), *source)),
    );
    space.load(&source::read_files(&files).unwrap()).unwrap();
    space
}

/// Evaluates the programs one after the other under each configuration and compares what they answer.
fn check(classes: &[(&str, &'static str)], programs: &[(&str, &str)]) {
    for (name, options) in configurations() {
        let mut space = space(options, classes);
        for (program, wanted) in programs {
            let answer = space.evaluate_to_string(program).unwrap_or_else(|problem| problem.to_string());
            assert_eq!(answer, *wanted, "{name}: {program}");
        }
    }
}
