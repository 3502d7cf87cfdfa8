//! What all benches share: how a figure is measured beside the physical limit of the same operation, and the heap that
//! figures are measured on.
//!
//! Each sample of a figure is followed by one run of its limit on as many objects, so that whatever else the machine
//! does at that time hits both. A bench ends with one line a figure: nanoseconds, limit, ratio.
//!
//! `INSTAR_BENCH_OBJECTS` sets the number of objects (1000000 by default, 100000 under `--test`).

pub mod heap;

use std::cell::RefCell;
use std::env;
use std::rc::Rc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use instar_bench::limits::Probe;
use instar_bench::stats::median;

const SEED: u64 = 42;

/// Whether criterion was asked to run everything once.
pub fn is_smoke_run() -> bool {
    env::args().any(|argument| argument == "--test")
}

/// How many objects figures are measured on.
pub fn objects() -> usize {
    let default = if is_smoke_run() { 100_000 } else { 1_000_000 };
    match env::var("INSTAR_BENCH_OBJECTS") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("INSTAR_BENCH_OBJECTS={text} is no number")),
        Err(_) => default,
    }
}

/// Measures the figures that answer one question, then prints their ratios.
pub fn ask(name: &'static str, figures: impl FnOnce(&mut Question<'_>)) {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .without_plots()
        .configure_from_args();
    for line in lines_of(criterion.benchmark_group(name), figures) {
        println!("{name}: {line}");
    }
    criterion.final_summary();
}

fn lines_of(mut group: BenchmarkGroup<'_, WallTime>, figures: impl FnOnce(&mut Question<'_>)) -> Vec<String> {
    group.sampling_mode(SamplingMode::Flat);
    let mut question = Question { group, lines: Vec::new(), last_limit_ns: None };
    figures(&mut question);
    let lines = std::mem::take(&mut question.lines);
    question.group.finish();
    lines
}

/// The figures of one bench.
pub struct Question<'c> {
    group: BenchmarkGroup<'c, WallTime>,
    lines: Vec<String>,
    last_limit_ns: Option<f64>,
}

impl Question<'_> {
    /// Measures one figure: `run` works on `items` and returns how long that took, its preparations left out.
    /// Returns the median in nanoseconds an item; `None` if the command line left this figure out.
    pub fn figure(
        &mut self,
        name: &str,
        items: usize,
        limit: &Limit,
        mut run: impl FnMut() -> Duration,
    ) -> Option<f64> {
        let (mut times, mut limits) = (Vec::new(), Vec::new());
        self.group.throughput(Throughput::Elements(items as u64));
        self.group.bench_function(name, |bencher| {
            bencher.iter_custom(|runs| {
                let time = (0..runs).map(|_| run()).sum::<Duration>();
                times.push(time.as_secs_f64() * 1e9 / runs as f64 / items as f64);
                limits.push(limit.once().as_secs_f64() * 1e9 / limit.items as f64);
                time
            });
        });
        let (ns, limit_ns) = (median(&times)?, median(&limits)?);
        self.last_limit_ns = Some(limit_ns);
        self.lines.push(format!(
            "{name}: {ns:.2} ns, limit {limit_ns:.2} ns ({}), ratio {:.2}",
            limit.name,
            ns / limit_ns
        ));
        Some(ns)
    }

    /// Notes how one figure relates to another.
    pub fn compare(&mut self, what: &str, figure: Option<f64>, to: Option<f64>) {
        if let Some((figure, to)) = figure.zip(to) {
            self.lines.push(format!("{what}: {figure:.2} ns, against {to:.2} ns, ratio {:.2}", figure / to));
        }
    }

    /// The limit of the figure that was measured last.
    pub fn last_limit_ns(&self) -> Option<f64> {
        self.last_limit_ns
    }

    /// Notes whether a figure is as low as it is meant to be.
    pub fn target(&mut self, what: &str, figure: Option<f64>, most_ns: f64) {
        if let Some(figure) = figure {
            let verdict = if figure <= most_ns { "reached" } else { "MISSED" };
            self.lines.push(format!("target: {what}: {figure:.2} ns, at most {most_ns:.2} ns: {verdict}"));
        }
    }

    /// Notes whether a figure is as low as it is meant to be compared with another.
    pub fn ratio_target(&mut self, what: &str, figure: Option<f64>, to: Option<f64>, most: f64) {
        if let Some((figure, to)) = figure.zip(to) {
            let ratio = figure / to;
            let verdict = if ratio <= most { "reached" } else { "MISSED" };
            self.lines.push(format!(
                "target: {what}: {figure:.2} ns to {to:.2} ns, ratio {ratio:.3}, at most {most:.3}: {verdict}"
            ));
        }
    }
}

/// The physical limit beside a figure.
pub struct Limit {
    name: String,
    items: usize,
    run: RefCell<Box<dyn FnMut() -> Duration>>,
}

impl Limit {
    /// A limit that a bench measures itself: `run` works on `items`.
    pub fn own(name: &str, items: usize, run: impl FnMut() -> Duration + 'static) -> Limit {
        Limit { name: name.to_owned(), items, run: RefCell::new(Box::new(run)) }
    }

    /// The time of one run.
    pub fn once(&self) -> Duration {
        (self.run.borrow_mut())()
    }
}

/// The limits of `instar_bench::limits` on memory of one size.
#[derive(Clone)]
pub struct Machine {
    probe: Rc<RefCell<Probe>>,
    objects: usize,
}

impl Machine {
    /// Memory for so many objects of 32 bytes.
    pub fn new(objects: usize) -> Machine {
        let probe = Probe::new(objects, SEED).expect("memory for the limits");
        Machine { probe: Rc::new(RefCell::new(probe)), objects }
    }

    /// The limit of this name, by one thread.
    pub fn limit(&self, name: &'static str) -> Limit {
        self.parallel_limit(name, 1)
    }

    /// The limit of this name, the work shared by threads.
    pub fn parallel_limit(&self, name: &'static str, threads: usize) -> Limit {
        let probe = self.probe.clone();
        let threads_text = if threads == 1 { String::new() } else { format!(", {threads} threads") };
        Limit::own(&format!("{name}{threads_text}"), self.objects, move || {
            probe.borrow_mut().run(name, threads).expect("this system measures the limit")
        })
    }
}

/// How long `work` takes.
pub fn timed<R>(work: impl FnOnce() -> R) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}
