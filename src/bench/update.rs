//! Updates of the chat model in this process, for `instar bench gdsu`, and scenarios for `instar bench functional`.

use instar_bench::memory;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

/// Prepares the model with so many messages, and takes it to its second version and back so many times. The figures of
/// [`instar_bench::gdsu::COLUMNS`] from the wait on, for each way there.
pub fn run(
    instances: u32,
    policy: &str,
    strategy: BecomeStrategy,
    workers: u32,
    times: u32,
) -> Result<Vec<String>, String> {
    let mut space = model(strategy, workers)?;
    let mut evaluate =
        |statements: &str| space.evaluate_to_string(statements).map_err(|problem| problem.to_string());
    evaluate(&format!("(Smalltalk at: #ChModel) prepare: {instances}"))?;
    let mut figures = Vec::new();
    for _ in 0..times {
        let before = memory::rss().unwrap_or(0);
        memory::reset_peak_rss();
        let printed = evaluate(&format!("((Smalltalk at: #ChModel) updateWith: #{policy}) printString"))?;
        let peak = memory::peak_rss().unwrap_or(0);
        figures.extend(nanoseconds(&printed)?);
        evaluate("Smalltalk garbageCollect")?;
        let after = memory::rss().unwrap_or(0);
        figures.extend([before, peak, after].map(|bytes| bytes.to_string()));
        let check = "(Smalltalk at: #ChModel) check";
        if evaluate(check)? != "true" {
            return Err("a message is wrong after the update".to_owned());
        }
        evaluate("(Smalltalk at: #ChModel) revert. Smalltalk garbageCollect")?;
        if evaluate(check)? != "true" {
            return Err("a message is wrong after the way back".to_owned());
        }
    }
    Ok(figures)
}

/// Takes the model with so many messages to its second version, once. Nanoseconds of the stop, and of the stop and a first pass over all messages;
/// peak of resident bytes.
pub fn split(instances: u32) -> Result<[u64; 3], String> {
    let mut space = model(BecomeStrategy::Lazy, 2)?;
    let mut evaluate =
        |statements: &str| space.evaluate_to_string(statements).map_err(|problem| problem.to_string());
    evaluate(&format!("(Smalltalk at: #ChModel) prepare: {instances}"))?;
    let printed = evaluate("((Smalltalk at: #ChModel) updateWith: #standard) second")?;
    let stop: u64 = printed.parse().map_err(|_| format!("the guest answered {printed}"))?;
    let printed = evaluate("(Smalltalk at: #ChModel) timeOfPass")?;
    let pass: u64 = printed.parse().map_err(|_| format!("the guest answered {printed}"))?;
    if evaluate("(Smalltalk at: #ChModel) check")? != "true" {
        return Err("a message is wrong after the update".to_owned());
    }
    let peak = memory::peak_rss().ok_or("the system does not tell the peak of resident bytes")?;
    Ok([stop * 1000, (stop + pass) * 1000, peak])
}

/// Updates of a program that is so large in one dimension: nanoseconds of the wait, of the stop and of the whole of each.
pub fn grow(dimension: &str, size: u32, times: u32) -> Result<Vec<String>, String> {
    if !instar_bench::scale::DIMENSIONS.iter().any(|(known, _)| *known == dimension) {
        return Err(format!("nothing is measured that is called {dimension}"));
    }
    let mut options = SpaceOptions::default();
    options.gc.heap.limit_bytes = 8 << 30;
    options.gc.workers = 2;
    let mut space = Space::new(options).map_err(|error| error.to_string())?;
    let names = [instar_dsu::ENGINE, instar_dsu::SCALE].concat();
    let packages = instar_dsu::packages(&names).map_err(|errors| errors.to_string())?;
    space.load(&packages).map_err(|problem| problem.to_string())?;
    let printed = space
        .evaluate_to_string(&format!("DSUScale measure: #{dimension} size: {size} times: {times}"))
        .map_err(|problem| problem.to_string())?;
    let inner = printed.trim_matches(|character: char| !character.is_ascii_digit());
    let numbers: Result<Vec<u64>, _> = inner.split_whitespace().map(str::parse).collect();
    let numbers = numbers.map_err(|_| format!("the guest answered {printed}"))?;
    Ok(numbers.into_iter().map(|microseconds| (microseconds * 1000).to_string()).collect())
}

/// A space with the engine and the chat model in its first version.
fn model(strategy: BecomeStrategy, workers: u32) -> Result<Space, String> {
    let mut options = SpaceOptions { strategy, ..SpaceOptions::default() };
    options.gc.heap.limit_bytes = 8 << 30;
    options.gc.workers = workers as usize;
    let mut space = Space::new(options).map_err(|error| error.to_string())?;
    let names = [instar_dsu::ENGINE, instar_dsu::CHAT_MODEL].concat();
    let packages = instar_dsu::packages(&names).map_err(|errors| errors.to_string())?;
    space.load(&packages).map_err(|problem| problem.to_string())?;
    space.evaluate("Smalltalk at: #ChModel put: ChModelUpdate new").map_err(|problem| problem.to_string())?;
    Ok(space)
}

/// Runs a scenario of experiment E8 and answers what was done.
pub fn scenario(selector: &str, strategy: BecomeStrategy) -> Result<String, String> {
    let known = instar_bench::functional::SCENARIOS.iter().find(|scenario| scenario.selector == selector);
    let known = known.ok_or_else(|| format!("there is no scenario {selector}"))?;
    if known.is_outside {
        return super::outside::scenario(selector, strategy);
    }
    let mut space = Space::new(SpaceOptions { strategy, ..SpaceOptions::default() })
        .map_err(|error| error.to_string())?;
    let names = [instar_dsu::ENGINE, instar_dsu::CHAT_MODEL, instar_dsu::SCENARIOS].concat();
    let packages = instar_dsu::packages(&names).map_err(|errors| errors.to_string())?;
    space.load(&packages).map_err(|problem| problem.to_string())?;
    let printed = space.evaluate_to_string(&format!("DSUScenarios run: #{selector}"));
    let printed = printed.map_err(|problem| problem.to_string())?;
    Ok(printed.trim_matches('\'').to_owned())
}

/// `'#(1 2 3 4)'`, three times in microseconds and a number of objects.
fn nanoseconds(printed: &str) -> Result<Vec<String>, String> {
    let inner = printed.trim_matches(|character: char| !character.is_ascii_digit());
    let numbers: Result<Vec<u64>, _> = inner.split_whitespace().map(str::parse).collect();
    match numbers.map_err(|_| format!("the guest answered {printed}"))?[..] {
        [wait, stop, total, copied] => {
            Ok([wait * 1000, stop * 1000, total * 1000, copied].map(|it| it.to_string()).into())
        }
        _ => Err(format!("the guest answered {printed}")),
    }
}
