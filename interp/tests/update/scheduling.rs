//! The floor under priorities, and the two priorities above those of programs.

use std::time::{Duration, Instant};

use super::{check, space, with_strategy};
use instar_interp::vm::space::BecomeStrategy;

#[test]
fn processes_below_the_floor_do_not_run_though_their_time_comes() {
    let program = "| log timer low high |
        log := OrderedCollection new.
        timer := Semaphore new.
        low := [ timer wait. log add: #low ] newProcess.
        low priority: 50; resume.
        high := [
            Probe floor: 81.
            Delay timeoutSemaphore: timer afterMSecs: 5.
            (Delay forMilliseconds: 60) wait. log add: #high.
            (Delay forMilliseconds: 20) wait. log add: #highAgain.
            Probe floor: 0.
            log add: #raised ] newProcess.
        high setPriority: 82; resume.
        log add: #active.
        [ low isTerminated ] whileFalse: [ Processor yield ].
        log asArray";
    check(&[], &[(program, "#(#high #highAgain #raised #low #active)")]);
}

#[test]
fn the_process_that_sets_a_floor_above_itself_gives_way() {
    let program = "| log other |
        log := OrderedCollection new.
        other := [ 3 timesRepeat: [ log add: #other. Processor yield ] ] newProcess.
        other priority: 30; resume.
        Processor activeProcess setPriority: 20.
        Probe floor: 25.
        log add: #active.
        Processor activeProcess setPriority: 40.
        log asArray";
    // Also if whoever may run has to be waited for.
    let later = "| log high |
        log := OrderedCollection new.
        high := [ (Delay forMilliseconds: 60) wait. log add: #high ] newProcess.
        high setPriority: 82; resume.
        Probe floor: 81.
        log add: #active.
        log asArray";
    check(&[], &[(program, "#(#other #other #other #active)"), (later, "#(#high #active)")]);
}

#[test]
fn a_floor_that_nobody_reaches_goes() {
    let mut space = space(with_strategy(BecomeStrategy::Lazy), &[]);
    let run = |space: &mut instar_interp::vm::Space, program: &str, wanted: &str| {
        let began = Instant::now();
        assert_eq!(space.evaluate_to_string(program).unwrap(), wanted, "{program}");
        assert!(began.elapsed() < Duration::from_secs(20), "{program}");
    };
    run(&mut space, "Probe floor: 81. 7", "7");
    run(&mut space, "Probe floor: SmallInteger maxVal. 8", "8");
    // A delay that ends in an hour makes nobody runnable above the floor.
    run(&mut space, "[ (Delay forSeconds: 3600) wait ] fork. Processor yield. Probe floor: 82. 9", "9");
    // Whoever set it has ended.
    let ended = "| high |
        high := [ Probe floor: 81 ] newProcess.
        high setPriority: 82; resume.
        10";
    run(&mut space, ended, "10");
}

#[test]
fn programs_get_no_priority_of_the_engine() {
    let refused = "[ Processor activeProcess priority: 81. 0 ] on: Error do: [ :error | 1 ]";
    let order = "| log make |
        log := OrderedCollection new.
        make := [ :priority | | process |
            process := [ log add: priority ] newProcess.
            process setPriority: priority; resume ].
        Processor activeProcess setPriority: 82.
        make value: 80; value: 82; value: 81; value: 60.
        Processor activeProcess setPriority: 40.
        Processor yield.
        log asArray";
    check(&[], &[(refused, "1"), ("Processor highestPriority", "80"), (order, "#(82 81 80 60)")]);
}

#[test]
fn wrong_floors_and_damaged_lists_end_in_no_crash() {
    let refused = "#'bad argument'";
    check(
        &[],
        &[
            ("Probe floor: nil", refused),
            ("Probe floor: -1", refused),
            ("Probe floor: 1.5", refused),
            ("Probe floor: 2 ** 70", refused),
        ],
    );
    for lists in ["#()", "nil", "3", "(Array new: 82)"] {
        let mut space = space(with_strategy(BecomeStrategy::Lazy), &[]);
        let program = format!("Processor instVarAt: 1 put: {lists}. [ 1 ] fork. Processor yield. 5");
        // Whatever comes of it, it is an answer or an error.
        let _ = space.evaluate_to_string(&program);
    }
}
