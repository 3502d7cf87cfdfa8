//! What all benches share: how a figure is measured beside the physical limit of the same operation, and the heap that
//! figures are measured on.
//!
//! Each sample of a figure is followed by one run of its limit on as many objects, so that whatever else the machine
//! does at that time hits both. A bench ends with one line a figure: nanoseconds, limit, ratio.
//!
//! `INSTAR_BENCH_OBJECTS` sets the number of objects (1000000 by default, 100000 under `--test`). `INSTAR_BENCH_CSV` names a file that gets a row for
//! each sample of each figure, with [`COLUMNS`], behind what it has.

pub mod heap;

use std::cell::RefCell;
use std::env;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use instar_bench::limits::Probe;
use instar_bench::stats::median;

const SEED: u64 = 42;
/// The columns of the file that `INSTAR_BENCH_CSV` names: times an item, beside its limit's in the same sample.
const COLUMNS: [&str; 7] = ["question", "figure", "items", "sample", "time_ns", "limit", "limit_ns"];

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
    let (lines, rows) = answers(criterion.benchmark_group(name), figures);
    for line in lines {
        println!("{name}: {line}");
    }
    if let Some(path) = env::var_os("INSTAR_BENCH_CSV") {
        append(name, &rows, path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    criterion.final_summary();
}

fn answers(
    mut group: BenchmarkGroup<'_, WallTime>,
    figures: impl FnOnce(&mut Question<'_>),
) -> (Vec<String>, Vec<[String; 6]>) {
    group.sampling_mode(SamplingMode::Flat);
    let mut question = Question { group, lines: Vec::new(), rows: Vec::new(), last_limit_ns: None };
    figures(&mut question);
    let Question { group, lines, rows, .. } = question;
    group.finish();
    (lines, rows)
}

/// A name without spaces and signs, by which rows can be chosen: `one-way, lazy` as `one-way-lazy`.
fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric() && letter != '.');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// Writes the rows of a question behind those that a file has.
fn append(question: &str, rows: &[[String; 6]], path: &Path) -> Result<(), csv::Error> {
    let is_new = !path.exists();
    let file = File::options().create(true).append(true).open(path)?;
    let mut writer = csv::Writer::from_writer(file);
    if is_new {
        writer.write_record(COLUMNS)?;
    }
    for row in rows {
        writer.write_record([question].into_iter().chain(row.iter().map(String::as_str)))?;
    }
    Ok(writer.flush()?)
}

/// The figures of one bench.
pub struct Question<'c> {
    group: BenchmarkGroup<'c, WallTime>,
    lines: Vec<String>,
    /// All columns but the first.
    rows: Vec<[String; 6]>,
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
        self.rows.extend(times.iter().zip(&limits).enumerate().map(|(index, (time, limit_time))| {
            let times = [time, limit_time].map(|ns| format!("{ns:.3}"));
            let [time, limit_time] = times;
            [slug(name), items.to_string(), (index + 1).to_string(), time, limit.name.clone(), limit_time]
        }));
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
