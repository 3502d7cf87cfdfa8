//! Updates of a core library from outside its program, in this process: for `instar bench fixes` and `instar bench functional`.

use instar_bench::fixes::Load;
use instar_interp::host::Session;
use instar_interp::spaces::Hypervisor;
use instar_interp::vm::space::BecomeStrategy;
use instar_interp::vm::{Space, SpaceOptions};

/// A hypervisor that knows the published updates.
fn hypervisor_space(strategy: BecomeStrategy) -> Result<(Space, Hypervisor), String> {
    let mut options = SpaceOptions { strategy, ..SpaceOptions::default() };
    options.gc.heap.limit_bytes = 4 << 30;
    let (mut space, hypervisor) =
        instar_espell::hypervisor_space(options).map_err(|error| error.to_string())?;
    let packages = instar_espell::packages(instar_espell::CASES).map_err(|errors| errors.to_string())?;
    space.load(&packages).map_err(|problem| problem.to_string())?;
    Ok((space, hypervisor))
}

/// The id, if it can be one.
fn checked(id: &str) -> Result<&str, String> {
    let is_id = id.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
    is_id.then_some(id).ok_or_else(|| format!("there is no update {id}"))
}

/// A fix as the text of a patch, or that which makes a program what it was before; nothing if nothing need be done for that.
pub fn patch(id: &str, is_before: bool) -> Result<Option<String>, String> {
    let (space, _hypervisor) = hypervisor_space(BecomeStrategy::Lazy)?;
    let mut session = Session::new(space).map_err(|error| error.to_string())?;
    let message = if is_before { "patchBefore" } else { "patch" };
    let send = format!("(CoreUpdate named: '{}') {message}", checked(id)?);
    session.evaluate_text(&send).map(|(text, _)| text).map_err(|problem| problem.to_string())
}

/// A program under load is updated: classes and methods that changed; microseconds of pause, of gathering its threads and of preparation; how often the program looked at what
/// is updated before and after; and nanoseconds of a million additions before and after.
pub fn apply(id: &str, load: Load, strategy: BecomeStrategy) -> Result<Vec<u64>, String> {
    let id = checked(id)?;
    let (mut space, _hypervisor) = hypervisor_space(strategy)?;
    let Load { threads, depth, objects } = load;
    let send = format!("CoreUpdateRun report: '{id}' threads: {threads} depth: {depth} objects: {objects}");
    let printed = space.evaluate_to_string(&send).map_err(|problem| problem.to_string())?;
    let numbers: Result<Vec<u64>, _> =
        printed.trim_matches('\'').split_whitespace().map(str::parse).collect();
    numbers.map_err(|_| format!("the hypervisor answered {printed}"))
}

/// Runs a scenario of experiment E8 and answers the longest stop in microseconds, and what was done.
pub fn scenario(id: &str, strategy: BecomeStrategy) -> Result<String, String> {
    let load = Load::QUICK;
    let figures = apply(id, load, strategy)?;
    let [classes, methods, pause, _, _, before, after, sum_before, sum_after] = figures[..] else {
        return Err(format!("the hypervisor answered {figures:?}"));
    };
    Ok(format!(
        "{pause} {classes} classes, {methods} methods; {} threads looked {before} times before and {after} times after, and saw nothing between; \
         a million additions took {:.1} ms before and {:.1} ms after",
        load.threads,
        sum_before as f64 / 1e6,
        sum_after as f64 / 1e6,
    ))
}
