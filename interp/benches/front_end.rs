//! How fast sources are parsed, compiled and verified, in lines, packages split into methods, in bytes, and a space with the kernel made:
//! `cargo bench -p instar-interp --bench front_end`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use instar_interp::compiler::{Environment, Resolved, compile_parsed_method};
use instar_interp::source::{SourceFile, tonel};
use instar_interp::syntax::parse_method;
use instar_interp::vm::{Space, SpaceOptions};

/// Methods as a collection library has them.
const METHODS: [&str; 5] = [
    "do: aBlock separatedBy: separatorBlock
	\"Evaluate aBlock for each element, and separatorBlock between two of them.\"

	| isFirst |
	isFirst := true.
	self do: [ :each |
		isFirst
			ifTrue: [ isFirst := false ]
			ifFalse: [ separatorBlock value ].
		aBlock value: each ]
",
    "indexOf: anElement startingAt: start ifAbsent: exceptionBlock
	<primitive: #indexOf>
	start to: self size do: [ :index |
		(self at: index) = anElement ifTrue: [ ^ index ] ].
	^ exceptionBlock value
",
    "printOn: aStream
	| count |
	super printOn: aStream.
	count := 0.
	aStream nextPutAll: ' (size: '; print: self size; nextPut: $).
	self keysAndValuesDo: [ :key :value |
		count > 100 ifTrue: [ ^ aStream nextPutAll: '...etc...' ].
		aStream
			space;
			print: key;
			nextPutAll: '->';
			print: value.
		count := count + 1 ]
",
    "scale: aNumber
	^ (self x * aNumber) @ (self y * aNumber + 16r1F - 1.5e-3)
",
    "testAll
	| table |
	table := #((#foo 1 $a) (#bar 2 $b) (baz: 3 nil)).
	table do: [ :row | self assert: (row at: 2) > 0 ].
	self
		should: [ Array new: -1 ]
		raise: Error.
	^ { table first. table last. #[1 2 3] }
",
];

/// Knows what the methods use.
struct Names;

impl Environment for Names {
    fn resolve(&self, name: &str) -> Option<Resolved> {
        matches!(name, "Array" | "Error").then_some(Resolved::Global { is_assignable: false })
    }

    fn visit_names(&self, _: &mut dyn FnMut(&str)) {}
}

fn front_end(criterion: &mut Criterion) {
    let lines: usize = METHODS.iter().map(|method| method.lines().count()).sum();
    let mut group = criterion.benchmark_group("front end");
    group.throughput(Throughput::Elements(lines as u64));
    group.bench_function("parse, lines", |bencher| {
        bencher.iter(|| {
            for method in METHODS {
                black_box(parse_method(black_box(method)).expect("a right method"));
            }
        });
    });
    group.bench_function("parse, compile and verify, lines", |bencher| {
        bencher.iter(|| {
            for method in METHODS {
                let method = parse_method(black_box(method)).expect("a right method");
                black_box(compile_parsed_method(&method, &Names).expect("a right method"));
            }
        });
    });
    group.finish();
    large(criterion);
}

/// The same methods many times over, with names that differ: a package as large as a kernel, read from memory once.
fn large(criterion: &mut Criterion) {
    const COPIES: usize = 2000;
    let vary = |method: &str, copy: usize| {
        let names = ["isFirst", "index", "count", "aNumber", "table", "nextPutAll:", "printOn:"];
        names.iter().fold(method.to_owned(), |text, name| text.replace(name, &format!("v{copy}{name}")))
    };
    let sources: Vec<String> =
        (0..COPIES).flat_map(|copy| METHODS.map(|method| vary(method, copy))).collect();
    let lines: usize = sources.iter().map(|method| method.lines().count()).sum();
    let mut group = criterion.benchmark_group("large source");
    group.throughput(Throughput::Elements(lines as u64)).sample_size(20);
    group.bench_function("parse, compile and verify, lines", |bencher| {
        bencher.iter(|| {
            for source in &sources {
                let method = parse_method(source).expect("a right method");
                black_box(compile_parsed_method(&method, &Names).expect("a right method"));
            }
        });
    });
    group.finish();
}

fn split(criterion: &mut Criterion) {
    let mut text = "Class {\n\t#name : #Foo,\n\t#superclass : #Object\n}\n".to_owned();
    for index in 0..2000 {
        let (pattern, body) = METHODS[index % METHODS.len()].split_once('\n').expect("a pattern");
        text.push_str(&format!("\n{{ #category : #accessing }}\nFoo >> {pattern} [\n{body}]\n"));
    }
    let mut group = criterion.benchmark_group("front end");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let file = SourceFile::new("Foo.class.st", text);
    group.bench_function("split Tonel, bytes", |bencher| {
        bencher.iter(|| black_box(tonel::parse(black_box(&file)).expect("a right file")));
    });
    group.finish();
}

/// From nothing to the first evaluated expression, the kernel's sources compiled and its class side initialised.
fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.sample_size(20);
    group.bench_function("kernel and first expression", |bencher| {
        bencher.iter(|| {
            let mut space = Space::new(SpaceOptions::default()).unwrap();
            space.evaluate_to_string("3 + 4").unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, front_end, split, start);
criterion_main!(benches);
