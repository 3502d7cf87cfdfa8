//! Memory runs out at each allocation of an update in turn, in the analysis, the wait for the safe point, the migration, the validation,
//! the commit, and whatever the engine does when it gives up. The program is as it was, or the update has been done; and the next update works.

mod common;

use common::{answer, session};
use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::bootstrap::Problem;
use instar_interp::host::Session;
use instar_interp::vm::SpaceOptions;
use instar_interp::vm::space::BecomeStrategy;

fn small_space(strategy: BecomeStrategy) -> SpaceOptions {
    let heap = HeapConfig {
        limit_bytes: 96 * MIB,
        eden_bytes: 1 << 20,
        survivor_bytes: 1 << 20,
        huge_pages: false,
        ..HeapConfig::default()
    };
    SpaceOptions { gc: GcConfig { heap, ..GcConfig::default() }, strategy, ..SpaceOptions::default() }
}

fn digest(session: &mut Session) -> String {
    answer(session, "DSUUpdate digest")
}

/// Checks that a failed update at allocation `n` left nothing behind.
fn check_untouched(session: &mut Session, before: &str, scene: &str, n: u64) {
    let after = digest(session);
    assert_eq!(after, before, "{scene}: the program has changed after allocation {n} failed");
    let state = answer(session, "DSUFailingMemory state");
    assert_eq!(state, "#first", "{scene}: allocation {n}");
}

/// Fails every allocation of the scene's update in turn, `step` apart.
fn fail_each(scene: &str, step: usize, strategy: BecomeStrategy) {
    let mut session = session(small_space(strategy));
    answer(&mut session, &format!("DSUFailingMemory prepare: #{scene}"));
    // Objects get their identity hashes when they are looked at.
    answer(&mut session, "DSUFailingMemory rehearse");
    session.evaluate("OutOfMemory signal").unwrap_err();
    // The reserve is there before and after.
    session.space_mut().refuse_allocation(0).unwrap();
    let (classes, bytes) = (classes(&mut session), used(&mut session));
    let mut before = digest(&mut session);
    assert_eq!(digest(&mut session), before);
    let (mut failed, mut survived) = (0, 0);
    for n in (1..).step_by(step) {
        // Its Array stays as large as it was once.
        answer(&mut session, "DSUUpdate log size > 100 ifTrue: [ DSUUpdate log removeAll ]");
        session.space_mut().refuse_allocation(n).unwrap();
        // Also the statement itself may not be compiled for want of memory: that is nothing of the update.
        let result = session.evaluate("DSUFailingMemory apply");
        let came = !session.space().refusal_is_to_come();
        session.space_mut().refuse_allocation(0).unwrap();
        let state = answer(&mut session, "DSUFailingMemory state");
        match &result {
            // The host found no memory for the statement before it began, or for what it answered.
            Err(Problem::Memory(_)) => {}
            // Before anybody handles errors: the report is in the buffer of the standard output now.
            Err(_) if state == "#first" => {
                assert!(n < 20, "{scene}: allocation {n}: {result:?}");
                before = digest(&mut session);
            }
            // The update was done; its answer was not printed.
            Err(_) | Ok(_) => {}
        }
        if state == "#first" {
            check_untouched(&mut session, &before, scene, n);
            failed += 1;
        } else {
            assert_eq!(state, "#second", "{scene}: half an update after allocation {n} failed: {result:?}");
            answer(&mut session, "DSUFailingMemory revert");
            survived += 1;
        }
        assert_eq!(answer(&mut session, "DSUFailingMemory isIdle"), "true", "{scene}: allocation {n}");
        if !came {
            assert!(result.is_ok(), "{scene}: {result:?}");
            assert!(n > 500, "{scene}: only {n} allocations");
            break;
        }
    }
    println!("{scene}: {failed} updates failed, {survived} were done all the same");
    assert!(failed > 300 / step, "{scene}: {failed}");
    let (classes_after, bytes_after) = (self::classes(&mut session), used(&mut session));
    assert_eq!(classes_after, classes, "{scene}: the class table has grown");
    assert!(bytes_after < bytes + 20_000, "{scene}: {bytes} bytes became {bytes_after}");
}

fn used(session: &mut Session) -> usize {
    let bytes =
        answer(session, "DSUUpdate log removeAll. Smalltalk garbageCollect; garbageCollect; garbageCollect");
    bytes.parse().unwrap()
}

fn classes(session: &mut Session) -> usize {
    used(session);
    answer(session, "Smalltalk vm statistic: 'classes'").parse().unwrap()
}

#[test]
fn at_each_allocation_of_an_update_of_a_shape() {
    fail_each("shape", 1, BecomeStrategy::Lazy);
}

#[test]
fn at_each_allocation_of_an_update_with_a_policy_in_smalltalk() {
    fail_each("custom", 3, BecomeStrategy::Lazy);
}

#[test]
fn at_sampled_allocations_under_the_other_become_strategies() {
    for strategy in [BecomeStrategy::AlwaysCheck, BecomeStrategy::FullScan] {
        fail_each("shape", 7, strategy);
        fail_each("custom", 23, strategy);
    }
}

/// With two thousand instances, a policy in Smalltalk, an instance that comes meanwhile, and a trait.
#[test]
fn at_sampled_allocations_of_a_large_update() {
    for (strategy, step) in
        [(BecomeStrategy::Lazy, 97), (BecomeStrategy::AlwaysCheck, 211), (BecomeStrategy::FullScan, 211)]
    {
        fail_each("large", step, strategy);
    }
}

/// A program that holds `megabytes` in instances of the class that is updated.
fn large_program(megabytes: usize) -> Session {
    let mut session = session(small_space(BecomeStrategy::Lazy));
    answer(&mut session, "DSUFailingMemory prepare: #shape; rehearse");
    let count = megabytes * (MIB / 32);
    answer(
        &mut session,
        &format!("Smalltalk at: #Many put: ((1 to: {count}) collect: [ :each | DSUTestSample with: each ])"),
    );
    session
}

#[test]
fn instances_that_do_not_fit_twice_stay_as_they_are() {
    let mut session = large_program(48);
    answer(&mut session, "DSUFailingMemory apply");
    used(&mut session);
    let before = digest(&mut session);
    let why = answer(&mut session, "DSUFailingMemory apply");
    assert!(why.contains("OutOfMemory"), "{why}");
    check_untouched(&mut session, &before, "a heap that is too small", 0);
    answer(&mut session, "Smalltalk at: #Many put: nil. Smalltalk garbageCollect");
    assert_eq!(answer(&mut session, "DSUFailingMemory apply"), "nil");
    assert_eq!(answer(&mut session, "DSUFailingMemory state"), "#second");
}

#[test]
fn a_policy_that_allocates_without_end_changes_nothing() {
    let mut session = large_program(1);
    let greedy = "| kept | kept := OrderedCollection new. DSUFailingMemory patch policy: (DSUPolicy amend: [ :old :new | \
        [ kept add: (ByteArray new: 100000) ] repeat ]) for: #DSUTestSample";
    answer(&mut session, greedy);
    answer(&mut session, "DSUFailingMemory apply");
    used(&mut session);
    let before = digest(&mut session);
    let why = answer(&mut session, "DSUFailingMemory apply");
    assert!(why.contains("OutOfMemory"), "{why}");
    check_untouched(&mut session, &before, "a greedy policy", 0);
    assert_eq!(answer(&mut session, "DSUFailingMemory isIdle"), "true");
}

/// Allocates without end, and once more while that is handled: the runtime ends the process.
const INSATIABLE: &str = "insatiable := [ :keep | | kept greed | greed := [ [ kept := { kept. nil. nil. nil. nil. nil. nil. nil }. \
    keep ifTrue: [ Smalltalk at: #Kept put: kept ] ] repeat ]. \
    [ greed value ] on: OutOfMemory do: [ :error | greed value ] ]";

/// How a process comes to do that: in a policy, so that the worker ends, and where somebody listens, so that the updater ends.
fn insatiable_processes(keep: bool) -> [String; 2] {
    [
        format!(
            "[ :update | update patch policy: (DSUPolicy amend: [ :old :new | insatiable value: {keep} ]) for: #DSUTestSample ]"
        ),
        format!(
            "[ :update | update patch policy: DSUPolicy byName for: #DSUTestSample. \
            update when: DSUStep do: [ :step | step name == #suspend ifTrue: [ insatiable value: {keep} ] ] ]"
        ),
    ]
}

const APPLY: &str = "update := DSUUpdate for: DSUFailingMemory patch. what value: update. \
    [ update apply. nil ] on: Error do: [ :error | error description ]";

#[test]
fn a_process_that_the_runtime_ends_for_want_of_memory_lets_the_requester_go_on() {
    let mut session = large_program(1);
    answer(&mut session, "DSUFailingMemory apply. DSUFailingMemory revert");
    answer(&mut session, INSATIABLE);
    for what in insatiable_processes(false) {
        answer(&mut session, &format!("what := {what}"));
        answer(&mut session, APPLY);
        used(&mut session);
        let before = digest(&mut session);
        let why = answer(&mut session, APPLY);
        assert!(why.contains("was terminated"), "{why}");
        check_untouched(&mut session, &before, "an insatiable process", 0);
        assert_eq!(answer(&mut session, "DSUFailingMemory isIdle"), "true");
    }
    answer(&mut session, "what := [ :update | update patch policy: DSUPolicy byName for: #DSUTestSample ]");
    assert_eq!(answer(&mut session, APPLY), "nil");
    assert_eq!(answer(&mut session, "DSUFailingMemory state"), "#second");
}

/// The requester has no memory to go on with either, but neither it nor the program stands still: a process that waits beside goes on and
/// frees what was kept, and then the next update is possible.
#[test]
fn a_program_that_holds_all_memory_does_not_stand_still() {
    for what in insatiable_processes(true) {
        let mut session = large_program(1);
        answer(&mut session, INSATIABLE);
        answer(&mut session, &format!("what := {what}"));
        let beside = format!(
            "done := Semaphore new. Smalltalk at: #Kept put: nil. \
            [ (Delay forMilliseconds: 100) wait. Smalltalk at: #Kept put: nil. done signal ] fork. \
            [ {APPLY} ] fork. done wait. Smalltalk garbageCollect. 7"
        );
        assert_eq!(answer(&mut session, &beside), "7");
        answer(
            &mut session,
            "what := [ :update | update patch policy: DSUPolicy byName for: #DSUTestSample ]",
        );
        assert_eq!(answer(&mut session, "DSUFailingMemory state"), "#first");
        assert_eq!(answer(&mut session, "DSUFailingMemory isIdle"), "true");
        assert_eq!(answer(&mut session, APPLY), "nil");
        assert_eq!(answer(&mut session, "DSUFailingMemory state"), "#second");
    }
}
