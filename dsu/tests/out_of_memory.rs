//! Memory runs out at each allocation of an update in turn, in the analysis, the wait for the safe point, the migration, the validation,
//! the commit, and whatever the engine does when it gives up. The program is as it was, or the update has been done; and the next update works.

mod common;

use common::{answer, session};
use instar_gc::GcConfig;
use instar_heap::{HeapConfig, MIB};
use instar_interp::bootstrap::Problem;
use instar_interp::host::Session;
use instar_interp::vm::SpaceOptions;

fn small_space() -> SpaceOptions {
    let heap = HeapConfig {
        limit_bytes: 96 * MIB,
        eden_bytes: 1 << 20,
        survivor_bytes: 1 << 20,
        huge_pages: false,
        ..HeapConfig::default()
    };
    SpaceOptions { gc: GcConfig { heap, ..GcConfig::default() }, ..SpaceOptions::default() }
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
fn fail_each(scene: &str, step: usize) {
    let mut session = session(small_space());
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
    fail_each("shape", 1);
}

#[test]
fn at_each_allocation_of_an_update_with_a_policy_in_smalltalk() {
    fail_each("custom", 3);
}

/// A program that holds `megabytes` in instances of the class that is updated.
fn large_program(megabytes: usize) -> Session {
    let mut session = session(small_space());
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
