//! A busy program that is updated in this process, for `instar bench safepoints`.

use instar_bench::safepoints::SENDS_CASE;
use instar_interp::vm::{Space, SpaceOptions};

/// Rounds of the loops in which sends are measured.
const ROUNDS: u32 = 5_000_000;

/// The figures of so many updates, or of so many measurements of sends.
pub fn run(
    strategy: &str,
    processes: u32,
    depth: u32,
    timeout_ms: u32,
    times: u32,
) -> Result<Vec<String>, String> {
    let mut space = Space::new(SpaceOptions::default()).map_err(|error| error.to_string())?;
    let names = [instar_dsu::ENGINE, instar_dsu::BUSY].concat();
    let packages = instar_dsu::packages(&names).map_err(|errors| errors.to_string())?;
    space.load(&packages).map_err(|problem| problem.to_string())?;
    let mut evaluate =
        |statements: &str| space.evaluate_to_string(statements).map_err(|problem| problem.to_string());
    if strategy == SENDS_CASE {
        let measured = (0..times).map(|_| {
            let figures = evaluate(&format!("(BusyProgram sends: {ROUNDS}) printString"))?;
            Ok([vec![ROUNDS.to_string()], numbers(&figures)?].concat())
        });
        return measured.collect::<Result<Vec<_>, String>>().map(|all| all.concat());
    }
    let strategy = match strategy {
        "return-barriers" => "DSUReturnBarriers",
        "update-points" => "DSUUpdatePoints",
        other => return Err(format!("there is no strategy {other}")),
    };
    evaluate(&format!("Smalltalk at: #Busy put: (BusyProgram processes: {processes} depth: {depth})"))?;
    let mut figures = Vec::new();
    for run in 0..times {
        let check = "(Smalltalk at: #Busy) check";
        if evaluate(check)? != "true" {
            return Err("a process does not come to the method that there is".to_owned());
        }
        // Not always in the same round.
        evaluate(&format!("(Delay forMilliseconds: {}) wait", run * 7 % 15))?;
        let update =
            format!("((Smalltalk at: #Busy) updateWith: {strategy} new timeout: {timeout_ms}) printString");
        figures.extend(numbers(&evaluate(&update)?)?);
        if evaluate(check)? != "true" {
            return Err("a process does not come to the new method".to_owned());
        }
    }
    evaluate("(Smalltalk at: #Busy) finish")?;
    Ok(figures)
}

/// `'#(1 2 3)'`
fn numbers(printed: &str) -> Result<Vec<String>, String> {
    let inner = printed.trim_matches(|character: char| !character.is_ascii_digit());
    let numbers: Result<Vec<u64>, _> = inner.split_whitespace().map(str::parse).collect();
    let numbers = numbers.map_err(|_| format!("the guest answered {printed}"))?;
    Ok(numbers.iter().map(u64::to_string).collect())
}
