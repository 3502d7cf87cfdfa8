//! A program of the Benchmarks Game as the space of an application, beside a hypervisor.

use std::time::{Duration, Instant};

use instar_bench::lang::programs;
use instar_bench::point::Strategy;
use instar_interp::spaces::{ObjectSpace, Phase};
use instar_interp::vm::SpaceOptions;

use super::{Work, become_strategy, load_benchmarks, time_of_game};

/// No program takes so long.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// The line of one benchmark: name, checksum, nanoseconds, bytes that a space makes resident, nanoseconds that making it takes.
pub fn run(name: &str, strategy: Strategy, work: Work) -> Result<String, String> {
    let games = programs::games();
    let game = games.iter().find(|game| game.name.eq_ignore_ascii_case(name));
    let game = game.ok_or_else(|| format!("there is no program {name} of the Benchmarks Game"))?;
    let mut options = SpaceOptions { strategy: become_strategy(strategy), ..SpaceOptions::default() };
    options.gc.heap.limit_bytes = 4 << 30;
    let (hypervisor_space, hypervisor) =
        instar_espell::hypervisor_space(options.clone()).map_err(|error| error.to_string())?;
    let (bytes, creation) = second_space(&hypervisor, options.clone())?;
    let space = hypervisor.create_with("application", options).map_err(|error| error.to_string())?;
    load_benchmarks(space.meta().map_err(|error| error.to_string())?.space())?;
    let mut evaluate = |statements: &str, _: bool| evaluate(&space, statements);
    let time = time_of_game(game, Work { warm: false, ..work }, &mut evaluate)?;
    drop(hypervisor_space);
    Ok(format!("{}\t1\t{time}\t{bytes}\t{creation}", game.name))
}

/// What one more space makes resident, and how long making it takes, in nanoseconds. Without huge pages, of which the first byte of each part of a heap would take a whole one.
fn second_space(
    hypervisor: &instar_interp::spaces::Hypervisor,
    mut options: SpaceOptions,
) -> Result<(u64, u128), String> {
    options.gc.heap.huge_pages = false;
    let before = instar_bench::memory::rss().unwrap_or(0);
    let started = Instant::now();
    let space = hypervisor.create_with("measured", options).map_err(|error| error.to_string())?;
    let took = started.elapsed().as_nanos();
    let after = instar_bench::memory::rss().unwrap_or(0);
    space.discard().map_err(|error| error.to_string())?;
    Ok((after.saturating_sub(before), took))
}

/// The String that statements answer, which a process of the space evaluates on the space's own thread.
fn evaluate(space: &ObjectSpace, statements: &str) -> Result<String, String> {
    let text = |error: instar_interp::spaces::MirrorError| error.to_string();
    let kept =
        format!("Smalltalk at: #BenchmarkResult put: nil; at: #BenchmarkResult put: [ {statements} ] value");
    space.meta().and_then(|mut meta| meta.start(&kept)).map_err(text)?;
    space.resume().map_err(text)?;
    match space.wait(TIME_LIMIT) {
        Phase::Idle => {}
        other => return Err(format!("the space is {other:?} where it should have come to its end")),
    }
    let mut meta = space.meta().map_err(text)?;
    let result = meta.global("BenchmarkResult").map_err(text)?;
    let found = meta.text_of(result).map_err(text)?;
    meta.release_all();
    found.ok_or_else(|| format!("{statements} answered no String"))
}
