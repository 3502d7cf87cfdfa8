//! How fast the instances of a class are made anew, in nanoseconds an instance: `cargo bench -p instar-interp --bench migration`.
//!
//! Instances of 3 slots become ones of 3 slots in the old generation, by a slot map; with a choice between two classes; and where each slot
//! refers to a young object, so that each new instance is remembered. `INSTAR_BENCH_OBJECTS` says how many, 10⁷ if it is not set.

use std::env;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::source::{self, SourceFile};
use instar_interp::vm::{Space, SpaceOptions};

const BENCH: &str = "
Class { #name : #Bench, #superclass : #Object, #classInstVars : [ 'old', 'new', 'young' ], #category : #Bench }

{ #category : #a }
Bench class >> prepare: count [
	| value |
	value := Object new.
	old := Array new: count.
	new := Array new: count.
	1 to: count do: [ :index |
		old at: index put: (BenchOld new setA: (index even ifTrue: [ value ]) b: value c: index; yourself) ].
	Smalltalk garbageCollect.
	Smalltalk garbageCollect
]

{ #category : #a }
Bench class >> forget [
	new := Array new: old size.
	young := nil.
	Smalltalk garbageCollect
]

{ #category : #a }
Bench class >> makeYoung [ young := Object new ]

{ #category : #a }
Bench class >> map [ ^ self migrateTo: { BenchFirst } maps: #( #( 2 1 3 ) ) defaults: #( #( nil nil nil ) ) chooser: 0 ]

{ #category : #a }
Bench class >> choose [
	^ self migrateTo: { BenchFirst. BenchSecond } maps: #( #( 1 2 3 ) #( 2 3 ) ) defaults: #( #( nil nil nil ) #( nil nil ) ) chooser: 1
]

{ #category : #a }
Bench class >> remember [ ^ self migrateTo: { BenchFirst } maps: #( #( 1 0 3 ) ) defaults: { { nil. young. nil } } chooser: 0 ]

{ #category : #a }
Bench class >> migrateTo: classes maps: maps defaults: defaults chooser: slot [
	^ self migrate: old to: new from: 1 to: old size classes: classes maps: maps defaults: defaults chooser: slot
]

{ #category : #a }
Bench class >> migrate: a to: b from: c to: d classes: e maps: f defaults: g chooser: h [
	<primitive: #updateMigrate error: reason>
	^ self error: reason printString
]
";

const OLD: &str = "
Class { #name : #BenchOld, #superclass : #Object, #instVars : [ 'a', 'b', 'c' ], #category : #Bench }

{ #category : #a }
BenchOld >> setA: x b: y c: z [ a := x. b := y. c := z ]
";

const FIRST: &str = "
Class { #name : #BenchFirst, #superclass : #Object, #instVars : [ 'x', 'y', 'z' ], #category : #Bench }
";

const SECOND: &str = "
Class { #name : #BenchSecond, #superclass : #Object, #instVars : [ 'x', 'y' ], #category : #Bench }
";

fn space(workers: usize, objects: usize) -> Space {
    let heap = HeapConfig::with_limit((objects * 120).max(256 * MIB) + 256 * MIB);
    let gc = GcConfig { heap, ..GcConfig::default() }.with_workers(workers);
    let mut space = Space::new(SpaceOptions { gc, ..SpaceOptions::default() }).unwrap();
    let files = [
        SourceFile::new("Bench/package.st", "Package { #name : #Bench }"),
        SourceFile::new("Bench/Bench.class.st", BENCH),
        SourceFile::new("Bench/BenchOld.class.st", OLD),
        SourceFile::new("Bench/BenchFirst.class.st", FIRST),
        SourceFile::new("Bench/BenchSecond.class.st", SECOND),
    ];
    space.load(&source::read_files(&files).unwrap()).unwrap();
    space.evaluate(&format!("Bench prepare: {objects}")).unwrap();
    space
}

/// What the migration takes, the collection of its results left out.
fn timed(space: &mut Space, program: &str) -> Duration {
    space.evaluate("Bench makeYoung").unwrap();
    let began = Instant::now();
    space.evaluate(program).unwrap();
    let taken = began.elapsed();
    space.evaluate("Bench forget").unwrap();
    taken
}

fn migration(criterion: &mut Criterion) {
    let objects = env::var("INSTAR_BENCH_OBJECTS").ok().and_then(|text| text.parse().ok());
    let objects: usize = objects.unwrap_or(10_000_000);
    let mut group = criterion.benchmark_group("migration");
    group.throughput(Throughput::Elements(objects as u64)).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    for workers in [1, 2] {
        let mut space = space(workers, objects);
        for (name, program) in
            [("map", "Bench map"), ("choose", "Bench choose"), ("remember", "Bench remember")]
        {
            group.bench_function(BenchmarkId::new(name, format!("{workers} workers")), |bencher| {
                bencher.iter_custom(|rounds| (0..rounds).map(|_| timed(&mut space, program)).sum());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, migration);
criterion_main!(benches);
